"""Fetching the published weights: resumed where it was broken off, kept only when size and SHA-256 are right."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from filmlens import download
from filmlens.artefacts import cache_folder
from filmlens.features.vggish import weights
from filmlens.features.weights import WeightsError, sha256

#: The public release, its size in bytes; its SHA-256 begins with what stands in the name.
URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
SIZE = 288_567_937
PCA_URL = "https://storage.googleapis.com/audioset/vggish_pca_params.npz"
PCA_SIZE = 73_020
PCA_SHA = "4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d"

_REMEDY = f"fetch {URL} on another machine and give it with --file FILE, or name it by {weights.VARIABLE}=FILE"


def fetch(
    url: str = URL,
    folder: str | Path | None = None,
    *,
    size: int = SIZE,
    sha: str | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    timeout: float = 30.0,
) -> Path:
    """Download a file into a folder, the user's cache by default, or return it when it is there already.

    As `filmlens.download.fetch`; `sha` is what the name says behind its hyphen by default. Raises WeightsError for no
    network, another file at the address (such as a page of HTML), or a wrong hash, in which case nothing of it is kept.
    """
    folder = Path(folder) if folder is not None else cache_folder()
    name = url.rpartition("/")[2]
    sha = sha or _hash_in(name)
    try:
        return download.fetch(url, folder / name, size=size, sha=sha, progress=progress, timeout=timeout)
    except download.DownloadError as error:
        raise WeightsError(f"{error}; {_REMEDY}") from error


def keep(file: str | Path, folder: str | Path | None = None) -> Path:
    """Copy weights that someone has brought into the user's cache, after they were read as VGGish's.

    Raises WeightsError when the file holds no such weights, or is damaged.
    """
    file = Path(file)
    folder = Path(folder) if folder is not None else cache_folder()
    weights.load(file)
    published = file.stat().st_size == SIZE and sha256(file).startswith(_hash_in(weights.PUBLISHED))
    if file.name == weights.PUBLISHED and not published:
        raise WeightsError(f"{file}: is not the published file, whose size is {SIZE:,}; fetch it again or rename it")
    target = folder / (weights.PUBLISHED if published else f"vggish-own{file.suffix}")
    folder.mkdir(parents=True, exist_ok=True)
    if not published:
        for before in folder.glob("vggish-own.*"):
            before.unlink()
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(file, part)
    os.replace(part, target)
    return target


def _hash_in(name: str) -> str:
    """The beginning of the hash that a release writes into a file's name.

    >>> _hash_in("vggish-10086976.pth")
    '10086976'
    """
    found = re.search(r"-([0-9a-f]{8,64})\.", name)
    if not found:
        raise ValueError(f"{name}: no hash in the name; give sha")
    return found[1]
