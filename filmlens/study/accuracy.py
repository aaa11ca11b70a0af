"""How well the stamping engines agree with the annotations, beside what the paper states."""

import pandas as pd

from filmlens import paper
from filmlens.stamper.evaluation import summarize
from filmlens.study.study import Study

#: Parameters of the stage ``cues`` that are compared, by what they are called.
ENGINES = {
    "FilmLens": {},
    "Dejavu, nearby windows": {"engine": "dejavu"},
    "Dejavu, 14 votes": {"engine": "dejavu", "rule": "votes"},
}
_STATED = {
    "precision": "stamper precision",
    "recall": "stamper recall",
    "precision_sd": "stamper precision SD",
    "recall_sd": "stamper recall SD",
}


def by_engine(study: Study) -> pd.DataFrame:
    """engine, precision, recall and their SD over the annotated films; the paper's three films first."""
    rows = [{"engine": "paper (3 films)"} | {column: paper.number(name) for column, name in _STATED.items()}]
    for name, choice in ENGINES.items():
        films = study.accuracy(study.table("cues", **choice))
        if len(films):
            found = summarize(films.to_dict("index"))
            rows.append(dict(zip(("engine", *_STATED), (name, *found["mean"], *found["sd"]), strict=True)))
    return pd.DataFrame(rows)


def numbers(study: Study, measured: pd.DataFrame) -> dict[str, float]:
    """Our side of the paper's numbers: of its films, and of FilmLens's engine in `by_engine`."""
    truths = [film.annotations() for film in study.corpus if film.annotation]
    minutes = sum((truth["end"] - truth["start"]).sum() for truth in truths) / 60
    found = {"annotated films": len(truths), "annotated cues": sum(map(len, truths)), "annotated minutes": minutes}
    for _, row in measured.iloc[1:2].iterrows():
        found |= {name: row[column] for column, name in _STATED.items()}
    return found
