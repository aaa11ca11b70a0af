"""What can and cannot be concluded from a corpus, by its films, genres and annotations alone, before any result.

How large a difference would be found is that of a t-test between films, which a rank test comes near to.
"""

import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from filmlens.corpus.check import Facts
from filmlens.findings.sentences import films_text
from filmlens.stats.enough import LEAST, detectable, enough

_ONE_THING = 0.8  # phi of two genres from which they are hardly told apart
_EACH = 3  # genres with too few films that have a sentence each


class Reach(NamedTuple):
    """Sentences of what can be concluded, and of what cannot and why."""

    can: list[str]
    cannot: list[str]


def genre_counts(labels: pd.DataFrame) -> pd.DataFrame:
    """A row per genre of `labels` (films x genres, bool): genre, films with it, without, with it alone, and detectable:
    the smallest difference to be found (standard deviations; NaN below ten films on a side).
    """
    films, alone = labels.sum(), labels[labels.sum(axis=1) == 1].sum()
    sides = [(int(n), int(len(labels) - n)) for n in films]
    least = [detectable(math.sqrt(1 / n + 1 / m)) if enough(n, m) else np.nan for n, m in sides]
    rows = [(g, *side, int(alone[g]), d) for g, side, d in zip(films.index, sides, least, strict=True)]
    return pd.DataFrame(rows, columns=["genre", "films", "without", "alone", "detectable"])


def together(labels: pd.DataFrame) -> pd.DataFrame:
    """Films with both of two genres; on the diagonal those with the genre. Genres x genres.

    >>> together(pd.DataFrame({"Action": [True, True], "Drama": [False, True]})).to_numpy().tolist()
    [[2, 1], [1, 1]]
    """
    values = labels.to_numpy(int)
    return pd.DataFrame(values.T @ values, index=labels.columns, columns=labels.columns)


def reach(facts: Facts) -> Reach:
    """What these films can answer, of the facts that `corpus.facts.gather` or `corpus.check.check` gives."""
    usable = [f for f in facts.films if f.film.genres]
    labels = facts.labels().loc[[f.film.id for f in usable]]
    can, cannot = [], []
    if facts.films:
        can.append("Where the music plays in each film, and what each cue sounds like: one film is enough.")
    _of_genres(labels, can, cannot)
    _of_pairs(labels, cannot)
    _of_dependence(facts, cannot)
    _of_the_stamper(sum(f.cues for f in facts.films), can, cannot)
    blind = sum(f.info is not None and not f.info.has_pictures for f in facts.films)
    if blind:
        cannot.append(f"Whether the picture agrees with the music in {films_text(blind)} without pictures.")
    cannot.append("Whether what holds here holds for cinema: the films were chosen, not drawn at random.")
    return Reach(can, cannot)


def _of_genres(labels: pd.DataFrame, can: list[str], cannot: list[str]) -> None:
    """Models and comparisons of genres."""
    if enough(len(labels)):
        half = detectable(math.sqrt(0.25 / len(labels)), power=0.5)  # half a 95 % interval of a share near one half
        can.append(
            f"How well music predicts genre: with {len(labels)} films a share of films is known to about ±{half:.2f}."
        )
    else:
        cannot.append(
            f"How well music predicts genre: {films_text(len(labels))} with a genre, at least {LEAST} are needed."
        )
    counts = list(genre_counts(labels).itertuples())
    few = [r for r in counts if not enough(r.films, r.without)]
    if compared := [r for r in counts if r not in few]:
        named = ", ".join(f"{r.genre} ({r.films} films with it, {r.without} without)" for r in compared)
        largest = max(r.detectable for r in compared)
        can.append(
            f"Which features of the music go with {named}: a single difference of {largest:.2f} standard deviations "
            "between films is likely to be found; the table has each genre's."
        )
    if len(few) > _EACH:
        named = ", ".join(f"{r.genre} ({r.films} with it, {r.without} without)" for r in few)
        cannot.append(
            f"Whether the music of a genre differs: {named}. Each needs {LEAST} films with it and {LEAST} without it; "
            "until then there are numbers, without p or verdict."
        )
        return
    for row in few:
        lack, side = LEAST - min(row.films, row.without), "with it" if row.films <= row.without else "without it"
        cannot.append(
            f"Whether the music of {row.genre} differs ({films_text(row.films)} with it, {row.without} without): it is "
            f"shown in numbers, without p or verdict, until there are {lack} more {side}."
        )


def _of_pairs(labels: pd.DataFrame, cannot: list[str]) -> None:
    """Genres that these films do not tell apart."""
    both, counts = together(labels), labels.sum()
    for one, other in itertools.combinations(labels.columns, 2):
        rare, common = sorted((one, other), key=lambda g: counts[g])
        if counts[rare] > 1 and both.loc[rare, common] == counts[rare]:
            cannot.append(f"What belongs to {rare} and not to {common}: all {counts[rare]} films of {rare} are both.")
        elif counts[rare] > 1 and np.corrcoef(labels[one], labels[other])[0, 1] > _ONE_THING:
            cannot.append(f"What belongs to {rare} and what to {common}: nearly all of these films are both.")


def _of_dependence(facts: Facts, cannot: list[str]) -> None:
    """Films that are not independent of each other."""
    series = Counter(f.film.more.get("franchise", "") for f in facts.films)
    if many := [f"{name} ({films})" for name, films in series.items() if name and films > 1]:
        cannot.append(
            f"As much as from independent films, because some are of one franchise: {', '.join(many)}; "
            "notebook 07 shows what changes when they are held out together."
        )
    if facts.shared:
        films = len({film for ids in facts.shared for film in ids})
        cannot.append(f"As much as from independent films, because {films_text(films)} share recordings.")


def _of_the_stamper(cues: int, can: list[str], cannot: list[str]) -> None:
    """How well the cues found are known to be right."""
    if cues >= LEAST:
        half = detectable(math.sqrt(0.25 / cues), power=0.5)
        can.append(f"How many cues are found and right: {cues} annotated cues tell it to about ±{half:.2f}.")
    else:
        cannot.append(
            "How many cues are found and right: "
            f"{cues or 'no'} cue{'s' * (cues > 1)} of these films {'is' if cues <= 1 else 'are'} annotated; "
            "judge some (notebook 06), or annotate one film."
        )
