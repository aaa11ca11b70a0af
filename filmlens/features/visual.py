"""Brightness and contrast of the picture at 1 Hz (Ma et al. 2021, eq. 1 and 2, after Chen et al. 2012).

The equations did not come with the text, so our reading (D): brightness is the mean luma of the picture without its
black bars; contrast is the brightest minus the darkest place of the picture brought down to at most 320 columns by
area averaging, so that a single pixel does not decide. Three other definitions stand beside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from filmlens.media.pictures import key_pictures, sample_luma

COLUMNS = ("brightness", "contrast", "contrast_michelson", "contrast_p95_p5", "contrast_rms")

_BAR = 24 / 255  # a row or column whose mean stays below is a black bar
_OFTEN = 0.25  # of the pictures in which a row of the picture is lit: the share from which another one is picture, too
_LARGE = 0.2  # of the largest lit piece: smaller ones apart from it are marks in a bar
_WIDTH = 320


def picture_features(
    path: str | Path, *, spans: Sequence[tuple[float, float]] | None = None, sampling: str = "exact"
) -> pd.DataFrame:
    """Brightness and contrast of a film at whole seconds: time (s) and `COLUMNS`, each in [0, 1].

    `spans` are (start, end) in seconds on the film's clock, the whole film by default; only the pictures inside are
    decoded. The `sampling` "keyframes" (else "exact") measures the key frames alone, at their own times: many times
    faster, but where they stand is up to editors and encoders. Raises MediaError when the film has no moving picture or
    cannot be decoded, ValueError for an unknown `sampling`.
    """
    cv2.setNumThreads(1)  # films are mapped over processes
    bars: dict[tuple[int, ...], Bars] = defaultdict(Bars)  # by size: a recording may change it, and its bars with it
    pictures = sample_luma(path, spans=spans, sampling=sampling)
    if sampling == "keyframes" and spans is None:
        rows = _of_key_frames(path, pictures, bars)
    else:
        rows = []
        for time, luma in pictures:
            if not rows:
                bars[luma.shape].add(luma)
                # key frames, spread over the film, tell its letterbox: fewer when little of it is measured
                spread = 60 if spans is None else int(np.clip(sum(b - a for a, b in spans) / 6, 10, 60))
                for _, picture in key_pictures(path, spread):
                    bars[picture.shape].add(picture)
            if luma.shape not in bars:
                bars[luma.shape].add(luma)  # a size that no key frame looked at had
            rows.append(_row(time, luma[bars[luma.shape].crop]))
    return pd.DataFrame(rows, columns=["time", *COLUMNS], dtype=float)


def _row(time: float, luma: np.ndarray) -> tuple[float, ...]:
    return time, *measure(luma).values()


def _of_key_frames(
    path: str | Path, pictures: Iterable, bars: "dict[tuple[int, ...], Bars]"
) -> list[tuple[float, ...]]:
    """Every key frame decoded once; few settle a crop, and those measured before it was are measured again."""
    crops, early, rows = {}, 0, []
    for time, luma in pictures:
        crop = bars[luma.shape].add(luma).crop
        if crops.setdefault(luma.shape, crop) != crop:
            crops[luma.shape], early = crop, len(rows)
        rows.append(_row(time, luma[crop]))
    again = islice(sample_luma(path, sampling="keyframes"), early)
    return [_row(time, luma[crops[luma.shape]]) for time, luma in again] + rows[early:]


def find_crop(pictures: Iterable[np.ndarray]) -> tuple[slice, slice]:
    """Rows and columns of the picture inside its black bars; the whole picture when nothing is bright enough.

    `pictures` (height, width), floats in [0, 1], are spread over the film, so that one crop serves all of it; those of
    another size than the first are left out.
    """
    bars: dict[tuple[int, ...], Bars] = defaultdict(Bars)
    for picture in pictures:
        bars[picture.shape].add(picture)
    return next(iter(bars.values()), Bars()).crop


class Bars:
    """What is picture and what is black bar, from any number of pictures of one size.

    A row or column is lit in a picture when its mean exceeds 24/255. A bar is what is dark most of the time, seen
    against the rows of the picture, and in one piece with the edge: what is lit in it now and then, such as subtitles,
    or always but apart from the picture, such as line 21 or the noise of a tape's edge, does not make it picture.
    """

    def __init__(self):
        self._lit = [0, 0]  # how often each row and each column

    def add(self, luma: np.ndarray) -> "Bars":
        """Take one more picture into account."""
        lit = [cv2.reduce(luma, axis, cv2.REDUCE_AVG).ravel() > _BAR for axis in (1, 0)]
        self._lit = [before + now for before, now in zip(self._lit, lit, strict=True)]
        return self

    @property
    def crop(self) -> tuple[slice, slice]:
        """Rows and columns of the picture; all of it when nothing is lit."""
        return tuple(map(_main_piece, self._lit))


def _main_piece(count: np.ndarray) -> slice:
    """From the first to the last of the large pieces that are lit often, given how often each row or column is lit."""
    if not np.any(count):
        return slice(None)
    typical = np.median(count[count > 0])
    lit = np.concatenate([[False], count > _OFTEN * typical, [False]])
    edges = np.flatnonzero(lit[1:] != lit[:-1])
    begins, ends = edges[::2], edges[1::2]
    large = np.flatnonzero(ends - begins >= _LARGE * (ends - begins).max())
    return slice(int(begins[large[0]]), int(ends[large[-1]]))


def measure(luma: np.ndarray) -> dict[str, float]:
    """Brightness and the four contrasts of one picture, luma (height, width) in [0, 1] with its black bars cut.

    contrast is the maximum minus the minimum of the downscaled picture (the default reading of eq. 2),
    contrast_michelson the same over their sum, contrast_p95_p5 the 95th minus the 5th percentile.

    >>> half = np.zeros((180, 320), np.float32); half[:, 160:] = 1
    >>> {name: round(value, 2) for name, value in measure(half).items()}
    {'brightness': 0.5, 'contrast': 1.0, 'contrast_michelson': 1.0, 'contrast_p95_p5': 1.0, 'contrast_rms': 0.5}
    """
    luma = np.ascontiguousarray(luma, np.float32)
    height, width = luma.shape
    small = luma
    if width > _WIDTH:
        small = cv2.resize(luma, (_WIDTH, max(1, round(height * _WIDTH / width))), interpolation=cv2.INTER_AREA)
    ordered = np.sort(small, axis=None)  # a quarter of the time of numpy's percentiles
    low, high = float(ordered[0]), float(ordered[-1])
    return {
        "brightness": cv2.mean(luma)[0],
        "contrast": high - low,
        "contrast_michelson": (high - low) / (high + low) if high + low > 0 else 0.0,
        "contrast_p95_p5": _percentile(ordered, 0.95) - _percentile(ordered, 0.05),
        "contrast_rms": float(small.std()),
    }


def _percentile(ordered: np.ndarray, share: float) -> float:
    """Value below which a share of the ordered values lies, linear between two."""
    place = share * (len(ordered) - 1)
    at = int(place)
    return float(ordered[at] + (ordered[min(at + 1, len(ordered) - 1)] - ordered[at]) * (place - at))
