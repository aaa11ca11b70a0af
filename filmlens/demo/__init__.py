"""The synthetic corpus: real media files, invented films, everything known that was planted in them.

It has the layout of any corpus, so every stage and notebook runs on it; `planted.json` marks it as synthetic and lets
the notebooks set what they find beside what is there. It stands in for the study's 110 films, which cannot be shipped,
and says nothing about film music.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import pandas as pd

from filmlens import __version__, text
from filmlens.demo.films import render
from filmlens.demo.plan import FilmPlan, plan_films, planted

__all__ = ["build", "is_demo"]

_MARK = "planted.json"
# What is replaced in an older demo; the mark stays until it is overwritten, so that no build can lose it half-way.
_OURS = ("films.csv", "films", "soundtracks", "annotations")
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
    film, at least 12. The same `seed` gives the same bytes, whatever number of processes `jobs` is. `progress` receives
    one line for each finished film. `films.csv` is written last, so a corpus without it is not finished. Raises
    `FileExistsError` when the folder holds something else, `ValueError` for no film, or films too short.
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
            render(film, folder)
            yield film
        return
    spawn = multiprocessing.get_context("spawn")  # forking a process that has threads (torch, PyAV) can hang
    with ProcessPoolExecutor(min(jobs, len(corpus)), mp_context=spawn) as pool:
        waiting = {pool.submit(render, film, folder): film for film in corpus}
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
