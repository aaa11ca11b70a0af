"""Cues of films for other programs: one row per format, and which cues of a film are written.

The function of a format takes the film, its cues (track, start, end, and where known track_start, speed, score, usage,
verdict and the fields of `filmlens.verdicts.fields`) and its length, and gives text or bytes. `export` writes the files
of a whole corpus.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import __version__, stages, verdicts
from filmlens import text as text_
from filmlens.artefacts import write_atomically
from filmlens.audition import cuefiles, cuesheet, timeline
from filmlens.audition.scene import length, stamped_cues
from filmlens.corpus import Corpus, Film
from filmlens.stamper import intervals
from filmlens.stamper.music import SHORTEST_S

#: Which cues are written: those of the stamper as they stand after judging (rejected ones left out, corrected and
#: added ones in), only verified ones, or the tables of the stages.
SHEETS = ("reviewed", "verified", "stamped", "annotated")


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


#: Text (or bytes) of a format and the ending of its file.
FORMATS: dict[str, tuple[Callable[[Film, pd.DataFrame, float], str | bytes], str]] = {
    "cue-sheet": (cuesheet.cue_sheet, ".cue-sheet.csv"),
    "xlsx": (cuesheet.workbook, ".cue-sheet.xlsx"),
    "audacity": (cuefiles.audacity, ".txt"),
    "elan": (cuefiles.elan, ".eaf"),
    "textgrid": (cuefiles.textgrid, ".TextGrid"),
    "svl": (cuefiles.layer, ".svl"),
    "sv-csv": (cuefiles.regions, ".regions.csv"),
    "tilia": (cuefiles.tilia, ".tilia.csv"),
    "jams": (jams, ".jams"),
    "otio": (timeline.otio, ".otio"),
    "webvtt": (cuefiles.webvtt, ".vtt"),
}
_SHEETS = ("cue-sheet", "xlsx")  # which list what nobody named


def export(
    corpus: Corpus,
    format: str,
    *,
    films: Iterable[str] | None = None,
    out: str | Path | None = None,
    cues: str = "reviewed",
) -> list[Path]:
    """Write the cues of films, one file each; gives the files in the order of films.csv, or the one archive.

    `format` is one of `FORMATS`, `cues` one of `SHEETS`; all `films` are written by default. `out` is a folder, or a
    file that ends in .zip and then holds all files; ``CORPUS/exports`` by default. Raises `ValueError` for an unknown
    format, sheet or film; or for films whose cues cannot be had, such as those that have not been stamped: each is
    named with its reason after the files of the others were written.
    """
    chosen = list(films) if films is not None else corpus.ids
    unknown = [film_id for film_id in chosen if film_id not in corpus.ids]
    if unknown:
        raise ValueError(f"no film {unknown[0]!r} in {corpus.folder / 'films.csv'}; it has {', '.join(corpus.ids)}")
    folder = text_.utf8(Path(out)) if out else corpus.folder / "exports"
    files, faults = files_of(corpus, format, chosen, cues)
    if folder.suffix.lower() == ".zip":
        files = {folder: cuefiles.zipped(files)} if files else {}
    else:
        files = {folder / name: data for name, data in files.items()}
    for path, data in files.items():
        write_atomically(path, lambda part, data=data: part.write_bytes(data))
    if faults:
        raise ValueError("\n".join([*faults, f"{len(chosen) - len(faults)} of {len(chosen)} films were written"]))
    return list(files)


def files_of(
    corpus: Corpus, format: str, films: Iterable[str], cues: str = "reviewed"
) -> tuple[dict[str, bytes], list[str]]:
    """Names and bytes of films' files, and why those that are missing could not be had."""
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is unknown; choose one of {', '.join(FORMATS)}")
    if cues not in SHEETS:
        raise ValueError(f"cues={cues!r} is unknown; choose one of {', '.join(SHEETS)}")
    files, faults = {}, []
    for film_id in films:
        try:
            name, data = file_of(corpus, film_id, format, *sheet_of(corpus, film_id, cues), cues)
            files[name] = data
        except ValueError as error:
            faults.append(str(error))
    return files, faults


def file_of(
    corpus: Corpus, film_id: str, format: str, table: pd.DataFrame, duration: float, cues: str = "reviewed"
) -> tuple[str, bytes]:
    """Name and bytes of a film's file; a cue sheet of what was stamped lists unidentified music as well."""
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is unknown; choose one of {', '.join(FORMATS)}")
    text, ending = FORMATS[format]
    if format in _SHEETS and cues in ("reviewed", "stamped"):
        table = with_unidentified(corpus, film_id, table)
    written = text(corpus[film_id], table, duration)
    return f"{film_id}{ending}", written if isinstance(written, bytes) else written.encode()


def sheet_of(corpus: Corpus, film_id: str, cues: str = "reviewed") -> tuple[pd.DataFrame, float]:
    """The cues of a film that an export writes, and the film's length in seconds."""
    film = corpus[film_id]
    stamped, notes = stamped_cues(corpus, film)
    if cues == "annotated":
        table = film.annotations()
        if table is None:
            raise ValueError(f"{film_id} is not annotated; write annotations/{film_id}.csv or export other cues")
        return table.reset_index(drop=True), length(film, notes)
    if not notes and not stages.path(corpus, "cues", film_id).is_file():
        raise ValueError(f"{film_id} has not been stamped; run `filmlens stamp {corpus.folder}` first")
    table = stamped if cues == "stamped" else reviewed(stamped, verdicts.read(film.verdicts), cues == "verified")
    return table, length(film, notes)


def reviewed(stamped: pd.DataFrame, table: pd.DataFrame, heard_only: bool = False) -> pd.DataFrame:
    """Cues after judging, without rejected ones, with `heard_only` only those judged; a free name stands as track."""
    cues = verdicts.judged(stamped, table)
    keep = ~cues["verdict"].isin(["reject", ""] if heard_only else ["reject"])
    cues["track"] = cues["track"].where(cues["track"] != "", cues["name"])
    return cues[keep].reset_index(drop=True)
