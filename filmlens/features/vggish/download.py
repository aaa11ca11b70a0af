"""Fetching the published weights: resumed where it was broken off, kept only when size and SHA-256 are right."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from filmlens import __version__
from filmlens.artefacts import cache_folder
from filmlens.features.vggish import weights
from filmlens.features.weights import WeightsError, sha256

#: The public release, its size in bytes; its SHA-256 begins with what stands in the name.
URL = "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth"
SIZE = 288_567_937
PCA_URL = "https://storage.googleapis.com/audioset/vggish_pca_params.npz"
PCA_SIZE = 73_020
PCA_SHA = "4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d"

_BLOCK = 1 << 20
_ATTEMPTS = 3
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
    """Download a file, or return it when it is there already.

    Parameters
    ----------
    url : str
    folder : path, optional
        The user's cache by default; made when needed.
    size : int
        Bytes that the file must have.
    sha : str, optional
        The SHA-256 that it must have, or the beginning of it; what the name says behind its hyphen by default.
    progress : callable
        Is given the bytes that are there and those of the whole file.
    timeout : float
        Seconds without an answer after which an attempt is given up.

    Returns
    -------
    Path
        What was broken off lies beside it as ``.part`` and is continued by the next call.

    Raises
    ------
    WeightsError
        No network, another file at the address (such as a page of HTML), or a wrong hash, in which case nothing
        of it is kept.
    """
    folder = Path(folder) if folder is not None else cache_folder()
    name = url.rpartition("/")[2]
    sha = sha or _hash_in(name)
    target, part = folder / name, folder / f"{name}.part"
    if target.is_file() and target.stat().st_size == size:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    if part.is_file() and part.stat().st_size >= size:
        part.unlink()
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            _receive(url, part, size, progress, timeout)
        except (OSError, http.client.HTTPException) as failure:
            error = failure
            continue
        if part.stat().st_size == size:
            break
        error = WeightsError(f"the transfer ended after {part.stat().st_size:,} of {size:,} bytes")
    else:
        reason = " ".join(str(getattr(error, "reason", None) or error or "no answer").split())
        kept = part.stat().st_size if part.is_file() else 0
        again = f" ({kept:,} bytes are kept, the same command continues)" if kept else ""
        raise WeightsError(f"{url}: could not be fetched: {reason}{again}; {_REMEDY}") from error
    found = sha256(part)
    if not found.startswith(sha):
        part.unlink()
        raise WeightsError(f"{url}: has the SHA-256 {found[:12]}..., not {sha[:12]}...; removed. {_REMEDY}")
    os.replace(part, target)
    return target


def keep(file: str | Path, folder: str | Path | None = None) -> Path:
    """Copy weights that someone has brought into the user's cache, after they were read as VGGish's.

    Raises
    ------
    WeightsError
        When the file holds no such weights, or is damaged.
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


def _receive(url: str, part: Path, size: int, progress: Callable[[int, int], None], timeout: float) -> None:
    """Append what is missing to `part`, or write it anew when the server gives only the whole."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": f"filmlens/{__version__}"} | ({"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
        kind = answer.headers.get_content_type()
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        whole = have + int(length) if length else None
        if kind == "text/html" or (whole is not None and whole != size):
            part.unlink(missing_ok=True)
            raise WeightsError(
                f"{url}: the server sent {kind} of {whole or 'unknown'} bytes, not the file of {size:,}; {_REMEDY}"
            )
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read(_BLOCK):
                have += len(block)
                if have > size:
                    file.close()
                    part.unlink()
                    raise WeightsError(f"{url}: the server sent more than the {size:,} bytes of the file; {_REMEDY}")
                file.write(block)
                progress(have, size)
