"""Notebook 06 in JupyterLab in a real Chromium: hear, judge, undo by keyboard; what is on disk; both themes."""

import csv
import json
import shutil
import time

import pytest
from browser import ROOT, SHOTS, chromium, command, find_chromium, lab, open_notebook, overflowing
from conftest import edit

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")

NASTY = 'Say "hi" <img src=x onerror=window.hacked=1> \U0001f3ac שלום עולם'
CONTROLS = {
    "button": "Play|Previous cue|Next cue|Hear the film (A)|Hear the track (B)|At the cue's end: stop at end|Zoom in|"
    "Zoom out|Show the spectrogram|Accept cue|Reject cue|Undo|Take the start in hand|Take the end in hand|Edge earlier|"
    "Edge later|Edge at the play head|Type the edge's time|Snapping of edges: off|Split the cue at the play head|"
    "Merge with the next cue|Duplicate the cue|New cue at the play head|Track of the cue|Origin: choose|"
    "Diegesis: choose|Functions: choose|Export|Export all films|Import cues from a file|Help: keys|"
    "Accept all cues above a score|Recall check: listen outside the cues",
    "combobox": "Speed|Export format|Order of the queue|Cues of the queue",
    "textbox": "Note|Number|Segue to|In on|Out on|Hit points",
    "searchbox": "Search films and cues",
    "spinbutton": "Least probability or score|Most probability or score",
    "slider": "Place in the film",
    "progressbar": "Judged cues of the queue",
    "tab": "Queue|This film|Films",
    "listbox": "Queue",
    "checkbox": "All music of this film is marked",
    "application": "Audition: hear and judge cues. Press ? for keys.",
}


