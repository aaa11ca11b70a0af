"""What stands in a corpus twice: one film under two ids, one recording in the soundtracks of several films."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from filmlens.artefacts import fingerprint
from filmlens.corpus.films import Film
from filmlens.media.apart import apart
from filmlens.media.opening import MediaError
from filmlens.media.soundprint import SAME, agreement, sound_print

_LIMIT_S = 600.0
_PAL, _NEAR = 24 / 25, 0.005  # length of a PAL transfer, and how far from it lengths may be


def prints(films: list[Film]) -> dict[str, np.ndarray]:
    """`filmlens.media.soundprint.sound_print` of every film that can be read."""
    found = {}
    for film in films:
        try:
            found[film.id] = apart(sound_print, film.sound, limit=_LIMIT_S)
        except (MediaError, OSError, ValueError):
            continue  # what is wrong with the file is told elsewhere
    return found


def same_films(films: list[Film], seconds: Mapping[str, float]) -> list[tuple[Film, Film]]:
    """Pairs of rows that are one film by its sound, whatever its name, format, cut of a minute, or PAL speed.

    Parameters
    ----------
    films : list of Film
    seconds : mapping
        Film id to length.
    """
    known = prints(films)
    pairs = []
    for one, other in itertools.combinations([f for f in films if f.id in known], 2):
        if agreement(known[one.id], known[other.id]) >= SAME or _is_transfer(one, other, seconds, known):
            pairs.append((one, other))
    return pairs


def _is_transfer(one: Film, other: Film, seconds: Mapping[str, float], known: Mapping[str, np.ndarray]) -> bool:
    """Whether the shorter of two films is the PAL transfer of the longer."""
    short, long = sorted((one, other), key=lambda film: seconds.get(film.id, 0))
    if abs(seconds.get(short.id, 0) / max(seconds.get(long.id, 0), 1e-9) - _PAL) > _NEAR:
        return False
    slowed = apart(sound_print, short.sound, slowed=True, limit=_LIMIT_S)
    return agreement(slowed, known[long.id]) >= SAME


def shared_tracks(films: list[Film], tracks: Mapping[str, Mapping[str, Path]]) -> dict[tuple[str, ...], list[str]]:
    """Recordings that stand in the soundtracks of several films: ids of films -> names in the first of them.

    Parameters
    ----------
    films : list of Film
    tracks : mapping
        Film id to its tracks by name.
    """
    sizes: dict[int, list[tuple[str, str, Path]]] = {}
    for film in films:
        for name, path in tracks.get(film.id, {}).items():
            sizes.setdefault(_size(path), []).append((film.id, name, path))
    found: dict[tuple[str, ...], list[str]] = {}
    for size, files in sizes.items():
        if size < 1 or len({film for film, *_ in files}) < 2:
            continue
        by_bytes: dict[str, list[tuple[str, str]]] = {}
        for film, name, path in files:
            by_bytes.setdefault(fingerprint(path)["hash"], []).append((film, name))
        for group in by_bytes.values():
            ids = tuple(dict.fromkeys(film for film, _ in group))
            if len(ids) > 1:
                found.setdefault(ids, []).append(group[0][1])
    return found


def _size(path: Path) -> int:
    """Bytes of a file; 0 when it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
