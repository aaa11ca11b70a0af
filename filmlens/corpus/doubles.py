"""What stands in a corpus twice: one film under two ids, one recording in the soundtracks of several films."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.artefacts import (
    ArtefactError,
    Ledger,
    WriteError,
    cache_folder,
    fingerprint,
    ledger_of,
    load_arrays,
    look,
    read_sealed,
    save_arrays,
    write_sealed,
)
from filmlens.corpus.films import SHARED_MUSIC, Corpus, Film
from filmlens.corpus.looks import File
from filmlens.corpus.sheets import CorpusError
from filmlens.media.apart import AT_ONCE, apart
from filmlens.media.opening import MediaError
from filmlens.media.soundprint import SAME, agreement, alike, sound_prints, track_print, transformed

_LIMIT_S = 600.0
_PAL, _NEAR = 24 / 25, 0.005  # length of a PAL transfer, and how far from it lengths may be
_VERSION = 1  # of `_pairs` and `_by_sound`: raised when they find other pairs in the same prints


def same_films(films: list[Film], seconds: Mapping[str, float]) -> list[tuple[Film, Film]]:
    """Rows that are one film by its sound, whatever its name, format, cut of a minute, or PAL speed.

    Parameters
    ----------
    films : list of Film
    seconds : mapping
        Film id to length.

    Returns
    -------
    list of (Film, Film)
        The first row of each film with each later one. What was found stays in the user's cache as long as the films
        are the same.
    """
    if len(films) < 2:
        return []
    lengths = [seconds.get(film.id, 0.0) for film in films]
    kept = ledger_of(films[0].folder, cache_folder() / "doubles")
    state = [[_known(film) for film in films], lengths]
    return _kept_pairs(kept, state, films, _prints, lambda prints: _pairs(prints, lengths))


def _kept_pairs(kept: Path, state: list, things: list, read: Callable, pairs_of: Callable) -> list[tuple]:
    """Pairs of things by their prints, kept in the user's cache as long as the state is the same."""
    state = json.loads(json.dumps([_VERSION, *state]))
    try:
        found = read_sealed(kept)
    except ArtefactError:
        found = {}
    if found.get("state") == state:
        pairs = found["pairs"]
    else:
        with ThreadPoolExecutor(AT_ONCE) as readers:
            prints = list(readers.map(read, things))
        pairs = pairs_of(prints)
        if all(p is not None for p in prints):  # what could not be read may be tomorrow, without a change of the file
            with suppress(WriteError):
                write_sealed(kept, {"state": state, "pairs": pairs})
    return [(things[one], things[other]) for one, other in pairs]


def _pairs(prints: list[tuple[np.ndarray, np.ndarray] | None], seconds: list[float]) -> list[tuple[int, int]]:
    """Places of films with that of the first film that each equals; `prints` as `sound_prints` gives them."""
    silent = np.zeros((0, 0), np.int8)
    plain = [found[0] if found else silent for found in prints]
    count, slow = len(prints), _slowed(seconds)
    tables = [*plain, *(prints[film][1] if prints[film] else silent for film in slow)]
    spectrum = lru_cache(maxsize=256)(lambda place: transformed(tables[place]))
    first = list(range(count))  # of each film, an earlier one that it equals
    for one, other in alike(tables):
        short, long = (slow[other - count] if other >= count else other), one
        if one >= count:
            continue  # both slowed
        if other >= count and not _is_transfer(seconds[short], seconds[long]):
            continue
        roots = _root(first, short), _root(first, long)
        if roots[0] != roots[1] and agreement(spectrum(one), spectrum(other)) >= SAME:
            first[max(roots)] = min(roots)
    return [(_root(first, film), film) for film in range(count) if _root(first, film) != film]


def _root(first: list[int], film: int) -> int:
    while first[film] != film:
        film = first[film]
    return film


def _is_transfer(short: float, long: float) -> bool:
    """Whether a film may be the PAL transfer of a longer one, by their seconds."""
    return abs(short / max(long, 1e-9) - _PAL) <= _NEAR


def _slowed(seconds: list[float]) -> list[int]:
    """Films that may be the PAL transfer of another by their lengths."""
    lengths = np.sort(seconds)
    low, high = (np.searchsorted(lengths, np.array(seconds) / (_PAL + near)) for near in (_NEAR, -_NEAR))
    return np.flatnonzero((high > low) & (np.array(seconds) > 0)).tolist()


def _known(film: Film) -> dict:
    """What the prints of a film are known by."""
    return {"path": str(film.film), "look": look(film.film), "choice": film.sound.choice}


def _prints(film: Film) -> tuple[np.ndarray, np.ndarray] | None:
    """Prints of a film, kept in the user's cache as long as its file is the same; None without sound."""
    known = _known(film)
    name = hashlib.blake2b(json.dumps(known["path"]).encode(), digest_size=16).hexdigest()
    path = cache_folder() / "soundprints" / f"{name}.npz"
    try:
        tables = load_arrays(path, known)
        return tables["print"], tables["slowed"]
    except (ArtefactError, KeyError):
        try:
            plain, slowed = apart(sound_prints, film.sound, limit=_LIMIT_S)
        except (MediaError, OSError, ValueError):
            return None  # what is wrong with the file is told elsewhere
        with suppress(OSError):
            save_arrays(path, {"print": plain, "slowed": slowed}, known)
    return plain, slowed


