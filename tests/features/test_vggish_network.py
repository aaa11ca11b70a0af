"""The network: its shapes, three layouts of weights that load to one, its options, damaged files, published values."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import seeded_state

from filmlens.features.vggish import examples, weights
from filmlens.features.vggish.network import VGGish, embed_examples, postprocess
from filmlens.features.vggish.weights import WeightsError, load

PCA = Path(__file__).resolve().parents[3] / "shared" / "weights" / "vggish_pca_params.npz"
TENSORFLOW = ("conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2", "conv4/conv4_1", "conv4/conv4_2")
TENSORFLOW += ("fc1/fc1_1", "fc1/fc1_2", "fc2")


@pytest.fixture(scope="module")
def state():
    return seeded_state()


@pytest.fixture(scope="module")
def net(seeded_weights):
    return load(seeded_weights)


@pytest.fixture(scope="module")
def heard():
    return np.random.default_rng(0).normal(-3, 1, (5, 96, 64)).astype(np.float32)


def test_shapes_and_parameters(net, heard):
    assert sum(p.numel() for p in net.parameters()) == 72_141_184
    assert embed_examples(net, heard).shape == (5, 128)
    assert net.convolve(torch.from_numpy(heard)).shape == (5, 12_288)
    assert embed_examples(net, heard[:0]).shape == (0, 128)
    assert {p.dtype for p in net.parameters()} == {torch.float32}, "other types are slower by far on CPUs"


def test_the_network_is_the_one_described(state, net, heard):
    """Layer by layer from the arrays: 3 x 3 with zeros around, ReLU, maximum of 2 x 2, rows x bands x channels."""
    values = torch.from_numpy(heard[:1, None])
    for layer, pool in ((0, 1), (3, 1), (6, 0), (8, 1), (11, 0), (13, 1)):
        weight, bias = state[f"features.{layer}.weight"], state[f"features.{layer}.bias"]
        padded = torch.nn.functional.pad(values, (1, 1, 1, 1))
        rows, columns = values.shape[2:]
        total = bias[None, :, None, None].repeat(1, 1, rows, columns)
        for y in range(3):
            for x in range(3):
                total += torch.einsum("oi,nihw->nohw", weight[..., y, x], padded[..., y : y + rows, x : x + columns])
        values = total.clamp(min=0)
        if pool:
            values = values.reshape(*values.shape[:2], rows // 2, 2, columns // 2, 2).amax((3, 5))
    flat = values[0].permute(1, 2, 0).reshape(-1)
    for layer in (0, 2, 4):
        flat = state[f"embeddings.{layer}.weight"] @ flat + state[f"embeddings.{layer}.bias"]
        flat = flat.clamp(min=0) if layer < 4 else flat
    assert embed_examples(net, heard[:1])[0] == pytest.approx(flat.numpy(), abs=1e-4 * float(flat.abs().max()))


def test_an_example_is_embedded_alike_in_any_company(net):
    many = np.random.default_rng(1).normal(-3, 1, (35, 96, 64)).astype(np.float32)
    together = embed_examples(net, many)
    alone = np.concatenate([embed_examples(net, many[i : i + 1]) for i in (0, 15, 16, 34)])
    assert np.abs(together[[0, 15, 16, 34]] - alone).max() < 1e-4 * np.abs(together).max()


def test_one_thread_and_the_callers_setting_stays(net, heard):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    embed_examples(net, heard[:1])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_the_last_relu_is_an_option(seeded_weights, net, heard):
    cut = embed_examples(load(seeded_weights, relu=True), heard)
    values = embed_examples(net, heard)
    assert (values < 0).any() and np.array_equal(cut, np.maximum(values, 0))


@pytest.mark.parametrize("shape", [(96, 64), (3, 64, 96), (2, 1, 96, 64)])
def test_examples_of_another_shape_are_refused(net, shape):
    with pytest.raises(ValueError, match="VGGish takes"):
        embed_examples(net, np.zeros(shape))


class Whole(torch.nn.Module):
    """A network of someone's own around the same layers."""

    def __init__(self, state):
        super().__init__()
        inner = VGGish()
        inner.load_state_dict(state)
        self.features, self.embeddings = inner.features, inner.embeddings
        self.register_buffer("pca_eigen_vectors", torch.zeros(128, 128))


