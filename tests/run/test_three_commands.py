"""From two folders to the first cues in a report with three commands, on recordings of real music and pictures."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

MAKER = Path(__file__).resolve().parents[3] / "shared" / "tools" / "make_real_corpus.py"


@pytest.mark.slow
@pytest.mark.skipif(not MAKER.is_file(), reason="needs ../shared/tools/make_real_corpus.py")
def test_new_check_and_run_lead_to_a_cue_timeline(tmp_path):
    subprocess.run([sys.executable, str(MAKER), "real", "--films", "3"], cwd=tmp_path, check=True)

    def command(*words):
        done = subprocess.run(
            [sys.executable, "-m", "filmlens.cli", *words], cwd=tmp_path, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    code, said = command("new", "mine", "--films", "real/films", "--soundtracks", "real/soundtracks")
    assert code == 0 and "3 films and 3 albums found" in said, said
    code, said = command("check", "mine")
    assert code == 1 and said.count("has no genre") == 3 and "3 problems (3 films, 0.05 hours" in said, said
    code, said = command("run", "mine", "--out", "out", "--notebooks", "01")
    assert code == 0 and "0 failures" in said, said
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'src="figures/fig1_stamper.png"' in page and (tmp_path / "out" / "figures" / "fig1_stamper.png").is_file()
    found = pd.read_csv(tmp_path / "out" / "cues.csv", comment="#")
    assert found.groupby("film_id").size().min() >= 1 and found["film_id"].nunique() == 3
