"""The page of a blind listening: one clip at a time, served on this machine alone, with forms and without a script."""

import secrets
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from filmlens.audition import blind
from filmlens.corpus import Corpus
from filmlens.text import html, say

_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
_LONGEST = 10_000  # bytes of an answer
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Blind listening</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark }} body {{ font: 18px/1.6 system-ui, sans-serif; max-width: 34rem;
margin: 3rem auto; padding: 0 1rem }} label {{ display: block; padding: .2em 0 }} fieldset {{ border: 1px solid #8886;
border-radius: 6px; margin: 1.2em 0 }} button {{ font: inherit; padding: .4em 1.4em }} audio {{ width: 100% }}
</style><body>{body}</body></html>"""


def page(key, genres: list[str], clip: int | None, done: int) -> str:
    """The page for a clip, or the last one."""
    if clip is None:
        return _PAGE.format(
            body=f"<h1>Thank you</h1><p>All {len(key)} clips are answered. Close this page, and end the command with "
            "Ctrl-C.</p>"
        )
    boxes = "".join(f'<label><input type="checkbox" name="genre" value="{html(g)}"> {html(g)}</label>' for g in genres)
    return _PAGE.format(
        body=f"<h1>Clip {done + 1} of {len(key)}</h1><p>Which genres of film does this music belong to? Name as many "
        "as you hear, or none.</p>"
        f'<audio controls autoplay src="clip/{clip}" aria-label="the clip"></audio>'
        f'<form method="post"><input type="hidden" name="clip" value="{clip}"><fieldset><legend>Genres</legend>{boxes}'
        '</fieldset><label><input type="checkbox" name="known" value="True"> I know this music or its film</label>'
        "<p><button>Next</button></p></form>"
    )


def server(corpus: Corpus, who: str, *, port: int = 0) -> ThreadingHTTPServer:
    """A server of the quiz on 127.0.0.1; its address, with the token, is its attribute ``address``."""
    key, token = blind.key_of(corpus), secrets.token_hex(16)
    clips, genres = blind.sounds(corpus, key), [c[2:] for c in key.columns if c.startswith("p ")]
    turn = blind.order(key, who)

    class Quiz(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = self.path.removeprefix(f"/{token}/")
            if place == self.path:
                self.send_error(HTTPStatus.FORBIDDEN)
            elif place.startswith("clip/") and place[5:].isdigit() and int(place[5:]) in clips:
                self._answer("audio/ogg", clips[int(place[5:])])
            elif place == "":
                answers = blind.answers_of(corpus)
                done = set(answers.loc[answers["who"] == who, "clip"])
                clip = next((c for c in turn if c not in done), None)
                self._answer("text/html; charset=utf-8", page(key, genres, clip, len(done)).encode())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if self.path != f"/{token}/" or size > _LONGEST:
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            form = parse_qs(self.rfile.read(size).decode("utf-8", "replace"))
            clip = form.get("clip", [""])[0]
            if clip.isdigit() and int(clip) in clips:
                named = [g for g in form.get("genre", []) if g in genres]
                blind.put_answer(corpus, who, int(clip), named, "known" in form)
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", f"/{token}/")
            self.end_headers()

        def _answer(self, kind: str, data: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            for name, value in (("Content-Type", kind), ("Content-Length", str(len(data)))):
                self.send_header(name, value)
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_words) -> None:
            """Nothing: requests are no news."""

    found = ThreadingHTTPServer(("127.0.0.1", port), Quiz)
    found.address = f"http://127.0.0.1:{found.server_port}/{token}/"
    return found


def serve(corpus: Corpus, who: str, *, port: int = 0, browser: bool = True) -> None:
    """Serve the quiz until it is interrupted."""
    with server(corpus, who, port=port) as quiz:
        say(quiz.address)
        if browser:
            webbrowser.open(quiz.address)
        try:
            quiz.serve_forever()
        except KeyboardInterrupt:
            say(f"answers of {who} are kept in {blind.folder_of(corpus) / 'answers'}")
