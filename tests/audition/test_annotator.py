"""A scripted annotator brings a corpus into order by keyboard alone: keys are counted, every state of the files read.

Three films of forty cues, of which the stamper left 15 % with a wrong edge, 5 % with a wrong track and 5 % out. The
script hears what a person would hear (it knows the truth) and presses keys; what it means is kept in a model of its
own, and after every key the files must say exactly that.
"""

import csv
import time

import numpy as np
import pytest
from browser import chromium, find_chromium
from stage import Stage, large_corpus

from filmlens import verdicts
from filmlens.audition import AuditionCorpus
from filmlens.audition.scene import stamped_cues

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")]
SAID = ("track", "start", "end", "verdict", "new_track", "new_start", "new_end", "name", "origin")


def on_disk(corpus):
    """Every row of every verdict file: the file, and what is said of the cue."""
    rows, folder = set(), corpus.folder / "verdicts"
    for path in folder.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            name = path.relative_to(folder).with_suffix("").as_posix()
            rows |= {(name, *(row[c] for c in SAID)) for row in csv.DictReader(file)}
    return rows


class Annotator:
    """Presses keys, and knows what the files must say after each: her own what she meant, all others what they did."""

    def __init__(self, stage, corpus, truth, who=""):
        self.stage, self.corpus, self.truth, self.who = stage, corpus, truth, who
        self.before = on_disk(corpus)
        self.titles = {film.title: film.id for film in corpus}
        self.meant, self.rows, self.keys, self.edge, self.states = {}, self.before, 0, "start", 0

    def press(self, key, film="", cue=None, **said):
        """One key; with a cue, the row that it is meant to write."""
        if cue is not None:
            row = self.meant.setdefault((film, *cue), dict.fromkeys(SAID, "")) | said
            self.meant[(film, *cue)] = row | dict(zip(("track", "start", "end"), cue, strict=True))
            self.mean()
        self.stage.keys(key)
        self.keys += 1
        until = time.monotonic() + 60
        while (now := on_disk(self.corpus)) != self.rows and time.monotonic() < until:
            self.stage.page.wait_for_timeout(10)
        self.stage.page.wait_for_timeout(15)
        assert (now := on_disk(self.corpus)) == self.rows, (key, now ^ self.rows)
        self.states += 1

    def mean(self):
        """What is meant now is what the files must say."""
        file = f"{self.who}/{{}}" if self.who else "{}"
        rows = {(file.format(key[0]), *(row[c] for c in SAID)) for key, row in self.meant.items()}
        self.rows = self.before | rows

    def type(self, text):
        for letter in text:
            self.press(letter)

    def shown(self):
        """Film, start and end of the cue in view."""
        state = self.stage.state()
        start, end = state["times"].split(" (")[0].split(" – ")
        return self.titles[state["film"]], _seconds(start), _seconds(end), state["name"]

    def arrive(self, film, start):
        """Wait until the cue of this start is in view."""
        until = time.monotonic() + 30
        while abs((shown := self.shown())[1] - start) > 0.006 or shown[0] != film:
            assert time.monotonic() < until, (shown, film, start)
            self.stage.page.wait_for_timeout(10)

    def mend_edge(self, film, cue, edge, by):
        """The fewest keys: nudges, or a typed difference."""
        if self.edge != edge:
            self.press("e")
            self.edge = edge
        typed, coarse = f"{by:+g}", int(abs(by) / 0.5 + 1e-9)
        fine = round((abs(by) - 0.5 * coarse) / 0.05)
        stamped = float(cue[1 if edge == "start" else 2])
        if coarse + fine <= len(typed) + 2:
            at = stamped
            for step, key in [(0.5, "}" if by > 0 else "{")] * coarse + [(0.05, "]" if by > 0 else "[")] * fine:
                at += np.sign(by) * step
                self.press(key, film, cue, verdict="corrected", **{f"new_{edge}": f"{at:.3f}"})
        else:
            self.press("t")
            self.type(typed)
            self.press("Enter", film, cue, verdict="corrected", **{f"new_{edge}": f"{stamped + by:.3f}"})

    def add_missing(self, film, cue):
        """Go there, new cue of its track, its end by the play head, and back to the queue."""
        self.press("g")
        self.type(f"{int(cue.start // 60)}:{cue.start % 60:02.0f}")
        self.press("Enter")
        self.press("+")
        self.type(cue.track[:2])
        new = (cue.track, f"{cue.start:.3f}", f"{cue.start + 5:.3f}")
        self.press("Enter", film, new, verdict="added")
        self.arrive(film, cue.start)
        for key in ("Shift+ArrowRight", *["ArrowRight"] * 3):
            self.press(key)
        self.press("o", film, new, verdict="added", new_end=f"{cue.end:.3f}")
        self.edge = "end"

    def work(self):
        """Judge all cues of all films; gives the keys of each true cue."""
        counts = []
        for film, truth in self.truth.items():
            stamped = stamped_cues(self.corpus, self.corpus[film])[0].sort_values("start")
            left = list(truth.itertuples())
            for row in stamped.itertuples():
                while left and left[0].end <= row.start + 3:
                    counts.append(self._missing(film, left.pop(0), row))
                counts.append(self._judge(film, left.pop(0), row, last=row.Index == stamped.index[-1] and left))
        return counts

    def _missing(self, film, true, row):
        before = self.keys
        self.add_missing(film, true)
        self.press("q")
        self.arrive(film, row.start)
        return self.keys - before

    def _judge(self, film, true, row, last):
        self.arrive(film, round(row.start, 2))
        before = self.keys
        cue = (row.track, f"{row.start:.3f}", f"{row.end:.3f}")
        corrected = False
        for edge in ("start", "end"):
            by = round(getattr(true, edge) - getattr(row, edge), 3)
            if by:
                self.mend_edge(film, cue, edge, by)
                corrected = True
        if true.track != row.track:
            self.press("r")
            self.type(true.track[:2])
            self.press("Enter", film, cue, verdict="corrected", new_track=true.track)
            corrected = True
        counted = self.keys - before
        for missed in last or ():  # behind the film's last stamped cue
            self.add_missing(film, missed)
            self.press("k")
        self.press("y", film, cue, verdict="corrected" if corrected else "accept")
        return counted + 1


