"""Simulated corpora with the label sets and numbers of cues of the study's 110 films, and predictors in closed form.

What is planted is stated by each function; everything else is noise that correlates within films by .3.
"""

import numpy as np
import pandas as pd

from filmlens import paper
from filmlens.look import GENRES

CORRELATION = 0.3
#: What each actual genre adds to a film's picture, in units of its spread.
LOOKS = np.array([-0.5, 0.8, 0.0, -1.2, 0.6, -0.6])
#: How much the music of an actual genre (column) sounds like a genre (row): its own, and those it is taken for.
SOUNDS = 2.5 * np.eye(6)
SOUNDS[[3, 3, 1, 4, 5, 0], [5, 0, 4, 1, 0, 5]] = [1.5, 1.0, 1.5, 1.5, 1.5, 1.5]
CUT = np.array([1.3, 1.3, 1.3, 1.8, 1.5, 1.3])


def labels() -> pd.DataFrame:
    """Actual genres of the 110 films: index film_id, one bool column per genre."""
    films = paper.films()
    told = films["genres"].str.get_dummies("|").reindex(columns=list(GENRES), fill_value=0)
    return told.astype(bool).set_index(films["film_id"])


def cue_counts() -> np.ndarray:
    """Cues of each film."""
    return paper.films()["cues"].to_numpy()


def clustered(rng: np.random.Generator, counts: np.ndarray, width: int, correlation: float = CORRELATION) -> np.ndarray:
    """Noise of variance 1 that films share in part; (cues, width)."""
    film = np.repeat(np.arange(len(counts)), counts)
    between = np.sqrt(correlation) * rng.normal(size=(len(counts), width))
    return between[film] + np.sqrt(1 - correlation) * rng.normal(size=(len(film), width))


def clips(rng: np.random.Generator, shift: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """A picture (brightness) for each cue: `shift` of its film and clustered noise."""
    actual = labels()
    film = np.repeat(np.arange(len(actual)), counts)
    table = pd.DataFrame({"film_id": actual.index[film]})
    table["cue"] = table.groupby("film_id").cumcount()
    return table.assign(brightness=shift[film] + clustered(rng, counts, 1)[:, 0])


def looking_like_their_genres(rng: np.random.Generator, counts: np.ndarray) -> pd.DataFrame:
    """Pictures that depend on all actual genres and on nothing of the music."""
    return clips(rng, labels().to_numpy() @ LOOKS, counts)


def heard(rng: np.random.Generator) -> pd.DataFrame:
    """Predictions that lean on the actual genres and confuse some; nothing of the picture is in them."""
    actual = labels()
    odds = actual.to_numpy() @ SOUNDS.T + rng.normal(size=actual.shape) - CUT
    return pd.DataFrame(odds > 0, actual.index, actual.columns)
