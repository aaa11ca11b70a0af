"""How far annotators agree on the seconds of a film, and on the edges of its cues.

A second is what an annotator made of the cues there: *music* under a cue that was accepted, corrected or added, *none*
where a cue was rejected or cut short, in answered spans of the recall check, and, in a film that the annotator marked
complete, everywhere else. Of all other seconds the annotator has said nothing. Track and fields are compared over the
seconds that both call music, where both state them; music that is on no track is one kind of track.

Time counts by its length. Cohen's kappa is of two annotators, Krippendorff's alpha of all, over the seconds that at
least two of them rated; both are counted film by film, so that chance is that of each film, and added up over films.
Intervals are bootstraps over films, or over blocks of time where there are fewer than ten films: they then speak of
these films alone. Judging begins with the same stamped cues, so that agreement is higher than that of annotators who
begin with nothing.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from filmlens.corpus import Corpus, Film, annotators
from filmlens.stats.agreement import codes, coefficient, of_several, of_two
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import LEAST, enough
from filmlens.verdicts.applied import TRUE, judged
from filmlens.verdicts.table import COMPLETE, ON_STAMPED, find, read

#: What is compared, in the order of the table.
MEASURES = ("music", "track", "origin", "diegesis", "function")
MUSIC, NONE, NO_TRACK = "music", "none", "no track"
ALL = "all films"
#: D: seconds of a block of time, longer than most cues; least seconds for a number.
BLOCK_S, LEAST_S = 120.0, 60.0
COLUMNS = [
    *("film_id", "of", "who", "kappa", "low", "high", "alpha", "alpha_low", "alpha_high"),
    *("seconds", "one_only", "same", "commonest", "prevalence", "note"),
]
EDGES = ["film_id", "who", "edge", "cues", "unpaired", "median", "p90", "note"]


def tables_of(film: Film) -> dict[str, pd.DataFrame]:
    """The verdicts of each annotator who has judged something in a film, by name."""
    there = annotators.annotators(film.folder, [film.id])
    tables = {who: read(annotators.verdicts_of(film, who)) for who in there}
    return {who: table for who, table in tables.items() if len(table)}


def agreement(
    corpus: Corpus, cues: pd.DataFrame, length: Callable[[str], float], *, n_boot: int = 2000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agreement of the annotators of a corpus on seconds, and on edges; both empty where no film has two annotators.

    `cues` are the stamped ones of all films, with film_id; `length` gives the seconds of a film by its film_id. Raises
    `CorpusError` when a file of verdicts cannot be understood.

    Of seconds: one row per film, measure and pair of annotators (and one of all, where they are three or more), then
    those of all films: film_id, of (see `MEASURES`), who, kappa, low, high, alpha, alpha_low, alpha_high (95 %),
    seconds (rated by both, or by two at least), one_only (seconds that one alone rated), same (share of the seconds
    that are called the same), commonest (what most seconds are called) and its share, prevalence; note says why there
    is no number or no interval.

    Of edges: film_id, who, edge, cues (that both have), unpaired (that one alone has), median and p90 of the difference
    [s].
    """
    parts, differences = {}, {}
    for film_id in corpus.ids:
        tables = tables_of(corpus[film_id])
        if len(tables) > 1:
            stamped = cues[cues["film_id"] == film_id].reset_index(drop=True)
            units = rated(stamped, tables, length(film_id))
            pairs = list(combinations(tables, 2))
            for who in [*pairs, tuple(tables)] if len(tables) > 2 else pairs:
                for of in MEASURES:
                    parts[film_id, of, who] = _Part.of(units, of, who)
            for pair in pairs:
                differences[film_id, pair] = edge_differences(stamped, *(tables[who] for who in pair))
    rng = np.random.default_rng(seed)
    rows = [_row(film_id, of, who, [part], n_boot, rng) for (film_id, of, who), part in parts.items()]
    for of, who in dict.fromkeys((of, who) for _, of, who in parts):
        rows.append(_row(ALL, of, who, [p for key, p in parts.items() if key[1:] == (of, who)], n_boot, rng))
    edges = [_edge_row(film_id, pair, edge, [d]) for (film_id, pair), d in differences.items() for edge in d]
    for pair in dict.fromkeys(pair for _, pair in differences):
        every = [d for key, d in differences.items() if key[1] == pair]
        edges += [_edge_row(ALL, pair, edge, every) for edge in ("start", "end")]
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(edges, columns=EDGES)


