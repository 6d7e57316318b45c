"""Small files under the names that the documentation uses.

Each command of a page finds the files that it names. What is known of a name is in `WRITERS`; any
other text, model or settings file stands for a small one of its kind.
"""

from __future__ import annotations

import csv
import fnmatch
import gzip
import json
import pickle
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import smart_open

import hsw2v
from hsw2v.events import EpochEnd, Event
from hsw2v.training.log import Log

SMALL: dict[str, Any] = {"dim": 8, "epochs": 1, "threads": 1}
HANGUL = [f"{first}{second}" for first in "공과대학교를" for second in "주한미군을"]
GROUPS = ("a b c d e f g h i j k l", "m n o p q r s t u v w x")


class StandIns:
    """Writes files of some words, once each; a page has copies."""

    def __init__(self, folder: Path, words: Iterable[str]) -> None:
        self._folder, self._words = folder, sorted(set(words))
        self._made: set[str] = set()

    def put(self, name: str, folder: Path) -> None:
        """Put the file of that name into a folder, unless it is there."""
        target = folder / name
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        own = self.path(name)
        (shutil.copytree if own.is_dir() else shutil.copy)(own, target)
        for beside in self._folder.glob(f"{glob_escaped(own.stem)}.words*"):
            shutil.copy(beside, target.parent)

    def path(self, name: str) -> Path:
        """Return the file of that name, written unless it was before."""
        path = self._folder / name
        if name not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = next(
                (make for pattern, make in WRITERS if fnmatch.fnmatch(name, pattern)), None
            )
            assert writer is not None, f"nothing stands for {name}: add it to WRITERS of {__file__}"
            writer(self, path)
            self._made.add(name)
        return path

    def sentences(self, more: Iterable[str] = ()) -> list[str]:
        """Return sentences in which each word occurs some times, and other words more often."""
        draw = random.Random(1)
        words = [word for word in [*self._words, *more] for _ in range(6)]
        draw.shuffle(words)
        lines = [" ".join(words[begin : begin + 12]) for begin in range(0, len(words), 12)]
        return lines + [
            " ".join(draw.choices(draw.choice(GROUPS).split(), k=12)) for _ in range(400)
        ]


def glob_escaped(name: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)


def _write(path: Path, text: str) -> None:
    """Write text, compressed as the name says."""
    with smart_open.open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _corpus(made: StandIns, path: Path) -> None:
    _write(path, "\n".join(made.sentences(HANGUL)) + "\n")


def _folder(made: StandIns, path: Path) -> None:
    path.mkdir()
    _corpus(made, path / "one.txt")


def _korean(made: StandIns, path: Path) -> None:
    rare = ["왕", "왕", "왕", "왕", "왕비"]
    _write(path, "\n".join([*made.sentences(HANGUL), " ".join(rare)]) + "\n")


def _lines(*lines: str) -> Callable[[StandIns, Path], None]:
    return lambda made, path: _write(path, "\n".join(lines) + "\n")


def _words(made: StandIns, path: Path) -> None:
    _write(path, "\n".join(GROUPS[0].split()) + "\n")


def _records(field: str) -> Callable[[StandIns, Path], None]:
    def write(made: StandIns, path: Path) -> None:
        parts = field.split(".")
        rows = []
        for number, line in enumerate(made.sentences()):
            value: Any = line
            for part in reversed(parts[1:]):
                value = {part: value}
            rows.append(json.dumps({"id": number, "url": "u", parts[0]: value}))
        _write(path, "\n".join(rows) + "\n")

    return write


def _dialogues(made: StandIns, path: Path) -> None:
    turns = [{"role": "user", "content": line} for line in made.sentences()]
    _write(path, json.dumps({"messages": turns}) + "\n")


def _table_without_header(made: StandIns, path: Path) -> None:
    _write(path, "".join(f"{n}\t{line}\ten\n" for n, line in enumerate(made.sentences())))


def _arrow(made: StandIns, path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"text": made.sentences()})
    with pyarrow.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def _broken_records(made: StandIns, path: Path) -> None:
    rows = [json.dumps({"text": line}) for line in made.sentences()]
    rows[300] = json.dumps({"text": None})
    _write(path, "\n".join(rows) + "\n")


def _reviews(made: StandIns, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["number", "review"])
        writer.writerows(enumerate(made.sentences()))


def _edges(made: StandIns, path: Path) -> None:
    draw = random.Random(1)
    _write(
        path, "\n".join(f"{draw.randint(1, 40)} {draw.randint(1, 40)}" for _ in range(200)) + "\n"
    )


def _labels(made: StandIns, path: Path) -> None:
    # For nodes of a graph, and for words of a text.
    names = [*map(str, range(1, 41)), *" ".join(GROUPS).split()]
    _write(path, "\n".join(f"{one} {number % 2}" for number, one in enumerate(names)) + "\n")


def _pairs(made: StandIns, path: Path) -> None:
    words = " ".join(GROUPS).split()
    _write(path, "\n".join(f"{one}\t{words[0]}\t{number}" for number, one in enumerate(words)))


