"""What is stale, and why: the recipe that would make an artefact today against the one that it carries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filmlens.artefacts import fingerprint
from filmlens.corpus import Film

NEW = "not computed yet"


def recipe(stage: str, version: int, parameters: Mapping, inputs: Mapping, media: Any) -> dict[str, Any]:
    """All that an artefact depends on, as plain JSON.

    Parameters
    ----------
    stage, version, parameters
        Of the stage itself.
    inputs : mapping
        Name -> hashes of the tables it reads.
    media : mapping or str
        Fingerprints of the film's files, or a hash of films.csv.
    """
    whole = {"stage": stage, "version": version, "parameters": parameters, "inputs": inputs, "media": media}
    return json.loads(json.dumps(whole, sort_keys=True))


def fingerprints(film: Film, kinds: tuple[str | tuple[str, Callable[[Film], Any]], ...]) -> dict[str, Any]:
    """Fingerprints of the files of a film that a stage reads: film, soundtrack, annotation, verdicts.

    Other files are a pair of a name and a function of the film.

    Raises
    ------
    CorpusError
        A soundtrack whose files cannot be listed.
    """
    found: dict[str, Any] = {}
    for kind in kinds:
        if isinstance(kind, tuple):
            found[kind[0]] = kind[1](film)
        elif kind == "soundtrack":
            found[kind] = {name: fingerprint(p) for name, p in film.tracks().items()}
        elif kind == "verdicts":
            found[kind] = fingerprint(film.verdicts)
        elif kind == "annotation":
            found[kind] = fingerprint(film.annotation) if film.annotation else None
        else:
            found[kind] = fingerprint(film.film) | film.sound.choice
    return found


def reason(path: Path, carried: Mapping[str, Any], today: Mapping[str, Any]) -> str:
    """Why an artefact has to be computed again; empty when it is fresh.

    Parameters
    ----------
    path : Path
        Of the artefact.
    carried : mapping
        The provenance inside it; empty when there is none.
    today : mapping
        Its `recipe` today.
    """
    if not path.is_file():
        return NEW
    before = carried.get("recipe")
    if not before:
        return "cannot be read"
    missing = [Path(beside).parent.name for beside in carried.get("beside", ()) if not (path.parent / beside).is_file()]
    if missing:
        return f"{', '.join(missing)} beside it is missing"
    if before == today:
        return ""
    reasons = []
    if before.get("version") != today["version"]:
        reasons.append("the software computes it otherwise now")
    for key in sorted(_changed(before.get("parameters"), today["parameters"])):
        reasons.append(f"{key} is {today['parameters'].get(key)!r} now")
    reasons += [f"its {name} changed" for name in sorted(_changed(before.get("inputs"), today["inputs"]))]
    if isinstance(today["media"], str):
        reasons += ["films.csv changed"] if before.get("media") != today["media"] else []
    else:
        media = sorted(_changed(before.get("media"), today["media"]))
        reasons += [f"its {kind} {_how(before['media'].get(kind), today['media'].get(kind))}" for kind in media]
    return ", ".join(reasons) or "its recipe changed"


def _changed(before: Any, today: Any) -> set[str]:
    before, today = before if isinstance(before, dict) else {}, today if isinstance(today, dict) else {}
    return {key for key in {*before, *today} if before.get(key) != today.get(key)}


def _how(before: Any, today: Any) -> str:
    if isinstance(today, dict) and today.get("size") == -1:
        return "is missing"
    if isinstance(before, dict) and isinstance(today, dict) and "size" not in today:
        more, less = set(today) - set(before), set(before) - set(today)
        words = [f"has {len(more)} new tracks"] if more else []
        words += [f"lacks {len(less)} tracks"] if less else []
        return " and ".join(words) or "changed"
    return "changed"
