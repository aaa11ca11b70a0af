"""Blind listening: which clips are heard, the key that says what they are, and what raters answered.

Clips are of the soundtrack's tracks, because a film's own sound tells the film. They are kept in
``verdicts/blind/``: ``key.csv`` is drawn once and stays, so that every rater hears the same clips whatever is computed
later; ``answers/<rater>.csv`` grows with every answer. Delete ``key.csv`` and the answers to draw anew.
"""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import stages
from filmlens.artefacts import write_atomically
from filmlens.audition.scene import instance_probabilities, transplanted
from filmlens.corpus import Corpus, CorpusError
from filmlens.media.ab import RATE, TARGET_LUFS, Place, encode, loudness, stereo, track_sound
from filmlens.text import defused, from_cell

#: Pairs of a transplanted cue and its control; seconds of a clip, and of its soft ends; peak that no clip exceeds.
PAIRS, SECONDS, _FADE, _PEAK = 12, 12.0, 0.3, 0.97
_ANSWER = ["who", "clip", "genres", "known"]


def folder_of(corpus: Corpus) -> Path:
    """Where the key and the answers are."""
    return corpus.folder / "verdicts" / "blind"


def key_of(corpus: Corpus, *, pairs: int = PAIRS) -> pd.DataFrame:
    """The clips: those drawn before, else the cues that stand out of their films most, one a film, each with a control.

    A control is the cue of the same film that sounds least like the genre in question. Columns: clip, pair, kind,
    genre, film_id, cue, track, start, end, track_start, speed, and ``p <genre>``. Raises `CorpusError` without a genre
    model of the stamped cues, or a film with two cues of which one stands out.
    """
    path = folder_of(corpus) / "key.csv"
    if path.is_file():
        return pd.read_csv(path, converters=dict.fromkeys(("film_id", "track", "genre"), from_cell))
    sheet = stages.read(corpus, "cues")
    foreign, probabilities = transplanted(corpus, sheet), instance_probabilities(corpus)
    if foreign is None:
        raise CorpusError(
            f"{corpus.folder}: no genre model of the stamped cues; `filmlens run` with notebook 03 fits it"
        )
    from filmlens.findings.listening import CONTROL, TRANSPLANTED  # with it comes all of findings

    genres = [c for c in probabilities.columns if c not in ("film_id", "cue")]
    heard = probabilities.merge(_in_one_piece(corpus, sheet), on=["film_id", "cue"])
    heard = heard.rename(columns={g: f"p {g}" for g in genres})
    heard = heard.dropna(subset=[f"p {g}" for g in genres])
    rows = []
    for cue in foreign[foreign["excess"] > 0].drop_duplicates("film_id").itertuples(index=False):
        own = heard[heard["film_id"] == cue.film_id]
        others = own[own["cue"] != cue.cue]
        if others.empty or len(rows) == 2 * pairs:
            continue
        control = others.loc[others[f"p {cue.genre}"].idxmin()]
        for kind, row in ((TRANSPLANTED, own[own["cue"] == cue.cue].iloc[0]), (CONTROL, control)):
            rows.append({"pair": len(rows) // 2 + 1, "kind": kind, "genre": cue.genre} | row.to_dict())
    if not rows:
        raise CorpusError(f"{corpus.folder}: no film has two cues of which one sounds like a genre the film has not")
    table = pd.DataFrame(rows)
    # a clip's number says nothing of its pair: numbers are drawn
    table.insert(0, "clip", np.random.default_rng(0).permutation(len(table)) + 1)
    columns = ["clip", "pair", "kind", "genre", "film_id", "cue", "track", "start", "end", "track_start", "speed"]
    table = table[[*columns, *(f"p {g}" for g in genres)]].sort_values("clip", ignore_index=True)
    write_atomically(path, lambda part: defused(table).to_csv(part, index=False, lineterminator="\n"))
    return table


def _in_one_piece(corpus: Corpus, sheet: pd.DataFrame) -> pd.DataFrame:
    """The cues, of those with several segments the longest: a clip is of one place in the track."""
    pieces, keys = stages.read(corpus, "segments"), ["film_id", "cue"]
    if pieces.empty:
        return sheet
    seconds = pieces["end"] - pieces["start"]
    longest = pieces.loc[seconds.groupby([pieces[k] for k in keys]).idxmax()].set_index(keys)
    sheet = sheet.set_index(keys)
    sheet.update(longest[["start", "end", "track_start", "speed"]])
    return sheet.reset_index()


def sounds(corpus: Corpus, key: pd.DataFrame) -> dict[int, bytes]:
    """Every clip as Ogg Opus, all at one loudness (ITU-R BS.1770), as near to -20 LUFS as the peaks of all allow."""
    parts = {}
    for row in key.itertuples(index=False):
        middle = (row.start + row.end) / 2
        span = max(row.start, middle - SECONDS / 2), min(row.end, middle + SECONDS / 2)
        place = Place(corpus[row.film_id].tracks()[row.track], row.start, row.track_start, row.speed)
        parts[row.clip] = stereo(track_sound(place, *span, RATE))
    levels = {clip: loudness(sound) for clip, sound in parts.items()}
    room = [v + 20 * np.log10(_PEAK / np.abs(parts[c]).max()) for c, v in levels.items() if np.isfinite(v)]
    target = min([TARGET_LUFS, *room])
    gain = {clip: 10 ** ((target - level) / 20) if np.isfinite(level) else 1.0 for clip, level in levels.items()}
    return {clip: encode(faded(sound * np.float32(gain[clip]))) for clip, sound in parts.items()}


def faded(sound: np.ndarray) -> np.ndarray:
    """Sound (channels, n) that begins and ends softly: a hard edge would tell where a cue was cut."""
    size = min(round(_FADE * RATE), sound.shape[1] // 2)
    ramp = np.ones(sound.shape[1], np.float32)
    ramp[:size] = np.linspace(0, 1, size)
    ramp[sound.shape[1] - size :] = np.linspace(1, 0, size)
    return sound * ramp


def order(key: pd.DataFrame, who: str) -> list[int]:
    """Clips in the order of one rater: random, the same each time, another for each rater."""
    seed = int.from_bytes(hashlib.sha256(who.encode()).digest()[:8], "big")
    return [int(c) for c in np.random.default_rng(seed).permutation(key["clip"])]


def answers_of(corpus: Corpus) -> pd.DataFrame:
    """who, clip, genres, known (bool): each rater's last answer to each clip; `CorpusError` for a file without them."""
    tables = []
    for path in sorted((folder_of(corpus) / "answers").glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [c for c in _ANSWER if c not in table.columns]
        if missing:
            raise CorpusError(f"{path} row 1: the header lacks {', '.join(missing)}; it must name {', '.join(_ANSWER)}")
        wrong = table.index[~table["clip"].str.fullmatch(r"\d+")]
        if len(wrong):
            raise CorpusError(f"{path} row {wrong[0] + 2}: clip {table.loc[wrong[0], 'clip']!r} is no number")
        tables.append(table[_ANSWER].map(from_cell))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_ANSWER, dtype=str)
    table = table.astype({"clip": int}).assign(known=table["known"].str.lower() == "true")
    return table.drop_duplicates(["who", "clip"], keep="last").reset_index(drop=True)


def put_answer(corpus: Corpus, who: str, clip: int, genres: list[str], known: bool) -> None:
    """Keep one answer; a later one to the same clip takes its place."""
    path = folder_of(corpus) / "answers" / f"{file_name(who)}.csv"
    before = pd.read_csv(path, dtype=str, keep_default_na=False) if path.is_file() else pd.DataFrame(columns=_ANSWER)
    row = pd.DataFrame([[who, str(clip), "|".join(genres), str(known)]], columns=_ANSWER)
    before = before.map(from_cell)
    others = before[(before["clip"] != str(clip)) | (before["who"] != who)]
    table = pd.concat([others, row], ignore_index=True)
    write_atomically(path, lambda part: defused(table).to_csv(part, index=False, lineterminator="\n"))


def heard(corpus: Corpus, **settings) -> pd.DataFrame:
    """`findings.listening.agreement` of all answers; raises `CorpusError` when nobody has answered yet."""
    answers = answers_of(corpus)
    if answers.empty:
        raise CorpusError(
            f"{folder_of(corpus)}: no answers yet; `filmlens listen CORPUS --blind --who NAME` asks for them"
        )
    from filmlens.findings.listening import agreement  # with it comes all of findings

    key = key_of(corpus)
    return agreement(key, answers, [c[2:] for c in key.columns if c.startswith("p ")], **settings)


def file_name(who: str) -> str:
    """A rater's name as the name of a file.

    >>> file_name("Ann O'Neil"), file_name("../x")
    ('Ann-O-Neil', 'x')
    """
    return re.sub(r"[^\w]+", "-", who).strip("-") or "rater"
