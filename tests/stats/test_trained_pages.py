"""Pages of claims about models that learnt from films without any truth in them: hardly ever a false verdict."""

import pytest
from sklearn.base import clone
from trained_pages import NETWORKS, trained


@pytest.mark.slow
def test_four_pages_of_models_that_learnt_nothing():
    short = {name: clone(model).set_params(hidden=16, epochs=10) for name, model in NETWORKS.items()}
    pages = [trained(seed, starts=3, n_boot=200, networks=short) for seed in range(4)]
    assert sum(page["after any"] == 0 for page in pages) <= 1
    assert all(page["every model's mAP above chance"] == "undecided" for page in pages)
