"""Table 4 of a study: every model on every feature set, its scores beside the paper's, and chance learnt again."""

from collections.abc import Mapping, Sequence

import pandas as pd

from filmlens import features, genre, paper
from filmlens.genre import CrossValidation
from filmlens.look import p_value
from filmlens.names import reader_name
from filmlens.study.study import Study

#: The paper's two conflicting macro-F1, by the model that each is of.
_STATED = {
    ("mir", "average 64"): "macro-F1 MIR average pooling 64 nodes",
    ("vggish", "single_attention 128"): "macro-F1 single attention VGGish",
}
#: Models that learn a permuted corpus in seconds.
_QUICKLY = ("simple_mi_knn", "simple_mi_svm")

Models = Mapping[tuple[str, str], CrossValidation]

#: Columns that are saved; those of the paper follow where they are quoted.
COLUMNS = ["features", "name", "precision", "recall", "f1", "f1_low", "f1_high", "map"]
COLUMNS += ["training_f1", "f1_tuned", "p_paper", "p_chance", "learnt again"]
PAPERS = ["paper P", "paper R", "paper F1", "paper's doubt"]
#: Marks a p of labels permuted and everything learnt again.
AGAIN = "†"


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


def readable(scores: pd.DataFrame) -> pd.DataFrame:
    """The columns that are saved, feature sets as they are called beside the paper's numbers."""
    columns = [*COLUMNS, *(name for name in PAPERS if name in scores)]
    return scores[columns].assign(features=scores["features"].map(features.label))


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Of `readable` what is read: intervals and the paper's numbers as one cell each."""

    def numbers(row: pd.Series, columns: list[str]) -> str:
        return ", ".join(f"{value:.2f}" for value in row[columns]) if row[columns].notna().all() else ""

    page = table[["features", "name", "precision", "recall", "f1"]].copy()
    page["features"] = page["features"].map(reader_name)
    limits = table.apply(numbers, axis=1, columns=["f1_low", "f1_high"])
    page["95 %"] = [f"[{words}]" if words else "–" for words in limits]
    page[["map", "training_f1"]] = table[["map", "training_f1"]]
    marks = table["learnt again"].map({True: f" {AGAIN}", False: ""})
    page["p"] = [
        f"{p_value(p)}{mark}" if pd.notna(p) else "–" for p, mark in zip(table["p_chance"], marks, strict=True)
    ]
    if PAPERS[0] in table:
        page["paper: P, R, F1"] = table.apply(numbers, axis=1, columns=PAPERS[:3])
    return page


def doubts(table: pd.DataFrame) -> str:
    """What speaks against the paper's numbers, a sentence per row."""
    rows = table[table[PAPERS[-1]] != ""].drop_duplicates("name")
    said = [f"{reader_name(row['name'])}: {row[PAPERS[-1]]}" for _, row in rows.iterrows()]
    return f" What speaks against the paper's numbers: {'; '.join(said)}." if said else ""


def stated_beside(scores: pd.DataFrame, best: float | None) -> dict[str, float]:
    """Our side of the macro-F1 in the paper's text; `best` is that of the best model, None without the paper's sets."""
    known = scores.assign(features=scores["features"].map(features.papers_name))
    known = known.set_index(["features", "name"])["f1"]
    found = {} if best is None else {"macro-F1 best models": best}
    return found | {name: known[key] for key, name in _STATED.items() if key in known.index}
