"""``make lab``: JupyterLab on this machine alone, its whole address printed once, the token in no list of processes."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

from filmlens.run.start import write_start


def command(port: int, place: str) -> list[str]:
    """The command that starts JupyterLab at the repository, a page or notebook open, without news and questions."""
    words = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    words += [f"--ServerApp.root_dir={Path.cwd()}", f"--LabApp.default_url=/lab/tree/{place}"]
    words += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    # what serves the old notebook page, and prints a warning as it does
    words += ["--ServerApp.jpserver_extensions=notebook_shim=False"]
    # its own lines would show a second address, with dots in place of the token
    words += ["--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"]
    # in a container the only user may be root, whom JupyterLab refuses otherwise
    return words + (["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else [])


def main(place: str = "") -> None:
    """Start JupyterLab in the place of this process; ``--no-browser`` and other options of its own are passed on.

    `place`, the start page by default, opens: a path from the repository, with ``?reset`` without what was open before.
    """
    place = place or write_start(Path.cwd()).relative_to(Path.cwd()).as_posix()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    opened = f"{place}{'&' if '?' in place else '?'}token={token}"
    print(f"JupyterLab: http://127.0.0.1:{port}/lab/tree/{opened}", flush=True)
    print("Open this address if no browser opens. Ctrl-C ends JupyterLab.", flush=True)
    # defaults, which the user's own settings override: no question about news, light or dark as the system is
    folders = [os.environ.get("JUPYTER_CONFIG_PATH"), str(Path(__file__).parent / "jupyter")]
    given = {"JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, folders))}
    os.execve(sys.executable, [*command(port, place), *sys.argv[1:]], os.environ | given)


if __name__ == "__main__":
    main()
