"""One continuous clock: parts that follow each other, times that wrap or are damaged, a span equal to the whole."""

import random
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from films import FPS, KINDS, chirp, film, lag, number, numbered, seen

from filmlens.media import clock
from filmlens.media.container import duration
from filmlens.media.monitor import watched
from filmlens.media.pictures import key_pictures, sample_luma, thumbnail
from filmlens.media.sound import native_rate, read_audio
from filmlens.media.write import write_audio

SPANS = ((0, 2), (0.4, 3.2), (1.0, 1.0001), (5.6, 8.4), (10.2, 11.9))


def equal_everywhere(path, starts=(0.5, 1.2, 3.333, 6.98, 8.0171, 10.9), spans=SPANS):
    """Spans equal the whole, sample for sample and picture for picture."""
    rate, whole, pictures = native_rate(path), read_audio(path), seen(path)
    for start in starts:
        part, first = read_audio(path, start=start, end=start + 1), round(start * rate)
        expected = whole[first : first + rate]
        assert abs(len(part) - len(expected)) <= 1
        # one step of 16 bit where a decoder rounds with what it has left over
        assert np.abs(part[: len(expected)] - expected[: len(part)]).max() <= 2 / 32768, (path.name, start)
    for a, b in spans:
        inside = {t: n for t, n in pictures.items() if a <= t <= b}
        assert seen(path, spans=[(a, b)]) == inside, (path.name, a, b)
    return whole, pictures


@pytest.mark.parametrize("ending, codec, audio_codec, rate", KINDS)
def test_a_span_equals_the_whole(tmp_path, ending, codec, audio_codec, rate):
    path = tmp_path / f"film.{ending}"
    sent = film(path, 12.2, rate=rate, codec=codec, audio_codec=audio_codec)
    with watched() as damage:
        heard, pictures = equal_everywhere(path)
    assert not damage
    assert abs(lag(heard, sent)) < 0.05 * rate and abs(duration(path) - 12.2) < 0.1
    assert all(abs(n - FPS * t) <= 2 for t, n in pictures.items()) and len(pictures) >= 12


@pytest.mark.parametrize("ending", ["ts", "m2ts", "mpg", "vob"])
def test_parts_joined_follow_each_other_on_one_clock(tmp_path, ending):
    """The cells of a DVD, a recording that was resumed: the second part's clock begins anew."""
    sent, data = [], b""
    for part in range(3):
        piece = tmp_path / f"{part}.{ending}"
        sent.append(film(piece, 6, rate=48_000, first=150 * part, low=200 + 150 * part))
        data += piece.read_bytes()
    path = tmp_path / f"joined.{ending}"
    path.write_bytes(data)
    with watched() as damage:
        heard, pictures = equal_everywhere(
            path, (0.5, 4.2, 5.8, 6.3, 9.333, 11.7, 12.9, 15.1), (*SPANS, (4.5, 7.5), (11.5, 13.2), (14.9, 17.9))
        )
    assert not damage
    assert abs(duration(path) - 18) < 0.15 and abs(len(heard) / 48_000 - 18) < 0.15
    for part in range(3):
        assert abs(lag(heard[48_000 * 6 * part :][: 48_000 * 6], sent[part])) < 0.1 * 48_000
    assert [k for k in pictures if 0 < k < 18] == [
        float(k) for k in range(1, 18)
    ]  # where the sound begins first, none stands at 0
    assert all(abs(n - FPS * t) <= 3 for t, n in pictures.items())
    times = [t for t, _ in key_pictures(path, 6)]
    assert len(times) == 6 and times == sorted(times) and times[-1] > 14
    keys = [number(p) for _, p in sample_luma(path, sampling="keyframes")]
    assert keys == sorted(keys) and keys[-1] > 400
    assert thumbnail(path, 8.0)[:2] == b"\xff\xd8"


@pytest.mark.parametrize("ending", ["ogg", "opus", "flac", "mp3", "aac", "ac3"])
def test_joined_tracks_are_read_to_their_end(tmp_path, ending):
    data, sent = b"", []
    for part in range(2):
        piece = tmp_path / f"{part}.{'m4a' if ending == 'aac' else ending}"
        sent.append(chirp(6, 48_000, part, 200 + 300 * part))
        write_audio(piece, sent[-1], 48_000)
        if ending == "aac":
            piece = as_adts(piece)
        data += piece.read_bytes()
    path = tmp_path / f"joined.{ending}"
    path.write_bytes(data)
    heard = read_audio(path, 48_000)
    assert abs(len(heard) / 48_000 - 12) < 0.1 and abs(duration(path) - 12) < 0.1
    assert abs(lag(heard[6 * 48_000 :], sent[1])) < 0.06 * 48_000
    part = read_audio(path, start=7.3, end=8.3)
    assert np.abs(part - heard[round(7.3 * 48_000) :][: len(part)]).max() < 1e-4


