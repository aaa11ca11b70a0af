"""What the report shows, in its order: a row per figure or table, with its caption and what says it in sentences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pandas as pd

from filmlens.findings import summaries

FILMS, PAPER, BEYOND = "The films", "The paper, item by item", "Beyond the paper"


class Item(NamedTuple):
    """One figure or table.

    - name: of the paper's item, or a short one of our own
    - file: its files in the folder of figures, without ending
    - summary: gives sentences from the numbers of `numbers`
    - numbers: the CSV that is summed up; that of `file` by default
    - learnt: whether it rests on a genre model or a comparison of genres: it is left unsaid where no genre has
      films enough
    - needs: what a corpus without it lacks
    """

    name: str
    file: str
    notebook: str
    title: str
    caption: str = ""
    summary: Callable[[pd.DataFrame], list[str]] | None = None
    numbers: str = ""
    learnt: bool = False
    needs: str = ""
    part: str = BEYOND


_WEIGHTS = "the weights of musicnn, which filmlens weights musicnn fetches"
_of_films, _of_paper = partial(Item, part=FILMS), partial(Item, part=PAPER)
_learnt, _learnt_of_paper = partial(Item, learnt=True), partial(Item, learnt=True, part=PAPER)

ITEMS = (
    _of_films(
        "Cues",
        "stamper_timelines",
        "01_score_stamper",
        "Where the music of each film was found",
        "A bar is a cue, the darker the more evidence for each of its seconds; the line is the longest stretch without "
        "found music, the figure on the right the share of the film with music. Outlines are annotated cues.",
        summaries.cues,
    ),
    _of_films(
        "Placement",
        "placement",
        "01_score_stamper",
        "First and last music, silences, order of the tracks",
        "Found music is a lower bound: what is on no album cannot be found. Album order: Kendall's tau of the places "
        "of the tracks on the album and in the film, 1 where the film keeps the order.",
        summaries.placement,
    ),
    _of_films(
        "Recall by place",
        "stamper_recall",
        "01_score_stamper",
        "What the stamper misses, and where",
        "Share of the annotated seconds that were found with the right track, by tenth of the film; whiskers: 95 % "
        "bootstrap over films, where ten films have annotated music there.",
        summaries.recall,
        needs="annotated films",
    ),
    _of_films(
        "Tracks",
        "album_order",
        "01_score_stamper",
        "The tracks on the album and in the film",
        "A dot is a used track, the larger the more often. On the dotted line the film keeps the album's order.",
        summaries.album_order,
    ),
    _of_films(
        "Entries",
        "entries",
        "01_score_stamper",
        "Entries of music at cuts and under speech",
        "Chance is the share of the film's time that lies there: what an entry at any moment would meet.",
        summaries.entries,
        needs="files of cuts (cuts/FILM.csv) or speech (speech/FILM.srt)",
    ),
    _of_films(
        "Film time",
        "film_time",
        "05_cross_modal",
        "Music and genre along the films",
        "Every film is divided into twenty parts; the mean over films with its 95 % bootstrap over films. "
        "Probabilities are of models that never saw the film.",
        summaries.film_time,
        learnt=True,
    ),
    _of_films(
        "Timeline",
        "timeline",
        "05_cross_modal",
        "One film: what each cue sounds like",
        "The film with the most cues. Depth of colour: probability of the genre; height: share of the film's "
        "attention; bold: the film's own genres; above, the picture.",
        summaries.timeline,
        learnt=True,
    ),
    _of_paper(
        "Table 1",
        "table1_films",
        "00_corpus",
        "The films by genre",
        "A film with several genres counts in each.",
        summaries.films,
    ),
    _of_paper("S1", "s1_films", "00_corpus", "The films and their tags", summary=summaries.listed),
    _of_paper(
        "Fig 1",
        "fig1_stamper",
        "01_score_stamper",
        "From window predictions to a cue",
        "The film's sound; what each window of five seconds predicts, hatched where it does not count; the cues that "
        "follow; the annotation, where there is one. Engine of the paper.",
        summaries.stamper,
        "paper_numbers_stamper",
    ),
    _of_paper(
        "Table 2",
        "table2_features",
        "02_features",
        "The features",
        "Frame and hop in seconds; each dimension is measured as mean and SD over texture windows.",
        summaries.definition,
    ),
    _of_paper(
        "Table 3",
        "table3_poolings",
        "03_genre_models",
        "The six pooling functions",
        "From cues to the film.",
        summaries.definition,
    ),
    _of_paper(
        "Fig 2",
        "fig2_model",
        "03_genre_models",
        "The network",
        "Average pooling, the smaller of the networks.",
        summaries.definition,
    ),
    _learnt_of_paper(
        "Table 4",
        "table4_results",
        "03_genre_models",
        "Genre prediction",
        "Leave-one-film-out. Compare every model with “always positive”, and training F1 with F1.",
        summaries.prediction,
    ),
    _learnt_of_paper(
        "S2",
        "s2_precision_recall",
        "03_genre_models",
        "Precision-recall curves",
        "Out-of-fold predictions of the network with the highest F1, by genre.",
        summaries.curves,
    ),
    _learnt_of_paper(
        "S3",
        "s3_films",
        "03_genre_models",
        "Precision and recall per film",
        "Each film's cues against the film's labels; average pooling.",
        summaries.per_film,
    ),
    _learnt_of_paper(
        "Fig 3",
        "fig3_importance",
        "04_feature_importance",
        "Which features matter",
        "Drop of F1 when a group of features is permuted over cues, as in the paper; the sentence is about permuting "
        "over films, the one to interpret.",
        summaries.importance,
        "fig3_importance_films",
    ),
    _learnt_of_paper(
        "Table 5",
        "table5_crossmodal",
        "05_cross_modal",
        "Does the picture agree",
        "Difference of medians of films x 10; bold: Mann-Whitney test, p < .01 after Bonferroni's correction.",
        summaries.pictures,
        "table5_medians",
    ),
    _learnt_of_paper(
        "Claims",
        "claims",
        "07_what_stands",
        "Which of the paper's claims hold",
        "Paired differences with intervals that are wide enough for all claims together. Undecided does not mean that "
        "there is no difference.",
        summaries.claims,
    ),
    _learnt_of_paper(
        "Robustness",
        "claims_robustness",
        "07_what_stands",
        "Do they hold when one choice is made differently",
        "Columns are choices, one at a time; a claim that holds in one column alone is a claim about that column.",
        summaries.robustness,
    ),
    _learnt(
        "Direction",
        "genre_profile",
        "04_feature_importance",
        "How a genre's music differs",
        "Cliff's delta of films with the genre against films without it, for the thirty largest effects.",
        summaries.profile,
    ),
    _learnt(
        "Words",
        "importance_tags",
        "04_feature_importance",
        "Which words matter",
        "As Fig 3, over films, on the tags that a network hears in the music.",
        summaries.importance,
        needs=_WEIGHTS,
    ),
    _learnt(
        "Table 5, musicnn",
        "table5_musicnn",
        "05_cross_modal",
        "Table 5 on musicnn",
        "As Table 5, predicted from a network that the paper does not know.",
        needs=_WEIGHTS,
    ),
    _learnt(
        "Within films",
        "within_films",
        "05_cross_modal",
        "Does the picture follow the music inside a film",
        "Rank correlation of a genre's probability with the picture along films without the genre, the cue's place in "
        "the film held constant.",
        summaries.within,
    ),
    _learnt(
        "Blind listening",
        "blind_listening",
        "05_cross_modal",
        "Whether raters hear the other genre without picture and title",
        "Transplanted cues and controls of the same film, at one loudness, in random order. Alpha is Krippendorff's: 1 "
        "full agreement, 0 that of chance; intervals over films and raters.",
        summaries.listening,
        needs="raters: filmlens listen CORPUS --blind",
    ),
    Item("The study's data", "study_table4", "08_the_study", "The paper's Table 4 beside what its own features give"),
    Item("Readings", "study_readings", "08_the_study", "Readings of what the paper leaves open"),
    Item(
        "Claims, the study",
        "study_claims",
        "08_the_study",
        "What the study's own features leave of each claim",
        summary=summaries.claims,
    ),
    Item("As others read it", "study_read", "08_the_study", "Values of a later work on the same files"),
)

#: Items that not every corpus has something for.
OPTIONAL = {item.file for item in ITEMS if item.needs}
