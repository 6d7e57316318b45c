"""GloVe text and arrays with words are read; what is not is refused by name, with what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, MissingInputError, ModelFileError

GLOVE = b"the 0.5 -1 2e-3\n. . . 1 2 3\nto name@domain.com 4 5 6\n5 7 8 9\n"
WORDS = ["the", ". . .", "to name@domain.com", "5"]
VECTORS = np.array([[0.5, -1, 2e-3], [1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def lines_of(error: ModelFileError) -> str:
    """Return the lines of Python that an error tells to run."""
    return "\n".join(one[4:] for one in str(error).splitlines() if one.startswith("    "))


def converted(path: Path, result: str) -> hsw2v.Model:
    """Refuse a file, run the two lines that are to convert it, and open what they made."""
    with pytest.raises(ModelFileError) as refused:
        hsw2v.load(path)
    code = lines_of(refused.value)
    assert len(code.splitlines()) == 2
    exec(code, {})
    assert f"name {path}{result}" in str(refused.value)
    return hsw2v.load(f"{path}{result}")


@pytest.mark.parametrize("extension", ["", ".gz"])
def test_glove_text_is_read_with_words_that_hold_blanks(tmp_path: Path, extension: str) -> None:
    content = gzip.compress(GLOVE) if extension else GLOVE
    path = write(tmp_path / f"glove.3d.txt{extension}", content)
    model = hsw2v.load(path)
    assert model.words == WORDS
    assert np.array_equal(model.vectors, VECTORS)
    assert (model.counts, model.output, model.name) == (None, None, path.name)
    assert model.similar("5", k=1)[0][0] == "to name@domain.com"
    assert "format glove" in run("verify", path).stdout


def test_words_with_blanks_are_exported_to_npy_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "glove.txt", GLOVE)
    assert "export to npy" in complaint("export", path, tmp_path / "out.txt", code=2)
    run("export", path, tmp_path / "out.npy")
    assert hsw2v.load(tmp_path / "out.npy").words == WORDS


def test_many_rows_of_glove_text_are_those_of_word2vec_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(2_500, 7)).astype(np.float32)
    words = [f"w{number}" for number in range(len(vectors))]
    model = hsw2v.Model(Vocabulary.from_words(words, range(len(words), 0, -1)), vectors)
    model.export(tmp_path / "v.txt")
    rows = (tmp_path / "v.txt").read_bytes().partition(b"\n")[2]
    found = hsw2v.load(write(tmp_path / "glove.txt", rows.replace(b"\n", b"\r\n")))
    assert found.words == words
    assert np.array_equal(found.vectors, vectors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1 2\nb 3\n", "line 2: is not a word and 2 numbers: 'b 3'"),
        (b"a 1 2\nb 3 4 5\n", "line 2: is not a word and 2 numbers: 'b 3 4 5'"),
        (b"a 1 2\n\nb 3 4\n", "line 2: is not a word and 2 numbers: ''"),
        (b"a 1 2\nb 3 x\n", "line 2: the vector of 'b' holds something that is no number"),
        (b"a 1 2\nb 3 nan\n", "line 2: the vector of 'b' holds a number that is not finite"),
        (b"a 1 2\na 3 4\n", "line 2: the word 'a' stands there a second time .*line 1"),
        (b"a 1 2\n\xff 3 4\n", "line 2: the word is not UTF-8"),
        (b"a 1 2\n 3 4\n", "line 2: is not a word and 2 numbers"),
    ],
)
def test_glove_text_out_of_order_is_refused_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(CorruptInputError, match=message):
        hsw2v.load(write(tmp_path / "glove.txt", content))


def test_a_vocabulary_with_counts_is_no_glove_text(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="does not begin with the number of words"):
        hsw2v.load(write(tmp_path / "words.txt", b"the 17\nof 3\n"))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    model = hsw2v.load(write(tmp_path / "glove.txt", GLOVE))
    model.export(tmp_path / "v.npy")
    return tmp_path / "v.npy"


@pytest.mark.parametrize("name", ["v.npy", "v.words.txt"])
def test_an_array_is_read_with_its_words_by_either_name(exported: Path, name: str) -> None:
    model = hsw2v.load(exported.with_name(name))
    assert model.words == WORDS
    assert np.array_equal(model.vectors, VECTORS)
    assert model.counts is None
    assert "format npy" in run("verify", exported.with_name(name)).stdout


@pytest.mark.parametrize("name", ["v.npy.gz", "v.words.txt.gz"])
def test_both_may_be_compressed(exported: Path, name: str) -> None:
    hsw2v.load(exported).export(exported.with_name("v.npy.gz"))
    assert hsw2v.load(exported.with_name(name)).words == WORDS


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_other_floating_point_numbers_become_float32(exported: Path, dtype: str) -> None:
    np.save(exported, np.asfortranarray(VECTORS.astype(dtype)))
    found = hsw2v.load(exported).vectors
    assert found.dtype == np.float32
    assert np.allclose(found, VECTORS, atol=1e-3)


def test_an_array_without_words_is_refused(exported: Path) -> None:
    exported.with_name("v.words.txt").unlink()
    with pytest.raises(MissingInputError, match=r"its words are not there: v\.words\.txt"):
        hsw2v.load(exported)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (VECTORS[:3], r"has 4 words, and v\.npy 3 rows"),
        (VECTORS[0], r"is an array \[3\] of float32"),
        (VECTORS.astype(np.int64), r"is an array \[4, 3\] of int64"),
        (np.empty((4, 0), np.float32), r"is an array \[4, 0\]"),
        (np.where(VECTORS == 5, np.nan, VECTORS), "row 3: the vector of 'to name@domain.com'"),
        (VECTORS.astype(np.float64) * 1e300, "is not finite"),
        (VECTORS.astype(object), "is no array of numbers"),
    ],
)
def test_another_array_is_refused(exported: Path, array: np.ndarray, message: str) -> None:
    np.save(exported, array, allow_pickle=True)
    with pytest.raises(CorruptInputError, match=message):
        hsw2v.load(exported)


@pytest.mark.parametrize("size", [9, 80, 150, 175, 177])
def test_an_array_that_is_cut_or_goes_on_is_refused(exported: Path, size: int) -> None:
    whole = exported.read_bytes()
    assert len(whole) == 176
    exported.write_bytes((whole + b"x")[:size])
    with pytest.raises(CorruptInputError, match=r"v\.npy"):
        hsw2v.load(exported)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (b"a\nb\na\nc\n", "line 3: the word 'a' stands there a second time"),
        (b"a\n\nb\nc\n", "line 2: there is no word"),
        (b"a\n\xff\nb\nc\n", "line 2: is not UTF-8"),
    ],
)
def test_a_list_of_words_out_of_order_is_refused(
    exported: Path, words: bytes, message: str
) -> None:
    exported.with_name("v.words.txt").write_bytes(words)
    with pytest.raises(CorruptInputError, match=message):
        hsw2v.load(exported)


def test_an_object_in_an_array_is_not_unpickled(exported: Path) -> None:
    np.save(exported, np.array([[Trap()]], object), allow_pickle=True)
    with pytest.raises(CorruptInputError):
        hsw2v.load(exported)
    assert not Trap.sprung


class Trap:
    """What tells when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple:
        return spring, ()


