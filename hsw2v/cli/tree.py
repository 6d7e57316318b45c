"""`hsw2v tree`: the tree of a model, as figures, as a path, as text, as a drawing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.options import force_option, json_option, model_argument, word
from hsw2v.cli.output import print_json, print_table
from hsw2v.errors import UsageError
from hsw2v.files import check_writable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hsw2v.model import Model
    from hsw2v.trees.decisions import Decision
    from hsw2v.trees.shape import Cost
    from hsw2v.trees.tree import Tree

COLUMNS = 100
MEANS = {
    "tokens": "tokens",
    "kept_tokens": "tokens that subsampling keeps",
    "words": "words, each alike",
}
_BAR = 40
_ROWS = 40


@click.command()
@model_argument
@click.argument("words", nargs=-1, type=word)
@click.option(
    "-k",
    type=click.IntRange(min=1, max=100),
    default=10,
    show_default=True,
    metavar="NUMBER",
    help="How many words to name at each decision of a path.",
)
@click.option(
    "--codes",
    is_flag=True,
    help="Print the code of every word: what `hsw2v train --tree FILE` reads.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the tree, or the codes, to this file.",
)
@click.option(
    "--format",
    type=click.Choice(["json", "newick", "dot"]),
    help="What to write (default: by the extension: .json, .nwk, .newick, .dot, .gv).",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Write only so many levels; the most frequent words stand for what is below.",
)
@force_option
@json_option
def tree(
    model: str,
    words: tuple[str, ...],
    k: int,
    codes: bool,
    output: str | None,
    format: str | None,
    depth: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print the shape of the tree of MODEL, or the paths to WORDS, or write it all.

    The shape: what a word costs in decisions, against the entropy and the best of all trees, and
    how many words lie at each depth. A path: for each decision how many words it keeps, and how
    many are on the other side, the most frequent of them by name.

    \b
    Examples:
      hsw2v tree corpus.safetensors
      hsw2v tree corpus.safetensors king queen
      hsw2v tree corpus.safetensors --codes > codes.tsv
      hsw2v tree corpus.safetensors --output top.dot --depth 6
    """
    _check(words, codes=codes, output=output, format=format, depth=depth, as_json=as_json)
    if output:
        check_writable(output, force=force)
    import hsw2v

    opened = hsw2v.load(model)
    found = _tree_of(opened, model)
    if codes:
        _codes(opened, found, output, force)
    elif output:
        from hsw2v.trees.drawing import Drawing, write_drawing

        drawing = Drawing(found, opened.words, opened.counts, depth)
        write_drawing(output, drawing, format=format, force=force)
    elif words:
        _paths(opened, found, words, k, as_json)
    else:
        _shape(opened, found, as_json)


def _check(
    words: tuple[str, ...],
    *,
    codes: bool,
    output: str | None,
    format: str | None,
    depth: int | None,
    as_json: bool,
) -> None:
    """Refuse what does not go together."""
    if (codes or output) and (words or as_json):
        what = "words" if words else "--json"
        raise UsageError(
            f"{what} cannot be given with {'--codes' if codes else '--output'}",
            hint="leave one of them out",
        )
    if (format or depth) and (codes or not output):
        option = "--format" if format else "--depth"
        raise UsageError(
            f"{option} is about a drawing of the tree",
            hint="leave --codes out" if codes else "name the file with --output",
        )
    if output and not codes:
        from hsw2v.trees.drawing import format_for

        format_for(output, format)


def _tree_of(model: Model, path: str) -> Tree:
    if model.tree is None:
        loss = model.config.get("training", {}).get("loss")
        raise UsageError(
            f"has no tree: it was trained with loss {loss}" if loss else "has no tree",
            where=path,
            hint="name a model that was trained with --loss hs",
        )
    return model.tree


def _codes(model: Model, tree: Tree, output: str | None, force: bool) -> None:
    from hsw2v.files import write_text
    from hsw2v.trees.codes import code_lines

    lines = code_lines(tree, model.words)
    if output:
        write_text(output, (f"{line}\n" for line in lines), force=force)
    else:
        for line in lines:
            print(line)


def _paths(model: Model, tree: Tree, words: tuple[str, ...], k: int, as_json: bool) -> None:
    from hsw2v.trees.decisions import decisions

    for name, path in zip(words, decisions(tree, model.rows(words), k), strict=True):
        code = "".join(str(one.turn) for one in path)
        if as_json:
            print_json(
                {"word": name, "code": code, "decisions": [_record(model, one) for one in path]}
            )
        else:
            print(f"{name}: {len(path)} decision{'' if len(path) == 1 else 's'} {code}".rstrip())
            print_table(_path_rows(model, path), right=(0, 1, 2))


