"""Columns, groups, texture windows, 1 Hz rows and cue vectors."""

import warnings
from itertools import chain

import numpy as np
import pandas as pd
import pytest

from filmlens.features.mir import (
    COLUMNS,
    DESCRIPTORS,
    DIMENSIONS,
    GROUPS,
    cue_frames,
    cue_vector,
    frame_features,
    groups,
    texture_windows,
)

RATE = 44100


@pytest.fixture(scope="module")
def cue():
    """12 s: a rising chord that ends in digital silence."""
    t = np.arange(12 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277.2, 329.6, 441))
    return np.where(t < 10, 0.05 * chord * (1 + t / 4), 0.0)


@pytest.fixture(scope="module")
def rows(cue):
    return cue_frames(cue, RATE)


@pytest.fixture(scope="module")
def windows(cue):
    return cue_frames(cue, RATE, rows="windows")


def frames_of(times, values, name="rms"):
    """A dictionary like frame_features' with one descriptor of interest and no frames of the others."""
    empty = {d.descriptor: (np.empty(0), np.empty((0, d.dimensions))) for d in DESCRIPTORS}
    return empty | {name: (np.asarray(times, float), np.asarray(values, float)[:, None])}


def test_seventy_dimensions_make_one_hundred_and_forty_columns():
    assert len(DIMENSIONS) == 70 and len(set(COLUMNS)) == len(COLUMNS) == 140
    assert COLUMNS[0] == "mfcc_00_mean" and COLUMNS[-1] == "mode_std"
    assert {"mfcc_03_mean", "ddmfcc_13_std", "chroma_11_mean", "tempo_std"} <= set(COLUMNS)


def test_table_2_can_be_made_of_the_rows():
    table = pd.DataFrame(DESCRIPTORS)
    assert list(table) == ["descriptor", "title", "group", "dimensions", "frame", "hop", "source"]
    assert table["dimensions"].sum() == 70 and table["descriptor"].is_unique
    sizes = table.groupby("group")["dimensions"].sum().to_dict()
    assert sizes == {
        "MFCC": 14,
        "dMFCC": 14,
        "ddMFCC": 14,
        "Dynamics": 1,
        "Pitch": 12,
        "Rhythm": 2,
        "Timbre": 8,
        "Tone": 5,
    }


def test_frames_match_the_rows_of_table_2(cue):
    frames = frame_features(cue, RATE)
    assert set(frames) == {d.descriptor for d in DESCRIPTORS}
    for d in DESCRIPTORS:
        times, values = frames[d.descriptor]
        assert times.shape == (len(values),) and values.shape[1] == d.dimensions, d.descriptor
        np.testing.assert_allclose(np.diff(times), d.hop, atol=1e-3 * d.hop + 1 / 2756, err_msg=d.descriptor)


def test_groups_share_out_all_columns_once():
    assert list(GROUPS) == ["MFCC", "dMFCC", "ddMFCC", "Dynamics", "Pitch", "Rhythm", "Timbre", "Tone"]
    assert sorted(chain(*GROUPS.values())) == sorted(COLUMNS)
    moved = groups(rank0="Dynamics")
    assert sorted(chain(*moved.values())) == sorted(COLUMNS)
    assert {"mfcc_00_mean", "dmfcc_00_std", "ddmfcc_00_mean", "rms_mean"} <= set(moved["Dynamics"])
    without = chain(*groups(mfcc_ranks="1-13").values())
    assert set(COLUMNS) - set(without) == {c for c in COLUMNS if "mfcc_00" in c}
    thirteen = groups(mfcc_ranks="0-12")
    assert set(COLUMNS) - set(chain(*thirteen.values())) == {c for c in COLUMNS if "mfcc_13" in c}
    assert [len(thirteen[g]) for g in ("MFCC", "dMFCC", "ddMFCC")] == [26] * 3, "78 columns, as the released family has"
    assert "mfcc_00_mean" in groups(mfcc_ranks="0-12", rank0="Dynamics")["Dynamics"]
    assert "chroma_00_mean" in groups(mfcc_ranks="1-13")["Pitch"]
    with pytest.raises(ValueError, match="mfcc_ranks"):
        groups(mfcc_ranks="0-14")
    with pytest.raises(ValueError, match="rank0"):
        groups(rank0="Timbre")


def test_frames_belong_to_the_windows_that_hold_their_centres():
    times = np.arange(0.05, 12, 0.1)
    values = np.sin(times)
    table = texture_windows(frames_of(times, values), 12.0)
    assert table["time"].tolist() == pytest.approx([2.5, 5.85, 9.2])
    for row, start in zip(table.itertuples(), (0, 3.35, 6.7), strict=True):
        inside = values[(times >= start) & (times < start + 5)]
        assert row.rms_mean == pytest.approx(inside.mean(), abs=1e-14)
        assert row.rms_std == pytest.approx(inside.std(ddof=1), abs=1e-14)


