"""The synthetic corpus: real media files, invented films, everything known that was planted in them.

It has the layout of any corpus; `planted.json` marks it as synthetic and lets the notebooks set what they find beside
what is there. It stands in for the study's 110 films, which cannot be shipped, and says nothing about film music.
"""

import json
import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import __version__, text
from filmlens.demo.pictures import moving_pictures
from filmlens.demo.plan import FilmPlan, plan_films, planted
from filmlens.demo.sound import mix
from filmlens.demo.synth import compose
from filmlens.media.write import write_audio, write_film

_MARK = "planted.json"
# What is replaced in an older demo; the mark stays until it is overwritten, so that no build can lose it half-way.
_OURS = ("films.csv", "films", "soundtracks", "annotations")
_RATE, _FPS = 44100, 12  # of sound and pictures a second
_COLUMNS = ("film_id", "title", "year", "genres", "film", "soundtrack", "franchise", "composer")


def is_demo(folder) -> bool:
    """Whether `folder` holds a corpus that `build` made, finished or not.

    >>> is_demo("no-such-folder")
    False
    """
    try:
        return json.loads((Path(folder) / _MARK).read_text(encoding="utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        return False


def build(
    folder,
    *,
    films: int = 36,
    seconds: float = 90,
    seed: int = 0,
    jobs: int = 2,
    progress: Callable[[str], object] = text.say,
) -> Path:
    """Build the synthetic corpus in `folder`, which is new, empty, or an older synthetic corpus; gives the folder.

    Media of an older corpus are replaced, what was computed or judged in it is kept. `seconds` is the length of each
    film, at least 12. The same `seed` gives the same bytes, for any number of processes `jobs`. `progress` receives a
    line for each finished film. `films.csv` is written last, so a corpus without it is not finished. `FileExistsError`
    when the folder holds something else, `ValueError` for no film, or films too short.
    """
    folder = Path(folder)
    corpus = plan_films(films=films, seconds=seconds, seed=seed)
    _clear(folder)
    story = {"made_by": f"filmlens {__version__}", **planted(corpus, seed=seed)}
    (folder / _MARK).write_text(json.dumps(story, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in ("films", "annotations"):
        (folder / name).mkdir()
    for done, film in enumerate(_rendered(corpus, folder, jobs), start=1):
        progress(f"{film.film_id}  {film.title} ({film.year})  {done} of {films}")
    rows = [[getattr(film, column) for column in _COLUMNS] for film in corpus]
    table = pd.DataFrame(rows, columns=_COLUMNS).assign(genres=["|".join(film.genres) for film in corpus])
    table.to_csv(folder / "films.csv", index=False, lineterminator="\n")
    return folder


def _rendered(corpus: list[FilmPlan], folder: Path, jobs: int):
    """Films as they are finished."""
    if jobs <= 1 or len(corpus) == 1:
        for film in corpus:
            _render(film, folder)
            yield film
        return
    spawn = multiprocessing.get_context("spawn")  # forking a process that has threads (torch, PyAV) can hang
    with ProcessPoolExecutor(min(jobs, len(corpus)), mp_context=spawn) as pool:
        waiting = {pool.submit(_render, film, folder): film for film in corpus}
        try:
            for task in as_completed(waiting):
                task.result()
                yield waiting[task]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _clear(folder: Path):
    """Make room in `folder`, or refuse."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a new folder for the synthetic corpus")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not is_demo(folder):
        raise FileExistsError(
            f"{folder} holds files that are no synthetic corpus ({_MARK} is missing); name a new or an empty folder"
        )
    for name in _OURS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _render(film: FilmPlan, folder: Path) -> None:
    """Write the media and the annotations of one film."""
    tracks = {}
    for t, track in enumerate(film.tracks):
        path = folder / film.soundtrack / f"{track.name}{track.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # each track has its own generator, so that it can be played alone and sounds the same
        played = compose(track.style, track.seconds, _RATE, np.random.default_rng([*film.seed, 1, t]))
        tracks[track.name] = played
        # one channel of FLAC instead of two: a hundred megabytes less in the whole corpus
        write_audio(path, played.mean(axis=0) if track.ending == ".flac" else played, _RATE, bit_rate=128_000)
    voices, eyes = (np.random.default_rng([*film.seed, part]) for part in (2, 3))
    sound = mix(film.seconds, _RATE, film.cues, tracks, noise_level=film.noise_level, rng=voices)
    write_film(
        folder / film.film,
        moving_pictures(film.pictures, film.seconds, _FPS, eyes),
        sound,
        fps=_FPS,
        rate=_RATE,
        options={"preset": "superfast"},
        bit_rate=128_000,
    )
    cues = pd.DataFrame(film.cues)[["start", "end", "track", "track_start"]]
    cues.to_csv(folder / "annotations" / f"{film.film_id}.csv", index=False, lineterminator="\n")