def _record(model: Model, decision: Decision) -> dict[str, Any]:
    examples = [model.words[one] for one in decision.examples]
    return {**dataclasses.asdict(decision), "examples": examples}


def _path_rows(model: Model, path: list[Decision]) -> Iterable[tuple[str, ...]]:
    """Return the lines of a path, whose last column fits into what is left of the screen."""
    rows = [("turn", "kept", "others", "among the others")]
    rows += [(str(one.turn), f"{one.words:,}", f"{one.others:,}", "") for one in path]
    room = COLUMNS - sum(2 + max(map(len, column)) for column in list(zip(*rows, strict=True))[:3])
    return rows[: 1 if path else 0] + [
        (*row[:3], _fitting([model.words[word] for word in one.examples], room))
        for row, one in zip(rows[1:], path, strict=True)
    ]


def _fitting(words: list[str], room: int) -> str:
    """Return as many words as there is room for; a part of the first if it is too long."""
    line = words[0] if len(words[0]) <= room else words[0][: room - 1] + "…"
    for one in words[1:]:
        if len(line) + 1 + len(one) > room:
            break
        line += " " + one
    return line


def _shape(model: Model, tree: Tree, as_json: bool) -> None:
    from hsw2v.trees.shape import cost

    depth = tree.lengths
    costs = {name: cost(depth, weights) for name, weights in _weights(model).items()}
    levels = _levels(depth, model.counts)
    facts = {
        "kind": model.config.get("training", {}).get("tree"),
        "words": len(tree),
        "shortest": int(depth.min()),
        "longest": int(depth.max()),
    }
    if as_json:
        records = {
            name: {**dataclasses.asdict(one), "redundancy": one.redundancy}
            for name, one in costs.items()
        }
        print_json({**facts, "cost": records, "depths": levels})
        return
    print_table(
        (name, f"{value:,}" if isinstance(value, int) else value)
        for name, value in facts.items()
        if value is not None
    )
    print()
    print_table(_cost_rows(costs), right=(1, 2, 3, 4))
    print()
    print_table(_histogram(levels), right=(0, 1, 2))


def _cost_rows(costs: dict[str, Cost]) -> Iterable[tuple[str, ...]]:
    yield ("mean over", "path length", "entropy", "Huffman", "redundancy")
    for name, one in costs.items():
        figures = (one.mean, one.entropy, one.huffman, one.redundancy)
        yield (MEANS[name], *(f"{figure:.4f}" for figure in figures))


def _weights(model: Model) -> dict[str, NDArray[Any]]:
    """Return how often words occur: in the corpus, in training, and if all were alike."""
    import numpy as np

    from hsw2v.corpus.vocabulary import kept_counts

    alike = {"words": np.ones(len(model))}
    counts = model.counts
    if counts is None:
        return alike
    sample = model.config.get("vocabulary", {}).get("sample")
    trained = {"kept_tokens": kept_counts(counts, sample)} if sample else {}
    return {"tokens": counts, **trained, **alike}


def _levels(depth: NDArray[np.int64], counts: NDArray[np.int64] | None) -> list[dict[str, Any]]:
    """Return the number of words at each depth where there are any, and their share of tokens."""
    import numpy as np

    words = np.bincount(depth)
    levels: list[dict[str, Any]] = [
        {"depth": int(at), "words": int(words[at])} for at in np.nonzero(words)[0]
    ]
    if counts is not None:
        share = np.bincount(depth, counts / counts.sum())
        for level in levels:
            level["tokens"] = float(share[level["depth"]])
    return levels


def _histogram(levels: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row with a bar for every depth; for several together in a very deep tree."""
    lowest = levels[0]["depth"]
    step = math.ceil((levels[-1]["depth"] - lowest + 1) / _ROWS)
    measure = "tokens" if "tokens" in levels[0] else "words"
    rows = []
    for first in range(lowest, levels[-1]["depth"] + 1, step):
        within = [level for level in levels if first <= level["depth"] < first + step]
        words = sum(level["words"] for level in within)
        total = sum(level[measure] for level in within)
        last = min(first + step - 1, levels[-1]["depth"])
        rows.append((f"{first}" if step == 1 else f"{first}-{last}", words, total))
    longest = max(total for _, _, total in rows)
    bars = [
        (span, f"{words:,}", f"{total:.2%}", "#" * round(_BAR * total / longest))
        for span, words, total in rows
    ]
    if measure == "words":
        return [("depth", "words", ""), *((span, words, bar) for span, words, _, bar in bars)]
    return [("depth", "words", "tokens", ""), *bars]
