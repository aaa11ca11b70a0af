"""Cues for annotators' programs: ELAN, Praat, Sonic Visualiser, TiLiA, Audacity, WebVTT; `read_cues` reads them again.

Cues that overlap lie on tiers or levels of their own, where a program knows such. ELAN's and Praat's files are written
by their libraries (pympi, praatio).
"""

import csv
import io
import mimetypes
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

import pandas as pd

from filmlens import text as text_
from filmlens.audition.timecode import clock
from filmlens.audition.timeline import lanes
from filmlens.corpus import Film
from filmlens.media.apart import apart
from filmlens.media.container import MediaError, probe

_RATE = 48_000  # frames of a layer, where the film's sound cannot be read


def audacity(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Audacity labels: start, end and track between tabs."""
    names = map(text_.clean, cues["track"])
    rows = zip(cues["start"], cues["end"], names, strict=True)
    return "".join(f"{start:.6f}\t{end:.6f}\t{name}\n" for start, end, name in rows)


def elan(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """ELAN (.eaf): the tiers Cues 1, Cues 2, ..., with the film linked; in whole milliseconds, as is all of ELAN."""
    from pympi import Elan

    file = Elan.Eaf(author="FilmLens")
    file.adocument["DATE"] = "1970-01-01T00:00:00+00:00"  # the same cues give the same file
    file.add_linked_file(film.film.absolute().as_uri(), mimetype=mimetypes.guess_type(film.film.name)[0] or "video/*")
    for tier, rows in _tiers(cues):
        file.add_tier(tier)
        for start, end, name in rows:
            file.add_annotation(tier, round(start * 1000), round(end * 1000), text_.xml(name))
    file.remove_tier("default")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Elan.to_string(file)}\n'


def textgrid(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Praat's TextGrid in its long form: the tiers Cues 1, Cues 2, ..."""
    from praatio.utilities import textgrid_io

    end = float(max([duration, *cues["end"]]))
    span = {"xmin": 0.0, "xmax": end}
    tiers = []
    for tier, rows in _tiers(cues):
        entries = [(a, b, text_.clean(name)) for a, b, name in rows]
        tiers.append(span | {"class": "IntervalTier", "name": tier, "entries": entries})
    return textgrid_io.getTextgridAsStr(span | {"tiers": tiers}, "long_textgrid", True)


def layer(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Sonic Visualiser's layer of regions (.svl), in frames of the film's sound."""
    try:
        rate = apart(probe, film.film).sample_rate or _RATE
    except MediaError:
        rate = _RATE
    root = ElementTree.Element("sv")
    data, display = ElementTree.SubElement(root, "data"), ElementTree.SubElement(root, "display")
    about = {"id": "1", "name": "Cues", "sampleRate": str(rate), "start": "0", "end": str(round(duration * rate))}
    about |= {"type": "sparse", "dimensions": "3", "resolution": "1", "notifyOnAdd": "true", "dataset": "2"}
    about |= {"subtype": "region", "valueQuantization": "0", "minimum": "0", "maximum": "1", "units": ""}
    ElementTree.SubElement(data, "model", about)
    points = ElementTree.SubElement(data, "dataset", {"id": "2", "dimensions": "3"})
    for row in cues[["start", "end", "track"]].itertuples(index=False):
        first, last = round(row.start * rate), round(row.end * rate)
        point = {"frame": str(first), "value": "0", "duration": str(last - first), "label": text_.xml(row.track)}
        ElementTree.SubElement(points, "point", point)
    ElementTree.SubElement(display, "layer", {"id": "3", "type": "regions", "name": "Cues", "model": "1"})
    ElementTree.indent(root)
    said = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n{said}\n'


def regions(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Sonic Visualiser's layer of regions as text: time, value, duration and label in seconds."""
    rows = zip(cues["start"], cues["end"], cues["track"], strict=True)
    lines = [(f"{start:.9f}", 0, f"{end - start:.9f}", name) for start, end, name in rows]
    return csv_text([("TIME", "VALUE", "DURATION", "LABEL"), *lines])


def tilia(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """TiLiA's table of hierarchies: start, end, level and label; cues that overlap lie on levels of their own."""
    rows = [
        (f"{start:.6f}", f"{end:.6f}", level, name)
        for level, (_, lane) in enumerate(_tiers(cues), start=1)
        for start, end, name in lane
    ]
    return csv_text([("start", "end", "level", "label"), *rows])


def webvtt(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """Subtitles that name the track while it plays."""
    blocks = ["WEBVTT\n"]
    for number, cue in enumerate(cues.to_dict("records"), start=1):
        times = f"{clock(cue['start'], 3)} --> {clock(cue['end'], 3)}"
        blocks.append(f"{number}\n{times}\n♪ {text_.webvtt(cue['track'])}\n")
    return "\n".join(blocks)


def _tiers(cues: pd.DataFrame) -> list[tuple[str, list[tuple[float, float, str]]]]:
    """Cues 1, Cues 2, ...: the lanes of the cues, each row start, end and track; one is empty where there is no cue."""
    rows = list(zip(cues["start"].astype(float), cues["end"].astype(float), cues["track"].astype(str), strict=True))
    return [(f"Cues {n}", [rows[i] for i in lane]) for n, lane in enumerate(lanes(cues) or [[]], start=1)]


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of files by their names; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in files.items():
            box.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def csv_text(rows: Iterable[Sequence]) -> str:
    """Rows as comma-separated text, in which no name is a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([text_.cell(value) for value in row] for row in rows)
    return out.getvalue()
