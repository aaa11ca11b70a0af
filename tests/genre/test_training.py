"""Folds trained together learn what each learns alone, and what a plain torch network learns."""

import numpy as np
import pytest
import torch

from filmlens.genre import POOLINGS, BagClassifier, Bags
from filmlens.genre.network import Network
from filmlens.genre.prediction import predict_all, predict_held_out
from filmlens.genre.training import constants, loss_weights, train

FILMS, GENRES = 18, 6


def data(features=7, genres=GENRES, gaps=0.05, seed=0):
    """Films of 1 to 6 cues and one empty bag, with missing values and units of their own."""
    rng = np.random.default_rng(seed)
    labels = rng.random((FILMS, genres)) < 0.4
    labels[0], labels[1] = True, False
    effect = rng.normal(size=(genres, features))
    sizes = rng.integers(1, 7, FILMS)
    sizes[5] = 0
    arrays = [1e3 + 20 * (rng.normal(size=(n, features)) + y @ effect) for n, y in zip(sizes, labels, strict=True)]
    for a in arrays:
        a[rng.random(a.shape) < gaps] = np.nan
    return Bags.from_arrays(arrays), labels


def settings(pooling, **other):
    few = {"hidden": 8, "epochs": 4, "learning_rate": 1e-3, "batch_size": 5}
    return BagClassifier(pooling, **few | other).training() | {"device": "cpu"}


MEMBERS = ~np.eye(FILMS, dtype=bool)[[0, 1, 2, 5, 17]]
# a fold that holds out whole batches now and then: of 5 films a batch, 12 of 18 films
MEMBERS = np.vstack([MEMBERS, np.arange(FILMS) >= 12])


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_stacked_training_is_one_fold_at_a_time(pooling, batch_norm):
    bags, labels = data()
    options = settings(pooling, batch_norm=batch_norm)
    for dtype in (torch.float64, torch.float32):
        stack = train(bags, labels, MEMBERS, **options, dtype=dtype)
        together = predict_all(stack, bags)
        for f in range(len(MEMBERS)):
            alone = train(bags, labels, MEMBERS[f : f + 1], **options, dtype=dtype)
            if dtype is torch.float64:
                for (name, ours), theirs in zip(stack.state_dict().items(), alone.state_dict().values(), strict=True):
                    torch.testing.assert_close(ours[f], theirs[0], rtol=0, atol=1e-10, equal_nan=True, msg=name)
            np.testing.assert_allclose(together[f], predict_all(alone, bags)[0], rtol=0, atol=5e-7)


