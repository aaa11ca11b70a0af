"""A snapshot of a corpus on disk: each folder is listed once and each file is read once for all stages."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from filmlens.artefacts import PART, damage, read_failures, read_provenance
from filmlens.corpus import Corpus, Film
from filmlens.stages import staleness


class Survey:
    """A snapshot of the files of a corpus; made anew for every plan.

    With `whole` the bytes of artefacts are verified, not only what they say of themselves; with `every_byte` those of
    films and tracks, too, also of those that look as they did.
    """

    def __init__(self, corpus: Corpus, *, whole: bool = False, every_byte: bool = False):
        self.corpus, self.whole, self.every_byte = corpus, whole or every_byte, every_byte
        self._folders: dict[Path, set[str]] = {}
        self._provenance: dict[Path, dict] = {}
        self._fallen: dict[str, set[str]] | None = None
        self._said: dict[Any, Any] = {}

    def is_there(self, path: Path) -> bool:
        """Whether a computed file exists."""
        if path.parent not in self._folders:
            self._folders[path.parent] = set()
            with suppress(OSError):
                self._folders[path.parent] = set(os.listdir(path.parent))
        return path.name in self._folders[path.parent]

    def provenance(self, path: Path) -> dict:
        """What an artefact says of itself; empty when there is none."""
        if path not in self._provenance:
            self._provenance[path] = read_provenance(path) if self.is_there(path) else {}
        return self._provenance[path]

    def fallen(self, folders: frozenset[str]) -> set[str]:
        """Subjects that failed in one of some folders of artefacts."""
        if self._fallen is None:
            self._fallen = {}
            failures = read_failures(self.corpus.derived / "failures.csv")
            for film_id, folder, error in failures.itertuples(index=False):
                if not error.startswith(PART):
                    self._fallen.setdefault(folder, set()).add(film_id)
        return set().union(*(self._fallen.get(folder, ()) for folder in folders))

    def once(self, key: Any, find: Callable[[], Any]) -> Any:
        """What a function finds, asked once."""
        if key not in self._said:
            self._said[key] = find()
        return self._said[key]

    def files(self, film: Film, kinds: tuple[staleness.Kind, ...]) -> dict[str, Any]:
        """The files of a film that a stage reads, by kind; `CorpusError` where a soundtrack's cannot be listed."""
        found = {}
        for kind in kinds:
            if isinstance(kind, tuple):
                found[kind[0]] = staleness.files(film, kind)
            else:
                found[kind] = self.once((_whose(film, kind), kind), partial(staleness.files, film, kind))
        return found

    def media(self, film: Film, found: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """What files of a film are known by today, as the recipe of its artefact holds it."""
        now: dict[str, Any] = {}
        for kind, paths in found.items():
            now[kind] = paths
            if isinstance(paths, dict):
                key = (_whose(film, kind), kind, *[str(p) for p in list(paths.values())[:1]])
                quick = self.once(("look", *key), lambda paths=paths: staleness.known_by(paths))
                whole = partial(self.once, ("whole", *key), partial(staleness.whole_hash, paths, self._ledgers))
                was = before.get(kind)
                now[kind] = was if staleness.agrees(was, quick, whole, every_byte=self.every_byte) else quick
        return now

    def damage(self, path: Path, carried: Mapping[str, Any]) -> str:
        """What is wrong with the bytes of an artefact and those beside it, where they are to be verified."""
        if not self.whole:
            return ""
        beside = [path.parent / name for name in carried.get("beside", ())]
        return next(filter(None, map(damage, [path, *beside])), "")

    @property
    def _ledgers(self) -> Path | None:
        return None if self.every_byte else self.corpus.derived / staleness.LEDGERS


def _whose(film: Film, kind: str) -> Any:
    """Whose files of a kind are: a folder of music is listed once for all films that have it."""
    return (film.soundtrack, film.library) if kind == "soundtrack" else film.id
