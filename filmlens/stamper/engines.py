"""One interface to both engines: index the tracks, stamp the film (paper: Score Stamper)."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from filmlens.stamper import dejavu, matching
from filmlens.stamper.cues import CueSheet
from filmlens.stamper.index import TrackIndex, build_index
from filmlens.stamper.streams import Source

ENGINES: dict[str, ModuleType] = {"filmlens": matching, "dejavu": dejavu}
DEFAULT_ENGINE = "filmlens"


def index_tracks(
    tracks: Mapping[str, Source], *, engine: str = DEFAULT_ENGINE, keep: str | Path | None = None
) -> TrackIndex:
    """Fingerprint the tracks of a soundtrack or library, with the engine "filmlens" or "dejavu".

    A track is a path, or (samples, rate) with samples of shape (n,) or (channels, n) in [-1, 1]. The folder `keep`
    holds the fingerprint of each file, found again as long as the file does not change. An index can be stored with
    `TrackIndex.save` and joined with others by `join_indexes`.
    """
    return build_index(tracks, _engine(engine).fingerprint, engine=engine, keep=keep)


def stamp(
    film: Source, tracks: Mapping[str, Source] | TrackIndex, *, engine: str | None = None, **parameters
) -> CueSheet:
    """Find where each track plays in a film.

    The film, a path or (samples, rate), is decoded in blocks: a long one needs no more memory than a short one. An
    index made by `index_tracks` saves the time to read the tracks again. `engine` is "filmlens" or "dejavu"; by default
    the index' own, else `DEFAULT_ENGINE`. `parameters` are the engine's, such as ``strictness=1.0`` of "filmlens", or
    ``rule="votes", threshold=14`` of "dejavu".

    A track that cannot be used is skipped and reported in the sheet's `problems`. Raises `ValueError` when no track can
    be used, the engine is unknown, or the index is another engine's; `MediaError` when the film cannot be read or has
    no sound.
    """
    if not isinstance(tracks, TrackIndex):
        tracks = index_tracks(tracks, engine=engine or DEFAULT_ENGINE)
    elif engine not in (None, tracks.engine):
        raise ValueError(f'the index was made for engine="{tracks.engine}", not "{engine}"; index the tracks again')
    if not len(tracks):
        reasons = "; ".join(tracks.problems) or "none was given"
        raise ValueError(f"no track can be matched ({reasons}); give at least one readable track")
    return _engine(tracks.engine).stamp(film, tracks, **parameters)


def _engine(name: str) -> ModuleType:
    if name not in ENGINES:
        raise ValueError(f'engine="{name}" is unknown; choose one of {", ".join(ENGINES)}')
    return ENGINES[name]
