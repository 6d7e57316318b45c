"""Phrases: those of gensim, and what encoding the joined text would give."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pytest
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS
from gensim.models.phrases import Phrases as Gensims
from hypothesis import given, settings
from hypothesis import strategies as st

import hsw2v
from hsw2v.config import Config, CorpusConfig
from hsw2v.corpus import counting, joining, writing
from hsw2v.corpus.counting import PairCounts, count_pairs, no_slots, runs_of
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.pairs import LONGEST_RUN
from hsw2v.corpus.phrases import ENGLISH_WORDS, Phrase, Phrases
from hsw2v.corpus.sources import encode_source, find_phrases
from hsw2v.corpus.stream import encode_sentences
from hsw2v.errors import (
    EncodingError,
    MissingInputError,
    OutputExistsError,
    ResourceError,
    UsageError,
)
from hsw2v.events import Event, Notice, PhrasesProgress, PhrasesReady, ignore

Sentences = list[list[str]]

MANUAL = [line.lower().split() for one in topics.values() for line in one.split("\n\n")]
"""The manual of Python, paragraph by paragraph: without the delimiter in its words."""
MANUAL = [[word.replace("_", "-") for word in line] for line in MANUAL if line]


def corpus_of(**given: Any) -> CorpusConfig:
    return Config().replace(**given).corpus


def joined(source: Any, known: Phrases | None = None, **given: Any) -> EncodedCorpus:
    return encode_source(source, corpus_of(**{"phrases": 1} | given), ignore, phrases=known)


def sentences_of(encoded: EncodedCorpus) -> Sentences:
    words, found = encoded.types.words, [list[str]()]
    for word in encoded.ids.tolist():
        if word:
            found[-1].append(words[word - 1])
        else:
            found.append([])
    return found if found[-1] else found[:-1]


def by_gensim(
    sentences: Sentences, passes: int, connectors: frozenset[str], **given: Any
) -> tuple[Sentences, list[dict[str, float]]]:
    """The sentences with their phrases joined, and the scores of those of each pass."""
    scores = []
    for _ in range(passes):
        model = Gensims(sentences, connector_words=connectors, **given)
        scores.append(model.find_phrases(sentences))
        sentences = [model[one] for one in sentences]
    return sentences, scores


def check_as_gensim(
    sentences: Sentences,
    passes: int,
    scoring: str,
    threshold: float,
    least: int,
    connectors: frozenset[str],
    name: str,
) -> None:
    expected, scores = by_gensim(
        sentences, passes, connectors, scoring=scoring, threshold=threshold, min_count=least
    )
    asked = {
        "phrases": passes,
        "phrase_scoring": scoring,
        "phrase_threshold": threshold,
        "phrase_min_count": least,
        "connector_words": name,
    }
    with joined(sentences, **asked) as encoded:
        assert sentences_of(encoded) == expected
        assert encoded.phrases is not None
        for ours, theirs in zip(encoded.phrases.passes, scores, strict=True):
            # Gensim's are those that were joined somewhere: in "a b c" b may be taken by a.
            known = {encoded.phrases.joined(one): one.score for one in ours}
            assert {one: known.get(one) for one in theirs} == theirs
        assert [encoded.phrases.join(one) for one in sentences] == expected


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("name", ["", "english"])
@pytest.mark.parametrize(("scoring", "threshold"), [("default", 10.0), ("npmi", 0.5)])
def test_phrases_of_a_manual_are_those_of_gensim(
    passes: int, name: str, scoring: str, threshold: float
) -> None:
    check_as_gensim(
        MANUAL, passes, scoring, threshold, 5, ENGLISH_WORDS if name else frozenset(), name
    )


some_sentences = st.lists(st.lists(st.sampled_from("abcdxy"), min_size=1, max_size=12), min_size=1)


@given(
    some_sentences,
    st.integers(1, 3),
    st.sampled_from([("default", 0.5), ("default", 1.5), ("npmi", -0.5), ("npmi", 0.3)]),
    st.integers(1, 3),
    st.sampled_from(["", "x", "xy"]),
)
@settings(max_examples=150)
def test_phrases_of_any_sentences_are_those_of_gensim(
    tmp_path_factory: pytest.TempPathFactory,
    sentences: Sentences,
    passes: int,
    scored: tuple[str, float],
    least: int,
    connectors: str,
) -> None:
    file = ""
    if connectors:
        path = tmp_path_factory.getbasetemp() / f"connectors-{connectors}.txt"
        path.write_text("\n".join(connectors))
        file = str(path)
    check_as_gensim(sentences, passes, *scored, least, frozenset(connectors), file)


def test_connector_words_of_english_are_those_of_gensim() -> None:
    assert ENGLISH_WORDS == ENGLISH_CONNECTOR_WORDS


def check_same(ours: EncodedCorpus, theirs: EncodedCorpus) -> None:
    for name in ("ids", "blocks"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert ours.types.words == theirs.types.words
    np.testing.assert_array_equal(ours.types.counts, theirs.types.counts)
    assert (ours.tokens, ours.sentences) == (theirs.tokens, theirs.sentences)


@given(some_sentences, st.integers(1, 7), st.integers(1, 3))
def test_a_joined_corpus_is_that_of_the_joined_text(
    sentences: Sentences, at_once: int, passes: int
) -> None:
    asked = {"phrases": passes, "phrase_threshold": 0.8, "phrase_min_count": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "IDS_AT_ONCE", at_once)
        patch.setattr(counting, "_AT_ONCE", at_once)
        found = joined(sentences, **asked)
    with found, encode_sentences(sentences_of(found), CorpusConfig()) as again:
        check_same(found, again)


def test_a_text_is_joined_as_its_sentences_are_and_written(tmp_path: Path) -> None:
    text, output = tmp_path / "text.txt", tmp_path / "joined.txt.gz"
    # No line feed at the end.
    text.write_text("\n".join(map(" ".join, MANUAL)), encoding="utf-8")
    phrases = find_phrases(text, output=output, phrases=2)
    with joined(text, phrases=2) as found, encode_source(output, CorpusConfig(), ignore) as read:
        # The end of the last sentence is told by its line feed.
        assert len(read.ids) - len(found.ids) in (0, 1)
        assert sentences_of(found) == sentences_of(read) == [phrases.join(one) for one in MANUAL]
        assert read.types.words == found.types.words
    with pytest.raises(OutputExistsError):
        find_phrases(tmp_path / "none.txt", output=output)


@given(some_sentences, st.integers(1, 7), st.integers(1, 9), st.sampled_from(["", "xy"]))
def test_what_is_written_depends_on_no_size_of_its_parts(
    tmp_path_factory: pytest.TempPathFactory,
    sentences: Sentences,
    at_once: int,
    bytes_at_once: int,
    connectors: str,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    asked: dict[str, Any] = {"phrases": 2, "phrase_threshold": 0.8, "phrase_min_count": 1}
    if connectors:
        words = folder / "connectors-of-text.txt"
        words.write_text("\n".join(connectors))
        asked["connector_words"] = str(words)
    heard: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "IDS_AT_ONCE", at_once)
        patch.setattr(writing, "_ROOM", bytes_at_once)
        output = folder / "joined.txt"
        found = find_phrases(sentences, output=output, force=True, listener=heard.append, **asked)
    lines = [" ".join(found.join(one)) + "\n" for one in sentences]
    assert output.read_text() == "".join(lines)
    with joined(sentences, **asked) as expected:
        assert expected.phrases == found
        (ready,) = (one for one in heard if isinstance(one, PhrasesReady))
        assert (ready.tokens, ready.types) == (expected.tokens, len(expected.types))


def test_a_text_without_phrases_is_written_as_it_is(tmp_path: Path) -> None:
    found = find_phrases([["a", "b"], ["c"]], output=tmp_path / "same.txt")
    assert not len(found)
    assert (tmp_path / "same.txt").read_text() == "a b\nc\n"


def test_blocks_of_a_long_sentence_do_not_matter() -> None:
    sentence = ["new", "york", "is", "big"] * 5_000
    with joined([sentence], phrase_threshold=0.001) as found:
        assert len(found.blocks) > 2
        assert sentences_of(found) == [["new_york", "is_big"] * 5_000]


def test_known_phrases_are_joined_in_another_text() -> None:
    with joined(MANUAL[::2], phrases=2, connector_words="english") as found:
        phrases = found.phrases
    assert phrases is not None
    other = MANUAL[1::2]
    with (
        joined(other, phrases) as found,
        encode_sentences([phrases.join(one) for one in other], CorpusConfig()) as expected,
    ):
        check_same(found, expected)
        assert found.phrases is phrases
        assert any("_" in word for word in found.types.words)
    with joined([["nothing", "of", "it", "zyx"]], phrases) as found:
        assert sentences_of(found) == [["nothing", "of", "it", "zyx"]]


def in_order(pairs: PairCounts) -> np.ndarray:
    order = np.lexsort((pairs.runs, pairs.keys))
    return np.stack([some.astype(np.int64) for some in pairs[:3]])[:, order]


@pytest.mark.parametrize("words", [frozenset[str](), ENGLISH_WORDS])
def test_counts_depend_neither_on_threads_nor_on_room(
    words: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "_AT_ONCE", 1_000)
    monkeypatch.setattr(counting, "_FIRST_SLOTS", 16)
    with encode_sentences(MANUAL[::8], CorpusConfig()) as encoded:
        marks = np.zeros(len(encoded.types) + 1, np.bool_)
        found = encoded.types.find(sorted(words))
        marks[found[found >= 0] + 1] = True
        runs = runs_of(encoded, marks)
        expected = count_pairs(encoded, marks, runs, 2, threads=1)
        assert expected.distinct > 4_000
        for threads, slots in ((1, 1 << 8), (2, 1 << 30), (5, 1 << 9), (64, 1 << 10)):
            again = count_pairs(encoded, marks, runs, 2, threads=threads, most_slots=slots)
            assert again.distinct == expected.distinct
            np.testing.assert_array_equal(in_order(again), in_order(expected))


def test_a_pair_is_not_counted_across_many_connector_words(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("of the")
    asked = {"phrase_min_count": 1, "phrase_threshold": 0.01, "connector_words": str(words)}
    for many in (LONGEST_RUN, LONGEST_RUN + 1):
        sentence = ["a", *(["of", "the"] * many)[:many], "b", "of"]
        with joined([sentence] * 4, **asked) as found:
            whole = ["_".join(sentence[:-1]), "of"]
            assert sentences_of(found) == [whole if many <= LONGEST_RUN else sentence] * 4


def test_too_many_runs_of_connector_words_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_RUNS", 3)
    with pytest.raises(ResourceError, match="3 runs of connector words"):
        joined([["x", "of", "the", "of", "in", "y"]], connector_words="english")


def test_what_a_listener_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Event] = []
    monkeypatch.setattr("hsw2v.events.Pace.SECONDS", 0.0)
    config = corpus_of(phrases=2, connector_words="english")
    encode_source(MANUAL, config, heard.append).close()
    told = [one for one in heard if isinstance(one, PhrasesProgress)]
    assert [one.number for one in told] == sorted(one.number for one in told)
    assert {one.stage for one in told} == {"connector words", "counting pairs", "joining"}
    assert {one.passes for one in told} == {2}
    assert all(one.done <= one.total for one in told)
    (ready,) = (one for one in heard if isinstance(one, PhrasesReady))
    assert len(ready.phrases) == 2
    assert ready.tokens < sum(map(len, MANUAL))


def test_a_phrase_may_be_spelled_as_a_word_of_the_text() -> None:
    sentences = [["new_york", "is", "new", "york"], ["new", "york"], ["a_b"], ["old"]] * 9
    sentences += [["new_york"], ["is"], ["is", "old"], ["is", "a_b"]] * 9
    with joined(sentences, phrase_threshold=0.09) as found:
        assert sentences_of(found)[:2] == [["new_york", "is", "new_york"], ["new_york"]]
        assert found.types.words.count("new_york") == 1
        assert found.types.counts[found.types.index["new_york"]] == 36


def test_types_that_were_dropped_are_not_joined() -> None:
    sentences = [[f"w{number % 40}", "new", "york"] for number in range(400)]
    with joined(sentences, max_types=20, phrase_threshold=0.01) as found:
        assert "new_york" in found.types.words
        assert found.dropped_types


def test_tokens_of_any_characters_are_joined() -> None:
    sentences = [["a b", "c\n", "\0"], ["a b", "c\n"]] * 6
    with joined(sentences, phrase_threshold=0.1, phrase_delimiter="++") as found:
        assert sentences_of(found)[1] == ["a b++c\n"]
        assert found.phrases is not None
        assert Phrases.from_json(found.phrases.to_json()) == found.phrases


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"phrase_threshold": 0.0}, "above 0"),
        ({"phrase_threshold": -1}, "above 0"),
        ({"phrase_threshold": math.inf}, "phrase_threshold"),
        ({"phrase_scoring": "npmi", "phrase_threshold": 1.5}, "at most 1"),
        ({"phrase_scoring": "npmi", "phrase_threshold": -1.01}, "at least -1"),
        ({"phrase_delimiter": ""}, "without white space"),
        ({"phrase_delimiter": " "}, "without white space"),
        ({"phrase_delimiter": "_\u2003_"}, "without white space"),
        ({"phrase_min_count": 0}, "at least 1"),
        ({"phrases": -1}, "at least 0"),
        ({"phrases": 99}, "at most 16"),
        ({"phrase_scoring": "pmi"}, "one of default, npmi"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(given: dict[str, Any], about: str) -> None:
    with pytest.raises(UsageError, match=about):
        find_phrases(MANUAL, **given)


def test_connector_words_are_read_before_the_text(tmp_path: Path) -> None:
    def sentences() -> Any:
        raise AssertionError("the text is read")
        yield

    with pytest.raises(MissingInputError, match=r"none\.txt"):
        find_phrases(sentences(), connector_words=tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"\xe9t\xe9")
    with pytest.raises(EncodingError, match=r"latin\.txt"):
        find_phrases(sentences(), connector_words=tmp_path / "latin.txt")


def test_settings_without_effect_are_told() -> None:
    heard: list[Event] = []
    config = corpus_of(phrase_threshold=3, connector_words="english")
    encode_source(MANUAL, config, heard.append).close()
    told = [one.message for one in heard if isinstance(one, Notice)]
    assert told == ["phrase_threshold and connector_words have no effect (phrases 0)"]
    encode_source(MANUAL, corpus_of(skip_bad_records=True), heard.append).close()
    assert Notice("skip_bad_records has no effect (no field)") in heard


def test_the_table_of_phrases_has_the_highest_score_first() -> None:
    phrases = hsw2v.find_phrases(MANUAL, phrases=2)
    table = phrases.table
    assert len(table) == len(phrases) > 100
    assert [score for *_, score in table] == sorted((score for *_, score in table), reverse=True)
    assert all(count >= 5 for _, count, _ in table)
    with pytest.raises(UsageError, match="string"):
        phrases.join("a string")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"passes":[],"connectors":[]}',
        b'{"passes":[[[["a"],1,1.0]]],"connectors":[],"delimiter":"_"}',
        b'{"passes":[[[["a","b"],1]]],"connectors":[],"delimiter":"_"}',
        b'{"passes":[[[["a",1],1,1.0]]],"connectors":[],"delimiter":"_"}',
        b'{"passes":[[["ab",1,1.0]]],"connectors":[],"delimiter":""}',
        b'{"passes":1,"connectors":[],"delimiter":"_"}',
        b"[" * 100_000,
    ],
)
def test_what_are_no_phrases_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="phrases are none"):
        Phrases.from_json(text)


def test_phrases_survive_json() -> None:
    one = Phrase(("a", "of", "b"), 7, 0.1)
    phrases = Phrases(((one,), ()), "++", frozenset({"of"}))
    assert Phrases.from_json(phrases.to_json()) == phrases
    assert dataclasses.replace(phrases, passes=()).join(["a", "of", "b"]) == ["a", "of", "b"]
    assert no_slots().shape == (2, 2)
