"""The six poolings against literal loops over films, genres and instances."""

import numpy as np
import pytest
import torch

from filmlens.genre import POOLINGS, table3
from filmlens.genre.network import Network
from filmlens.genre.pooling import EMBEDDABLE, attention_pool, average, linear_softmax, max_pool, segment_sum

SIZES = [3, 1, 4]
CASES = [(p, "decision", "sigmoid") for p in POOLINGS] + [(p, "embedding", "sigmoid") for p in EMBEDDABLE]
CASES += [(p, "decision", "softmax") for p in POOLINGS if "attention" in p]
CASES += [("single_attention", "embedding", "softmax")]


def network(pooling, space="decision", weighing="sigmoid", folds=2, inputs=4, hidden=5, genres=3):
    chosen = {"pooling": pooling, "space": space, "weighing": weighing}
    net = Network(folds=folds, inputs=inputs, hidden=hidden, genres=genres, seed=1, **chosen)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.3 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return net.eval()


def films(folds=2, inputs=4):
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(sum(SIZES), inputs))).expand(folds, -1, -1)
    return x, torch.tensor(SIZES).expand(folds, -1).contiguous(), torch.tensor([], dtype=torch.long)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def literal(net, fold, bag):
    """A film's probabilities by the formulas of Table 3, one instance, genre and node at a time."""
    w = {n: p[fold].detach().numpy() for n, p in net.named_parameters()}

    def layer(name, h):
        weight, bias = w[f"{name}.weight"], w[f"{name}.bias"][0]
        return np.array([sum(h[d] * weight[d, j] for d in range(len(h))) + bias[j] for j in range(len(bias))])

    def relu(z):
        return np.array([max(v, 0.0) for v in z])

    h2, h3 = [], []
    for x in bag:
        h2.append(relu(layer("dense2", relu(layer("dense1", x)))))
        h3.append(relu(layer("dense3", h2[-1])))

    def attend(values, weights):
        return [
            sum(a[k] * v[k] for a, v in zip(weights, values, strict=True)) / sum(a[k] for a in weights)
            for k in range(len(values[0]))
        ]

    def weights(z):
        return sigmoid(z) if net.weighing == "sigmoid" else np.exp(z)

    if net.pooling == "multi_attention":
        both = []
        for name, hidden in (("2", h2), ("3", h3)):
            values = [sigmoid(layer("decision" + name, h)) for h in hidden]
            both += attend(values, [weights(layer("attention" + name, h)) for h in hidden])
        return sigmoid(layer("output", both))
    if net.pooling == "feature_attention":
        z = attend([layer("feature", h) for h in h3], [weights(layer("attention", h)) for h in h3])
        return sigmoid(layer("output", relu(z)))
    values = [sigmoid(layer("output", h)) for h in h3] if net.space == "decision" else h3
    nodes = range(len(values[0]))
    if net.pooling == "max":
        pooled = [max(v[k] for v in values) for k in nodes]
    elif net.pooling == "average":
        pooled = [sum(v[k] for v in values) / len(values) for k in nodes]
    elif net.pooling == "linear_softmax":
        pooled = [sum(v[k] ** 2 for v in values) / max(sum(v[k] for v in values), 1e-7) for k in nodes]
    else:
        pooled = attend(values, [weights(layer("attention", h)) for h in h3])
    return np.array(pooled) if net.space == "decision" else sigmoid(layer("output", pooled))


@pytest.mark.parametrize(("pooling", "space", "weighing"), CASES)
def test_pooling_is_its_literal_loop(pooling, space, weighing):
    net = network(pooling, space, weighing)
    x, lengths, missing = films()
    with torch.no_grad():
        ours = net(x, lengths, missing).numpy()
    ends = np.cumsum(SIZES)
    for fold in range(2):
        for i, (end, size) in enumerate(zip(ends, SIZES, strict=True)):
            bag = x[fold, end - size : end].numpy()
            np.testing.assert_allclose(ours[fold, i], literal(net, fold, bag), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("pooling", "space", "weighing"), CASES)
def test_gradient_is_a_finite_difference(pooling, space, weighing):
    net = network(pooling, space, weighing, folds=2)
    x, lengths, missing = films()
    names = [n for n, _ in net.named_parameters()]

    def forward(*values):
        return torch.func.functional_call(net, dict(zip(names, values, strict=True)), (x, lengths, missing))

    parameters = [p.detach().clone().requires_grad_() for p in net.parameters()]
    assert torch.autograd.gradcheck(forward, parameters, eps=1e-6, atol=1e-7, rtol=1e-5, fast_mode=True)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_order_does_not_matter(pooling):
    net = network(pooling)
    x, lengths, missing = films()
    with torch.no_grad():
        before = net(x, lengths, missing)
        instances = net(x[:, [2, 0, 1, 3, 7, 5, 6, 4]], lengths, missing)
        swapped = net(x[:, [3, 4, 5, 6, 7, 0, 1, 2]], lengths[:, [1, 2, 0]].contiguous(), missing)
    torch.testing.assert_close(instances, before, rtol=0, atol=1e-12)
    torch.testing.assert_close(swapped, before[:, [1, 2, 0]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_duplicating_every_instance_changes_nothing(pooling):
    net = network(pooling)
    x, lengths, missing = films()
    with torch.no_grad():
        twice = net(x.repeat_interleave(2, 1), 2 * lengths, missing)
        torch.testing.assert_close(twice, net(x, lengths, missing), rtol=0, atol=1e-12)


def test_a_large_attention_stays_a_number_and_shares_sum_to_one():
    net = network("single_attention", weighing="softmax")
    with torch.no_grad():
        net.attention.weight *= 1e4
        x, lengths, missing = films()
        h2, h3 = net.embed(x, missing)
        assert torch.isfinite(net.pool(h2, h3, lengths)).all()
        shares = segment_sum(net.attention_of(h2, h3, lengths), lengths)
    torch.testing.assert_close(shares, torch.ones_like(shares), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="weighing"):
        network("average", weighing="tanh")


def test_segments_may_be_empty_and_end_before_the_rows_do():
    values = torch.arange(10.0).reshape(1, 5, 2).requires_grad_()
    lengths = torch.tensor([[2, 0, 1]])
    total = segment_sum(values, lengths)
    assert total.tolist() == [[[2, 4], [0, 0], [4, 5]]]
    total.sum().backward()
    assert values.grad[0, :, 0].tolist() == [1, 1, 1, 0, 0]
    assert average(values, lengths)[0, 1].tolist() == [0, 0]


def test_probabilities_stay_probabilities():
    p = torch.full((1, 6, 2), 1 - 1e-7)
    lengths = torch.tensor([[6]])
    for pooled in (
        average(p, lengths),
        max_pool(p, lengths),
        linear_softmax(p, lengths),
        attention_pool(p, p, lengths),
    ):
        assert (pooled <= 1.0).all() and (pooled > 0.999).all()
    assert linear_softmax(torch.zeros(1, 6, 2), lengths).tolist() == [[[0, 0]]]


def test_table3_lists_each_pooling_with_its_code_name():
    table = table3()
    assert table["code"].tolist() == list(POOLINGS) and len(table) == 6
    assert table["formula"].is_unique and (table["source"].str.len() > 0).all()


def test_unknown_pooling_and_space_say_what_there_is():
    with pytest.raises(ValueError, match="linear_softmax"):
        network("median")
    with pytest.raises(ValueError, match='"decision" or "embedding"'):
        network("max", "middle")
    with pytest.raises(ValueError, match="not for multi_attention"):
        network("multi_attention", "embedding")
