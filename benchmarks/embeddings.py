"""VGGish and musicnn: speed of a core beside a matrix product in the same run, x realtime, memory.

    OMP_NUM_THREADS=1 python benchmarks/embeddings.py [--seconds 246] [--repeat 5]

The weights are random: the work is the same. Every repetition measures each way once, so that whatever else the
machine does meets all of them; CPU seconds of one thread, best of `--repeat`, and the median of the ratios. The tables
are printed and written to embeddings.md beside this file.
"""

import argparse
import copy
import os
import platform
import resource
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from filmlens.features.musicnn.frontend import spectrogram, starts
from filmlens.features.musicnn.network import Musicnn, infer, infer_along
from filmlens.features.vggish.frontend import RATE, SECONDS, examples
from filmlens.features.vggish.network import VGGish, embed_examples

#: Multiplications and additions of an example: convolutions, then dense layers.
FLOP = 2 * (6144 * 9 * 64 + 1536 * 9 * 64 * 128 + 384 * 9 * 256 * (128 + 256) + 96 * 9 * 512 * (256 + 512))
FLOP += 2 * (12_288 * 4096 + 4096 * 4096 + 4096 * 128)
SIDE = 2048
#: Of musicnn's convolutions and dense layers for one patch of 187 frames on its own.
PATCH_FLOP = 2 * 187 * (7 * 204 * (38 * 59 + 67 * 30) + 51 * 96 * (128 + 64 + 32) + 7 * 64 * (561 + 64 + 64))
PATCH_FLOP += 2 * (1506 * 200 + 200 * 50)


def cpu_seconds(function) -> float:
    begun = time.process_time()
    function()
    return time.process_time() - begun


def _musicnn(seconds: float, repeat: int, product) -> list[str]:
    """The part about musicnn: a patch a second along one spectrogram, beside the same patches each for itself."""
    sound = np.random.default_rng(1).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    net, heard = Musicnn().eval(), spectrogram(sound)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0, 0.05)
    at, side = starts(len(heard), 1.0), starts(len(heard))
    cut, apart = (np.stack([heard[a : a + 187] for a in places]) for places in (at, side))
    ways = {
        "a patch a second, along one spectrogram": lambda: infer_along(net, heard, at),
        "a patch a second, each for itself": lambda: infer(net, cut, device="cpu"),
        "patches side by side": lambda: infer(net, apart, device="cpu"),
        "front end (log-mel frames)": lambda: spectrogram(sound),
        f"matrix product of {SIDE} x {SIDE}": product,
    }
    taken = {name: [] for name in ways}
    for _ in range(repeat):
        for name, work in ways.items():
            taken[name].append(cpu_seconds(work))
    *ours, gemm = [min(times) for times in taken.values()]
    roof = 2 * SIDE**3 / gemm / 1e9
    whole = ours[0] + ours[3]
    flop = PATCH_FLOP * len(at) / 1e9
    return [
        "# musicnn embeddings and tags",
        "",
        f"{seconds:g} s of sound, {PATCH_FLOP / 1e9:.2f} GFLOP for a patch of 3 s on its own; otherwise as above.",
        "",
        "| | CPU seconds | x realtime |",
        "| --- | --- | --- |",
        *(f"| {n} | {t:.2f} | {seconds / t:.0f} |" for n, t in zip(list(ways)[:4], ours, strict=True)),
        "",
        f"**{seconds / whole:.0f} x realtime** at a patch a second, front end and network, where a matrix product "
        f"gives {roof:.0f} GFLOP/s. Were each patch computed for itself, that would be {flop / whole / roof:.2f} of "
        "the product's rate: what overlapping patches share is computed once.",
    ]


def main() -> None:
    """Measure, print and write embeddings.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=246, help="of sound")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    sound = np.random.default_rng(0).normal(0, 0.1, int(arguments.seconds * RATE))
    heard = examples(sound)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    net = VGGish().eval()
    left, right = torch.randn(2, SIDE, SIDE)
    embed_examples(net, heard[:32], device="cpu")
    plain = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    few = torch.from_numpy(heard[:16])
    ways = {
        f"float32 matrix product of {SIDE} x {SIDE}": (lambda: left @ right, 2 * SIDE**3),
        f"embed_examples, {len(heard)} examples": (
            lambda: embed_examples(net, heard, device="cpu"),
            FLOP * len(heard),
        ),
        "torch as it comes, batch 1": (lambda: [plain(few[i : i + 1]) for i in range(8)], FLOP * 8),
        "torch as it comes, batch 8": (lambda: [plain(part) for part in few.split(8)], FLOP * 16),
    }
    rates = {name: [] for name in ways}
    for _ in range(arguments.repeat):
        for name, (work, flop) in ways.items():
            rates[name].append(flop / cpu_seconds(work) / 1e9)
    product, ours = list(rates)[:2]
    ratios = [a / b for a, b in zip(rates[ours], rates[product], strict=True)]
    front = min(cpu_seconds(lambda: examples(sound)) for _ in range(2))
    whole = FLOP * len(heard) / max(rates[ours]) / 1e9
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    tagger = _musicnn(arguments.seconds, arguments.repeat, lambda: left @ right)
    lines = [
        "# VGGish embeddings",
        "",
        "`OMP_NUM_THREADS=1 python benchmarks/embeddings.py`",
        "",
        f"{arguments.seconds:g} s of sound, {FLOP / 1e9:.3f} GFLOP an example of {SECONDS} s; one thread, CPU time, "
        f"best of {arguments.repeat} alternating runs; torch {torch.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}.",
        "",
        "| | GFLOP/s of a core | of the matrix product |",
        "| --- | --- | --- |",
        *(f"| {n} | {max(r):.0f} | {max(r) / max(rates[product]):.2f} |" for n, r in rates.items()),
        "",
        f"Median of the ratios within a run: **{statistics.median(ratios):.2f}** (least {min(ratios):.2f}).",
        "",
        "| | CPU seconds | x realtime |",
        "| --- | --- | --- |",
        f"| front end (log-mel examples) | {front:.2f} | {arguments.seconds / front:.0f} |",
        f"| network | {whole:.2f} | {arguments.seconds / whole:.0f} |",
        f"| both | {front + whole:.2f} | {arguments.seconds / (front + whole):.0f} |",
        "",
        f"Most memory of the process: {memory:.2f} GB, {before:.2f} GB of it before the network was made. The ways of "
        "torch as it comes hold a second copy of the weights (0.27 GB) that `embed_examples` does not need.",
        "",
        "onnxruntime is left out: beside a matrix product no way has a quarter left to win. float32 "
        "always; on the CPU bfloat16 is slower by far.",
        "",
        *tagger,
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).with_suffix(".md")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
