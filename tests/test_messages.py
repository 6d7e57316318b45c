"""What a user is told who names the wrong thing, or the right things in the wrong order."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run, write_corpus, write_model

import hsw2v
from hsw2v import errors, events
from hsw2v import progress as waiting
from hsw2v.arrays import padded
from hsw2v.cli.progress import Progress
from hsw2v.config import CorpusConfig, TrainingConfig
from hsw2v.corpus.stream import encode
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.network import parameters
from hsw2v.network.parameters import parameter_bytes, would_fit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model and a text, in which commands run."""
    write_model(tmp_path / "small.safetensors")
    write_corpus(tmp_path / "text.txt", 20)
    (tmp_path / "empty.vec").touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "run").touch()
    return tmp_path


FORGOTTEN = [
    ("similar king", "king: no such file; name the model first: hsw2v similar MODEL king"),
    ("similar king queen", "name the model first: hsw2v similar MODEL king queen"),
    ("analogy man king woman queen", "name the model first: hsw2v analogy MODEL man king woman"),
    ("vector king queen", "name the model first: hsw2v vector MODEL king queen"),
    ("tree king", "name the model first: hsw2v tree MODEL king"),
    ("odd-one-out a b c", "name the model first: hsw2v odd-one-out MODEL a b c"),
    (
        "similar king small.safetensors",
        "the model comes first: hsw2v similar small.safetensors king",
    ),
    (
        "similarity king queen small.safetensors",
        "the model comes first: hsw2v similarity small.safetensors king queen",
    ),
    (
        "score new.txt small.safetensors",
        "comes first: hsw2v score small.safetensors new.txt",
    ),
    (
        "export v.txt small.safetensors",
        "comes first: hsw2v export small.safetensors v.txt",
    ),
    ("similar small king", "small: no such file; did you mean small.safetensors?"),
    ("info absent.safetensors", "absent.safetensors: no such file; check the path"),
    ("info ./absent", "./absent: no such file; check the path"),
    ("similar small.safetensors king --among absent.txt", "absent.txt: no such file"),
    ("info kept", "kept: is a directory; hsw2v resume kept goes on with the training"),
    ("info .", ".: is a directory; name a file"),
]


@pytest.mark.parametrize(("command", "told"), FORGOTTEN, ids=[one for one, _ in FORGOTTEN])
def test_a_model_that_is_not_there_is_told_with_what_was_meant(
    folder: Path, command: str, told: str
) -> None:
    before = sorted(os.listdir(folder))
    assert told in complaint(*command.split(), cwd=folder, code=3)
    assert sorted(os.listdir(folder)) == before


def test_files_that_are_no_models_are_told_by_what_they_are(folder: Path) -> None:
    text = "text.txt: is a text, and no model; train one on it first: hsw2v train text.txt"
    for command in ("info", "tree", "verify"):
        assert complaint(command, "text.txt", cwd=folder, code=10) == text
    assert complaint("similar", "text.txt", "king", cwd=folder, code=10) == text
    swapped = complaint("score", "text.txt", "small.safetensors", cwd=folder, code=10)
    assert "the model comes first: hsw2v score small.safetensors text.txt" in swapped
    assert "empty.vec: is empty" in complaint("info", "empty.vec", cwd=folder, code=10)
    with pytest.raises(errors.ModelFileError, match="is a text, and no model"):
        hsw2v.load(folder / "text.txt")


def test_models_are_not_trained_on(folder: Path) -> None:
    told = complaint("train", "small.safetensors", cwd=folder, code=2)
    assert told.startswith("small.safetensors: is a model, not a text; name a text; --from small.s")
    told = complaint("train", "text.txt", "new.safetensors", cwd=folder, code=3)
    assert told == "new.safetensors: no such file; an output is named with -o: -o new.safetensors"


def test_empty_input_is_told_as_what_it_is(folder: Path) -> None:
    assert (
        complaint("vocab", "-", "--quiet", code=6)
        == "standard input: there are no tokens; name a text"
    )
    assert complaint("info", "-", code=10).startswith("standard input: is empty")
    content = (folder / "small.safetensors").read_bytes()
    assert complaint("info", "-", stdin=content, code=2).startswith("standard input: a model file")
    done = run("similar", "small.safetensors", "-", cwd=folder)
    assert (done.stdout, done.stderr) == ("", "hsw2v: there are no words in standard input\n")
    wrong = complaint("predict", "the _ of", code=3)
    assert "name the model first: hsw2v predict MODEL 'the _ of'" in wrong


