"""What a training run shows while it works: a bar, plain lines, or a log of JSON lines."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from types import TracebackType
from typing import Any, Protocol, TextIO

from hsw2v import events
from hsw2v.config import Config
from hsw2v.errors import Hsw2vError
from hsw2v.files import explain_write_error

SECONDS_BETWEEN_LINES = 5.0
SECONDS_UNTIL_PATIENCE = 3.0


class Display(Protocol):
    """Something that shows events."""

    def show(self, event: events.Event) -> None:
        """Show an event."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Take down what does not stay."""


class Lines:
    """A plain line every few seconds: for logs and pipes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES

    def show(self, event: events.Event) -> None:
        """Print the event if the last one is some seconds past."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self.say(describe(event))

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Do nothing: lines stay."""


class Bar:
    """A bar that moves: for terminals."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._kind: type[events.Event] | None = None

    def show(self, event: events.Event) -> None:
        """Move the bar to where the event is."""
        if isinstance(event, events.CorpusProgress):
            done, total = event.bytes_read, event.bytes_total
        elif isinstance(event, events.TrainingProgress):
            done, total = event.tokens, event.tokens_total
        else:
            return
        if type(event) is not self._kind:
            self._open(type(event), total)
        self._bar.n = min(done, total) if total else done
        self._bar.set_description_str(describe(event), refresh=False)
        self._bar.refresh()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self._kind = None

    def _open(self, kind: type[events.Event], total: int | None) -> None:
        from tqdm import tqdm

        self.close()
        layout = "{percentage:3.0f}% |{bar:20}| {desc}" if total else "{desc}"
        self._bar = tqdm(total=total, leave=False, bar_format=layout, file=sys.stderr)
        self._kind = kind


class Silence:
    """Nothing."""

    def show(self, event: events.Event) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Log:
    """A file of JSON objects, one a line; it appears when there is something to tell."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream: TextIO | None = None

    def write(self, kind: str, **fields: Any) -> None:
        """Add a line.

        Raises:
            OutputError, DiskFullError: it cannot be written.
        """
        try:
            if self._stream is None:
                self._stream = open(self._path, "w", encoding="utf-8")  # noqa: SIM115
            self._stream.write(json.dumps({"type": kind, **fields}) + "\n")
            self._stream.flush()
        except OSError as error:
            raise explain_write_error(error, self._path) from error

    @property
    def is_open(self) -> bool:
        """Tell whether there is a line yet."""
        return self._stream is not None

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


class Progress:
    """Shows a run to the person at the terminal, and to a log if there is one.

    A context manager whose `listen` is the listener of the run.
    """

    def __init__(self, *, quiet: bool = False, log: str | None = None) -> None:
        self._display: Display = Silence() if quiet else Bar() if sys.stderr.isatty() else Lines()
        self._log = Log(log) if log else None
        self._settings: dict[str, Any] = {}
        self._notices: set[str] = set()
        self._tokens = 0
        self._patience: threading.Timer | None = None

    def __enter__(self) -> Progress:
        self._await_compiler()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_waiting()
        self._display.close()
        if self._log:
            if isinstance(error, Hsw2vError) and self._log.is_open:
                self._log.write("error", message=str(error), exit_code=error.exit_code)
            self._log.close()

    def begin(self, config: Config, **facts: Any) -> None:
        """Keep the resolved settings: they are the first line of the log."""
        self._settings = {"config": config.to_dict(), **facts}

    def listen(self, event: events.Event) -> None:
        """Show an event."""
        self._stop_waiting()
        self._record(type(event).__name__, **dataclasses.asdict(event))
        if isinstance(event, events.Notice):
            if event.message not in self._notices:
                self._notices.add(event.message)
                self._display.say(f"note: {event.message}")
        elif isinstance(event, (events.VocabularyReady, events.EpochEnd)):
            if isinstance(event, events.VocabularyReady):
                self._tokens = event.tokens
                self._display.close()
                self._await_compiler()
            self._display.say(describe(event))
        else:
            self._display.show(event)

    def say(self, line: str) -> None:
        """Show a line."""
        self._display.say(line)

    def end(self, *, words: int, dim: int, seconds: float, output: str) -> None:
        """Show the summary: the last line."""
        self._display.close()
        tokens = self._tokens
        self._record("Summary", words=words, dim=dim, tokens=tokens, seconds=seconds, output=output)
        self._display.say(
            f"{output}: {words:,} words × {dim} dimensions from {tokens:,} tokens "
            f"in {seconds:.1f} s"
        )

    def _record(self, kind: str, **fields: Any) -> None:
        if self._log:
            if not self._log.is_open:
                self._log.write("Settings", **self._settings)
            self._log.write(kind, **fields)

    def _await_compiler(self) -> None:
        self._patience = threading.Timer(
            SECONDS_UNTIL_PATIENCE,
            lambda: self._display.say("compiling for this machine (only the first time) ..."),
        )
        self._patience.daemon = True
        self._patience.start()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def describe(event: events.Event) -> str:
    """Return an event as one line."""
    if isinstance(event, events.CorpusProgress):
        size = f"{event.bytes_read / 1e6:,.0f}"
        if event.bytes_total:
            size += f" of {event.bytes_total / 1e6:,.0f}"
        return f"reading: {size} MB, {event.tokens:,} tokens, {event.types:,} types"
    if isinstance(event, events.VocabularyReady):
        share = event.tokens_in_vocabulary / event.tokens if event.tokens else 0.0
        return (
            f"corpus: {event.tokens:,} tokens in {event.sentences:,} sentences, "
            f"{event.words:,} of {event.types:,} types are words ({share:.1%} of the tokens), "
            f"read in {event.seconds:.1f} s"
        )
    if isinstance(event, events.TrainingProgress):
        loss = "" if event.loss is None else f", loss {event.loss:.4f}"
        return (
            f"epoch {event.epoch}/{event.epochs}, {event.tokens_per_second:,.0f} words/s, "
            f"learning rate {event.lr:.5f}{loss}, {clock(event.seconds_left)} left"
        )
    if isinstance(event, events.EpochEnd):
        parts = [f"epoch {event.epoch}/{event.epochs} done in {event.seconds:.1f} s"]
        if event.loss is not None:
            parts.append(f"loss {event.loss:.4f}")
        if event.heldout_loss is not None:
            parts.append(f"held-out loss {event.heldout_loss:.4f}")
        if event.heldout_perplexity is not None:
            parts.append(f"held-out perplexity {event.heldout_perplexity:,.2f}")
        return ", ".join(parts)
    return str(event)


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
