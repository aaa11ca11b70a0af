"""A page of claims about corpora without any truth in them: hardly ever a verdict."""

import numpy as np
import pandas as pd
import paper_corpora as corpora
import pytest
from scipy import stats

from filmlens.findings import claims_table, group_importance

POOLINGS = ("max", "average", "linear softmax", "single attention 128", "multi attention", "feature attention")
BASES = tuple(f"{kind} {base}" for kind in ("simple MI", "voting") for base in ("knn", "svm", "forest"))
GROUPS = ("MFCC", "dMFCC", "ddMFCC", "Dynamics", "Pitch", "Rhythm", "Timbre", "Tone")
#: Decided by arithmetic whatever the music says: false positives turn (see `filmlens.findings.crossmodal`), scores
#: of rare genres vary more.
ARITHMETIC = (
    "False positives reversed",
    "False positives reversed in half of brightness",
    "False positives reversed in most of contrast",
    "run variance largest for Horror and Romance",
)


def guesses(rng, starts=None, agree=0.7):
    """Probabilities of a model that knows the genres' frequencies; its starts agree in part."""
    share = corpora.labels().mean().to_numpy()
    z = np.sqrt(agree) * rng.normal(size=(110, 6)) + np.sqrt(1 - agree) * rng.normal(size=(starts or 1, 110, 6))
    values = 0.5 + (stats.norm.cdf(z) - (1 - share)) / 2
    return values if starts else values[0]


def false_verdicts(seed, *, starts=10, n_boot=300):
    """By claim, whether it was said to hold or to be contradicted, and by "any" whether one was."""
    rng = np.random.default_rng(seed)
    labels = corpora.labels()
    predictions = {(f, "cue", m): guesses(rng, starts) for f in ("mir", "vggish") for m in POOLINGS}
    predictions |= {(f, "cue", m): guesses(rng) for f in ("mir", "vggish") for m in BASES}
    levels = {("mir", level, m): guesses(rng, 1) for level in ("cue", "frame") for m in POOLINGS[:3]}
    bags = [rng.normal(size=(1, 16)) for _ in labels.index]
    weight = rng.normal(size=(16, 6))
    runs = group_importance(
        lambda bags: 1 / (1 + np.exp(0.7 - np.concatenate(bags) @ weight / 4)),
        bags,
        labels,
        {name: [2 * i, 2 * i + 1] for i, name in enumerate(GROUPS)},
        scheme="films",
        n_repeats=5,
        n_boot=n_boot,
        seed=seed,
    )
    clips = corpora.clips(rng, np.zeros(110), np.maximum(corpora.cue_counts() // 10, 1))
    clips["contrast"] = corpora.clips(rng, np.zeros(110), np.maximum(corpora.cue_counts() // 10, 1))["brightness"]
    predicted = pd.DataFrame(guesses(rng) >= 0.5, labels.index, labels.columns)
    table = claims_table(
        labels,
        predictions=predictions,
        levels=levels,
        baselines={"random guess": rng.random((100, 110, 6)) < labels.mean().to_numpy()},
        importance=runs,
        pictures=(clips, predicted),
        unit="films",
        n_boot=n_boot,
        seed=seed,
    )
    table = table[~table["claim"].isin(ARITHMETIC)].set_index("claim")["verdict"]
    # two models that both know nothing are alike, and may be said to be
    wrong = table.isin(["holds", "contradicted"]) & ~((table.index == table.index[0]) & (table == "holds"))
    return {**wrong.to_dict(), "any": wrong.any()}


def test_five_pages_without_a_truth():
    assert sum(false_verdicts(seed, starts=3, n_boot=200)["any"] for seed in range(5)) <= 2


@pytest.mark.slow
def test_five_hundred_pages_without_a_truth():
    count = sum(false_verdicts(seed)["any"] for seed in range(500))
    print("pages with a false verdict:", count, "of 500")
    assert count <= 34
