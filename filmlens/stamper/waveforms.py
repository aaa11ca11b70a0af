"""Whether a cue is the very recording: then the waveforms of film and track keep step.

Whatever else sounds, a recording that is mixed into a film lies at the same place of its track, to the thousandth of a
second, from one window to the next. The same notes played once more do not: each is a little early or late. It is the
phases that tell (generalized correlation with the phase transform, Knapp and Carter 1976), so that loudness, equalizers
and rooms hardly matter.
"""

import numpy as np
import soxr
from scipy import fft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from filmlens.stamper.streams import Source, middle_and_side, open_stream

_READ = 11_025
RATE = _READ / 10
NONE = np.zeros((0, 0), np.int8)
_MU = 255.0  # of the companding (ITU-T G.711) that a byte a sample is enough for
_WINDOW, _HOP = 2205, 1102  # two seconds, and one
_HANN = np.hanning(_WINDOW).astype(np.float32)
_HERTZ = np.arange(_WINDOW + 1) * RATE / (2 * _WINDOW)
_OUTSIDE = (_HERTZ < 70) | (_HERTZ > 500)
_MOST_S = 20.0  # of a cue, around its middle
_REACH = 110  # samples that the place of the track may be off
_DRIFTS = np.arange(-25, 26) * 1e-4  # seconds per second: clocks differ
# A window keeps step where it agrees, so near [samples] to the place of the others, at least so much of the most it
# does anywhere: a tape's wow moves the place by two milliseconds.
_NEAR, _AS_HIGH = 3, 0.85
_INVERTED = 1.8  # times the agreement of like channels, of unlike ones where one is inverted
_LEAST = 5  # windows: fewer agree by chance
# What a window needs to go on with a cue [sd]; windows that may be missed in a row; a cue is longer by so much, or not.
_CLEAR, _PAUSE, _MORE_S = 12.0, 3, 2.6
_FURTHER_S = 10.0  # at once
_SILENCE = 1e-6  # of the largest product of two spectra
# Cells of a spectrogram in which a film holds its track or not: frames of 0.12 s, four of them and four bins each. What
# is left of clocks and tapes [s] is taken out of every row of cells; a mixer's level changes over two seconds.
_FRAME, _STEP, _CELL = 128, 32, 4
_BINS = np.arange(9, 57)  # 78 to 482 Hz
_ECHOES = (0, 2, 4)  # steps by which a room's sound is late
_LEFT = np.arange(-8, 9) * 5e-4
_TURNS = np.exp(-2j * np.pi * RATE / _FRAME * _LEFT[:, None] * _BINS)
_CELL_TURNS = _TURNS.reshape(len(_LEFT), -1, _CELL).mean(axis=2)
_ROWS, _HELD = 17, 0.3
_TINY = 1e-20


class Slow:
    """Middle and side of a film or track at 1,102.5 Hz, collected block by block while it is read at 11,025."""

    def __init__(self) -> None:
        self._stream, self._parts = None, []

    def add(self, block: np.ndarray) -> None:
        """The next samples, (channels, n)."""
        if self._stream is None:
            self._stream = soxr.ResampleStream(_READ, RATE, len(block), dtype="float32")
            self._channels = len(block)
        self._parts.append(_companded(self._stream.resample_chunk(np.ascontiguousarray(block.T))))

    def whole(self) -> np.ndarray:
        """All of them, companded to bytes: int8 of shape (channels, n)."""
        if self._stream is None:
            return NONE
        rest = self._stream.resample_chunk(np.zeros((0, self._channels), np.float32), last=True)
        return np.concatenate([*self._parts, _companded(rest)]).T


def slow(source: Source) -> np.ndarray:
    """The whole of a track, as `Slow` gives it."""
    collected = Slow()
    for block in open_stream(source, _READ, mono=False):
        collected.add(middle_and_side(block))
    return collected.whole()


