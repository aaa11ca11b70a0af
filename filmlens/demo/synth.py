"""A small synthesiser: one seeded piece of music from a handful of descriptors (for the paper's Table 2).

A piece is chords, a melody, a bass and percussion, played on wavetables. Its style is a mapping of `DESCRIPTORS` to
numbers around zero, +-2 nearly all that the synthesiser does; a genre leans on them (effects.py says how). The pieces
make no claim to be film music, but have what the study measures, such as a tempo, a mode, rough or smooth sonorities.
No passage is repeated exactly, so that a place in a film belongs to one place in a track.
"""

from collections.abc import Mapping

import numpy as np
from scipy.signal import lfilter

#: What a style says; 0 is the middle, +-2 about as far as it goes.
DESCRIPTORS = tuple("tempo mode register roughness brightness dynamics percussion sustain warmth edge".split())

_TABLE = 16384  # one period; looking up the nearest entry then costs less than 16 bits would
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
# What follows each degree of the scale (tonic = 0): mostly the three chords that share the mode of the piece.
_NEXT = {0: (3, 4, 3, 4, 5), 3: (4, 0, 0), 4: (0, 0, 3), 5: (3, 4)}
_SKIN = (190.0, 287.0, 412.0, 655.0, 980.0)  # Hz, partials of a drum
_RESONANCES = {"warmth": 320.0, "edge": 1500.0}  # Hz
_ECHOES = ((0.0271, 0.33, 1), (0.0437, 0.28, -1), (0.0713, 0.22, -1), (0.1130, 0.18, 1))  # seconds, gain, side


