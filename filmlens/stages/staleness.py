"""What is stale, and why: the recipe of an artefact today against the one stored in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from filmlens.artefacts import contents, look, read_provenance
from filmlens.corpus import Film

NEW = "not computed yet"
#: Set in the environment, other versions of the libraries make nothing stale.
KEEP_VERSIONS = "FILMLENS_KEEP_VERSIONS"

#: Files of a film that a stage reads: film, soundtrack, annotation, verdicts, or a name with a function of the film
#: that gives a path, or anything else that is compared as it is.
Kind = str | tuple[str, Callable[[Film], Any]]
#: Folder under ``derived/`` with the hashes of whole media files.
LEDGERS = "hashes"


def recipe(
    stage: str,
    version: int,
    parameters: Mapping,
    inputs: Mapping,
    media: Any,
    *,
    subject: str = "",
    libraries: Iterable[str] = (),
) -> dict[str, Any]:
    """All that an artefact depends on, as plain JSON.

    `version` and `parameters` are of the stage itself. `inputs` is name -> hashes of the tables it reads; `media` what
    the film's files are known by, or a hash of films.csv; `subject` a film id, or the name of a configuration of the
    whole corpus; `libraries` are packages whose version decides its numbers.
    """
    whole = {"stage": stage, "subject": subject, "version": version, "libraries": versions(libraries)}
    whole |= {"parameters": parameters, "inputs": inputs, "media": media}
    return json.loads(json.dumps(whole, sort_keys=True))


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Major and minor version of each package; what follows mends faults and leaves numbers alone."""
    return {name: _version(name) for name in packages}


def _version(name: str) -> str:
    return ".".join(installed(name).split(".")[:2])


@lru_cache
def installed(package: str) -> str:
    """Version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def files(film: Film, kind: Kind) -> Any:
    """Paths of one kind by name; anything else is no file and compared as it is.

    Raises `CorpusError` for a soundtrack whose files cannot be listed.
    """
    if isinstance(kind, tuple):
        found = kind[1](film)
        return {"": found} if isinstance(found, Path) else found
    if kind == "soundtrack":
        return film.sound_files()
    path = {"film": film.film, "annotation": film.annotation, "verdicts": film.verdicts}[kind]
    return path and {"": path}


def known_by(paths: Mapping[str, Path | str]) -> dict[str, Any]:
    """The quick look at files: how many, their bytes (-1 when one is missing), a hash of sizes and times of change."""
    lines, total = [], 0
    for name, path in paths.items():
        try:  # `look`, without a call for each of half a million tracks
            stat = os.stat(path)
            size, mtime = stat.st_size, stat.st_mtime_ns
        except OSError:
            size, mtime = look(path)
        lines.append(f"{name}\0{size}\0{mtime}\n")
        total = total + size if size >= 0 <= total else -1
    told = hashlib.blake2b("".join(lines).encode(), digest_size=16).hexdigest()
    return {"files": len(paths), "size": total, "look": told, "hash": ""}


def whole_hash(paths: Mapping[str, Path | str], ledgers: Path | None = None) -> str:
    """Hash of the names of files and of every byte of them; see `contents`."""
    found = contents(paths, ledgers)
    return hashlib.blake2b("\n".join(f"{n}\0{h}" for n, h in found.items()).encode(), digest_size=16).hexdigest()


def agrees(was: Any, quick: Mapping[str, Any], whole: Callable[[], str], *, every_byte: bool = False) -> bool:
    """Whether files are unchanged since they were read: by size and time, else byte by byte.

    `was` is what the artefact carries, `quick` what `known_by` finds today. `whole` gives the hash of every byte; with
    `every_byte` the quick look is not enough.
    """
    rest = {"look": "", "hash": ""}
    if not isinstance(was, dict) or was | rest != quick | rest:
        return False
    if was.get("look") == quick["look"] and not (every_byte and quick["size"] >= 0):
        return True
    return quick["size"] >= 0 and was.get("hash") == whole()


def read_through(
    known: Mapping[str, Any], paths: Mapping[str, Mapping[str, Path | str]], ledgers: Path
) -> dict[str, Any]:
    """Media of a recipe with the hash of every byte, for an artefact that is about to be computed."""
    known = dict(known)
    for kind, files in paths.items():
        quick = known_by(files)
        known[kind] = known.get(kind, {}) | quick | {"hash": whole_hash(files, ledgers) if quick["size"] >= 0 else ""}
    return known


def reason(path: Path, carried: Mapping[str, Any], today: Mapping[str, Any]) -> str:
    """Why an artefact that is there has to be computed again; empty when it is fresh.

    `carried` is the provenance inside it, empty when there is none, `today` its `recipe` today.
    """
    before = carried.get("recipe")
    if not before:
        return "is damaged, or not one of FilmLens"
    if (carried.get("name"), before.get("subject")) != (today["stage"], today["subject"]):
        return f"is the {carried.get('name')} of {before.get('subject')}"
    for beside, table in carried.get("beside", {}).items():
        other, name = path.parent / beside, Path(beside).parent.name
        if not other.is_file():
            return f"{name} beside it is missing"
        if read_provenance(other).get("table") != table:
            return f"{name} beside it is damaged, or another"
    if os.environ.get(KEEP_VERSIONS):
        before = before | {"libraries": today["libraries"]}
    if before == today:
        return ""

    def changed(part: str) -> list[tuple[str, Any, Any]]:
        was, now = (told if isinstance(told, dict) else {} for told in (before.get(part), today[part]))
        return [(key, was.get(key), now.get(key)) for key in sorted({*was, *now}) if was.get(key) != now.get(key)]

    reasons = ["the software computes it otherwise now"] if before.get("version") != today["version"] else []
    reasons += [f"{key} is {now} now" for key, _, now in changed("libraries")]
    reasons += [f"{key} is {now!r} now" for key, _, now in changed("parameters")]
    reasons += [f"its {name} changed" for name, _, _ in changed("inputs")]
    if isinstance(today["media"], str):
        reasons += ["films.csv changed"] if before.get("media") != today["media"] else []
    else:
        reasons += [f"its {kind} {_how(was, now)}" for kind, was, now in changed("media")]
    return ", ".join(reasons) or "its recipe changed"


def _how(before: Any, today: Any) -> str:
    if isinstance(today, dict) and today.get("size") == -1:
        return "is missing"
    if isinstance(before, dict) and isinstance(today, dict) and "files" in before and "files" in today:
        more = today["files"] - before["files"]
        return f"has {more} new tracks" if more > 0 else f"lacks {-more} tracks" if more < 0 else "changed"
    return "changed"
