"""The sound of a film besides its music: voices that speak no language, a room, and the mix of all three.

Dialogue and effects are what makes finding music in a film hard (the paper's Score Stamper recalls 47 % of it). The
voices have what a fingerprint meets in speech: harmonics that glide, formants, syllables at four or five a second,
hisses between them, turns and pauses.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import soxr
from scipy.signal import lfilter

from filmlens.demo.plan import Cue

_RATE = 16000  # Hz; voices have little above 8 kHz
# First three formants of five vowels in Hz, their bandwidths in Hz and their gains.
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_BANDWIDTHS = (90, 120, 200)
_GAINS = (1.0, 0.9, 0.8)


def babble(seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Two voices taking turns: float32 (round(seconds * rate),); `rate` in Hz.

    RMS is 1 over the voiced turns, about three quarters of the time.
    """
    n = int(np.ceil(seconds * _RATE)) + 1
    pitch, vowel = np.zeros(n, np.float32), np.full(n, -1, np.int8)
    loud, hiss = np.zeros(n, np.float32), np.zeros(n, np.float32)
    voices = (rng.uniform(95, 130), rng.uniform(170, 225))
    at, speaker = float(rng.uniform(0, 1)), int(rng.integers(2))
    while at < seconds:
        turn = rng.uniform(1.5, 5)
        _say(voices[speaker], at, min(turn, seconds - at), pitch, vowel, loud, hiss, rng)
        at += turn + rng.uniform(0.2, 1.4)
        speaker = 1 - speaker if rng.random() < 0.7 else speaker
    phase = np.cumsum(pitch / _RATE, dtype=np.float64) % 1
    opening = phase / 0.6
    pulses = np.diff(np.where(opening < 1, opening**2 * (1 - opening), 0), prepend=0.0)  # closing is abrupt
    pulses += 0.002 * rng.standard_normal(n)
    voice = np.zeros(n)
    for v, formants in enumerate(_VOWELS):
        spoken = np.flatnonzero(vowel == v)  # syllables end in silence, so they may be filtered end to end
        part = pulses[spoken] * loud[spoken]
        for frequency, width, gain in zip(formants, _BANDWIDTHS, _GAINS, strict=True):
            r = np.exp(-np.pi * width / _RATE)
            a = [1, -2 * r * np.cos(2 * np.pi * frequency / _RATE), r * r]
            voice[spoken] += lfilter([gain * (1 - r), 0, gain * (r - 1)], a, part)
    voice /= np.sqrt((voice**2).mean()) + 1e-12
    breath = np.diff(rng.standard_normal(n), prepend=0.0) * hiss
    voice += 0.2 * breath / (np.sqrt((breath**2).mean()) + 1e-12)
    voice /= np.sqrt((voice[loud > 0] ** 2).mean()) if (loud > 0).any() else 1
    return soxr.resample(voice.astype(np.float32), _RATE, rate)[: round(seconds * rate)]


def _say(fundamental, at, turn, pitch, vowel, loud, hiss, rng):
    """Write one turn of syllables into the four tracks that drive the voices."""
    began, end = at, at + turn
    while at < end - 0.1:
        length = min(rng.uniform(0.1, 0.27), end - at)
        a, b = int(at * _RATE), int((at + length) * _RATE)
        t = np.linspace(0, 1, b - a, dtype=np.float32)
        fall = 1.12 - 0.22 * (at - began) / turn  # the voice sinks over a turn
        pitch[a:b] = fundamental * fall * (1 + rng.uniform(-0.15, 0.2) * np.sin(np.pi * t))
        vowel[a:b] = rng.integers(len(_VOWELS))
        loud[a:b] = rng.uniform(0.5, 1.0) * np.sin(np.pi * t).clip(0) ** 0.7
        if rng.random() < 0.5:
            h = a + int(rng.uniform(0.04, 0.09) * _RATE)
            hiss[a:h] = rng.uniform(0.4, 1.0) * np.hanning(h - a)[: len(hiss[a:h])]
        at += length + (rng.uniform(0.01, 0.06) if rng.random() < 0.85 else rng.uniform(0.1, 0.25))


def room(seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The noise of a place, RMS 1: mostly low, a little at all frequencies, slowly changing."""
    n = round(seconds * rate)
    white = rng.standard_normal(n).astype(np.float32)
    low = lfilter([1], [1, -0.985], white).astype(np.float32)
    noise = low / low.std() + 0.15 * white
    knots = np.arange(0, seconds + 3, 3)
    slow = np.interp(np.arange(n) / rate, knots, rng.uniform(0.6, 1.2, len(knots)))
    noise *= slow.astype(np.float32)
    return noise / np.sqrt((noise**2).mean())


def mix(
    seconds: float,
    rate: int,
    cues: Sequence[Cue],
    tracks: Mapping[str, np.ndarray],
    *,
    noise_level: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """A film's sound: float32 (2, round(seconds * rate)) with a peak of 0.9; `rate` in Hz.

    `cues` say where which of `tracks`, arrays (2, n), plays. The `level` of a cue is 20 log10 of the RMS of the faded
    music over the RMS of voices and room, both over [start, end] and over both channels. `noise_level` is how far the
    room lies below the voices, in dB.
    """
    n = round(seconds * rate)
    centre = babble(seconds, rate, rng)
    sides = 10 ** (-noise_level / 20) * np.stack([room(seconds, rate, rng), room(seconds, rate, rng)])
    sound = centre[:n] + sides.astype(np.float32)
    rest = sound.copy()
    for cue in cues:
        a, b = round(cue.start * rate), round(cue.end * rate)
        begin = round(cue.track_start * rate)
        t = np.arange(b - a, dtype=np.float32) / rate
        fades = np.minimum(np.minimum(t / cue.fade_in, (t[-1] - t) / cue.fade_out), 1).astype(np.float32)
        music = tracks[cue.track][:, begin : begin + b - a] * fades
        ratio = np.sqrt((music**2).mean() / (rest[:, a:b] ** 2).mean())
        sound[:, a:b] += np.float32(10 ** (cue.level / 20) / ratio) * music
    return sound * np.float32(0.9 / np.abs(sound).max())
