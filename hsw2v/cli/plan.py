"""`hsw2v plan`: what a training would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.checks import check_paths, leave_scipy_out
from hsw2v.cli.options import (
    config_option,
    force_option,
    graph_option,
    json_option,
    quiet_option,
    resolve,
    settings_options,
    training_corpus_argument,
)
from hsw2v.cli.output import print_json, print_table
from hsw2v.cli.progress import Progress
from hsw2v.cli.train import output_option
from hsw2v.config import Config
from hsw2v.config.presets import defaults_of

if TYPE_CHECKING:
    from hsw2v.training.plan import Plan


@click.command()
@training_corpus_argument
@graph_option
@output_option
@force_option
@config_option
@click.option(
    "--sample-mb",
    type=click.FloatRange(0.0, min_open=True),
    metavar="NUMBER",
    help="Read only so many megabytes, as stored, and estimate the rest.",
)
@json_option
@quiet_option
@settings_options("training", "vocabulary", "corpus", "graph")
def plan(
    corpus: tuple[str, ...],
    graph: str | None,
    output: str | None,
    force: bool,
    config: str | None,
    sample_mb: float | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Print what training on CORPUS would take: text, vocabulary, memory, disk and time.

    CORPUS is read once, as by `train`, or a sample of it; the speed is measured by training for a
    second or two. The model is not written. Errors are those of `train` with the same options.

    \b
    Examples:
      hsw2v plan corpus.txt
      hsw2v plan dump.txt.gz --sample-mb 100 --dim 300 --json
    """
    settings = resolve(config, given, defaults_of(graph))
    path, _ = check_paths(corpus, graph, output, settings, force=force)
    print_plan(
        *(corpus, graph, settings, path),
        sample_mb=sample_mb,
        force=force,
        quiet=quiet,
        as_json=as_json,
    )


def print_plan(
    corpus: tuple[str, ...],
    graph: str | None,
    settings: Config,
    path: str,
    *,
    sample_mb: float | None = None,
    force: bool,
    quiet: bool,
    as_json: bool = False,
) -> None:
    """Find out what a training would take, and print it."""
    leave_scipy_out()
    import hsw2v

    with Progress(quiet=quiet, sources=[graph] if graph else corpus) as progress:
        found = hsw2v.plan(
            None if graph else list(corpus),
            graph=graph,
            config=settings,
            sample_mb=sample_mb,
            output=path,
            force=force,
            listener=progress.listen,
        )
    if as_json:
        print_json(found.to_dict())
        return
    print_table(_rows(found))
    for problem in found.problems:
        print(f"problem: {problem}")


def _rows(found: Plan) -> Iterator[tuple[str, str]]:
    """Yield what is found as rows of name and value; estimates are marked by "about"."""
    from hsw2v.network.outputs import OUTPUTS
    from hsw2v.network.parameters import table_copies

    about = "about " if found.sampled else ""
    size = _mb(found.bytes_read)
    if found.sampled and found.bytes_total is not None:
        size += f" of {_mb(found.bytes_total)} (a sample: what is about the rest is an estimate)"
    yield "corpus", size
    yield "tokens", f"{about}{found.tokens:,} in {found.sentences:,} sentences"
    yield "longest sentence", f"{found.longest_sentence:,} tokens"
    if found.replaced_bytes:
        yield "not UTF-8", f"{about}{found.replaced_bytes:,} bytes"
    yield (
        "vocabulary",
        f"{about}{found.words:,} of {found.types:,} types are words "
        f"({found.coverage:.1%} of the tokens)",
    )
    if found.tree is not None:
        yield (
            f"{found.tree} tree",
            f"mean path length {found.mean_path_length:.2f}, maximum {found.tree_depth}, "
            f"entropy {found.entropy:.2f}",
        )
    if found.num_classes is not None:
        yield "classes", f"{found.num_classes:,}"
    training = found.config.training
    yield (
        "network",
        f"{training.model}, loss {training.loss}, {training.dim:,} dimensions, "
        f"{training.optimizer}",
    )
    yield "epochs", f"{training.epochs:,}"
    yield "learning rate", f"{training.lr:g}"
    if OUTPUTS[training.loss].structure is not None:
        yield "node sample", f"{training.node_sample:.3g}"
    if training.pretrain:
        yield "pretraining", training.pretrain
    if OUTPUTS[training.phases[0].loss].rebuilt(training):
        yield "rebuild at", f"{training.rebuild_at:g}"
    memory = f"{about}{_mb(found.table_bytes)} tables, {_mb(found.optimizer_bytes)} optimizer state"
    if found.copy_bytes:
        memory += f", {_mb(found.copy_bytes)} copies for {table_copies(training)} threads"
    if training.tables_folder is not None:
        memory += f", in files in {training.tables_folder}{_room(found.tables_free)}"
    if found.memory_available is not None:
        memory += f"; {_mb(found.memory_available)} available"
    yield "memory", memory
    yield (
        "disk",
        f"{about}{_mb(found.model_bytes)} model, {_mb(found.checkpoint_bytes)} checkpoint"
        f"{_room(found.output_free)}; {_mb(found.encoded_bytes)} encoded corpus in "
        f"{found.cache_dir}{_room(found.cache_free)}",
    )
    yield "output", f"{found.output} can be written"
    if found.seconds is not None:
        yield (
            "training",
            f"about {_clock(found.seconds)} at {found.tokens_per_second:,.0f} words/s with "
            f"{training.threads} thread{'' if training.threads == 1 else 's'} (an estimate)",
        )


def _room(free: int | None) -> str:
    return "" if free is None else f" ({_mb(free)} free)"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _clock(seconds: float) -> str:
    """Return a duration as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
