"""Writing media: the one encoder behind the synthetic corpus and every fixture.

PyAV brings its own encoders, so no system package is needed. The same input gives the same bytes: one thread, no
encoder's date, no random identifier. A film is muxed in time order, so that it never lies in memory as a whole.
"""

import io
import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import soundfile
import soxr

_CODECS = pd.read_csv(Path(__file__).with_name("codecs.csv"), keep_default_na=False)
#: Codec of a sound file by its ending.
AUDIO_CODECS = {row.ending: row.sound for row in _CODECS.itertuples() if not row.pictures}
#: Codecs of pictures and sound of a film by its ending, where none is asked for.
FILM_CODECS = {row.ending: (row.pictures, row.sound) for row in _CODECS.itertuples() if row.pictures}
_PICTURE_OPTIONS = {
    # x264's macroblock tree with B-frames gives other bytes in one run of ten, on one thread too
    "libx264": {"preset": "veryfast", "crf": "28", "mbtree": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "36", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "36", "b": "1000000"},
    "mpeg4": {"qmin": "3", "qmax": "3"},
    "mpeg2video": {"qmin": "3", "qmax": "3"},
    "flv": {"qmin": "3", "qmax": "3"},
}
_SOUND_OPTIONS = {
    "aac": {"aac_coder": "fast"},  # half the time of the default, and closer to the input
    "libmp3lame": {"compression_level": "7"},  # likewise
}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
_VORBIS_ORDER = {1: [0], 2: [0, 1], 6: [0, 2, 1, 4, 5, 3]}  # Vorbis has the centre second and the low effects last
_PER_CHANNEL = 80_000  # bits a second where the caller names no rate; transparent enough for a fingerprint
_BITEXACT = {"fflags": "+bitexact"}
_BLOCK = 2.0  # seconds of sound converted at a time


def write_audio(path, samples, rate: int, *, bit_rate: int | None = None) -> None:
    """Write a sound file; the ending of `path`, one of `AUDIO_CODECS`, chooses the codec.

    `samples` are floats (n,) or (channels, n) in [-1, 1], channels in the order FL FR FC LFE BL BR; louder ones are
    clipped. `rate` is in Hz; sound is resampled only where the encoder does not know it (Opus: always 48 kHz).
    `bit_rate` is bits a second of a lossy codec, by default 80,000 for each channel; Vorbis chooses its own.
    `ValueError` for an unknown ending, wrong shape, empty or non-finite samples.
    """
    path = Path(path)
    codec = _by_ending(path, AUDIO_CODECS)
    sound = _checked(samples, path)
    if codec == "vorbis":
        _write_vorbis(path, sound, int(rate))
        return
    with av.open(str(path), "w", options=_BITEXACT) as box:
        track = _SoundTrack(box, codec, sound, rate, bit_rate)
        box.start_encoding()
        track.feed(None)


def write_film(
    path,
    pictures: Iterable[np.ndarray] | None,
    audio,
    *,
    fps: float = 12,
    rate: int = 44100,
    codec: str | None = None,
    options: dict[str, str] | None = None,
    audio_codec: str | None = None,
    bit_rate: int | None = None,
) -> None:
    """Write a film: pictures at a constant rate beside one sound track, both from time zero.

    The ending of `path` is one of `FILM_CODECS`. `pictures`, `fps` a second, are uint8 arrays (h, w, 3) RGB or (h, w)
    gray of even height and width; `audio`, `rate` and `bit_rate` are those of `write_audio`. Either may be None.
    `codec` and `audio_codec` name FFmpeg's encoders; `options` of the picture encoder are laid over the defaults.
    `ValueError` for an unknown ending; neither pictures nor sound; a picture of odd or changing size; malformed sound.
    """
    path = Path(path)
    default_codec, default_audio = _by_ending(path, FILM_CODECS)
    if pictures is None and audio is None:
        raise ValueError(f"{path.name}: a film needs pictures or sound")
    sound = None if audio is None else _checked(audio, path)
    frames = iter(() if pictures is None else pictures)
    first = next(frames, None)
    if first is None and pictures is not None:
        raise ValueError(f"{path.name}: no picture given; pass pictures=None for a film without pictures")
    tick = 1 / Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w", options=_BITEXACT) as box:
        if first is not None:
            screen = _screen(box, codec or default_codec, first, tick, options or {}, path)
        track = None if sound is None else _SoundTrack(box, audio_codec or default_audio, sound, rate, bit_rate)
        box.start_encoding()
        if first is not None:
            for number, picture in enumerate(itertools.chain([first], frames)):
                if track is not None:
                    track.feed(float(number * tick))  # sound first up to this picture: packets stay in time order
                if picture.shape[:2] != first.shape[:2] or picture.dtype != np.uint8:
                    raise ValueError(
                        f"{path.name}: picture {number} is {picture.dtype} {picture.shape}, "
                        f"the first was uint8 with height and width {first.shape[:2]}"
                    )
                form = "gray" if picture.ndim == 2 else "rgb24"
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), form).reformat(format="yuv420p")
                frame.pts, frame.time_base = number, tick
                box.mux(screen.encode(frame))
            box.mux(screen.encode(None))
        if track is not None:
            track.feed(None)


def _by_ending(path: Path, codecs: dict):
    if (ending := path.suffix.lower()) not in codecs:
        raise ValueError(f"{path.name}: cannot write {path.suffix or 'a file without ending'}; use {' '.join(codecs)}")
    return codecs[ending]


