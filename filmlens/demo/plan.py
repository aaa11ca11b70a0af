"""The plan of the synthetic corpus: which films there are and what is planted in each, before anything is rendered.

A track is composed in the style of one genre of its film, its main one, with a share of the film's other genres, a
habit of its composer and chance, so that the genres overlap. In three films one track comes from a genre that the film
does not have: the transplanted cues.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from filmlens.demo.effects import MAIN_SHARE, MUSIC_EFFECTS, NOISE, PICTURE_EFFECTS, TAGS
from filmlens.demo.names import film_titles, persons, track_names
from filmlens.demo.synth import DESCRIPTORS
from filmlens.look import GENRES

#: Shortest film that holds one cue of `CUE_SECONDS[0]` and something around it.
SHORTEST = 12.0
#: Shortest and longest cue in seconds.
CUE_SECONDS = (8.0, 25.0)

_SIZES = ((160, 90), (192, 108), (256, 144), (320, 180))


@dataclass(frozen=True)
class Track:
    """A piece on a film's soundtrack: its style is what `synth.compose` is given."""

    name: str
    ending: str
    seconds: float
    genre: str
    transplanted: bool
    style: dict[str, float]


@dataclass(frozen=True)
class Cue:
    """A use of a track in the film; `level` is music to rest in dB over the cue."""

    track: str
    start: float
    end: float
    track_start: float
    level: float
    fade_in: float
    fade_out: float


@dataclass(frozen=True)
class Pictures:
    """What the pictures of a film look like: mean luma and its range in [0, 1], frame size, black bars in rows."""

    brightness: float
    contrast: float
    width: int
    height: int
    bar: int
    hue: float


@dataclass(frozen=True)
class FilmPlan:
    """Everything that is planted in one film."""

    film_id: str
    title: str
    year: int
    genres: tuple[str, ...]
    franchise: str
    composer: str
    ending: str
    seconds: float
    seed: tuple[int, int]
    noise_level: float  # of the room under the voices, dB below them
    tracks: tuple[Track, ...]
    cues: tuple[Cue, ...]
    pictures: Pictures

    @property
    def film(self) -> str:
        """Path of the film's file in the corpus."""
        return f"films/{self.film_id}{self.ending}"

    @property
    def soundtrack(self) -> str:
        """Path of the film's soundtrack folder in the corpus."""
        return f"soundtracks/{self.film_id}"


def plan_films(*, films: int = 36, seconds: float = 90, seed: int = 0) -> list[FilmPlan]:
    """Plan a corpus; beyond 36 films the tag sets repeat. The same seed gives the same plan.

    `seconds` is the length of each film, at least 12. Raises `ValueError` for no film, or films too short for a cue.

    >>> corpus = plan_films()
    >>> sum("Action" in film.genres for film in corpus), sum("Horror" in film.genres for film in corpus)
    (13, 12)
    """
    if films < 1:
        raise ValueError(f"a corpus of {films} films; ask for at least one")
    if seconds < SHORTEST:
        raise ValueError(f"films of {seconds:g} s are too short for a cue; ask for at least {SHORTEST:g} s")
    rng = np.random.default_rng([seed, 7])
    tags = [TAGS[k % len(TAGS)] for k in range(films)]
    composers, foreign = _composers(films, rng), _transplants(tags, rng)
    titles, franchises = film_titles(films, rng)
    return [
        _film(k, tags[k], titles[k], franchises[k], composers[k], foreign.get(k), float(seconds), seed, films)
        for k in range(films)
    ]


def planted(corpus: list[FilmPlan], *, seed: int) -> dict[str, Any]:
    """What planted.json says: the effects by genre, every parameter of every film, and the transplanted cues."""
    films, transplanted = {}, []
    for film in corpus:
        foreign = {t.name: t.genre for t in film.tracks if t.transplanted}
        films[film.film_id] = {k: v for k, v in asdict(film).items() if k not in ("film_id", "seconds", "seed")}
        transplanted += [
            {"film_id": film.film_id, "track": c.track, "start": c.start, "end": c.end, "genre": foreign[c.track]}
            for c in film.cues
            if c.track in foreign
        ]
    return {
        "synthetic": True,
        "seed": seed,
        "seconds": corpus[0].seconds,
        "descriptors": list(DESCRIPTORS),
        "music": {g: dict(zip(DESCRIPTORS, MUSIC_EFFECTS[g], strict=True)) for g in GENRES},
        "pictures": {g: dict(zip(("brightness", "contrast"), PICTURE_EFFECTS[g], strict=True)) for g in GENRES},
        "noise": NOISE,
        "main_share": MAIN_SHARE,
        "transplanted": transplanted,
        "films": films,
    }


