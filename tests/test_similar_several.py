"""Neighbours of words that are added and subtracted, and of words that may answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run, write_model
from some_models import some_model
from some_subwords import OTHERS, some_subwords

import hsw2v
from hsw2v.errors import UnknownWordError, UsageError

MANY = [f"w{number}" for number in range(500)]


@pytest.fixture(scope="module")
def many() -> hsw2v.Model:
    return some_model("ns", MANY, dim=12)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "small.safetensors")


def test_answers_are_those_of_gensim(many: hsw2v.Model) -> None:
    models = pytest.importorskip("gensim.models")
    theirs = models.KeyedVectors(many.dim)
    theirs.add_vectors(list(many.words), np.array(many.vectors))
    for plus, minus in ((["w3", "w7"], ["w11"]), (["w0"], ["w1", "w2"]), (["w5", "w6", "w7"], [])):
        ours = many.similar(plus, k=20, minus=minus)
        expected = theirs.most_similar(plus, minus, topn=20)
        assert [word for word, _ in ours] == [word for word, _ in expected]
        assert [score for _, score in ours] == pytest.approx([score for _, score in expected])


def test_one_word_less_others_is_the_same_in_a_batch(many: hsw2v.Model) -> None:
    options = {"k": 5, "minus": ["w9", "w9"], "exclude": ["w400", "w401"]}
    batch = many.similar_batch(["w1", "w2"], **options)
    for word, found in zip(["w1", "w2"], batch, strict=True):
        alone = many.similar(word, **options)
        assert [one for one, _ in found] == [one for one, _ in alone]
        assert [score for _, score in found] == pytest.approx([score for _, score in alone])


def test_answers_among_words_are_all_answers_without_the_others(many: hsw2v.Model) -> None:
    chosen = [*MANY[100:200:3], "absent"]
    everything = many.similar(["w3", "w4"], k=len(MANY), minus=["w5"])
    expected = [one for one in everything if one[0] in chosen and one[0] != "w103"]
    found = many.similar(
        ["w3", "w4"], k=len(MANY), minus=["w5"], among=chosen, exclude=["w103", "nowhere"]
    )
    assert found == expected
    assert len(found) == len(chosen) - 2
    asked_with = many.similar("w100", k=len(MANY), among=chosen)
    assert {word for word, _ in asked_with} == {*chosen} - {"w100", "absent"}


def test_a_vector_and_an_analogy_have_answers_among_words_too(many: hsw2v.Model) -> None:
    found = many.similar(many["w3"], k=9, among=["w3", "w4"])
    assert [word for word, _ in found] == ["w3", "w4"]
    for method in ("cosadd", "cosmul"):
        whole = many.analogy("w1", "w2", "w3", k=len(MANY), method=method)
        some = many.analogy(
            "w1", "w2", "w3", k=9, method=method, among=MANY[:8], exclude=["w4", "w1"]
        )
        assert some == [one for one in whole if one[0] in {"w0", "w5", "w6", "w7"}]


def test_words_asked_with_twice_are_left_out_once(many: hsw2v.Model) -> None:
    assert len(many.similar(["w1", "w1"], k=len(MANY))) == len(MANY) - 1
    assert len(many.similar(["w1", "w2"], k=len(MANY), minus=["w2", "w3"])) == len(MANY) - 3


def test_words_of_ngrams_are_added_and_subtracted() -> None:
    model = some_subwords()
    direction = sum(
        sign * model[word] / np.linalg.norm(model[word])
        for word, sign in ((OTHERS[0], 1), ("und", 1), (OTHERS[1], -1))
    )
    cosines = model.unit_vectors @ (direction / np.linalg.norm(direction))
    cosines[model.rows(["und"])] = -2
    best = np.argsort(-cosines)[:5]
    found = model.similar([OTHERS[0], "und"], k=5, minus=[OTHERS[1]])
    assert [word for word, _ in found] == [model.words[row] for row in best]
    assert [score for _, score in found] == pytest.approx(cosines[best].tolist(), abs=1e-5)


def test_what_cannot_be_asked_is_refused(many: hsw2v.Model) -> None:
    with pytest.raises(UsageError, match="cancel out"):
        many.similar("w1", minus=["w1"])
    with pytest.raises(UsageError, match="cancel out"):
        many.similar_batch(["w2", "w1"], minus=["w1"])
    with pytest.raises(UsageError, match="one word"):
        many.similar("w1", minus="w2")
    with pytest.raises(UsageError, match="among"):
        many.similar("w1", among=["absent"])
    with pytest.raises(UsageError, match="excluded"):
        many.similar("w1", among=["w3"], exclude=["w3"])
    with pytest.raises(UsageError, match="vector"):
        many.similar(many["w1"], minus=["w2"])
    with pytest.raises(UnknownWordError, match="absent"):
        many.similar("w1", minus=["absent"])


def test_the_command_line_adds_and_subtracts(small: Path, tmp_path: Path) -> None:
    asked = ("similar", small, "king", "woman", "--minus", "man")
    assert run(*asked, "-k", "1").stdout.split()[0] == "queen"
    answer = json.loads(run(*asked, "--json").stdout)
    assert (answer["words"], answer["minus"]) == (["king", "woman"], ["man"])
    (tmp_path / "fruit.txt").write_text("apple\n\npear\nplum\n")
    result = run(*asked, "--among", tmp_path / "fruit.txt")
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"apple", "pear"}
    assert "1 of the 3 words" in result.stderr
    assert "'plum'" in result.stderr
    (tmp_path / "not.txt").write_text("queen\nprince\nplum\n")
    result = run(*asked, "--exclude", tmp_path / "not.txt")
    assert "prince" not in result.stdout
    assert result.stderr == ""
    analogy = ("analogy", small, "man", "king", "woman", "--among", tmp_path / "fruit.txt")
    assert run(*analogy, "-k", "1").stdout.split()[0] in ("apple", "pear")


def test_lines_of_words_are_asked_with_the_same_options(small: Path, tmp_path: Path) -> None:
    (tmp_path / "not.txt").write_text("pear\n")
    asked = ("similar", small, "-", "--minus", "man", "-k", "2", "--exclude", tmp_path / "not.txt")
    lines = run(*asked, stdin="king\napple\n").stdout.splitlines()
    model = hsw2v.load(small)
    assert [tuple(line.split("\t")) for line in lines] == [
        (word, near, f"{score:.4f}")
        for word in ("king", "apple")
        for near, score in model.similar(word, k=2, minus=["man"], exclude=["pear"])
    ]


def test_lists_of_words_that_cannot_be_used_are_refused(small: Path, tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("plum\nking queen\n")
    (tmp_path / "empty.txt").touch()
    asked = ("similar", small, "king", "--among")
    assert "a word a line" in complaint(*asked, tmp_path / "none.txt", code=2)
    (tmp_path / "text.txt").write_text("word " * 1000)
    assert len(complaint(*asked, tmp_path / "text.txt", code=2)) < 300
    assert "no words" in complaint(*asked, tmp_path / "empty.txt", code=4)
    assert "no such file" in complaint(*asked, tmp_path / "absent.txt", code=3)


def typed(model: Path, text: bytes, *options: str) -> tuple[str, str]:
    """Return what `similar` prints and tells of a text that is typed at a terminal."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "hsw2v", "similar", model, "-k", "1", *options],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.write(leader, text)
        out, told = process.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert process.returncode == 0
    return out.decode(), told.decode()


def test_the_prompt_subtracts_and_is_left_by_a_word(tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    some_model("ns", ["king", "queen", "man", "woman", "quit", "stop"]).save(model)
    opened = hsw2v.load(model)
    out, told = typed(model, b"king woman --minus man\n-- quit\nking --minus\n quit \nstop\n")
    (first, _), (second, _) = (
        opened.similar(["king", "woman"], minus=["man"], k=1)[0],
        opened.similar("quit", k=1)[0],
    )
    assert re.findall(r"(\w+) +-?\d\.\d+", out) == [first, second]
    assert "quit, exit or Ctrl-D leaves" in told
    assert "--minus has no word" in told
    out, _ = typed(model, b"king\nexit\n", "--minus", "man")
    assert opened.similar("king", minus=["man"], k=1)[0][0] in out
