"""The network VGGish and the embedding of log-mel examples (Hershey et al. 2017; Ma et al. 2021, "VGGish embeddings").

Six convolutions and three dense layers, 72,141,184 parameters. The original applies a last ReLU, which TensorFlow's
release removed in 2020: the values before it are the default (D), `relu=True` gives the older ones. PCA and
quantisation to 8 bit, as the AudioSet features have them, are in `postprocess`.
"""

import numpy as np
import torch
from torch import nn

from filmlens.features.vggish.frontend import BANDS, FRAMES
from filmlens.features.weights import inference

DIMENSIONS = 128

#: Channels of the convolutions; a number is a convolution, "pool" halves both axes.
_LAYERS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")
# Convolutions work on what fits the cache; the dense layers, 270 MB of weights, on as many examples as pay for
# reading them.
_CONVOLVED, _DENSE = 16, 256


class VGGish(nn.Module):
    """Log-mel examples (n, 96, 64) to embeddings (n, 128); `relu` cuts the last layer at zero, as older releases."""

    def __init__(self, *, relu: bool = False) -> None:
        super().__init__()
        layers, channels = [], 1
        for width in _LAYERS:
            if width == "pool":
                # cut after pooling: the same values, a quarter of the work
                layers[-1:] = [nn.MaxPool2d(2), nn.ReLU(inplace=True)]
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
        self.features = nn.Sequential(*layers)
        flat = FRAMES // 16 * (BANDS // 16) * channels
        dense = [nn.Linear(flat, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 4096), nn.ReLU(inplace=True)]
        self.embeddings = nn.Sequential(*dense, nn.Linear(4096, DIMENSIONS))
        self.relu = relu

    def forward(self, examples: torch.Tensor) -> torch.Tensor:
        return self.dense(self.convolve(examples))

    def convolve(self, examples: torch.Tensor) -> torch.Tensor:
        """What the convolutions give, (n, 12288), flattened frame by frame, band by band, channel by channel."""
        return self.features(examples.unsqueeze(1)).permute(0, 2, 3, 1).flatten(1)

    def dense(self, flat: torch.Tensor) -> torch.Tensor:
        """Embeddings (n, 128) of what the convolutions gave."""
        values = self.embeddings(flat)
        return torch.relu(values) if self.relu else values


def embed_examples(net: VGGish, examples: np.ndarray, *, device: str = "auto") -> np.ndarray:
    """Embeddings of log-mel examples (n, 96, 64), float32 (n, 128); ValueError for another shape. See `inference`."""
    examples = np.asarray(examples, np.float32)
    if examples.ndim != 3 or examples.shape[1:] != (FRAMES, BANDS):
        raise ValueError(f"examples of shape {examples.shape}; VGGish takes (n, {FRAMES}, {BANDS})")
    out = np.empty((len(examples), DIMENSIONS), np.float32)
    with inference(net, device) as where:
        convolved = _CONVOLVED if where.type == "cpu" else _DENSE
        for at in range(0, len(examples), _DENSE):
            batch = torch.from_numpy(np.ascontiguousarray(examples[at : at + _DENSE])).to(where)
            flat = torch.cat([net.convolve(part) for part in batch.split(convolved)])
            out[at : at + _DENSE] = net.dense(flat).cpu().numpy()
    return out


def postprocess(embeddings: np.ndarray, eigenvectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Embeddings (n, 128) as AudioSet stores them: rotated by PCA (eigenvectors in rows), cut to +-2 and to 8 bit."""
    rotated = (np.asarray(embeddings, float) - np.ravel(means)) @ np.asarray(eigenvectors, float).T
    return ((np.clip(rotated, -2, 2) + 2) * (255 / 4)).astype(np.uint8)
