"""A server of one page on the local machine, for whoever has its address.

It listens on the loopback interface alone. The address holds a random token, without which nothing
is told; requests must name the server by its own name, so that no other site can lead a browser
there under another one (DNS rebinding). Everything is GET, nothing is kept, nothing is sent
elsewhere.
"""

from __future__ import annotations

import errno
import hmac
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

import orjson

from hsw2v.errors import UsageError

HOST = "127.0.0.1"
Answer = Callable[[str, str], tuple[int, Any]]
"""The name of a question and its query in; a status of HTTP and what JSON holds out."""

_SECONDS = 30
_MOST_LETTERS = 8192
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
MODULES = ("explore", "panels", "parts", "path", "search")
FILES = {
    "style.css": "pages",
    **dict.fromkeys(
        ("index.html", "explore.css", "icon.svg", *(f"{one}.js" for one in MODULES)),
        "explore/page",
    ),
}
"""The folder of each."""
_JSON = "application/json"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ExploreServer(ThreadingMixIn, TCPServer):
    """Gives the files of the page, and answers to its questions."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, port: int = 0) -> None:
        """Listen on a port of the loopback interface; 0 is a free one.

        Raises:
            UsageError: the port is in use, or may not be used.
        """
        self.ask, self.token = answer, secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            raise UsageError(
                f"port {port} " + ("is in use" if in_use else f"cannot be used ({error.strerror})"),
                hint="choose another with --port, or leave it out for a free one",
            ) from error

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_address[1]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away before it had its answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ExploreServer
    server_version, sys_version = "hsw2v", ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        """Answer a request that comes from the page, or asks for it."""
        path, _, query = self.path.partition("?")
        token, slash, name = path.removeprefix("/").partition("/")
        if not self._is_at_home() or not hmac.compare_digest(
            token.encode(errors="replace"), self.server.token.encode()
        ):
            self.send_error(HTTPStatus.FORBIDDEN, "open the address that hsw2v explore printed")
        elif len(self.path) > _MOST_LETTERS:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG, "the question is too long")
        elif name.startswith("ask/"):
            self._answer(name.removeprefix("ask/"), query)
        elif slash and (name or "index.html") in FILES:
            name = name or "index.html"
            content = files("hsw2v").joinpath(FILES[name], name).read_bytes()
            self._send(HTTPStatus.OK, _TYPES[name.rpartition(".")[2]], content)
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such page")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send an error as JSON: `BaseHTTPRequestHandler` would send a page."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code, message = HTTPStatus.METHOD_NOT_ALLOWED, "there is only GET"
        self._send_json(code, {"error": message or HTTPStatus(code).phrase, "hint": ""})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Write no log: addresses hold the token."""

    def _answer(self, name: str, query: str) -> None:
        try:
            status, answer = self.server.ask(name, query)
        except Exception:
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug in hsw2v")
            raise
        self._send_json(status, answer)

    def _is_at_home(self) -> bool:
        port = self.server.server_address[1]
        return self.headers.get_all("Host") in ([f"{HOST}:{port}"], [f"localhost:{port}"])

    def _send_json(self, status: int, answer: Any) -> None:
        self._send(status, _JSON, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), **_HEADERS}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
