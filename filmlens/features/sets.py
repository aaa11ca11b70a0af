"""The feature sets that are measured here: one row each, which stages, notebooks, data sets and documents read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class FeatureSet:
    """One row of `FEATURES`. Texts of the form ``module:name`` are of this room, imported when they are first needed.

    ``function(sounds, **parameters)`` is given the mono samples of one cue after the other, and returns an iterable
    with a table for each (``time`` in s within the cue, then the columns, at 1 Hz) and a mapping of notes. For a set
    that is `of` another one, it is given that one's rows instead, and returns a table and notes.
    """

    name: str  # folder under ``derived/``, and what a notebook's `features` names
    title: str  # in Table 2
    source: str  # who defined it
    function: str
    columns: str  # empty where only the tables name them
    meaning: str = ""  # of every column, for the data dictionary; {0} is what follows the last underscore of its name
    rate: int = 44_100  # of the samples, Hz
    frame: float = 1.0  # that one value is measured on, s
    hop: float = 1.0  # from one value to the next, s
    cost: str = ""  # how fast it is, and the benchmark that says so
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1  # goes up when other numbers come out for the same input
    libraries: tuple[str, ...] = ()  # packages beside those that decode, whose version decides its numbers
    weights: str = ""  # module with ``find()``, ``need()`` and ``fingerprint_of(parameters)``, where it has weights
    descriptors: str = ""  # rows of Table 2, where the set has several
    of: str = ""
    ours: bool = False  # the paper knows nothing of it: marked as our addition, and no judge of the paper's claims
    asked: bool = False  # measured only when it is asked for by name
    stands_for: str = ""  # the paper's set whose values these are, in a corpus that ``filmlens release`` made

    @property
    def network(self) -> str:
        """Whose weights `filmlens weights` fetches for it."""
        return self.weights.partition(".")[0]

    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in their order; empty where only the tables name them."""
        return tuple(_named(self.columns)) if self.columns else ()

    def measure(self, sounds: Iterable[np.ndarray], **parameters) -> tuple[Iterable[pd.DataFrame], dict]:
        """A table for each cue's samples, and notes; see `function`."""
        return _named(self.function)(sounds, **parameters)

    def weights_module(self):
        """The module that finds its weights; None when it needs none."""
        return import_module(f"filmlens.features.{self.weights}") if self.weights else None

    def available(self) -> bool:
        """Whether it can be measured here: its weights are found, or it needs none."""
        return not self.stands_for and (not self.weights or self.weights_module().find() is not None)

    def need(self) -> None:
        """Raise why it cannot be measured here, where it cannot."""
        if self.stands_for:
            raise ValueError(f"{self.name} is what the authors released; `filmlens release` makes a corpus of it")
        if self.weights:
            self.weights_module().need()


#: What the sets share that are computed from the chroma of the MIR features, and those of one network.
_OF_MIR = {"cost": "none beside the MIR features", "libraries": ("numpy",), "of": "mir", "ours": True, "asked": True}
_MUSICNN = {
    "libraries": ("librosa", "torch"),
    "source": "Pons and Serra 2019",
    "rate": 16_000,
    "frame": 3.0,
    "hop": 1.0,
    "cost": "benchmarks/embeddings.md: 85 x realtime on one core; weights of 29 MB",
    "weights": "musicnn.weights",
    "ours": True,
}

