"""Weights of VGGish: fetching them, where they lie, reading them, and whether they are the published ones.

Read are the state dict of torchvggish, the arrays of TensorFlow's checkpoint by their names in an npz file, and a
whole saved model. The nine weights differ in shape, so they are matched by shape and a bias by its neighbour's name.
Nothing in a file is ever executed.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from filmlens import download
from filmlens.artefacts import cache_folder, fingerprint
from filmlens.features.vggish.frontend import RATE, examples
from filmlens.features.weights import WeightsError, named, needed, sha256
from filmlens.text import reason

if TYPE_CHECKING:
    from filmlens.features.vggish.network import VGGish

#: Names the file of weights, where it is not in the cache; likewise that of the PCA.
VARIABLE, PCA_VARIABLE = "FILMLENS_VGGISH", "FILMLENS_VGGISH_PCA"
PUBLISHED, PCA_FILE = "vggish-10086976.pth", "vggish_pca_params.npz"
#: The public release, its size in bytes; its SHA-256 begins with what stands in the name.
URL = f"https://github.com/harritaylor/torchvggish/releases/download/v0.1/{PUBLISHED}"
SIZE = 288_567_937
PCA_URL = f"https://storage.googleapis.com/audioset/{PCA_FILE}"
PCA_SIZE = 73_020
PCA_SHA = "4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d"
_REMEDY = f"fetch {URL} on another machine and give it with --file FILE, or name it by {VARIABLE}=FILE"
#: An array of this name in a file says that its weights were drawn at random.
RANDOM_MARK = "random_weights_test_only"
RANDOM = "random weights, test only"

#: Mean and standard deviation of the embedding of 3 s of 1 kHz, published with the weights; within 10 %.
_SMOKE = {"mean": 0.000657, "sd": 0.343}
_NAMED = "vggish-own"  # in the cache, with the ending that the user's file had


def fetch(
    url: str = URL,
    folder: str | Path | None = None,
    *,
    size: int = SIZE,
    sha: str | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    timeout: float = 30.0,
) -> Path:
    """`filmlens.download.fetch` into a folder, the user's cache by default; raises WeightsError with the remedy.

    `sha` is what the name says behind its hyphen by default.
    """
    name = url.rpartition("/")[2]
    target, sha = Path(folder or cache_folder()) / name, sha or _hash_in(name)
    try:
        return download.fetch(url, target, size=size, sha=sha, progress=progress, timeout=timeout)
    except download.DownloadError as error:
        raise WeightsError(f"{error}; {_REMEDY}") from error


def keep(file: str | Path, folder: str | Path | None = None) -> Path:
    """Copy weights that someone has brought into the user's cache; WeightsError when they are not VGGish's."""
    file, folder = Path(file), Path(folder or cache_folder())
    load(file)
    published = file.stat().st_size == SIZE and sha256(file).startswith(_hash_in(PUBLISHED))
    if file.name == PUBLISHED and not published:
        raise WeightsError(f"{file}: is not the published file, whose size is {SIZE:,}; fetch it again or rename it")
    target = folder / (PUBLISHED if published else f"{_NAMED}{file.suffix}")
    folder.mkdir(parents=True, exist_ok=True)
    if not published:
        for before in folder.glob(f"{_NAMED}.*"):
            before.unlink()
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(file, part)
    os.replace(part, target)
    return target


def find() -> Path | None:
    """The file of weights: what FILMLENS_VGGISH names (WeightsError for no file), else what the user's cache holds."""
    cached = [cache_folder() / PUBLISHED, *sorted(cache_folder().glob(f"{_NAMED}.*"))]
    return named(VARIABLE, "VGGish weights", cached)


def need() -> Path:
    """`find`, or a `WeightsError` with the remedy."""
    return needed(find(), "VGGish weights", "vggish", "288 MB", VARIABLE)


