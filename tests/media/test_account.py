"""What is read of a sound is what the file holds, and a difference is told: lost, cut, joined, hidden, encrypted."""

import re
from fractions import Fraction

import av
import numpy as np
import pytest
from films import chirp, film

from filmlens.corpus.looks import look_into
from filmlens.media.container import duration
from filmlens.media.monitor import watched
from filmlens.media.opening import MediaError, Medium, sound_streams
from filmlens.media.pictures import sample_luma
from filmlens.media.sound import read_audio
from filmlens.media.structure import structure
from filmlens.media.write import write_audio, write_film

RATE = 48_000


def told(path):
    with watched() as damage:
        heard = read_audio(path, RATE)
    return heard, damage


def track(path, seconds=12, seed=0):
    sound = chirp(seconds, RATE, seed)
    write_audio(path, sound, RATE)
    return sound


def ogg_pages(data):
    return [m.start() for m in re.finditer(b"OggS", data)] + [len(data)]


@pytest.mark.parametrize("ending", ["ogg", "opus", "flac"])
def test_a_track_without_its_first_frames_stays_where_it_was(tmp_path, ending):
    path = tmp_path / f"track.{ending}"
    sent = track(path)
    data = path.read_bytes()
    if ending == "flac":
        frames = [m.start() for m in re.finditer(b"\xff\xf8", data)]
        data = data[: frames[0]] + data[frames[6] :]
    else:
        pages = ogg_pages(data)
        headers = 2
        data = data[: pages[headers]] + data[pages[headers + 1] :]
    path.write_bytes(data)
    heard, damage = told(path)
    assert len(damage) == 1 and "the first" in damage[0] and "missing" in damage[0]
    silent = np.flatnonzero(np.abs(heard) > 1e-3)[0]
    assert 0.2 * RATE < silent < 3 * RATE and abs(len(heard) - len(sent)) < 0.02 * RATE
    part = slice(silent + RATE, silent + 4 * RATE)
    assert np.corrcoef(heard[part], sent[part])[0, 1] > 0.95, "not moved"


@pytest.mark.parametrize("lost", [slice(5, 7), slice(-4, -2), slice(-3, -2)])
@pytest.mark.parametrize("ending", ["ogg", "opus"])
def test_pages_that_are_missing_inside_are_told(tmp_path, ending, lost):
    """Before the last page the demuxer leaves no gap: it counts on from the page before the lost ones."""
    path = tmp_path / f"track.{ending}"
    track(path)
    data = path.read_bytes()
    pages = ogg_pages(data)
    first, behind = pages[lost][0], pages[lost.stop]
    path.write_bytes(data[:first] + data[behind:])
    _, damage = told(path)
    assert len(damage) == 1 and "missing inside" in damage[0]
    assert "pages are missing inside" in " ".join(look_into(path, False).problems)


