"""The demo's verdicts rest on its films, not on which starts its networks happened to have."""

from pathlib import Path

import pandas as pd
import pytest

from filmlens.demo import build
from filmlens.stats.enough import FEW
from filmlens.study import Study, robustness

DEMO = Path(__file__).resolve().parents[2] / "data" / "demo"
SETS = 10
POOLINGS = ("max", "average", "linear_softmax", "single_attention")


def verdicts(study: Study) -> pd.Series:
    """Verdict of every claim that could be tested, as notebook 05 reports it."""
    reported = {robustness.AS_REPORTED: {}}
    claims, _ = robustness.claims_under(
        study, reported, poolings=POOLINGS, features=study.papers_features, n_boot=study.n_boot
    )
    tested = ~claims["verdict"].str.startswith(("not tested", FEW))
    return claims[tested].set_index("claim")["verdict"]


@pytest.mark.slow
def test_ten_sets_of_other_starts_say_the_same(tmp_path):
    folder = DEMO
    if not (DEMO / "films.csv").exists():
        folder = tmp_path / "demo"
        build(folder, jobs=2, progress=lambda line: None)
    starts = Study.open(folder).ensemble["starts"]
    table = pd.DataFrame({k: verdicts(Study.open(folder, seed=k * starts, jobs=2)) for k in range(SETS)})
    kinds = table.apply(lambda row: row.str.split(" \\(").str[0].value_counts(), axis=1).fillna(0).astype(int)
    agreement = kinds.max(axis=1).sum() / SETS / len(kinds)
    print(kinds.to_string(), f"\nagreement {agreement:.3f} over {SETS} sets of {starts} starts, {len(kinds)} claims")
    assert agreement >= 0.95
    # no claim holds with some starts and is contradicted with others
    assert not ((kinds.get("holds", 0) > 0) & (kinds.get("contradicted", 0) > 0)).any()
