"""What a corpus holds, in numbers: for `filmlens check`, the page of its health, and the report."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from filmlens.artefacts import Ledger, cache_folder, ledger_of
from filmlens.corpus.annotations import CorpusError
from filmlens.corpus.doubles import shared_tracks
from filmlens.corpus.films import Corpus, Film, genre_table
from filmlens.corpus.looks import Track
from filmlens.media import container
from filmlens.media.apart import apart
from filmlens.media.container import MediaInfo
from filmlens.media.opening import Medium

_LIMIT_S = 3600.0


@dataclass
class FilmFacts:
    """What is there of one film; of a film file or track that cannot be read there is None.

    `cues` are those annotated by hand; `missing` says in words what the film lacks.
    """

    film: Film
    info: MediaInfo | None = None
    tracks: dict[str, Track | None] = field(default_factory=dict)
    cues: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return self.info.duration if self.info else 0.0

    @property
    def music_seconds(self) -> float:
        """Length of all tracks together."""
        return sum(track.seconds for track in self.tracks.values() if track)


@dataclass
class Facts:
    """What is there of a corpus; `not_owned` are rows without a path, `shared` ids of films to what they share."""

    films: list[FilmFacts]
    not_owned: int = 0
    shared: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    synthetic: bool = False

    def labels(self) -> pd.DataFrame:
        """Films x genres, True where a film carries the genre."""
        return genre_table(f.film for f in self.films)


def gather(corpus: Corpus, not_owned: int = 0) -> Facts:
    """Facts of an open corpus, from the headers of its files; what cannot be read is missing."""
    films = []
    for film in corpus:
        facts = FilmFacts(film)
        if not corpus.shared:
            [facts.info] = _headers(f"{film.film} {film.sound.choice}", [film.sound])
            with suppress(CorpusError):  # told by `filmlens check`
                tracks = film.tracks()
                infos = _headers(film.soundtrack, tracks.values())
                facts.tracks = {name: info and Track.of(info) for name, info in zip(tracks, infos, strict=True)}
        with suppress(CorpusError):
            table = film.annotations()
            facts.cues = 0 if table is None else len(table)
        facts.missing = missing(facts, shared=corpus.shared)
        films.append(facts)
    return Facts(films, not_owned, {} if corpus.shared else shared_tracks(corpus), corpus.synthetic)


def _headers(place: object, files: Iterable[Path | Medium]) -> list[MediaInfo | None]:
    """What the headers of files say, kept in the user's cache as long as they are the same."""
    with Ledger(ledger_of(Path(str(place)), cache_folder() / "headers")) as known:
        found = [known.get(Path(file), partial(_header, file)) for file in files]
    return [info and MediaInfo(**info) for info in found]


def _header(file: Path | Medium) -> dict | None:
    try:
        return asdict(apart(container.probe, file, limit=_LIMIT_S))
    except (OSError, ValueError):
        return None


def missing(facts: FilmFacts, *, shared: bool = False) -> list[str]:
    """What a film lacks, in words."""
    film = facts.film
    lacks = ["genre"] * (not film.genres) + ["year"] * (film.year is None)
    if shared:
        return lacks
    lacks += ["film file"] * (facts.info is None) + ["soundtrack"] * (not facts.tracks)
    if facts.info is not None:
        lacks += ["sound"] * (not facts.info.has_sound) + ["pictures"] * (not facts.info.has_pictures)
    unread = sum(track is None for track in facts.tracks.values())
    return lacks + [f"{unread} of {len(facts.tracks)} tracks cannot be read"] * bool(unread)


def hours(seconds: float) -> str:
    """A length for reading.

    >>> hours(80), hours(3240), hours(5400)
    ('1.3 min', '54 min', '1.5 h')
    """
    if seconds < 3600:
        return f"{seconds / 60:.2g} min"
    return f"{seconds / 3600:.2g} h" if seconds < 36_000 else f"{seconds / 3600:.0f} h"
