"""What the page shows of a film beside its cues: tracks and colours, annotations, brightness, genres.

Everything is plain numbers and text, ready for JSON; what was not computed is None, and nothing is computed here.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from filmlens import artefacts, look, stages
from filmlens.corpus import Corpus, CorpusError, Film
from filmlens.media.apart import apart
from filmlens.media.container import MediaError, probe
from filmlens.verdicts import segments

_STRIP = 800  # values of the brightness strip


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy's numbers as numbers, NaN and infinities as None.

    >>> plain({"a": np.float64("nan"), "b": [np.int64(2), "x"]})
    {'a': None, 'b': [2, 'x']}
    """
    if type(value) is str:  # most of what is sent
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)


def stamped_cues(corpus: Corpus, film: Film, **parameters) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The film's cue sheet on disk, with its segments, and the notes of its stamping; empty when it was not stamped."""
    found = stages.read_one(corpus, "cues", film.id, **parameters)
    columns = ["film_id", "cue", "track", "start", "end", "track_start", "speed", "score"]
    if found is None:
        empty = pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[3:], float))
        return empty, {}
    beside = stages.read_one(corpus, "segments", film.id, **parameters)
    cues = found[0] if beside is None else segments.carrying(found[0], beside[0])
    return cues, found[1].get("notes", {})


def length(film: Film, notes: dict) -> float:
    """Seconds of a film, as the stamper met it, else from its header; 0 when it cannot be read."""
    try:
        return float(notes["duration"]) if "duration" in notes else apart(probe, film.film).duration
    except MediaError:
        return 0.0


def describe(corpus: Corpus, film: Film, stamped: pd.DataFrame, duration: float) -> dict[str, Any]:
    """The film, its tracks with their colours, and what lies under its timeline."""
    problems: list[str] = []

    def tried(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except (CorpusError, MediaError) as error:
            problems.append(str(error))
            return otherwise

    tracks = tried(lambda: list(film.tracks()), sorted(set(stamped["track"])))
    pictures = tried(lambda: apart(probe, film.film).has_pictures, False)
    truth = tried(film.annotations, None)
    colors = look.track_colors(tracks)
    return plain(
        {
            "id": film.id,
            "title": film.title or film.id,
            "year": film.year,
            "genres": film.genres,
            "duration": duration,
            "pictures": pictures,
            "synthetic": corpus.synthetic,
            "tracks": [{"name": t, "color": colors[t]} for t in tracks],
            "annotations": [] if truth is None else truth[["track", "start", "end"]].to_dict("records"),
            "brightness": brightness(corpus, film, duration),
            "genre_curve": genre_curve(corpus, film, stamped),
            "problems": problems,
        }
    )


def brightness(corpus: Corpus, film: Film, duration: float) -> list[int | None] | None:
    """Mean brightness of equal parts of the film, 0 to 255, None where it was not measured; None without a table.

    A table of the whole film is preferred to one of the cues alone.
    """
    paths = sorted(corpus.derived.glob("visual*"), key=lambda p: ("whole_film" not in p.name, p.name))
    path = next((p / f"{film.id}.parquet" for p in paths if (p / f"{film.id}.parquet").is_file()), None)
    said = artefacts.read_provenance(path) if path else {}
    if (said.get("name"), said.get("recipe", {}).get("subject")) != ("visual", film.id) or artefacts.damage(path):
        return None
    table = artefacts.read_table(path)
    if "brightness" not in table or not len(table) or duration <= 0:
        return None
    count = max(1, min(_STRIP, int(duration / 1.5)))  # one value a second is measured: none of the parts is empty
    part = np.clip((table["time"].to_numpy(float) / duration * count).astype(int), 0, count - 1)
    means = table.groupby(part)["brightness"].mean().reindex(range(count))
    return [None if np.isnan(v) else round(255 * float(np.clip(v, 0, 1))) for v in means]


def genre_curve(corpus: Corpus, film: Film, stamped: pd.DataFrame) -> dict[str, Any] | None:
    """Out-of-fold probability of each genre for each stamped cue; None when no model was fitted on these cues."""
    table = instance_probabilities(corpus)
    if table is None or not len(stamped):
        return None
    genres = [c for c in table.columns if c not in ("film_id", "cue")]
    here = table[table["film_id"] == film.id].merge(stamped[["cue", "start", "end"]], on="cue")
    here = here[np.isfinite(here[genres]).all(axis=1)].sort_values("start")
    if here.empty:
        return None
    rows = [[r["start"], r["end"], *(r[g] for g in genres)] for r in here.to_dict("records")]
    return {"genres": genres, "colors": [look.genre_colors(genres)[g] for g in genres], "rows": rows}


def instance_probabilities(corpus: Corpus) -> pd.DataFrame | None:
    """film_id, cue and a column per genre: what the newest model on disk says of each stamped cue, out of fold.

    Only a model of the stamped cues as they are now counts: a cue's number means another cue after a new stamping.
    """
    now = {artefacts.read_provenance(p).get("table") for p in (corpus.derived / "cues").glob("*.parquet")}
    files = sorted((corpus.derived / "genre").glob("*.npz"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for path in files:
        recipe = artefacts.read_provenance(path).get("recipe", {})
        sheets = set(recipe.get("inputs", {}).get("sheet", []))
        of_cues = recipe.get("parameters", {}).get("level", "cue") == "cue"
        if not of_cues or not sheets or not sheets <= now or artefacts.damage(path):
            continue
        # read without the network that made it: torch takes seconds to load
        with suppress(OSError, ValueError, KeyError), np.load(path, allow_pickle=False) as stored:
            genres = artefacts.read_json(path.with_suffix(".json"))["genres"]
            table = pd.DataFrame(stored["instance_probability"], columns=genres)
            table.insert(0, "film_id", stored["cues.film_id"].astype(str))
            table.insert(1, "cue", stored["cues.cue"])
            return table
    return None


def transplanted(corpus: Corpus, stamped: pd.DataFrame) -> pd.DataFrame | None:
    """Cues that stand out of their film as another genre's music; None without a model of these cues."""
    table = instance_probabilities(corpus)
    if table is None or not len(stamped):
        return None
    from filmlens.findings.timeline import transplanted_cues  # with it comes all of findings

    genres = [c for c in table.columns if c not in ("film_id", "cue")]
    heard = table.merge(stamped, on=["film_id", "cue"])
    labels = corpus.labels().reindex(columns=genres, fill_value=False)
    return transplanted_cues(heard, heard[genres], labels) if len(heard) else None
