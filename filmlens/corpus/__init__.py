"""What the user has: films.csv, media files, true cues; checked, labelled by IMDb, unpacked from a shared archive."""

from filmlens.corpus.annotations import CorpusError, parse_cues, parse_time, read_cues
from filmlens.corpus.films import (
    COLUMNS,
    GROUPS,
    SHARED_MUSIC,
    USAGES,
    Corpus,
    Film,
    find_folder,
    read_films,
)

__all__ = [
    "COLUMNS",
    "GROUPS",
    "SHARED_MUSIC",
    "USAGES",
    "Corpus",
    "CorpusError",
    "Film",
    "find_folder",
    "parse_cues",
    "parse_time",
    "read_cues",
    "read_films",
]
