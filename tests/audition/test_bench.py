"""The bench by keyboard in a real Chromium: what keys write, what is heard, what undo gives back, what can be read."""

import shutil
import subprocess
import zipfile

import pytest
from browser import SHOTS, chromium, find_chromium
from stage import Stage, large_corpus, verdict_files

from filmlens import verdicts
from filmlens.audition import Audition, AuditionCorpus, cuefiles, open_session, scene
from filmlens.audition.scene import stamped_cues
from filmlens.corpus import Corpus, annotators

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile"), width=1400, height=900) as (page, _):
        yield page


@pytest.fixture(scope="module")
def stage(page):
    return Stage(page)


@pytest.fixture(scope="module")
def _small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "small"
    folder.mkdir()
    return large_corpus(folder, films=2, cues=8, seconds=4.0, gap=2.0)


@pytest.fixture
def small(_small, stage, tmp_path):
    """A fresh copy of two films of eight cues, and the bench on it."""
    shutil.copytree(_small[0].folder, tmp_path / "small")
    corpus = Corpus.open(tmp_path / "small")
    stage.open(AuditionCorpus(corpus))
    yield corpus
    assert stage.seen == [], "no error on the page"


def rows(corpus, film="film1"):
    table = verdicts.read(corpus[film].verdicts)
    return [(r.track, r.verdict, r.new_track, r.name) for r in table.itertuples()]


def test_nothing_is_written_before_enter(small, stage):
    """Typed letters and arrows chose a track while the annotator still searched."""
    first = stage.state()["name"]
    stage.keys("r", "0", "5", "ArrowDown", "ArrowUp")
    stage.settled()
    assert verdict_files(small) == {}
    stage.keys("Escape")
    assert stage.state()["name"] == first and verdict_files(small) == {}
    other = "05 Track" if first != "05 Track" else "04 Track"
    stage.keys("r", *other[:2], "Enter")
    stage.page.wait_for_function("name => document.querySelector('.fl-cue-name').textContent === name", arg=other)
    assert rows(small) == [(first, "corrected", other, "")]
    # the keys are the page's again, and no arrow of a select wrote anything
    head = stage.state()["head"]
    stage.keys("ArrowRight")
    assert stage.state()["head"] != head and rows(small) == [(first, "corrected", other, "")]
    stage.keys("r", *"radio", "Enter")
    stage.page.wait_for_function("document.querySelector('.fl-cue-name').textContent === 'radio'")
    assert rows(small) == [(first, "corrected", "", "radio")]
    for key in ("w", "v", "f"):
        before = verdict_files(small)
        stage.keys(key, "ArrowDown", "Escape")
        stage.settled()
        assert verdict_files(small) == before
    stage.keys("w", "s", "o", "n", "g", "Enter", "f", *"leit", "Enter")
    stage.page.wait_for_function(
        "document.querySelector('[aria-label=\"Functions: choose\"]').textContent === 'leitmotif'"
    )
    assert verdicts.read(small["film1"].verdicts).loc[0, ["origin", "function"]].tolist() == ["song", "leitmotif"]


def test_a_candidate_is_heard_before_it_is_chosen(small, stage):
    asked = []
    answer = stage.widget.answer
    stage.widget.answer = lambda m: asked.append(m) or answer(m)
    stage.keys("r", "ArrowDown", "ArrowRight")
    stage.page.wait_for_function("document.querySelector('.fl-audition audio').currentTime > 0.2", timeout=30_000)
    assert any(m.get("candidate") for m in asked)
    stage.keys("Escape")
    stage.page.wait_for_function("document.querySelector('.fl-audition audio').paused")
    assert verdict_files(small) == {}


def test_playing_stops_at_the_cues_end_and_outside_every_cue_nothing_is_judged(small, stage):
    state = stage.state()
    stage.keys("Home", "End", "ArrowLeft", " ")
    stage.page.wait_for_function("document.querySelector('.fl-play').textContent === '❚❚'", timeout=30_000)
    stage.page.wait_for_function("document.querySelector('.fl-play').textContent === '▶'", timeout=10_000)
    end = state["times"].split(" – ")[1].split(" ")[0]
    assert stage.state()["head"] == end and stage.state()["name"] == state["name"]
    # between two cues
    stage.keys("g", *"1", "Enter", "y")
    stage.settled()
    assert "nothing was judged" in stage.state()["status"] and verdict_files(small) == {}
    assert stage.page.get_by_text("the play head is outside").is_visible()
    # the selection follows the head into another cue, and that is what is judged
    second = stage.page.evaluate("[...document.querySelectorAll('.fl-item-more')][2].textContent").split(" · ")[1]
    minutes, seconds = second.split(":")
    stage.keys("g", *f"{int(minutes)}:{int(seconds) + 1:02d}", "Enter")
    assert stage.state()["cue"].startswith("cue 3")
    stage.keys("y")
    stage.page.get_by_text("cue accepted").wait_for()
    assert [round(v) for v in verdicts.read(small["film1"].verdicts)["start"]] == [60 * int(minutes) + int(seconds)]


