"""What the weights of every learned feature set share: how they are named, hashed and refused."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another network; says what to do."""


def named(variable: str, what: str, cached: Sequence[Path]) -> Path | None:
    """The file that an environment variable names, else the first of `cached` that is there, else None.

    Raises WeightsError when the variable names no file.
    """
    value = os.environ.get(variable)
    if not value:
        return next((path for path in cached if path.is_file()), None)
    path = Path(value).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; {variable} must name {what}, or be unset")
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