def _composers(films: int, rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """A composer for each film, about three films each, with a habit that leans on every piece."""
    names = persons(max(1, round(films / 3)), rng)
    habits = rng.normal(0, NOISE["composer"], (len(names), len(DESCRIPTORS)))
    chosen = rng.permutation(np.arange(films) % len(names))
    return [(names[c], habits[c]) for c in chosen]


def _transplants(tags: list[tuple[str, ...]], rng: np.random.Generator) -> dict[int, str]:
    """Three films with at most two genres, each with the genre whose music is farthest from its own."""
    chosen = rng.permutation([k for k, genres in enumerate(tags) if len(genres) < 3])[:3]

    def distance(k: int, genre: str) -> float:
        return min(float(np.linalg.norm(np.subtract(MUSIC_EFFECTS[genre], MUSIC_EFFECTS[g]))) for g in tags[k])

    foreign: dict[int, str] = {}
    for k in map(int, chosen):
        free = [g for g in GENRES if g not in tags[k]]
        fresh = [g for g in free if g not in foreign.values()]
        foreign[k] = max(fresh or free, key=lambda g, k=k: distance(k, g))
    return foreign


def _film(k, genres, title, franchise, composer, foreign, seconds, seed, films) -> FilmPlan:
    rng = np.random.default_rng([seed, 11, k])
    film_id = f"film{k + 1:0{max(2, len(str(films)))}d}"
    shift = composer[1] + rng.normal(0, NOISE["film"], len(DESCRIPTORS))
    tracks = _tracks(k, genres, foreign, shift, seconds, rng)
    leaning = np.mean([PICTURE_EFFECTS[g] for g in genres], axis=0) + rng.normal(0, 0.35, 2)
    width, height = _SIZES[int(rng.integers(len(_SIZES)))]
    return FilmPlan(
        film_id=film_id,
        title=title,
        year=int(rng.integers(2012, 2020)),
        genres=genres,
        franchise=franchise,
        composer=composer[0],
        ending=".mkv" if k % 3 == 2 else ".mp4",
        seconds=seconds,
        seed=(seed, k),
        noise_level=round(float(rng.uniform(12, 24)), 1),
        tracks=tracks,
        cues=_cues(tracks, genres, seconds, rng),
        pictures=Pictures(
            brightness=round(float(np.clip(0.42 + 0.09 * leaning[0], 0.2, 0.6)), 3),
            contrast=round(float(np.clip(0.56 + 0.11 * leaning[1], 0.2, 0.8)), 3),
            width=width,
            height=height,
            bar=2 * round(height * 0.12 / 2) if k % 4 == 1 else 0,
            hue=round(float(rng.uniform(0, 1)), 3),
        ),
    )


def _tracks(k, genres, foreign, shift, seconds, rng) -> tuple[Track, ...]:
    """Four to six tracks; every genre of the film is the main one of at least one, the foreign one comes last."""
    count = int(rng.integers(4, 7))
    shortest = float(np.clip(seconds / 4, CUE_SECONDS[0] + 1, 20))
    longest = max(min(seconds / 2, 40.0), shortest + 2)
    mains = [genres[t % len(genres)] for t in range(count)]
    if foreign is not None:
        mains[-1] = foreign
    order = rng.permutation(count)
    names = track_names(count, rng, discs=k % 6 == 4)
    tracks = []
    for t, place in enumerate(order):
        main, transplanted = mains[place], foreign is not None and int(place) == count - 1
        centre, others = np.array(MUSIC_EFFECTS[main]), [MUSIC_EFFECTS[g] for g in genres if g != main]
        if others and not transplanted:
            centre = MAIN_SHARE * centre + (1 - MAIN_SHARE) * np.mean(others, axis=0)
        style = centre + shift + rng.normal(0, NOISE["track"], len(DESCRIPTORS))
        tracks.append(
            Track(
                name=names[t],
                ending=(".flac", ".mp3", ".m4a")[(k + t) % 3],
                seconds=round(float(rng.uniform(shortest, longest)), 2),
                genre=main,
                transplanted=transplanted,
                style={d: round(float(v), 3) for d, v in zip(DESCRIPTORS, style, strict=True)},
            )
        )
    return tuple(tracks)


def _cues(tracks, genres, seconds, rng) -> tuple[Cue, ...]:
    """Cues over about half of the film, on the film's grid of 10 ms: a transplanted track first, then every genre."""
    low, high = CUE_SECONDS
    half = seconds / 2
    count = max(round(half / rng.uniform(11, 16)), 1 if seconds < 24 else 2)
    if seconds >= 60 and any(track.transplanted for track in tracks):
        count = max(count, 3)  # most of the film's music stays its own
    remaining = [tracks[t] for t in rng.permutation(len(tracks))]
    chosen = []
    for c in range(count):
        if not remaining:  # a long film uses its tracks again
            remaining = [tracks[t] for t in rng.permutation(len(tracks)) if not tracks[t].transplanted]
        wanted = genres[c % len(genres)]
        remaining.sort(key=lambda t, wanted=wanted: (not t.transplanted, t.genre != wanted))
        chosen.append(remaining.pop(0))
    chosen = [chosen[c] for c in rng.permutation(count)]
    room = (seconds - count - 1) / count  # a second of pause between two cues at least
    lengths = [
        round(float(np.clip(half / count * rng.uniform(0.8, 1.25), low, min(high, room, t.seconds - 0.5))), 2)
        for t in chosen
    ]
    pauses = rng.uniform(0.3, 1, count + 1)
    pauses *= (seconds - sum(lengths)) / pauses.sum()
    cues, at = [], 0.0
    for track, length, pause in zip(chosen, lengths, pauses, strict=False):
        at = round(at + float(pause), 2)
        cues.append(
            Cue(
                track=track.name,
                start=at,
                end=round(at + length, 2),
                track_start=round(float(rng.uniform(0, track.seconds - length)), 2),
                level=round(float(10 - 15 * rng.beta(1.3, 3.2)), 1),  # +10 to -5 dB, one in ten below 0
                fade_in=round(float(rng.uniform(0.1, 0.8)), 2),
                fade_out=round(float(rng.uniform(0.3, 1.2)), 2),
            )
        )
        at = round(at + length, 2)
    return tuple(cues)
