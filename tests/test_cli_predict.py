"""`hsw2v predict` and `hsw2v score` through a real process."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import WORDS, complaint, run
from some_models import some_model

import hsw2v
from hsw2v import events
from hsw2v.cli.progress import Progress
from hsw2v.display import describe


def write(folder: Path, loss: str) -> Path:
    """Write a model of an output layer over a few words."""
    path = folder / f"{loss}.safetensors"
    some_model(loss, WORDS, window=2, lowercase=True).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    return write(folder, "hs")


@pytest.fixture(scope="module")
def sampled(folder: Path) -> Path:
    return write(folder, "ns")


@pytest.fixture(scope="module")
def api(model: Path) -> hsw2v.Model:
    return hsw2v.load(model)


def rows(printed: str) -> list[tuple[str, float]]:
    return [(word, float(number)) for word, number in map(str.split, printed.splitlines())]


def test_predict_prints_words_and_probabilities_best_first(model: Path, api: hsw2v.Model) -> None:
    printed = rows(run("predict", model, "the man _ queen", "-k", "3").stdout)
    answers = api.predict(["man", "queen"], k=3)
    assert [word for word, _ in printed] == [word for word, _ in answers]
    assert [p for _, p in printed] == pytest.approx([p for _, p in answers], rel=1e-3)


def test_a_text_may_go_without_quotes_and_a_context_is_listed(model: Path) -> None:
    quoted = run("predict", model, "MAN _ queen")
    assert quoted.stderr == ""
    assert run("predict", model, "man", "_", "queen").stdout == quoted.stdout
    assert run("predict", model, "--context", "man queen").stdout == quoted.stdout
    repeated = run("predict", model, "--context", "man", "--context", "queen")
    assert repeated.stdout == quoted.stdout


def test_words_that_are_left_out_are_told_apart_from_the_answers(model: Path) -> None:
    result = run("predict", model, "pear man the king _ queen")
    assert result.stdout == run("predict", model, "man king _ queen").stdout
    assert result.stderr.splitlines() == [
        "hsw2v: left out, not in the vocabulary: 'the'",
        "hsw2v: left out, too far from the gap: 'pear'",
    ]


def test_predict_gives_json(model: Path, api: hsw2v.Model) -> None:
    answer = json.loads(
        run("predict", model, "pear man the king _ queen", "-k", "99", "--json").stdout
    )
    assert answer["context"] == ["man", "king", "queen"]
    assert (answer["unknown"], answer["out_of_window"]) == (["the"], ["pear"])
    assert (answer["visited"], answer["outputs"]) == (7, 7)
    found = [(one["word"], one["probability"]) for one in answer["predictions"]]
    assert found == api.predict(["man", "king", "queen"], k=99)
    for one in answer["predictions"]:
        assert one["log_probability"] == pytest.approx(math.log(one["probability"]))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["the man queen"], 2, "no gap"),
        (["_ man _"], 2, "2 gaps"),
        (["_"], 2, "no words"),
        (["--context", " "], 2, "no words"),
        ([], 2, "--context"),
        (["man _", "--context", "man"], 2, "twice"),
        (["man _", "-k", "0"], 2, "-k"),
        (["kin _ quen"], 11, "nearest spellings: for 'kin' king"),
        (["--context", "man kin"], 11, "'kin'"),
    ],
)
def test_what_cannot_be_predicted_is_one_sentence(
    model: Path, arguments: list[str], code: int, said: str
) -> None:
    assert said in complaint("predict", model, *arguments, code=code)


def test_scores_that_are_not_normalised_are_refused_with_the_reason(
    sampled: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("king queen\n")
    for arguments in (("predict", sampled, "king _"), ("score", sampled, text)):
        said = complaint(*arguments, code=2)
        assert "negative sampling" in said
        assert "not normalised" in said
        assert "--normalize-exactly" in said


def test_scores_are_normalised_if_asked_to(sampled: Path, tmp_path: Path) -> None:
    answers = rows(run("predict", sampled, "king _", "--normalize-exactly").stdout)
    assert sum(p for _, p in answers) == pytest.approx(1.0, abs=1e-3)
    expected = hsw2v.load(sampled).predict(["king"], normalize_exactly=True)
    assert [word for word, _ in answers] == [word for word, _ in expected]
    text = tmp_path / "text.txt"
    text.write_text("king queen\n")
    line = run("score", sampled, text, "--normalize-exactly", "--quiet").stdout.splitlines()[0]
    logs = [
        hsw2v.load(sampled).log_prob(word, [other], normalize_exactly=True)
        for word, other in (("king", "queen"), ("queen", "king"))
    ]
    assert float(line.split("\t")[0]) == pytest.approx(sum(logs), abs=1e-3)


def test_sampled_softmax_is_refused_with_a_reason_of_its_own(folder: Path) -> None:
    sampled = write(folder, "sampled")
    for arguments in (("predict", sampled, "king _"), ("score", sampled, "-")):
        said = complaint(*arguments, code=2)
        assert "sampled softmax" in said
        assert "--normalize-exactly" in said
    assert len(rows(run("predict", sampled, "king _", "--normalize-exactly").stdout)) == 8


@pytest.mark.parametrize("loss", ["class", "softmax"])
def test_layers_with_probabilities_answer_without_being_asked_to_normalise(
    folder: Path, loss: str
) -> None:
    path = write(folder, loss)
    model = hsw2v.load(path)
    answer = json.loads(run("predict", path, "the king _ queen", "--json", "-k", "3").stdout)
    found = [(one["word"], one["probability"]) for one in answer["predictions"]]
    assert found == model.predict(["king", "queen"], k=3)
    assert answer["outputs"] == len(model.output)
    total = run("score", path, "-", "--quiet", stdin="king queen\n").stdout.splitlines()[-1]
    pair = model.log_prob("king", ["queen"]) + model.log_prob("queen", ["king"])
    assert float(total.split("\t")[0]) == pytest.approx(pair, abs=1e-3)


def test_files_of_vectors_have_no_probabilities(model: Path, tmp_path: Path) -> None:
    run("export", model, tmp_path / "v.txt")
    assert "vectors of words only" in complaint("predict", tmp_path / "v.txt", "king _", code=2)


TEXT = "The King man\nnothing here\n\nqueen\nnaïve pear apple\n"


def test_score_prints_a_line_a_sentence_and_one_of_all(model: Path, api: hsw2v.Model) -> None:
    *lines, total = run("score", model, "-", "--quiet", stdin=TEXT).stdout.splitlines()
    sentences = ["the king man", "nothing here", "queen", "naïve pear apple"]
    assert [line.split("\t")[3] for line in lines] == sentences
    pair = sum(api.log_prob(a, [b]) for a, b in (("king", "man"), ("man", "king")))
    figures = lines[0].split("\t")
    assert figures[1] == "2"
    assert float(figures[0]) == pytest.approx(pair, abs=1e-3)
    assert float(figures[2]) == pytest.approx(math.exp(-pair / 2), rel=1e-2)
    assert lines[1].split("\t")[:3] == lines[2].split("\t")[:3] == ["-", "0", "-"]
    sums = total.split("\t")
    assert sums[1] == "5"
    assert sums[3] == "(4 sentences)"
    assert float(sums[0]) == pytest.approx(
        float(figures[0]) + float(lines[3].split("\t")[0]), abs=1e-3
    )


def test_score_gives_an_object_a_line(model: Path, api: hsw2v.Model, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    printed = run("score", model, text, "--json", "--quiet").stdout.splitlines()
    *answers, last = [json.loads(line) for line in printed]
    scores = list(api.score(text))
    assert [one["sentence"] for one in answers] == [" ".join(one.tokens) for one in scores]
    assert [one["perplexity"] for one in answers] == [one.perplexity for one in scores]
    assert answers[1]["log_probability"] is None
    total = last["total"]
    assert (total["words"], total["sentences"]) == (5, 4)
    assert total["log_probability"] == pytest.approx(sum(one.log_prob for one in scores))
    assert total["perplexity"] == pytest.approx(math.exp(-total["log_probability"] / 5))


def test_a_text_without_a_word_to_score_says_so(model: Path) -> None:
    lines = run("score", model, "-", "--quiet", stdin="nothing known\n").stdout.splitlines()
    assert lines == ["-\t0\t-\tnothing known", "-\t0\t-\t(1 sentence)"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [(None, 3, "no such file"), (b"", 6, "no tokens"), (b"na\xefve\n", 5, "UTF-8")],
)
def test_what_cannot_be_scored_is_one_sentence(
    model: Path, tmp_path: Path, content: bytes | None, code: int, said: str
) -> None:
    text = tmp_path / "text.txt"
    if content is not None:
        text.write_bytes(content)
    assert said in complaint("score", model, text, "--quiet", code=code)


def test_scoring_ends_when_it_is_interrupted(model: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(("king man queen woman " * 10 + "\n") * 20_000, encoding="utf-8")
    command = [sys.executable, "-m", "hsw2v", "score", str(model), str(text), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "king" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "hsw2v: interrupted"


def test_scoring_is_told_in_tokens_and_speed() -> None:
    said = describe(events.ScoringProgress(1_000, 4_000, 0.5))
    assert said == "scoring: 1,000 of 4,000 tokens, 2,000 words/s"


@pytest.mark.parametrize("answers_on_terminal", [True, False])
def test_progress_does_not_mix_with_answers_on_a_terminal(
    answers_on_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[events.Event] = []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: answers_on_terminal, raising=False)
    with Progress(quiet=True) as progress:
        monkeypatch.setattr(progress._display, "show", shown.append)
        progress.listen(events.ScoringProgress(1, 2, 0.1))
    assert bool(shown) != answers_on_terminal