def _companded(sound: np.ndarray) -> np.ndarray:
    small = np.log1p(_MU * np.minimum(np.abs(sound), 1)) / np.log1p(_MU)
    return np.rint(127 * np.copysign(small, sound)).astype(np.int8)


def _sound(wave: np.ndarray, first: int, last: int) -> np.ndarray:
    """Samples of a companded waveform, silence before its beginning and after its end."""
    inside = np.pad(wave[:, max(0, first) : max(0, last)], ((0, 0), (max(0, -first), 0)))
    part = np.pad(inside, ((0, 0), (0, max(0, last - first - inside.shape[1])))).astype(np.float32) / 127
    return np.copysign(np.expm1(np.abs(part) * np.log1p(_MU).astype(np.float32)) / _MU, part)


def in_step(
    film: np.ndarray, track: np.ndarray, start: float, end: float, track_start: float, speed: float
) -> tuple[float, bool, float]:
    """Whether a cue is the very recording: what its waveform has in common with the film's, around its middle.

    `film` and `track` are as `Slow` gives them, the rest as in a `CueSheet`.

    Returns
    -------
    steady : float
        Share of the windows in which the track lies where it does in the others. Of the very recording it is nearly 1,
        of another take less than 0.65; NaN of less than five windows of two seconds with sound in film and track, or
        where one of them has no waveform.
    inverted : bool
        One channel is inverted: the middle of one is the side of the other.
    missing : float
        Share of the strongest parts of the track that the film does not hold, see `_missing`.
    """
    later = max(0.0, (end - start - _MOST_S) / 2)
    sounds = _laid_out(film, track, start + later, end - later, track_start + later * speed, speed)
    here, there = (_spectra(sound) for sound in sounds)
    pairs = [(0, 0), (1, 1), (0, 1), (1, 0)] if len(here) == len(there) == 2 else [(0, 0)]
    agreed = [_correlated(here[i], there[j]) for i, j in pairs]
    agree, (i, j) = max(zip(agreed, pairs, strict=True), key=lambda one: one[0].max(axis=1, initial=0.0).sum())
    windows = np.flatnonzero(agree.any(axis=1))
    if len(windows) < _LEAST:
        return np.nan, False, np.nan
    straight, across = (
        max((a[windows].sum(axis=0).max() for a in part), default=0.0) for part in (agreed[:2], agreed[2:])
    )
    steady, places = _steady(agree[windows])
    missing = _missing(sounds[0][i], sounds[1][j], windows * _HOP, places - _REACH)
    return steady, bool(across > _INVERTED * straight), missing


def reach(
    film: np.ndarray, track: np.ndarray, start: float, end: float, track_start: float, speed: float,
    earliest: float, latest: float,
) -> tuple[float, float]:  # fmt: skip
    """Start and end of a cue of the very recording, where it goes on in step, softly, before and after what was found.

    It is moved at most to `earliest` and `latest`, and where the track begins and ends.
    """
    first = max(earliest, start - _FURTHER_S, start - track_start / speed)
    last = min(latest, end + _FURTHER_S, start + (track.shape[1] / RATE - track_start) / speed)
    inside = slice(round(start - first), max(1, round(end - first - 1)))
    agree = _agreement(film, track, first, last, track_start + (first - start) * speed, speed, inside)
    if not len(agree[inside]):
        return start, end
    before, after = agree[inside.start :: -1], agree[inside.stop - 1 :]
    places = (int(part.sum(axis=0).argmax()) for part in (agree[inside][:5], agree[inside][-5:]))
    more = [_onward(part, place) for part, place in zip((before, after), places, strict=True)]
    middle = (np.array([inside.start - more[0], inside.stop - 1 + more[1]]) * _HOP + _WINDOW / 2) / RATE + first
    early = first if more[0] == len(before) - 1 else middle[0]
    late = last if more[1] == len(after) - 1 else middle[1]
    return (early if early < start - _MORE_S else start), (late if late > end + _MORE_S else end)


