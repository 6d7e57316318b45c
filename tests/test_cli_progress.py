"""What is shown of a run while it works."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from hsw2v import display, events
from hsw2v.cli.progress import Progress
from hsw2v.config import Config, TrainingConfig
from hsw2v.display import Lines, clock, describe, short
from hsw2v.errors import EmptyCorpusError
from hsw2v.network.network import Network
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.training.log import Log
from hsw2v.training.report import Report
from hsw2v.training.state import TrainingState

TRAINING = events.TrainingProgress(
    epoch=2,
    epochs=5,
    tokens=1_500_000,
    tokens_total=5_000_000,
    tokens_per_second=1_234_567.8,
    lr=0.0175,
    output="hs",
    loss=3.25,
    seconds=1.2,
    seconds_left=75.4,
)


def test_progress_fits_a_terminal_of_80_columns_with_its_bar() -> None:
    long = dataclasses.replace(TRAINING, epoch=1172, epochs=1200, loss=10.4119)
    long = dataclasses.replace(long, tokens_per_second=11_884_786.0, seconds_left=35_999.0)
    bar = "100% |" + 10 * "x" + "| "
    assert len(bar + short(long)) <= 80
    assert "loss 10.412" in short(long)
    sampled = dataclasses.replace(long, output="ns")
    assert len(bar + short(sampled)) <= 80
    assert "ns 10.412" in short(sampled)


def test_training_is_told_by_epoch_speed_rate_loss_and_time_left() -> None:
    assert describe(TRAINING) == (
        "epoch 2/5, 1,234,568 words/s, learning rate 0.01750, loss 3.2500, 1:15 left"
    )


def test_reading_is_told_in_megabytes_also_when_the_size_is_unknown() -> None:
    known = events.CorpusProgress(5_000_000, 20_000_000, 900_000, 1_000, 0.1)
    assert describe(known) == "reading: 5 of 20 MB, 900,000 tokens, 1,000 types"
    unknown = events.CorpusProgress(5_000_000, None, 900_000, 1_000, 0.1)
    assert describe(unknown) == "reading: 5 MB, 900,000 tokens, 1,000 types"


def test_the_end_of_an_epoch_tells_the_heldout_loss_if_there_is_one() -> None:
    assert describe(events.EpochEnd(1, 2, "hs", 3.0, None, None, 10, 1.5)) == (
        "epoch 1/2 done in 1.5 s, loss 3.0000"
    )
    assert describe(events.EpochEnd(1, 2, "hs", None, 4.0, 54.598, 10, 1.5)) == (
        "epoch 1/2 done in 1.5 s, held-out loss 4.0000, held-out perplexity 54.60"
    )


def test_a_loss_that_is_not_of_probabilities_is_named() -> None:
    assert describe(events.EpochEnd(1, 2, "ns", 3.0, None, None, 10, 1.5)) == (
        "epoch 1/2 done in 1.5 s, ns loss 3.0000"
    )
    assert "ns loss 3.2500" in describe(dataclasses.replace(TRAINING, output="ns"))


def test_a_tree_is_told_by_its_cost_and_objective() -> None:
    ready = events.TreeReady("brown", 1, 13.77, 7.214, 25, 13.333, -6.5414, 10.04)
    assert describe(ready) == (
        "brown tree: mean path length 13.77 (7.21 of it trained), maximum 25, entropy 13.33, "
        "likelihood -6.54140 nats a bigram; built in 10.0 s"
    )
    assert "likelihood" not in describe(dataclasses.replace(ready, objective=None))
    several = dataclasses.replace(ready, tree="semantic", trees=2)
    assert describe(several).startswith("2 semantic trees: mean path length 13.77")
    growing = events.TreeProgress("brown", "exchanging", 1_000, 83_391, -6.55, 3.0)
    assert describe(growing) == "brown tree: exchanging, 1,000 of 83,391, likelihood -6.55000"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05"), (-1, "0:00")]
)
def test_durations_are_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_notice_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        for _ in range(3):
            progress.listen(events.Notice("two bytes were replaced"))
    assert capsys.readouterr().err == "note: two bytes were replaced\n"


def test_plain_lines_come_seconds_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(display.time, "monotonic", lambda: now)
    lines = Lines()
    for step in range(241):
        now = step / 10
        lines.show(TRAINING)
    assert len(capsys.readouterr().err.splitlines()) == 4


def heard_at_the_end(heldout_loss: float | None) -> events.EpochEnd:
    """Return what is told of an epoch that came to a held-out loss."""
    told: list[events.Event] = []
    network = Network.initial(TrainingConfig(dim=1), 1, SoftmaxOutput(1))
    report = Report(told.append, 1, 100, TrainingState(network, losses=np.ones((1, 3))))
    report.begin([0.1])
    report.end(heldout_loss)
    (end,) = told
    assert isinstance(end, events.EpochEnd)
    return end


def test_a_perplexity_beyond_a_float_is_none_and_not_shown() -> None:
    assert heard_at_the_end(709.0).heldout_perplexity == pytest.approx(math.exp(709.0))
    assert heard_at_the_end(None).heldout_perplexity is None
    end = heard_at_the_end(5053.0)
    assert (end.heldout_loss, end.heldout_perplexity) == (5053.0, None)
    assert describe(end).endswith("held-out loss 5053.0000")


def test_a_log_is_json_whatever_the_numbers_are(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with Log(str(path)) as log:
        log.listen(heard_at_the_end(math.inf))
        rows = [{"depth": 0, "loss": math.nan, "error": 0.5}]
        log.listen(events.GradientsRecorded(1, 0, 0, "hs", rows, [], {"loss": -math.inf}))
    end, recorded = (
        json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()
    )
    assert (end["loss"], end["heldout_loss"]) == (1.0, None)
    assert recorded["by_depth"] == [{"depth": 0, "loss": None, "error": 0.5}]
    assert recorded["totals"] == {"loss": None}


def test_a_log_of_a_run_that_failed_ends_with_the_error(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"

    def run() -> None:
        with Progress(quiet=True, log=str(path)) as progress:
            progress.begin(Config())
            progress.listen(TRAINING)
            raise EmptyCorpusError("nothing there")

    with pytest.raises(EmptyCorpusError):
        run()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["type"] for one in records] == ["Settings", "TrainingProgress", "Error"]
    assert records[1]["loss"] == 3.25
    assert records[2]["message"] == "nothing there"


def test_a_run_that_fails_before_it_begins_leaves_no_log(tmp_path: Path) -> None:
    def run() -> None:
        with Progress(quiet=True, log=str(tmp_path / "log.jsonl")) as progress:
            progress.begin(Config())
            raise EmptyCorpusError("nothing there")

    with pytest.raises(EmptyCorpusError):
        run()
    assert list(tmp_path.iterdir()) == []


def test_gradients_are_for_the_log_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", -1.0)
    log = tmp_path / "log.jsonl"
    with Progress(log=str(log)) as progress:
        progress.listen(events.GradientsRecorded(1, 0, 0, "hs", [{"depth": 0}], [], {"error": 0.5}))
        progress.listen(events.DiagnosisProgress(1_000, 10_000, 0.1))
    assert capsys.readouterr().err == "diagnosing: 1,000 of 10,000 windows\n"
    assert json.loads(log.read_text().splitlines()[1])["by_depth"] == [{"depth": 0}]
