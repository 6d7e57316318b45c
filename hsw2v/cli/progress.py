"""Progress of a run: at the terminal, and in a log."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hsw2v import events
from hsw2v.cli.garbage import search_as_usual
from hsw2v.cli.output import TYPED, WAITING
from hsw2v.config import Config
from hsw2v.display import Display
from hsw2v.errors import OutputError
from hsw2v.files import STDIN
from hsw2v.progress import ProgressListener
from hsw2v.training.log import Log

if TYPE_CHECKING:
    from hsw2v.model import Model


class Progress(ProgressListener):
    """Shows a run at the terminal, and writes it to a log if there is one.

    A context manager whose `listen` is the listener of the run.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        sources: Sequence[str] = (),
        log: str | None = None,
        append: bool = False,
    ) -> None:
        """Begin with nothing to show. `sources` is what is read: perhaps standard input."""
        super().__init__(Display() if quiet else None)
        self._log = Log(log, append=append) if log else None
        self._append = append
        self._settings: dict[str, Any] = {}
        self._reads_stdin = STDIN in sources

    def __enter__(self) -> Progress:
        if self._reads_stdin and sys.stdin.isatty():
            self._tell(TYPED)
        super().__enter__()
        return self

    def __exit__(self, *ending: Any) -> None:
        super().__exit__(*ending)
        if self._log:
            self._log.__exit__(*ending)

    def begin(self, config: Config, **facts: Any) -> None:
        """Keep the resolved settings: they are the first line of the log."""
        self._settings = {"config": config.to_dict(), **facts}

    def listen(self, event: events.Event) -> None:
        """Show an event, and log it. The first tells that the work has begun."""
        search_as_usual()
        if not isinstance(event, events.Notice):
            self._stop_waiting()
            self._reads_stdin = False
        self._record(type(event).__name__, **dataclasses.asdict(event))
        if isinstance(event, events.ScoringProgress) and sys.stdout.isatty():
            self._display.close()  # Answers are printed on the same terminal.
        else:
            super().listen(event)

    def end(self, model: Model, output: str, seconds: float) -> None:
        """Show the summary of a training, and make it the last line of the log."""
        words, dim, tokens = len(model), model.dim, model.info["corpus"]["tokens"]
        self._display.close()
        self._record("Summary", words=words, dim=dim, tokens=tokens, seconds=seconds, output=output)
        self._display.say(
            f"{output}: {words:,} words × {dim} dimensions from {tokens:,} tokens "
            f"in {seconds:.1f} s"
        )

    def _record(self, kind: str, **fields: Any) -> None:
        if self._log is None:
            return
        if not self._log.is_open and (self._settings or not self._append):
            self._log.write("Settings", **self._settings)
        begun = self._log.is_open
        try:
            self._log.write(kind, **fields)
        except OutputError as error:
            # A disk that fills up costs the log, not the training.
            if not begun:
                raise
            self._log.close()
            self._log = None
            self._display.say(f"note: the log ends here: {error}")

    def _otherwise_awaited(self) -> str:
        if self._reads_stdin:
            return TYPED if sys.stdin.isatty() else WAITING
        return super()._otherwise_awaited()