def spring() -> None:
    Trap.sprung = True


SENTENCES = [["king", "queen", "man", "woman"], ["apple", "pear"]] * 30


@pytest.mark.parametrize("kind", ["Word2Vec", "FastText", "Doc2Vec", "KeyedVectors", "FastText.wv"])
def test_models_of_gensim_are_refused_with_the_lines_that_convert_them(
    tmp_path: Path, kind: str
) -> None:
    models = pytest.importorskip("gensim.models")
    options = {"vector_size": 8, "min_count": 1, "epochs": 1, "workers": 1}
    if kind == "Doc2Vec":
        tagged = [models.doc2vec.TaggedDocument(one, [0]) for one in SENTENCES]
        saved, vectors = (model := models.Doc2Vec(tagged, **options)), model.wv
    elif kind.startswith("FastText"):
        model = models.FastText(SENTENCES, bucket=50, **options)
        saved, vectors = (model.wv if kind.endswith("wv") else model), model.wv
    else:
        model = models.Word2Vec(SENTENCES, **options)
        saved, vectors = (model if kind == "Word2Vec" else model.wv), model.wv
    saved.save(str(tmp_path / "it's.model"))
    named = "FastTextKeyedVectors" if kind == "FastText.wv" else kind
    with pytest.raises(ModelFileError, match=f"is a {named} that gensim saved"):
        hsw2v.load(tmp_path / "it's.model")
    found = converted(tmp_path / "it's.model", ".bin")
    assert found.words == vectors.index_to_key
    assert np.array_equal(found.vectors, vectors.vectors)


