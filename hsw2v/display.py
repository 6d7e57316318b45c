"""Ways of showing a run to a person: a bar, plain lines, or nothing."""

from __future__ import annotations

import re
import sys
import time
from functools import cached_property
from typing import Any

from hsw2v.config import CLASSES, TREE_LOSSES
from hsw2v.events import (
    CheckpointWritten,
    ClassesReady,
    CorpusProgress,
    DiagnosisProgress,
    EpochEnd,
    Event,
    GraphReady,
    HeldoutProgress,
    LabelsProgress,
    LoadingProgress,
    MapProgress,
    Notice,
    PhrasesProgress,
    PhrasesReady,
    Resumed,
    RunBegin,
    RunEnd,
    ScoringProgress,
    TrainingProgress,
    TreeProgress,
    TreeReady,
    VectorsProgress,
    VocabularyReady,
    WalkProgress,
)

SECONDS_BETWEEN_LINES = 5.0
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


PROGRESS: dict[type[Event], tuple[str, str]] = {
    CorpusProgress: ("bytes_read", "bytes_total"),
    WalkProgress: ("walks", "walks_total"),
    PhrasesProgress: ("done", "total"),
    TreeProgress: ("done", "total"),
    TrainingProgress: ("tokens", "tokens_total"),
    ScoringProgress: ("tokens", "tokens_total"),
    VectorsProgress: ("done", "total"),
    LoadingProgress: ("done", "total"),
    LabelsProgress: ("trials", "trials_total"),
    DiagnosisProgress: ("windows", "windows_total"),
    MapProgress: ("iterations", "iterations_total"),
    HeldoutProgress: ("blocks", "blocks_total"),
}
"""Events of work under way, with their fields for how much is done, and of how much."""


class Display:
    """Shows events; this one nothing, for --quiet."""

    def show(self, event: Event) -> None:
        """Show how far work is."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Remove what does not stay."""


class Lines(Display):
    """A plain line every few seconds: for logs and pipes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES

    def show(self, event: Event) -> None:
        """Print the event, unless the last one is only seconds old."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self.say(describe(event))

    def say(self, line: str) -> None:
        """Print a line, in one write with its end: an interrupt must not come between."""
        print(f"{shown(line)}\n", end="", file=sys.stderr, flush=True)


class Bar(Display):
    """A progress bar: for terminals."""

    layout = "{percentage:3.0f}% |{bar:10}| {desc}"

    def __init__(self) -> None:
        self._bar: Any = None
        self._kind: type[Event] | None = None

    @cached_property
    def _tqdm(self) -> Any:
        from tqdm import tqdm

        return tqdm

    def show(self, event: Event) -> None:
        """Move the bar to where the event is."""
        done, total = (getattr(event, name) for name in PROGRESS[type(event)])
        if type(event) is not self._kind:
            self._open(type(event), total)
        self._bar.n, self._bar.total = min(done, total) if total else done, total
        self._bar.set_description_str(short(event), refresh=False)
        self._bar.refresh()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._tqdm.write(shown(line), file=sys.stderr)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = self._kind = None

    def _open(self, kind: type[Event], total: int | None) -> None:
        self.close()
        layout = self.layout if total else "{desc}"
        self._bar = self._tqdm(total=total, leave=False, bar_format=layout, file=sys.stderr)
        self._kind = kind


class NotebookBar(Bar):
    """The same as a widget, whose width is that of the notebook."""

    layout = "{percentage:3.0f}% |{bar}| {desc}"

    @cached_property
    def _tqdm(self) -> Any:
        from tqdm.auto import tqdm

        return tqdm


def display_here() -> Display:
    """Return the display for where this runs: a notebook, a terminal, or neither."""
    if "IPython" in sys.modules and _has_widgets():
        return NotebookBar()
    return Bar() if sys.stderr.isatty() else Lines()


def _has_widgets() -> bool:
    """Tell whether tqdm finds a notebook here, with widgets."""
    from tqdm.auto import tqdm

    return any(one.__module__ == "tqdm.notebook" for one in tqdm.__mro__)


def shown(text: str) -> str:
    """Return text with escapes for the control characters by which a terminal could be driven.

    Line feeds and tabs stay.
    """
    return _CONTROLS.sub(lambda control: f"\\x{ord(control[0]):02x}", text)


_A_LINE = {
    "edges": "two nodes a line",
    "weighted": "two nodes and a weight a line",
    "adjacency": "a node and its neighbours a line",
}


