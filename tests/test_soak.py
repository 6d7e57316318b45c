"""Long trainings, in short: nothing grows, nothing slows, through a kill and a resume."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from soaking import Moment, Soaked, soak


def moments(**changed: list[float]) -> list[Moment]:
    """Return those of a training of ten parts, killed in the middle, with other figures."""
    given = {
        "loss": [10.0 - part / 10 for part in range(10)],
        "seconds": [float(part) for part in range(10)],
        "processor": [float(part) for part in range(10)],
        "anonymous": [5e8] * 10,
        **changed,
    }
    return [
        Moment(
            run=int(part >= 5),
            share=part / 10,
            tokens=1_000 * part,
            seconds=given["seconds"][part],
            loss=given["loss"][part],
            processor=given["processor"][part],
            anonymous=int(given["anonymous"][part]),
            resident=10**9,
        )
        for part in range(10)
    ]


def test_what_grows_or_slows_is_found() -> None:
    assert Soaked(1.0, moments()).problems() == []
    grown = moments(anonymous=[5e8 + 2e7 * part for part in range(10)])
    assert Soaked(1.0, grown).problems() == ["memory grew from 600 MB to 680 MB"]
    slower = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 20.0]
    assert Soaked(1.0, moments(seconds=slower)).problems() == []
    (fell,) = Soaked(1.0, moments(seconds=slower, processor=slower)).problems()
    assert fell == "speed fell from 1,000 to 154 words/s"
    (lost,) = Soaked(1.0, moments(loss=[1.0] * 10)).problems()
    assert lost.startswith("the loss was")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks into /proc")
def test_a_training_from_a_pipe_survives_a_kill(tmp_path: Path) -> None:
    # Slow enough to be looked at.
    slow = ("--model", "skipgram", "--dim", "200", "--optimizer", "adam", "--sample", "0")
    options = (*slow, "--epochs", "4", "--threads", "1", "--checkpoint-every", "0.005")
    found = soak(
        tmp_path,
        tokens=400_000,
        types=20_000,
        options=(*options, "--cache-dir", str(tmp_path)),
        kill_at=0.1,
    )
    assert {one.run for one in found.moments} == {0, 1}
    assert found.moments[-1].share > 0.5
    assert not [one for one in found.problems() if one.startswith("memory")]
    assert {row["run"] for row in found.rows(2)} <= {1, 2}
