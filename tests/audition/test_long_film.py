"""A film of two hours: what is there at once, what comes by and by, and what it costs."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import RATE, melody, put_table

from filmlens import artefacts
from filmlens.audition.peaks import RATE as BINS
from filmlens.corpus import Corpus
from filmlens.media.write import write_audio, write_film

HOURS = 2.0
_PROBE = """
import json, sys, time
from pathlib import Path
from filmlens.audition import AuditionCorpus
begun = time.monotonic()
page, told = AuditionCorpus(sys.argv[1]), []
page.send = lambda content, buffers=None: told.append((content, buffers))
page._on_message(page, {"type": "open", "id": "a"}, [])
cue = told[0][0]["cues"][-1]
span = {"cue": cue["id"], "start": cue["start"] - 2, "end": cue["start"] + 10}
page._on_message(page, {"type": "excerpt", "id": "b"} | span, [])
while not any(c.get("id") == "b" for c, _ in told):
    time.sleep(0.005)
heard = time.monotonic() - begun
sound = next(b for c, b in told if c.get("id") == "b")[0]
while not any(c.get("done") for c, _ in told) and time.monotonic() - begun < 600:
    time.sleep(0.05)
state = {k: v for k, v in page.get_state().items() if isinstance(v, str) and k not in ("_esm", "_css")}
peak = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
print(json.dumps({
    "heard": heard, "bytes": len(sound), "magic": bytes(sound[:4]).hex(), "all": time.monotonic() - begun,
    "grown": [c["seconds"] for c, _ in told if c["type"] == "grown"],
    "state": len(json.dumps(state)), "memory": int(peak.split()[1]) / 1000,
}))
"""


@pytest.fixture(scope="module")
def epic(tmp_path_factory):
    """A corpus of one film of two hours at a low bit rate, with eighty cues."""
    folder = tmp_path_factory.mktemp("epic")
    (folder / "tracks").mkdir()
    tune = melody(1, 60)
    write_audio(folder / "tracks" / "Theme.flac", tune, RATE)
    rate, seconds = 22_050, int(HOURS * 3600)
    low = tune[::2]
    film = 0.02 * np.random.default_rng(0).standard_normal(60 * rate).astype(np.float32)
    film[: len(low)] += low[: len(film)]
    sound = np.tile(film.astype(np.float16), seconds // 60)
    pictures = (np.full((36, 64), i % 200, np.uint8) for i in range(seconds))
    write_film(folder / "epic.mp4", pictures, sound, fps=1, rate=rate, bit_rate=32_000)
    (folder / "films.csv").write_text(
        "film_id,title,year,genres,film,soundtrack\nepic,Epic,1962,Drama,epic.mp4,tracks\n"
    )
    starts = np.arange(80) * 90.0 // 60 * 60
    cues = pd.DataFrame({"film_id": "epic", "cue": range(80), "track": "Theme", "start": starts, "end": starts + 50})
    cues = cues.assign(track_start=0.0, speed=1.0, score=np.arange(80.0))
    put_table(Corpus.open(folder), "cues", "epic", cues, duration=seconds)
    return folder


@pytest.mark.slow
def test_a_film_of_two_hours_opens_at_once_and_fills_in(epic):
    done = subprocess.run([sys.executable, "-c", _PROBE, str(epic)], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["magic"] == "1a45dfa3" and found["bytes"] < 1_000_000
    assert found["heard"] < found["all"] / 2, "the cue in the last minutes is audible without the film being decoded"
    assert len(found["grown"]) > 5 and found["grown"] == sorted(found["grown"])
    assert found["grown"][-1] == pytest.approx(HOURS * 3600, abs=1) and found["grown"][0] < 200
    assert found["memory"] < 500 and found["state"] < 5_000
    kept = artefacts.read_table(epic / "derived" / "peaks" / "epic.parquet")
    assert len(kept) == pytest.approx(HOURS * 3600 * BINS, abs=BINS)
    again = subprocess.run([sys.executable, "-c", _PROBE, str(epic)], capture_output=True, text=True, timeout=900)
    assert len(json.loads(again.stdout.splitlines()[-1])["grown"]) == 1, "the second time it is read"
