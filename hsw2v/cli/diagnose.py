"""`hsw2v diagnose`: errors, gradients and visits, by depth and by frequency."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.options import force_option, json_option
from hsw2v.cli.output import print_json, print_table
from hsw2v.cli.progress import Progress
from hsw2v.cli.tree import COLUMNS
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.diagnosis.course import Moment
    from hsw2v.diagnosis.diagnosis import Diagnosis

_ROWS = 40
_DECISION = {
    "|y-p|": "error",
    "loss": "loss",
    "gradient": "output_gradient",
    "hidden": "hidden_part",
    "norm": "output_norm",
}
_COUNTS = ("count", "decisions")
_PREDICTION = {"total loss": "prediction_loss", "total hidden": "hidden_gradient"}


@click.command()
@click.argument("model", required=False)
@click.argument("corpus", required=False)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="NUMBER",
    help="How many windows of the corpus to look at.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Seed of the choice of windows, and of the words drawn for a model of negative sampling.",
)
@click.option("--plot", metavar="FILE", help="Draw it, as .png or .svg (needs hsw2v[plot]).")
@click.option(
    "--course",
    metavar="LOG",
    help="Instead of a model, show what `hsw2v train --record-gradients NUMBER --log-json LOG` "
    "recorded: a line for each time.",
)
@force_option
@json_option
@click.option("--quiet", is_flag=True, help="Print no progress.")
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
) -> None:
    """Measure the errors and gradients of MODEL at a sample of windows of CORPUS.

    The first table is by the depth of a decision in the tree, the second by how frequent the
    target is, in tenths of the vocabulary with the counts of their words. `visits` are the windows
    of an epoch that visit a node (in the second table: that have a word as target), by the counts
    of the vocabulary, `<100` is the share of nodes that are visited fewer than 100 times. `sample`
    is how many decisions (in the second table: predictions) were looked at. The rest are means over
    these decisions: |y-p|, p the probability of the right turn; its loss in
    nats; the norms of the gradient that reaches the node (gradient), of what goes to the hidden
    vector (hidden), and of the node; and the share that is saturated: beyond log-odds of 6. What
    is total is of all decisions of a prediction together. CORPUS is read as the model's was.

    \b
    Examples:
      hsw2v diagnose corpus.safetensors corpus.txt
      hsw2v diagnose corpus.safetensors corpus.txt --plot gradients.svg
      hsw2v train corpus.txt --record-gradients 200 --log-json log.jsonl
      hsw2v diagnose --course log.jsonl --plot course.svg
    """
    _check(model, corpus, course)
    if plot:
        from hsw2v.plots import check_figure

        check_figure(plot, force=force)
    if course:
        _course(course, plot, force, as_json)
        return
    import hsw2v

    assert model is not None
    assert corpus is not None
    opened = hsw2v.load(model)
    with Progress(quiet=quiet) as progress:
        found = hsw2v.diagnose(opened, corpus, windows=windows, seed=seed, listener=progress.listen)
    if plot:
        from hsw2v.diagnosis.drawing import draw_diagnosis

        draw_diagnosis(plot, found, force=force)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)


def _check(model: str | None, corpus: str | None, course: str | None) -> None:
    """Refuse what does not go together."""
    if course and model:
        raise UsageError("--course is about a log alone", hint="leave the model and corpus out")
    if not course and not corpus:
        raise UsageError(
            "there is no model and corpus to look at",
            hint="give MODEL and CORPUS, or --course LOG",
        )


def _print(found: Diagnosis) -> None:
    from hsw2v.diagnosis.findings import findings

    print_table(_by_depth(found), right=range(11))
    print()
    print_table(_by_decile(found), right=range(13))
    for sentence in findings(found):
        print()
        print(textwrap.fill(sentence, COLUMNS, break_long_words=False, break_on_hyphens=False))


def _by_depth(found: Diagnosis) -> Iterable[Sequence[str]]:
    """Return a row for every depth; for several together in a very deep tree."""
    from hsw2v.diagnosis.findings import bands, span

    rows = "nodes" if found.output == "hs" else "rows"
    yield ("depth", rows, "visits", "<100", "sample", *_DECISION, "saturated")
    for band in bands(found.by_depth, _ROWS):
        count, decisions = (sum(getattr(one, name) for one in band) for name in _COUNTS)
        yield (span(band), f"{count:,}", *_visits(band), f"{decisions:,}", *_decision(band))


def _by_decile(found: Diagnosis) -> Iterable[Sequence[str]]:
    yield (
        *("tenth", "counts", "visits", "sample"),
        *(*_DECISION, "saturated", *_PREDICTION),
    )
    for one in found.by_decile:
        counts = f"{one.most:,}" + (f"-{one.least:,}" if one.least < one.most else "")
        totals = (_number(getattr(one, name)) for name in _PREDICTION.values())
        predictions = f"{one.predictions:,}"
        visits, _ = _visits([one])
        yield (str(one.decile), counts, visits, predictions, *_decision([one]), *totals)


def _visits(rows: Sequence[Any]) -> Iterable[str]:
    from hsw2v.diagnosis.diagnosis import mean_over

    visits = mean_over(rows, "visits")
    yield "-" if visits is None else f"{visits:,.0f}"
    yield _share(mean_over(rows, "under_100"))


def _decision(rows: Sequence[Any]) -> Iterable[str]:
    from hsw2v.diagnosis.diagnosis import mean_over

    yield from (_number(mean_over(rows, name)) for name in _DECISION.values())
    yield _share(mean_over(rows, "saturated"))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _course(log: str, plot: str | None, force: bool, as_json: bool) -> None:
    from hsw2v.diagnosis.course import draw_course, read_course

    moments = read_course(log)
    if plot:
        draw_course(plot, moments, force=force)
    if as_json:
        print_json([_record(one) for one in moments])
    else:
        print_table(_moments(moments), right=range(11))


def _record(moment: Moment) -> dict[str, Any]:
    place = {"epoch": moment.epoch, "block": moment.block, "tokens": moment.tokens}
    return {**place, **moment.diagnosis.to_dict()}


def _moments(moments: Sequence[Moment]) -> Iterable[Sequence[str]]:
    yield ("epoch", "tokens", "layer", *_DECISION, "saturated", *_PREDICTION)
    for one in moments:
        totals = one.diagnosis.totals
        yield (
            *(str(one.epoch), f"{one.tokens:,}", one.diagnosis.output),
            *_decision([totals]),
            *(_number(getattr(totals, name)) for name in _PREDICTION.values()),
        )