@pytest.mark.parametrize("size", [480_000, 0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_file_whose_header_states_another_size_is_read_to_its_end(tmp_path, size):
    path = tmp_path / "track.wav"
    sent = track(path)
    data = bytearray(path.read_bytes())
    at = data.find(b"data")
    data[at + 4 : at + 8] = size.to_bytes(4, "little")
    data[4:8] = min(size + at, 0xFFFFFFFF).to_bytes(4, "little")
    path.write_bytes(data)
    heard, damage = told(path)
    assert len(heard) == len(sent) and np.abs(heard - sent).max() < 1e-3
    assert abs(duration(path) - 12) < 0.01
    assert bool(damage) == (size == 480_000)
    part = read_audio(path, RATE, start=8.25, end=9.25)
    assert np.array_equal(part, heard[round(8.25 * RATE) :][:RATE])


def test_chunks_behind_the_sound_are_no_sound(tmp_path):
    path = tmp_path / "track.wav"
    sent = track(path, 2)
    data = path.read_bytes()
    path.write_bytes(data + b"LIST" + (20_000).to_bytes(4, "little") + b"INFO" + bytes(19_996))
    heard, damage = told(path)
    assert len(heard) == len(sent) and not damage


@pytest.mark.parametrize("kind", ["early", "subtitle"])
def test_a_sound_that_ends_before_the_picture_or_a_subtitle_is_whole(tmp_path, kind):
    path = tmp_path / "film.mkv"
    sound = chirp(6, RATE)
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=10, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = box.add_stream("ac3", rate=RATE, layout="mono")
        for i in range(120 if kind == "early" else 60):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24")
            frame.pts = i
            box.mux(video.encode(frame))
        for at in range(0, len(sound), 1536):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + 1536].copy(), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            box.mux(audio.encode(frame))
        box.mux(video.encode(None))
        box.mux(audio.encode(None))
    heard, damage = told(path)
    assert not damage and abs(len(heard) / RATE - 6) < 0.1
    assert abs(duration(path) - (12 if kind == "early" else 6)) < 0.1


@pytest.mark.parametrize("ending", ["mkv", "mp4", "avi", "wav", "ogg", "mp3", "flac"])
def test_a_file_that_was_cut_off_says_so_in_seconds(tmp_path, ending):
    path = tmp_path / f"film.{ending}"
    if ending in ("mkv", "mp4", "avi"):
        pictures = (np.random.default_rng(i).integers(0, 255, (64, 64), np.uint8) for i in range(120))
        options = {"movflags": "faststart"} if ending == "mp4" else None
        write_film(path, pictures, chirp(12, RATE), fps=10, rate=RATE)
        if ending == "mp4":
            with av.open(str(path)) as source, av.open(str(tmp_path / "fast.mp4"), "w", options=options) as box:
                streams = [box.add_stream_from_template(s) for s in source.streams]
                for packet in source.demux():
                    if packet.dts is not None:
                        packet.stream = streams[packet.stream_index]
                        box.mux(packet)
            (tmp_path / "fast.mp4").rename(path)
    else:
        track(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    heard, damage = told(path)
    assert 5 < len(heard) / RATE < 10 and damage and path.name in damage[0]


def test_bytes_of_an_mp3_that_are_no_sound_are_told(tmp_path):
    """Frames that were lost in the middle of a file without times move all that follows."""
    path = tmp_path / "track.mp3"
    track(path)
    data = path.read_bytes()
    xing = data.find(b"Xing") if b"Xing" in data else data.find(b"Info")
    data = data[:xing] + bytes(120) + data[xing + 120 :]  # no count of frames either
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(4000) + data[middle + 4000 :])
    _, damage = told(path)
    assert any("no sound that can be read" in d for d in damage)


@pytest.mark.parametrize("ending", ["mp4", "wav"])
def test_two_files_in_one_of_which_the_second_is_not_reached_are_told(tmp_path, ending):
    one, path = tmp_path / f"a.{ending}", tmp_path / f"both.{ending}"
    film(one, 3) if ending == "mp4" else track(one, 3)
    path.write_bytes(one.read_bytes() * 2)
    _, damage = told(path)
    assert any("only the first is read" in d for d in damage)


def test_two_films_in_one_flv_are_told(tmp_path):
    film(tmp_path / "a.flv", 6)
    path = tmp_path / "both.flv"
    path.write_bytes((tmp_path / "a.flv").read_bytes() * 2)
    heard, damage = told(path)
    assert len(heard) / RATE > 11 or any("no sound that can be read" in d for d in damage)


def test_healthy_files_say_nothing(tmp_path):
    for ending in ("flac", "wav", "mp3", "m4a", "ogg", "opus", "ac3", "eac3"):
        track(tmp_path / f"a.{ending}", 5)
        assert not told(tmp_path / f"a.{ending}")[1], ending
        assert structure(tmp_path / f"a.{ending}")[:2] == (False, False)


def test_a_tag_behind_an_mp3_is_no_lost_sound(tmp_path):
    path = tmp_path / "a.mp3"
    track(path, 5)
    size = 30_000
    body = bytes(np.random.default_rng(0).integers(0, 250, size - 32, np.uint8))
    foot = b"APETAGEX" + (2000).to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(16)
    path.write_bytes(path.read_bytes() + body + foot + b"TAG" + bytes(125))
    assert not told(path)[1]


def test_an_encrypted_film_says_so(tmp_path):
    plain, path = tmp_path / "plain.mp4", tmp_path / "film.mp4"
    film(plain, 4)
    key = "76a6c65c5ea762046bd749a2e632ccbb"
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key[::-1]}
    with av.open(str(plain)) as source, av.open(str(path), "w", options=options) as box:
        streams = [box.add_stream_from_template(s) for s in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                box.mux(packet)
    with pytest.raises(MediaError, match="encrypted"):
        read_audio(path)
    with pytest.raises(MediaError, match="encrypted"):
        list(sample_luma(path))


@pytest.mark.parametrize("ending", ["mkv", "m3u8", "mp4", "mp3", "wav"])
@pytest.mark.parametrize("kind", ["ffconcat", "m3u8", "xspf"])
def test_a_list_of_other_files_is_not_followed(tmp_path, kind, ending):
    track(tmp_path / "secret.wav", 3)
    secret = tmp_path / "secret.wav"
    text = {
        "ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n",
        "xspf": f"<?xml version='1.0'?><playlist><location>file://{secret}</location></playlist>",
    }[kind]
    path = tmp_path / f"film.{ending}"
    path.write_text(text)
    with pytest.raises(MediaError, match=rf"film\.{ending}") as error:
        read_audio(path)
    assert "not opened" in str(error.value)


def streams_of(path, *streams):
    """A film with several sounds: (level, disposition, metadata, channels)."""
    layouts = {1: "mono", 2: "stereo", 6: "5.1(side)"}
    with av.open(str(path), "w") as box:
        made = []
        for _, flags, metadata, channels in streams:
            stream = box.add_stream("ac3", rate=RATE, layout=layouts[channels])
            stream.disposition = flags
            stream.metadata.update(metadata)
            made.append(stream)
        for at in range(0, 2 * RATE, 1536):
            for stream, (level, _, _, channels) in zip(made, streams, strict=True):
                data = level * np.sin(2 * np.pi * 440 * np.arange(at, at + 1536) / RATE)
                data = np.tile(data.astype(np.float32), (channels, 1))
                frame = av.AudioFrame.from_ndarray(data, "fltp", layouts[channels])
                frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
                box.mux(stream.encode(frame))
        for stream in made:
            box.mux(stream.encode(None))


DEFAULT, DUB, ORIGINAL, COMMENT, BLIND = 1, 2, 4, 8, 256


@pytest.mark.parametrize(
    "streams, language, read",
    [
        ([(COMMENT, {}, 1), (0, {}, 1)], "", 1),
        ([(COMMENT | DEFAULT, {}, 1), (0, {}, 1)], "", 1),
        ([(DEFAULT, {"title": "Director's Commentary"}, 1), (0, {}, 1)], "", 1),
        ([(BLIND, {"language": "eng"}, 1), (0, {"language": "eng"}, 1)], "", 1),
        ([(DUB | DEFAULT, {"language": "ger"}, 2), (ORIGINAL, {"language": "eng"}, 2)], "", 1),
        ([(DEFAULT, {"language": "ger"}, 2), (0, {"language": "eng"}, 2)], "en", 1),
        ([(DEFAULT, {"language": "ger"}, 2), (0, {"language": "eng"}, 2)], "German", 0),
        ([(DEFAULT, {"language": "ger"}, 2), (COMMENT, {"language": "eng"}, 2)], "en", 0),
        ([(0, {}, 2), (0, {}, 6)], "", 1),
        ([(0, {}, 6), (DEFAULT, {}, 2)], "", 1),
        ([(COMMENT, {}, 2)], "", 0),
    ],
)
def test_the_films_own_sound_is_read(tmp_path, streams, language, read):
    path = tmp_path / "film.mkv"
    levels = (0.1, 0.5)
    streams_of(path, *((level, *rest) for level, rest in zip(levels, streams, strict=False)))
    medium = Medium(path, language=language)
    found, number = sound_streams(medium)
    assert number == read and len(found) == len(streams)
    assert abs(np.abs(read_audio(medium, RATE)).max() - levels[read]) < 0.05
    for n in range(len(streams)):
        asked = Medium(path, language=language, audio_stream=n)
        assert abs(np.abs(read_audio(asked, RATE)).max() - levels[n]) < 0.05
    with pytest.raises(MediaError, match="no sound stream 7"):
        read_audio(Medium(path, audio_stream=7))


def test_streams_are_named_with_their_flags(tmp_path):
    path = tmp_path / "film.mkv"
    streams_of(path, (0.1, COMMENT, {"language": "eng", "title": "Talk"}, 2), (0.5, DEFAULT, {}, 1))
    found, _ = sound_streams(path)
    assert [str(s) for s in found] == ['sound 0 (ac3 2 ch, eng, "Talk", commentary)', "sound 1 (ac3 1 ch, default)"]


@pytest.mark.parametrize("ending", ["ts", "flv"])
def test_a_recording_whose_sound_ends_early_is_whole(tmp_path, ending):
    path = tmp_path / f"film.{ending}"
    rng = np.random.default_rng(0)
    pictures = (rng.integers(0, 255, (64, 64), np.uint8) for _ in range(250))
    write_film(path, pictures, chirp(5, RATE), fps=25, rate=44_100)
    assert not told(path)[1] and abs(duration(path) - 10) < 0.1


@pytest.mark.parametrize("ending", ["ac3", "eac3"])
@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_pieces_of_frames_between_frames_of_ac3_are_told(tmp_path, ending, rate):
    path = tmp_path / f"track.{ending}"
    write_audio(path, chirp(4, rate), rate)
    assert told(path)[1] == []
    with av.open(str(path)) as box:
        places = [p.pos for p in box.demux(box.streams.audio[0]) if p.size]
    data = path.read_bytes()
    # a cut from behind a frame's first bytes to a few bytes before another
    path.write_bytes(data[: places[20] + 4] + data[places[60] - 7 :])
    assert told(path)[1]
    # the pieces of two frames make one of the right length
    path.write_bytes(data[: places[20] + 100] + data[places[60] + 100 :])
    assert told(path)[1]
