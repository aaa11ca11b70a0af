"""Thirty and more archives that mean harm, each made from a good one, and the word by which its refusal names it."""

import copy
import io
import json
import pickle
import stat
import struct
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MIB = 1 << 20


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as box:
        return {name: box.read(name) for name in box.namelist()}


def write(path: Path, files: dict, *, how=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as box, warnings.catch_warnings(action="ignore"):
        for name, content in files.items():
            box.writestr(name, content)
    return path


def parquet(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def changed(content: bytes, change) -> bytes:
    """A Parquet file with a changed table, its metadata as they were."""
    table = pq.read_table(io.BytesIO(content))
    frame = change(table.to_pandas())
    return parquet(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(table.schema.metadata))


def _set(column, value):
    return lambda t: t.assign(**{column: value})


def hostile(good: dict[str, bytes], folder: Path) -> Iterator[tuple[str, Path, str]]:
    """(what it is, the zip, a word of the message)"""
    first = sorted(n for n in good if n.startswith("derived/mir-cues/"))[0]
    frames, sheet = first.replace("mir-cues", "mir"), first.replace("mir-cues", "cues")

    def made(what: str, changes: dict, word: str, **how) -> tuple[str, Path, str]:
        return what, write(folder / f"{what}.zip", good | changes, **how), word

    # sizes
    yield made("bomb", {"csv/bomb.csv": bytes(100 * MIB)}, "would unpack to")
    yield made("bomb in parts", {f"csv/{k}.csv": bytes(20 * MIB) for k in range(4)}, "would unpack to")
    yield made("films bomb", {"films.csv": b"\n" * 40 * MIB}, "'films.csv' unpacks to")
    yield made("parquet bomb", {"derived/mir/x.parquet": bytes(100 * MIB)}, "'derived/mir/x.parquet' unpacks to")
    yield made("json bomb", {"provenance.json": b" " * 30 * MIB}, "'provenance.json' unpacks to")
    yield made("members", {f"csv/{k}.csv": b"" for k in range(21_000)}, "more than 20000 entries")
    path = write(folder / "directory.zip", good)
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = struct.pack("<I", 1 << 30)
    path.write_bytes(content)
    yield "directory", path, "more than 20000 entries"
    yield _overlapping(good, folder / "overlap.zip")
    path = write(folder / "lie.zip", good | {"csv/lie.csv": np.random.default_rng(0).bytes(MIB)})
    content = bytearray(path.read_bytes())
    at = content.rfind(b"csv/lie.csv") - 46  # its head in the directory
    content[at + 24 : at + 28] = struct.pack("<I", MIB // 2)
    path.write_bytes(content)
    yield "a size that lies", path, "damaged"

    # rows, columns, cells
    many = pa.table({"film_id": pa.nulls(20_000_000), "value": pa.nulls(20_000_000)})
    yield made("rows", {frames: parquet(many)}, f"{frames!r} has 20000000 rows")
    wide = pa.table({f"c{k}": [0.0] for k in range(5_000)})
    yield made("columns", {frames: parquet(wide)}, f"{frames!r} has 1 rows and 5000 columns")
    yield made("text rows", {"annotations/a.csv": b"start,end,track\n" + b"0,1,a\n" * 300_000}, "more than 200000 rows")
    yield made("text columns", {"films.csv": b"," * 100_000 + b"\n"}, "'films.csv' has more than")
    head = "film_id,title,year,genres,film,soundtrack\n"
    yield made("genres", {"films.csv": f"{head}a,A,1990,{'|'.join(map(str, range(900)))},,\n"}, "more than 200 genres")
    yield made("cell", {"films.csv": f"{head}a,{'A' * 100_000},1990,Drama,,\n"}, "a cell of more than")
    yield made("field", {"films.csv": f"{head}a,{'A' * 200_000},1990,Drama,,\n"}, "'films.csv' cannot be read")
    long = pa.table({"film_id": ["a" * MIB] * 200})
    yield made("a long text", {"cues.parquet": parquet(long)}, "'cues.parquet' has a text of more than")
    delta = parquet(long, use_dictionary=False, column_encoding={"film_id": "DELTA_BYTE_ARRAY"})
    yield made("prefixes", {"cues.parquet": delta}, "packed in an unusual way")
    big = parquet(pa.table({f"c{k}": np.zeros(150_000) for k in range(70)}), use_dictionary=False)
    yield made("memory", {"cues.parquet": big}, "needs more than 64 MB of memory")

    # what tables hold
    yield made("missing column", {first: changed(good[first], lambda t: t.drop(columns="tempo_mean"))}, "'tempo_mean'")
    yield made("missing key", {sheet: changed(good[sheet], lambda t: t.drop(columns="track"))}, "the column 'track'")
    yield made("1e308", {first: changed(good[first], _set("mode_mean", 1e308))}, "all bounds in the column 'mode_mean'")
    yield made(
        "infinity", {frames: changed(good[frames], _set("rms_std", np.inf))}, "all bounds in the column 'rms_std'"
    )
    yield made("time", {sheet: changed(good[sheet], _set("end", 1e9))}, "all bounds in the column 'end'")
    nothing = {n: changed(c, _set("mode_mean", np.nan)) for n, c in good.items() if n.startswith("derived/mir-cues/")}
    yield made("no number", nothing, "'derived/mir-cues' hold no number in the column 'mode_mean'")
    yield made("lists", {frames: parquet(pa.table({"film_id": [["a"] * 9]}))}, "of the kind list")
    yield made("structs", {frames: parquet(pa.table({"film_id": [{"a": 1}]}))}, "of the kind struct")
    twins = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["film_id", "film_id"])
    yield made("twins", {frames: parquet(twins)}, "two columns of one name")
    yield made("stranger", {"derived/other/a.parquet": good[frames]}, "not described in columns.csv")
    yield made("pickle", {frames: pickle.dumps(pd.DataFrame({"a": [1]}))}, f"{frames!r} is no whole Parquet file")
    yield made("cut", {frames: good[frames][: len(good[frames]) // 2]}, "is no whole Parquet file")
    yield made("footer", {frames: good[frames][:-8] + struct.pack("<I", 1 << 30) + b"PAR1"}, "a footer of")
    yield made("depth", {"provenance.json": b"[" * 200_000}, "'provenance.json' cannot be read")
    # a form that is read of people's own tables, and would be read past the bounds of the plain one
    sly = "sep=;\n" + head.replace(",", ";") + f"a;A;1990;{'|'.join(map(str, range(900)))};;\n"
    yield made("another mark", {"films.csv": sly}, "'films.csv' is no plain table")
    wide = (head + "a,A,1990,Drama,,\n").encode("utf-16-le")
    yield made("another coding", {"films.csv": head.encode() + wide}, "'films.csv' is no plain table")
    yield made("not utf-8", {"films.csv": head.encode() + b"a,caf\xe9,1990,Drama,,\n"}, "'films.csv' cannot be read")

    # how it is packed, and what is in it
    yield made("bzip2", {}, "packed in an unusual way", how=zipfile.ZIP_BZIP2)
    yield made("lzma", {}, "packed in an unusual way", how=zipfile.ZIP_LZMA)
    yield made("code", {"run.py": b"print()"}, "'run.py' is none of")
    yield made("model", {"derived/genre/x.npz": b"PK"}, "'derived/genre/x.npz' is none of")
    for what, name, word in (
        ("leaves", "../x.csv", "leaves its folder"),
        ("root", "/x.csv", "leaves its folder"),
        ("escape", "csv/\x1b[2J.csv", "leaves its folder"),
        ("long name", f"csv/{'x' * 500}.csv", "leaves its folder"),
    ):
        yield made(what, {name: b"x"}, word)
    link = zipfile.ZipInfo("annotations/a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    yield made("link", {link: b"/etc/passwd"}, "is a link")
    yield _locked(good, folder / "locked.zip")


def _overlapping(good: dict[str, bytes], path: Path) -> tuple[str, Path, str]:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in good.items():
            box.writestr(name, content)
        box.writestr("csv/0.csv", np.random.default_rng(0).bytes(MIB))
        for k in range(1, 30):
            twin = copy.copy(box.getinfo("csv/0.csv"))
            twin.filename = f"csv/{k}.csv"
            box.filelist.append(twin)
    return "overlap", path, "overlap"


def _locked(good: dict[str, bytes], path: Path) -> tuple[str, Path, str]:
    write(path, good)
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    return "locked", path, "packed in an unusual way"


#: Opens every archive named in a file, in one process, and writes what was said of each and what it took.
OPENER = """
import json, pathlib, re, sys, time
from filmlens.corpus.check import check
said = {}
for path in json.load(open(sys.argv[1])):
    begun = time.process_time()
    try:
        text = f"taken: {check(path)}"
    except ValueError as error:
        text = str(error)
    said[path] = [text, time.process_time() - begun]
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())  # of this program alone
print(json.dumps([said, int(peak.group(1)) / 1024]))
"""


def opened(paths: list[Path], folder: Path, python: str, timeout: float) -> tuple[dict, float]:
    """What opening each archive says and takes (s of CPU), and the memory that all of them needed (MiB)."""
    (folder / "paths.json").write_text(json.dumps([str(p) for p in paths]))
    words = [python, "-c", OPENER, str(folder / "paths.json")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=True)
    return tuple(json.loads(done.stdout))
