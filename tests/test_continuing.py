"""A training continues a model: what was trained is where it begins, and new words join it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from some_models import some_model
from test_checkpoints import Interrupting, same
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.config import LOSSES, TREE_LOSSES, known_settings
from hsw2v.corpus.words import WordCorpus
from hsw2v.events import EpochEnd, Event, Notice, TreeReady, ignore
from hsw2v.training.continuing import Earlier, WarmStart
from hsw2v.training.output import folder_of
from hsw2v.training.texts import read_texts
from hsw2v.training.trainer import Trainer
from hsw2v.trees.codes import code_lines
from hsw2v.trees.huffman import huffman

SMALL: dict[str, Any] = {"dim": 16, "min_count": 2, "sample": 0.0, "threads": 1, "epochs": 6}
NEW = ("new0", "new1", "new2")
NO_STEP: dict[str, Any] = {"lr": 1e-30, "epochs": 1, "threads": 1}
"""What leaves all numbers as they are but for zeros."""


def old_text() -> list[list[str]]:
    return planted(1_500)


def new_text(seed: int = 5, sentences: int = 400) -> list[list[str]]:
    """Return sentences of which some have new words, in the place of words of one group.

    Words of the other groups are rarer than before: the order of the vocabulary changes.
    """
    rng = np.random.default_rng(seed)
    text = planted(sentences, seed)
    for sentence in text:
        if sentence[0].startswith("g0"):
            sentence[1:4] = rng.permutation(NEW).tolist()
    return [*(one for one in text if one[0].startswith("g0")), *text[:100], ["once"]]


MODELS: dict[str, hsw2v.Model] = {}


def earlier(loss: str = "hs", *, sure: bool = False, **settings: Any) -> hsw2v.Model:
    """Return a model of the old text, trained once; a `sure` one for long."""
    key = repr((loss, sure, settings))
    if key not in MODELS:
        long = {"epochs": 60, "lr": 0.05} if sure else {}
        MODELS[key] = hsw2v.train(old_text(), loss=loss, **(SMALL | long | settings))
    return MODELS[key]


def loss_of(model: hsw2v.Model, text: list[list[str]]) -> float:
    """Return the mean negative log-likelihood of a word, in nats."""
    scores = list(model.score(text, normalize_exactly=True))
    return -sum(one.log_prob for one in scores) / sum(one.words for one in scores)


def output_rows(model: hsw2v.Model) -> dict[str, np.ndarray]:
    """Return the output vectors that words have."""
    assert model.output is not None
    return dict(zip(model.words, model.output[-len(model) :], strict=True))


@pytest.mark.parametrize("loss", LOSSES)
def test_known_words_begin_where_they_were(loss: str) -> None:
    before = earlier(loss)
    after = hsw2v.train(new_text(), from_model=before, **NO_STEP)
    assert set(after.words) == {*before.words, *NEW}
    assert after.words[: len(before)] != before.words
    for word in before.words:
        assert np.array_equal(after[word], before[word]), word
    assert before.output is not None
    assert after.output is not None
    if loss == "hs":
        assert np.array_equal(after.output[: len(before) - 1], before.output)
        assert np.abs(after.output[len(before) - 1 :]).max() < 1e-20
    else:
        was, now = output_rows(before), output_rows(after)
        assert all(np.array_equal(now[word], was[word]) for word in was)
        assert all(np.abs(now[word]).max() < 1e-20 for word in NEW)
    if before.classes is not None:
        assert after.classes is not None
        count = before.classes.count
        assert np.array_equal(after.output[:count], before.output[:count])
        was_in, is_in = (
            dict(zip(one.words, one.classes.of.tolist(), strict=True))  # type: ignore[union-attr]
            for one in (before, after)
        )
        assert was_in.items() <= is_in.items()


def test_counts_are_those_of_all_texts() -> None:
    before, text = earlier(), new_text()
    after = hsw2v.train(text, from_model=before, **NO_STEP)
    expected = dict(zip(before.words, before.counts.tolist(), strict=True))  # type: ignore[union-attr]
    for token in itertools.chain.from_iterable(text):
        expected[token] = expected.get(token, 0) + 1
    assert expected.pop("once") == 1
    assert after.counts is not None
    assert dict(zip(after.words, after.counts.tolist(), strict=True)) == expected
    assert np.all(np.diff(after.counts) <= 0)


@pytest.mark.parametrize("loss", TREE_LOSSES)
def test_every_node_of_several_trees_begins_where_it_was(loss: str) -> None:
    before = earlier(loss, num_trees=2)
    after = hsw2v.train(new_text(), from_model=before, **NO_STEP)
    assert len(after.trees) == len(before.trees) == 2
    assert before.output is not None
    assert after.output is not None
    old, new = len(before) - 1, len(after) - 1
    for number in range(2):
        was = before.output[number * old : (number + 1) * old]
        now = after.output[number * new : (number + 1) * new]
        assert np.array_equal(now[:old], was)
        assert np.abs(now[old:]).max() < 1e-20
    if loss == "hs+ns":
        was_rows, now_rows = output_rows(before), output_rows(after)
        assert all(np.array_equal(now_rows[word], was_rows[word]) for word in was_rows)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_only_words_whose_leaves_are_split_lose_log_2(batch_norm: bool) -> None:
    before = earlier(batch_norm=batch_norm)
    after, _ = begun(before, new_text())
    assert before.tree is not None
    assert after.tree is not None
    lengths = [dict(zip(one.words, one.tree.lengths, strict=True)) for one in (before, after)]  # type: ignore[union-attr]
    splits = {word: int(lengths[1][word] - lengths[0][word]) for word in before.words}
    assert sum(splits.values()) >= 1
    assert sum(one > 0 for one in splits.values()) <= len(NEW)
    for context in (["g0w1"], ["g1w0", "g1w3"], ["g2w2"]):
        was, now = (
            dict(zip(one.words, np.log(one.distribution(context)), strict=True))
            for one in (before, after)
        )
        for word in before.words:
            assert now[word] == pytest.approx(was[word] - splits[word] * math.log(2.0), abs=1e-5)


def begun(before: hsw2v.Model, text: list[list[str]]) -> tuple[hsw2v.Model, Trainer]:
    """Return the model that a training on a text begins with, and its trainer."""
    model = Earlier.of(before)
    config = model.settings.replace(threads=1)
    with read_texts(text, config.corpus) as texts:
        start = WarmStart(model, texts.corpus.types, config.vocabulary, ignore)
    trainer = Trainer(config, start.vocabulary, start.structure, fill=start.fill)
    network = trainer.network
    norm = network.norm
    dim = network.dim
    return (
        hsw2v.Model(
            start.vocabulary,
            network.vectors[:, :dim].copy(),
            network.outputs[:, :dim].copy(),
            network.output.built_of,  # type: ignore[arg-type]
            config.to_dict(),
            batch_norm=None if norm is None else norm[:, :dim],
        ),
        trainer,
    )


def test_batch_normalisation_goes_on() -> None:
    before = earlier(batch_norm=True)
    start, trainer = begun(before, new_text())
    assert before.batch_norm is not None
    assert start.batch_norm is not None
    assert np.array_equal(start.batch_norm, before.batch_norm)
    # A first batch counts as one of 101: the running statistics are not its own.
    assert trainer.network.parameters["norm.batches"].tolist() == [100]


@pytest.mark.parametrize("loss", ["hs", "class", "sampled", "softmax"])
def test_the_likelihood_of_old_text_does_not_jump(loss: str) -> None:
    heldout = planted(60, seed=9)
    before = earlier(loss)
    was = loss_of(before, heldout)
    assert was < 0.75 * math.log(len(before))
    assert loss_of(hsw2v.train(new_text(), from_model=before, **NO_STEP), heldout) < was + 0.15
    trained = hsw2v.train(new_text(), from_model=before, lr=0.01, epochs=2, threads=1)
    assert loss_of(trained, heldout) < was + 0.3


def test_another_tree_upon_the_same_rows_would_be_nonsense() -> None:
    # What the likelihood comes to where rows are kept by index, and the tree is not.
    heldout = planted(60, seed=9)
    before = earlier()
    after, _ = begun(before, new_text())
    anew = hsw2v.Model(
        after.vocabulary,
        after.vectors,
        after.output,
        huffman(after.vocabulary.counts.astype(np.float64)),
        after.config,
    )
    assert loss_of(after, heldout) < loss_of(before, heldout) + 0.15
    assert loss_of(anew, heldout) > loss_of(before, heldout) + 1.0


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_new_words_are_learnt(loss: str) -> None:
    model = hsw2v.train(new_text(), from_model=earlier(loss), lr=0.05, epochs=10, threads=1)
    for word in NEW:
        near = {name for name, _ in model.similar(word, k=4)}
        assert all(name.startswith(("g0", "new")) for name in near), near


CASES: dict[str, dict[str, Any]] = {
    **{loss: {"loss": loss} for loss in LOSSES},
    "batch norm, CBOW": {"batch_norm": True, "model": "cbow"},
    "two trees": {"num_trees": 2},
}


@pytest.mark.parametrize("name", CASES)
def test_a_resumed_extension_comes_to_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"
    earlier(**CASES[name]).save(path)
    how: dict[str, Any] = {"epochs": 4, "threads": 1, "from_model": path}
    how["optimizer"] = "adam" if name == "hs" else "sgd"
    text = new_text(sentences=2_000) * 3
    whole = hsw2v.train(text, **how)
    for after in (1, 4, 7):
        output = tmp_path / f"{after}.safetensors"
        with monkeypatch.context() as patched:
            Interrupting(patched, after)
            with pytest.raises(KeyboardInterrupt, match="hsw2v resume"):
                hsw2v.train(text, output=output, **how)
        resumed = hsw2v.resume(folder_of(output))
        assert same(resumed, whole)
        assert resumed.words == whole.words
        assert np.array_equal(resumed.vocabulary.counts, whole.vocabulary.counts)
        assert resumed.info["continued_from"] == whole.info["continued_from"]
        assert resumed.info["corpus"] == whole.info["corpus"]


def test_another_model_is_another_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, text = tmp_path / "m.safetensors", new_text(sentences=3_000)
    how: dict[str, Any] = {"output": output, "epochs": 4, "threads": 1}
    with monkeypatch.context() as patched:
        Interrupting(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text, from_model=earlier(), **how)
    with pytest.raises(errors.UsageError, match="the model that it continues is another"):
        hsw2v.train(text, from_model=earlier(seed=2), resumed=True, **how)
    with pytest.raises(errors.UsageError, match="the model that it continues is another"):
        hsw2v.train(text, resumed=True, **SMALL, output=output)
    hsw2v.train(text, from_model=earlier(), resumed=True, **how)
    assert output.exists()


def test_what_diverges_begins_at_the_model_again() -> None:
    before = earlier()
    expected, trainer = begun(before, new_text())
    seen: list[bool] = []

    def poison(event: Event) -> None:
        if isinstance(event, EpochEnd) and not seen:
            trainer.network.vectors[:] = np.nan
        elif isinstance(event, Notice) and "going on from the start" in event.message:
            seen.append(np.array_equal(trainer.network.vectors[:, :16], expected.vectors))

    with read_texts(new_text(), known_settings(before.config).corpus) as texts:
        trainer.train(WordCorpus.of(texts.corpus, expected.vocabulary), poison)
    assert seen == [True]


@pytest.mark.parametrize("loss", ["hs", "class", "softmax"])
def test_a_text_unlike_those_before_is_no_divergence(loss: str) -> None:
    before = earlier(loss, sure=True)
    rng, heard = np.random.default_rng(1), list[Event]()
    text = [rng.permutation(before.words)[:8].tolist() for _ in range(30)]
    hsw2v.train(text, from_model=before, listener=heard.append, lr=1e-5, epochs=1, threads=1)
    (end,) = [event for event in heard if isinstance(event, EpochEnd)]
    assert end.loss is not None
    # More than twice what it is without a model.
    assert end.loss > 2.0 * math.log(len(before))
    with pytest.raises(errors.DivergedError):
        hsw2v.train(text, from_model=before, lr=10.0, epochs=30, threads=1)


def test_settings_are_those_of_the_model_but_for_what_is_given() -> None:
    before = earlier(window=3, node_sample=0.2)
    heard: list[Event] = []
    after = hsw2v.train(new_text(), from_model=before, listener=heard.append, epochs=2, threads=1)
    training, was = after.config["training"], before.config["training"]
    assert training == was | {"epochs": 2, "rebuild_at": 0.0}
    assert after.config["vocabulary"] == before.config["vocabulary"]
    # One tree, the grafted one.
    assert [event.tree for event in heard if isinstance(event, TreeReady)] == ["semantic"]
    notices = [event.message for event in heard if isinstance(event, Notice)]
    assert notices == [f"3 new words join the {len(before)} of the model"]


def test_the_tree_is_rebuilt_if_asked_for() -> None:
    heard: list[Event] = []
    how: dict[str, Any] = {"rebuild_at": 1.0, "epochs": 3, "threads": 1}
    after = hsw2v.train(new_text(), from_model=earlier(), listener=heard.append, **how)
    assert sum(isinstance(event, TreeReady) for event in heard) == 2
    assert after.config["training"]["rebuild_at"] == 1.0
    assert loss_of(after, planted(60, seed=9)) < math.log(len(after))


def test_another_optimizer_has_its_own_learning_rate() -> None:
    how: dict[str, Any] = {"optimizer": "adagrad", "epochs": 1, "threads": 1}
    assert hsw2v.train(new_text(), from_model=earlier(), **how).config["training"]["lr"] == 0.1
    given = hsw2v.train(new_text(), from_model=earlier(), lr=0.2, **how)
    assert given.config["training"]["lr"] == 0.2


def test_settings_without_effect_are_named_if_they_are_given() -> None:
    heard: list[Event] = []
    hsw2v.train(new_text(), from_model=earlier("ns"), listener=heard.append, samples=9, **NO_STEP)
    told = [event.message for event in heard if isinstance(event, Notice)]
    assert [one for one in told if "effect" in one] == ["samples has no effect (loss ns)"]


def test_a_tree_of_a_file_is_not_read_again(tmp_path: Path) -> None:
    before = earlier()
    assert before.tree is not None
    codes = tmp_path / "codes.txt"
    codes.write_text("\n".join(code_lines(before.tree, before.words)), encoding="utf-8")
    on_file = hsw2v.train(old_text(), tree=codes, **SMALL)
    codes.unlink()
    after = hsw2v.train(new_text(), from_model=on_file, **NO_STEP)
    assert after.config["training"]["tree"] == str(codes)
    assert len(after) == len(before) + len(NEW)


def saved(model: hsw2v.Model, folder: Path) -> Path:
    path = folder / "before.safetensors"
    model.save(path, force=True)
    return path


def test_a_model_tells_what_it_continues(tmp_path: Path) -> None:
    before = earlier()
    path = saved(before, tmp_path)
    after = hsw2v.train(new_text(), from_model=path, **NO_STEP)
    told = after.info["continued_from"]
    tokens = before.info["corpus"]["tokens"]
    assert told == {
        "name": "before.safetensors",
        "digest": Earlier.of(before).digest,
        "words": len(before),
        "tokens": tokens,
    }
    again = hsw2v.train(new_text(), from_model=after, **NO_STEP)
    assert again.info["continued_from"]["tokens"] == tokens + after.info["corpus"]["tokens"]
    assert again.info["continued_from"]["digest"] != told["digest"]


@pytest.mark.parametrize(
    ("loss", "wrong", "said"),
    [
        ("hs", {"dim": 20}, "dim is 20, and the model's is 16"),
        ("hs", {"model": "cbow"}, "model is cbow, and the model's is skipgram"),
        ("hs", {"loss": "ns"}, "loss is ns, and the model's is hs"),
        ("hs", {"tree": "huffman"}, "tree is huffman, and the model's is semantic"),
        ("hs", {"batch_norm": True}, "batch_norm is True, and the model's is False"),
        ("class", {"classes": "kmeans"}, "classes is kmeans, and the model's is frequency"),
        ("class", {"num_classes": 99}, "num_classes is 99, and the model's is"),
        ("hs", {"dim": 20, "loss": "ns"}, "dim is 20.*; loss is ns"),
        ("hs", {"rebuild_at": 9.0}, "the tree is to be built after 9 epochs of 6"),
        ("hs", {"min_coutn": 9}, "unknown setting"),
    ],
)
def test_what_contradicts_the_model_is_refused_before_any_work(
    loss: str, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(errors.UsageError, match=said):
        hsw2v.train("no-such-file", from_model=earlier(loss), **wrong)


def test_models_that_training_cannot_go_on_with_are_refused(tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    earlier().export(vectors)
    with pytest.raises(errors.UsageError, match=r"vectors\.txt: has no output layer"):
        hsw2v.train(new_text(), from_model=vectors)
    some = some_model("hs", ["a", "b", "c"])
    some.vocabulary.counts[:] = 0
    with pytest.raises(errors.UsageError, match="does not tell how often its words occur"):
        hsw2v.train(new_text(), from_model=some)
    with pytest.raises(errors.MissingInputError, match="no such file"):
        hsw2v.train(new_text(), from_model=tmp_path / "none")


@pytest.mark.parametrize("loss", LOSSES)
def test_a_model_of_arrays_can_be_continued(loss: str) -> None:
    words = ["g0w0", "g1w1", "g2w0", "gone"]
    model = some_model(loss, words, batch_norm=True, epochs=1, threads=1, min_count=1)
    after = hsw2v.train(new_text(), from_model=model, dim=6)
    assert {*words, *NEW, "once"} <= {*after.words}
    assert after.dim == 6
    assert np.isfinite(after.vectors).all()


def test_settings_of_a_model_that_are_none_are_told_with_its_file(tmp_path: Path) -> None:
    some = some_model("hs", ["a", "b", "c"])
    some.config["training"]["window"] = "wide"
    with pytest.raises(errors.UsageError, match=r"before\.safetensors: window is 'wide'"):
        hsw2v.train(new_text(), from_model=saved(some, tmp_path))


@pytest.mark.parametrize("loss", ["hs", "class", "ns", "sampled"])
def test_a_model_of_one_word_can_be_continued(loss: str, tmp_path: Path) -> None:
    one = hsw2v.train([["a"] * 9] * 9, loss=loss, **SMALL)
    after = hsw2v.train(new_text(), from_model=saved(one, tmp_path), epochs=2, threads=2)
    assert "a" in after.words
    assert len(after) > 10
    if loss == "hs":
        assert after.tree is not None
        after.tree.check()


def test_a_text_without_new_words_and_one_without_known_ones() -> None:
    before = earlier()
    same_words = hsw2v.train(planted(30, seed=3), from_model=before, **NO_STEP)
    assert set(same_words.words) == set(before.words)
    other = hsw2v.train([["x", "y", "x", "y"]] * 3, from_model=before, **NO_STEP)
    assert set(other.words) == {*before.words, "x", "y"}
    with pytest.raises(errors.EmptyCorpusError, match="no word of it is in the vocabulary"):
        hsw2v.train([["x", "y"]], from_model=before, **NO_STEP)
    bounded = hsw2v.train(new_text(), from_model=before, max_vocab=len(before) + 1, **NO_STEP)
    assert len(bounded) == len(before) + 1


def test_the_command(tmp_path: Path) -> None:
    model, text = saved(earlier(), tmp_path), tmp_path / "more.txt"
    text.write_text("\n".join(map(" ".join, new_text())), encoding="utf-8")
    config = tmp_path / "my.toml"
    config.write_text("[training]\nepochs = 2\n", encoding="utf-8")
    how = ("--from", model, "--threads", "1")
    done = run("train", text, *how, "--config", config, "--window", "2", cwd=tmp_path)
    assert "3 new words join the" in done.stderr
    assert "of before.safetensors" in done.stderr
    after = hsw2v.load(tmp_path / "more.safetensors")
    assert after.config["training"]["epochs"] == 2
    assert after.config["training"]["window"] == 2
    assert after.config["training"]["dim"] == 16
    python = hsw2v.train(str(text), from_model=model, epochs=2, window=2, threads=1)
    assert same(after, python)
    shown = run("info", tmp_path / "more.safetensors").stdout
    assert "continued_from.name" in shown
    assert str(tmp_path) not in [*after.info["continued_from"].values()]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dim", "20"), "before.safetensors: dim is 20, and the model's is 16"),
        (("--dry-run",), "there is no plan of a training that continues a model"),
        (("-o", "before.safetensors", "--force"), "is an input and cannot be the output too"),
    ],
)
def test_errors_of_the_command(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    saved(earlier(), tmp_path)
    (tmp_path / "more.txt").write_text("g0w0 g0w1\n" * 9, encoding="utf-8")
    how = ("train", "more.txt", "--from", "before.safetensors")
    assert said in complaint(*how, *options, code=2, cwd=tmp_path)


def test_what_is_no_model_to_continue(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("g0w0 g0w1\n" * 9, encoding="utf-8")
    earlier().export(tmp_path / "vectors.txt")
    said = complaint("train", "more.txt", "--from", "vectors.txt", code=2, cwd=tmp_path)
    assert "has no output layer, and training cannot go on without one" in said
    complaint("train", "more.txt", "--from", "none", code=3, cwd=tmp_path)
    (tmp_path / "broken").write_bytes(b"\x20" + b"\0" * 7 + b"{" + b"x" * 90)
    complaint("train", "more.txt", "--from", "broken", code=10, cwd=tmp_path)


def test_a_learning_rate_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c a b\n" * 300)
    run("train", corpus, "-o", before, "--dim", "4", "--epochs", "1", "--lr", "0.03", "--quiet")
    for given, expected in (((), 0.1), (("--lr", "0.03"), 0.03)):
        run(
            "train", corpus, "--from", before, "-o", after, "--force", "--quiet",
            "--optimizer", "adagrad", *given,
        )  # fmt: skip
        continued = hsw2v.load(after)
        assert isinstance(continued, hsw2v.Model)
        assert continued.config["training"]["lr"] == expected


def test_a_model_that_is_continued_is_not_replaced_by_an_epoch(tmp_path: Path) -> None:
    before = tmp_path / "m.epoch-1.safetensors"
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c a b\n" * 300)
    run("train", corpus, "-o", before, "--dim", "4", "--epochs", "1", "--quiet")
    said = run(
        "train", corpus, "--from", before, "-o", tmp_path / "m.safetensors", "--keep-epochs",
        "--force", code=2,
    )  # fmt: skip
    assert "would be replaced by the model of an epoch" in said.stderr
