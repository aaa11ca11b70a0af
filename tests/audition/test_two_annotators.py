"""Two scripted annotators and whoever decides between them, by keyboard alone in a real Chromium.

Three films of forty cues, as in `test_annotator`. Both bring all into order in files of their own; the second hears
some things otherwise. Then what they agree on is taken over, and each disagreement is decided. After every key every
file must say exactly what was meant.
"""

import numpy as np
import pytest
from browser import SHOTS, chromium, find_chromium
from sklearn.metrics import cohen_kappa_score
from stage import Stage, large_corpus
from test_annotator import SAID, Annotator, on_disk

from filmlens import verdicts
from filmlens.audition import AuditionCorpus, adjudicating
from filmlens.audition.scene import stamped_cues

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")]


class OneOfTwo(Annotator):
    """Judges, states an origin of one cue a film, and marks each film complete."""

    def __init__(self, *given, rejects=(), origin="score", **more):
        super().__init__(*given, **more)
        self.rejects, self.origin = rejects, origin

    def _judge(self, film, true, row, last):
        if (film, true.start) in self.rejects:
            self.arrive(film, round(row.start, 2))
            self.press("n", film, (row.track, f"{row.start:.3f}", f"{row.end:.3f}"), verdict="reject")
            return 1
        return super()._judge(film, true, row, last)

    def go_back_to(self, film):
        """Film by film."""
        while (now := self.shown()[0]) != film:
            self.press("PageUp")
            self.stage.page.wait_for_function(
                "title => document.querySelector('.fl-title').textContent !== title", arg=self.corpus[now].title
            )

    def state_origin(self, film, cue):
        """Go there, W, and the first letters."""
        at = float(self.meant[(film, *cue)]["new_start"] or cue[1])
        self.press("g")
        self.type(f"{int((at + 1) // 60)}:{(at + 1) % 60:05.2f}")
        self.press("Enter")
        self.arrive(film, round(at, 2))
        self.press("w")
        self.type(self.origin[:3])
        self.press("Enter", film, cue, origin=self.origin)

    def mark_complete(self, film, seconds):
        """By Tab to the tick, Space, and Esc back to the keys."""
        until = 60
        while self.stage.page.evaluate("document.activeElement.type") != "checkbox" and until:
            self.stage.keys("Tab")
            until -= 1
        self.press(" ", film, ("", "0.000", f"{seconds:.3f}"), verdict="complete")
        self.press("Escape")


def otherwise(truth, stamped):
    """What the second annotator hears, and what the two must differ on: by film, the start of the true cue and why."""
    heard, differ, slight = {}, {}, {}
    for film, true in truth.items():
        other = true.copy()
        found = true[true["start"].map(lambda s, film=film: (abs(stamped[film]["start"] - s) < 3.5).any())].index
        late, slightly, track, rejected, origin = found[[1, 3, 4, 6, 7]]
        missing = true.index.difference(found)
        other.loc[late, "end"] += 0.8
        other.loc[slightly, "end"] += 0.2
        tracks = sorted(set(true["track"]))
        other.loc[track, "track"] = tracks[(tracks.index(true.loc[track, "track"]) + 1) % len(tracks)]
        differ[film] = {
            true.loc[late, "start"]: "end 0.80 s",
            true.loc[track, "start"]: "track",
            true.loc[rejected, "start"]: "rejected by bob",
            true.loc[origin, "start"]: "origin",
        }
        if len(missing):
            other = other.drop(index=missing[0])
            differ[film][true.loc[missing[0], "start"]] = "no cue of bob"
        heard[film], slight[film] = other.reset_index(drop=True), true.loc[slightly, "start"]
    return heard, differ, slight


def seconds_of(true, duration, rejected=()):
    """What a truth calls each twentieth of a second."""
    names = np.full(round(duration * 20), "none", dtype=object)
    for cue in true.itertuples():
        if cue.start not in rejected:
            names[round(cue.start * 20) : round(cue.end * 20)] = cue.track
    return names


def key_of(person, film, start):
    """The cue of a true start, as a person's rows name it."""
    rows = [k for k in person.meant if k[0] == film and k[1] and abs(float(k[2]) - start) < 3.5]
    return min(rows, key=lambda k: abs(float(k[2]) - start))[1:]


