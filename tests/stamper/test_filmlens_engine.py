"""The parts of the FilmLens engine beside literal loops."""

import itertools
import math

import numpy as np
import pytest
import soxr
from pieces import RATE, TRACKS, four_tracks, music, noise, two_cues
from scipy.ndimage import maximum_filter, uniform_filter1d

from filmlens.stamper import landmarks, lines, path, votes


@pytest.fixture(scope="module")
def index():
    return four_tracks()


@pytest.fixture(scope="module")
def film():
    return two_cues().copy()


def test_peaks_are_the_maxima_of_their_surroundings():
    sound = soxr.resample(music(8, 3) + noise(8), RATE, landmarks.RATE)
    framed = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::256]
    power = np.abs(np.fft.rfft(framed * np.hanning(1025)[:-1], axis=1)) ** 2
    level = np.log(power + 1e-7)
    level -= uniform_filter1d(level, 41, axis=1, mode="nearest")
    np.testing.assert_allclose(landmarks.whitened(landmarks.power(sound)), level, atol=2e-2)
    level = landmarks.whitened(landmarks.power(sound))
    around = maximum_filter(level, (9, 33), mode="constant", cval=-np.inf)
    t, f = np.nonzero((level == around) & (level > 2))
    inside = (t > 0) & (t < len(level) - 1) & (f >= 14) & (f < 500)
    time, freq, height = landmarks.pick(level)
    assert list(zip(np.rint(time), np.rint(freq), strict=True)) == list(zip(t[inside], f[inside], strict=True))
    np.testing.assert_array_equal(height, level[t[inside], f[inside]])
    assert np.abs(time - t[inside]).max() <= 0.5


def test_peaks_do_not_depend_on_how_the_sound_is_read():
    sound = soxr.resample(np.concatenate([TRACKS["t0"], TRACKS["t1"]]), RATE, landmarks.RATE)
    time, freq, _, seconds, *_ = landmarks.landmarks((sound, landmarks.RATE))
    whole = landmarks.pick(landmarks.whitened(landmarks.power(sound)))
    order = np.argsort(whole[0], kind="stable")
    np.testing.assert_allclose(time, whole[0][order], atol=1e-3)
    # Two peaks of one frame may change places by the last bit of their times.
    np.testing.assert_array_equal(np.sort(freq), np.sort(whole[1]))
    assert seconds == pytest.approx(len(sound) / landmarks.RATE)


def test_votes_equal_a_literal_count(index, film):
    field = votes.lay_out(index)
    time, freq, height, *_ = landmarks.landmarks((film, RATE))
    ticks, cells = np.rint(time * 4.0).astype(np.int64), votes.cells_of(freq)
    trust = landmarks.trust(height)
    start = round(25 * landmarks.FRAMES_S)
    place, z, peaks = votes.candidates(ticks, cells, trust, np.array([start]), field)
    counts = np.zeros(field.edges[-1] + 2)
    inside = (ticks >= start * 4) & (ticks < (start + round(5 * landmarks.FRAMES_S)) * 4)
    bounds = np.append(field.ptr[0], len(field.ticks))
    for tick, cell, sure in zip(ticks[inside], cells[inside], trust[inside], strict=True):
        for step, share in ((-1, 0.5), (0, 1.0), (1, 0.5)):
            for there in field.ticks[bounds[cell + step] : bounds[cell + step + 1]]:
                offset = (there - (tick - start * 4) + 2) // 4
                if offset >= 0:
                    counts[offset] += share * sure * math.log1p(0.15 / field.chance[cell])
    smooth = counts + 0.6 * (np.roll(counts, 1) + np.roll(counts, -1))
    assert peaks[0] == inside.sum()
    assert abs(place[0, 0] - np.argmax(smooth)) <= 1
    assert z[0, 0] == pytest.approx((smooth.max() - smooth.mean()) / smooth.std(), rel=0.01)
    reference = int(field.reference_of(place[0, :1])[0])
    assert index.names[field.owner[reference]] == "t1"
    assert (place[0, 0] - field.start[reference]) / landmarks.FRAMES_S == pytest.approx(15, abs=0.05)


