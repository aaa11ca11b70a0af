"""index.html of a run: what the films and the paper's items say in sentences, with pictures, numbers and sound.

What is shown, and in which order, stands in `filmlens.run.items`; what is said of it in `filmlens.findings.summaries`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd
from markupsafe import Markup

from filmlens import look, paper, text
from filmlens.corpus import Corpus
from filmlens.findings import summaries
from filmlens.names import reader_name
from filmlens.run.health import CSS, corpus_health
from filmlens.run.items import ITEMS, Item
from filmlens.stats.enough import LEAST, enough
from filmlens.study.hearing import excerpt_files, write_excerpts

_PAGE = jinja2.Environment(autoescape=True).from_string(
    (Path(__file__).parent / "report.html").read_text(encoding="utf-8")
)
#: Cues unlike their film that are listed; columns beyond which a table is set smaller.
_UNLIKE, _WIDE = 12, 12


def write_report(
    corpus: Corpus, out: Path, figures: Path, provenance: dict, failed: dict, *, excerpts: bool = False
) -> Path:
    """Write ``index.html`` of a run.

    `out` is the folder of the run, with ``notebooks/``, `figures` where they wrote figures and tables. `provenance` is
    as `filmlens.run.run` writes it, `failed` gives a text for (film, stage). With `excerpts` the example cues are to be
    heard: their sound is written into ``excerpts/``.
    """
    testable = [g for g, n in corpus.labels().sum().items() if enough(n, len(corpus) - n)]
    titles = {film.id: film.title or film.id for film in corpus}
    shown, unsaid, absent = [], [], {}
    for item in ITEMS:
        if item.file.startswith("study_") and item.notebook not in provenance["notebooks"]:
            continue  # no part of a report on anyone's own films
        made = _made(item, out, figures, titles)
        if not made["png"] and not made["table"]:
            absent.setdefault(_why(item, provenance), []).append(item.title)
        elif item.learnt and not testable:
            unsaid.append(made)
        else:
            shown.append(made)
    parts = [(p, [i for i in shown if i["part"] == p]) for p in dict.fromkeys(i["part"] for i in shown)]
    unlike: dict[str, Any] = {}
    foreign = _read(figures / "transplanted.csv", titles) if testable else None
    if foreign is not None and len(foreign):
        listed = foreign.head(_UNLIKE)
        sounds = excerpt_files(corpus, listed, out / "excerpts", "unlike-") if excerpts else {}
        table = Markup(_unlike(corpus, out, listed, sounds))
        unlike = {"unlike": table, "unlike_summary": summaries.transplanted(foreign), "heard": bool(sounds)}
    cues = _read(figures / "stamper_timelines.csv", titles)
    made_by = {"version": provenance["filmlens"], "profile": provenance["profile"]}
    seed = provenance["parameters"].get("seed", 0)
    page = _PAGE.render(
        corpus=corpus,
        policy=Markup(look.POLICY),
        foot=look.footer(**made_by, seed=seed, synthetic=corpus.synthetic),
        css=Markup(look.TABLE_CSS + CSS),
        health=Markup(corpus_health(corpus)),
        carries=_carries(len(corpus), testable),
        parts=parts,
        unsaid=unsaid,
        absent=list(absent.items()),
        **unlike,
        unlike_csv=_link(figures / "transplanted.csv", out),
        sheets=Markup(_sheets(corpus, out, cues)) if cues is not None else "",
        failures=Markup(_failures(failed, provenance["errors"])),
        numbers=Markup(_numbers(figures, corpus, [item["name"] for item in unsaid])),
        numbers_note="" if enough(len(corpus)) else f"With {len(corpus)} films no difference is formed.",
        notebooks=provenance["notebooks"],
        cues=(out / "cues.csv").is_file(),
        hear=Markup(_hear(corpus, out, figures)) if excerpts and testable else "",
        citation=paper.CITATION,
    )
    path = out / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _made(item: Item, out: Path, figures: Path, titles: Mapping[str, str]) -> dict[str, Any]:
    """What there is of an item: addresses of its files, its table, its sentences, and words in place of its picture."""
    links = {ending: _link(figures / f"{item.file}.{ending}", out) for ending in ("png", "svg", "csv")}
    table, page = "", figures / f"{item.file}.html"
    if page.is_file():
        written = page.read_text(encoding="utf-8")
        table = written[written.index("<table") : written.index("</table>") + len("</table>")]
        if table.partition("</thead>")[0].count("<th") > _WIDE:
            table = table.replace('class="filmlens', 'class="filmlens wide', 1)
    numbers = _read(figures / f"{item.numbers or item.file}.csv", titles) if item.summary else None
    sentences: list[str] = []
    if numbers is not None:
        sentences = item.summary(numbers) if len(numbers) else ["Nothing was found, so that nothing is told."]
    sentences = sentences or ["Numbers only: no sentence is made of them."]
    alt = " ".join([f"{item.name}: {item.title}.", item.caption, *sentences]).replace("  ", " ")
    return item._asdict() | links | {"table": Markup(table), "summary": sentences, "alt": alt}


def _why(item: Item, provenance: Mapping) -> str:
    """Why an item was not made."""
    if item.notebook in provenance["errors"]:
        return f"notebook {item.notebook[:2]} stopped: {provenance['errors'][item.notebook]}"
    if item.notebook not in provenance["notebooks"]:
        return f"notebook {item.notebook[:2]} was not run"
    return f"it needs {item.needs}" if item.needs else f"notebook {item.notebook[:2]} had nothing to show"


def _carries(films: int, testable: Sequence[str]) -> str:
    """What so many films can carry, in one or two sentences."""
    if testable:
        return (
            f"A comparison needs {LEAST} films on both sides. That can be had for {', '.join(testable)}; of other "
            "genres numbers are shown and nothing is tested."
        )
    return (
        f"A comparison of genres needs {LEAST} films with the genre and {LEAST} without it. With {films} films no "
        "genre has them: the page says what is in these films, and nothing about genres."
    )


def _unlike(corpus: Corpus, out: Path, foreign: pd.DataFrame, sounds: Mapping[int, str]) -> str:
    """Table of the cues that sound least like their film; times are links that play."""
    rows = [
        [
            cue.title,
            ", ".join(corpus[cue.film_id].genres) if cue.film_id in corpus.ids else "",
            _play(corpus, out, cue, sounds.get(cue.Index, "")),
            cue.track,
            cue.genre,
            f"{cue.probability:.2f}",
            f"{cue.excess:.2f}",
        ]
        for cue in foreign.itertuples()
    ]
    return _table(["film", "its genres", "at", "track", "sounds like", "probability", "excess"], rows)


def _sheets(corpus: Corpus, out: Path, cues: pd.DataFrame) -> str:
    """The cue sheet of every film, times as links that play."""
    parts = []
    for _, own in cues.groupby("film_id", sort=False):
        rows = [
            [_play(corpus, out, cue, ""), look.clock(cue.end), cue.track, look.clock(cue.track_start)]
            for cue in own.itertuples()
        ]
        name = text.html(own["title"].iloc[0])
        parts.append(f"<h4>{name}</h4>" + _table(["from", "to", "track", "place in the track"], rows))
    return "".join(parts)


def _play(corpus: Corpus, out: Path, cue, sound: str) -> str:
    """A cue's time as a link to its excerpt, else to the film at that moment; plain where neither is here."""
    name = look.clock(cue.start)
    film = corpus[cue.film_id].film if cue.film_id in corpus.ids else None
    if not sound and film is not None and film.is_file():
        try:
            sound = quote(Path(os.path.relpath(film, out)).as_posix())
        except ValueError:  # on another drive
            sound = film.as_uri()
        sound += f"#t={cue.start:.1f},{cue.end:.1f}"
    return Markup(f'<a href="{text.html(sound)}">{name}</a>') if sound else name


