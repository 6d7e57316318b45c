"""What the models of an experiment are like on held-out text, by depth and by frequency."""

from __future__ import annotations

from collections.abc import Sequence

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

    def norms(one: Diagnosis) -> list[str]:
        return [_number(_mean(one, borders, "output_gradient")) for borders in BANDS]

    def certainty(one: Diagnosis, borders: tuple[int, int]) -> str:
        error, certain = (_mean(one, borders, name) for name in ("error", "certain_right"))
        return f"{_number(error)}, {_percent(certain)}"

    def visits(one: Diagnosis) -> list[str]:
        found = [_mean(one, borders, "visits") for borders in BANDS]
        return ["-" if cell is None else f"{cell:,.0f}" for cell in found]

    def by_frequency(one: Diagnosis) -> list[str]:
        losses = [_of_tenth(one, tenth, "prediction_loss") for tenth in TENTHS]
        gradients = [_of_tenth(one, tenth, "hidden_gradient") for tenth in (1, 10)]
        return list(map(_number, [*losses, *gradients]))

    bands = [f"depth {band_name(one)}" for one in BANDS]
    tenths = [f"loss, tenth {one}" for one in TENTHS] + [f"gradient, tenth {n}" for n in (1, 10)]
    tables = {
        "what reaches a node in one visit (norm of the gradient)": (
            ["trained with", *bands, "times a level"],
            [[name, *norms(one), _number(_factor(one))] for name, one in models.items()],
        ),
        "mean |y − p|, and the share of decisions that are certain and right": (
            ["trained with", *bands],
            [[name, *(certainty(one, band) for band in BANDS)] for name, one in models.items()],
        ),
        "visits of a node in an epoch": (
            ["tree of", *bands, "fewer than 100"],
            [[name, *visits(one), _percent(one.totals.under_100)] for name, one in trees.items()],
        ),
        "loss of a prediction by how frequent the target is, in nats, and the norm of the "
        "gradient at the hidden vector": (
            ["trained with", *tenths],
            [[name, *by_frequency(one)] for name, one in models.items()],
        ),
    }
    title = TITLES[trial.model]
    return "\n\n".join(f"**{title}: {what}**\n\n{table(*one)}" for what, one in tables.items())


def _models(trial: Trial, names: Sequence[str]) -> dict[str, Diagnosis]:
    return {name: trial.diagnosis(name) for name in dict.fromkeys(names)}


def _factor(one: Diagnosis) -> float | None:
    return factor_a_level(one.by_depth, "output_gradient")


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
    levels, factor = deep[0] - top[0], _number(_factor(one))
    return (
        f"- **{name}**: from depth {band_name(top)} to depth {band_name(deep)}, the gradient that "
        f"reaches a node in one visit goes from {_number(gradients[0])} to "
        f"{_number(gradients[1])}, a factor of {factor} a level; if it passed through a "
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
