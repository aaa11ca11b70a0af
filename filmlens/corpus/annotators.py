"""Annotators who judge the same films: each has a folder of verdicts, ``verdicts/<name>/<film_id>.csv``.

``verdicts/<film_id>.csv`` is a single annotator's, or what was decided between several: it alone is read by stages.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from filmlens.corpus.annotations import CorpusError
from filmlens.corpus.films import Film, one_name
from filmlens.text import clean

#: Folders of verdicts that are something else: the answers of blind listening.
TAKEN = ("blind",)
_LABELS = "labels.csv"  # of functions, beside the files of films
_LONGEST = 60
#: What a disk, or another computer's disk, takes for something else in the name of a folder.
_UNFIT = re.compile(r'[/\\:*?"<>|]')


def fault(name: str) -> str:
    """What is wrong with an annotator's name; empty when nothing is."""
    faults = {
        "is empty": not name.strip(),
        "has a character that is no text": clean(name) != name,
        'has one of / \\ : * ? " < > |': _UNFIT.search(name),
        "begins or ends with a dot or a space": name != name.strip(" ."),
        "is the folder of blind listening": one_name(name) in TAKEN,
        "ends like a file of verdicts": name.lower().endswith(".csv"),
        f"is longer than {_LONGEST} characters": len(name) > _LONGEST,
    }
    return next((text for text, wrong in faults.items() if wrong), "")


def checked(folder: Path, name: str) -> str:
    """An annotator's name as the folder is written, where there is one in the corpus; CorpusError for an unfit name."""
    if wrong := fault(name):
        raise CorpusError(f"annotator {name!r}: the name {wrong}; take a plain one, such as ann")
    there = folder / "verdicts" / name
    if there.exists() and not there.is_dir():
        raise CorpusError(f"annotator {name!r}: {there} is a file; take another name")
    for other in _folders(folder):
        if one_name(other.name) == one_name(name):
            if unicodedata.normalize("NFC", other.name) != unicodedata.normalize("NFC", name):
                raise CorpusError(
                    f"annotator {name!r} differs from {other.name!r} in capitals alone; write {other.name!r}, or take "
                    "another name"
                )
            return other.name
    return name


def verdicts_of(film: Film, name: str) -> Path:
    """The verdict file of an annotator for a film; without a name the file that the stages read."""
    return film.verdicts.parent / name / film.verdicts.name if name else film.verdicts


def annotators(folder: Path, ids: Collection[str]) -> list[str]:
    """Names of the annotators who have a file of verdicts on a film; `folder` is of the corpus, `ids` its film ids."""
    return [path.name for path in _folders(folder) if not fault(path.name) and _files(path, ids)[0]]


def strange(folder: Path, ids: Collection[str]) -> list[str]:
    """Entries of ``verdicts/`` that belong to no film or annotator, and names that differ only in case."""
    top = folder / "verdicts"
    found = [f"{path}: {stray(path, ids)}" for path in _files(top, ids)[1] if path.is_file() and path.name != _LABELS]
    seen: dict[str, Path] = {}
    for path in _folders(folder):
        own, others = _files(path, ids)
        if wrong := fault(path.name):
            found.append(f"{path}: is no annotator's folder, its name {wrong}; rename or remove it")
        elif others and not own:
            found.append(f"{path}: is no annotator's folder, it has no file of a film of films.csv; remove it")
        else:
            found += [f"{other}: {stray(other, ids)}" for other in others]
        twin = seen.setdefault(one_name(path.name), path)
        if twin is not path:
            found.append(f"{path}: differs from {twin.name!r} in capitals alone; rename or join one of the two folders")
    return found


def stray(path: Path, ids: Collection[str]) -> str:
    """What is said of a file that is no film's."""
    near = difflib.get_close_matches(path.stem, ids, 1)
    return f"belongs to no film of films.csv{f'; is {near[0]!r} meant?' if near else '; rename or remove it'}"


def _shown(folder: Path) -> list[Path]:
    """What lies in a folder; hidden entries are programs' own, such as JupyterLab's."""
    return [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")] if folder.is_dir() else []


def _folders(folder: Path) -> list[Path]:
    return [p for p in _shown(folder / "verdicts") if p.is_dir() and p.name not in TAKEN]


def _files(folder: Path, ids: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Files of verdicts that belong to a film, and everything else that is not hidden."""
    names = {one_name(film_id) for film_id in ids}
    there = _shown(folder)
    own = [p for p in there if p.suffix == ".csv" and p.is_file() and one_name(p.stem) in names]
    return own, [p for p in there if p not in own]
