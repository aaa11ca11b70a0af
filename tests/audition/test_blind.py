"""The blind quiz: which clips, equally loud, an order per rater, a page that tells nothing, answers that stay."""

import io
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from filmlens import stages
from filmlens.audition import blind, quiz
from filmlens.cli import app
from filmlens.corpus import Corpus, CorpusError
from filmlens.media.ab import loudness


@pytest.fixture(scope="module")
def corpus(toy, tmp_path_factory):
    """A toy corpus with a quick genre model."""
    folder = tmp_path_factory.mktemp("blind") / "toy"
    shutil.copytree(toy, folder)
    opened = Corpus.open(folder)
    stages.run(opened, "genre", jobs=2, model="average", hidden=8, epochs=3, learning_rate=1e-3)
    return opened


def test_every_pair_is_of_one_film_without_the_genre(corpus):
    key = blind.key_of(corpus)
    assert len(key) >= 4 and sorted(key["clip"]) == list(range(1, len(key) + 1))
    for _, pair in key.groupby("pair"):
        one, other = pair.set_index("kind").loc[["transplanted", "control"]].to_dict("records")
        assert one["film_id"] == other["film_id"] and one["genre"] not in corpus[one["film_id"]].genres
        assert one[f"p {one['genre']}"] >= other[f"p {one['genre']}"] and one["cue"] != other["cue"]
    assert key["film_id"].value_counts().max() == 2
    pd.testing.assert_frame_equal(blind.key_of(corpus), key, rtol=1e-4)  # as it was kept


def test_clips_are_equally_loud(corpus):
    clips = blind.sounds(corpus, blind.key_of(corpus))
    levels = [loudness(soundfile.read(io.BytesIO(clip), always_2d=True)[0].T) for clip in clips.values()]
    assert np.ptp(levels) < 1.5, levels  # the fades count differently in short and long clips


def test_raters_have_orders_of_their_own(corpus):
    key = blind.key_of(corpus)
    orders = [blind.order(key, who) for who in ("ann", "bob", "ann")]
    assert orders[0] == orders[2] != orders[1] and sorted(orders[0]) == sorted(key["clip"])


def test_the_page_tells_nothing_and_keeps_answers(corpus):
    with quiz.server(corpus, "ann") as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        page = urllib.request.urlopen(served.address, timeout=20)
        text = page.read().decode()
        assert "script" not in text and "default-src 'none'" in page.headers["Content-Security-Policy"]
        for film in corpus:
            assert film.id not in text and film.title not in text and not any(t in text for t in film.tracks())
        first = blind.order(blind.key_of(corpus), "ann")[0]
        assert f'src="clip/{first}"' in text and "Clip 1 of" in text
        sound = urllib.request.urlopen(f"{served.address}clip/{first}", timeout=20).read()
        assert sound.startswith(b"OggS")
        form = urllib.parse.urlencode([("clip", first), ("genre", "Horror"), ("genre", "no such"), ("known", "True")])
        text = urllib.request.urlopen(served.address, form.encode(), timeout=20).read().decode()
        assert "Clip 2 of" in text
        for wrong in ("", "wrong/", "../../films.csv"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(served.address.rsplit("/", 2)[0] + "/" + wrong, timeout=20)
        served.shutdown()
    answers = blind.answers_of(corpus)
    assert answers.to_dict("records") == [{"who": "ann", "clip": first, "genres": "Horror", "known": True}]


def test_a_later_answer_takes_the_place_and_raters_of_one_file_name_are_two(corpus):
    blind.put_answer(corpus, "Ann O", 1, ["Drama"], False)
    blind.put_answer(corpus, "Ann-O", 1, [], False)
    blind.put_answer(corpus, "Ann O", 1, ["Horror", "Drama"], False)
    mine = blind.answers_of(corpus).query("who in ('Ann O', 'Ann-O')").set_index("who")["genres"]
    assert mine.to_dict() == {"Ann O": "Horror|Drama", "Ann-O": ""}
    said = CliRunner().invoke(app, ["listen", str(corpus.folder)]).output
    assert "named, transplanted" in said and "no pair of a transplanted cue and its control is complete" in said


def test_a_label_is_text_in_the_page():
    page = quiz.page(pd.DataFrame({"clip": [1]}), ['"><img src=x onerror=bite()>'], 1, 0)
    assert "<img" not in page and 'value="&quot;&gt;&lt;img' in page


def test_faults_are_named(corpus, two_films):
    assert blind.answers_of(Corpus.open(two_films)).empty
    with pytest.raises(CorpusError, match="no genre model"):
        blind.key_of(Corpus.open(two_films))
    with pytest.raises(CorpusError, match="no answers yet"):
        blind.heard(Corpus.open(two_films))
    path = blind.folder_of(corpus) / "answers" / "bad.csv"
    path.write_text("who,clip,genres,known\nx,1,,False\nx,one,,False\n")
    try:
        with pytest.raises(CorpusError, match=r"bad\.csv row 3: clip 'one' is no number"):
            blind.answers_of(corpus)
    finally:
        path.unlink()
