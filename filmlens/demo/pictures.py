"""Moving pictures of a film: scenes of a gradient and a few shapes, with a planted brightness and contrast.

Brightness and contrast are what the study measures on pictures (Table 5, after Chen et al. 2012). Every scene is
drawn in 256 grey steps spread evenly over the picture; the scene's palette then places their mean at the planted
brightness and their range at the planted contrast.
"""

import colorsys
from collections.abc import Iterator

import numpy as np

from filmlens.demo.plan import Pictures

_PAN = 32  # pixels that the background may travel in a scene


def moving_pictures(look: Pictures, seconds: float, fps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The pictures of a film, one after another: round(seconds * fps) times RGB as uint8 (height, width, 3).

    Mean and range of luma inside the bars are near the planted brightness and contrast of `look`.
    """
    left = round(seconds * fps)
    inside = look.height - 2 * look.bar
    while left > 0:
        count = min(left, int(rng.uniform(2, 7) * fps))
        for grey, palette in _scene(look, inside, count, fps, rng):
            picture = np.zeros((look.height, look.width, 3), np.uint8)
            picture[look.bar : look.bar + inside] = palette[grey]
            yield picture
        left -= count


def _scene(look, height, count, fps, rng):
    """`count` pictures between two cuts."""
    wide = _background(height + _PAN, look.width + _PAN, rng)
    palette = _palette(look, rng)
    shapes = [_shape(height, rng) for _ in range(int(rng.integers(2, 5)))]
    places = rng.uniform(0, 1, (len(shapes), 2)) * (look.width, height)
    speeds = rng.uniform(-0.12, 0.12, (len(shapes), 2)) * (look.width, height)
    pan = rng.uniform(-1, 1, 2)
    for k in range(count):
        y, x = (int(_PAN / 2 * (1 + p * (2 * k / max(count - 1, 1) - 1))) for p in pan)
        grey = wide[y : y + height, x : x + look.width].copy()
        for (tone, alpha), place, speed in zip(shapes, places, speeds, strict=True):
            _paste(grey, tone, alpha, *np.round(place + speed * k / fps).astype(int))
        yield grey, palette


def _background(height, width, rng) -> np.ndarray:
    """A slope, a light or waves, its greys spread evenly over 0 ... 255."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x / width + np.sin(angle) * y / height
    light = -np.hypot(x / width - rng.uniform(0.2, 0.8), (y - height * rng.uniform(0.2, 0.8)) / width)
    waves = np.sin(2 * np.pi * (rng.uniform(1, 4) * slope + rng.uniform(0, 1)))
    field = rng.uniform(0.3, 1) * slope + rng.uniform(0, 1.2) * light + rng.uniform(0, 0.25) * waves
    ranks = np.argsort(np.argsort(field, axis=None, kind="stable"), kind="stable")
    return (ranks.reshape(field.shape) * 256 // field.size).astype(np.uint8)


def _shape(height, rng) -> tuple[int, np.ndarray]:
    """A soft-edged ellipse or box, dark or light: its grey and how much of it covers, 0 ... 256."""
    h, w = (max(4, int(height * s)) for s in rng.uniform(0.15, 0.6, 2))
    y, x = np.linspace(-1, 1, h)[:, None], np.linspace(-1, 1, w)[None]
    far = np.hypot(y, x) if rng.random() < 0.6 else np.maximum(abs(y), abs(x)) + 0 * x
    alpha = np.clip((1 - far) * min(h, w) / 4, 0, 1)
    return int(rng.choice((0, 20, 235, 255))), (256 * alpha).astype(np.int32)


def _paste(grey, tone, alpha, x, y):
    """Lay a shape over a picture with its centre at (x, y); what is outside is cut off."""
    top, left = y - alpha.shape[0] // 2, x - alpha.shape[1] // 2
    a, b = max(top, 0), min(top + alpha.shape[0], grey.shape[0])
    c, d = max(left, 0), min(left + alpha.shape[1], grey.shape[1])
    if a >= b or c >= d:
        return
    cover, under = alpha[a - top : b - top, c - left : d - left], grey[a:b, c:d].astype(np.int32)
    grey[a:b, c:d] = np.minimum(under + ((tone - under) * cover >> 8), 255).astype(np.uint8)


def _palette(look, rng) -> np.ndarray:
    """RGB of the 256 greys: luma on a line through the planted brightness, tinted without a change of luma."""
    brightness = look.brightness + rng.normal(0, 0.03)
    contrast = look.contrast * rng.uniform(0.9, 1.1)
    luma = np.clip(brightness + contrast * (np.arange(256) / 255 - 0.5), 0.02, 0.98)
    tint = np.array(colorsys.hsv_to_rgb((look.hue + rng.normal(0, 0.08)) % 1, 1, 1))
    tint -= tint @ (0.299, 0.587, 0.114)
    strength = 0.5 * np.minimum(luma, 1 - luma) / np.abs(tint).max()
    return np.round(255 * np.clip(luma[:, None] + strength[:, None] * tint, 0, 1)).astype(np.uint8)