def compose(style: Mapping[str, float], seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Compose and play one piece: float32 (2, round(seconds * rate)) within [-1, 1]; `rate` in Hz.

    Descriptors left out of `style` are 0; values are clipped to [-2.5, 2.5]. `rng` chooses key, chords, melody,
    instruments and every small deviation. Raises `ValueError` for a name that is no descriptor.

    >>> piece = compose({"tempo": 1.0, "mode": -1.0}, 2.0, 8000, np.random.default_rng(0))
    >>> piece.shape, bool(abs(piece).max() <= 1)
    ((2, 16000), True)
    """
    unknown = set(style) - set(DESCRIPTORS)
    if unknown:
        raise ValueError(f"no descriptor of a style: {', '.join(sorted(unknown))}; there are {', '.join(DESCRIPTORS)}")
    z = {name: float(np.clip(style.get(name, 0.0), -2.5, 2.5)) for name in DESCRIPTORS}
    band = _Band(z, seconds, rate, rng)
    _play_bars(band, z, rng)
    return _master(band, z, rng)


class _Band:
    """The instruments of a piece and the sound they have made so far."""

    def __init__(self, z: Mapping[str, float], seconds: float, rate: int, rng: np.random.Generator):
        self.seconds, self.rate, self.rng = seconds, rate, rng
        self.sound, self.drums = np.zeros((2, round(seconds * rate)), np.float32)
        slope = 1.7 - 0.45 * z["brightness"] + rng.normal(0, 0.08)
        self.voices = {name: _Voice(slope, rate, rng) for name in ("chords", "melody", "bass")}
        attack = 0.012 * 4 ** np.clip(z["sustain"], -1, 2)  # seconds: 3 ms plucked, 0.2 s bowed
        decay = 0.9 * 2.2 ** z["sustain"]
        self.hits = _drum_kit(rate, z["brightness"], rng)
        longest = np.arange(int(8 * rate), dtype=np.float32) / rate
        self.fall = np.exp(-longest / np.float32(decay))
        self.rise = np.minimum(longest / np.float32(attack), 1)

    def note(self, voice: str, start: float, length: float, pitch: float, gain: float):
        """Add one note; `pitch` in semitones of MIDI, 69 = 440 Hz."""
        a = max(int(start * self.rate), 0)
        n = min(int(length * self.rate), len(self.sound) - a, len(self.fall))
        if n <= 1:
            return
        wave = self.voices[voice].wave(440 * 2 ** ((pitch - 69) / 12), n)
        wave *= self.fall[:n]
        wave *= self.rise[:n]
        out = min(n, int(0.03 * self.rate))
        wave[-out:] *= np.linspace(1, 0, out, dtype=np.float32)
        self.sound[a : a + n] += np.float32(gain) * wave

    def hit(self, name: str, start: float, gain: float):
        """Add one stroke of the percussion."""
        a, strokes = max(int(start * self.rate), 0), self.hits[name]
        stroke = strokes[int(self.rng.integers(len(strokes)))]
        n = min(len(stroke), len(self.drums) - a)
        if n > 0:
            self.drums[a : a + n] += np.float32(gain) * stroke[:n]


class _Voice:
    """A wavetable: partials falling by `slope`, with a stress on odd partials of its own."""

    def __init__(self, slope: float, rate: int, rng: np.random.Generator):
        self.rate, self.tables = rate, {}
        k = np.arange(1, 49)
        self.partials = k ** -max(slope, 0.5) * np.where(k % 2, 1.0, rng.uniform(0.6, 1.0))
        self.phases = rng.uniform(0, 2 * np.pi, k.size)

    def wave(self, frequency: float, n: int) -> np.ndarray:
        """`n` samples at `frequency`, only partials below 0.4 of the rate."""
        top = int(np.clip(0.4 * self.rate / frequency, 1, 48))
        top = next(t for t in (48, 32, 20, 12, 8, 5, 3, 2, 1) if t <= top)
        if top not in self.tables:
            bins = np.zeros(_TABLE // 2 + 1, complex)
            bins[1 : top + 1] = self.partials[:top] * np.exp(1j * self.phases[:top])
            table = np.fft.irfft(bins)
            self.tables[top] = (table / np.sqrt((table**2).mean())).astype(np.float32)
        step = frequency * _TABLE / self.rate
        index = (np.arange(n) * step).astype(np.int64) & (_TABLE - 1)
        return self.tables[top][index]


def _drum_kit(rate: int, brightness: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Three instruments, six strokes of each that differ a little, as a drummer's do; (strokes, samples).

    They ring more than they hiss: a bare burst of noise has no frequency that a fingerprint finds again.
    """
    t = np.arange(int(0.3 * rate)) / rate
    low, mid, high = [], [], []
    for f in _around(55, rng):
        glide = f * t + 0.17 * f * (1 - np.exp(-t / 0.03))
        low.append(2.2 * np.sin(2 * np.pi * glide) * np.exp(-t / 0.1))
    fall = np.exp(-t / (0.05 + 0.01 * max(brightness + 1, 0)))
    for shift in _around(1, rng):
        skin = sum(np.sin(2 * np.pi * f * shift * t + p) for f, p in zip(_SKIN, rng.uniform(0, 6, 5), strict=True))
        noise = lfilter([1], [1, -0.6], rng.standard_normal(t.size))
        mid.append((0.28 * skin + 0.16 * noise) * np.exp(-t / 0.07))
        partials = shift * rng.uniform(3000, 11000, 14)
        metal = np.sin(2 * np.pi * partials[:, None] * t + rng.uniform(0, 6, (14, 1))).sum(axis=0)
        hiss = np.diff(rng.standard_normal(t.size), prepend=0.0)
        high.append(1.35**brightness * (0.07 * metal + 0.04 * hiss) * fall)
    return {name: np.float32(strokes) for name, strokes in (("low", low), ("mid", mid), ("high", high))}


def _around(centre: float, rng: np.random.Generator) -> np.ndarray:
    return centre * rng.uniform(0.94, 1.06, 6)


def _play_bars(band: _Band, z: Mapping[str, float], rng: np.random.Generator):
    """Bar after bar until the piece is full: chord, bass, melody, percussion."""
    beat = 60 / float(np.clip(104 * 2 ** (0.36 * z["tempo"]), 48, 190))
    bar = 4 * beat
    tonic = int(rng.integers(12))
    chord_home = 55 + 5.5 * z["register"] + rng.uniform(-2, 2)
    melody_home = 71 + 7 * z["register"] + rng.uniform(-2, 2)
    swell = np.clip(0.35 + 0.2 * z["dynamics"] ** 2, 0, 0.8)
    busy = float(np.clip(0.65 - 0.16 * z["sustain"] + 0.12 * z["tempo"], 0.2, 0.95))
    degree, line = 0, melody_home
    for count in range(int(np.ceil(band.seconds / bar)) + 1):
        start = count * bar
        if start >= band.seconds:
            break
        major = rng.random() < 1 / (1 + np.exp(-3 * z["mode"]))
        scale = _MAJOR if major else _MINOR
        loud = 1 - swell * rng.random()
        pitches = [tonic + scale[(degree + step) % 7] for step in (0, 2, 4)]
        _play_chord(band, pitches, chord_home, start, bar, loud, z, rng)
        _play_bass(band, tonic + scale[degree], chord_home - 14, start, beat, loud, z, rng)
        line = _play_melody(band, tonic, scale, pitches, line, melody_home, start, beat, loud, busy, z, rng)
        _play_drums(band, start, beat, loud, z, rng)
        degree = int(rng.choice(_NEXT[degree]))


def _near(pitch: float, home: float) -> float:
    """The octave of `pitch` nearest to `home`."""
    return pitch + 12 * round((home - pitch) / 12)


def _play_chord(band, pitches, home, start, bar, loud, z, rng):
    strokes = 1 if z["sustain"] > -0.4 else int(rng.choice((2, 4)))
    rough = max(z["roughness"] + 0.3, 0)
    for stroke in range(strokes):
        at = start + stroke * bar / strokes + rng.uniform(0, 0.012)
        length = bar / strokes * (1.02 if strokes == 1 else 0.6)
        for pitch in pitches:
            p = _near(pitch, home) + rng.normal(0, 0.03)
            gain = 0.30 * loud * rng.uniform(0.8, 1.1)
            band.note("chords", at, length, p, gain)
            if rough > 0.2:  # a second close by: beats within a critical band
                band.note("chords", at, length, p + rng.uniform(0.7, 1.3), gain * min(0.5 * rough, 1.2))


def _play_bass(band, pitch, home, start, beat, loud, z, rng):
    steps = (0, 2) if z["percussion"] < 0.3 else (0, 1, 2, 3)
    for step in steps:
        at = start + step * beat + rng.uniform(0, 0.01)
        band.note("bass", at, beat * 4 / len(steps), _near(pitch, home), 0.4 * loud * rng.uniform(0.8, 1.1))


def _play_melody(band, tonic, scale, pitches, line, home, start, beat, loud, busy, z, rng):
    at, end = 0.0, 4.0
    while at < end:
        length = float(rng.choice((0.5, 1.0, 2.0) if rng.random() < busy else (1.0, 2.0, 4.0)))
        if rng.random() < 0.88:
            strong = at % 2 == 0
            choice = pitches if strong else [tonic + s for s in scale]
            step = line + rng.normal(0.12 * (home - line), 2.5)
            pitch = min((_near(c, step) for c in choice), key=lambda p: abs(p - step))
            gain = 0.42 * loud * rng.uniform(0.75, 1.15)
            when = start + at * beat + rng.uniform(0, 0.015)
            band.note("melody", when, min(length, end - at) * beat * 1.05, pitch + rng.normal(0, 0.02), gain)
            line = pitch
        at += length
    return line


def _play_drums(band, start, beat, loud, z, rng):
    level = float(np.clip(0.32 + 0.42 * z["percussion"], 0, 1.4)) * loud
    if level < 0.03:
        return
    for half in range(8):
        at = start + half * beat / 2 + rng.uniform(0, 0.008)
        if half in (0, 4) or (half % 2 and rng.random() < 0.12 * (1 + max(z["percussion"], 0))):
            band.hit("low", at, level * rng.uniform(0.8, 1.1))
        if half in (2, 6):
            band.hit("mid", at, level * rng.uniform(0.6, 1.0))
        if rng.random() < 0.5 + 0.15 * z["tempo"]:
            band.hit("high", at, level * rng.uniform(0.5, 1.0))


def _master(band: _Band, z: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Beats, percussion, width and level; the piece's two ends faded."""
    sound, n = band.sound, len(band.sound)
    t = np.arange(n, dtype=np.float32) / band.rate
    depth = float(np.clip(0.3 * z["roughness"], 0, 0.7))
    if depth > 0.02:  # amplitude beating in the range that is heard as rough
        sound *= 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * np.float32(rng.uniform(35, 65)) * t))
    for name, centre in _RESONANCES.items():
        sound = _resonate(sound, centre, 5.0 * z[name], band.rate)
    sound = sound / np.float32(np.sqrt((sound**2).mean()) + 1e-9) + 1.1 * band.drums
    both = np.stack([sound, sound])
    for delay, gain, side in _ECHOES:
        k = int(delay * band.rate)
        if k < n:
            both[0, k:] += np.float32(gain * (1 + 0.6 * side)) * sound[:-k]
            both[1, k:] += np.float32(gain * (1 - 0.6 * side)) * sound[:-k]
    level = 10 ** ((-20 + 3.2 * z["dynamics"] + rng.normal(0, 1)) / 20)
    both *= np.float32(level / (np.sqrt((both**2).mean()) + 1e-9))
    np.tanh(both, out=both)  # a limiter without edges
    ends = np.minimum(np.minimum(t / 0.02, (t[-1] - t) / 0.4), 1).clip(0, 1)
    return both * ends


def _resonate(sound: np.ndarray, centre: float, gain: float, rate: int) -> np.ndarray:
    """Lift (or lower) an octave around `centre` Hz by `gain` dB: a peaking filter of second order."""
    w, a = 2 * np.pi * centre / rate, 10 ** (gain / 40)
    alpha = np.sin(w) / 2 / 1.2
    b = np.array([1 + alpha * a, -2 * np.cos(w), 1 - alpha * a])
    c = np.array([1 + alpha / a, -2 * np.cos(w), 1 - alpha / a])
    return lfilter((b / c[0]).astype(np.float32), (c / c[0]).astype(np.float32), sound)
