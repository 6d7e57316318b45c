"""One question to a model reads and builds what it needs, and no more: large models open soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from some_models import some_model

import hsw2v
from hsw2v.cli.program import program
from hsw2v.errors import ModelFileError
from hsw2v.model.store import Store

WORDS = [f"w{number}" for number in range(500)]
VOCABULARY = {"words", "word_offsets", "counts"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    some_model("hs", WORDS).save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the tensors that are checked from now on: those that are read."""
    found: list[str] = []
    verify = Store.verify

    def listed(store: Store, tensor: str) -> None:
        found.append(tensor)
        verify(store, tensor)

    monkeypatch.setattr(Store, "verify", listed)
    return found


def damage(path: Path, tensor: str) -> None:
    """Change one byte of a tensor."""
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    begin, _ = json.loads(content[8 : 8 + length])[tensor]["data_offsets"]
    content[8 + length + begin + 1] ^= 1
    path.write_bytes(content)


QUESTIONS: dict[str, tuple[Callable[[hsw2v.Model], object], set[str]]] = {
    "dim": (lambda model: (model.dim, len(model), model.has_output), set()),
    "in": (lambda model: ("w7" in model, "strange" in model), set()),
    "vector": (lambda model: model.vector("w7"), {"vectors"}),
    "similarity": (lambda model: model.similarity("w7", "w8"), {"vectors"}),
    "similar": (lambda model: model.similar("w7", k=3), {"vectors"}),
    "batch": (lambda model: model.similar_batch(["w7", "w8"], k=3), {"vectors"}),
    "analogy": (lambda model: model.analogy("w7", "w8", "w9", k=3), {"vectors"}),
    "predict": (lambda model: model.predict("w7 _ w8", k=3), {"vectors", "nodes", "tree"}),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_reads_and_builds_what_it_needs(
    path: Path, verified: list[str], name: str
) -> None:
    ask, needed = QUESTIONS[name]
    model = hsw2v.load(path)
    answer = ask(model)
    assert sorted(verified) == sorted(VOCABULARY | needed)
    assert not {"words", "index"} & vars(model.vocabulary).keys()
    assert "unit_vectors" not in vars(model)
    # With a dict, strings of all words and unit vectors there, the answer is the same.
    assert (len(model.vocabulary.index), len(model.words), len(model.unit_vectors)) == (500,) * 3
    assert np.array_equal(np.array(ask(model), object), np.array(answer, object))


@pytest.mark.parametrize("loss", ["hs", "class", "softmax"])
def test_info_reads_no_table(path: Path, verified: list[str], loss: str) -> None:
    some_model(loss, WORDS, batch_norm=True).save(path, force=True)
    program.main(["info", str(path)], standalone_mode=False)
    structure = {"hs": {"tree"}, "class": {"classes"}, "softmax": set()}[loss]
    assert sorted(verified) == sorted({*VOCABULARY, *structure, "batch_norm"})


@pytest.mark.parametrize("tensor", ["words", "word_offsets", "counts", "vectors", "nodes", "tree"])
def test_whatever_is_damaged_is_refused_by_who_reads_it(path: Path, tensor: str) -> None:
    damage(path, tensor)
    asked = 0
    for ask, needed in QUESTIONS.values():
        if tensor in VOCABULARY | needed:
            with pytest.raises(ModelFileError, match=f"tensor '{tensor}' does not fit"):
                ask(hsw2v.load(path))
            asked += 1
        else:
            ask(hsw2v.load(path))
    assert asked
