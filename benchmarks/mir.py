"""MIR features: agreement with MIRtoolbox and CPU seconds, descriptor by descriptor, beside librosa in the same run.

    OMP_NUM_THREADS=1 python benchmarks/mir.py [--audio FOLDER] [--reference FOLDER] [--repeat 5]

Speed is seconds of sound per CPU second of one thread, best of `--repeat`, so that other processes hardly disturb it.
The sounds are those of FOLDER (wav or flac), by default the recordings and synthetic excerpts of ../shared/audio, or
the four excerpts of the tests when that folder is not there. openSMILE and essentia join when they can be imported. The
tables are printed and written to mir.md beside this file.
"""

import argparse
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import librosa
import numba
import numpy as np
import scipy
import soundfile

from filmlens.features.mir import DESCRIPTORS, extract, frame_features, pitch, rhythm, spectral, tonal
from filmlens.features.mir.framing import RATE

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
GOLDEN = ROOT / "tests" / "features" / "golden"

#: What is computed together: name, descriptors, function of the sound.
PARTS: tuple[tuple[str, str, Callable], ...] = (
    ("levels", "RMS, zero-crossing rate", spectral.levels),
    (
        "50 ms spectrum",
        "MFCC, ΔMFCC, ΔΔMFCC, centroid, spread, skewness, kurtosis, entropy, brightness, roughness",
        extract.short_time,
    ),
    ("200 ms and 1 s spectra", "chroma, key clarity, mode", tonal.tonality),
    ("power envelope", "pulse clarity", rhythm.pulse_clarity),
    ("gammatone envelope", "tempo", rhythm.tempo),
    ("100 ms pitch and spectrum", "inharmonicity", pitch.inharmonicity),
    ("30 ms spectrum", "crest, flatness", spectral.crest_flatness),
)

#: librosa's nearest set at its defaults, one call each.
LIBROSA: dict[str, Callable] = {
    "rms": lambda y: librosa.feature.rms(y=y),
    "zero_crossing_rate": lambda y: librosa.feature.zero_crossing_rate(y=y),
    "spectral_centroid": lambda y: librosa.feature.spectral_centroid(y=y, sr=RATE),
    "spectral_bandwidth": lambda y: librosa.feature.spectral_bandwidth(y=y, sr=RATE),
    "spectral_rolloff": lambda y: librosa.feature.spectral_rolloff(y=y, sr=RATE),
    "spectral_flatness": lambda y: librosa.feature.spectral_flatness(y=y),
    "mfcc, delta, delta 2": lambda y: [
        librosa.feature.delta(librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=14), order=k) for k in (1, 2)
    ],
    "chroma_stft": lambda y: librosa.feature.chroma_stft(y=y, sr=RATE),
    "tonnetz": lambda y: librosa.feature.tonnetz(y=y, sr=RATE),
    "tempo, frame-wise": lambda y: librosa.feature.tempo(y=y, sr=RATE, aggregate=None),
    "plp": lambda y: librosa.beat.plp(y=y, sr=RATE),
    "yin": lambda y: librosa.yin(y, fmin=75, fmax=2400, sr=RATE),
}


def cpu(work: Callable, repeat: int) -> float:
    """Least CPU seconds of a call, over all its threads."""
    seconds = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def disagreement(audio: Path, reference: Path) -> dict[str, tuple[float, int]]:
    """Per descriptor: greatest difference over max(value, RMS) in any excerpt, and in how many excerpts it was."""
    worst: dict[str, tuple[float, int]] = {}
    for path in sorted(reference.glob("*.npz")):
        sound = next(audio.glob(f"{path.stem}.*"), None)
        if sound is None:
            continue
        samples, rate = soundfile.read(sound, always_2d=True)
        frames = frame_features(samples.T, rate)
        with np.load(path) as golden:
            for name in (d.descriptor for d in DESCRIPTORS):
                key = {"keyclarity": "key_clarity"}.get(name, name)
                if key not in golden or name == "flatness":
                    continue
                values, truth = frames[name][1], golden[key].T
                values = values[:, 1:] if "mfcc" in name else values
                if values.shape != truth.shape or (np.isnan(values) != np.isnan(truth)).any():
                    raise SystemExit(f"{path.stem}, {name}: other frames or other missing values than the reference")
                valid = ~np.isnan(truth)
                scale = np.maximum(np.abs(truth), np.sqrt(np.mean(truth[valid] ** 2)) if valid.any() else 0)[valid]
                away = (np.abs(values - truth)[valid][scale > 0] / scale[scale > 0]).max(initial=0)
                before, count = worst.get(name, (0.0, 0))
                worst[name] = max(before, away), count + 1
    return worst


