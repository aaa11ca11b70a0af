"""The 70 descriptors: Table 2 (`descriptors.csv`), the 140 column names and the eight groups of Fig 3 (Ma et al. 2021).

The paper's table gives no count per descriptor. **D**: 14 ranks (0-13) in each MFCC group, and the others as listed,
make the 70 dimensions whose mean and standard deviation are the paper's 140 features. Rank 0 is loudness, so `groups`
can move it and its deltas to Dynamics, or leave it out.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

STATISTICS = ("mean", "std")


#: Rows of Table 2: descriptor, title, group, dimensions, frame and hop in s, source.
DESCRIPTORS = tuple(
    pd.read_csv(Path(__file__).with_name("descriptors.csv"), converters={"frame": float, "hop": float}).itertuples(
        index=False, name="Descriptor"
    )
)
#: The groups in the order of the paper's Fig 3.
GROUP_NAMES = tuple(dict.fromkeys(descriptor.group for descriptor in DESCRIPTORS))


def dimensions(descriptor: NamedTuple) -> list[str]:
    """Names of a descriptor's dimensions; MFCC names keep the rank, chroma counts from C.

    >>> dimensions(DESCRIPTORS[0])[-1], dimensions(DESCRIPTORS[3])
    ('mfcc_13', ['rms'])
    """
    if descriptor.dimensions == 1:
        return [descriptor.descriptor]
    return [f"{descriptor.descriptor}_{i:02d}" for i in range(descriptor.dimensions)]


#: The 70 dimensions in the order of `DESCRIPTORS`.
DIMENSIONS = tuple(name for descriptor in DESCRIPTORS for name in dimensions(descriptor))

#: The 140 columns: the means of all dimensions, then their standard deviations.
COLUMNS = tuple(f"{name}_{statistic}" for statistic in STATISTICS for name in DIMENSIONS)


def groups(mfcc_ranks: str = "0-13", rank0: str = "MFCC") -> dict[str, list[str]]:
    """The eight groups and their columns, in the order of Fig 3.

    `mfcc_ranks`, "0-13", "1-13" or "0-12", are the ranks of the MFCC and their deltas: rank 0 is the loudness, and 13
    ranks are what the released features have. `rank0`, "MFCC" or "Dynamics", says where rank 0 and its deltas count.
    Any other choice raises ValueError.

    >>> {name: len(columns) for name, columns in groups(rank0="Dynamics").items()}
    {'MFCC': 26, 'dMFCC': 26, 'ddMFCC': 26, 'Dynamics': 8, 'Pitch': 24, 'Rhythm': 4, 'Timbre': 16, 'Tone': 10}
    """
    ranks = {"0-13": range(14), "1-13": range(1, 14), "0-12": range(13)}
    if mfcc_ranks not in ranks:
        raise ValueError(f"mfcc_ranks must be one of {', '.join(ranks)}, not {mfcc_ranks!r}")
    if rank0 not in ("MFCC", "Dynamics"):
        raise ValueError(f"rank0 must be 'MFCC' or 'Dynamics', not {rank0!r}")
    out: dict[str, list[str]] = {name: [] for name in GROUP_NAMES}
    for descriptor in DESCRIPTORS:
        mfcc = descriptor.group.endswith("MFCC")
        for rank, dimension in enumerate(dimensions(descriptor)):
            if not mfcc or rank in ranks[mfcc_ranks]:
                group = rank0 if mfcc and rank == 0 and rank0 == "Dynamics" else descriptor.group
                out[group] += [f"{dimension}_{statistic}" for statistic in STATISTICS]
    return out


#: The eight groups with ranks 0-13 in the MFCC groups.
GROUPS = groups()


def without_value(frames: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Share of the rows in which a descriptor has no value, by genre: tempo without a beat, a key of silence.

    `frames` has ``film_id`` and the 140 columns, `labels` films by genre. A row for each descriptor that is missing
    anywhere, by title: ``all`` rows, then those of each genre's films.
    """
    means = {d.title: [f"{name}_mean" for name in dimensions(d)] for d in DESCRIPTORS}
    missing = pd.DataFrame({title: frames[columns].isna().any(axis=1) for title, columns in means.items()})
    parts = {"all": missing} | {g: missing[frames["film_id"].isin(labels.index[labels[g]])] for g in labels}
    shares = pd.DataFrame({name: part.mean() for name, part in parts.items()}).rename_axis("descriptor")
    return shares[missing.any()].reset_index()
