"""index.html of a run: every table and figure by paper item, ours beside the paper's, failures, the notebooks."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2
import pandas as pd

from filmlens import look, paper
from filmlens.corpus import Corpus
from filmlens.study.hearing import write_excerpts

#: Paper item, file name, notebook, what it is.
ITEMS = (
    ("Table 1", "table1_films", "00_corpus", "The films by genre"),
    ("S1", "s1_films", "00_corpus", "The films and their tags"),
    ("Fig 1", "fig1_stamper", "01_score_stamper", "From window predictions to a cue"),
    ("Table 2", "table2_features", "02_features", "The features"),
    ("Table 3", "table3_poolings", "03_genre_models", "The six pooling functions"),
    ("Fig 2", "fig2_model", "03_genre_models", "The network"),
    ("Table 4", "table4_results", "03_genre_models", "Genre prediction"),
    ("S2", "s2_precision_recall", "03_genre_models", "Precision-recall curves"),
    ("S3", "s3_films", "03_genre_models", "Precision and recall per film"),
    ("Fig 3", "fig3_importance", "04_feature_importance", "Which features matter"),
    ("Table 5", "table5_crossmodal", "05_cross_modal", "Does the picture agree"),
    ("Direction", "genre_profile", "04_feature_importance", "Which way a genre's music departs"),
    ("Words", "importance_tags", "04_feature_importance", "Which words matter (our addition)"),
    ("Table 5, musicnn", "table5_musicnn", "05_cross_modal", "Table 5 on musicnn (our addition)"),
    ("Claims", "claims", "05_cross_modal", "Which of the paper's claims stand"),
    ("Robustness", "claims_robustness", "05_cross_modal", "Whether they stand when one choice is made otherwise"),
    ("The study's data", "study_table4", "07_the_study", "The paper's Table 4 beside what its own features give"),
    ("Readings", "study_readings", "07_the_study", "Readings of what the paper leaves open"),
    ("Claims, the study", "study_claims", "07_the_study", "What the study's own features leave of each claim"),
    ("As others read it", "study_read", "07_the_study", "Values of a later work on the same files"),
    ("Within films", "within_films", "05_cross_modal", "Does the picture follow the music inside a film"),
    ("Timeline", "timeline", "05_cross_modal", "One film: what each cue sounds like"),
    ("Film time", "film_time", "05_cross_modal", "Music and genre along the films"),
)

#: Items that are made where the weights of musicnn are there.
TAGGED = {"importance_tags", "table5_musicnn"}

_PAGE = jinja2.Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{{ policy }}
<title>FilmLens: {{ name }}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
img { max-width: 100%; box-sizing: border-box; display: block; background: white; border: 1px solid #8884 }
section { overflow-x: auto; margin: 2.5rem 0 }
nav { display: flex; flex-wrap: wrap; gap: 0 .8em }
.warn { border-left: 4px solid #D55E00; padding-left: 1em }
{{ css }}
</style>
<h1>How music characterizes genre in film: {{ name }}</h1>
<p>{{ films }} films, {{ foot }}. {% if synthetic %}<b>Every number on this page comes from a synthetic corpus</b>: it
shows that the software works and says nothing about cinema.{% endif %}</p>
<nav>{% for item in items %}<a href="#{{ item.file }}">{{ item.paper }}</a>{% endfor %}</nav>
{% if failures %}<section class="warn" id="failures"><h2>What failed</h2>{{ failures }}</section>{% endif %}
<section id="numbers"><h2>The paper's numbers beside these</h2>{{ numbers }}
<p>Numbers that stand in the paper's text, and numbers that a later work quotes from it: second-hand.</p></section>
{% for item in items %}<section id="{{ item.file }}"><h2>{{ item.paper }}: {{ item.title }}</h2>
{% if item.png %}<a href="{{ item.svg }}">
<img src="{{ item.png }}" alt="{{ item.paper }}: {{ item.title }}"></a>{% endif %}
{% if item.table %}{{ item.table }}{% endif %}
{% if not item.png and not item.table %}<p>Not made in this run{% if item.file in tagged %}: it needs the weights of
musicnn, which <code>filmlens weights musicnn</code> fetches{% endif %}.</p>{% endif %}
<p>{% if item.csv %}<a href="{{ item.csv }}">Numbers (CSV)</a> · {% endif %}
<a href="notebooks/{{ item.notebook }}.html">Notebook {{ item.notebook }}</a></p>
</section>{% endfor %}
<section><h2>Notebooks</h2>
<ul>{% for n in notebooks %}<li><a href="notebooks/{{ n }}.html">{{ n }}</a></li>{% endfor %}</ul>
<p>Versions, parameters, minutes: <a href="provenance.json">provenance.json</a></p></section>
{% if hear %}<section id="hear"><h2>Hear it</h2>{{ hear }}</section>{% endif %}
{% if cues %}<section><h2>Every cue as one table</h2>
<p><a href="cues.csv">cues.csv</a> · <a href="cues.parquet">cues.parquet</a> · what the columns mean:
<a href="cues_columns.csv">cues_columns.csv</a></p></section>{% endif %}
<footer><p><small>{{ citation }}</small></p></footer>
</html>
""")


