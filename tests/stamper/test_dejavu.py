"""The paper's engine against a literal Dejavu, and on films whose cues are known."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from matplotlib import mlab
from scipy.ndimage import binary_erosion, generate_binary_structure, iterate_structure, maximum_filter

from filmlens.stamper import dejavu, index_tracks, stamp

RATE = 44_100


def literal_peaks(db):
    """Dejavu's peaks of a (frames, bins) array, by its own steps."""
    square = iterate_structure(generate_binary_structure(2, 2), 10)
    empty = binary_erosion(db == 0, structure=square, border_value=1)
    found = (maximum_filter(db, footprint=square) == db) ^ empty
    return sorted((t, f) for t, f in zip(*np.where(found), strict=True) if db[t, f] > 10)


def literal_hashes(peaks):
    """Dejavu's (SHA-1, time) pairs."""
    pairs = set()
    for i in range(len(peaks)):
        for j in range(1, 5):
            if i + j < len(peaks):
                (t1, f1), (t2, f2) = peaks[i], peaks[i + j]
                if 0 <= t2 - t1 <= 200:
                    pairs.add((hashlib.sha1(f"{f1}|{f2}|{t2 - t1}".encode()).hexdigest()[:20], int(t1)))
    return pairs


def unpacked(time, code):
    """Packed hashes as Dejavu's strings."""
    words = [f"{c >> 20}|{c >> 8 & 0xFFF}|{c & 0xFF}" for c in code.tolist()]
    return {(hashlib.sha1(w.encode()).hexdigest()[:20], t) for w, t in zip(words, time.tolist(), strict=True)}


