"""What the study states: its numbers, each with its source, and its films.

Its tables and figures did not come with the text. A number of ``data/paper/numbers.csv`` stands in the text, with its
sentence, or is quoted by a later work, and then says so wherever it is shown; the films of ``data/paper/films.csv`` are
those of the released data set. Nothing else is ever shown as the paper's.
"""

from functools import cache
from pathlib import Path

import pandas as pd

CITATION = (
    "Ma B, Greer T, Knox D, Narayanan S (2021). A computational lens into how music characterizes genre in film. "
    "PLOS ONE 16(4): e0249957. https://doi.org/10.1371/journal.pone.0249957"
)

#: The released data set, supplement S4: how it is found, who is to be named, and its four files.
S4_DOI = "10.1371/journal.pone.0249957.s004"
S4_CREDIT = f"{CITATION}. Supporting information S4, https://doi.org/{S4_DOI}"
S4_LICENCE = "CC BY 4.0, the licence of PLOS ONE, whose article page has the last word"
S4_FILES = {
    "films": "film_genre_master_list.csv",
    "names": "mir_feature_names.csv",
    "mir": "mir_features_dictionary.npy",
    "vggish": "vggish_features_dictionary.npy",
}

#: The source of a number that nobody here has seen in the paper itself.
QUOTED = "quoted by a later work"


@cache
def numbers() -> pd.DataFrame:
    """The stated numbers: item, name, value, source, doubt (what speaks against it) and sentence."""
    return pd.read_csv(_folder() / "numbers.csv", keep_default_na=False)


@cache
def films() -> pd.DataFrame:
    """The study's 110 films: film_id, title, year, genres (``Action|Sci-Fi``), imdb_id, cues.

    >>> films().loc[0, ["film_id", "genres"]].tolist(), int(films()["cues"].sum())
    (['300_rise_of_an_empire', 'Action|Drama'], 4664)
    """
    return pd.read_csv(_folder() / "films.csv", keep_default_na=False)


def _folder() -> Path:
    inside = Path(__file__).parent / "paper"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "data" / "paper"


def number(name: str) -> float:
    """One stated number; NaN when there is none.

    >>> number("films"), number("films tagged Western")
    (110.0, nan)
    """
    return float(numbers().set_index("name")["value"].get(name, float("nan")))


def second_hand(name: str) -> bool:
    """Whether a number is quoted by a later work and does not stand in the paper's text.

    >>> second_hand("films tagged Action"), second_hand("films tagged Drama")
    (False, True)
    """
    return numbers().set_index("name")["source"].get(name) == QUOTED


#: Rows of Table 4 that are quoted or stated, by feature set and model; where the nodes per layer are known, with them.
TABLE4 = {
    ("vggish", "simple_mi_knn"): "VGGish simple MI kNN",
    ("vggish", "average"): "VGGish average pooling",
    ("vggish", "single_attention 128"): "VGGish single attention",
    ("mir", "simple_mi_svm"): "MIR simple MI SVM",
    ("mir", "average 64"): "MIR average pooling",
    ("mir", "random_guess"): "random guess",
    ("vggish", "random_guess"): "random guess",
    ("mir", "zero_rule"): "zero rule",
    ("vggish", "zero_rule"): "zero rule",
}


def row_names(row: str) -> dict[str, str]:
    """What the three numbers of a row of Table 4 are called in `numbers`."""
    words = {"paper P": "precision", "paper R": "recall", "paper F1": "F1"}
    return {column: f"Table 4 {word}: {row}" for column, word in words.items()}


def table4(features: str, model: str) -> dict[str, float | str]:
    """What is known of a model's row in the paper's Table 4: paper P, paper R, paper F1, and the doubt about them.

    All are second-hand; NaN and an empty text where nothing is quoted.

    >>> table4("mir", "average 64")["paper F1"], table4("mir", "average 128")["paper F1"]
    (0.61, nan)
    """
    row = TABLE4.get((features, model)) or TABLE4.get((features, model.rpartition(" ")[0]), "?")
    names = row_names(row)
    doubt = numbers().set_index("name")["doubt"].get(names["paper F1"], "")
    return {key: number(name) for key, name in names.items()} | {"paper's doubt": doubt}