def write_report(
    corpus: Corpus, out: Path, figures: Path, provenance: dict, failed: dict, *, excerpts: bool = False
) -> Path:
    """Write ``index.html`` of a run.

    Parameters
    ----------
    corpus : Corpus
    out : Path
        Folder of the run, with ``notebooks/``.
    figures : Path
        Where the notebooks wrote figures and tables.
    provenance : dict
        As `filmlens.run.run` writes it.
    failed : mapping of (film, stage) to text
    excerpts : bool
        Whether the example cues are to be heard: their sound is written into ``excerpts/``.
    """

    def link(path: Path) -> str:
        return Path(os.path.relpath(path, out)).as_posix() if path.is_file() else ""

    items = []
    for item, file, notebook, title in ITEMS:
        if file.startswith("study_") and notebook not in provenance["notebooks"]:
            continue  # no part of a report on anyone's own films
        paths = {ending: figures / f"{file}.{ending}" for ending in ("png", "svg", "csv", "html")}
        table = ""
        if paths["html"].is_file():
            page = paths["html"].read_text(encoding="utf-8")
            table = page[page.index("<table") : page.index("</table>") + len("</table>")]
        items.append(
            {"paper": item, "file": file, "notebook": notebook, "title": title}
            | {k: link(v) for k, v in paths.items() if k != "html"}
            | {"table": _html(table)}
        )
    failures = pd.DataFrame([(f, s, e) for (f, s), e in failed.items()], columns=["film", "stage", "error"])
    errors = pd.DataFrame([(n, "notebook", e) for n, e in provenance["errors"].items()], columns=failures.columns)
    failures = pd.concat([errors, failures])
    foot = look.footer(
        version=provenance["filmlens"],
        profile=provenance["profile"],
        seed=provenance["parameters"].get("seed", 0),
        synthetic=corpus.synthetic,
    )
    numbers = paper_and_ours(figures, corpus.synthetic)
    page = _PAGE.render(
        policy=_html(look.POLICY),
        name=corpus.folder.name,
        films=len(corpus),
        foot=foot,
        synthetic=corpus.synthetic,
        css=look.TABLE_CSS,
        items=items,
        tagged=TAGGED,
        failures=_html(look.html_table(failures)) if len(failures) else "",
        numbers=_html(look.html_table(numbers, formats={c: "{:.4g}" for c in numbers.columns[3:]})),
        notebooks=list(provenance["notebooks"]),
        cues=(out / "cues.csv").is_file(),
        hear=_html(_hear(corpus, out, figures)) if excerpts else "",
        citation=paper.CITATION,
    )
    path = out / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _hear(corpus: Corpus, out: Path, figures: Path) -> str:
    """Players of the example cues; nothing where notebook 04 was not run."""
    path = figures / "genre_profile_cues.csv"
    if not path.is_file():
        return ""
    return write_excerpts(corpus, pd.read_csv(path, comment="#", dtype={"film_id": str}), out / "excerpts")


def paper_and_ours(figures: Path, synthetic: bool) -> pd.DataFrame:
    """The paper's numbers, ours where the figures hold them, and the difference; quoted rows stand in Table 4 itself.

    Parameters
    ----------
    figures : Path
        Folder with the CSV files that the notebooks wrote.
    synthetic : bool
        Said in the column's name, and no difference is formed: a synthetic corpus has nothing to agree with.

    Returns
    -------
    DataFrame
        item, number, source (with what speaks against it), paper, ours or "ours (synthetic)", diff.
    """
    ours = _ours(figures)
    rows_of_table4 = {name for row in paper.TABLE4.values() for name in paper.row_names(row).values()}
    rows = [
        (row["item"], row["name"], _source(row), row["value"], ours.get(row["name"], float("nan")))
        for _, row in paper.numbers().iterrows()
        if row["name"] not in rows_of_table4
    ]
    table = pd.DataFrame(rows, columns=["item", "number", "source", "paper", "ours"])
    if synthetic:
        return table.rename(columns={"ours": "ours (synthetic)"})
    return table.assign(diff=table["ours"] - table["paper"])


def _source(row: pd.Series) -> str:
    """Where a number comes from, and what speaks against it."""
    source = "second-hand" if row["source"] == paper.QUOTED else "text"
    return f"{source}; {row['doubt']}" if row["doubt"] else source


def _ours(figures: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    if (figures / "table1_films.csv").is_file():
        table = pd.read_csv(figures / "table1_films.csv")
        names = [f"films tagged {of}" if not str(of).startswith("films") else of for of in table["set"]]
        found |= dict(zip(names, table["films"], strict=True))
    for path in sorted(figures.glob("paper_numbers_*.csv")):
        table = pd.read_csv(path)
        found |= dict(zip(table["name"], table["value"], strict=True))
    return found


def _html(text: str):
    from markupsafe import Markup

    return Markup(text)