def test_a_missing_argument_is_told_with_the_usage(folder: Path) -> None:
    told = complaint("vector", "king", code=2)
    assert "missing argument 'WORDS...'" in told
    assert "hsw2v vector MODEL WORDS..." in told
    told = complaint("neighbours", "small.safetensors", code=2)
    assert "give hsw2v neighbours MODEL -o FILE;" in told
    told = complaint("similar", "small.safetensors", "king", "--minus", code=2)
    assert told.endswith("requires an argument; see hsw2v similar --help")


MODEL_TO_STDOUT = [
    ("train", "text.txt", "-o", "-", "--min-count", "1"),
    ("train", "text.txt", "--log-json", "-", "--min-count", "1"),
    ("demo", "-o", "-"),
]


@pytest.mark.parametrize("command", MODEL_TO_STDOUT)
def test_models_do_not_go_to_standard_output(folder: Path, command: tuple[str, ...]) -> None:
    before = sorted(os.listdir(folder))
    assert "cannot be standard output (-); name a file" in complaint(*command, cwd=folder, code=2)
    assert sorted(os.listdir(folder)) == before
    with pytest.raises(errors.UsageError, match="standard output"):
        hsw2v.load(folder / "small.safetensors").save("-")


def test_texts_go_to_standard_output(folder: Path) -> None:
    run("phrases", "text.txt", "-o", "joined.txt", "--quiet", cwd=folder)
    joined = run("phrases", "text.txt", "-o", "-", "--quiet", cwd=folder).stdout
    assert joined == (folder / "joined.txt").read_text()
    (folder / "edges.txt").write_text("a b\nb c\n")
    walks = run("walks", "edges.txt", "-o", "-", "--quiet", cwd=folder).stdout
    assert walks == run("walks", "edges.txt", "--quiet", cwd=folder).stdout
    run("export", "small.safetensors", "v.txt", cwd=folder)
    assert run("export", "small.safetensors", "-", cwd=folder).stdout == (
        folder / "v.txt"
    ).read_text(encoding="utf-8")
    assert "is not for standard output" in complaint(
        *("export", "small.safetensors", "-", "--format", "npy"), cwd=folder, code=2
    )
    assert sorted(os.listdir(folder)).count("-") == 0


def test_export_says_what_it_wrote(folder: Path) -> None:
    told = run("export", "small.safetensors", "v.vec.gz", "--top", 5, cwd=folder).stderr
    assert told.startswith("v.vec.gz: word2vec text, 5 words × 4 dimensions, ")
    assert told.endswith(" MB\n")
    told = run("export", "small.safetensors", "v.npy", cwd=folder).stderr
    assert told.startswith("v.npy and v.words.txt: a NumPy array beside its words, 8 words × 4 dim")
    assert run("export", "small.safetensors", "v.BIN", "--quiet", cwd=folder).stderr == ""
    assert len(hsw2v.load(folder / "v.BIN", format="binary")) == 8
    run("export", "small.safetensors", "vectors", cwd=folder)
    assert (folder / "vectors").read_text(encoding="utf-8").startswith("8 4\n")


@pytest.mark.parametrize("name", ["v.csv", "v.tsv", "v.json.gz", "v.kv"])
def test_export_refuses_extensions_that_it_does_not_know(folder: Path, name: str) -> None:
    told = complaint("export", "small.safetensors", name, cwd=folder, code=2)
    for known in (".txt", ".vec", ".bin", ".npy", "--format"):
        assert known in told
    assert ("hsw2v map" in told) == (name == "v.tsv")
    assert not (folder / name).exists()
    run("export", "small.safetensors", name, "--format", "text", cwd=folder)
    assert len(hsw2v.load(folder / name, format="text")) == 8
    with pytest.raises(errors.UsageError, match="tells no format"):
        hsw2v.load(folder / "small.safetensors").export(folder / "other.csv")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "-", "text.txt", "-"),
        ("train", "-", "--heldout", "-"),
        ("plan", "-", "--vocab", "-"),
        ("vocab", "-", "--keep-words", "-"),
        ("vocab", "--graph", "-", "--drop-words", "-"),
    ],
)
def test_standard_input_is_named_once(folder: Path, arguments: tuple[str, ...]) -> None:
    told = complaint(*arguments, "--quiet", cwd=folder, code=2)
    assert told == "standard input: is named twice (-); name a file instead"


EXTRAS = [
    ("boto3", "s3", "s3://bucket/a.txt"),
    ("boto3", "s3", "s3://bucket/*.txt"),
    ("requests", "http", "https://host/a.txt"),
    ("azure.storage.blob", "azure", "azure://box/a.txt"),
    ("google.cloud.storage", "gcs", "gs://bucket/a.txt"),
    ("pyarrow.parquet", "parquet", "a.parquet"),
]