def test_an_array_that_gensim_keeps_beside_a_model_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "m.model.wv.vectors.npy", VECTORS)
    with pytest.raises(MissingInputError, match="name the model of gensim"):
        hsw2v.load(tmp_path / "m.model.wv.vectors.npy")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_refused_and_never_opened(tmp_path: Path, protocol: int) -> None:
    vectors = dict(zip(["the", "größe", "5"], VECTORS, strict=False))
    path = write(tmp_path / "vectors.pkl", pickle.dumps(vectors, protocol))
    found = converted(path, ".txt")
    assert found.words == list(vectors)
    assert np.array_equal(found.vectors, VECTORS[:3])
    write(path, pickle.dumps(Trap(), protocol))
    said = run("similar", path, "king", code=10).stderr
    assert said.startswith(f"hsw2v: {path}: is a pickle, which could run any code")
    assert not Trap.sprung


def test_an_archive_of_numpy_is_refused_with_the_lines_that_convert_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", vectors=VECTORS)
    (tmp_path / "v.npz.words.txt").write_text("\n".join(WORDS) + "\n")
    found = converted(tmp_path / "v.npz", ".npy")
    assert found.words == WORDS
    assert np.array_equal(found.vectors, VECTORS)


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "/").replace("-", "."), content)
    return stream.getvalue()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("glove.txt"), io.BytesIO())
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.pt", zipped(**{"archive_data-pkl": b"x"}), r"is a file of PyTorch.*torch\.load"),
        ("m.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M", "is a file of PyTorch"),
        ("g.zip", zipped(**{"glove-6B-50d-txt": GLOVE}), "a zip archive, with 'glove.6B.50d.txt'"),
        ("m.keras", zipped(**{"metadata-json": b"{}"}), "is a model of Keras"),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(80), "is a model of Keras, or another file of HDF5"),
        ("m.ckpt.index", bytes(100), r"of TensorFlow.*load_variable\('.*m\.ckpt', 'NAME'\)"),
        ("m.ckpt.data-00000-of-00001", bytes(100), "is part of a checkpoint of TensorFlow"),
        ("checkpoint", b'model_checkpoint_path: "m.ckpt"\n', "names checkpoints of TensorFlow"),
        # The time of compressing would be in the name of the test.
        ("g.txt", gzip.compress(GLOVE, mtime=0), r"is compressed by gzip.*let it end in \.gz"),
        ("g.tar", tarred(), "is a tar archive"),
        ("vectors.bin", np.linspace(-1, 1, 50).tobytes(), "numbers without words, as GloVe"),
        ("noise", bytes(range(1, 200)), "does not begin with the number of words"),
    ],
)
def test_what_is_not_read_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(ModelFileError, match=f"(?s){message}"):
        hsw2v.load(write(tmp_path / name, content))


def test_folders_of_other_programs_are_named(tmp_path: Path) -> None:
    (tmp_path / "pipeline" / "vocab").mkdir(parents=True)
    (tmp_path / "pipeline" / "meta.json").touch()
    with pytest.raises(ModelFileError, match=r"(?s)is a pipeline of spaCy.*spacy\.load"):
        hsw2v.load(tmp_path / "pipeline")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    with pytest.raises(ModelFileError, match="is a model that TensorFlow saved"):
        hsw2v.load(tmp_path / "saved")
    with pytest.raises(MissingInputError, match="is a directory"):
        hsw2v.load(tmp_path)
