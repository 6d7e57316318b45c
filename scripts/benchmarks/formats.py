"""How fast the same text is read as plain text, JSON lines, Parquet, Arrow and CSV."""

from __future__ import annotations

import csv
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import smart_open

from benchmarks.benchmark import CORPUS, ROUNDS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.records import Fields, Record, rounds
from hsw2v.config import CorpusConfig
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import Piece, read_pieces
from hsw2v.corpus.stream import encode

FIELD = "text"
ADDRESS = "https://example.org/"
Texts = Sequence[str]


def _plain(path: Path, texts: Texts) -> None:
    with smart_open.open(path, "wb") as stream:
        stream.writelines(f"{one}\n".encode() for one in texts)


def _jsonl(path: Path, texts: Texts) -> None:
    with smart_open.open(path, "wb") as stream:
        for number, one in enumerate(texts):
            record = {"id": number, "url": f"{ADDRESS}{number}", FIELD: one}
            stream.write(orjson.dumps(record) + b"\n")


def _parquet(path: Path, texts: Texts) -> None:
    pq.write_table(_columns(texts), path, row_group_size=max(1, len(texts) // 10))


def _arrow(path: Path, texts: Texts) -> None:
    columns = _columns(texts)
    with pa.ipc.new_stream(path, columns.schema) as writer:
        # As many rows to a batch as Hugging Face datasets have.
        writer.write_table(columns, 1_000)


def _columns(texts: Texts) -> pa.Table:
    urls = [f"{ADDRESS}{number}" for number in range(len(texts))]
    return pa.table({"id": range(len(texts)), "url": urls, FIELD: texts})


def _csv(path: Path, texts: Texts) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "url", FIELD])
        writer.writerows((n, f"{ADDRESS}{n}", one) for n, one in enumerate(texts))


WRITERS: dict[str, Callable[[Path, Texts], None]] = {
    "txt": _plain,
    "txt.zst": _plain,
    "jsonl": _jsonl,
    "jsonl.gz": _jsonl,
    "jsonl.zst": _jsonl,
    "parquet": _parquet,
    "arrow": _arrow,
    "csv": _csv,
}


def documents(path: str, size: int) -> Iterator[str]:
    """Yield the lines of a text, as many together as make documents of at least so many bytes."""
    lines: list[str] = []
    held = 0
    with open(path, encoding="utf-8", newline="\n") as stream:
        for line in stream:
            lines.append(line.removesuffix("\n"))
            held += len(line)
            if held >= size:
                yield "\n".join(lines)
                lines, held = [], 0
    if lines:
        yield "\n".join(lines)


def measure(given: Namespace, record: Record) -> None:
    """Time every format of documents of every size, after a warm-up."""
    keys = rounds(given.rounds, size=given.sizes, format=WRITERS)
    if not record.missing(keys):
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for size in given.sizes:
            texts = list(documents(given.corpus, size))
            for name, write in WRITERS.items():
                write(Path(folder, f"{size}.{name}"), texts)
            del texts
        for name in WRITERS:
            _times(Path(folder, f"{given.sizes[0]}.{name}"))
        record.measure(keys, lambda key: _times(Path(folder, f"{key['size']}.{key['format']}")))


def _times(path: Path) -> Fields:
    seconds, text = time_reading(path)
    return {
        "read": seconds,
        "text": text,
        "stored": path.stat().st_size,
        "encode": time_encode(path),
    }


def _config(path: Path) -> CorpusConfig:
    return CorpusConfig(field=None if ".txt" in path.suffixes else FIELD)


def time_reading(path: Path) -> tuple[float, int]:
    """Return the processor time of reading a file up to plain text, and the bytes of that."""
    piece, size = Piece(), 0
    begun = time.thread_time()
    for one in read_pieces([Part(str(path))], lambda: piece, config=_config(path)):
        size += one.size
    return time.thread_time() - begun, size


def time_encode(path: Path) -> float:
    """Return the wall-clock time of the whole pass over a file in seconds."""
    begun = time.perf_counter()
    with encode(path, _config(path)):
        return time.perf_counter() - begun


def render(record: Record, pages: Pages) -> str:
    """Return a table in MB of the plain text a second."""
    rows = []
    for (size, name), runs in record.groups("size", "format").items():
        speeds = {
            stage: spread((run["text"] / 1e6 / max(run[stage], 1e-9) for run in runs), 0)
            for stage in ("read", "encode")
        }
        what = "lines" if size <= 1 else f"{size:,} bytes"
        rows.append([f"`.{name}`", what, f"{runs[0]['stored'] / 1e6:.1f}", *speeds.values()])
    header = ["format", "documents", "MB stored", "to plain text, MB/s of a core"]
    return table([*header, "encode, MB/s of wall clock"], rows)


BENCHMARK = Benchmark(
    "formats",
    "MB/s of a text as plain text, JSON lines, Parquet, Arrow and CSV",
    measure,
    render,
    (
        CORPUS,
        ROUNDS,
        option(
            "--sizes", [1, 3_000], metavar="BYTES", help="of documents; 1: a line each (1 3000)"
        ),
        option("--folder", help="where files are written (the system's for temporary ones)"),
    ),
    ("corpus", "sizes"),
    ("hsw2v", "numpy", "numba", "orjson", "pyarrow", "smart_open"),
)
