"""Where the music stands in the films of a study, as notebook 01 and the report show it."""

import numpy as np
import pandas as pd

from filmlens.corpus import SHARED_MUSIC, marks
from filmlens.corpus.doubles import music_groups, shared_recordings
from filmlens.findings import placement as find
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough
from filmlens.study.study import Study

#: Columns of the table that is read, by those of `findings.placement`.
COLUMNS = {
    "title": "film",
    "seconds": "length",
    "first": "first music",
    "last": "last music ends",
    "without": "without music",
    "silence": "longest silence",
    "silence_start": "silence begins",
    "tracks": "tracks",
    "used": "used",
    "reused": "used again",
    "order": "album order kept",
}


def lengths(study: Study) -> dict[str, float]:
    """Seconds of every film that was stamped."""
    failed = study.failed("cues")
    return {film_id: study.length(film_id) for film_id in study.corpus.ids if film_id not in failed}


def placed(study: Study, cues: pd.DataFrame) -> pd.DataFrame:
    """`findings.placement` of every stamped film with its title and the order of its tracks (`album_order`)."""
    seconds = lengths(study)
    table = find.placement(cues, seconds).merge(find.album_order(used(study, cues)), on="film_id", how="left")
    table.insert(1, "title", [study.corpus[f].title or f for f in table["film_id"]])
    return table.assign(without=1 - table["covered"])


def used(study: Study, cues: pd.DataFrame) -> pd.DataFrame:
    """`findings.track_use` of every stamped film; the album's order is that of its names."""
    return find.track_use(cues, {film_id: list(study.corpus[film_id].tracks()) for film_id in lengths(study)})


def typical_moment(study: Study, cues: pd.DataFrame, film: str) -> tuple[str, float, float]:
    """Film, start and end of a cue of about median length, with a quarter of a minute before and after it.

    Without a cue the first minute of the film that was named, or of the first one.
    """
    cues = cues[cues["film_id"] == study.corpus[film].id] if film else cues
    if cues.empty:
        return film or study.corpus.ids[0], 0.0, 60.0
    seconds = cues["end"] - cues["start"]
    cue = cues.loc[seconds.sub(seconds.median()).abs().idxmin()]
    return cue["film_id"], max(0.0, cue["start"] - 15), cue["end"] + 15


def entries(study: Study, cues: pd.DataFrame) -> pd.DataFrame:
    """Entries against the cuts and the speech that the user's files tell, over films; empty where nothing is known.

    Columns: of, films, entries, share, chance (means over films), more (share minus chance) with low and high (95 %
    bootstrap over films; NaN below ten).
    """
    moments = [
        {f.id: found for f in study.corpus if (found := read(f)) is not None} for read in (marks.cuts, marks.speech)
    ]
    table = find.entries(cues, lengths(study), *moments)
    rows = []
    for kind, part in table.dropna(subset="share").groupby("of", sort=False):
        more, rng = (part["share"] - part["chance"]).to_numpy(), np.random.default_rng(study.seed)
        draws = film_weights(rng, len(part), study.n_boot) @ more / len(part)
        low, high = interval(draws) if enough(len(part)) else (np.nan, np.nan)
        means = part["share"].mean(), part["chance"].mean(), more.mean()
        rows.append((kind, len(part), int(part["entries"].sum()), *means, low, high))
    return pd.DataFrame(rows, columns=["of", "films", "entries", "share", "chance", "more", "low", "high"])


def in_several(study: Study, cues: pd.DataFrame) -> pd.DataFrame:
    """Stamped tracks whose recording is in the soundtracks of several films.

    Columns: recording (a number), film, track, cues (times it was stamped there; 0 where its film has it and was not
    found to play it). Only recordings that were stamped somewhere.
    """
    shared = shared_recordings(study.corpus)
    counts = cues.groupby(["film_id", "track"]).size().rename("cues").reset_index()
    table = shared.merge(counts, on=["film_id", "track"], how="left").fillna({"cues": 0}).astype({"cues": int})
    table = table[table.groupby("recording")["cues"].transform("sum") > 0].rename(columns={"film_id": "film"})
    return table.sort_values(["recording", "film"], ignore_index=True)[["recording", "film", "track", "cues"]]


def shared_music(study: Study) -> str:
    """A sentence for under Table 4 where films have recordings in common; empty where none have."""
    groups = music_groups(study.corpus)
    sizes = groups[groups != ""].value_counts(sort=False)
    if not len(sizes):
        return ""
    return (
        f" {int(sizes.sum())} films have recordings in common with another in their soundtracks; a model that is "
        f'trained on the one has heard the other. scheme="{SHARED_MUSIC}" holds such films out together.'
    )


def recall(study: Study, cues: pd.DataFrame) -> pd.DataFrame:
    """`findings.recall_by_place` over the annotated films."""
    seconds = lengths(study)
    truth = {f.id: f.annotations() for f in study.corpus if f.annotation and f.id in seconds}
    return find.recall_by_place(cues, truth, seconds, n_boot=study.n_boot, seed=study.seed)
