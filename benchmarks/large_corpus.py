"""A corpus of many films for benchmarks/load.py: tiny media, and made-up tables written by the stages.

python benchmarks/large_corpus.py FOLDER FILMS
"""

import os
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd

from filmlens import artefacts, stages
from filmlens.corpus import Corpus
from filmlens.features import mir
from filmlens.media.write import write_audio
from filmlens.stages import of_film, work

RATE = 8_000


def large_corpus(folder: Path, films: int, *, cues: int = 400, tracks: int = 500) -> Corpus:
    """Small media, different for each film, and made-up tables written by the stages themselves.

    A film has 24 s of sound; the tracks of its soundtrack are one file of a second under as many names.
    """
    (folder / "films").mkdir(parents=True)
    rng = np.random.default_rng(0)
    genres = ("Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi")
    rows = []
    for number in range(films):
        name = f"film{number:04d}"
        music = folder / "soundtracks" / name
        music.mkdir(parents=True)
        write_audio(folder / "films" / f"{name}.flac", 0.01 * rng.standard_normal(24 * RATE).astype(np.float32), RATE)
        write_audio(music / "000.flac", 0.1 * rng.standard_normal(RATE).astype(np.float32), RATE)
        for track in range(1, tracks):  # hard links are files like any other to whoever lists them
            os.link(music / "000.flac", music / f"{track:03d}.flac")
        rows.append((name, name, 2000, genres[number % 6], f"films/{name}.flac", f"soundtracks/{name}"))
    header = ["film_id", "title", "year", "genres", "film", "soundtrack"]
    pd.DataFrame(rows, columns=header).to_csv(folder / "films.csv", index=False)
    corpus = Corpus.open(folder)
    start = np.sort(rng.uniform(0, 7000, cues))
    sheet = pd.DataFrame({"cue": range(cues), "track": [f"{n % tracks:03d}" for n in range(cues)], "start": start})
    sheet = sheet.assign(end=start + 6, track_start=0.0, speed=1.0, score=20.0)

    def stamp(film, tables, **parameters):
        windows = pd.DataFrame({"film_id": film.id, "window": range(1440), "start": np.arange(1440) * 5.0})
        notes = {"duration": 7200.0, "speed": 1.0, "decoy_seconds": 0.0, "problems": []}
        cues = sheet.assign(film_id=film.id)[list(of_film.CUE_COLUMNS)]
        return artefacts.Measured(cues, {"windows": windows}, notes)

    def music(film, tables, **parameters):  # other numbers for each film: equal ones would pack into nothing
        numbers = np.random.default_rng([1, corpus.ids.index(film.id)]).standard_normal((cues, len(mir.COLUMNS)))
        values = pd.DataFrame(numbers, columns=list(mir.COLUMNS))
        return values.assign(film_id=film.id, cue=sheet["cue"], time=start)[["film_id", "cue", "time", *mir.COLUMNS]]

    def visual(film, tables, **parameters):
        columns = of_film.visual_.COLUMNS
        made = pd.DataFrame(0.5, index=range(cues), columns=list(columns)).assign(film_id=film.id, time=start)
        return made[["film_id", "time", *columns]]

    def cue_vectors(film, tables):  # one row a cue already: its mean is itself
        [frames] = tables.values()
        return frames.drop(columns="time")

    with mock.patch.multiple(of_film, stamp=stamp, music=music, cue_vectors=cue_vectors, visual=visual):
        # carried out here: a worker is a process of its own, and would not know these functions
        for stage in ("cues", "mir", "mir-cues", "visual"):
            for task in stages.planned(corpus, stage)[-1].tasks:
                if error := work.attempt(task).error:
                    raise RuntimeError(f"{stage} of {task.subject}: {error}")
    return corpus


if __name__ == "__main__":
    large_corpus(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
