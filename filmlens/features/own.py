"""Features of the user: CORPUS/features/<name>/<film_id>.parquet, read by name and never written.

A table has the columns film_id, cue, time (seconds on the film's clock, as in the sheet of cues) and one column per
dimension; NaN is a missing value. It carries the hash of the cues that it was measured on, so that numbers of another
cue sheet are never taken for those of this one: `cue_hash` of the film's cues, as ``table.attrs["cues"]`` with pandas
or as the key ``cues`` in the metadata of the file::

    study = Study.open("my-films")
    for film_id, cues in study.table("sheet").groupby("film_id"):
        film, parts = study.corpus[film_id], []
        for piece in study.pieces(cues).itertuples():  # cues, or the segments of one
            samples, speed = cue_sound(film, piece, rate=48_000)
            times, values = embed(samples)  # (n,) seconds in the piece, (n, d)
            rows = pd.DataFrame(values).add_prefix("clap_")
            parts.append(rows.assign(film_id=film_id, cue=piece.cue, time=piece.start + times / speed))
        table = pd.concat(parts)
        table.attrs["cues"] = cue_hash(cues)
        table.to_parquet(own.path(film, "clap"))

Then ``filmlens run my-films --out out -p features clap`` trains on them.
"""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from filmlens.corpus import Film
from filmlens.features.sets import FEATURES
from filmlens.text import reason

KEYS = ("film_id", "cue", "time")
#: What FilmLens measures itself; no folder of the user's may have such a name.
TAKEN = (*FEATURES, "visual")
_NAME = re.compile(r"[A-Za-z0-9][\w.+]*")


class FeaturesError(ValueError):
    """A table of features that cannot be used; names the file, the column or cue, and the remedy."""


def names(folder: str | Path) -> list[str]:
    """Names of the features that lie in a corpus folder; FeaturesError when one has a name that cannot be asked for."""
    found = sorted({p.parent.name for p in (Path(folder) / "features").glob("*/*.parquet")})
    for name in found:
        check_name(name, Path(folder) / "features" / name)
    return found


def check_name(name: str, where: str | Path = "features") -> None:
    """Refuse a name that is taken, or that is no plain word of letters, digits, dots, plus signs and underscores."""
    if name in TAKEN or name.endswith("-cues"):
        raise FeaturesError(f"{where}: the name {name!r} is FilmLens's own; give the folder another")
    if not _NAME.fullmatch(name):
        raise FeaturesError(f"{where}: {name!r} is no name of features; use letters, digits, dots and underscores")


def path(film: Film, name: str) -> Path:
    """Where the features of a film lie."""
    check_name(name)
    return film.folder / "features" / name / f"{film.id}.parquet"


def cue_hash(cues: pd.DataFrame) -> str:
    """Hash of a film's cues: number, track, start and end to the microsecond, in order.

    >>> cue_hash(pd.DataFrame({"cue": [0], "track": ["Main Title"], "start": [5.0], "end": [20.0]}))
    'd35105ad1987ce30'
    """
    rows = cues.sort_values("cue")[["cue", "track", "start", "end"]].itertuples(index=False)
    text = json.dumps([[int(c), str(t), f"{s:.6f}", f"{e:.6f}"] for c, t, s, e in rows], ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def read(film: Film, name: str, cues: pd.DataFrame) -> pd.DataFrame:
    """Features of a film's cues, by cue and time: film_id, cue, time and the dimensions as floats.

    A film without cues needs no file. FeaturesError for whatever else cannot be used.
    """
    file = path(film, name)
    if not file.is_file():
        if cues.empty:
            return pd.DataFrame(columns=list(KEYS))
        raise FeaturesError(f"{file}: no such file; measure {name} for this film, or leave it out of features/")
    try:
        arrow = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise FeaturesError(f"{file}: cannot be read as Parquet ({reason(error)}); write it again") from error
    carried, expected = _carried_hash(arrow.schema.metadata or {}), cue_hash(cues)
    if carried != expected:
        said = f"was measured on other cues (hash {carried})" if carried else "does not say which cues it is of"
        raise FeaturesError(
            f"{file}: {said}; the cues of today have {expected}. Measure again on today's cues, and write "
            "own.cue_hash(cues) into the file as table.attrs['cues']"
        )
    table = arrow.to_pandas()
    missing = [key for key in KEYS if key not in table.columns]
    columns = [c for c in table.columns if c not in KEYS]
    if missing or not columns:
        raise FeaturesError(f"{file}: lacks {', '.join(missing) or 'any dimension'}; it needs film_id, cue, time, ...")
    wrong = [c for c in columns if not pd.api.types.is_numeric_dtype(table[c])]
    if wrong:
        raise FeaturesError(f"{file}: column {wrong[0]!r} holds no numbers; leave it out")
    first = min(file.parent.glob("*.parquet"))
    if pq.read_schema(first).names != arrow.column_names:
        raise FeaturesError(f"{file}: its columns are not those of {first.name}; all films need the same, in one order")
    strange = table.index[~table["cue"].isin(cues["cue"]) | (table["film_id"].astype(str) != film.id)]
    if len(strange):
        row = table.loc[strange[0]]
        raise FeaturesError(f"{file} row {strange[0]}: cue {row['cue']} of {row['film_id']} is none of {film.id}'s")
    values = table[columns].to_numpy(float)
    if np.isinf(values).any() or not np.isfinite(table["time"].to_numpy(float)).all():
        raise FeaturesError(f"{file}: holds an infinite value or a row without time; write NaN for a missing value")
    table = table[list(KEYS)].reset_index(drop=True).join(pd.DataFrame(values, columns=[str(c) for c in columns]))
    table = table.astype({"film_id": str, "cue": np.int64, "time": float})
    return table.sort_values(["cue", "time"], kind="stable", ignore_index=True)


def _carried_hash(metadata: dict[bytes, bytes]) -> str:
    """The hash of the cues in the metadata of a file: under its own key, or among the attributes of pandas."""
    if b"cues" in metadata:
        return metadata[b"cues"].decode("utf-8", "replace")
    for key in (b"PANDAS_ATTRS", b"pandas"):
        try:
            noted = json.loads(metadata.get(key, b"{}"))
        except ValueError:
            continue
        noted = noted.get("attributes", noted)
        if isinstance(noted, dict) and isinstance(noted.get("cues"), str):
            return noted["cues"]
    return ""
