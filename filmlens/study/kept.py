"""What was gathered from the many artefacts of a corpus, kept until one of them changes.

A file counts as the same when the system gives it the same size, the same two times (of its content, and of any change
at all) and the same number on the disk: whatever writes to it moves one of them.
"""

import os
from contextlib import suppress
from pathlib import Path

from filmlens import __version__
from filmlens.artefacts import digest
from filmlens.corpus import Corpus
from filmlens.stages.staleness import LEDGERS

#: Folder under ``derived/`` of what was gathered.
FOLDER = "gathered"
#: Folders there of which nothing is gathered.
_ASIDE = {FOLDER, LEDGERS, "tracks", "peaks"}


def state_of(corpus: Corpus) -> str:
    """Hash of all that tables are gathered from: films.csv, every artefact, verdicts, and the films' files."""
    parts = [__version__, corpus.films.to_csv(index=False), str(corpus.shared)]
    folders = [corpus.folder / "verdicts"]
    with suppress(OSError):
        folders += sorted(path for path in corpus.derived.iterdir() if path.name not in _ASIDE and path.is_dir())
    for folder in folders:
        parts.append(folder.name)
        with suppress(OSError), os.scandir(folder) as entries:
            parts += sorted(f"{entry.name}\0{identity(entry)}" for entry in entries)
    parts += [str(identity(path)) for film in corpus for path in (film.film, film.annotation) if path]
    return digest("\n".join(parts).encode(errors="surrogatepass"))


def identity(path: Path | os.DirEntry) -> tuple[int, int, int, int]:
    """Size, times (ns) of content and of change, and number of a file; (-1, 0, 0, 0) when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return -1, 0, 0, 0
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
