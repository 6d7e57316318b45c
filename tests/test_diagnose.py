"""`hsw2v diagnose` and `hsw2v.diagnose`: a model, a corpus, and what its gradients are like."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from commandline import complaint, run, write_model
from some_models import EVERY_LOSS, some_model

import hsw2v
from hsw2v.corpus.stream import encode_sentences
from hsw2v.corpus.words import WordCorpus
from hsw2v.diagnosis.course import read_course
from hsw2v.diagnosis.diagnosis import mean_over
from hsw2v.diagnosis.drawing import draw_diagnosis
from hsw2v.diagnosis.findings import findings
from hsw2v.errors import CorruptInputError, EmptyCorpusError, MissingInputError, UsageError
from hsw2v.events import Event, GradientsRecorded
from hsw2v.network.network import Network
from hsw2v.training.recording import Recorder
from hsw2v.training.schedule import recordings_of

WORDS = [f"w{number}" for number in range(14)]


def sentences(count: int = 40) -> list[list[str]]:
    draw = random.Random(1)
    return [draw.choices([*WORDS, "unknown"], k=draw.randint(1, 12)) for _ in range(count)]


def write_sentences(path: Path) -> Path:
    path.write_text("".join(" ".join(one) + "\n" for one in sentences()), encoding="utf-8")
    return path


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("loss", "trees"), [("hs", 1), ("hs", 3), ("hs+ns", 2), ("class", 1), ("softmax", 1)]
)
def test_over_all_windows_the_loss_is_that_of_score(
    loss: str, trees: int, batch_norm: bool
) -> None:
    settings = {"model": "cbow", "sample": 0, "fixed_window": True, "window": 3}
    model = some_model(loss, WORDS, batch_norm=batch_norm, trees=trees, **settings)
    found = hsw2v.diagnose(model, sentences(), windows=10_000)
    scores = list(model.score(sentences()))
    words = sum(one.words for one in scores)
    assert found.output == loss
    assert found.totals.windows == found.totals.predictions == words
    assert found.totals.prediction_loss == pytest.approx(
        -sum(one.log_prob for one in scores) / words, rel=1e-5
    )


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_every_model_can_be_diagnosed_and_the_same_each_time(loss: str, architecture: str) -> None:
    model = some_model(loss, WORDS, model=architecture, sample=0)
    found = hsw2v.diagnose(model, sentences(), windows=50)
    totals = found.totals
    assert found.output == loss
    assert totals.windows == 50
    assert (totals.predictions > 50) == (architecture == "skipgram")
    assert totals.decisions == sum(one.decisions for one in found.by_depth)
    assert totals.predictions == sum(one.predictions for one in found.by_decile)
    assert hsw2v.diagnose(model, sentences(), windows=50) == found
    assert hsw2v.diagnose(model, sentences(), windows=50, seed=2) != found


@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_a_vocabulary_of_one_word_can_be_diagnosed_beside_unknown_words(loss: str) -> None:
    model = some_model(loss, ["only"], sample=0)
    found = hsw2v.diagnose(model, [["only", "unknown", "only"], ["unknown"]])
    assert found.totals.windows == found.totals.predictions == 2
    # Negative sampling alone decides anything about the only word.
    assert found.totals.decisions == (2 if loss == "ns" else 0)
    (told,) = recorded(model, [["only", "unknown", "only"], ["unknown"]], [(0, 0)])
    assert told.totals == found.to_dict()["totals"]
    assert list(findings(found))


def test_what_cannot_be_diagnosed_is_refused_with_a_reason(tmp_path: Path) -> None:
    model = some_model("hs", WORDS)
    vectors = hsw2v.load(write_model(tmp_path / "m.safetensors"))
    with pytest.raises(UsageError, match="no output layer"):
        hsw2v.diagnose(vectors, sentences())
    with pytest.raises(UsageError, match="windows"):
        hsw2v.diagnose(model, sentences(), windows=0)
    with pytest.raises(EmptyCorpusError, match="no sentence of it keeps two words"):
        hsw2v.diagnose(model, [["unknown", "words"], ["w1"]])
    with pytest.raises(MissingInputError):
        hsw2v.diagnose(model, tmp_path / "nowhere.txt")


def test_a_model_without_counts_is_refused() -> None:
    counted = some_model("hs", WORDS)
    vocabulary = hsw2v.corpus.vocabulary.Vocabulary.from_words(WORDS, [0] * len(WORDS))
    model = hsw2v.Model(vocabulary, counted.vectors, counted.output, counted.tree)
    with pytest.raises(UsageError, match="no counts of its words"):
        hsw2v.diagnose(model, sentences())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("diagnose")
    some_model("hs", WORDS, sample=0).save(folder / "m.safetensors")
    return folder / "m.safetensors", write_sentences(folder / "c.txt")


def test_the_command_prints_two_tables_and_what_they_show(files: tuple[Path, Path]) -> None:
    blocks = run("diagnose", *files, "--windows", "60").stdout.split("\n\n")
    by_depth, by_decile, *findings = [block.splitlines() for block in blocks]
    model = hsw2v.load(files[0])
    assert model.tree is not None
    assert by_depth[0].split()[:3] == ["depth", "nodes", "visits"]
    assert len(by_depth) == 1 + len(model.tree.levels)
    assert by_depth[1].split()[:3] == ["0", "1", "105"]
    assert by_decile[0].split()[0] == "decile"
    assert [line.split()[0] for line in by_decile[1:]] == [str(n) for n in range(1, 11)]
    assert by_decile[1].split()[1] == "14-13"
    text = " ".join(" ".join(one) for one in findings)
    assert text.startswith("60 windows, ")
    assert "Gradients: the mean gradient norm at a node, of one visit, is" in text
    assert "Visits: of 13 nodes" in text


def test_json_has_what_python_has(files: tuple[Path, Path]) -> None:
    printed = json.loads(run("diagnose", *files, "--windows", "60", "--json").stdout)
    found = hsw2v.diagnose(hsw2v.load(files[0]), files[1], windows=60)
    assert printed == json.loads(json.dumps(found.to_dict()))


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_a_diagnosis_is_drawn(tmp_path: Path, loss: str) -> None:
    found = hsw2v.diagnose(some_model(loss, WORDS, sample=0), sentences(), windows=50)
    draw_diagnosis(tmp_path / "d.svg", found)
    draw_diagnosis(tmp_path / "d.png", found)
    drawn = (tmp_path / "d.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(drawn) is not None
    # By depth and by frequency, or, where there is but one depth, by frequency alone.
    assert drawn.count('<g id="axes_') == (8 if loss == "hs" else 4)
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_draws(files: tuple[Path, Path], tmp_path: Path) -> None:
    drawing = tmp_path / "d.svg"
    run("diagnose", *files, "--windows", "60", "--plot", drawing, "--quiet")
    assert ElementTree.parse(drawing).getroot() is not None
    assert "exists already" in complaint("diagnose", *files, "--plot", drawing, code=7)


def test_a_layer_without_depth_has_no_findings_about_it() -> None:
    found = hsw2v.diagnose(some_model("ns", WORDS, sample=0), sentences(), windows=50)
    sentence = " ".join(findings(found))
    assert "Visits: of 14 output rows" in sentence
    assert "Gradients:" not in sentence


def test_nothing_is_compiled_for_it_but_the_tokeniser() -> None:
    code = """
