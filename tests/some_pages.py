"""A page of `hsw2v explore`, and requests to it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest
from commandline import WORDS
from some_models import some_model

import hsw2v
from hsw2v.explore.questions import Questions
from hsw2v.explore.server import ExploreServer

MORE_WORDS = [*WORDS, "Kingdom", "kind", "ÉCOLE", "école", "<script>alert(1)</script>", 'a"b']


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def explored(model: hsw2v.Model, **settings: Any) -> Iterator[str]:
    """Serve a model, and give the address of its page."""
    with ExploreServer(Questions(model, **settings).answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.address
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def model() -> hsw2v.Model:
    return some_model("hs", MORE_WORDS, window=2)


@pytest.fixture(scope="module")
def address(model: hsw2v.Model) -> Iterator[str]:
    with explored(model) as found:
        yield found


def request(
    address: str, rest: str = "", *, method: str = "GET", headers: dict[str, str] | None = None
) -> Reply:
    """Send a request to what is below an address, as it stands."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, parts.path + rest, headers=headers or {})
        reply = connection.getresponse()
        return Reply(reply.status, dict(reply.getheaders()), reply.read())
    finally:
        connection.close()


def ask(address: str, question: str, **fields: object) -> Any:
    """Ask a question, and return what its answer holds."""
    reply = request(address, f"ask/{question}?{urlencode(fields, doseq=True)}")
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == "application/json"
    return json.loads(reply.body)
