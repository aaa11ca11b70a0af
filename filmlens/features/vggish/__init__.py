"""VGGish embeddings of sound: what it hears, the network, its weights, and rows of features (Ma et al. 2021)."""

from filmlens.features.vggish import weights
from filmlens.features.vggish.frontend import RATE, examples
from filmlens.features.vggish.rows import compared

__all__ = ["RATE", "compared", "examples", "weights"]
