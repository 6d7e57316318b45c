"""The model file: as specified, whole, and refused when it is not."""

from __future__ import annotations

import gzip
import json
import struct
import zlib

import numpy as np
import pytest
import safetensors.numpy

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import MissingInputError, ModelFileError, OutputExistsError
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import Forest
from hsw2v.trees.tree import Tree

WORDS = ["der", "größte", "New York"]
COUNTS = [30, 20, 1]
VECTORS = np.array([[1.5, -2.0], [0.1, 1e-20], [3.0, 4.0]], np.float32)
NODES = np.array([[0.25, 0.5], [-1.0, 8.0]], np.float32)
TREE = Tree(np.array([[~0, 1], [~1, ~2]], np.int32))
CLASSES = Classes(np.array([1, 0, 1], np.int32), 2)
OUTPUTS = np.array([[0.5, 1], [2, 3], [4, 5], [6, 7], [8, -9]], np.float32)
BATCH_NORM = np.array([[1, 2], [0, -1], [0.25, 3], [0, 4]], np.float32)
CONFIG = {"training": {"dim": 2, "loss": "hs"}}
INFO = {"seconds": 1.5, "note": "ä"}


@pytest.fixture
def model():
    return hsw2v.Model(Vocabulary.from_words(WORDS, COUNTS), VECTORS, NODES, TREE, CONFIG, INFO)


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def classed(tmp_path):
    path = tmp_path / "classed.safetensors"
    hsw2v.Model(
        Vocabulary.from_words(WORDS, COUNTS),
        VECTORS,
        OUTPUTS,
        config=CONFIG,
        info=INFO,
        classes=CLASSES,
        batch_norm=BATCH_NORM,
    ).save(path)
    return path


def use_all(model):
    """Return everything that a model holds, having checked it."""
    tree, classes, batch_norm = model.tree, model.classes, model.batch_norm
    return (
        list(model.words),
        None if model.counts is None else model.counts.tolist(),
        model.vectors.tolist(),
        None if model.output is None else model.output.tolist(),
        None if tree is None else tree.children.tolist(),
        model.config,
        model.info,
        None if classes is None else (classes.count, classes.of.tolist()),
        None if batch_norm is None else batch_norm.tolist(),
    )


def by_the_book(
    tensors,
    version="1",
    config='{"training":{"dim":2,"loss":"hs"}}',
    info='{"seconds":1.5,"note":"ä"}',
):
    """Return the bytes of a file, built from docs/file-format.md and nothing else."""
    checksums = {"config": config.encode(), "info": info.encode()}
    checksums |= {name: content for name, (_, _, content) in tensors.items()}
    header = {
        "__metadata__": {
            "format": "hsw2v",
            "format_version": version,
            "config": config,
            "info": info,
            "checksums": json.dumps(
                {name: f"crc32:{zlib.crc32(content):08x}" for name, content in checksums.items()}
            ),
        }
    }
    place = 0
    for name, (dtype, shape, content) in tensors.items():
        offsets = [place, place + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        place += len(content)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values())


def of_a_tree():
    return {
        "counts": ("I64", [3], struct.pack("<3q", 30, 20, 1)),
        "word_offsets": ("I64", [4], struct.pack("<4q", 0, 3, 11, 19)),
        "nodes": ("F32", [2, 2], struct.pack("<4f", 0.25, 0.5, -1.0, 8.0)),
        "tree": ("I32", [2, 2], struct.pack("<4i", -1, 1, -2, -3)),
        "vectors": ("F32", [3, 2], struct.pack("<6f", 1.5, -2.0, 0.1, 1e-20, 3.0, 4.0)),
        "words": ("U8", [19], "dergrößteNew York".encode()),
    }


def of_two_trees():
    same = of_a_tree()
    return {
        "counts": same["counts"],
        "word_offsets": same["word_offsets"],
        "nodes": ("F32", [4, 2], struct.pack("<8f", 0.25, 0.5, -1.0, 8.0, 1, 2, 3, 4)),
        "tree": ("I32", [2, 2, 2], struct.pack("<8i", -1, 1, -2, -3, 1, -1, -3, -2)),
        "vectors": same["vectors"],
        "words": same["words"],
    }


