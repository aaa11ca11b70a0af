"""The audition widget: one film, heard and judged in a notebook or in a page made by voila.

The page (``page/``) and this side talk in messages; sound, pictures and waveforms travel as binary buffers and
are never part of the notebook's file. A message ``{"type": ..., "id": ...}`` from the page is answered by one of the
same type and id, or by ``{"type": "error", "text": ...}``. What decodes media is answered from threads, so that a
verdict never waits for a picture.
"""

import base64
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import anywidget
import numpy as np
import pandas as pd

from filmlens.audition import adjudicating, bulk, clips, edges, exports, history, page, peaks, scene, spectrogram
from filmlens.audition.cuefiles import zipped
from filmlens.audition.session import Session, open_session
from filmlens.corpus import Corpus, CorpusError, annotators
from filmlens.media.ab import Place, ab_excerpt, film_sound, track_sound
from filmlens.media.apart import apart
from filmlens.media.pictures import thumbnail
from filmlens.stamper.place import find_place
from filmlens.verdicts.fields import DIEGESES, ORIGINS, labels

_WAVE_RATE = 11_025  # samples behind a cue's waveform
_MOST_BINS, _FINEST = 40_000, 200  # bins of a cue's waveform: in all, and per second

#: Messages that decode media, and those that read the tables of all films, are answered from threads of their own;
#: all others change verdicts or ask for little, and are answered at once and in order.
_MEDIA = {"excerpt", "waveform", "spectrogram", "picture", "place"}
_TABLES = {"library", "transplanted"}

#: Messages m that change verdicts in a session s: what is then said, and the cue to be in view where it is a new one.
_CHANGES: dict[str, Callable[[Session, dict], tuple]] = {
    "judge": lambda s, m: (s.judge(m["cue"], m["verdict"]),),
    "relabel": lambda s, m: (s.relabel(m["cue"], m["track"], m.get("name", "")),),
    "describe": lambda s, m: (s.describe(m["cue"], **m["fields"]),),
    "add": lambda s, m: ("cue added", s.add(m["track"], float(m["start"]), m.get("end"), name=m.get("name", ""))),
    "split": lambda s, m: (f"split at {float(m['at']):.2f} s", s.split(m["cue"], float(m["at"]))),
    "merge": lambda s, m: (s.merge(m["cue"], m["next"]),),
    "duplicate": lambda s, m: ("cue duplicated", s.duplicate(m["cue"], float(m["start"]))),
    "take": lambda s, m: (s.leave_out(m["matter"]) if m["who"] is None else s.take(m["matter"], m["who"]),),
    "complete": lambda s, m: (s.mark_complete(bool(m["complete"])),),
    "answer": lambda s, m: (s.answer(float(m["start"]), float(m["end"]), bool(m["music"])),),
}


