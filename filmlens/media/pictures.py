"""Pictures of a film as luma, sampled at whole seconds of the film's clock.

The sampled picture at k s is the last one with presentation time <= k (method, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from pathlib import Path

import av
import numpy as np

from filmlens.media.container import duration
from filmlens.media.frames import frames_from
from filmlens.media.keys import key_pictures, keys_within, spread_keys
from filmlens.media.luma import is_full, luma
from filmlens.media.opening import Medium, need_pictures, open_media

__all__ = ["coding", "film_strip", "key_pictures", "luma", "merge_spans", "sample_luma"]

_TRANSFERS = {16: "PQ", 18: "HLG"}  # AVCOL_TRC_SMPTE2084, _ARIB_STD_B67
_STRIP_EXACT_S = 600.0


def sample_luma(
    path: str | Path | Medium,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
    rate: float = 1.0,
    sampling: str = "exact",
) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures at k / rate seconds, or key frames: their time, and luma as float32 (height, width) in [0, 1].

    `spans` are (start, end) in seconds on the film's clock: only the pictures inside are decoded (from the key frame
    before); the whole film by default. `rate` is in pictures per second, with "exact" `sampling`. "keyframes" decodes
    nothing but key frames and gives them at their own times; the one before a span stands at the span's start, so that
    no span is empty. Raises `MediaError` when there is no such file, no moving picture, or nothing that can be decoded;
    `ValueError` for an unknown `sampling`.
    """
    for time, frame in _frames(path, spans, rate, sampling):
        yield time, luma(frame)


def film_strip(path: str | Path | Medium, *, columns: int = 240, height: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A film in one strip: each picture squeezed to a column of its colours ("film barcode").

    There are at most `columns`, of `height` rows, spread over the film. Films of more than ten minutes give key frames,
    whose places the encoder chose. Gives from when on each column holds (n,), in s, and the strip as RGB: uint8 of
    shape (height, n, 3).
    """
    length = duration(path)
    if length > _STRIP_EXACT_S:
        frames = spread_keys(path, columns)
    else:
        frames = _frames(path, None, columns / max(length, 1.0), "exact")
    times, strip = [], []
    for time, frame in frames:
        small = frame.reformat(width=8, height=height, format="rgb24", interpolation="AREA").to_ndarray()
        times.append(time)
        strip.append(small.mean(axis=1).round().astype(np.uint8))
    return np.array(times), np.stack(strip, axis=1) if strip else np.zeros((height, 0, 3), np.uint8)


def coding(path: str | Path | Medium) -> dict[str, str | int]:
    """How the luma of a film is coded, from its header: bits, range ("limited" or "full") and transfer.

    Transfer is "PQ" or "HLG" for high dynamic range, whose luma is not comparable with that of other films, else "SDR".
    """
    with open_media(path) as box:
        context = need_pictures(box, path).codec_context
        kind = context.format
        return {
            "bits": kind.components[0].bits if kind else 8,
            "range": "full" if kind and is_full(kind.name, context.color_range) else "limited",
            "transfer": _TRANSFERS.get(int(context.color_trc), "SDR"),
        }


def _frames(
    path: str | Path | Medium, spans: Sequence[tuple[float, float]] | None, rate: float, sampling: str
) -> Iterator[tuple[float, av.VideoFrame]]:
    """What `sample_luma` gives, as frames."""
    if sampling not in ("exact", "keyframes"):
        raise ValueError(f"sampling={sampling!r} is unknown; choose exact or keyframes")
    with open_media(path) as box:
        stream = need_pictures(box, path)
        for start, end in merge_spans(spans) if spans is not None else [(0.0, math.inf)]:
            if sampling == "keyframes":
                yield from keys_within(box, stream, path, start, end)
            else:
                yield from _sampled(box, stream, path, (start, end), rate)


def merge_spans(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order, overlapping ones joined, so that nothing is decoded or yielded twice."""
    merged: list[list[float]] = []
    for start, end in sorted((max(0.0, a), b) for a, b in spans if b > a):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [(a, b) for a, b in merged]


def _sampled(
    box: av.container.InputContainer,
    stream: av.VideoStream,
    path: str | Path | Medium,
    span: tuple[float, float],
    rate: float,
) -> Iterator[tuple[float, av.VideoFrame]]:
    ticks = takewhile(lambda tick: tick <= span[1], (k / rate for k in count(math.ceil(span[0] * rate - 1e-9))))
    tick, last, end = next(ticks, None), None, 0.0
    base = stream.time_base
    for time, frame in frames_from(box, stream, path, span[0], rate):
        while tick is not None and time > tick + 1e-6:
            if last is not None:
                yield tick, last
            tick = next(ticks, None)
        if tick is None:
            return
        last = last if frame is None else frame
        # not by a Fraction: that takes as long as a small picture's decoding
        length = frame.duration * base.numerator / base.denominator if frame is not None and frame.duration else 0.0
        end = max(end, time + (length or end - time))
    # The last picture stands until it ends.
    while last is not None and tick is not None and tick < end:
        yield tick, last
        tick = next(ticks, None)
