"""``filmlens features``: measure the cues of a corpus without opening a notebook, with progress and rate per film."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from filmlens import artefacts, stages, text
from filmlens.corpus import Corpus
from filmlens.features import FEATURES, available, own

_LOOK_S = 0.5  # how often finished films are looked for


def extract(
    corpus: str | Path,
    which: Iterable[str] | None = None,
    *,
    films: Iterable[str] | None = None,
    jobs: int = 1,
    derived: str | Path | None = None,
    say: Callable[[str], None] = text.say,
    **parameters,
) -> int:
    """Bring features up to date; gives 0, or 1 when a film failed.

    Raises `ValueError` for an unknown name, film or parameter, or when VGGish is asked for and no weights are there.

    Parameters
    ----------
    which : iterable of str, optional
        Rows of `FEATURES`, "visual", or names under ``features/``; by default all but the last, those with weights
        when they are found and those that wait for their name not.
    films : iterable of str, optional
        Film ids; all by default.
    jobs : int
        Processes.
    derived : path, optional
        Another folder for computed tables.
    say : callable
        Is given a line per film as it is finished, with seconds of material per second of work.
    **parameters
        Of the stages (cues, sound, whole_film, sampling ...); each stage takes those that it knows.
    """
    opened = Corpus.open(corpus, derived=derived)
    if which is None:
        which = available()
        for name in [n for n, row in FEATURES.items() if n not in which and row.weights and not row.asked]:
            say(f"{name}: left out, no weights; `filmlens weights {FEATURES[name].network}` fetches them")
        which.append("visual")
    which, failed = list(which), {}
    for name in which:
        if name in FEATURES and not FEATURES[name].available():
            FEATURES[name].need()
        elif name not in (*FEATURES, "visual") and name not in own.names(opened.folder):
            raise ValueError(
                f"no features {name!r}: there are {', '.join([*FEATURES, 'visual'])}; of your own "
                f"{', '.join(own.names(opened.folder)) or 'none'} in {opened.folder / 'features'}"
            )
    for name in which:
        stage = name if name == "visual" else stages.feature_stage(name)
        given = parameters | ({"features": name} if stage == "own-cues" else {})
        known = stages.accepted_by(stage, given)
        told = stage.removesuffix("-cues")
        with _Watch(opened, told, films, known, say):
            outcomes = stages.run(opened, stage, films=films, jobs=jobs, say=lambda line: None, **known)
        failed |= {(film, o.stage): error for o in outcomes for film, error in o.failed.items()}
        [measured] = [o for o in outcomes if o.stage == told]
        say(str(measured).replace(told, name, 1))
    for (film, stage), error in failed.items():
        say(f"failed: {film}, {stage}: {error}")
    return 1 if failed else 0


def rate(path: Path) -> tuple[float, float]:
    """Seconds of material that an artefact holds (as many as its 1 Hz rows, unless it says), and that it took."""
    provenance = artefacts.read_provenance(path)
    length = provenance.get("notes", {}).get("material", artefacts.row_count(path))
    return float(length), float(provenance.get("seconds") or 0)


class _Watch:
    """Looks for films that are finished while others, in whatever process, are at work."""

    def __init__(self, corpus: Corpus, stage: str, films, parameters, say):
        ids = list(films) if films is not None else corpus.ids
        self.paths = {film: stages.path(corpus, stage, film, **parameters) for film in ids}
        self.name, self.say, self.done = parameters.get("features", stage), say, threading.Event()
        self.seen = {film: self._changed(film) for film in ids}
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *exception):
        self.done.set()
        self.thread.join()

    def _changed(self, film: str) -> int:
        path = self.paths[film]
        return path.stat().st_mtime_ns if path.is_file() else 0

    def _look(self) -> None:
        ended = False
        while not ended:
            ended = self.done.wait(_LOOK_S)
            for film, before in self.seen.items():
                now = self._changed(film)
                if now and now != before:
                    self.seen[film] = now
                    self.say(self._line(film))

    def _line(self, film: str) -> str:
        length, seconds = rate(self.paths[film])
        finished = sum(bool(self._changed(f)) for f in self.paths)
        speed = f", {length / seconds:.3g} x realtime" if length and seconds else ""
        return f"{self.name}: {film} ({finished} of {len(self.paths)}), {length:.0f} s in {seconds:.1f} s{speed}"
