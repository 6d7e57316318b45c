"""Patterns of keys in a bucket, and texts behind them: of a server that answers as S3 does."""

from __future__ import annotations

import gzip
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from some_records import jsonl, parquet, table

from hsw2v import buckets, errors
from hsw2v.config import CorpusConfig
from hsw2v.corpus.parts import divided
from hsw2v.corpus.stream import encode, encode_parts, encode_sentences
from hsw2v.files import expand_sources

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")

TEXTS = [f"some words of text {number % 13}" for number in range(300)]
KEYS = {
    "text/a.txt": b"a b a\n",
    "text/b.txt.gz": gzip.compress(b"c a\n"),
    "text/more/c.txt": b"d d\n",
    "text/more/": b"",
    "texts.txt": b"e\n",
    "records/a.jsonl.gz": gzip.compress(jsonl(TEXTS)),
    "records/b.parquet": parquet(TEXTS, 50),
    "records/c.csv": table(TEXTS),
    "records/d.parquet.gz": gzip.compress(parquet(TEXTS, 50)),
    "damaged/a.parquet": parquet(TEXTS)[:-9],
}


class Answers(BaseHTTPRequestHandler):
    """Lists keys, two on a page, and gives objects."""

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        _, bucket, *key = urllib.parse.unquote(url.path).split("/", 2)
        if bucket != "bucket":
            self._send(404, b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
        elif key and key[0]:
            self._send_some(KEYS[key[0]])
        else:
            self._send(200, self._listed(dict(urllib.parse.parse_qsl(url.query))))

    def _listed(self, query: dict[str, str]) -> bytes:
        keys = sorted(key for key in KEYS if key.startswith(query.get("prefix", "")))
        begin = int(query.get("continuation-token", "0"))
        page, more = keys[begin : begin + 2], begin + 2 < len(keys)
        contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in page)
        token = f"<NextContinuationToken>{begin + 2}</NextContinuationToken>" if more else ""
        told = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
        return f"<ListBucketResult>{told}</ListBucketResult>".encode()

    def _send_some(self, body: bytes) -> None:
        asked = self.headers.get("Range")
        if asked is None:
            self._send(200, body)
            return
        begin, end = asked.removeprefix("bytes=").split("-")
        first = int(begin) if begin else len(body) - int(end)
        last = min(int(end), len(body) - 1) if begin and end else len(body) - 1
        self._send(206, body[first : last + 1], f"bytes {first}-{last}/{len(body)}")

    def _send(self, status: int, body: bytes, part: str = "") -> None:
        self.send_response(status)
        if part:
            self.send_header("Content-Range", part)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer in place of S3, to credentials of the environment."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as answering:
        threading.Thread(target=answering.serve_forever, daemon=True).start()
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{answering.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield
        answering.shutdown()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("text/*.txt", ["text/a.txt"]),
        ("text/*.txt*", ["text/a.txt", "text/b.txt.gz"]),
        ("text/**", ["text/a.txt", "text/b.txt.gz", "text/more/c.txt"]),
        ("*/more/*", ["text/more/c.txt"]),
        ("*.txt", ["texts.txt"]),
    ],
)
def test_a_pattern_names_the_keys_that_match(pattern: str, expected: list[str]) -> None:
    assert expand_sources([f"s3://bucket/{pattern}"]) == [f"s3://bucket/{key}" for key in expected]


def test_texts_are_read_by_one_reader_or_several() -> None:
    names = expand_sources(["s3://bucket/text/**"])
    with encode(names, CorpusConfig()) as whole:
        assert whole.types.words == ["a", "b", "c", "d"]
        assert whole.types.counts.tolist() == [3, 1, 1, 2]
    read = []
    for parts in divided(names, 3):
        with encode_parts(parts, CorpusConfig()) as own:
            read.append(own.types.words)
    assert read == [["a", "b"], ["c", "a"], ["d"]]


def test_records_are_read_from_there() -> None:
    with encode_sentences([one.split() for one in TEXTS], CorpusConfig()) as expected:
        for name in expand_sources(["s3://bucket/records/*"]):
            with encode(name, CorpusConfig(field="text")) as found:
                assert found.ids.tolist() == expected.ids.tolist()
                assert found.types.words == expected.types.words
    name = "s3://bucket/damaged/a.parquet"
    with pytest.raises(errors.CorruptInputError, match=f"{name}: is no Parquet file, or is dam"):
        encode(name, CorpusConfig(field="text"))


def test_what_cannot_be_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.MissingInputError, match="no key matches"):
        expand_sources(["s3://bucket/none*"])
    with pytest.raises(errors.MissingInputError, match=r"s3://other/\*: cannot be listed .*NoSuch"):
        expand_sources(["s3://other/*"])
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(errors.UsageError, match=r"pip install 'hsw2v\[s3\]'"):
        expand_sources(["s3://bucket/*"])


def test_addresses_with_credentials_are_no_patterns() -> None:
    assert buckets.is_key_pattern("s3://bucket/*.txt")
    for address in ("s3://K:S@bucket/*", "gs://bucket/*", "s3://bucket/a", "https://host/*"):
        assert not buckets.is_key_pattern(address)
