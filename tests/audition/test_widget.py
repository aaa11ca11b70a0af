"""The widget without a browser: every message, what is sent, what is stored, what the picker lists."""

import base64
import io
import json
import re
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from conftest import edit, put_table

from filmlens import artefacts, audition, stages
from filmlens.audition import Audition, AuditionCorpus, page, queue, widget
from filmlens.corpus import Corpus

CUES = pd.DataFrame(
    {
        "film_id": ["one", "one"],
        "cue": [0, 1],
        "track": ["Theme", "Finale"],
        "start": [5.0, 30.0],
        "end": [20.0, 36.0],
        "track_start": [0.0, float("nan")],
        "speed": 1.0,
        "score": [90.0, 12.0],
    }
)


@pytest.fixture
def corpus(two_films):
    corpus = Corpus.open(two_films)
    for name in ("one", "two"):
        cues = CUES.assign(film_id=name, score=CUES["score"] + (name == "two"))
        put_table(corpus, "cues", name, cues, duration=40.0)
    return corpus


@pytest.fixture
def one(corpus):
    page = Audition(corpus, "one")
    yield page
    page.close()


def ask(page, type, **content):
    reply, buffers = page.answer({"type": type, "id": "x"} | content)
    json.dumps(reply, allow_nan=False)
    assert reply["id"] == "x"
    return reply, buffers


def test_the_page_and_this_side_speak_of_the_same_messages():
    asked = set(re.findall(r'\b(?:ask|act)\("(\w+)"', page.script()))
    assert asked == widget._KINDS


def test_opening_tells_everything_and_decodes_nothing(one, monkeypatch):
    monkeypatch.setattr("filmlens.media.sound._decoded", lambda *a: pytest.fail("the film was decoded"))
    reply, buffers = ask(one, "open")
    film = reply["film"]
    assert not buffers and (film["title"], film["duration"], film["pictures"]) == ("First", 40.0, True)
    assert [t["name"] for t in film["tracks"]] == ["Finale", "Theme"] and film["annotations"][0]["track"] == "Theme"
    assert film["brightness"] is None and film["genre_curve"] is None and reply["picks"] is False
    cue = reply["cues"][1]
    assert cue["track_start"] is None and cue["verdict"] == "" and cue["id"] != reply["cues"][0]["id"]


def test_excerpts_pictures_and_tiles_are_binary(one):
    cue = ask(one, "open")[0]["cues"][0]["id"]
    reply, [sound] = ask(one, "excerpt", cue=cue, start=4.0, end=9.0)
    assert sound[:4] == b"\x1a\x45\xdf\xa3" and reply["track"] and (reply["start"], reply["end"]) == (4.0, 9.0)
    assert not ask(one, "excerpt", cue=None, start=36.0, end=99.0)[0]["track"]
    reply, [film, track] = ask(one, "waveform", cue=cue, start=4.0, end=22.0)
    film, track = (np.frombuffer(b, np.int8).reshape(reply["count"], 2) for b in (film, track))
    assert np.abs(film[400:-800]).mean() > 3 * np.abs(film[:100]).mean(), "music against noise"
    assert not track[:190].any() and track[400:].any()
    for source in ("film", "track"):
        reply, [tile] = ask(one, "spectrogram", cue=cue, source=source, tile=1)
        assert len(tile) == reply["rows"] * reply["columns"]
    assert ask(one, "picture", time=12.0)[1][0][:3] == b"\xff\xd8\xff"
    assert ask(one, "picture", time=1e9)[1][0][:3] == b"\xff\xd8\xff"


def brought(widget, data, name):
    """A file that is brought into the page, as its bytes travel."""
    return ask(widget, "labels", data=base64.b64encode(data).decode(), name=name)[0]


def test_verdicts_come_back_as_the_new_state(one):
    first, second = (c["id"] for c in ask(one, "open")[0]["cues"])
    state = ask(one, "move", cue=first, edge="start", by=0.05)[0]
    assert state["type"] == "state" and state["cues"][0]["start"] == 5.05 and state["can_undo"]
    ask(one, "judge", cue=first, verdict="accept")
    ask(one, "judge", cue=second, verdict="reject")
    state = ask(one, "undo")[0]
    assert [c["verdict"] for c in state["cues"]] == ["corrected", ""] and state["select"] == second
    assert state["numbers"]["precision"] == pytest.approx(14.95 / 15)
    new = ask(one, "add", track="Finale", start=22.0)[0]
    assert [c["id"] for c in new["cues"]].index(new["select"]) == 1
    assert ask(one, "describe", cue=first, fields={"origin": "song", "note": "x"})[0]["cues"][0]["usage"] == "song"
    assert ask(one, "relabel", cue=second, track="Theme")[0]["cues"][2]["track"] == "Theme"
    assert ask(one, "complete", complete=True)[0]["complete"] is True
    span = state["spans"][0]
    assert ask(one, "answer", start=span["start"], end=span["end"], music=False)[0]["numbers"]["answered"] == 1
    assert "1 added" in brought(one, b"27\t29\tTheme\n", "l.txt")["text"]
    assert one.cues["verdict"].tolist() == ["corrected", "added", "added", "corrected"]


