"""Ten minutes of sound: memory, and that pieces of a long cue measure what short cues measure."""

import subprocess
import sys

import numpy as np
import pytest

from filmlens.features.mir import extract, frame_features

RATE = 44100

TEN_MINUTES = """
import resource
import numpy as np
from filmlens.features.mir import cue_frames
t = np.arange(44100 * 600, dtype=np.float32)
samples = (0.1 * np.sin(t * 0.03) * (1 + np.sin(t * 1e-4)) + 0.01 * np.sin(t * 0.2)).astype(np.float32)
del t
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = cue_frames(samples, 44100)
print(len(rows), before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kB on Linux only")
def test_ten_minutes_stay_within_one_gigabyte():
    out = subprocess.run([sys.executable, "-c", TEN_MINUTES], capture_output=True, text=True, check=True).stdout
    rows, _, most = map(int, out.split())
    assert rows == 600
    assert most < 1_000_000


def test_input_is_neither_changed_nor_needs_to_be_writable():
    samples = 0.1 * np.random.default_rng(0).standard_normal((2, RATE))
    kept = samples.copy()
    samples.flags.writeable = False
    out = frame_features(samples, RATE)
    np.testing.assert_array_equal(samples, kept)
    mono = kept.mean(axis=0)
    mono.flags.writeable = False
    for name, (_, values) in frame_features(mono, RATE).items():
        np.testing.assert_array_equal(values, out[name][1], err_msg=name)


def test_a_descriptor_without_gates_measures_a_piece_as_it_measures_the_whole():
    """RMS, MFCC and chroma know nothing of the rest of the cue; two seconds are a whole number of their hops."""
    rng = np.random.default_rng(0)
    whole = rng.standard_normal(6 * RATE) * np.linspace(0.01, 0.5, 6 * RATE)
    piece = frame_features(whole[2 * RATE : 4 * RATE], RATE)
    entire = frame_features(whole, RATE)
    for name, per_second in {
        "rms": 40,
        "zerocross": 40,
        "mfcc": 40,
        "chroma": 100,
        "crest": 100,
        "flatness": 100,
    }.items():
        values = piece[name][1]
        np.testing.assert_allclose(
            values, entire[name][1][2 * per_second :][: len(values)], rtol=1e-9, atol=1e-12, err_msg=name
        )


def test_spectra_kept_or_computed_twice_give_the_same(monkeypatch):
    samples = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    kept = frame_features(samples, RATE)["roughness"][1]
    monkeypatch.setattr(extract, "_KEPT", 0)
    np.testing.assert_array_equal(frame_features(samples, RATE)["roughness"][1], kept)