def _analogies(made: StandIns, path: Path) -> None:
    _write(path, ": family\n" + "a b c d\ne f g h\n" + ": gram1-x\n" + "i j k l\n")


def _model(**settings: Any) -> Callable[[StandIns, Path], None]:
    def write(made: StandIns, path: Path) -> None:
        chosen = {**SMALL, **settings}
        hsw2v.train(made.path("corpus.txt"), **chosen).save(path)

    return write


def _neighbours(made: StandIns, path: Path) -> None:
    hsw2v.load(made.path("model.safetensors")).write_neighbours(path, k=2, top=20)


def _graph_model(made: StandIns, path: Path) -> None:
    few = {"walks_per_node": 2, "walk_length": 10}
    hsw2v.train(graph=made.path("edges.txt"), min_count=1, **few, **SMALL).save(path)


def _export(dim: int, **settings: Any) -> Callable[[StandIns, Path], None]:
    def write(made: StandIns, path: Path) -> None:
        model = hsw2v.train(made.path("corpus.txt"), **{**SMALL, "dim": dim}, **settings)
        packed = path.suffix in (".gz", ".bz2", ".xz", ".zst")
        fast = ".bin" in path.suffixes and bool(settings)
        plain = path.with_suffix("") if packed and fast else path
        model.export(plain, **({"format": "fasttext"} if fast else {}))
        if plain != path:
            _compress(plain, path)

    return write


def _compress(plain: Path, path: Path) -> None:
    with plain.open("rb") as source, gzip.open(path, "wb") as target:
        shutil.copyfileobj(source, target)
    plain.unlink()


def _pickle(made: StandIns, path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    with path.open("wb") as stream:
        pickle.dump(gensim.Word2Vec([["a", "b"]], min_count=1, vector_size=4), stream)


def _log(made: StandIns, path: Path) -> None:
    with Log(str(path)) as log:
        hsw2v.train(made.path("corpus.txt"), listener=log.listen, record_gradients=1, **SMALL)


def _checkpoint(made: StandIns, path: Path) -> None:
    """Interrupt a training, so that it can be resumed."""
    output = path.parent / "interrupted" / path.stem
    output.parent.mkdir(exist_ok=True)

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnd):
            raise KeyboardInterrupt

    options = {**SMALL, "epochs": 2}
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(made.path("corpus.txt"), output=output, listener=stop, **options)
    shutil.move(output.parent / path.name, path)


EXPERIMENT = """\
[training]
dim = 8
epochs = 1
threads = 1
[[setting]]
name = "plain"
[[setting]]
name = "adagrad"
optimizer = "adagrad"
"""

WRITERS: list[tuple[str, Callable[[StandIns, Path], None]]] = [
    ("korean.txt", _korean),
    ("keep.txt", _lines("왕", "왕비", "용왕")),
    ("edges.txt*", _edges),
    ("blogcatalog.txt*", _edges),
    ("labels.txt*", _labels),
    ("WS-353*", _pairs),
    ("wordsim353*", _pairs),
    ("[Ss][Ii][Mm][Ll][Ee][Xx]*", _pairs),
    ("MEN*", _pairs),
    ("RG-65*", _pairs),
    ("pairs*", _pairs),
    ("questions-words.txt", _analogies),
    ("names.txt", _words),
    ("cities.txt", _words),
    ("en-de.txt", _lines(*(f"{one}\t{one}" for one in GROUPS[0].split()))),
    ("neighbours.*", _neighbours),
    ("stopwords.txt", _words),
    ("words.t*", _words),
    ("glove*.100d.txt", _export(100)),
    ("*.vec", _export(8)),
    ("vectors.txt*", _export(8)),
    ("vectors.bin", _export(8)),
    ("vectors.npy", _export(8)),
    ("cc.*.bin*", _export(8, subwords="3-6", loss="ns")),
    ("german-hs.bin", _export(8, subwords="3-6", loss="hs", tree="huffman")),
    ("word2vec.model", _pickle),
    ("broken.jsonl", _broken_records),
    ("dump.zst", _records("body.text")),
    ("dump.tsv*", _table_without_header),
    ("dialogues.jsonl", _dialogues),
    ("*.arrow", _arrow),
    ("run.jsonl", _log),
    ("log.jsonl", _log),
    ("*.jsonl*", _records("text")),
    ("*.json.gz", _records("text")),
    ("*.csv", _reviews),
    ("*.toml", _lines(EXPERIMENT)),
    ("nodes.safetensors", _graph_model),
    ("graph.safetensors", _graph_model),
    ("two-trees.safetensors", _model(num_trees=2, epochs=2)),
    ("german.safetensors", _model(subwords="3-6")),
    ("*.safetensors.checkpoint", _checkpoint),
    ("*.safetensors", _model()),
    ("*.txt", _corpus),
    ("*.txt.*", _corpus),
    ("*.gz", _corpus),
    ("news", _folder),
]
"""What writes the files of a name; the first pattern that fits counts."""
