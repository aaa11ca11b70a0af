"""What tells a stretch's own music from its like: against a literal computation, and in films of half a minute."""

import numpy as np
import pytest
from pieces import RATE, TRACKS, four_tracks, music, noise, put

from filmlens.corpus import Corpus
from filmlens.stamper import index_tracks, lines, rivals, stamp, votes


@pytest.fixture(scope="module")
def described():
    """Arguments and result of `described` on a film of two cues, the first of three pieces of its track."""
    film = put(noise(75), TRACKS["t1"][10 * RATE : 25 * RATE], 4)
    put(film, TRACKS["t1"][30 * RATE : 40 * RATE], 19)
    put(film, TRACKS["t1"][2 * RATE : 8 * RATE], 29)
    put(film, TRACKS["t3"][5 * RATE : 17 * RATE], 45)
    calls = []

    def spy(*given):
        calls.append((given, rivals_described(*given)))
        return calls[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        rivals_described = rivals.described
        patch.setattr(rivals, "described", spy)
        stamp((film, RATE), four_tracks())
    return calls[0]


def test_the_columns_by_a_literal_loop(described):
    (stretches, found, starts, place, z, field, index, lacks), table = described
    middle = (starts + 2.5 * rivals.FRAMES_S) * votes.TICKS

    def ratio(own, rival):
        return float(np.clip(np.log(own / rival), -1.6, 2.1))

    sums = []
    for line, begin, end, _ in stretches:
        own = rival = 0.0
        for w in range(len(starts)):
            if not begin * lines.STEP_TICKS <= middle[w] < end * lines.STEP_TICKS:
                continue
            here = starts[w] * votes.TICKS + found.offset(line, middle[w])
            # these pieces share nothing, so that what is elsewhere is a rival
            same = np.abs(place[w] * votes.TICKS - here) < 6 * votes.TICKS
            own += z[w][same].max(initial=0)
            rival += z[w][~same].max(initial=5.0)
        sums.append((own, rival))
    # one cut leaves out five seconds of the track, the other goes back by half a minute: the three pieces are one
    assert [index.names[field.owner[found.reference[line]]] for line, *_ in stretches] == ["t1", "t1", "t1", "t3"]
    seconds = [(end - begin) * lines.STEP_S for _, begin, end, _ in stretches]
    score = [value for *_, value in stretches]
    best = next(x for x in sorted(lacks) if sum(np.compress(lacks <= x, seconds)) >= 0.3 * sum(seconds))
    assert max(lacks) < 0.1, "the very recordings"
    first = ratio(*map(sum, zip(*sums[:3], strict=True))), sum(seconds[:3]), sum(score[:3])
    last = ratio(*sums[3]), seconds[3], score[3]
    for k, ((lead, _, evidence), (rest, others, _)) in enumerate([(first, last)] * 3 + [(last, first)]):
        short = (0.2 - min(0.2, max(-0.3, rest))) * others / (others + 15)
        beyond = np.sqrt(lacks[k]) - np.sqrt(best)
        expected = [min(1.5, max(-1, lead)), np.log(evidence), short, beyond, max(0, 0.2 - np.sqrt(lacks[k]))]
        np.testing.assert_allclose(table[k], expected, atol=0.02)


def test_of_the_repeats_of_a_loop_the_one_that_lacks_least_is_taken(monkeypatch):
    """Four bars over and over, each time with a few notes of its own; the film holds the third time."""
    bars = music(8, 21)
    track = np.concatenate([bars + 0.5 * music(8, 30 + i) for i in range(4)]).astype(np.float32)
    film = put(noise(40), track[16 * RATE : 24 * RATE], 10)
    calls, settle = [], rivals.settled
    monkeypatch.setattr(rivals, "settled", lambda *given: calls.append(given) or settle(*given))
    [cue] = stamp((film, RATE), index_tracks({"track": (track, RATE)})).table.itertuples()
    assert cue.track_start - cue.start == pytest.approx(6, abs=0.1)
    stretches, found, field, *rest = calls[0]
    [(line, begin, end, score)] = stretches
    offset = np.array([found.offset(i, begin * lines.STEP_TICKS) for i in range(len(found.reference))])
    away = np.abs(offset - offset[line]) / votes.TICKS / rivals.FRAMES_S
    others = np.flatnonzero((np.abs(away - 8) < 0.1) & ~field.decoy[found.reference]).tolist()
    assert others, "no other repeat has a line"
    for other in others:
        (found_again, *span), lacks = [x[0] for x in settle([(other, begin, end, score)], found, field, *rest)]
        assert (found_again, span) == (line, [begin, end, score]) and lacks < 0.1


def test_music_of_two_kinds_in_half_a_minute_keeps_both(toy):
    """What falls behind the one other cue of a short film is not yet other music."""
    found, true = 0, 0
    for film in Corpus.open(toy):
        cues = stamp(film.film, index_tracks(film.tracks())).table
        truth = film.annotations()
        true += len(truth)
        for cue in truth.itertuples():
            inside = np.minimum(cues["end"], cue.end) - np.maximum(cues["start"], cue.start)
            found += bool(((cues["track"] == cue.track) & (inside > 0.5 * (cue.end - cue.start))).any())
        assert len(cues) <= len(truth)
    assert true == 16
    assert found >= 13
