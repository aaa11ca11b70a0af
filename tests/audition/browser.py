"""JupyterLab and a real Chromium for tests: everything private, on 127.0.0.1, with a token."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Screenshots are kept here.
SHOTS = ROOT / "out" / "audition"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium():
    """Path of a Chromium, or None."""
    return os.environ.get("CHROMIUM") or next((p for p in map(shutil.which, NAMES) if p), None)


@contextlib.contextmanager
def served(module, arguments, home, cwd, ready="/api"):
    """A server of Jupyter's in a process of its own with private folders; gives address and token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    private = {f"JUPYTER_{k}_DIR": str(home / k) for k in ("CONFIG", "DATA", "RUNTIME")}
    env = os.environ | private | {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT), "HOME": str(home)}
    settings = home / "CONFIG" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    # Jupyter's news would ask the network
    settings.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    command = [sys.executable, *module, *(a.format(port=port, token=token) for a in arguments)]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, cwd=cwd)
        try:
            for _ in range(240):
                if process.poll() is not None:
                    raise RuntimeError((home / "log").read_text()[-2000:])
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}?token={token}", timeout=60)
                    break
                except OSError:
                    time.sleep(0.25)
            yield f"http://127.0.0.1:{port}", token
        finally:
            process.terminate()
            process.wait(30)


def lab(folder, home):
    """JupyterLab on a folder."""
    return served(
        ["-m", "jupyterlab"],
        "--no-browser --allow-root --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0 "
        "--IdentityProvider.token={token} --LabApp.expose_app_in_browser=True".split(),
        home,
        cwd=folder,
    )


@contextlib.contextmanager
def chromium(profile, **viewport):
    """A page of a fresh Chromium, and the list of requests that it made to other machines."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            profile,
            executable_path=find_chromium(),
            headless=True,
            args=FLAGS,
            viewport=viewport,
            accept_downloads=True,
        )
        page, outside = context.pages[0], []
        page.on("request", lambda r: outside.append(r.url) if _leaves(r.url) else None)
        try:
            yield page, outside
        finally:
            context.close()


def _leaves(url):
    return url.startswith(("http", "ws")) and "//127.0.0.1" not in url


def open_notebook(page, address, token, name):
    """Open a notebook, wait for its kernel, run all cells."""
    page.goto(f"{address}/lab/tree/{name}?reset&token={token}")
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=90_000)
    page.evaluate(
        "async () => { const w = window.jupyterapp.shell.currentWidget; await w.context.ready;"
        " await w.sessionContext.ready; await w.sessionContext.session.kernel.info }"
    )
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")


def command(page, name, **arguments):
    page.evaluate("([name, a]) => window.jupyterapp.commands.execute(name, a)", [name, arguments])


def overflowing(page):
    """Controls of the audition that stick out of it, and whether anything can be scrolled sideways."""
    return page.evaluate(
        """() => {
        const root = document.querySelector('.fl-audition'), edge = root.getBoundingClientRect();
        const out = [...root.querySelectorAll('*')].filter(e => !e.closest('.fl-hidden') && e.offsetParent !== null)
            .map(e => [e, e.getBoundingClientRect()])
            .filter(([e, box]) => box.right > edge.right + 1 || box.left < edge.left - 1)
            .map(([e]) => e.tagName + '.' + e.className);
        for (let e = root; e; e = e.parentElement) {
            const wide = e.clientWidth && e.scrollWidth > e.clientWidth + 1;
            if (wide && getComputedStyle(e).overflowX !== 'visible') out.push('scrolls: ' + e.className);
        }
        return out }"""
    )