def test_the_best_path_is_the_best_of_all_paths():
    rng = np.random.default_rng(4)
    first, last, steps = np.array([0, 1, 2]), np.array([4, 5, 5]), 5
    ptr = np.concatenate([[0], np.cumsum(last - first)])
    states = [[(-1, 0)] + [(i, q) for i in range(3) if first[i] <= k < last[i] for q in range(2)] for k in range(steps)]

    def worth(way, nats):
        total, before = 0.0, (-1, 0)
        for k, (line, level) in enumerate(way):
            if line != before[0]:
                total -= (path.STOP if before[0] >= 0 else 0) + (3.0 if line >= 0 else 0)
            elif level != before[1]:
                total -= path.CHANGE_LEVEL
            if line >= 0:
                total += min(path.TEMPER * nats[ptr[line] + k - first[line], level], path.MOST) - path.STAY
            before = line, level
        return total

    for _ in range(8):
        nats = rng.normal(0, 4, (ptr[-1], 2))
        best = max(itertools.product(*states), key=lambda way: worth(way, nats))
        found = np.full(steps, -1)
        for line, begin, end, score in path.best_path(nats, ptr, first, last, steps=steps, start_cost=3.0):
            found[begin:end] = line
            levels = [q for _, q in best[begin:end]]
            rows = ptr[line] + np.arange(begin, end) - first[line]
            assert score == pytest.approx(
                np.minimum(path.TEMPER * nats[rows, levels], path.MOST).sum() - path.STAY * len(rows)
            )
        assert found.tolist() == [line for line, _ in best]


@pytest.mark.parametrize("both", [0, 16, 40])
@pytest.mark.parametrize("found", [-6, 0, 6])
def test_a_change_of_tracks_lies_in_the_middle_of_their_blend(both, found):
    """One track until step 100 and half of `both` beyond, the other from as much before; the path's change is off."""
    rng = np.random.default_rng(both)
    steps, half = 200, both // 2
    nats = rng.normal(-0.3, 0.2, (2 * steps, 2))
    nats[: 100 + half] = rng.normal(6, 1, (100 + half, 2))
    nats[steps + 100 - half :] = rng.normal(4, 1, (100 + half, 2))
    ptr, first, last = np.array([0, steps, 2 * steps]), np.zeros(2, int), np.full(2, steps)
    change = 100 + (found if both else 0)
    stretches = [(0, 0, change, 50.0), (1, change, steps, 40.0)]
    (_, _, moved, old), (_, begin, _, new) = path.centred(stretches, nats, ptr, first, last, np.array([4, 7]))
    assert moved == begin and abs(moved - 100) <= 2
    gain = np.minimum(path.TEMPER * nats.max(axis=1), path.MOST) - path.STAY
    assert old - 50 == pytest.approx(gain[:moved].sum() - gain[:change].sum())
    assert new - 40 == pytest.approx(gain[steps + moved :].sum() - gain[steps + change :].sum())
    same = path.centred(stretches, nats, ptr, first, last, np.array([4, 4]))
    assert same == stretches, "within one track the path's own change stays: loops are heard on both sides"


def test_evidence_is_for_the_right_line_and_against_others(index, film):
    field = votes.lay_out(index)
    time, freq, height, seconds, *_ = landmarks.landmarks((film, RATE))
    ticks, cells = np.rint(time * 4.0).astype(np.int64), votes.cells_of(freq)
    starts = np.rint(np.arange(0, seconds - 5, 2.5) * landmarks.FRAMES_S).astype(np.int64)
    trust = landmarks.trust(height)
    place, z, peaks = votes.candidates(ticks, cells, trust, starts, field)
    found = lines.link(starts, place, z, peaks, field, steps=int(seconds / lines.STEP_S) + 1)
    nats, ptr = lines.evidence(found, ticks, cells, trust, field, strictness=0.5)
    totals = [nats[a:b].sum(axis=0).max() for a, b in itertools.pairwise(ptr)]
    best = np.argsort(totals)[::-1]
    assert {index.names[field.owner[found.reference[i]]] for i in best[:2]} == {"t1", "t3"}
    right = [
        index.names[field.owner[reference]] in ("t1", "t3") and not field.decoy[reference]
        for reference in found.reference
    ]
    assert max(t for t, r in zip(totals, right, strict=True) if not r) < 0.1 * totals[best[1]]
