"""The page of corpus health: what films, music and genres there are, what is missing, and what can be concluded."""

from collections import Counter
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from filmlens import look
from filmlens.artefacts import write_atomically
from filmlens.corpus import Corpus
from filmlens.corpus.check import Checked, Facts, FilmFacts, counted, gather, hours
from filmlens.findings.reach import genre_counts, reach, together
from filmlens.media.container import MediaInfo
from filmlens.text import clean, html

_SHOWN = 6  # films or names in one sentence

#: Style of the section, for any page that shows it.
CSS = """
.health .sums { display: flex; flex-wrap: wrap; gap: .5em 2em; padding: 0; list-style: none }
.health .sums b { display: block; font-size: 1.6em; font-variant-numeric: tabular-nums }
.health .wide { overflow-x: auto }
.health table.together td { text-align: right !important; font-variant-numeric: tabular-nums }
"""

_PAGES = jinja2.Environment(autoescape=True, trim_blocks=True, loader=jinja2.FileSystemLoader(Path(__file__).parent))


def corpus_health(corpus: Corpus) -> str:
    """The section for a report on an open corpus: HTML that wants `CSS` and `filmlens.look.TABLE_CSS` on its page.

    Headers of films and tracks are read, nothing is decoded; of a corpus that was shared there are no media.
    """
    return section(gather(corpus))


def section(facts: Facts) -> str:
    """What is there and what can be concluded, as HTML."""
    labels = facts.labels()
    labels = labels[labels.any(axis=1)]
    genres = genre_counts(labels)
    return _PAGES.get_template("health.html").render(
        sums=_sums(facts),
        synthetic=facts.synthetic,
        said=reach(facts),
        genres=Markup(_genres(genres, len(labels))) if len(genres) else "",
        together=Markup(_together(together(labels))) if len(genres) else "",
        missing=_missing(facts),
        shared=_shared(facts),
        films=Markup(_films(facts)),
        codecs=Markup(_codecs(facts)),
    )


def write_page(checked: Checked, name: str, path: Path) -> Path:
    """Write the page of a corpus that was checked, under the corpus's name."""
    page = _PAGES.get_template("health_page.html").render(
        policy=Markup(look.POLICY),
        name=clean(name),
        css=Markup(look.TABLE_CSS + CSS),
        heading=counted(len(checked.problems), "problem") if checked.problems else "No problem",
        checked=checked,
        section=Markup(section(checked.facts)),
    )
    write_atomically(path, lambda part: part.write_text(page, encoding="utf-8"))
    return path


def _sums(facts: Facts) -> list[tuple[str, str]]:
    sums = [
        (str(len(facts.films)), "films"),
        (hours(sum(f.seconds for f in facts.films)), "of film"),
        (str(sum(len(f.tracks) for f in facts.films)), "tracks"),
        (hours(sum(f.music_seconds for f in facts.films)), "of music"),
        (str(len(facts.labels().columns)), "genres"),
        (str(sum(f.cues for f in facts.films)), "annotated cues"),
    ]
    return sums + [(str(facts.not_owned), "films not owned")] * bool(facts.not_owned)


def called(facts: FilmFacts) -> str:
    """A film's name for readers."""
    film = facts.film
    return clean(f"{film.title or film.id} ({film.year})" if film.year else film.title or film.id)


def _genres(counts: pd.DataFrame, films: int) -> str:
    table = counts.assign(share=counts["films"] / films)[["genre", "films", "share", "alone", "without", "detectable"]]
    names = {"alone": "with it alone", "without": "films without", "detectable": "smallest difference to be found (SD)"}
    caption = (
        "Films by genre; a film may have several. The last column says how large a difference between films with and "
        "without the genre must be to be found in four of five such corpora (t-test, 5 %, no correction); none is "
        "given with fewer than ten films on either side."
    )
    formats = {"share": "{:.0%}", names["detectable"]: "{:.2f}"}
    return look.html_table(table.rename(columns=names), caption=caption, formats=formats)


def _together(counts: pd.DataFrame) -> str:
    """Genres that come together; the darker, the larger the share of the row's films."""
    head = "".join(f'<th scope="col">{html(g)}</th>' for g in counts.columns)
    rows = []
    for genre, line in counts.iterrows():
        cells = []
        for other, films in line.items():
            depth = 0.0 if other == genre else 0.6 * (films / max(1, line[genre]))
            cells.append(f'<td style="background: rgb(0 114 178 / {depth:.2f})">{films}</td>')
        rows.append(f'<tr><th scope="row">{html(genre)}</th>{"".join(cells)}</tr>')
    caption = (
        "Films that have both genres; colour: share of the films of the row. Genres that always come together cannot "
        "be told apart."
    )
    return (
        f'<table class="filmlens together"><caption>{html(caption)}</caption><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _missing(facts: Facts) -> list[str]:
    """What films lack, each lack once with its films."""
    lacks: dict[str, list[str]] = {}
    for film in facts.films:
        for lack in film.missing:
            lacks.setdefault(lack, []).append(called(film))
    lines = [f"{lack}: {_some(films)}" for lack, films in lacks.items()]
    bare = [called(f) for f in facts.films if not f.cues]
    if bare:
        lines.append(f"annotated cues: {_some(bare) if len(bare) < len(facts.films) else 'every film'}")
    return lines + [f"{counted(facts.not_owned, 'film')} of the table without a file"] * bool(facts.not_owned)


def _shared(facts: Facts) -> list[str]:
    names = {f.film.id: called(f) for f in facts.films}
    return [
        clean(f"{', '.join(names[i] for i in ids)}: {counted(len(tracks), 'recording')} ({_some(tracks)})")
        for ids, tracks in facts.shared.items()
    ]


def _some(names: list[str]) -> str:
    """Names, not all of many."""
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _films(facts: Facts) -> str:
    films, infos = facts.films, [f.info or MediaInfo(0.0) for f in facts.films]
    columns = {  # a line may break after a comma only
        "film": [called(f) for f in films],
        "genres": [", ".join(f.film.genres) for f in films],
        "minutes": [f.seconds / 60 for f in films],
        "picture": [
            f"{i.width}\u00a0×\u00a0{i.height}, {i.fps:.3g}\u00a0fps" if i.has_pictures else "–" for i in infos
        ],
        "sound": [f"{i.sample_rate / 1000:g}\u00a0kHz, {i.channels}\u00a0ch" if i.has_sound else "–" for i in infos],
        "tracks": [len(f.tracks) for f in films],
        "minutes of music": [f.music_seconds / 60 for f in films],
        "annotated cues": [f.cues for f in films],
        "missing": [", ".join(f.missing) or "–" for f in films],
    }
    minutes = "{:.0f}" if any(f.seconds > 1800 for f in films) else "{:.1f}"
    formats = {"minutes": minutes, "minutes of music": minutes}
    return look.html_table(pd.DataFrame(columns), caption="Every film and its files.", formats=formats)


def _codecs(facts: Facts) -> str:
    """How films and tracks are stored."""
    counts: Counter[tuple[str, str]] = Counter()
    for film in facts.films:
        if film.info:
            stored = " + ".join(filter(None, (film.info.picture_codec, film.info.sound_codec)))
            counts["films", f"{film.info.container}: {stored}"] += 1
        counts.update(("tracks", track.stored) for track in film.tracks.values() if track)
    rows = [(kind, stored, number) for (kind, stored), number in sorted(counts.items())]
    caption = "Containers and codecs, as FFmpeg names them."
    return look.html_table(pd.DataFrame(rows, columns=["of", "stored as", "files"]), caption=caption)
