"""A corpus in which every text that a user may write bites, and what to look for in the bytes that come out."""

import csv
import io
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

#: What each way out would take for code, a formula or a command. No slash and no |, so that it may name anything.
HTML = "<img src=x onerror=bite()><script>bite()<!--"
FORMULA = '=HYPERLINK("evil",1)+cmd\'A0'
TEX = r"$\frac{$ \input{x} %n & _a^ #1 ~"
MARKDOWN = "**b** [a](javascript:bite()) `c` ![i](evil.png)"
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b2J\r\n\u2028--> 00:00 \u202eltr\u2066"
EVERYTHING = f"{FORMULA} {HTML} {MARKDOWN} {TEX} {ESCAPES} שלום"
#: As a name of files, in which a slash, a leading dot and control characters have no place; one is not UTF-8.
NAME = f"=1+cmd {HTML} $x_1$ %n"
BYTES = NAME.encode() + " caf\xe9 \x92 [a](b) `c`".encode("latin-1") + b"\x1b[31m\x1b]0;owned\x07\n--> x\t"
GENRES = [f"={i}+1 {HTML} {MARKDOWN} $\\frac{{$ {i} \x1b[3{i}m\u202e" for i in range(8)]


def bite(source: Path, folder: Path) -> Path:
    """A copy of a synthetic corpus whose every text bites; it no longer says that it is synthetic."""
    shutil.copytree(source, folder)
    (folder / "planted.json").unlink(missing_ok=True)
    table = pd.read_csv(folder / "films.csv", dtype=str, keep_default_na=False)
    genres = sorted({g for cell in table["genres"] for g in cell.split("|") if g})
    rows = []
    for number, film in enumerate(table.to_dict("records")):
        film_id = f"{NAME} {number} שלום"
        music = _renamed(folder / film["soundtrack"])
        _annotation(folder / "annotations" / f"{film['film_id']}.csv", film_id, music)
        row = {k: EVERYTHING for k in film} | {k: film[k] for k in ("year", "film", "soundtrack")}
        row["genres"] = "|".join(GENRES[genres.index(g)] for g in film["genres"].split("|") if g)
        more = {name: f"{EVERYTHING} {number % 3}" for name in ("composer", "franchise")}
        more |= {"imdb_id": f"tt{number + 1:07d}", f"{FORMULA} {HTML} {ESCAPES}": EVERYTHING}
        rows.append(row | {"film_id": film_id, "picture_start": "1"} | more)
    pd.DataFrame(rows).to_csv(folder / "films.csv", index=False)
    (folder / "verdicts").mkdir(exist_ok=True)
    return folder


def named_by_people(folder: Path) -> tuple[Path, Path]:
    """Folders of films and of albums whose names bite."""
    for number in range(2):
        name = BYTES + str(number).encode() + b" (1999)"
        for path in (b"films/" + name + b".mkv", b"albums/" + name + b"/01.flac"):
            path = Path(os.fsdecode(os.fsencode(folder) + b"/" + path))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return folder / "films", folder / "albums"


def _renamed(soundtrack: Path) -> dict[str, str]:
    """Names of tracks, before and after, as FilmLens has them."""
    from filmlens.text import clean

    found = {}
    for number, path in enumerate(sorted(p for p in soundtrack.rglob("*") if p.is_file())):
        to = os.fsdecode(os.fsencode(path.parent) + b"/" + BYTES + str(number).encode() + path.suffix.encode())
        os.rename(path, to)
        old = path.relative_to(soundtrack).with_suffix("").as_posix()
        found[old] = clean(Path(to).relative_to(soundtrack).with_suffix("").as_posix())
    return found


def _annotation(path: Path, film_id: str, music: dict[str, str]) -> None:
    if path.is_file():
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table["track"] = table["track"].map(music)
        table[f"{HTML} {ESCAPES}"] = EVERYTHING
        table.to_csv(path.with_name(f"{film_id}.csv"), index=False)
        path.unlink()


def write_verdicts(folder: Path, cues: pd.DataFrame, who: str = "") -> None:
    """Judge the first cue of every film, with a note that bites; as an annotator, whose name is a folder."""
    (folder / "verdicts" / who).mkdir(exist_ok=True)
    for film_id, part in cues.groupby("film_id"):
        cue = part.iloc[0]
        row = {"track": cue["track"], "start": cue["start"], "end": cue["end"], "verdict": "corrected"}
        row |= {"new_track": EVERYTHING, "new_start": "", "new_end": "", "usage": "song"}
        row |= {"who": EVERYTHING, "when": EVERYTHING, "note": EVERYTHING, f"{FORMULA} {ESCAPES}": EVERYTHING}
        pd.DataFrame([row]).to_csv(folder / "verdicts" / who / f"{film_id}.csv", index=False)


def write_features(folder: Path, cues: pd.DataFrame) -> None:
    """Features of the user's own, whose columns bite."""
    from filmlens.features import own

    (folder / "features" / "bites").mkdir(parents=True)
    for film_id, part in cues.groupby("film_id"):
        table = part[["film_id", "cue"]].assign(time=part["start"] + 0.5)
        table[EVERYTHING], table[f"{FORMULA} {HTML}"] = part["end"], part["score"]
        table.attrs["cues"] = own.cue_hash(part)
        table.to_parquet(folder / "features" / "bites" / f"{film_id}.parquet")