def pca() -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors (128, 128) and means (128,) of the published PCA; WeightsError without them."""
    path = _pca_file()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; `filmlens weights vggish` fetches it, {PCA_VARIABLE}=FILE names it")
    try:
        with np.load(path, allow_pickle=False) as file:
            vectors, means = file["pca_eigen_vectors"], file["pca_means"]
        if vectors.shape != (128, 128) or means.size != 128:
            raise ValueError(f"shapes {vectors.shape}, {means.shape}")
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: is not VGGish's PCA ({reason(error)}); fetch it again") from error
    return vectors, means.ravel()


def has_pca() -> bool:
    """Whether the parameters of the post-processing are there."""
    return _pca_file().is_file()


def fingerprint_of(parameters: Mapping[str, Any]) -> list[dict]:
    """Size and sampled hash of the files that an embedding depends on; not their place or date."""
    files = [need(), _pca_file()] if parameters["pca"] else [need()]
    return [{k: v for k, v in fingerprint(path).items() if k != "mtime"} for path in files]


def load(path: str | Path | None = None, *, relu: bool = False) -> VGGish:
    """The network with weights from a torch file (state dict or whole model) or an npz; what `find` finds by default.

    For `relu` see `VGGish`. Raises WeightsError for no file, not a file of weights, or weights of another network.
    """
    import torch

    from filmlens.features.vggish.network import VGGish

    path = Path(path) if path is not None else need()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    with torch.device("meta"):
        net = VGGish(relu=relu)
    net.load_state_dict(_matched(_arrays(path), net.state_dict(), path), assign=True)
    return net.requires_grad_(False).eval()


def smoke_test(net: VGGish) -> dict[str, float]:
    """Mean and standard deviation of the embedding of 3 s of 1 kHz: known for the published weights."""
    from filmlens.features.vggish.network import embed_examples

    tone = np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE)
    values = embed_examples(net, examples(tone), device="cpu")
    values = np.maximum(values, 0) if net.relu else values
    return {"mean": float(values.mean()), "sd": float(values.std())}


def origin(path: str | Path, net: VGGish) -> str:
    """Whether weights are the published ones, by what they make of a tone, in words for provenance and captions."""
    if marked_random(path):
        return RANDOM
    if net.relu:
        return "not checked: the published values are those before the last ReLU"
    found = smoke_test(net)
    if all(abs(found[name] - value) <= 0.1 * abs(value) for name, value in _SMOKE.items()):
        return "published"
    return f"other weights than the published: mean {found['mean']:.3g}, SD {found['sd']:.3g} on the test tone"


def marked_random(path: str | Path) -> bool:
    """Whether a file of weights says of itself that it is random; quick, nothing is loaded."""
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
            pickled = [n for n in names if n.endswith("data.pkl")]
            return f"{RANDOM_MARK}.npy" in names or any(RANDOM_MARK.encode() in file.read(n) for n in pickled)
    except (OSError, zipfile.BadZipFile):
        return False


def _hash_in(name: str) -> str:
    """The beginning of the hash that a release writes into a file's name.

    >>> _hash_in("vggish-10086976.pth")
    '10086976'
    """
    return name.rpartition("-")[2].partition(".")[0]


def _pca_file() -> Path:
    return Path(os.environ.get(PCA_VARIABLE) or cache_folder() / PCA_FILE).expanduser()


def _arrays(path: Path) -> dict[str, Any]:
    """Every tensor of a file by its name."""
    import torch

    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: torch.from_numpy(file[name]) for name in file.files}
        except (ValueError, OSError, zipfile.BadZipFile, TypeError) as error:
            raise WeightsError(f"{path}: cannot be read as arrays ({reason(error)}); is it complete?") from error
    if path.suffix in (".ckpt", ".index", ".meta") or path.name.endswith(".data-00000-of-00001"):
        raise WeightsError(
            f"{path}: is a checkpoint that only TensorFlow reads; there, numpy.savez('vggish.npz', **{{name: "
            "reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}) with "
            "reader = tensorflow.train.load_checkpoint(FILE) makes a file that is read here"
        )
    try:
        with torch.serialization.safe_globals(_inert_globals(path)):
            stored = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged file can raise anything
        raise WeightsError(f"{path}: cannot be read as weights of torch ({reason(error)}); is it complete?") from error
    if isinstance(stored, torch.nn.Module):
        stored = stored.state_dict()
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(stored, dict) and isinstance(stored.get(key), dict):
            stored = stored[key]
    if not isinstance(stored, dict):
        raise WeightsError(f"{path}: holds a {type(stored).__name__}, not weights by name")
    # copied out of the mapped file, which may be replaced while the network is in use
    return {str(name): value.detach().clone() for name, value in stored.items() if isinstance(value, torch.Tensor)}


def _inert_globals(path: Path) -> list:
    """What a whole saved model names, as classes that do nothing: torch's own layers, and an empty one for the rest."""
    import torch

    if not zipfile.is_zipfile(path):
        return []
    layers = {f"{c.__module__}.{c.__name__}": c for c in vars(torch.nn).values() if isinstance(c, type)}
    named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    # a class of the user's is named by a module that need not be here; functions of Python's own stay forbidden
    roots = sys.stdlib_module_names | {"builtins", "torch", "numpy"}
    inert = [(type("Inert", (torch.nn.Module,), {}), name) for name in named if name.split(".")[0] not in roots]
    return inert + [(layers[name], name) for name in named if name in layers]


def _matched(arrays: dict[str, Any], wanted: dict[str, Any], path: Path) -> dict[str, Any]:
    """The arrays under the network's own names, by shape; TensorFlow's are turned round."""
    filters = [a for a in arrays.values() if a.ndim == 4]
    turned = bool(filters) and all(tuple(a.shape[:2]) == (3, 3) for a in filters)

    def as_ours(array):
        if turned and array.ndim in (2, 4):
            array = array.permute(3, 2, 0, 1) if array.ndim == 4 else array.T
        return array.float().contiguous()

    found = {}
    for name in [n for n in wanted if n.endswith(".weight")]:
        shape = tuple(wanted[name].shape)
        theirs = tuple(shape[i] for i in ((2, 3, 1, 0) if len(shape) == 4 else (1, 0))) if turned else shape
        same = [n for n, a in arrays.items() if tuple(a.shape) == theirs]
        if len(same) != 1:
            raise WeightsError(
                f"{path}: has {len(same)} arrays of shape {theirs}, VGGish has one; are these its weights?"
            )
        found[name] = as_ours(arrays[same[0]])
        stem = _stem(same[0])
        biases = [a for n, a in arrays.items() if _stem(n) == stem and tuple(a.shape) == shape[:1]]
        if len(biases) != 1:
            raise WeightsError(f"{path}: {same[0]} has {len(biases)} biases of {shape[0]} values beside it, needs one")
        found[name.replace(".weight", ".bias")] = as_ours(biases[0])
    bad = [name for name, array in found.items() if not bool(array.isfinite().all())]
    if bad:
        raise WeightsError(f"{path}: {bad[0]} holds NaN or infinity; fetch the file again")
    return found


def _stem(name: str) -> str:
    """What a weight's name and its bias's share.

    >>> _stem("features.0.weight"), _stem("vggish/conv1/biases:0")
    ('features.0', 'vggish.conv1')
    """
    return name.replace("/", ".").rpartition(".")[0]
