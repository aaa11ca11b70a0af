"""What a reader calls things: the name, a sentence and the unit of a column, a model or a stage, by pattern.

Pages, figures, sentences and the data dictionary take every name from here. A new thing is a row; the first pattern
that fits a whole text counts, and {0}, {1} ... stand for what its brackets took.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Name(NamedTuple):
    """A reader's name, one sentence, the unit, and what less and more of it is; empty where there is none."""

    name: str
    sentence: str = ""
    unit: str = ""
    lower: str = ""
    higher: str = ""


_STATISTIC = r"_(mean|std)"
#: What a high coefficient of the Fourier transform of twelve pitch classes means (Quinn 2007; Yust 2016).
QUALITIES = {1: "chromatic", 2: "quartal", 3: "hexatonic", 4: "octatonic", 5: "diatonic", 6: "whole-tone"}
#: Mean share of each pitch class from the tonic when the chroma is noise, 12 values drawn alike from 0 to 1: the key is
#: chosen by the same values, so that noise has a tonic and a fifth, too.
ON_NOISE = (0.135, 0.064, 0.085, 0.087, 0.085, 0.066, 0.067, 0.124, 0.070, 0.075, 0.064, 0.078)
ROWS: dict[str, Name] = {
    # of films and cues
    "film_id": Name("film", "the film's name in films.csv"),
    "title": Name("title", "title of the film"),
    "year": Name("year", "year of the film"),
    "genres": Name("genres", "the film's genres, separated by |"),
    "cue": Name("cue", "number of the cue in its film, from 0, by start"),
    "track": Name("track", "the soundtrack's track: path in the soundtrack folder without its ending"),
    "start": Name("start", "begin of the cue on the film's clock", "s"),
    "end": Name("end", "end of the cue on the film's clock", "s"),
    "duration": Name("duration", "end minus start", "s"),
    "position": Name("position in the film", "middle of the cue divided by the film's length", "0-1"),
    "film_seconds": Name("length of the film", "length of the film", "s"),
    "track_start": Name("place in the track", "place in the track that sounds at the cue's start", "s"),
    "speed": Name("speed", "seconds of track per second of film: 1, or 25/24 for a PAL transfer"),
    "score": Name("score", "evidence of the stamper for the cue; higher is surer, comparable within an engine"),
    "probability": Name(
        "probability", "how likely the cue is its track and not only music like it (engine filmlens)", "0-1"
    ),
    "match": Name(
        "match",
        "what the cue is of its track: the same recording, one altered in pitch or tempo, or another rendition, "
        "which lacks notes of it (engine filmlens)",
    ),
    "aligned": Name("aligned hashes", "hashes of the cue that agree on its place (engine dejavu)"),
    "usage": Name("usage", "how the music is used: score, song or diegetic"),
    "time": Name("time", "middle of the second on the film's clock", "s"),
    "frame": Name("frame", "number of the row in its cue, from 0; how many are a second is not known"),
    r"frames_(mir|vggish)": Name(
        "frames ({0})", "rows of the cue in the released {0} features; how many are a second is not known"
    ),
    "imdb_id": Name("IMDb id", "the film's identifier at IMDb"),
    "listed_genres": Name("genres as listed", "the film's genres in the second column of the released list"),
    "verdict": Name(
        "verdict",
        "what a listener judged: accept, corrected (heard, with another track or other edges), reject, added (a "
        "cue that was not stamped), or empty for not judged",
    ),
    # of pictures
    "brightness": Name("brightness", "mean luma of the picture without its black bars", "0-1"),
    "contrast": Name("contrast", "brightest minus darkest place of the picture, at most 320 pixels wide", "0-1"),
    "contrast_michelson": Name("contrast (Michelson)", "(brightest - darkest) / (brightest + darkest)", "0-1"),
    "contrast_p95_p5": Name("contrast (P95 - P5)", "95th minus 5th percentile of the luma", "0-1"),
    "contrast_rms": Name("contrast (RMS)", "standard deviation of the luma", "0-1"),
    "picture_brightness": Name(
        "brightness under the cue", "median over the cue of the picture's mean luma without black bars", "0-1"
    ),
    "picture_contrast": Name(
        "contrast under the cue", "median over the cue of brightest minus darkest place of the picture", "0-1"
    ),
    # of genre models
    r"genre_(\w+)": Name("{0}", "whether the film carries the genre ({0})"),
    r"probability_(\w+)": Name(
        "probability of {0}", "what the cue alone sounds like ({0}), by the model that never saw its film", "0-1"
    ),
    r"attention_(\w+)": Name(
        "attention for {0}", "share of the film's attention that the cue has for the genre ({0}); sums to 1", "0-1"
    ),
    "random_guess": Name("random guess", "genres drawn by their frequency among the training films"),
    "zero_rule": Name("zero rule", "the most common set of genres among the training films"),
    "always_positive": Name("always positive", "every genre for every film: the honest floor of F1"),
    "simple_mi_(knn|svm|forest)": Name("simple MI ({0})", "a classifier on the mean of a film's cues"),
    "voting_(svm|forest)_sampled": Name(
        "instance voting ({0}, sampled)", "a classifier of 1,000 of the cues whose majority decides the film"
    ),
    "voting_(knn|svm|forest)": Name("instance voting ({0})", "a classifier of cues whose majority decides the film"),
    "max": Name("max", "a network; the film is its most likely cue"),
    "average": Name("average", "a network; the film is the mean of its cues"),
    "linear_softmax": Name("linear softmax", "a network; cues are weighed by their own probability"),
    "single_attention": Name("single attention", "a network that learns what each cue weighs"),
    "multi_attention": Name("multi-attention", "a network that learns what each cue weighs, from two layers"),
    "feature_attention": Name("feature-level attention", "a network that learns what each dimension of a cue weighs"),
    "explained": Name("foretold", "share of a group's variance that the other groups explain in films not fitted on"),
    "film_(low|high)": Name("95 % over films, {0}"),
    "f1": Name("F1", "harmonic mean of precision and recall"),
    r"f1_(low|high|tuned)": Name("F1, {0}"),
    "training_f1": Name("F1 in training"),
    "map": Name("mAP", "mean of the genres' average precision"),
    "p_paper": Name("p, paper's test"),
    "p_chance": Name("p, permuted labels"),
    # of stages
    "cues": Name("cue sheets", "where each track plays in its film, by the stamper"),
    "annotated": Name("annotated cues", "the true cues, where someone wrote them down"),
    "verified": Name("verified cues", "cues that someone has heard: accepted, corrected or added"),
    "verified-(score|song|diegetic)": Name("verified cues, {0}", "verified cues of the usage {0}"),
    "windows": Name("windows", "what the stamper heard in every five seconds of a film"),
    r"(?:verified-(?:\w+-)?)?segments": Name(
        "segments of cues", "the pieces of a track that a cue is made of, one after another"
    ),
    "unmatched": Name("unmatched music", "where there is music under no cue, by a detector"),
    "unmatched-peaks": Name("peaks of unmatched music", "spectral peaks by which unmatched music is known again"),
    "recurring": Name("recurring music", "which unmatched music returns, in its film or in others"),
    "music": Name("unidentified music", "unmatched music with the pieces that return"),
    "visual": Name("pictures", "brightness and contrast, once a second"),
    "genre": Name("genre models", "cross-validated models of the films' genres"),
    "chance": Name("chance", "mAP of a genre model that learnt from labels permuted over films"),
    "importance": Name("feature importance", "what is lost when a group of features is exchanged"),
    "importance-null": Name("does a group matter", "importance against that of a group that says nothing"),
    "retrained": Name("retrained without", "average precision without a group of features, and with only that group"),
    "cross-modal": Name("music and picture", "brightness and contrast under actual and predicted genres"),
    "mir": Name("MIR descriptors", "seventy descriptors of the music, as mean and SD"),
    "mir-released": Name("MIR descriptors, as released", "the authors' own descriptors of the study's films"),
    "vggish-released": Name("VGGish, as released", "the authors' own embedding of the study's films"),
    "vggish": Name("VGGish", "embedding of the sound by a network trained on videos"),
    "musicnn": Name("musicnn", "embedding of the music by a network trained on MagnaTagATune"),
    "musicnn_msd": Name("musicnn (MSD)", "embedding of the music by a network trained on the Million Song Dataset"),
    "tags": Name("tags", "what a network that was trained on listeners' tags hears in the music"),
    r"\w+-cues": Name("features by cue", "the mean of each cue's rows"),
    "own": Name("your own features", "features that were brought"),
    # of the music; what a descriptor is stands with it, in its feature set; these are told with a direction
    "brightness_mean": Name("brightness", "", "", "darker timbre", "brighter timbre"),
    "roughness_mean": Name("roughness", "", "", "smoother", "rougher"),
    "inharmonicity_mean": Name("inharmonicity", "", "", "more harmonic", "less harmonic"),
    "entropy_mean": Name("noisiness", "", "", "more tone than noise", "more noise than tone"),
    "tempo_mean": Name("tempo", "", "BPM", "slower", "faster"),
    "pulseclarity_mean": Name("clearness of the beat", "", "", "vaguer beat", "clearer beat"),
    "keyclarity_mean": Name("clearness of the key", "", "", "vaguer key", "clearer key"),
    "mode_mean": Name("mode", "", "", "more minor than major", "more major than minor"),
    "rms_mean": Name("loudness", "", "", "quieter", "louder"),
    "rms_std": Name("swings of loudness", "", "", "steadier loudness", "louder swings"),
    **{
        pattern: Name(
            f"tagged as {words}",
            f"how strongly the network would tag the music as {words}; not calibrated",
            "ranks of 100",
            f"less tagged as {words}",
            f"more tagged as {words}",
        )
        for pattern, words in {"tag_([a-z]+)": "“{0}”", "tag_([a-z]+)_([a-z]+)": "“{0} {1}”"}.items()
    },
    **{
        f"keyfree_{k}": Name(
            f"{quality} pitch content", f"|F{k}| of the chroma over |F0|, the same in every key", "0-1"
        )
        for k, quality in QUALITIES.items()
    },
    **{
        f"tonic_{k:02d}": Name(
            f"pitch class {k} semitones above the tonic",
            f"its share of the chroma, from the tonic of the cue's best key; noise has {noise:.3f}",
            "0-1",
        )
        for k, noise in enumerate(ON_NOISE)
    },
    r"(?:vggish|musicnn|released)_(\d+)": Name("dimension {0}"),
    rf"d(d?)mfcc_(\d\d){_STATISTIC}": Name("change of the spectrum's shape, MFCC {1}"),
    rf"mfcc_00{_STATISTIC}": Name("loudness (MFCC 0)"),
    rf"mfcc_(\d\d){_STATISTIC}": Name("spectrum's shape, MFCC {0}"),
    rf"chroma_(\d\d){_STATISTIC}": Name("share of one pitch class ({0}, from C)"),
    rf"rms{_STATISTIC}": Name("loudness (RMS)"),
    rf"pulseclarity{_STATISTIC}": Name("clearness of the beat"),
    rf"tempo{_STATISTIC}": Name("tempo", "", "BPM"),
    rf"keyclarity{_STATISTIC}": Name("clearness of the key"),
    rf"zerocross{_STATISTIC}": Name("zero-crossing rate", "", "1/s"),
    rf"centroid{_STATISTIC}": Name("spectral centroid", "", "Hz"),
    rf"spread{_STATISTIC}": Name("spectral spread", "", "Hz"),
    rf"(crest|flatness|kurtosis|skewness|entropy){_STATISTIC}": Name("spectral {0}"),
    rf"(roughness|brightness|inharmonicity|mode){_STATISTIC}": Name("{0}"),
}


