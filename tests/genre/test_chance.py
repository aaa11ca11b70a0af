"""Chance with training: literal loops, blocks, its rate when nothing is heard, and a predictor of frequencies."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score

from filmlens.genre import BagClassifier, InstanceVoting, SimpleMI, cross_validate, evaluate, p_above, retrained_chance
from filmlens.stats.metrics import average_precision, chance_precision
from filmlens.stats.permutation import film_permutations

SCHEMES = ("leave-one-film-out", "rebalanced")


def films(seed, *, n=24, effect=0.0, genres=3):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, genres)) < [0.5, 0.3, 0.2][:genres]
    shift = effect * rng.normal(size=(genres, 6))
    return [np.sqrt(0.3) * rng.normal(size=6) + rng.normal(size=(rng.integers(2, 5), 6)) + y @ shift for y in Y], Y


@pytest.mark.parametrize("model", [SimpleMI("knn"), InstanceVoting("svm"), BagClassifier(hidden=4, epochs=2)])
def test_equals_a_literal_loop(model):
    bags, Y = films(0, n=12)
    bags[3] = np.empty((0, 6))
    found = retrained_chance(model, bags, Y, permutations=3, seed=5)
    usable = np.arange(12) != 3
    orders = film_permutations(np.random.default_rng(5), [usable], 3)
    for order, ours in zip(orders, found, strict=True):
        cv = cross_validate(model, bags, Y[order])
        y, p = Y[order][usable], cv.probability[usable]
        each = [average_precision_score(a, b) for a, b in zip(y.T, p.T, strict=True) if a.any()]
        assert ours == pytest.approx(np.mean(each))


def test_films_of_one_group_exchange_labels_among_themselves():
    (bags, Y), svm = films(1, n=12), SimpleMI("svm")
    alone, pairs = (
        retrained_chance(svm, bags, Y, permutations=4, scheme="grouped", groups=groups)
        for groups in (list(range(12)), list(range(6)) * 2)
    )
    assert np.ptp(alone) == 0 < np.ptp(pairs)  # alone: nobody to exchange with


def test_four_films_have_no_chance_to_compare_with():
    bags, Y = films(1, n=4)
    draws = retrained_chance(SimpleMI("knn"), bags, Y, permutations=9)
    assert draws.size == 0 and np.isnan(p_above(draws, 0.5))


def p_of(seed, *, permutations=19, **planted):
    (bags, Y), svm = films(seed, **planted), SimpleMI("svm")
    draws = retrained_chance(svm, bags, Y, permutations=permutations, scheme=5, seed=seed)
    return p_above(draws, evaluate(cross_validate(svm, bags, Y, scheme=5), replicates=2)["map"])


def test_labels_that_say_nothing_are_no_finding_and_music_is():
    quiet = np.array([p_of(seed) for seed in range(12)])
    assert (quiet <= 0.05).sum() <= stats.binom.ppf(0.999, 12, 0.05)
    assert p_of(0, effect=1.5) <= 0.05


def test_rebalancing_leaves_out_one_film_of_the_other_label():
    bags, Y = films(2, n=10)
    cv = cross_validate(SimpleMI("svm"), bags, Y, scheme="rebalanced")
    rng = np.random.default_rng([4])
    for k in range(3):
        others = [i for i in range(10) if i != 4 and Y[i, k] != Y[4, k]]
        each = []
        for gone in rng.choice(others, 5):
            kept = [i for i in range(10) if i not in (4, gone)]
            learnt = SimpleMI("svm").fit([bags[i] for i in kept], Y[kept, k])
            each.append(learnt.predict_proba([bags[4]])[0])
        assert cv.probability[4, k] == pytest.approx(np.mean(each))
    with pytest.raises(ValueError, match="a network learns its genres together"):
        cross_validate(BagClassifier(), bags, Y, scheme="rebalanced")


def below_chance(seed, model, scheme, **planted):
    """mAP less that of random ranks, when labels say nothing."""
    bags, Y = films(seed, **planted)
    cv = cross_validate(model, bags, Y, scheme=scheme)
    ap = average_precision(Y, cv.probability, np.ones((1, len(Y))))[0]
    return np.nanmean(ap - chance_precision(Y, draws=200))


def test_leave_one_out_lies_below_chance_and_rebalanced_does_not():
    bias = {s: np.mean([below_chance(i, SimpleMI("svm"), s, n=16) for i in range(5)]) for s in SCHEMES}
    assert bias["leave-one-film-out"] < bias["rebalanced"] - 0.03


@pytest.mark.slow
def test_bias_of_forty_corpora():
    models = {"svm": SimpleMI("svm"), "knn": SimpleMI("knn"), "forest": SimpleMI("forest")}
    for name, model in models.items():
        bias = {s: [below_chance(i, model, s, n=36) for i in range(40)] for s in SCHEMES}
        print(name, {s: f"{np.mean(b):+.3f} ({stats.sem(b):.3f})" for s, b in bias.items()})
        assert abs(np.mean(bias["rebalanced"])) < 3 * stats.sem(bias["rebalanced"]) + 0.01


@pytest.mark.slow
def test_class_weights_take_a_part_of_the_bias_of_networks():
    bias = {}
    for weight in ("balanced", None):
        model = BagClassifier(hidden=16, epochs=30, learning_rate=1e-3, class_weight=weight)
        each = [below_chance(i, model, "leave-one-film-out") for i in range(14)]
        bias[weight] = np.mean(each)
        print(f"network, class_weight {weight}: {np.mean(each):+.3f} ({stats.sem(each):.3f})")
    assert bias[None] < bias["balanced"] < 0.02


@pytest.mark.slow
def test_rate_in_a_thousand_corpora():
    p = np.array([p_of(seed, permutations=39) for seed in range(1000)])
    print("retrained, nothing heard: p <= .05 in", (p <= 0.05).mean())
    assert (p <= 0.05).sum() <= stats.binom.ppf(0.999, 1000, 0.05)