@pytest.mark.parametrize(("package", "extra", "source"), EXTRAS)
def test_a_source_whose_package_is_missing_is_refused_before_the_others_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, source: str
) -> None:
    (folder / "a.parquet").write_bytes(b"PAR1")
    (folder / "first.jsonl").write_text("no record")
    _block(monkeypatch, package)
    field = ("--field", "text") if extra == "parquet" else ()
    first = "first.jsonl" if field else "text.txt"
    told = complaint("vocab", first, source, *field, "--quiet", cwd=folder, code=2)
    assert told.endswith(f"which is not installed; pip install 'hsw2v[{extra}]'")


def test_other_missing_packages_name_their_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = ("matplotlib", "matplotlib.figure", "sklearn", "sklearn.linear_model", "ray")
    others = ("usearch", "usearch.index", "openTSNE", "bokeh", "pyarrow", "pyarrow.parquet")
    for package in (*blocked, *others):
        _block(monkeypatch, package)
    plot = ("diagnose", "small.safetensors", "text.txt", "--plot", "d.svg")
    (folder / "labels.txt").write_text("king a\nqueen b\n")
    labels = ("evaluate", "small.safetensors", "--labels", "labels.txt")
    ray = ("train", "text.txt", "--engine", "ray", "--deterministic", "--min-count", 1, "--quiet")
    index, model = ("index", "small.safetensors"), "small.safetensors"
    maps = [("map", model, "-o", f"map.{one}") for one in ("csv", "html", "parquet")]
    commands = ((plot, "plot"), (labels, "sklearn"), (ray, "ray"), (index, "index"))
    for command, extra in (*commands, *zip(maps, ("map", "map", "parquet"), strict=True)):
        told = complaint(*command, cwd=folder, code=2)
        assert told.endswith(f"which is not installed; pip install 'hsw2v[{extra}]'")


def _block(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)


def test_an_address_is_refused_without_its_package_wherever_it_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _block(monkeypatch, "requests")
    with pytest.raises(errors.UsageError, match=r"pip install 'hsw2v\[http\]'"):
        hsw2v.load("https://host/m.safetensors")


def test_what_would_fit_does_fit() -> None:
    for training in (
        TrainingConfig(dim=300),
        TrainingConfig(dim=300, optimizer="adam"),
        TrainingConfig(dim=100, optimizer="adagrad"),
    ):
        words = 1_000_000
        needed = parameter_bytes(training, words, words - 1).total
        for room in (needed // 2, needed // 5):
            told = would_fit(training, words, needed, room)
            dim, most = (int(one) for one in told.split() if one.isdigit())
            smaller, larger = (dataclasses.replace(training, dim=one) for one in (dim, dim + 32))
            assert parameter_bytes(smaller, words, words - 1).total <= room
            assert parameter_bytes(larger, words, words - 1).total > room
            assert 0.85 * room < parameter_bytes(training, most, most - 1).total <= room
            assert padded(dim) == dim
    assert would_fit(TrainingConfig(dim=300), 2, 10_000, 1) == ""


def test_training_that_does_not_fit_says_what_would(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "physical_memory", lambda: 5_000)
    told = complaint("train", "text.txt", "--min-count", 1, "--quiet", cwd=folder, code=13)
    assert "GB of memory; lower --dim" in told
    assert "; --dim 32 or --max-vocab 4 would fit" in told


def shown(monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Progress, list[str]]:
    """Return a progress that is impatient, and what it says."""
    monkeypatch.setattr(waiting, "SECONDS_UNTIL_PATIENCE", 0.01)
    monkeypatch.setattr(waiting, "SECONDS_BETWEEN_LOOKS", 0.01)
    # What an earlier test has begun may be compiled still, in a thread of its own.
    monkeypatch.setattr(waiting, "_compiling", lambda: False)
    found, said = Progress(quiet=True, **options), []
    monkeypatch.setattr(found._display, "say", said.append)
    return found, said


def wait_for(said: list[str], count: int) -> None:
    """Wait until so many lines are said, and then for more that should not be."""
    until = time.monotonic() + 5
    while len(said) < count and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)


def test_compiling_is_told_only_where_something_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, said = shown(monkeypatch)
    with found:
        wait_for(said, 1)
        assert said == ["preparing ..."]
        monkeypatch.setattr(waiting, "_compiling", lambda: True)
        wait_for(said, 2)
        found.listen(events.Notice("something else"))
    assert said == ["preparing ...", "compiling for this machine, once ...", "note: something else"]


