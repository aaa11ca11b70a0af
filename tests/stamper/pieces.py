"""Pieces of music that share nothing, and films of them whose cues are known."""

from functools import cache

import numpy as np

from filmlens.stamper import index_tracks

RATE = 22_050


def music(seconds, seed, rate=RATE):
    """Notes with overtones at random times, of any pitch: two pieces have no more in common than noise."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int((seconds + 1) * rate), np.float32)
    t = np.arange(rate // 2) / rate
    for start in np.cumsum(rng.uniform(0.05, 0.21, int(seconds / 0.13))):
        if start >= seconds:
            break
        pitch = 220 * 2 ** rng.uniform(0, 3.3)
        note = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 7)) * np.exp(-6 * t)
        sound[int(start * rate) :][: len(note)] += 0.1 * note
    return sound[: int(seconds * rate)]


def noise(seconds, seed=99, level=0.01):
    return level * np.random.default_rng(seed).standard_normal(int(seconds * RATE)).astype(np.float32)


def put(film, sound, at):
    film[int(at * RATE) :][: len(sound)] += sound
    return film


TRACKS = {f"t{i}": music(45, i) for i in range(4)}


@cache
def four_tracks():
    """The index of a soundtrack of four pieces."""
    return index_tracks({name: (sound, RATE) for name, sound in TRACKS.items()}, engine="filmlens")


@cache
def two_cues():
    """A minute and a half: t1 from its 10th second at 20 s for 18 s, t3 from its 5th at 55 s for 20 s."""
    sound = put(noise(90), TRACKS["t1"][10 * RATE : 28 * RATE], 20)
    return put(sound, TRACKS["t3"][5 * RATE : 25 * RATE], 55)
