"""Whether the demo's verdicts hang on the starts that its networks were trained from: ten disjoint sets of ten."""

import pandas as pd
import pytest

from filmlens import demo
from filmlens.study import Study, robustness


@pytest.mark.slow
def test_verdicts_agree_over_ten_disjoint_sets_of_starts(tmp_path):
    demo.build(tmp_path / "demo", jobs=2)
    verdicts = {}
    for seed in range(0, 100, 10):
        study = Study.open(tmp_path / "demo", seed=seed, jobs=2)
        assert study.ensemble["starts"] == 10
        chosen = robustness.conditions(study, names=[robustness.AS_REPORTED])
        claims, _ = robustness.claims_under(study, chosen)
        verdicts[seed] = claims.set_index("claim")["verdict"].str.removesuffix(" (synthetic corpus)")
    table = pd.DataFrame(verdicts)
    tested = table[~table[0].str.startswith(("not tested", "too few"))]
    agreement = tested.apply(lambda row: row.value_counts(normalize=True).max(), axis=1)
    print(pd.concat([agreement.rename("agreement"), tested], axis=1).to_string())
    assert len(tested) >= 8 and agreement.mean() >= 0.95
