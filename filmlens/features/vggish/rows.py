"""From embeddings of 0.96 s to rows at 1 Hz and one vector per cue (Ma et al. 2021, "VGGish embeddings").

The paper: 128 values per 0.96 s, resampled to 1 Hz. **D**: an example stands at its centre, 0.48 s after its start;
rows at 0.5, 1.5, ... s are interpolated between the centres and held at the ends, as many as the cue has seconds
(rounded, at least one), like the MIR rows.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from filmlens.features.vggish import weights
from filmlens.features.vggish.frontend import RATE, SECONDS, examples
from filmlens.features.weights import read_once

#: Names of the 128 dimensions.
COLUMNS = tuple(f"vggish_{i:03d}" for i in range(128))


def rows(sounds: Iterable[np.ndarray], *, relu: bool, pca: bool) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """The rows of all cues of a film; notes: file and origin of the weights. WeightsError without them or the PCA."""
    from filmlens.features.vggish.network import embed_examples, postprocess

    path = weights.need()
    net, origin = _network(path, relu)
    rotation = weights.pca() if pca else None

    def embed(examples: np.ndarray) -> np.ndarray:
        values = embed_examples(net, examples)
        return postprocess(values, *rotation) if rotation else values

    return cue_frames(list(sounds), RATE, embed), {"weights": path.name, "origin": origin}


@read_once
def _network(path: Path, relu: bool):
    net = weights.load(path, relu=relu)
    return net, weights.origin(path, net)


def cue_frames(
    sounds: Sequence[np.ndarray], rate: float, embed: Callable[[np.ndarray], np.ndarray]
) -> list[pd.DataFrame]:
    """Rows of each of several cues, which are embedded together: ``time`` in s within the cue, and `COLUMNS`.

    `sounds` and `rate` are those of `examples`; `embed` turns examples (n, 96, 64) to embeddings (n, 128).
    """
    if not len(sounds):
        return []
    heard = [examples(samples, rate) for samples in sounds]
    values = np.split(embed(np.concatenate(heard)), np.cumsum([len(h) for h in heard])[:-1])
    tables = []
    for samples, embeddings in zip(sounds, values, strict=True):
        times, resampled = seconds(embeddings, np.shape(samples)[-1] / rate)
        table = pd.DataFrame(resampled, columns=list(COLUMNS))
        table.insert(0, "time", times)
        tables.append(table)
    return tables


def seconds(embeddings: np.ndarray, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (n, d) of a sound of `duration` s at 1 Hz: times in s, and values of the same width.

    >>> seconds(np.array([[0.0], [0.96], [1.92]]), 3.0)[1].ravel().round(2).tolist()
    [0.02, 1.02, 1.92]
    """
    times = np.arange(max(int(duration + 0.5), 1)) + 0.5
    centres = (np.arange(len(embeddings)) + 0.5) * SECONDS
    return times, np.column_stack([np.interp(times, centres, column) for column in np.asarray(embeddings, float).T])


def compared(plain: pd.DataFrame, processed: pd.DataFrame) -> pd.DataFrame:
    """Vectors of the same cues without and with post-processing (``pca=True``, as the paper's released values).

    Both have film_id, cue and `COLUMNS`. Gives post-processed, cues, mean, SD (over all values), at 0 or 255 (share of
    the values), r of distances (Pearson's, between the distances of all pairs of cues, with those of the plain
    vectors).
    """
    both = plain.merge(processed, on=["film_id", "cue"], suffixes=("", " processed"), validate="1:1")
    tables = {"no": both[list(COLUMNS)].to_numpy(float)}
    tables["yes"] = both[[f"{c} processed" for c in COLUMNS]].to_numpy(float)
    distances = {name: pdist(values) for name, values in tables.items()}
    lines = []
    for name, values in tables.items():
        ends = np.isin(values, (0.0, 255.0)).mean() if name == "yes" else np.nan
        same = np.corrcoef(distances["no"], distances[name])[0, 1] if len(both) > 2 else np.nan
        lines.append((name, len(both), values.mean(), values.std(), ends, same))
    return pd.DataFrame(lines, columns=["post-processed", "cues", "mean", "SD", "at 0 or 255", "r of distances"])
