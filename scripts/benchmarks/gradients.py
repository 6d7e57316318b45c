"""What the models of an experiment are like on held-out text, by depth and by frequency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.pages import TITLES, table
from benchmarks.trials import BANDS, Trial, band_mean, band_name
from hsw2v.diagnosis.diagnosis import Diagnosis
from hsw2v.diagnosis.findings import factor_a_level

SIGMOID = 0.25
"""The most that the derivative of a sigmoid is."""
TENTHS = (1, 4, 7, 10)


def gradient_tables(trial: Trial) -> str:
    """Return tables of the models on trees: gradients, certainty, visits, and loss by frequency."""
    models = _models(trial, [*trial.on_one_tree(), *trial.by_plain_steps()])
    trees = _models(trial, trial.by_plain_steps())
    bands = [f"depth {band_name(one)}" for one in BANDS]
    tenths = [f"loss, tenth {one}" for one in TENTHS]
    sections = [
        (
            "what reaches a node in one visit (norm of the gradient)",
            table(["trained with", *bands, "times a level"], _norms(models)),
        ),
        (
            "mean |y − p|, and the share of decisions that are certain and right",
            table(["trained with", *bands], _certainty(models)),
        ),
        (
            "visits of a node in an epoch",
            table(["tree of", *bands, "fewer than 100"], _visits(trees)),
        ),
        (
            "loss of a prediction by how frequent the target is, in nats, and the norm of the "
            "gradient at the hidden vector",
            table(
                ["trained with", *tenths, *(f"gradient, tenth {one}" for one in (1, 10))],
                _by_frequency(models),
            ),
        ),
    ]
    return "\n\n".join(f"**{TITLES[trial.model]}: {what}**\n\n{one}" for what, one in sections)


def _models(trial: Trial, names: Sequence[str]) -> dict[str, Diagnosis]:
    return {name: trial.diagnosis(name) for name in dict.fromkeys(names)}


def _norms(models: dict[str, Diagnosis]) -> Iterator[list[str]]:
    for name, one in models.items():
        factor = factor_a_level(one.by_depth, "output_gradient")
        yield [
            name,
            *(_number(_mean(one, borders, "output_gradient")) for borders in BANDS),
            _number(factor),
        ]


def _certainty(models: dict[str, Diagnosis]) -> Iterator[list[str]]:
    for name, one in models.items():
        cells = []
        for borders in BANDS:
            error, certain = (_mean(one, borders, which) for which in ("error", "certain_right"))
            cells.append(f"{_number(error)}, {_percent(certain)}")
        yield [name, *cells]


def _visits(models: dict[str, Diagnosis]) -> Iterator[list[str]]:
    for name, one in models.items():
        cells = [_mean(one, borders, "visits") for borders in BANDS]
        yield [
            name,
            *("-" if cell is None else f"{cell:,.0f}" for cell in cells),
            _percent(one.totals.under_100),
        ]


def _by_frequency(models: dict[str, Diagnosis]) -> Iterator[list[str]]:
    for name, one in models.items():
        losses = [_of_tenth(one, tenth, "prediction_loss") for tenth in TENTHS]
        gradients = [_of_tenth(one, tenth, "hidden_gradient") for tenth in (1, 10)]
        yield [name, *map(_number, [*losses, *gradients])]


def gradient_verdicts(trial: Trial) -> str:
    """Return what the first model says of vanishing gradients, and what each other one changes."""
    models = _models(trial, [*trial.on_one_tree(), *trial.by_plain_steps()])
    first, *others = models
    lines = [_vanishing(first, models[first])]
    lines += [_compared(name, models[name], first, models[first]) for name in others]
    return "\n".join(lines)


def _vanishing(name: str, one: Diagnosis) -> str:
    """Say what depth does to gradients, beside what a product of sigmoids would do."""
    known = [borders for borders in BANDS if _mean(one, borders, "output_gradient") is not None]
    top, deep = known[0], known[-1]
    gradients = [_mean(one, borders, "output_gradient") for borders in (top, deep)]
    visits = [_mean(one, borders, "visits") for borders in (top, deep)]
    assert None not in gradients
    assert None not in visits
    factor = factor_a_level(one.by_depth, "output_gradient")
    levels = deep[0] - top[0]
    return (
        f"- **{name}**: from depth {band_name(top)} to depth {band_name(deep)}, the gradient that "
        f"reaches a node in one visit goes from {_number(gradients[0])} to "
        f"{_number(gradients[1])}, a factor of {_number(factor)} a level; if it passed through a "
        f"sigmoid on each of {levels} levels, it would come to {SIGMOID**levels:.0e} of what it "
        f"was, at most. Visits of a node in an epoch go from {visits[0]:,.0f} to {visits[1]:,.0f}."
    )


def _compared(name: str, ours: Diagnosis, plain: str, theirs: Diagnosis) -> str:
    """Say what a remedy changes at the deepest nodes and for the rarest words."""
    deep = next(
        borders
        for borders in reversed(BANDS)
        if None not in (_mean(ours, borders, "error"), _mean(theirs, borders, "error"))
    )
    pairs = {
        which: [_mean(one, deep, which) for one in (ours, theirs)]
        for which in ("error", "certain_right", "output_gradient")
    }
    losses = [_of_tenth(one, 10, "prediction_loss") for one in (ours, theirs)]
    gradient, plain_gradient = map(_number, pairs["output_gradient"])
    error, plain_error = map(_number, pairs["error"])
    certain, plain_certain = map(_percent, pairs["certain_right"])
    return (
        f"- **{name}** against {plain}, at depth {band_name(deep)}: the gradient at a node is "
        f"{gradient} against {plain_gradient}, |y − p| {error} against {plain_error}, certain and "
        f"right are {certain} of the decisions against {plain_certain}; a word of the rarest tenth "
        f"costs {_number(losses[0])} nats against {_number(losses[1])}."
    )


def _mean(one: Diagnosis, borders: tuple[int, int], name: str) -> float | None:
    return band_mean(one.by_depth, borders, name)


def _of_tenth(one: Diagnosis, tenth: int, name: str) -> float | None:
    row = next((row for row in one.by_decile if row.decile == tenth), None)
    found: float | None = getattr(row, name, None)
    return found


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:#.3g}".rstrip(".")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
