"""Every query command through a real process."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import WORDS, complaint, run, write_model
from some_models import some_model

import hsw2v
from hsw2v import errors
from hsw2v.corpus.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture(scope="module")
def api(model: Path) -> hsw2v.Model:
    return hsw2v.load(model)


def test_similar_prints_words_and_cosines_best_first(model: Path, api: hsw2v.Model) -> None:
    lines = run("similar", model, "king", "-k", "3").stdout.splitlines()
    assert [line.split() for line in lines] == [
        [word, f"{score:.4f}"] for word, score in api.similar("king", k=3)
    ]


def test_similar_to_several_words_is_near_their_mean(model: Path, api: hsw2v.Model) -> None:
    answer = json.loads(run("similar", model, "apple", "pear", "-k", "2", "--json").stdout)
    assert answer["words"] == ["apple", "pear"]
    assert [one["word"] for one in answer["similar"]] == [
        word for word, _ in api.similar(["apple", "pear"], k=2)
    ]


def test_similar_answers_a_file_of_words_from_standard_input(model: Path, api: hsw2v.Model) -> None:
    lines = run("similar", model, "-", "-k", "2", stdin="king\n\nnaïve\n").stdout.splitlines()
    assert [tuple(line.split("\t")) for line in lines] == [
        (word, near, f"{score:.4f}")
        for word in ("king", "naïve")
        for near, score in api.similar(word, k=2)
    ]


def test_a_batch_with_unknown_words_answers_the_others_and_names_them(model: Path) -> None:
    result = run("similar", model, "-", "--json", stdin="king\nnobody\npear\n", code=11)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["words"] for one in answers] == [["king"], ["nobody"], ["pear"]]
    assert ["error" in one for one in answers] == [False, True, False]
    assert "'nobody'" in result.stderr


def test_a_batch_that_is_not_utf8_is_refused(model: Path) -> None:
    assert "UTF-8" in complaint("similar", model, "-", stdin=b"king\nna\xefve\n", code=5)


def test_similar_without_words_and_terminal_says_what_to_do(model: Path) -> None:
    assert "standard input" in complaint("similar", model, code=2)


def test_similar_without_words_asks_in_a_loop_on_a_terminal(model: Path) -> None:
    pty = pytest.importorskip("pty")
    import os

    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "hsw2v", "similar", str(model), "-k", "1"],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.write(leader, b"apple\nappel\npear\n\x04")
        out, errors = process.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert process.returncode == 0
    assert b"pear" in out
    assert b"apple" in out
    assert b"appel" in errors


def test_similarity_is_the_cosine(model: Path, api: hsw2v.Model) -> None:
    expected = api.similarity("king", "queen")
    assert run("similarity", model, "king", "queen").stdout == f"{expected:.4f}\n"
    answer = json.loads(run("similarity", model, "king", "queen", "--json").stdout)
    assert answer == {"words": ["king", "queen"], "similarity": pytest.approx(expected)}


@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_analogy_answers_a_is_to_b_as_c_is_to(model: Path, method: str) -> None:
    arguments = ("analogy", model, "man", "king", "woman", "-k", "1", "--method", method)
    assert run(*arguments).stdout.split()[0] == "queen"
    answer = json.loads(run(*arguments, "--json").stdout)
    assert answer["method"] == method
    assert [one["word"] for one in answer["answers"]] == ["queen"]


def test_odd_one_out_names_the_word_that_does_not_fit(model: Path) -> None:
    words = ["king", "prince", "man", "apple"]
    assert run("odd-one-out", model, *words).stdout == "apple\n"
    answer = json.loads(run("odd-one-out", model, *words, "--json").stdout)
    assert answer == {"words": words, "odd_one_out": "apple"}


def test_info_tells_words_and_dimensions(model: Path) -> None:
    answer = json.loads(run("info", model, "--json").stdout)
    assert (answer["words"], answer["dim"]) == (8, 4)
    assert run("info", model).stdout.splitlines()[0].split() == ["words", "8"]


def test_info_tells_what_the_probabilities_come_from(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    some_model("class", WORDS, batch_norm=True, classes="kmeans", optimizer="adam").save(path)
    answer = json.loads(run("info", path, "--json").stdout)
    assert (answer["loss"], answer["optimizer"], answer["batch_norm"]) == ("class", "adam", True)
    assert answer["classes"] == {"count": 3, "made_by": "kmeans"}
    printed = dict(re.findall(r"^(\S+) +(\S+)$", run("info", path).stdout, re.MULTILINE))
    assert (printed["classes.count"], printed["classes.made_by"]) == ("3", "kmeans")
    some_model("hs", WORDS).save(path, force=True)
    answer = json.loads(run("info", path, "--json").stdout)
    assert (answer["loss"], answer["optimizer"], answer["batch_norm"]) == ("hs", "sgd", False)
    assert "classes" not in answer


def test_vector_prints_exact_digits(model: Path, api: hsw2v.Model) -> None:
    lines = run("vector", model, "king", "naïve").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["king", "naïve"]
    for line in lines:
        word, *numbers = line.split()
        assert np.array_equal(np.array(numbers, np.float32), api[word])
    answer = json.loads(run("vector", model, "naïve", "--json").stdout)
    assert np.array_equal(np.array(answer["naïve"], np.float32), api["naïve"])


def test_export_writes_what_load_reads_back(model: Path, api: hsw2v.Model, tmp_path: Path) -> None:
    for name in ("vectors.txt", "vectors.bin", "vectors.txt.gz"):
        run("export", model, tmp_path / name)
        again = hsw2v.load(tmp_path / name)
        assert list(again.words) == WORDS
        assert np.array_equal(again.vectors, api.vectors)


def test_export_takes_the_top_words_normalized(model: Path, tmp_path: Path) -> None:
    run("export", model, tmp_path / "v.txt", "--top", "3", "--normalize", "--format", "text")
    again = hsw2v.load(tmp_path / "v.txt")
    assert list(again.words) == WORDS[:3]
    assert np.allclose(np.linalg.norm(again.vectors, axis=1), 1)


def test_export_refuses_to_replace_a_file_without_force(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.txt"
    output.write_text("mine")
    assert "--force" in complaint("export", model, output, code=7)
    assert output.read_text() == "mine"
    run("export", model, output, "--force")
    assert output.read_text().startswith("8 4\n")
    assert [one.name for one in tmp_path.iterdir()] == ["v.txt"]


def test_queries_read_word2vec_text(model: Path, tmp_path: Path) -> None:
    run("export", model, tmp_path / "v.vec")
    assert run("similar", tmp_path / "v.vec", "king").stdout == run("similar", model, "king").stdout


@pytest.fixture
def test_sets(tmp_path: Path) -> tuple[Path, Path, Path]:
    pairs, more, questions = (tmp_path / name for name in ("pairs.tsv", "more.txt", "q.txt"))
    pairs.write_text("king\tprince\t9\napple\tpear\t8\nking\tapple\t1\nking\tnobody\t5\n")
    more.write_text("king prince 9\nking apple 1\n")
    questions.write_text(": family\nman king woman queen\n: gram-none\nman king woman nobody\n")
    return pairs, more, questions


def test_evaluate_prints_a_table(model: Path, test_sets: tuple[Path, Path, Path]) -> None:
    pairs, more, questions = test_sets
    out = run("evaluate", model, "--pairs", pairs, more, "--analogies", questions).stdout
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert rows["pairs"] == ["Spearman", "rare", "frequent", "covered"]
    assert rows["pairs.tsv"] == ["1.0000", "-", "1.0000", "3", "of", "4"]
    assert rows["more.txt"] == ["1.0000", "-", "-", "2", "of", "2"]
    assert rows["family"] == ["1.0000", "1", "1", "of", "1"]
    assert rows["total"] == ["1.0000", "1", "1", "of", "2"]


def test_evaluate_gives_json(model: Path, test_sets: tuple[Path, Path, Path]) -> None:
    pairs, _, questions = test_sets
    out = run("evaluate", model, "--pairs", pairs, "--analogies", questions, "--json").stdout
    answer = json.loads(out)
    assert answer["pairs"][0]["covered"] == 3
    assert (answer["pairs"][0]["rare"], answer["pairs"][0]["frequent"]) == (None, 1.0)
    (analogies,) = answer["analogies"]
    assert analogies["total"]["accuracy"] == 1.0
    assert analogies["syntactic"]["accuracy"] is None


def test_evaluate_without_files_says_what_to_give(model: Path) -> None:
    assert "--pairs" in complaint("evaluate", model, code=2)


@pytest.mark.parametrize(
    "command",
    [
        ("similar", "MODEL", "kong"),
        ("similarity", "MODEL", "kong", "queen"),
        ("analogy", "MODEL", "man", "kong", "woman"),
        ("odd-one-out", "MODEL", "man", "kong", "woman"),
        ("vector", "MODEL", "kong"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest_spellings(
    model: Path, command: tuple[str, ...]
) -> None:
    sentence = complaint(*(model if one == "MODEL" else one for one in command), code=11)
    assert "'kong'" in sentence
    assert "king" in sentence


def test_a_word_that_is_not_utf8_is_refused(model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hsw2v", b"similar", bytes(model), b"na\xefve"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"UTF-8" in done.stderr
    assert b"Traceback" not in done.stderr


def test_output_to_a_closed_pipe_ends_quietly(model: Path) -> None:
    command = f"yes king | head -20000 | {sys.executable} -m hsw2v similar {model} - | head -1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[2]}}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_under_standard_output_is_a_sentence(model: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hsw2v", "similar", str(model), "king"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 9
    assert done.stderr.startswith("hsw2v: standard output: cannot be written")
    assert len(done.stderr.splitlines()) == 1


def test_words_do_not_drive_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    words = Vocabulary.from_words(["red\x1b[31m", "bell\x07", "plain"], np.array([3, 2, 1]))
    hsw2v.Model(words, np.eye(3, dtype=np.float32)).save(path)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hsw2v", "similar", path, "plain"]
    try:
        subprocess.run(command, stdout=theirs, check=True)
        printed = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "red\\x1b[31m" in printed
    assert "bell\\x07" in printed
    assert "\x1b" not in printed
    # A pipe has the words as they are; messages are for people wherever they go.
    assert "red\x1b[31m" in run("similar", path, "plain").stdout
    complaint = run("similar", path, "red\x1b", code=errors.UnknownWordError.exit_code).stderr
    assert "\x1b" not in complaint
