"""What so many films can answer: by the rule of ten, by genres that come together, by what films share."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from filmlens.corpus import Film
from filmlens.corpus.check import Facts, FilmFacts
from filmlens.findings.reach import genre_counts, reach, together


def facts(*genres, cues=0, franchise=""):
    films = [
        Film(f"f{i}", f"F{i}", 2000, g, Path("f"), None, None, i + 2, Path("."), {"franchise": franchise})
        for i, g in enumerate(genres)
    ]
    return Facts([FilmFacts(film, cues=cues) for film in films])


def test_counts_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    found = facts(*[tuple(g for g in ("Action", "Drama", "Horror") if rng.random() < 0.4) for _ in range(40)])
    labels, both = found.labels(), together(found.labels())
    for row in genre_counts(labels).itertuples():
        films = [f.film.genres for f in found.films]
        assert row.films == sum(row.genre in g for g in films) and row.films + row.without == 40
        assert row.alone == sum(g == (row.genre,) for g in films)
        for other in labels.columns:
            assert both.loc[row.genre, other] == sum(row.genre in g and other in g for g in films)


def test_the_smallest_difference_is_found_in_four_of_five_corpora():
    rng = np.random.default_rng(1)
    least = genre_counts(facts(*[("Action",)] * 18, *[("Drama",)] * 18).labels()).loc[0, "detectable"]
    found = [stats.ttest_ind(rng.normal(least, 1, 18), rng.normal(0, 1, 18)).pvalue < 0.05 for _ in range(2000)]
    assert abs(np.mean(found) - 0.8) < 0.05


def test_few_films_of_a_genre_are_not_compared():
    said = reach(facts(*[("Action",)] * 15, *[("Horror",)] * 4, *[("Drama",)] * 10))
    assert any("go with Action (15 films with it, 14 without), Drama (10 films" in line for line in said.can)
    assert any("Horror differs (4 films with it, 25 without)" in li and "6 more with it" in li for li in said.cannot)


def test_many_genres_of_few_films_share_one_sentence():
    genres = [("Action", "Sci-Fi"), ("Comedy",), ("Drama",), ("Horror",)]
    [line] = [line for line in reach(facts(*genres)).cannot if "differs" in line]
    assert all(f"{g} (1 with it, 3 without)" in line for g in ("Action", "Sci-Fi", "Comedy", "Drama", "Horror"))
    assert "Each needs 10 films with it and 10 without it" in line


def test_with_three_films_only_their_cues_are_told_of():
    said = reach(facts(("Action",), ("Drama",), ("Action",)))
    assert len(said.can) == 1 and "each cue" in said.can[0]
    assert any("at least 10 are needed" in line for line in said.cannot)
    assert reach(facts()).can == []


def test_what_cannot_be_told_apart():
    said = reach(facts(*[("Comedy", "Romance")] * 5, *[("Comedy",)] * 9, franchise="Saga")).cannot
    assert any("What belongs to Romance and not to Comedy: all 5 films" in line for line in said)
    assert any("one franchise: Saga (14)" in line for line in said)
    found = facts(("Drama",), ("Drama",))
    found.shared = {("f0", "f1"): ["Theme"]}
    assert any("because 2 films share recordings" in line for line in reach(found).cannot)


@pytest.mark.parametrize(
    ("cues", "words"), [(0, "no cue of these films is annotated"), (3, "6 cues of these films are annotated")]
)
def test_how_well_the_stamper_is_known(cues, words):
    said = reach(facts(("Drama",), ("Drama",), cues=cues))
    assert any(words in line for line in said.cannot)
    assert any("40 annotated cues tell it to about ±0.15" in line for line in reach(facts(("Drama",), cues=40)).can)
