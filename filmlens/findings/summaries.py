"""What each table of a report says, in one to five sentences, or why it says nothing.

Every function takes the numbers that a notebook wrote, at least one row. Tests become words in `sentences`; here it is
chosen what is told, and in which order: what was shown before what was not. What is said beyond the films themselves is
said only as far as `filmlens.stats.enough` and the intervals carry it.
"""

import numpy as np
import pandas as pd

from filmlens import names
from filmlens.findings.sentences import films_text, genre_sentences, number, p_text, span, strongest, too_few
from filmlens.findings.timeline import ALL, COVERAGE
from filmlens.look import clock
from filmlens.stats.enough import FEW, LEAST, enough

#: Sentences of one item; the rest stands in its table.
MOST = 5


def films(table: pd.DataFrame) -> list[str]:
    """Of Table 1: how many films, with how many genres, and which genres are too rare to be tested."""
    count = table.set_index("set")["films"]
    genres = count.drop([n for n in count.index if str(n).startswith("films")])
    lines = [f"{count['films']} films, {count['films with several genres']} of them with several genres."]
    if len(genres) and genres.min() < genres.max():
        common, rarest = (f"{genre} ({genres[genre]})" for genre in (genres.idxmax(), genres.idxmin()))
        lines.append(f"The most common genre is {common}, the rarest {rarest}.")
    rare = [genre for genre, n in genres.items() if not enough(n, count["films"] - n)]
    if rare:
        which = f"{', '.join(rare)} {'is' if len(rare) == 1 else 'are'} not"
        which = "no genre is" if len(rare) == len(genres) else which
        lines.append(f"A test needs {LEAST} films with the genre and {LEAST} without it, so that {which} tested.")
    return lines


def cues(table: pd.DataFrame) -> list[str]:
    """Of the cue sheets: how many cues in how many films, and how long they are."""
    seconds = table["end"] - table["start"]
    count, of = table["film_id"].nunique(), table.groupby("film_id").size()
    spread = f"{of.min()} to {of.max()}" if of.min() < of.max() else f"{of.min()}"
    return [
        f"{len(table)} cues were found in {films_text(count)}, {spread} per film. Their median length is "
        f"{seconds.median():.0f} s."
    ]


def placement(table: pd.DataFrame) -> list[str]:
    """Of the placement: the share without music, the longest silence, and how far films keep the album's order."""
    share = table["without music"]
    silent = table.loc[table["longest silence"].idxmax()]
    lines = [
        f"Found music fills {1 - share.median():.0%} of a film in the median, from {1 - share.max():.0%} "
        f"({table.loc[share.idxmax(), 'film']}) to {1 - share.min():.0%} ({table.loc[share.idxmin(), 'film']}).",
        f"The longest stretch without found music is in {silent['film']}: {clock(silent['longest silence'])} from "
        f"{clock(silent['silence begins'])} on.",
    ]
    order = table["album order kept"].dropna()
    if len(order):
        kept = int((order > 0.999).sum())
        lines.append(
            f"{kept or 'None'} of {films_text(len(order))} keep{'s' * int(kept == 1)} the album's order throughout."
        )
    return lines


def album_order(table: pd.DataFrame) -> list[str]:
    """Of the tracks: how many are used, and how many more than once."""
    heard = table[table["uses"] > 0]
    again = int((heard["uses"] > 1).sum())
    lines = [f"{len(heard)} of {len(table)} tracks are used, {again or 'none'} of them more than once."]
    if again:
        most = heard.loc[heard["uses"].idxmax()]
        lines.append(f"The one used most is “{most['track']}”: {most['uses']} cues, {most['seconds']:.0f} s.")
    return lines