def test_nan_frames_are_ignored_and_one_frame_has_no_deviation():
    table = texture_windows(frames_of([1, 2, 3], [np.nan, 4, np.nan]), 5.0)
    assert table.loc[0, ["rms_mean", "rms_std"]].tolist() == [4.0, 0.0]
    table = texture_windows(frames_of([1, 2], [np.nan, np.nan]), 5.0)
    assert table[["rms_mean", "rms_std"]].isna().all(axis=None)
    assert table.drop(columns=["time", "rms_mean", "rms_std"]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("duration", "partial", "count"),
    [
        (5.0, False, 1),
        (8.34, False, 1),
        (8.35, False, 2),
        (5.0, True, 1),
        (8.0, True, 2),
        (3.0, False, 1),
        (1, True, 1),
    ],
)
def test_a_last_partial_window_is_dropped_unless_it_is_the_only_one(duration, partial, count):
    table = texture_windows(frames_of([0.5], [1.0]), duration, partial=partial)
    assert len(table) == count
    assert table["time"].iloc[0] == pytest.approx(min(5, duration) / 2)


def test_deviation_length_and_hop_are_switches():
    frames = frames_of([0.5, 1.5, 2.5, 3.5], [1, 2, 4, 8])
    table = texture_windows(frames, 4.0, length=2.0, hop=1.0, ddof=0)
    assert table["rms_mean"].tolist() == [1.5, 3.0, 6.0]
    assert table["rms_std"].tolist() == [0.5, 1.0, 2.0]


def test_rows_stand_at_half_seconds_and_are_held_at_the_ends(rows, windows):
    assert rows["time"].tolist() == (np.arange(12) + 0.5).tolist()
    assert list(rows) == ["time", *COLUMNS] == list(windows)
    at = np.interp(rows["time"], windows["time"], windows["rms_mean"])
    np.testing.assert_allclose(rows["rms_mean"], at, rtol=1e-14)
    assert np.ptp(rows["rms_mean"].iloc[[0, 1, 2]]) == 0


def test_the_cue_vector_is_the_mean_of_its_rows_or_windows(rows, windows):
    vector = cue_vector(rows)
    assert list(vector.index) == list(COLUMNS)
    assert vector["rms_mean"] == pytest.approx(rows["rms_mean"].mean())
    assert cue_vector(windows)["rms_mean"] == pytest.approx(windows["rms_mean"].mean())
    assert vector["rms_mean"] != pytest.approx(windows["rms_mean"].mean(), rel=1e-3)


def test_switches_reach_the_frames(cue, rows):
    literal = cue_frames(cue, RATE, voicing=0.08, hann="matlab")
    assert not np.allclose(literal["pulseclarity_mean"], rows["pulseclarity_mean"], rtol=1e-12)
    assert not np.allclose(literal["inharmonicity_mean"], rows["inharmonicity_mean"], rtol=1e-3)


DAMAGED = {
    "five seconds": (np.sin(np.arange(5 * RATE) / 20), 5, 0),
    "one second": (np.sin(np.arange(RATE) / 20), 1, 0),
    "silence": (np.zeros(6 * RATE), 6, 46),
    "constant": (np.full(6 * RATE, 0.5), 6, 30),
    "clipped": (np.clip(4 * np.sin(np.arange(6 * RATE) / 20), -1, 1), 6, 0),
    "one impulse": (np.eye(1, 6 * RATE, 3 * RATE)[0], 6, None),
    "ten samples": (np.ones(10), 1, 140),
    "a third of a second": (np.sin(np.arange(RATE // 3) / 20), 1, 4),
    "denormal": (1e-310 * np.sin(np.arange(RATE) / 20), 1, None),
    "huge": (1e9 * np.sin(np.arange(6 * RATE) / 20), 6, 0),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_strange_cues_have_rows_and_no_warnings(name):
    samples, rows, missing = DAMAGED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames = cue_frames(samples, RATE)
        vector = cue_vector(frames)
    assert len(frames) == rows
    assert not np.isinf(vector).any()
    assert missing is None or vector.isna().sum() == missing


def test_silence_measures_what_silence_has():
    frames = frame_features(np.zeros(6 * RATE), RATE)
    for name, value in {"rms": 0, "zerocross": 0, "roughness": 0, "entropy": 0, "pulseclarity": 0}.items():
        assert (frames[name][1] == value).all(), name
    np.testing.assert_allclose(frames["mfcc"][1][:, 0], np.log10(2e-16) * 40 / np.sqrt(40))
    for name in "centroid spread skewness kurtosis brightness chroma keyclarity mode tempo inharmonicity crest".split():
        assert np.isnan(frames[name][1]).all(), name


@pytest.mark.parametrize("rate", [8000, 96000])
def test_other_rates_measure_the_same_tone(rate):
    def measure(rate):
        return cue_vector(cue_frames(0.1 * np.sin(2 * np.pi * 440 * np.arange(6 * rate) / rate), rate))

    columns = ["rms_mean", "centroid_mean", "chroma_09_mean", "inharmonicity_mean"]
    np.testing.assert_allclose(measure(rate)[columns], measure(RATE)[columns], rtol=2e-3)


def test_empty_and_damaged_cues_are_refused():
    with pytest.raises(ValueError, match="no samples"):
        cue_frames(np.empty(0), RATE)
    with pytest.raises(ValueError, match="NaN"):
        cue_frames(np.full(RATE, np.nan), RATE)
    with pytest.raises(ValueError, match="rows"):
        cue_frames(np.zeros(RATE), RATE, rows="minutes")