def test_every_action_is_undone_byte_for_byte_over_a_reload(small, stage):
    """By keys and by mouse; the files are those of before after as many steps back."""
    seen = [verdict_files(small)]

    def does(*keys):
        stage.keys(*keys)
        for _ in range(100):
            stage.page.wait_for_timeout(30)
            if verdict_files(small) != seen[-1]:
                break
        assert verdict_files(small) != seen[-1], keys
        seen.append(verdict_files(small))

    does("]")
    does("}")
    does("e", "[")
    does("t", *"+0.3", "Enter")
    does("ArrowRight", "i")
    stage.keys("y")  # moved and accepted is corrected, which it is already: on to the next
    does("n")
    does("r", *"radio", "Enter")
    stage.keys("v", "Enter")  # as it is: nothing is written
    does("v", "ArrowDown", "ArrowDown", "Enter")
    does("c", *"2m3", "Enter")
    does("Enter", *"a note", "Enter")
    does("h", *"door", "Enter")
    does("+", "Enter")
    does("d")
    does("ArrowRight", "x")
    does("m")
    before = stage.state()["film"]
    stage.keys("PageDown")
    while stage.state()["film"] == before:
        stage.page.wait_for_timeout(30)
    does("y")
    stage.page.get_by_label("All music of this film is marked").click()
    does()
    stage.page.get_by_role("button", name="Accept cue").click()
    does()
    box = stage.page.locator(".fl-waves").bounding_box()
    stage.page.keyboard.down("Shift")
    stage.page.mouse.move(box["x"] + 100, box["y"] + 60)
    stage.page.mouse.down()
    stage.page.mouse.move(box["x"] + 220, box["y"] + 60)
    stage.page.mouse.up()
    stage.page.keyboard.up("Shift")
    does("Enter")
    stage.open(AuditionCorpus(small))  # the page is loaded again, with a kernel of its own
    for expected in reversed(seen[:-1]):
        now = verdict_files(small)
        stage.keys("Control+z")
        for _ in range(100):
            stage.page.wait_for_timeout(20)
            if verdict_files(small) != now:
                break
        assert verdict_files(small) == expected, stage.state()["status"]
    stage.keys("u")
    stage.page.get_by_text("nothing to undo").wait_for()