def describe(event: Event) -> str:
    """Return an event as one line."""
    if isinstance(event, Notice):
        return f"note: {event.message}"
    if isinstance(event, CorpusProgress):
        size = f"{event.bytes_read / 1e6:,.0f}"
        if event.bytes_total:
            size += f" of {event.bytes_total / 1e6:,.0f}"
        return f"reading: {size} MB, {event.tokens:,} tokens, {event.types:,} types"
    if isinstance(event, GraphReady):
        kind = "directed" if event.directed else "undirected"
        nodes, edges = ("" if one == 1 else "s" for one in (event.nodes, event.edges))
        return (
            f"graph: {event.nodes:,} node{nodes}, {event.edges:,} edge{edges}, {kind}, read as "
            f"{event.graph_format}, {_A_LINE[event.graph_format]} (--graph-format), in "
            f"{event.seconds:.1f} s"
        )
    if isinstance(event, WalkProgress):
        speed = event.walks / event.seconds if event.seconds else 0.0
        return f"walking: {event.walks:,} of {event.walks_total:,} walks, {speed:,.0f} walks/s"
    if isinstance(event, PhrasesProgress):
        where = f", pass {event.number} of {event.passes}" if event.passes > 1 else ""
        return f"phrases: {event.stage}, {event.done:,} of {event.total:,} tokens{where}"
    if isinstance(event, PhrasesReady):
        found = " and ".join(f"{count:,}" for count in event.phrases)
        return (
            f"phrases: {found}, joined in {event.seconds:.1f} s; {event.tokens:,} tokens of "
            f"{event.types:,} types are left"
        )
    if isinstance(event, VocabularyReady):
        share = event.tokens_in_vocabulary / event.tokens if event.tokens else 0.0
        return (
            f"corpus: {event.tokens:,} tokens in {event.sentences:,} sentences, "
            f"{event.words:,} of {event.types:,} types are words ({share:.1%} of the tokens), "
            f"read in {event.seconds:.1f} s"
        )
    if isinstance(event, TreeProgress):
        objective = "" if event.objective is None else f", likelihood {event.objective:.5f}"
        what = "classes" if event.tree in CLASSES else "tree"
        return f"{event.tree} {what}: {event.stage}, {event.done:,} of {event.total:,}{objective}"
    if isinstance(event, TreeReady):
        objective = (
            "" if event.objective is None else f", likelihood {event.objective:.5f} nats a bigram"
        )
        name = f"{event.tree} tree" if event.trees == 1 else f"{event.trees} {event.tree} trees"
        return (
            f"{name}: mean path length {event.mean_length:.2f} "
            f"({event.trained_length:.2f} of it trained), maximum {event.longest}, "
            f"entropy {event.entropy:.2f}{objective}; built in {event.seconds:.1f} s"
        )
    if isinstance(event, ClassesReady):
        plural = "" if event.count == 1 else "es"
        return (
            f"{event.classes} classes: {event.count:,} class{plural}, "
            f"{event.mean_rows:.0f} output vectors per target ({event.trained_rows:.0f} of them "
            f"trained), maximum {event.count + event.largest:,}; built in {event.seconds:.1f} s"
        )
    if isinstance(event, TrainingProgress):
        loss = "" if event.loss is None else f", {_named_loss(event.output)} {event.loss:.4f}"
        return (
            f"epoch {event.epoch}/{event.epochs}, {event.tokens_per_second:,.0f} words/s, "
            f"learning rate {event.lr:.5f}{loss}, {clock(event.seconds_left)} left"
        )
    if isinstance(event, ScoringProgress):
        speed = event.tokens / event.seconds if event.seconds else 0.0
        return f"scoring: {event.tokens:,} of {event.tokens_total:,} tokens, {speed:,.0f} words/s"
    if isinstance(event, VectorsProgress):
        of = "" if event.total is None else f" of {event.total:,}"
        speed = event.done / event.seconds if event.seconds else 0.0
        return f"{event.stage}: {event.done:,}{of}, {speed:,.0f}/s"
    if isinstance(event, LoadingProgress):
        if event.stage == "reading":
            of = "" if event.total is None else f" of {event.total / 1e6:,.0f}"
            return f"loading: {event.done / 1e6:,.0f}{of} MB"
        return f"loading: {event.stage}, {event.done:,} of {event.total:,} words"
    if isinstance(event, HeldoutProgress):
        return f"held-out loss: {event.blocks:,} of {event.blocks_total:,} blocks"
    if isinstance(event, LabelsProgress):
        return f"labels: {event.trials:,} of {event.trials_total:,} trials"
    if isinstance(event, DiagnosisProgress):
        return f"diagnosing: {event.windows:,} of {event.windows_total:,} windows"
    if isinstance(event, MapProgress):
        return f"map: {event.iterations:,} of {event.iterations_total:,} iterations"
    if isinstance(event, EpochEnd):
        parts = [f"epoch {event.epoch}/{event.epochs} done in {event.seconds:.1f} s"]
        if event.loss is not None:
            parts.append(f"{_named_loss(event.output)} {event.loss:.4f}")
        if event.heldout_loss is not None:
            parts.append(f"held-out loss {event.heldout_loss:.4f}")
        if event.heldout_perplexity is not None:
            parts.append(f"held-out perplexity {event.heldout_perplexity:,.2f}")
        return ", ".join(parts)
    if isinstance(event, Resumed):
        return f"going on in epoch {event.epoch}, after {event.block:,} of its blocks"
    if isinstance(event, CheckpointWritten):
        return f"checkpoint written to {event.checkpoint} in {event.seconds:.1f} s"
    if isinstance(event, RunBegin):
        return f"run {event.run} of {event.runs}: {event.setting}, seed {event.seed}"
    if isinstance(event, RunEnd):
        parts = [event.problem] if event.seconds is None else [f"{event.seconds:.1f} s"]
        if event.heldout_loss is not None:
            parts.append(f"held-out loss {event.heldout_loss:.4f}")
        parts += [f"{name} {one:.3f}" for name, one in event.quality.items() if one is not None]
        return f"run {event.run} of {event.runs} done: {', '.join(parts)}"
    return str(event)


def _named_loss(output: str) -> str:
    """Return what to call the loss of an output layer: by its name, but for that of a tree."""
    return "loss" if output in TREE_LOSSES else f"{output} loss"


def short(event: Event) -> str:
    """Return progress as a line that leaves room for a bar within 80 columns."""
    if not isinstance(event, TrainingProgress):
        return describe(event)
    parts = [f"{event.epoch}/{event.epochs}", f"{event.tokens_per_second / 1e6:.2f}M words/s"]
    parts.append(f"lr {event.lr:.4f}")
    if event.loss is not None:
        parts.append(f"{'loss' if event.output in TREE_LOSSES else event.output} {event.loss:.3f}")
    return " · ".join([*parts, clock(event.seconds_left)])


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