def _seconds(text):
    return sum(float(part) * 60**i for i, part in enumerate(reversed(text.split(":"))))


def test_a_corpus_is_brought_into_order_by_keyboard(tmp_path, capsys):
    (tmp_path / "corpus").mkdir()
    corpus, truth = large_corpus(tmp_path / "corpus")
    with chromium(tmp_path / "profile", width=1400, height=900) as (page, outside):
        stage = Stage(page)
        stage.open(AuditionCorpus(corpus))
        annotator = Annotator(stage, corpus, truth)
        begun = time.monotonic()
        counts = annotator.work()
        seconds = time.monotonic() - begun
        progress = stage.state()["progress"]
        assert stage.seen == [] and outside == []
    for film in corpus:
        sheet = verdicts.verified(stamped_cues(corpus, film)[0], verdicts.read(film.verdicts))
        assert sheet["track"].tolist() == truth[film.id]["track"].tolist()
        edges = sheet[["start", "end"]].to_numpy() - truth[film.id][["start", "end"]].to_numpy()
        assert np.abs(edges).max() < 0.0015
    median, p90 = np.median(counts), np.percentile(counts, 90)
    with capsys.disabled():
        print(
            f"\n{len(counts)} cues, {annotator.keys} keys in {seconds:.0f} s: median {median:g}, 90 % within {p90:g}; "
            f"{annotator.states} states of the files read; {progress}"
        )
    assert len(counts) == 120 and median <= 1.5 and p90 <= 8
