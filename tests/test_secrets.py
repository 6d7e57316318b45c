"""What no input makes the program do: run code, use the network, or tell credentials."""

from __future__ import annotations

import ast
import json
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smart_open
from commandline import complaint, run, write_corpus
from test_checkpoints import Interrupting

import hsw2v
from hsw2v import errors
from hsw2v.errors import credentials, without_credentials
from hsw2v.files import pieces

PACKAGE = Path(hsw2v.__file__).parent
SECRETS = ("AKIAUSER", "wJalr/XUt+nFEMI", "hunter2", "deadbeef51g", "T0KEN", "c0des")
ADDRESSES = {
    "s3://AKIAUSER:wJalr/XUt+nFEMI@bucket/a.txt": "a.txt",
    "https://user:hunter2@host/b.txt?X-Amz-Signature=deadbeef51g&part=T0KEN": "b.txt",
    "https://user:hunter2@host/held.txt?deadbeef51g": "b.txt",
    "https://host/codes.tsv?sig=c0des": "codes.tsv",
    "https://user:hunter2@host/pairs.tsv?sig=deadbeef51g": "pairs.tsv",
    "https://user:hunter2@host/m.safetensors?sig=deadbeef51g": "m.safetensors",
}
FIRST, SECOND, HELDOUT, CODES, PAIRS, MODEL = ADDRESSES
SMALL = ("--dim", "8", "--threads", "1", "--epochs", "2", "--min-count", "1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files have addresses."""
    served = tmp_path / "served"
    served.mkdir()
    write_corpus(served / "a.txt")
    write_corpus(served / "b.txt", 20)
    (served / "pairs.tsv").write_text("a1\ta2\t7\na1\tb2\t1\na1\tb3\t2\n")

    def open_address(address: str, mode: str, compression: str) -> Any:
        assert (mode, compression) == ("rb", "disable")
        if address in ADDRESSES:
            return open(served / ADDRESSES[address], "rb")
        # As libraries do: the whole address, and the part of it that was asked for.
        asked = address.split("/", 3)[3]
        raise OSError(f"403 Client Error for {address}, with url: /{asked}")

    monkeypatch.setattr(smart_open, "open", open_address)
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


def look_for_secrets(folder: Path, *told: str) -> None:
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files
    for secret in SECRETS:
        for where, content in files.items():
            assert secret not in where
            assert secret.encode() not in content, where
        for one in told:
            assert secret not in one


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://KEY:SEC/R+T=@bucket/a.txt", "s3://bucket/a.txt"),
        ("https://host:8080/a@b.txt", "https://host:8080/a@b.txt"),
        ("ftp://user:pa?ss@host/f", "ftp://host/f"),
        ("https://h/f.txt?sig=X&v=2, line 3", "https://h/f.txt?sig=…&v=…, line 3"),
        ("https://h/f.txt?X;v=2#t=3", "https://h/f.txt?…;v=…#t=…"),
        ("s3://bucket/a#1.txt", "s3://bucket/a#1.txt"),
        ("no: s3://k@b/c (or gs://e:f@g?h)", "no: s3://b/c (or gs://g?…"),
        ("is it? a=b", "is it? a=b"),
    ],
)
def test_addresses_are_shown_without_credentials(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
    assert without_credentials(shown) == shown
    for one in credentials(text):
        assert one not in {*credentials(shown)} - {"…"}


def test_a_training_tells_no_credentials(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("train", folder.parent / "served" / "a.txt", "-o", "tree", *SMALL)
    run("tree", "tree", "--codes", "-o", folder.parent / "served" / "codes.tsv")
    corpus = (FIRST, SECOND, "--heldout", HELDOUT, "--tree", CODES, *SMALL)
    log, command = ("--log-json", "log.jsonl"), ("train", *corpus)
    planned = run("plan", FIRST, SECOND, "--tree", CODES, "--json", *SMALL)
    assert (
        json.loads(planned.stdout)["config"]["training"]["tree"] == "https://host/codes.tsv?sig=…"
    )
    dry = run(*command, "--dry-run")
    with monkeypatch.context() as patched:
        Interrupting(patched, 1)
        interrupted = run(*command, *log, code=130)
    assert "hsw2v resume" in interrupted.stderr
    assert (folder / "a.safetensors.checkpoint" / "state-1").exists()
    again = complaint(*command, "--quiet", code=7)
    told = [one.stderr + one.stdout for one in (planned, dry, interrupted)]
    look_for_secrets(folder, again, *told)
    other = complaint(*command, "--resume", "--quiet", "--seed", "7", code=2)
    resumed = run(*command, *log, "--resume")
    shown = run("info", "a.safetensors", "--json")
    facts = json.loads(shown.stdout)
    assert facts["origin"] == "s3://bucket/a.txt https://host/b.txt?X-Amz-Signature=…&part=…"
    look_for_secrets(folder, other, resumed.stderr, shown.stdout)
    first, *_ = (folder / "log.jsonl").read_text().splitlines()
    assert json.loads(first)["config"]["training"]["tree"] == "https://host/codes.tsv?sig=…"


def test_questions_tell_no_credentials(folder: Path) -> None:
    served = folder.parent / "served"
    run("train", served / "a.txt", "-o", served / ADDRESSES[MODEL], *SMALL)
    commands = [
        ("evaluate", MODEL, "--pairs", PAIRS, "--json"),
        ("info", MODEL),
        ("score", MODEL, SECOND),
        ("vocab", FIRST),
        ("diagnose", MODEL, SECOND, "--windows", "10"),
    ]
    (folder / "one").touch()
    told = [run(*one) for one in commands]
    assert hsw2v.load(MODEL).name == "m.safetensors"
    run("map", MODEL)
    assert (folder / "m.map.html").exists()
    look_for_secrets(folder, *(one.stdout + one.stderr for one in told))
    assert json.loads(told[0].stdout)["pairs"][0]["name"] == "pairs.tsv?sig=…"


def test_comparing_tells_no_credentials(folder: Path) -> None:
    run("train", folder.parent / "served" / "a.txt", "-o", "tree", *SMALL)
    run("tree", "tree", "--codes", "-o", folder.parent / "served" / "codes.tsv")
    (folder.parent / "e.toml").write_text(
        f"[experiment]\nheldout = '{HELDOUT}'\npairs = ['{PAIRS}']\n"
        "[training]\ndim = 8\nepochs = 1\nthreads = 1\n[vocabulary]\nmin_count = 1\n"
        f"[[setting]]\nname = 'file'\ntree = '{CODES}'\n[[setting]]\nname = 'huffman'\n"
        "tree = 'huffman'\n"
    )
    done = run("compare", folder.parent / "e.toml", FIRST, "-o", "e", "--keep-models", "--json")
    assert "codes.tsv?sig=…" in done.stdout
    look_for_secrets(folder, done.stdout, done.stderr)


@pytest.mark.parametrize("address", ["s3://AKIAUSER:wJalr/XUt+nFEMI@none/x?T0KEN", f"{SECOND}2"])
def test_errors_tell_no_credentials(folder: Path, address: str) -> None:
    commands = [
        ("train", address, "--log-json", "log.jsonl"),
        ("train", SECOND, "--tree", address),
        ("train", SECOND, "--heldout", address),
        ("similar", address, "word"),
        ("evaluate", address, "--pairs", address),
        ("vocab", address),
    ]
    told = [complaint(*one, code=3) for one in commands]
    assert all("403 Client Error" in one for one in told)
    told += [complaint(address, code=2), complaint("train", FIRST, "--dim", address, code=2)]
    (folder / "some").touch()
    look_for_secrets(folder, *told)
    with pytest.raises(errors.MissingInputError) as caught:
        next(pieces(address))
    look_for_secrets(folder, "".join(traceback.format_exception(caught.value)), repr(caught.value))


def test_a_failure_while_reading_tells_no_credentials(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def readinto(self, view: memoryview) -> int:
            raise ConnectionError("/b.txt?X-Amz-Signature=deadbeef51g&part=T0KEN timed out")

        def __enter__(self) -> Broken:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(smart_open, "open", lambda *_, **__: Broken())
    said = complaint("train", SECOND, "--quiet", "--log-json", "log.jsonl", code=3)
    assert "timed out" in said
    (folder / "some").touch()
    look_for_secrets(folder, said)


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def test_nothing_that_is_read_is_executed() -> None:
    banned = {"eval", "exec", "compile", "__import__"}
    modules = {"pickle", "marshal", "shelve", "dill", "joblib", "subprocess", "socket", "urllib3"}
    found = 0
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            # Whether somebody listens at the address of a Ray cluster, and nothing else.
            allowed = {"socket"} if path.name == "cluster.py" else set()
            assert (modules - allowed).isdisjoint(one.split(".")[0] for one in names), path
            assert "urllib.request" not in names, path
        for call in calls(path):
            found += 1
            called = ast.unparse(call.func)
            assert called not in banned, path
            assert called not in ("os.system", "os.popen", "yaml.load"), path
            given = {one.arg: one.value for one in call.keywords}
            assert "allow_pickle" not in given or ast.unparse(given["allow_pickle"]) == "False"
            if called == "np.load":
                assert "allow_pickle" in given, path
    assert found > 1_000


def test_no_network_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    corpus, model = write_corpus(tmp_path / "c.txt"), tmp_path / "m.safetensors"
    run("train", corpus, "-o", model, "--heldout", corpus, *SMALL)
    run("similar", model, "a1")
    run("predict", model, "a1 _ a2")
    run("score", model, corpus)
    run("export", model, tmp_path / "v.txt")
    run("similar", tmp_path / "v.txt", "a1")
