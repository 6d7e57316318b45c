"""A long training on a text from a pipe, through a kill and a resume, watched from outside."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from generated import zipf

from hsw2v.training import checkpoint
from hsw2v.training.output import folder_of

POLL_SECONDS = 0.2
GROWTH, SLACK = 1.02, 8_000_000
"""Memory is flat if it grows by no more than this factor and these bytes."""
SLOWER = 0.9
"""Speed does not fall if no less than this share of it is left."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Moment(NamedTuple):
    """What is known of a training at some moment."""

    run: int
    """The process: 0 until the kill, 1 after it."""
    share: float
    """Of all training that is done."""
    tokens: int
    seconds: float
    """Of training."""
    loss: float | None
    processor: float
    """Seconds of processor time that the process has taken, in all its threads."""
    anonymous: int
    """Bytes of memory that no file stands behind."""
    resident: int
    """Bytes of physical memory, with what is mapped of files."""


@dataclass
class Soaked:
    """What came of a soak."""

    reading: float
    """Seconds from the beginning to the vocabulary."""
    moments: list[Moment] = field(default_factory=list)

    def rows(self, parts: int = 10) -> list[dict[str, float]]:
        """Return figures of equal parts of the training, in order; those without a moment lack."""
        rows = []
        for part in range(parts):
            inside = [one for one in self.moments if part <= one.share * parts < part + 1]
            if len(inside) > 1:
                rows.append(
                    {
                        "run": inside[-1].run + 1,
                        "tokens": inside[-1].tokens,
                        "speed": _speed(inside, "seconds"),
                        "processor_speed": _speed(inside, "processor"),
                        "loss": _loss(inside),
                        "anonymous": max(one.anonymous for one in inside),
                        "resident": max(one.resident for one in inside),
                    }
                )
        return rows

    def problems(self) -> list[str]:
        """Return what is not as it should be: memory that grows, speed that falls, and loss that
        does not.

        Memory is compared within the process that went on: all pages of its tables are in use.
        Speed falls if it does by the clock and by processor time: other programs on the machine
        change the one, and how the system counts the other.
        """
        found = []
        resumed = [one for one in self.moments if one.run == 1]
        early, late = (max(one.anonymous for one in some) for some in _ends(resumed))
        if late > GROWTH * early + SLACK:
            found.append(f"memory grew from {early / 1e6:,.0f} MB to {late / 1e6:,.0f} MB")
        first, last = _ends(self.moments)
        if all(_speed(last, one) < SLOWER * _speed(first, one) for one in ("seconds", "processor")):
            before, after = (_speed(some, "seconds") for some in (first, last))
            found.append(f"speed fell from {before:,.0f} to {after:,.0f} words/s")
        if not _loss(last) < _loss(first):
            found.append(f"the loss was {_loss(first):.4f}, and then {_loss(last):.4f}")
        return found


