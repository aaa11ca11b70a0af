"""Table 4 of a study: every model on every feature set, its scores beside the paper's, and chance learnt again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from filmlens import features, genre, paper
from filmlens.genre import CrossValidation
from filmlens.study.study import Study

#: The paper's two conflicting macro-F1, by the model that each is of.
_STATED = {
    ("mir", "average 64"): "macro-F1 MIR average pooling 64 nodes",
    ("vggish", "single_attention 128"): "macro-F1 single attention VGGish",
}
#: Models that learn a permuted corpus in seconds.
_QUICKLY = ("simple_mi_knn", "simple_mi_svm")

Models = Mapping[tuple[str, str], CrossValidation]


def models(study: Study, sets: Sequence[str]) -> dict[tuple[str, str], CrossValidation]:
    """Every model on every feature set, by (feature set, model and nodes), one film held out at a time."""
    wanted = {name: {"model": name} for name in study.others}
    wanted |= {f"{p} {h}": {"model": p, "hidden": h} | study.training for p in genre.POOLINGS for h in study.hidden}
    asked = {(s, name): configuration | {"features": s} for s in sets for name, configuration in wanted.items()}
    return dict(zip(asked, study.models(list(asked.values())), strict=True))


def scores(study: Study, models: Models) -> pd.DataFrame:
    """`genre.summary` with the feature set and, in `p_chance`, chance that was learnt again where that is possible.

    The profile quick learns again what takes seconds, the profile paper all that has no network.
    """
    table = genre.summary(models)
    table.insert(0, "features", [name for name, _ in models])
    table["name"] = [name for _, name in models]
    table["learnt again"] = False
    relearnt = [m for m in study.others if m.startswith(("simple", "voting"))]
    relearnt = _QUICKLY if study.profile == "quick" else relearnt
    rows = table.index[table["name"].isin(relearnt)]
    again = table.loc[rows, ["features", "name"]].rename(columns={"name": "model"})
    for row, draws in zip(rows, study.chances(again.to_dict("records")), strict=True):
        table.loc[row, ["p_chance", "learnt again"]] = genre.p_above(draws, table.loc[row, "map"]), True
    return table


def beside_paper(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of `scores` that the paper's table has, with the paper's (second-hand) precision, recall and F1."""
    table = genre.paper_rows(scores)
    names = zip(table["features"].map(features.papers_name), table["name"], strict=True)
    return table.join(pd.DataFrame([paper.table4(*name) for name in names]))


def stated_beside(scores: pd.DataFrame, best: float | None) -> dict[str, float]:
    """Our side of the macro-F1 in the paper's text; `best` is that of the best model, None without the paper's sets."""
    known = scores.assign(features=scores["features"].map(features.papers_name))
    known = known.set_index(["features", "name"])["f1"]
    found = {} if best is None else {"macro-F1 best models": best}
    return found | {name: known[key] for key, name in _STATED.items() if key in known.index}
