"""fastText's .bin files: what it wrote is read, and what is written it reads, with its vectors."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_models import some_model
from some_subwords import OTHERS, WORDS, some_subwords

import hsw2v
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import (
    CorruptInputError,
    Hsw2vError,
    ModelFileError,
    OutputExistsError,
    ResourceError,
    UnknownWordError,
    UsageError,
)
from hsw2v.files import pieces
from hsw2v.model import fasttext
from hsw2v.model.subwords import SubwordVectors

FILES = Path(__file__).parent / "fasttext_files"
FROM_FASTTEXT = json.loads((FILES / "vectors.json").read_text(encoding="utf-8"))
NAMES = sorted(FROM_FASTTEXT)
WITH_NGRAMS = ("skipgram", "cbow-hs", "supervised", "themes-hs")


def close(found: np.ndarray, expected: object) -> bool:
    """Tell whether a vector is another, up to the last digits of a float32."""
    expected = np.asarray(expected)
    return bool(np.linalg.norm(found - expected) <= 1e-6 * np.linalg.norm(expected))


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_that_fasttext_has(name: str) -> None:
    model = hsw2v.load(FILES / f"{name}.bin")
    for word, expected in FROM_FASTTEXT[name].items():
        if any(expected):
            assert close(model[word], expected), word
        elif word not in model and model.subwords is None:
            with pytest.raises(UnknownWordError):
                model.vector(word)


def test_what_else_a_file_tells_is_kept() -> None:
    model = hsw2v.load(FILES / "skipgram.bin")
    assert model.counts is not None
    assert model.counts[0] == 60  # </s>, at the end of 60 lines
    assert model.config["training"] == {
        "dim": 10,
        "window": 5,
        "epochs": 3,
        "negative": 5,
        "loss": "ns",
        "model": "skipgram",
        "subwords": "2-4",
        "buckets": 40,
    }
    assert model.config["vocabulary"] == {"min_count": 2, "sample": pytest.approx(1e-4)}
    assert model.info["fasttext"]["lrUpdateRate"] == 100
    assert (model.name, model.dim, len(model)) == ("skipgram.bin", 10, 41)


def test_of_a_classifier_words_are_read_and_labels_are_not() -> None:
    model = hsw2v.load(FILES / "supervised.bin")
    assert "</s>" in model
    assert not any(word.startswith("__label__") for word in model.words)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_reading_does_not_depend_on_how_the_file_comes_in_pieces(size: int) -> None:
    path = FILES / "skipgram.bin"
    found = fasttext.read_fasttext(pieces(str(path), size), "f")
    whole = hsw2v.load(path)
    np.testing.assert_array_equal(found.vectors, whole.vectors)
    assert found.vocabulary.words == whole.words


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    path = FILES / "skipgram.bin"
    (tmp_path / "m.bin.gz").write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(
        hsw2v.load(tmp_path / "m.bin.gz").vectors, hsw2v.load(path).vectors
    )


def test_composing_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hsw2v.load(FILES / "skipgram.bin").vectors
    monkeypatch.setattr("hsw2v.model.fasttext.WORDS_AT_ONCE", 7)
    monkeypatch.setattr("hsw2v.model.subwords._WORDS_AT_ONCE", 3)
    np.testing.assert_array_equal(hsw2v.load(FILES / "skipgram.bin").vectors, whole)


@pytest.mark.parametrize("name", WITH_NGRAMS)
def test_a_file_that_is_read_saved_and_exported_still_has_the_vectors(
    tmp_path: Path, name: str
) -> None:
    hsw2v.load(FILES / f"{name}.bin").save(tmp_path / "m.safetensors")
    hsw2v.load(tmp_path / "m.safetensors").export(tmp_path / "m.bin", format="fasttext")
    model = hsw2v.load(tmp_path / "m.bin")
    for word, expected in FROM_FASTTEXT[name].items():
        assert close(model[word], expected) or not any(expected), word


@pytest.mark.parametrize("name", ["quantised.ftz", "pruned.ftz"])
def test_quantised_files_are_refused_by_name(name: str) -> None:
    said = complaint("info", FILES / name, code=ModelFileError.exit_code)
    assert name in said
    assert "(.ftz)" in said
    assert "load the .bin file that it was made of" in said


def test_labels_are_no_output_layer_here() -> None:
    with pytest.raises(UsageError, match="vectors of words only"):
        hsw2v.load(FILES / "supervised.bin").predict("größe _ wort")


def test_output_vectors_of_negative_sampling_are_read_when_they_are_needed() -> None:
    model = hsw2v.load(FILES / "skipgram.bin")
    assert "output" not in vars(model)
    content = (FILES / "skipgram.bin").read_bytes()
    expected = np.frombuffer(content[-4 * 41 * 10 :], "<f4").reshape(41, 10)
    np.testing.assert_array_equal(model.output, expected)
    scores = expected @ model["größer"]
    probabilities = np.exp(scores) / np.exp(scores).sum()
    found = model.distribution(["größer"], normalize_exactly=True)
    np.testing.assert_allclose(found, probabilities, rtol=1e-5)


@pytest.mark.parametrize("extension", ["", ".gz", ".zst"])
@pytest.mark.parametrize("whole_words", [0, 3])
def test_what_is_exported_reads_back_with_the_same_vectors(
    tmp_path: Path, whole_words: int, extension: str
) -> None:
    model = some_subwords(whole_words=whole_words)
    path = tmp_path / f"m.bin{extension}"
    assert model.export(path, format="fasttext") == [str(path)]
    found = hsw2v.load(path)
    assert found.words == WORDS
    assert found.counts is not None
    assert found.counts.tolist() == list(range(len(WORDS), 0, -1))
    for word in WORDS + OTHERS:
        assert close(found[word], model[word]), word


def test_a_model_without_ngrams_is_exported_as_it_is(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    vocabulary = Vocabulary.from_words(["a", "b"], [0, 0])
    hsw2v.Model(vocabulary, vectors).export(tmp_path / "m", format="fasttext")
    found = hsw2v.load(tmp_path / "m")
    np.testing.assert_array_equal(found.vectors, vectors)
    assert found.subwords is None
    # Unknown counts are written as 1: fastText divides by their sum.
    assert found.counts is not None
    assert found.counts.tolist() == [1, 1]


def test_a_model_whose_words_are_shorter_than_every_ngram_is_exported(tmp_path: Path) -> None:
    plain = some_subwords(["a", "b"])
    none = np.empty((0, plain.dim), np.float32)
    subwords = SubwordVectors(Subwords(90, 95, 50), np.empty(0, np.int32), none)
    model = hsw2v.Model(plain.vocabulary, plain.vectors, subwords=subwords)
    model.export(tmp_path / "m", format="fasttext")
    found = hsw2v.load(tmp_path / "m")
    np.testing.assert_array_equal(found.vectors, model.vectors)
    assert found.subwords is not None
    assert found.subwords.settings == subwords.settings


def test_top_exports_the_most_frequent_words_with_all_ngrams(tmp_path: Path) -> None:
    model = some_subwords()
    model.export(tmp_path / "m", format="fasttext", top=3)
    found = hsw2v.load(tmp_path / "m")
    assert found.words == WORDS[:3]
    assert close(found["wort299"], found.vectors_of(["wort299"])[0])
    for word in OTHERS:
        assert close(found[word], model[word])


@pytest.mark.parametrize(
    ("loss", "written"), [("ns", 2), ("softmax", 2), ("hs+ns", 2), ("hs", 1), ("class", 1)]
)
def test_output_vectors_of_words_are_written_and_others_are_zeros(
    tmp_path: Path, loss: str, written: int
) -> None:
    model = some_model(loss, ["a", "b", "c"], dim=4)
    model.export(tmp_path / "m", format="fasttext")
    content = (tmp_path / "m").read_bytes()
    outputs = np.frombuffer(content[-3 * 4 * 4 :], "<f4").reshape(3, 4)
    expected = {"ns": model.output, "softmax": model.output, "hs+ns": model.output[2:]}  # type: ignore[index]
    np.testing.assert_array_equal(outputs, expected.get(loss, np.zeros((3, 4))))
    assert struct.unpack_from("<i", content, 8 + 4 * 6) == (written,)


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    model = some_subwords()
    with pytest.raises(UsageError, match="not of length 1"):
        model.export(tmp_path / "m", format="fasttext", normalize=True)
    with pytest.raises(UsageError, match="a quantised file"):
        model.export(tmp_path / "m.ftz", format="fasttext")
    nul = hsw2v.Model(Vocabulary.from_words(["a", "b\0c"], [2, 1]), np.ones((2, 2)))
    with pytest.raises(UsageError, match="NUL"):
        nul.export(tmp_path / "m", format="fasttext")
    assert model.subwords is not None
    huge = SubwordVectors(
        model.subwords.settings,
        model.subwords.buckets,
        np.full_like(model.subwords.vectors, 3e38),
    )
    with pytest.raises(UsageError, match="not finite"):
        hsw2v.Model(model.vocabulary, model.vectors, subwords=huge).export(
            tmp_path / "m", format="fasttext"
        )
    (tmp_path / "m").write_text("mine")
    with pytest.raises(OutputExistsError):
        model.export(tmp_path / "m", format="fasttext")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("m", "mine")]


def test_the_command_line_exports_for_fasttext(tmp_path: Path) -> None:
    some_subwords().save(tmp_path / "m.safetensors")
    run("export", tmp_path / "m.safetensors", tmp_path / "m.bin", "--format", "fasttext")
    assert close(hsw2v.load(tmp_path / "m.bin")["größer"], some_subwords()["größer"])
    printed = [line.split() for line in run("verify", tmp_path / "m.bin").stdout.splitlines()]
    assert ["n-grams", "[500000,", "7],", "finite"] in printed


@pytest.mark.parametrize("whole_words", [0, 3])
def test_fasttext_itself_has_the_same_vectors(tmp_path: Path, whole_words: int) -> None:
    package = pytest.importorskip("fasttext")
    model = some_subwords(whole_words=whole_words)
    model.export(tmp_path / "m.bin", format="fasttext")
    theirs = package.load_model(str(tmp_path / "m.bin"))
    assert theirs.get_words() == WORDS
    for word in WORDS + OTHERS:
        assert close(theirs.get_word_vector(word), model[word]), word
    near = [word for _, word in theirs.get_nearest_neighbors("wörtlich", 3)]
    assert near == [word for word, _ in model.similar("wörtlich", 3)]


def test_gensim_has_the_same_vectors(tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    from gensim.models.fasttext import load_facebook_vectors

    model = some_subwords()
    model.export(tmp_path / "m.bin", format="fasttext")
    theirs = load_facebook_vectors(str(tmp_path / "m.bin"))
    assert theirs.index_to_key == WORDS
    # gensim gives the end of a sentence n-grams, too.
    for word in [*WORDS[:1], *WORDS[2:], *OTHERS]:
        assert close(theirs[word], model[word]), word


# Files that are not as fastText writes them.


def written(
    words: list[bytes] = [b"das", b"haus"],  # noqa: B006
    *,
    counts: list[int] | None = None,
    kinds: list[int] | None = None,
    start: tuple[int, int] = (fasttext.MAGIC, 12),
    rows: tuple[int, int] | None = None,
    size: int | None = None,
    number: float = 0.5,
    outputs: tuple[int, int] | None = None,
    quantised: bytes = b"\0",
    **changed: float,
) -> bytes:
    """Return a file of n-grams in 8 buckets, with some of it changed."""
    arguments = fasttext.Arguments(2, 5, 5, 1, 5, 1, 2, 2, 8, 3, 4, 100, 1e-4)
    arguments = arguments._replace(**changed)
    counts, kinds = counts or [3] * len(words), kinds or [0] * len(words)
    entries = [
        word + b"\0" + struct.pack("<qb", *one)
        for word, *one in zip(words, counts, kinds, strict=True)
    ]
    size = len(words) if size is None else size
    rows, outputs = rows or (size + 8, 2), outputs or (size, 2)
    return b"".join(
        (
            struct.pack("<2i12id", *start, *arguments),
            struct.pack("<3i2q", size, size, 0, 6, -1),
            *entries,
            quantised,
            struct.pack("<2q", *rows),
            np.full((len(words) + 8, 2), number, "<f4").tobytes(),
            b"\0",
            struct.pack("<2q", *outputs),
            np.zeros((len(words), 2), "<f4").tobytes(),
        )
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], str]:
    def write(content: bytes) -> str:
        (tmp_path / "f.bin").write_bytes(content)
        return str(tmp_path / "f.bin")

    return write


def test_the_file_that_the_others_are_made_of_is_read(write: Callable[[bytes], str]) -> None:
    model = hsw2v.load(write(written()))
    assert model.words == ["das", "haus"]
    np.testing.assert_allclose(model["hausdach"], [0.5, 0.5])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (written(start=(1, 12)), "does not begin as one"),
        (written(start=(fasttext.MAGIC, 13)), "version 13, and this hsw2v reads 11 and 12"),
        (written(dim=0), "out of bounds"),
        (written(dim=-2), "out of bounds"),
        (written(bucket=-1), "out of bounds"),
        (written(maxn=2_000_000_000), "out of bounds"),
        (written(loss=9), "out of bounds"),
        (written(model=0), "out of bounds"),
        (written(dim=3), "shape"),
        (written(bucket=9), "shape"),
        (written(rows=(1 << 60, 2)), "shape"),
        (written(rows=(-1, 2)), "shape"),
        (written(outputs=(-1, 2)), "shape"),
        (written(outputs=(2, 3)), "shape"),
        (written(size=-1), "dictionary"),
        (written(kinds=[1, 0]), "labels stand among"),
        (written(counts=[-1, 3]), "counts"),
        (written(counts=[1 << 62, 1 << 62]), "counts"),
        (written([b"", b"a"]), "is empty"),
        (written(quantised=b"\1"), r"quantised \(\.ftz\)"),
    ],
)
def test_files_that_contradict_themselves_are_refused(
    write: Callable[[bytes], str], content: bytes, said: str
) -> None:
    with pytest.raises(ModelFileError, match=said):
        hsw2v.load(write(content), format="fasttext")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (written(number=float("nan")), "vector of 'das' holds a number that is not finite"),
        (written([b"das", b"das"]), "'das' stands there a second time"),
        (written() + b"\0", "goes on after its end"),
        (written(model=3, outputs=(1 << 40, 2)), "truncated"),
        (written(size=2_000_000_000), "is no whole fastText file"),
    ],
)
def test_files_with_something_wrong_in_them_are_refused(
    write: Callable[[bytes], str], content: bytes, said: str
) -> None:
    with pytest.raises(CorruptInputError, match=said):
        hsw2v.load(write(content))


def test_a_word_without_end_is_refused_early(write: Callable[[bytes], str]) -> None:
    content = written()[: 64 + 28] + b"a" * 10_000_000
    with pytest.raises(ModelFileError, match="has no end"):
        hsw2v.load(write(content))


def test_a_file_cut_anywhere_is_refused(write: Callable[[bytes], str]) -> None:
    content = written()
    for end in range(4, len(content)):
        with pytest.raises(CorruptInputError, match="truncated"):
            hsw2v.load(write(content[:end]))


def test_a_matrix_that_is_promised_takes_no_memory(write: Callable[[bytes], str]) -> None:
    content = written(bucket=2**31 - 1, dim=65536, rows=(2**31 + 1, 65536))
    with pytest.raises((CorruptInputError, ResourceError)):
        hsw2v.load(write(content))


@pytest.mark.parametrize("seed", range(3))
def test_mutants_are_refused_or_are_models(write: Callable[[bytes], str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    refused = 0
    for _ in range(80):
        content = bytearray(written())
        for at in rng.integers(4, len(content), size=rng.integers(1, 4)):
            content[at] = rng.integers(256)
        try:
            model = hsw2v.load(write(bytes(content)))
            model.similar(model.words[0])
        except Hsw2vError:
            refused += 1
    assert refused > 10


def test_words_that_are_not_utf8_are_read_with_backslashes(write: Callable[[bytes], str]) -> None:
    model = hsw2v.load(write(written([b"caf\xe9", b"haus"])))
    assert model.words == ["caf\\xe9", "haus"]


def test_numbers_of_fasttext_that_are_no_settings_of_ours_are_left_out(
    write: Callable[[bytes], str], tmp_path: Path
) -> None:
    model = hsw2v.load(write(written(minCount=0, loss=4, model=3, epoch=0)))
    assert model.info["fasttext"]["minCount"] == 0
    model.save(tmp_path / "m.safetensors")
    assert "within their bounds" in run("verify", tmp_path / "m.safetensors").stdout