def as_adts(piece):
    path = piece.with_suffix(".aac")
    with av.open(str(piece)) as source, av.open(str(path), "w", format="adts") as box:
        stream = box.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                box.mux(packet)
    return path


def test_a_clock_that_wraps_in_the_first_minute(tmp_path):
    """The 33-bit clock of a recording starts again after 26.5 hours: times before that count as negative."""
    plain, path = tmp_path / "plain.ts", tmp_path / "wraps.ts"
    film(plain, 30)
    remuxed(plain, path, offset=2**33 / 90_000 - 12.3)
    equal_everywhere(path, (0.5, 5.0, 11.8, 12.4, 20.0), ((1, 4), (5, 9), (11, 14), (15, 25)))
    assert seen(path) == seen(plain)


def remuxed(source, path, *, offset=0.0, changed=lambda packet: True):
    """The packets of a film in another file, later by `offset` s; those that `changed` refuses are left out."""
    with av.open(str(source)) as film_, av.open(str(path), "w", options={"output_ts_offset": f"{offset:.6f}"}) as box:
        streams = {s.index: box.add_stream_from_template(s) for s in film_.streams}
        for packet in film_.demux():
            if packet.dts is not None and changed(packet):
                packet.stream = streams[packet.stream_index]
                box.mux(packet)


def test_a_clock_that_jumps_far_ahead_is_closed_and_told(tmp_path):
    plain, path = tmp_path / "plain.ts", tmp_path / "jumps.ts"
    film(plain, 8)
    first, second = tmp_path / "1.ts", tmp_path / "2.ts"
    remuxed(plain, first)
    remuxed(plain, second, offset=3600)
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with watched() as damage:
        heard = read_audio(path)
    assert abs(len(heard) / 44_100 - 16) < 0.1
    assert len(damage) == 1 and "jumps ahead by 35" in damage[0]


def test_a_gap_inside_is_silence_and_told_in_seconds(tmp_path):
    plain, path = tmp_path / "plain.ts", tmp_path / "gap.ts"
    film(plain, 12)
    remuxed(plain, path, changed=lambda p: not 5 < float(p.dts * p.time_base) - 1.4 < 6.5)
    with watched() as damage:
        heard = read_audio(path)
    assert abs(len(heard) / 44_100 - 12) < 0.1
    assert len(damage) == 1 and "1.5" in damage[0] and "missing inside" in damage[0]
    whole = read_audio(plain)
    assert np.allclose(heard[8 * 44_100 : 11 * 44_100], whole[8 * 44_100 : 11 * 44_100], atol=1e-4)


def packet(stream, time, length):
    tick = Fraction(1, 1000)
    dts = round(time * 1000)
    return SimpleNamespace(
        stream_index=stream, dts=dts, pts=dts, duration=round(length * 1000), time_base=tick, size=9, made=dts
    )


def interleaved(start, seconds, sound=0.024, picture=0.04):
    """Packets of two streams in the order of a file, the sound a little behind."""
    packets = [packet(0, start + i * picture, picture) for i in range(round(seconds / picture))]
    packets += [packet(1, start + i * sound, sound) for i in range(round(seconds / sound))]
    return sorted(packets, key=lambda p: p.dts + 300 * p.stream_index)


def on_clock(packets):
    return list(clock.Clock(sound=1, origin=packets[0].made / 1000).continuous(iter(packets)))


def test_sound_goes_on_without_a_break_over_any_number_of_parts():
    packets = [p for start in (5.0, 0.5, 0.5, 4.0, 90_000.0, 3.0) for p in interleaved(start, 6.0)]
    placed = on_clock(packets)
    assert len(placed) == len(packets)
    sound = [p.dts for p in placed if p.stream_index == 1]
    assert set(np.diff(sound)) == {24}
    pictures = np.array([p.dts for p in placed if p.stream_index == 0])
    assert np.diff(pictures).min() > 0 and np.diff(pictures).max() <= 80


@pytest.mark.parametrize("seed", range(20))
def test_single_damaged_times_move_nothing(seed):
    rng = random.Random(seed)
    packets = interleaved(10.0, 12.0)
    hurt = {i for i in rng.sample(range(len(packets)), 8)}
    for i in hurt:
        packets[i].dts = packets[i].pts = packets[i].dts ^ 1 << rng.randrange(14, 33)
    placed = on_clock(packets)
    assert len(placed) == len(packets)
    for i, p in enumerate(packets):
        assert p.dts is None or p.dts == p.made, (i, p)
    assert all(packets[i].dts is not None for i in set(range(len(packets))) - hurt)


def test_numbered_pictures_can_be_told_apart():
    assert [number(numbered(i) / 255) for i in range(0, 1000, 37)] == list(range(0, 1000, 37))
