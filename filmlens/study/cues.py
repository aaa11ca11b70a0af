"""One tidy table: a row per cue with everything that is known of it, for pandas, R or a spreadsheet.

It only gathers what lies on disk. Column names are plain words (``probability_sci_fi``), so that they need no quoting
in a formula of R.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmlens import artefacts, stages, verdicts
from filmlens.artefacts import digest
from filmlens.corpus import Corpus, Film
from filmlens.features import mir
from filmlens.findings import crossmodal
from filmlens.look import write_csv
from filmlens.media import container
from filmlens.media.apart import apart
from filmlens.stages.plan import label_hash
from filmlens.study import dictionary, kept
from filmlens.verdicts.applied import TRUE
from filmlens.verdicts.table import find

#: Networks that findings and claims are about are trained from so many weights: one start moves macro-F1 by SD .03.
STARTS = 10
#: How they are validated where leaving one film out takes too long.
FOLDED = {"scheme": 10}
#: The model that Table 5 predicts with, whose probabilities and attention stand in the table.
TABLE5 = {"hidden": 128, "starts": STARTS}
#: That model with the shorter training, and the same with the nodes of Table 4, in order of preference.
MODELS = tuple(
    {"model": "single_attention", "epochs": 60, "learning_rate": 1e-3} | more
    for more in (TABLE5, TABLE5 | FOLDED, {"hidden": 64})
)
_VERSION = 1  # of `_gathered`: raised when it makes something else of the same tables
_KEYS = ["film_id", "cue"]
_READERS = 2  # decoding Parquet needs no lock of Python's

_TIMES = ["start", "end", "duration", "position", "film_seconds", "track_start", "speed", "score"]


def cues_table(
    corpus: Corpus,
    *,
    cues: str = "stamped",
    sound: str = "track",
    seed: int = 0,
    features: str = "mir",
    models: Sequence[Mapping[str, Any]] = MODELS,
) -> pd.DataFrame:
    """Everything measured so far, one row per cue; nothing is computed.

    It is kept under ``derived/gathered`` as long as none of the files changes that it was gathered from. `cues` and
    `sound` are those of `Study`; `seed` and `features` are those of the genre model, and of its `models`, parameters of
    the stage ``genre``, the first that was fitted is taken.

    Columns: the film's of films.csv (without its media) and ``genre_<genre>`` (bool); cue, track, start, end, duration,
    position (0-1: the middle of the cue in the film), film_seconds, track_start, speed, score, probability (that the
    cue is its track), match (same recording, altered in pitch or tempo, or other rendition); the 140 MIR columns (in a
    corpus of what the study released, its own), but none of other `features`; ``probability_<genre>`` and
    ``attention_<genre>`` of the model that never saw the film; picture_brightness and picture_contrast (medians over
    the cue); verdict. What was not measured is missing (NaN, or empty text). By film, in the order of films.csv, and
    start. See `filmlens.study.dictionary`.
    """
    given = {"cues": cues, "sound": sound, "seed": seed, "features": features}
    state, models = kept.state_of(corpus), [dict(model) for model in models]
    known = json.loads(json.dumps({"version": _VERSION, "given": given, "models": models, "state": state}))
    name = digest(json.dumps([given, models]).encode())
    path = corpus.derived / kept.FOLDER / f"{name}.parquet"
    before, table = artefacts.read_provenance(path), None
    if before.get("known") == known:
        with suppress(artefacts.ArtefactError):
            table, notes = artefacts.read_table(path), before["told"]
    if table is None:
        table, notes = _gathered(corpus, given, models)
        if len(table):
            with suppress(artefacts.WriteError):  # a place that may not be written: it is gathered again next time
                artefacts.write_unhashed(path, table, {"known": known, "told": notes})
    for text in notes:
        warnings.warn(text, stacklevel=2)
    return table


def _gathered(corpus: Corpus, given: Mapping[str, Any], models: Sequence[Mapping]) -> tuple[pd.DataFrame, list[str]]:
    """The table of cues from the films' own, and what is to be told of it."""
    cues, features = given["cues"], given["features"]
    tables = _Tables(corpus, given)
    for name in ("cues", "segments"):
        tables.hashes(name)  # verified sheets stand on them
    sheet = tables.read(stages.sheet_stage(cues))
    tables.hashes(f"{stages.sheet_stage(cues)}-segments")
    if sheet.empty:
        return pd.DataFrame(columns=["film_id", "title", "year", "genres", "cue", "track", *_TIMES]), []
    table = _films(corpus).merge(sheet, on="film_id")
    table["film_seconds"] = table["film_id"].map(film_lengths(corpus, cues))
    table["duration"] = table["end"] - table["start"]
    table["position"] = ((table["start"] + table["end"]) / 2 / table["film_seconds"]).clip(0, 1)
    last = [*_TIMES, *(c for c in ("probability", "match", "usage") if c in table)]
    table = table[[*(c for c in table.columns if c not in (*last, "aligned")), *last]]
    described = descriptors_of(corpus)
    tables.hashes(described)  # what the cue vectors stand on
    vectors = tables.read(f"{described}-cues")
    vectors = vectors.reindex(columns=[*_KEYS, *mir.COLUMNS]) if described == "mir" else vectors
    pictures = _pictures(sheet, tables.read("visual"))
    if features != described:
        for level in ("frame", "cue"):
            tables.hashes(stages.feature_stage(features, level))
    for part in (vectors, _heard(corpus, tables.model(models)), pictures):
        table = table.merge(part.astype({"film_id": table["film_id"].dtype}), on=_KEYS, how="left", validate="1:1")
    by_film = table.groupby("film_id", sort=False)
    heard = [_verdicts(corpus[film_id], part, corrected=cues != "stamped") for film_id, part in by_film]
    if tables.missing:
        tables.notes.append(f"older than the cues, so left out: {', '.join(tables.missing)}; run again")
    verdict = pd.Series(np.concatenate(heard), index=table.index, dtype="str")
    return table.copy().assign(verdict=verdict), tables.notes


