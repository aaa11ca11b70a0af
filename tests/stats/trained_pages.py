"""A page of claims about models that were trained on a corpus without any truth in it (`error_rates.py trained`).

Label sets and numbers of cues are the study's. Both sets of features are noise of 16 columns that correlates within
films by .3 and says nothing of the labels, and so are the pictures. Trained on them over 10 folds by film are the
models that the claims about Table 4, Fig 3 and Table 5 read: six poolings from 10 starts each (single attention with
128 nodes, the others with 16), simple MI with the three base classifiers and voting with kNN, on both sets; max,
average and linear softmax at frame level (two frames a cue) from one start; and the ensemble of single attention's
starts, whose importance and predicted genres are looked at. Steps are longer and epochs fewer than the study's, so that
a page takes about two minutes of one core.
"""

import numpy as np
import pandas as pd
import paper_corpora as corpora
from test_claims_rate import ARITHMETIC, GROUPS

from filmlens.findings import claims_table, group_importance
from filmlens.genre import (
    AlwaysPositive,
    BagClassifier,
    InstanceVoting,
    RandomGuess,
    SimpleMI,
    ZeroRule,
    cross_validate,
    evaluate,
)

WIDTH, FOLDS = 16, 10
#: The network whose ensemble importance and pictures rest on.
HEAD = "single attention 128"
_SHORT = {"hidden": 16, "epochs": 30, "learning_rate": 2e-3}
_LONG = {"hidden": 128, "epochs": 20, "learning_rate": 1e-3}
NETWORKS = {
    "max": BagClassifier("max", **_SHORT),
    "average": BagClassifier("average", **_SHORT),
    "linear softmax": BagClassifier("linear_softmax", **_SHORT),
    "single attention 128": BagClassifier("single_attention", **_LONG),
    "multi attention": BagClassifier("multi_attention", **_SHORT),
    "feature attention": BagClassifier("feature_attention", **_SHORT),
}
OTHERS = {
    "simple MI knn": SimpleMI("knn"),
    "simple MI svm": SimpleMI("svm"),
    "simple MI forest": SimpleMI("forest", joint_forest=True),
    "voting knn": InstanceVoting("knn"),
}
#: Claims about different procedures, whose F1 differ by how many films each calls positive, whatever it hears: that
#: they are contradicted where nothing is heard can be true. That they hold is counted as false.
PROCEDURES = (
    "single attention 128 on VGGish is the best",
    "cue level above frame level for each model",
    "max and linear softmax below the others",
    "simple MI with SVM on VGGish has the highest precision",
    "every model above both baselines",
    "every model above always-positive",
)


def trained(seed: int, *, starts: int = 10, n_boot: int = 300, networks: dict | None = None) -> dict:
    """Verdict of every claim, and under "after" of the page as a whole 0 when one of them is false."""
    rng = np.random.default_rng(seed)
    labels, counts = corpora.labels(), corpora.cue_counts()
    networks = networks or NETWORKS

    def noise(counts: np.ndarray) -> list[np.ndarray]:
        return np.split(corpora.clustered(rng, counts, WIDTH), np.cumsum(counts)[:-1])

    def learnt(model, bags, seeds=1):
        return cross_validate(model, bags, labels, scheme=FOLDS, seeds=seeds)

    bags = {"mir": noise(counts), "vggish": noise(counts)}
    heard = {(f, "cue", m): learnt(model, bags[f], starts) for f in bags for m, model in networks.items()}
    predictions = {key: cv.probabilities for key, cv in heard.items()}
    predictions |= {(f, "cue", m): learnt(model, bags[f]).probability for f in bags for m, model in OTHERS.items()}
    poolings = [m for m in ("max", "average", "linear softmax") if m in networks]
    frames = [np.repeat(bag, 2, axis=0) + noise([2 * len(bag)])[0] for bag in bags["mir"]]
    levels = {("mir", "cue", m): predictions["mir", "cue", m][:1] for m in poolings}
    levels |= {("mir", "frame", m): learnt(networks[m], frames).probabilities for m in poolings}
    head = heard["mir", "cue", HEAD]
    runs = group_importance(
        head.predict,
        bags["mir"],
        labels,
        {name: [2 * i, 2 * i + 1] for i, name in enumerate(GROUPS)},
        scheme="films",
        n_repeats=5,
        n_boot=n_boot,
        seed=seed,
    )
    few = np.maximum(counts // 10, 1)
    clips = corpora.clips(rng, np.zeros(110), few)
    clips["contrast"] = corpora.clips(rng, np.zeros(110), few)["brightness"]
    share = learnt(RandomGuess(), bags["mir"]).probability
    floors = {"zero rule": ZeroRule(), "always positive": AlwaysPositive()}
    floors = {name: learnt(model, bags["mir"]).prediction for name, model in floors.items()}
    table = claims_table(
        labels,
        predictions=predictions,
        levels=levels,
        baselines={"random guess": rng.random((100, *share.shape)) < share, **floors},
        importance=runs,
        pictures=(clips, pd.DataFrame(head.prediction, labels.index, labels.columns)),
        unit="films",
        start_sd=evaluate(head, replicates=2, permutations=1)["f1_seed_sd"],
        n_boot=n_boot,
        seed=seed,
    ).set_index("claim")
    table = table[~table.index.isin(ARITHMETIC)]
    said = table["verdict"]
    wrong = (said == "holds") & (said.index != said.index[0])
    wrong |= (said == "contradicted") & ~said.index.isin(PROCEDURES)
    why = said.index + " " + said + ", " + table["estimate is"]
    return {"after any": 0.0 if wrong.any() else 1.0, "false": "; ".join(why[wrong]), **said.to_dict()}