def _screen(box, codec, picture, tick, options, path) -> av.VideoStream:
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"{path.name}: pictures of {width} x {height}; width and height must be even")
    settings = {**_PICTURE_OPTIONS.get(codec, {}), **options}
    if path.suffix.lower() == ".avi":
        settings["bf"] = "0"  # AVI keeps no presentation times, so pictures must come in order
    stream = box.add_stream(codec, rate=1 / tick, options={"flags": "+bitexact", **settings})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.thread_count, context.time_base = 1, tick
    context.color_range, context.colorspace = 1, 6  # limited range, BT.601: what the conversion to yuv420p makes
    return stream


class _SoundTrack:
    """The sound stream of a file being written; `feed` encodes up to a time."""

    def __init__(self, box, codec, sound, rate, bit_rate):
        channels, rate = len(sound), int(rate)
        known = av.codec.Codec(codec, "w").audio_rates or [rate]
        # the rate itself, or the lowest known one above it, or the highest
        nearest = min((r for r in known if r >= rate), default=max(known))
        self.rate = 48000 if codec == "libopus" else nearest
        options = {"flags": "+bitexact", **_SOUND_OPTIONS.get(codec, {})}
        if codec == "libmp3lame" and channels > 2:
            raise ValueError(f"MP3 holds one or two channels, not {channels}; use flac, aac or libopus")
        layout = "5.1(side)" if channels == 6 and codec in ("ac3", "eac3") else _LAYOUTS[channels]
        self.layout, self.box, self.done = layout, box, 0
        self.stream = box.add_stream(codec, rate=self.rate, layout=layout, options=options)
        if codec not in ("flac", "pcm_s16le"):
            self.stream.bit_rate = bit_rate or _PER_CHANNEL * channels
        if codec == "libmp3lame":
            self.stream.codec_context.format = "fltp"  # the encoder's own first choice is 32-bit integers
        self.stream.codec_context.thread_count = 1
        self.blocks = _blocks(sound, rate, self.rate)
        self.left = np.zeros((channels, 0), np.float32)

    def feed(self, until: float | None):
        """Encode until `until` seconds, or to the end of the sound and close the stream."""
        context = self.stream.codec_context
        size, goal = context.frame_size or 4096, None if until is None else int(until * self.rate)
        while goal is None or self.done < goal:
            while self.left.shape[1] < size and (block := next(self.blocks, None)) is not None:
                self.left = np.hstack([self.left, block])
            if self.left.shape[1] < size and goal is not None:
                return  # the sound ends before the pictures; the last frame waits for the call with None
            piece, self.left = self.left[:, :size], self.left[:, size:]
            if not piece.shape[1]:
                break
            self.box.mux(self.stream.encode(self._frame(piece, context.format.name)))
        if goal is None:
            self.box.mux(self.stream.encode(None))

    def _frame(self, piece, form):
        if form.rstrip("p") == "s16":
            piece = np.clip(np.rint(piece * 32768), -32768, 32767).astype(np.int16)
        else:
            piece = np.clip(piece, -1, 1)
        planes = piece if form.endswith("p") else piece.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), form, self.layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self.done, Fraction(1, self.rate)
        self.done += piece.shape[1]
        return frame


def _write_vorbis(path: Path, sound: np.ndarray, rate: int) -> None:
    # through libsndfile: FFmpeg's own encoder spoils the second of two channels. In blocks, because one long call
    # crashes; then copied packet by packet, because libsndfile numbers its streams at random.
    if len(sound) not in _VORBIS_ORDER:
        raise ValueError(f"{path.name}: writes one, two or six channels, not {len(sound)}; use flac, aac or libopus")
    sound = sound[_VORBIS_ORDER[len(sound)]]
    draft = io.BytesIO()
    with soundfile.SoundFile(draft, "w", rate, len(sound), format="OGG", subtype="VORBIS") as file:
        for block in _blocks(sound, rate, rate):
            file.write(np.clip(block, -1, 1).T)
    draft.seek(0)
    with av.open(draft) as source, av.open(str(path), "w", options=_BITEXACT) as box:
        stream = box.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                box.mux(packet)


def _blocks(sound: np.ndarray, rate: int, target: int) -> Iterator[np.ndarray]:
    """Pieces of (channels, m) float32 at the encoder's rate."""
    step = max(1, int(_BLOCK * rate))
    stream = None if rate == target else soxr.ResampleStream(rate, target, len(sound), dtype="float32")
    for at in range(0, sound.shape[1], step):
        piece = np.ascontiguousarray(sound[:, at : at + step], np.float32)
        if stream is not None:
            piece = stream.resample_chunk(piece.T, last=at + step >= sound.shape[1]).reshape(-1, len(sound)).T
        yield piece


def _checked(samples, path: Path) -> np.ndarray:
    sound = np.asarray(samples)
    sound = sound[None] if sound.ndim == 1 else sound
    if sound.ndim != 2 or len(sound) not in _LAYOUTS:
        raise ValueError(f"{path.name}: sound of shape {sound.shape}; expected (n,) or (channels, n), channels first")
    if sound.dtype.kind != "f":
        raise ValueError(f"{path.name}: sound of type {sound.dtype}; expected floats in [-1, 1]")
    if not sound.shape[1]:
        raise ValueError(f"{path.name}: the sound is empty")
    if not np.isfinite(sound).all():
        raise ValueError(f"{path.name}: the sound holds NaN or infinity")
    return sound
