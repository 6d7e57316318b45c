"""The one pass: sources of every kind, errors, and nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import smart_open

from hsw2v import events
from hsw2v.config import CorpusConfig, VocabularyConfig
from hsw2v.corpus import encoded, reading
from hsw2v.corpus.stream import encode, encode_sentences
from hsw2v.corpus.vocabulary import choose
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import (
    CorruptInputError,
    DiskFullError,
    EmptyCorpusError,
    EncodingError,
    MissingInputError,
    OutputError,
    UsageError,
)
from hsw2v.events import CorpusProgress, Notice

TEXT = "".join(
    " ".join(f"w{(i * j) % 97}é" if j % 7 else f"long-word-{(i * j) % 89}" for j in range(i % 23))
    + "\n"
    for i in range(700)
).encode()


def ids_and_words(sources, **options):
    settings = {k: options.pop(k) for k in list(options) if k in CorpusConfig.__annotations__}
    with encode(sources, CorpusConfig(**settings), **options) as corpus:
        return corpus.ids.tolist(), corpus.types.words, corpus.types.counts.tolist()


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_bytes(TEXT)
    return path


@pytest.mark.parametrize("piece_bytes", [5, 64, 1000, 1 << 20])
def test_ids_do_not_depend_on_the_pieces(plain, piece_bytes):
    assert ids_and_words(plain, piece_bytes=piece_bytes) == ids_and_words(plain)


def test_ids_do_not_depend_on_the_files(plain, tmp_path):
    folder = tmp_path / "parts"
    (folder / "b").mkdir(parents=True)
    lines = TEXT.splitlines(keepends=True)
    (folder / "a.txt").write_bytes(b"".join(lines[:100]))
    (folder / "b" / "1.txt").write_bytes(b"\xef\xbb\xbf" + b"".join(lines[100:300]).rstrip(b"\n"))
    (folder / "b" / "2.txt").write_bytes(b"")
    (folder / "c.txt").write_bytes(b"".join(lines[300:]).replace(b"\n", b"\r\n"))
    (folder / ".hidden").write_bytes(b"hidden")
    assert ids_and_words(folder) == ids_and_words(plain)
    assert ids_and_words([folder / "a.txt", folder / "b", folder / "c.txt"]) == ids_and_words(plain)


@pytest.mark.parametrize("extension", [".gz", ".bz2", ".xz", ".zst", ".GZ"])
def test_ids_do_not_depend_on_the_compression(plain, tmp_path, extension):
    path = tmp_path / f"packed{extension}"
    with smart_open.open(path, "wb") as out:
        out.write(TEXT[:5000])
    with smart_open.open(path, "ab") as out:  # a second member or frame
        out.write(TEXT[5000:])
    assert ids_and_words(path) == ids_and_words(plain)


def test_a_pipe_is_read_once(plain, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(TEXT,))
    writer.start()
    assert ids_and_words(path) == ids_and_words(plain)
    writer.join()


def test_standard_input_is_a_source(plain, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    assert ids_and_words("-") == ids_and_words(plain)


def test_an_address_is_a_source(plain):
    assert ids_and_words(f"file://{plain}") == ids_and_words(plain)


def test_blocks_end_with_sentences_and_cover_the_ids(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(["a b c d"] * 5000 + ["x " * 20_000] + ["a"] * 10))
    with encode(path, CorpusConfig()) as corpus:
        sizes = np.diff(corpus.blocks)
        assert corpus.blocks[0] == 0
        assert corpus.blocks[-1] == len(corpus.ids)
        assert sizes.min() > 0
        assert sizes.max() <= encoded.BLOCK
        assert np.all(sizes[:-1] + sizes[1:] > encoded.BLOCK)
        cut = corpus.ids[corpus.blocks[1:] - 1] != 0
        assert cut.sum() == 2, "only the sentence that is longer than a block is cut"


def test_blocks_do_not_depend_on_how_many_ids_are_looked_at(tmp_path, monkeypatch):
    path = tmp_path / "corpus.txt"
    path.write_text("".join("a " * (i * i % 3001) + "\n" for i in range(200)) + "b " * 30_000)
    with encode(path, CorpusConfig()) as corpus:
        expected = corpus.blocks.tolist()
    monkeypatch.setattr(encoded, "IDS_AT_ONCE", 2 * encoded.BLOCK + 5)
    with encode(path, CorpusConfig()) as corpus:
        assert corpus.blocks.tolist() == expected
        corpus.forget()
        assert corpus.ids[-1] == 0


def test_totals_and_progress_are_told(plain):
    events = []
    with encode(plain, CorpusConfig(), listener=events.append, piece_bytes=1000) as corpus:
        last = [event for event in events if isinstance(event, CorpusProgress)][-1]
        assert last.bytes_read == last.bytes_total == corpus.bytes_read == len(TEXT)
        assert last.tokens == corpus.tokens == len(TEXT.split())
        assert last.types == len(corpus.types) == len(set(TEXT.split()))
        assert corpus.sentences == sum(bool(line.split()) for line in TEXT.splitlines())


def test_bytes_of_a_compressed_file_are_those_stored(tmp_path):
    path = tmp_path / "corpus.gz"
    path.write_bytes(gzip.compress(TEXT))
    with encode(path, CorpusConfig()) as corpus:
        assert corpus.bytes_read == path.stat().st_size


def test_replaced_bytes_are_counted_and_noticed(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"caf\xe9 and \xf0\x9f\x98 \xc3\xa9t\xc3\n" * 100)
    events = []
    config = CorpusConfig(encoding_errors="replace")
    with encode(path, config, listener=events.append, piece_bytes=100) as corpus:
        assert corpus.replaced_bytes == 500
        assert corpus.types.words == ["caf\ufffd", "and", "\ufffd", "ét\ufffd"]
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == ["500 bytes were not valid UTF-8 and were replaced"]


@pytest.mark.parametrize("piece_bytes", [8, 1 << 19])
def test_invalid_utf8_is_an_error_with_its_place(tmp_path, piece_bytes):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"\xef\xbb\xbffirst line\nsecond\nthe th\xefrd\n" + b"more \xff\n" * 50)
    with pytest.raises(EncodingError) as caught:
        encode(path, CorpusConfig(), piece_bytes=piece_bytes)
    assert caught.value.where == f"{path}, line 3, byte 27"
    assert "0xef" in caught.value.what
    assert "--encoding-errors replace|ignore" in caught.value.hint


def test_text_that_ends_within_a_character_is_an_error(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes("a naïve caf".encode() + b"\xc3")
    with pytest.raises(EncodingError, match="line 1, byte 12"):
        encode(path, CorpusConfig())


def packed(extension: str, folder) -> bytes:
    path = folder / f"whole{extension}"
    with smart_open.open(path, "wb") as out:
        out.write(os.urandom(3000).hex().encode())
    return path.read_bytes()


@pytest.mark.parametrize("extension", [".gz", ".bz2", ".xz", ".zst"])
def test_a_truncated_compressed_file_is_an_error(tmp_path, extension):
    path = tmp_path / f"corpus{extension}"
    path.write_bytes(packed(extension, tmp_path)[:-100])
    with pytest.raises(CorruptInputError, match="truncated") as caught:
        encode(path, CorpusConfig())
    assert caught.value.where == str(path)


@pytest.mark.parametrize("extension", [".gz", ".bz2", ".xz", ".zst"])
def test_a_file_that_is_not_what_its_extension_says_is_an_error(tmp_path, extension):
    path = tmp_path / f"corpus{extension}"
    path.write_bytes(TEXT)
    with pytest.raises(CorruptInputError, match="cannot be decompressed"):
        encode(path, CorpusConfig())


@pytest.mark.parametrize("extension", [".gz", ".bz2", ".xz", ".zst"])
def test_a_compressed_file_without_its_extension_is_an_error(tmp_path, extension):
    path = tmp_path / "corpus.txt"
    path.write_bytes(packed(extension, tmp_path))
    with pytest.raises(CorruptInputError, match=rf"name it \{extension}"):
        encode(path, CorpusConfig(encoding_errors="replace"))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(50), "program"),
        (b"PK\x03\x04" + bytes(50), "zip"),
        (b"%PDF-1.7\n", "PDF"),
        ((80).to_bytes(8, "little") + b'{"vectors":{}}', "safetensors"),
        ("some text".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_binary_file_is_an_error(tmp_path, data, kind):
    path = tmp_path / "corpus.txt"
    path.write_bytes(data)
    with pytest.raises(CorruptInputError, match=kind):
        encode(path, CorpusConfig(encoding_errors="ignore"))


def test_nul_bytes_are_ordinary_characters(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"\x00 a\x00 a \x00\x00\n")
    assert ids_and_words(path)[1] == ["\x00", "a\x00", "a", "\x00\x00"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n\xc2\xa0\n", b"\xef\xbb\xbf"])
def test_a_corpus_without_tokens_is_an_error(tmp_path, data):
    path = tmp_path / "corpus.txt"
    path.write_bytes(data)
    with pytest.raises(EmptyCorpusError, match="no tokens"):
        encode(path, CorpusConfig())


def test_missing_sources_are_errors(tmp_path):
    for source in (tmp_path / "none", tmp_path, tmp_path / "*.txt"):
        with pytest.raises(MissingInputError):
            encode(source, CorpusConfig())


def test_a_token_beyond_all_measure_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST", 1000)
    path = tmp_path / "corpus.txt"
    path.write_text("two lines\nof " + "x" * 5000)
    with pytest.raises(CorruptInputError, match=r"line 2, byte 13: .*white space"):
        encode(path, CorpusConfig(), piece_bytes=64)


@pytest.mark.parametrize("piece_bytes", [7, 64, 999])
def test_the_longest_token_does_not_depend_on_pieces(tmp_path, monkeypatch, piece_bytes):
    monkeypatch.setattr(reading, "LONGEST", 1000)
    path = tmp_path / "corpus.txt"
    path.write_text(f"{'x' * 1000} a\nof {'y' * 1000}")
    assert ids_and_words(path, piece_bytes=piece_bytes)[1] == ["x" * 1000, "a", "of", "y" * 1000]
    for text in (f"of {'x' * 1001} a", f"of {'x' * 1001}"):
        path.write_text(text)
        with pytest.raises(CorruptInputError, match=r"line 1, byte 3: .* 1,000 bytes"):
            encode(path, CorpusConfig(), piece_bytes=piece_bytes)


def test_a_source_that_fails_while_it_is_read_is_an_error(plain, monkeypatch):
    monkeypatch.setattr(reading, "decompressed", lambda *_: contextlib.nullcontext(Failing()))
    with pytest.raises(MissingInputError, match="Input/output error"):
        encode(plain, CorpusConfig())


class Failing:
    def readinto(self, view):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def cache(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def settled(count) -> bool:
    """Wait a moment for the threads to end."""
    deadline = time.monotonic() + 2
    while count() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not count()


def test_nothing_is_left_after_success(plain, cache):
    threads = threading.active_count()
    with encode(plain, CorpusConfig(cache_dir=str(cache))) as corpus:
        ids = corpus.ids
        assert os.listdir(cache) == []
    assert os.listdir(cache) == []
    assert ids[0] == 1, "arrays that are still held stay alive"
    assert settled(lambda: threading.active_count() - threads)


def test_nothing_is_left_after_an_error(plain, cache, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(TEXT + b"\xff\n")
    files, threads = open_files(), threading.active_count()
    with pytest.raises(EncodingError):
        encode([plain, bad], CorpusConfig(cache_dir=str(cache)), piece_bytes=100)
    assert os.listdir(cache) == []
    assert settled(lambda: threading.active_count() - threads)
    assert open_files() == files


def interrupting(event):
    raise KeyboardInterrupt


def test_nothing_is_left_after_an_interrupt(plain, cache, monkeypatch):
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    files, threads = open_files(), threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        encode(plain, CorpusConfig(cache_dir=str(cache)), listener=interrupting, piece_bytes=100)
    assert os.listdir(cache) == []
    assert settled(lambda: threading.active_count() - threads)
    assert open_files() == files


def test_an_interrupt_ends_the_work_even_while_a_pipe_is_silent(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    keep = os.open(path, os.O_RDWR)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        encode(path, CorpusConfig())
    assert time.monotonic() - begun < 1
    os.close(keep)


def test_a_cache_folder_that_is_not_there_is_an_error(plain, tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        encode(plain, CorpusConfig(cache_dir=str(tmp_path / "nowhere")))


class FullDisk(io.BytesIO):
    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_an_error(plain, monkeypatch):
    monkeypatch.setattr(encoded.tempfile, "TemporaryFile", lambda **options: FullDisk())
    with pytest.raises(DiskFullError):
        encode(plain, CorpusConfig())


def test_a_bounded_table_drops_the_rarest(tmp_path):
    rare = [f"rare{i}" for i in range(1000)]
    lines = [f"often {word} usual often" for word in rare] + ["often"]
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join([*lines[:500], "rare1", *lines[500:]]))
    events = []
    config = CorpusConfig(max_types=10)
    with encode(path, config, listener=events.append, piece_bytes=100) as corpus:
        words = corpus.types.words
        assert words[:2] == ["often", "usual"]
        assert 5 <= len(words) <= 10
        assert words[-1] == "rare999"
        assert corpus.types.counts[:2].tolist() == [2001, 1000]
        assert corpus.tokens == 4002
        assert corpus.dropped_types + len(words) == 1003
        np.testing.assert_array_equal(np.bincount(corpus.ids)[1:], corpus.types.counts)
        assert corpus.sentences == 1001, "the sentence of nothing but a dropped type is gone"
        assert np.all((corpus.ids[1:] != 0) | (corpus.ids[:-1] != 0))
        assert corpus.ids[0] == 1
        expected = corpus.ids.tolist()
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    assert "types were dropped to keep the table within 10" in notice
    assert "more than 1 times" in notice
    assert ids_and_words(path, max_types=10)[0] == expected


def test_a_table_that_is_large_enough_drops_nothing(plain):
    assert ids_and_words(plain, max_types=10_000) == ids_and_words(plain)


def test_a_table_grows_to_many_types(tmp_path):
    words = [f"{'word' if i % 2 else 'a-much-longer-word-'}{i}" for i in range(70_000)]
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(words) + "\n" + " ".join(reversed(words)))
    ids, types, counts = ids_and_words(path)
    assert types == words
    assert set(counts) == {2}
    assert ids[140_000:-1] == list(range(70_000, 0, -1))


def test_sentences_get_the_ids_of_their_text(plain):
    sentences = [line.split() for line in TEXT.decode().splitlines()]
    with encode_sentences(sentences, CorpusConfig()) as corpus:
        found = corpus.ids.tolist(), corpus.types.words, corpus.types.counts.tolist()
    assert found == ids_and_words(plain)


def test_sentences_are_lower_cased_and_bounded_alike():
    with encode_sentences([["New York", "ΣΑΣ"], ("new york",)], CorpusConfig(lowercase=True)) as c:
        assert c.types.words == ["new york", "σας"]
    with encode_sentences(([str(i)] for i in range(100)), CorpusConfig(max_types=4)) as corpus:
        assert len(corpus.types) <= 4


@pytest.mark.parametrize(
    ("sentences", "words"),
    [
        (["a sentence"], "not a list of tokens"),
        ("a sentence", "not a list of tokens"),
        ([["a"], 3], "sentence 2 is 3"),
        ([{"text": "a b"}], "sentence 1 is .* a record and not a list of tokens; give lists of"),
        ([["a", None]], "token None is not a string"),
        ([[b"a"]], "is not a string"),
        ([["\ud800"]], "valid characters"),
        ([["a", ""]], "empty string"),
    ],
)
def test_what_is_not_a_list_of_tokens_is_an_error(sentences, words):
    with pytest.raises(UsageError, match=words):
        encode_sentences(sentences, CorpusConfig())


def test_raw_text_mode_is_not_for_token_lists():
    with pytest.raises(UsageError, match="tokens='words'"):
        encode_sentences([["a"]], CorpusConfig(tokens="words"))


def test_no_sentences_is_an_error():
    with pytest.raises(EmptyCorpusError):
        encode_sentences([[], []], CorpusConfig())


def interrupted():
    yield ["a"]
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_encoding_of_sentences(cache):
    files = open_files()
    with pytest.raises(KeyboardInterrupt):
        encode_sentences(interrupted(), CorpusConfig(cache_dir=str(cache)))
    assert os.listdir(cache) == []
    assert open_files() == files


def test_another_corpus_is_read_with_a_given_vocabulary():
    with encode_sentences([["b", "a", "a", "rare"], ["b", "a"]], CorpusConfig()) as corpus:
        vocabulary, _ = choose(corpus.types, VocabularyConfig(min_count=2))
    with encode_sentences([["new", "b", "a"], ["rare"]], CorpusConfig()) as heldout:
        remap = WordCorpus.of(heldout, vocabulary).remap
        assert remap.dtype == np.int32
        assert remap[heldout.ids].tolist() == [-2, 1, 0, -1, -2, -1]


def test_a_sentence_of_any_length_is_one_sentence() -> None:
    tokens = [f"w{number % 7}" for number in range(100_000)]
    with encode_sentences([tokens, ["end"]], CorpusConfig()) as corpus:
        assert corpus.sentences == 2
        assert corpus.tokens == 100_001
        assert np.count_nonzero(corpus.ids[:100_000] == 0) == 0


def test_noise_is_not_taken_for_text_in_another_encoding(tmp_path: Path) -> None:
    noise, latin = tmp_path / "noise.txt", tmp_path / "latin.txt"
    noise.write_bytes(np.random.default_rng(0).bytes(5_000))
    latin.write_bytes("déjà vu, naïve café\n".encode("latin-1") * 50)
    with pytest.raises(CorruptInputError, match="binary") as binary:
        encode(noise, CorpusConfig())
    assert not isinstance(binary.value, EncodingError)
    with pytest.raises(EncodingError, match="line 1, byte 1"):
        encode(latin, CorpusConfig())
