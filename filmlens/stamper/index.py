"""Fingerprints of many tracks as plain arrays, which can be stored, loaded and joined (paper: Score Stamper)."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from filmlens import artefacts
from filmlens.media.sound import MediaError
from filmlens.stamper import waveforms
from filmlens.stamper.streams import Source

_VERSION = 3  # of the fingerprints; raised when they change
_ARRAYS = ("seconds", "ptr", "time", "code", "rows", "levels")
# Fingerprint of one track: times [frames], codes, seconds of sound, loudness by semitones.
Fingerprint = tuple[np.ndarray, np.ndarray, float, np.ndarray]


@dataclass(frozen=True, eq=False)
class TrackIndex:
    """Fingerprints of tracks, concatenated.

    Attributes
    ----------
    engine : str
        Whose fingerprints they are.
    names : tuple of str
        One per track that could be read, in the order given.
    seconds : ndarray, shape (n,)
        Length of each track.
    ptr : ndarray of int64, shape (n + 1,)
        Track i owns ``time[ptr[i]:ptr[i + 1]]`` and the same part of `code`.
    time, code : ndarray
        The engine's times [frames] and codes.
    rows, levels : ndarrays of int64, shape (n + 1,), and uint8
        Track i owns ``levels[rows[i]:rows[i + 1]]``: its loudness by semitones, if the engine uses it.
    problems : tuple of str
        The tracks that were skipped, and why.
    waves : tuple of callable
        Reads each track's waveform, see `waveforms.Slow`; a stored index has none.
    """

    engine: str
    names: tuple[str, ...]
    seconds: np.ndarray
    ptr: np.ndarray
    time: np.ndarray
    code: np.ndarray
    rows: np.ndarray
    levels: np.ndarray
    problems: tuple[str, ...] = ()
    waves: tuple[Callable[[], np.ndarray], ...] = ()
    _waveforms: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def track(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Times and codes of track `i`."""
        part = slice(self.ptr[i], self.ptr[i + 1])
        return self.time[part], self.code[part]

    def level(self, i: int) -> np.ndarray:
        """Loudness of track `i` by semitones."""
        return self.levels[self.rows[i] : self.rows[i + 1]]

    def waveform(self, i: int) -> np.ndarray:
        """Track `i` as `waveforms.Slow` gives it, read when it is first asked for; empty where there is none."""
        if i not in self._waveforms:
            self._waveforms[i] = self.waves[i]() if self.waves else waveforms.NONE
        return self._waveforms[i]

    def save(self, path: str | Path) -> None:
        """Write the index as an npz file of plain arrays."""
        texts = {name: np.array(getattr(self, name), str) for name in ("engine", "names", "problems")}
        with open(path, "wb") as file:
            np.savez(file, **texts, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | Path) -> "TrackIndex":
        """Read an index that `save` wrote; `ValueError` when an older version did."""
        with np.load(path, allow_pickle=False) as box:
            if "levels" not in box:
                raise ValueError(f"{path} was made by an older version; index the tracks again")
            texts = {name: tuple(box[name].tolist()) for name in ("names", "problems")}
            return cls(engine=str(box["engine"]), **texts, **{name: box[name] for name in _ARRAYS})


def build_index(
    tracks: Mapping[str, Source],
    fingerprint: Callable[[Source], tuple[Fingerprint, np.ndarray]],
    *,
    engine: str,
    keep: str | Path | None = None,
) -> TrackIndex:
    """Fingerprint every track; one that cannot be used is skipped and reported in `problems`.

    With a folder to `keep` them in, fingerprints of files are read from there when the file has not changed.
    """
    names, prints, problems, waves = [], [], [], []
    files = {name: Path(source) for name, source in tracks.items() if not isinstance(source, tuple)} if keep else {}
    whole = artefacts.contents(files, Path(keep).with_name("hashes")) if keep else {}
    for name, source in tracks.items():
        where = f"track {name}" if isinstance(source, tuple) else str(source)
        try:
            if keep is None or isinstance(source, tuple):
                (found, _), wave = fingerprint(source), partial(_slow, source)
            else:
                found, wave = _kept(files[name], whole[name], fingerprint, Path(keep), engine)
        except MediaError as error:
            problems.append(f"skipped: {error}")
            continue
        time, _, length, _ = found
        if not len(time):
            what = "has no length" if length == 0 else "is silent, or too short or quiet to match"
            problems.append(f"skipped: {where} {what}; replace the file or take it out")
            continue
        names.append(name)
        prints.append(found)
        waves.append(wave)
    return assemble(engine, names, prints, problems, waves)


