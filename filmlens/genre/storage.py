"""Cross-validations on disk: arrays as npz, the rest as JSON, never pickle; written aside and renamed."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import artefacts

_FORMAT = 1
_FOLDS = "folds."
_CUES = "cues."


class Stored:
    """Saving and loading of a dataclass of arrays, tuples and plain values."""

    def save(self, path: str | Path) -> Path:
        """Write `path`.npz, and `path`.json, which names it by its hash; gives the path without ending."""
        path = _stem(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays, plain = {}, {"format": _FORMAT}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif isinstance(value, pd.DataFrame):
                arrays |= {f"{_CUES}{c}": _plain_array(value[c]) for c in value.columns}
            elif field.name == "folds":
                arrays |= {f"{_FOLDS}{name}": array for name, array in value.items()}
            else:
                plain[field.name] = value
        box = io.BytesIO()
        np.savez_compressed(box, **arrays)
        data = box.getvalue()
        artefacts.write_atomically(_ending(path, ".npz"), lambda part: part.write_bytes(data))
        artefacts.write_json(_ending(path, ".json"), plain | {"npz_sha256": hashlib.sha256(data).hexdigest()})
        return path

    @classmethod
    def load(cls, path: str | Path):
        """Read what `save` wrote.

        FileNotFoundError if one of the two files is missing; ArtefactError if they are damaged, do not belong together
        or come from another format.
        """
        path = _stem(path)
        about, data = _ending(path, ".json"), _ending(path, ".npz")
        for file in (about, data):
            if not file.exists():
                raise FileNotFoundError(f"{file} is missing; cross-validate again")
        plain = artefacts.read_json(about)
        if plain.pop("format", None) != _FORMAT:
            raise artefacts.ArtefactError(f"{about} has another format; cross-validate again")
        if hashlib.sha256(data.read_bytes()).hexdigest() != plain.pop("npz_sha256", None):
            raise artefacts.ArtefactError(f"{data} does not belong to {about.name}; cross-validate again")
        with np.load(data, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        values = {f.name: arrays.get(f.name) for f in dataclasses.fields(cls)}
        values |= {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
        values["folds"] = {n.removeprefix(_FOLDS): a for n, a in arrays.items() if n.startswith(_FOLDS)}
        cues = {n.removeprefix(_CUES): a for n, a in arrays.items() if n.startswith(_CUES)}
        values["cues"] = pd.DataFrame(cues) if cues else None
        return cls(**values)


def stored_path(folder: str | Path, record: dict, *arrays: np.ndarray) -> Path:
    """Where the result of one configuration on one set of data lies: `<model>-<variant>-<hash>` in `folder`."""
    digest = hashlib.sha256(json.dumps([_FORMAT, record], sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    variant = record["parameters"].get("pooling") or record["parameters"].get("base")
    words = [record["model"], *([str(variant)] if variant else []), digest.hexdigest()[:16]]
    return Path(folder) / "-".join("".join(c if c.isalnum() or c == "_" else "_" for c in w) for w in words)


def _stem(path: str | Path) -> Path:
    path = Path(path)
    return path.with_suffix("") if path.suffix in (".npz", ".json") else path


def _ending(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _plain_array(column: pd.Series) -> np.ndarray:
    """Numbers as they are, everything else as text: npz without pickle holds no objects."""
    return column.to_numpy() if pd.api.types.is_numeric_dtype(column) else column.astype(str).to_numpy(dtype=np.str_)
