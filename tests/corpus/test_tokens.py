"""The tokeniser against its definition, `str.split()`, and the decoder against `bytes.decode`."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hsw2v.config import CorpusConfig
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import Piece, prepare, read_pieces
from hsw2v.corpus.stream import encode, encode_sentences
from hsw2v.corpus.text import first_invalid, last_break, word_characters

SPACES = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
NEAR_SPACES = "\x00\x08\x0e\x1b\x84\xa1\u180e\u1fff\u200b\u2027\u202a\u2030\u2060\u2fff\u3001\ufeff"
PIECE_BYTES = [1, 2, 3, 7, 63, 64, 65, 1 << 19]

any_text = st.text(
    st.one_of(
        st.sampled_from("ab\n\n  '’AΣσİ"),
        st.sampled_from(SPACES),
        st.sampled_from(NEAR_SPACES),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=300,
)
long_words = st.text(st.sampled_from("ab \n"), max_size=300)


def sentences_of(corpus: EncodedCorpus) -> list[list[str]]:
    """Turn the ids of a corpus back to lists of tokens."""
    found: list[list[str]] = [[]]
    for number in corpus.ids.tolist():
        if number:
            found[-1].append(corpus.types.words[number - 1])
        else:
            found.append([])
    assert found.pop() == []
    return found


def encoded(folder, data: bytes, piece_bytes: int = 1 << 19, **settings) -> list[list[str]]:
    path = folder / "corpus.txt"
    path.write_bytes(data)
    with encode(path, CorpusConfig(**settings), piece_bytes=piece_bytes) as corpus:
        check_totals(corpus)
        return sentences_of(corpus)


def check_totals(corpus: EncodedCorpus) -> None:
    expected = np.bincount(corpus.ids, minlength=len(corpus.types) + 1)
    assert corpus.sentences == expected[0]
    assert corpus.tokens == expected[1:].sum()
    np.testing.assert_array_equal(corpus.types.counts, expected[1:])
    _, first = np.unique(corpus.ids[corpus.ids > 0], return_index=True)
    assert np.all(np.diff(first) > 0), "types are in order of arrival"


def expected_of(text: str) -> list[list[str]]:
    lines = text.removeprefix("\ufeff").split("\n")
    return [line.split() for line in lines if line.split()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("corpora")


@given(text=any_text, piece_bytes=st.sampled_from(PIECE_BYTES))
@example(text="".join(f"a{space}" for space in SPACES), piece_bytes=1)
@example(text="".join(f"a{space}" for space in SPACES), piece_bytes=64)
@example(text="x" * 63 + "\u2003y", piece_bytes=64)
@example(text="x" * 62 + "\u2003y", piece_bytes=1 << 19)
@example(text="\n" * 200 + "a" * 64 + "\n\n" + "a" * 63 + "\n", piece_bytes=64)
@example(text="a\x00 a a\x00\x00 \x00\n\x00", piece_bytes=2)
@settings(max_examples=300)
def test_tokens_are_what_split_makes_of_each_line(folder, text, piece_bytes):
    expected = expected_of(text)
    if expected:
        assert encoded(folder, text.encode(), piece_bytes) == expected


@given(words=st.lists(st.text("ab", min_size=1, max_size=40), min_size=1, max_size=60))
@settings(max_examples=100)
def test_words_that_differ_only_late_or_in_length_stay_apart(folder, words):
    assert encoded(folder, " ".join(words).encode()) == [words]


def test_every_white_space_and_its_neighbours_are_known(folder):
    text = "".join(f"w{i}{space}" for i, space in enumerate(SPACES) if space != "\n")
    near = " ".join(f"a{other}b" for other in NEAR_SPACES)
    assert encoded(folder, f"{text}\n{near}".encode()) == [text.split(), near.split()]
    assert len(near.split()) == len(NEAR_SPACES)


@given(text=any_text, piece_bytes=st.sampled_from(PIECE_BYTES))
@example(text="ΑΣ ΣΑΣ. Σ ΑΣ'Α AΣ\u0301 İI", piece_bytes=1)
@settings(max_examples=150)
def test_lowercase_equals_lowering_the_line(folder, text, piece_bytes):
    expected = [line.lower().split() for line in text.removeprefix("\ufeff").split("\n")]
    expected = [line for line in expected if line]
    if expected:
        assert encoded(folder, text.encode(), piece_bytes, lowercase=True) == expected


def words_by_definition(line: str) -> list[str]:
    """Find words the slow way: letters, marks and numbers, and apostrophes between them."""

    def belongs(i: int) -> bool:
        return 0 <= i < len(line) and unicodedata.category(line[i])[0] in "LMN"

    return "".join(
        char if belongs(i) or (char in "'’" and belongs(i - 1) and belongs(i + 1)) else " "
        for i, char in enumerate(line)
    ).split()


@given(text=any_text, piece_bytes=st.sampled_from(PIECE_BYTES), lowercase=st.booleans())
@settings(max_examples=200)
def test_words_of_raw_text_drop_punctuation(folder, text, piece_bytes, lowercase):
    lines = text.removeprefix("\ufeff").split("\n")
    expected = [words_by_definition(line.lower() if lowercase else line) for line in lines]
    expected = [line for line in expected if line]
    if expected:
        data = text.encode()
        found = encoded(folder, data, piece_bytes, tokens="words", lowercase=lowercase)
        assert found == expected


def test_words_of_raw_text_by_example(folder):
    text = "\"Don't!\" she'll say—'tis l’été, rock''n'roll_2.\nnaïve x² \n ... \nЁжик"
    assert encoded(folder, text.encode(), tokens="words", lowercase=True) == [
        ["don't", "she'll", "say", "tis", "l’été", "rock", "n'roll", "2"],
        ["naïve", "x²"],
        ["ёжик"],
    ]


def test_word_characters_are_letters_marks_and_numbers():
    table = word_characters()
    assert all(table[ord(c)] for c in "aZ5éß٣²中\u0301ª")
    assert not any(table[ord(c)] for c in " _-'’.\n\x00€\u200b")


def padded(data: bytes) -> Piece:
    piece = Piece()
    piece.fill(data)
    return piece


hard_bytes = st.lists(
    st.one_of(
        st.sampled_from(
            bytes.fromhex("00 20 61 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ed ef f0 f1 f4 f5 ff")
        ),
        st.integers(0, 255),
    ),
    max_size=40,
).map(bytes)


@given(data=st.one_of(hard_bytes, st.binary(max_size=40), any_text.map(str.encode)))
@settings(max_examples=500)
def test_utf8_is_valid_exactly_when_the_strict_decoder_says_so(data):
    try:
        data.decode()
        expected = -1
    except UnicodeDecodeError as error:
        expected = error.start
    assert first_invalid(padded(data).data, len(data)) == expected


def test_every_character_is_valid_and_surrogates_are_not():
    data = "".join(chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000).encode()
    assert first_invalid(padded(data).data, len(data)) == -1
    for code in (0xD800, 0xDABC, 0xDFFF):
        assert first_invalid(padded(chr(code).encode("utf-8", "surrogatepass")).data, 3) == 0


@given(text=any_text)
@settings(max_examples=200)
def test_a_piece_ends_after_its_last_white_space(text):
    data = text.encode()
    places = [i + 1 for i, char in enumerate(text) if char.isspace()]
    expected = len(text[: places[-1]].encode()) if places else 0
    assert last_break(padded(data).data, len(data)) == expected


@given(
    data=st.one_of(hard_bytes, st.binary(max_size=100)),
    piece_bytes=st.sampled_from(PIECE_BYTES),
    errors=st.sampled_from(["replace", "ignore"]),
    lowercase=st.booleans(),
)
@settings(max_examples=300)
def test_replaced_text_is_what_the_decoder_makes_of_the_whole(
    folder, data, piece_bytes, errors, lowercase
):
    data = b"x " + data
    text = data.decode(errors=errors)
    expected = expected_of(text.lower() if lowercase else text)
    found = encoded(folder, data, piece_bytes, encoding_errors=errors, lowercase=lowercase)
    assert found == expected


@given(
    sentences=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5)
    )
)
@example(sentences=[["\n", "a b", "\n\n", "x\x00"], [], ["New York"]])
@settings(max_examples=150)
def test_sentences_of_any_tokens_come_back(sentences):
    kept = [sentence for sentence in sentences if sentence]
    if kept:
        with encode_sentences(iter(sentences), CorpusConfig()) as corpus:
            check_totals(corpus)
            assert sentences_of(corpus) == kept


def test_a_long_line_is_read_in_small_pieces(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text(" ".join(["word"] * 50_000))
    taken: list[Piece] = []

    def take() -> Piece:
        taken.append(Piece())
        return taken[-1]

    pieces = list(read_pieces([Part(str(path))], take, 4096))
    assert len(pieces) > 50
    assert max(len(piece.data) for piece in pieces) < 3 * 4096
    for piece in pieces:
        prepare(piece, CorpusConfig())
        piece.tokenise()
    assert sum(piece.count for piece in pieces) == 50_001


def test_a_token_longer_than_many_pieces_is_one_token(folder):
    token = "ab" * 50_000
    assert encoded(folder, f"x {token} y {token}".encode(), 64) == [["x", token, "y", token]]
