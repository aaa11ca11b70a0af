"""Brightness and contrast: exact and key-frame sampling beside plain PyAV and OpenCV reading of the same film.

    OMP_NUM_THREADS=1 python benchmarks/pictures.py [--seconds 300] [--gop 10] [--height 720] [--repeat 5] [--film FILE]

Without FILE a film is made from noise that moves (H.264 with B-frames and HEVC). One thread, CPU seconds; the ways
alternate, and each ratio is taken within a repetition, so that whatever else the machine does meets all of them. The
tables are printed and written to pictures.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
import cv2
import numpy as np

from filmlens.features.visual import picture_features
from filmlens.media.container import probe

#: Encoder, its options, and how much of the length is made of it.
CODECS = {
    "H.264": ("libx264", {"preset": "veryfast", "crf": "26", "x264-params": "log-level=none"}, 1.0),
    "HEVC": ("libx265", {"preset": "ultrafast", "crf": "25", "x265-params": "log-level=none:bframes=3:b-adapt=0"}, 0.1),
}


def make_film(path: Path, codec: str, options: dict, *, seconds: float, gop: float, height: int) -> None:
    """A film of soft noise that drifts and changes its light, with a key frame every `gop` seconds."""
    width, rng = round(height / 9) * 16, np.random.default_rng(0)
    fine = cv2.resize(rng.normal(0, 40, (height // 8, width // 4)).astype(np.float32), (2 * width, height))
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=24, options=options | {"g": str(round(24 * gop)), "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = round(24 * gop)
        grey = np.full((height // 2, width), 128, np.uint8)
        for i in range(round(24 * seconds)):
            shift = (3 * i) % width
            light = 128 + 60 * np.sin(i / 240)
            luma = np.clip(fine[:, shift : shift + width] + light, 16, 235).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 24)
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
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    lines = [
        "# Pictures",
        "",
        "`OMP_NUM_THREADS=1 python benchmarks/pictures.py`",
        "",
        f"One thread, CPU time, medians of alternating runs; ratios are medians of those within a "
        f"run. PyAV {av.__version__}, OpenCV {cv2.__version__}, Python {platform.python_version()}.",
    ]
    with tempfile.TemporaryDirectory() as folder:
        films = {str(arguments.film): arguments.film} if arguments.film else {}
        for name in [] if arguments.film else arguments.codecs.split(","):
            path = Path(folder) / f"{name}.mp4"
            codec, options, part = CODECS[name]
            seconds = arguments.seconds * part
            make_film(path, codec, options, seconds=seconds, gop=arguments.gop, height=arguments.height)
            films[f"{name}, {seconds:g} s, {arguments.height} lines, a key frame every {arguments.gop:g} s"] = path
        for name, path in films.items():
            lines += ["", f"## {name if not arguments.film else arguments.film.name}", ""]
            lines += ["| | way | CPU s | x realtime | of plain PyAV | times as fast |", "| --- " * 6 + "|"]
            lines += measure(path, arguments.repeat)
    text = "\n".join(lines) + "\n"
    print(text)
    (Path(__file__).with_suffix(".md")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
