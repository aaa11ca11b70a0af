"""The bench as a page of its own, by voila on this machine alone: for people who do not know Jupyter."""

import secrets
import socket
import tempfile
from pathlib import Path

from filmlens import stages
from filmlens.corpus import Corpus
from filmlens.text import say

#: The page may load nothing from elsewhere: voila's template asks a content network for icons that it does not need.
POLICY = "; ".join(
    [
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
        "connect-src 'self' data: blob: ws://127.0.0.1:* ws://localhost:*",
        "frame-ancestors 'self'",
    ]
)


#: What the page runs: the bench and nothing else.
_CELL = """from filmlens.audition import AuditionCorpus

AuditionCorpus({corpus!r}, who={who!r}, alone=True)"""


def serve(corpus: Path, *, who: str = "", port: int = 0, browser: bool = True) -> None:
    """Serve the audition of a corpus on 127.0.0.1 until it is interrupted; films that have no cues are stamped first.

    `who` is an annotator, as in `Audition`; `port` 0 takes a free one; `browser` says whether a browser is opened.
    """
    import nbformat
    from traitlets.config import Config
    from voila.app import Voila

    try:
        stages.run(Corpus.open(corpus), "cues", jobs=2)
    except (ValueError, OSError) as error:  # what is on disk can be judged all the same
        say(f"the cues are those on disk: {error}")
    token = secrets.token_hex(16)
    config = Config()
    config.Voila.ip = "127.0.0.1"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config.Voila.port = port or free.getsockname()[1]
    config.Voila.open_browser = browser
    config.Voila.token = token
    config.Voila.tornado_settings = {"headers": {"Content-Security-Policy": POLICY}}
    config.VoilaConfiguration.file_allowlist = []  # voila serves files without asking for the token
    cell = nbformat.v4.new_code_cell(_CELL.format(corpus=str(corpus.absolute()), who=who))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    with tempfile.TemporaryDirectory(prefix="filmlens-") as folder:
        page = Path(folder) / "audition.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), page)
        print(f"http://127.0.0.1:{config.Voila.port}/?token={token}", flush=True)
        Voila.launch_instance([str(page)], config=config)
