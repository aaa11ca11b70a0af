"""Are the computed tables of two derived folders equal to the last digit?

    python benchmarks/compare_derived.py OLD NEW

Tables are matched by recipe (stage, parameters of the whole chain, film), not by path, so that folders may be named
otherwise. Hashes of inputs and files are not compared, contents are. Ends with 1 when anything differs or is missing.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.artefacts import read_provenance, read_table


def recipes(derived: Path) -> dict[tuple[str, str, str], Path]:
    """Paths by table, parameters and film."""
    found = {}
    for path in sorted([*derived.glob("*/*.parquet"), *derived.glob("*/*.npz")]):
        provenance = read_provenance(path)
        if "recipe" not in provenance:
            continue  # kept fingerprints and waveforms
        table = path.parent.name.partition("@")[0]
        chosen = json.dumps(provenance.get("configuration", {}), sort_keys=True)
        subject = path.stem if provenance["recipe"]["stage"] not in CORPUS_STAGES else ""
        found[table, chosen, subject] = path
    return found


#: Stages whose file is named by its parameters.
CORPUS_STAGES = {"genre", "importance", "retrained", "cross-modal"}


def difference(old: Path, new: Path) -> str:
    """How two artefacts differ; empty when they do not."""
    if old.suffix == ".npz":
        with np.load(old) as a, np.load(new) as b:
            if set(a.files) != set(b.files):
                return f"arrays {sorted(set(a.files) ^ set(b.files))}"
            unequal = [n for n in a.files if a[n].dtype != b[n].dtype or not _same(a[n], b[n])]
            return f"arrays {unequal}" if unequal else ""
    a, b = read_table(old), read_table(new)
    if list(a.columns) != list(b.columns) or len(a) != len(b):
        return f"{a.shape} and {b.shape}"
    unequal = [c for c in a.columns if not _same(a[c].to_numpy(), b[c].to_numpy())]
    return f"columns {unequal}" if unequal else ""


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype.kind in "fc":
        return np.array_equal(a, b, equal_nan=True)
    return pd.Series(a).equals(pd.Series(b)) if a.ndim == 1 else np.array_equal(a, b)


def main(old: Path, new: Path) -> int:
    before, after = recipes(old), recipes(new)
    wrong = []
    for key, path in before.items():
        if key not in after:
            wrong.append(f"{path.relative_to(old)}: no table of this recipe in {new}")
        elif text := difference(path, after[key]):
            wrong.append(f"{path.relative_to(old)} and {after[key].relative_to(new)}: {text}")
    added = [str(after[key].relative_to(new)) for key in after if key not in before]
    print(f"{len(before)} tables before, {len(after)} after, {len(before) - len(wrong)} equal to the last digit")
    print(*[f"differs: {text}" for text in wrong], *[f"only after: {name}" for name in added], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