def _slow(source: Source) -> np.ndarray:
    """The waveform of a track; none where it was moved or changed since it was indexed."""
    try:
        return waveforms.slow(source)
    except MediaError:
        return waveforms.NONE


def _kept(
    path: Path, content: str, fingerprint: Callable[[Source], tuple[Fingerprint, np.ndarray]], folder: Path, engine: str
) -> tuple[Fingerprint, Callable[[], np.ndarray]]:
    """Fingerprint and waveform of a file from a folder, found by its bytes, or computed and put there.

    One of a damaged track is not kept; a kept one that is damaged itself is told of and made anew.
    """
    known = {"engine": engine, "version": _VERSION, "content": content}
    file = folder / f"{hashlib.blake2b(json.dumps(known).encode(), digest_size=16).hexdigest()}.npz"
    wave = partial(_kept_wave, file, known, path)
    if file.is_file():
        try:
            box = artefacts.load_arrays(file, known)
            return (box["time"], box["code"], float(box["seconds"]), box["levels"]), wave
        except (artefacts.ArtefactError, KeyError) as error:
            warnings.warn(str(error), stacklevel=2)
    with warnings.catch_warnings(record=True) as damage:
        warnings.simplefilter("always")
        found, waveform = fingerprint(path)
    for warning in damage:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if not damage:
        time, code, seconds, levels = found
        arrays = {"time": time, "code": code, "seconds": np.array(seconds), "levels": levels, "wave": waveform}
        artefacts.save_arrays(file, arrays, known)
    return found, wave


def _kept_wave(file: Path, known: dict, path: Path) -> np.ndarray:
    try:
        return artefacts.load_arrays(file, known)["wave"]
    except (artefacts.ArtefactError, KeyError):
        return _slow(path)


def join_indexes(*indexes: TrackIndex) -> TrackIndex:
    """Join indexes, in order; of two tracks of the same name the first is kept."""
    engines = {i.engine for i in indexes}
    if len(engines) != 1:
        raise ValueError(f"indexes of different engines ({', '.join(sorted(engines))}) cannot be joined; index again")
    names, prints, problems, waves = [], [], [], []
    seen = set()
    for index in indexes:
        problems += index.problems
        for i, name in enumerate(index.names):
            if name in seen:
                problems.append(f"skipped: a second track named {name}; rename one of the two")
                continue
            seen.add(name)
            names.append(name)
            prints.append((*index.track(i), index.seconds[i], index.level(i)))
            waves.append(partial(index.waveform, i))
    return assemble(engines.pop(), names, prints, problems, waves)


def assemble(
    engine: str,
    names: Sequence[str],
    prints: Sequence[Fingerprint],
    problems: Sequence[str] = (),
    waves: Sequence[Callable[[], np.ndarray]] = (),
) -> TrackIndex:
    """An index of given fingerprints; see `TrackIndex`."""
    times, codes, seconds, levels = zip(*prints, strict=True) if prints else ((np.zeros(0),),) * 2 + ((), ())

    def bounds(parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.cumsum([0, *map(len, parts)], dtype=np.int64)

    return TrackIndex(
        engine=engine,
        names=tuple(names),
        seconds=np.array(seconds, float),
        ptr=bounds(times if prints else ()),
        time=np.concatenate(times),
        code=np.concatenate(codes),
        rows=bounds(levels),
        levels=np.concatenate(levels) if levels else np.zeros((0, 0), np.uint8),
        problems=tuple(problems),
        waves=tuple(waves),
    )