def test_a_cue_without_a_place_is_placed_by_listening(one):
    new = ask(one, "add", track="Finale", start=6.0)[0]["select"]
    ask(one, "move", cue=new, edge="end", to=18.0)
    assert not ask(one, "excerpt", cue=new, start=6.0, end=9.0)[0]["track"]
    state = ask(one, "place", cue=new)[0]
    assert {c["id"]: c["track_start"] for c in state["cues"]}[new] is None, "the Finale does not play there"
    state = ask(one, "relabel", cue=new, track="Theme")[0]
    state = ask(one, "place", cue=new)[0]
    assert {c["id"]: c["track_start"] for c in state["cues"]}[new] == pytest.approx(1.0, abs=0.05)
    assert ask(one, "excerpt", cue=new, start=6.0, end=9.0)[0]["track"]


def test_faults_are_told_not_raised(one, corpus):
    assert "unknown" in ask(one, "reboot")[0]["text"] and ask(one, "__init__")[0]["type"] == "error"
    cue = ask(one, "open")[0]["cues"][0]["id"]
    for content in ({"cue": "x", "verdict": "accept"}, {"cue": cue, "verdict": "maybe"}, {"cue": cue}):
        assert ask(one, "judge", **content)[0]["type"] == "error"
    assert ask(one, "excerpt", cue=cue, start=20.0, end=10.0)[0]["type"] == "error"
    assert brought(one, b"nonsense", "my labels.txt")["text"].startswith("my labels.txt row 1")
    assert ask(one, "export", format="xml")[0]["type"] == "error"
    assert not corpus["one"].verdicts.exists()
    corpus["one"].film.unlink()
    reply = ask(one, "excerpt", cue=cue, start=5.0, end=9.0)[0]
    assert reply["type"] == "error" and "one.mp4" in reply["text"]
    assert "one.mp4" in ask(one, "open")[0]["film"]["problems"][0], "without the film its cues are still there"


def test_a_fault_of_ours_reaches_the_page_too(one, monkeypatch):
    told = []
    one.send = lambda content, buffers=None: told.append(content)
    monkeypatch.setattr(widget, "apart", lambda *a: [][1])
    one._on_message(one, {"type": "picture", "id": "p", "time": 1.0}, [])
    one._pool.shutdown(wait=True)
    assert told == [{"type": "error", "id": "p", "about": "picture", "text": "IndexError: list index out of range"}]


@pytest.mark.parametrize("format", audition.FORMATS)
def test_every_export_comes_as_a_file(one, format):
    reply, [data] = ask(one, "export", format=format)
    if format == "xlsx":
        data = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert reply["name"].startswith("one.") and b"Theme" in data


def test_the_waveform_grows_is_told_and_kept(one, corpus):
    told = []
    one.send = lambda content, buffers=None: told.append(content)
    assert ask(one, "peaks", start=0, end=40, count=100)[0]["count"] == 0
    one._on_message(one, {"type": "open", "id": "x"}, [])
    until = time.monotonic() + 30
    while not any(c.get("done") for c in told) and time.monotonic() < until:
        time.sleep(0.02)
    assert [c["type"] for c in told] == ["open", "grown", "grown"] and told[-1]["seconds"] == pytest.approx(40, abs=0.1)
    reply, [peaks] = ask(one, "peaks", start=0, end=40, count=100)
    assert len(peaks) == 2 * reply["count"] >= 200
    assert ask(one, "open")[0]["grown"]["done"], "a page that is opened again is told so"
    assert (corpus.derived / "peaks" / "one.parquet").is_file()


def test_nothing_but_the_script_is_in_the_notebooks_state(one):
    ask(one, "excerpt", cue=None, start=0.0, end=20.0)
    state = {k: v for k, v in one.get_state().items() if isinstance(v, str)}
    assert len(json.dumps(state)) < 150_000, sorted((len(v), k) for k, v in state.items())[-2:]


def test_music_that_a_detector_found_waits_among_the_unmatched(corpus):
    found = pd.DataFrame({"start": [2.0, 30.0], "end": [12.0, 34.0], "probability": 0.9, "group": [3, 0]})
    put_table(corpus, "music", "one", found.assign(film_id="one"))
    rows = queue(corpus)
    rows = rows[rows["film_id"] == "one"]
    spans = rows[rows["span"] == "detected"]
    kept = rows.loc[rows["span"] == "", ["start", "end"]].to_numpy(float)
    assert (
        spans["name"].tolist()[0] == "unidentified music 3"
        and spans["unmatched"].all()
        and (spans["track"] == "").all()
    )
    for start, end in spans[["start", "end"]].to_numpy(float):
        assert not any(min(end, b) > max(start, a) for a, b in kept)
    page = AuditionCorpus(corpus.folder)
    ask(page, "film", film_id="one")
    first = spans.iloc[0]
    ask(page, "add", track="", name="Radio", start=first["start"], end=first["end"])
    page.close()
    now = queue(corpus)
    assert first["id"] not in set(now["id"]) and "Radio" in set(now["name"])


