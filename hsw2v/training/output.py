"""The model file that a training is for: locked, kept on the way, and saved whatever happens."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hsw2v import files
from hsw2v.config import Config, TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import DiskFullError, Hsw2vError, OutputError, OutputExistsError, UsageError
from hsw2v.events import CheckpointWritten, Listener, Notice
from hsw2v.model import Model
from hsw2v.training import checkpoint
from hsw2v.training.signals import signals_held
from hsw2v.training.state import TrainingState
from hsw2v.training.texts import Texts


class ModelOutput:
    """A model file to be written, and the folder beside it that its training is kept in.

    A context manager: the file is locked for as long as the context lasts.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        force: bool = False,
        every: float = 10.0,
        keep_epochs: bool = False,
        listener: Listener,
        asked: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        """Write `path`, keeping the training every so many minutes; never with 0.

        `keep_epochs` writes a model after each epoch but the last, too, as `epoch_path` names it.
        The training is kept in `folder`, by default `folder_of(path)`, with `asked`, by which it is
        known again, and `notes`, both JSON.
        """
        if not 0.0 <= every < math.inf:
            raise UsageError(
                f"checkpoint_every is {every}", hint="give a number of minutes, or 0 for none"
            )
        self.path = Path(os.path.realpath(path))
        self.folder = folder_of(path) if folder is None else Path(os.path.realpath(folder))
        self.notes = dict(notes or {})
        # As it is read again.
        self.asked = json.loads(json.dumps(asked))
        self._force, self._every, self._listener = force, every, listener
        self._keep_epochs = keep_epochs
        self._run: tuple[checkpoint.Run, Texts] | None = None
        self._kept: tuple[int, int, int, int] | None = None
        self._written_at = time.monotonic()
        self._locks = contextlib.ExitStack()
        self._settling: Future[None] | None = None

    def __enter__(self) -> ModelOutput:
        """Lock the file and the folder, and remove what killed runs have left beside the file.

        Raises:
            OutputExistsError: the file is there, or the folder of a training that was interrupted.
            OutputError: another run writes it, or it cannot be written.
        """
        files.check_writable(self.path, force=self._force)
        with contextlib.ExitStack() as locks:
            locks.enter_context(_locked(self.path))
            # The folder may be that of another output, and in a place that is not written to.
            if (other := self.folder.with_suffix("")) != self.path:
                locks.enter_context(_locked(other, needed=False))
            files.remove_leftovers(self.path)
            self._locks = locks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Unlock them, when the last state is on the disk."""
        with self._locks:
            self._wait_for_disk()

    def is_interrupted(self) -> bool:
        """Tell whether the same training was interrupted.

        Raises:
            UsageError: another one for this output was.
            ModelFileError: its folder is damaged.
        """
        if not checkpoint.is_checkpoint(self.folder):
            return False
        was = checkpoint.read_run(self.folder).notes.asked
        if was == self.asked:
            return True
        raise UsageError(
            f"holds a training that was asked for otherwise ({_difference(was, self.asked)})",
            where=str(self.folder),
            hint=f"go on with it by hsw2v resume {self.folder}, or begin again with --force and "
            "without --resume",
        )

    def check_new(self) -> None:
        """Make sure that beginning a training loses none that was interrupted.

        Raises:
            OutputExistsError: there is one, or the model of an epoch.
        """
        if not self._force:
            check_not_interrupted(self.folder)
            if self._keep_epochs and (old := self._epoch_paths()):
                raise OutputExistsError(
                    "exists, and is the model of an epoch of another training",
                    where=str(old[0]),
                    hint="name another --output, or replace it with --force",
                )
        checkpoint.remove(self.folder)

    def begin(
        self, config: Config, texts: Texts, vocabulary: Vocabulary | None, state: TrainingState
    ) -> None:
        """Tell what is to be kept, and make sure that there is room.

        The vocabulary is None where it is that of the corpus alone.

        Raises:
            DiskFullError: there is none for the model.
        """
        self._written_at = time.monotonic()
        network = state.network
        model = sum(table.nbytes for table in (network.vectors, network.outputs))
        parameters = sum(one.nbytes for one in network.parameters.values())
        kept = checkpoint.size_of(parameters, len(texts.corpus.ids))
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError:
            free = model + kept
        if free < model:
            raise DiskFullError(
                f"there is no room: the model takes {model / 1e6:,.0f} MB, and {free / 1e6:,.0f} "
                "MB are free",
                where=str(self.path.parent),
                hint="make room, or name another --output",
            )
        if self._every and free < model + kept:
            self._listener(
                Notice(
                    f"no checkpoints are kept: they take {kept / 1e6:,.0f} MB beside the model's "
                    f"{model / 1e6:,.0f}, and {free / 1e6:,.0f} MB are free"
                )
            )
            self._every = 0.0
        if self._every:
            notes = checkpoint.Notes(
                output=str(self.path),
                force=bool(self._force),
                checkpoint_every=float(self._every),
                keep_epochs=bool(self._keep_epochs),
                asked=self.asked,
                notes=self.notes,
            )
            self._run = checkpoint.Run(config, notes, vocabulary), texts

    def due(self) -> bool:
        """Tell whether it is time to keep the training."""
        if self._run is None:
            return False
        return time.monotonic() - self._written_at >= 60.0 * self._every

    def keep(self, state: TrainingState) -> bool:
        """Write a checkpoint, or tell why there is none; return whether there is one."""
        if self._run is None:
            return False
        where = (state.halvings, state.epoch, state.stops, state.block)
        if where == self._kept and checkpoint.is_checkpoint(self.folder):
            return True
        self._wait_for_disk()
        begun = time.perf_counter()
        try:
            self.folder.mkdir(exist_ok=True)
            if not checkpoint.is_checkpoint(self.folder):
                checkpoint.write_run(self.folder, *self._run)
            written = checkpoint.write_state(self.folder, state)
        except OSError as error:
            explained = files.explain_write_error(error, str(self.folder))
            self._listener(Notice(f"no checkpoint was written: {explained}"))
            if not checkpoint.is_checkpoint(self.folder):
                checkpoint.remove(self.folder)
            return False
        finally:
            self._written_at = time.monotonic()
        self._kept = where
        # Training goes on meanwhile.
        disk = ThreadPoolExecutor(1)
        self._settling = disk.submit(checkpoint.settle, written)
        disk.shutdown(wait=False)
        self._listener(CheckpointWritten(str(self.folder), time.perf_counter() - begun))
        return True

    def _wait_for_disk(self) -> None:
        """Wait until the last state is on the disk, or tell that it may not be."""
        if self._settling is None:
            return
        try:
            # What somebody has removed meanwhile is written again.
            with contextlib.suppress(FileNotFoundError):
                self._settling.result()
        except OSError as error:
            explained = files.explain_write_error(error, str(self.folder))
            self._listener(Notice(f"the last checkpoint may be damaged: {explained}"))
        self._settling = None

    def last(
        self, training: TrainingConfig, vocabulary: Vocabulary, blocks: int
    ) -> TrainingState | None:
        """Return the last state that was kept, if there is one."""
        if not checkpoint.is_checkpoint(self.folder):
            return None
        return checkpoint.read_state(self.folder, training, vocabulary, blocks)

    @property
    def advice(self) -> str:
        """How to go on with a training that was interrupted."""
        elsewhere = "" if self.folder == folder_of(self.path) else f" -o {self.path}"
        return f"go on with: hsw2v resume {self.folder}{elsewhere}"

    def save(self, model: Model) -> None:
        """Save the model, whatever signals come, and remove the checkpoint.

        If it cannot be written where it was to be, it is written elsewhere.

        Raises:
            OutputExistsError, OutputError, DiskFullError: that is so; the message says where it is.
        """
        with signals_held():
            try:
                model.save(self.path, force=self._force)
            except (OutputError, OutputExistsError) as error:
                kept = self._save_elsewhere(model)
                if kept is None:
                    raise
                raise type(error)(
                    f"{error.what}; the model is complete, and was saved as {kept}",
                    where=error.where,
                    hint=f"move it: mv {kept} {self.path}",
                ) from error
            self._wait_for_disk()
            checkpoint.remove(self.folder)

    def save_epoch(self, make: Callable[[], Model], epoch: int) -> None:
        """Save the model that the training has come to after so many epochs, if that was asked for.

        A model that cannot be written is told of: training goes on.
        """
        if not self._keep_epochs:
            return
        path, model = epoch_path(self.path, epoch), make()
        try:
            model.save(path, force=self._force or _is_same(path, model))
        except (OutputError, OutputExistsError) as error:
            self._listener(Notice(f"the model of epoch {epoch} was not written: {error}"))
        else:
            self._listener(Notice(f"the model of epoch {epoch} is {path.name}"))

    def _epoch_paths(self) -> list[Path]:
        return sorted(one for one in self.path.parent.iterdir() if is_epoch_of(self.path, one))

    def _save_elsewhere(self, model: Model) -> Path | None:
        for make in (self._folder_without_model, tempfile.mkdtemp):
            with contextlib.suppress(OSError):
                folder = Path(make())
                try:
                    model.save(folder / self.path.name)
                    return folder / self.path.name
                finally:
                    # It is empty if that failed, and if it was made for this.
                    with contextlib.suppress(OSError):
                        folder.rmdir()
        return None

    def _folder_without_model(self) -> Path | str:
        self.folder.mkdir(exist_ok=True)
        taken = (self.folder / self.path.name).exists()
        return tempfile.mkdtemp(dir=self.folder) if taken else self.folder


def epoch_path(output: Path, epoch: int) -> Path:
    """Return where the model of an epoch is kept, the first being 1."""
    return output.with_name(f"{output.stem}.epoch-{epoch}{output.suffix}")


def is_epoch_of(output: Path, path: Path) -> bool:
    """Tell whether a path is one of those that `epoch_path` gives for an output."""
    name = re.escape(output.stem) + r"\.epoch-[1-9][0-9]*" + re.escape(output.suffix)
    return path.parent == output.parent and re.fullmatch(name, path.name) is not None


def _is_same(path: Path, model: Model) -> bool:
    """Tell whether a file is of the same epoch of the same training, before it was interrupted."""
    try:
        found = Model.open(path)
    except Hsw2vError:
        return False
    return (found.config, found.info) == (model.config, model.info)


def folder_of(output: str | os.PathLike[str]) -> Path:
    """Return the folder that the training of a model file is kept in."""
    path = Path(os.path.realpath(output))
    return path.with_name(path.name + ".checkpoint")


def check_not_interrupted(folder: Path) -> None:
    """Make sure that no training is kept in a folder.

    Raises:
        OutputExistsError: one is.
    """
    if checkpoint.is_checkpoint(folder):
        raise OutputExistsError(
            "holds a training that was interrupted",
            where=str(folder),
            hint=f"go on with hsw2v resume {folder}, or begin again with --force",
        )


def _difference(was: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return in words how two trainings were asked for otherwise."""
    parts = ("texts", "normalize_exactly", "from_model", "files")
    names = [name for name in parts if was.get(name) != asked.get(name)]
    before = dict(_settings(was))
    names += [
        f"{name} was {before.get(name)}, is {one}"
        for name, one in _settings(asked)
        if before.get(name) != one
    ]
    told = {
        "texts": "the corpus or the held-out text changed",
        "files": "a file that the settings name changed",
        "from_model": "the model that it continues is another",
    }
    return ", ".join(told.get(name, name) for name in names)


def _settings(asked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values of the settings of what was asked for."""
    sections = asked.get("config")
    for section in sections.values() if isinstance(sections, dict) else ():
        yield from section.items() if isinstance(section, dict) else ()


@contextlib.contextmanager
def _locked(path: Path, *, needed: bool = True) -> Iterator[None]:
    """Lock an output, where that can be or is needed; the lock is gone with the process.

    Raises:
        OutputError: another process has it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    name = path.with_name(f".{path.name}.lock")
    while True:
        try:
            lock = open(name, "w", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            if not needed:
                yield
                return
            raise files.explain_write_error(error, str(path)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise OutputError(
                "is being written by another run", where=str(path), hint="name another --output"
            ) from error
        # The run before may have removed the file between opening and locking.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(name)):
                break
        lock.close()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            name.unlink()
        lock.close()