@pytest.mark.parametrize("layout", ["tensorflow", "whole model", "nested state"])
def test_every_layout_loads_to_the_same(tmp_path, state, net, heard, layout):
    path = tmp_path / ("weights.npz" if layout == "tensorflow" else "weights.pth")
    if layout == "tensorflow":
        stored = {}
        layers = [n.removesuffix(".weight") for n in state if n.endswith(".weight")]
        for theirs, ours in zip(TENSORFLOW, layers, strict=True):
            array = state[f"{ours}.weight"].numpy()
            stored[f"vggish/{theirs}/weights"] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
            stored[f"vggish/{theirs}/biases"] = state[f"{ours}.bias"].numpy()
        stored["global_step"] = np.int64(7)
        np.savez(path, **stored)
    elif layout == "whole model":
        torch.save(Whole(state), path)
    else:
        torch.save({"epoch": 3, "state_dict": {f"net.{name}": array for name, array in state.items()}}, path)
    assert np.array_equal(embed_examples(load(path), heard), embed_examples(net, heard))
    assert not weights.marked_random(path)
    path.unlink()


class Harm:
    def __reduce__(self):
        return os.system, ("touch harm-was-done",)


@pytest.mark.parametrize("kind", ["page", "half", "code", "another network", "empty", "list", "ckpt", "no bias", "NaN"])
def test_what_are_no_weights_is_refused(tmp_path, monkeypatch, state, seeded_weights, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ("vggish_model.ckpt" if kind == "ckpt" else "weights.pth")
    small = {name: array[:1] for name, array in state.items()}
    bad = dict(state)
    if kind == "page":
        path.write_text("<!DOCTYPE html><title>Not found</title>")
    elif kind == "half":
        path.write_bytes(seeded_weights.read_bytes()[: 1 << 20])
    elif kind == "code":
        torch.save({"features.0.weight": Harm()}, path)
    elif kind == "another network":
        torch.save(small, path)
    elif kind == "list":
        torch.save([torch.zeros(3)], path)
    elif kind == "no bias":
        torch.save({n: a for n, a in bad.items() if n != "features.3.bias"}, path)
    elif kind == "NaN":
        torch.save(bad | {"embeddings.4.bias": torch.full((128,), float("nan"))}, path)
    else:
        path.touch()
    with pytest.raises(WeightsError, match=path.name):
        load(path)
    assert not Path("harm-was-done").exists()
    path.unlink()


def test_8_bit_as_in_a_literal_loop():
    if not PCA.is_file():
        pytest.skip("shared/weights/vggish_pca_params.npz is not here")
    with np.load(PCA) as stored:
        vectors, means = stored["pca_eigen_vectors"], stored["pca_means"]
    embeddings = np.random.default_rng(0).normal(0, 0.4, (7, 128))
    expected = np.zeros((7, 128), int)
    for n, embedding in enumerate(embeddings):
        for i in range(128):
            total = 0.0
            for j in range(128):
                total += vectors[i, j] * (embedding[j] - means[j])
            expected[n, i] = int((min(max(total, -2.0), 2.0) + 2) * 255 / 4)
    got = postprocess(embeddings, vectors, means)
    assert got.dtype == np.uint8 and np.array_equal(got, expected) and len(np.unique(got)) > 50
    assert np.array_equal(postprocess(embeddings, vectors, means[:, None]), expected)


def test_random_weights_say_so_and_unknown_ones_are_told_apart(seeded_weights, net):
    assert weights.marked_random(seeded_weights)
    assert weights.origin(seeded_weights, net) == "random weights, test only"
    assert weights.origin(Path("elsewhere.pth"), net).startswith("other weights than the published")


def test_published_weights_give_the_published_embedding():
    path = weights.find()
    if path is None or weights.marked_random(path):
        pytest.skip("no published VGGish weights: FILMLENS_VGGISH names none and the cache holds none")
    net = load(path)
    found = weights.smoke_test(net)
    assert found["mean"] == pytest.approx(0.000657, rel=0.1) and found["sd"] == pytest.approx(0.343, rel=0.1)
    assert weights.origin(path, net) == "published"
    if PCA.is_file():
        tone = np.sin(2 * np.pi * 1000 * np.arange(0, 3, 1 / 16_000))
        with np.load(PCA) as stored:
            eight = postprocess(embed_examples(net, examples(tone)), stored["pca_eigen_vectors"], stored["pca_means"])
        assert eight.mean() == pytest.approx(126.0, rel=0.1) and eight.std() == pytest.approx(89.3, rel=0.1)