def test_what_is_compiled_is_known_until_it_is_kept(tmp_path: Path) -> None:
    program = (
        "import numpy as np\n"
        "from hsw2v import jit\n"
        "seen = []\n"
        "from hsw2v.trees.huffman import huffman\n"
        "from numba.core import compiler\n"
        "real = compiler.compile_extra\n"
        "def looked(*a, **k):\n"
        "    seen.append(jit.compiling())\n"
        "    return real(*a, **k)\n"
        "compiler.compile_extra = looked\n"
        "huffman(np.ones(3))\n"
        "print(len(seen) > 0, all(seen), jit.compiling())\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for expected in ("True True False", "False True False"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


def test_waiting_for_standard_input_is_told_until_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, said = shown(monkeypatch, sources=["-"])
    with found:
        wait_for(said, 1)
        assert said == ["waiting for standard input ..."]
        found.listen(events.Preparing(1))
        wait_for(said, 2)
    assert said == ["waiting for standard input ...", "preparing ..."]


@pytest.mark.parametrize(
    "command", [("vocab", "-", "--min-count", "1"), ("similar", "MODEL", "-"), ("info", "-")]
)
def test_a_command_that_reads_a_terminal_says_so_at_once(
    folder: Path, command: tuple[str, ...]
) -> None:
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    given = [one.replace("MODEL", "small.safetensors") for one in command]
    with subprocess.Popen(
        [sys.executable, "-m", "hsw2v", *given],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
    ) as process:
        os.write(leader, b"2 1\nking 1\nqueen 2\n\x04" if command[0] == "info" else b"king\n\x04")
        try:
            out, told = process.communicate(timeout=30)
        finally:
            process.kill()
    os.close(leader)
    os.close(follower)
    assert process.returncode == 0, told
    assert b"reading standard input from this terminal; Ctrl-D ends it" in told
    assert out


def test_encoding_checks_packages_before_anything_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _block(monkeypatch, "boto3")
    heard: list[events.Event] = []
    with pytest.raises(errors.UsageError, match=r"hsw2v\[s3\]"):
        encode(
            [str(folder / "text.txt"), "s3://bucket/a.txt"], CorpusConfig(), listener=heard.append
        )
    assert heard == []


def test_words_that_are_exported_to_a_terminal_do_not_drive_it(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    words = Vocabulary.from_words(["red\x1b[31m", "plain"], [2, 1])
    hsw2v.Model(words, np.eye(2, dtype=np.float32)).save(tmp_path / "m.safetensors")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hsw2v", "export", tmp_path / "m.safetensors", "-"]
    subprocess.run(command, stdout=theirs, check=True)
    printed = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "red\\x1b[31m 1.0 0.0" in printed


@pytest.mark.parametrize(
    "asked",
    [
        ("export", "m.safetensors", "m.safetensors"),
        ("tree", "m.safetensors", "-o", "m.safetensors", "--format", "json"),
        ("map", "m.svg", "-o", "m.svg"),
        ("diagnose", "m.safetensors", "text.svg", "--plot", "text.svg"),
        ("sentences", "m.safetensors", "text.txt", "-o", "text.txt"),
        ("align", "m.safetensors", "m.safetensors", "-o", "m.safetensors"),
    ],
    ids=lambda one: one[0],
)
def test_an_output_is_no_input(asked: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("m.safetensors", "m.svg"):
        write_model(tmp_path / name)
    for name in ("text.txt", "text.svg"):
        write_corpus(tmp_path / name)
    before = {one: one.read_bytes() for one in tmp_path.iterdir()}
    file = asked[3] if asked[0] == "tree" else asked[-1]
    told = complaint(*asked, "--force", code=2, cwd=tmp_path)
    assert told == f"{file}: is an input and cannot be the output too; name another file"
    assert before == {one: one.read_bytes() for one in tmp_path.iterdir()}


def test_a_component_is_no_other_output(tmp_path: Path) -> None:
    model, text = write_model(tmp_path / "m.safetensors"), tmp_path / "text.txt"
    write_corpus(text)
    asked = ("sentences", model, text, "--weighting", "sif", "--force", "-o", tmp_path / "a.npy")
    told = complaint(*asked, "--save-component", tmp_path / "a.npy", code=2)
    assert "the component and the output are the same file; name two" in told


def test_vectors_alone_have_no_tree_whatever_they_were_trained_with(tmp_path: Path) -> None:
    text, model = write_corpus(tmp_path / "text.txt"), tmp_path / "m.safetensors"
    run("train", text, "-o", model, "--epochs", 1, "--dim", 4)
    run("export", model, tmp_path / "v.safetensors")
    told = complaint("tree", tmp_path / "v.safetensors", code=2)
    assert "has no tree: it holds the vectors of words only; name the model file" in told
