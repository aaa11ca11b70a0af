"""Peaks by contrast, and autocorrelations cleared of their own multiples (MIRtoolbox 1.8.1 mirpeaks, mirautocor).

A peak counts when the curve falls by at least the contrast on both of its sides before it rises above it again.
Roughness, tempo and pitch pick their peaks with it; tempo and pitch first enhance their autocorrelation
(Tolonen & Karjalainen 2000): copies of the curve stretched 2, 3, ... 10 times are subtracted from it.
"""

import numpy as np

from .framing import span, strict

#: How many times the autocorrelation is stretched and subtracted.
STRETCHES = 10


@strict
def contrast_peaks(curve, contrast, threshold, inner, found):
    """Indices of the peaks of a curve (n,) scaled to 0 to 1, in rising order into `found` (n,); gives their number.

    `contrast` is how far the curve must fall on either side of a peak, and the least height of a peak, as is
    `threshold`. With `inner` the two ends are no peaks; otherwise the curve counts as minus infinity outside.
    """
    outside = np.inf if inner else -np.inf
    least = max(contrast, threshold)
    count = 0
    candidate = -1
    height = 0.0
    before = 0.0  # lowest point between the last accepted peak and the candidate
    lowest = outside  # lowest point since the candidate, or since the beginning
    value, right = outside, curve[0]
    for i in range(curve.size):
        left, value = value, right
        right = curve[i + 1] if i < curve.size - 1 else outside
        if not (value > left and right <= value and value >= least):
            lowest = min(lowest, value)
        elif candidate < 0:
            candidate, height, before, lowest = i, value, lowest, np.inf
        elif height - lowest < contrast:
            before = min(before, lowest)
            if value > height:
                candidate, height, lowest = i, value, np.inf
        elif height - before < contrast:
            candidate, height, before, lowest = i, value, min(before, lowest), np.inf
        else:
            found[count] = candidate
            count += 1
            candidate, height, before, lowest = i, value, lowest, np.inf
    if candidate >= 0 and height - before >= contrast and height - min(lowest, outside) >= contrast:
        found[count] = candidate
        count += 1
    return count


@strict
def _floor_of_curve(curve):
    """The highest valley under the lowest peak, which becomes the zero of the enhancement (NaN if there is none)."""
    low, high = span(curve)
    if not high > low:
        return np.nan
    found = np.empty(curve.size, np.int64)
    count = contrast_peaks((curve - low) / (high - low), 0.01, 0.0, True, found)
    if count == 0:
        return np.nan
    peaks = curve[found[:count]]
    count = contrast_peaks((high - curve) / (high - low), 0.01, 0.0, False, found)
    valleys = curve[found[:count]]
    valleys = valleys[valleys < peaks.min()]
    return valleys.max() if valleys.size else np.nan


@strict
def enhance(curve, first_lag, keep, out):
    """Enhanced autocorrelation at the first `keep` lags of a curve, into `out` (keep,).

    `curve` (n,), of which all peaks and valleys count, is at the lags ``first_lag, first_lag + 1, ...`` in samples.
    """
    zero = _floor_of_curve(curve)
    if np.isnan(zero):
        zero = 0.0
    removed = 0
    slope = curve[1] - curve[0]
    if slope < 0:
        # the fall from lag 0 is cut off
        removed = np.argmax(curve[1:] > curve[:-1])
        slope = curve[removed + 1] - curve[removed]
    added = 0
    if slope > 0:
        # the rise is prolonged to the left, ever steeper, until it meets zero
        level, step = curve[removed] - zero, slope
        while level > 0:
            step *= 1.1
            level -= step
            added += 1
    size = max(keep - removed, 0) + added
    start = first_lag + removed - added
    y = np.empty(size)
    y[added:] = curve[removed : removed + size - added] - zero
    if slope > 0:
        level, step = curve[removed] - zero, slope
        for i in range(added - 1, -1, -1):
            step *= 1.1
            level -= step
            y[i] = level
        if size > 0:
            y[0] = 0.0
    stretched = np.empty(size)
    for factor in range(2, STRETCHES + 1):
        # the first lag other than 0 whose source lies on the curve
        begin = (factor - 1) * start if start > 0 else int(start == 0)
        if begin >= size:
            continue
        offset = start + begin - factor * start
        whole, part = offset // factor, offset % factor
        share = 1 / factor
        for j in range(begin, size):
            value = y[whole]
            if part > 0:
                value += (y[whole + 1] - value) * (part * share)
            stretched[j] = max(value, 0.0)
            part += 1
            if part == factor:
                part = 0
                whole += 1
        y[:begin] = np.maximum(y[:begin], 0.0)
        y[begin:] = np.maximum(y[begin:] - stretched[begin:], 0.0)
    for i in range(keep):
        j = i + added - removed
        out[i] = (y[j] if j >= 0 else 0.0) + zero
