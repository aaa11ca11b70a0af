"""Stages of one film: stamp its cues, measure the music of each cue, measure the picture.

Each function takes the `Film` and the tables of the stages before, touches no other film and writes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmlens import stamper, verdicts
from filmlens.artefacts import KEYS, Measured
from filmlens.corpus import USAGES, Film
from filmlens.features import FEATURES
from filmlens.features import own as own_
from filmlens.features import visual as visual_
from filmlens.media import container, monitor, pictures, sound
from filmlens.verdicts import segments

#: Columns of every cue sheet on disk.
CUE_COLUMNS = ("film_id", "cue", "track", "start", "end", "track_start", "speed", "score")

_RATE = 44_100  # method, section 2


def stamp(film: Film, tables: dict, *, engine: str, rule: str) -> Measured:
    """Find the cues of a film's soundtrack, and of its library, in its sound (Score Stamper).

    The fingerprints of the tracks are kept under ``derived/tracks``: a library is read once for all films. Gives
    `CUE_COLUMNS` (and `aligned`); beside it ``windows``, what each 5 s window predicted, and ``segments``, where the
    pieces of each cue lie; notes: the film's duration and what was passed over.
    """
    more = {"rule": rule} if engine == "dejavu" else {}
    keep = film.derived / "tracks" if film.derived else None
    index = stamper.index_tracks(film.tracks(), engine=engine, keep=keep)
    sheet = stamper.stamp(film.sound, index, **more)
    beside = {"windows": sheet.windows, "segments": sheet.segments}
    for table in beside.values():
        table.insert(0, "film_id", film.id)
    notes = {"duration": sheet.duration, "speed": sheet.speed, "decoy_seconds": sheet.decoy_seconds}
    return Measured(_numbered(film, sheet.table), beside, notes | {"problems": list(sheet.problems)})


def annotated(film: Film, tables: dict) -> pd.DataFrame:
    """The user's true cues as a cue sheet; empty when the film is not annotated."""
    table = film.annotations()
    if table is None:
        table = pd.DataFrame({"track": pd.Series(dtype=str), "start": [], "end": []})
    table = table.assign(speed=1.0, score=np.nan)
    return _numbered(film, table if "track_start" in table else table.assign(track_start=np.nan))


def verified(film: Film, tables: dict, *, usage: str = "") -> Measured:
    """The cues that someone has heard: accepted, corrected or added (``verdicts/<film_id>.csv``).

    A cue keeps the stamper's place in the track and its segments (``cues`` and ``segments`` in `tables`), cut to
    corrected edges; beside it ``verified-segments``. With a `usage`, "score", "song" or "diegetic", only cues of it;
    one whose usage is not stated counts as score.
    """
    if usage not in {"", *USAGES}:
        raise ValueError(f"usage={usage!r} is unknown; choose one of {', '.join(sorted(USAGES))}")
    stamped = segments.carrying(tables["cues"], tables["segments"])
    cues = _numbered(film, verdicts.verified(stamped, verdicts.read(film.verdicts), usage=usage))
    pieces = segments.table(cues)
    pieces.insert(0, "film_id", film.id)
    name = f"verified-{usage}-segments" if usage else "verified-segments"
    return Measured(cues.drop(columns="segments"), {name: pieces})


def music(film: Film, tables: dict, *, features: str, cues: str, sound: str, **parameters) -> Measured:
    """One feature set, `features` of `FEATURES`, of every cue of the sheet at 1 Hz.

    D, method section 1: the `sound` that is measured is the soundtrack file's over the matched place ("track": the
    claim is about the music), or the film's mix ("film"). The mix is also used for a cue whose place in its track is
    unknown. `cues`, which sheet it is, is named in the artefact; further parameters are the set's.

    D: the track is measured segment by segment of a cue (``sheet-segments``), so that no row is of the sound across a
    cut, and none lies in the pause between two.

    Gives film_id, cue, time (on the film's clock) and the columns of the set; notes: its own.
    """
    if sound not in ("track", "film"):
        raise ValueError(f"sound={sound!r} is unknown; choose track or film")
    row, sheet = FEATURES[features], tables["sheet"]
    tracks = _tracks(film, sound, sheet["track_start"])
    placed: list[tuple[Any, float]] = []

    def sounds() -> Iterator[np.ndarray]:
        for cue in _pieces(sheet, tables.get("sheet-segments"), tracks):
            samples, speed = cue_sound(film, cue, sound, row.rate, tracks=tracks)
            if len(samples):
                placed.append((cue, speed))
                yield samples
            else:
                monitor.passed_over(f"{film.id}: cue {cue.cue} ({cue.track}) has no sound at its place and no row")

    measured, notes = row.measure(sounds(), **parameters)
    # listed first: where all cues are measured together, they are read only now
    frames = list(measured)
    parts = [
        rows.assign(cue=cue.cue, time=cue.start + rows["time"] / speed)
        for (cue, speed), rows in zip(placed, frames, strict=True)
    ]
    columns = ["cue", "time", *row.column_names()]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    on_film = sum(sound == "track" and not _placed(cue, tracks) for cue in sheet.itertuples())
    notes = {"sound": sound, "cues": cues} | notes | {"measured_on_film": on_film}
    return Measured(table.assign(film_id=film.id)[["film_id", *columns]], notes=notes)


