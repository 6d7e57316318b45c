"""`hsw2v train`: from a corpus to a model file; and `hsw2v resume`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from hsw2v import files
from hsw2v.cli.checks import (
    check_beside,
    check_epochs,
    check_paths,
    leave_scipy_out,
)
from hsw2v.cli.opening import load_listener
from hsw2v.cli.options import (
    checkpoint_option,
    config_option,
    force_option,
    graph_option,
    log_option,
    number_option,
    quiet_option,
    resolve,
    settings_options,
    training_corpus_argument,
)
from hsw2v.cli.progress import Progress
from hsw2v.config import Config
from hsw2v.config.presets import defaults_of
from hsw2v.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from hsw2v.model import Model
    from hsw2v.training.continuing import Earlier


output_option = click.option(
    "-o",
    "--output",
    metavar="MODEL",
    help="Model file to write (default: the name of the first corpus with .safetensors, in the "
    "current folder).",
)


plot_option = click.option(
    "--plot",
    metavar="FILE",
    help="Draw losses, speed and learning rate when training ends or is interrupted, as .png or "
    ".svg (needs hsw2v[plot]).",
)


@click.command()
@training_corpus_argument
@graph_option
@click.option(
    "--from",
    "from_model",
    metavar="MODEL",
    help="Continue this model: its words keep their vectors, frequent ones of CORPUS join, and its "
    "settings are the defaults. The tree is rebuilt only with --rebuild-at.",
)
@output_option
@force_option
@config_option
@click.option(
    "--heldout",
    metavar="FILE",
    help="Measure exact loss and perplexity on this text after each epoch; --loss ns and sampled, "
    "whose scores are not normalised, need --normalize-exactly.",
)
@click.option(
    "--normalize-exactly",
    is_flag=True,
    help="With --heldout and --loss ns or sampled: normalise their scores by the softmax over the "
    "whole vocabulary, which is slow.",
)
@checkpoint_option(10.0, "10")
@click.option(
    "--keep-epochs",
    is_flag=True,
    help="Write the model after each epoch N but the last, too, as NAME.epoch-N.safetensors.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an interrupted training of the same corpus, settings and output, if there is "
    "one.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print what `hsw2v plan` prints, and write nothing.",
)
@plot_option
@quiet_option
@log_option
@settings_options("training", "vocabulary", "corpus", "graph")
def train(
    corpus: tuple[str, ...],
    graph: str | None,
    from_model: str | None,
    output: str | None,
    force: bool,
    config: str | None,
    heldout: str | None,
    normalize_exactly: bool,
    checkpoint_every: float,
    keep_epochs: bool,
    resume: bool,
    dry_run: bool,
    plot: str | None,
    quiet: bool,
    log_json: str | None,
    **given: Any,
) -> None:
    """Train word vectors on CORPUS and write them to a model file.

    CORPUS: any number of files, directories, quoted glob patterns and addresses (s3://, https://,
    ...), compressed or not, or - for standard input; one sentence a line, tokens separated by
    white space.

    \b
    Examples:
      hsw2v train corpus.txt
      hsw2v train news/ books.txt.gz -o vectors.safetensors --dim 200 --epochs 10
      zcat dump.gz | hsw2v train - --tokens words --lowercase -o dump.safetensors
      hsw2v train more.txt --from corpus.safetensors
      hsw2v train --graph edges.txt --p 0.5 --q 2
    """
    earlier = None
    if from_model is not None:
        if dry_run:
            raise UsageError(
                "there is no plan of a training that continues a model",
                hint="leave out --dry-run or --from",
            )
        earlier = _earlier(from_model, quiet)
    settings = resolve(config, given, earlier.settings if earlier else defaults_of(graph))
    if earlier is not None:
        has_lr = config is not None or given["lr"] is not None
        settings = earlier.checked(settings, has_lr=has_lr, text=graph is None)
    others = [one for one in (heldout, from_model) if one is not None]
    path, inputs = check_paths(corpus, graph, output, settings, others=others, force=force)
    beside = {"log": log_json, "figure": plot}
    check_beside(path, beside, inputs, force=force or resume)
    if keep_epochs:
        check_epochs(path, [*inputs, *filter(None, beside.values())])
    if settings.training.record_gradients and not log_json:
        raise UsageError("gradients are recorded in the log", hint="name one with --log-json")
    if dry_run:
        from hsw2v.cli.plan import print_plan
        from hsw2v.training.checks import check_training

        check_training(
            settings.training, heldout=heldout is not None, normalize_exactly=normalize_exactly
        )
        print_plan(corpus, graph, settings, path, force=force or resume, quiet=quiet)
        return
    with Progress(quiet=quiet, sources=inputs, log=log_json, append=resume) as progress:
        train_and_save(
            None if graph else list(corpus),
            settings,
            path,
            graph=graph,
            from_model=earlier.model if earlier else None,
            progress=progress,
            origin=" ".join(map(files.readable, [graph] if graph else corpus)),
            log_json=log_json,
            force=force,
            heldout=heldout,
            normalize_exactly=normalize_exactly,
            checkpoint_every=checkpoint_every,
            keep_epochs=keep_epochs,
            resumed=resume,
            plot=plot,
        )


def train_and_save(
    source: Any,
    settings: Config,
    path: str,
    *,
    progress: Progress,
    origin: str,
    log_json: str | None = None,
    **options: Any,
) -> Model:
    """Train, save the model with `origin` in its info, and show the summary."""
    leave_scipy_out()
    import hsw2v

    progress.begin(settings.resolved(), corpus=origin, output=path)
    notes = {"info": {"origin": origin}, "log_json": log_json and os.path.abspath(log_json)}
    begun = time.perf_counter()
    model = hsw2v.train(
        source, config=settings, output=path, notes=notes, listener=progress.listen, **options
    )
    progress.end(model, path, time.perf_counter() - begun)
    return model


@click.command()
@click.argument("checkpoint")
@click.option("-o", "--output", metavar="MODEL", help="Model file to write (default: as before).")
@click.option("--force", is_flag=True, default=None, help="Replace the output if it exists.")
@number_option("--threads", help="Threads (default: as before).")
@click.option(
    "--tables",
    metavar="PLACE",
    help="Where the tables are: memory, or mapped:DIR for files in a folder (default: as before).",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    help="Engine of deterministic training, each of which comes to the same (default: as before).",
)
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="Address of the Ray cluster (default: that of RAY_ADDRESS, else one is started here).",
)
@checkpoint_option(None, "as before")
@plot_option
@quiet_option
@log_option
def resume(
    checkpoint: str,
    output: str | None,
    force: bool | None,
    threads: int | None,
    tables: str | None,
    engine: str | None,
    ray_address: str | None,
    checkpoint_every: float | None,
    plot: str | None,
    quiet: bool,
    log_json: str | None,
) -> None:
    """Go on with the training that was interrupted and is kept in the folder CHECKPOINT.

    The text is not read again. With one thread the model is, to the bit, the one that the training
    would have come to. The log of --log-json is continued, and the figure of --plot drawn again.

    \b
    Example:
      hsw2v resume corpus.safetensors.checkpoint
    """
    leave_scipy_out()
    import hsw2v
    from hsw2v.training.checkpoint import read_run

    asked = read_run(checkpoint).notes
    if log_json:
        files.check_writable(log_json, force=bool(force))
    path = output or asked.output
    log = log_json or asked.notes.get("log_json")
    if not isinstance(log, str | None):
        raise ModelFileError("names a log that is no file", where=checkpoint, hint="train again")
    with Progress(quiet=quiet, log=log, append=not log_json) as progress:
        begun = time.perf_counter()
        model = hsw2v.resume(
            checkpoint,
            output=output,
            force=force,
            checkpoint_every=checkpoint_every,
            threads=threads,
            tables=tables,
            engine=engine,
            ray_address=ray_address,
            plot=plot,
            listener=progress.listen,
        )
        progress.end(model, os.path.relpath(path), time.perf_counter() - begun)


def _earlier(path: str, quiet: bool) -> Earlier:
    """Open the model that a training continues.

    Raises:
        UsageError: training cannot go on with it.
        MissingInputError, ModelFileError: it cannot be read.
    """
    leave_scipy_out()
    from hsw2v.training.continuing import Earlier

    return Earlier.of(path, load_listener(quiet))
