"""Computed tables on disk: what is there is what was computed, with its provenance inside, written whole or not at all.

An artefact remembers its recipe: stage, parameters and the fingerprints of its inputs. It is fresh when the recipe
that would make it today is equal to the one it carries and its bytes are those that were written; that is all there
is to caching.
"""

from filmlens.artefacts.failures import PART, read_failures, record_failures
from filmlens.artefacts.fingerprints import Ledger, contents, fingerprint, ledger_of, look
from filmlens.artefacts.seals import (
    ArtefactError,
    digest,
    load_arrays,
    parquet_bytes,
    read_arrow,
    read_json,
    read_sealed,
    save_arrays,
    write_json,
    write_sealed,
)
from filmlens.artefacts.tables import (
    KEYS,
    Measured,
    column_names,
    damage,
    file_hashes,
    read_provenance,
    read_table,
    row_count,
    stands_on,
    table_hash,
    write_table,
    write_unhashed,
)
from filmlens.artefacts.writing import WriteError, cache_folder, here, started, sweep, write_atomically, writing
from filmlens.text import TextError, read_text

__all__ = [
    "KEYS",
    "PART",
    "ArtefactError",
    "Ledger",
    "Measured",
    "TextError",
    "WriteError",
    "cache_folder",
    "column_names",
    "contents",
    "damage",
    "digest",
    "file_hashes",
    "fingerprint",
    "here",
    "ledger_of",
    "load_arrays",
    "look",
    "parquet_bytes",
    "read_arrow",
    "read_failures",
    "read_json",
    "read_provenance",
    "read_sealed",
    "read_table",
    "read_text",
    "record_failures",
    "row_count",
    "save_arrays",
    "stands_on",
    "started",
    "sweep",
    "table_hash",
    "write_atomically",
    "write_json",
    "write_sealed",
    "write_table",
    "write_unhashed",
    "writing",
]
