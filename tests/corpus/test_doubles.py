"""Films under two ids are found by looking rows of bits up; the result is that of comparing each with each."""

import itertools

import numpy as np
import pytest

from filmlens.corpus.doubles import _pairs
from filmlens.media.soundprint import SAME, agreement, alike, transformed


def prints_of(rng, films, frames):
    """Signs whose neighbours in time resemble each other, as those of sound do; then copies, changed and shifted."""

    def made(count):
        noise = rng.standard_normal((count + 2, 23))
        return np.sign(noise[:-2] + noise[1:-1] + 0.5 * noise[2:]).astype(np.int8)

    found = [made(frames) for _ in range(films)]
    for wrong in (0.0, 0.1, 0.2, 0.25):
        for source in rng.integers(films, size=4):
            copy = found[source].copy()
            copy[rng.random(copy.shape) < wrong] *= -1
            found.append(np.concatenate([made(int(rng.integers(1, frames // 6))), copy])[:frames])
    found.append(np.zeros((frames, 23), np.int8))  # silence
    found.append(np.zeros((0, 23), np.int8))
    return found


@pytest.mark.parametrize("frames", [1800, 300])
def test_rows_that_are_looked_up_find_what_comparing_all_finds(frames):
    prints = prints_of(np.random.default_rng(frames), 25, frames)
    spectra = [transformed(table) if len(table) else None for table in prints]
    every = itertools.combinations([n for n, table in enumerate(prints) if len(table)], 2)
    same = {(a, b) for a, b in every if agreement(spectra[a], spectra[b]) >= SAME}
    asked = set(alike(prints))
    assert len(same) >= 16 and same <= asked
    assert len(asked) < len(prints) * (len(prints) - 1) / 4, "that each is compared with each"


def test_of_several_rows_of_one_film_each_stands_beside_the_first():
    rng = np.random.default_rng(3)
    [film, other], nothing = prints_of(rng, 2, 400)[:2], np.zeros((0, 23), np.int8)
    copies = 90  # more than a row is set against
    assert _pairs([(film, nothing)] * copies + [(other, nothing)], [5400.0] * (copies + 1)) == [
        (0, n) for n in range(1, copies)
    ]
    # a PAL transfer: its slowed print is that of the longer film, and lengths say so
    assert _pairs([(other, nothing), (film, other)], [5400.0, 5184.0]) == [(0, 1)]
    assert _pairs([(film, other), (other, nothing)], [5184.0, 5400.0]) == [(0, 1)]
    assert _pairs([(other, nothing), (film, other)], [5400.0, 5400.0]) == []
    assert _pairs([None, (film, other)], [5400.0, 5184.0]) == [] == _pairs([], [])
