"""Small pictures of a film for a page: one as JPEG, or some spread over the film."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from filmlens.media.container import probe
from filmlens.media.frames import frames_from
from filmlens.media.opening import MediaError, Medium, need_pictures, open_media
from filmlens.media.pictures import key_pictures


def thumbnail(path: str | Path | Medium, time: float, *, width: int = 320) -> bytes:
    """JPEG of the picture that stands at `time` (s on the film's clock): the last with presentation time <= `time`.

    `width` is in pixels; the height follows, pixels that are not square taken into account. Raises `MediaError` when
    there is no such file, no moving picture, or none at or before that time.
    """
    with open_media(path) as box:
        stream = need_pictures(box, path)
        last = None
        for shown, frame in frames_from(box, stream, path, max(0.0, time), None):
            if last is not None and shown > time + 1e-6:
                break
            last = last if frame is None else frame
        if last is None:
            raise MediaError(f"{path}: has no picture at {time:.1f} s")
        shape = float(stream.sample_aspect_ratio or 1) or 1.0
        height = max(2, round(width * last.height / (last.width * shape)))
        small = last.reformat(width=width - width % 2, height=height - height % 2, format="bgr24").to_ndarray()
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return coded.tobytes()


def thumbnails(path: str | Path) -> list[tuple[float, np.ndarray]]:
    """Fourteen key frames spread over a film, (seconds, luma under 240 high), for above a timeline; none of a sound."""
    if not probe(path).has_pictures:
        return []
    steps = [(time, image, max(1, len(image) // 120)) for time, image in key_pictures(path, 14)]
    return [(time, image[::step, ::step]) for time, image, step in steps]
