"""Rendering one planned film: its soundtrack files, its sound, its pictures, its annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.demo.pictures import moving_pictures
from filmlens.demo.plan import FilmPlan
from filmlens.demo.sound import mix
from filmlens.demo.synth import compose
from filmlens.media.write import write_audio, write_film

#: Sampling rate of all sound and pictures a second.
RATE, FPS = 44100, 12


def render(film: FilmPlan, folder) -> None:
    """Write the media and the annotations of one film; `films` and `annotations` must exist in the corpus `folder`."""
    folder, tracks = Path(folder), {}
    for t, track in enumerate(film.tracks):
        path = folder / film.soundtrack / f"{track.name}{track.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # each track has its own generator, so that it can be played alone and sounds the same
        played = compose(track.style, track.seconds, RATE, np.random.default_rng([*film.seed, 1, t]))
        tracks[track.name] = played
        # one channel of FLAC instead of two: a hundred megabytes less in the whole corpus
        write_audio(path, played.mean(axis=0) if track.ending == ".flac" else played, RATE, bit_rate=128_000)
    voices, eyes = (np.random.default_rng([*film.seed, part]) for part in (2, 3))
    sound = mix(film.seconds, RATE, film.cues, tracks, noise_level=film.noise_level, rng=voices)
    write_film(
        folder / film.film,
        moving_pictures(film.pictures, film.seconds, FPS, eyes),
        sound,
        fps=FPS,
        rate=RATE,
        options={"preset": "superfast"},
        bit_rate=128_000,
    )
    cues = pd.DataFrame(film.cues)[["start", "end", "track", "track_start"]]
    cues.to_csv(folder / "annotations" / f"{film.film_id}.csv", index=False, lineterminator="\n")
