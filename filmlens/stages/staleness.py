"""What is stale, and why: the files of a corpus and the recipes of its artefacts today, against those before.

A `Survey` is what is on disk: each folder is listed once and each file is read once for all stages.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from filmlens.artefacts import PART, contents, damage, look, read_failures, read_provenance
from filmlens.corpus import Corpus, Film

NEW = "not computed yet"
FOREIGN = "is damaged, or not one of FilmLens"
#: Set in the environment, other versions of the libraries make nothing stale.
KEEP_VERSIONS = "FILMLENS_KEEP_VERSIONS"

#: Files of a film that a stage reads: film, soundtrack, annotation, verdicts, or a name with a function of the film
#: that gives a path, or anything else that is compared as it is.
Kind = str | tuple[str, Callable[[Film], Any]]
#: Folder under ``derived/`` with the hashes of whole media files.
LEDGERS = "hashes"


class Survey:
    """A snapshot of the files of a corpus; made anew for every plan.

    With `whole` the bytes of artefacts are verified, not only what they say of themselves; with `every_byte` those of
    films and tracks, too, also of those that look as they did.
    """

    def __init__(self, corpus: Corpus, *, whole: bool = False, every_byte: bool = False):
        self.corpus, self.whole, self.every_byte = corpus, whole or every_byte, every_byte
        self._found: dict[Any, Any] = {}

    def once(self, key: Any, find: Callable[[], Any]) -> Any:
        """What a function finds, asked once."""
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def is_there(self, path: Path) -> bool:
        """Whether a computed file exists."""
        folder = path.parent
        return path.name in self.once(("names", folder), partial(_names, folder))

    def provenance(self, path: Path) -> dict:
        """What an artefact says of itself; empty when there is none."""
        return self.once(("provenance", path), lambda: read_provenance(path) if self.is_there(path) else {})

    def fallen(self, folders: frozenset[str]) -> set[str]:
        """Subjects that failed in one of some folders of artefacts."""
        failures = self.once("failures", partial(read_failures, self.corpus.derived / "failures.csv"))
        whole = ~failures["error"].str.startswith(PART)
        return set(failures.loc[whole & failures["stage"].isin(folders), "film_id"])

    def files(self, film: Film, kinds: Iterable[Kind]) -> dict[str, Any]:
        """Paths of the files of a film that a stage reads, by kind and name; what is no file is compared as it is.

        Raises `CorpusError` for a soundtrack whose files cannot be listed.
        """
        found: dict[str, Any] = {}
        for kind in kinds:
            if isinstance(kind, tuple):
                kind, find = kind
                given = find(film)
            elif kind == "soundtrack":  # listed once for all films that have it
                given = self.once((kind, film.soundtrack, film.library), film.sound_files)
            else:
                given = getattr(film, kind)
            found[kind] = {"": given} if isinstance(given, Path) else given
        return found

    def media(self, film: Film, found: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """What files of a film are known by today, as the recipe of its artefact holds it."""
        now = dict(found)
        ledgers = None if self.every_byte else self.corpus.derived / LEDGERS
        for kind, paths in found.items():
            if isinstance(paths, dict):
                key = (kind, film.soundtrack, film.library, *list(paths.values())[:1])
                quick = self.once(("look", *key), partial(known_by, paths))
                whole = partial(self.once, ("whole", *key), partial(whole_hash, paths, ledgers))
                was = before.get(kind)
                now[kind] = was if agrees(was, quick, whole, every_byte=self.every_byte) else quick
        return now

    def damage(self, path: Path, carried: Mapping[str, Any]) -> str:
        """What is wrong with the bytes of an artefact and those beside it, where they are to be verified."""
        if not self.whole:
            return ""
        beside = [path.parent / name for name in carried.get("beside", ())]
        return next(filter(None, map(damage, [path, *beside])), "")


def _names(folder: Path) -> set[str]:
    with suppress(OSError):
        return set(os.listdir(folder))
    return set()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Major and minor version of each package; what follows mends faults and leaves numbers alone."""
    return {name: ".".join(installed(name).split(".")[:2]) for name in packages}


@lru_cache
def installed(package: str) -> str:
    """Version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


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
    quick = hashlib.blake2b("".join(lines).encode(), digest_size=16).hexdigest()
    return {"files": len(paths), "size": total, "look": quick, "hash": ""}


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

    `carried` is the provenance inside it, empty when there is none, `today` its recipe today.
    """
    before = carried.get("recipe")
    if not before:
        return FOREIGN
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
        was, now = (known if isinstance(known, dict) else {} for known in (before.get(part), today[part]))
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
