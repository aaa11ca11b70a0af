"""Notebook 06 as a page of its own, by voila on this machine alone: for people who do not know Jupyter."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

#: The page may load nothing from elsewhere: voila's template asks a content network for icons that it does not need.
POLICY = "; ".join(
    [
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
        "connect-src 'self' data: blob: ws://127.0.0.1:* ws://localhost:*",
        "frame-ancestors 'self'",
    ]
)


def serve(notebook: Path, corpus: Path, *, port: int = 0, browser: bool = True, token: str = "") -> None:
    """Serve the audition of a corpus on 127.0.0.1 until it is interrupted.

    Parameters
    ----------
    notebook : Path
        Notebook 06; a copy of it is served.
    corpus : Path
        Folder with films.csv.
    port : int
        0 takes a free one.
    browser : bool
        Whether a browser is opened.
    token : str
        What the address must carry; drawn by default.
    """
    import papermill
    from traitlets.config import Config
    from voila.app import Voila

    token = token or secrets.token_hex(16)
    config = Config()
    config.Voila.ip = "127.0.0.1"
    config.Voila.port = port or _free_port()
    config.Voila.open_browser = browser
    config.Voila.token = token
    config.Voila.tornado_settings = {"headers": {"Content-Security-Policy": POLICY}}
    with tempfile.TemporaryDirectory(prefix="filmlens-") as folder:
        page = Path(folder) / "audition.ipynb"
        papermill.execute_notebook(
            str(notebook), str(page), {"corpus": str(corpus)}, prepare_only=True, progress_bar=False
        )
        print(f"http://127.0.0.1:{config.Voila.port}/?token={token}", flush=True)
        Voila.launch_instance([str(page)], config=config)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