def test_a_note_gives_the_keys_back_and_one_tab_stop_leads_to_play(small, stage):
    stage.keys("Enter", *"loud", "Enter", " ")
    stage.page.wait_for_function("document.querySelector('.fl-play').textContent !== '▶'", timeout=30_000)
    assert stage.page.get_by_label("Note").input_value() == "loud"
    stage.keys(" ")
    stage.page.locator(".fl-audition").focus()
    stops = []
    while len(stops) < 60 and "Play" not in stops:
        stage.keys("Tab")
        stops.append(stage.page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert len(stops) <= 5, stops


def test_search_finds_titles_without_accents_genres_and_tracks(small, stage):
    stage.page.get_by_role("tab", name="Films").click()
    for words, titles in (
        ("etretat", ["Étretat"]),
        ("horror", ["Second & Last"]),
        ("track", ["Étretat", "Second & Last"]),
    ):
        stage.page.get_by_label("Search films and cues").fill(words)
        assert stage.page.eval_on_selector_all(".fl-item-name", "all => all.map(e => e.textContent)") == titles
    stage.page.get_by_label("Search films and cues").fill("")
    stage.page.get_by_role("tab", name="Queue").click()


def test_zooming_out_shows_the_film_where_the_cue_has_no_waveform(small, stage):
    stage.page.wait_for_timeout(1500)
    stage.keys(*["ArrowDown"] * 6)
    stage.page.wait_for_timeout(600)
    drawn = stage.page.evaluate(
        """() => { const c = document.querySelector('.fl-waves canvas'), pen = c.getContext('2d');
        const wave = getComputedStyle(document.querySelector('.fl-audition')).getPropertyValue('--fl-wave').trim();
        const [r, g, b] = [1, 3, 5].map(i => parseInt(wave.slice(i, i + 2), 16));
        let columns = 0;
        for (let x = 0; x < c.width; x++) {
            const data = pen.getImageData(x, 30, 1, 70).data;
            for (let i = 0; i < data.length; i += 4)
                if (data[i] === r && data[i + 1] === g && data[i + 2] === b) { columns++; break; }
        }
        return columns / c.width }"""
    )
    assert drawn > 0.9


def axe_source():
    """The source of axe-core, by npm."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / ".pytest_cache" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", "axe-core@4.10.3"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"npm could not install axe-core: {done.stderr.strip()[-200:]}")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["true", "false"])
def test_axe_finds_no_violation_of_level_aa(small, stage, theme):
    source = axe_source()
    stage.open(AuditionCorpus(small), theme)
    stage.page.evaluate(source)
    run = "() => axe.run('.fl-audition', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    for keys in ((), ("?",), ("Escape", "r"), ("Escape", "f"), ("Escape", "t"), ("Escape", "y", "n")):
        stage.keys(*keys)
        stage.page.wait_for_timeout(200)
        found = stage.page.evaluate(run)["violations"]
        assert not found, [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found]


CONTRASTS = """() => {
  const parts = (c) => (c.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const lin = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const lum = ([r, g, b]) => 0.2126 * lin(r) + 0.7152 * lin(g) + 0.0722 * lin(b);
  const over = (under, [r, g, b, a = 1]) => [r, g, b].map((v, i) => a * v + (1 - a) * under[i]);
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = parts(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0) layers.push(c);
      if (c.length === 3 || c[3] === 1) break;
    }
    return layers.reverse().reduce(over, [255, 255, 255]);
  };
  const read = (e) => e.matches('input:not([type=checkbox]), select')
    || [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const seen = [...document.querySelectorAll('.fl-audition *')]
    .filter((e) => e.offsetParent !== null && !e.closest('.fl-hidden') && read(e));
  return seen.map((e) => {
    const [a, b] = [lum(parts(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
    let solid = true;
    for (let at = e; at; at = at.parentElement) solid &&= getComputedStyle(at).opacity === '1';
    const name = e.tagName + ' ' + (e.getAttribute('aria-label') ?? e.textContent).slice(0, 40);
    return [solid ? (a + 0.05) / (b + 0.05) : 0, name];
  }).filter(([ratio]) => ratio < 4.5) }"""


@pytest.mark.parametrize("theme", ["true", "false"])
def test_all_text_can_be_read_in_every_state(small, stage, theme):
    """Resting, under the mouse, pressed, pressed under the mouse, disabled; computed in the browser."""
    stage.open(AuditionCorpus(small), theme)
    for keys in ((), ("?",), ("Escape", "r"), ("Escape", "y", "n", "b")):
        stage.keys(*keys)
        stage.page.wait_for_timeout(150)
        assert stage.page.evaluate(CONTRASTS) == []
    for control in stage.page.locator(".fl-audition button:visible, .fl-audition [role=option]:visible").all()[:60]:
        control.hover(force=True)
        assert stage.page.evaluate(CONTRASTS) == [], control
    stage.page.screenshot(path=SHOTS / f"bench-{theme}.png")


@pytest.mark.parametrize("theme", ["true", "false"])
def test_annotators_beside_each_other_can_be_read_by_all(small, stage, theme):
    """The panel of annotators: axe at level AA, and the contrast of all text; a matter that has no cue as well."""
    for who, verdict in (("ann", "accept"), ("bob", "reject")):
        for film in small:
            rows = stamped_cues(small, film)[0][["track", "start", "end"]].assign(verdict="accept", origin="score")
            rows.loc[1, "verdict"] = verdict
            if who == "ann":
                rows.loc[len(rows)] = ["01 Track", 0.2, 1.2, "added", "song"]
            path = annotators.verdicts_of(film, who)
            path.parent.mkdir(parents=True, exist_ok=True)
            rows.to_csv(path, index=False)
    stage.open(AuditionCorpus(small), theme)
    stage.page.evaluate(axe_source())
    run = "() => axe.run('.fl-audition', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    for keys, said in (
        ((), "annotators agree"),
        (("z",), "rejected by bob"),
        (("z",), "no cue of bob"),
        (("3", "Backspace"), "decided"),
    ):
        stage.keys(*keys)
        stage.page.locator(".fl-versions .fl-question", has_text=said).wait_for()
        stage.page.wait_for_timeout(200)
        found = stage.page.evaluate(run)["violations"]
        assert not found, [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found]
        assert stage.page.evaluate(CONTRASTS) == []
    for control in stage.page.locator(".fl-versions button:visible").all():
        control.hover(force=True)
        assert stage.page.evaluate(CONTRASTS) == [], control
    stage.page.screenshot(path=SHOTS / f"annotators-{theme}.png")
    choices = stage.page.locator("select[aria-label='Cues of the queue'] option:not([hidden])").all_text_contents()
    assert "disagreements" in choices
    stage.open(AuditionCorpus(small, who="bob"), theme)
    assert stage.page.locator(".fl-versions:visible").count() == 0
    assert stage.page.locator(".fl-chip", has_text="annotator bob").count() == 1
    assert {p.name for p in (small.folder / "verdicts").glob("*.csv")} <= {"film1.csv", "film2.csv"}


def test_a_single_film_has_a_queue_of_its_own(small, stage):
    stage.open(Audition(small, "film2"))
    assert stage.page.get_by_role("tab", name="Films").count() == 0
    before = stage.state()["cue"]
    stage.keys("y")
    stage.page.get_by_text("cue accepted").wait_for()
    assert stage.state()["cue"] != before and stage.state()["progress"].startswith("1 of ")


def test_cues_of_another_program_come_in_and_those_of_all_films_go_out(small, stage, tmp_path):
    cues = open_session(small, "film1").cues.head(2)
    moved = cues.assign(start=cues["start"] + 0.321)
    grid = tmp_path / "film1.TextGrid"
    grid.write_bytes(cuefiles.textgrid(small["film1"], moved, 100.0).encode("utf-16"))
    with stage.page.expect_file_chooser() as chooser:
        stage.page.get_by_role("button", name="Import cues from a file").click()
    chooser.value.set_files(grid)
    stage.page.wait_for_function("document.querySelector('.fl-status').textContent.includes('2 corrected')")
    told = verdicts.read(small["film1"].verdicts)
    assert told["new_start"].tolist() == pytest.approx(moved["start"].tolist(), abs=0.0006)
    stage.page.get_by_label("Export format").select_option("xlsx")
    with stage.page.expect_download() as download:
        stage.page.get_by_role("button", name="Export all films").click()
    assert download.value.suggested_filename == "xlsx.zip"
    with zipfile.ZipFile(download.value.path()) as box:
        assert box.namelist() == ["film1.cue-sheet.xlsx", "film2.cue-sheet.xlsx"]


def test_tracks_and_genres_have_legends_of_their_own(small, stage, monkeypatch):
    curve = {"genres": ["Horror"], "colors": ["#404040"], "rows": [[0.0, 4.0, 0.5]]}
    monkeypatch.setattr(scene, "genre_curve", lambda *given: curve)
    for theme in ("true", "false"):
        stage.open(AuditionCorpus(small, who="ann"), theme)
        rows = stage.page.eval_on_selector_all(
            ".fl-legend-row", "all => all.map(r => [r.querySelector('b').textContent, r.querySelectorAll('i').length])"
        )
        assert [name for name, _ in rows] == ["Tracks", "Genres"] and rows[1][1] == 1
        shown = stage.page.evaluate("getComputedStyle(document.querySelector('.fl-line')).backgroundColor")
        assert (shown == "rgb(64, 64, 64)") == (theme == "true"), "on the dark ground it is made to stand out"


def test_a_cue_that_was_moved_and_accepted_is_called_corrected(small, stage):
    stage.keys("]", "y", "Backspace")
    stage.page.wait_for_function("document.querySelector('.fl-badge').textContent === 'corrected'")
    assert [verdict for _, verdict, _, _ in rows(small)] == ["corrected"]


def test_what_the_notebook_explains_stands_behind_the_help(small, stage):
    stage.keys("?")
    told = stage.page.get_by_role("dialog", name="Keys").inner_text()
    assert "What is judged is what is heard" in told and "Recall is only known" in told
    stage.keys("Escape")
