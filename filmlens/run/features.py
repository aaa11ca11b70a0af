"""``filmlens features``: measure the cues of a corpus without opening a notebook, with progress and rate per film."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filmlens import artefacts, stages, text
from filmlens.corpus import Corpus
from filmlens.features import FEATURES, available, own
from filmlens.stages.progress import every

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

    `which` are rows of `FEATURES`, "visual", or names under ``features/``; by default all but the last, those with
    weights when they are found and those that wait for their name not. `say` is given a line per film as it is
    finished, with seconds of material per second of work. Each stage takes the `parameters` that it knows.

    Raises `ValueError` for an unknown name, film or parameter, or when VGGish is asked for and no weights are there.
    """
    opened = Corpus.open(corpus, derived=derived)
    if which is None:
        which = [*available(), "visual"]
        for name, row in FEATURES.items():
            if name not in which and row.weights and not row.asked:
                say(f"{name}: left out, no weights; `filmlens weights {row.network}` fetches them")
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
        known = stages.accepted_by(stage, parameters | ({"features": name} if stage == "own-cues" else {}))
        measured_as = stage.removesuffix("-cues")
        with _followed(opened, measured_as, films, known, say):
            outcomes = stages.run(opened, stage, films=films, jobs=jobs, say=lambda line: None, **known)
        failed |= {(film, o.stage): error for o in outcomes for film, error in o.failed.items()}
        [measured] = [o for o in outcomes if o.stage == measured_as]
        say(str(measured).replace(measured_as, name, 1))
    for (film, stage), error in failed.items():
        say(f"failed: {film}, {stage}: {error}")
    return 1 if failed else 0


@contextmanager
def _followed(corpus: Corpus, stage: str, films, parameters, say: Callable[[str], None]) -> Iterator[None]:
    """Tell of each film that is finished, by whatever process, while others are at work."""
    ids = list(films) if films is not None else corpus.ids
    paths = {film: stages.path(corpus, stage, film, **parameters) for film in ids}
    seen = {film: artefacts.look(path)[1] for film, path in paths.items()}
    name = parameters.get("features", stage)

    def look() -> None:
        for film, path in paths.items():
            now = artefacts.look(path)[1]
            if now and now != seen[film]:
                seen[film] = now
                provenance = artefacts.read_provenance(path)
                seconds = float(provenance.get("seconds") or 0)
                # as many as its 1 Hz rows, unless it says
                length = float(provenance.get("notes", {}).get("material", artefacts.row_count(path)))
                finished = sum(p.is_file() for p in paths.values())
                speed = f", {length / seconds:.3g} x realtime" if length and seconds else ""
                say(f"{name}: {film} ({finished} of {len(paths)}), {length:.0f} s in {seconds:.1f} s{speed}")

    try:
        with every(_LOOK_S, look):
            yield
    finally:
        look()
