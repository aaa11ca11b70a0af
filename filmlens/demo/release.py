"""A synthetic twin of the data set that the study released: files of that layout, numbers drawn at random.

Films, genres and numbers of cues are the study's (``data/paper/films.csv``), the features are not: they are noise in
which genres move a few groups of columns, as ``planted.json`` says. It stands in for the release where that cannot be
had, for tests and for a tour, and everything that is made from it says that it is synthetic.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import __version__, paper

#: Groups of columns that each genre moves, in standard deviations between films.
LEANINGS = {
    "Action": {"MFCC": 0.5, "dMFCC": 0.5},
    "Comedy": {"MFCC": -0.5, "Rhythm": 0.8},
    "Drama": {"dMFCC": -0.5, "ddMFCC": -0.4},
    "Horror": {"Tone": 1.2},
    "Romance": {"Timbre": -1.2},
    "Sci-Fi": {"MFCC": 0.4, "Tone": -0.6},
}
#: Beside the MFCC family: the two names that were ever quoted, words of the paper, and names that mean nothing.
_FURTHER = {"pulseclarity": "Rhythm", "crest": "Timbre", "roughness": "Timbre", "brightness": "Tone"}
_FURTHER |= {"entropy": "Tone", "inharmonicity": "Tone"} | {f"twin{i:02d}": "" for i in range(1, 26)}
_FAMILY = {"mfcc": "MFCC", "deltamfcc": "dMFCC", "deltadeltamfcc": "ddMFCC"}
_GROUP_OF = {f"{stem}{rank}": group for stem, group in _FAMILY.items() for rank in range(1, 14)} | _FURTHER
_NAMES = [f"{name}_{statistic}" for name in _GROUP_OF for statistic in ("mean", "stddev")]
#: The film whose two sets have another number of cues, and how many more the MIR set has.
_ODD, _MORE = "ready_player_one", 29
_VGGISH = 128
_FILM, _CUE, _FRAME = 0.5, 0.6, 0.5  # standard deviations: of films, of cues in their film, of frames in their cue
_HEARD = 0.1  # how far a genre moves a column of VGGish; with it plain classifiers reach about what the study's do


def build_release(folder: str | Path, *, films: int = 110, most_cues: int = 1000, seed: int = 0) -> Path:
    """Write the twin's files into a new or empty folder, `FileExistsError` for another; gives the folder.

    `films` of the study's 110 are spread over them; the film whose sets disagree is always among them. Cues of a film
    beyond `most_cues` are left out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds files; name a new or an empty folder for the synthetic twin")
    chosen = _chosen(films)
    rng = np.random.default_rng(seed)
    mixing = _HEARD * rng.normal(size=(len(LEANINGS), _VGGISH))
    groups = [_GROUP_OF[name.rpartition("_")[0]] for name in _NAMES]
    mir, vggish = {}, {}
    for film in chosen.itertuples():
        genres = film.genres.split("|")
        counts = min(film.cues, most_cues)
        lengths = np.clip(np.round(rng.lognormal(np.log(19), 0.4, counts)), 5, 120).astype(int)
        more = np.full(min(_MORE, most_cues), 12) if film.film_id == _ODD else np.empty(0, dtype=int)
        shift = np.array([sum(LEANINGS[genre].get(group, 0.0) for genre in genres) for group in groups])
        mir[film.film_id] = _cues(rng, _FILM * shift, np.concatenate([lengths, more]))
        for cue in mir[film.film_id]:
            cue[:, -1] = 1.0
        has = np.array([genre in genres for genre in LEANINGS], dtype=float)
        heard = _cues(rng, has @ mixing, lengths)
        vggish[film.film_id] = [np.clip(np.round(128 + 50 * cue), 0, 255).astype(np.uint8) for cue in heard]
    story = {"synthetic": True, "made_by": f"filmlens {__version__}", "seed": seed, "music": LEANINGS, "pictures": {}}
    (folder / "planted.json").write_text(json.dumps(story, indent=1) + "\n", encoding="utf-8")
    listed = chosen["genres"].str.lower().str.replace("|", ",")
    lines = [f'{film_id},"{g}","{g}"\n' for film_id, g in zip(chosen["film_id"], listed, strict=True)]
    (folder / paper.S4_FILES["films"]).write_text("".join(lines), encoding="utf-8")
    (folder / paper.S4_FILES["names"]).write_text("\t".join(_NAMES) + "\n", encoding="utf-8")
    np.save(folder / paper.S4_FILES["mir"], mir, allow_pickle=True)
    np.save(folder / paper.S4_FILES["vggish"], vggish, allow_pickle=True)
    return folder


def _chosen(films: int) -> pd.DataFrame:
    every = paper.films()
    index = set(np.linspace(0, len(every) - 1, min(films, len(every))).round().astype(int))
    odd = int(every.index[every["film_id"] == _ODD][0])
    if odd not in index:
        index = {*sorted(index)[:-1], odd}
    return every.iloc[sorted(index)]


def _cues(rng: np.random.Generator, leaning: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Frames of a film's cues: the leaning of its genres, the film, the cue, the frame."""
    width = len(leaning)
    film = leaning + rng.normal(0, _FILM, width)
    return [film + rng.normal(0, _CUE, width) + rng.normal(0, _FRAME, (length, width)) for length in lengths]
