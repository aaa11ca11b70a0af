"""Findings to hear: ten seconds of the film from the middle of each example cue, as a page's players or as files."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.artefacts import write_atomically
from filmlens.corpus import Corpus
from filmlens.findings import example_cues
from filmlens.look import clock
from filmlens.media.ab import excerpt
from filmlens.media.apart import apart
from filmlens.media.container import MediaError
from filmlens.names import reader_name
from filmlens.text import html

SECONDS = 10.0
_KINDS = ("typical", "contrary", "random")


def examples(
    vectors: pd.DataFrame, labels: pd.DataFrame, strongest: pd.DataFrame, sheet: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """`findings.example_cues` of `findings.strongest`, with each one's finding in words and its place in the film."""
    found = example_cues(vectors, labels, strongest, seed=seed)
    found["descriptor"] = found["descriptor"].map(reader_name)
    found["finding"] = found["genre"].map(dict(zip(strongest["genre"], strongest["sentence"], strict=True)))
    return found.merge(sheet[["film_id", "cue", "start", "end", "track"]], on=["film_id", "cue"])


def players(corpus: Corpus, examples: pd.DataFrame) -> str:
    """HTML with a player per example (finding, kind, film_id, cue, start, end, track), the sound inside the page.

    A shared corpus has no sound: its examples are only named.
    """
    sounds = {
        at: f"data:audio/ogg;base64,{base64.b64encode(sound).decode()}" for at, sound in _sounds(corpus, examples)
    }
    return _page(corpus, examples, sounds)


def write_excerpts(corpus: Corpus, examples: pd.DataFrame, folder: Path) -> str:
    """As `players`, with the sound in Ogg Opus files of `folder`, which the HTML names from the folder's parent."""
    return _page(corpus, examples, excerpt_files(corpus, examples, folder))


def excerpt_files(corpus: Corpus, cues: pd.DataFrame, folder: Path, name: str = "") -> dict[int, str]:
    """Write ten seconds of each cue as an Ogg Opus file; their addresses from `folder`'s parent, by number of the row.

    `cues` has film_id, start, end; `folder` is made when needed; the files' names begin with `name`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = {}
    for at, sound in _sounds(corpus, cues):
        path = folder / f"{name}{at:03d}.opus"
        write_atomically(path, lambda part, sound=sound: part.write_bytes(sound))
        sources[at] = f"{folder.name}/{path.name}"
    return sources


def _sounds(corpus: Corpus, examples: pd.DataFrame) -> Iterator[tuple[int, bytes]]:
    """Number of the row and sound of every example that can be read."""
    for at, cue in enumerate(examples.itertuples(index=False)):
        film = corpus[cue.film_id].sound
        if corpus.shared or not corpus[cue.film_id].film.is_file():
            continue
        middle = (cue.start + cue.end) / 2
        begin, end = max(cue.start, middle - SECONDS / 2), min(cue.end, middle + SECONDS / 2)
        try:
            yield at, apart(excerpt, film, begin, end)
        except (MediaError, ValueError):
            continue  # what failed was told when the film was measured


def _page(corpus: Corpus, examples: pd.DataFrame, sources: dict[int, str]) -> str:
    parts = []
    for finding, cues in examples.reset_index(drop=True).groupby("finding", sort=False):
        parts.append(f"<h4>{html(finding)}</h4>")
        for kind in _KINDS:
            for cue in cues[cues["kind"] == kind].itertuples():
                place = f", at {clock(cue.start)}" if np.isfinite(cue.start) else ""
                name = html(f"{kind}: {corpus[cue.film_id].title}, {cue.track}{place}")
                source = sources.get(cue.Index, "")
                player = f'<br><audio controls preload="none" src="{source}" aria-label="{name}"></audio>'
                parts.append(f"<p>{name}{player if source else ''}</p>")
    return "\n".join(parts)