def descriptors_of(corpus: Corpus) -> str:
    """The set of MIR descriptors that a corpus has: ours, or those that the study released."""
    return "mir-released" if corpus.shared and (corpus.derived / "mir-released").is_dir() else "mir"


def film_lengths(corpus: Corpus, cues: str = "stamped") -> pd.Series:
    """Seconds of every film that has a cue sheet, with cues in it or without; index film_id."""
    found = {}
    sheets, stamped = (stages.place(corpus, name) for name in (stages.sheet_stage(cues), "cues"))
    for film in corpus:
        if sheets.path(film.id).is_file():
            seconds = artefacts.read_provenance(stamped.path(film.id)).get("notes", {}).get("duration") or np.nan
            if np.isnan(seconds) and film.film.is_file():
                with suppress(container.MediaError):
                    seconds = apart(container.duration, film.film)
            found[film.id] = float(seconds)
    return pd.Series(found, name="seconds", dtype=float).rename_axis("film_id")


def film_spans(corpus: Corpus, cues: str = "stamped", *, credits: bool = True) -> pd.DataFrame:
    """Begin and end (s) of what counts as each film; index film_id.

    That is the whole file (D); without `credits` it is cut at the columns picture_start and credits_start of films.csv,
    where they stand. `cues` is "stamped", "verified" or "annotated".
    """
    lengths = film_lengths(corpus, cues).dropna()
    spans = pd.DataFrame({"begin": 0.0, "end": lengths})
    if not credits:
        for film_id in spans.index:
            film, end = corpus[film_id], spans.loc[film_id, "end"]
            spans.loc[film_id] = film.seconds("picture_start") or 0.0, film.seconds("credits_start") or end
    return spans


class _Tables:
    """The tables on disk that stand on each other: what was made from other cues than today's is left out."""

    def __init__(self, corpus: Corpus, chosen: Mapping[str, Any]):
        self._corpus, self._chosen, self._hashes = corpus, chosen, set()
        self.missing: list[str] = []
        self.notes: list[str] = []

    def read(self, name: str) -> pd.DataFrame:
        """A film stage's table for all films; its hashes count from now on."""
        with ThreadPoolExecutor(_READERS) as readers:
            tables = [t for t in readers.map(self._read, self.hashes(name)) if t is not None]
        filled = [t for t in tables if len(t)] or tables[:1]
        return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame({"film_id": pd.Series(dtype=str)})

    def _read(self, path: Path) -> pd.DataFrame | None:
        try:
            return artefacts.read_table(path)
        except artefacts.ArtefactError:
            self.missing.append(f"{path.parent.name} of {path.stem} (damaged)")
            return None

    def hashes(self, name: str) -> list[Path]:
        """The films' files of a table that stand on those so far; their hashes count from now on."""
        if stages.owner(name) not in stages.STAGES:
            return []
        known = stages.accepted_by(stages.owner(name), self._chosen)
        place, paths = stages.place(self._corpus, name, **known), []
        for film_id in self._corpus.ids:
            path = place.path(film_id)
            provenance = artefacts.read_provenance(path)
            if artefacts.stands_on(provenance, self._hashes) and place.holds(film_id, provenance):
                self._hashes.add(provenance["table"])
                paths.append(path)
            elif path.is_file():
                self.missing.append(f"{name} of {film_id}")
        return paths

    def model(self, models: Sequence[Mapping[str, Any]]):
        """The first cross-validated model that was fitted on these tables and labels; None, and told, without one."""
        older = False
        for model in models:
            known = stages.accepted_by("genre", self._chosen | dict(model))
            path = stages.path(self._corpus, "genre", **known)
            provenance = artefacts.read_provenance(path)
            same = provenance.get("recipe", {}).get("media") == label_hash(self._corpus, known)
            if same and artefacts.stands_on(provenance, self._hashes) and not artefacts.damage(path):
                return stages.folds(self._corpus, "genre", **known)
            older |= path.is_file()
        if older:
            self.missing.append("the genre model")
        else:
            features = self._chosen["features"]
            self.notes.append(
                f"no model was fitted on {features} yet, so probability and attention are empty; run notebook 03"
            )
        return None


