"""What commands check before they work: names, inputs and outputs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hsw2v import files
from hsw2v.cli.opening import MODEL_EXTENSION
from hsw2v.config import Config
from hsw2v.errors import MissingInputError, UsageError


def leave_scipy_out() -> None:
    """Keep numba from importing SciPy: nothing here uses it, and it is slow to import."""
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]


def default_output(source: str) -> str:
    """Return the default name of the model of a corpus, in the current folder."""
    if source == files.STDIN:
        return "model.safetensors"
    if files.is_address(source):
        source = files.readable(source).split("?", 1)[0]
    path = Path(source)
    if not path.exists() and any(c in path.name for c in "*?["):
        path = path.parent
    if path.is_dir():
        name = path.resolve().name
    else:
        packed = path.suffix.lower() in files.COMPRESSIONS
        name = (path.with_suffix("") if packed else path).stem
    return f"{name or 'model'}.safetensors"


def check_paths(
    corpus: tuple[str, ...],
    graph: str | None,
    output: str | None,
    settings: Config,
    *,
    others: Sequence[str] = (),
    force: bool,
) -> tuple[str, list[str]]:
    """Return the output, by default that of the corpus, and all inputs, after checking them.

    `others` are inputs besides the corpus or the graph and the files that settings name.

    Raises:
        UsageError: there are neither a corpus nor a graph, or both, or standard input is named
            twice.
        MissingInputError: an input does not exist.
        And what `check_model_output` raises.
    """
    if bool(corpus) == (graph is not None):
        raise UsageError(
            "there are a corpus and a graph" if corpus else "there is nothing to train on",
            hint="give either CORPUS or --graph FILE",
        )
    corpus = corpus if graph is None else (graph,)
    for one in corpus:
        _check_no_model(one)
    path = output or default_output(corpus[0])
    inputs = [*files.expand_sources([*corpus, *others]), *settings.files.values()]
    check_stdin(inputs)
    check_model_output(path, inputs, force=force)
    return path, inputs


def check_stdin(inputs: Sequence[str]) -> None:
    """Check that standard input, which can be read once, is named once.

    Raises:
        UsageError: it is not.
    """
    if inputs.count(files.STDIN) > 1:
        raise UsageError("is named twice (-)", where="standard input", hint="name a file instead")


def check_model_output(path: str, inputs: list[str], *, force: bool) -> None:
    """Check the name of a model file, and that it can be written, as `check_output` does.

    Raises:
        UsageError: it is a name of vectors for other programs, or an input.
        And what `check_output` raises.
    """
    leave_scipy_out()
    from hsw2v.model.export import check_model_name

    check_output(path, inputs, force=force)
    check_model_name(path)


def _check_no_model(source: str) -> None:
    """Refuse a model that is named as a text, or an output that is named without -o.

    Raises:
        UsageError, MissingInputError
    """
    if not source.endswith(MODEL_EXTENSION) or files.is_address(source):
        return
    if not os.path.exists(source):
        raise MissingInputError(
            "no such file", where=source, hint=f"an output is named with -o: -o {source}"
        )
    if os.path.isfile(source):
        raise UsageError(
            "is a model, not a text",
            where=source,
            hint=f"name a text; --from {source} goes on with the model",
        )


def check_beside(
    path: str,
    others: dict[str, str | None],
    inputs: list[str],
    *,
    force: bool,
    of: str = "model",
) -> None:
    """Check the files that are written beside a model or another output, as `check_output` does.

    `others` are by what they are, and so is `of`, the output.

    Raises:
        UsageError: one of them is that output, or another of them.
        And what `check_output` raises.
    """
    taken = {os.path.abspath(path): of}
    for what, other in others.items():
        if other is None:
            continue
        check_output(other, inputs, force=force)
        if (same := taken.setdefault(os.path.abspath(other), what)) != what:
            raise UsageError(
                f"the {what} and the {same} are the same file", where=other, hint="name two"
            )


def check_epochs(path: str, others: list[str]) -> None:
    """Check that no other file is where the model of an epoch would be written.

    Raises:
        UsageError: one is.
    """
    leave_scipy_out()
    from hsw2v.training.output import is_epoch_of

    for one in others:
        if is_epoch_of(Path(os.path.realpath(path)), Path(os.path.realpath(one))):
            raise UsageError(
                "would be replaced by the model of an epoch",
                where=one,
                hint="name another --output",
            )


def check_output(path: str, inputs: list[str], *, force: bool, stdout: bool = False) -> None:
    """Check, before any work, that a file, or `stdout`, can be written and is none of the inputs.

    Raises:
        UsageError: it is an input.
        OutputExistsError, OutputError: it cannot be written.
    """
    if os.path.exists(path) and any(
        os.path.exists(one) and os.path.samefile(one, path) for one in inputs
    ):
        raise UsageError(
            "is an input and cannot be the output too", where=path, hint="name another file"
        )
    files.check_writable(path, force=force, stdout=stdout)