def rated(stamped: pd.DataFrame, tables: Mapping[str, pd.DataFrame], duration: float) -> dict:
    """What each annotator calls each stretch of a film between any two edges.

    `tables` are verdicts by annotator, `duration` is the seconds of the film. Gives start and end, arrays (units,) in
    seconds; and by (annotator, measure) a list of words, None without a rating.
    """
    cues = {who: judged(stamped, table) for who, table in tables.items()}
    edges = [0.0, duration]
    for who, table in tables.items():
        columns = cues[who][["start", "end", "stamped_start", "stamped_end"]], table[["start", "end"]]
        edges += [v for part in columns for v in part.to_numpy(float).ravel()]
    edges += [*np.arange(0, max(edges), BLOCK_S)]
    cuts = np.unique(np.round(np.clip(edges, 0, None), 6))
    start, end = cuts[:-1], cuts[1:]
    units: dict = {"start": start, "end": end}
    for who, table in tables.items():
        said = _said(cues[who], table, (start + end) / 2)
        units |= {(who, of): words for of, words in said.items()}
    return units


def edge_differences(stamped: pd.DataFrame, one: pd.DataFrame, other: pd.DataFrame) -> dict[str, np.ndarray]:
    """Seconds between the edges of the cues that two annotators both have, absolute, by edge; NaN for each other cue.

    Both have a cue where theirs are of one track, and over each other for half of the shorter.
    """
    sides = [judged(stamped, table) for table in (one, other)]
    a, b = (side[side["verdict"].isin(TRUE)].reset_index(drop=True) for side in sides)
    at = find(a, b.assign(verdict=ON_STAMPED[0]))
    alone = np.full((at < 0).sum() + len(b) - (at >= 0).sum(), np.nan)
    pairs = {e: abs(a[e].to_numpy(float)[at >= 0] - b[e].to_numpy(float)[at[at >= 0]]) for e in ("start", "end")}
    return {edge: np.concatenate([values, alone]) for edge, values in pairs.items()}


def _said(cues: pd.DataFrame, table: pd.DataFrame, at: np.ndarray) -> dict[str, list]:
    """What one annotator calls the moments `at`, by measure."""
    true = cues[cues["verdict"].isin(TRUE)]
    inside = _inside(true, at)
    on_stamped = cues[cues["verdict"].isin(ON_STAMPED)]
    stretches = on_stamped[["stamped_start", "stamped_end"]].set_axis(["start", "end"], axis=1)
    none = _inside(stretches, at).any(axis=0) | _inside(table[table["verdict"] == "no music"], at).any(axis=0)
    if (table["verdict"] == COMPLETE).any():
        none |= ~_inside(cues[cues["verdict"] == ""], at).any(axis=0)  # a cue that was not judged stays open
    music = inside.any(axis=0) | _inside(table[table["verdict"] == "music"], at).any(axis=0)
    columns = {"track": true["track"].replace("", NO_TRACK)} | {f: true[f] for f in MEASURES[2:]}
    said = {"music": [MUSIC if m else NONE if n else None for m, n in zip(music, none, strict=True)]}
    for name, values in columns.items():
        kinds = [set(filter(None, v.split("|"))) if name == "function" else {v} - {""} for v in values]
        there = (sorted(set().union(*(kinds[i] for i in np.flatnonzero(column)))) for column in inside.T)
        said[name] = [" + ".join(words) or None for words in there]
    return said