import sys, hsw2v
from hsw2v.diagnosis import course, drawing, findings
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.trees.tree import Tree
import numpy as np
assert "numba" not in sys.modules
tree = Tree(np.array([[~0, ~1]], np.int32))
words = Vocabulary.from_words(["a", "b"], [2, 1])
model = hsw2v.Model(words, np.ones((2, 2)), np.ones((1, 2)), tree)
hsw2v.diagnose(model, [["a", "b", "a"] * 50])
print(*(name for name in sys.modules if name.startswith(("hsw2v.kernels", "matplotlib"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_is_asked_wrongly_is_said_before_any_work(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert "--course LOG" in complaint("diagnose", files[0], code=2)
    assert "--course is about a log alone" in complaint("diagnose", *files, "--course", "l", code=2)
    assert "end in .png or .svg" in complaint("diagnose", *files, "--plot", "d.pdf", code=2)
    assert "no such file" in complaint("diagnose", files[0], tmp_path / "none.txt", code=3)


def test_gradients_are_recorded_before_every_so_many_blocks() -> None:
    training = hsw2v.config.Config().replace(record_gradients=4).training
    assert [recordings_of(training, 10, epoch) for epoch in range(3)] == [
        [0, 4, 8],
        [2, 6],
        [0, 4, 8],
    ]
    assert recordings_of(hsw2v.config.Config().training, 10, 0) == []


def recorded(
    model: hsw2v.Model, text: list[list[str]], places: list[tuple[int, int]]
) -> list[GradientsRecorded]:
    """Return what a recorder tells of a model's numbers at some blocks, each in an epoch."""
    told: list[Event] = []
    config = hsw2v.config.Config().replace(**model.config["training"], sample=0)
    recorder = Recorder(config, model.vocabulary, told.append)
    assert model.output is not None
    parameters = {"vectors": model.vectors, "outputs": model.output}
    if model.batch_norm is not None:
        parameters |= {"norm.parameters": model.batch_norm[:2]}
        parameters |= {"norm.running": model.batch_norm[2:]}
    normalised = model.batch_norm is not None
    network = Network(model.output_layer, parameters, model.dim, "sgd", normalised)
    with encode_sentences(text, config.corpus) as encoded:
        corpus = WordCorpus.of(encoded, model.vocabulary)
        for epoch, block in places:
            passed = epoch + encoded.blocks[block] / len(encoded.ids)
            recorder.record(corpus, epoch, block, network, passed)
    return [one for one in told if isinstance(one, GradientsRecorded)]


def record(loss: str) -> list[GradientsRecorded]:
    """Return what is recorded at two blocks of a text; it is like what diagnosis says of all."""
    model = some_model(loss, WORDS, batch_norm=True, sample=0)
    text = [one for _ in range(60) for one in sentences(60)]
    told = recorded(model, text, [(0, 0), (1, 2)])
    whole = hsw2v.diagnose(model, text, windows=2_000)
    assert told[0].totals["error"] == pytest.approx(whole.totals.error, rel=0.15)
    return told


@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_a_recorder_tells_what_a_diagnosis_would_of_a_block(loss: str) -> None:
    first, second = record(loss)
    assert (first.epoch, first.block, first.tokens, first.output) == (1, 0, 0, loss)
    assert (second.epoch, second.block) == (2, 2)
    assert second.tokens > 16_384
    assert first.totals["windows"] == 500
    assert json.loads(json.dumps(first.by_depth)) == first.by_depth


def write_log(path: Path, told: Sequence[Event]) -> Path:
    lines = [{"type": "Settings"}, *({"type": type(one).__name__, **vars(one)} for one in told)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_course_of_gradients_is_read_from_the_log_and_drawn(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", record("hs"))
    first, second = read_course(str(log))
    assert (first.tokens, second.epoch) == (0, 2)
    table = run("diagnose", "--course", log, "--plot", tmp_path / "course.svg").stdout
    assert [line.split()[0] for line in table.splitlines()] == ["epoch", "1", "2"]
    assert ElementTree.parse(tmp_path / "course.svg").getroot() is not None
    printed = json.loads(run("diagnose", "--course", log, "--json").stdout)
    assert [one["block"] for one in printed] == [0, 2]
    assert printed[1]["totals"] == json.loads(json.dumps(second.diagnosis.to_dict()))["totals"]


def test_a_log_without_gradients_says_how_to_record_them(tmp_path: Path) -> None:
    empty = write_log(tmp_path / "log.jsonl", [])
    assert "--record-gradients" in complaint("diagnose", "--course", empty, code=2)


@pytest.fixture(scope="module")
def moment() -> GradientsRecorded:
    return record("hs")[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": "first"},
        {"tokens": None},
        {"output": 3},
        {"by_depth": 5},
        {"by_depth": [{}]},
        {"by_decile": ["1"]},
        {"totals": [1.0]},
        {"totals": {"error": "x"}},
        {"totals": {"decisions": 1.5}},
        {"totals": {"visits": None}},
        {"totals": {"unheard of": 1}},
    ],
)
def test_a_record_of_gradients_that_is_damaged_is_named(
    tmp_path: Path, moment: GradientsRecorded, changes: dict[str, Any]
) -> None:
    fields = vars(moment)
    if isinstance(changes.get("totals"), dict):
        changes = {"totals": moment.totals | changes["totals"]}
    log = write_log(tmp_path / "log.jsonl", [moment, GradientsRecorded(**{**fields, **changes})])
    assert said_of(log) == "line 3: is not a record of gradients"


@pytest.mark.parametrize("line", ["no log", "1", "[]", '{"type"', '{"epoch": 1}', "[" * 100_000])
def test_what_is_no_log_is_told_by_its_line(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"type": "Settings"}\n' + line)
    assert said_of(log) == "line 2: is not a record of gradients"


def said_of(log: Path) -> str:
    """Return which line of a log is said to be what, without what may be done."""
    with pytest.raises(CorruptInputError) as refused:
        read_course(str(log))
    assert refused.value.hint == "name a file that --log-json wrote, or take this line out of it"
    where, what = str(refused.value).split(",")[1:3]
    assert what.startswith(" nor another line that hsw2v train logs;")
    return where.strip()


def test_figures_beyond_a_float_are_left_out_of_the_course(
    tmp_path: Path, moment: GradientsRecorded
) -> None:
    rows = [one | {"loss": None} for one in moment.by_depth]
    astray = dataclasses.replace(moment, by_depth=rows, totals=moment.totals | {"loss": None})
    log = write_log(tmp_path / "log.jsonl", [moment, astray])
    lines = run("diagnose", "--course", log, "--plot", tmp_path / "c.svg").stdout.splitlines()
    assert [line.split()[4] == "-" for line in lines] == [False, False, True]
    by_depth = read_course(str(log))[1].diagnosis.by_depth
    assert mean_over(by_depth, "loss") is None
    assert mean_over(by_depth, "error") is not None


def test_training_records_into_its_log(files: tuple[Path, Path], tmp_path: Path) -> None:
    settings = ("--min-count", "1", "--dim", "8", "--epochs", "2", "--tree", "huffman")
    record = ("train", files[1], *settings, "--record-gradients", "1", "-o", tmp_path / "m.st")
    assert "--log-json" in complaint(*record, code=2)
    run(*record, "--log-json", tmp_path / "log.jsonl", "--quiet")
    moments = read_course(str(tmp_path / "log.jsonl"))
    assert [(one.epoch, one.block) for one in moments] == [(1, 0), (2, 0)]
    # Nodes that know nothing give nothing, and the gradients that reach them are not zero.
    first, second = (one.diagnosis.totals for one in moments)
    assert first.error == 0.5
    assert first.hidden_gradient == 0.0
    assert first.output_gradient is not None
    assert 0.0 < first.output_gradient < second.output_gradient


def test_numbers_of_numpy_do_not_get_into_events() -> None:
    first, _ = record("hs")
    values = [*first.totals.values(), *(one for row in first.by_depth for one in row.values())]
    assert not any(isinstance(one, np.generic) for one in values)


def test_records_follow_training_though_blocks_come_in_random_order() -> None:
    told: list[Event] = []
    text = [["a", "b", "c", "d"]] * 12_000
    hsw2v.train(text, epochs=2, dim=4, record_gradients=1, threads=1, listener=told.append)
    made = [one for one in told if isinstance(one, GradientsRecorded)]
    blocks = len(made) // 2
    assert blocks > 4
    assert [one.block for one in made] != [*range(blocks)] * 2
    assert sorted(one.block for one in made) == sorted([*range(blocks)] * 2)
    tokens = [one.tokens for one in made]
    assert tokens == sorted(tokens)
    assert (tokens[0], tokens[blocks]) == (0, 48_000)


def test_where_subsampling_leaves_no_window_it_is_named() -> None:
    text = [["a", "b"]] * 10
    model = hsw2v.train(text, dim=4, epochs=1, min_count=1, threads=1, sample=1e-12)
    with pytest.raises(EmptyCorpusError, match="keeps two words of the vocabulary, subsampled"):
        hsw2v.diagnose(model, text)
