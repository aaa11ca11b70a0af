"""Genre models: bags, poolings, the stacked network, baselines, cross-validation and scores (paper, Tables 3 and 4)."""

from filmlens.genre.bags import Bags, as_bags
from filmlens.genre.baselines import AlwaysPositive, InstanceVoting, RandomGuess, SimpleMI, ZeroRule
from filmlens.genre.comparison import p_above, paired_difference, retrained_chance, selection_corrected
from filmlens.genre.crossval import cross_validate
from filmlens.genre.estimator import BagClassifier
from filmlens.genre.pooling import POOLINGS, table3
from filmlens.genre.results import CrossValidation
from filmlens.genre.scores import evaluate, paper_rows, per_film_cue_scores, summary

__all__ = [
    "POOLINGS",
    "AlwaysPositive",
    "BagClassifier",
    "Bags",
    "CrossValidation",
    "InstanceVoting",
    "RandomGuess",
    "SimpleMI",
    "ZeroRule",
    "as_bags",
    "cross_validate",
    "evaluate",
    "p_above",
    "paired_difference",
    "paper_rows",
    "per_film_cue_scores",
    "retrained_chance",
    "selection_corrected",
    "summary",
    "table3",
]
