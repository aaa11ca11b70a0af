"""MIRtoolbox 1.8.1's own numbers: committed for synthetic excerpts, elsewhere for recordings."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from filmlens.features.mir import frame_features

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SYNTHETIC = ("sine440", "chordC", "click120", "noise")
RECORDED = ("brad", "sugarplum")
DESCRIPTORS = (
    "rms zerocross centroid spread skewness kurtosis entropy brightness mfcc dmfcc ddmfcc roughness chroma keyclarity "
    "mode pulseclarity tempo"
).split()
TOLERANCE = 1e-9


@lru_cache(maxsize=2)
def measured(path):
    samples, rate = soundfile.read(path, always_2d=True)
    return frame_features(samples.T, rate)


def own(path, descriptor):
    times, values = measured(path)[descriptor]
    return times, values[:, 1:] if "mfcc" in descriptor else values


def assert_agree(values, reference, rms, tolerance=TOLERANCE):
    np.testing.assert_array_equal(np.isnan(values), np.isnan(reference))
    valid = ~np.isnan(reference)
    bound = tolerance * np.maximum(np.abs(reference[valid]), rms)
    assert (np.abs(values[valid] - reference[valid]) <= bound).all()


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
@pytest.mark.parametrize("excerpt", SYNTHETIC)
def test_synthetic_excerpts_agree_with_mirtoolbox(excerpt, descriptor):
    times, values = own(GOLDEN / f"{excerpt}.flac", descriptor)
    with np.load(GOLDEN / "mirtoolbox.npz") as golden:
        reference = golden[f"{excerpt}/{descriptor}"]
        frames, dimensions, step, first, last, rms = golden[f"{excerpt}/{descriptor}/summary"]
        missing = golden[f"{excerpt}/{descriptor}/nan"]
    assert values.shape == (frames, dimensions)
    np.testing.assert_allclose(times[[0, -1]], [first, last], rtol=0, atol=1e-9)
    packed = np.packbits(np.isnan(values)) if np.isnan(values).any() else np.zeros(0, np.uint8)
    np.testing.assert_array_equal(packed, missing)
    assert_agree(values[:: int(step)], reference, rms)


@pytest.mark.skipif(not (SHARED / "reference" / "mirtoolbox").exists(), reason="needs ../shared/reference/mirtoolbox")
@pytest.mark.parametrize("excerpt", SYNTHETIC + RECORDED)
def test_reference_excerpts_agree_with_mirtoolbox(excerpt):
    names = {"keyclarity": "key_clarity"}
    positions = {"keyclarity": "mode"}
    with np.load(SHARED / "reference" / "mirtoolbox" / f"{excerpt}.npz") as golden:
        for descriptor in DESCRIPTORS:
            times, values = own(SHARED / "audio" / f"{excerpt}.wav", descriptor)
            reference = golden[names.get(descriptor, descriptor)].T
            centres = golden[f"{positions.get(descriptor, descriptor)}_framepos"].mean(axis=0)
            assert values.shape == reference.shape, descriptor
            np.testing.assert_allclose(times, centres, rtol=0, atol=1e-9, err_msg=descriptor)
            rms = np.sqrt(np.nanmean(reference**2)) if np.isfinite(reference).any() else 0.0
            assert_agree(values, reference, rms)


def test_matlabs_hann_moves_pulse_clarity_by_less_than_a_thousandth():
    samples, rate = soundfile.read(GOLDEN / "chordC.flac")
    octave = measured(GOLDEN / "chordC.flac")["pulseclarity"][1]
    matlab = frame_features(samples, rate, hann="matlab")["pulseclarity"][1]
    assert 0 < np.abs(matlab / octave - 1).max() < 1e-3