def _inside(rows: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """Whether each moment is in each stretch; (rows, moments)."""
    start, end = (rows[c].to_numpy(float)[:, None] for c in ("start", "end"))
    return (start <= at) & (at < end)


class _Part(NamedTuple):
    """What annotators called the seconds of one film."""

    ratings: np.ndarray  # codes (annotators, units)
    seconds: np.ndarray  # (units,)
    block: np.ndarray  # of time, (units,)
    words: list[str]  # by code

    @classmethod
    def of(cls, units: dict, of: str, who: tuple[str, ...]) -> "_Part":
        said = [units[name, of] for name in who]
        words = list(dict.fromkeys(word for row in said for word in row if word is not None))
        block = (units["start"] // BLOCK_S).astype(int)
        return cls(codes(*said), units["end"] - units["start"], block, words)

    @property
    def paired(self) -> np.ndarray:
        return (self.ratings >= 0).sum(axis=0) >= 2

    def drawn(self, n_boot: int, rng) -> np.ndarray:
        """Seconds of the units in samples of the blocks of time that have ratings, (n_boot, units)."""
        rated_blocks = np.unique(self.block[self.paired])
        counts = np.zeros((n_boot, self.block.max() + 1))
        counts[:, rated_blocks] = film_weights(rng, len(rated_blocks), n_boot)
        return counts[:, self.block] * self.seconds

    def disagreement(self, weights: np.ndarray) -> list[np.ndarray]:
        """Observed and expected, of kappa (NaN of more than two) and of alpha; weights: (units,) or (draws, units)."""
        kappa = of_two(*self.ratings, weights) if len(self.ratings) == 2 else [np.full(weights.shape[:-1], np.nan)] * 2
        return [*kappa, *of_several(self.ratings, weights)]


def _row(film_id: str, of: str, who: tuple[str, ...], parts: list[_Part], n_boot: int, rng) -> tuple:
    """A row of the table; of one film, or of all of them."""
    seconds = sum(p.seconds[p.paired].sum() for p in parts)
    alone = sum(p.seconds[(p.ratings >= 0).sum(axis=0) == 1].sum() for p in parts)
    named = [
        {word: float((p.seconds * (p.ratings == k).sum(axis=0))[p.paired].sum()) for k, word in enumerate(p.words)}
        for p in parts
    ]
    shares = pd.DataFrame(named).sum()
    commonest, share = (shares.idxmax(), shares.max() / shares.sum()) if shares.sum() > 0 else ("", np.nan)
    masses = np.array([p.disagreement(p.seconds) for p in parts]).sum(axis=0)
    values = np.array([float(coefficient(*masses[:2])), float(coefficient(*masses[2:]))])
    pairs = sum(float(p.seconds @ _same(p.ratings)) for p in parts)
    same, limits, note = pairs / seconds if seconds else np.nan, np.full(4, np.nan), ""
    if seconds < LEAST_S:
        values, note = values * np.nan, f"too little: {seconds:.0f} s are rated by two, at least {LEAST_S:.0f} needed"
    elif np.isnan(values).all():
        note = f"all call it {commonest}: agreement beyond chance cannot be known"
    else:
        limits, note = _limits(parts, n_boot, rng)
    numbers = (values[0], *limits[:2], values[1], *limits[2:])
    return (film_id, of, " and ".join(who), *numbers, seconds, alone, same, commonest, share, note)


def _same(ratings: np.ndarray) -> np.ndarray:
    """Share of the pairs of ratings of each unit that are the same; 0 without a pair."""
    sides = list(combinations(ratings, 2))
    both = sum(((a >= 0) & (b >= 0)).astype(float) for a, b in sides)
    same = sum(((a == b) & (a >= 0)).astype(float) for a, b in sides)
    return np.divide(same, both, out=np.zeros(len(both)), where=both > 0)


def _limits(parts: list[_Part], n_boot: int, rng) -> tuple[np.ndarray, str]:
    """Intervals of kappa and alpha, and over what they are, or why there are none."""
    films = [p for p in parts if p.paired.any()]
    blocks = sum(len(np.unique(p.block[p.paired])) for p in films)
    if enough(len(films)):
        masses = np.array([p.disagreement(p.seconds) for p in films])
        draws = np.tensordot(film_weights(rng, len(films), n_boot), masses, 1).T
        note = ""
    elif enough(blocks):
        draws = sum(np.array(p.disagreement(p.drawn(n_boot, rng))) for p in films)
        note = f"interval over blocks of {BLOCK_S:.0f} s: of {'these films' if len(films) > 1 else 'this film'} alone"
    else:
        return np.full(4, np.nan), f"too little for an interval: {blocks} blocks of {BLOCK_S:.0f} s, {LEAST} needed"
    return np.array([*interval(coefficient(*draws[:2])), *interval(coefficient(*draws[2:]))]), note


def _edge_row(film_id: str, pair: tuple[str, str], edge: str, differences: list[dict]) -> tuple:
    values = np.concatenate([d[edge] for d in differences])
    both = values[np.isfinite(values)]
    known = enough(len(both))
    numbers = [float(np.percentile(both, q)) if known else np.nan for q in (50, 90)]
    note = "" if known else f"too few cues: {len(both)}, {LEAST} needed"
    return (film_id, " and ".join(pair), edge, len(both), len(values) - len(both), *numbers, note)
