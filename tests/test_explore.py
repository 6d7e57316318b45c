"""`hsw2v explore` without a browser: who is answered, and what."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from commandline import complaint, write_model
from some_pages import address, ask, explored, model, request

import hsw2v
from hsw2v.explore.questions import Questions

__all__ = ["address", "model"]


def test_the_page_and_its_files_come_with_their_types(address: str) -> None:
    page = request(address)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for name, kind in (
        ("explore.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ):
        reply = request(address, name)
        assert (reply.status, reply.headers["Content-Type"]) == (200, kind)
        assert name.encode() in page.body


def test_every_reply_forbids_what_a_page_does_not_need(address: str) -> None:
    for rest in ("", "explore.js", "ask/model", "ask/none", "none"):
        headers = request(address, rest).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert "Set-Cookie" not in headers


def test_markup_holds_no_code(address: str) -> None:
    page = request(address).body.decode()
    assert "onclick" not in page
    assert "style=" not in page
    assert "<script>" not in page
    for name in ("explore.js", "panels.js", "parts.js", "path.js", "search.js"):
        code = request(address, name).body.decode()
        for one in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
            assert one not in code
        assert "http://" not in code.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in code


@pytest.mark.parametrize("token", ["", "x/", "x" * 32 + "/", "%00/", "%C3%A9/"])
def test_without_the_token_nothing_is_told(address: str, token: str) -> None:
    root = address[: address.index("/", 8) + 1]
    for rest in ("", "ask/model", "explore.js"):
        reply = request(root, token + rest)
        assert reply.status == 403
        assert b"hsw2v explore printed" in reply.body
        assert b"king" not in reply.body


def test_tokens_differ_and_a_part_of_one_is_none(address: str, model: hsw2v.Model) -> None:
    with explored(model) as other:
        assert urlsplit(other).path != urlsplit(address).path
    assert request(address.rstrip("/")[:-1] + "/").status == 403
    assert request(address.rstrip("/")).status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "", "[::1]"]
)
def test_another_name_of_the_host_is_refused(address: str, host: str) -> None:
    assert request(address, headers={"Host": host}).status == 403


def test_both_names_of_this_machine_are_answered(address: str) -> None:
    port = urlsplit(address).port
    for name in ("127.0.0.1", "localhost"):
        assert request(address, headers={"Host": f"{name}:{port}"}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "FOO"])
def test_there_is_only_get(address: str, method: str) -> None:
    reply = request(address, method=method)
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "rest",
    [
        *("../explore/server.py", "..%2f..%2ferrors.py", "%2e%2e/asked.py", "/etc/passwd"),
        *("page/index.html", "index.html/", "style.css%00", "__init__.py", "ask/", "ask/../model"),
    ],
)
def test_no_other_file_is_given(address: str, rest: str) -> None:
    assert request(address, rest).status == 404


def test_long_questions_are_refused(address: str) -> None:
    assert request(address, "ask/similar?word=" + "x" * 9_000).status == 414
    assert request(address, "ask/similar?word=" + "x" * 70_000).status == 414
    assert "characters" in ask(address, "similar", word="x" * 1_001)["error"]
    assert "too long" in ask(address, "similar", word=["x"] * 101)["error"]
    assert "at most" in ask(address, "similar", word=["king"] * 25)["hint"]


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"),
        *(b"GET /\xe9/ HTTP/1.0\r\n\r\n", b"GET http://[ HTTP/1.0\r\n\r\n", b"\x16\x03" * 9),
    ],
)
def test_what_is_no_request_ends_no_server(
    address: str, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=20) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        client.recv(1 << 16)
    assert request(address).status == 200
    assert capfd.readouterr().err == ""


def test_a_bug_is_told_and_ends_no_server(
    model: hsw2v.Model, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Questions, "similar", lambda self, asked: {}["nothing"])
    with explored(model) as address:
        reply = request(address, "ask/similar?word=king")
        assert (reply.status, json.loads(reply.body)["error"]) == (500, "this is a bug in hsw2v")
        assert ask(address, "model")["words"] == len(model)
    assert "KeyError" in capfd.readouterr().err


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.safetensors")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = complaint("explore", path, "--port", port, "--no-browser", code=2)
    assert f"port {port} is in use" in said
    assert "--port" in said
    complaint("explore", path, "--port", 70_000, code=2)
    complaint("explore", tmp_path / "none.safetensors", code=3)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_prints_its_address_and_ends_as_others(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    path = write_model(tmp_path / "m.safetensors")
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-m", "hsw2v", "explore", path, "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert select.select([process.stdout], [], [], 60)[0]
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        assert ask(address, "similar", word="king", k=1)["similar"][0]["word"] == "prince"
        process.send_signal(sent)
        assert process.wait(30) == code
        told = process.stderr.read()
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("hsw2v: ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_browser_is_opened_where_there_is_a_display(tmp_path: Path) -> None:
    path, noted = write_model(tmp_path / "m.safetensors"), tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {noted}.part && mv {noted}.part {noted}\n')
    browser.chmod(0o755)
    for display, more in ((":9", []), ("", []), (":9", ["--no-browser"])):
        opened = bool(display) and not more
        noted.unlink(missing_ok=True)
        world = {
            **os.environ,
            "DISPLAY": display,
            "WAYLAND_DISPLAY": "",
            "BROWSER": f"{browser} %s",
        }
        command = [sys.executable, "-m", "hsw2v", "explore", path, *more]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=world
        ) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            deadline = time.monotonic() + (20 if opened else 0.3)
            while not noted.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.wait(30)
        assert noted.exists() == opened
        if opened:
            assert noted.read_text() == address
