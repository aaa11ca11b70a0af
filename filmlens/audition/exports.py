"""Cues of a film for other programs: cue sheet, Audacity labels, JAMS, OpenTimelineIO, WebVTT.

Every function takes the film and its cues (track, start, end, and where known track_start, speed, score, usage,
verdict) and gives text. `export` writes them for a whole corpus.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import __version__, stages, verdicts
from filmlens import text as text_
from filmlens.artefacts import write_atomically
from filmlens.audition import timeline
from filmlens.audition.scene import length, stamped_cues
from filmlens.corpus import Corpus, Film
from filmlens.stamper import intervals
from filmlens.stamper.music import SHORTEST_S

#: Columns of the cue sheet; what FilmLens cannot know of rights is there to be filled in.
SHEET_COLUMNS = (
    "Cue",
    "Title",
    "Usage",
    "In",
    "Out",
    "Duration",
    "Composer",
    "Publisher",
    "Society",
    "Share",
    "Recording",
    "Label",
)
#: Which cues are written: those of the stamper as they stand after judging (rejected ones left out, corrected and
#: added ones in), only verified ones, or the tables of the stages.
SHEETS = ("reviewed", "verified", "stamped", "annotated")


def cue_sheet(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """An industry cue sheet as CSV: a header, then a row per cue; times as HH:MM:SS."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(["Production title", text_.cell(film.title or film.id)])
    write(["Year", film.year or ""])
    write(["Length", clock(duration)])
    unknown = cues["unidentified"].eq(True) if "unidentified" in cues else pd.Series(False, cues.index)
    write(["Total music", clock(_music(cues[~unknown]))])
    if unknown.any():
        write(["Unidentified", clock(_music(cues[unknown]))])
    write(["Prepared with", f"FilmLens {__version__}"])
    write([])
    write(SHEET_COLUMNS)
    for number, (cue, nobodys) in enumerate(zip(cues.to_dict("records"), unknown, strict=True), start=1):
        start, end = round(cue["start"]), round(cue["end"])
        times = [clock(start), clock(end), clock(end - start)]
        usage = cue["usage"] if nobodys else cue.get("usage") or "score"
        row = [number, text_.cell(cue["track"]), usage, *times]
        write(row + [""] * (len(SHEET_COLUMNS) - len(row)))
    return out.getvalue()


