"""A training under way, kept in a folder: all there is to know to go on.

    FOLDER/
        run              what does not change: settings, the types of the texts, what was asked for
        corpus.ids       the encoded corpus, unless workers of a cluster have it; heldout.ids that
                         of a held-out text
        state-N          the network and how far it is; the last two

`docs/file-format.md` specifies them. A file appears whole or not at all, and is checked when it is
opened, so that whatever ends the program leaves a folder to go on from, or none.
"""

from __future__ import annotations

import contextlib
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import padded
from hsw2v.config import Config, TrainingConfig, known_settings
from hsw2v.corpus.encoded import EncodedCorpus, IdFile, Reading, borders_of
from hsw2v.corpus.parts import parts_of
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import choose_words
from hsw2v.errors import (
    DiskFullError,
    Hsw2vError,
    MissingInputError,
    ModelFileError,
    UsageError,
)
from hsw2v.files import atomic_write, leftover_pattern
from hsw2v.model.modelfile import (
    PHRASES,
    phrase_arrays,
    read_phrases,
    read_vocabulary,
    vocabulary_tensors,
)
from hsw2v.model.store import Store, open_store, write_store
from hsw2v.network.network import Network
from hsw2v.network.outputs import OUTPUTS, structure_tensors
from hsw2v.network.outputs.output import BuiltOutput
from hsw2v.network.subwords import InputRows
from hsw2v.records import records
from hsw2v.training.state import TrainingState
from hsw2v.training.texts import Texts

FORMAT = "hsw2v-checkpoint"
VERSION = 1
KEPT = 2
"""States that are kept: one may be of no use."""

_STATE = re.compile(r"state-(\d{1,18})")
_OURS = re.compile(r"run|(corpus|heldout)\.ids|state-\d+"), leftover_pattern()
"""What is in a folder, with files that were not finished."""
_TOTALS = ("tokens", "sentences", "bytes_read", "replaced_bytes", "dropped_types", "source")


@dataclass(frozen=True)
class Notes:
    """What was asked for besides settings; all of it JSON."""

    output: str
    """The model file to be written."""
    force: bool
    """Whether it may replace one."""
    checkpoint_every: float
    """Minutes."""
    keep_epochs: bool
    asked: dict[str, Any]
    """By this the training is known again."""
    notes: dict[str, Any]
    """The caller's own; those under "info" become part of the model's."""


@dataclass(frozen=True)
class Run:
    """What does not change while a training goes on."""

    config: Config
    """Its settings, those that depend on the text among them."""
    notes: Notes
    vocabulary: Vocabulary | None = None
    """Its words, if the text alone does not tell them: it continues a model, or has lists."""


def write_run(folder: Path, run: Run, texts: Texts) -> None:
    """Make the folder of a training, with all but its states.

    Raises:
        OutputError, DiskFullError
    """
    arrays: dict[str, NDArray[Any]] = {}
    info: dict[str, Any] = {"notes": asdict(run.notes), "seconds": texts.seconds, "texts": {}}
    if run.vocabulary is not None:
        arrays |= vocabulary_tensors(run.vocabulary, "vocabulary.")
    arrays |= phrase_arrays(texts.corpus.phrases)
    for name, encoded in _texts(texts):
        arrays |= vocabulary_tensors(encoded.types, f"{name}.")
        totals = {one: getattr(encoded, one) for one in (*_TOTALS, "skipped_records")}
        if encoded.stored is None:
            # Workers have the ids, and read them again.
            arrays[f"{name}.blocks"] = encoded.blocks
            totals["apart"] = encoded.apart
            totals["spared"] = sorted(encoded.spared)
        else:
            totals["ids"] = len(encoded.ids)
            totals["checksum"] = _write_ids(folder / f"{name}.ids", encoded)
        info["texts"][name] = totals
    write_store(
        folder / "run",
        arrays,
        format=FORMAT,
        version=VERSION,
        config=run.config.to_dict(),
        info=info,
        force=True,
    )