def entries(table: pd.DataFrame) -> list[str]:
    """Of entries against cuts and speech: share, chance, and whether the difference was shown."""
    where = {"cuts": "within a second of a cut", "speech": "during speech"}
    lines = []
    for row in table.itertuples(index=False):
        words = f"{row.share:.0%} of the entries in {films_text(row.films)} lie {where[row.of]}"
        words += f"; at any moment it is {row.chance:.0%}"
        if np.isfinite(row.low):
            shown = "more" if row.low > 0 else "fewer" if row.high < 0 else "not shown to differ"
            words += f" ({shown}: difference {number(row.more)} {span(row.low, row.high)})"
        lines.append(f"{words}.")
    return lines


def recall(table: pd.DataFrame) -> list[str]:
    """Of recall by place: where most and least was found, without a claim on few films."""
    there = table.dropna(subset="recall")
    if there.empty:
        return []
    least, most = there.loc[there["recall"].idxmin()], there.loc[there["recall"].idxmax()]
    lines = [
        f"Least of the annotated music was found {_place(least)} ({least['recall']:.0%} of {least['seconds']:.0f} s), "
        f"most {_place(most)} ({most['recall']:.0%}); {films_text(int(table['films'].max()))} with annotations."
    ]
    if not enough(int(table["films"].max())):
        lines.append("So few annotated films say nothing of others.")
    return lines


def stamper(table: pd.DataFrame) -> list[str]:
    """Of the stamper's numbers: precision and recall over the annotated films."""
    value = table.set_index("name")["value"]
    if not value.get("annotated films"):
        return ["No film has annotations, so that precision and recall are not known."]
    parts = []
    for name in ("precision", "recall"):
        if f"stamper {name}" in value:
            sd = value.get(f"stamper {name} SD", np.nan)
            more = "" if np.isnan(sd) else f" (SD {_plain(sd, 3)})"
            parts.append(f"{name} {_plain(value[f'stamper {name}'])}{more}")
    return [f"Over {films_text(int(value['annotated films']))} with annotations: {', '.join(parts)} (mean over films)."]


def definition(_table: pd.DataFrame) -> list[str]:
    """Of what is no result: why nothing is found in it."""
    return ["A definition: there is nothing to find in it."]


def listed(table: pd.DataFrame) -> list[str]:
    """Of a list of films: its length."""
    return [f"A list of {films_text(len(table))}: nothing is tested."]


def curves(_table: pd.DataFrame) -> list[str]:
    """Of curves of one model: what they do not say."""
    return ["One model without intervals: the curves describe these films. What is said of others stands under Claims."]


def per_film(table: pd.DataFrame) -> list[str]:
    """Of S3: in how many films every genre that the cues were given is the film's, and in how many none was given."""
    right, none = int((table["precision"] == 1).sum()), int(table["precision"].isna().sum())
    sentence = f"In {right} of {films_text(len(table))} every genre that the cues were given is one of the film's"
    return [f"{sentence}; {films_text(none)} {'was' if none == 1 else 'were'} given none. This describes these films."]


def prediction(table: pd.DataFrame) -> list[str]:
    """Of Table 4: the honest floor, the highest model, and where it is judged."""
    floor = table.loc[table["name"] == "always_positive", "f1"]
    models = table[~table["name"].isin(["always_positive", "zero_rule", "random_guess"])].dropna(subset="f1")
    if floor.empty or models.empty:
        return []
    best = models.loc[models["f1"].idxmax()]
    return [
        f"To call every film every genre gives macro-F1 {_plain(floor.max())}. The highest of {len(models)} models has "
        f"{_plain(best['f1'])} ({names.reader_name(best['name'])}); the highest of many is too high by luck.",
        "Whether a model is above that floor is judged in pairs over films: see Claims.",
    ]