def tune(seconds, seed, rate=RATE):
    """Notes with overtones at random times: something with peaks of its own."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * rate), np.float32)
    for start in np.arange(0, seconds - 0.5, 0.12):
        t = np.arange(int(0.5 * rate)) / rate
        pitch = 220 * 2 ** (rng.integers(0, 36) / 12)
        note = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 6)) * np.exp(-5 * t)
        at = int(start * rate)
        sound[at : at + len(note)] += 0.1 * note
    return sound


@pytest.fixture(scope="module")
def tracks():
    return {f"tune {i}": (np.stack([tune(60, i), tune(60, i + 50)]), RATE) for i in range(3)}


@pytest.mark.parametrize("seed", range(4))
def test_hashes_equal_a_literal_loop_on_random_spectrograms(seed):
    rng = np.random.default_rng(seed)
    db = np.round(rng.normal(5, 12, (int(rng.integers(1, 140)), 400)), 1 if seed % 2 else 6)
    db[rng.random(db.shape) < 0.2] = 0
    db[:, 200:300] = 0
    time, freq = dejavu.find_peaks(db)
    peaks = literal_peaks(db)
    assert list(zip(time.tolist(), freq.tolist(), strict=True)) == peaks
    assert unpacked(*dejavu.pair_hashes(time, freq)) == literal_hashes(peaks)


def test_spectrogram_is_matplotlibs():
    sound = tune(3, 1) + np.float32(1e-3) * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    power = mlab.specgram(sound * 32768.0, NFFT=4096, Fs=RATE, window=mlab.window_hanning, noverlap=2048)[0].T
    np.testing.assert_allclose(dejavu.spectrogram_db(sound), 10 * np.log10(power), atol=1e-6)
    assert not dejavu.spectrogram_db(np.zeros(9000, np.float32)).any()


def test_a_track_read_in_pieces_has_the_fingerprint_of_the_whole():
    sound = np.stack([tune(47, 5), tune(47, 6)])
    (time, code, seconds, _), _ = dejavu.fingerprint((sound, RATE))
    whole = set()
    for channel in sound:
        whole |= unpacked(*dejavu.pair_hashes(*dejavu.find_peaks(dejavu.spectrogram_db(channel))))
    assert unpacked(time, code) == whole
    assert seconds == 47


def test_matching_equals_a_literal_histogram(tracks):
    index = index_tracks(tracks, engine="dejavu")
    film = tracks["tune 1"][0][:, 7 * RATE : 17 * RATE] + 0.05 * tracks["tune 2"][0][:, : 10 * RATE]
    found, _ = dejavu.match_windows((film, RATE), index)
    for number, window in enumerate(np.split(film, 2, axis=1)):
        pairs = set()
        for channel in window:
            time, code = dejavu.pair_hashes(*dejavu.find_peaks(dejavu.spectrogram_db(channel)))
            pairs |= set(zip(code.tolist(), time.tolist(), strict=True))
        counts = {}
        for track in range(len(index)):
            stored = {}
            for t, c in zip(*index.track(track), strict=True):
                stored.setdefault(int(c), []).append(int(t))
            for code, t in pairs:
                for there in stored.get(code, []):
                    counts[track, there - t] = counts.get((track, there - t), 0) + 1
        (track, offset), votes = min(counts.items(), key=lambda item: (-item[1], item[0]))
        row = found.iloc[number]
        assert (row["track"], row["aligned"]) == (index.names[track], votes)
        assert row["offset"] == pytest.approx(offset * 2048 / RATE)
        assert row["hashes"] == len(pairs)


def test_known_cues_are_found(tracks):
    rng = np.random.default_rng(3)
    film = 0.003 * rng.standard_normal((2, 90 * RATE)).astype(np.float32)
    film[:, 20 * RATE : 40 * RATE] += tracks["tune 1"][0][:, 10 * RATE : 30 * RATE]
    film[:, 60 * RATE : 80 * RATE] += tracks["tune 2"][0][:, 5 * RATE : 25 * RATE]
    for rule in ("nearby", "votes"):
        sheet = stamp((film, RATE), tracks, engine="dejavu", rule=rule)
        table = sheet.table
        assert table["track"].tolist() == ["tune 1", "tune 2"]
        assert table["start"].tolist() == [20, 60]
        assert table["end"].tolist() == [40, 80]
        np.testing.assert_allclose(table["track_start"], [10, 5], atol=0.05)
        assert (table["aligned"] > 14).all()
        assert sheet.duration == 90
        pd.testing.assert_frame_equal(table, stamp((film, RATE), tracks, engine="dejavu", rule=rule).table)
    counted = sheet.windows
    assert counted["counted"].sum() == 8


def test_a_film_at_another_rate_is_resampled(tracks):
    soxr = pytest.importorskip("soxr")
    film = np.zeros((2, 30 * RATE), np.float32)
    film[:, 5 * RATE : 25 * RATE] = tracks["tune 0"][0][:, 20 * RATE : 40 * RATE]
    film = soxr.resample(film.T, RATE, 48_000).T
    table = stamp((film, 48_000), tracks, engine="dejavu").table
    assert table["track"].tolist() == ["tune 0"]
    assert (table.loc[0, "start"], table.loc[0, "end"]) == (5, 25)


def windows_of(tracks, alignments, aligned=None):
    time = 5.0 * np.arange(len(tracks))
    offset = [np.nan if t is None else t0 + a for t, t0, a in zip(tracks, time, alignments, strict=True)]
    table = pd.DataFrame({"time": time, "track": pd.Series(tracks, dtype=object), "offset": offset})
    table["aligned"] = aligned or [10] * len(tracks)
    return table


def test_the_papers_example_two_nearby_windows_make_a_cue_of_15_seconds():
    table = windows_of(["Other", "Cantina", "Else", "Cantina", None], [3, 40, 7, 40.2, 0])
    table["counted"] = dejavu.count_windows(table)
    assert table["counted"].tolist() == [False, True, False, True, False]
    cues = dejavu.cues_from_windows(table)
    assert cues[["track", "start", "end"]].values.tolist() == [["Cantina", 5.0, 20.0]]
    assert cues.loc[0, "track_start"] == pytest.approx(45.0)


def test_nearby_needs_the_same_alignment_within_two_windows():
    for alignments, tracks in (([0, 0.5], ["A", "A"]), ([0, 0, 0, 0], ["A", "B", "C", "A"]), ([0, 0], [None, None])):
        assert not dejavu.count_windows(windows_of(tracks, alignments)).any()
    votes = dejavu.count_windows(windows_of(["A", "A"], [0, 9], aligned=[13, 14]), rule="votes")
    assert votes.tolist() == [False, True]


def test_cues_never_overlap():
    table = windows_of(["A", "B", "A", "B"], [0, 9, 0, 9])
    table["counted"] = dejavu.count_windows(table)
    assert table["counted"].all()
    cues = dejavu.cues_from_windows(table)
    assert (cues["start"].to_numpy()[1:] >= cues["end"].to_numpy()[:-1]).all()


def test_an_unknown_rule_is_refused(tracks):
    with pytest.raises(ValueError, match='rule="best" is unknown'):
        stamp((np.zeros(6 * RATE), RATE), tracks, engine="dejavu", rule="best")


def test_hashes_equal_those_of_an_installed_dejavu():
    try:
        from dejavu.logic.fingerprint import fingerprint
    except (ImportError, SyntaxError):
        pytest.skip("no dejavu package in this environment")
    sound = np.round(32768 * tune(12, 9)).astype(np.int16)
    theirs = {(h[:20], int(t)) for h, t in fingerprint(sound, Fs=RATE)}
    time, freq = dejavu.find_peaks(dejavu.spectrogram_db((sound / 32768).astype(np.float32)))
    assert unpacked(*dejavu.pair_hashes(time, freq)) == theirs
