"""One line per film about what was found (``filmlens stamp``, ``filmlens music``)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from filmlens.artefacts import read_provenance, read_table
from filmlens.stamper import intervals


def lines(tables: Mapping[str, Path], failed: Mapping[str, str]) -> Iterator[str]:
    """Per film: cues, seconds and share of the film with found music, speed, decoy seconds, what was passed over.

    Parameters
    ----------
    tables : mapping of film_id to the Parquet file of its cues
    failed : mapping of film_id to the error

    Examples
    --------
    >>> list(lines({"up": Path("missing.parquet")}, {"up": "up.mkv: no such file"}))
    ['up: failed: up.mkv: no such file']
    """
    for film_id, path in tables.items():
        if film_id in failed:
            yield f"{film_id}: failed: {failed[film_id]}"
        elif path.is_file():
            cues, notes = read_table(path), read_provenance(path).get("notes", {})
            seconds = intervals.length(cues[["start", "end"]].to_numpy())
            length = float(notes.get("duration", 0.0))
            words = [f"{film_id}: {len(cues)} cues, {seconds:.0f} s of music in {length:.0f} s"]
            words += [f"{100 * seconds / length:.0f} %"] if length else []
            words += [f"speed {notes.get('speed', 1.0):.4g}", f"decoys {notes.get('decoy_seconds', 0.0):.0f} s"]
            yield ", ".join(words)
            yield from (f"  {problem}" for problem in notes.get("problems", []))


def unidentified(tables: Mapping[str, Path], failed: Mapping[str, str]) -> Iterator[str]:
    """Per film: spans and seconds of unidentified music, the longest, and what returns, here or in other films.

    Parameters
    ----------
    tables : mapping of film_id to the Parquet file of its unidentified music
    failed : mapping of film_id to the error
    """
    for film_id, path in tables.items():
        if film_id in failed:
            yield f"{film_id}: failed: {failed[film_id]}"
        elif path.is_file():
            music = read_table(path)
            seconds = music["end"] - music["start"]
            words = [
                f"{film_id}: {len(music)} span{'s' * (len(music) != 1)} of unidentified music, {seconds.sum():.0f} s"
            ]
            if len(music):
                longest = music.loc[seconds.idxmax()]
                words.append(f"the longest from {longest['start']:.0f} to {longest['end']:.0f} s")
            returning = music["group"][music["group"] > 0].nunique()
            words += [f"{returning} returning piece{'s' * (returning > 1)}"] if returning else []
            yield ", ".join(words)
