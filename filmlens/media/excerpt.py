"""A short excerpt of a film's or track's sound, as Opus for listening in a browser.

Always transcoded: browsers play some of the codecs of films, such as AC-3, in silence.
"""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from filmlens.media.sound import read_audio

_RATE = 48_000  # Opus knows no other that matters


def excerpt(path: str | Path, start: float, end: float, *, bit_rate: int = 96_000) -> bytes:
    """Sound of a media file between two times as an Ogg Opus file.

    Parameters
    ----------
    path : path
    start, end : float
        Seconds on the film's clock.
    bit_rate : int
        Bits per second.

    Returns
    -------
    bytes
        Begins with ``OggS``.

    Raises
    ------
    MediaError
        When the file cannot be read.
    ValueError
        When the span is empty or lies outside the sound.
    """
    if not end > start:
        raise ValueError(f"{path}: an excerpt from {start} to {end} s is empty")
    sound = read_audio(path, _RATE, start=start, end=end, mono=False)
    if not sound.shape[-1]:
        raise ValueError(f"{path}: has no sound between {start} and {end} s")
    # Two channels: stereo as it is, everything else as the mean on both sides.
    stereo = sound if sound.shape[0] == 2 else np.repeat(sound.mean(axis=0, keepdims=True), 2, axis=0)
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as box:
        stream = box.add_stream("libopus", rate=_RATE, layout="stereo")
        stream.bit_rate = bit_rate
        size = stream.codec_context.frame_size or 960
        for at in range(0, stereo.shape[1], size):
            part = np.zeros((2, size), np.float32)
            piece = np.clip(stereo[:, at : at + size], -1, 1)
            part[:, : piece.shape[1]] = piece
            frame = av.AudioFrame.from_ndarray(part.T.reshape(1, -1).copy(), "flt", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = _RATE, at, Fraction(1, _RATE)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return out.getvalue()
