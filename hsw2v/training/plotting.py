"""The course of a training as a figure: loss, speed and learning rate over the tokens passed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hsw2v.errors import Hsw2vError, UsageError
from hsw2v.events import (
    ClassesReady,
    EpochEnd,
    Event,
    Listener,
    Notice,
    Resumed,
    TrainingProgress,
    TreeReady,
    ignore,
    to_each,
)
from hsw2v.files import read_text
from hsw2v.plots import COLOURS, Path, check_figure, draw_lines, figure_file
from hsw2v.records import records

POINTS = 200
"""The most points of a line: the rest is averaged."""
MARKED = 25
"""The most points that have a marker each."""
_DRAWN = {one.__name__: one for one in (TrainingProgress, EpochEnd, TreeReady, ClassesReady)}


@dataclass
class Point:
    """A stretch of training, up to some token."""

    tokens: int
    seconds: float
    speed: float
    """Tokens a second, over all of training so far."""
    lr: float
    output: str
    losses: list[float]

    @property
    def loss(self) -> float | None:
        """The mean of its losses, if there are any."""
        return sum(self.losses) / len(self.losses) if self.losses else None


class TrainingPlot:
    """Draws what a training tells its listener, when the training ends or is interrupted.

    A context manager whose `listen` is a listener:

        with TrainingPlot("run.svg") as plot:
            hsw2v.train("corpus.txt", listener=plot.listen)

    `hsw2v.train("corpus.txt", plot="run.svg")` does this.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        """Draw to a file, .png or .svg.

        Raises:
            UsageError, OutputExistsError, OutputError: as `plots.check_figure`.
        """
        check_figure(path, force=force)
        self._path, self._force = path, force
        self._beside: Listener = ignore
        self.points: list[Point] = []
        self.epochs: list[EpochEnd] = []
        self.changes: list[tuple[int, str]] = []
        """Where another tree, other classes or another output layer took over."""
        self._tokens = self._tokens_total = 0
        self._resumed: Resumed | None = None
        """Where the first events are of a training that goes on, and not of its beginning."""

    def listen(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, TrainingProgress):
            self._forget_from(event.tokens)
            self._add(event)
        elif isinstance(event, EpochEnd):
            self._forget_from(event.tokens)
            self.epochs.append(event)
            self._tokens_total = event.tokens // event.epoch * event.epochs
        elif isinstance(event, TreeReady | ClassesReady) and self._tokens:
            name = event.tree if isinstance(event, TreeReady) else event.classes
            what = "tree" if isinstance(event, TreeReady) else "classes"
            self.changes.append((self._tokens, f"{name} {what}"))
        elif isinstance(event, Resumed) and not self.points and not self.epochs:
            self._resumed = event
        if isinstance(event, TrainingProgress | EpochEnd):
            self._tokens = event.tokens

    def beside(self, listener: Listener) -> Listener:
        """Return a listener that takes note of an event, and tells another one, too."""
        self._beside = listener
        return to_each(self.listen, listener)

    def read_log(self, log: Path) -> None:
        """Take note of the events that `--log-json` wrote; damaged lines are passed over.

        Raises:
            MissingInputError, EncodingError, CorruptInputError: the file cannot be read.
            UsageError: it holds nothing of a training.
        """
        for event in _logged(read_text(os.fspath(log))):
            self.listen(event)
        if not self.points and not self.epochs:
            raise UsageError(
                "holds no course of a training",
                where=os.fspath(log),
                hint="train with --log-json FILE",
            )

    def recall(self, notes: Mapping[str, Any]) -> None:
        """Take note of what the log of a training that is resumed knows, if there is one."""
        if isinstance(log := notes.get("log_json"), str):
            with contextlib.suppress(Hsw2vError):
                self.read_log(log)

    def _forget_from(self, tokens: int) -> None:
        """Forget what was beyond a token: training was taken back there, or begins again."""
        if tokens < self._tokens:
            self.points = [one for one in self.points if one.tokens < tokens]
            self.epochs = [one for one in self.epochs if one.tokens < tokens]
            self.changes = [one for one in self.changes if one[0] < tokens]

    def _add(self, event: TrainingProgress) -> None:
        self._tokens_total = event.tokens_total
        last = self.points[-1] if self.points else None
        if last is not None and last.output != event.output:
            self.changes.append((last.tokens, f"{event.output} takes over"))
        losses = [] if event.loss is None else [event.loss]
        point = Point(
            *(event.tokens, event.seconds, event.tokens_per_second, event.lr, event.output), losses
        )
        width = max(1, event.tokens_total // POINTS)
        if (
            last is not None
            and last.output == event.output
            and last.tokens // width == event.tokens // width
        ):
            point.losses = last.losses + losses
            self.points.pop()
        self.points.append(point)

    def __enter__(self) -> TrainingPlot:
        """Return itself."""
        return self

    def __exit__(self, *ending: object) -> None:
        """Draw what there is. A figure that cannot be written costs no model: a note says so."""
        if not self.points and not self.epochs:
            return
        try:
            self._draw()
        except Hsw2vError as problem:
            self._beside(Notice(f"there is no figure of the training: {problem}"))

    def _draw(self) -> None:
        heldout = [one for one in self.epochs if one.heldout_loss is not None]
        with figure_file(self._path, columns=3, force=self._force) as (figure, panels):
            figure.suptitle(self.title())
            loss, speed, rate = panels[0]
            for output in dict.fromkeys(one.output for one in self.points):
                self._line(loss, f"loss {output}", self._losses(output))
            self._line(
                loss, "mean of an epoch", [(one.tokens, one.loss) for one in self.epochs], dots=True
            )
            if heldout:
                held = [(one.tokens, one.heldout_loss) for one in heldout]
                self._line(loss, "held-out loss", held, marked=True)
            self._line(speed, "thousand words/s", list(self.speeds()))
            self._line(rate, "learning rate", [(one.tokens, one.lr) for one in self.points])
            loss.set_title("loss of a prediction, nats")
            for panel in (loss, speed, rate):
                self._mark_changes(panel)
                panel.set_xlim(0.0, 1.01 * max(self._tokens_total, self._tokens) / 1e6)
            speed.set_ylim(bottom=0.0)
            rate.set_ylim(bottom=0.0)
            figure.legend(*loss.get_legend_handles_labels(), loc="outside lower center", ncols=6)

    def _line(
        self,
        panel: Any,
        name: str,
        found: list[tuple[int, float | None]],
        *,
        marked: bool = False,
        dots: bool = False,
    ) -> None:
        style = {} if marked or dots or len(found) <= MARKED else {"marker": ""}
        if dots:
            style = {"linestyle": "none"}
        x, lines = [tokens / 1e6 for tokens, _ in found], {name: [y for _, y in found]}
        draw_lines(panel, name, "million tokens passed", x, lines, **style)

    def _losses(self, output: str) -> list[tuple[int, float | None]]:
        """Return the loss of an output layer at each point, None where another one is trained."""
        return [(one.tokens, one.loss if one.output == output else None) for one in self.points]

    def speeds(self) -> Iterator[tuple[int, float | None]]:
        """Yield the speed since the point before; at the first the mean until then."""
        before: Point | None = None
        for one in self.points:
            speed: float | None = one.speed
            if before is not None:
                seconds = one.seconds - before.seconds
                speed = (one.tokens - before.tokens) / seconds if seconds > 0 else None
            yield one.tokens, None if speed is None else speed / 1e3
            before = one

    def _mark_changes(self, panel: Any) -> None:
        for number, name in enumerate(dict.fromkeys(name for _, name in self.changes)):
            style = {"color": COLOURS[-1], "marker": "", "linewidth": 0.9}
            style["linestyle"] = (":", "--", "-.")[number % 3]
            for tokens in [tokens for tokens, one in self.changes if one == name]:
                panel.axvline(tokens / 1e6, label=name, **style)
                name = f"_{name}"  # One line of the legend for all of them.

    def title(self) -> str:
        """Return how far training came, and what is not known of it."""
        done = f"{self._tokens:,} of {self._tokens_total:,} tokens"
        if self._tokens >= self._tokens_total:
            done = f"{self._tokens:,} tokens"
        if self.points:
            done += f", {self.points[-1].seconds:,.1f} s"
        if self._resumed:
            done += f"; resumed in epoch {self._resumed.epoch}, without what was before"
        return done


def _logged(text: str) -> Iterator[Event]:
    """Yield the events of a log that are drawn; other lines, and damaged ones, are passed over."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            fields = dict(json.loads(line))
            (event,) = records(_DRAWN[fields.pop("type")], [fields])
            if min(fields.get("epoch", 1), fields.get("tokens_total", 1)) > 0:
                yield event


def plot_again(
    notes: Mapping[str, Any], path: Path | None, listener: Listener, *, force: bool
) -> TrainingPlot | None:
    """Return the figure of a training that is resumed: `path`, or else the one of its notes.

    Where the latter cannot be drawn any more, a note says so, and training goes on without.

    Raises:
        UsageError, OutputExistsError, OutputError: as `plots.check_figure`, of `path`.
    """
    if path is not None:
        plot = TrainingPlot(path, force=force)
    elif isinstance(known := notes.get("plot"), str):
        try:
            plot = TrainingPlot(known, force=True)
        except Hsw2vError as problem:
            listener(Notice(f"there will be no figure of the training: {problem}"))
            return None
    else:
        return None
    plot.recall(notes)
    return plot