def test_the_picker_lists_films_and_every_cue(corpus):
    edit(corpus.folder / "films.csv", "Second & Last", "<img src=x onerror=alert(1)>")
    page = AuditionCorpus(corpus.folder)
    library = ask(page, "library")[0]
    assert [f["film_id"] for f in library["films"]] == ["one", "two"]
    assert library["films"][0]["coverage"] == pytest.approx(21 / 40) and library["films"][1]["judged"] == 0
    assert library["films"][0]["tracks"] == "Theme Finale" and library["films"][0]["genres"] == "Action Sci-Fi"
    assert [(q["film_id"], q["score"]) for q in library["cues"]] == [
        *(("one", 90.0), ("one", 12.0), ("two", 91.0), ("two", 13.0))
    ]
    assert ask(page, "transplanted")[0]["cues"] is None
    reply = ask(page, "film", film_id="two", select=library["cues"][3]["id"])[0]
    assert reply["select"] == library["cues"][3]["id"] and reply["cues"][1]["id"] == reply["select"]
    assert reply["type"] == "open" and reply["film"]["title"] == "<img src=x onerror=alert(1)>"
    cue = ask(page, "open")[0]["cues"][0]["id"]
    ask(page, "judge", cue=cue, verdict="accept")
    assert corpus["two"].verdicts.is_file() and not corpus["one"].verdicts.exists()
    assert page.films.set_index("film_id")["judged"].to_dict() == {"one": 0, "two": 1}
    assert ask(page, "film", film_id="three")[0]["type"] == "error" and page.film_id == "two"
    corpus["one"].verdicts.write_text("who knows")
    assert "one.csv" in ask(page, "library")[0]["films"][0]["problem"]
    page.close()


def test_genres_and_brightness_are_shown_when_they_were_computed(corpus):
    stages.run(corpus, "visual", whole_film=True, films=["one"], say=lambda line: None)
    put_table(corpus, "cues", "one", CUES, duration=40.0)
    page = Audition(corpus, "one")
    values = ask(page, "open")[0]["film"]["brightness"]
    assert len(values) == 26 and 40 < min(values) <= max(values) < 100
    probability = np.array([[0.9, 0.1, 0.2], [0.2, 0.7, 0.1], [0.6, 0.2, 0.3], [0.1, 0.1, 0.1]])
    folder = corpus.derived / "genre"
    folder.mkdir()
    np.savez(
        folder / "m.npz",
        instance_probability=probability,
        **{"cues.film_id": ["one", "one", "two", "two"], "cues.cue": [0, 1, 0, 1]},
    )
    artefacts.write_json(folder / "m.json", {"genres": ["Action", "Horror", "Sci-Fi"]})
    sheets = [artefacts.read_provenance(stages.path(corpus, "cues", n))["table"] for n in ("one", "two")]
    recipe = {"inputs": {"sheet": sheets}, "parameters": {"level": "cue"}}
    told = {"recipe": recipe, "files": artefacts.file_hashes(folder / "m.npz")}
    artefacts.write_json(folder / "m.provenance.json", told)
    curve = ask(page, "open")[0]["film"]["genre_curve"]
    assert curve["genres"] == ["Action", "Horror", "Sci-Fi"] and curve["rows"][1] == [30.0, 36.0, 0.2, 0.7, 0.1]
    foreign = ask(AuditionCorpus(corpus), "transplanted")[0]["cues"]
    assert foreign[0]["genre"] == "Horror" and foreign[0]["id"] == ask(page, "open")[0]["cues"][1]["id"]
    put_table(corpus, "cues", "one", CUES.iloc[:1], duration=40.0)
    assert ask(Audition(corpus, "one"), "open")[0]["film"]["genre_curve"] is None, "another stamping, other numbers"


def test_a_film_that_was_not_stamped_can_be_marked_by_hand(two_films):
    page = Audition(two_films, "two")
    assert ask(page, "open")[0]["cues"] == []
    state = ask(page, "add", track="Theme", start=4.0)[0]
    assert [c["verdict"] for c in state["cues"]] == ["added"]


def test_a_table_stands_beside_the_widget(one, corpus):
    ask(one, "judge", cue=ask(one, "open")[0]["cues"][0]["id"], verdict="reject")
    table = audition.timeline_table(corpus, "one")
    assert table["verdict"].tolist() == ["reject", "not judged"]


def test_a_track_has_one_colour_on_the_page_and_in_the_figure_beside_it(one, corpus):
    """A figure of the cues alone numbered the tracks anew."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_hex

    from filmlens.figures.stamper import plot_timeline

    told = {t["name"]: t["color"] for t in ask(one, "open")[0]["film"]["tracks"]}
    cues = CUES[CUES["track"] == "Theme"]
    ax = plot_timeline(cues, 40.0, soundtrack=list(corpus["one"].tracks()))
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [told["Theme"].upper()]
    assert told["Theme"] != told["Finale"]
    plt.close(ax.figure)
