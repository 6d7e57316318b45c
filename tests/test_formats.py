"""The formats of other programs: what is written is read back, what is out of order is refused."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import (
    CorruptInputError,
    EncodingError,
    MissingInputError,
    OutputError,
    OutputExistsError,
    ResourceError,
    UsageError,
)
from hsw2v.files import pieces
from hsw2v.model import foreign

WORDS = ["the", "größe", "東京", "a-b_c", "</s>"]
VECTORS = np.array(
    [
        [1.0, -2.5, 0.1],
        [1e-30, 3.4e38, -1e-45],
        [0.0, -0.0, 123456.79],
        [1e16, 1e-7, 1 / 3],
        [5, 6, 7],
    ],
    np.float32,
)


def model_of(words, vectors):
    return hsw2v.Model(Vocabulary.from_words(words, range(len(words), 0, -1)), vectors)


@pytest.fixture
def model():
    return model_of(WORDS, VECTORS)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.fixture
def write(tmp_path):
    def write(content: bytes, name: str = "v.vec"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("extension", ["", ".gz", ".bz2", ".xz", ".zst", ".GZ"])
@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.bin"])
def test_export_and_load_give_back_the_same_words_and_bits(model, tmp_path, name, extension):
    path = tmp_path / (name + extension)
    assert model.export(path) == [str(path)]
    loaded = hsw2v.load(path)
    assert loaded.words == WORDS
    assert same_bits(loaded.vectors, VECTORS)
    assert (loaded.counts, loaded.output, loaded.tree) == (None, None, None)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_compressed_export_is_compressed(model, tmp_path):
    model.export(tmp_path / "v.txt")
    model.export(tmp_path / "v.txt.gz")
    plain, packed = ((tmp_path / name).read_bytes() for name in ("v.txt", "v.txt.gz"))
    assert gzip.decompress(packed) == plain


words = st.text(
    st.characters(codec="utf-8", exclude_characters=" \t\n\r\v\f"), min_size=1, max_size=9
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.sampled_from(["text", "binary"]))
def test_any_words_and_any_finite_numbers_survive(tmp_path, data, format):
    chosen = data.draw(st.lists(words, min_size=1, max_size=5, unique=True))
    shape = (len(chosen), data.draw(st.integers(1, 5)))
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    vectors = data.draw(arrays(np.float32, shape, elements=finite))
    model_of(chosen, vectors).export(tmp_path / "v", format=format, force=True)
    loaded = hsw2v.load(tmp_path / "v", format=format)
    assert loaded.words == chosen
    assert same_bits(loaded.vectors, vectors)


def test_random_bits_survive_as_text(tmp_path):
    bits = np.random.default_rng(1).integers(0, 2**32, size=(3000, 40), dtype=np.uint32)
    vectors = bits.view(np.float32).copy()
    vectors[~np.isfinite(vectors)] = 1.0
    model_of([f"w{i}" for i in range(3000)], vectors).export(tmp_path / "v.txt")
    assert same_bits(hsw2v.load(tmp_path / "v.txt").vectors, vectors)


def test_the_text_format_is_what_word2vec_writes(tmp_path):
    model_of(["a", "b"], np.array([[0.5, -1], [0.1, 2e-9]], np.float32)).export(tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_bytes() == b"2 2\na 0.5 -1.0\nb 0.1 2e-9\n"


def test_the_binary_format_is_what_word2vec_writes(tmp_path):
    model_of(["a", "b"], np.array([[0.5, -1], [0.1, 2]], np.float32)).export(tmp_path / "v.bin")
    expected = b"2 2\na " + struct.pack("<2f", 0.5, -1) + b"\nb " + struct.pack("<2f", 0.1, 2)
    assert (tmp_path / "v.bin").read_bytes() == expected + b"\n"


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.txt.gz"])
def test_gensim_reads_what_is_exported(model, tmp_path, name):
    pytest.importorskip("gensim")
    from gensim.models import KeyedVectors

    model.export(tmp_path / name)
    read = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=name == "v.bin")
    assert read.index_to_key == WORDS
    assert same_bits(read.vectors, VECTORS)


@pytest.mark.parametrize("binary", [False, True])
def test_what_gensim_writes_is_read(tmp_path, binary):
    pytest.importorskip("gensim")
    from gensim.models import KeyedVectors

    written = KeyedVectors(3)
    written.add_vectors(WORDS, VECTORS)
    written.save_word2vec_format(str(tmp_path / "v"), binary=binary)
    loaded = hsw2v.load(tmp_path / "v")
    assert loaded.words == WORDS
    assert same_bits(loaded.vectors, VECTORS)


def test_npy_is_an_array_and_a_list_of_words(tmp_path):
    model = model_of(["New York", "a"], VECTORS[:2])
    written = model.export(tmp_path / "v.npy")
    assert written == [str(tmp_path / "v.npy"), str(tmp_path / "v.words.txt")]
    assert same_bits(np.load(written[0]), VECTORS[:2])
    assert (tmp_path / "v.words.txt").read_text(encoding="utf-8") == "New York\na\n"


def test_the_format_can_be_told_whatever_the_name(model, tmp_path):
    model.export(tmp_path / "v.txt", format="binary")
    model.export(tmp_path / "v", format="npy")
    model.export(tmp_path / "plain")
    assert b"\0" in (tmp_path / "v.txt").read_bytes()
    assert np.array_equal(np.load(tmp_path / "v"), VECTORS)
    assert (tmp_path / "plain").read_bytes().startswith(b"5 3\nthe 1.0 -2.5 0.1\n")


def test_top_keeps_the_most_frequent_words(model, tmp_path):
    model.export(tmp_path / "v.txt", top=2)
    assert hsw2v.load(tmp_path / "v.txt").words == WORDS[:2]
    model.export(tmp_path / "all.txt", top=99)
    assert len(hsw2v.load(tmp_path / "all.txt")) == 5


def test_normalize_writes_vectors_of_length_one(tmp_path):
    model = model_of(["a", "b"], np.array([[3, 4], [0, -2]], np.float32))
    model.export(tmp_path / "v.txt", normalize=True)
    assert hsw2v.load(tmp_path / "v.txt").vectors == pytest.approx(np.array([[0.6, 0.8], [0, -1]]))


@pytest.mark.parametrize("name", ["v.txt", "v.bin"])
def test_a_word_with_white_space_is_refused_before_anything_is_written(tmp_path, name):
    model = model_of(["a", "New York"], VECTORS[:2])
    with pytest.raises(UsageError, match=r"'New York'.*export to npy"):
        model.export(tmp_path / name)
    with pytest.raises(UsageError, match="a\\\\nb"):
        model_of(["a\nb"], VECTORS[:1]).export(tmp_path / "v.npy")
    assert list(tmp_path.iterdir()) == []
    model.export(tmp_path / name, top=1)


def test_numbers_that_are_not_finite_are_not_written(tmp_path):
    with pytest.raises(UsageError, match="not finite"):
        model_of(["a"], np.array([[np.nan]], np.float32)).export(tmp_path / "v.txt")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_forced(model, tmp_path):
    (tmp_path / "v.words.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"v\.words\.txt"):
        model.export(tmp_path / "v.npy")
    assert [p.name for p in tmp_path.iterdir()] == ["v.words.txt"]
    model.export(tmp_path / "v.npy", force=True)
    assert (tmp_path / "v.words.txt").read_text().startswith("the\n")
    with pytest.raises(OutputError):
        model.export(tmp_path / "absent" / "v.txt")


@pytest.mark.parametrize(
    "content",
    [
        b"2 2\na 1 2\nb 3 4\n",
        b"2 2\na 1 2\nb 3 4",
        b"2 2 \na 1 2 \nb 3 4 \n",
        b"2 2\r\na 1 2\r\nb 3 4\r\n",
        b"2 2\na\t1\t2\nb  3.0  +4e0\n",
        b"2 2\na 1. 2\nb 03 .4e1\n",
        b"\xef\xbb\xbf2 2\na 1 2\nb 3 4\n",
    ],
)
def test_harmless_varieties_of_the_text_format_are_read(write, content):
    loaded = hsw2v.load(write(content))
    assert loaded.words == ["a", "b"]
    assert loaded.vectors.tolist() == [[1, 2], [3, 4]]


def test_words_may_hold_anything_but_white_space(write):
    strange = ["\xa0", "\u2028", "\x85", "#", "1", "-", "true", '"', "[", "\x1f"]
    text = f"{len(strange)} 1\n" + "".join(f"{word} {i}\n" for i, word in enumerate(strange))
    assert hsw2v.load(write(text.encode())).words == strange


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1\nb 3\n", "line 1: does not begin with the number of words"),
        (b"0 2\n", "line 1: does not begin with the number of words"),
        (b"2 0\na\nb\n", "line 1: does not begin with the number of words"),
        (b"3 2\na 1 2\nb 3 4\n", "line 3: ends after 2 of the 3 words"),
        (b"2 2\n", "line 1: ends after 0 of the 2 words"),
        (b"1 2\na 1 2\nb 3 4\n", "line 3: goes on after its 1 words, with 'b 3 4'"),
        (b"1 2\na 1 2\n\n", "line 3: goes on after its 1 words"),
        (b"2 2\na 1 2\nb 3\n", "line 3: is not a word and 2 numbers, but 2 fields: 'b 3'"),
        (b"2 2\na 1 2\nb 3 4 5\n", "line 3: is not a word and 2 numbers, but 4 fields"),
        (b"2 2\na 1 2\nb b 3 4\n", "line 3: is not a word and 2 numbers, but 4 fields"),
        (b"2 2\na 1 2\n\nb 3 4\n", "line 3: is not a word and 2 numbers, but 0 fields"),
        (b"2 2\na 1 2\n 3 4\n", "line 3: is not a word and 2 numbers"),
        (b"2 2\na 1 2\nb 3 x\n", "line 3: the vector of 'b' holds something that is no number"),
        (b"2 2\na 1 2\nb 3 true\n", "line 3: .* no number"),
        (b'2 2\na 1 2\nb 3 "4"\n', "line 3: .* no number"),
        (b"2 2\na 1 2\nb 3 4_0\n", "line 3: .* no number"),
        (b"2 2\na 1 2\nb 3 nan\n", "line 3: the vector of 'b' holds a number that is not finite"),
        (b"2 2\na 1 2\nb 3 1e39\n", "line 3: the vector of 'b' holds a number that is not finite"),
        (b"2 2\na 1 2\na 3 4\n", "line 3: the word 'a' stands there a second time .*line 2"),
    ],
)
def test_text_that_is_out_of_order_is_refused_with_its_line(write, content, message):
    with pytest.raises(CorruptInputError, match=r"v\.vec, " + message):
        hsw2v.load(write(content))


def test_the_line_of_an_error_counts_across_batches(write):
    rows = [b"w%d %d 1" % (i, i) for i in range(5000)]
    rows[4321] = b"w4321 4321 oops"
    with pytest.raises(CorruptInputError, match="line 4323: "):
        hsw2v.load(write(b"5000 2\n" + b"\n".join(rows)))


def test_a_word_that_is_not_utf8_is_refused(write):
    with pytest.raises(EncodingError, match="line 3: the word is not UTF-8"):
        hsw2v.load(write(b"2 1\na 1\n\xff\xfe 2\n"))
    with pytest.raises(EncodingError, match="row 2: the word is not UTF-8"):
        hsw2v.load(write(b"2 1\na " + bytes(4) + b"\n\xff\xfe " + bytes(4)))


def row(word, *numbers):
    return word + b" " + struct.pack(f"<{len(numbers)}f", *numbers)


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("last", [b"\n", b""])
def test_binary_is_read_with_and_without_newlines(write, end, last):
    content = b"3 2\n" + end.join([row(b"a", 1, 2), row(b"b", 3, 4), row(b"c", 5, 6)]) + last
    loaded = hsw2v.load(write(content))
    assert loaded.words == ["a", "b", "c"]
    assert loaded.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"3 2\n" + row(b"a", 1, 2) + row(b"b", 3, 4), "row 2: ends after 2 of the 3 words"),
        (b"2 2\n" + row(b"a", 1, 2) + row(b"b", 3), "row 1: ends after 1 of the 2 words"),
        (b"1 2\n" + row(b"a", 1, 2) + row(b"b", 3, 4), "row 2: goes on after its 1 words"),
        (b"1 2\n" + row(b"a", 1, 2) + b"\n\n", "row 2: goes on after its 1 words"),
        (b"2 2\n" + row(b"a", 1, 2) + row(b"", 3, 4), "row 2: the word is empty"),
        (b"2 2\n" + row(b"a", 1, 2) + row(b"b", 3, np.inf), "row 2: .*'b'.* not finite"),
        (b"2 2\n" + row(b"a", 1, 2) + row(b"a", 3, 4), "row 2: the word 'a' .* second time"),
    ],
)
def test_binary_that_is_out_of_order_is_refused_with_its_row(write, content, message):
    with pytest.raises(CorruptInputError, match=r"v\.bin, " + message):
        hsw2v.load(write(content, "v.bin"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (row(b"w 4321", 1, 2), "row 43[0-9]+: "),
        (row(b"\nw4321", 1, 2), "row 4322: the word is empty or holds white space"),
        (row(b"w\t4321", 1, 2), "row 4322: the word is empty or holds white space"),
        (row(b"w4321\xff", 1, 2), "row 4322: the word is not UTF-8"),
        (row(b"w4321", 1, np.nan), "row 4322: the vector of 'w4321' .* not finite"),
        (row(b"w17", 1, 2), r"row 4322: the word 'w17' .* second time \(first at row 18\)"),
    ],
)
def test_the_row_of_an_error_counts_across_batches(write, wrong, message):
    rows = [row(b"w%d" % number, number, 1) for number in range(5000)]
    rows[4321] = wrong
    with pytest.raises((CorruptInputError, EncodingError), match=message):
        hsw2v.load(write(b"5000 2\n" + b"\n".join(rows)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("format", ["text", "binary"])
def test_reading_does_not_depend_on_how_the_file_comes_in_pieces(model, tmp_path, format, size):
    model.export(tmp_path / "v", format=format)
    read = foreign.read_text if format == "text" else foreign.read_binary
    words, vectors = read(pieces(str(tmp_path / "v"), size), "v")
    assert not {"words", "index"} & vars(words).keys()
    assert words.words == WORDS
    assert same_bits(vectors, VECTORS)


def test_a_first_line_that_promises_too_much_is_refused(write):
    with pytest.raises((ResourceError, CorruptInputError), match="line 1: promises"):
        hsw2v.load(write(b"999999999999999 99999\na 1 2\n"))


def test_a_truncated_compressed_file_is_refused(model, tmp_path):
    model.export(tmp_path / "v.txt.gz")
    content = (tmp_path / "v.txt.gz").read_bytes()
    (tmp_path / "v.txt.gz").write_bytes(content[:-12])
    with pytest.raises(CorruptInputError, match=r"v\.txt\.gz"):
        hsw2v.load(tmp_path / "v.txt.gz")


def test_a_picture_is_neither_a_model_nor_vectors(write):
    with pytest.raises(CorruptInputError, match="line 1: does not begin with the number of words"):
        hsw2v.load(write(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20))


def test_a_wrong_format_can_not_be_asked_for(write):
    with pytest.raises(UsageError, match="model, text, binary"):
        hsw2v.load(write(b"1 1\na 1\n"), format="pickle")
    with pytest.raises(MissingInputError):
        hsw2v.load("absent.vec")


def test_foreign_vectors_become_a_model_file(model, tmp_path):
    model.export(tmp_path / "v.bin")
    hsw2v.load(tmp_path / "v.bin").save(tmp_path / "v.safetensors")
    loaded = hsw2v.load(tmp_path / "v.safetensors")
    assert loaded.words == WORDS
    assert same_bits(loaded.vectors, VECTORS)
    assert loaded.counts is None
