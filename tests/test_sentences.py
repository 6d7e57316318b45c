"""Vectors of sentences are the weighted means that the definition says, of any source."""

from __future__ import annotations

import gzip
import json
import math
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from some_models import some_model
from some_subwords import NOWHERE, OTHERS, some_subwords

import hsw2v
from hsw2v.corpus.parquet_writing import write_parquet
from hsw2v.corpus.phrases import Phrase, Phrases
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import DiskFullError, UsageError
from hsw2v.events import Notice
from hsw2v.model import sentence_files
from hsw2v.query.sentences import weighted_means

WORDS = [f"w{number}" for number in range(40)]


def texts_of(count: int, longest: int = 12) -> list[str]:
    rng = np.random.default_rng(4)
    known = [*WORDS, "unknown", "another"]
    return [" ".join(rng.choice(known, rng.integers(0, longest))) for _ in range(count)]


def defined(model: hsw2v.Model, texts: list[str], a: float | None = None) -> np.ndarray:
    """The definition of Arora et al. 2017, one word after the other; without a, plain means."""
    total = int(model.vocabulary.counts.sum())
    means = []
    for text in texts:
        words = [word for word in text.split() if word in model]
        sums = np.zeros(model.dim)
        for word in words:
            share = int(model.vocabulary.counts[model.rows([word])[0]]) / total
            sums += (1 if a is None else a / (a + share)) * model[word].astype(np.float64)
        means.append(sums / max(len(words), 1))
    found = np.array(means)
    if a is not None:
        u = np.linalg.svd(found, full_matrices=False)[2][0]
        found = found - found @ np.outer(u, u)
    return found


def test_means_are_those_of_the_definition() -> None:
    model, texts = some_model("hs", WORDS), texts_of(300)
    found = model.sentence_vectors(texts)
    np.testing.assert_allclose(found.vectors, defined(model, texts), atol=1e-6)
    assert found.vectors.dtype == np.float32
    assert found.component is None
    assert found.words.tolist() == [sum(w in model for w in text.split()) for text in texts]
    assert not found.vectors[found.words == 0].any()
    again = model.sentence_vectors([text.split() for text in texts])
    np.testing.assert_array_equal(again.vectors, found.vectors)


@pytest.mark.parametrize("a", [0.001, 0.1])
def test_sif_is_that_of_the_definition(a: float) -> None:
    model, texts = some_model("hs", WORDS), texts_of(300)
    found = model.sentence_vectors(texts, weighting="sif", smoothing=a)
    np.testing.assert_allclose(found.vectors, defined(model, texts, a), atol=1e-6)
    assert found.component is not None
    assert np.linalg.norm(found.component) == pytest.approx(1)
    # Of others, that are to be compared with them, the same is removed.
    few = model.sentence_vectors(
        texts[:3], weighting="sif", smoothing=a, component=5 * found.component
    )
    np.testing.assert_allclose(few.vectors, found.vectors[:3], atol=1e-6)


def test_means_are_those_of_gensim() -> None:
    gensim = pytest.importorskip("gensim.models")
    model = some_model("hs", WORDS)
    keyed = gensim.KeyedVectors(model.dim)
    keyed.add_vectors(model.words, model.vectors)
    texts = [text for text in texts_of(50) if any(word in model for word in text.split())]
    expected = [keyed.get_mean_vector(text.split(), pre_normalize=False) for text in texts]
    np.testing.assert_allclose(model.sentence_vectors(texts).vectors, expected, atol=1e-6)


def test_long_sentences_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, texts = some_model("hs", WORDS), texts_of(30, 40)
    whole = model.sentence_vectors(texts).vectors
    monkeypatch.setattr("hsw2v.query.sentences._WORDS_AT_ONCE", 7)
    np.testing.assert_allclose(model.sentence_vectors(texts).vectors, whole, atol=1e-6)
    nothing = np.empty((0, 6), np.float32), np.empty(0, np.int64), np.empty(0)
    found = weighted_means(model.vectors, *nothing, np.zeros(2, np.int64))
    assert found.tolist() == [[0] * 6] * 2


