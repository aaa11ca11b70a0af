"""Tags as words: every tag in one family, synonyms merged by a literal loop, ranks, voices left out."""

import numpy as np
import pandas as pd
import pytest

from filmlens import names
from filmlens.features.musicnn import words
from filmlens.features.musicnn.rows import TAG_COLUMNS
from filmlens.features.musicnn.words import LABELS


@pytest.fixture
def cues():
    values = np.random.default_rng(0).uniform(0, 1, (11, 50))
    table = pd.DataFrame(values, columns=list(TAG_COLUMNS))
    table.insert(0, "cue", np.arange(11))
    table.insert(0, "film_id", "one")
    return table


def test_every_tag_is_told_once():
    told = [tag for family in words.FAMILIES.values() for word in family for tag in words.SYNONYMS.get(word, (word,))]
    assert sorted(told) == sorted(LABELS["mtt"])
    assert sorted(c for columns in words.family_columns().values() for c in columns) == sorted(TAG_COLUMNS)


def test_synonyms_are_merged_and_ranked(cues):
    merged, ranked = words.merged(cues), words.ranked(cues)
    assert list(merged) == list(ranked) and not {"tag_vocal", "tag_man", "tag_choral", "tag_beats"} & set(merged)
    for row in range(len(cues)):
        voice = sum(cues.loc[row, f"tag_{tag}"] for tag in ("vocal", "vocals", "voice", "singing")) / 4
        assert merged.loc[row, "tag_voice"] == pytest.approx(voice)
        below = sum(merged["tag_voice"] < merged.loc[row, "tag_voice"])
        assert ranked.loc[row, "tag_voice"] == pytest.approx(10 * below)


def test_a_cue_without_tags_has_no_rank(cues):
    cues.loc[4, list(TAG_COLUMNS)] = np.nan
    ranked = words.ranked(cues)
    assert ranked.loc[4].drop(["film_id", "cue"]).isna().all() and ranked["tag_piano"].max() == 100


def test_voices_are_left_out_of_a_films_own_sound(cues):
    left = words.ranked(cues, voices=False)
    assert not {"tag_voice", "tag_no_voice", "tag_male_voice", "tag_female_voice", "tag_choir", "tag_opera"} & set(left)
    assert "tag_strings" in left


def test_every_word_has_a_readers_name_in_both_directions(cues):
    for name in words.merged(cues).columns[2:]:
        told = names.look_up(name)
        assert "_" not in told.name and "tagged as" in told.lower and "tagged as" in told.higher
        assert " is " not in told.higher
