"""A diagnosis in sentences: what it shows of gradients, visits and certainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hsw2v.diagnosis.diagnosis import Depth, Diagnosis, mean_over

BANDS = 4


def findings(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield sentences about a diagnosis, each about one thing."""
    totals = diagnosis.totals
    yield (
        f"{totals.windows:,} windows, {totals.predictions:,} predictions, "
        f"{totals.decisions:,} decisions."
    )
    if len(diagnosis.by_depth) > 1 and totals.decisions:
        yield _gradients(diagnosis)
    yield _visits(diagnosis)
    if totals.decisions:
        yield (
            f"Saturation: {share(totals.saturated)} of the decisions are saturated (an outcome has "
            f"log-odds beyond 6); {share(totals.certain_right)} are certain (a probability above "
            f"0.99) and right, {share(totals.certain_wrong)} certain and wrong."
        )
    seen = [one for one in diagnosis.by_decile if one.predictions]
    if len(seen) > 1:
        first, last = seen[0], seen[-1]
        yield (
            f"Rare words: a word of decile {last.decile} (counts {last.least:,} to {last.most:,}) "
            f"is a target {last.visits:,.3g} times an epoch, one of decile {first.decile} "
            f"{first.visits:,.3g} times; the mean loss of a prediction is "
            f"{last.prediction_loss:.2f} nats against {first.prediction_loss:.2f}, the gradient "
            f"norm at the hidden vector {last.hidden_gradient:.2f} against "
            f"{first.hidden_gradient:.2f}."
        )


def bands(by_depth: Sequence[Depth], count: int = BANDS) -> list[tuple[Depth, ...]]:
    """Cut depths into at most `count` bands of the same number of levels, but for the last."""
    levels = max(1, -(-len(by_depth) // count))
    return [tuple(by_depth[at : at + levels]) for at in range(0, len(by_depth), levels)]


def span(band: Sequence[Depth]) -> str:
    """Return the depths of a band, as "5-9"."""
    first, last = band[0].depth, band[-1].depth
    return str(first) if first == last else f"{first}-{last}"


def factor_a_level(by_depth: Sequence[Depth], name: str) -> float | None:
    """Return the factor by which a figure changes from one depth to the next.

    It is fitted to the logarithms by least squares, weighted by the decisions at each depth; None
    where fewer than two depths have a figure above 0.
    """
    known = [one for one in by_depth if one.decisions and getattr(one, name) > 0.0]
    if len(known) < 2:
        return None
    depths = np.array([one.depth for one in known], np.float64)
    logs = np.log([getattr(one, name) for one in known])
    weights = np.array([one.decisions for one in known], np.float64)
    depths -= np.average(depths, weights=weights)
    return float(np.exp((weights * depths) @ logs / ((weights * depths) @ depths)))


def _gradients(diagnosis: Diagnosis) -> str:
    row = "a node" if diagnosis.of_tree else "an output row"
    factor = factor_a_level(diagnosis.by_depth, "output_gradient")
    level = "" if factor is None else f"; that is a factor of {factor:.2f} per level"
    return (
        f"Gradients: the mean gradient norm at {row}, of one visit, is "
        f"{_by_band(diagnosis, 'output_gradient')}{level} (through a sigmoid at each level it "
        f"would be 0.25 at most). The mean norm of {row} is {_by_band(diagnosis, 'output_norm')}; "
        "that of what one decision adds to the gradient of the hidden vector is "
        f"{_by_band(diagnosis, 'hidden_part')}."
    )


def _by_band(diagnosis: Diagnosis, name: str) -> str:
    """Return the means of a figure for bands of depths, as a part of a sentence."""
    means = [(span(band), mean_over(band, name)) for band in bands(diagnosis.by_depth)]
    return ", ".join(f"{mean:#.3g} at depth {depths}" for depths, mean in means if mean is not None)


def _visits(diagnosis: Diagnosis) -> str:
    totals, by_depth = diagnosis.totals, diagnosis.by_depth
    rows = "nodes" if diagnosis.of_tree else "output rows"
    sentence = (
        f"Visits: of {totals.count:,} {rows} {share(totals.under_100)} are visited fewer than 100 "
        f"times an epoch, {share(totals.under_10)} fewer than 10 times; the median is "
        f"{totals.median_visits:,.0f}"
    )
    factor = factor_a_level(by_depth, "visits")
    if diagnosis.of_tree and factor is not None:
        sentence += f", and the mean changes by a factor of {factor:.2f} per level"
        length = round(totals.decisions / totals.predictions)
        if deep := [one for one in by_depth if one.depth >= length]:
            rare = share(mean_over(deep, "under_100"))
            sentence += (
                f"; of the nodes deeper than the mean path length ({length} decisions) {rare} are "
                "visited fewer than 100 times"
            )
    return sentence + "."


def share(part: float | None) -> str:
    """Return a share as a percentage, of two digits where it is small; - for None."""
    if part is None:
        return "-"
    return f"{part:.0%}" if part >= 0.1 else f"{100.0 * part:.2g}%"
