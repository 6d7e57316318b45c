"""Words that are given in Python, in place of the names of files of words."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from test_checkpoints import Interrupting

import hsw2v
from hsw2v.config import Config, GivenWords
from hsw2v.corpus.lists import WordLists, read_lists
from hsw2v.corpus.phrases import ENGLISH_WORDS, connectors_of
from hsw2v.errors import UsageError
from hsw2v.events import Notice, ignore

TEXT = [["the", "cat", "sat"], ["the", "dog", "sat"], ["The", "rare", "cat"]] * 5 + [["once"]]
SMALL: dict[str, Any] = {"dim": 8, "threads": 1, "epochs": 2, "sample": 0.0}


def lists(listener: Any = ignore, **settings: Any) -> WordLists:
    return read_lists(Config().replace(**settings), listener)


@pytest.mark.parametrize(
    "given",
    [
        ["b", "a"],
        ("b", "a"),
        {"a", "b"},
        frozenset("ab"),
        dict.fromkeys("ba").keys(),
        np.array(["b", "a"]),
        np.array(["b", "a"], object),
    ],
)
def test_any_collection_will_do(given: Any) -> None:
    for name in ("keep_words", "drop_words", "vocab"):
        found = next(one for one in lists(**{name: given}) if one is not None)
        # Sets have no order that is the same in every process.
        expected = ["a", "b"] if isinstance(given, set | frozenset) else ["b", "a"]
        assert found.words == expected
        assert found.source == name
        assert found.counts is None


@pytest.mark.parametrize("given", [{"b": 1, "a": 3}, Counter("abaa"), {"b": np.int64(1), "a": 3}])
def test_a_vocabulary_may_have_counts(given: Any) -> None:
    found = lists(vocab=given).vocab
    assert found is not None
    assert found.counts is not None
    assert dict(zip(found.words, found.counts.tolist(), strict=True)) == {"a": 3, "b": 1}


def test_whole_numbers_are_the_tokens_of_their_digits() -> None:
    found = lists(keep_words=[17, np.int64(4)]).keep
    assert found is not None
    assert found.words == ["17", "4"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep_words": []}, "keep_words has no words"),
        ({"drop_words": set()}, "drop_words has no words"),
        ({"vocab": {}}, "vocab has no words"),
        ({"connector_words": ()}, "connector_words has no words"),
        ({"keep_words": ["a", ""]}, "keep_words has '', which is no word"),
        ({"keep_words": ["a", None]}, "keep_words has None, which is no word"),
        ({"keep_words": ["a", 1.5]}, "keep_words has 1.5, which is no word"),
        ({"keep_words": [True]}, "keep_words has True, which is no word"),
        ({"keep_words": [["a"]]}, r"keep_words has \['a'\], which is no word"),
        ({"keep_words": [b"a"]}, "keep_words has b'a', which is no word"),
        ({"keep_words": ["\ud800"]}, r"keep_words has '\\ud800', which is no word"),
        ({"keep_words": {"a": 3}}, "keep_words has counts, which only vocab takes"),
        ({"vocab": {"a": -1}}, "vocab has the count -1 for 'a'"),
        ({"vocab": {"a": 1.0}}, "vocab has the count 1.0 for 'a'"),
        ({"vocab": {"a": None}}, "vocab has the count None for 'a'"),
        ({"vocab": {"a": 2**63}}, "vocab has the count 9223372036854775808 for 'a'"),
        ({"keep_words": 7}, "keep_words is 7; it must be a string, or a list of words"),
        ({"keep_words": iter("ab")}, "it must be a string, or a list of words"),
        ({"keep_words": b"a"}, "it must be a string, or a list of words"),
        ({"keep_words": np.array("a")}, "it must be a string, or a list of words"),
    ],
)
def test_what_are_no_words_is_told_before_anything_is_read(settings: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hsw2v.train("nowhere.txt", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocab": ["a", "b", "a"]}, "vocab, word 3: the word 'a' is there already, in word 1"),
        ({"vocab": {"The": 1, "the": 2}, "lowercase": True}, "'the', in lower case, is there"),
        ({"vocab": {"a": 0, "b": 0}}, "vocab: its counts are all 0"),
        ({"vocab": {"a": 2**62, "b": 2**62}}, r"vocab: its counts add up to more than 2\^63 - 1"),
        ({"vocab": ["a"], "drop_words": ["b"]}, "vocab tells all words"),
        ({"keep_words": ["a"], "drop_words": ["b", "a"]}, "has words that are to be kept: 'a'"),
        ({"keep_words": ["a", "b"], "max_vocab": 1}, "keep_words: has 2 words to be kept"),
    ],
)
def test_words_that_contradict_each_other_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hsw2v.train(TEXT, **settings)


def test_words_that_are_there_twice_are_told() -> None:
    told: list[Any] = []
    found = lists(told.append, keep_words=["A", "b", "a"], lowercase=True).keep
    assert found is not None
    assert found.words == ["a", "b"]
    assert told == [Notice("keep_words names words again that it has named, 1 time")]


def test_training_is_as_with_files(tmp_path: Path) -> None:
    for name, given, content in (
        ("keep_words", {"rare", "once"}, "once\nrare\n"),
        ("drop_words", ["the", "sat"], "the\nsat\n"),
        ("vocab", {"cat": 4, "dog": 9, "new": 2}, "cat 4\ndog 9\nnew 2\n"),
    ):
        (tmp_path / "words.txt").write_text(content)
        one = hsw2v.train(TEXT, **{**SMALL, name: given})
        other = hsw2v.train(TEXT, **{**SMALL, name: tmp_path / "words.txt"})
        assert one.vocabulary.words == other.vocabulary.words
        assert one.vocabulary.counts.tolist() == other.vocabulary.counts.tolist()
        assert np.array_equal(one.vectors, other.vectors)


def test_a_model_tells_how_many_were_given(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model = hsw2v.train(TEXT, keep_words=["rare", "once", "x"], output=path, **SMALL)
    told = model.config["vocabulary"]["keep_words"]
    assert told.startswith("3 words given in Python (")
    assert hsw2v.load(path).config == model.config
    assert json.loads(run("info", path, "--json").stdout)["config"] == model.config
    assert told in run("info", path).stdout
    # Training goes on with it, and with other words.
    more = hsw2v.train(TEXT, from_model=path, keep_words=["x"], drop_words=["y"], **SMALL)
    assert more.config["vocabulary"]["keep_words"].startswith("1 word given in Python (")
    with pytest.raises(UsageError, match=r"to be dropped.*: 'rare'; take them out of --drop-words"):
        hsw2v.train(TEXT, from_model=path, drop_words=["rare"], **SMALL)


def test_words_that_are_missing_are_told_by_the_setting() -> None:
    told: list[Any] = []
    model = hsw2v.train(TEXT, keep_words=["once", "x"], listener=told.append, **SMALL)
    assert Notice("not in the text, and left out: 1 of the 2 words of keep_words ('x')") in told
    dropped = hsw2v.train(TEXT, drop_words=["cat"], **SMALL)
    with pytest.raises(hsw2v.Hsw2vError, match="occurs 10 times in the text, dropped by"):
        dropped.similar("cat")
    assert "once" in model


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    settings = {**SMALL, "keep_words": {"rare", "once"}, "connector_words": ["of"], "phrases": 1}
    expected = hsw2v.train(TEXT, **settings)
    path = tmp_path / "m.safetensors"
    with pytest.MonkeyPatch.context() as patched:
        Interrupting(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(TEXT, output=path, **settings)
    folder = tmp_path / "m.safetensors.checkpoint"
    with pytest.raises(UsageError, match="asked for otherwise"):
        hsw2v.train(TEXT, output=path, resumed=True, **{**settings, "keep_words": ["a", "b"]})
    model = hsw2v.resume(folder)
    assert model.vocabulary.words == expected.vocabulary.words
    assert np.array_equal(model.vectors, expected.vectors)
    assert model.config["vocabulary"] == expected.config["vocabulary"]


def test_connector_words_may_be_given(tmp_path: Path) -> None:
    config = Config().replace(connector_words={"Of", "the"}, lowercase=True).corpus
    assert connectors_of(config) == {"of", "the"}
    assert config.connector_file is None
    assert connectors_of(Config().replace(connector_words="english").corpus) == ENGLISH_WORDS
    text = [["bank", "of", "england", f"x{n}"] for n in range(9)] + [[f"y{n}"] for n in range(50)]
    options: dict[str, Any] = {"phrase_min_count": 1, "phrase_threshold": 0.01}
    found = hsw2v.find_phrases(text, connector_words=["of"], **options)
    assert "bank_of_england" in [row.phrase for row in found.table]
    (tmp_path / "of.txt").write_text("of\n")
    same = hsw2v.find_phrases(text, connector_words=tmp_path / "of.txt", **options)
    assert found.table == same.table


def test_a_model_with_given_connector_words_is_continued_and_asked(tmp_path: Path) -> None:
    text = [["bank", "of", "england", f"x{n}"] for n in range(9)] + [[f"y{n}"] for n in range(50)]
    options: dict[str, Any] = {"phrases": 1, "phrase_min_count": 1, "phrase_threshold": 0.01}
    options |= {**SMALL, "min_count": 1}
    path = tmp_path / "m.safetensors"
    hsw2v.train(text, connector_words=["of"], output=path, **options)
    for given in ({}, {"connector_words": {"of"}}):
        more = hsw2v.train(text, from_model=path, output=tmp_path / "n", force=True, **given)
        assert "bank_of_england" in more
    with pytest.raises(UsageError, match="connector_words is 1 word given in Python"):
        hsw2v.train(text, from_model=path, connector_words=["in"])
    (tmp_path / "text.txt").write_text("\n".join(map(" ".join, text)))
    for command in (
        ("train", "text.txt", "--from", path, "-o", "o.safetensors"),
        ("score", path, "text.txt"),
        ("diagnose", path, "text.txt"),
        ("sentences", path, "text.txt"),
        ("info", path),
        ("verify", path),
    ):
        run(*command, cwd=tmp_path)


def test_settings_with_words_are_equal_by_the_words() -> None:
    one, same, other = (
        Config().replace(vocab=given) for given in ({"a": 1}, Counter("a"), {"a": 2})
    )
    assert one == same != other
    assert hash(one) == hash(same)
    assert one.to_dict() == same.to_dict() != other.to_dict()
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.files == {}
    assert repr(GivenWords(["a"])).startswith("<1 word given in Python (")
    assert GivenWords(["a"]) != "a"


def test_files_of_settings_still_name_files(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a b\n" * 9)
    for content in ('keep_words = ["a"]', 'drop_words = ["a"]', "vocab = { a = 3 }"):
        (tmp_path / "c.toml").write_text(f"[vocabulary]\n{content}\n")
        said = complaint("train", tmp_path / "text.txt", "--config", tmp_path / "c.toml", code=2)
        assert "it must be a string, the name of a file" in said


def test_the_estimator_takes_them() -> None:
    from hsw2v.sklearn import Word2VecVectorizer

    texts = [" ".join(one) for one in TEXT]
    estimator = Word2VecVectorizer(dim=4, epochs=1, settings={"keep_words": ["once"]}).fit(texts)
    assert "once" in estimator.model_