def importance(table: pd.DataFrame) -> list[str]:
    """Of Fig 3: for all genres together, the groups whose loss is above zero over films; else the largest, unproven."""
    overall = table[table["genre"] == "Overall"]
    shown = overall[overall["film_low"] > 0].sort_values("importance", ascending=False)
    few = sorted(set(table.loc[table["note"].fillna("") != "", "genre"]))
    measure = str(table["measure"].iloc[0])
    lines = []
    if len(shown):
        rows = [f"{r.group} {_plain(r.importance)} {span(r.film_low, r.film_high)}" for r in shown.itertuples()]
        rows = ", ".join(rows)
        lines.append(f"Permuted over films, a group costs in {measure}: {rows} (mean over genres, 95 %).")
    elif len(overall):
        lines.append(f"For no group of features was a drop of {measure} shown over films.")
    if few:
        lines.append(f"{FEW.capitalize()} for an interval: {', '.join(few)}.")
    return lines


def pictures(table: pd.DataFrame) -> list[str]:
    """Of Table 5, films as the unit: what was shown, then how much was not, then what could not be tested."""
    part = table[table["unit"] == "films"]
    actual = part[(part["source"] == "Actual") & part["p"].notna()]
    shown = actual[actual["significant"].astype(bool)]
    lines = genre_sentences(part.merge(shown[["genre", "measure"]], on=["genre", "measure"]), unit="films")["sentence"]
    lines = [clause.split("; ")[0].rstrip(".") + "." for clause in lines]
    if len(actual) > len(shown):
        lines.append(f"In {len(actual) - len(shown)} of {len(actual)} tests of actual genres no difference was shown.")
    return [*lines[:MOST], *filter(None, [too_few(part[part["source"] == "Actual"].fillna({"note": ""}))])]


def profile(table: pd.DataFrame) -> list[str]:
    """Of the direction of each genre: its strongest finding, or that none was shown, or that films are too few."""
    table = table.fillna({"note": ""})
    tested = table[table["p"].notna()]
    shown = tested[tested["significant"].eq(True)]
    lines = strongest(shown)["sentence"].tolist()
    if without := [g for g in dict.fromkeys(tested["genre"]) if g not in set(shown["genre"])]:
        lines.append(f"No descriptor was shown to differ in {', '.join(without)}.")
    return [*lines, *filter(None, [too_few(table)])]


def claims(table: pd.DataFrame) -> list[str]:
    """Of the claims: how many hold, are contradicted, undecided or untested, and which the first two are."""
    words = table["verdict"].str.extract(r"^(holds|contradicted|undecided|not tested|too few films)")[0]
    count = words.value_counts()
    lines = [
        f"Of {len(table)} claims {count.get('holds', 0)} hold, {count.get('contradicted', 0)} are contradicted and "
        f"{count.get('undecided', 0)} are undecided; {count.get('not tested', 0)} were not tested and for "
        f"{count.get(FEW, 0)} there are too few films."
    ]
    for word, title in (("holds", "Holds"), ("contradicted", "Contradicted")):
        if which := table.loc[words == word, "claim"].tolist():
            lines.append(f"{title}: {'; '.join(which)}.")
    return lines


def robustness(table: pd.DataFrame) -> list[str]:
    """Of the claims under other choices: in how many of those that tested it each claim holds that holds at all."""
    tested = ~table["verdict"].str.startswith(("not tested", FEW))
    of = tested.groupby(table["claim"], sort=False).sum()
    holds = table["verdict"].str.startswith("holds").groupby(table["claim"], sort=False).sum()
    parts = [f"{claim}, under {holds[claim]} of {of[claim]}" for claim in of.index if holds[claim]]
    lines = [f"{table['condition'].nunique()} choices, one at a time; not every claim is tested under each."]
    if parts:
        lines.append(f"What holds, and under how many of the choices that test it: {'; '.join(parts)}.")
    return lines