def audacity(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Audacity labels: start, end and track between tabs; `read_labels` reads them again."""
    names = map(text_.clean, cues["track"])
    rows = zip(cues["start"], cues["end"], names, strict=True)
    return "".join(f"{start:.6f}\t{end:.6f}\t{name}\n" for start, end, name in rows)


def jams(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """JAMS with one annotation of the namespace segment_open: the track as value; confidence: the cue's probability."""
    data = [
        {
            "time": float(cue["start"]),
            "duration": float(cue["end"] - cue["start"]),
            "value": str(cue["track"]),
            "confidence": next(
                (float(cue[c]) for c in ("probability", "score") if np.isfinite(cue.get(c, np.nan))), None
            ),
        }
        for cue in cues.to_dict("records")
    ]
    about = {
        "annotation_tools": f"FilmLens {__version__}",
        "curator": {"name": "", "email": ""},
        "annotator": {},
        "version": __version__,
        "corpus": "",
        "annotation_rules": "confidence: how likely the cue is its track, by the stamper; of engine dejavu its votes",
        "validation": "",
        "data_source": "FilmLens",
    }
    annotation = {
        "namespace": "segment_open",
        "data": data,
        "annotation_metadata": about,
        "sandbox": {"verdict": [str(v) for v in cues.get("verdict", [])]},
        "time": 0.0,
        "duration": float(duration),
    }
    file = {
        "title": film.title or film.id,
        "artist": "",
        "release": str(film.year or ""),
        "duration": float(duration),
        "identifiers": {"film_id": film.id},
        "jams_version": "0.3.4",
    }
    text = {"annotations": [annotation], "file_metadata": file, "sandbox": {}}
    return json.dumps(text, indent=1, ensure_ascii=False) + "\n"


def webvtt(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Subtitles that name the track while it plays."""
    blocks = ["WEBVTT\n"]
    for number, cue in enumerate(cues.to_dict("records"), start=1):
        times = f"{clock(cue['start'], 3)} --> {clock(cue['end'], 3)}"
        blocks.append(f"{number}\n{times}\n♪ {text_.webvtt(cue['track'])}\n")
    return "\n".join(blocks)


def with_unidentified(corpus: Corpus, film_id: str, cues: pd.DataFrame) -> pd.DataFrame:
    """Cues, and between them what was found of music on no track; what returns says so in its usage.

    A detector proposed it: it is listed for whoever clears rights, and is no cue.
    """
    found = stages.read_one(corpus, "music", film_id)
    if found is None or found[0].empty:
        return cues
    music, rows = found[0], []
    for start, end, group in zip(music["start"], music["end"], music["group"], strict=True):
        usage = f"music {group}" if group else ""
        left = intervals.difference([[start, end]], cues[["start", "end"]].to_numpy(float))
        rows += [("unidentified", usage, a, b, True) for a, b in left if b - a >= SHORTEST_S]
    more = pd.DataFrame(rows, columns=["track", "usage", "start", "end", "unidentified"])
    return pd.concat([cues, more], ignore_index=True).sort_values("start", kind="stable") if rows else cues


#: Text of a format and the ending of its file.
FORMATS: dict[str, tuple[Callable[[Film, pd.DataFrame, float], str], str]] = {
    "cue-sheet": (cue_sheet, ".cue-sheet.csv"),
    "audacity": (audacity, ".txt"),
    "jams": (jams, ".jams"),
    "otio": (timeline.otio, ".otio"),
    "webvtt": (webvtt, ".vtt"),
}


def export(
    corpus: Corpus,
    format: str,
    *,
    films: Iterable[str] | None = None,
    out: str | Path | None = None,
    cues: str = "reviewed",
) -> list[Path]:
    """Write the cues of films, one file each.

    Parameters
    ----------
    corpus : Corpus
    format : str
        One of `FORMATS`.
    films : iterable of str, optional
        All by default.
    out : path, optional
        A folder; ``CORPUS/exports`` by default.
    cues : str
        One of `SHEETS`.

    Returns
    -------
    list of Path
        The files, in the order of films.csv.

    Raises
    ------
    ValueError
        An unknown format, sheet or film, or a film that has not been stamped.
    """
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is unknown; choose one of {', '.join(FORMATS)}")
    text, ending = FORMATS[format]
    folder = text_.utf8(Path(out)) if out else corpus.folder / "exports"
    chosen = list(films) if films is not None else corpus.ids
    unknown = [film_id for film_id in chosen if film_id not in corpus.ids]
    if unknown:
        raise ValueError(f"no film {unknown[0]!r} in {corpus.folder / 'films.csv'}; it has {', '.join(corpus.ids)}")
    paths = []
    for film_id in chosen:
        table, duration = sheet_of(corpus, film_id, cues)
        if format == "cue-sheet" and cues in ("reviewed", "stamped"):
            table = with_unidentified(corpus, film_id, table)
        written = text(corpus[film_id], table, duration)
        path = folder / f"{film_id}{ending}"
        write_atomically(path, lambda part, written=written: part.write_text(written, encoding="utf-8", newline=""))
        paths.append(path)
    return paths


def sheet_of(corpus: Corpus, film_id: str, cues: str = "reviewed") -> tuple[pd.DataFrame, float]:
    """The cues of a film that an export writes, and the film's length in seconds."""
    if cues not in SHEETS:
        raise ValueError(f"cues={cues!r} is unknown; choose one of {', '.join(SHEETS)}")
    film = corpus[film_id]
    stamped, notes = stamped_cues(corpus, film)
    if cues == "annotated":
        table = film.annotations()
        if table is None:
            raise ValueError(f"{film_id} is not annotated; write annotations/{film_id}.csv or export other cues")
        return table.reset_index(drop=True), length(film, notes)
    if not notes and not stages.path(corpus, "cues", film_id).is_file():
        raise ValueError(f"{film_id} has not been stamped; run notebook 01 or `filmlens run {corpus.folder} ...` first")
    table = stamped if cues == "stamped" else reviewed(stamped, verdicts.read(film.verdicts), cues == "verified")
    return table, length(film, notes)


def reviewed(stamped: pd.DataFrame, table: pd.DataFrame, heard_only: bool = False) -> pd.DataFrame:
    """Cues after judging: rejected ones left out, corrected and added ones in; only those judged if `heard_only`.

    Music that is on no track is written by its free name.
    """
    cues = verdicts.judged(stamped, table)
    keep = ~cues["verdict"].isin(["reject", ""] if heard_only else ["reject"])
    cues["track"] = cues["track"].where(cues["track"] != "", cues["name"])
    return cues[keep].reset_index(drop=True)


def clock(seconds: float, decimals: int = 0) -> str:
    """HH:MM:SS.

    >>> clock(3723.4), clock(59.9996, 3)
    ('01:02:03', '00:01:00.000')
    """
    ticks = round(max(0.0, float(seconds)) * 10**decimals)
    whole, part = divmod(ticks, 10**decimals)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text


def _music(cues: pd.DataFrame) -> float:
    return intervals.length(cues[["start", "end"]].to_numpy(float)) if len(cues) else 0.0