def shared_tracks(films: list[Film], tracks: Mapping[str, Mapping[str, File]]) -> dict[tuple[str, ...], list[str]]:
    """Recordings that stand in the soundtracks of several films: ids of films -> names in the first of them.

    Parameters
    ----------
    films : list of Film
    tracks : mapping
        Film id to its tracks by name.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for group in _recordings(films, tracks):
        found.setdefault(tuple(dict.fromkeys(film for film, _ in group)), []).append(group[0][1])
    return found


def _recordings(films: list[Film], tracks: Mapping[str, Mapping[str, File]]) -> list[list[tuple[str, str]]]:
    """Film id and name of every track of a recording that several films have, recording by recording.

    Files are one recording when their bytes are the same, or when they sound the same.
    """
    owners: dict[tuple[int, int], list[tuple[str, str]]] = {}  # other names of a file are that file
    files: dict[tuple[int, int], File] = {}
    for film in films:
        for name, file in tracks.get(film.id, {}).items():
            if file.seen[0] > 0:
                files.setdefault(file.same, file)
                owners.setdefault(file.same, []).append((film.id, name))
    several = {same: len({film for film, _ in own}) > 1 for same, own in owners.items()}
    order, first = list(files), list(range(len(files)))
    place = {same: n for n, same in enumerate(order)}
    for pairs in (
        _by_bytes(films, list(files.values())),
        # what films list together is a library: they share it whatever else sounds like it
        _by_sound(films, [file for same, file in files.items() if not several[same]]),
    ):
        for one, other in pairs:
            low, high = sorted((_root(first, place[one.same]), _root(first, place[other.same])))
            first[high] = low
    groups: dict[int, list[tuple[str, str]]] = {}
    for n, same in enumerate(order):
        groups.setdefault(_root(first, n), []).extend(owners[same])
    return [group for group in groups.values() if len({film for film, _ in group}) > 1]


def _by_bytes(films: list[Film], files: list[File]) -> list[tuple[File, File]]:
    """Files with an earlier one of the same bytes, by samples of those of one size."""
    sizes: dict[int, list[File]] = {}
    for file in files:
        sizes.setdefault(file.seen[0], []).append(file)
    earlier: dict[tuple[int, str], File] = {}
    pairs = []
    with Ledger(ledger_of(films[0].folder, cache_folder() / "samples") if films else None) as known:
        for size, some in sizes.items():
            for file in some if len(some) > 1 else []:
                sample = known.get(file.path, partial(_sample, file.path), seen=file.seen)
                pairs.append((earlier.setdefault((size, sample), file), file))
    return pairs


def _by_sound(films: list[Film], files: list[File]) -> list[tuple[File, File]]:
    """Pairs of files that sound the same; kept in the user's cache as long as the files are the same."""
    if len(files) < 2:
        return []
    kept = ledger_of(films[0].folder, cache_folder() / "recordings")
    return _kept_pairs(kept, [[[file.path, *file.seen] for file in files]], files, _track_print, _alike_tracks)


def _alike_tracks(prints: list[np.ndarray | None]) -> list[tuple[int, int]]:
    tables = [np.zeros((0, 0), np.int8) if table is None else table for table in prints]
    spectrum = lru_cache(maxsize=256)(lambda place: transformed(tables[place]))
    return [(a, b) for a, b in alike(tables) if agreement(spectrum(a), spectrum(b)) >= SAME]


def _track_print(file: File) -> np.ndarray | None:
    """Print of a track, kept in the user's cache as long as its file is the same; empty of what is no sound."""
    known = {"path": file.path, "look": list(file.seen)}
    name = hashlib.blake2b(json.dumps(file.path).encode(), digest_size=16).hexdigest()
    path = cache_folder() / "trackprints" / f"{name}.npz"
    try:
        return load_arrays(path, known)["print"]
    except (ArtefactError, KeyError):
        try:
            table = apart(track_print, Path(file.path), limit=_LIMIT_S)
        except (MediaError, ValueError):
            table = np.zeros((0, 0), np.int8)  # what is wrong with the file is told elsewhere
        except OSError:
            return None
        with suppress(OSError):
            save_arrays(path, {"print": table}, known)
    return table


def shared_recordings(corpus: Corpus) -> pd.DataFrame:
    """Tracks whose recording is in the soundtracks of several films: film_id, track, recording (a number).

    A library that films are searched for is no soundtrack of theirs.
    """
    files: dict[str, dict[str, File]] = {}
    for film in corpus:
        with suppress(CorpusError):  # told by `filmlens check`
            named = replace(film, library=None).tracks()
            files[film.id] = {name: File.of(path) for name, path in named.items()}
    groups = enumerate(_recordings(list(corpus), files))
    rows = [(film, name, number) for number, group in groups for film, name in group]
    return pd.DataFrame(rows, columns=["film_id", "track", "recording"]).astype({"recording": int})


def music_groups(corpus: Corpus) -> pd.Series:
    """Films that are joined by recordings in their soundtracks, directly or through others: index film_id.

    The name of a group is its first film's; a film that shares nothing has "".
    """
    place, first = {film_id: n for n, film_id in enumerate(corpus.ids)}, list(range(len(corpus)))
    for _, films in shared_recordings(corpus).groupby("recording")["film_id"]:
        one = place[films.iloc[0]]
        for other in films.iloc[1:]:
            low, high = sorted((_root(first, one), _root(first, place[other])))
            first[high] = low
    roots = [_root(first, n) for n in range(len(first))]
    names = [corpus.ids[root] if roots.count(root) > 1 else "" for root in roots]
    return pd.Series(names, index=pd.Index(corpus.ids, name="film_id"), name=SHARED_MUSIC, dtype=object)


def _sample(path: str) -> str:
    return fingerprint(Path(path))["hash"]
