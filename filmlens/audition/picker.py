"""The picker: the films of a corpus with coverage and judging, the cues to hear first, and the audition of one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from filmlens import stages, verdicts
from filmlens.audition.scene import length, stamped_cues, transplanted
from filmlens.audition.widget import Audition
from filmlens.corpus import Corpus, CorpusError
from filmlens.stamper import intervals

_LISTED = 60  # cues of a list


class AuditionCorpus(Audition):
    """Pick a film, or a cue of any film, and audition it.

    Parameters
    ----------
    corpus : Corpus or path
    film_id : str, optional
        The film that is open at first; the first one with a cue by default.
    who : str, optional
        Who judges.

    Raises
    ------
    KeyError
        No such film.
    """

    _picks = True

    def __init__(self, corpus: Corpus | str | Path, film_id: str = "", *, who: str = "", **more):
        corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
        super().__init__(corpus, film_id or _first(corpus), who=who, **more)

    @property
    def films(self) -> pd.DataFrame:
        """One row per film: see `film_table`."""
        return film_table(self._corpus)

    def _on_library(self, _message: dict) -> tuple[dict, list]:
        films, cues = film_table(self._corpus), least_certain(self._corpus)
        return {"films": films.to_dict("records"), "least_certain": cues.to_dict("records")}, []

    def _on_transplanted(self, _message: dict) -> tuple[dict, list]:
        cues = transplanted_first(self._corpus)
        return {"cues": None if cues is None else cues.to_dict("records")}, []


def film_table(corpus: Corpus) -> pd.DataFrame:
    """The films and how far they are judged.

    Returns
    -------
    DataFrame
        film_id, title, year, cues, judged, coverage (share of the film under a stamped cue; NaN when it was not
        stamped), lowest (score of the unjudged cue with least), complete, problem (of its verdicts' file).
    """
    rows = []
    for film in corpus:
        stamped, notes = stamped_cues(corpus, film)
        try:
            table, problem = verdicts.read(film.verdicts), ""
        except CorpusError as error:
            table, problem = verdicts.read(Path("")), str(error)
        cues = verdicts.judged(stamped, table)
        seconds = length(film, notes) if notes else 0.0
        music = intervals.length(stamped[["start", "end"]].to_numpy(float))
        open_ = cues[(cues["verdict"] == "") & (cues["origin"] == "stamped")]
        rows.append(
            {
                "film_id": film.id,
                "title": film.title or film.id,
                "year": film.year,
                "cues": len(stamped),
                "judged": int((cues["verdict"] != "").sum()),
                "coverage": music / seconds if seconds else float("nan"),
                "lowest": float(open_["score"].min()) if len(open_) else float("nan"),
                "complete": bool((table["verdict"] == "complete").any()),
                "problem": problem,
            }
        )
    return pd.DataFrame(rows)


def least_certain(corpus: Corpus, count: int = _LISTED) -> pd.DataFrame:
    """Cues of all films that were not judged yet, the least likely first.

    Returns
    -------
    DataFrame
        film_id, title, track, start, end, score, probability (NaN of an engine that gives none; then by score).
    """
    parts = []
    for film in corpus:
        stamped, _ = stamped_cues(corpus, film)
        try:
            cues = verdicts.judged(stamped, verdicts.read(film.verdicts))
        except CorpusError:
            continue  # the picker names the fault beside the film
        cues = cues[(cues["verdict"] == "") & (cues["origin"] == "stamped")]
        parts.append(cues.assign(film_id=film.id, title=film.title or film.id))
    columns = ["film_id", "title", "track", "start", "end", "score", "probability"]
    table = (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()).reindex(columns=columns)
    return table.sort_values(["probability", "score"], kind="stable").head(count).reset_index(drop=True)


def transplanted_first(corpus: Corpus, count: int = _LISTED) -> pd.DataFrame | None:
    """Cues that sound like a genre their film does not have; None without a genre model of the stamped cues."""
    foreign = transplanted(corpus, stages.read(corpus, "cues"))
    if foreign is None:
        return None
    titles = {film.id: film.title or film.id for film in corpus}
    foreign = foreign[foreign["excess"] > 0].head(count)
    return foreign.assign(title=foreign["film_id"].map(titles)).reset_index(drop=True)


def _first(corpus: Corpus) -> str:
    """The first film with a stamped cue, else the first film."""
    for film in corpus:
        if len(stamped_cues(corpus, film)[0]):
            return film.id
    return corpus.ids[0]


__all__ = ["AuditionCorpus", "film_table", "least_certain", "transplanted_first"]
