"""What is measured of every cue: descriptors, learnt embeddings and tags of music, pictures; one row per set."""

from filmlens.features.sets import FEATURES, FeatureSet, available, label, papers_name, table2

__all__ = ["FEATURES", "FeatureSet", "available", "label", "papers_name", "table2"]
