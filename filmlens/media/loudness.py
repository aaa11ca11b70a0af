"""Loudness of sound as ears take it: ITU-R BS.1770-4, integrated, in LUFS.

K-weighting (a shelf for the head, a high pass), mean square over blocks of 400 ms that overlap by three quarters,
gated at -70 LUFS and then at 10 LU under the mean of what is left.
"""

from __future__ import annotations

import numpy as np

#: Samples per second that the standard states its filters for.
RATE = 48_000
# BS.1770-4, tables 1 and 2
_K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
_BLOCK, _STEP = round(0.4 * RATE), round(0.1 * RATE)


def loudness(sound: np.ndarray) -> float:
    """Integrated loudness [LUFS] of (n,) or (channels, n) at `RATE`; -inf for silence and for what lies under the gate.

    Every channel counts alike, as left, right and centre do in the standard. Sound shorter than a block is one block. A
    sine of 997 Hz at full scale in one channel is the standard's reference of -3.01:

    >>> tone = np.sin(2 * np.pi * 997 * np.arange(2 * RATE) / RATE)
    >>> round(loudness(tone), 2)
    -3.01
    """
    from scipy.signal import sosfilt  # takes longer to load than all else here

    sound = np.atleast_2d(np.asarray(sound, float))
    if not sound.shape[1]:
        return float("-inf")
    square = (sosfilt(_K_WEIGHTING, sound, axis=1) ** 2).sum(axis=0)
    total = np.concatenate([[0.0], np.cumsum(square)])
    size = min(_BLOCK, len(square))
    starts = np.arange(0, len(square) - size + 1, _STEP)
    power = np.maximum(total[starts + size] - total[starts], 0.0) / size
    power = power[_lufs(power) > -70]
    if len(power):
        power = power[_lufs(power) > _lufs(power.mean()) - 10]
    return float(_lufs(power.mean())) if len(power) else float("-inf")


def _lufs(power: np.ndarray | float) -> np.ndarray | float:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)