def plain(bags, labels, member, options, init):
    """One fold by torch's own layers, batch normalisation and Adam; batches and initial weights as given."""
    hidden, batch_norm, pooling = map(options["architecture"].get, ("hidden", "batch_norm", "pooling"))
    rows = np.repeat(member & (bags.sizes > 0), bags.sizes)
    values = bags.instances
    mean, sd = np.nanmean(values[rows], axis=0), np.nanstd(values[rows], axis=0)
    x = torch.as_tensor(np.nan_to_num((values - mean) / sd, nan=0.0))
    y = torch.as_tensor(labels.astype(float))
    inside = member & (bags.sizes > 0)
    n, positive = inside.sum(), labels[inside].sum(0)
    learnt = (positive > 0) & (positive < n)
    up, down = (torch.as_tensor(n / (2 * np.maximum(c, 1))) for c in (positive, n - positive))

    def linear(name, bias=True):
        weight = init[f"{name}.weight"]
        layer = torch.nn.Linear(weight.shape[1], weight.shape[2], bias=bias).double()
        layer.weight.data = weight[0].T.clone()
        if bias:
            torch.nn.init.zeros_(layer.bias)
        return layer

    dense = [linear(f"dense{i}", not batch_norm) for i in (1, 2, 3)]
    norms = [torch.nn.BatchNorm1d(hidden).double() for _ in range(3)]
    output = linear("output")
    attention = linear("attention") if pooling == "single_attention" else None
    modules = torch.nn.ModuleList([*dense, output, *([attention] if attention else []), *(norms if batch_norm else [])])
    adam = torch.optim.Adam(modules.parameters(), lr=options["learning_rate"])

    def forward(bag):
        h = bag
        for layer, norm in zip(dense, norms, strict=True):
            h = torch.relu(norm(layer(h)) if batch_norm else layer(h))
        return h

    rng = np.random.default_rng(options["seed"])
    films = np.flatnonzero(bags.sizes > 0)
    for _ in range(options["epochs"]):
        order = rng.permutation(films)
        for start in range(0, len(order), options["batch_size"]):
            batch = [i for i in order[start : start + options["batch_size"]] if inside[i]]
            if not batch:
                continue
            h = forward(torch.cat([x[bags.offsets[i] : bags.offsets[i + 1]] for i in batch]))
            p = []
            for part in torch.split(h, [int(bags.sizes[i]) for i in batch]):
                instance = torch.sigmoid(output(part))
                if attention is None:
                    p.append(instance.mean(0))
                else:
                    a = torch.sigmoid(attention(part))
                    p.append((a * instance).sum(0) / a.sum(0))
            p, t = torch.stack(p), y[batch]
            loss = -(up * t * torch.log(p) + down * (1 - t) * torch.log(1 - p))[:, learnt].mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    return {"dense1": dense[0], "dense3": dense[2], "output": output}


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("pooling", ["average", "single_attention"])
def test_training_is_that_of_a_plain_torch_network(pooling, batch_norm):
    bags, labels = data(gaps=0.0 if batch_norm else 0.05)
    # torch's batch normalisation refuses batches of one instance
    options = settings(pooling, batch_norm=batch_norm, batch_size=9 if batch_norm else 5)
    stack = train(bags, labels, MEMBERS, **options, dtype=torch.float64)
    init = Network(folds=1, inputs=7, hidden=8, genres=GENRES, pooling=pooling, batch_norm=batch_norm, seed=0)
    for f in (2, len(MEMBERS) - 1):
        reference = plain(bags, labels, MEMBERS[f], options, init.state_dict())
        for name, layer in reference.items():
            weight = dict(stack.named_parameters())[f"{name}.weight"][f]
            torch.testing.assert_close(weight, layer.weight.T, rtol=0, atol=1e-10)


def test_the_stack_is_the_same_to_the_last_bit_whatever_its_company():
    bags, labels = data()
    options = settings("linear_softmax", epochs=30)
    one = train(bags, labels, MEMBERS[1:2], **options)
    stack = train(bags, labels, MEMBERS, **options)
    for ours, theirs in zip(stack.parameters(), one.parameters(), strict=True):
        assert torch.equal(ours[1], theirs[0])


def test_dropout_has_the_same_distribution_but_not_the_same_numbers():
    bags, labels = data()
    options = settings("average", dropout=0.5, epochs=15, hidden=16)
    full = bags.sizes > 0
    p = predict_all(train(bags, labels, np.repeat(MEMBERS[2:3], 60, 0), **options), bags)[:, full]
    alone = predict_all(train(bags, labels, MEMBERS[2:3], **options), bags)[0, full]
    mean, sd = p.mean(0), p.std(0)
    assert (sd > 1e-4).all() and (np.abs(alone - mean) > 1e-6).any()
    assert (np.abs(alone - mean) < 5 * sd).all()
    # and dropout did something: without it every fold of this stack is one and the same
    dry = predict_all(train(bags, labels, MEMBERS[2:3], **settings("average", epochs=15, hidden=16)), bags)[0, full]
    assert (np.abs(dry - mean) > 6 * sd / np.sqrt(60)).any()


def test_training_learns():
    bags, labels = data()
    everything = np.ones((1, FILMS), dtype=bool)
    net = train(bags, labels, everything, **settings("average", epochs=150, learning_rate=1e-2, hidden=32))
    p = predict_all(net, bags)[0]
    full = bags.sizes > 0
    assert ((p[full] >= 0.5) == labels[full]).mean() > 0.95 and np.isnan(p[~full]).all()


