"""The bench in a real Chromium without Jupyter: the page's own script, and the widget's own answers behind it.

What Jupyter adds is a wire for messages. Here the wire is a function that the browser calls; the rest is the real page
and the real widget, so that tests of many keys take seconds.
"""

import base64
import json
from collections import deque

import numpy as np
import pandas as pd
from conftest import RATE, melody, put_table

from filmlens.audition import page as script
from filmlens.corpus import Corpus
from filmlens.media.write import write_audio, write_film

ADDRESS = "http://127.0.0.1:9/"
_HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><style>%s</style><body%s>
<main id="here"></main><script type="module">%s
const listeners = [];
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const tell = (all) => all.forEach(([content, buffers]) => listeners.forEach((f) => f(content, buffers.map(bytes))));
window.model = {
  send: (message) => window.toKernel(message).then(tell),
  on: (name, f) => listeners.push(f),
  off: () => {},
};
setInterval(() => window.toKernel({ type: "poll" }).then(tell), 40);
openBench(window.model, document.getElementById("here"));
</script></html>"""


class Stage:
    """A page of the browser with a widget behind it; a new widget takes the old one's place, as after a reload."""

    def __init__(self, page):
        self.page, self.widget, self.seen = page, None, []
        page.expose_function("toKernel", self._answer)
        self._theme = ""
        page.route(f"{ADDRESS}**", lambda route: route.fulfill(body=self._html(), content_type="text/html"))
        page.on("pageerror", lambda error: self.seen.append(str(error)))

    def open(self, widget, theme=""):
        """Show a widget and wait until it is ready. theme: what JupyterLab's body says, "true" for light."""
        self.widget, self._told = widget, deque()  # threads add to it while it is emptied
        self._theme = f' data-jp-theme-light="{theme}"' if theme else ""
        told = self._told
        widget.send = lambda content, buffers=None: told.append((content, buffers))
        self.page.goto(ADDRESS)
        self.page.wait_for_selector(".fl-audition[data-ready=true]", timeout=120_000)
        self.page.locator(".fl-audition").focus()

    def _html(self):
        css = (script.FOLDER / "bench.css").read_text(encoding="utf-8")
        return _HTML % (css, self._theme, script.script().replace("export default { render };", ""))

    def _answer(self, message):
        if message["type"] != "poll":  # media are answered by the widget's threads, and told at a later poll
            self.widget._on_message(self.widget, message, [])
        told = [self._told.popleft() for _ in range(len(self._told))]
        return [[content, [base64.b64encode(b).decode() for b in buffers or []]] for content, buffers in told]

    def keys(self, *names):
        for name in names:
            self.page.keyboard.press(name)

    def state(self):
        """What the page shows of the cue in view, and the status line."""
        return self.page.evaluate(
            """() => { const q = (s) => document.querySelector('.fl-audition ' + s);
            return { cue: q('.fl-cue-line .fl-about').textContent, name: q('.fl-cue-name').textContent,
                     badge: q('.fl-badge').textContent, times: q('.fl-times').textContent,
                     film: q('.fl-title').textContent, status: q('.fl-status').textContent,
                     alert: q('.fl-alert').hidden ? '' : q('.fl-alert').textContent,
                     head: q('.fl-timecode').textContent, progress: q('.fl-told').textContent } }"""
        )

    def settled(self):
        """Wait until nothing is under way between page and widget."""
        self.page.wait_for_timeout(60)


def large_corpus(folder, films=3, cues=40, seconds=8.0, gap=4.0):
    """Films whose cues are known: `cues` cues of six tracks each, and what a stamper left of them on disk.

    Of every 40 cues six have a wrong edge, two a wrong track and two are missing.

    Returns
    -------
    Corpus, and the true cues by film_id.
    """
    rng, truth = np.random.default_rng(0), {}
    lines = ["film_id,title,year,genres,film,soundtrack"]
    for k in range(films):
        name = f"film{k + 1}"
        tracks = {f"{t + 1:02d} Track": melody(100 * k + t, 12.0) for t in range(6)}
        for track, tune in tracks.items():
            path = folder / "soundtracks" / name / f"{track}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_audio(path, tune, RATE)
        starts = 2.0 + (seconds + gap) * np.arange(cues)
        true = pd.DataFrame({"start": starts, "end": starts + seconds})
        true["track"] = [list(tracks)[i] for i in rng.integers(0, 6, cues)]
        length = float(starts[-1] + seconds + 6)
        sound = 0.005 * rng.standard_normal(round(length * RATE)).astype(np.float32)
        for cue in true.itertuples():
            tune = tracks[cue.track][: round(seconds * RATE)]
            sound[round(cue.start * RATE) : round(cue.start * RATE) + len(tune)] += tune
        (folder / "films").mkdir(exist_ok=True)
        pictures = (np.full((36, 64), 40 + (i % 160), np.uint8) for i in range(round(length)))
        write_film(folder / "films" / f"{name}.mp4", pictures, sound, fps=1, rate=RATE)
        title = ["Étretat", "Second & Last", "Third"][k % 3]
        lines.append(
            f"{name},{title},20{k:02d},{['Action', 'Horror', 'Drama'][k % 3]},films/{name}.mp4,soundtracks/{name}"
        )
        truth[name] = true
    (folder / "films.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    corpus = Corpus.open(folder)
    for name, true in truth.items():
        stamped = true.copy()
        order = rng.permutation(cues)
        edges, wrong, missing = np.split(order[: round(cues / 4)], [round(0.15 * cues), round(0.2 * cues)])
        for i, row in enumerate(edges):
            edge = ("start", "end")[i % 2]
            stamped.loc[row, edge] = round(stamped.loc[row, edge] + (1.3, -1.0, 2.45, -1.5, 0.65, -3.0)[i % 6], 3)
        for row in wrong:
            others = [t for t in corpus[name].tracks() if t != stamped.loc[row, "track"]]
            stamped.loc[row, "track"] = others[int(rng.integers(len(others)))]
        stamped = stamped.drop(index=missing).sort_values("start").reset_index(drop=True)
        table = stamped.assign(
            film_id=name,
            cue=range(len(stamped)),
            track_start=stamped["start"] - np.repeat(0, len(stamped)),
            speed=1.0,
            score=rng.uniform(20, 400, len(stamped)).round(1),
            probability=rng.uniform(0.5, 1, len(stamped)).round(3),
        )
        table["track_start"] = 0.0
        columns = ["film_id", "cue", "track", "start", "end", "track_start", "speed", "score", "probability"]
        put_table(corpus, "cues", name, table[columns], duration=float(true["end"].max() + 6))
    return corpus, truth


def verdict_files(corpus):
    """Every verdict file as it is."""
    folder = corpus.folder / "verdicts"
    return {p.name: p.read_bytes() for p in sorted(folder.glob("*.csv"))} if folder.is_dir() else {}


__all__ = ["Stage", "json", "large_corpus", "verdict_files"]
