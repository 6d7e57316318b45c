"""Progress of a run: at the terminal, and in a log."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hsw2v import events
from hsw2v.cli.display import PROGRESS, Bar, Display, Lines, describe
from hsw2v.cli.output import TYPED, WAITING
from hsw2v.config import Config
from hsw2v.errors import OutputError
from hsw2v.files import STDIN
from hsw2v.training.log import Log

if TYPE_CHECKING:
    from hsw2v.model import Model

SECONDS_UNTIL_PATIENCE = 3.0
SECONDS_BETWEEN_LOOKS = 0.5


class Progress:
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
        self._display = Display() if quiet else Bar() if sys.stderr.isatty() else Lines()
        self._log = Log(log, append=append) if log else None
        self._append = append
        self._settings: dict[str, Any] = {}
        self._notices: set[events.Notice] = set()
        self._reads_stdin = STDIN in sources
        self._told: set[str] = set()
        self._heard: threading.Event | None = None

    def __enter__(self) -> Progress:
        if self._reads_stdin and sys.stdin.isatty():
            self._tell(TYPED)
        self._be_patient()
        return self

    def __exit__(self, *ending: Any) -> None:
        self._stop_waiting()
        self._display.close()
        if self._log:
            self._log.__exit__(*ending)

    def begin(self, config: Config, **facts: Any) -> None:
        """Keep the resolved settings: they are the first line of the log."""
        self._settings = {"config": config.to_dict(), **facts}

    def listen(self, event: events.Event) -> None:
        """Show an event, and log it."""
        if not isinstance(event, events.Notice):
            self._stop_waiting()
            self._reads_stdin = False
        self._record(type(event).__name__, **dataclasses.asdict(event))
        if isinstance(event, events.Notice):
            if event in self._notices:
                return
            self._notices.add(event)
        elif isinstance(event, events.Preparing | events.VocabularyReady):
            self._display.close()
            self._be_patient()
        if isinstance(event, events.ScoringProgress) and sys.stdout.isatty():
            self._display.close()  # Answers are printed on the same terminal.
        elif type(event) in PROGRESS:
            self._display.show(event)
        elif not isinstance(event, events.Preparing | events.GradientsRecorded):
            self._display.say(describe(event))

    def say(self, line: str) -> None:
        """Show a line."""
        self._display.say(line)

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

    def _be_patient(self) -> None:
        """Tell what a run waits for that says nothing for seconds."""
        self._heard = threading.Event()
        threading.Thread(target=self._wait, args=[self._heard], daemon=True).start()

    def _wait(self, heard: threading.Event) -> None:
        seconds = SECONDS_UNTIL_PATIENCE
        while not heard.wait(seconds):
            self._tell(self._awaited())
            seconds = SECONDS_BETWEEN_LOOKS

    def _awaited(self) -> str:
        if _compiling():
            return "compiling for this machine, once ..."
        if self._reads_stdin:
            return TYPED if sys.stdin.isatty() else WAITING
        return "preparing ..."

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._display.say(line)

    def _stop_waiting(self) -> None:
        if self._heard is not None:
            self._heard.set()
            self._heard = None


def _compiling() -> bool:
    """Tell whether code is compiled; what does so is not imported for that."""
    compiler = sys.modules.get("hsw2v.jit")
    # It may be on the way in.
    ask = getattr(compiler, "compiling", None)
    return ask is not None and bool(ask())
