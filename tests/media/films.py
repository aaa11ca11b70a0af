"""Films that say where they are: pictures that carry their number, sound that no two places share."""

import numpy as np

from filmlens.media.pictures import sample_luma
from filmlens.media.write import write_film

FPS, SIZE = 25, 64
#: Ending, codec of pictures and of sound, rate of sound; None for the ending's own.
KINDS = [
    *((e, None, None, 44_100) for e in ("mp4", "mov", "mkv", "ts", "mpg", "flv")),
    *((e, None, None, 48_000) for e in ("webm", "avi", "vob", "m2ts", "ogg")),
    ("ts", "libx264", "aac", 44_100),
    ("flv", "libx264", "aac", 44_100),
    ("mkv", "libx264", "flac", 44_100),
    ("mkv", "mpeg2video", "libmp3lame", 44_100),
    ("mkv", "libx264", "eac3", 48_000),
    ("avi", "mpeg4", "libmp3lame", 44_100),
]


def numbered(i):
    """A picture that carries its number in ten bands, black or white."""
    picture = np.zeros((SIZE, 80), np.uint8)
    for k in range(10):
        picture[:, 8 * k : 8 * k + 8] = 255 * (i >> k & 1)
    return picture


def number(luma):
    return sum(1 << k for k in range(10) if luma[:, 8 * k + 2 : 8 * k + 6].mean() > 0.5)


def chirp(seconds, rate, seed=0, low=200.0):
    """A tone that rises through the film, and some noise."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return (0.3 * np.sin(2 * np.pi * (low + 20 * t) * t) + 0.03 * noise).astype(np.float32)


def film(path, seconds, *, rate=44_100, first=0, codec=None, audio_codec=None, low=200.0):
    """A film whose pictures count from `first`."""
    options = {"g": "30"} | ({} if path.suffix in (".flv", ".webm", ".ogg") else {"bf": "2"})
    pictures = (numbered(first + i) for i in range(round(FPS * seconds)))
    sound = chirp(seconds, rate, first, low)
    write_film(path, pictures, sound, fps=FPS, rate=rate, codec=codec, audio_codec=audio_codec, options=options)
    return sound


def seen(path, **how):
    return {round(t, 3): number(p) for t, p in sample_luma(path, **how)}


def lag(heard, sent):
    """Samples by which `heard` is late, from the peak of the cross-correlation."""
    n = min(len(heard), len(sent))
    spectrum = np.fft.rfft(heard[:n], 2 * n) * np.conj(np.fft.rfft(sent[:n], 2 * n))
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak if peak < n else peak - 2 * n
