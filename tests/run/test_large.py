"""The size of the paper's study: 110 films from nothing to the report, in the memory of a laptop."""

import json
import os
import subprocess
import sys

import pytest

from filmlens.demo import build

SCRIPT = """
import resource, sys
from filmlens.run.notebooks import run
if __name__ == "__main__":
    code = run(sys.argv[1], sys.argv[2], jobs=2, profile="quick")
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        print("peak", resource.getrusage(who).ru_maxrss)
    sys.exit(code)
"""


@pytest.mark.slow
def test_110_films_pass_the_quick_profile_in_little_memory(tmp_path):
    build(tmp_path / "corpus", films=110, seconds=30, jobs=2, progress=lambda line: None)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), str(tmp_path / "corpus"), str(tmp_path / "out")]
    environment = os.environ | {"FILMLENS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    main, largest_kernel = (int(line.split()[1]) / 2**20 for line in done.stdout.splitlines() if line[:4] == "peak")
    assert main < 1.5, f"{main:.2f} GB"
    assert largest_kernel < 4, f"{largest_kernel:.2f} GB"
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["corpus"]["films"] == 110 and not provenance["errors"] and not provenance["failures"]
    print(f"{provenance['minutes']} min, main {main:.2f} GB, largest kernel {largest_kernel:.2f} GB")
