"""Fixtures that several rooms share."""

import inspect
import os
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmlens import artefacts, stages
from filmlens.media.write import write_audio, write_film

# Two processes that save different signatures of one compiled function at the same moment leave numba a cache that
# crashes every later reader: each process of the tests, and what it starts, has a cache of its own.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).resolve().parent.parent / ".pytest_cache" / f"numba-{_WORKER}")

RATE = 44_100


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """What tests measure says nothing of the machine: it stays out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FILMLENS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A synthetic corpus of eight films of 30 s, built once; tests that change it take a copy."""
    from filmlens.demo import build

    folder = tmp_path_factory.mktemp("corpora") / "toy"
    build(folder, films=8, seconds=30, jobs=2, progress=lambda line: None)
    return folder


def melody(seed, seconds=16.0):
    """A tune that no other seed shares: random notes of a quarter second with a few partials."""
    rng, t = np.random.default_rng(seed), np.arange(RATE // 4) / RATE
    notes = 220 * 2 ** (rng.integers(0, 24, int(seconds * 4)) / 12)
    tones = [sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3, 4)) * np.exp(-3 * t) for f in notes]
    return (0.3 * np.concatenate(tones)).astype(np.float32)


@pytest.fixture(scope="session")
def _two_films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora") / "two"
    (folder / "films").mkdir(parents=True)
    (folder / "annotations").mkdir()
    for k, name in enumerate(("one", "two")):
        tunes = {"Theme": melody(10 * k), "Finale": melody(10 * k + 1)}
        (folder / "soundtracks" / name).mkdir(parents=True)
        for track, tune in tunes.items():
            write_audio(folder / "soundtracks" / name / f"{track}.flac", tune, RATE)
        film = 0.01 * np.random.default_rng(k).standard_normal(40 * RATE).astype(np.float32)
        film[5 * RATE : 20 * RATE] += tunes["Theme"][: 15 * RATE]
        pictures = (np.full((36, 64), 60 + 80 * k + (i % 12), np.uint8) for i in range(40 * 4))
        write_film(folder / "films" / f"{name}.mp4", pictures, film, fps=4, rate=RATE)
        (folder / "annotations" / f"{name}.csv").write_text("start,end,track,track_start\n5,20,Theme,0\n")
    (folder / "films.csv").write_text(
        "film_id,title,year,genres,film,soundtrack,composer\n"
        "one,First,2014,Action|Sci-Fi,films/one.mp4,soundtracks/one,A\n"
        "two,Second & Last,2015,Horror,films/two.mp4,soundtracks/two,B\n"
    )
    return folder


@pytest.fixture
def two_films(_two_films, tmp_path):
    """A corpus of two films of 40 s with one cue each, the test's own copy."""
    folder = tmp_path / "two"
    shutil.copytree(_two_films, folder)
    return folder


def embed(samples):
    """Loudness and zero crossings of every half second: an embedding for the example."""
    parts = np.array_split(samples, max(1, len(samples) // 24_000))
    values = np.array([[np.sqrt((p**2).mean()), (np.diff(np.sign(p)) != 0).mean()] for p in parts])
    return (np.arange(len(parts)) + 0.5) / 2, values


def documented_example():
    """The ten lines by which users bring features of their own, as they stand in the documentation."""
    from filmlens.features import own

    text = inspect.getdoc(own)
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    return textwrap.dedent("\n".join(lines))


@pytest.fixture
def brought(two_films):
    """A corpus with the features of the documented example."""
    from filmlens.features import own
    from filmlens.stages.of_film import cue_sound
    from filmlens.study import Study

    folder = two_films / "features" / "clap"
    folder.mkdir(parents=True)
    names = {"Study": Study, "pd": pd, "own": own, "cue_hash": own.cue_hash, "cue_sound": cue_sound, "embed": embed}
    exec(documented_example().replace("my-films", str(two_films)), names)
    return two_films


def put_table(corpus, name: str, film_id: str, table: pd.DataFrame, **notes) -> None:
    """A table of a stage with default parameters, as if it had been computed."""
    place = stages.place(corpus, name)
    recipe = {"stage": name, "subject": film_id, "inputs": {}, "media": {}}
    told = {"name": name, "recipe": recipe, "configuration": dict(place.configuration), "notes": notes}
    artefacts.write_table(place.path(film_id), table, told)


def edit(path: Path, old: str, new: str) -> None:
    """Change a text file; the old text must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def seeded_state(seed=0):
    """Weights of VGGish drawn at random, by the names of torchvggish; no layer blows its values up or lets them die."""
    import torch

    from filmlens.features.vggish.network import VGGish

    draw = torch.Generator().manual_seed(seed)
    state = {}
    with torch.device("meta"):
        shapes = VGGish().state_dict()
    for name, there in shapes.items():
        fan_in = there[0].numel() if name.endswith("weight") else 1e4
        state[name] = torch.empty(there.shape).uniform_(-1, 1, generator=draw) * (6 / fan_in) ** 0.5
    return state


@pytest.fixture(scope="session")
def seeded_weights(tmp_path_factory):
    """A checkpoint of VGGish with random weights that says so, 288 MB; made once."""
    import torch

    from filmlens.features.vggish.weights import RANDOM_MARK

    path = tmp_path_factory.mktemp("weights") / "seeded.pth"
    torch.save(seeded_state() | {RANDOM_MARK: torch.zeros(1)}, path)
    return path


def seeded_musicnn(seed=0):
    """Arrays of musicnn drawn at random, by TensorFlow's names; some norms turn their values round."""
    draw = np.random.default_rng(seed)
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    layers = [("conv2d", i, shape) for i, shape in enumerate(kernels)]
    layers += [("dense", 0, (1506, 200)), ("dense", 1, (200, 50))]
    norms = [1, *(shape[-1] for shape in kernels), 1506, 200]
    arrays = {}
    for kind, i, shape in layers:
        stem = kind + f"_{i}" * bool(i)
        arrays[f"{stem}/kernel"] = draw.uniform(-1, 1, shape) * (6 / np.prod(shape[:-1])) ** 0.5
        arrays[f"{stem}/bias"] = draw.normal(0, 0.1, shape[-1])
    for i, width in enumerate(norms):
        stem = "batch_normalization" + f"_{i}" * bool(i)
        arrays[f"{stem}/gamma"] = draw.normal(0.5, 0.5, width)
        arrays[f"{stem}/beta"] = draw.normal(0, 0.2, width)
        arrays[f"{stem}/moving_mean"] = draw.normal(0, 0.2, width)
        arrays[f"{stem}/moving_variance"] = draw.uniform(0.3, 2, width)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="session")
def musicnn_weights(tmp_path_factory):
    """A file of musicnn's weights drawn at random, both networks."""
    path = tmp_path_factory.mktemp("weights") / "musicnn-seeded.npz"
    models = {model: seeded_musicnn(i) for i, model in enumerate(("mtt", "msd"))}
    np.savez(path, **{f"{model}/{name}": a for model, arrays in models.items() for name, a in arrays.items()})
    return path
