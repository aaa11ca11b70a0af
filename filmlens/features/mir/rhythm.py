"""Pulse clarity and tempo (MIRtoolbox 1.8.1 mirpulseclarity, mirtempo).

Both measure how strongly the changes of an envelope repeat after 0.3 to 1.5 s, weighted by the resonance of pulse
sensation around 0.5 s (Toiviainen & Snyder 2003). Pulse clarity takes the power of 100 ms frames and reports the
strength; tempo takes ten gammatone bands and reports where the strongest repetition lies.
"""

import numpy as np
import scipy.fft

from .framing import RATE, TINY, centred, fast, frame_centres, frame_starts, spectra, strict
from .peaks import contrast_peaks, enhance

SHORTEST, LONGEST = 0.3, 1.5  # periods in s: 200 to 40 BPM

ENVELOPE_FRAME, ENVELOPE_RATE = 0.1 * RATE, 100.0
PULSE_FRAME, PULSE_HOP = 5.0, 0.5

BANDS, LOWEST_BAND = 10, 50.0
SMOOTHING = 0.02
DECIMATION = 16
TEMPO_FRAME, TEMPO_HOP = 3.0, 0.3


def resonance(lags: np.ndarray) -> np.ndarray:
    """Weight of periods in s, largest weight 1.

    >>> resonance(np.array([0.25, 0.5, 1.0]))
    array([0.75, 1.  , 0.75])
    """
    weights = np.maximum(1 - 0.25 * np.log2(lags / 0.5) ** 2, 0)
    return weights / weights.max()