def heard(film: np.ndarray, track: np.ndarray, start: float, end: float, track_start: float, speed: float) -> float:
    """Share of some seconds in which the recording is clearly heard in step; 0 of less than three windows."""
    agree = _agreement(film, track, start, end, track_start, speed)
    place = int(agree.sum(axis=0).argmax())
    return float(np.mean([_hit(row, place) is not None for row in agree])) if len(agree) >= 3 else 0.0


def _hit(row: np.ndarray, place: int) -> int | None:
    """Where a window agrees clearly, at or beside a place."""
    low = max(0, place - 1)
    here = row[low : place + 2]
    return low + int(here.argmax()) if here.max() >= max(_AS_HIGH * row.max(), _CLEAR) else None


def _onward(agree: np.ndarray, place: int) -> int:
    """How many windows after the first go on in step; of every three two do. The second still holds what is known."""
    hits, furthest = 0, 0
    for k, row in enumerate(agree[2:], 2):
        hit = _hit(row, place)
        if hit is not None:
            hits, place = hits + 1, hit
            furthest = k if 3 * hits >= 2 * (k - 1) else furthest
        elif k - furthest > _PAUSE:
            break
    return furthest


def _agreement(
    film: np.ndarray, track: np.ndarray, start: float, end: float, track_start: float, speed: float,
    known: slice = slice(None),
) -> np.ndarray:  # fmt: skip
    """How well film and track agree [sd], by windows and samples that the film is late, 0 of silence.

    Of the channel that agrees best in the windows that are `known`.
    """
    here, there = (_spectra(sound) for sound in _laid_out(film, track, start, end, track_start, speed))
    pairs = [_correlated(*pair) for pair in zip(here, there, strict=False)]
    return max(pairs, key=lambda agree: agree[known].max(axis=1, initial=0.0).sum())


def _laid_out(
    film: np.ndarray, track: np.ndarray, start: float, end: float, track_start: float, speed: float
) -> tuple[np.ndarray, np.ndarray]:
    """Channels of the film's seconds, and of the track's where it would play in the film."""
    first, last = round(start * RATE), round(end * RATE)
    if last - first < _WINDOW or not film.size or not track.size:
        return (np.zeros((1, 0), np.float32),) * 2
    at = (track_start + (np.arange(first, last) / RATE - start) * speed) * RATE
    low = int(np.floor(at[0]))
    there = _sound(track, low, int(at[-1]) + 2)
    return _sound(film, first, last), np.stack([np.interp(at - low, np.arange(len(part)), part) for part in there])


def _spectra(sound: np.ndarray) -> np.ndarray:
    """Spectra of channels by windows."""
    if sound.shape[1] < _WINDOW:
        return np.zeros((len(sound), 0, _WINDOW + 1), np.complex64)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW, axis=1)[:, ::_HOP]
    return fft.rfft(frames * _HANN, 2 * _WINDOW, axis=2)