def test_words_are_composed_of_their_ngrams() -> None:
    model = some_subwords()
    found = model.sentence_vectors([f"und {OTHERS[0]} {NOWHERE}", OTHERS[1], NOWHERE])
    np.testing.assert_allclose(found.vectors[0], (model["und"] + model[OTHERS[0]]) / 2, atol=1e-6)
    np.testing.assert_allclose(found.vectors[1], model[OTHERS[1]], atol=1e-6)
    assert found.words.tolist() == [2, 1, 0]
    sif = model.sentence_vectors([OTHERS[1]], weighting="sif", component=np.eye(7)[0])
    np.testing.assert_allclose(sif.vectors[0, 1:], model[OTHERS[1]][1:], atol=1e-6)


def test_texts_are_split_as_that_of_the_training() -> None:
    plain = some_model(
        "hs", ["new", "york", "new_york", "is", "big"], tokens="words", lowercase=True
    )
    phrases = Phrases(((Phrase(("new", "york"), 9, 20.0),),))
    model = hsw2v.Model(plain.vocabulary, plain.vectors, config=plain.config, phrases=phrases)
    (found,) = model.sentence_vectors(["New York, is BIG!"]).vectors
    expected = np.mean([model[word] for word in ("new_york", "is", "big")], axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


@pytest.mark.parametrize("extension", [".npy", ".txt", ".parquet", ".npy.gz", ".txt.zst"])
def test_a_file_has_the_vectors_of_its_lines(
    tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence_files, "_SENTENCES_AT_ONCE", 64)
    model, texts = some_model("hs", WORDS), texts_of(300)
    expected = model.sentence_vectors(texts, weighting="sif")
    source, output = write(tmp_path / "t.txt", texts), tmp_path / f"v{extension}"
    told: list[Any] = []
    done = model.write_sentence_vectors(source, output, weighting="sif", listener=told.append)
    np.testing.assert_allclose(vectors_in(output), expected.vectors, atol=1e-6)
    assert (done.sentences, done.without_words) == (300, int((expected.words == 0).sum()))
    np.testing.assert_allclose(done.component, expected.component, atol=1e-6)
    assert f"{done.without_words} of 300 sentences have no known word" in told[-1].message


def vectors_in(path: Path) -> np.ndarray:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
        assert table.column_names == ["vector", "words"]
        return np.array(table["vector"].to_pylist(), np.float32)
    if ".npy" in path.name:
        plain = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        path = path.with_name("plain.npy")
        path.write_bytes(plain)
        return np.load(path)
    from hsw2v.files import read_text

    return np.array([line.split() for line in read_text(str(path)).splitlines()], np.float32)


def test_the_command_line_writes_vectors(tmp_path: Path) -> None:
    model, texts = some_model("hs", WORDS), [*texts_of(150), ""]
    model.save(tmp_path / "m.safetensors")
    source = write(tmp_path / "t.txt", texts)
    given = (tmp_path / "m.safetensors", source, "-o", tmp_path / "v.npy")
    component = ("--weighting", "sif", "--save-component", tmp_path / "c.npy")
    done = run("sentences", *given, *component)
    assert "v.npy: 151 sentences × 6 dimensions" in done.stderr
    expected = model.sentence_vectors(texts, weighting="sif")
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), expected.vectors, atol=1e-6)
    # Standard input to standard output, of records.
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts[:5])
    more = ("--weighting", "sif", "--component", tmp_path / "c.npy", "--field", "text")
    done = run("sentences", given[0], "-", *more, "--format", "jsonl", stdin=lines)
    found = np.array([line.split() for line in done.stdout.splitlines()], np.float32)
    np.testing.assert_allclose(found, expected.vectors[:5], atol=1e-6)

    assert "exists already" in complaint("sentences", *given, code=7)
    assert "is an input" in complaint(
        "sentences", given[0], source, "-o", source, "--force", code=2
    )
    wrong = ("sentences", given[0], source, "-o")
    for name in ("v.csv", "v", "v.parquet.gz"):
        assert "name it .npy, .txt or .parquet" in complaint(*wrong, tmp_path / name, code=2)
    assert "only sif has" in complaint(*wrong, "a.npy", "--save-component", "c.npy", code=2)
    assert "by sif alone" in complaint(*wrong, "a.npy", "--component", tmp_path / "c.npy", code=2)
    assert "no array of numbers" in complaint(*wrong, "a.npy", "--component", source, code=4)
    assert "no such file" in complaint("sentences", given[0], tmp_path / "none.txt", code=3)
    assert "there are no lines" in complaint("sentences", given[0], "-", code=6)


