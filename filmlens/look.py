"""The house style: genre order and colours, matplotlib settings, saving figures and tables.

Every picture and table of FilmLens goes through this room, so that a genre has one colour everywhere,
a figure says which version, profile and seed made it, and a second run writes the same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from filmlens import text

#: The paper's six genres, in the order of every table, bar and timeline.
GENRES = ("Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi")

# Okabe and Ito's palette: distinct under the common colour-vision deficiencies.
_PALETTE = (
    "#D55E00",
    "#E69F00",
    "#0072B2",
    "#404040",
    "#CC79A7",
    "#009E73",
    "#56B4E9",
    "#8A7A00",
    "#7B3FA0",
    "#999999",
)

#: Colours of tracks, no genre's among them: any two are 34 apart in CIELAB, also as deuteranopes and protanopes see
#: them, and stand out from white and from black. Repeated when there are more.
_OF_TRACKS = ("#5AB4C3", "#695A00", "#7878FF", "#C3A500", "#785A5A", "#6900FF", "#C3A578", "#3C5A96")

#: Colours of unordered categories.
TRACK_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A7A00", "#7B3FA0", "#666666")


def use_style() -> None:
    """Apply the house style to matplotlib and pandas for this process."""
    import matplotlib as mpl

    mpl.rcParams.update(_style())
    pd.set_option("display.html.use_mathjax", False)


def _style() -> Mapping:
    from matplotlib import rc_params_from_file

    return rc_params_from_file(Path(__file__).with_suffix(".mplstyle"), use_default_template=False)


def genre_order(genres: Iterable[str]) -> list[str]:
    """Genres in the paper's order, others after them alphabetically.

    >>> genre_order({"Western", "Horror", "Action"})
    ['Action', 'Horror', 'Western']
    """
    given = set(genres)
    return [g for g in GENRES if g in given] + sorted(given - set(GENRES))


def genre_colors(genres: Iterable[str]) -> dict[str, str]:
    """One colour per genre; the paper's six keep theirs whatever else is there.

    >>> genre_colors(["Horror"])["Horror"]
    '#404040'
    """
    fixed = dict(zip(GENRES, _PALETTE, strict=False))
    others = [g for g in genre_order(genres) if g not in fixed]
    spare = _PALETTE[len(GENRES) :]
    return {g: fixed.get(g) or spare[others.index(g) % len(spare)] for g in genre_order(genres)}


def track_colors(tracks: Iterable[str]) -> dict[str, str]:
    """One colour per track of a soundtrack; give all of its tracks, so that each has the same one wherever it is drawn.

    >>> track_colors(["Theme", "Chase"])["Chase"] == track_colors(["Chase", "Theme", "Waltz"])["Chase"]
    True
    """
    return {track: _OF_TRACKS[i % len(_OF_TRACKS)] for i, track in enumerate(sorted(set(map(str, tracks))))}


def html_table(
    table: pd.DataFrame,
    *,
    caption: str = "",
    formats: Mapping[str, str | Callable] | None = None,
    bold: pd.DataFrame | None = None,
    index: bool = False,
    heading: Callable[[str], str] = str,
) -> str:
    """A table as HTML in which every cell is escaped text, under a plain `caption`.

    `formats` are by column: ``"{:.2f}"``, or a function. Other floats get three decimals, and p values (columns ``p``
    and ``p_...``) are written as `p_value` does. Missing values show as an en dash, truth values as yes or no. `bold`
    has the labels of the table and says which cells are set in bold; `index` shows the index as the first column, and
    `heading` gives what a reader calls a column.

    >>> rows = html_table(pd.DataFrame({"n": [11], "p": [2e-5], "delta": [-0.41]}))
    >>> [cell in rows for cell in ("&lt;.001", ">-0.410<", ">11<")]
    [True, True, True]
    """
    formats = dict(formats or {})
    if index:
        table = table.rename_axis(table.index.name or "").reset_index()
    numeric = {c: pd.api.types.is_numeric_dtype(table[c]) and table[c].dtype != bool for c in table.columns}

    def cell(column: object, value: object) -> str:
        how = formats.get(column)
        if not isinstance(value, (list, tuple, dict)) and pd.isna(value):
            return "–"
        if callable(how):
            return text.html(how(value))
        if how:
            return text.html(how.format(value))
        if pd.api.types.is_bool(value):
            return "yes" if value else "no"
        if isinstance(value, float):
            return text.html(p_value(value) if column == "p" or str(column).startswith("p_") else f"{value:.3f}")
        return text.html(value)

    head = "".join(f"<th{' class=num' if numeric[c] else ''}>{text.html(heading(str(c)))}</th>" for c in table.columns)
    rows = []
    for i, row in enumerate(table.itertuples(index=False)):
        cells = []
        for column, value in zip(table.columns, row, strict=True):
            shown = cell(column, value)
            if bold is not None and column in bold.columns and bool(bold.iloc[i][column]):
                shown = f"<b>{shown}</b>"
            cells.append(f"<td{' class=num' if numeric[column] else ''}>{shown}</td>")
        rows.append("<tr>" + "".join(cells) + "</tr>")
    note = f"<caption>{text.html(caption)}</caption>" if caption else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table class="filmlens tex2jax_ignore">{note}{body}</table>'


def p_value(p: float) -> str:
    """A p value as it is shown: with more digits where three would put it on the level that it lies under or over.

    >>> p_value(0.00004), p_value(0.0312), p_value(0.009962), p_value(0.05)
    ('<.001', '.031', '.00996', '.050')
    """
    on_level = round(p, 3) in (0.01, 0.05) and abs(p - round(p, 3)) > 5e-6
    return "<.001" if p < 0.001 else f"{p:.{5 if on_level else 3}f}".removeprefix("0")


def clock(seconds: float) -> str:
    """A moment of a film as a reader writes it: minutes and seconds, with hours where there are any.

    >>> clock(75.4), clock(3675), clock(float("nan"))
    ('1:15', '1:01:15', '–')
    """
    if seconds != seconds:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


#: In the head of every page that is written: it runs no script and asks no other machine for anything.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; img-src 'self' data:; media-src 'self' data:; font-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'\">"
)

TABLE_CSS = """
table.filmlens { border-collapse: collapse; font: 14px/1.4 system-ui, sans-serif; margin: 1em 0 }
table.filmlens caption { text-align: left; padding: .4em 0; max-width: 60em }
table.filmlens th, table.filmlens td { padding: .25em .7em; border-bottom: 1px solid #8884 }
table.filmlens th, table.filmlens td { text-align: left !important }
table.filmlens thead th { border-bottom: 2px solid #888 }
table.filmlens .num { text-align: right !important; font-variant-numeric: tabular-nums }
"""


class Shown:
    """HTML that a notebook shows at the end of a cell."""

    def __init__(self, html: str):
        self._html = html

    def _repr_html_(self) -> str:
        return self._html


def page_part(html: str) -> str:
    """HTML with the house's table style before it, for a notebook's output."""
    return f"<style>{TABLE_CSS}</style>{html}"


def footer(*, version: str, profile: str, seed: int, synthetic: bool) -> str:
    """What stands under every figure and table: who made it, and whether its corpus is real.

    >>> footer(version="0.1.0", profile="quick", seed=0, synthetic=True)
    'FilmLens 0.1.0 · quick profile · seed 0 · synthetic corpus'
    """
    words = [f"FilmLens {version}", f"{profile} profile", f"seed {seed}"]
    return " · ".join(words + ["synthetic corpus"] * synthetic)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Numbers behind a figure: six significant digits, so that rounding noise of a machine does not show."""
    text.defused(table).to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def save_figure(fig, name: str, data: pd.DataFrame, *, folder: Path, footer: str) -> None:
    """Write ``name.png``, ``name.svg`` and the plotted numbers as ``name.csv``, the same bytes for the same input.

    The folder is made when missing; `footer` is set small under the figure.
    """
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    for legend in fig.legends:
        # a tight box moves what hangs on the figure's own box, but not what hangs on its coordinates
        if legend.get_bbox_to_anchor() is fig.bbox:
            legend.set_bbox_to_anchor((0, 0, 1, 1), transform=fig.transFigure)
    fig.draw_without_rendering()  # a layout is only settled by drawing
    drawn = fig.get_tightbbox().transformed(fig.dpi_scale_trans - fig.transFigure)
    bottom = drawn.y0 - 0.04 / fig.get_figheight()
    fig.text(drawn.x1, bottom, footer, ha="right", va="top", fontsize=7, color="#666666")
    with mpl.rc_context(_style()):
        for ending, about in {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}.items():
            fig.savefig(folder / f"{name}.{ending}", bbox_inches="tight", pad_inches=0.15, metadata=about)
    write_csv(data, folder / f"{name}.csv")


def save_table(table: pd.DataFrame, name: str, *, folder: Path, footer: str, caption: str, shown=None, **how) -> None:
    """Write ``name.csv`` and ``name.html`` (a page of its own, every cell escaped; of the table `shown`, if given)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(table, folder / f"{name}.csv")
    body = html_table(table if shown is None else shown, caption=caption, **how)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{POLICY}<title>{text.html(caption)}</title>'
        f"<style>:root {{ color-scheme: light dark }}{TABLE_CSS}</style>{body}"
        f"<p><small>{text.html(footer)}</small></p></html>\n"
    )
    (folder / f"{name}.html").write_text(page, encoding="utf-8")