def of_rows(film: Film, tables: dict, *, features: str) -> Measured:
    """A feature set computed from the rows of another one."""
    table, notes = FEATURES[features].measure(tables[FEATURES[features].of])
    return Measured(table, notes=notes)


def own(film: Film, tables: dict, *, cues: str, features: str) -> Measured:
    """Features that the user brings, checked against the cues (``features/<name>/<film_id>.parquet``)."""
    return Measured(own_.read(film, features, tables["sheet"]), notes={"features": features, "cues": cues})


def _pieces(sheet: pd.DataFrame, segments: pd.DataFrame | None, tracks: Mapping[str, Path]) -> Iterator[Any]:
    """What is measured in one go: each segment of a cue that lies in a track, or a whole cue."""
    of_cue = dict(iter(segments.groupby("cue"))) if segments is not None else {}
    for cue in sheet[["cue", "track", "start", "end", "track_start", "speed"]].itertuples(index=False):
        if cue.cue in of_cue and _placed(cue, tracks):
            for piece in of_cue[cue.cue].itertuples(index=False):
                yield cue._replace(**{c: getattr(piece, c) for c in ("start", "end", "track_start", "speed")})
        else:
            yield cue


def cue_sound(
    film: Film, cue, kind: str = "track", rate: int = _RATE, *, tracks: Mapping[str, Path] | None = None
) -> tuple[np.ndarray, float]:
    """The mono samples on which a cue is measured, and how many seconds of them pass in one second of film.

    A cue with several segments is measured piece by piece: give each of them (`Study.pieces`).
    `tracks` are the film's, for a caller with many cues: listing a large library takes seconds.
    """
    tracks = _tracks(film, kind, [cue.track_start]) if tracks is None else tracks
    if _placed(cue, tracks):
        end = cue.track_start + (cue.end - cue.start) * cue.speed
        return sound.read_audio(tracks[cue.track], rate, start=cue.track_start, end=end), float(cue.speed)
    return sound.read_audio(film.sound, rate, start=cue.start, end=cue.end), 1.0


def _tracks(film: Film, kind: str, starts: Iterable[float]) -> Mapping[str, Path]:
    """The film's tracks, where cues are measured on them and one has a place in its track."""
    wanted = kind == "track" and (film.soundtrack or film.library) and np.isfinite(list(starts)).any()
    return film.tracks() if wanted else {}


def _placed(cue, tracks: Mapping[str, Path]) -> bool:
    return bool(np.isfinite(cue.track_start)) and cue.track in tracks


def cue_vectors(film: Film, tables: dict) -> pd.DataFrame:
    """One row per cue: the mean of its 1 Hz rows, NaN-ignoring (paper: Frame-level and cue-level features)."""
    [frames] = tables.values()
    columns = [c for c in frames.columns if c not in KEYS]
    rows = [
        {"film_id": film.id, "cue": cue} | part[columns].mean().to_dict()
        for cue, part in frames.groupby("cue", sort=True)
    ]
    return pd.DataFrame(rows, columns=["film_id", "cue", *columns])


def visual(film: Film, tables: dict, *, cues: str, whole_film: bool, sampling: str) -> Measured:
    """Brightness and contrast at 1 Hz, of the spans of the cues or of the whole film; empty for pure sound.

    `cues` as in `music`; `whole_film` measures the pictures between the cues as well; `sampling` is "exact" or
    "keyframes", see `filmlens.features.visual.picture_features`.
    """
    if not container.probe(film.film).has_pictures:
        table = pd.DataFrame(columns=["film_id", "time", *visual_.COLUMNS])
        return Measured(table, notes={"pictures": "none: the film is a sound file"})
    spans = None if whole_film else list(zip(tables["sheet"]["start"], tables["sheet"]["end"], strict=True))
    table = visual_.picture_features(film.film, spans=spans, sampling=sampling)
    table.insert(0, "film_id", film.id)
    merged = [(0.0, container.duration(film.film))] if spans is None else pictures.merge_spans(spans)
    material = round(sum(end - start for start, end in merged), 3)
    return Measured(table, notes={"cues": cues, "material": material} | pictures.coding(film.film))


def _numbered(film: Film, cues: pd.DataFrame) -> pd.DataFrame:
    """A cue sheet with film_id and the cue's number by start."""
    cues = cues.sort_values(["start", "end"], kind="stable").reset_index(drop=True)
    cues = cues.assign(film_id=film.id, cue=np.arange(len(cues), dtype=np.int64))
    more = [c for c in cues.columns if c not in CUE_COLUMNS]
    return cues[[*CUE_COLUMNS, *more]]