ROWS = (
    FeatureSet(
        name="mir",
        title="MIR descriptors",
        source="MIRtoolbox 1.8.1; MATLAB Audio Toolbox",
        function="mir.extract:rows",
        columns="mir.columns:COLUMNS",
        cost="benchmarks/mir.md: 33 x realtime on one core",
        parameters={"voicing": 0.0},
        version=2,
        libraries=("numba", "scipy"),
        descriptors="mir.columns:DESCRIPTORS",
    ),
    FeatureSet(
        name="keyfree",
        title="Pitch content in any key",
        source="Quinn 2007",
        function="keyfree:rows",
        columns="keyfree:COLUMNS",
        **_OF_MIR,
    ),
    FeatureSet(
        name="tonic",
        title="Chroma from the tonic",
        source="Gomez 2006",
        function="tonic:rows",
        columns="tonic:COLUMNS",
        **_OF_MIR,
    ),
    FeatureSet(
        name="vggish",
        title="VGGish embedding",
        source="Hershey et al. 2017",
        function="vggish.rows:rows",
        columns="vggish.rows:COLUMNS",
        meaning="VGGish embedding, dimension {0}",
        rate=16_000,
        frame=0.96,
        hop=0.96,
        cost="benchmarks/embeddings.md: 76 x realtime on one core; weights of 288 MB",
        parameters={"relu": False, "pca": False},
        libraries=("torch",),
        weights="vggish.weights",
    ),
    FeatureSet(
        name="musicnn",
        title="musicnn embedding",
        function="musicnn.rows:rows",
        columns="musicnn.rows:COLUMNS",
        meaning="musicnn's penultimate layer, dimension {0}",
        **_MUSICNN,
    ),
    FeatureSet(
        name="musicnn_msd",
        title="musicnn embedding (MSD)",
        function="musicnn.rows:msd_rows",
        columns="musicnn.rows:COLUMNS",
        asked=True,
        **_MUSICNN,
    ),
    FeatureSet(
        name="tags",
        title="Tags of musicnn",
        function="musicnn.rows:tags",
        columns="musicnn.rows:TAG_COLUMNS",
        of="musicnn",
        asked=True,
        **_MUSICNN,
    ),
    FeatureSet(
        name="mir-released",
        title="MIR descriptors, as released",
        source="Ma et al. 2021, S4",
        function="released:rows",
        columns="",
        stands_for="mir",
    ),
    FeatureSet(
        name="vggish-released",
        title="VGGish embedding, as released",
        source="Ma et al. 2021, S4",
        function="released:rows",
        columns="released:VGGISH_COLUMNS",
        meaning="VGGish embedding as released by the authors, 8 bit after PCA, dimension {0}",
        stands_for="vggish",
    ),
)
FEATURES: dict[str, FeatureSet] = {row.name: row for row in ROWS}


def available(*, asked: bool = False) -> list[str]:
    """Names of the sets that can be measured here; those that wait until they are named only when `asked`."""
    return [name for name, row in FEATURES.items() if row.available() and (asked or not row.asked)]


def label(name: str) -> str:
    """What stands for a set in tables beside the paper's numbers.

    >>> label("mir"), label("tags"), label("my_clap")
    ('mir', 'tags (our addition)', 'my_clap (our addition)')
    """
    return name if name in FEATURES and not FEATURES[name].ours else f"{name} (our addition)"


def papers_name(name: str) -> str:
    """What the paper calls a set: of its released values the set that they are.

    >>> papers_name("vggish-released"), papers_name("mir"), papers_name("clap")
    ('vggish', 'mir', 'clap')
    """
    return (FEATURES[name].stands_for or name) if name in FEATURES else name


def table2() -> pd.DataFrame:
    """Table 2, the descriptors of all sets: name, title, group of Fig 3, dimensions, frame and hop in s, source.

    >>> table2()["dimensions"].tolist()[:3]
    [14, 14, 14]
    """
    rows: list[tuple] = []
    for each in (row for row in ROWS if not row.stands_for):
        source = f"{each.source}; our addition" if each.ours else each.source
        one = (each.name, each.title, each.title, len(each.column_names()), each.frame, each.hop, source)
        rows += _named(each.descriptors) if each.descriptors else [one]
    return pd.DataFrame(rows, columns=["descriptor", "title", "group", "dimensions", "frame", "hop", "source"])


def _named(text: str):
    module, _, name = text.partition(":")
    return getattr(import_module(f"filmlens.features.{module}"), name)