def test_held_out_films_go_through_their_own_fold():
    bags, labels = data()
    fold = np.array([0, 1, 2, 0, 1, -1, *[2] * 12])
    members = (fold[None] != np.arange(3)[:, None]) & (fold >= 0)
    for pooling in POOLINGS:
        net = train(bags, labels, members, **settings(pooling))
        everywhere = predict_all(net, bags)
        p, instances, attention = predict_held_out(net, bags, fold)
        chunked = predict_held_out(net, bags, fold, cells=100)
        for i, f in enumerate(fold):
            rows = slice(bags.offsets[i], bags.offsets[i + 1])
            if f < 0:
                assert np.isnan(p[i]).all()
                continue
            np.testing.assert_allclose(p[i], everywhere[f, i], rtol=0, atol=1e-6)
            each = Bags.from_arrays(list(bags[i][:, None]))
            np.testing.assert_allclose(instances[rows], predict_all(net, each)[f], rtol=0, atol=1e-6)
            if pooling.endswith("attention"):
                np.testing.assert_allclose(attention[rows].sum(0), 1, atol=1e-5)
            else:
                np.testing.assert_array_equal(attention[rows], instances[rows])
        for ours, theirs in zip((p, instances, attention), chunked, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_single_attention_pools_with_the_shares_it_shows():
    bags, labels = data()
    model = BagClassifier("single_attention", hidden=8, epochs=5, learning_rate=1e-2).fit(bags, labels)
    instance, share = model.instance_proba(bags), model.attention(bags)
    film = np.repeat(np.arange(FILMS), bags.sizes)
    pooled = np.array([(instance * share)[film == i].sum(0) for i in range(FILMS)])
    full = bags.sizes > 0
    np.testing.assert_allclose(pooled[full], model.predict_proba(bags)[full], atol=1e-5)


def test_loss_weights_are_balanced_within_the_fold():
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    members = np.array([[1, 1, 1, 1], [1, 1, 1, 0]], dtype=bool)
    w = loss_weights(labels, members, "balanced")
    np.testing.assert_allclose(w[0, :, 1], [4 / 6 / 3, 4 / 6 / 3, 4 / 6 / 3, 4 / 2 / 3])
    # in the second fold every film carries the second genre: it drops out, the others are averaged over two
    assert (w[1, :, 1] == 0).all() and (w[1, 3] == 0).all()
    np.testing.assert_allclose(w[1, :3, 0], [3 / 2 / 2, 3 / 4 / 2, 3 / 4 / 2])
    np.testing.assert_array_equal(constants(labels, members)[1], [np.nan, 1, np.nan])
    np.testing.assert_allclose(loss_weights(labels, members, None)[0], 1 / 3)


def test_a_network_survives_its_arrays():
    bags, labels = data()
    net = train(bags, labels, MEMBERS, **settings("multi_attention", batch_norm=True))
    again = Network.from_arrays(net.architecture, net.arrays())
    np.testing.assert_array_equal(predict_all(again, bags), predict_all(net, bags))
    np.testing.assert_allclose(predict_all(net.select([3, 1]), bags), predict_all(net, bags)[[3, 1]], atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("pooling", POOLINGS)
def test_cuda_learns_what_the_cpu_learns(pooling):
    bags, labels = data()
    options = settings(pooling, batch_norm=True)
    cpu = train(bags, labels, MEMBERS, **options, dtype=torch.float64)
    cuda = train(bags, labels, MEMBERS, **options | {"device": "cuda"}, dtype=torch.float64)
    np.testing.assert_allclose(predict_all(cuda, bags), predict_all(cpu, bags), atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", POOLINGS)
def test_stacked_training_at_the_papers_setting(pooling):
    rng = np.random.default_rng(1)
    labels = rng.random((40, 6)) < 0.4
    bags = Bags.from_arrays([rng.normal(size=(rng.integers(5, 15), 30)) + 0.5 * y.sum() for y in labels])
    members = ~np.eye(40, dtype=bool)
    options = BagClassifier(pooling).training()
    stack = predict_all(train(bags, labels, members, **options), bags)
    for f in (0, 39):
        alone = predict_all(train(bags, labels, members[f : f + 1], **options), bags)[0]
        np.testing.assert_allclose(stack[f], alone, rtol=0, atol=5e-7)
