"""`hsw2v diagnose`: errors, gradients and visits, by depth and by frequency."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.checks import check_output
from hsw2v.cli.opening import open_model
from hsw2v.cli.options import (
    force_option,
    format_options,
    given_only,
    json_option,
    number_option,
    quiet_option,
)
from hsw2v.cli.output import formatted, print_json, print_table
from hsw2v.cli.progress import Progress
from hsw2v.cli.tree import COLUMNS
from hsw2v.errors import UsageError
from hsw2v.files import expand_sources

if TYPE_CHECKING:
    from hsw2v.diagnosis.diagnosis import Diagnosis

_ROWS = 40
Columns = Mapping[str, tuple[str, str]]
"""By heading, the name of a figure and its format."""
_VISITS: Columns = {"visits": ("visits", ",.0f")}
_STARVED: Columns = {"<100": ("under_100", ".2%")}
_DECISION: Columns = {
    "|y-p|": ("error", ".3f"),
    "loss": ("loss", ".3f"),
    "gradient": ("output_gradient", ".3f"),
    "hidden": ("hidden_part", ".3f"),
    "norm": ("output_norm", ".3f"),
    "saturated": ("saturated", ".2%"),
}
_PREDICTION: Columns = {
    "total loss": ("prediction_loss", ".3f"),
    "total hidden": ("hidden_gradient", ".3f"),
}


@click.command()
@click.argument("model", required=False)
@click.argument("corpus", required=False)
@number_option("--windows", default=10_000, help="Number of windows of the corpus to sample.")
@number_option(
    "--seed",
    least=0,
    default=1,
    help="Seed of the sample of windows, and of the noise words of loss ns.",
)
@click.option("--plot", metavar="FILE", help="Draw it, as .png or .svg (needs hsw2v[plot]).")
@click.option(
    "--course",
    metavar="LOG",
    help="Instead of a model, show what `hsw2v train --record-gradients NUMBER --log-json LOG` "
    "recorded, a line for each record.",
)
@force_option
@json_option
@quiet_option
@format_options
def diagnose(
    model: str | None,
    corpus: str | None,
    windows: int,
    seed: int,
    plot: str | None,
    course: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Measure errors and gradients of MODEL at a sample of windows of CORPUS.

    The first table is by the depth of a decision in the tree, the second by the frequency of the
    target, in deciles of the vocabulary with the counts of their words. `visits` are the windows
    per epoch that visit a node (second table: that have a word as target), from the counts of the
    vocabulary; `<100` is the share of nodes visited fewer than 100 times. `sample` is the number
    of decisions (second table: predictions) in the sample. The rest are means over these
    decisions: |y-p|, where p is the probability of the right turn; the loss in nats; the norms of
    the gradient at the node (gradient), of its contribution to the gradient of the hidden vector
    (hidden) and of the node itself (norm); and the share that is saturated, with log-odds beyond
    6. `total` is over all decisions of a prediction. CORPUS is tokenised as the model's was.

    \b
    Examples:
      hsw2v diagnose corpus.safetensors corpus.txt
      hsw2v diagnose corpus.safetensors corpus.txt --plot gradients.svg
      hsw2v train corpus.txt --record-gradients 200 --log-json log.jsonl
      hsw2v diagnose --course log.jsonl --plot course.svg
    """
    if course and model:
        raise UsageError("--course is about a log alone", hint="leave the model and corpus out")
    if not course and not corpus:
        raise UsageError(
            "there is nothing to diagnose",
            hint="give MODEL and CORPUS, or --course LOG",
        )
    if plot:
        from hsw2v.plots import check_figure

        check_figure(plot, force=force)
        check_output(plot, [one for one in (model, course) if one], force=force)
    if course:
        _course(course, plot, force, as_json)
        return
    import hsw2v

    assert model is not None
    assert corpus is not None
    opened = open_model(model, [corpus], quiet=quiet)
    if plot:
        check_output(plot, expand_sources([corpus]), force=force)
    with Progress(quiet=quiet) as progress:
        found = hsw2v.diagnose(
            opened,
            corpus,
            windows=windows,
            seed=seed,
            listener=progress.listen,
            **given_only(given),
        )
    if plot:
        from hsw2v.diagnosis.drawing import draw_diagnosis

        draw_diagnosis(plot, found, force=force)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)


def _print(found: Diagnosis) -> None:
    from hsw2v.diagnosis.findings import findings

    print_table(_by_depth(found), right=range(11))
    print()
    print_table(_by_decile(found), right=range(13))
    for sentence in findings(found):
        print()
        print(textwrap.fill(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False))


def _by_depth(found: Diagnosis) -> Iterable[Sequence[str]]:
    """Return a row for every depth; in a very deep tree, for several together."""
    from hsw2v.diagnosis.findings import bands, span

    rows = "nodes" if found.of_tree else "rows"
    yield ("depth", rows, *_VISITS, *_STARVED, "sample", *_DECISION)
    for band in bands(found.by_depth, _ROWS):
        count, decisions = sum(one.count for one in band), sum(one.decisions for one in band)
        visits = _means(band, {**_VISITS, **_STARVED})
        yield (span(band), f"{count:,}", *visits, f"{decisions:,}", *_means(band, _DECISION))


def _by_decile(found: Diagnosis) -> Iterable[Sequence[str]]:
    yield ("decile", "counts", *_VISITS, "sample", *_DECISION, *_PREDICTION)
    for one in found.by_decile:
        counts = f"{one.most:,}" + (f"-{one.least:,}" if one.least < one.most else "")
        figures = _means([one], {**_DECISION, **_PREDICTION})
        yield (
            *(str(one.decile), counts, *_means([one], _VISITS), f"{one.predictions:,}"),
            *figures,
        )


def _means(rows: Sequence[Any], columns: Columns) -> Iterable[str]:
    from hsw2v.diagnosis.diagnosis import mean_over

    return [formatted(mean_over(rows, name), form) for name, form in columns.values()]


def _course(log: str, plot: str | None, force: bool, as_json: bool) -> None:
    from hsw2v.diagnosis.course import draw_course, read_course

    moments = read_course(log)
    if plot:
        draw_course(plot, moments, force=force)
    if as_json:
        print_json([one.to_dict() for one in moments])
        return
    columns = {**_DECISION, **_PREDICTION}
    table = [["epoch", "tokens", "layer", *columns]]
    for one in moments:
        moment = [str(one.epoch), f"{one.tokens:,}", one.diagnosis.output]
        table.append([*moment, *_means([one.diagnosis.totals], columns)])
    print_table(table, right=range(11))
