"""Fetching a file: resumed where it was broken off, whole or not at all, with its hash where that is known."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from filmlens import __version__

_BLOCK = 1 << 20
_ATTEMPTS = 3


class DownloadError(ValueError):
    """A file that could not be fetched, or is another one; says what was met."""


def fetch(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    sha: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
    timeout: float = 30.0,
) -> Path:
    """Download a file to `target`, or return it when it is there already.

    What was broken off lies beside it as ``.part`` and is continued by the next call. `size` are the bytes that it must
    have, by default those that the server says, `sha` its SHA-256 or the beginning of it. `progress` is given the bytes
    that are there and those of the whole file (0 where the server does not say). An attempt is given up after `timeout`
    seconds without an answer.

    Raises `DownloadError` without a network, for another file at the address (such as a page of HTML), or a wrong hash,
    in which case nothing of it is kept.
    """
    part = target.with_name(f"{target.name}.part")
    if target.is_file() and size in (None, target.stat().st_size):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if size is not None and part.is_file() and part.stat().st_size >= size:
        part.unlink()
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            whole = _receive(url, part, size, progress, timeout)
        except (OSError, http.client.HTTPException) as failure:
            error = failure
            continue
        if part.stat().st_size == (whole or part.stat().st_size):
            break
        error = DownloadError(f"the transfer ended after {part.stat().st_size:,} of {whole:,} bytes")
    else:
        reason = " ".join(str(getattr(error, "reason", None) or error or "no answer").split())
        kept = part.stat().st_size if part.is_file() else 0
        again = f" ({kept:,} bytes are kept, the same command continues)" if kept else ""
        raise DownloadError(f"{url}: could not be fetched: {reason}{again}") from error
    if sha:
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(sha):
            part.unlink()
            raise DownloadError(f"{url}: has the SHA-256 {found[:12]}..., not {sha[:12]}...; removed")
    os.replace(part, target)
    return target


def _receive(
    url: str, part: Path, size: int | None, progress: Callable[[int, int], None], timeout: float
) -> int | None:
    """Append what is missing to `part`, or write it anew when the server gives only the whole; the whole's bytes."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": f"filmlens/{__version__}"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as refused:
        if have and refused.code == 416:  # nothing behind what is there: it is whole, or of another file
            if refused.headers.get("Content-Range", "") == f"bytes */{have}":
                return have
            part.unlink()
        raise
    with answer:
        kind = answer.headers.get_content_type()
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        length, have = answer.headers.get("Content-Length"), have if resumed else 0
        whole = have + int(length) if length else size
        if kind == "text/html" or (size is not None and whole != size):
            part.unlink(missing_ok=True)
            wanted = f"the file of {size:,}" if size is not None else "the file"
            raise DownloadError(f"{url}: the server sent {kind} of {whole or 'unknown'} bytes, not {wanted}")
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read(_BLOCK):
                have += len(block)
                if whole is not None and have > whole:
                    file.close()
                    part.unlink()
                    raise DownloadError(f"{url}: the server sent more than the {whole:,} bytes of the file")
                file.write(block)
                progress(have, whole or 0)
    return whole
