"""A short excerpt of a film's or track's sound, as Opus for listening in a browser.

Always transcoded: browsers play some of the codecs of films, such as AC-3, in silence.
"""

from __future__ import annotations

import base64
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from filmlens.media.sound import read_audio
from filmlens.text import html

#: Samples per second; Opus knows no other that matters.
RATE = 48_000


def excerpt(path: str | Path, start: float, end: float) -> bytes:
    """Sound of a media file between two times, in seconds on the film's clock, as an Ogg Opus file.

    The bytes begin with ``OggS``. Raises `MediaError` when the file cannot be read, `ValueError` when the span is empty
    or lies outside the sound.
    """
    if not end > start:
        raise ValueError(f"{path}: an excerpt from {start} to {end} s is empty")
    sound = stereo(read_audio(path, RATE, start=start, end=end, mono=False))
    if not sound.shape[-1]:
        raise ValueError(f"{path}: has no sound between {start} and {end} s")
    return encode(sound)


def player(sound: bytes, name: str) -> str:
    """HTML of a player for an excerpt, the sound inside the page; `name` is shown as text."""
    inside, name = base64.b64encode(sound).decode(), html(name)
    return f'<p>{name}<br><audio controls src="data:audio/ogg;base64,{inside}" aria-label="{name}"></audio></p>'


def stereo(sound: np.ndarray) -> np.ndarray:
    """Two channels of sound (channels, n): stereo as it is, everything else as the mean on both sides."""
    return sound if sound.shape[0] == 2 else np.repeat(sound.mean(axis=0, keepdims=True), 2, axis=0)


def encode(sound: np.ndarray, *, container: str = "ogg", bit_rate: int = 96_000) -> bytes:
    """Sound as Opus in "ogg" or "webm": float32 (2, n) or (4, n) at `RATE`, clipped to [-1, 1].

    `bit_rate` is bits per second of all channels together.
    """
    layout = {2: "stereo", 4: "quad"}[len(sound)]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as box:
        # half of the greatest effort is twice as quick and no ear's loss
        stream = box.add_stream("libopus", rate=RATE, layout=layout, options={"compression_level": "5"})
        stream.bit_rate = bit_rate
        size = stream.codec_context.frame_size or 960
        for at in range(0, sound.shape[1], size):
            part = np.zeros((len(sound), size), np.float32)
            piece = np.clip(sound[:, at : at + size], -1, 1)
            part[:, : piece.shape[1]] = piece
            frame = av.AudioFrame.from_ndarray(part.T.reshape(1, -1).copy(), "flt", layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return out.getvalue()
