"""How far librosa's nearest functions are from the descriptors measured here.

A study on librosa's defaults is another study than one on MIRtoolbox's: this room says by how much, on any sound.
"""

from collections.abc import Callable
from functools import partial

import librosa
import numpy as np
import pandas as pd

from .columns import DESCRIPTORS
from .extract import frame_features
from .framing import RATE, prepare

_mfcc = partial(librosa.feature.mfcc, n_mfcc=14)
#: The nearest function of each descriptor that has one: (descriptor, librosa's name with its arguments, function).
NEAREST: tuple[tuple[str, str, Callable], ...] = (
    ("mfcc", "feature.mfcc", _mfcc),
    ("mfcc", "feature.mfcc, 133.3-6855 Hz", partial(_mfcc, n_mels=40, fmin=133.3, fmax=6855)),
    ("dmfcc", "feature.delta", lambda **sound: librosa.feature.delta(_mfcc(**sound))),
    ("ddmfcc", "feature.delta, order 2", lambda **sound: librosa.feature.delta(_mfcc(**sound), order=2)),
    ("rms", "feature.rms", lambda y, sr: librosa.feature.rms(y=y)),
    ("chroma", "feature.chroma_stft", librosa.feature.chroma_stft),
    ("tempo", "feature.tempo, frame-wise", partial(librosa.feature.tempo, aggregate=None)),
    ("centroid", "feature.spectral_centroid", librosa.feature.spectral_centroid),
    ("flatness", "feature.spectral_flatness", lambda y, sr: librosa.feature.spectral_flatness(y=y)),
    ("spread", "feature.spectral_bandwidth", librosa.feature.spectral_bandwidth),
    ("zerocross", "feature.zero_crossing_rate", lambda y, sr: librosa.feature.zero_crossing_rate(y=y)),
    ("brightness", "feature.spectral_rolloff", librosa.feature.spectral_rolloff),
)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r over the frames in which both are measured; NaN when one of them does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or not (np.ptp(a[both]) > 0 and np.ptp(b[both]) > 0):
        return np.nan
    return float(np.corrcoef(a[both], b[both])[0, 1])


def librosa_distance(samples: np.ndarray, rate: float) -> pd.DataFrame:
    """Correlation over time of every descriptor with librosa's nearest function at its defaults, both at 44.1 kHz.

    Gives ``descriptor``, ``librosa function`` (empty when librosa has none) and ``r``: Pearson's, librosa's frames
    interpolated to the times of ours; the median over the dimensions of MFCC and chroma; NaN without a function or when
    one side is constant.
    """
    signal = prepare(samples, rate)
    frames = frame_features(signal, RATE)
    rows = []
    for descriptor, (times, values) in ((row.descriptor, frames[row.descriptor]) for row in DESCRIPTORS):
        peers = [(name, function) for key, name, function in NEAREST if key == descriptor]
        for name, function in peers or [("", None)]:
            each = []
            if function is not None and len(times):
                other = np.atleast_2d(function(y=signal, sr=RATE))
                at = librosa.frames_to_time(np.arange(other.shape[1]), sr=RATE)
                aligned = (np.interp(times, at, dimension) for dimension in other)
                each = [_correlation(ours, theirs) for ours, theirs in zip(values.T, aligned, strict=True)]
            rows.append((descriptor, name, float(np.median([e for e in each if np.isfinite(e)] or [np.nan]))))
    return pd.DataFrame(rows, columns=["descriptor", "librosa function", "r"])
