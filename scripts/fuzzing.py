"""Damaged files for every reader: each must be read, or refused with one sentence."""

from __future__ import annotations

import contextlib
import io
import json
import random
import resource
import signal
import struct
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import hsw2v
from hsw2v.config import Config, CorpusConfig, read_config
from hsw2v.corpus.stream import encode
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import choose_words
from hsw2v.errors import CorruptInputError, Hsw2vError, UsageError
from hsw2v.events import EpochEnd, Event, ignore
from hsw2v.experiments.experiment import read_experiment
from hsw2v.experiments.results import FORMAT, Results
from hsw2v.files import COMPRESSIONS, write_text
from hsw2v.model.loading import verify
from hsw2v.query.testsets import read_analogies, read_pairs
from hsw2v.training import checkpoint
from hsw2v.training.log import Log
from hsw2v.training.output import ModelOutput
from hsw2v.trees.classes import Classes
from hsw2v.trees.codes import code_lines, read_codes
from hsw2v.trees.huffman import huffman

SECONDS = 5
"""The longest that reading a small file may take."""
MEGABYTES = 200
"""The most that it may add to the memory that the process has had at most."""
WORDS = ["der", "größte", "New York", *(f"w{number}" for number in range(9))]
SENTENCES = [
    [WORDS[(i * j + i) % len(WORDS)].replace(" ", "_") for j in range(9)] for i in range(60)
]


@dataclass(frozen=True)
class Reader:
    """A kind of file, how small ones are made, and how they are read."""

    make: Callable[[Path], Path]
    """Makes a file, or a folder, in a folder."""
    read: Callable[[Path], None]
    """Reads it, and asserts that answers are numbers."""


@dataclass
class Outcome:
    """What came of the mutants of a reader."""

    accepted: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)
    """How to reproduce each, and the end of its traceback."""


class Hang(BaseException):
    """Reading took longer than `SECONDS`."""


