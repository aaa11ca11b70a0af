"""The features that the study released: what is known of their columns, and which of our descriptors they are.

The release names its 140 MIR columns, but nobody here has seen the names of more than ten. `ROWS` maps names, whole
and exactly, to our descriptors and to the groups of Fig 3: names that were quoted, words that the paper itself puts
into a group, and names that MIRtoolbox gives its own functions. A name that fits no row is assigned to nothing and
shown; whether ranks count from 0 or 1 is not known, so that a rank is kept as it stands.

The values are as released. They can be measured from no sound here: `filmlens release` makes a corpus of them.
"""

import re
from collections.abc import Iterable

import pandas as pd

from filmlens.features.mir.columns import DESCRIPTORS, GROUP_NAMES

#: The group of columns whose name fits no row.
NOT_ASSIGNED = "not assigned"
#: Names of the released VGGish columns, which have none: 8-bit numbers after PCA, where our default has neither.
VGGISH_COLUMNS = tuple(f"released_{i:03d}" for i in range(128))

_QUOTED = "name quoted by a later work"
_WORDS = "words of the paper"
_NAME = re.compile(r"(.+)_(mean|stddev|std)")


#: Names without their statistic, as a pattern for the whole; our descriptor; where the name comes from.
ROWS = (
    (r"mfcc(\d{1,2})", "mfcc", _QUOTED),
    (r"deltamfcc(\d{1,2})", "dmfcc", _QUOTED),
    (r"deltadeltamfcc(\d{1,2})", "ddmfcc", _QUOTED),
    ("pulseclarity", "pulseclarity", _QUOTED),
    ("crest", "crest", _QUOTED),
    ("spectralcrest", "crest", _WORDS),
    ("(?:spectral)?flatness", "flatness", _WORDS),
    ("(?:key)?mode", "mode", _WORDS),
    ("keystrength", "keyclarity", _WORDS),
    ("(?:spectral)?brightness", "brightness", _WORDS),
    ("(?:spectral)?entropy", "entropy", _WORDS),
    ("inharmonicity", "inharmonicity", _WORDS),
    *(
        (name, name, f"MIRtoolbox 1.8.1 mir{name}")
        for name in ("rms", "tempo", "roughness", "centroid", "kurtosis", "skewness", "spread", "zerocross")
    ),
    (r"chromagram(\d{1,2})", "chroma", "MIRtoolbox 1.8.1 mirchromagram"),
)
_GROUP_OF = {d.descriptor: d.group for d in DESCRIPTORS}


def rows(sounds, **parameters):
    """Released features are measured of nothing; raises ValueError."""
    raise ValueError("these features are the authors' own, of their own films; `filmlens release` reads them")


def mapped(names: Iterable[str]) -> pd.DataFrame:
    """What is known of the released columns, a row per name: statistic, our descriptor, number as in the name, group.

    The group is "not assigned", and the others and the source of the assignment are empty, where nothing is known.

    >>> mapped(["mfcc2_mean", "crest_stddev", "spectralx_mean"])[["descriptor", "number", "group"]].values.tolist()
    [['mfcc', '2', 'MFCC'], ['crest', '', 'Timbre'], ['', '', 'not assigned']]
    """
    table = []
    for name in names:
        parts = _NAME.fullmatch(name)
        stem, statistic = parts.groups() if parts else (name, "")
        row = (name, statistic, "", "", NOT_ASSIGNED, "")
        for pattern, descriptor, source in ROWS if statistic else ():
            if match := re.fullmatch(pattern, stem):
                number = match.group(1) if match.lastindex else ""
                row = (name, statistic, descriptor, number, _GROUP_OF[descriptor], source)
                break
        table.append(row)
    return pd.DataFrame(table, columns=["column", "statistic", "descriptor", "number", "group", "source"])


def are_released(names: Iterable[str]) -> bool:
    """Whether columns are of the released MIR set: theirs end in ``_stddev``, ours in ``_std``.

    >>> are_released(["brightness_mean", "brightness_stddev"]), are_released(["brightness_mean", "brightness_std"])
    (True, False)
    """
    return any(name.endswith("_stddev") for name in names)


def groups(names: Iterable[str]) -> dict[str, list[str]]:
    """The groups of Fig 3 and their released columns, those not assigned last; groups without columns are left out.

    >>> groups(["what_mean", "mfcc1_mean", "crest_mean"])
    {'MFCC': ['mfcc1_mean'], 'Timbre': ['crest_mean'], 'not assigned': ['what_mean']}
    """
    table = mapped(names)
    found = {g: table.loc[table["group"] == g, "column"].tolist() for g in (*GROUP_NAMES, NOT_ASSIGNED)}
    return {group: columns for group, columns in found.items() if columns}


def compared(names: Iterable[str]) -> pd.DataFrame:
    """Our descriptors beside the released ones, and the released names that are none of ours.

    group, descriptor, ours and released (numbers of dimensions), names (released, without their statistic).
    """
    table = mapped(names)
    stems = table["column"].str.replace(r"_(mean|stddev|std)$", "", regex=True).groupby(table["descriptor"]).unique()
    found = {d: stems.get(d.descriptor, []) for d in DESCRIPTORS}
    lines = [(d.group, d.descriptor, d.dimensions, len(some), ", ".join(some)) for d, some in found.items()]
    lines += [(NOT_ASSIGNED, "", 0, 1, stem) for stem in stems.get("", [])]
    return pd.DataFrame(lines, columns=["group", "descriptor", "ours", "released", "names"])


def meaning(column: str) -> str:
    """A sentence on a released MIR column, for the data dictionary."""
    [row] = mapped([column]).itertuples(index=False)
    if not row.descriptor:
        return "as released by the authors; its name is assigned to no descriptor of ours"
    number = f" ({row.number})" if row.number else ""
    return f"as released by the authors: {row.descriptor}{number}, {row.statistic}; group {row.group}"
