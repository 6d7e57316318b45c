"""Vectors in fewer bytes are what they say, and are read again, here and by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_models import some_model

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, MissingInputError, ModelFileError, UsageError
from hsw2v.model.compact import from_int8, in_dtype, to_int8
from hsw2v.model.store import Store, write_store

WORDS = [f"w{number}" for number in range(50)]
FILES = [
    *(("float16", "v.npy"), ("int8", "v.npy"), ("int8", "v.npy.gz")),
    *(("float32", "v.safetensors"), ("float16", "v.safetensors"), ("int8", "v.safetensors")),
]


def exact(vectors: np.ndarray, dtype: str) -> np.ndarray:
    """What remains of vectors, by the definition."""
    if dtype != "int8":
        return vectors.astype(dtype).astype(np.float32)
    rows = []
    for row in vectors:
        scale = np.float32(max(abs(float(one)) for one in row) / 127)
        rows.append([np.float32(round(float(one) / float(scale))) * scale for one in row])
    return np.array(rows, np.float32)


@pytest.mark.parametrize(("dtype", "name"), FILES)
def test_files_are_read_again(tmp_path: Path, dtype: str, name: str) -> None:
    model = some_model("hs", WORDS)
    path = tmp_path / name
    model.save(tmp_path / "m.safetensors")
    run("export", tmp_path / "m.safetensors", path, "--dtype", dtype)
    found = hsw2v.load(path)
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, exact(model.vectors, dtype))
    assert found.words == WORDS
    assert "exists already" in complaint(
        "export", tmp_path / "m.safetensors", path, "--dtype", dtype, code=7
    )
    assert run("verify", path).stdout
    if name.endswith(".safetensors"):
        assert found.counts is not None
        assert found.config == model.config
        with pytest.raises(UsageError, match="no probabilities"):
            found.predict(["w1"])
        # Saved again, it is a model file as any.
        found.save(tmp_path / "again.safetensors")
        again = hsw2v.load(tmp_path / "again.safetensors")
        np.testing.assert_array_equal(again.vectors, found.vectors)


def test_others_read_them(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    model = some_model("hs", WORDS)
    model.export(tmp_path / "v.safetensors", dtype="int8", top=20)
    found = numpy.load_file(tmp_path / "v.safetensors")
    vectors = found["vectors"] * found["vector_scales"][:, None]
    np.testing.assert_allclose(vectors, exact(model.vectors[:20], "int8"))
    assert model.export(tmp_path / "v.npy", dtype="int8", normalize=True) == [
        str(tmp_path / name) for name in ("v.npy", "v.scales.npy", "v.words.txt")
    ]
    array, scales = (np.load(tmp_path / name) for name in ("v.npy", "v.scales.npy"))
    assert (array.dtype, scales.dtype) == (np.int8, np.float32)
    expected = exact(model.unit_vectors, "int8")
    np.testing.assert_array_equal(array * scales[:, None], expected)
    assert np.load(tmp_path / "v.npy").max() == 127


def test_rounding_is_as_near_as_can_be() -> None:
    rows = np.random.default_rng(1).normal(size=(500, 16)).astype(np.float32)
    rows[3], rows[4], rows[5] = 0, 1e-44, 3e38
    rounded, scales = to_int8(rows)
    assert rounded.min() >= -127
    assert not from_int8(rounded, scales)[3].any()
    error = np.abs(from_int8(rounded, scales) - rows)
    assert (error <= np.abs(rows).max(axis=1, keepdims=True) / 254 * 1.001 + 1e-44).all()
    np.testing.assert_array_equal(rounded[5], 127)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    model = some_model("hs", WORDS)
    for name in ("v.txt", "v.bin", "v"):
        with pytest.raises(UsageError, match="float32 alone"):
            model.export(tmp_path / name, dtype="int8")
    with pytest.raises(UsageError, match="must be one of float32"):
        model.export(tmp_path / "v.npy", dtype="int4")
    with pytest.raises(UsageError, match="not compressed"):
        model.export(tmp_path / "v.safetensors.gz", dtype="int8")
    large = hsw2v.Model(Vocabulary.from_words(["a"], [1]), np.array([[7e4, 1]]))
    with pytest.raises(UsageError, match="beyond float16"):
        large.export(tmp_path / "v.npy", dtype="float16")
    with pytest.raises(UsageError, match="unknown dtype"):
        in_dtype(large.vectors, "bfloat16")
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    some_model("hs", WORDS).export(path, dtype="int8")
    scales = tmp_path / "v.scales.npy"
    np.save(scales, np.ones(49, np.float32))
    with pytest.raises(CorruptInputError, match=r"has 49 scales, and v\.npy 50 rows"):
        hsw2v.load(path)
    np.save(scales, np.ones((50, 1), np.float32))
    with pytest.raises(CorruptInputError, match="a number for every row"):
        hsw2v.load(path)
    np.save(scales, np.full(50, np.nan, np.float32))
    with pytest.raises(CorruptInputError, match="w0"):
        hsw2v.load(path)
    scales.unlink()
    with pytest.raises(MissingInputError, match=r"its scales are not there: v\.scales\.npy"):
        hsw2v.load(path)
    np.save(path, np.ones((50, 4), np.int16))
    with pytest.raises(CorruptInputError, match="floating-point"):
        hsw2v.load(path)


@pytest.mark.parametrize("case", ["without", "shape", "nan"])
def test_models_of_int8_without_their_scales_are_refused(tmp_path: Path, case: str) -> None:
    path = tmp_path / "v.safetensors"
    some_model("hs", WORDS).export(path, dtype="int8")
    store = Store(str(path), "v")
    arrays = {name: store.array(name) for name in store.tensors}
    assert store.dtype("vectors") == "I8"
    if case == "without":
        del arrays["vector_scales"]
    else:
        arrays["vector_scales"] = np.full(50 if case == "nan" else 49, np.nan, np.float32)
    write_store(path, arrays, version=5, config={}, info={}, force=True)
    with pytest.raises(ModelFileError, match="vector_scales"):
        _ = hsw2v.load(path).vectors
