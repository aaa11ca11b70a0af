"""``filmlens release``: the features that the study released, as a corpus in the form of ``filmlens share``.

FilmLens runs on it from the genre models on. What the release does not say is not made up: cues have numbers in the
order of the file and lengths in frames, no place in their film and no seconds, because neither the order of the cues
nor the rate of the frames is known. Of a film whose two sets have different numbers of cues each set keeps its own
cues under numbers of their own.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import __version__, artefacts, download, look, paper, stages
from filmlens.artefacts import cache_folder
from filmlens.corpus import Corpus, archive
from filmlens.corpus.release import WIDTHS, Release, ReleaseError, read_release
from filmlens.features import released
from filmlens.stages.of_film import CUE_COLUMNS
from filmlens.stages.table import complete
from filmlens.study import dictionary
from filmlens.text import markdown, utf8

URL = f"https://doi.org/{paper.S4_DOI}"
_REMEDY = f"fetch {URL} in a browser and give the file with --file ZIP"
_KEPT = f"{paper.S4_DOI.partition('/')[2]}.zip"


@dataclass
class Made:
    """What became of a release: the corpus, numbers of films, cues and frames by set, and what was odd."""

    folder: Path
    films: int
    cues: dict[str, int]
    frames: dict[str, int]
    remarks: list[str]

    def __str__(self) -> str:
        sets = ", ".join(f"{key} {self.cues[key]} cues, {self.frames[key]} frames" for key in self.cues)
        return "\n".join([f"{self.folder}: {self.films} films; {sets}", *(f"  {line}" for line in self.remarks)])


def fetch(url: str = URL, *, progress: Callable[[int, int], None] = lambda done, of: None) -> Path:
    """The supplement in this user's cache, its download made or continued if need be; `ReleaseError` if it fails."""
    try:
        return download.fetch(url, cache_folder() / _KEPT, progress=progress)
    except download.DownloadError as error:
        raise ReleaseError(f"{error}; {_REMEDY}") from error