def _correlated(film: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Correlation of two channels by their phases alone."""
    cross = film * track.conj()
    size = np.abs(cross)
    cross[:, _OUTSIDE] = 0
    agree = np.abs(fft.irfft(cross / (size + 1e-12), axis=1))  # an inverted channel agrees as well
    near = np.concatenate([agree[:, -_REACH:], agree[:, : _REACH + 1]], axis=1)
    by_chance = agree[:, 5 * _REACH : -5 * _REACH].std(axis=1, keepdims=True)
    return near / (by_chance + 1e-12) * (size.max(axis=1, initial=0.0) > _SILENCE)[:, None]


def _steady(agree: np.ndarray) -> tuple[float, np.ndarray]:
    """Share of windows that agree best near the place where the others do, whatever the clocks' drift; the places."""
    rows, columns = np.arange(len(agree)), np.arange(agree.shape[1])
    moved = (rows - rows.mean()) * _HOP
    near = maximum_filter1d(agree, 2 * _NEAR + 1, axis=1)
    best, place = -1.0, rows
    for drift in _DRIFTS:
        at = np.clip(columns + np.rint(moved * drift).astype(int)[:, None], 0, columns[-1])
        along = np.take_along_axis(agree, at, axis=1)
        others = along.sum(axis=0) - along
        if others.max() > best:
            best, place = others.max(), at[rows, others.argmax(axis=1)]
    return float(np.mean(near[rows, place] >= _AS_HIGH * agree.max(axis=1))), place


def _missing(film: np.ndarray, track: np.ndarray, windows: np.ndarray, late: np.ndarray) -> float:
    """Share of a track's spectrogram, by the root of its energy, in which the film does not hold it.

    Whatever else sounds, a film's product with its recording's complex conjugate has the recording's energy as its
    mean, times how it and its echoes come through, which is the same all the time but for the mixer's level. Where
    notes of other instruments or samples are played, some cells have less. `windows` are their first samples, in which
    the film is `late` by so many.
    """
    lead = _ECHOES[-1] * _STEP
    around = np.pad(track, (_REACH + lead, _REACH))
    windows = list(zip(windows, late, strict=True))[::2]
    here = np.concatenate([_frames(film[first:][:_WINDOW]) for first, _ in windows])
    echoes = np.stack(
        [
            np.concatenate(
                [_frames(around[first + _REACH - by + lead - echo * _STEP :][:_WINDOW]) for first, by in windows]
            )
            for echo in _ECHOES
        ]
    )
    sizes = np.sqrt(_cells(np.abs(here) ** 2) * _cells(np.abs(echoes[0]) ** 2) + _TINY)
    for _ in range(2):
        cross = _cells(here * echoes[0].conj())
        mean = cross.sum(axis=0)
        fit = (cross / sizes * mean.conj() / (np.abs(mean) + _TINY)) @ _CELL_TURNS.T
        turn = uniform_filter1d(fit.real, 3, axis=0, mode="nearest").argmax(axis=1)
        here = here * np.repeat(_TURNS[turn], _CELL, axis=0)
    energy = _cells(np.abs(here) ** 2)
    level, counts = np.ones((len(energy), 1)), np.ones(energy.shape)
    for _ in range(4):
        weight = np.repeat(np.repeat(counts, _CELL, axis=0), _CELL, axis=1)
        there = echoes * np.repeat(level, _CELL, axis=0)
        weighted = there.conj() * weight
        products = np.einsum("inb,jnb->bij", weighted, there)
        products += (1e-3 * products + _TINY) * np.eye(len(_ECHOES))
        comes = np.linalg.solve(products, np.einsum("inb,nb->bi", weighted, here)[..., None])[..., 0]
        whole = np.einsum("bi,inb->nb", comes, echoes)
        heard, whole = _cells((here * whole.conj()).real), _cells(np.abs(whole) ** 2)
        counts = 4 * energy > whole * level**2
        over = (uniform_filter1d((part * counts).sum(axis=1), _ROWS, mode="constant") for part in (heard, whole))
        level = np.clip(next(over) / (next(over) + _TINY), 0.02, 5)[:, None]
    weight = np.sqrt(whole) * level
    return float(np.average(heard < _HELD * whole * level, weights=weight)) if weight.any() else np.nan


def _frames(sound: np.ndarray) -> np.ndarray:
    """Spectra of short frames, as many as fill cells."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_STEP]
    return fft.rfft(frames[: len(frames) // _CELL * _CELL] * np.hanning(_FRAME), axis=1)[:, _BINS]


def _cells(spectrogram: np.ndarray) -> np.ndarray:
    rows, columns = np.array(spectrogram.shape) // _CELL
    return spectrogram.reshape(rows, _CELL, columns, _CELL).sum(axis=(1, 3))
