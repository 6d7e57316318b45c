"""Damaged files of every kind are read, or refused with one sentence."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run, write_model
from fuzzing import READERS, RUN, SENTENCES, fuzz
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hostile_files import arrays, write

import hsw2v
from hsw2v.config import read_config
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, Hsw2vError, ModelFileError, UsageError
from hsw2v.experiments.results import FORMAT, Results
from hsw2v.files import write_text
from hsw2v.trees.tree import Tree


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", READERS)
def test_mutants_are_read_or_refused(name: str, tmp_path: Path) -> None:
    found = fuzz(name, tmp_path, count=200, seed=1)
    assert not found.failures, "\n".join(found.failures)
    assert found.accepted + found.refused == 200
    assert found.refused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
CONTENT = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    st.lists(st.sampled_from(["0", "1", "a", "b", "-", "1e9", "[x]", "y = ", "nan"])).map(
        lambda parts: " ".join(parts).replace("- ", "\n").encode()
    ),
    JSON.map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in READERS if name != "checkpoint"])
def test_anything_is_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    path = reader.make(tmp_path)

    @settings(max_examples=50)
    @given(CONTENT)
    def read(content: bytes) -> None:
        path.write_bytes(content)
        said = ""
        try:
            reader.read(path)
        except Hsw2vError as error:
            said = str(error)
        assert "\n" not in said

    read()


def test_offsets_whose_differences_overflow_are_refused(tmp_path: Path) -> None:
    offsets = np.array([0, 2**63 - 1, -(2**63), -1, 3])
    changed = arrays() | {"word_offsets": offsets}
    with pytest.raises(ModelFileError, match="do not rise"):
        hsw2v.load(write(tmp_path / "m", changed))


def test_a_word_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="the word 'a' is there twice"):
        hsw2v.load(write(tmp_path / "m", arrays() | {"words": np.frombuffer(b"aba", np.uint8)}))


@pytest.mark.parametrize("count", [2, 70_000])
def test_repeated_words_are_found_wherever_they_are(count: int) -> None:
    words = [f"w{number}" * (number % 40 + 1) for number in range(count)]
    assert Vocabulary.from_words(words, [1] * count).repeated() is None
    assert Vocabulary.from_words([*words, words[1]], [1] * (count + 1)).repeated() == words[1]


def test_counts_that_overflow_together_are_refused(tmp_path: Path) -> None:
    counts = np.full(3, 2**62)
    with pytest.raises(ModelFileError, match="add up to more"):
        hsw2v.load(write(tmp_path / "m", arrays() | {"counts": counts}))


@pytest.mark.parametrize("depth", [300, 900, 5_000])
def test_metadata_that_cannot_be_written_again_is_refused(tmp_path: Path, depth: int) -> None:
    info = '{"a":' * depth + "1" + "}" * depth
    with pytest.raises(ModelFileError, match="no valid 'info'"):
        hsw2v.load(write(tmp_path / "m", arrays(), info=info))


def test_numbers_normalised_beyond_a_float_are_refused(tmp_path: Path) -> None:
    norm = np.full((4, 2), 3e38, np.float32)
    path = write(tmp_path / "m", arrays() | {"batch_norm": norm}, version="2")
    with pytest.raises(ModelFileError, match="are not finite"):
        hsw2v.load(path).predict(["a"])


@pytest.mark.parametrize("large", [3e38, -1e25])
def test_vectors_whose_products_overflow_are_refused(tmp_path: Path, large: float) -> None:
    changed = {name: np.full((2 + (name == "vectors"), 2), large) for name in ("vectors", "nodes")}
    tables = {name: one.astype(np.float32) for name, one in changed.items()}
    path = write(tmp_path / "m", arrays() | tables)
    with pytest.raises(ModelFileError, match="products may be beyond a float32"):
        hsw2v.load(path).predict(["a"])
    assert "products may be beyond a float32" in complaint("verify", path, code=10)


@pytest.mark.parametrize("table", ["vectors", "output", "batch_norm"])
def test_what_is_not_finite_is_not_saved(tmp_path: Path, table: str) -> None:
    rows = {"vectors": 2, "output": 2, "batch_norm": 4}
    tables = {name: np.ones((many, 2)) for name, many in rows.items()}
    tables[table][1, 1] = np.inf
    model = hsw2v.Model(Vocabulary.from_words(["a", "b"], [2, 1]), **tables)
    with pytest.raises(UsageError, match="a number that is not finite"):
        model.save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_a_word_that_is_there_twice_is_not_saved(tmp_path: Path) -> None:
    model = hsw2v.Model(Vocabulary.from_words(["a", "b", "a"], [2, 1, 1]), np.ones((3, 2)))
    with pytest.raises(UsageError, match="the word 'a' is there twice"):
        model.save(tmp_path / "m")


def test_a_chain_of_a_million_nodes_is_refused_soon() -> None:
    inner = np.arange(1, 1_000_000)
    children = np.stack((-inner, np.append(inner[:-1], -1_000_000)), axis=1)
    with pytest.raises(ValueError, match="more than 100,000,000"):
        Tree(children.astype(np.int32)).check()


@pytest.mark.parametrize(
    "line",
    ["dim = 0x" + "f" * 5_000, "dim = " + "9" * 5_000, "dim" + ".a" * 60 + " = 1"],
    ids=["hexadecimal", "digits", "dotted"],
)
def test_settings_that_cannot_be_shown_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "s.toml").write_text(f"[training]\n{line}\n")
    with pytest.raises(UsageError, match=r"is not TOML|is nested too deep") as caught:
        read_config(tmp_path / "s.toml")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("part", ["a.", "é-1 .", '"\\"".', "'\"' .\t", '"". '])
@pytest.mark.parametrize("before", ["[", "a = {", "="])
def test_keys_of_many_parts_take_no_memory(tmp_path: Path, part: str, before: str) -> None:
    (tmp_path / "s.toml").write_text(f"[training]\n{before}{part * 5_000}x] = 1\n", "utf-8")
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="is nested too deep"):
            read_config(tmp_path / "s.toml")
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_settings_with_dots_are_read(tmp_path: Path) -> None:
    long = "." * 5_000 + "1.5," * 5_000 + "a.b/" * 5_000
    (tmp_path / "s.toml").write_text(f"# {long}\n[corpus]\ncache_dir = '{long}'\n")
    assert read_config(tmp_path / "s.toml").corpus.cache_dir == long


@pytest.mark.parametrize("header", ["1 " + "9" * 50_000, "9" * 50_000 + " 1", "9" * 19 + " 2"])
def test_headers_of_endless_numbers_are_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "v.vec").write_text(f"{header}\na 1 2\n")
    with pytest.raises(ModelFileError, match="does not begin with the number of words"):
        hsw2v.load(tmp_path / "v.vec")


def test_rows_longer_than_pieces_are_read(tmp_path: Path) -> None:
    vectors = np.arange(2_400_000, dtype=np.float32).reshape(2, -1)
    path = tmp_path / "v.bin"
    hsw2v.Model(Vocabulary.from_words(["a", "b"], [0, 0]), vectors).export(path)
    np.testing.assert_array_equal(hsw2v.load(path).vectors, vectors)


@pytest.mark.parametrize("header", ["2000000000 2", "1 2000000000"])
@pytest.mark.parametrize("format", ["text", "binary"])
def test_memory_is_not_what_a_first_line_promises(tmp_path: Path, header: str, format: str) -> None:
    row = b"a 1.5 2.5\n" if format == "text" else b"a " + bytes(8)
    (tmp_path / "v").write_bytes(header.encode() + b"\n" + row)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptInputError):
            hsw2v.load(tmp_path / "v", format=format)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [("seconds", "soon"), ("seed", 1.5), ("heldout_loss", []), ("seed", 2**70), ("setting", 3)],
)
def test_results_of_another_type_are_refused(tmp_path: Path, name: str, value: object) -> None:
    content = {"format": FORMAT, "runs": [RUN | {name: value}], "files": {}}
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(CorruptInputError, match="does not hold the results"):
        Results(tmp_path / "r.json")


def test_zst_files_that_are_written_have_a_checksum(tmp_path: Path) -> None:
    path = tmp_path / "text.zst"
    write_text(path, [" ".join(one) + "\n" for one in SENTENCES])
    content = path.read_bytes()
    # Bit 2 of the frame header descriptor (RFC 8878, 3.1.1.1.1).
    assert content[4] & 4


def test_verify_says_what_it_checked(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    assert "tensor vectors" in run("verify", model).stdout
    printed = json.loads(run("verify", model, "--json").stdout)
    assert {"words", "word vectors", "tensor counts"} <= {one["name"] for one in printed["checked"]}
    altered = write(tmp_path / "other", arrays(), config='{"training": {"dim": "x"}}')
    assert "its dim is 'x'" in complaint("verify", altered, code=10)
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    assert "does not fit its checksum" in complaint("verify", model, code=10)


@pytest.mark.parametrize("extension", [".txt", ".bin", ".vec.gz"])
def test_verify_checks_vectors_of_other_programs(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"v{extension}"
    hsw2v.Model(Vocabulary.from_words(["a", "b"], [0, 0]), np.ones((2, 3))).export(path)
    assert "[2, 3], finite" in run("verify", path).stdout
    path.write_bytes(path.read_bytes()[:-5])
    complaint("verify", path, code=4)


def test_verify_checks_the_folder_of_a_training(tmp_path: Path) -> None:
    folder = READERS["checkpoint"].make(tmp_path)
    printed = run("verify", folder).stdout
    assert "corpus.ids" in printed
    assert "state-" in printed
    ids = folder / "corpus.ids"
    ids.write_bytes(ids.read_bytes()[:-4] + b"\xff\xff\xff\xff")
    assert "was altered" in complaint("verify", folder, code=10)
