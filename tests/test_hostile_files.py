"""Files whose form is right and whose contents are not: one sentence, and no wrong answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_model_file import by_the_book

import hsw2v
from hsw2v.cli.output import print_json
from hsw2v.config import read_config
from hsw2v.errors import CorruptInputError, ModelFileError, UnknownWordError, UsageError

DTYPES = {"uint8": "U8", "int64": "I64", "float32": "F32", "int32": "I32"}
Arrays = dict[str, np.ndarray]


def arrays() -> Arrays:
    return {
        "counts": np.array([3, 2, 1]),
        "word_offsets": np.array([0, 1, 2, 3]),
        "nodes": np.ones((2, 2), np.float32),
        "tree": np.array([[-1, 1], [-2, -3]], np.int32),
        "vectors": np.ones((3, 2), np.float32),
        "words": np.frombuffer(b"abc", np.uint8),
    }


def write(path: Path, tensors: Arrays, **metadata: str) -> str:
    """Write a model file whose checksums are those of what is in it."""
    # Falling item size, as a whole file has them.
    ordered = sorted(tensors.items(), key=lambda item: -item[1].itemsize)
    raw = {name: (DTYPES[str(one.dtype)], list(one.shape), one.tobytes()) for name, one in ordered}
    path.write_bytes(by_the_book(raw, **({"config": "{}", "info": "{}"} | metadata)))
    return str(path)


def ask_all(path: str) -> None:
    model = hsw2v.load(path)
    model.similar("a")
    model.predict(["a"])
    assert model.distribution(["a"]).sum() == pytest.approx(1.0)


def test_the_file_that_the_others_are_made_of_is_a_model(tmp_path: Path) -> None:
    ask_all(write(tmp_path / "m", arrays()))


@pytest.mark.parametrize(
    ("tensor", "value", "message"),
    [
        ("words", np.array(3, np.uint8), r"'words' is U8 \[\]"),
        ("word_offsets", np.array(3), r"'word_offsets' is I64 \[\]"),
        ("counts", np.array([3, -2, 1]), "a count is negative"),
        ("vectors", np.array([[1, 1], [1, np.nan], [1, 1]], np.float32), "'vectors' holds"),
        ("nodes", np.array([[1, np.inf], [1, 1]], np.float32), "'nodes' holds"),
        ("tree", np.array([[-1, 1], [-2, 99]], np.int32), "is not a whole model"),
        ("tree", np.array([[1, 1], [0, 0]], np.int32), "is not a whole model"),
    ],
)
def test_arrays_that_make_no_model_are_refused(
    tmp_path: Path, tensor: str, value: np.ndarray, message: str
) -> None:
    path = write(tmp_path / "m", arrays() | {tensor: value})
    with pytest.raises(ModelFileError, match=message):
        ask_all(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("config", '{"training": null}'),
        ("config", '{"training": [1]}'),
        ("config", '{"a":' * 5_000 + "1" + "}" * 5_000),
        ("info", '{"a":' * 100_000 + "1" + "}" * 100_000),
        ("info", "[]"),
        ("version", "1" * 5_000),
        ("version", "²"),
    ],
)
def test_metadata_that_make_no_model_are_refused(tmp_path: Path, name: str, value: str) -> None:
    path = write(tmp_path / "m", arrays(), **{name: value})
    with pytest.raises(ModelFileError):
        ask_all(path)


def test_integers_beyond_64_bits_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"tokens": 10**30})
    assert json.loads(capsys.readouterr().out) == {"tokens": 10**30}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dim = " + "9" * 400, r"dim is 9{90,}…; it must be at most"),
        ("lr = " + "9" * 400, r"lr is 9{90,}…; it must be a number"),
        ("lr = " + "9" * 5_000, "is not TOML"),
        ("dim = " + "[" * 5_000 + "]" * 5_000, "is nested too deep"),
    ],
)
def test_settings_without_end_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[training]\n{text}\n")
    with pytest.raises(UsageError, match=message) as error:
        read_config(path)
    assert len(str(error.value)) < 1_000


@pytest.mark.parametrize("row", ["a 1,5 2,5", "a 1,5", "a 1.5,2.5"])
def test_vectors_with_decimal_commas_are_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "vectors.vec"
    path.write_text(f"2 2\n{row}\nb 1.0 2.0\n")
    with pytest.raises(CorruptInputError, match="line 2"):
        hsw2v.load(path, format="text")


@pytest.mark.parametrize("seed", range(3))
def test_mutants_of_a_model_are_refused_or_are_models(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mutations: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda flat: flat[: rng.integers(len(flat))],
        lambda flat: np.concatenate([flat, flat]),
        lambda flat: rng.permutation(flat),
        lambda flat: flat * rng.integers(-3, 3),
    ]
    refused = 0
    for number in range(150):
        tensors = arrays()
        name = list(tensors)[rng.integers(len(tensors))]
        array = tensors[name]
        changed = mutations[rng.integers(len(mutations))](array.reshape(-1)).astype(array.dtype)
        shape = array.shape if changed.size == array.size else changed.shape
        tensors[name] = changed.reshape(shape)
        path = write(tmp_path / f"{number}", tensors)
        try:
            ask_all(path)
        except (ModelFileError, UnknownWordError):
            refused += 1
    assert refused > 30
