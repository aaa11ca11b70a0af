"""Contrast-based peaks and enhanced autocorrelations against literal versions on whole arrays."""

import numpy as np
import pytest

from filmlens.features.mir.peaks import contrast_peaks, enhance


def literal_peaks(curve, contrast, threshold, inner):
    """mirpeaks as it is told: all maxima first, then one walk over them with array minima in between."""
    outside = np.inf if inner else -np.inf
    d = np.concatenate([[outside], curve, [outside]])
    maxima = [
        i for i in range(1, len(d) - 1) if d[i] > d[i - 1] and d[i + 1] <= d[i] and d[i] >= max(contrast, threshold)
    ]
    if not maxima:
        return []
    kept, j, height, fall = [], 0, d[maxima[0]], np.inf
    before = d[: maxima[0]].min()
    for k in range(1, len(maxima)):
        fall = min(fall, d[maxima[k - 1] + 1 : maxima[k]].min())
        value = d[maxima[k]]
        if height - fall < contrast:
            before_ = min(before, fall)
            if value > height:
                j, height, before, fall = k, value, before_, np.inf
            else:
                before = before_
        else:
            if height - before >= contrast:
                kept.append(maxima[j])
                before = fall
            else:
                before = min(before, fall)
            j, height, fall = k, value, np.inf
    if height - before >= contrast and height - d[maxima[j] + 1 :].min() >= contrast:
        kept.append(maxima[j])
    return [i - 1 for i in kept]


def peaks(curve, contrast, threshold=0.0, inner=True):
    found = np.empty(curve.size, np.int64)
    return found[: contrast_peaks(curve, contrast, threshold, inner, found)].tolist()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("inner", [True, False])
def test_peaks_are_those_of_the_literal_walk(seed, inner):
    rng = np.random.default_rng(seed)
    curve = np.convolve(rng.random(300), np.ones(1 + seed % 7), "same")
    curve = np.round((curve - curve.min()) / np.ptp(curve), 1 + seed % 5)  # rounding makes plateaus
    for contrast in (0.01, 0.1, 0.3):
        for threshold in (0.0, 0.4):
            assert peaks(curve, contrast, threshold, inner) == literal_peaks(curve, contrast, threshold, inner)


def test_a_dip_shallower_than_the_contrast_does_not_split_a_peak():
    curve = np.array([0.0, 0.9, 0.85, 1.0, 0.2, 0.5, 0.0])
    assert peaks(curve, 0.1) == [3, 5]
    assert peaks(curve, 0.02) == [1, 3, 5]


def test_ends_are_peaks_only_when_asked_for():
    curve = np.array([1.0, 0.0, 0.5])
    assert peaks(curve, 0.1, inner=False) == [0, 2]
    assert peaks(curve, 0.1, inner=True) == []


def literal_enhance(curve, first_lag, factors=range(2, 11)):
    """mirautocor 'Enhanced' with growing arrays and linear interpolation on lags in samples."""
    low, high = curve.min(), curve.max()
    tops = peaks((curve - low) / (high - low), 0.01)
    zero = 0.0
    if tops:
        valleys = curve[peaks((high - curve) / (high - low), 0.01, inner=False)]
        below = valleys[valleys < curve[tops].min()]
        zero = below.max() if below.size else 0.0
    y, x = curve - zero, first_lag + np.arange(curve.size, dtype=float)
    removed = added = 0
    slope = y[1] - y[0]
    if slope < 0:
        rising = np.flatnonzero(np.diff(y) > 0)
        removed = int(rising[0]) if rising.size else 0
        y, x = y[removed:], x[removed:]
        slope = y[1] - y[0]
    if slope > 0:
        while y[0] > 0:
            slope *= 1.1
            added += 1
            y, x = np.concatenate([[y[0] - slope], y]), np.concatenate([[x[0] - 1], x])
        y[0] = 0
    for factor in factors:
        begin = np.flatnonzero((x != 0) & (x / factor >= x[0]))
        if begin.size:
            copy = np.interp(x / factor, x, y)
            copy[: begin[0]] = 0
            y = np.maximum(y - np.maximum(copy, 0), 0)
    shift = added - removed
    return (y[shift:] if shift >= 0 else np.concatenate([np.zeros(-shift), y])) + zero


@pytest.mark.parametrize("first_lag", [0, 1, 30, 827])
@pytest.mark.parametrize("seed", range(8))
def test_enhancement_is_that_of_the_literal_version(first_lag, seed):
    rng = np.random.default_rng(seed)
    lags = first_lag + np.arange(600)
    curve = np.cos(2 * np.pi * lags / rng.uniform(20, 90)) * np.exp(-lags / 700) + 0.05 * rng.standard_normal(600)
    out = np.empty(600)
    enhance(curve, first_lag, 600, out)
    np.testing.assert_allclose(out, literal_enhance(curve, first_lag), rtol=0, atol=1e-12)


def test_the_first_lags_can_be_had_alone():
    lags = np.arange(2000)
    curve = np.cos(2 * np.pi * lags / 83.3) * np.exp(-lags / 900)
    whole, part = np.empty(2000), np.empty(500)
    enhance(curve, 0, 2000, whole)
    enhance(curve, 0, 500, part)
    np.testing.assert_array_equal(part, whole[:500])


def test_multiples_of_a_period_disappear():
    lags = np.arange(600)
    out = np.empty(600)
    enhance(np.cos(2 * np.pi * lags / 50) + 1, 0, 600, out)
    assert out.argmax() == 50
    assert out[100::50].max() < 0.1 * out[50]
