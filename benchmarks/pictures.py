"""Brightness and contrast: exact and key-frame sampling beside plain PyAV and OpenCV reading of the same film.

    OMP_NUM_THREADS=1 python benchmarks/pictures.py [--seconds 300] [--gop 10] [--height 720] [--repeat 5]
        [--pictures FILE] [--film FILE]

Films are made from noise that drifts (H.264 with B-frames and HEVC). It is easy to predict from one picture to the next
and costly where it is not predicted, so that key frames have a large part in decoding. With ``--pictures`` a third film
is made of a recording's pictures, repeated; ``--film`` measures a film as it is, alone. One thread, CPU seconds; the
ways alternate, and each ratio is taken within a repetition, so that whatever else the machine does meets all of them.
The tables are printed and written to pictures.md beside this file.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
import cv2
import numpy as np

from filmlens.features.visual import picture_features
from filmlens.media.container import probe

RATE = 24  # pictures a second

#: Encoder, its options, and how much of the length is made of it.
CODECS = {
    "H.264": ("libx264", {"preset": "veryfast", "crf": "26", "x264-params": "log-level=none"}, 1.0),
    "HEVC": ("libx265", {"preset": "ultrafast", "crf": "25", "x265-params": "log-level=none:bframes=3:b-adapt=0"}, 0.1),
}


def drifting(seconds: float, height: int) -> Iterator[av.VideoFrame]:
    """Soft noise that drifts and changes its light."""
    width, rng = round(height / 9) * 16, np.random.default_rng(0)
    fine = cv2.resize(rng.normal(0, 40, (height // 8, width // 4)).astype(np.float32), (2 * width, height))
    grey = np.full((height // 2, width), 128, np.uint8)
    for i in range(round(RATE * seconds)):
        shift = (3 * i) % width
        light = 128 + 60 * np.sin(i / 240)
        luma = np.clip(fine[:, shift : shift + width] + light, 16, 235).astype(np.uint8)
        yield av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), "yuv420p")


def repeated(path: Path, seconds: float, height: int) -> Iterator[av.VideoFrame]:
    """The pictures of a recording over and over, `height` lines each."""
    left = round(RATE * seconds)
    while left:
        with av.open(str(path)) as box:
            for frame in islice(box.decode(video=0), left):
                left -= 1
                width = 2 * round(height * frame.width / frame.height / 2)
                yield frame.reformat(width=width, height=height, format="yuv420p", interpolation="BICUBIC")


def make_film(path: Path, codec: str, options: dict, pictures: Iterator[av.VideoFrame], *, gop: float) -> None:
    """A film with a key frame every `gop` seconds, and nowhere else."""
    first = next(pictures)
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=RATE, options=options | {"g": str(round(RATE * gop)), "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.codec_context.gop_size = round(RATE * gop)
        for i, frame in enumerate(chain([first], pictures)):
            frame.pts, frame.time_base, frame.pict_type = i, Fraction(1, RATE), 0
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def plain(path: Path, spans) -> int:
    """Decode every picture of the spans with PyAV, and do nothing with it."""
    count = 0
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        stream.thread_type = "NONE"
        for start, end in spans:
            box.seek(int(start / stream.time_base), stream=stream)
            for frame in box.decode(stream):
                count += 1
                if frame.time > end:
                    break
    return count


def opencv(path: Path, spans) -> int:
    """Read every picture of the spans with OpenCV, which gives BGR."""
    reader = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    count = 0
    for start, end in spans:
        reader.set(cv2.CAP_PROP_POS_MSEC, 1000 * start)
        while reader.read()[0]:
            count += 1
            if reader.get(cv2.CAP_PROP_POS_MSEC) > 1000 * end:
                break
    reader.release()
    return count


def measure(path: Path, repeat: int) -> list[str]:
    """Rows of the table of one film."""
    info = probe(path)
    length = info.duration
    spans = [(length * a, length * b) for a, b in ((0.1, 0.17), (0.43, 0.5), (0.7, 0.76))]
    ways = {
        "plain PyAV": lambda within: plain(path, within or [(0.0, length)]),
        "exact": lambda within: picture_features(path, spans=within),
        "key frames": lambda within: picture_features(path, spans=within, sampling="keyframes"),
        "OpenCV": lambda within: opencv(path, within or [(0.0, length)]),
    }
    rows = []
    for title, within, times in (("spans of cues", spans, repeat), ("whole film", None, max(1, repeat // 4))):
        material = sum(b - a for a, b in within) if within else length
        seconds = {name: [] for name in ways}
        for _ in range(times):
            for name, work in ways.items():
                begun = time.process_time()
                work(within)
                seconds[name].append(time.process_time() - begun)
        for name, spent in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(spent, seconds["plain PyAV"], strict=True))
            rows.append(
                f"| {title}, {material:.0f} s, {times} runs | {name} | {statistics.median(spent):.2f} | "
                f"{material / statistics.median(spent):.1f} | {ratio:.3f} | {1 / ratio:.1f} |"
            )
    return rows


def main() -> None:
    """Measure, print and write pictures.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--gop", type=float, default=10, help="seconds from key frame to key frame")
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--codecs", default="H.264,HEVC")
    parser.add_argument("--film", type=Path, help="a film of your own in place of those made here")
    parser.add_argument("--pictures", type=Path, help="a recording whose pictures make another film")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    command = "OMP_NUM_THREADS=1 python benchmarks/pictures.py"
    command += f" --pictures {arguments.pictures.name}" if arguments.pictures else ""
    lines = [
        "# Pictures",
        "",
        f"`{command}`",
        "",
        f"One thread, CPU time, medians of alternating runs; ratios are medians of those within a "
        f"run. PyAV {av.__version__}, OpenCV {cv2.__version__}, Python {platform.python_version()}.",
    ]
    with tempfile.TemporaryDirectory() as folder:
        films = {arguments.film.name: arguments.film} if arguments.film else {}
        codecs = [] if arguments.film else arguments.codecs.split(",")
        sources = {(name, "noise that drifts"): drifting for name in codecs}
        if arguments.pictures:
            sources["H.264", arguments.pictures.name] = partial(repeated, arguments.pictures)
        for number, ((name, what), pictures) in enumerate(sources.items()):
            path = Path(folder) / f"{number}.mp4"
            codec, options, part = CODECS[name]
            seconds = arguments.seconds * part
            make_film(path, codec, options, pictures(seconds, arguments.height), gop=arguments.gop)
            size = f"{seconds:g} s, {arguments.height} lines"
            films[f"{what}: {name}, {size}, a key frame every {arguments.gop:g} s"] = path
        for name, path in films.items():
            lines += ["", f"## {name[0].upper()}{name[1:]}", ""]
            lines += ["| | way | CPU s | x realtime | of plain PyAV | times as fast |", "| --- " * 6 + "|"]
            lines += measure(path, arguments.repeat)
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).with_suffix(".md")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
