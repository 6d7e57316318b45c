"""Hierarchical softmax in fastText's files: its probabilities are those that fastText has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import run
from some_models import some_model
from test_architecture import imported_by
from test_continuing import NO_STEP, earlier
from test_fasttext import FILES, written

import hsw2v
from hsw2v.errors import CorruptInputError, Hsw2vError, ModelFileError, UsageError
from hsw2v.files import pieces
from hsw2v.model import fasttext
from hsw2v.model.fasttext_export import left_out
from hsw2v.query.probabilities import TreeSoftmax
from hsw2v.trees.fasttext import fasttext_tree
from hsw2v.trees.huffman import huffman

NAMES = ("themes-hs", "themes-cbow-hs", "cbow-hs")
THEMES = (FILES / "themes.txt").read_text(encoding="utf-8").splitlines()


class TheirTree:
    """fastText's definition, with its arrays: leaves 0 … V-1, then nodes as they are made.

    The way up from a leaf is its path; row i of the output matrix is that of node V + i. The
    decision is for the child that was taken second where the sigmoid is high.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self.words = words = len(counts)
        weights = [*counts, *[10**15] * (words - 1)]
        self.parents, self.second = [-1] * len(weights), [False] * len(weights)
        leaf, node = words - 1, words
        for made in range(words, 2 * words - 1):
            taken = []
            for _ in range(2):
                if leaf >= 0 and weights[leaf] < weights[node]:
                    taken.append(leaf)
                    leaf -= 1
                else:
                    taken.append(node)
                    node += 1
            weights[made] = weights[taken[0]] + weights[taken[1]]
            self.parents[taken[0]] = self.parents[taken[1]] = made
            self.second[taken[1]] = True

    def log_probs(self, outputs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """Return the log-probability of every word, (V,), given fastText's output matrix."""
        return np.array([self._of(one, outputs, hidden) for one in range(self.words)])

    def _of(self, at: int, outputs: np.ndarray, hidden: np.ndarray) -> float:
        found = 0.0
        while (parent := self.parents[at]) >= 0:
            score = float(outputs[parent - self.words].astype(float) @ hidden.astype(float))
            found -= math.log1p(math.exp(-score if self.second[at] else score))
            at = parent
        return found


def their_outputs(name: str, words: int) -> np.ndarray:
    """The output matrix of a file, which is its end."""
    content = (FILES / f"{name}.bin").read_bytes()
    return np.frombuffer(content[-4 * 10 * words :], "<f4").reshape(words, 10)


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_those_of_fasttext(name: str) -> None:
    model = hsw2v.load(FILES / f"{name}.bin")
    assert model.counts is not None
    theirs = TheirTree(model.counts.tolist())
    outputs = their_outputs(name, len(model))
    assert not outputs[-1].any()  # Of no node.
    for word in model.words:
        found = model.distribution([word])
        np.testing.assert_allclose(np.log(found), theirs.log_probs(outputs, model[word]), rtol=1e-5)
        assert found.sum() == pytest.approx(1.0, abs=1e-12)
    best = model.predict([model.words[3]], k=2)
    expected = theirs.log_probs(outputs, model[model.words[3]])
    assert best[0][0] == model.words[int(np.argmax(expected))]
    assert best[0][1] == pytest.approx(math.exp(expected.max()), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_package_has_the_same_matrices_and_counts(name: str) -> None:
    package = pytest.importorskip("fasttext")
    theirs = package.load_model(str(FILES / f"{name}.bin"))
    words, counts = theirs.get_words(include_freq=True)
    model = hsw2v.load(FILES / f"{name}.bin")
    tree = TheirTree([int(one) for one in counts])
    for word in words[:12]:
        expected = tree.log_probs(theirs.get_output_matrix(), theirs.get_word_vector(word))
        np.testing.assert_allclose(np.log(model.distribution([word])), expected, rtol=1e-5)


def test_the_definition_is_that_of_fasttext_which_predicts_labels_by_it(tmp_path: Path) -> None:
    package = pytest.importorskip("fasttext")
    lines = [f"__label__{one.split()[0]} {one}" for one in THEMES]
    (tmp_path / "text").write_text("\n".join(lines) + "\n", encoding="utf-8")
    theirs = package.train_supervised(
        str(tmp_path / "text"), loss="hs", dim=6, epoch=50, thread=10, verbose=0
    )
    labels, counts = theirs.get_labels(include_freq=True)
    outputs = theirs.get_output_matrix()
    tree = fasttext_tree(np.array([int(one) for one in counts]))
    ours = TreeSoftmax(outputs[: len(labels) - 1][::-1], tree)
    for line in THEMES[:20]:
        ids = [theirs.get_word_id(word) for word in [*line.split(), "</s>"]]
        hidden = np.mean([theirs.get_input_vector(one) for one in ids], axis=0)
        expected = TheirTree([int(one) for one in counts]).log_probs(outputs, hidden)
        np.testing.assert_allclose(ours.log_distribution(hidden[None]), expected, rtol=1e-4)
        named, found = theirs.predict(line, k=3)
        # It adds 1e-5 to every decision.
        for name, one in zip(named, found, strict=True):
            assert math.exp(expected[labels.index(name)]) == pytest.approx(one, abs=2e-3)


@pytest.mark.parametrize("name", ["themes-hs", "themes-cbow-hs"])
def test_the_text_of_the_training_is_likely_with_this_tree_and_no_other(name: str) -> None:
    model = hsw2v.load(FILES / f"{name}.bin")
    assert model.counts is not None
    share = model.counts / model.counts.sum()
    unigram = -float(share @ np.log(share))
    assert -mean_score(model) < unigram - 0.5
    assert model.output is not None
    assert isinstance(model.tree, hsw2v.Tree)
    for children, nodes in (
        (model.tree.children[:, ::-1], model.output),
        (model.tree.children, model.output[::-1]),
        (model.tree.children, np.roll(model.output, 1, axis=0)),
    ):
        other = hsw2v.Model(
            model.vocabulary,
            model.vectors,
            nodes,
            hsw2v.Tree(np.ascontiguousarray(children)),
            model.config,
        )
        assert mean_score(other) < mean_score(model) - 0.5


def mean_score(model: hsw2v.Model) -> float:
    scores = list(model.score([line.split() for line in THEMES]))
    return sum(one.log_prob for one in scores) / sum(one.words for one in scores)


# The tree.


@pytest.mark.parametrize(
    "counts",
    [
        [5],
        [5, 5],
        [9, 4, 4, 4, 2, 2, 1, 1, 1],
        [3, 3, 3, 3, 3],
        [2, 9, 1, 1, 7, 0, 0],
        [0, 0, 0, 0],
        [1, 2, 3, 4, 5, 6],
    ],
)
def test_the_tree_is_that_of_the_definition(counts: list[int]) -> None:
    tree = fasttext_tree(np.array(counts, np.int64))
    tree.check()
    theirs, words = TheirTree(counts), len(counts)
    slots = tree.slots
    for at in range(2 * words - 2):
        ours = ~at if at < words else 2 * words - 2 - at
        assert slots[ours] >> 1 == 2 * words - 2 - theirs.parents[at]
        assert slots[ours] & 1 == 1 - theirs.second[at]


def test_where_counts_fall_it_is_the_huffman_tree_of_training() -> None:
    rng = np.random.default_rng(1)
    for words in (1, 2, 3, 50, 2000):
        counts = np.sort(rng.zipf(1.3, words).clip(1, 10**6))[::-1]
        expected = huffman(counts.astype(np.float64)).children
        np.testing.assert_array_equal(fasttext_tree(counts).children, expected)


# What reading does with it.


def test_nodes_and_the_tree_are_made_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsw2v.model.loading.read_outputs", lambda *_: pytest.fail("read"))
    model = hsw2v.load(FILES / "themes-hs.bin")
    assert model.has_output
    assert model.similar(model.words[1])
    assert model.config["training"]["tree"] == "huffman"
    assert not {"output", "structure"} & set(vars(model))
    assert model.tree is not None
    run("info", FILES / "themes-hs.bin")
    run("tree", FILES / "themes-hs.bin")


def test_nodes_are_turned_round_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = their_outputs("themes-hs", 40)[:39][::-1]
    for rows in (1, 3, 19, 39, 100):
        monkeypatch.setattr("hsw2v.model.fasttext._ROWS_AT_ONCE", rows)
        found = fasttext.read_outputs(pieces(str(FILES / "themes-hs.bin"), 1000), "f")
        np.testing.assert_array_equal(found, expected)


def test_commands_answer_with_the_tree() -> None:
    path = FILES / "themes-hs.bin"
    assert "huffman" in run("tree", path).stdout
    assert "decisions" in run("tree", path, "wort").stdout
    assert "decisions_a_target.all" in run("info", path).stdout
    printed = run("verify", path).stdout
    assert "[39, 10], finite" in printed
    assert "one binary tree of 40 words" in printed
    word, probability = run("predict", path, "--context", "wort", "-k", "1").stdout.split()
    assert word.startswith("wort")
    assert float(probability) > 0.1
    found = hsw2v.diagnose(hsw2v.load(path), [line.split() for line in THEMES], windows=100)
    assert found.output == "hs"


def test_no_question_imports_numba(tmp_path: Path) -> None:
    path = FILES / "themes-hs.bin"
    code = f"""
from hsw2v.cli.program import program
for line in (
    "predict {path} --context wort", "tree {path}", "tree {path} wort", "info {path}",
    "verify {path}", "export {path} {tmp_path}/m.bin --format fasttext",
):
    program.main(line.split(), standalone_mode=False)
"""
    assert imported_by(code).isdisjoint({"numba", "llvmlite", "tqdm"})


def test_a_training_goes_on_with_the_nodes() -> None:
    path = FILES / "themes-hs.bin"
    before = hsw2v.load(path)
    text = [line.split() for line in THEMES]
    same = hsw2v.train(text, from_model=path, **NO_STEP)
    assert set(same.words) == set(before.words)
    np.testing.assert_array_equal(same.output, before.output)
    assert mean_score(same) == pytest.approx(mean_score(before), abs=1e-4)
    more = hsw2v.train([*text, ["neu"] * 9], from_model=path, epochs=3, threads=1)
    assert set(more.words) == {*before.words, "neu"}
    assert more.tree is not None
    assert len(more.tree) == len(before) + 1
    assert mean_score(more) > mean_score(before) - 0.2


# Files that are not as fastText writes them.


def test_a_node_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    content = bytearray(written(loss=1))
    content[-16:-12] = np.float32("nan").tobytes()
    (tmp_path / "f.bin").write_bytes(content)
    with pytest.raises(CorruptInputError, match="vector of a node holds a number that is not fin"):
        hsw2v.load(tmp_path / "f.bin").predict(["das"])


def test_zeros_of_a_tree_are_no_output_layer(tmp_path: Path) -> None:
    (tmp_path / "f.bin").write_bytes(written(loss=1))
    model = hsw2v.load(tmp_path / "f.bin")
    assert model.tree is None
    with pytest.raises(UsageError, match="vectors of words only"):
        model.predict(["das"])


def some_nodes(words: list[bytes], counts: list[int]) -> bytes:
    content = bytearray(written(words, counts=counts, loss=1))
    content[-8 * len(words) :] = np.ones((len(words), 2), "<f4").tobytes()
    return bytes(content)


def test_counts_that_fasttext_makes_no_tree_of_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f.bin").write_bytes(some_nodes([b"a", b"b", b"c"], [10**15, 2, 1]))
    with pytest.raises(ModelFileError, match="counts of its words are out of bounds"):
        hsw2v.load(tmp_path / "f.bin")


def test_a_file_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.bin").write_bytes((FILES / "themes-hs.bin").read_bytes())
    model = hsw2v.load(tmp_path / "f.bin")
    (tmp_path / "f.bin").write_bytes((FILES / "themes-cbow-hs.bin").read_bytes()[:2000])
    with pytest.raises(CorruptInputError, match="ends too early"):
        model.predict(["wort"])
    (tmp_path / "f.bin").write_bytes((FILES / "cbow-hs.bin").read_bytes())
    with pytest.raises(ModelFileError, match="is another file now"):
        model.predict(["wort"])


@pytest.mark.parametrize("seed", range(3))
def test_mutants_are_refused_or_have_probabilities(tmp_path: Path, seed: int) -> None:
    whole = (FILES / "themes-hs.bin").read_bytes()
    rng = np.random.default_rng(seed)
    for _ in range(60):
        content = bytearray(whole)
        # In its beginning, its words and counts, or its nodes.
        for at in rng.choice([*range(4, 1100), *range(len(whole) - 1600, len(whole))], 2):
            content[at] = rng.integers(256)
        (tmp_path / "f.bin").write_bytes(content)
        try:
            model = hsw2v.load(tmp_path / "f.bin")
            found = model.distribution([model.words[0]])
        except Hsw2vError:
            continue
        if model.tree is not None:
            assert found.sum() == pytest.approx(1.0)


def test_a_tree_whose_paths_no_memory_holds_is_refused_soon(tmp_path: Path) -> None:
    words = [f"w{one}".encode() for one in range(20_000)]
    (tmp_path / "f.bin").write_bytes(some_nodes(words, [0] * len(words)))
    model = hsw2v.load(tmp_path / "f.bin")
    with pytest.raises(ModelFileError, match="path lengths of its tree add up to more than"):
        model.predict(["w1"])


# What is written.


def round_trip(model: hsw2v.Model, tmp_path: Path, **options: Any) -> hsw2v.Model:
    model.export(tmp_path / "m.bin", format="fasttext", force=True, **options)
    return hsw2v.load(tmp_path / "m.bin")


def loss_of(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[32:36], "little")


@pytest.mark.parametrize("subwords", ["", "2-4"])
@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_a_huffman_tree_comes_back_with_its_probabilities(
    tmp_path: Path, subwords: str, kind: str
) -> None:
    before = earlier(loss="hs", tree="huffman", model=kind, subwords=subwords, buckets=300)
    after = round_trip(before, tmp_path)
    assert loss_of(tmp_path / "m.bin") == 1
    assert before.tree is not None
    assert after.tree is not None
    np.testing.assert_array_equal(after.tree.children, before.tree.children)
    np.testing.assert_array_equal(after.output, before.output)
    context = before.words[2:4]
    np.testing.assert_allclose(after.distribution(context), before.distribution(context), rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "tree", "told"),
    [
        ("hs", "huffman", ""),
        ("ns", "semantic", ""),
        ("hs", "balanced", "note: fastText has no such output layer: the file has zeros"),
        ("hs+ns", "huffman", "note: of the output layer there are the vectors of words, and not"),
    ],
)
def test_the_command_line_tells_what_is_left_out(
    tmp_path: Path, loss: str, tree: str, told: str
) -> None:
    model, out = tmp_path / "m.safetensors", tmp_path / "m.bin"
    earlier(loss=loss, tree=tree).save(model)
    _, _, note = run("export", model, out, "--format", "fasttext").stderr.partition("MB\n")
    assert note.startswith(told)
    assert bool(note) == bool(told)
    again = run("export", model, out, "--format", "fasttext", "--force", "--quiet")
    assert not again.stderr


def test_fasttext_opens_the_nodes(tmp_path: Path) -> None:
    package = pytest.importorskip("fasttext")
    before = earlier(loss="hs", tree="huffman")
    round_trip(before, tmp_path)
    theirs = package.load_model(str(tmp_path / "m.bin"))
    words, counts = theirs.get_words(include_freq=True)
    tree = TheirTree([int(one) for one in counts])
    for word in words[:5]:
        found = tree.log_probs(theirs.get_output_matrix(), theirs.get_word_vector(word))
        np.testing.assert_allclose(found, np.log(before.distribution([word])), rtol=1e-4, atol=1e-6)


def test_what_fasttext_wrote_comes_back(tmp_path: Path) -> None:
    before = hsw2v.load(FILES / "themes-hs.bin")
    after = round_trip(before, tmp_path)
    np.testing.assert_array_equal(after.output, before.output)
    before.save(tmp_path / "m.safetensors")
    again = round_trip(hsw2v.load(tmp_path / "m.safetensors"), tmp_path)
    np.testing.assert_array_equal(again.output, before.output)


def test_nodes_of_another_tree_are_zeros(tmp_path: Path) -> None:
    words = list("abcdefg")
    normed = some_model("hs", words, batch_norm=True)
    huffman_model = earlier(loss="hs", tree="huffman")
    for model, options in (
        (some_model("hs", words), {}),
        (some_model("hs", words, trees=2), {}),
        (some_model("class", words), {}),
        (huffman_of(normed, batch_norm=normed.batch_norm), {}),
        (huffman_model, {"top": len(huffman_model) - 1}),
        # fastText would not normalise what these are multiplied by.
        (some_model("ns", words, batch_norm=True), {}),
    ):
        after = round_trip(model, tmp_path, **options)
        assert "zeros" in left_out(model, **options)
        assert not after.has_output
        assert loss_of(tmp_path / "m.bin") == 1
        np.testing.assert_allclose(after.vectors, model.vectors[: len(after)], atol=1e-6)


def huffman_of(model: hsw2v.Model, **options: Any) -> hsw2v.Model:
    """The model with the Huffman tree in place of its own."""
    tree = fasttext_tree(model.vocabulary.counts)
    return hsw2v.Model(model.vocabulary, model.vectors, model.output, tree, model.config, **options)


def test_nodes_of_a_model_without_batch_normalisation_are_not(tmp_path: Path) -> None:
    model = huffman_of(some_model("hs", list("abcdefg")))
    np.testing.assert_array_equal(round_trip(model, tmp_path).output, model.output)


def test_a_tree_that_differs_by_a_tie_is_another(tmp_path: Path) -> None:
    before = earlier(loss="hs", tree="huffman")
    assert before.tree is not None
    assert before.counts is not None
    tied = int(np.flatnonzero(np.diff(before.counts) == 0)[0])
    swap = np.arange(len(before))
    swap[[tied, tied + 1]] = [tied + 1, tied]
    other = before.tree.renamed(swap)
    model = hsw2v.Model(before.vocabulary, before.vectors, before.output, other, before.config)
    assert not round_trip(model, tmp_path).has_output
