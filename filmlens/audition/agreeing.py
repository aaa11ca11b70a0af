"""How far the annotators of a corpus agree, and where they differ: what ``filmlens agreement`` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from filmlens.audition.adjudicating import Adjudication
from filmlens.audition.scene import length, stamped_cues
from filmlens.corpus import Corpus, CorpusError
from filmlens.look import write_csv
from filmlens.verdicts.agreement import agreement


def disagreements(corpus: Corpus) -> pd.DataFrame:
    """Cues on which annotators differ: film_id, start, end, track, why, decided.

    It is what `AuditionCorpus` takes as ``queue=``.
    """
    rows = []
    for film in corpus:
        for matter in Adjudication(film, stamped_cues(corpus, film)[0], 0.0).matters().values():
            if matter.why and matter.versions:
                cue = matter.decided if matter.stamped else matter.first
                rows.append(
                    (film.id, cue["start"], cue["end"], cue["track"] or cue["name"], matter.why, matter.settled)
                )
    return pd.DataFrame(rows, columns=["film_id", "start", "end", "track", "why", "decided"])


def agreement_of(corpus: Corpus, **settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Agreement of the annotators on the cues that the stamper left on disk: see `filmlens.verdicts.agreement`.

    Raises `CorpusError` when no film was judged by two annotators.
    """
    sheets = {film.id: stamped_cues(corpus, film) for film in corpus}
    cues = pd.concat([cues.assign(film_id=film_id) for film_id, (cues, _) in sheets.items()], ignore_index=True)
    found = agreement(corpus, cues, lambda film_id: length(corpus[film_id], sheets[film_id][1]), **settings)
    if found[0].empty:
        raise CorpusError(
            f"{corpus.folder / 'verdicts'}: no film was judged by two annotators; each judges with "
            "`filmlens audition CORPUS --who NAME`"
        )
    return found


def agreement_report(corpus: Corpus, out: Path | None = None) -> list[str]:
    """What `filmlens agreement` says, a line for each number, or why there is none; with `out` the tables as CSV."""
    (seconds, edges), differ = agreement_of(corpus), disagreements(corpus)
    lines = [*_of_seconds(seconds), *_of_edges(edges)]
    left = int((~differ["decided"].astype(bool)).sum())
    lines.append(f"{len(differ)} disagreements, {left} of them not decided")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, table in (("agreement", seconds), ("edges", edges), ("disagreements", differ)):
            write_csv(table, out / f"{name}.csv")
        lines.append(f"written to {out}")
    return lines


def _of_seconds(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        said = [
            f"{name} {row[name]:.2f}" + (f" [{row[low]:.2f}, {row[high]:.2f}]" if row[low] == row[low] else "")
            for name, low, high in (("kappa", "low", "high"), ("alpha", "alpha_low", "alpha_high"))
            if row[name] == row[name]
        ]
        of = f"{row['seconds']:.0f} s, the same in {row['same']:.0%}" if row["seconds"] else "0 s"
        of += f", {row['prevalence']:.0%} {row['commonest']}" if row["commonest"] else ""
        yield f"{row['film_id']}, {row['who']}, {row['of']}: {', '.join([*said, of])}{_note(row)}"


def _of_edges(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        known = row["median"] == row["median"]
        said = f"median {row['median']:.2f} s, 90 % within {row['p90']:.2f} s, " if known else ""
        of = f"{row['cues']} cues that both have, {row['unpaired']} that one alone has"
        yield f"{row['film_id']}, {row['who']}, {row['edge']} of cues: {said}{of}{_note(row)}"


def _note(row: dict) -> str:
    return f" ({row['note']})" if row["note"] else ""