def test_settings_override_those_of_the_training(tmp_path: Path) -> None:
    model = some_model("hs", WORDS)
    model.export(tmp_path / "v.bin")
    source = write(tmp_path / "t.txt", ["W1, (w2)!"])
    output = tmp_path / "v.npy"
    given = ("sentences", tmp_path / "v.bin", source, "-o", output)
    assert "1 of 1 sentences have no known word" in run(*given).stderr
    run(*given, "--tokens", "words", "--lowercase", "--force")
    expected = (model["w1"] + model["w2"]) / 2
    np.testing.assert_allclose(np.load(output)[0], expected, atol=1e-6)
    with pytest.raises(UsageError, match="unknown setting"):
        model.write_sentence_vectors(source, tmp_path / "a.npy", letters=True)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "t.txt", texts_of(50))
    full = Path("/dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(full.open, "wb"))
    with pytest.raises(DiskFullError, match="make room"):
        some_model("hs", WORDS).write_sentence_vectors(source, tmp_path / "v.npy")
    assert not (tmp_path / "v.npy").exists()


def test_an_interrupted_table_is_not_written(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")

    def tables() -> Iterator[dict[str, np.ndarray]]:
        yield {"words": np.arange(3)}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(str(tmp_path / "v.parquet"), tables())
    assert not list(tmp_path.iterdir())


def test_few_sentences_have_a_component_of_their_own(tmp_path: Path) -> None:
    told: list[Any] = []
    model = some_model("hs", WORDS)
    source = write(tmp_path / "t.txt", ["w1 w2"])
    model.write_sentence_vectors(source, tmp_path / "v.npy", weighting="sif", listener=told.append)
    assert Notice("the first principal component of 1 sentence alone is removed") in told


def test_what_cannot_be_weighted_is_refused() -> None:
    model = some_model("hs", WORDS)
    without = hsw2v.Model(Vocabulary.from_words(WORDS, [0] * 40), model.vectors)
    with pytest.raises(UsageError, match="which this file of vectors does not tell"):
        without.sentence_vectors(["w1"], weighting="sif")
    for given, message in (
        ({"weighting": "tfidf"}, "must be one of mean, sif"),
        ({"weighting": "sif", "smoothing": 0}, "above 0"),
        ({"weighting": "sif", "smoothing": math.nan}, "above 0"),
        ({"component": np.ones(6)}, "sif alone"),
        ({"weighting": "sif", "component": np.zeros(6)}, "zeros"),
        ({"weighting": "sif", "component": np.ones(5)}, "the component has .* 6 numbers"),
    ):
        with pytest.raises(UsageError, match=message):
            model.sentence_vectors(["w1"], **given)
    with pytest.raises(UsageError, match="is one text"):
        model.sentence_vectors("w1 w2")
    with pytest.raises(UsageError, match="are mixed"):
        model.sentence_vectors(["w1", ["w2"]])
    with pytest.raises(UsageError, match="no word"):
        model.sentence_vectors([["w2", 3]])  # type: ignore[list-item]
    assert model.sentence_vectors([]).vectors.shape == (0, 6)