@cache
def look_up(text: str) -> Name | None:
    """The row that fits, with what its brackets took filled in; None when none does.

    >>> look_up("probability_sci_fi").name, look_up("tempo_std").unit, look_up("my_column")
    ('probability of sci_fi', 'BPM', None)
    >>> look_up("tag_no_voice").higher, look_up("roughness_std").name
    ('more tagged as “no voice”', 'roughness, variation')
    """
    for pattern, row in ROWS.items():
        found = re.fullmatch(pattern, text)
        if found:
            told = Name(*(part.format(*found.groups()) for part in row))
            # the standard deviation of a descriptor that has no name of its own
            varies = text.endswith("_std") and not told.lower
            return told._replace(name=f"{told.name}, variation") if varies else told
    return None


def reader_name(text: str) -> str:
    """What a reader calls it; a name that has no row is shown as plain words.

    >>> reader_name("single_attention"), reader_name("keyclarity_mean"), reader_name("my_column")
    ('single attention', 'clearness of the key', 'my column')
    """
    row = look_up(text)
    return row.name if row else text.replace("_", " ")


def heading(column: str) -> str:
    """What a reader calls a column of a table; a plain word stays as it is.

    >>> heading("probability_horror"), heading("genre"), heading("f1_low")
    ('probability of horror', 'genre', 'F1, low')
    """
    return reader_name(column) if "_" in column or column in ("f1", "map") else column