def _ends(moments: Sequence[Moment]) -> tuple[Sequence[Moment], Sequence[Moment]]:
    """Return the first third and the last."""
    third = max(1, len(moments) // 3)
    return moments[:third], moments[-third:]


def _speed(moments: Sequence[Moment], clock: str) -> float:
    """Return the words a second of a clock, between the moments of each process."""
    tokens = seconds = 0.0
    for _, group in itertools.groupby(moments, lambda one: one.run):
        some = list(group)
        tokens += some[-1].tokens - some[0].tokens
        seconds += getattr(some[-1], clock) - getattr(some[0], clock)
    return tokens / seconds if seconds else float("nan")


def _loss(moments: Sequence[Moment]) -> float:
    return float(np.mean([one.loss for one in moments if one.loss is not None]))


def soak(
    folder: Path,
    *,
    tokens: int,
    types: int,
    options: Sequence[str],
    kill_at: float = 0.4,
    tell: Callable[[str], None] = lambda line: None,
) -> Soaked:
    """Train on a text by Zipf's law from a pipe; kill it, by SIGKILL, at a share, and go on.

    Raises:
        AssertionError: a training fails, is complete before it is killed, or leaves files behind.
    """
    model, log = folder / "m.safetensors", folder / "log.jsonl"
    kept = folder_of(model)
    begun = time.monotonic()
    command = ["train", "-", "-o", str(model), "--log-json", str(log), *options]
    with _begin(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        threading.Thread(target=_feed, args=(process.stdin, tokens, types), daemon=True).start()
        watch = _Watch(process, 0, log, tell)
        while not (watch.share >= kill_at and checkpoint.is_checkpoint(kept)):
            if watch.is_over():
                raise AssertionError(
                    "the training ended before there was a checkpoint to kill it at: take more "
                    "tokens, or lower --checkpoint-every or --kill-at"
                )
        process.kill()
    found = Soaked(watch.read_at - begun, watch.moments)
    tell(f"killed at {watch.share:.0%}; {kept.name} is there")
    with _begin(["resume", str(kept)]) as process:
        watch = _Watch(process, 1, log, tell)
        while not watch.is_over():
            pass
    if process.returncode or not model.exists():
        raise AssertionError(f"the training could not go on (exit code {process.returncode})")
    if not watch.moments:
        raise AssertionError("nothing was seen of the training that went on: take more tokens")
    found.moments += watch.moments
    if left := {one.name for one in folder.iterdir()} - {model.name, log.name}:
        raise AssertionError(f"files are left behind: {left}")
    return found


def _begin(command: Sequence[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "hsw2v", *command, "--quiet"], stdin=stdin)


def _feed(pipe: BinaryIO, tokens: int, types: int) -> None:
    try:
        with pipe:
            for part in zipf(tokens, types):
                pipe.write(part)
    except BrokenPipeError:
        return


class _Watch:
    """Looks at a process and its log now and then."""

    def __init__(
        self, process: subprocess.Popen[bytes], run: int, log: Path, tell: Callable[[str], None]
    ) -> None:
        self._process, self._run, self._log, self._tell = process, run, log, tell
        self._seen = log.stat().st_size if log.exists() else 0
        self._told = 0
        self.moments: list[Moment] = []
        self.read_at = float("nan")

    @property
    def share(self) -> float:
        """How much of the training is done."""
        return self.moments[-1].share if self.moments else 0.0

    def is_over(self) -> bool:
        """Look once more, after a while, and tell whether the process has ended."""
        over = self._process.poll() is not None
        if not over:
            time.sleep(POLL_SECONDS)
        for record in self._records():
            if record["type"] == "VocabularyReady":
                self.read_at = time.monotonic()
                self._tell(f"{record['tokens']:,} tokens read, {record['words']:,} words")
            elif record["type"] == "TrainingProgress" and (held := self._held()):
                share = record["tokens"] / record["tokens_total"]
                what = (record[name] for name in ("tokens", "seconds", "loss"))
                self.moments.append(Moment(self._run, share, *what, *held))
                if share * 10 >= self._told + 1:
                    self._told = int(share * 10)
                    self._tell(f"{share:.0%}: {self.moments[-1].anonymous / 1e6:,.0f} MB")
        return over

    def _records(self) -> list[dict[str, object]]:
        """Return the lines of the log that are new and whole."""
        if not self._log.exists():
            return []
        with open(self._log, "rb") as stream:
            stream.seek(self._seen)
            lines = stream.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        self._seen += sum(map(len, whole))
        return [json.loads(line) for line in whole]

    def _held(self) -> tuple[float, int, int] | None:
        """Return processor time and both sizes of memory of the process, if it is there still."""
        place = Path("/proc") / str(self._process.pid)
        try:
            status = (place / "status").read_text(encoding="utf-8")
            # After the name of the program, which may hold spaces.
            times = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        fields = dict(line.split(":", 1) for line in status.splitlines())
        if "RssAnon" not in fields:
            return None
        anonymous, resident = (1024 * int(fields[x].split()[0]) for x in ("RssAnon", "VmRSS"))
        return (int(times[11]) + int(times[12])) / _TICKS, anonymous, resident
