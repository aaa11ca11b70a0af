"""The plan of the synthetic corpus: films enough of every genre, cues inside films, three transplanted cues."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from filmlens.demo import ground_truth
from filmlens.demo.effects import MUSIC_EFFECTS, PICTURE_EFFECTS
from filmlens.demo.plan import CUE_SECONDS, plan_films, planted
from filmlens.demo.synth import DESCRIPTORS
from filmlens.look import GENRES


def counts(films):
    return Counter(genre for film in films for genre in film.genres)


def test_thirty_six_films_have_twelve_of_every_genre():
    films = plan_films()
    count = counts(films)
    assert count == {"Action": 13, "Comedy": 12, "Drama": 12, "Horror": 12, "Romance": 12, "Sci-Fi": 12}
    assert sum(len(film.genres) == 1 for film in films) == 6
    sets = Counter(film.genres for film in films)
    assert sum(sets[film.genres] > 1 for film in films) == 27  # the null within label sets has what to move
    assert Counter(film.ending for film in films) == {".mp4": 24, ".mkv": 12}
    assert 3 <= sum(film.pictures.bar > 0 for film in films) <= 18
    assert all(list(film.genres) == sorted(film.genres, key=GENRES.index) for film in films)


def test_small_corpora_have_every_genre():
    assert set(counts(plan_films(films=6, seconds=30))) == set(GENRES)
    assert min(counts(plan_films(films=8, seconds=30)).values()) >= 2
    assert [len(plan_films(films=n, seconds=30)) for n in (1, 2, 3, 37, 110)] == [1, 2, 3, 37, 110]


@pytest.mark.parametrize("seconds", [12, 20, 24, 30, 45, 90, 600])
@pytest.mark.parametrize("seed", [0, 1])
def test_cues_lie_inside_the_film_and_their_track(seconds, seed):
    for film in plan_films(films=9, seconds=seconds, seed=seed):
        tracks = {track.name: track for track in film.tracks}
        assert len(tracks) == len(film.tracks) and 4 <= len(tracks) <= 6
        at = 0.0
        for cue in film.cues:
            assert cue.start > at and cue.end < seconds
            assert CUE_SECONDS[0] - 0.001 <= cue.end - cue.start <= CUE_SECONDS[1] + 0.001
            assert 0 <= cue.track_start <= tracks[cue.track].seconds - (cue.end - cue.start)
            assert -5 <= cue.level <= 10
            at = cue.end
        share = sum(cue.end - cue.start for cue in film.cues) / seconds
        assert 0.4 <= share <= 0.7
        if seconds == 90:
            assert 2 <= len(film.cues) <= 4
            assert all(20 <= track.seconds <= 45 for track in film.tracks)


@pytest.mark.parametrize("seed", range(5))
def test_three_cues_are_transplanted(seed):
    films = plan_films(seed=seed)
    story = planted(films, seed=seed)
    by_id = {film.film_id: film for film in films}
    assert len({row["film_id"] for row in story["transplanted"]}) == len(story["transplanted"]) == 3
    for row in story["transplanted"]:
        film = by_id[row["film_id"]]
        assert row["genre"] not in film.genres
        assert (row["track"], row["start"], row["end"]) in [(c.track, c.start, c.end) for c in film.cues]
        assert next(t.genre for t in film.tracks if t.name == row["track"]) == row["genre"]
        assert len(film.cues) >= 3  # most of the film's music is its own
    for film in films:
        assert all(track.transplanted or track.genre in film.genres for track in film.tracks)


def test_every_genre_of_a_film_is_heard_in_it():
    for film in plan_films():
        main = {track.name: track.genre for track in film.tracks if not track.transplanted}
        heard = {main[cue.track] for cue in film.cues if cue.track in main}
        assert len(heard) >= min(len(film.genres), 2)


def test_styles_lean_on_the_genre_with_overlap():
    films = [film for seed in range(6) for film in plan_films(seed=seed)]
    styles = {g: [] for g in GENRES}
    for film in films:
        for track in film.tracks:
            styles[track.genre].append([track.style[d] for d in DESCRIPTORS])
    for genre, rows in styles.items():
        rows = np.array(rows)
        leaning = np.array(MUSIC_EFFECTS[genre])
        assert np.corrcoef(rows.mean(axis=0), leaning)[0, 1] > 0.8
        for d in range(len(DESCRIPTORS)):  # no single descriptor gives a genre away
            others = np.concatenate([np.array(styles[g])[:, d] for g in GENRES if g != genre])
            assert rows[:, d].min() < others.max() and rows[:, d].max() > others.min()


def test_names_are_invented_and_awkward():
    films = plan_films(films=110)
    titles = [film.title for film in films]
    assert len(set(titles)) == 110
    assert any("&" in title for title in titles) and not all(title.isascii() for title in titles)
    tracks = [track.name for film in films for track in film.tracks]
    assert any("&" in name for name in tracks) and any(name.startswith("CD2/01") for name in tracks)
    sequels = Counter(film.franchise for film in films if film.franchise)
    assert set(sequels.values()) == {2}
    assert 1 < len({film.composer for film in films}) < 110


def test_the_seed_changes_the_plan_and_nothing_else_does():
    assert plan_films(seed=3) == plan_films(seed=3)
    assert plan_films(seed=3) != plan_films(seed=4)


def test_planted_is_complete():
    films = plan_films(films=4, seconds=30, seed=5)
    story = planted(films, seed=5)
    assert story["synthetic"] is True and story["seed"] == 5 and story["seconds"] == 30
    assert story["music"]["Horror"]["roughness"] == MUSIC_EFFECTS["Horror"][DESCRIPTORS.index("roughness")]
    assert (
        story["pictures"]["Horror"]["brightness"]
        == PICTURE_EFFECTS["Horror"][0]
        == min(lean[0] for lean in PICTURE_EFFECTS.values())
    )
    row = story["films"]["film02"]
    assert {"genres", "tracks", "cues", "pictures", "noise_level"} <= set(row)
    assert set(row["tracks"][0]["style"]) == set(DESCRIPTORS)
    assert {"track", "start", "end", "track_start", "level"} <= set(row["cues"][0])


def test_impossible_plans_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        plan_films(films=0)
    with pytest.raises(ValueError, match="at least 12 s"):
        plan_films(seconds=8)


def test_what_was_planted_and_not_found_says_why(tmp_path):
    planted = pd.DataFrame({"genre": "Horror", "group": ["MFCC", "Tone", "Pitch"], "planted": [True, True, False]})
    importance = pd.DataFrame({"genre": "Horror", "group": ["MFCC", "Tone", "Pitch"], "importance": [0.2, 0.1, 0.0]})
    importance = importance.assign(film_low=[0.1, -0.1, -0.1], film_high=[0.3, 0.3, 0.1], note="")
    table = ground_truth.found_groups(importance, planted)
    assert table["group"].tolist() == ["MFCC", "Tone"] and table["found"].tolist() == [True, False]
    assert table["why"].tolist() == ["", "interval over films -0.10 to 0.30"]
    assert ground_truth.found_pictures(importance, tmp_path) is None
    (tmp_path / "planted.json").write_text(
        json.dumps({"pictures": {"Horror": {"brightness": -1.0, "contrast": 0.9}, "Drama": {"brightness": 0.1}}})
    )
    rows = pd.DataFrame({"genre": "Horror", "measure": ["brightness", "contrast"], "unit": "films", "source": "Actual"})
    rows = rows.assign(difference=[-0.5, -0.1], p_permutation=[0.2, 0.01], n=14, note="")
    assert ground_truth.found_pictures(rows, tmp_path)["why"].tolist() == ["p = 0.20 with 14 films", "other sign"]
