"""`hsw2v tree`: the tree of a model, as figures, as a path, as text, as a drawing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.checks import check_output
from hsw2v.cli.opening import open_model
from hsw2v.cli.options import force_option, json_option, model_argument, number_option, word
from hsw2v.cli.output import print_json, print_table
from hsw2v.config import TREE_LOSSES
from hsw2v.errors import UsageError
from hsw2v.files import STDOUT, write_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hsw2v.model import Model
    from hsw2v.trees.decisions import Decision
    from hsw2v.trees.tree import Tree

COLUMNS = 100
MEANS = {
    "tokens": "tokens",
    "kept_tokens": "tokens after subsampling",
    "words": "words, unweighted",
}
_BAR = 40
_ROWS = 40


@click.command()
@model_argument
@click.argument("words", nargs=-1, type=word)
@number_option("-k", most=100, default=10, help="Words to name at each decision of a path.")
@click.option(
    "--codes",
    is_flag=True,
    help="Print the code of every word, in the format that `hsw2v train --tree FILE` reads.",
)
@click.option(
    "-o", "--output", metavar="FILE", help="Write the tree, or with --codes the codes, to a file."
)
@click.option(
    "--format",
    type=click.Choice(["json", "newick", "dot"]),
    help="Format of the tree (default: by the extension: .json, .nwk, .newick, .dot, .gv).",
)
@number_option(
    "--depth",
    help="Write only this many levels; the most frequent words stand for what is below.",
)
@number_option("--number", default=1, help="Which of the trees of MODEL, if it has several.")
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
    number: int,
    force: bool,
    as_json: bool,
) -> None:
    """Print the shape of the tree of MODEL, or the paths to WORDS, or write the tree to a file.

    The shape: mean path length, against the entropy and the Huffman tree, and the number of words
    at each depth. A path: for each decision the turn, the number of words on the same side and on
    the other, and the most frequent of the others.

    \b
    Examples:
      hsw2v tree corpus.safetensors
      hsw2v tree corpus.safetensors king queen
      hsw2v tree corpus.safetensors --codes > codes.tsv
      hsw2v tree corpus.safetensors --output top.dot --depth 6
    """
    if (codes or output) and (words or as_json):
        what = "words" if words else "--json"
        raise UsageError(
            f"{what} cannot be given with {'--codes' if codes else '--output'}",
            hint="leave one of them out",
        )
    if (format or depth) and (codes or not output):
        raise UsageError(
            f"{'--format' if format else '--depth'} is for writing the tree",
            hint="leave --codes out" if codes else "name the file with --output",
        )
    if output:
        from hsw2v.trees.drawing import Drawing, format_for, write_drawing

        if not codes:
            format_for(output, format)
        check_output(output, [model], force=force, stdout=True)
    opened = open_model(model, words)
    found = _tree_of(opened, model, number)
    if codes:
        from hsw2v.trees.codes import code_lines

        lines = (f"{line}\n" for line in code_lines(found, opened.words))
        write_text(output or STDOUT, lines, force=force)
    elif output:
        drawing = Drawing(found, opened.words, opened.counts, depth)
        write_drawing(output, drawing, format=format, force=force)
    elif words:
        _paths(opened, found, words, k, as_json)
    else:
        _shape(opened, found, as_json)


def _tree_of(model: Model, path: str, number: int) -> Tree:
    trees = model.trees
    if not trees:
        loss = model.config.get("training", {}).get("loss")
        if not model.has_output and loss in TREE_LOSSES:
            what = "has no tree: it holds the vectors of words only"
            raise UsageError(what, where=path, hint="name the model file that hsw2v train wrote")
        raise UsageError(
            f"has no tree: it was trained with loss {loss}" if loss else "has no tree",
            where=path,
            hint="name a model that was trained with --loss hs",
        )
    if number > len(trees):
        many = "one tree" if len(trees) == 1 else f"{len(trees)} trees"
        raise UsageError(f"has {many}", where=path, hint=f"leave --number {number} out")
    return trees[number - 1]


def _paths(model: Model, tree: Tree, words: tuple[str, ...], k: int, as_json: bool) -> None:
    from hsw2v.trees.decisions import decisions

    for name, path in zip(words, decisions(tree, model.rows(words), k), strict=True):
        code = "".join(str(one.turn) for one in path)
        if as_json:
            records = [
                {**dataclasses.asdict(one), "examples": [model.words[i] for i in one.examples]}
                for one in path
            ]
            print_json({"word": name, "code": code, "decisions": records})
        else:
            print(f"{name}: {len(path)} decision{'' if len(path) == 1 else 's'} {code}".rstrip())
            print_table(_path_rows(model, path), right=(0, 1, 2))


def _path_rows(model: Model, path: list[Decision]) -> list[tuple[str, ...]]:
    """Return a header and a row for each decision, within the width of a table."""
    if not path:
        return []
    rows = [("turn", "kept", "others")]
    rows += [(str(one.turn), f"{one.words:,}", f"{one.others:,}") for one in path]
    room = COLUMNS - sum(2 + max(map(len, column)) for column in zip(*rows, strict=True))
    examples = [_fitting([model.words[i] for i in one.examples], room) for one in path]
    return [(*row, text) for row, text in zip(rows, ["among the others", *examples], strict=True)]


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
    facts = {
        "kind": model.config.get("training", {}).get("tree"),
        **({"trees": len(model.trees)} if len(model.trees) > 1 else {}),
        "words": len(tree),
        "shortest": int(depth.min()),
        "longest": int(depth.max()),
    }
    if as_json:
        records = {
            name: {**dataclasses.asdict(one), "redundancy": one.redundancy}
            for name, one in costs.items()
        }
        print_json({**facts, "cost": records, "depths": _levels(depth, model.counts)})
        return
    print_table(
        (name, f"{value:,}" if isinstance(value, int) else value)
        for name, value in facts.items()
        if value is not None
    )
    print()
    table = [["mean over", "path length", "entropy", "Huffman", "redundancy"]]
    for name, one in costs.items():
        figures = (one.mean, one.entropy, one.huffman, one.redundancy)
        table.append([MEANS[name], *(f"{figure:.4f}" for figure in figures)])
    print_table(table, right=range(1, 5))
    print()
    print_table(_histogram(depth, model.counts), right=(0, 1, 2))


def _weights(model: Model) -> dict[str, NDArray[Any]]:
    """Return weights of words (V,): counts, counts after subsampling, and ones."""
    import numpy as np

    from hsw2v.corpus.vocabulary import kept_counts

    weights: dict[str, NDArray[Any]] = {}
    if model.counts is not None:
        weights["tokens"] = model.counts
        if sample := model.config.get("vocabulary", {}).get("sample"):
            weights["kept_tokens"] = kept_counts(model.counts, sample)
    return {**weights, "words": np.ones(len(model))}


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


def _histogram(depth: NDArray[np.int64], counts: NDArray[np.int64] | None) -> list[list[str]]:
    """Return a row with a bar for every depth; in a very deep tree, for several together."""
    import numpy as np

    lowest, deepest = int(depth.min()), int(depth.max())
    step = -(-(deepest - lowest + 1) // _ROWS)
    words = np.bincount((depth - lowest) // step)
    totals = words if counts is None else np.bincount((depth - lowest) // step, counts)
    rows = [["depth", "words", *([] if counts is None else ["tokens"]), ""]]
    for number, (count, total) in enumerate(zip(words.tolist(), totals.tolist(), strict=True)):
        first = lowest + number * step
        span = f"{first}" if step == 1 else f"{first}-{min(first + step - 1, deepest)}"
        share = [] if counts is None else [f"{total / totals.sum():.2%}"]
        rows.append([span, f"{count:,}", *share, "#" * round(_BAR * total / totals.max())])
    return rows
