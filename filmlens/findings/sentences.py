"""Test results as sentences. A row without p, correction, n and effect size gets no sentence."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filmlens import names
from filmlens.look import p_value
from filmlens.stats.enough import FEW, LEAST, enough

_NEEDED = ("p", "correction", "n", "effect")
_WORDS = {"brightness": ("darker", "brighter", "darker or brighter")}


def sentence(row: Mapping | pd.Series, *, synthetic: bool = False) -> str:
    """One test in words, with its numbers.

    `row` comes from :func:`~filmlens.findings.cross_modal` or :func:`~filmlens.findings.genre_profile`, or from any
    other test when it carries ``what`` (the finding in words) besides p, correction, n and effect. `synthetic` is said
    at the end. ValueError if p, correction, n or effect is missing, not a number, or (correction) empty.

    >>> row = {"genre": "Horror", "descriptor": "key clarity", "effect": -0.41, "effect_low": -0.62,
    ...        "effect_high": -0.15, "n": 11, "n_others": 99, "p": 0.0004, "p_corrected": 0.012,
    ...        "significant": True, "correction": "Benjamini-Hochberg over 840"}
    >>> sentence(row)
    'Horror: key clarity lower (delta −.41 [−.62, −.15], 11 of 110 films, p = .012, Benjamini-Hochberg over 840).'
    >>> sentence(row | {"descriptor": "roughness_mean", "effect": 0.41, "effect_low": 0.15, "effect_high": 0.62})
    'Horror: rougher (delta +.41 [+.15, +.62], 11 of 110 films, p = .012, Benjamini-Hochberg over 840).'
    """
    return _clause(row) + (" (synthetic corpus)." if synthetic else ".")


def strongest(profile: pd.DataFrame, *, synthetic: bool = False) -> pd.DataFrame:
    """The row of `genre_profile` with the largest effect of each genre that has one, with its `sentence`."""
    tested = profile.dropna(subset="p")
    rows = tested.loc[tested["effect"].abs().groupby(tested["genre"], sort=False).idxmax()]
    return rows.assign(sentence=[sentence(row, synthetic=synthetic) for _, row in rows.iterrows()])


def genre_sentences(table: pd.DataFrame, *, unit: str = "clips", synthetic: bool = False) -> pd.DataFrame:
    """:func:`~filmlens.findings.cross_modal` in words, a sentence for all sources of a genre and measure.

    Columns: genre, measure, sentence; of cells that could be tested alone (:func:`too_few` says which could not).
    """
    rows = []
    part = table[(table["unit"] == unit) & (table["source"] != "False positives vs true negatives")]
    for (genre, measure), cells in part.groupby(["genre", "measure"], sort=False):
        if cells["p"].isna().all():
            continue
        cells = cells.set_index("source", drop=False)
        actual = cells.loc["Actual"]
        clauses = []
        for source, cell in cells.iterrows():
            against = None if source == "Actual" or np.isnan(actual["p"]) else actual
            untested = f"{genre} {unit}, {source.lower()}: {cell['note']}"
            clauses.append(untested if np.isnan(cell["p"]) else _clause(cell, against))
        rows.append([genre, measure, "; ".join(clauses) + (" (synthetic corpus)." if synthetic else ".")])
    return pd.DataFrame(rows, columns=["genre", "measure", "sentence"])


def too_few(table: pd.DataFrame) -> str:
    """What stands under a table about the cells without a test, and what they would need; empty when there are none.

    >>> notes = ["too few films: 4 against 32, at least 10 needed", ""]
    >>> too_few(pd.DataFrame({"genre": ["Horror", "Drama"], "note": notes}))
    'Too few films for a test, numbers only: 1 of 2 cells (Horror). A test needs 10 films on both sides.'
    """
    cells = table[table["note"].str.startswith(FEW)]
    if cells.empty:
        return ""
    which = ", ".join(dict.fromkeys(cells["genre"]))
    return (
        f"{FEW.capitalize()} for a test, numbers only: {len(cells)} of {len(table)} cells ({which}). A test needs "
        f"{LEAST} films on both sides."
    )


def importance_caption(table: pd.DataFrame, *, synthetic: bool = False) -> str:
    """What stands under Fig 3, of one measure of :func:`~filmlens.findings.group_importance` with its attrs: how values
    were permuted, and what each of the three intervals says.
    """
    facts, measure = table.attrs, table["measure"].iloc[0]
    few = ", ".join(f"{g} {n}" for g, n in facts["positives"].items() if not enough(n))
    caption = (
        f"Drop of {measure} when a feature group is permuted (scheme {facts['scheme']}, mean of {facts['n_repeats']} "
        f"runs; mean over genres {facts[measure]['Overall']:.2f} without). Thick line: 95 % CI of that mean, how well "
        "the runs settle it. Thin line: 2.5 to 97.5 percentiles of the runs. Blue line: 95 % bootstrap over films, "
        "what other films would have given this model."
    )
    if few:
        caption += f" Too few films for an interval, numbers only (a test needs {LEAST}): {few}."
    if facts["left out"]:
        caption += f" Films without cues left out: {len(facts['left out'])}."
    return caption + (" Synthetic corpus." if synthetic else "")


def number(value: float, digits: int = 2) -> str:
    """A signed number as the sentences write it, without a leading zero below one.

    >>> number(-0.412), number(1.5), number(-0.001)
    ('−.41', '+1.50', '.00')
    """
    text = f"{abs(value):.{digits}f}"
    sign = "" if float(text) == 0 else "−" if value < 0 else "+"
    return sign + (text[1:] if text.startswith("0") else text)


def span(low: float, high: float) -> str:
    """An interval in brackets."""
    return f"[{number(low)}, {number(high)}]"


def films_text(count: int) -> str:
    """So many films, in words."""
    return f"{count} film{'' if count == 1 else 's'}"


def _clause(row: Mapping | pd.Series, against: Mapping | pd.Series | None = None) -> str:
    missing = [key for key in _NEEDED if not _is_known(row.get(key))]
    if missing:
        there = ", ".join(sorted(set(row.keys()) & set(_NEEDED) - set(missing))) or "none of them"
        name = f"the row of {row['genre']}" if "genre" in row else "the row"
        raise ValueError(f"no sentence without {', '.join(missing)}: {name} has {there}")
    if "source" in row:
        return _picture(row, against)
    if "descriptor" in row:
        word, way = names.look_up(row["descriptor"]), "lower" if row["effect"] < 0 else "higher"
        name = names.reader_name(row["descriptor"])
        more = getattr(word, way) if word and word.lower else f"{name} {way}"
        if not row.get("significant", True):
            return f"{row['genre']}: {name} not shown to differ ({_figures(row, 'films', 'delta')})"
        unit = f"by {abs(row['difference']):.0f} {word.unit}, " if word and word.unit and "difference" in row else ""
        return f"{row['genre']}: {more} ({unit}{_figures(row, 'films', 'delta')})"
    return f"{row['what']} ({_figures(row, row.get('unit', ''), 'effect')})"


def _is_known(value: object) -> bool:
    return pd.notna(value) and value != ""


def _figures(row: Mapping | pd.Series, units: str, effect: str) -> str:
    """What stands in the brackets behind a finding."""
    size = f"{effect} {number(row['effect'])}"
    if _is_known(row.get("effect_low")):
        size += f" {span(row['effect_low'], row['effect_high'])}"
    count = f"{row['n']:,} of {row['n'] + row['n_others']:,}" if _is_known(row.get("n_others")) else f"n = {row['n']:,}"
    p = row["p_corrected"] if _is_known(row.get("p_corrected")) else row["p"]
    parts = [size, f"{count} {units}".strip(), p_text("p", p), row["correction"]]
    if _is_known(row.get("difference")) and "source" in row:
        parts.insert(0, f"difference {number(row['difference'])}")
    if _is_known(row.get("p_permutation")) and row.get("unit") == "clips":
        parts.append(p_text("over films p", row["p_permutation"]))
    if not row.get("significant", True) and _is_known(row.get("detectable")):
        parts.append(f"would have been found from {number(row['detectable']).removeprefix('+')} on")
    return ", ".join(parts)


def p_text(name: str, value: float) -> str:
    """A p in a sentence.

    >>> p_text("p", 0.0312), p_text("p", 1e-9)
    ('p = .031', 'p < .001')
    """
    shown = p_value(value)
    return f"{name} < .001" if shown.startswith("<") else f"{name} = {shown}"


def _picture(row: Mapping | pd.Series, against: Mapping | pd.Series | None) -> str:
    genre, unit, source = row["genre"], row["unit"], row["source"]
    figures = _figures(row, unit, "rank-biserial")
    words = [f"{word} in {row['measure']}" for word in ("lower", "higher", "lower or higher")]
    low, high, either = _WORDS.get(row["measure"], words)
    way = low if row["effect"] < 0 else high
    if source == "Actual" or (source == "Predicted" and against is None):
        who = f"{genre} {unit}" if source == "Actual" else f"predicted {genre} {unit}"
        if not row["significant"]:
            return f"{who} are not shown to be {either} ({figures})"
        # Clips of one film resemble each other: their own p is too small, the one over films is not.
        films_agree = unit == "films" or not _is_known(row.get("p_permutation")) or row["p_permutation"] < 0.05
        return f"{who} are {way} ({figures})" if films_agree else f"{who} look {way}, but not over films ({figures})"
    arithmetic = ""
    if source in ("Predicted", "False positives") and not _is_known(row.get("expected")):
        arithmetic = f", given the actual labels {row['movable']:.0f} films can be exchanged: too few to tell"
    elif source in ("Predicted", "False positives"):
        arithmetic = f", expected {number(row['expected'])} given the actual labels"
        if _is_known(row.get("p_conditional")):
            least = f", {p_text('smallest possible', row['p_least'])}" if row["p_least"] > 0.001 else ""
            arithmetic += f" ({p_text('p', row['p_conditional'])}, {row['movable']:.0f} films can be exchanged{least})"
    if source == "Predicted" and not against["significant"]:
        return f"predicted {genre} {number(row['difference'])} ({figures}){arithmetic}"
    if source == "Predicted":
        opposite = np.sign(row["difference"]) != np.sign(against["difference"])
        nearer = abs(row["difference"]) < abs(against["difference"])
        compared = "the other way" if opposite else "less so" if nearer else "no less so"
        return f"predicted {genre} {compared} ({figures}){arithmetic}"
    return f"{source[0].lower()}{source[1:]} {number(row['difference'])} ({figures}){arithmetic}"
