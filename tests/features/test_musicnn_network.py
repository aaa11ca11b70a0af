"""The network: literal loops beside it, patches in any company, a whole spectrogram, and the original's outputs."""

import numpy as np
import pytest
import torch
from conftest import seeded_musicnn

from filmlens.features.musicnn import network, weights
from filmlens.features.musicnn.frontend import FRAMES, spectrogram, starts
from filmlens.features.musicnn.weights import WeightsError


@pytest.fixture(scope="module")
def net(musicnn_weights):
    return weights.load(musicnn_weights)


@pytest.fixture(scope="module")
def heard():
    return spectrogram(np.random.default_rng(0).normal(0, 0.1, 16_000 * 12).astype(np.float32))


def literal(arrays, patch):
    """The network in loops, from TensorFlow's arrays: tags and penultimate layer of one patch (frames, 96)."""

    def named(kind, i):
        return f"{kind}_{i}" if i else kind

    def norm(i, values):
        name = named("batch_normalization", i)
        scaled = (values - arrays[f"{name}/moving_mean"]) / np.sqrt(arrays[f"{name}/moving_variance"] + 1e-3)
        return scaled * arrays[f"{name}/gamma"] + arrays[f"{name}/beta"]

    def layer(kind, i):
        return arrays[f"{named(kind, i)}/kernel"].astype(float), arrays[f"{named(kind, i)}/bias"]

    patch, frames = norm(0, patch.astype(float)), len(patch)
    parts = []
    for i in range(5):
        kernel, bias = layer("conv2d", i)
        length, height = kernel.shape[:2]
        padded = np.pad(patch, ((3, 3) if i < 2 else ((length - 1) // 2, length // 2), (0, 0)))
        loudest = np.full((frames, kernel.shape[3]), -np.inf)
        for frame in range(frames):
            for band in range(96 - height + 1):
                window = padded[frame : frame + length, band : band + height]
                values = np.maximum(np.tensordot(window, kernel[:, :, 0], 2) + bias, 0)
                loudest[frame] = np.maximum(loudest[frame], norm(i + 1, values))
        parts.append(loudest)
    layers = [np.concatenate(parts, 1)]
    for i in range(3):
        kernel, bias = layer("conv2d", 5 + i)
        padded = np.pad(layers[-1], ((3, 3), (0, 0)))
        rows = [np.tensordot(padded[frame : frame + 7], kernel[:, :, 0], 2) for frame in range(frames)]
        values = norm(6 + i, np.maximum(np.array(rows) + bias, 0))
        layers.append(values + layers[-1] if i else values)
    whole = np.concatenate(layers, 1)
    pooled = [value for column in whole.T for value in (column.max(), column.mean())]
    kernel, bias = layer("dense", 0)
    penultimate = norm(10, np.maximum(norm(9, np.array(pooled)) @ kernel + bias, 0))
    kernel, bias = layer("dense", 1)
    return 1 / (1 + np.exp(-(penultimate @ kernel + bias))), penultimate


@pytest.mark.parametrize("frames", [9, 21])
def test_the_network_is_the_one_described(net, heard, frames):
    tags, penultimate = network.infer(net, heard[None, :frames])
    expected_tags, expected = literal(seeded_musicnn(0), heard[:frames])
    scale = float(np.abs(expected).max())
    assert tags[0] == pytest.approx(expected_tags, abs=1e-4)
    assert penultimate[0] == pytest.approx(expected, abs=1e-5 * scale)


def test_shapes_types_and_parameters(net, heard):
    assert 780_000 < sum(p.numel() for p in net.parameters()) < 800_000
    assert [part.shape for part in network.infer(net, heard[None, :FRAMES])] == [(1, 50), (1, 200)]
    assert [part.shape for part in network.infer(net, np.empty((0, FRAMES, 96)))] == [(0, 50), (0, 200)]
    assert {p.dtype for p in net.parameters()} == {torch.float32} and not net.training


@pytest.mark.parametrize("shape", [(FRAMES, 96), (2, 96, FRAMES), (1, 0, 96)])
def test_patches_of_another_shape_are_refused(net, shape):
    with pytest.raises(ValueError, match=r"musicnn takes \(n, 187, 96\)"):
        network.infer(net, np.zeros(shape))


def test_a_patch_is_heard_alike_in_any_company(net, heard):
    patches = np.stack([heard[at : at + FRAMES] for at in starts(len(heard), 0.5)])
    assert len(patches) > 16
    together = network.infer(net, patches)
    for k in (0, 15, 16, len(patches) - 1):
        for many, one in zip(together, network.infer(net, patches[k : k + 1]), strict=True):
            assert one[0] == pytest.approx(many[k], abs=1e-5 * max(1.0, float(np.abs(many).max())))


@pytest.mark.parametrize("at", [[0], [0, 0, 1, 63, 64], [3, 66, 190, 400], list(range(0, 500, 25))])
def test_along_a_spectrogram_as_patch_by_patch(net, heard, at):
    """What overlapping patches share is computed once; their edges see zeros, as when each stands alone."""
    shared = network.infer_along(net, heard, at)
    alone = network.infer(net, np.stack([heard[a : a + FRAMES] for a in at]))
    for one, other in zip(shared, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-5 * max(1.0, float(np.abs(other).max())))


def test_one_thread_and_the_callers_setting_stays(net, heard):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    network.infer(net, heard[None, :FRAMES])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_an_unknown_model_is_refused(musicnn_weights):
    with pytest.raises(ValueError, match=r"model='vgg': the networks are mtt, msd"):
        weights.load(musicnn_weights, "vgg")


@pytest.mark.parametrize("damage", ["cut", "another network", "without a layer", "NaN", "page", "absent", "pickle"])
def test_what_are_no_weights_is_refused_with_one_line(tmp_path, damage):
    path = tmp_path / "weights.npz"
    arrays = {f"mtt/{name}": array for name, array in seeded_musicnn().items()}
    if damage == "another network":  # musicnn's shapes but for more filters, as its larger sibling has
        arrays["mtt/conv2d_5/kernel"] = np.zeros((7, 561, 1, 512), np.float32)
    elif damage == "without a layer":
        del arrays["mtt/conv2d_7/kernel"]
    elif damage == "NaN":
        arrays["mtt/dense/bias"][3] = np.nan
    elif damage == "pickle":
        arrays = {"mtt/conv2d/kernel": np.array([{}], object)}
    if damage == "page":
        path.write_text("<!DOCTYPE html><title>Log in</title>")
    elif damage != "absent":
        np.savez(path, **arrays)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match=r"weights\.npz: ") as caught:
        weights.load(path)
    assert "\n" not in str(caught.value)


def test_arrays_of_vggish_are_refused(tmp_path):
    path = tmp_path / "vggish.npz"
    np.savez(path, **{"vggish/conv1/weights": np.zeros((3, 3, 1, 64), np.float32)})
    with pytest.raises(WeightsError, match="no arrays of musicnn"):
        weights.load(path)
