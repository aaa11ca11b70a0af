"""The data set that the study released (PLOS ONE 0249957, supplement S4), as it was unpacked or still in its zip.

Four files, wherever they lie: ``film_genre_master_list.csv`` (no header; a film's name, its genres third, in one cell
with commas); ``mir_features_dictionary.npy`` and ``vggish_features_dictionary.npy`` (pickled, film -> list of cues ->
frames x 140 or 128; `filmlens.corpus.pickled` executes nothing); ``mir_feature_names.csv`` (140 names in one line with
tabs).

What is odd but usable is told in `Release.remarks`; nothing is guessed, and the cues of the two sets are never aligned.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from filmlens import look, paper
from filmlens.corpus import archive, bounds
from filmlens.corpus.films import good_id
from filmlens.corpus.pickled import PickledError, read_dictionary
from filmlens.text import clean, reason

LIST, NAMES, MIR, VGGISH = (paper.S4_FILES[key] for key in ("films", "names", "mir", "vggish"))
FILES = (LIST, NAMES, MIR, VGGISH)
#: What the synthetic twin of the release has beside its files.
PLANTED = "planted.json"
WIDTHS = {"mir": 140, "vggish": 128}
_SETS = {"mir": MIR, "vggish": VGGISH}
_MOST = 2 << 30  # bytes of one file


class ReleaseError(ValueError):
    """A release that cannot be read; names the file and the remedy."""


@dataclass
class Release:
    """What the four files hold.

    `films` has film_id, genres (``Action|Sci-Fi``) and listed (the list's second column); `names` are the MIR columns;
    `features` are ``mir`` and ``vggish``: film -> list of cues -> (frames, columns). `remarks` are what was odd, a line
    each; `planted` the twin's planted.json.
    """

    films: pd.DataFrame
    names: list[str]
    features: dict[str, dict[str, list[np.ndarray]]]
    remarks: list[str] = field(default_factory=list)
    planted: str = ""


def read_release(path: str | Path) -> Release:
    """Read the release from its zip or a folder it was unpacked into; a folder may hold the zip, the zip a folder.

    ReleaseError for a file that is missing, stands there twice, or is not what its name says.
    """
    path = Path(path).expanduser()
    with _files(path) as files:
        remarks: list[str] = []
        films = _films(*_text(files, LIST, path), remarks)
        names = _names(*_text(files, NAMES, path), remarks)
        features = {key: _features(files[name], f"{path}: {name}", key, remarks) for key, name in _SETS.items()}
        planted = _text(files, PLANTED, path)[0] if PLANTED in files else ""
    _compare(films, features, remarks)
    listed = set(features["mir"]) | set(features["vggish"])
    films = films[films["film_id"].isin(listed)].reset_index(drop=True)
    if films.empty:
        raise ReleaseError(f"{path}: no film of {LIST} has features in {MIR} or {VGGISH}; is it the supplement S4?")
    return Release(films, names, features, remarks, planted)


Opener = Callable[[], BinaryIO]


@contextmanager
def _files(path: Path) -> Iterator[dict[str, Opener]]:
    """The files of a release by name, each with what opens it."""
    if path.is_dir():
        found = {p.relative_to(path).as_posix(): p for p in sorted(path.rglob("*")) if p.is_file()}
        zips = [p for name, p in found.items() if p.suffix.lower() == ".zip" and _counts(name)]
        if len(zips) == 1 and not _by_name(path, found):
            with _files(zips[0]) as files:
                yield files
            return
        named = _needed(path, found)
        for name, file in named.items():
            if file.stat().st_size > _MOST:
                raise ReleaseError(f"{path}: {name} has more than {_MOST >> 30} GB; it is another file")
        yield {name: partial(file.open, "rb") for name, file in named.items()}
    elif path.is_file():
        try:
            with archive.opened(path) as box:
                members = {m.filename: m for m in box.infolist() if not m.is_dir()}
                named = _needed(path, members)
                for name, member in named.items():
                    _fits(path, name, member)
                yield {name: partial(box.open, member) for name, member in named.items()}
        except archive.ArchiveError as error:
            raise ReleaseError(f"{error}; give the supplement's zip, or the folder it was unpacked into") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise ReleaseError(f"{path}: is damaged ({reason(error)}); get it again") from error
    else:
        raise ReleaseError(f"{path}: no such file or folder; give the supplement's zip or its folder with --file")


def _counts(place: str) -> bool:
    """Whether a path is none of those that a Mac or a version control puts beside the files."""
    return not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(place).parts)


def _by_name(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    """What is found at the places of the release's files, by name, each once."""
    places: dict[str, str] = {}
    for place in filter(_counts, found):
        name = PurePosixPath(place).name
        if name in (*FILES, PLANTED) and places.setdefault(name, place) != place:
            raise ReleaseError(f"{path}: {name} stands in it twice ({places[name]}, {place}); remove one")
    return {name: found[place] for name, place in places.items()} if set(places) - {PLANTED} else {}


def _needed(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    named = _by_name(path, found)
    if missing := ", ".join(name for name in FILES if name not in named):
        there = ", ".join(clean(PurePosixPath(p).name) for p in list(filter(_counts, found))[:8]) or "nothing"
        raise ReleaseError(f"{path}: lacks {missing}; there is {there}. Give the supplement S4 ({paper.S4_DOI})")
    return named


def _fits(path: Path, name: str, member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ReleaseError(f"{path}: {name} is packed in an unusual way; unpack it yourself and give the folder")
    if member.file_size > min(_MOST, max(bounds.ALWAYS, bounds.RATIO * member.compress_size)):
        raise ReleaseError(f"{path}: {name} would unpack to {member.file_size:,} bytes; do not trust this zip")


def _text(files: dict[str, Opener], name: str, path: Path) -> tuple[str, str]:
    """Content of a text file, and how messages call it."""
    with files[name]() as file:
        content = file.read(bounds.TEXT + 1)
    if len(content) > bounds.TEXT:
        raise ReleaseError(f"{path}: {name} has more than {bounds.TEXT >> 20} MB; it is another file")
    try:
        return content.decode("utf-8-sig"), f"{path}: {name}"
    except UnicodeDecodeError as error:
        raise ReleaseError(f"{path}: {name} is no UTF-8 text; get it again") from error


def _films(text: str, where: str, remarks: list[str]) -> pd.DataFrame:
    known = {genre.casefold(): genre for genre in look.GENRES}
    rows = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        row = [cell.strip() for cell in row]
        if not any(row):
            continue
        if len(row) < 3:
            raise ReleaseError(f"{where} row {number}: has {len(row)} columns, not film, genres as listed, genres")
        if not good_id(row[0]):
            raise ReleaseError(f"{where} row {number}: {row[0][:60]!r} is no plain name of a film")
        genres = [clean(g.strip()) for g in row[2].split(",") if g.strip()]
        strange = [g for g in genres if g.casefold() not in known]
        remarks += [f"{LIST} row {number}: {row[0]} has the genre {g!r}, none of the paper's six" for g in strange]
        remarks += [] if genres else [f"{LIST} row {number}: {row[0]} has no genre and takes no part in any model"]
        named = look.genre_order(known.get(g.casefold(), g) for g in genres)
        rows.append({"film_id": row[0], "genres": "|".join(named), "listed": clean(row[1])})
    films = pd.DataFrame(rows, columns=["film_id", "genres", "listed"])
    if len(twice := films["film_id"][films["film_id"].str.casefold().duplicated()]):
        raise ReleaseError(f"{where}: {twice.iloc[0]!r} stands in it twice")
    return films


def _names(text: str, where: str, remarks: list[str]) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    parting = next((sign for sign in "\t," if len(lines) == 1 and sign in lines[0]), None)
    names = [clean(n).strip() for n in (lines[0].split(parting) if parting else lines)]
    names = names[:-1] if names and not names[-1] else names
    remarks += [] if parting == "\t" else [f"{NAMES}: is not one line with tabs, as described; read as it stands"]
    if len(names) != WIDTHS["mir"]:
        raise ReleaseError(f"{where}: has {len(names)} names, not {WIDTHS['mir']}")
    taken = {"film_id", "cue", "frame", "time", ""}
    if wrong := [n for i, n in enumerate(names) if n in names[:i] or n in taken or len(n) > 200]:
        raise ReleaseError(f"{where}: the name {wrong[0][:60]!r} is empty, stands there twice or is no column's")
    return names


def _features(opened: Opener, where: str, key: str, remarks: list[str]) -> dict[str, list[np.ndarray]]:
    """One of the dictionaries, its cues of the right width, without those that have no frame."""
    try:
        content = read_dictionary(opened)
    except PickledError as error:
        raise ReleaseError(f"{where}: {error}") from error
    width, found = WIDTHS[key], {}
    for film, cues in content.items():
        if others := [cue.shape[1] for cue in cues if cue.shape[1] != width]:
            raise ReleaseError(f"{where}: a cue of {film[:60]!r} has {others[0]} columns, not {width}")
        if len(cues) > bounds.ROWS or sum(map(len, cues)) > bounds.ROWS:
            raise ReleaseError(f"{where}: {film[:60]!r} has more than {bounds.ROWS} frames; it is another file")
        empty = [i for i, cue in enumerate(cues) if not len(cue)]
        remarks += [f"{_SETS[key]}: {film}: {len(empty)} cues have no frame and are left out"] if empty else []
        found[film] = [cue for cue in cues if len(cue)]
        missing = sum(int((~np.isfinite(c)).sum()) for c in found[film] if c.dtype.kind == "f")
        if missing:
            remarks.append(f"{_SETS[key]}: {film}: {missing} values are missing or infinite; taken as missing")
    return found


def _compare(films: pd.DataFrame, features: dict[str, dict[str, list[np.ndarray]]], remarks: list[str]) -> None:
    """Tell in what the list and the two sets disagree."""
    listed = set(films["film_id"])
    for key, found in features.items():
        remarks += [f"{_SETS[key]}: {film!r} is not in {LIST}; left out" for film in sorted(set(found) - listed)]
        remarks += [f"{film}: has no features in {_SETS[key]}" for film in sorted(listed - set(found))]
        for film in set(found) - listed:
            del found[film]
    for film in films["film_id"]:
        mir, vggish = features["mir"].get(film), features["vggish"].get(film)
        if mir is not None and vggish is not None and len(mir) != len(vggish):
            counts = f"{len(mir)} MIR cues, {len(vggish)} VGGish cues"
            remarks.append(f"{film}: {counts}; each set keeps its own, none is aligned")
