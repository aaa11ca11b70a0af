"""Placement: a literal loop over milliseconds, films without music, tracks, entries, recall by place, bad files."""

import numpy as np
import pandas as pd
import pytest

from filmlens.corpus import Corpus, CorpusError, marks
from filmlens.findings.placement import album_order, entries, placement, recall_by_place, track_use

STEP = 0.5


def films_of(seed, films=12):
    """Cues and annotations at half seconds, and the films' lengths; every fourth film has no cue."""
    rng, rows, truth = np.random.default_rng(seed), [], {}
    lengths = {f"f{k}": float(rng.integers(40, 120)) for k in range(films)}
    for k, (film_id, seconds) in enumerate(lengths.items()):
        spans = [(s := rng.integers(0, 2 * seconds - 20) * STEP, s + rng.integers(1, 30) * STEP) for _ in range(4)]
        rows += [(film_id, f"t{i % 2}", *span) for i, span in enumerate(spans)] if k % 4 else []
        marked = [(f"t{i % 2}", max(0, start - STEP), end) for i, (start, end) in enumerate(spans[:3])]
        truth[film_id] = pd.DataFrame(marked, columns=["track", "start", "end"])
    return pd.DataFrame(rows, columns=["film_id", "track", "start", "end"]), truth, lengths


def moments(spans, seconds):
    """Whether each half second of a film lies in a span."""
    middle = np.arange(0, seconds, STEP) + STEP / 2
    return np.array([any(s <= t < e for s, e in spans) for t in middle])


def test_placement_is_that_of_a_loop_over_moments():
    cues, _, lengths = films_of(0)
    table = placement(cues, lengths).set_index("film_id")
    for film_id, seconds in lengths.items():
        row, music = table.loc[film_id], moments(cues.loc[cues["film_id"] == film_id, ["start", "end"]].values, seconds)
        assert row["covered"] == pytest.approx(music.mean())
        longest = max((len(part) for part in "".join(".#"[int(m)] for m in music).split("#")), default=0)
        assert row["silence"] == pytest.approx(longest * STEP)
        if music.any():
            assert row["first"] == np.argmax(music) * STEP
            assert row["last"] == seconds - np.argmax(music[::-1]) * STEP
        else:
            assert np.isnan(row["first"]) and row["silence"] == seconds and row["cues"] == 0


def test_the_album_kept_turned_round_and_too_short():
    cues = pd.DataFrame({"film_id": ["a"] * 4 + ["b"] * 3 + ["c"], "track": list("xyzx") + list("zyx") + ["x"]})
    cues = cues.assign(start=np.arange(8.0), end=np.arange(8.0) + 1)
    use = track_use(cues, {film_id: ["x", "y", "z", "unused"] for film_id in "abc"})
    table = album_order(use).set_index("film_id")
    assert table["order"].tolist()[:2] == [1.0, -1.0] and np.isnan(table.loc["c", "order"])
    assert table[["tracks", "used", "reused"]].values.tolist() == [[4, 3, 1], [4, 3, 0], [4, 1, 0]]


def test_chance_of_an_entry_is_that_of_entries_at_random():
    rng, lengths = np.random.default_rng(1), {"a": 1000.0}
    cuts = {"a": np.sort(rng.uniform(0, 1000, 60))}
    starts = rng.uniform(0, 1000, 4000)
    cues = pd.DataFrame({"film_id": "a", "start": starts, "end": starts + 1e-6})
    row = entries(cues, lengths, cuts, {}).iloc[0]
    assert row["share"] == pytest.approx(row["chance"], abs=0.03)
    with_cuts = pd.DataFrame({"film_id": "a", "start": cuts["a"] + 0.5, "end": cuts["a"] + 0.6})
    assert entries(with_cuts, lengths, cuts, {}).iloc[0]["share"] == 1


def test_recall_by_place_is_that_of_a_loop_and_needs_ten_films():
    cues, truth, lengths = films_of(2)
    table = recall_by_place(cues, truth, lengths, parts=4, n_boot=50)
    found, true = np.zeros(4), np.zeros(4)
    for film_id, marked in truth.items():
        seconds, own = lengths[film_id], cues[cues["film_id"] == film_id]
        part = ((np.arange(0, seconds, STEP) + STEP / 2) / seconds * 4).astype(int)
        for track, spans in marked.groupby("track"):
            there = moments(spans[["start", "end"]].values, seconds)
            heard = there & moments(own.loc[own["track"] == track, ["start", "end"]].values, seconds)
            true += np.bincount(part[there], minlength=4) * STEP
            found += np.bincount(part[heard], minlength=4) * STEP
    assert table["recall"].to_numpy() == pytest.approx(found / true, abs=0.03)  # parts cut through half seconds
    few = {f: truth[f] for f in list(truth)[:4]}
    assert recall_by_place(cues, few, lengths, n_boot=20)[["low", "high"]].isna().all(axis=None)
    assert recall_by_place(cues, {}, lengths)["recall"].isna().all()


def test_cuts_and_speech_are_read_and_faults_are_named_by_row(two_films):
    corpus = Corpus.open(two_films)
    film = corpus["one"]
    assert marks.cuts(film) is None and marks.speech(film) is None
    for folder in ("cuts", "speech"):
        (two_films / folder).mkdir()
    (two_films / "cuts" / "one.csv").write_text("shot,time\n1,20.5\n2,0:05\n")
    subtitles = "1\n00:00:01,500 --> 00:00:03,000\nHello\n\n2\n00:00:02.000 --> 00:00:04.000 align:start\nYou\n"
    (two_films / "speech" / "one.srt").write_text(subtitles)
    assert marks.cuts(film).tolist() == [5.0, 20.5]
    assert marks.speech(film).tolist() == [[1.5, 3.0], [2.0, 4.0]]
    (two_films / "cuts" / "one.csv").write_text("time\n1\nsoon\n")
    with pytest.raises(CorpusError, match=r"one\.csv row 3: 'soon' is no time"):
        marks.cuts(film)
    (two_films / "cuts" / "one.csv").write_text("begin\n1\n")
    with pytest.raises(CorpusError, match="row 1: the header lacks time"):
        marks.cuts(film)
    (two_films / "cuts" / "one.csv").write_bytes(b"time\n1\xff\n")
    with pytest.raises(CorpusError, match=r"one\.csv") as refused:
        marks.cuts(film)
    assert str(refused.value).count("one.csv") == 1
