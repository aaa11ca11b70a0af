"""Duplicates in a corpus: one film under two ids, one recording in the soundtracks of several films."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import artefacts
from filmlens.corpus.films import SHARED_MUSIC, Corpus, Film
from filmlens.corpus.listing import Files, list_files
from filmlens.media.apart import AT_ONCE, apart
from filmlens.media.soundprint import SAME, agreement, alike, sound_prints, track_print, transformed

#: Tracks beyond which recordings that several films share are known by their bytes alone.
MOST_BY_SOUND = 5_000
_LIMIT_S = 600.0
_PAL, _NEAR = 24 / 25, 0.005  # length of a PAL transfer, and how far from it lengths may be
_SILENT = np.zeros((0, 0), np.int8)
_VERSION = 1  # of `_pairs` and `_by_sound`: raised when they find other pairs in the same prints


def same_films(films: list[Film], seconds: Mapping[str, float]) -> list[tuple[Film, Film]]:
    """The first row of each film with each later one of the same sound, whatever name, format, speed (PAL) or cut.

    `seconds` is film id to length.
    """
    if len(films) < 2:
        return []
    lengths = [seconds.get(film.id, 0.0) for film in films]
    state = [[_known(film) for film in films], lengths]
    return _kept_pairs(films[0], "doubles", state, films, _prints, lambda prints: _pairs(prints, lengths))


def _kept_pairs(of: Film, kind: str, state: list, things: list, read: Callable, pairs_of: Callable) -> list[tuple]:
    """Pairs of things by their prints, kept in the user's cache as long as the state is the same."""
    kept = artefacts.ledger_of(of.folder, artefacts.cache_folder() / kind)
    state = json.loads(json.dumps([_VERSION, *state]))
    try:
        found = artefacts.read_sealed(kept)
    except artefacts.ArtefactError:
        found = {}
    if found.get("state") == state:
        pairs = found["pairs"]
    else:
        with ThreadPoolExecutor(AT_ONCE) as readers:
            prints = list(readers.map(read, things))
        pairs = pairs_of(prints)
        if all(p is not None for p in prints):  # what could not be read may be tomorrow, without a change of the file
            with suppress(artefacts.WriteError):
                artefacts.write_sealed(kept, {"state": state, "pairs": pairs})
    return [(things[one], things[other]) for one, other in pairs]


def _pairs(prints: list[tuple[np.ndarray, np.ndarray] | None], seconds: list[float]) -> list[tuple[int, int]]:
    """Places of films with that of the first film that each equals; `prints` as `sound_prints` gives them."""
    prints = [found or (_SILENT, _SILENT) for found in prints]
    count, slow = len(prints), _slowed(seconds)
    tables = [*(plain for plain, _ in prints), *(prints[film][1] for film in slow)]
    spectrum = lru_cache(maxsize=256)(lambda place: transformed(tables[place]))
    first = list(range(count))  # of each film, an earlier one that it equals
    for one, other in alike(tables):
        short, long = (slow[other - count] if other >= count else other), one
        if one >= count:
            continue  # both slowed
        if other >= count and abs(seconds[short] / max(seconds[long], 1e-9) - _PAL) > _NEAR:
            continue  # no PAL transfer
        if _root(first, short) != _root(first, long) and agreement(spectrum(one), spectrum(other)) >= SAME:
            _join(first, short, long)
    return [(_root(first, film), film) for film in range(count) if _root(first, film) != film]


def _root(first: list[int], film: int) -> int:
    while first[film] != film:
        film = first[film]
    return film


def _join(first: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(first, one), _root(first, other)))
    first[high] = low


def _slowed(seconds: list[float]) -> list[int]:
    """Films that may be the PAL transfer of another by their lengths."""
    lengths = np.sort(seconds)
    low, high = (np.searchsorted(lengths, np.array(seconds) / (_PAL + near)) for near in (_NEAR, -_NEAR))
    return np.flatnonzero((high > low) & (np.array(seconds) > 0)).tolist()


def _known(film: Film) -> dict:
    """What the prints of a film are known by."""
    return {"path": str(film.film), "look": artefacts.look(film.film), "choice": film.sound.choice}


def _prints(film: Film) -> tuple[np.ndarray, np.ndarray] | None:
    """Prints of a film; None without sound."""
    with suppress(OSError, ValueError):  # what is wrong with the file is told elsewhere
        make = partial(apart, sound_prints, film.sound)
        tables = _kept_prints("soundprints", _known(film), ("print", "slowed"), make)
        return tables["print"], tables["slowed"]


def _kept_prints(folder: str, known: dict, names: tuple[str, ...], make: Callable) -> dict[str, np.ndarray]:
    """Prints of a file by name, kept in the user's cache as long as it is the same."""
    path = artefacts.cache_folder() / folder / f"{artefacts.digest(json.dumps(known['path']).encode())}.npz"
    try:
        return artefacts.load_arrays(path, known)
    except artefacts.ArtefactError:
        tables = dict(zip(names, make(limit=_LIMIT_S), strict=True))
    with suppress(OSError):
        artefacts.save_arrays(path, tables, known)
    return tables


