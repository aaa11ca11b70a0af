"""The picker: the films of a corpus with coverage and judging, the queue of all their cues, and the audition of one."""

from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import stages, verdicts
from filmlens.audition.adjudicating import Adjudication, open_judging
from filmlens.audition.exports import with_unidentified
from filmlens.audition.scene import length, stamped_cues, transplanted
from filmlens.audition.session import Session, with_ids
from filmlens.audition.widget import Audition
from filmlens.corpus import Corpus, CorpusError, annotators
from filmlens.stamper import intervals

_NEAR_S = 0.05  # how near a start that was handed in must be to a cue's


class AuditionCorpus(Audition):
    """Pick a film, or a cue of any film, and audition it.

    `film_id` is open at first; by default the first film with a cue. `queue` are cues to hear first, in this order:
    film_id, and start [s] or cue (number in the stamped sheet); such as the cues behind a sentence of notebook 04. All
    else is as in `Audition`. Raises `KeyError` for a film that is not there, `ValueError` when `queue` cannot be
    understood.
    """

    _picks = True

    def __init__(
        self,
        corpus: Corpus | str | Path,
        film_id: str = "",
        *,
        who: str = "",
        queue: pd.DataFrame | None = None,
        **more,
    ):
        corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
        self._queue = _checked(queue, corpus)
        if not film_id and len(self._queue):
            film_id = str(self._queue["film_id"].iloc[0])
        stamped = (film.id for film in corpus if len(stamped_cues(corpus, film)[0]))
        super().__init__(corpus, film_id or next(stamped, corpus.ids[0]), who=who, **more)

    @property
    def films(self) -> pd.DataFrame:
        """One row per film: see `film_table`."""
        return film_table(self._corpus, who=self._who)

    def _all_sessions(self) -> dict[str, Session]:
        sessions = {self.film_id: self._session}
        for film in self._corpus:
            if film.id not in sessions and stages.path(self._corpus, "cues", film.id).is_file():
                sessions[film.id] = open_judging(self._corpus, film.id, who=self._who, steps=self._steps)
        return sessions

    def _on_library(self, _message: dict) -> tuple[dict, list]:
        cues, films = queue(self._corpus, self._queue, who=self._who), self.films
        matters = {}
        for film_id in [] if self._who else films.loc[films["problem"] == "", "film_id"]:
            film = self._corpus[film_id]
            matters[film_id] = Adjudication(film, stamped_cues(self._corpus, film)[0], 0.0).shown()
        return {"films": films.to_dict("records"), "cues": cues.to_dict("records"), "matters": matters}, []

    def _on_transplanted(self, _message: dict) -> tuple[dict, list]:
        foreign = transplanted_first(self._corpus)
        if foreign is None:
            return {"cues": None}, []
        stamped = {f"stamped_{c}": foreign[c] for c in ("track", "start", "end")}
        tagged = with_ids(foreign.assign(basis="stamped", probability_genre=foreign["probability"], **stamped))
        return {"cues": tagged[["film_id", "id", "genre", "probability_genre", "excess"]].to_dict("records")}, []


def film_table(corpus: Corpus, *, who: str = "") -> pd.DataFrame:
    """The films and how far they are judged; by an annotator where `who` names one.

    Columns: film_id, title, year, genres, tracks (names of the stamped ones, to be searched), cues, judged, coverage
    (share of the film under a stamped cue; NaN when it was not stamped), complete, problem (of its verdicts' file).
    """
    rows = []
    for film in corpus:
        stamped, notes = stamped_cues(corpus, film)
        try:
            table, problem = verdicts.read(annotators.verdicts_of(film, who)), ""
        except CorpusError as error:
            table, problem = verdicts.read(Path("")), str(error)
        cues = verdicts.judged(stamped, table)
        seconds = length(film, notes) if notes else 0.0
        music = intervals.length(stamped[["start", "end"]].to_numpy(float))
        rows.append(
            {
                "film_id": film.id,
                "title": film.title or film.id,
                "year": film.year,
                "genres": " ".join(film.genres),
                "tracks": " ".join(dict.fromkeys(cues["track"])),
                "cues": len(cues),
                "judged": int((cues["verdict"] != "").sum()),
                "coverage": music / seconds if seconds else float("nan"),
                "complete": bool((table["verdict"] == "complete").any()),
                "problem": problem,
            }
        )
    return pd.DataFrame(rows)


def transplanted_first(corpus: Corpus, count: int | None = None) -> pd.DataFrame | None:
    """Cues that sound like a genre their film does not have; None without a genre model of the stamped cues."""
    foreign = transplanted(corpus, stages.read(corpus, "cues"))
    if foreign is None:
        return None
    titles = {film.id: film.title or film.id for film in corpus}
    foreign = foreign[foreign["excess"] > 0].head(len(foreign) if count is None else count)
    return foreign.assign(title=foreign["film_id"].map(titles)).reset_index(drop=True)


