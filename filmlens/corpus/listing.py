"""What lies in folders: files as the folders list them, and their names as tracks."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from filmlens import text

_ENDINGS = pd.read_csv(Path(__file__).with_name("endings.csv")).groupby("holds")["ending"].agg(frozenset)
#: Endings of tracks, of films, and of what lies beside an album's tracks and need not be tried.
SOUND_ENDINGS, FILM_ENDINGS, NO_SOUND = _ENDINGS[["sound", "film", "neither"]]


@dataclass
class Listing:
    """Files of a folder (with a slash at its end) and those in it, in order; `paths` go on from there, with slashes."""

    folder: str
    paths: list[str]

    @cached_property
    def named(self) -> tuple[dict[str, int], list[tuple[str, int]]]:
        """Places of sound files by track name: the path without its ending, accents composed.

        Beside them, names that further files have, with the places of those.

        >>> Listing("/", ["CD1/01 Main Title.flac", "Cover.jpg", "Finale.mp3", "Finale.ogg"]).named
        ({'CD1/01 Main Title': 0, 'Finale': 2}, [('Finale', 3)])
        """
        found: dict[str, int] = {}
        twice = []
        for place, path in enumerate(self.paths):
            dot = path.rfind(".")  # as os.path.splitext, which takes a second for half a million tracks
            if path[dot:].lower() not in SOUND_ENDINGS:
                continue
            name = _in_one_way(path[:dot])
            if found.setdefault(name, place) != place:
                twice.append((name, place))
        return found, twice

    def name(self, place: int) -> str:
        """A file's name as a track."""
        return _in_one_way(os.path.splitext(self.paths[place])[0])

    def path(self, place: int) -> str:
        """The whole path of a file."""
        return self.folder + self.paths[place]


@dataclass
class Files(Listing):
    """A listing with size (bytes) and time of change (ns) of each file; `same` is equal for names of one file."""

    sizes: list[int]
    times: list[int]
    same: list[tuple[int, int]]


def list_names(folder: Path) -> Listing:
    """Raises OSError for a folder that cannot be listed."""
    return Listing(os.path.join(folder, ""), ["/".join(parts) for parts in sorted(files_in(folder))])


def list_files(folder: Path) -> Files:
    """As `list_names`; a file that goes meanwhile has size -1."""
    rows = sorted((parts, *_said(entry)) for parts, entry in _entries(folder))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return Files(os.path.join(folder, ""), list(map("/".join, columns[0])), *columns[1:])


def _said(entry: os.DirEntry) -> tuple[int, int, tuple[int, int]]:
    try:
        stat = entry.stat()
    except OSError:
        return -1, 0, (0, 0)
    return stat.st_size, stat.st_mtime_ns, (stat.st_dev, stat.st_ino)


def _in_one_way(name: str) -> str:
    if name.isascii() and name.isprintable():  # nearly all: half a million tracks are named in a second
        return name
    return unicodedata.normalize("NFC", text.clean(name))


def files_in(folder: Path) -> Iterator[tuple[str, ...]]:
    """Files in a folder and those in it, as parts of their paths; without hidden ones and what links lead to."""
    return (parts for parts, _ in _entries(folder))


def _entries(folder: Path, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], os.DirEntry]]:
    """As `files_in`, each with what its folder says of it."""
    with os.scandir(folder.joinpath(*above)) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(folder, (*above, entry.name))
            elif entry.is_file():
                yield (*above, entry.name), entry
