"""Words only with p, correction, n and effect size; synthetic corpora say so."""

import numpy as np
import pandas as pd
import pytest

from filmlens.findings import genre_sentences, importance_caption, sentence, too_few

PICTURE = {
    "genre": "Horror",
    "measure": "brightness",
    "unit": "clips",
    "source": "Actual",
    "n": 412,
    "n_others": 3988,
    "difference": -0.91,
    "expected": 0.0,
    "p": 1e-5,
    "p_corrected": 6e-5,
    "significant": True,
    "correction": "Bonferroni, m = 6, alpha = 0.01",
    "p_permutation": 0.004,
    "p_conditional": 0.004,
    "effect": -0.52,
    "effect_low": -0.7,
    "effect_high": -0.3,
    "note": "",
}


def rows(**changes):
    told = PICTURE | {"movable": 70, "p_least": 0.0001}
    cells = [
        told,
        told | {"source": "Predicted", "difference": -0.33, "expected": -0.37, "p_conditional": 0.4, "effect": -0.2},
        told | {"source": "False positives", "difference": 0.37, "expected": 0.35, "p_conditional": 0.6, "effect": 0.2},
    ]
    table = pd.DataFrame(cells)
    for column, value in changes.items():
        table[column] = value
    return table


@pytest.mark.parametrize("needed", ["p", "correction", "n", "effect"])
@pytest.mark.parametrize("how", ["absent", "None", "NaN"])
def test_refuses_without_what_a_test_needs(needed, how):
    row = dict(PICTURE)
    if how == "absent":
        del row[needed]
    else:
        row[needed] = None if how == "None" else np.nan
    with pytest.raises(ValueError, match=f"no sentence without {needed}: the row of Horror"):
        sentence(row)


def test_refuses_an_empty_correction():
    with pytest.raises(ValueError, match="correction"):
        sentence(PICTURE | {"correction": ""})


def test_picture_in_words():
    text = sentence(PICTURE)
    assert text.startswith(
        "Horror clips are darker (difference −.91, rank-biserial −.52 [−.70, −.30], 412 of 4,400 clips"
    )
    assert "p < .001, Bonferroni, m = 6" in text
    assert "over films p = .004" in text
    assert sentence(pd.Series(PICTURE), synthetic=True).endswith("(synthetic corpus).")


def test_what_is_not_shown_is_not_said():
    assert "are not shown to be darker or brighter" in sentence(PICTURE | {"significant": False})
    assert "look darker, but not over films" in sentence(PICTURE | {"p_permutation": 0.2})
    assert "higher in contrast" in sentence(PICTURE | {"measure": "contrast", "effect": 0.3})
    profile = {"genre": "Horror", "descriptor": "tempo", "effect": 0.1, "n": 11, "p": 0.4, "correction": "none"}
    assert "tempo higher" in sentence(profile)
    assert "tempo not shown to differ" in sentence(profile | {"significant": False})


def test_sentence_of_a_genre():
    text = genre_sentences(rows(), synthetic=True).loc[0, "sentence"]
    assert "Horror clips are darker (" in text
    assert "; predicted Horror less so (" in text
    assert "; false positives +.37 (" in text
    assert "expected +.35 given the actual labels (p = .600, 70 films can be exchanged)" in text
    still = genre_sentences(rows(p_conditional=np.nan, expected=np.nan, movable=2)).loc[0, "sentence"]
    assert "given the actual labels 2 films can be exchanged: too few to tell" in still and "expected" not in still
    assert "smallest possible = .050" in genre_sentences(rows(p_least=0.05)).loc[0, "sentence"]
    assert text.endswith("(synthetic corpus).")
    assert "less so" not in genre_sentences(rows(significant=False)).loc[0, "sentence"]


def test_cells_without_a_number_are_said():
    table = rows()
    table.loc[2, ["effect", "difference", "p"]] = np.nan
    table.loc[2, "note"] = "n = 0: no false positive"
    assert "false positives: n = 0: no false positive." in genre_sentences(table).loc[0, "sentence"]


def test_what_is_not_tested_gets_no_sentence():
    few = rows(p=np.nan, note="too few films: 4 against 32, at least 10 needed")
    assert genre_sentences(few).empty
    assert "3 of 3 cells (Horror). A test needs 10 films on both sides" in too_few(few)
    assert too_few(rows()) == ""
    with pytest.raises(ValueError, match="no sentence without p"):
        sentence(few.iloc[0])


def test_what_is_not_significant_says_what_would_have_been_found():
    assert "would have been found from .40 on" in sentence(PICTURE | {"significant": False, "detectable": 0.4})
    assert "would have been found" not in sentence(PICTURE | {"detectable": 0.4})


def test_caption_names_every_interval_and_rare_genres():
    table = pd.DataFrame({"measure": ["F1"]})
    table.attrs = {
        "scheme": "films",
        "n_repeats": 100,
        "F1": {"Overall": 0.61},
        "positives": {"Action": 55, "Horror": 9},
        "left out": [],
    }
    caption = importance_caption(table, synthetic=True)
    for words in (
        "scheme films",
        "100 runs",
        "95 % CI",
        "percentiles",
        "bootstrap over films",
        "Horror 9",
        "Synthetic",
    ):
        assert words in caption
    assert "Action" not in caption