def make_corpus(file: str | Path, out: str | Path, *, jobs: int = 1) -> Made:
    """Write a corpus of what the study released into the new folder `out`.

    `file` is the supplement's zip, or the folder it was unpacked into; `jobs` processes average the frames of each cue.
    A `ReleaseError` where the folder exists or the supplement cannot be read; nothing is left behind.
    """
    out = utf8(Path(out).resolve())
    if out.exists():
        raise ReleaseError(f"{out}: exists; name a new folder with --out")
    release = read_release(file)
    with artefacts.writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            part.chmod(0o755)
            made = _write(release, part, jobs)
            made.folder = out
            (part / "README.md").write_text(_readme(made, synthetic=bool(release.planted)), encoding="utf-8")
            part.rename(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return made


def _write(release: Release, folder: Path, jobs: int) -> Made:
    films = _films(release)
    made = Made(folder, len(films), dict.fromkeys(WIDTHS, 0), dict.fromkeys(WIDTHS, 0), list(release.remarks))
    if release.planted:
        (folder / "planted.json").write_text(release.planted, encoding="utf-8")
        made.remarks.insert(0, "synthetic: this is the twin of the release, its numbers are drawn at random")
    look.write_csv(films, folder / "films.csv")
    mark = {"filmlens": __version__, "films": len(films), "synthetic": bool(release.planted)}
    mark |= {"licence": paper.S4_LICENCE, "credit": paper.S4_CREDIT}
    (folder / archive.MARK).write_text(json.dumps(mark, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    look.write_csv(released.mapped(release.names), folder / "names.csv")
    columns = {"mir": release.names, "vggish": list(released.VGGISH_COLUMNS)}
    words: dict[str, pd.DataFrame] = {}
    means: dict[str, list[np.ndarray]] = {key: [] for key in WIDTHS}
    equal = []
    for film_id in films["film_id"]:
        cues = {key: release.features[key].pop(film_id, []) for key in WIDTHS}
        sheet, numbers = _sheet(film_id, cues)
        both = sheet[["frames_mir", "frames_vggish"]].dropna()
        equal.append(both["frames_mir"] == both["frames_vggish"])
        remarks = _save(folder, "cues", film_id, sheet, [])
        words.setdefault("cues", dictionary.describe(sheet, "cues"))
        for key, frames in cues.items():
            if frames:
                table = _frames(film_id, frames, numbers[key], columns[key])
                _save(folder, f"{key}-released", film_id, table, [remarks])
                words.setdefault(f"{key}-released", dictionary.describe(table, f"{key}-released"))
                made.cues[key] += len(frames)
                made.frames[key] += len(table)
                means[key].append(table[columns[key]].mean().to_numpy())
    made.remarks += _oddities(release, films, means["mir"], pd.concat(equal))
    corpus = Corpus.open(folder, derived=folder / "derived")
    for key in WIDTHS:
        stages.run(corpus, f"{key}-released-cues", jobs=jobs, say=lambda line: None)
        vectors = words[f"{key}-released"].query("column != 'frame'")
        words[f"{key}-released-cues"] = vectors.assign(table=f"{key}-released-cues")
    look.write_csv(pd.concat(words.values()), folder / "columns.csv")
    return made


def _films(release: Release) -> pd.DataFrame:
    """films.csv: the list's films and genres, with titles and years of the study's films where they are known."""
    known = paper.films().set_index("film_id")[["title", "year", "imdb_id"]]
    films = release.films.join(known, on="film_id").rename(columns={"listed": "listed_genres"})
    films = films.assign(title=films["title"].fillna(films["film_id"]), imdb_id=films["imdb_id"].fillna(""))
    films = films.assign(year=films["year"].astype("Int64"), film="", soundtrack="")
    return films[["film_id", "title", "year", "genres", "film", "soundtrack", "imdb_id", "listed_genres"]]


def _sheet(film_id: str, cues: dict[str, list[np.ndarray]]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The cues of a film, and which of them are those of each set."""
    lengths = {key: np.array([len(c) for c in frames], dtype=float) for key, frames in cues.items()}
    mir, vggish = len(cues["mir"]), len(cues["vggish"])
    if mir == vggish or not mir or not vggish:
        total, first = max(mir, vggish), {"mir": 0, "vggish": 0}
        names = [f"cue {i}" for i in range(total)]
    else:
        total, first = mir + vggish, {"mir": 0, "vggish": mir}
        names = [*(f"MIR cue {i}" for i in range(mir)), *(f"VGGish cue {i}" for i in range(vggish))]
    numbers = {key: np.arange(first[key], first[key] + len(lengths[key])) for key in cues}
    sheet = pd.DataFrame({"film_id": film_id, "cue": np.arange(total), "track": names})
    sheet = sheet.assign(**dict.fromkeys(CUE_COLUMNS[3:], np.nan))[list(CUE_COLUMNS)]
    for key in cues:
        sheet[f"frames_{key}"] = np.nan
        sheet.loc[numbers[key], f"frames_{key}"] = lengths[key]
    return sheet, numbers


def _frames(film_id: str, cues: list[np.ndarray], numbers: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """The frames of a film's cues under each other; what is infinite is missing."""
    values = np.concatenate(cues).astype(np.result_type(*cues, np.float32), copy=False)
    values = np.where(np.isfinite(values), values, np.nan).astype(values.dtype)
    sizes = [len(c) for c in cues]
    frame = np.concatenate([np.arange(n) for n in sizes])
    keys = pd.DataFrame({"film_id": film_id, "cue": np.repeat(numbers, sizes), "frame": frame})
    return keys.join(pd.DataFrame(values, columns=columns))


def _save(folder: Path, stage: str, film_id: str, table: pd.DataFrame, inputs: list[str]) -> str:
    """Write a table as the stage would have left it; its hash."""
    path = folder / "derived" / stage / f"{film_id}.parquet"
    recipe = {"stage": stage, "subject": film_id, "version": stages.STAGES[stage].version}
    recipe |= {"parameters": {}, "media": {}}
    recipe["inputs"] = {"sheet": inputs} if inputs else {}
    notes = {"source": paper.S4_CREDIT, "licence": paper.S4_LICENCE}
    known = {"name": stage, "configuration": complete(stage, {}), "recipe": recipe, "filmlens": __version__}
    artefacts.write_table(path, table, known | {"seconds": 0.0, "notes": notes})
    return artefacts.read_provenance(path)["table"]


def _oddities(release: Release, films: pd.DataFrame, means: list[np.ndarray], equal: pd.Series) -> list[str]:
    """What one should know of these files before believing a number of theirs."""
    known = paper.films().set_index("film_id")
    ours = films["film_id"].isin(known.index)
    remarks = [f"{film} is none of the study's 110 films as we know them" for film in films.loc[~ours, "film_id"]]
    for film in films[ours].itertuples():
        if film.genres != (was := known.loc[film.film_id, "genres"]):
            remarks.append(f"{film.film_id}: genres {film.genres or 'none'} here, {was} in data/paper/films.csv")
    names = np.array(release.names)
    constant = names[np.ptp(np.stack(means), axis=0) == 0] if len(means) > 1 else []
    remarks += [f"constant over all films: {name}" for name in constant]
    mapped = released.mapped(release.names)
    family = mapped["group"].isin(["MFCC", "dMFCC", "ddMFCC"]).sum()
    open_ = mapped.loc[mapped["group"] == released.NOT_ASSIGNED, "column"].tolist()
    remarks.append(
        f"{family} of {len(names)} columns are of the MFCC family; {len(open_)} are assigned to no group of ours"
    )
    remarks += [f"not assigned: {', '.join(open_)}"] if open_ else []
    if len(equal):
        remarks.append(f"{equal.sum()} of {len(equal)} cues have as many MIR as VGGish frames")
    return remarks


def _readme(made: Made, *, synthetic: bool) -> str:
    twin = "\n**Synthetic**: this is the twin of the release, made by `filmlens demo --release`.\n" if synthetic else ""
    counts = "\n".join(f"- {key}-released: {made.cues[key]} cues, {made.frames[key]} frames" for key in made.cues)
    remarks = "\n".join(f"- {markdown(line)}" for line in made.remarks)
    return f"""# The features that the study released, as a corpus
{twin}
Source: {paper.S4_CREDIT}

Licence: {paper.S4_LICENCE}

Read by FilmLens {__version__} from the files as released; no value was changed, but infinite ones are missing.

{counts}

Cues are numbered in the order of the files. Their place in the film, their seconds and the rate of the frames are not
known: start and end are empty, lengths are in frames. `names.csv` says which descriptor and group each column is.

    filmlens run {made.folder.name} --out out

## What was met

{remarks}
"""
