"""The synthesiser: a descriptor moves what it names, a seed fixes the piece, no passage comes twice."""

import numpy as np
import pytest

from filmlens.demo.synth import DESCRIPTORS, compose

RATE = 22_000  # a hundred frames of 10 ms a second, without remainder


def play(seed=0, seconds=12.0, **style):
    return compose(style, seconds, RATE, np.random.default_rng(seed))


def spectrum(piece):
    """Mean power per frequency of half-second frames."""
    mono = piece.mean(axis=0)
    frames = mono[: len(mono) // 11000 * 11000].reshape(-1, 11000) * np.hanning(11000)
    return np.fft.rfftfreq(11000, 1 / RATE), (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)


def centroid(piece):
    frequency, power = spectrum(piece)
    return (frequency * power).sum() / power.sum()


def flux(piece):
    """How much the level of 25 ms frames jumps; in shorter ones the waves of a low bass do."""
    level = np.sqrt((piece.mean(axis=0)[: RATE * 10].reshape(-1, RATE // 40) ** 2).mean(axis=1))
    return np.abs(np.diff(level)).mean() / level.mean()


def band(piece, centre):
    """Share of the power in the octave around `centre` Hz."""
    frequency, power = spectrum(piece)
    return power[(frequency > centre / 1.41) & (frequency < centre * 1.41)].sum() / power.sum()


def beating(piece):
    """Power of the envelope between 25 and 80 Hz against its level."""
    envelope = np.abs(piece.mean(axis=0))
    power = np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2
    frequency = np.fft.rfftfreq(len(envelope), 1 / RATE)
    return power[(frequency > 25) & (frequency < 80)].sum() / envelope.mean() ** 2


def chroma(piece):
    """Power of the twelve pitch classes."""
    frequency, power = spectrum(piece)
    pitch = np.round(12 * np.log2(np.maximum(frequency, 30) / 440) + 69).astype(int) % 12
    heard = (frequency > 100) & (frequency < 2000)
    return np.bincount(pitch[heard], power[heard], 12)


def in_each_key(piece, pitches):
    """Power of some pitches above each of twelve tonics."""
    return np.array([chroma(piece)[np.add(pitches, tonic) % 12].sum() for tonic in range(12)])


def thirds(piece):
    """How much better the best major triad fits the piece's energy than the best minor one."""
    return (in_each_key(piece, (0, 4, 7)).max() - in_each_key(piece, (0, 3, 7)).max()) / chroma(piece).sum()


@pytest.mark.parametrize(
    ("descriptor", "measure"),
    [
        ("brightness", centroid),
        ("register", centroid),
        ("dynamics", lambda piece: np.sqrt((piece**2).mean())),
        ("percussion", lambda piece: band(piece, 7000)),
        ("sustain", lambda piece: -flux(piece)),
        ("warmth", lambda piece: band(piece, 320)),
        ("edge", lambda piece: band(piece, 1500)),
        ("roughness", beating),
        ("mode", thirds),
    ],
)
def test_descriptor_moves_what_it_names(descriptor, measure):
    others = {"percussion": -1.0, "roughness": -1.0}
    low, high = ([measure(play(seed, **{**others, descriptor: z})) for seed in range(4)] for z in (-1.5, 1.5))
    # one seed is one key, and what lies in an octave of the spectrum depends on it
    assert all(a < b for a, b in zip(low, high, strict=True)) and max(low) < np.median(high)


def test_tempo_sets_the_distance_of_strokes():
    """High strokes fall on half beats, and a minute has 104 x 2^(0.36 z) beats."""
    for z in (-1.0, 0.0, 1.0):
        piece = play(3, seconds=24, tempo=z, percussion=2.5, brightness=-2.0).mean(axis=0)
        high = np.diff(piece, n=2, append=[0, 0])
        level = np.sqrt((high.reshape(-1, RATE // 100) ** 2).mean(axis=1))
        onset = np.maximum(np.diff(level), 0)
        onset -= onset.mean()
        lags = np.correlate(onset, onset, "full")[len(onset) - 1 :]
        beat = 100 * 60 / (104 * 2 ** (0.36 * z))  # in frames

        def around(beats, lags=lags, beat=beat):
            return lags[round(beats * beat) - 2 : round(beats * beat) + 3].max()

        assert around(1) > 3 * max(around(0.75), around(1.25))


def test_pieces_stand_in_many_keys():
    major = [in_each_key(play(seed, 6.0, mode=2.0, percussion=-2.0), (0, 2, 4, 5, 7, 9, 11)) for seed in range(16)]
    assert len({int(power.argmax()) for power in major}) >= 7


def test_a_piece_is_bounded_stereo_and_the_length_asked_for():
    for z in (-9.0, 0.0, 9.0):
        piece = play(1, seconds=3.3, **dict.fromkeys(DESCRIPTORS, z))
        assert piece.dtype == np.float32 and piece.shape == (2, round(3.3 * RATE))
        assert 0.01 < np.abs(piece).max() <= 1 and np.isfinite(piece).all()
        assert np.abs(piece[0] - piece[1]).max() > 0.01
        assert abs(piece[:, 0]).max() < 1e-3 and abs(piece[:, -1]).max() < 1e-3


def test_a_seed_fixes_the_piece():
    assert np.array_equal(play(5, tempo=0.3), play(5, tempo=0.3))
    assert np.abs(np.corrcoef(play(5)[0], play(6)[0])[0, 1]) < 0.2


def test_no_passage_comes_twice():
    """Otherwise a place in a film would belong to several places in a track."""
    piece = play(2, seconds=24).mean(axis=0)
    n = len(piece)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(piece, 2 * n)) ** 2)[:n]
    overlap = (n - np.arange(n)) / n
    later = correlation[RATE : n // 2] / correlation[0] / overlap[RATE : n // 2]
    assert later.max() < 0.6


def test_unknown_descriptor_is_refused():
    with pytest.raises(ValueError, match="colour"):
        play(colour=1.0)
