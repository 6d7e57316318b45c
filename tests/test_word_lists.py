"""Words that a user chooses: kept, dropped, or all of them; and why others are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run, write_corpus
from test_checkpoints import Interrupting

import hsw2v
from hsw2v.config import LOSSES, Config, VocabularyConfig
from hsw2v.corpus.lists import NO_LISTS, WordLists, read_lists
from hsw2v.corpus.vocabulary import Vocabulary, choose, extend, left_out
from hsw2v.errors import CorruptInputError, EmptyCorpusError, UnknownWordError, UsageError
from hsw2v.events import Event, Notice, ignore

TYPES = Vocabulary.from_words(["rare", "two", "été", "many", "zwei", "三"], [1, 2, 7, 9, 2, 2])
SMALL: dict[str, Any] = {"dim": 8, "threads": 1, "epochs": 2, "sample": 0.0}
TEXT = [["the", "cat", "sat"], ["the", "dog", "sat"], ["The", "rare", "cat"]] * 5 + [["once"]]


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str, name: str = "words.txt") -> Path:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


def lists(lowercase: bool = False, **files: Any) -> WordLists:
    return read_lists(Config().replace(lowercase=lowercase, **files), ignore)


def chosen(found: WordLists, **settings: Any) -> tuple[list[str], list[int]]:
    vocabulary, remap = choose(TYPES, VocabularyConfig(**settings), found)
    for row, word in enumerate(TYPES.words, 1):
        assert remap[row] == (vocabulary.words.index(word) if word in vocabulary else -2)
    return vocabulary.words, vocabulary.counts.tolist()


def notices(**settings: Any) -> tuple[hsw2v.Model, list[str]]:
    told: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            told.append(event.message)

    return hsw2v.train(TEXT, listener=listen, **(SMALL | settings)), told


def test_kept_words_are_there_whatever_their_counts(write) -> None:
    kept = lists(keep_words=write("rare\n\n  三 \nnowhere\n"))
    assert chosen(kept, min_count=7) == (["many", "été", "三", "rare"], [9, 7, 2, 1])
    assert chosen(kept, min_count=2, max_vocab=3) == (["many", "三", "rare"], [9, 2, 1])


def test_kept_words_may_be_all_that_there_is_room_for(write) -> None:
    kept = lists(keep_words=write("rare\n三\n"), max_vocab=2)
    assert chosen(kept, min_count=2, max_vocab=2) == (["三", "rare"], [2, 1])


def test_dropped_words_are_no_words(write) -> None:
    dropped = lists(drop_words=write("many\r\ntwo\r\nnowhere\r\n"))
    assert chosen(dropped, min_count=2, max_vocab=2) == (["été", "zwei"], [7, 2])


def test_a_vocabulary_has_its_words_and_counts(write) -> None:
    both = lists(vocab=write("many\t3\nrare\t8\nnew\t5\n"))
    assert chosen(both, min_count=5, max_vocab=1) == (["rare", "new", "many"], [8, 5, 3])


def test_a_vocabulary_without_counts_has_those_of_the_text(write) -> None:
    words = lists(vocab=write("new\nrare\nmany\n"))
    assert chosen(words) == (["many", "rare", "new"], [9, 1, 0])


def test_counts_may_follow_a_blank_and_words_hold_one(write) -> None:
    found = lists(vocab=write("new york 12\n1984 3\nNo. 5\t2\n"))
    assert found.vocab is not None
    assert found.vocab.words == ["new york", "1984", "No. 5"]
    assert found.vocab.counts is not None
    assert found.vocab.counts.tolist() == [12, 3, 2]


def test_words_join_a_model_as_the_lists_say(write) -> None:
    known = Vocabulary.from_words(["many", "old"], [10, 7])
    both = lists(keep_words=write("rare\n"), drop_words=write("été\n", "drop.txt"))
    vocabulary, before = extend(known, TYPES, VocabularyConfig(min_count=2), both)
    assert vocabulary.words == ["many", "old", "two", "zwei", "三", "rare"]
    assert before.tolist() == [0, 1, -1, -1, -1, -1]
    vocabulary, _ = extend(known, TYPES, VocabularyConfig(min_count=2, max_vocab=2), both)
    assert vocabulary.words == ["many", "old", "rare"]


def test_what_is_left_out_is_ordered_by_count() -> None:
    _, remap = choose(TYPES, VocabularyConfig(min_count=1, max_vocab=1))
    others = left_out(TYPES, remap)
    assert others.words == ["été", "two", "zwei", "三", "rare"]
    assert others.counts.tolist() == [7, 2, 2, 2, 1]


def test_lists_are_lower_cased_as_the_text_is(write) -> None:
    path = write("The\nthe\nÉTÉ\n")
    found = lists(lowercase=True, keep_words=path).keep, lists(keep_words=path).keep
    assert [one.words for one in found if one] == [["the", "été"], ["The", "the", "ÉTÉ"]]


def test_words_that_are_there_twice_are_told(write) -> None:
    told: list[Any] = []
    read_lists(Config().replace(keep_words=write("a\nb\na\na\n")), told.append)
    assert [one.message.split(" names ")[1] for one in told] == [
        "words again that it has named, 2 times"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1\nb 2\na 3\n", "line 3: the word 'a' is there already, in line 1"),
        ("a 1\n\nb\n", "line 3: the word 'b' has no count, unlike those before it"),
        ("a\nb 1\n", "line 2: the word 'b' has a count, unlike those before it"),
        ("\n \n", "holds no words"),
        ("a 0\nb 0\n", "its counts are all 0"),
        (f"a {2**62}\nb {2**62}\n", r"its counts add up to more than 2\^63 - 1"),
        (f"a {'9' * 5_000}\n", r"its counts add up to more than 2\^63 - 1"),
    ],
)
def test_a_vocabulary_out_of_order_is_refused(write, content: str, message: str) -> None:
    with pytest.raises(CorruptInputError, match=message):
        lists(vocab=write(content))


@pytest.mark.parametrize("setting", ["keep_words", "drop_words"])
def test_words_with_counts_are_no_words_to_keep_or_drop(write, setting: str) -> None:
    path = write("a\nb\t3\n")
    with pytest.raises(
        CorruptInputError, match=r"line 2: there is a tab within 'b\\t3', .*cut -f 1"
    ):
        lists(**{setting: path})


def test_lists_that_contradict_each_other_are_refused(write) -> None:
    path, other = write("a\nb\n"), write("b\nc\n", "other.txt")
    with pytest.raises(UsageError, match=r"other\.txt: has words that are to be kept: 'b'"):
        lists(keep_words=path, drop_words=other)
    for one in ("keep_words", "drop_words"):
        with pytest.raises(UsageError, match="vocab tells all words"):
            lists(vocab=path, **{one: other})
    with pytest.raises(UsageError, match="has 2 words to be kept, and max_vocab is 1"):
        lists(keep_words=path, max_vocab=1)


def test_a_text_without_any_of_the_words_is_refused(write) -> None:
    with pytest.raises(EmptyCorpusError, match="no word of it is in"):
        chosen(lists(vocab=write("nowhere\n")))
    with pytest.raises(EmptyCorpusError, match="all words are to be dropped; name fewer words"):
        chosen(lists(drop_words=write("\n".join(TYPES.words))), min_count=1)
    with pytest.raises(EmptyCorpusError, match=r"is not dropped occurs 8 times .* 7\); .*count 7 "):
        chosen(lists(drop_words=write("many\n")), min_count=8)


def test_without_lists_nothing_changes() -> None:
    assert chosen(NO_LISTS, min_count=2, max_vocab=4) == (
        ["many", "été", "two", "zwei"],
        [9, 7, 2, 2],
    )


def test_training_tells_which_words_the_text_lacks(write) -> None:
    model, told = notices(keep_words=write("once\nx\ny\nz\nw\n"))
    assert "once" in model
    assert any(
        one.startswith("not in the text, and left out: 4 of the 5 words of")
        and one.endswith("('x', 'y', 'z' and 1 more)")
        for one in told
    )


def test_a_list_to_drop_of_which_no_word_occurs_is_told_of(write) -> None:
    _, told = notices(drop_words=write("THE\nx\n"))
    said = "not in the text, so that none is dropped: the words of "
    assert [one.endswith("('THE', 'x')") for one in told if one.startswith(said)] == [True]
    _, told = notices(drop_words=write("the\nx\n"))
    assert not any(one.startswith(said) for one in told)


def test_types_are_dropped_but_for_those_of_a_list(write) -> None:
    model, told = notices(keep_words=write("once\nnowhere\n"), max_types=2, min_count=1)
    assert "once" in model
    assert any("types were dropped" in one for one in told)
    missing = [one for one in told if "words.txt" in one]
    assert len(missing) == 1
    assert "not in the text, and left out: 1 of the 2 words" in missing[0]


def test_training_tells_of_settings_that_a_vocabulary_leaves_without_effect(write) -> None:
    _, told = notices(vocab=write("the\ncat\n"), min_count=3)
    assert "min_count has no effect (vocab)" in told


def test_windows_close_over_dropped_words(write) -> None:
    # A stop word between two words is as if it were not there.
    with_stops = [["a", "stop", "b", "stop", "c"], ["c", "stop", "a"]] * 40
    without = [[word for word in one if word != "stop"] for one in with_stops]
    settings: dict[str, Any] = {**SMALL, "window": 1}
    found = hsw2v.train(with_stops, drop_words=write("stop\n"), **settings)
    same = hsw2v.train(without, **settings)
    assert found.words == same.words
    assert np.array_equal(found.vectors, same.vectors)


@pytest.mark.parametrize("loss", LOSSES)
def test_words_that_never_occur_are_trained_beside_others(write, loss: str) -> None:
    path = write("the\ncat\nnowhere\nsat\nnever\n")
    settings: dict[str, Any] = {**SMALL, "epochs": 4}
    if loss == "hs":
        settings["rebuild_at"] = 1.0
    model, told = notices(loss=loss, vocab=path, **settings)
    assert "not in the text, and not trained: 2 of the 5 words of" in "".join(told)
    assert model.words == ["the", "cat", "sat", "nowhere", "never"]
    assert model.counts is not None
    assert model.counts.tolist() == [10, 10, 10, 0, 0]
    # The vectors that they began with.
    again = hsw2v.train(TEXT, loss=loss, vocab=path, **{**settings, "lr": 1e-30})
    assert np.array_equal(model["nowhere"], again["nowhere"])
    assert not np.array_equal(model["cat"], again["cat"])


@pytest.mark.parametrize("tree", ["huffman", "balanced", "random", "brown"])
def test_every_tree_has_words_that_never_occur(write, tree: str) -> None:
    model = hsw2v.train(TEXT, tree=tree, vocab=write("the\ncat\nnowhere\nnever\n"), **SMALL)
    assert sorted(model.distribution(["the"]) > 0) == [True] * 4


def test_counts_that_are_given_are_those_of_the_model(write) -> None:
    path = write("the\t1\ncat\t50\nsat\t20\n")
    model = hsw2v.train(TEXT, vocab=path, **SMALL)
    assert (model.words, model.counts.tolist()) == (["cat", "sat", "the"], [50, 20, 1])
    assert model.info["corpus"]["tokens_in_vocabulary"] == 30


def test_what_vocab_prints_is_the_same_vocabulary(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    printed = run("vocab", corpus, "--max-vocab", 9, cwd=tmp_path).stdout
    (tmp_path / "words.tsv").write_text(printed)
    assert run("vocab", corpus, "--vocab", tmp_path / "words.tsv").stdout == printed
    options = ("--epochs", 1, "--dim", 8, "--threads", 1, "--quiet")
    run("train", corpus, "-o", tmp_path / "a.safetensors", "--max-vocab", 9, *options)
    run(
        "train",
        corpus,
        "-o",
        tmp_path / "b.safetensors",
        "--vocab",
        tmp_path / "words.tsv",
        *options,
    )
    one, other = (hsw2v.load(tmp_path / f"{name}.safetensors") for name in "ab")
    assert one.words == other.words
    assert np.array_equal(one.vectors, other.vectors)
    found = run("plan", corpus, "--vocab", tmp_path / "words.tsv", "--json", "--quiet").stdout
    assert json.loads(found)["words"] == 9


def test_a_list_is_no_output_and_is_there_before_the_work(tmp_path: Path) -> None:
    corpus, path = write_corpus(tmp_path / "corpus.txt"), tmp_path / "words.txt"
    assert "no such file" in complaint("train", corpus, "--keep-words", path, code=3).lower()
    path.write_text("a1\n")
    said = complaint("train", corpus, "--keep-words", path, "-o", path, "--force", code=2)
    assert "is an input" in said


def test_settings_of_a_file_name_lists(tmp_path: Path, write) -> None:
    words = write("the\n")
    config = write(f'[vocabulary]\ndrop_words = "{words}"\n', "settings.toml")
    assert "the" not in hsw2v.train(TEXT, config=config, **SMALL)


@pytest.mark.parametrize("deterministic", [False, True])
def test_an_interrupted_training_needs_no_list(
    tmp_path: Path, write, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**SMALL, "deterministic": deterministic, "min_count": 2}
    kept, dropped = write("once\n"), write("sat\n", "drop.txt")
    whole = hsw2v.train(TEXT, keep_words=kept, drop_words=dropped, **settings)
    output = tmp_path / "m.safetensors"
    Interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(
            TEXT,
            keep_words=kept,
            drop_words=dropped,
            output=output,
            **settings,
        )
    kept.unlink()
    dropped.unlink()
    assert "epoch 2" in run("verify", f"{output}.checkpoint").stdout
    model = hsw2v.resume(f"{output}.checkpoint")
    assert model.words == whole.words
    assert "once" in model
    assert "sat" not in model
    assert np.array_equal(model.vectors, whole.vectors)


def test_a_model_is_continued_with_lists_of_its_own(write) -> None:
    model = hsw2v.train(TEXT, keep_words=write("once\n"), min_count=5, **SMALL)
    more = [["cat", "new", "stop"], ["dog", "stop", "rarest"]] * 5 + [["single", "cat"]]
    after = hsw2v.train(
        more,
        from_model=model,
        keep_words=write("single\n", "more.txt"),
        drop_words=write("stop\n", "stop.txt"),
    )
    assert set(after.words) == {*model.words, "new", "rarest", "single"}
    with pytest.raises(UsageError, match=r"has words that are to be dropped, .*: 'cat'"):
        hsw2v.train(more, from_model=model, drop_words=write("cat\n", "cat.txt"))
    with pytest.raises(UsageError, match="vocab is given, and the model has its own words"):
        hsw2v.train(more, from_model=model, vocab=write("cat\n", "cat.txt"))


def missing(model: hsw2v.Model, *words: str) -> str:
    with pytest.raises(UnknownWordError) as raised:
        model.rows(words)
    return raised.value.what


@pytest.mark.parametrize(
    ("settings", "word", "why"),
    [
        ({}, "once", "occurs once in the text, below --min-count 5"),
        ({"min_count": 6}, "rare", "occurs 5 times in the text, below --min-count 6"),
        ({}, "nowhere", "does not occur in the text"),
        ({"max_types": 4, "min_count": 1}, "nowhere", "or was dropped by --max-types"),
        (
            {"max_vocab": 2},
            "dog",
            "occurs 5 times in the text, not among the 2 words of --max-vocab",
        ),
        (
            {"drop_words": "cat\n"},
            "cat",
            "occurs 10 times in the text, dropped by --drop-words",
        ),
        ({"vocab": "the\nsat\n"}, "cat", "occurs 10 times in the text, not in --vocab"),
    ],
)
def test_a_missing_word_tells_why(write, settings: dict[str, Any], word: str, why: str) -> None:
    settings = {name: write(one) if isinstance(one, str) else one for name, one in settings.items()}
    model = hsw2v.train(TEXT, **(SMALL | settings))
    assert f"{word!r} (" in missing(model, word)
    assert why in missing(model, word)


def test_a_file_knows_counts_of_missing_words_if_that_is_asked_for(tmp_path: Path) -> None:
    asked, plain = tmp_path / "asked.safetensors", tmp_path / "plain.safetensors"
    hsw2v.train(TEXT, oov_counts=True, output=asked, **SMALL)
    model = hsw2v.train(TEXT, output=plain, **SMALL)
    assert model.oov is not None
    assert model.oov.words == ["once"]
    assert hsw2v.load(plain).oov is None
    assert b"once" in asked.read_bytes()
    assert b"once" not in plain.read_bytes()
    assert complaint("similar", plain, "once", code=11).startswith("not in the vocabulary: 'once';")
    said = complaint("similar", asked, "once", "nowhere", code=11)
    assert said.startswith(
        "not in the vocabulary: 'once' (occurs once in the text, below --min-count 5), "
        "'nowhere' (does not occur in the text)"
    )
    assert "types that are no words" in run("verify", asked).stdout
    hsw2v.load(asked).save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == asked.read_bytes()


def test_a_comparison_knows_what_is_in_its_lists(tmp_path: Path, write) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    write("a1\n", "words.txt")
    experiment = write(
        '[training]\ndim = 8\nepochs = 1\n[[setting]]\nname = "all"\n'
        '[[setting]]\nname = "less"\ndrop_words = "words.txt"\n',
        "experiment.toml",
    )
    began: list[str] = []

    def listen(event: Event) -> None:
        began.extend([event.setting] if type(event).__name__ == "RunBegin" else [])

    for content, expected in (("a1\n", ["all", "less"]), ("a1\n", []), ("a2\n", ["less"])):
        began.clear()
        write(content, "words.txt")
        hsw2v.compare(experiment, corpus, tmp_path / "found", listener=listen)
        assert began == expected
