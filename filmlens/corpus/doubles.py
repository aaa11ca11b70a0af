"""What stands in a corpus twice: one film under two ids, one recording in the soundtracks of several films."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from filmlens.artefacts import ArtefactError, cache_folder, fingerprint, load_arrays, look, save_arrays
from filmlens.corpus.films import Film
from filmlens.media.apart import apart
from filmlens.media.opening import MediaError
from filmlens.media.soundprint import SAME, agreement, sound_print, transformed

_LIMIT_S = 600.0
_PAL, _NEAR = 24 / 25, 0.005  # length of a PAL transfer, and how far from it lengths may be


def same_films(films: list[Film], seconds: Mapping[str, float]) -> list[tuple[Film, Film]]:
    """Pairs of rows that are one film by its sound, whatever its name, format, cut of a minute, or PAL speed.

    Parameters
    ----------
    films : list of Film
    seconds : mapping
        Film id to length.
    """
    known = {film.id: _print(film) for film in films}
    films = [film for film in films if known[film.id] is not None]
    of = {film.id: film for film in films}
    slowed = cache(lambda film_id: _print(of[film_id], slowed=True))
    pairs = []
    for one, other in itertools.combinations(films, 2):
        same = agreement(known[one.id], known[other.id]) >= SAME
        short, long = sorted((one, other), key=lambda film: seconds.get(film.id, 0))
        if not same and abs(seconds.get(short.id, 0) / max(seconds.get(long.id, 0), 1e-9) - _PAL) <= _NEAR:
            transfer = slowed(short.id)
            same = transfer is not None and agreement(transfer, known[long.id]) >= SAME
        if same:
            pairs.append((one, other))
    return pairs


def _print(film: Film, *, slowed: bool = False) -> np.ndarray | None:
    """The transformed print of a film, kept in the user's cache as long as its file is the same; None without sound."""
    known = {"path": str(film.film), "look": look(film.film), "choice": film.sound.choice, "slowed": slowed}
    name = hashlib.blake2b(json.dumps(known["path"]).encode(), digest_size=16).hexdigest()
    path = cache_folder() / "soundprints" / f"{name}{'-slowed' * slowed}.npz"
    try:
        table = load_arrays(path, known)["print"]
    except ArtefactError:
        try:
            table = apart(sound_print, film.sound, slowed=slowed, limit=_LIMIT_S)
        except (MediaError, OSError, ValueError):
            return None  # what is wrong with the file is told elsewhere
        with suppress(OSError):
            save_arrays(path, {"print": table}, known)
    return transformed(table) if len(table) else None


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