_ROWS = [
    *("film_id", "title", "genres", "id", "track", "name", "start", "end", "score", "probability", "verdict", "usage"),
    *("origin", "diegesis", "function", "number", "unmatched", "span", "given"),
]


def queue(corpus: Corpus, handed_in: pd.DataFrame | None = None, *, who: str = "") -> pd.DataFrame:
    """Every cue of every film as it stands, in the order of films and time; the page orders and filters them.

    Music that is on no track is `unmatched`: cues that were given a free name, and where no cue lies the spans of the
    recall check in which music was heard (`span` is "heard") and those that `filmlens music` found ("detected").
    `handed_in` has film_id and start of cues that are wanted, in their order, which the column `given` says; `who` is
    the annotator whose verdicts they are, by default those that all else reads. Columns besides: film_id, title,
    genres, id, track, name, start, end, score, probability (NaN of an engine that gives none), verdict and fields.
    """
    parts = []
    for film in corpus:
        stamped, _ = stamped_cues(corpus, film)
        try:
            table = verdicts.read(annotators.verdicts_of(film, who))
        except CorpusError:
            continue  # the picker names the fault beside the film
        cues = with_ids(verdicts.judged(stamped, table))
        cues = cues.assign(unmatched=cues["track"] == "", span="")
        spans = [_heard_spans(table, cues), _detected(corpus, film.id, cues)]
        parts.append(
            pd.concat([cues, *spans], ignore_index=True).assign(
                film_id=film.id, title=film.title or film.id, genres=" ".join(film.genres)
            )
        )
    rows = (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()).reindex(columns=_ROWS)
    rows["given"] = None
    for number, wanted in enumerate(() if handed_in is None else handed_in.to_dict("records")):
        near = abs(rows["start"].astype(float) - wanted["start"]) + 1e9 * (rows["film_id"] != wanted["film_id"])
        if len(near) and near.min() < _NEAR_S:
            rows.loc[near.idxmin(), "given"] = number
    return rows.iloc[np.lexsort([rows["start"].astype(float), pd.factorize(rows["film_id"])[0]])]


def _heard_spans(table: pd.DataFrame, cues: pd.DataFrame) -> pd.DataFrame:
    """Spans of the recall check in which music was heard, outside all cues that stand now."""
    music = table[table["verdict"] == "music"]
    kept = cues[cues["verdict"] != "reject"][["start", "end"]].to_numpy(float)
    free = [
        intervals.length(intervals.intersection(kept, [[s, e]])) < 0.5 * (e - s)
        for s, e in zip(music["start"], music["end"], strict=True)
    ]
    return _spans(music.loc[np.array(free, bool), ["start", "end"]], "heard", "music of the recall check")


def _detected(corpus: Corpus, film_id: str, cues: pd.DataFrame) -> pd.DataFrame:
    """Unidentified music between all cues that stand now; what returns has the name of its group."""
    music = with_unidentified(corpus, film_id, cues.loc[cues["verdict"] != "reject", ["start", "end"]])
    if "unidentified" not in music:
        return _spans(music.iloc[:0], "detected", "")
    music = music[music["unidentified"].eq(True)]
    return _spans(music[["start", "end"]], "detected", ("unidentified " + music["usage"]).str.strip())


def _spans(music: pd.DataFrame, kind: str, name: str | pd.Series) -> pd.DataFrame:
    ids = [f"span|{s:.3f}|{e:.3f}" for s, e in zip(music["start"], music["end"], strict=True)]
    return music.assign(id=ids, track="", name=name, verdict="", unmatched=True, span=kind)


def _checked(wanted: pd.DataFrame | None, corpus: Corpus) -> pd.DataFrame:
    """A queue that was handed in, as film_id and start; `ValueError` for missing columns, or a film that is none."""
    if wanted is None:
        return pd.DataFrame(columns=["film_id", "start"])
    wanted = wanted.reset_index(drop=True)
    if "film_id" not in wanted or not {"start", "cue"} & set(wanted):
        raise ValueError("queue= needs the columns film_id and start, or film_id and cue")
    strange = sorted(set(wanted["film_id"].astype(str)) - set(corpus.ids))
    if strange:
        raise ValueError(f"queue= names {strange[0]!r}, which is no film of {corpus.folder / 'films.csv'}")
    if "start" not in wanted:
        sheet = stages.read(corpus, "cues")[["film_id", "cue", "start"]]
        wanted = wanted.merge(sheet, on=["film_id", "cue"], how="left").dropna(subset="start")
    return wanted[["film_id", "start"]]