class Audition(anywidget.AnyWidget):
    """Hear and judge the cues of one film.

    `cues` are those to judge (track, start, end, track_start, speed, score), by default what the stamper left on disk.
    Verdicts of the annotator `who` go to ``verdicts/<who>/``. By default they go to ``verdicts/``, which all else
    reads; where annotators have judged, their verdicts then stand beside each other, to be adjudicated. `alone` says
    whether the page is the bench alone: as high as the window, in the theme of the system. Raises `KeyError` for a film
    that is not there, `CorpusError` when its verdicts cannot be understood.
    """

    #: Whether the page offers other films.
    _picks = False

    _esm = page.script()
    _css = page.FOLDER / "bench.css"

    def __init__(
        self,
        corpus: Corpus | str | Path,
        film_id: str,
        *,
        cues: pd.DataFrame | None = None,
        who: str = "",
        alone: bool = False,
        **more,
    ):
        super().__init__(**more)
        self._corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
        self._who, self._alone = who and annotators.checked(self._corpus.folder, who), alone
        self._steps = history.History()
        self._lock, self._pool = Lock(), ThreadPoolExecutor(2, thread_name_prefix="audition")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="audition tables")
        self._asked: list[Future] = []  # for media
        self._waveform: peaks.WaveformThread | None = None
        self._moving = clips.Newest(self._others_wait)
        self._open_film(film_id, cues)
        self.on_msg(self._on_message)

    @property
    def cues(self) -> pd.DataFrame:
        """The film's cues as they stand after judging: see `filmlens.verdicts.judged`."""
        return self._session.cues.drop(columns="id")

    @property
    def film_id(self) -> str:
        """The film that is open."""
        return self._film.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._film.id}: {len(self._session.stamped)} stamped cues)"

    def close(self) -> None:
        """Stop the threads, then as every widget."""
        self._waveform.stop()
        self._moving.stop()
        for pool in (self._pool, self._reader):
            pool.shutdown(wait=False, cancel_futures=True)
        super().close()

    def answer(self, message: dict[str, Any], buffers: list | None = None) -> tuple[dict[str, Any], list[bytes]]:
        """What the page is told after a message: content and buffers. Faults of the user's files become "error"."""
        kind = str(message.get("type"))
        try:
            if kind in _CHANGES:
                content, sent = self._changed(*_CHANGES[kind](self._session, message))
            elif kind in _KINDS:
                content, sent = getattr(self, f"_on_{kind}")(message)
            else:
                raise ValueError(f"message {kind!r} is unknown")
        except (ValueError, OSError, KeyError, TypeError) as error:
            text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
            content, sent = {"type": "error", "about": kind, "text": text}, []
        return scene.plain({"type": kind, "id": message.get("id")} | content), sent

    def _open_film(self, film_id: str, cues: pd.DataFrame | None = None) -> None:
        self._session = adjudicating.open_judging(self._corpus, film_id, who=self._who, cues=cues, steps=self._steps)
        self._film = self._session.film
        self._factors: dict[str, tuple[float, float]] = {}
        self._found: dict[tuple[str, str], Place | None] = {}  # of cues that the stamper did not place
        if self._waveform is not None:
            self._waveform.stop()
        self._waveform = peaks.WaveformThread(self._corpus, self._film, self._tell, self._others_wait)
        self._pieces = clips.Pieces(self._film, self._session.duration)

    def _others_wait(self) -> bool:
        return not all(asked.done() for asked in self._asked)

    def _on_message(self, _widget, content: dict[str, Any], buffers: list) -> None:
        if content.get("type") in _MEDIA:
            open_ = [asked for asked in self._asked if not asked.done()]
            self._asked = [*open_, self._pool.submit(self._reply, content)]
        elif content.get("type") in _TABLES:
            self._reader.submit(self._reply, content)
        elif content.get("type") == "clip":
            self._moving.submit(partial(self._reply, content), partial(self._reply, content | {"late": True}))
        else:
            self._reply(content)
            if content.get("type") in ("open", "film"):
                self._waveform.start()

    def _reply(self, message: dict[str, Any]) -> None:
        try:
            content, buffers = self.answer(message)
        except Exception as error:  # in a thread nobody would hear of it, and the page would wait for ever
            about = {"id": message.get("id"), "about": message.get("type")}
            content, buffers = {"type": "error", "text": f"{type(error).__name__}: {error}"} | about, []
        self._tell(content, buffers)

    def _tell(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        with self._lock:  # one message at a time on the wire
            self.send(content, buffers)

    # What is shown ------------------------------------------------------------------------------------------------

    def _on_open(self, message: dict) -> tuple[dict, list]:
        if message.get("sitting") and not self._steps:
            folder = self._corpus.derived / "audition" / self._who
            self._steps = history.of_sitting(folder, str(message["sitting"]))
            self._session.steps = self._steps
        self._session.refresh()
        return self._opened(message)

    def _opened(self, message: dict, select: str | None = None, text: str = "") -> tuple[dict, list]:
        """The film and all of its cues, with the cue that is to be in view."""
        about = scene.describe(self._corpus, self._film, self._session.stamped, self._session.duration)
        about["problems"] += [] if self._who else self._session.faults()
        functions = labels(self._film.verdicts.parent)
        return {
            "type": "open",
            "film": about,
            "formats": list(exports.FORMATS),
            "fields": {"origin": ORIGINS, "diegesis": DIEGESES, "function": functions},
            "picks": self._picks,
            "alone": self._alone,
            "grown": self._waveform.so_far,
            "piece": clips.PIECE_S,
        } | self._state(text, select), []

    def _on_library(self, _message: dict) -> tuple[dict, list]:
        raise ValueError("this is the audition of one film; AuditionCorpus picks among all")

    _on_transplanted = _on_library

    def _state(self, text: str = "", select: str | None = None) -> dict[str, Any]:
        """Everything that a verdict may change."""
        session = self._session
        cues = session.cues
        for row, cue in cues[cues["track_start"].isna()].iterrows():
            place = self._found.get((cue["id"], cue["track"]))
            if place is not None:
                cues.loc[row, ["track_start", "speed"]] = place.at(cue["start"]), place.speed
        state = {
            "cues": cues.to_dict("records"),
            "spans": session.spans(),
            "complete": session.complete,
            "can_undo": session.can_undo,
            "numbers": session.numbers(),
            "who": self._who,
            "matters": [] if self._who else session.shown(),
            "text": text,
            "clock": time.strftime("%H:%M:%S") if text else "",
        }
        return state | ({"select": select} if select is not None else {})

    def _on_film(self, message: dict) -> tuple[dict, list]:
        self._open_film(str(message["film_id"]))
        return self._opened(message, message.get("select"))

    def _on_state(self, _message: dict) -> tuple[dict, list]:
        self._session.refresh()
        return self._changed("")

    # Verdicts -----------------------------------------------------------------------------------------------------

    def _on_move(self, m: dict) -> tuple[dict, list]:
        if "by" in m:
            return self._changed(self._session.move(m["cue"], m["edge"], float(m["by"]), relative=True))
        to = float(m["to"])
        if m.get("snap"):
            to = edges.snapped(self._film.sound, to, str(m["snap"]))
        return self._changed(self._session.move(m["cue"], m["edge"], to))

    def _on_undo(self, message: dict) -> tuple[dict, list]:
        film_id = self._steps.film_id
        text, cue = self._session.undo(lambda film_id: annotators.verdicts_of(self._corpus[film_id], self._who))
        if film_id and film_id != self.film_id:
            self._open_film(film_id)
            return self._opened(message, cue, text)
        return self._changed(text, cue if (self._session.cues["id"] == cue).any() else None)

    def _on_bulk(self, m: dict) -> tuple[dict, list]:
        least, sessions = float(m["least"]), self._all_sessions()
        found = bulk.estimate(sessions.values(), least)
        if not m["sure"]:
            return found, []
        text = bulk.accept(sessions, found, least)
        self._session.refresh()
        return self._changed(text)

    def _on_agreed(self, m: dict) -> tuple[dict, list]:
        found = adjudicating.take_agreed(self._all_sessions(), sure=m["sure"])
        if not m["sure"]:
            return found, []
        self._session.refresh()
        return self._changed(found["text"])

    def _all_sessions(self) -> dict[str, Session]:
        """The sessions whose cues may be accepted together."""
        return {self.film_id: self._session}

    def _on_labels(self, m: dict) -> tuple[dict, list]:
        data = base64.b64decode(m["data"])  # as it is on disk: a TextGrid may be UTF-16
        counts, problems = bulk.parse_labels(data, self._session, name=str(m["name"]))
        answer, _ = self._changed("labels: " + ", ".join(f"{n} {word}" for word, n in counts.items() if n))
        return answer | {"problems": problems}, []

    def _changed(self, text: str, select: str | None = None) -> tuple[dict, list]:
        clock = time.strftime("%H:%M:%S")
        if text:  # what is written is told before all that follows from it is counted
            self._tell({"type": "saved", "text": text, "clock": clock})
        return {"type": "state"} | self._state(text, select), []

    def _on_export(self, m: dict) -> tuple[dict, list]:
        if m.get("all"):
            files, faults = exports.files_of(self._corpus, str(m["format"]), self._corpus.ids)
            return {"name": f"{m['format']}.zip", "problems": faults}, [zipped(files)]
        cues = exports.reviewed(self._session.stamped, self._session.table)
        name, data = exports.file_of(self._corpus, self.film_id, str(m["format"]), cues, self._session.duration)
        return {"name": name, "problems": []}, [data]

    # Media --------------------------------------------------------------------------------------------------------

    def _on_excerpt(self, m: dict) -> tuple[dict, list]:
        start, end, place, key = self._stretch(m)
        sound, factors = apart(ab_excerpt, self._film.sound, place, start, end, factors=self._factors.get(key))
        if place is not None:
            self._factors[key] = factors
        return {"start": start, "end": end, "track": place is not None}, [sound]

    def _on_waveform(self, m: dict) -> tuple[dict, list]:
        start, end, place, _ = self._stretch(m)
        count = int(min(_MOST_BINS, np.ceil((end - start) * _FINEST)))
        film = peaks.bins(apart(film_sound, self._film.sound, start, end, _WAVE_RATE, mono=True), count)
        shown = [film.tobytes()]
        if place is not None:
            shown.append(peaks.bins(apart(track_sound, place, start, end, _WAVE_RATE, mono=True), count).tobytes())
        return {"cue": m.get("cue"), "start": start, "end": end, "count": count}, shown

    def _on_spectrogram(self, m: dict) -> tuple[dict, list]:
        number, rate = int(m["tile"]), spectrogram.RATE
        first = number * spectrogram.SECONDS - spectrogram.MARGIN
        last = first + spectrogram.SECONDS + 2 * spectrogram.MARGIN
        place = self._place(m) if m.get("source") == "track" else None
        if m.get("source") == "track" and place is None:
            raise ValueError("where the cue lies in its track is not known")
        read, source = (track_sound, place) if place else (film_sound, self._film.sound)
        sound = apart(read, source, max(0.0, first), last, rate, mono=True)
        samples = np.concatenate([np.zeros(round(max(0.0, -first) * rate), np.float32), sound])
        shape = {"columns": spectrogram.COLUMNS, "rows": spectrogram.ROWS, "seconds": spectrogram.SECONDS}
        about = {"cue": m.get("cue"), "source": m.get("source"), "tile": number} | shape
        return about, [spectrogram.tile(samples).tobytes()]

    def _on_place(self, m: dict) -> tuple[dict, list]:
        cue = self._session.cue(m["cue"])
        self._find(cue, str(cue["track"]))
        return {"type": "state"} | self._state(), []

    def _on_picture(self, m: dict) -> tuple[dict, list]:
        at = min(max(0.0, float(m["time"])), self._session.duration)
        return {"time": at}, [apart(thumbnail, self._film.film, at)]

    def _on_clip(self, m: dict) -> tuple[dict, list]:
        number = int(m["piece"])
        if m.get("late") or m["film_id"] != self.film_id:  # something newer was asked for in the meantime
            return {"piece": number, "late": True}, []
        return {"piece": number, "start": number * clips.PIECE_S}, [self._pieces.get(number)]

    def _on_peaks(self, m: dict) -> tuple[dict, list]:
        levels = self._waveform.levels
        if levels is None:
            return {"count": 0, "rate": 0.0, "start": 0.0}, []
        start, end = max(0.0, float(m["start"])), min(float(m["end"]), self._session.duration)
        shown, rate = peaks.view(levels, start, end, int(m["count"]))
        return {"count": len(shown), "rate": rate, "start": np.floor(start * rate) / rate}, [shown.tobytes()]

    def _stretch(self, m: dict) -> tuple[float, float, Place | None, str]:
        """Start and end inside the film, and where the cue's music lies, if it is known."""
        start = max(0.0, float(m["start"]))
        end = min(float(m["end"]), self._session.duration)
        place = self._place(m)
        return start, end, place, f"{m.get('cue')}|{place.track if place else ''}"

    def _place(self, m: dict) -> Place | None:
        cues = self._session.cues
        hits = cues[cues["id"] == m.get("cue")]
        if hits.empty:
            return None
        cue = hits.iloc[0]
        if m.get("candidate"):
            track = str(m["candidate"])
            path = self._find(cue, track)
            return (self._found[cue["id"], track] or Place(path, float(cue["start"]), 0.0)) if path else None
        if not np.isfinite(cue["track_start"]):
            return self._found.get((cue["id"], cue["track"]))
        try:
            path = self._film.tracks().get(cue["track"])
        except CorpusError:
            return None
        place = (float(cue[c]) for c in ("start", "track_start", "speed"))
        return Place(path, *place, tuple(cue["segments"])) if path else None

    def _find(self, cue: pd.Series, track: str) -> Path | None:
        """The file of a track, if there is one, after the cue was looked for in it once."""
        path, key = self._film.tracks().get(track), (cue["id"], track)
        if path and key not in self._found:
            self._found[key] = apart(find_place, self._film.sound, path, float(cue["start"]), float(cue["end"]))
        return path


#: Every message that the page may send.
_KINDS = {name.removeprefix("_on_") for name in vars(Audition) if name.startswith("_on_") and name != "_on_message"}
_KINDS |= {*_CHANGES}


def timeline_table(corpus: Corpus, film_id: str) -> pd.DataFrame:
    """The judged cues of a film as a table to read: what stands beside the widget where no widget can run."""
    cues = open_session(corpus, film_id).cues
    table = cues[["track", "start", "end", "score", "verdict", "origin", "diegesis", "function", "note"]].copy()
    table["track"] = table["track"].where(table["track"] != "", cues["name"])
    table["verdict"] = table["verdict"].replace("", "not judged")
    return table