def imdb(folder: Path, films: int) -> Path:
    """IMDb's table with titles that bite."""
    head = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
    title = re.sub(r"[\t\r\n\u2028]", " ", EVERYTHING)
    genres = ["Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi"]
    rows = [f"tt{k + 1:07d}\tmovie\t{title}\t{title}\t0\t1990\t\\N\t1\t{genres[k % 6]}\n" for k in range(films)]
    path = folder / "title.basics.tsv"
    path.write_text("".join([head, *rows, *(f"tt9{k}\tm\tx\tx\t0\t1990\t\\N\t1\t{g}\n" for k, g in enumerate(genres))]))
    return path


_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TAGS = {"img", "script", "iframe", "object", "embed", "link", "base", "form", "a"}


class _Page(HTMLParser):
    """Tags and attributes that no text of a user may have made."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.bites: list[str] = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            value = (value or "").strip().lower()
            if name.startswith("on") or value.startswith(("javascript:", "vbscript:")):
                self.bites.append(f"<{tag} {name}={value[:60]}")
            if name in ("src", "href", "srcset") and (value.startswith("evil") or value == "x"):
                self.bites.append(f"<{tag} {name}={value[:60]}")
        if tag == "script" and not dict(attrs).get("type", "").endswith("json"):
            self.bites.append("<script>")

    handle_startendtag = handle_starttag


def html_bites(page: str) -> list[str]:
    parser = _Page()
    parser.feed(page)
    return parser.bites


def csv_bites(text: str) -> list[str]:
    cells = (cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row)
    return [c for c in cells if re.match(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20].", c) and not _NUMBER.fullmatch(c)]


def markdown_bites(text: str) -> list[str]:
    return re.findall(r"<(?:img|script)|(?<!\\)\]\(javascript|(?<!\\)!\[i", text)


def tex_bites(text: str) -> list[str]:
    return re.findall(r"\\input|\\frac|(?<!\\)[%#]|\$(?!-\$)(?<!\\\$)(?<!\$-\$)", text)


def vtt_bites(text: str) -> list[str]:
    clock = r"\d+:\d\d:\d\d\.\d{3}"
    return [
        line
        for line in text.splitlines()
        if re.search(r"<(?:img|script)", line) or ("-->" in line and not re.fullmatch(f"{clock} --> {clock}", line))
    ]


def notebook_bites(text: str) -> list[str]:
    found = []
    for cell in json.loads(text)["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found += html_bites("".join(data.get("text/html", "")))
            found += markdown_bites("".join(data.get("text/markdown", "")))
            found += _OBEYED.findall("".join(output.get("text", "")) + "".join(data.get("text/plain", "")))
            found += [kind for kind in data if kind in ("application/javascript", "image/svg+xml", "text/latex")]
    return found


def workbook_bites(path: Path) -> list[str]:
    """Cells that a spreadsheet would run; texts that begin as one are marked as text for whoever edits them."""
    import openpyxl

    cells = [cell for row in openpyxl.load_workbook(path).active.iter_rows() for cell in row if cell.value is not None]
    begun = [c for c in cells if isinstance(c.value, str) and re.match(r"\s*[=+\-@].", c.value)]
    return [str(c.value) for c in cells if c.data_type == "f"] + [c.value for c in begun if not c.quotePrefix]


def xml_bites(text: str) -> list[str]:
    """What XML would define, fetch or take for markup that no writer of ours made."""
    from xml.etree import ElementTree

    named = {e.tag for e in ElementTree.fromstring(text).iter()}
    return re.findall(r"<!ENTITY|<!DOCTYPE[^>]*[\[\"'].*", text) + sorted(named & {"img", "script", "b"})


LOOKS = {
    ".eaf": xml_bites,
    ".svl": xml_bites,
    ".html": html_bites,
    ".svg": html_bites,
    ".csv": csv_bites,
    ".md": markdown_bites,
    ".tex": tex_bites,
    ".vtt": vtt_bites,
    ".ipynb": notebook_bites,
    ".json": lambda text: [] if json.loads(text) is not None else ["empty"],
}
LOOKS |= dict.fromkeys((".jams", ".otio"), LOOKS[".json"])


def bites(path: Path) -> list[str]:
    """What in a file that came out would be obeyed by the program that opens it."""
    if path.suffix == ".xlsx":
        return [f"{path.name}: {b}" for b in workbook_bites(path)]
    if path.suffix in (".parquet", ".npz", ".png", ".zip", ".lock"):
        return []  # read by programs that know data only
    text = path.read_bytes().decode("utf-8")  # what is not UTF-8 raises
    found = [] if path.suffix == ".ipynb" else [ascii(c) for c in _OBEYED.findall(text)]
    return [f"{path.name}: {b}" for b in found + LOOKS.get(path.suffix, lambda text: [])(text)]


def said_bites(text: str) -> list[str]:
    """What in the words of a command a terminal would obey."""
    return [ascii(c) for c in _OBEYED.findall(text)]