def repetition(envelope: np.ndarray, rate: float, frame: float, hop: float):
    """Autocorrelation of centred frames of an envelope (n,) over its zero lag, weighted by `resonance`.

    A cue shorter than `frame` is one frame, as in MIRtoolbox ("no frame decomposition"); without at least two lags in
    range there is none. `rate` is in samples per s, `frame` and `hop` are in s. Gives the frames' starts, the samples
    per frame, the first lag in samples, and the curves (frames, lags), 0 where a frame is constant.
    """
    size = min(int(np.floor(frame * rate)), envelope.size)
    starts = frame_starts(envelope.size, size, hop * rate)
    lags = np.arange(size) / rate
    first = int(np.searchsorted(lags, SHORTEST - 1e-12))
    last = min(int(np.searchsorted(lags, LONGEST - 1e-12)) + 1, (size + 1) // 2)
    if last - first < 2:
        return starts[:0], size, first, np.empty((0, 0))
    padded = scipy.fft.next_fast_len(size + last, real=True)
    curves = np.empty((starts.size, last - first))
    for block, parts in spectra(envelope, starts, np.ones(size), padded, framing=centred):
        powers = parts[:, ::2] ** 2 + parts[:, 1::2] ** 2
        products = scipy.fft.irfft(powers, padded, axis=1, workers=1)
        curves[block] = products[:, first:last] / np.where(products[:, :1] > 0, products[:, :1], 1)
    return starts, size, first, curves * resonance(lags[first:last])


@fast
def _powers(signal, starts, window, padded, out):
    """Sum over the bins 0..padded/2 of the power spectrum of each windowed frame, without the spectrum (Parseval)."""
    for i in range(starts.size):
        energy = even = odd = 0.0
        begin = max(0, -starts[i])
        end = min(window.size, signal.size - starts[i])
        for n in range(begin, end):
            value = signal[starts[i] + n] * window[n]
            energy += value * value
            if n % 2:
                odd += value
            else:
                even += value
        out[i] = (padded * energy + (even + odd) ** 2 + (even - odd) ** 2) / 2


def power_envelope(signal: np.ndarray, *, hann: str = "octave") -> np.ndarray:
    """Power of 100 ms frames every 10 ms, the first one after 90 ms of silence.

    The window `hann` is "octave", as in the reference values, which ends on zeros, or "matlab", which ends beside them;
    the choice moves pulse clarity by less than 1e-3.
    """
    size = int(ENVELOPE_FRAME)
    hop = RATE / ENVELOPE_RATE
    starts = frame_starts(signal.size, hop, hop) - (size - int(hop))
    n = np.arange(size)
    if hann == "octave":
        window = 0.5 - 0.5 * np.cos(2 * np.pi * n / (size - 1))
    elif hann == "matlab":
        window = 0.5 - 0.5 * np.cos(2 * np.pi * (n + 1) / (size + 1))
    else:
        raise ValueError(f"hann must be 'octave' or 'matlab', not {hann!r}")
    out = np.empty(starts.size)
    _powers(signal, starts, window, 8192, out)
    return out


def pulse_clarity(signal: np.ndarray, *, hann: str = "octave") -> tuple[np.ndarray, np.ndarray]:
    """Pulse clarity of mono sound at 44.1 kHz: times (n,) and values (n, 1); 0 where nothing changes."""
    changes = np.diff(power_envelope(signal, hann=hann))
    largest = np.abs(changes).max(initial=0.0)
    if largest > 0:
        changes = changes / largest
    starts, size, _, curves = repetition(changes, ENVELOPE_RATE, PULSE_FRAME, PULSE_HOP)
    # an envelope value stands at the centre of its frame
    first = (ENVELOPE_FRAME / 2 - 0.5 - (ENVELOPE_FRAME - RATE / ENVELOPE_RATE)) / RATE
    return first + frame_centres(starts, size, ENVELOPE_RATE), curves.max(axis=1, initial=0.0)[:, None]


def gammatones() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of ten fourth-order gammatone filters of four sections from 50 Hz on (Slaney 1993).

    zeros (4, 10) are the second numerators, after 1, of the sections; poles (2, 10) the denominators after the 1; gain
    (10,) makes the magnitude at each centre 1.
    """
    quality, narrowest = 9.26449, 24.7
    low, high = np.log(LOWEST_BAND + quality * narrowest), np.log(RATE / 2 + quality * narrowest)
    centre = np.exp(high + np.arange(1, BANDS + 1) / BANDS * (low - high)) - quality * narrowest
    width = 1.019 * 2 * np.pi * (centre / quality + narrowest) / RATE
    angle = 2 * np.pi * centre / RATE
    decay = np.exp(-width)
    roots = [(1, 1), (-1, 1), (1, -1), (-1, -1)]
    zeros = np.array([-decay * (np.cos(angle) + s * np.sqrt(3 + q * 2**1.5) * np.sin(angle)) for s, q in roots])
    poles = np.array([-2 * decay * np.cos(angle), decay**2])
    z = np.exp(1j * angle)
    response = np.prod(z**2 + zeros * z, axis=0) / (z**2 + poles[0] * z + poles[1]) ** 4
    return zeros, poles, 1 / np.abs(response)


@fast
def _band_changes(signal, zeros, poles, gain, smooth, step, out, changes):
    """Change from one `step`-th sample to the next of rectified, smoothed gammatone bands, summed over the bands.

    The smoothing filter has one pole and runs forwards, then backwards, each time from the steady state of three
    samples mirrored at the edge, as filtfilt does. The backward pass needs the forward one only through sums over
    `step` samples: these stand in `out`, of shape (steps, bands) and zero at first, so no band is ever held whole.
    """
    total = signal.size
    state = np.zeros((4, 2, BANDS))
    forward = np.zeros(BANDS)
    edge = np.zeros((4, BANDS))
    value = np.zeros(BANDS)
    decay = 1.0
    for n in range(total):
        x = signal[n]
        for b in range(BANDS):
            value[b] = x * gain[b]
        for s in range(4):
            for b in range(BANDS):
                y = value[b] + state[s, 0, b]
                state[s, 0, b] = zeros[s, b] * value[b] - poles[0, b] * y + state[s, 1, b]
                state[s, 1, b] = -poles[1, b] * y
                value[b] = y
        if n < 4:
            for b in range(BANDS):
                edge[n, b] = abs(value[b])
            if n < 3:
                continue
            for b in range(BANDS):
                forward[b] = 2 * edge[0, b] - edge[3, b]
                for e in (3, 2, 1):
                    forward[b] += (1 - smooth) * (2 * edge[0, b] - edge[e, b] - forward[b])
                decay = 1.0
                for e in range(4):
                    forward[b] += (1 - smooth) * (edge[e, b] - forward[b])
                    out[0, b] += decay * forward[b]
                    decay *= smooth
            continue
        if n % step == 0:
            decay = 1.0
            for s in range(4):
                for k in range(2):
                    for b in range(BANDS):
                        state[s, k, b] = state[s, k, b] if abs(state[s, k, b]) > TINY else 0.0
            for b in range(BANDS):
                forward[b] = forward[b] if abs(forward[b]) > TINY else 0.0
        row = n // step
        for b in range(BANDS):
            level = abs(value[b])
            edge[n % 4, b] = level
            forward[b] += (1 - smooth) * (level - forward[b])
            out[row, b] += decay * forward[b]
        decay *= smooth
    whole = smooth**step
    last = total - 1
    for b in range(BANDS):
        mirror = np.empty(3)
        level = forward[b]
        for e in range(3):
            mirror[e] = 2 * edge[last % 4, b] - edge[(last - 1 - e) % 4, b]
            level += (1 - smooth) * (mirror[e] - level)
            mirror[e] = level
        backward = mirror[2]
        for e in (2, 1, 0):
            backward += (1 - smooth) * (mirror[e] - backward)
        for row in range(out.shape[0] - 1, -1, -1):
            keep = whole if row < out.shape[0] - 1 else smooth ** (total - row * step)
            later = max(backward, 0.0)
            backward = (1 - smooth) * out[row, b] + keep * backward
            backward = backward if abs(backward) > TINY else 0.0
            if row < out.shape[0] - 1:
                changes[row] += later - max(backward, 0.0)


def onset_envelope(signal: np.ndarray) -> np.ndarray:
    """Sum over ten gammatone bands of the change of their envelopes, 2756.25 times a second, largest change 1."""
    if signal.size < DECIMATION:
        return np.empty(0)
    steps = -(-signal.size // DECIMATION)
    changes = np.zeros(steps - 1)
    smooth = np.exp(-1 / (SMOOTHING * RATE))
    _band_changes(signal, *gammatones(), smooth, DECIMATION, np.zeros((steps, BANDS)), changes)
    largest = np.abs(changes).max(initial=0.0)
    return changes / largest if largest > 0 else changes


@strict
def _highest_lags(curves, first_lag, out):
    n = curves.shape[1]
    enhanced, found = np.empty(n), np.empty(n, np.int64)
    for i in range(curves.shape[0]):
        enhance(curves[i], first_lag, n, enhanced)
        low, high = enhanced.min(), enhanced.max()
        if not high > low:
            continue
        scaled = (enhanced - low) / (high - low)
        peaks = found[: contrast_peaks(scaled, 0.1, 0.0, True, found)]
        if not peaks.size:
            continue
        best = peaks[scaled[peaks].argmax()]
        left, middle, right = enhanced[best - 1], enhanced[best], enhanced[best + 1]
        out[i] = first_lag + best + (right - left) / (2 * (2 * middle - right - left))


def tempo(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tempo in BPM of mono sound at 44.1 kHz: times (n,) and values (n, 1); NaN where nothing repeats."""
    rate = RATE / DECIMATION
    starts, size, first_lag, curves = repetition(onset_envelope(signal), rate, TEMPO_FRAME, TEMPO_HOP)
    lags = np.full(starts.size, np.nan)
    _highest_lags(curves, first_lag, lags)
    return frame_centres(starts, size, rate), 60 * rate / lags[:, None]
