"""A report of films in which nothing was found, or of empty tables, is written all the same and says so."""

import shutil

import pandas as pd
import pytest

from filmlens.corpus import Corpus
from filmlens.findings import placement
from filmlens.run.items import ITEMS
from filmlens.run.report import write_report
from filmlens.study import placed

ABOUT = {"filmlens": "0", "profile": "quick", "parameters": {}, "errors": {}, "notebooks": {"01_score_stamper": 1}}
NO_CUES = pd.DataFrame(columns=["film_id", "cue", "track", "start", "end", "track_start", "speed", "score"])


@pytest.fixture
def report(two_films, tmp_path):
    """Writes tables and a picture for each, then the report; gives the page."""

    def written(**tables):
        figures = tmp_path / "figures"
        figures.mkdir(exist_ok=True)
        for name, table in tables.items():
            table.to_csv(figures / f"{name}.csv", index=False)
            (figures / f"{name}.png").write_bytes(b"")
        return write_report(Corpus.open(two_films), tmp_path, figures, ABOUT, {}).read_text(encoding="utf-8")

    return written


def test_films_without_a_cue_are_told(report):
    table = placement.placement(NO_CUES, {"one": 40.0, "two": 40.0})
    use = placement.track_use(NO_CUES, {"one": ["Theme"], "two": ["Theme", "Finale"]})
    table = table.merge(placement.album_order(use), on="film_id").assign(title=["First", "Second"], without=1.0)
    shown = table[list(placed.COLUMNS)].rename(columns=placed.COLUMNS)
    page = report(stamper_timelines=NO_CUES, placement=shown, album_order=use)
    assert "Nothing was found, so that nothing is told." in page
    assert "Found music fills 0% of a film in the median" in page and "0:40 from 0:00 on" in page
    assert "0 of 3 tracks are used, none of them more than once." in page


def test_every_item_may_be_empty(report):
    names = {item.numbers or item.file for item in ITEMS} - {"table1_films", "paper_numbers_stamper"}
    page = report(**{name: pd.DataFrame({"film_id": []}) for name in names})
    assert page.count('class="finding">Nothing was found, so that nothing is told.') >= 5


def test_a_corpus_on_its_own_names_what_was_not_run(report, tmp_path):
    page = report()
    assert "notebook 03 was not run" in page and "With 2 films no genre has them" in page
    assert 'id="numbers"' not in page and not shutil.rmtree(tmp_path / "figures")