def write_cues_table(table: pd.DataFrame, folder: Path) -> None:
    """``cues.parquet``, ``cues.csv`` and the data dictionary ``cues_columns.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    artefacts.write_atomically(folder / "cues.parquet", lambda part: table.to_parquet(part, index=False))
    write_csv(table, folder / "cues.csv")
    write_csv(dictionary.describe(table).drop(columns="table"), folder / "cues_columns.csv")


def slugs(genres) -> dict[str, str]:
    """Genre -> its part of a column name, such as sci_fi; numbered when another genre has it already."""
    found: dict[str, str] = {}
    for genre in genres:
        word = "_".join("".join(c if c.isalnum() else " " for c in genre.lower()).split()) or "genre"
        same = sum(t == word or (t.startswith(f"{word}_") and t[len(word) + 1 :].isdigit()) for t in found.values())
        found[genre] = f"{word}_{same + 1}" if same else word
    return found


def _films(corpus: Corpus) -> pd.DataFrame:
    films = corpus.films.drop(columns=["film", "soundtrack", "library"], errors="ignore").astype({"year": "Int64"})
    made = {"cue", "track", "verdict", "probability", "match", *_TIMES, *mir.COLUMNS}
    films = films.rename(columns={c: f"film_{c}" for c in films.columns if c in made})
    films["genres"] = ["|".join(f.genres) for f in corpus]
    for genre, word in slugs(corpus.genres).items():
        films[f"genre_{word}"] = [genre in f.genres for f in corpus]
    return films


def _heard(corpus: Corpus, model) -> pd.DataFrame:
    """Out-of-fold probabilities of every cue, and its share of its film's attention."""
    names = slugs(corpus.genres)
    columns = [f"{kind}_{word}" for kind in ("probability", "attention") for word in names.values()]
    if model is None:
        return pd.DataFrame(columns=[*_KEYS, *columns], dtype=float).astype({"film_id": str, "cue": "int64"})
    heard = model.instances()
    parts = {key: heard[key] for key in _KEYS}
    for genre, word in names.items():
        weight = heard[f"attention {genre}"]
        parts[f"probability_{word}"] = heard[genre]
        parts[f"attention_{word}"] = weight / weight.groupby(heard["film_id"]).transform("sum")
    return pd.DataFrame(parts)[[*_KEYS, *columns]]


def _pictures(sheet: pd.DataFrame, visual: pd.DataFrame) -> pd.DataFrame:
    names = {"brightness": "picture_brightness", "contrast": "picture_contrast"}
    if not set(names) <= set(visual.columns):
        return sheet[_KEYS].assign(**dict.fromkeys(names.values(), np.nan))
    return crossmodal.clip_medians(sheet, visual).rename(columns=names)


def _verdicts(film: Film, cues: pd.DataFrame, *, corrected: bool) -> np.ndarray:
    """What was judged of each cue, found again by track and overlap, where it was or where it was corrected to."""
    if not film.verdicts.is_file():
        return np.full(len(cues), "", dtype=object)
    table = verdicts.read(film.verdicts)
    found = np.array([*table["verdict"], ""], dtype=object)[find(cues, table)]  # the last: of a cue not judged, -1
    if corrected:
        moved = table[table["verdict"].isin(TRUE)].reset_index(drop=True)
        for column in ("track", "start", "end"):
            new = moved[f"new_{column}"]
            moved[column] = moved[column].where(new.isna() | (new == ""), new)
        words = np.array([*moved["verdict"], ""], dtype=object)
        found = np.where(found == "", words[find(cues, moved.assign(verdict="accept"))], found)
    return found