@pytest.fixture(scope="module")
def folder(toy, tmp_path_factory):
    """A folder with notebook 06 and the toy corpus, one film and one of its tracks with names that bite."""
    root = tmp_path_factory.mktemp("lab")
    corpus = root / "corpus"
    shutil.copytree(toy, corpus)
    # in film08 the stamper finds both cues; in film01 one has rivals in other tracks
    shutil.rmtree(corpus / "soundtracks" / "film01")
    shutil.copytree(corpus / "soundtracks" / "film08", corpus / "soundtracks" / "film01")
    shutil.copy(corpus / "annotations" / "film08.csv", corpus / "annotations" / "film01.csv")
    [film] = (corpus / "films").glob("film01.*")
    shutil.copy(film.with_stem("film08"), film)
    title = (corpus / "films.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]
    edit(corpus / "films.csv", f"film01,{title},", 'film01,"' + NASTY.replace('"', '""') + '",')
    lines = list(csv.DictReader((corpus / "annotations" / "film01.csv").open(encoding="utf-8")))
    [track] = (corpus / "soundtracks" / "film01").glob(f"{lines[0]['track']}.*")
    track.rename(track.with_name(NASTY + track.suffix))
    notebook = json.loads((ROOT / "notebooks" / "06_audition.ipynb").read_text(encoding="utf-8"))
    [cell] = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", [])]
    cell["source"] = (
        "".join(cell["source"]).replace('"data/demo"', json.dumps(str(corpus))).replace("jobs = 2", "jobs = 1")
    )
    (root / "06_audition.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return root


def verdicts(folder):
    """Rows on disk, without who and when."""
    path = folder / "corpus" / "verdicts" / "film01.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if v and k not in ("who", "when")} for row in csv.DictReader(file)]


def soon(what, expected, seconds=30):
    """Wait until a value is what it should be; the difference is shown when it is not."""
    until = time.monotonic() + seconds
    while what() != expected and time.monotonic() < until:
        time.sleep(0.05)
    assert what() == expected


def test_a_cue_is_heard_judged_and_taken_back_in_jupyterlab(folder, tmp_path):
    SHOTS.mkdir(parents=True, exist_ok=True)
    (tmp_path / "home").mkdir()
    with (
        lab(folder, tmp_path / "home") as (address, token),
        chromium(tmp_path / "profile", width=1400, height=1200) as (page, outside),
    ):
        open_notebook(page, address, token, "06_audition.ipynb")
        page.get_by_role("button", name="Accept cue").wait_for(timeout=120_000)
        page.wait_for_selector(".fl-audition[data-ready=true]", timeout=60_000)
        cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length")
        root = page.get_by_role("application")
        audio = "document.querySelector('.fl-audition audio')"

        # what the user's files say is text
        assert root.get_by_text(NASTY).count() >= 2
        assert page.evaluate("[window.hacked, document.querySelectorAll('.fl-audition img[src=x]').length]") == [
            None,
            0,
        ]

        # play; change to the track and back without stopping or losing the place
        root.focus()
        page.keyboard.press(" ")
        page.wait_for_function(f"{audio}.currentTime > 0.5", timeout=30_000)
        root.get_by_role("button", name="Pause", exact=True).wait_for()
        page.evaluate("window.jumps = 0")
        for event in ("seeking", "pause", "emptied"):
            page.evaluate(f"{audio}.addEventListener('{event}', () => window.jumps++)")
        before = page.evaluate(f"{audio}.currentTime")
        page.keyboard.press("b")
        track = root.get_by_role("button", name="Hear the track (B)")
        assert track.get_attribute("aria-pressed") == "true"
        page.wait_for_function(f"{audio}.currentTime > {before} + 0.3")
        page.keyboard.press("a")
        assert track.get_attribute("aria-pressed") == "false" and page.evaluate("window.jumps") == 0
        page.keyboard.press(" ")
        page.wait_for_function(f"{audio}.paused")

        # judge by keyboard; what is on disk is exactly that
        root.get_by_role("tab", name="This film").click()
        cues = page.evaluate("[...document.querySelectorAll('.fl-item-name')].map(e => e.textContent)")
        assert len(cues) >= 2
        page.keyboard.press("Home")
        page.keyboard.press("]")
        page.keyboard.press("]")
        page.keyboard.press("}")
        soon(lambda: len(verdicts(folder)), 1)
        soon(lambda: round(float(verdicts(folder)[0]["new_start"]) - float(verdicts(folder)[0]["start"]), 3), 0.6)
        corrected = verdicts(folder)
        assert corrected[0]["verdict"] == "corrected" and corrected[0]["track"] == cues[0]
        page.keyboard.press("y")
        page.wait_for_function("document.querySelector('.fl-item[aria-selected=true]').matches(':nth-child(2)')")
        assert verdicts(folder) == corrected, "moved and accepted is corrected"
        page.keyboard.press("n")
        judged = [(cues[0], "corrected"), (cues[1], "reject")]
        soon(lambda: [(r["track"], r["verdict"]) for r in verdicts(folder)], judged)
        root.get_by_text("cue rejected").wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=SHOTS / "light-1400.png")
        page.keyboard.press("Control+z")
        soon(lambda: verdicts(folder), corrected)
        for key in ("z", "End", "x", "Control+x", "Control+a"):
            page.keyboard.press(key)
        assert page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == cells

        # by mouse and screen reader
        page.keyboard.press("?")
        root.get_by_role("dialog", name="Keys").wait_for()
        page.screenshot(path=SHOTS / "help.png")
        root.get_by_role("button", name="Close help").click()
        root.get_by_role("tab", name="Queue").click()
        with page.expect_download() as download:
            root.get_by_role("button", name="Export", exact=True).click()
        assert download.value.suggested_filename == "film01.cue-sheet.csv"
        root.get_by_role("button", name="Recall check: listen outside the cues").click()
        root.get_by_role("button", name="No music of the soundtrack here").click()
        soon(lambda: verdicts(folder)[-1]["verdict"], "no music")
        root.get_by_role("button", name="Recall check: listen outside the cues").click()
        root.get_by_role("button", name="Show the spectrogram").click()
        page.wait_for_timeout(1500)

        # every control by role and name, in both themes, at 1000 pixels, with and without the side bar
        for theme in ("Light", "Dark"):
            command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")
            page.set_viewport_size({"width": 1000, "height": 1300})
            page.wait_for_timeout(800)
            for role, names in CONTROLS.items():
                for name in names.split("|"):
                    found = page.get_by_role(role, name=name, exact=True)
                    assert found.count() == 1 and found.is_visible(), (role, name)
            assert overflowing(page) == []
            command(page, "application:toggle-left-area")
            page.wait_for_timeout(500)
            assert overflowing(page) == []
            page.screenshot(path=SHOTS / f"{theme.lower()}-1000.png")
            root.get_by_role("button", name="Show the spectrogram").click()

        # what the notebook keeps of it
        command(page, "docmanager:save")
        page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=30_000)
        saved = json.loads((folder / "06_audition.ipynb").read_text(encoding="utf-8"))
        state = json.dumps(saved["metadata"].get("widgets", {}))
        assert 0 < len(state) < 150_000, len(state)
        assert outside == []
