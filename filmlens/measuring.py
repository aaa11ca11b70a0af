"""What is done to one film: stamp its cues, measure the music of each cue, measure the picture.

The functions of the film stages. Each takes the `Film` and the tables of the stages before, touches no other film
and writes nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from filmlens import stamper, verdicts
from filmlens.artefacts import Measured
from filmlens.corpus import USAGES, Film
from filmlens.features import mir as mir_
from filmlens.features import visual as visual_
from filmlens.media import container, sound

#: Columns of every cue sheet on disk.
CUE_COLUMNS = ("film_id", "cue", "track", "start", "end", "track_start", "speed", "score")

_RATE = 44_100  # method, section 2


def stamp(film: Film, tables: dict, *, engine: str, rule: str) -> Measured:
    """Find the cues of a film's soundtrack in its sound (Score Stamper).

    Returns
    -------
    Measured
        `CUE_COLUMNS` (and `aligned`); beside it ``windows``, what each 5 s window predicted; notes: the film's
        duration and what was passed over.
    """
    more = {"rule": rule} if engine == "dejavu" else {}
    sheet = stamper.stamp(film.film, film.tracks(), engine=engine, **more)
    windows = sheet.windows.copy()
    windows.insert(0, "film_id", film.id)
    notes = {"duration": sheet.duration, "speed": sheet.speed, "decoy_seconds": sheet.decoy_seconds}
    return Measured(_numbered(film, sheet.table), {"windows": windows}, notes | {"problems": list(sheet.problems)})


def annotated(film: Film, tables: dict) -> pd.DataFrame:
    """The user's true cues as a cue sheet; empty when the film is not annotated."""
    table = film.annotations()
    if table is None:
        table = pd.DataFrame({"track": pd.Series(dtype=str), "start": [], "end": []})
    table = table.assign(speed=1.0, score=np.nan)
    return _numbered(film, table if "track_start" in table else table.assign(track_start=np.nan))


def verified(film: Film, tables: dict, *, usage: str = "") -> pd.DataFrame:
    """The cues that someone has heard: accepted, corrected or added (``verdicts/<film_id>.csv``).

    Parameters
    ----------
    film : Film
    tables : dict
        ``cues``: the stamped cues. A cue keeps the stamper's place in the track, moved with a corrected start.
    usage : {"", "score", "song", "diegetic"}
        Only cues of this usage; one whose usage is not stated counts as score.
    """
    if usage not in {"", *USAGES}:
        raise ValueError(f"usage={usage!r} is unknown; choose one of {', '.join(sorted(USAGES))}")
    return _numbered(film, verdicts.verified(tables["cues"], verdicts.read(film.verdicts), usage=usage))


def mir(film: Film, tables: dict, *, cues: str, sound: str) -> Measured:
    """The 140 MIR columns of every cue at 1 Hz.

    Parameters
    ----------
    film : Film
    tables : dict
        ``sheet``: the cues.
    cues : str
        Which sheet it is; named in the artefact.
    sound : {"track", "film"}
        D, method section 1: the sound that is measured is the soundtrack file's over the matched place (the claim is
        about the music), or the film's mix. The mix is also used for a cue whose place in its track is unknown.

    Returns
    -------
    Measured
        film_id, cue, time (on the film's clock), the columns of `filmlens.features.mir`.
    """
    if sound not in ("track", "film"):
        raise ValueError(f"sound={sound!r} is unknown; choose track or film")
    parts, fallback = [], 0
    for cue in tables["sheet"].itertuples(index=False):
        samples, speed = cue_sound(film, cue, sound)
        fallback += sound == "track" and not _placed(film, cue)
        rows = mir_.cue_frames(samples, _RATE)
        rows["time"] = cue.start + rows["time"] / speed
        rows.insert(0, "cue", cue.cue)
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["cue", "time", *mir_.COLUMNS])
    table.insert(0, "film_id", film.id)
    return Measured(table, notes={"sound": sound, "cues": cues, "measured_on_film": int(fallback)})


def cue_sound(film: Film, cue, kind: str = "track", rate: int = _RATE) -> tuple[np.ndarray, float]:
    """Samples a cue is measured on, mono, and how many seconds of them pass in one second of film."""
    if kind == "track" and _placed(film, cue):
        end = cue.track_start + (cue.end - cue.start) * cue.speed
        return sound.read_audio(film.tracks()[cue.track], rate, start=cue.track_start, end=end), float(cue.speed)
    return sound.read_audio(film.film, rate, start=cue.start, end=cue.end), 1.0


def _placed(film: Film, cue) -> bool:
    return bool(np.isfinite(cue.track_start)) and film.soundtrack is not None and cue.track in film.tracks()


def cue_vectors(film: Film, tables: dict) -> pd.DataFrame:
    """One row per cue: the mean of its 1 Hz rows (paper: Frame-level and cue-level features)."""
    frames = tables["mir"]
    rows = [
        {"film_id": film.id, "cue": cue} | mir_.cue_vector(part[list(mir_.COLUMNS)]).to_dict()
        for cue, part in frames.groupby("cue", sort=True)
    ]
    return pd.DataFrame(rows, columns=["film_id", "cue", *mir_.COLUMNS])


def visual(film: Film, tables: dict, *, cues: str, whole_film: bool) -> Measured:
    """Brightness and contrast at 1 Hz, of the spans of the cues or of the whole film; empty for pure sound."""
    if not container.probe(film.film).has_pictures:
        table = pd.DataFrame(columns=["film_id", "time", *visual_.COLUMNS])
        return Measured(table, notes={"pictures": "none: the film is a sound file"})
    spans = None if whole_film else list(zip(tables["sheet"]["start"], tables["sheet"]["end"], strict=True))
    table = visual_.picture_features(film.film, spans=spans)
    table.insert(0, "film_id", film.id)
    return Measured(table, notes={"cues": cues})


def _numbered(film: Film, cues: pd.DataFrame) -> pd.DataFrame:
    """A cue sheet with film_id and the cue's number by start."""
    cues = cues.sort_values(["start", "end"], kind="stable").reset_index(drop=True)
    cues = cues.assign(film_id=film.id, cue=np.arange(len(cues), dtype=np.int64))
    more = [c for c in cues.columns if c not in CUE_COLUMNS]
    return cues[[*CUE_COLUMNS, *more]]