def within(table: pd.DataFrame) -> list[str]:
    """Of films' insides: correlations that were shown, and what could not be tested."""
    tested = table.dropna(subset="p")
    lines = [
        f"{row.genre}, {row.measure}: mean rank correlation {number(row.correlation)} {span(row.low, row.high)}, "
        f"{films_text(int(row.films))}, Bonferroni's {p_text('p', row.p_corrected)}."
        for row in tested[tested["p_corrected"] < 0.05].itertuples()
    ]
    if len(tested) > len(lines):
        lines.append(f"In {len(tested) - len(lines)} of {len(tested)} tests no correlation was shown.")
    if len(table) > len(tested):
        lines.append(f"{FEW.capitalize()} with cues enough for {len(table) - len(tested)} of {len(table)} tests.")
    return lines


def film_time(table: pd.DataFrame) -> list[str]:
    """Of film time: where the films have most and least found music."""
    part = table[(table["quantity"] == COVERAGE) & (table["films"] == ALL)].dropna(subset="value")
    if part.empty:
        return []
    most, least = part.loc[part["value"].idxmax()], part.loc[part["value"].idxmin()]
    where = []
    for row in (most, least):
        interval = f" [{row['low']:.0%}, {row['high']:.0%}]" if row["low"] == row["low"] else ""
        where.append(f"{_place(row)} ({row['value']:.0%}{interval})")
    sentence = f"Found music is densest {where[0]} and rarest {where[1]}."
    return [sentence, "Part of this may be what the stamper misses: see recall by place."]


def timeline(table: pd.DataFrame) -> list[str]:
    """Of one film's timeline: which film it is, by `title`."""
    return [f"Shown is {table['title'].iloc[0]} with {table['cue'].nunique()} cues; no film has more."]


def transplanted(table: pd.DataFrame) -> list[str]:
    """Of cues unlike their film, with its `title`: the first one in words, and what the number is not."""
    cue = table.iloc[0]
    return [
        f"“{cue['track']}” in {cue['title']} at {clock(cue['start'])} stands out most: "
        f"it sounds like {cue['genre']} (probability {_plain(cue['probability'])}, {_plain(cue['excess'])} above the "
        "film's other cues), which the film is not labelled as.",
        "This is a model's ranking and no finding: hear the cue, or let raters hear it blind.",
    ]


def listening(table: pd.DataFrame) -> list[str]:
    """Of blind listening: whether the genre is named more often for transplanted cues than for controls."""
    rows = table.set_index("measure")
    more, first = rows.loc["named, transplanted minus control"], table.iloc[0]
    raters = f"{first['raters']} rater{'s' * int(first['raters'] != 1)}"
    said = f"{raters} heard {first['clips']} clips of {films_text(first['films'])}"
    if more["value"] != more["value"]:
        return [f"{said}; no pair of a transplanted cue and its control is complete."]
    named = [f"{rows.loc[f'named, {kind}', 'value']:.0%}" for kind in ("transplanted", "control")]
    lines = [f"{said}: the genre in question was named for {named[0]} of transplanted cues and {named[1]} of controls."]
    if more["low"] != more["low"]:
        return [*lines, f"{str(more['note']).capitalize()}: nothing is concluded."]
    shown = "more often for transplanted cues" if more["low"] > 0 else "less often for them" if more["high"] < 0 else ""
    interval = f"difference {number(more['value'])} {span(more['low'], more['high'])}"
    lines.append(f"It is named {shown} ({interval})." if shown else f"No difference was shown ({interval}).")
    if first["raters"] == 1:
        lines.append("With one rater nothing is said of other listeners.")
    for measure in ("alpha among raters", "alpha of a rater and the model"):
        row, words = rows.loc[measure], measure.split(maxsplit=2)[2]
        if row["value"] == row["value"]:
            shown = "" if row["low"] > 0 else ": not shown to be better than chance"
            alpha = f"alpha {number(row['value'])} {span(row['low'], row['high'])}"
            lines.append(f"Agreement of {words}: {alpha}{shown}.")
    return lines


def _plain(value: float, digits: int = 2) -> str:
    return number(value, digits).removeprefix("+")


def _place(row: pd.Series) -> str:
    return f"between {row['begin']:.0%} and {row['end']:.0%} of the film"