class Glut(Exception):
    """Reading took more memory than `MEGABYTES`."""


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes with some flipped, inserted, deleted, cut off or doubled."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(len(changed) + 1)
        some = changed[at : at + rng.choice((1, 2, 7, 64))]
        how = rng.randrange(6)
        if how == 0 and some:
            changed[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            changed[at:at] = rng.randbytes(rng.choice((1, 4, 40)))
        elif how == 2:
            del changed[at : at + len(some)]
        elif how == 3:
            del changed[at:]
        elif how == 4:
            changed[at:at] = some * rng.choice((1, 1, 300))
        else:
            changed[at:at] = rng.choice(TEXTS)
    return bytes(changed)


TEXTS = [
    b"9" * 400, b"9" * 5000, b"0x" + b"f" * 5000, b"-1", b"1,5", b"nan", b"inf", b"null", b"true",
    b"1e999", b"[" * 5000, b"{\"a\":" * 5000, b"a.b." * 2000, b"\xff", b"\0", b"\r", b"\n", b"\t",
    b'"', b"\\ud800", b"18446744073709551616", b"\xef\xbb\xbf", b"#", b"= ",
]  # fmt: skip
VALUES = [
    None, True, -1, 0, 1.5, 2**63, 2**70, 10**400, "", "x", [], {}, [[]], {"a": 1}, "hs", "class",
    "softmax", "sampled", "ns", 1e300, float("nan"),
]  # fmt: skip


def restored(content: bytes, rng: random.Random) -> bytes:
    """Return a store with changed contents and the checksums of these."""
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    metadata = header.pop("__metadata__")
    parsed = {name: json.loads(metadata[name]) for name in ("config", "info")}
    for _ in range(rng.choice((1, 1, 2))):
        how, name = rng.randrange(5), rng.choice(list(header))
        if how == 0:
            _change(parsed[rng.choice(("config", "info"))], rng)
        elif how == 1:
            metadata["format_version"] = rng.choice(("0", "01", "-1", "9" * 5000, "²", "", "2"))
        elif how == 2 and body:
            begin, end = header[name]["data_offsets"]
            items = {"I64": "<q", "I32": "<i", "F32": "<f", "F64": "<d", "U8": "<B"}
            form = items[header[name]["dtype"]]
            step = struct.calcsize(form)
            if end > begin:
                at = begin + step * rng.randrange((end - begin) // step)
                values = (
                    (0.0, float("nan"), float("inf"), 3e38, -1.0)
                    if form in ("<f", "<d")
                    else (0, 1, 255)
                    if form == "<B"
                    else (0, 1, -1, 7, -(2 ** (8 * step - 1)), 2 ** (8 * step - 1) - 1)
                )
                body[at : at + step] = struct.pack(form, rng.choice(values))
        elif how == 3:
            shape = header[name]["shape"]
            header[name]["shape"] = rng.choice(
                ([], shape[::-1], [*shape, 1], [1, *shape], shape[1:])
            )
        else:
            other = rng.choice(("outputs", "nodes", "classes", "tree", "counts", "batch_norm", "x"))
            header.setdefault(other, header.pop(name))
    metadata |= {name: json.dumps(one, ensure_ascii=False) for name, one in parsed.items()}
    if rng.random() < 0.1:
        name = rng.choice(("config", "info"))
        depth = rng.choice((100, 300, 900, 5000))
        metadata[name] = '{"training":' * depth + "1" + "}" * depth
    sums = {one: metadata[one].encode() for one in ("config", "info")}
    sums |= {name: bytes(body[slice(*one["data_offsets"])]) for name, one in header.items()}
    metadata["checksums"] = json.dumps(
        {name: f"crc32:{zlib.crc32(one):08x}" for name, one in sums.items()}
    )
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(body)


def _change(value: Any, rng: random.Random) -> None:
    """Change or remove something in a nested dict."""
    while isinstance(value, dict) and value:
        name = rng.choice(list(value))
        if not isinstance(value[name], dict) or not value[name] or rng.random() < 0.2:
            if rng.random() < 0.2:
                del value[name]
            else:
                value[name] = rng.choice(VALUES)
            return
        value = value[name]


def _jsoned(content: bytes, rng: random.Random) -> bytes:
    """Return lines of JSON, or one document, with values changed."""
    lines = content.decode().splitlines() if content.count(b'\n{"') else [content.decode()]
    at = rng.randrange(len(lines))
    value = json.loads(lines[at])
    inside = value
    while isinstance(inside, dict | list) and rng.random() < 0.8:
        parts = [
            one
            for one in (inside.values() if isinstance(inside, dict) else inside)
            if isinstance(one, dict | list) and one
        ]
        if not parts:
            break
        inside = rng.choice(parts)
    if isinstance(inside, list):
        inside[rng.randrange(len(inside))] = rng.choice(VALUES)
    else:
        _change(inside, rng)
    lines[at] = json.dumps(value)
    return "\n".join(lines).encode()


def mutant(content: bytes, rng: random.Random) -> bytes:
    """Return a damaged file: its bytes, or what is in it where that can be told."""
    if rng.random() < 0.6:
        try:
            return restored(content, rng)
        except (ValueError, KeyError, struct.error, OverflowError, MemoryError):
            pass
        try:
            return _jsoned(content, rng)
        except ValueError:
            pass
    return damaged(content, rng)


def fuzz(name: str, folder: Path, *, count: int, seed: int) -> Outcome:
    """Read so many mutants of the files of a reader; number n is that of `(seed, n)`."""
    reader, outcome = READERS[name], Outcome()
    original = reader.make(folder)
    files = sorted(original.iterdir()) if original.is_dir() else [original]
    contents = {path: path.read_bytes() for path in files}
    reader.read(original)
    for number in range(count):
        rng = random.Random(f"{seed} {name} {number}")
        path = rng.choice(files)
        path.write_bytes(mutant(contents[path], rng))
        problem = _problem(reader, original)
        if problem is None:
            outcome.accepted += 1
        elif isinstance(problem, Hsw2vError) and "\n" not in problem.where + problem.what:
            outcome.refused += 1
        else:
            trace = "".join(traceback.format_exception(problem)[-4:])
            outcome.failures.append(
                f"{name} --seed {seed}, mutant {number} of {path.name}:\n{trace}"
            )
        path.write_bytes(contents[path])
    return outcome


def _problem(reader: Reader, path: Path) -> BaseException | None:
    try:
        with _bounded():
            reader.read(path)
    except (Exception, Hang) as error:
        return error
    return None


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Bound the time and the memory that something takes.

    Raises:
        Hang, Glut
    """

    def late(*_: object) -> None:
        raise Hang(f"more than {SECONDS} s")

    memory = _peak_megabytes()
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if (more := _peak_megabytes() - memory) > MEGABYTES:
            raise Glut(f"{more:,.0f} MB")


def _peak_megabytes() -> float:
    """Return the most memory that the process has had, as Linux tells it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _corpus(extension: str) -> Reader:
    def make(folder: Path) -> Path:
        path = folder / f"text.txt{extension}"
        write_text(path, (" ".join(one) + "\n" for one in SENTENCES))
        return path

    def read(path: Path) -> None:
        with encode([path], CorpusConfig()) as encoded:
            assert 0 <= encoded.ids.min() <= encoded.ids.max() <= len(encoded.types)

    return Reader(make, read)


def _model(loss: str | None, extension: str = ".safetensors") -> Reader:
    def make(folder: Path) -> Path:
        rng, words = np.random.default_rng(1), len(WORDS)
        counts = np.arange(words, 0, -1)
        tree = huffman(counts.astype(float)) if loss == "hs" else None
        classes = Classes(np.arange(words, dtype=np.int32) % 3, 3) if loss == "class" else None
        rows = words + {"hs": -1, "class": 3}.get(loss or "", 0)
        model = hsw2v.Model(
            Vocabulary.from_words(WORDS, counts),
            rng.normal(size=(words, 4)),
            rng.normal(size=(rows, 4)) if loss else None,
            tree,
            Config().replace(loss=loss or "hs", oov_counts=loss == "hs").to_dict() if loss else {},
            {"versions": {"hsw2v": "0"}, "seconds": 1.5},
            classes=classes,
            batch_norm=rng.uniform(0.1, 1, (4, 4)) if loss == "softmax" else None,
            oov=lambda: Vocabulary.from_words(["seldom", "selten"], [2, 1]),
        )
        path = folder / f"model{extension}"
        if extension == ".safetensors":
            model.save(path)
        else:
            vocabulary = Vocabulary.from_words([w.replace(" ", "_") for w in WORDS], counts)
            hsw2v.Model(vocabulary, model.vectors).export(path)
        if extension == ".glove.txt":
            path.write_bytes(path.read_bytes().partition(b"\n")[2])
        return path

    def read(path: Path) -> None:
        verified = _refusal(path)
        try:
            ask(path)
        except CorruptInputError as error:
            if verified is None:
                raise AssertionError("it was verified") from error
            raise
        if verified is not None:
            raise verified

    def ask(path: Path) -> None:
        model = hsw2v.load(path)
        assert len(set(model.words)) == len(model)
        answers = model.similar(model.words[0], k=3)
        assert np.isfinite([score for _, score in answers]).all(), answers
        assert model.oov is None or len(model.oov.words) == len(model.oov)
        if model.output is not None:
            found = model.distribution([model.words[0]], normalize_exactly=True)
            assert abs(found.sum() - 1) < 1e-3, found
            model.predict([model.words[-1]], normalize_exactly=True)
        _print_info(path)

    return Reader(make, read)


def _refusal(path: Path) -> Hsw2vError | None:
    """Return the error of verifying a file."""
    try:
        list(verify(path))
    except Hsw2vError as error:
        return error
    return None


def _print_info(path: Path) -> None:
    """Print what `hsw2v info` does, as a table and as JSON, to nowhere."""
    from hsw2v.cli.inspect import info

    _quietly(info, [str(path)])
    _quietly(info, [str(path), "--json"])


def _trained(folder: Path) -> Path:
    """Interrupt a training with a log, and return its checkpoint."""

    def listen(event: Event) -> None:
        log.listen(event)
        if isinstance(event, EpochEnd) and event.epoch == 2:
            raise KeyboardInterrupt

    with Log(str(folder / "log.jsonl")) as log, contextlib.suppress(KeyboardInterrupt):
        hsw2v.train(
            SENTENCES * 4, output=folder / "m", epochs=4, dim=4, min_count=1, threads=1,
            sample=0.0,
            record_gradients=1, heldout=SENTENCES[:3], listener=listen,
        )  # fmt: skip
    return folder / "m.checkpoint"


def _read_checkpoint(folder: Path) -> None:
    notes = checkpoint.read_run(folder).notes
    asked = {"texts": [], "normalize_exactly": False, "config": Config().to_dict()}
    with contextlib.suppress(UsageError):
        ModelOutput(notes.output, listener=ignore, asked=asked, folder=folder).is_interrupted()
    with checkpoint.open_run(folder) as (run, texts):
        for text in (texts.corpus, texts.heldout):
            if text is not None:
                assert 0 <= text.ids.min() <= text.ids.max() <= len(text.types)
                assert len(text.types.words) == len(text.types.counts)
        vocabulary, _ = choose_words(texts.corpus, run.config.vocabulary)
        training, blocks = run.config.resolved(texts.corpus.tokens).training, texts.corpus.blocks
        state = checkpoint.read_state(folder, training, vocabulary, len(blocks) - 1)
        assert state.network.vectors.shape[0] == len(vocabulary)
        assert state.block <= len(state.losses) < len(blocks)
    list(checkpoint.verify(folder))


def _log(folder: Path) -> Path:
    _trained(folder)
    lines = (folder / "log.jsonl").read_text().splitlines()
    chosen = [line for line in lines if "GradientsRecorded" in line][:2]
    (folder / "short.jsonl").write_text("\n".join([lines[0], *chosen]))
    return folder / "short.jsonl"


def _read_log(path: Path) -> None:
    from hsw2v.cli.diagnose import diagnose

    _quietly(diagnose, ["--course", str(path)])
    _quietly(diagnose, ["--course", str(path), "--json"])


def _quietly(command: Any, arguments: list[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        command.main(arguments, standalone_mode=False)


def _text(name: str, content: str, read: Callable[[str], Any]) -> Reader:
    def make(folder: Path) -> Path:
        (folder / name).write_text(content, encoding="utf-8")
        return folder / name

    return Reader(make, lambda path: read(str(path)) and None)


def _codes_text() -> str:
    tree = huffman(np.arange(len(WORDS), 0, -1).astype(float))
    return "\n".join(code_lines(tree, WORDS))


SETTINGS = """[corpus]
lowercase = true
max_types = 1000
[vocabulary]
min_count = 2
[training]
dim = 20
loss = "hs"
lr = 0.05
epochs = 3
"""
EXPERIMENT = """[experiment]
name = "trees"
seeds = [1, 2]
[training]
dim = 20
[[setting]]
name = "a"
tree = "huffman"
[[setting]]
name = "b"
loss = "ns"
negative = 5
"""
RUN = {
    "digest": "d", "setting": "a", "seed": 1, "seconds": 1.5, "words_per_second": 2.0,
    "heldout_loss": 5.5, "versions": {"hsw2v": "0"}, "problem": "",
    "evaluation": {
        "pairs": [{"name": "p", "spearman": 0.5, "covered": 3, "pairs": 4}],
        "analogies": [
            {"name": "q", "sections": [{"name": "s", "correct": 1, "covered": 2, "questions": 3}]}
        ],
    },
}  # fmt: skip


def _read_results(path: str) -> None:
    results = Results(path)
    for run in results._runs.values():
        assert run.heldout_perplexity is None or f"{run.heldout_perplexity:.2f}"
        for one in run.evaluation.analogies:
            assert one.total.accuracy is None or f"{one.total.accuracy:.4f}"
        for pair in run.evaluation.pairs:
            assert pair.spearman is None or f"{pair.spearman:.4f}"
            assert f"{pair.covered:,} {pair.pairs:,}"
        assert run.seconds is None or f"{run.seconds:.1f}"


READERS: dict[str, Reader] = {
    **{f"corpus{one}": _corpus(one) for one in ("", *COMPRESSIONS)},
    **{f"model-{loss or 'vectors'}": _model(loss) for loss in ("hs", "class", "softmax", None)},
    "word2vec-text": _model(None, ".txt"),
    "word2vec-binary": _model(None, ".bin"),
    "word2vec-zst": _model(None, ".vec.zst"),
    "glove": _model(None, ".glove.txt"),
    "npy": _model(None, ".npy"),
    "checkpoint": Reader(_trained, _read_checkpoint),
    "settings": _text("s.toml", SETTINGS, read_config),
    "experiment": _text("e.toml", EXPERIMENT, read_experiment),
    "codes": _text("codes.tsv", _codes_text(), read_codes),
    "pairs": _text("pairs.txt", "tiger\tcat\t7.35\ntiger\ttiger\t10\n", read_pairs),
    "analogies": _text("q.txt", ": capitals\nAthens Greece Oslo Norway\n", read_analogies),
    "results": _text(
        "results.json",
        json.dumps({"format": FORMAT, "runs": [RUN], "files": {"m": "d"}}),
        _read_results,
    ),
    "log": Reader(_log, _read_log),
}