def markdown(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def peers(sound: np.ndarray, repeat: int) -> list[list[object]]:
    """Whole feature sets of other programs, where they are installed."""
    rows = []
    if importlib.util.find_spec("opensmile"):
        import opensmile

        smile = opensmile.Smile(opensmile.FeatureSet.ComParE_2016, opensmile.FeatureLevel.LowLevelDescriptors)
        seconds = cpu(lambda: smile.process_signal(sound, RATE), repeat)
        rows.append(["openSMILE ComParE 2016 (other definitions)", f"{sound.size / RATE / seconds:.1f} ×"])
    else:
        rows.append(["openSMILE ComParE 2016", "not installed here"])
    if importlib.util.find_spec("essentia"):
        import tempfile

        import essentia
        from essentia.standard import MusicExtractor

        essentia.log.infoActive = False
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            soundfile.write(file.name, sound, RATE)
            seconds = cpu(lambda: MusicExtractor()(file.name), repeat)
        rows.append(["essentia MusicExtractor (other definitions)", f"{sound.size / RATE / seconds:.1f} ×"])
    else:
        rows.append(["essentia MusicExtractor", "not installed here"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, default=SHARED / "audio" if (SHARED / "audio").exists() else GOLDEN)
    parser.add_argument("--reference", type=Path, default=SHARED / "reference" / "mirtoolbox")
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()

    paths = sorted(p for p in asked.audio.iterdir() if p.suffix in (".wav", ".flac"))
    sounds = {p.stem: librosa.to_mono(soundfile.read(p, always_2d=True)[0].T) for p in paths}
    for sound in sounds.values():
        frame_features(sound[: 6 * RATE], RATE)  # compiles
    seconds = {name: sound.size / RATE for name, sound in sounds.items()}
    total = sum(seconds.values())

    worst = disagreement(asked.audio, asked.reference) if asked.reference.exists() else {}
    parity = []
    for d in DESCRIPTORS:
        away, count = worst.get(d.descriptor, (np.nan, 0))
        parity.append([d.title, f"{away:.0e}" if count else "no reference", count or "–"])

    def over_all(function: Callable) -> float:
        return sum(cpu(lambda sound=sound: function(sound), asked.repeat) for sound in sounds.values())

    parts = [[name, what, over_all(function)] for name, what, function in PARTS]
    whole = {name: cpu(lambda s=s: frame_features(s, RATE), asked.repeat) for name, s in sounds.items()}
    calls = {name: over_all(function) for name, function in LIBROSA.items()}
    ours, theirs = total / sum(whole.values()), total / sum(calls.values())
    longest = sounds[max(seconds, key=seconds.get)]

    text = "# MIR features\n\n"
    text += f"`OMP_NUM_THREADS=1 python benchmarks/mir.py {' '.join(sys.argv[1:])}".rstrip() + "`\n\n"
    text += (
        f"{len(sounds)} excerpts, {total:.0f} s, 44.1 kHz mono; one thread, CPU time, best of {asked.repeat}; "
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"numba {numba.__version__}, librosa {librosa.__version__}; {platform.machine()}.\n\n"
    )
    text += "## Whole set\n\n" + markdown(
        ["set", "speed (seconds of sound per CPU second)"],
        [
            ["FilmLens, all 70 descriptors", f"**{ours:.1f} ×**"],
            [f"librosa, its {len(calls)} nearest functions call by call", f"{theirs:.1f} ×"],
            ["ratio", f"{ours / theirs:.2f}"],
            *peers(longest, asked.repeat),
        ],
    )
    text += "\n## By excerpt\n\n" + markdown(
        ["excerpt", "s", "all 70"], [[n, f"{seconds[n]:.0f}", f"{seconds[n] / whole[n]:.1f} ×"] for n in sounds]
    )
    text += "\n## By part\n\n" + markdown(
        ["computed together", "descriptors", "speed", "share"],
        [[name, what, f"{total / t:.0f} ×", f"{t / sum(p[2] for p in parts):.0%}"] for name, what, t in parts],
    )
    text += "\n## librosa, call by call\n\n" + markdown(
        ["function", "speed"], [[name, f"{total / t:.0f} ×"] for name, t in calls.items()]
    )
    text += (
        "\n## Agreement with MIRtoolbox 1.8.1 (GNU Octave)\n\nGreatest difference relative to the larger of the value "
        "and the descriptor's RMS in the excerpt; the same frames and the same missing values in all.\n\n"
    )
    text += markdown(["descriptor", "greatest difference", "excerpts"], parity)
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
