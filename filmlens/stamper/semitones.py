"""Loudness by semitones, and what a film lacks of a track: whether a match is the very recording.

Landmarks say what film and track share; music in the same key, of the same instruments or on the same notes shares much
of it. But a film in which a recording sounds cannot be softer than it in any semitone at any time, whatever else is
heard. Where other music or another rendition sounds, it is: notes of the track are lacking.
"""

import numpy as np

RATE, FFT, HOP = 11_025, 1024, 256
POOLED = 4  # frames of a row
ROW_S = POOLED * HOP / RATE  # 93 ms
LOWEST, HIGHEST = 54, 111  # MIDI, 185 Hz to 4.7 kHz
STEP = 0.11  # nepers of power, of one unit; 0 is digital silence
_FLOOR = 1e-7
# Of a row the loudest semitones of the track are looked at; of a block of rows, as many values as are closest together
# are the level at which the track sounds; what is so many nepers of power below it lacks. Fewer values tell nothing.
_PROMINENT, _BLOCK, _LEVEL, _BELOW, _LEAST = 0.6, 12, 0.2, 1.4, 60
_FEW, _SEMITONES = 6, 10  # rows in which a semitone must be prominent, and semitones, to know how they come through


def _bands() -> np.ndarray:
    """Weights of the bins of a spectrum in each semitone, shape (513, semitones): their mean, or the nearest bin."""
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    middle = 440 * 2 ** ((np.arange(LOWEST, HIGHEST + 1) - 69) / 12)
    nearest = np.abs(np.log(np.maximum(hertz, 1))[:, None] - np.log(middle)) <= np.log(2) / 24
    nearest[np.abs(hertz[:, None] - middle).argmin(axis=0), np.arange(len(middle))] = True
    return (nearest / nearest.sum(axis=0)).astype(np.float32)


_BANDS = _bands()
COUNT = _BANDS.shape[1]
NONE = np.zeros((0, COUNT), np.uint8)


def levels(power: np.ndarray) -> np.ndarray:
    """Loudness of every semitone, uint8 of shape (frames // 4, semitones), from the power of frames, (frames, 513)."""
    rows = len(power) // POOLED
    mean = (power[: rows * POOLED] @ _BANDS).reshape(rows, POOLED, COUNT).mean(axis=1)
    return np.clip(np.rint(np.log(mean / _FLOOR + 1) / STEP), 0, 255).astype(np.uint8)


def between(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Rows at places between them, float32; before the first and after the last, those."""
    low = np.clip(place.astype(np.int64), 0, len(rows) - 1)
    part = np.clip(place - low, 0, 1)[:, None].astype(np.float32)
    return (1 - part) * rows[low] + part * rows[np.minimum(low + 1, len(rows) - 1)]


def lacking(film: np.ndarray, track: np.ndarray, at: np.ndarray, begin: int, pitch: float = 1.0) -> float:
    """Share of a track's prominent semitones that the film is too soft to hold.

    Parameters
    ----------
    film, track : ndarrays of uint8, shape (rows, semitones)
        As `levels` gives them.
    at : ndarray
        Row of the track, with a fraction, at each row of the film from row `begin` on.
    pitch : float
        How much higher the film is.

    Returns
    -------
    float
        Median over blocks of a second; NaN of less than a third of a second, or where the track is not known.
    """
    if len(track) < 2 or len(at) * COUNT * (1 - _PROMINENT) < _LEAST:
        return np.nan
    theirs = between(track, at)
    here = film[begin : begin + len(at)].astype(np.float32)
    shift = 12 * np.log2(pitch)
    if shift:  # between two semitones the louder one
        low, high = int(np.floor(shift)), int(np.ceil(shift))
        kept = slice(max(0, -low), COUNT - max(0, high))
        here = np.maximum(*(here[:, kept.start + s : kept.stop + s] for s in (low, high)))
        theirs = theirs[:, kept]
    prominent = theirs >= np.quantile(theirs, _PROMINENT, axis=1, keepdims=True)
    apart = (here - theirs) * STEP
    apart -= _equalizer(apart, prominent)
    shares = []
    for row in range(0, len(at), _BLOCK):
        block = slice(row, row + _BLOCK)
        values = np.sort(apart[block][prominent[block]])
        if row and len(values) < _LEAST:
            continue
        many = max(1, int(_LEVEL * len(values)))
        closest = int(np.argmin(values[many:] - values[:-many]))
        level = (values[closest] + values[closest + many]) / 2
        shares.append(np.mean(values < level - _BELOW))
    return float(np.median(shares))


def _equalizer(apart: np.ndarray, prominent: np.ndarray) -> np.ndarray:
    """How much more or less than others each semitone comes through: a wall, a telephone or a mixer weakens some."""
    known = np.flatnonzero(prominent.sum(axis=0) >= _FEW)
    if len(known) < _SEMITONES:
        return np.zeros(apart.shape[1], apart.dtype)
    low = [np.quantile(apart[prominent[:, n], n], _LEVEL) for n in known]
    curve = np.interp(np.arange(apart.shape[1]), known, low)
    curve = np.convolve(np.pad(curve, 6, mode="edge"), np.full(13, 1 / 13), "valid")  # an octave
    return (curve - np.median(curve)).astype(apart.dtype)
