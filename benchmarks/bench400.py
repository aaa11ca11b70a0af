"""The bench on 400 cues of a film of two hours: how soon it is ready, how soon a key is answered, what it takes.

    OMP_NUM_THREADS=1 python benchmarks/bench400.py [--cues 400] [--hours 2] [--runs 3]

A film (160 x 90 at 12 pictures a second, sound of 22 kHz; twenty minutes over and over) and twenty tracks are made once
and kept in the system's folder for temporary files. Voila serves the bench alone, as ``filmlens audition`` does, and a
real Chromium opens it; what the film needs besides (waveform, excerpts, moving pictures) is made meanwhile, in the
first run anew. Times are taken in the page: a key from its event to the redrawn page that its answer gives. CPU time is
that of the kernel's process, and of the page's. The table is printed and written to bench400.md beside this file.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "audition")]

import av  # noqa: E402 - the paths come first
import nbformat  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from browser import chromium, served  # noqa: E402 - from the tests
from conftest import put_table  # noqa: E402 - from the tests

from filmlens.corpus import Corpus  # noqa: E402
from filmlens.media.write import write_audio, write_film  # noqa: E402

RATE, FPS, TRACKS = 22_050, 12, 20
_CELL = """import json, os, time
begun = time.time()
from filmlens.audition import AuditionCorpus
imported = time.time()
page = AuditionCorpus({corpus!r}, alone=True)
told = {{"pid": os.getpid(), "begun": begun, "imported": imported, "made": time.time()}}
open({told!r}, "w").write(json.dumps(told))
page"""
#: Between two keys: who hears a cue before judging it is slower.
REST_MS = 200
#: Keys that are measured fifty times each, and whether until the kernel says "saved"; else until the page shows it,
#: which of an edge waits for the kernel, too.
KEYS = {
    "accept (Y), and on to the next cue": (["y"], True),
    "reject (N), and on to the next cue": (["n"], True),
    "an edge 0.05 s later (])": (["]"], False),
    "next cue (J)": (["j"], False),
    "one second on (→)": (["ArrowRight"], False),
}
_WATCH = """() => {
    const root = document.querySelector('.fl-audition'), q = (s) => root.querySelector(s);
    window.spent = [];
    root.addEventListener('keydown', () => {
        const begun = performance.now(), saved = () => q('.fl-status').textContent;
        const before = [saved(), q('.fl-timecode').textContent + q('.fl-cue-line').textContent];
        window.pending = { begun, before };
    }, { capture: true });
    const look = () => {
        const p = window.pending;
        if (!p) return;
        const answered = q('.fl-status').textContent !== p.before[0];
        const shown = q('.fl-timecode').textContent + q('.fl-cue-line').textContent !== p.before[1];
        if (window.byKernel ? answered : shown) {
            window.pending = null;
            window.spent.push(performance.now() - p.begun);
        }
    };
    new MutationObserver(look).observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def make_corpus(folder: Path, cues: int, hours: float) -> Path:
    """The corpus, unless it is there."""
    if (folder / "films.csv").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tracks").mkdir(parents=True)
    rng, seconds = np.random.default_rng(0), round(3600 * hours)
    tunes = []
    for k in range(TRACKS):
        notes = 220 * 2 ** (rng.integers(0, 24, 240) / 12)
        t = np.arange(RATE // 4) / RATE
        tunes.append(np.concatenate([0.3 * np.sin(2 * np.pi * f * t) * np.exp(-3 * t) for f in notes]).astype("f4"))
        write_audio(folder / "tracks" / f"{k + 1:02d} Track.flac", tunes[-1], RATE)
    part = 60 * TRACKS
    ramp = (np.add.outer(np.arange(90), np.arange(160)) % 200).astype(np.uint8)
    pictures = (np.roll(ramp, 2 * i, axis=1) for i in range(part * FPS))
    options = {"preset": "ultrafast", "g": str(10 * FPS), "bf": "0"}
    sound = np.concatenate(tunes).astype(np.float16)
    write_film(folder / "part.mp4", pictures, sound, fps=FPS, rate=RATE, bit_rate=32_000, options=options)
    repeat(folder / "part.mp4", folder / "epic.mkv", part, seconds)
    starts = np.sort(rng.choice(seconds // 6 - 3, cues, replace=False)) * 6.0
    table = pd.DataFrame({"film_id": "epic", "cue": range(cues), "start": starts, "end": starts + 5.5})
    table["track"] = [f"{int(s // 60) % TRACKS + 1:02d} Track" for s in starts]
    table = table.assign(track_start=starts % 60, speed=1.0, score=rng.uniform(20, 400, cues).round(1))
    (folder / "films.csv").write_text(
        "film_id,title,year,genres,film,soundtrack\nepic,Epic,1962,Drama,epic.mkv,tracks\n", encoding="utf-8"
    )
    columns = ["film_id", "cue", "track", "start", "end", "track_start", "speed", "score"]
    put_table(Corpus.open(folder), "cues", "epic", table[columns], duration=float(seconds))
    return folder


def repeat(part: Path, whole: Path, length: int, seconds: int) -> None:
    """A long film of one part over and over, without coding it again; packets beyond the part's end are left out."""
    with av.open(str(whole), "w") as box, av.open(str(part)) as source:
        streams = [box.add_stream_from_template(s) for s in source.streams]
        for turn in range(-(-seconds // length)):
            source.seek(0)
            for packet in source.demux():
                tick = packet.time_base
                if packet.dts is None or not 0 <= packet.dts * tick < min(length, seconds - turn * length):
                    continue
                shift = round(turn * length / tick)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream_index]
                box.mux(packet)


def cpu(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[float, float]:
    """Memory in use of a process, and the most that it ever had, in MB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM"))


def workers(pid: int) -> list[int]:
    """Processes that a process started and their own."""
    here = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        here += [int(p) for p in (thread / "children").read_text().split()]
    return [p for found in dict.fromkeys(here) for p in (found, *workers(found))]


def one_run(corpus: Path, work: Path, count: int) -> dict:
    """Opens the bench, presses keys, and says what it took."""
    book, told = work / "bench.ipynb", work / "told.json"
    cell = nbformat.v4.new_code_cell(_CELL.format(corpus=str(corpus), told=str(told)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), book)
    shutil.rmtree(corpus / "verdicts", ignore_errors=True)
    arguments = [str(book), "--no-browser", "--port={port}", "--Voila.ip=127.0.0.1", "--Voila.token={token}"]
    server = served(["-m", "voila"], arguments, work, cwd=work, ready="/login")
    with server as (address, token), chromium(work / "profile", width=1400, height=900) as (page, _):
        asked = time.time()
        page.goto(f"{address}/?token={token}", timeout=300_000, wait_until="commit")
        page.wait_for_selector(".fl-audition[data-ready=true]", timeout=300_000)
        ready = page.evaluate("(performance.timeOrigin + performance.now()) / 1000")
        said = json.loads(told.read_text())
        found = {"page asked for → ready": ready - asked, "cell run → ready": ready - said["begun"]}
        found["of it imports"] = said["imported"] - said["begun"]
        found["widget made → ready"] = ready - said["made"]
        print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.items()), flush=True)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")

        def page_cpu() -> float:
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            return next(m["value"] for m in metrics if m["name"] == "ProcessTime")

        page.locator(".fl-audition").focus()
        page.evaluate(_WATCH)
        page.wait_for_timeout(1000)
        for name, (keys, by_kernel) in KEYS.items():
            page.evaluate(f"[window.spent, window.byKernel] = [[], {str(by_kernel).lower()}]")
            before = cpu(said["pid"]), page_cpu()
            for _ in range(count):
                page.wait_for_timeout(REST_MS)
                page.evaluate("document.querySelector('.fl-audition .fl-status').textContent = ''")
                have = page.evaluate("window.spent.length")
                for key in keys:
                    page.keyboard.press(key)
                page.wait_for_function(f"window.spent.length > {have}", timeout=60_000)
            spent = page.evaluate("window.spent")
            after = cpu(said["pid"]), page_cpu()
            used = [1000 * (b - a) / count for a, b in zip(before, after, strict=True)]
            found[name] = {"times": spent, "kernel": used[0], "page": used[1]}
            print(f"{name}: {statistics.median(spent):.0f} ms, CPU {used[0]:.0f} + {used[1]:.0f} ms", flush=True)
        rows = len((corpus / "verdicts" / "epic.csv").read_text(encoding="utf-8").splitlines()) - 1
        assert rows >= 2 * count, f"only {rows} verdicts were written of {2 * count}"
        found["memory"] = memory(said["pid"])
        found["workers"] = sum(memory(p)[0] for p in workers(said["pid"]))
        page.screenshot(path=work / "bench400.png")
    return found


def main() -> None:
    """Measure, print and write bench400.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cues", type=int, default=400)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keys", type=int, default=50)
    arguments = parser.parse_args()
    kept = Path(tempfile.gettempdir()) / f"filmlens-bench-{arguments.cues}-{arguments.hours:g}"
    corpus = make_corpus(kept / "corpus", arguments.cues, arguments.hours)
    os.environ["FILMLENS_CACHE"] = str(kept / "cache")
    shutil.rmtree(kept / "cache", ignore_errors=True)
    shutil.rmtree(corpus / "derived" / "peaks", ignore_errors=True)
    runs, loads = [], []
    for _ in range(arguments.runs):
        loads.append(os.getloadavg()[0])
        with tempfile.TemporaryDirectory() as work:
            runs.append(one_run(corpus, Path(work), arguments.keys))
        print(f"load {loads[-1]:.1f}", flush=True)
    cells = [f"load {load:.1f}" for load in loads]
    command = f"python benchmarks/bench400.py --runs {arguments.runs} --keys {arguments.keys}"
    lines = [
        "# The bench on a long film",
        "",
        f"`OMP_NUM_THREADS=1 {command}`",
        "",
        f"{arguments.cues} cues in a film of {arguments.hours:g} hours, Chromium without a screen, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores; above each run the load of the machine when it began "
        f"(one is a core in use). A key comes {REST_MS} ms after the answer to the one before. A verdict is answered "
        "when the page says that it is saved, an edge and a place when the page shows them. The first run makes the "
        "film's waveform meanwhile, the others find it.",
        "",
        "| | " + " | ".join(cells) + " |",
        "| --- |" + " ---: |" * len(cells),
    ]
    for name in ("page asked for → ready", "cell run → ready", "of it imports", "widget made → ready"):
        lines.append(f"| {name} (s) | " + " | ".join(f"{run[name]:.2f}" for run in runs) + " |")
    for name in KEYS:
        for what, number in (("median", 50), ("p90", 90)):
            values = [f"{np.percentile(run[name]['times'], number):.0f}" for run in runs]
            lines.append(f"| {name}: {what} of {arguments.keys} (ms) | " + " | ".join(values) + " |")
        values = [f"{run[name]['kernel']:.0f} + {run[name]['page']:.0f}" for run in runs]
        lines.append("| CPU of kernel + page for each (ms) | " + " | ".join(values) + " |")
    memories = ["{:.0f}, {:.0f}".format(*run["memory"]) for run in runs]
    lines.append("| kernel: memory in use, most ever (MB) | " + " | ".join(memories) + " |")
    lines.append("| its processes that decode media (MB) | " + " | ".join(f"{r['workers']:.0f}" for r in runs) + " |")
    best = min(statistics.median(run["accept (Y), and on to the next cue"]["times"]) for run in runs)
    lines += ["", f"Best of the runs: a verdict is answered in {best:.0f} ms."]
    text = "\n".join(lines) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