def test_two_annotators_and_the_one_who_decides(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FILMLENS_USER", "eve")
    (tmp_path / "corpus").mkdir()
    corpus, truth = large_corpus(tmp_path / "corpus")
    stamped = {film.id: stamped_cues(corpus, film)[0] for film in corpus}
    heard, differ, slight = otherwise(truth, stamped)
    rejected = {(f, s) for f, whys in differ.items() for s, why in whys.items() if why.startswith("rejected")}
    origins = [(f, s) for f, whys in differ.items() for s, why in whys.items() if why == "origin"]
    lengths = {f: float(t["end"].max() + 6) for f, t in truth.items()}
    people = {}
    with chromium(tmp_path / "profile", width=1400, height=900) as (page, outside):
        stage = Stage(page)
        for who, own, rejects, origin in (("ann", truth, (), "score"), ("bob", heard, rejected, "song")):
            stage.open(AuditionCorpus(corpus, who=who))
            person = people[who] = OneOfTwo(stage, corpus, own, who=who, rejects=rejects, origin=origin)
            person.work()
            for film, seconds in reversed(lengths.items()):
                person.go_back_to(film)
                [(_, start)] = [o for o in origins if o[0] == film]
                person.state_origin(film, key_of(person, film, start))
                person.mark_complete(film, seconds)
        ann, bob = people.values()
        files = {p: p.read_bytes() for p in (corpus.folder / "verdicts").rglob("*.csv")}
        assert len(files) == 6 and {p.parent.name for p in files} == {"ann", "bob"}
        check_agreement(corpus, truth, heard, rejected, lengths)
        eve = decide(stage, corpus, (ann, bob), differ, slight, capsys)
        assert {p: p.read_bytes() for p in files} == files, "annotators' files are theirs"
        final = on_disk(corpus)
        undo_all(stage, corpus, eve)
        assert {p: p.read_bytes() for p in (corpus.folder / "verdicts").rglob("*.csv")} == files and final
        assert stage.seen == [] and outside == []


def check_agreement(corpus, truth, heard, rejected, lengths):
    """Kappa is scikit-learn's of what was meant on the same seconds."""
    seconds, edges = adjudicating.agreement_of(corpus, n_boot=100)
    table = seconds.set_index(["film_id", "of"])
    for film, duration in lengths.items():
        one = seconds_of(truth[film], duration)
        other = seconds_of(heard[film], duration, {s for f, s in rejected if f == film})
        music = cohen_kappa_score(one != "none", other != "none")
        both = (one != "none") & (other != "none")
        assert table.loc[(film, "music"), "kappa"] == pytest.approx(music, abs=1e-9)
        assert table.loc[(film, "track"), "kappa"] == pytest.approx(cohen_kappa_score(one[both], other[both]), abs=1e-9)
        assert table.loc[(film, "music"), "seconds"] == pytest.approx(duration)
        share = np.mean([(names != "none").mean() for names in (one, other)])
        assert table.loc[(film, "music"), "prevalence"] == pytest.approx(share)
        assert table.loc[(film, "origin"), "note"].startswith("too little")
    assert edges["p90"].max() < 1 and edges.loc[edges["edge"] == "start", "median"].max() == 0


class Decider(Annotator):
    """Decides between annotators; every state of the files is kept, to be gone back to."""

    def __init__(self, *given, **more):
        super().__init__(*given, **more)
        self.files = [self._bytes()]

    def _bytes(self):
        return {p: p.read_bytes() for p in (self.corpus.folder / "verdicts").rglob("*.csv")}

    def press(self, *given, **said):
        super().press(*given, **said)
        if self.files[-1] != (now := self._bytes()):
            self.files.append(now)


def decide(stage, corpus, people, differ, slight, capsys):
    """Take over what agrees, then each disagreement: as one has it, as the other, or another way."""
    ann, bob = people
    stage.open(AuditionCorpus(corpus))
    eve = Decider(stage, corpus, ann.truth)
    assert stage.page.locator(".fl-chip", has_text="deciding between ann, bob").count() == 1
    eve.press("0")
    stage.page.get_by_text(f"and differ on {sum(map(len, differ.values()))}").wait_for(timeout=60_000)
    eve.press("ArrowDown")
    disputed = {(f, *key_of(ann, f, s)) for f, whys in differ.items() for s in whys}
    eve.meant = {k: dict(row) for k, row in ann.meant.items() if k not in disputed}
    for film, start in slight.items():
        cue = key_of(ann, film, start)
        row = eve.meant[(film, *cue)]
        row |= {"verdict": "corrected", "new_end": f"{float(row['new_end'] or cue[2]) + 0.1:.3f}"}
    eve.mean()
    eve.press("Enter")
    begun, number = eve.keys, 0
    for film, whys in differ.items():
        for start, why in sorted(whys.items()):
            if number == 0:
                eve.press("z")
            number += 1
            shown = "why => document.querySelector('.fl-versions .fl-question').textContent.endsWith(why)"
            stage.page.wait_for_function(shown, arg=f": {why}", timeout=30_000)
            cue = key_of(ann, film, start)
            own, other = ann.meant[(film, *cue)], bob.meant.get((film, *cue))
            if why == "no cue of bob":
                said = own if film == "film1" else dict.fromkeys(SAID, "") | {"verdict": "left out"}
                key = "3" if film == "film1" else "n" if film == "film2" else "4"
                eve.press(key, film, cue, **{k: v for k, v in said.items() if k not in ("track", "start", "end")})
            elif why.startswith("end"):  # neither: between the two
                to = float(own["new_end"] or cue[2]) + 0.4
                for key in "e" * (eve.edge == "start") + "t":
                    eve.press(key)
                eve.edge = "end"
                eve.type(f"{int(to // 60)}:{to % 60:06.3f}")
                eve.press("Enter", film, cue, verdict="corrected", new_end=f"{to:.3f}")
                eve.press("z")
            else:
                key, row = ("3", own) if why == "track" else ("4", other)
                eve.press(key, film, cue, **{k: v for k, v in row.items() if k not in ("track", "start", "end")})
    eve.press("z")
    stage.page.get_by_text("no disagreement is left").wait_for(timeout=30_000)
    assert adjudicating.disagreements(corpus)["decided"].all()
    for film in corpus:
        table = verdicts.read(film.verdicts)
        assert set(table["who"]) == {"eve"} and (table["verdict"] == "complete").sum() == 1
    stage.page.screenshot(path=SHOTS / "deciding.png")
    with capsys.disabled():
        keys = (eve.keys - begun) / number
        print(f"\nann {ann.keys} and bob {bob.keys} keys; {number} disagreements decided with {keys:.1f} keys each")
    return eve


def undo_all(stage, corpus, eve):
    """Step by step, over a reload of the page with a kernel of its own."""
    stage.open(AuditionCorpus(corpus))
    for expected in reversed(eve.files[:-1]):
        now = eve._bytes()
        stage.keys("u")
        for _ in range(400):
            stage.page.wait_for_timeout(20)
            if eve._bytes() != now:
                break
        assert eve._bytes() == expected, stage.state()["status"]
    stage.keys("u")
    stage.page.get_by_text("nothing to undo").wait_for()
