"""What the weights of every learned feature set share: how they are named, hashed and refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another network; says what to do."""


def named(variable: str, what: str) -> Path | None:
    """The file that an environment variable names, or None when it is unset; WeightsError when it names no file."""
    value = os.environ.get(variable)
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; {variable} must name {what}, or be unset")
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
