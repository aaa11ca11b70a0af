"""Luma of decoded pictures, from the Y plane as coded (16-235 or full range, 8 to 16 bit), never through RGB."""

from __future__ import annotations

from functools import lru_cache

import av
import cv2
import numpy as np

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, _JPEG


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Luma of a decoded frame, float32 (height, width) in [0, 1], range and depth taken from the stream.

    Formats without a Y plane (RGB, palettes) are converted to full-range grey first.
    """
    kind, full = frame.format, is_full(frame.format.name, frame.color_range)
    planar_y = kind.name.startswith(("yuv", "gray", "nv12", "nv21", "p010", "p012", "p016"))
    if not planar_y or kind.is_big_endian:
        frame, full = frame.reformat(format="gray", dst_color_range="JPEG"), True
        kind = frame.format
    depth = kind.components[0].bits
    plane = frame.planes[0]
    stored = np.frombuffer(plane, np.uint8 if depth == 8 else np.uint16)
    stored = stored.reshape(plane.height, -1)[:, : frame.width]
    if kind.name.startswith("p01"):
        stored = stored >> (16 - depth)  # stored in the high bits
    return cv2.LUT(stored, _levels(8, full)) if depth == 8 else _levels(depth, full)[stored]


@lru_cache
def _levels(depth: int, full: bool) -> np.ndarray:
    """Luma in [0, 1] of every coded value."""
    black, white = (0, 2**depth - 1) if full else (16 << (depth - 8), 235 << (depth - 8))
    return np.clip((np.arange(2**depth, dtype=np.float32) - black) / (white - black), 0, 1)


def is_full(name: str, color_range: int) -> bool:
    """Whether 0 is black: said by the stream, or by a format that is of full range unless the stream says otherwise."""
    return color_range == _FULL or (color_range != _LIMITED and name.startswith(("yuvj", "gray")))
