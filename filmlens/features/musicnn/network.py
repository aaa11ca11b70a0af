"""The network musicnn, and its tags and penultimate layer for patches or for a whole spectrogram (Pons and Serra 2019).

Convolutions that are tall in frequency hear timbre (38 and 67 bands by 7 frames, 204 filters each), long ones hear
rhythm (128, 64 and 32 frames in each band, 51 filters each); of each only the loudest band is kept. Three convolutions
over time follow, the latter two beside their input, then maximum and mean over time and two dense layers.

Both kinds are computed as matrix products for several neighbouring places at once, in parts that fit the cache. Batch
norms are applied as factor and summand.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from filmlens.features.musicnn.frontend import BANDS, FRAMES
from filmlens.features.weights import inference

TAGS, PENULTIMATE = 50, 200

_TALL, _AROUND = (38, 67), 3  # bands of the timbral filters; frames before and after the one they describe
_LONG = (128, 64, 32)  # frames of the rhythmic filters
_WIDTHS = {"timbral": 204, "temporal": 51, "middle": 64}
_BANDS_AT_ONCE, _FRAMES_AT_ONCE = 4, 16  # neighbouring places that one product gives
_FRAMES, _BANDS = 64, 24  # for one product, what fits the cache
_PATCHES = 16  # in one batch


class Musicnn(nn.Module):
    """Log-mel patches (n, frames, 96) to tags (n, 50) and penultimate layer (n, 200)."""

    def __init__(self) -> None:
        super().__init__()
        timbral, temporal, middle = _WIDTHS.values()
        front = len(_TALL) * timbral + len(_LONG) * temporal
        pooled = 2 * (front + 3 * middle)
        self.normal = Affine(1)
        self.timbral = nn.ModuleList(Loudest((timbral, 2 * _AROUND + 1, height)) for height in _TALL)
        self.temporal = nn.ModuleList(Loudest((temporal, 1, length)) for length in _LONG)
        self.middle = nn.ModuleList(
            nn.Conv2d(width, middle, (7, 1), padding=(3, 0)) for width in (front, middle, middle)
        )
        self.middle_norm = nn.ModuleList(Affine(middle) for _ in range(3))
        self.pooled_norm = Affine(pooled)
        self.dense = nn.Linear(pooled, PENULTIMATE)
        self.dense_norm = Affine(PENULTIMATE)
        self.out = nn.Linear(PENULTIMATE, TAGS)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Tags and penultimate layer of patches, each for itself."""
        patches = self.normal(patches)
        return self.back(self.timbres(functional.pad(patches, (0, 0, _AROUND, _AROUND))), patches)

    def along(self, spectrogram: torch.Tensor, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for patches that start at given frames of one spectrogram (frames, 96), rising.

        Timbres are computed once for all patches, but for three frames at the edges of each, which see its zeros.
        """
        spectrogram = self.normal(spectrogram)
        inside = self.timbres(spectrogram[None])[0]
        parts = []
        for some in starts.split(_PATCHES):
            at = some[:, None] + torch.arange(FRAMES, device=some.device)
            patches = spectrogram[at]
            heads = self.timbres(functional.pad(patches[:, : 2 * _AROUND], (0, 0, _AROUND, 0)))
            tails = self.timbres(functional.pad(patches[:, -2 * _AROUND :], (0, 0, 0, _AROUND)))
            timbres = torch.cat([heads, inside[at[:, : -2 * _AROUND]], tails], 1)
            parts.append(self.back(timbres, patches))
        return tuple(torch.cat(values) for values in zip(*parts, strict=True))

    def timbres(self, padded: torch.Tensor) -> torch.Tensor:
        """Loudest response of the timbral filters, (n, frames - 6, 408), to normalised frames (n, frames, 96)."""
        n, frames = len(padded), padded.shape[1] - 2 * _AROUND
        out = []
        for block in self.timbral:
            window = block.weight.shape[-1] + _BANDS_AT_ONCE - 1
            # the last places overlap those before: what is there twice does not change a maximum
            at = torch.arange(0, BANDS - window + _BANDS_AT_ONCE, _BANDS_AT_ONCE).clamp(max=BANDS - window)
            seen = padded[:, :, at[:, None] + torch.arange(window)].unfold(1, 2 * _AROUND + 1, 1).transpose(3, 4)
            product = block.product(_BANDS_AT_ONCE)
            largest = []
            for some in seen.split(max(_FRAMES // frames, 1)):
                for part in some.split(_FRAMES, 1):
                    rows = part.shape[0] * part.shape[1]
                    values = part.reshape(rows * len(at), -1) @ product
                    largest.append(values.view(rows, len(at) * _BANDS_AT_ONCE, -1).amax(1))
            out.append(block(torch.cat(largest)))
        return torch.cat(out, 1).view(n, frames, -1)

    def rhythms(self, patches: torch.Tensor) -> torch.Tensor:
        """Loudest response of the rhythmic filters, (n, frames, 153), to normalised patches, with zeros around each."""
        frames = patches.shape[1]
        steps = -(-frames // _FRAMES_AT_ONCE)
        out = []
        for block in self.temporal:
            length = block.weight.shape[-1]
            # as TensorFlow's "same": of an even length the greater half looks ahead
            around = ((length - 1) // 2, steps * _FRAMES_AT_ONCE - frames + length // 2)
            seen = functional.pad(patches.transpose(1, 2), around).unfold(
                2, length + _FRAMES_AT_ONCE - 1, _FRAMES_AT_ONCE
            )
            product = block.product(_FRAMES_AT_ONCE)
            largest = []
            for patch in seen:
                parts = [part.reshape(len(part) * steps, -1) @ product for part in patch.split(_BANDS)]
                tops = [values.view(-1, steps, values.shape[1]).amax(0) for values in parts]
                largest.append(torch.stack(tops).amax(0))
            out.append(block(torch.stack(largest).view(len(patches), steps * _FRAMES_AT_ONCE, -1)[:, :frames]))
        return torch.cat(out, 2)

    def back(self, timbres: torch.Tensor, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """From the timbres of normalised patches on."""
        front = torch.cat([timbres, self.rhythms(patches)], 2)
        layers, before = [front], None
        for conv, norm in zip(self.middle, self.middle_norm, strict=True):
            below = layers[-1].transpose(1, 2).unsqueeze(3)  # as it lies in memory: channels last
            values = norm(torch.relu(conv(below)).squeeze(3).transpose(1, 2))
            before = values if before is None else values + before
            layers.append(before)
        over_time = torch.cat([torch.stack([layer.amax(1), layer.mean(1)], 2) for layer in layers], 1)
        penultimate = self.dense_norm(torch.relu(self.dense(self.pooled_norm(over_time.flatten(1)))))
        return torch.sigmoid(self.out(penultimate)), penultimate


class Affine(nn.Module):
    """A batch norm that has learnt: values times factor plus summand, along the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.factor, self.summand = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values * self.factor + self.summand


class Loudest(nn.Module):
    """Filters whose ReLU and batch norm follow after the maximum over the bands: the same values, far less work.

    Where the norm turns a filter round, the largest of its results is that of its smallest response: there the filter
    itself is turned before the maximum, and the maximum after it.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape[0]))
        self.norm = Affine(shape[0])

    def product(self, at_once: int) -> torch.Tensor:
        """Matrix that gives the responses at several neighbouring places from one window, place by place.

        Much of a plain convolution of one channel is copying; this copies that much less, for a few products with 0.
        """
        filters = self.weight * self._turn()[:, None, None]
        places = [functional.pad(filters, (i, at_once - 1 - i)) for i in range(at_once)]
        return torch.cat(places).flatten(1).T.contiguous()

    def forward(self, largest: torch.Tensor) -> torch.Tensor:
        """From the largest responses, with the filters along the last axis, to what the bands give."""
        return self.norm(torch.relu(largest * self._turn() + self.bias))

    def _turn(self) -> torch.Tensor:
        return torch.where(self.norm.factor < 0, -1.0, 1.0)


def infer(net: Musicnn, patches: np.ndarray, *, device: str = "auto") -> tuple[np.ndarray, np.ndarray]:
    """Tags (n, 50), in [0, 1] in the order of `LABELS`, not calibrated, and penultimate layer (n, 200), float32.

    `patches` (n, frames, 96) are from `frontend.patches`, with 187 frames or others; ValueError for another shape. For
    `device` see `inference`.
    """
    patches = np.asarray(patches, np.float32)
    if patches.ndim != 3 or patches.shape[2] != BANDS or not patches.shape[1]:
        raise ValueError(f"patches of shape {patches.shape}; musicnn takes (n, {FRAMES}, {BANDS})")
    with inference(net, device) as where:
        parts = torch.from_numpy(np.ascontiguousarray(patches)).split(_PATCHES) if len(patches) else ()
        return _gathered([net(part.to(where)) for part in parts])


def infer_along(net: Musicnn, spectrogram: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `infer` gives for the patches of 187 frames that start at given frames of a spectrogram, in rising order.

    Quicker than cutting them when they overlap. A long sound is given in parts, each with its frames' own numbers.
    """
    with inference(net) as where:
        heard, at = torch.from_numpy(spectrogram), torch.from_numpy(np.asarray(starts, np.int64))
        return _gathered([net.along(heard.to(where), at.to(where))] if len(starts) else [])


def _gathered(parts: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[np.ndarray, np.ndarray]:
    """The batches' tags and penultimate layers, one below the other."""
    none = torch.empty(0, TAGS), torch.empty(0, PENULTIMATE)
    return tuple(torch.cat([part.cpu() for part in each]).numpy() for each in zip(none, *parts, strict=True))
