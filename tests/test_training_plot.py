"""The figure of a training: what it knows, when it is drawn, and what it never costs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from commandline import complaint, run, write_corpus
from test_cli_progress import TRAINING

import hsw2v
from hsw2v.errors import MissingInputError, OutputError, OutputExistsError, UsageError
from hsw2v.events import EpochEnd, Event, Notice, Resumed, TreeReady
from hsw2v.training.plotting import POINTS, TrainingPlot, plot_again

SMALL: dict[str, Any] = {"dim": 8, "epochs": 2, "sample": 0.0, "threads": 1}
TREE = TreeReady("semantic", 1, 4.0, 3.0, 7, 3.9, None, 0.1)


def progress(tokens: int, **fields: Any) -> Event:
    return replace(TRAINING, tokens=tokens, seconds=tokens / 1e6, **fields)


def epoch(number: int, heldout: float | None = None) -> Event:
    return EpochEnd(number, 5, "hs", 3.0, heldout, None, number * 1_000_000, 1.0)


def drawn(path: Path, *events: Event) -> str:
    """Draw the figure of some events and return its text."""
    with TrainingPlot(path) as plot:
        for event in events:
            plot.listen(event)
    return text_of(path)


def text_of(path: Path) -> str:
    return " | ".join(re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8")))


def test_a_figure_has_losses_speed_and_rate_and_says_how_far_training_came(tmp_path: Path) -> None:
    events = [progress(500_000), epoch(1, 2.5), TREE, progress(1_500_000, loss=2.5), epoch(2, 2.4)]
    text = drawn(tmp_path / "run.svg", *events)
    assert "2,000,000 of 5,000,000 tokens, 1.5 s" in text
    names = ("loss hs", "mean of an epoch", "held-out loss", "semantic tree")
    panels = ("loss of a prediction, nats", "thousand words/s", "learning rate")
    for expected in (*names, *panels):
        assert expected in text
    assert "resumed" not in text


def test_another_output_layer_has_a_line_of_its_own(tmp_path: Path) -> None:
    text = drawn(tmp_path / "run.svg", progress(500_000), progress(600_000, output="ns"))
    assert "loss hs" in text
    assert "loss ns" in text
    assert "ns takes over" in text
    assert "held-out" not in text


def test_what_is_told_of_the_first_tree_is_no_mark(tmp_path: Path) -> None:
    assert "semantic" not in drawn(tmp_path / "run.svg", TREE, progress(500_000))


def test_a_training_that_begins_again_has_only_its_new_course(tmp_path: Path) -> None:
    plot = TrainingPlot(tmp_path / "run.svg")
    for event in (progress(900_000), epoch(1), TREE, progress(1_200_000), progress(100_000)):
        plot.listen(event)
    assert [one.tokens for one in plot.points] == [100_000]
    assert not plot.epochs
    assert not plot.changes


def test_a_line_has_few_points_however_long_training_takes(tmp_path: Path) -> None:
    plot = TrainingPlot(tmp_path / "run.svg")
    for tokens in range(100, 5_000_001, 100):
        plot.listen(progress(tokens, loss=1.0 if tokens % 200 else 2.0))
    assert POINTS <= len(plot.points) <= POINTS + 1
    assert plot.points[7].loss == pytest.approx(1.5, abs=0.01)
    assert plot.points[-1].tokens == 5_000_000


def test_speed_is_that_since_the_point_before(tmp_path: Path) -> None:
    plot = TrainingPlot(tmp_path / "run.svg")
    plot.listen(replace(TRAINING, tokens=1_000_000, seconds=2.0, tokens_per_second=5e5))
    plot.listen(replace(TRAINING, tokens=3_000_000, seconds=3.0, tokens_per_second=1e6))
    assert list(plot.speeds()) == [(1_000_000, 500.0), (3_000_000, 2000.0)]


def test_a_resumed_training_says_that_its_beginning_is_not_known(tmp_path: Path) -> None:
    text = drawn(tmp_path / "run.svg", Resumed(2, 5, "x"), progress(1_500_000))
    assert "resumed in epoch 2, without what was before" in text


def test_a_log_knows_what_was_before(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    known = [progress(500_000), epoch(1), progress(1_900_000)]
    lines = [json.dumps({"type": type(one).__name__, **asdict(one)}) for one in known]
    damaged = ["{", "[]", "null", '{"type": "EpochEnd"}', '{"type": []}', '{"type": "Summary"}']
    lines[1:1] = [*damaged, json.dumps({**json.loads(lines[1]), "epoch": 0})]
    log.write_text("\n".join(lines), encoding="utf-8")
    plot = TrainingPlot(tmp_path / "run.svg")
    plot.read_log(str(log))
    for event in (Resumed(2, 5, "x"), progress(1_500_000)):
        plot.listen(event)
    assert [one.tokens for one in plot.points] == [500_000, 1_500_000]
    assert [one.tokens for one in plot.epochs] == [1_000_000]
    assert "resumed" not in plot.title()


def test_a_log_that_is_gone_is_no_matter_to_a_training_that_is_resumed(tmp_path: Path) -> None:
    plot = TrainingPlot(tmp_path / "run.svg")
    plot.recall({"log_json": str(tmp_path / "nothing.jsonl")})
    plot.recall({"log_json": 7})
    plot.recall({})
    assert not plot.points


def test_a_log_that_tells_nothing_is_an_error(tmp_path: Path) -> None:
    plot, log = TrainingPlot(tmp_path / "run.svg"), tmp_path / "run.jsonl"
    with pytest.raises(MissingInputError):
        plot.read_log(log)
    log.write_text('{"type": "Settings"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="holds no course of a training"):
        plot.read_log(log)


def test_a_figure_that_can_no_longer_be_drawn_keeps_no_training_from_going_on(
    tmp_path: Path,
) -> None:
    told: list[Event] = []
    gone = {"plot": str(tmp_path / "gone" / "run.svg")}
    assert plot_again(gone, None, told.append, force=False) is None
    assert "there will be no figure of the training" in str(told)
    assert plot_again({"plot": 7}, None, told.append, force=False) is None
    with pytest.raises(OutputError):
        plot_again({}, gone["plot"], told.append, force=False)


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    with TrainingPlot(tmp_path / "run.svg"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_figure_is_drawn_of_what_was_until_an_interruption(tmp_path: Path) -> None:
    plot = TrainingPlot(tmp_path / "run.svg")
    plot.listen(progress(500_000))
    with pytest.raises(KeyboardInterrupt), plot:
        raise KeyboardInterrupt
    assert "500,000 of 5,000,000 tokens" in text_of(tmp_path / "run.svg")


def test_a_figure_that_cannot_be_written_costs_a_note(tmp_path: Path) -> None:
    told: list[Event] = []
    path = tmp_path / "run.svg"
    with TrainingPlot(path) as plot:
        plot.beside(told.append)(progress(500_000))
        path.write_bytes(b"of another program")
    assert path.read_bytes() == b"of another program"
    assert isinstance(told[-1], Notice)
    assert "there is no figure of the training" in told[-1].message


def interrupted(folder: Path) -> tuple[Path, Path]:
    """Interrupt a training after an epoch; return its checkpoint and its figure."""
    corpus, model = write_corpus(folder / "corpus.txt"), folder / "m.safetensors"

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnd):
            raise KeyboardInterrupt

    plot = folder / "run.svg"
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(corpus, output=model, plot=plot, listener=stop, **SMALL)
    return Path(f"{model}.checkpoint"), plot


def test_a_training_that_is_resumed_draws_its_figure_again(tmp_path: Path) -> None:
    checkpoint, plot = interrupted(tmp_path)
    assert " of 6,000 tokens" in text_of(plot)
    hsw2v.resume(checkpoint)
    assert " of 6,000 tokens" not in text_of(plot)
    assert "6,000 tokens; resumed in epoch" in text_of(plot)


def test_a_training_that_is_resumed_draws_where_it_is_told(tmp_path: Path) -> None:
    checkpoint, plot = interrupted(tmp_path)
    before, other = plot.read_bytes(), tmp_path / "other.svg"
    other.touch()
    assert "exists" in complaint("resume", checkpoint, "--plot", other, code=7)
    run("resume", checkpoint, "--plot", tmp_path / "new.svg", "--quiet")
    assert plot.read_bytes() == before
    assert "6,000 tokens; resumed" in text_of(tmp_path / "new.svg")


def test_the_command_line_draws(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.txt")
    common = ("train", "corpus.txt", "--dim", 8, "--epochs", 2, "--quiet")
    run(*common, "--plot", "run.png", cwd=tmp_path)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert "exists" in complaint(*common, "-o", "b", "--plot", "run.png", cwd=tmp_path, code=7)


def test_figures_are_checked_before_any_work(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.txt")
    common = ("train", "corpus.txt", "--quiet")
    told = complaint(*common, "--plot", "run.pdf", cwd=tmp_path, code=2)
    assert told == "run.pdf: is not the name of a figure; let it end in .png or .svg"
    told = complaint(*common, "-o", "a.svg", "--plot", "a.svg", cwd=tmp_path, code=2)
    assert told == "a.svg: the figure and the model are the same file; name two"
    told = complaint(*common, "--log-json", "a.svg", "--plot", "a.svg", cwd=tmp_path, code=2)
    assert told == "a.svg: the figure and the log are the same file; name two"
    assert [one.name for one in tmp_path.iterdir()] == ["corpus.txt"]
    with pytest.raises(UsageError, match="not the name of a figure"):
        hsw2v.train("nothing.txt", plot=tmp_path / "run.pdf")
    (tmp_path / "old.svg").touch()
    with pytest.raises(OutputExistsError):
        hsw2v.train("nothing.txt", plot=tmp_path / "old.svg")
