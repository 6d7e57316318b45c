"""All neighbours of all words, exactly and by an index, and files of both."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import MissingInputError, ModelFileError, UsageError
from hsw2v.events import VectorsProgress
from hsw2v.model import neighbours
from hsw2v.model.indexing import digest_of
from hsw2v.model.store import write_store

pytest.importorskip("usearch")


def clustered(count: int = 600, dim: int = 12, seed: int = 1) -> hsw2v.Model:
    """Return a model of words around some centres; one of them is zeros."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20, dim))[rng.integers(0, 20, count)]
    vectors += 0.5 * rng.normal(size=vectors.shape)
    vectors[7] = 0
    words = [f"w{number}" for number in range(count - 1)] + ["größe"]
    return hsw2v.Model(Vocabulary.from_words(words, range(count, 0, -1)), vectors)


MODEL = clustered()


def expected_of(model: hsw2v.Model, k: int) -> list[tuple[Any, ...]]:
    return [
        (word, rank, near, score)
        for word in model.words
        for rank, (near, score) in enumerate(model.similar(word, k), 1)
    ]


def same_rows(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert [tuple(row)[:3] for row in found] == [row[:3] for row in expected]
    np.testing.assert_allclose([row[3] for row in found], [row[3] for row in expected], atol=2e-6)


def test_neighbours_of_all_words_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_WORDS_AT_ONCE", 128)
    same_rows(list(MODEL.neighbours(4)), expected_of(MODEL, 4))
    first = next(iter(MODEL.neighbours(4)))
    assert first._fields == ("word", "rank", "neighbour", "similarity")
    some = list(MODEL.neighbours(3, top=50))
    few = hsw2v.Model(Vocabulary.from_words(MODEL.words[:50], range(50, 0, -1)), MODEL.vectors[:50])
    same_rows(some, expected_of(few, 3))
    assert len(list(few.neighbours(100))) == 50 * 49


@pytest.mark.parametrize("extension", [".parquet", ".tsv", ".jsonl", ".tsv.gz"])
def test_neighbours_are_written(
    tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_WORDS_AT_ONCE", 250)
    MODEL.save(tmp_path / "m.safetensors")
    path = tmp_path / f"n{extension}"
    done = run("neighbours", tmp_path / "m.safetensors", "-o", path, "-k", 3)
    assert f"n{extension}: 1,800 neighbours" in done.stderr
    same_rows(rows_of(path), expected_of(MODEL, 3))


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        assert parquet.ParquetFile(path).num_row_groups == 3
        table = parquet.read_table(path)
        assert table.column_names == list(neighbours.COLUMNS)
        return list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    from hsw2v.files import read_text

    lines = read_text(str(path)).splitlines()
    if path.suffix == ".jsonl":
        return [tuple(json.loads(line).values()) for line in lines]
    assert lines[0].split("\t") == list(neighbours.COLUMNS)
    rows = [line.split("\t") for line in lines[1:]]
    return [(a, int(rank), b, float(score)) for a, rank, b, score in rows]


def test_an_index_finds_nearly_all(tmp_path: Path) -> None:
    told: list[Any] = []
    index = MODEL.build_index(listener=told.append)
    assert len(index) == len(MODEL)
    exact, found = ({row[:3:2] for row in MODEL.neighbours(5, index=one)} for one in (None, index))
    assert len(exact & found) > 0.97 * len(exact)
    index.save(tmp_path / "m.index")
    again = MODEL.load_index(tmp_path / "m.index")
    assert list(MODEL.neighbours(5, index=again)) == list(MODEL.neighbours(5, index=index))
    for query in ("w3", ["w3", "w4"], MODEL["w5"]):
        known, exactly = MODEL.similar(query, 8, index=again), MODEL.similar(query, 8)
        assert len({word for word, _ in known} & {word for word, _ in exactly}) >= 7
        # Cosines are exact, and of the words that were asked for there are none.
        by_word = dict(MODEL.similar(query, len(MODEL)))
        for word, score in known:
            assert score == pytest.approx(by_word[word], abs=2e-6)
        scores = [score for _, score in known]
        assert scores == sorted(scores, reverse=True)
        assert isinstance(query, np.ndarray) or not {*query} & {word for word, _ in known}
    batch = MODEL.similar_batch(["w3", "w9"], 4, index=again)
    assert batch == [MODEL.similar(word, 4, index=again) for word in ("w3", "w9")]
    assert len(MODEL.similar("w3", 10_000, index=again)) <= len(MODEL) - 1


def test_an_index_is_pickled_whole() -> None:
    pytest.importorskip("usearch")
    model = clustered()
    index = model.build_index()
    again = pickle.loads(pickle.dumps(index))
    assert repr(again) == repr(index)
    expected = model.similar_batch(model.words[:9], index=index)
    assert model.similar_batch(model.words[:9], index=again) == expected


def test_an_index_of_other_vectors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.index"
    index = MODEL.build_index()
    index.save(path)
    vectors = MODEL.vectors.copy()
    vectors[300, 3] = np.nextafter(vectors[300, 3], 9)
    for other in (hsw2v.Model(MODEL.vocabulary, vectors), clustered(599), clustered(dim=11)):
        with pytest.raises(UsageError, match="index of other vectors than those"):
            other.load_index(path)
        with pytest.raises(UsageError, match="that of other vectors"):
            other.similar("w1", index=index)
        with pytest.raises(UsageError, match="that of other vectors"):
            list(other.neighbours(index=index))
    with pytest.raises(UsageError, match="an index is of all words"):
        list(MODEL.neighbours(index=index, top=10))
    with pytest.raises(UsageError, match="connectivity is 0"):
        MODEL.build_index(connectivity=0)
    content = path.read_bytes()
    for damaged in (content[:-9], content[:-9] + b"x" * 9, b"nothing", b""):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="build it again"):
            MODEL.load_index(path)
    given = {"vectors": digest_of(MODEL), "expansion_search": 64}
    empty, other = np.zeros(0, np.uint8), clustered(300).build_index()._rows.to_bytes()
    for content, info in (
        (empty, given),
        (other[:-40], given),
        (other, given),
        (other.view(np.int8), given),
        (other, {**given, "expansion_search": "many"}),
        (other, {"expansion_search": 64}),
    ):
        tensors, form = {"usearch": content}, "hsw2v-index"
        write_store(path, tensors, version=1, format=form, config={}, info=info, force=True)
        with pytest.raises((ModelFileError, UsageError)):
            MODEL.load_index(path)
    MODEL.save(path, force=True)
    with pytest.raises(ModelFileError, match="not an hsw2v model"):
        MODEL.load_index(path)
    with pytest.raises(MissingInputError, match="write it with hsw2v index"):
        MODEL.load_index(tmp_path / "none.index")


def test_the_command_line_asks_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "m.safetensors"
    MODEL.save(model)
    asked = ("similar", model, "w3", "-k", 4, "--index")
    assert "write it with hsw2v index" in complaint(*asked, code=3)
    done = run("index", model)
    assert "m.safetensors.index: an index of 600 words" in done.stderr
    assert run(*asked).stdout == run(*asked[:-1]).stdout
    lines = run("similar", model, "-", "--index", stdin="w3\nw4\n").stdout
    assert lines == run("similar", model, "-", stdin="w3\nw4\n").stdout
    run("neighbours", model, "-o", tmp_path / "n.tsv", "--index")
    assert "exists already" in complaint("index", model, code=7)
    clustered(seed=2).save(model, force=True)
    assert "build it again (hsw2v index MODEL --force)" in complaint(*asked, code=2)
    run("index", model, "--force", "--connectivity", 8, "--quiet")
    run(*asked)
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    for command in (("index", model, "--force"), asked):
        assert "pip install 'hsw2v[index]'" in complaint(*command, code=2)


def test_outputs_are_checked_before_the_work(tmp_path: Path) -> None:
    for name in ("n.csv", "n", "n.parquet.gz"):
        with pytest.raises(UsageError, match=r"name it \.parquet, \.tsv or \.jsonl"):
            MODEL.write_neighbours(tmp_path / name)
    words = ["a\tb", "c", "d"]
    odd = hsw2v.Model(Vocabulary.from_words(words, [3, 2, 1]), np.eye(3))
    with pytest.raises(UsageError, match="cannot be written as tab-separated"):
        odd.write_neighbours(tmp_path / "n.tsv")
    assert not list(tmp_path.iterdir())
    odd.write_neighbours(tmp_path / "n.jsonl", 1)
    assert json.loads((tmp_path / "n.jsonl").read_text().splitlines()[0])["word"] == "a\tb"
    for given in ({"k": 0}, {"top": 0}):
        with pytest.raises(UsageError, match="at least 1"):
            list(MODEL.neighbours(**given))


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsw2v.events.Pace.due", lambda self: True)
    told: list[Any] = []
    list(MODEL.neighbours(1, listener=told.append))
    MODEL.build_index(listener=told.append)
    assert [(one.stage, one.done, one.total) for one in told] == [
        ("neighbours", 600, 600),
        ("index", 600, 600),
    ]
    assert all(isinstance(one, VectorsProgress) for one in told)


def test_ctrl_c_in_usearch_is_no_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped:
        def add(self, *args: Any, **options: Any) -> None:
            raise RuntimeError("Operation has been terminated")

    monkeypatch.setattr("hsw2v.query.index.usearch_index", lambda *args, **options: Stopped())
    with pytest.raises(KeyboardInterrupt):
        MODEL.build_index()
