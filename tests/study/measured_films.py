"""A corpus whose media are a few bytes each: what would be measured is drawn at random, everything else is real."""

import zlib

import numpy as np
import pandas as pd

from filmlens import stages
from filmlens.artefacts import Measured
from filmlens.corpus import Corpus
from filmlens.features import mir
from filmlens.stages import of_film, workers
from filmlens.stamper.cues import whole

LENGTH = 600.0
GENRES = ("Action|Sci-Fi", "Horror", "Drama|Romance", "Comedy")


def rng_of(film):
    return np.random.default_rng(zlib.crc32(film.id.encode()))


def stamp(film, tables, **_):
    rng = rng_of(film)
    starts = np.sort(rng.uniform(0, LENGTH - 90, 7))
    cues = pd.DataFrame({"film_id": film.id, "cue": range(7), "track": rng.choice(["Theme", "CD2/Finale"], 7)})
    cues = cues.assign(start=starts, end=starts + rng.uniform(6, 60, 7), track_start=rng.uniform(0, 9, 7), speed=1.0)
    cues["score"] = rng.uniform(10, 90, 7)
    if film.id == "silent":
        cues = cues.iloc[:0]
    windows = pd.DataFrame({"film_id": film.id, "time": [0.0, 5.0], "track": ["Theme", None], "offset": [1.0, np.nan]})
    segments = whole(cues)
    segments.insert(0, "film_id", film.id)
    notes = {"duration": LENGTH, "problems": [f"{film.film}: ends early", f"{film.soundtrack}/Theme.flac: is silent"]}
    return Measured(cues, {"windows": windows.assign(z=1.0, counted=True), "segments": segments}, notes)


def frames(film, tables, **_):
    rng, parts = rng_of(film), []
    for cue in tables["sheet"].itertuples():
        time = np.arange(cue.start, cue.end)
        part = pd.DataFrame(rng.normal(size=(len(time), len(mir.COLUMNS))), columns=list(mir.COLUMNS))
        part.insert(0, "time", time)
        part.insert(0, "cue", cue.cue)
        parts.append(part)
    table = pd.concat(parts) if parts else pd.DataFrame(columns=["cue", "time", *mir.COLUMNS])
    table.insert(0, "film_id", film.id)
    return Measured(table.reset_index(drop=True), notes={"sound": "track"})


def pictures(film, tables, **_):
    rng, time = rng_of(film), np.arange(0, LENGTH, 4.0)
    names = ("brightness", "contrast", "contrast_michelson", "contrast_p95_p5", "contrast_rms")
    return pd.DataFrame({"film_id": film.id, "time": time} | {n: rng.random(len(time)) for n in names})


def measured(folder, monkeypatch, *, films=8):
    """A corpus of films with cues, features, pictures, an annotation and a verdict; the last film is without a cue."""
    # here, where the functions below stand in for those that read media
    monkeypatch.setattr(workers, "apart", lambda function, *given, **named: function(*given))
    monkeypatch.setattr(of_film, "stamp", stamp)
    monkeypatch.setattr(of_film, "music", frames)
    monkeypatch.setattr(of_film, "visual", pictures)
    for name in ("films", "soundtracks/CD2", "annotations", "verdicts"):
        (folder / name).mkdir(parents=True)
    for track in ("Theme", "CD2/Finale"):
        (folder / f"soundtracks/{track}.flac").write_text(f"the sound of {track}")
    ids = [f"film {k}" for k in range(films - 1)] + ["silent"]
    (folder / "songs").mkdir()
    (folder / "songs/Song.flac").write_text("the sound of a song")
    lines = ["film_id,title,year,genres,film,soundtrack,composer,library"]
    for k, name in enumerate(ids):
        (folder / f"films/{name}.mkv").write_text(f"the pictures of {name}")
        genres = GENRES[k % len(GENRES)]
        lines.append(
            f"{name},<b>T{k}</b>,{1990 + k},{genres},{folder}/films/{name}.mkv,soundtracks,C{k % 3},{folder}/songs"
        )
    (folder / "films.csv").write_text("\n".join(lines) + "\n")
    (folder / "annotations/film 0.csv").write_text("start,end,track,who\n1,9,Theme,Anna Muster\n")
    corpus = Corpus.open(folder)
    first = stamp(corpus["film 0"], {}).table.iloc[0]
    verdict = [first.track, first.start + 1, first.end, "accept", "", "", "", "song", "Anna Muster", "2026", "my note"]
    columns = "track,start,end,verdict,new_track,new_start,new_end,usage,who,when,note\n"
    (folder / "verdicts/film 0.csv").write_text(columns + ",".join(map(str, verdict)) + "\n")
    for stage in ("mir-cues", "visual"):
        stages.run(corpus, stage, say=lambda line: None)
    return corpus