def shared_tracks(
    films: Iterable[Film], listed: Callable[[Path], Files] = list_files
) -> dict[tuple[str, ...], list[str]]:
    """Recordings that stand in the soundtracks of several films: ids of films -> names in the first of them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for group in _recordings(films, listed):
        found.setdefault(tuple(dict.fromkeys(film for film, _ in group)), []).append(group[0][1])
    return found


def _recordings(films: Iterable[Film], listed: Callable[[Path], Files]) -> list[list[tuple[str, str]]]:
    """Film id and name of every track of a recording (by bytes or by sound) that several films have, one by one."""
    films = list({film.id: film for film in films}.values())
    owners, names, places, whose = [], [], [], []  # of every track; a column each, because there may be half a million
    sizes, same = [], []
    for owner, film in enumerate(films):
        mine: set[str] = set()
        for folder in filter(None, (film.soundtrack, film.library)):
            with suppress(OSError):  # told by `filmlens check`
                files = listed(folder)
                found = {name: place for name, place in files.named[0].items() if name not in mine}
                mine |= found.keys()
                names += found
                places += found.values()
                whose += [files] * len(found)
                sizes += map(files.sizes.__getitem__, found.values())
                same += map(files.same.__getitem__, found.values())
        owners += [owner] * len(mine)
    owners, sizes = np.array(owners, int), np.array(sizes, np.int64)
    first = pd.Series(range(len(same))).groupby(pd.Series(same, dtype=object)).transform("min").to_numpy(int)

    def seen(row: int) -> tuple[str, tuple[int, int]]:
        files, place = whose[row], places[row]
        return files.path(place), (files.sizes[place], files.times[place])

    codes: dict[tuple[int, str], int] = {}
    earlier: dict[int, int] = {}
    near = np.flatnonzero(_of_several(sizes, owners) & (sizes > 0))
    kept = artefacts.ledger_of(films[0].folder, artefacts.cache_folder() / "samples") if films else None
    with artefacts.Ledger(kept) as known:
        for row in dict.fromkeys(first[near].tolist()):  # other names of a file are that file
            path, look = seen(row)
            sample = known.get(path, lambda path=Path(path): artefacts.fingerprint(path)["hash"], seen=look)
            earlier[row] = codes.setdefault((look[0], sample), row)
    first = np.array([earlier.get(row, row) for row in first.tolist()], int)
    # what films list together is a library: they share it whatever else sounds like it
    alone = np.unique(first[~_of_several(first, owners) & (sizes > 0)]).tolist()
    for one, other in _by_sound(films, alone, seen):
        low, high = sorted((first[one], first[other]))
        first[first == high] = low
    groups: dict[int, list[tuple[str, str]]] = {}
    for row in np.flatnonzero(_of_several(first, owners) & (sizes > 0)).tolist():
        groups.setdefault(int(first[row]), []).append((films[owners[row]].id, names[row]))
    return list(groups.values())


def _of_several(keys: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Which rows have a key that several owners have."""
    by_key = pd.Series(owners).groupby(keys)
    return (by_key.transform("min") != by_key.transform("max")).to_numpy(bool)


def _by_sound(films: list[Film], tracks: list[int], seen: Callable) -> list[tuple[int, int]]:
    """Pairs of tracks that sound the same. Each is decoded for it, once: of more than `MOST_BY_SOUND` none is."""
    if not 1 < len(tracks) <= MOST_BY_SOUND:
        return []
    state = [[[path, *look] for path, look in map(seen, tracks)]]
    return _kept_pairs(films[0], "recordings", state, tracks, lambda t: _track_print(*seen(t)), _alike_tracks)


def _alike_tracks(prints: list[np.ndarray | None]) -> list[tuple[int, int]]:
    tables = [_SILENT if table is None else table for table in prints]
    spectrum = lru_cache(maxsize=256)(lambda place: transformed(tables[place]))
    return [(a, b) for a, b in alike(tables) if agreement(spectrum(a), spectrum(b)) >= SAME]


def _track_print(file: str, look: tuple[int, int]) -> np.ndarray | None:
    """Print of a track; empty of what is no sound, None of what cannot be read."""

    def make(limit: float) -> list[np.ndarray]:
        try:
            return [apart(track_print, Path(file), limit=limit)]
        except ValueError:
            return [_SILENT]  # what is wrong with the file is told elsewhere

    with suppress(OSError):
        return _kept_prints("trackprints", {"path": file, "look": list(look)}, ("print",), make)["print"]


def shared_recordings(corpus: Corpus) -> pd.DataFrame:
    """Tracks, not of a library, whose recording several films have: film_id, track, recording (a number)."""
    groups = enumerate(_recordings((replace(film, library=None) for film in corpus), list_files))
    rows = [(film, name, number) for number, group in groups for film, name in group]
    return pd.DataFrame(rows, columns=["film_id", "track", "recording"]).astype({"recording": int})


def music_groups(corpus: Corpus) -> pd.Series:
    """Film id to the first film that it is joined with by recordings in their soundtracks; "" where it shares none."""
    place, first = {film_id: n for n, film_id in enumerate(corpus.ids)}, list(range(len(corpus)))
    for _, films in shared_recordings(corpus).groupby("recording")["film_id"]:
        for other in films.iloc[1:]:
            _join(first, place[films.iloc[0]], place[other])
    roots = [_root(first, n) for n in range(len(first))]
    names = [corpus.ids[root] if roots.count(root) > 1 else "" for root in roots]
    return pd.Series(names, index=pd.Index(corpus.ids, name="film_id"), name=SHARED_MUSIC, dtype=object)