def write_state(folder: Path, state: TrainingState) -> Path:
    """Write how far a training is, beside the states before it, and return the file.

    `settle` is to follow: what a power cut leaves of the file is found out by its checksums.

    Raises:
        OutputError, DiskFullError
    """
    network = state.network
    arrays = {f"network.{name}": array for name, array in network.parameters.items()}
    arrays["losses"] = state.losses
    if network.inputs is not None and network.inputs.frozen.any():
        arrays["frozen"] = network.inputs.frozen
    arrays |= structure_tensors(network.output.built_of)
    info = {
        "output": network.output.name,
        "epoch": state.epoch,
        "stops": state.stops,
        "block": state.block,
        "seconds": state.seconds,
        "building_seconds": state.building_seconds,
        "epoch_seconds": state.epoch_seconds,
        "halvings": state.halvings,
    }
    known = _states(folder)
    path = folder / f"state-{known[-1][0] + 1 if known else 1}"
    write = partial(
        write_store, path, arrays, format=FORMAT, version=VERSION, config={}, info=info, sync=False
    )
    try:
        write()
    except DiskFullError:
        if len(known) < KEPT:
            raise
        # There is room for as many as are kept: that of the oldest.
        known[0][1].unlink(missing_ok=True)
        write()
    return path


def settle(state: Path) -> None:
    """Wait until a state is on the disk, and remove those of which there are enough then.

    Raises:
        OSError: it is not there.
    """
    for place in (state, state.parent):
        opened = os.open(place, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    for _, old in _states(state.parent)[:-KEPT]:
        old.unlink(missing_ok=True)


def size_of(parameters: int, ids: int) -> int:
    """Return about how many bytes a folder takes, given those of all parameters and the ids."""
    return KEPT * parameters + 4 * ids


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is that of a training, with a state to go on from."""
    folder = Path(path)
    return (folder / "run").is_file() and bool(_states(folder))


def remove(folder: Path) -> None:
    """Remove the folder of a training, and nothing else of what may be in it."""
    with contextlib.suppress(OSError):
        # Without the first there is no training: whenever this is killed, nothing is left to go on.
        (folder / "run").unlink(missing_ok=True)
        for path in list(folder.iterdir()):
            if any(pattern.fullmatch(path.name) for pattern in _OURS):
                path.unlink()
        folder.rmdir()


def read_run(folder: str | os.PathLike[str]) -> Run:
    """Read what does not change of a training that is kept in a folder.

    Raises:
        MissingInputError: there is none.
        ModelFileError: its file is truncated or altered.
    """
    return _run(_open_run(Path(folder)))


@contextlib.contextmanager
def open_run(folder: Path) -> Iterator[tuple[Run, Texts]]:
    """Open the folder of a training: what does not change, and its texts.

    Raises:
        MissingInputError: there is none.
        ModelFileError: a file of it is truncated or altered.
    """
    store = _open_run(folder)
    run, info = _run(store), store.metadata["info"]
    with contextlib.ExitStack() as opened:
        try:
            found = {
                name: opened.enter_context(_open_text(folder, name, store, totals))
                for name, totals in info["texts"].items()
            }
            heldout, seconds = found.get("heldout"), float(info["seconds"])
            corpus = found["corpus"]
            if PHRASES in store:
                corpus = replace(corpus, phrases=read_phrases(store))
            texts = Texts(corpus, heldout, run.config.corpus, seconds)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            if isinstance(error, Hsw2vError):
                raise
            raise store.broken(f"is not a whole checkpoint ({error!r})") from error
        yield run, texts


def verify(folder: Path) -> Iterator[tuple[str, str]]:
    """Check everything in the folder of a training; yield what was checked, and what was found.

    Raises:
        MissingInputError, ModelFileError: at the first thing that is wrong.
        EmptyCorpusError: by its settings, no type occurs often enough.
    """
    with open_run(folder) as (run, texts):
        yield "run", "settings and types, as their checksums say"
        for name, encoded in _texts(texts):
            if encoded.stored is not None:
                yield (
                    f"{name}.ids",
                    f"{len(encoded.ids):,}, each of one of {len(encoded.types):,} types",
                )
        vocabulary = run.vocabulary
        if vocabulary is None:
            vocabulary, _ = choose_words(texts.corpus, run.config.vocabulary)
        training = run.config.resolved(texts.corpus.tokens).training
        blocks = len(texts.corpus.blocks) - 1
    for _, path in _states(folder):
        state = _read_state(path, training, vocabulary, blocks)
        yield path.name, f"epoch {state.epoch + 1}, {state.block:,} blocks of it done"


def _open_run(folder: Path) -> Store:
    if not is_checkpoint(folder):
        raise MissingInputError(
            "is not the folder of a training", where=str(folder), hint="name OUTPUT.checkpoint"
        )
    return open_store(str(folder / "run"), format=FORMAT)


def _run(store: Store) -> Run:
    try:
        (notes,) = records(Notes, [store.metadata["info"]["notes"]])
        if not isinstance(notes.notes.get("info", {}), dict):
            raise TypeError("info is of another type")
        known = _words(store, "vocabulary") if "vocabulary.words" in store else None
        return Run(known_settings(store.metadata["config"]), notes, known)
    except (KeyError, TypeError, AttributeError, UsageError) as error:
        raise store.broken(f"is not a whole checkpoint ({error!r})") from error


def read_state(
    folder: Path, training: TrainingConfig, vocabulary: Vocabulary, blocks: int
) -> TrainingState:
    """Read the last state of a training on these words that is whole.

    Its corpus has so many blocks.

    Raises:
        MissingInputError: there is none.
        ModelFileError: there is no whole one.
    """
    states = _states(folder)
    if not states:
        raise MissingInputError(
            "holds no state to go on from", where=str(folder), hint="train again from the start"
        )
    for _, path in reversed(states):
        try:
            return _read_state(path, training, vocabulary, blocks)
        except ModelFileError as error:
            damage = error
    raise ModelFileError(
        f"holds no state that is whole ({damage.what})",
        where=str(folder),
        hint="begin the training again, with --force",
    ) from damage


def _read_state(
    path: Path, training: TrainingConfig, vocabulary: Vocabulary, blocks: int
) -> TrainingState:
    counts = vocabulary.counts
    store = open_store(str(path), format=FORMAT)
    position = dict(store.metadata["info"])
    try:
        kind, words = OUTPUTS[position.pop("output")], len(counts)
        # Before memory is taken for tables of this size.
        if store.shape("network.vectors") != (words, padded(training.dim)):
            raise ValueError("vectors have another shape")
        structure = None
        if issubclass(kind, BuiltOutput):
            array = np.array(store.array(kind.structure_tensor))
            rows, *_ = store.shape("network.outputs")
            rows, shape = kind.sizes(words, rows, array.shape)
            if array.shape != shape or array.dtype != np.int32:
                raise ValueError(f"{kind.structure_tensor} has another shape")
            structure = kind.from_tensor(array, rows)
            structure.check()
        inputs = InputRows.of(training, vocabulary)
        output = kind.of(training, counts, structure)
        network = Network.initial(training, words, output, inputs)
        if training.freeze:
            frozen = np.array(store.array("frozen"))
            if frozen.shape != (words,) or frozen.dtype != np.uint8:
                raise ValueError("frozen has another shape")
            network.freeze(frozen > 0)
        for name, array in network.parameters.items():
            kept = store.array(f"network.{name}")
            if (kept.shape, kept.dtype) != (array.shape, array.dtype):
                raise ValueError(f"{name} has another shape")
            array[:] = kept
        if not network.finite:
            raise ValueError("a vector is not finite")
        losses = np.array(store.array("losses"))
        if losses.shape not in ((0, 3), (blocks, 3)) or losses.dtype != np.float64:
            raise ValueError("losses have another shape")
        (state,) = records(TrainingState, [{**position, "network": network, "losses": losses}])
        within = state.epoch <= (training.epochs or 0) and state.block <= len(losses)
        if not within or min(state.epoch, state.stops, state.block, state.halvings) < 0:
            raise ValueError("there is no such block")
        return state
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise store.broken(f"is not a whole checkpoint ({error})") from error


def _words(store: Store, name: str) -> Vocabulary:
    stored = read_vocabulary(store, f"{name}.")
    return Vocabulary(np.array(stored.blob), np.array(stored.offsets), np.array(stored.counts))


def _texts(texts: Texts) -> Iterator[tuple[str, EncodedCorpus]]:
    yield "corpus", texts.corpus
    if texts.heldout is not None:
        yield "heldout", texts.heldout


def _write_ids(path: Path, encoded: EncodedCorpus) -> int:
    """Write the ids of a text, and return their checksum."""
    checksum = 0
    with atomic_write(path, force=True) as stream:
        for ids in encoded.parts():
            checksum = zlib.crc32(ids.data, checksum)
            stream.write(ids.data)
    return checksum


def _open_text(folder: Path, name: str, store: Store, totals: Mapping[str, Any]) -> EncodedCorpus:
    about = {one: totals[one] for one in _TOTALS}
    # Of a version that knew no records there are none.
    about["skipped_records"] = totals.get("skipped_records", 0)
    source, *numbers = about.pop("source"), *about.values()
    if not isinstance(source, str) or not all(type(one) is int and one >= 0 for one in numbers):
        raise ValueError("a total is of another type")
    about |= {"source": source, "types": _words(store, name)}
    if "apart" in totals:
        apart = [Reading(parts_of(parts), *rest) for parts, *rest in totals["apart"]]
        if not all(type(one) is int for reading in apart for one in reading[1:]):
            raise TypeError("what workers have read is of another type")
        # Nor did it spare any types.
        spared = totals.get("spared", [])
        if not isinstance(spared, list) or not all(isinstance(one, str) for one in spared):
            raise TypeError("types that are spared are of another type")
        blocks = _borders(store, name)
        return EncodedCorpus(None, blocks=blocks, apart=apart, spared=frozenset(spared), **about)
    stored = _open_ids(folder / f"{name}.ids", len(about["types"]), totals)
    return EncodedCorpus(stored, blocks=borders_of(stored), **about)


def _borders(store: Store, name: str) -> NDArray[np.int64]:
    borders = np.array(store.array(f"{name}.blocks"))
    rising = borders.ndim == 1 and len(borders) > 1 and bool(np.all(np.diff(borders) > 0))
    if borders.dtype != np.int64 or not rising or borders[0] != 0:
        raise ValueError("blocks are of another type")
    return borders


def _open_ids(path: Path, types: int, totals: Mapping[str, Any]) -> IdFile:
    ids, expected = totals["ids"], totals["checksum"]
    if not all(type(one) is int and one >= 0 for one in (ids, expected)) or not ids:
        raise ValueError("a total is of another type")
    try:
        if path.stat().st_size != 4 * ids:
            raise ModelFileError("is truncated", where=str(path), hint="train again")
        stream = open(path, "r+b")  # noqa: SIM115
    except OSError as error:
        raise MissingInputError(
            f"cannot be opened ({error.strerror})", where=str(path), hint="train again"
        ) from error
    stored, checksum, inside = IdFile(stream), 0, True
    for some in stored.parts():
        checksum = zlib.crc32(some.data, checksum)
        inside = inside and some.min() >= 0 and some.max() <= types
    if checksum != expected or not inside:
        stored.close()
        raise ModelFileError("was altered or damaged", where=str(path), hint="train again")
    return stored


def _states(folder: Path) -> list[tuple[int, Path]]:
    """Return the numbers and paths of the states in a folder, in order."""
    found = ((_STATE.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)