def of_classes():
    same = of_a_tree()
    return {
        "counts": same["counts"],
        "word_offsets": same["word_offsets"],
        "batch_norm": ("F32", [4, 2], struct.pack("<8f", 1, 2, 0, -1, 0.25, 3, 0, 4)),
        "classes": ("I32", [3], struct.pack("<3i", 1, 0, 1)),
        "outputs": ("F32", [5, 2], struct.pack("<10f", 0.5, 1, 2, 3, 4, 5, 6, 7, 8, -9)),
        "vectors": same["vectors"],
        "words": same["words"],
    }


def test_the_file_is_byte_for_byte_what_the_specification_says(path):
    assert path.read_bytes() == by_the_book(of_a_tree())


def test_so_it_is_with_classes_and_batch_normalisation(classed):
    assert classed.read_bytes() == by_the_book(of_classes(), version="2")


def test_so_it_is_with_two_trees(tmp_path):
    forest = Forest((TREE, Tree(np.array([[1, ~0], [~2, ~1]], np.int32))))
    nodes = np.concatenate((NODES, np.array([[1, 2], [3, 4]], np.float32)))
    words = Vocabulary.from_words(WORDS, COUNTS)
    hsw2v.Model(words, VECTORS, nodes, forest, CONFIG, INFO).save(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == by_the_book(of_two_trees(), version="4")
    loaded = hsw2v.load(tmp_path / "m")
    children = [one.children.tolist() for one in loaded.trees]
    assert children == [one.children.tolist() for one in forest.trees]
    assert loaded.output.tolist() == nodes.tolist()
    assert loaded.distribution(WORDS[:1]).sum() == pytest.approx(1.0)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize(
    ("shape", "numbers", "said"),
    [
        ([1, 2, 2], (-1, 1, -2, -3), "should be I32 [2, 2]"),
        ([2, 2, 1], (-1, 1, -2, -3), "should be I32 [2, 2, 2]"),
        ([2, 2, 2], (-1, 1, -2, -3, 1, -1, -2, -2), "one full binary tree"),
    ],
)
def test_trees_of_a_file_that_are_none_are_refused(tmp_path, shape, numbers, said):
    tree = ("I32", shape, struct.pack(f"<{len(numbers)}i", *numbers))
    nodes = shape[0] * 2 if shape[0] > 1 else 2
    table = ("F32", [nodes, 2], struct.pack(f"<{2 * nodes}f", *range(2 * nodes)))
    content = by_the_book({**of_two_trees(), "nodes": table, "tree": tree}, version="4")
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        hsw2v.load(tmp_path / "m").trees  # noqa: B018
    assert said in str(caught.value)


def test_a_file_built_by_the_specification_is_read(tmp_path):
    (tmp_path / "m").write_bytes(by_the_book(of_a_tree()))
    assert use_all(hsw2v.load(tmp_path / "m")) == (
        WORDS, COUNTS, VECTORS.tolist(), NODES.tolist(), TREE.children.tolist(), CONFIG, INFO,
        None, None,
    )  # fmt: skip
    (tmp_path / "c").write_bytes(by_the_book(of_classes(), version="2"))
    assert use_all(hsw2v.load(tmp_path / "c")) == (
        WORDS, COUNTS, VECTORS.tolist(), OUTPUTS.tolist(), None, CONFIG, INFO,
        (2, [1, 0, 1]), BATCH_NORM.tolist(),
    )  # fmt: skip


def test_the_safetensors_library_reads_the_same_arrays(path, model):
    arrays = safetensors.numpy.load_file(path)
    assert set(arrays) == {"counts", "word_offsets", "nodes", "tree", "vectors", "words"}
    assert np.array_equal(arrays["vectors"], model.vectors)
    assert np.array_equal(arrays["nodes"], model.output)


def test_save_and_load_keep_everything(model, path):
    assert use_all(hsw2v.load(path)) == use_all(model)
    again = path.with_name("again")
    hsw2v.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_so_they_do_of_classes(classed, tmp_path):
    hsw2v.load(classed).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == classed.read_bytes()


@pytest.mark.parametrize(
    ("settings", "version"),
    [
        ({}, "1"),
        ({"tree": TREE, "output": NODES}, "1"),
        ({"output": VECTORS}, "1"),
        ({"output": VECTORS, "batch_norm": BATCH_NORM}, "2"),
        ({"output": OUTPUTS, "classes": CLASSES}, "2"),
    ],
)
def test_files_that_an_older_reader_understands_say_so(tmp_path, settings, version):
    hsw2v.Model(Vocabulary.from_words(WORDS, COUNTS), VECTORS, **settings).save(tmp_path / "m")
    with safetensors.safe_open(tmp_path / "m", framework="np") as opened:
        assert opened.metadata()["format_version"] == version


def test_a_model_of_negative_sampling_keeps_its_outputs(tmp_path):
    model = hsw2v.Model(Vocabulary.from_words(WORDS, COUNTS), VECTORS, VECTORS * 2)
    model.save(tmp_path / "m")
    loaded = hsw2v.load(tmp_path / "m")
    assert use_all(loaded) == use_all(model)
    assert "outputs" in safetensors.numpy.load_file(tmp_path / "m")


def test_a_model_of_one_word_has_no_nodes(tmp_path):
    tree = Tree(np.empty((0, 2), np.int32))
    one = Vocabulary.from_words(["a"], [5])
    model = hsw2v.Model(one, VECTORS[:1], np.empty((0, 2), np.float32), tree)
    model.save(tmp_path / "m")
    loaded = hsw2v.load(tmp_path / "m")
    assert use_all(loaded) == use_all(model)
    assert loaded.output.shape == (0, 2)
    assert loaded.similar("a") == []


def test_bare_vectors_are_a_model_too(tmp_path):
    model = hsw2v.Model(Vocabulary.from_words(WORDS, [0] * 3), VECTORS)
    model.save(tmp_path / "m")
    assert use_all(hsw2v.load(tmp_path / "m")) == use_all(model)
    assert set(safetensors.numpy.load_file(tmp_path / "m")) == {"words", "word_offsets", "vectors"}


def test_padded_tables_are_saved_without_their_padding(tmp_path):
    table = np.full((3, 16), 7, np.float32)
    table[:, :2] = VECTORS
    hsw2v.Model(Vocabulary.from_words(WORDS, COUNTS), table[:, :2]).save(tmp_path / "m")
    assert np.array_equal(hsw2v.load(tmp_path / "m").vectors, VECTORS)


def test_numbers_of_numpy_are_welcome_in_the_metadata(tmp_path):
    info = {"tokens": np.int64(5), "loss": np.float64(1.25)}
    hsw2v.Model(Vocabulary.from_words(WORDS, COUNTS), VECTORS, info=info).save(tmp_path / "m")
    assert hsw2v.load(tmp_path / "m").info == {"tokens": 5, "loss": 1.25}


def test_vectors_are_mapped_not_copied(path):
    vectors = hsw2v.load(path).vectors
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


def test_a_compressed_model_is_read(path, model):
    packed = path.with_name("m.safetensors.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert use_all(hsw2v.load(packed)) == use_all(model)


def test_an_existing_file_is_kept_unless_forced(model, path):
    before = path.read_bytes()
    with pytest.raises(OutputExistsError):
        model.save(path)
    assert path.read_bytes() == before
    model.save(path, force=True)
    assert sorted(p.name for p in path.parent.iterdir()) == ["m.safetensors"]


def test_any_altered_byte_is_found_out_or_does_not_matter(path, model):
    content = path.read_bytes()
    expected = use_all(model)
    altered = path.with_name("altered")
    found = []
    for place in range(8, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        altered.write_bytes(changed)
        try:
            assert use_all(hsw2v.Model.open(altered)) == expected, place
        except ModelFileError as error:
            found.append(str(error))
    assert len(found) > 0.9 * len(content)
    assert all(sentence.startswith(f"{altered}: ") for sentence in found)


def test_any_truncated_file_is_refused(path):
    content = path.read_bytes()
    short = path.with_name("short")
    for length in range(len(content)):
        short.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="truncated"):
            hsw2v.Model.open(short)
    short.write_bytes(content + b"x")
    with pytest.raises(ModelFileError):
        hsw2v.Model.open(short)


def test_a_tensor_is_checked_when_it_is_first_used(path):
    content = bytearray(path.read_bytes())
    place = content.index(NODES.tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    loaded = hsw2v.load(path)
    assert loaded.similar("der", k=1)
    with pytest.raises(ModelFileError, match="tensor 'nodes' does not fit its checksum"):
        _ = loaded.output


def rewritten(path, change):
    """Write the specified file anew with changed metadata and tensors, and right checksums."""
    arrays = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, framework="np") as opened:
        metadata = opened.metadata()
    change(metadata, arrays)
    sums = {key: f"crc32:{zlib.crc32(metadata[key].encode()):08x}" for key in ("config", "info")}
    for name, array in arrays.items():
        sums[name] = f"crc32:{zlib.crc32(array.tobytes()):08x}"
    metadata["checksums"] = json.dumps(sums)
    safetensors.numpy.save_file(arrays, path, metadata)
    return path


def test_a_newer_version_asks_for_an_upgrade(path):
    rewritten(path, lambda metadata, arrays: metadata.update(format_version="6"))
    with pytest.raises(ModelFileError, match=r"version 6, .* reads up to 5; upgrade hsw2v"):
        hsw2v.load(path)


def test_another_program_s_safetensors_file_is_no_model(tmp_path):
    safetensors.numpy.save_file({"weight": VECTORS}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="not an hsw2v model"):
        hsw2v.load(tmp_path / "other.safetensors")


def test_tensors_of_later_writers_are_ignored(path, model):
    rewritten(path, lambda metadata, arrays: arrays.update(later=np.arange(3.0)))
    assert use_all(hsw2v.load(path)) == use_all(model)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vectors", VECTORS[:2], r"'vectors' is F32 \[2, 2\] and should be F32 \[3, 2\]"),
        ("vectors", VECTORS.astype(np.float64), "'vectors' is F64"),
        ("vectors", VECTORS[0], "no table of vectors"),
        ("nodes", VECTORS, r"'nodes' is F32 \[3, 2\] and should be F32 \[2, 2\]"),
        ("tree", TREE.children[:1], r"'tree' is I32 \[1, 2\]"),
        ("tree", np.array([[0, 1], [-2, -3]], np.int32), "do not make one full binary tree"),
        ("counts", np.array([1, 2]), r"'counts' is I64 \[2\]"),
        ("word_offsets", np.array([0, 3, 3, 19]), "do not rise from 0 to their end"),
        ("word_offsets", np.array([0, 3, 11, 20]), "do not rise from 0 to their end"),
        ("word_offsets", np.array([0, 6, 11, 19]), "words are not UTF-8"),
        ("words", np.full(19, 255, np.uint8), "words are not UTF-8"),
        ("outputs", VECTORS, "'outputs' with 'tree'"),
        ("classes", CLASSES.of, "'tree' and 'classes'"),
    ],
)
def test_tensors_that_contradict_each_other_are_refused(path, name, value, message):
    rewritten(path, lambda metadata, arrays: arrays.update({name: value}))
    with pytest.raises(ModelFileError, match=message):
        use_all(hsw2v.load(path))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("classes", np.array([0, 1], np.int32), r"'classes' is I32 \[2\] and should be I32 \[3\]"),
        ("classes", np.array([0, 1, 1]), "'classes' is I64"),
        ("classes", np.array([0, 2, 1], np.int32), "outside 0 to 1"),
        ("classes", np.array([0, -1, 1], np.int32), "outside 0 to 1"),
        ("classes", np.array([1, 1, 1], np.int32), "a class has no word"),
        ("outputs", OUTPUTS[:4], "outside 0 to 0"),
        ("outputs", OUTPUTS[:3], r"'outputs' is F32 \[3, 2\] and should be F32 \[4, 2\]"),
        ("outputs", np.array(1.0, np.float32), r"'outputs' is F32 \[\]"),
        ("outputs", OUTPUTS[:, :1].copy(), r"should be F32 \[5, 2\]"),
        ("outputs", None, "'classes' without 'outputs'"),
        ("nodes", NODES, "'nodes' with 'classes'"),
        ("batch_norm", BATCH_NORM[:2], r"'batch_norm' is F32 \[2, 2\]"),
        ("batch_norm", -BATCH_NORM, "a variance that is none"),
    ],
)
def test_so_they_are_beside_classes(classed, name, value, message):
    def change(metadata, arrays):
        arrays.pop(name, None)
        if value is not None:
            arrays[name] = value

    rewritten(classed, change)
    with pytest.raises(ModelFileError, match=message):
        use_all(hsw2v.load(classed))


@pytest.mark.parametrize("name", ["words", "word_offsets", "vectors", "tree"])
def test_a_missing_tensor_is_refused(path, name):
    rewritten(path, lambda metadata, arrays: arrays.pop(name))
    with pytest.raises(ModelFileError, match="is not a whole model"):
        use_all(hsw2v.load(path))


def test_a_missing_file_and_a_directory_are_no_input(tmp_path):
    for path in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(MissingInputError, match=str(path)):
            hsw2v.load(path)
