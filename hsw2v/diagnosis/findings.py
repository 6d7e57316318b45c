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
        yield _norms(diagnosis)
    yield _visits(diagnosis)
    if totals.decisions:
        yield _certainty(diagnosis)
    if len(diagnosis.by_decile) > 1:
        yield from _rare_words(diagnosis)


def bands(by_depth: Sequence[Depth], count: int = BANDS) -> list[tuple[Depth, ...]]:
    """Cut depths into at most so many bands of equally many levels, but for the last."""
    levels = -(-len(by_depth) // count)
    starts = range(0, len(by_depth), levels) if by_depth else range(0)
    return [tuple(by_depth[start : start + levels]) for start in starts]


def span(band: Sequence[Depth]) -> str:
    """Return the depths of a band, as "5-9"."""
    first, last = band[0].depth, band[-1].depth
    return str(first) if first == last else f"{first}-{last}"


def factor_a_level(by_depth: Sequence[Depth], name: str) -> float | None:
    """Return by what a figure is multiplied from one depth to the next.

    A line is fitted to its logarithm, the depths weighted by their decisions; None for fewer than
    two depths that have it.
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
    factor = factor_a_level(diagnosis.by_depth, "output_gradient")
    level = (
        ""
        if factor is None
        else f"; a level more multiplies it by {factor:.2f} (if it passed through a sigmoid on "
        "each level, by 0.25 at most)"
    )
    row, listed = _row(diagnosis), _by_band(diagnosis, "output_gradient")
    return f"Gradients: what reaches {row} in one visit has a mean norm of {listed}{level}."


def _norms(diagnosis: Diagnosis) -> str:
    return (
        f"What comes back: the mean norm of {_row(diagnosis)} is "
        f"{_by_band(diagnosis, 'output_norm')}, and that of what one decision gives the hidden "
        f"vector {_by_band(diagnosis, 'hidden_part')}."
    )


def _by_band(diagnosis: Diagnosis, name: str) -> str:
    """Return the means of a figure for bands of depths, as a part of a sentence."""
    means = [(span(band), mean_over(band, name)) for band in bands(diagnosis.by_depth)]
    return ", ".join(f"{mean:#.3g} at depth {depths}" for depths, mean in means if mean is not None)


def _visits(diagnosis: Diagnosis) -> str:
    totals, by_depth = diagnosis.totals, diagnosis.by_depth
    sentence = (
        f"Visits: of {totals.count:,} {_row(diagnosis, plural=True)} "
        f"{share(totals.under_100)} are visited fewer than 100 times an epoch, "
        f"{share(totals.under_10)} fewer than 10 times, and half at most "
        f"{totals.median_visits:,.0f} times"
    )
    factor = factor_a_level(by_depth, "visits")
    if diagnosis.output == "hs" and factor is not None:
        length = round(totals.decisions / totals.predictions)
        deep = [one for one in by_depth if one.depth >= length]
        sentence += f"; a level more multiplies visits by {factor:.2f}"
        if deep:
            rarely = mean_over(deep, "under_100")
            assert rarely is not None
            sentence += (
                f", and of the nodes that lie deeper than the mean path is long ({length} "
                f"decisions) {share(rarely)} are visited fewer than 100 times"
            )
    return sentence + "."


def _certainty(diagnosis: Diagnosis) -> str:
    totals = diagnosis.totals
    assert totals.saturated is not None
    assert totals.certain_right is not None
    assert totals.certain_wrong is not None
    return (
        f"Certainty: {share(totals.saturated)} of the decisions are saturated, with an outcome of "
        f"log-odds beyond 6; {share(totals.certain_right)} are certain (a probability above 0.99) "
        f"and right, {share(totals.certain_wrong)} certain and wrong."
    )


def _rare_words(diagnosis: Diagnosis) -> Iterator[str]:
    seen = [one for one in diagnosis.by_decile if one.predictions]
    if len(seen) < 2:
        return
    first, last = seen[0], seen[-1]
    yield (
        f"Rare words: a word of tenth {last.decile} (counts {last.least:,} to {last.most:,}) is a "
        f"target {last.visits:,.3g} times an epoch, one of tenth {first.decile} "
        f"{first.visits:,.3g} times; a prediction of it has a loss of {last.prediction_loss:.2f} "
        f"nats against {first.prediction_loss:.2f}, and a gradient at the hidden vector of norm "
        f"{last.hidden_gradient:.2f} against {first.hidden_gradient:.2f}."
    )


def _row(diagnosis: Diagnosis, *, plural: bool = False) -> str:
    """Return what an output row is called."""
    name = "node" if diagnosis.output == "hs" else "output row"
    return f"{name}s" if plural else f"{'a' if name == 'node' else 'an'} {name}"


def share(part: float) -> str:
    """Return a share as a percentage, of two digits where it is small."""
    return f"{part:.0%}" if part >= 0.1 else f"{100.0 * part:.2g}%"