def _table(head: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A table whose cells are escaped unless they are HTML already."""

    def row(cells: Sequence, tag: str) -> str:
        shown = (c if isinstance(c, Markup) else text.html(c) for c in cells)
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in shown) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f'<table class="filmlens"><thead>{row(head, "th")}</thead><tbody>{body}</tbody></table>'


def _failures(failed: Mapping, errors: Mapping) -> str:
    rows = [(n, "notebook", e) for n, e in errors.items()] + [(f, reader_name(s), e) for (f, s), e in failed.items()]
    return look.html_table(pd.DataFrame(rows, columns=["film", "stage", "error"])) if rows else ""


def _numbers(figures: Path, corpus: Corpus, unsaid: Sequence[str]) -> str:
    """The paper's numbers beside this run's, but of items that are left unsaid; no difference with very few films."""
    table = paper_and_ours(figures, corpus.synthetic or not enough(len(corpus)))
    table = table.rename(columns={} if corpus.synthetic else {"ours (synthetic)": "ours"})
    table = table[table[table.columns[4]].notna() & ~table["item"].isin(unsaid)]
    return look.html_table(table, formats={c: "{:.4g}" for c in table.columns[3:]}) if len(table) else ""


def _read(path: Path, titles: Mapping[str, str]) -> pd.DataFrame | None:
    """A table of the notebooks, ids and names as text, films with their title; None where it was not made."""
    if not path.is_file():
        return None
    table = pd.read_csv(path, converters=dict.fromkeys(("film_id", "track", "film", "genre"), text.from_cell))
    return table.assign(title=[titles.get(f, f) for f in table["film_id"]]) if "film_id" in table else table


def _link(path: Path, out: Path) -> str:
    return quote(Path(os.path.relpath(path, out)).as_posix()) if path.is_file() else ""


def _hear(corpus: Corpus, out: Path, figures: Path) -> str:
    """Players of the example cues; nothing where notebook 04 was not run."""
    path = figures / "genre_profile_cues.csv"
    if not path.is_file():
        return ""
    return write_excerpts(corpus, pd.read_csv(path, comment="#", dtype={"film_id": str}), out / "excerpts")


def paper_and_ours(figures: Path, synthetic: bool) -> pd.DataFrame:
    """Item, number, source, the paper's number, ours where the notebooks' files hold it, and diff, their difference.

    Quoted rows of Table 4 stand there. `synthetic` is said in the column's name, and no difference is formed: a
    synthetic corpus has nothing to agree with.
    """
    rows_of_table4 = {name for row in paper.TABLE4.values() for name in paper.row_names(row).values()}
    stated = paper.numbers()
    stated = stated[~stated["name"].isin(rows_of_table4)].reset_index(drop=True)
    source = stated["source"].map(lambda source: "second-hand" if source == paper.QUOTED else "text")
    source += stated["doubt"].map(lambda doubt: doubt and f"; {doubt}")  # what speaks against it
    known = {"item": stated["item"], "number": stated["name"], "source": source, "paper": stated["value"]}
    table = pd.DataFrame(known | {"ours": stated["name"].map(_ours(figures)).astype(float)})
    if synthetic:
        return table.rename(columns={"ours": "ours (synthetic)"})
    return table.assign(diff=table["ours"] - table["paper"])


def _ours(figures: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    if (figures / "table1_films.csv").is_file():
        table = pd.read_csv(figures / "table1_films.csv")
        names = [of if str(of).startswith("films") else f"films tagged {of}" for of in table["set"]]
        found |= dict(zip(names, table["films"], strict=True))
    for path in sorted(figures.glob("paper_numbers_*.csv")):
        table = pd.read_csv(path)
        found |= dict(zip(table["name"], table["value"], strict=True))
    return found
