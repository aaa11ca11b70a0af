"""What is measured of every cue: descriptors (mir), learnt embeddings (vggish), pictures (visual); one row per set."""

from filmlens.features.sets import FEATURES, FeatureSet, table2

__all__ = ["FEATURES", "FeatureSet", "table2"]
