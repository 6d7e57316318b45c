"""The top of a tree as SVG: what is below is named by its most frequent words."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

ROW, LEVEL, MARGIN = 20, 56, 16
"""Pixels from leaf to leaf, from level to level, and around it all."""
LETTER = 0.62 * 13
"""Pixels of a letter, on average no more than that at the size of the text."""
WORD, LINE = 20, 60
"""Letters of a word, and of the words of a leaf, at most."""
# White paper, since a page may be dark where the style of the picture cannot know it.
STYLE = """
rect { fill: #ffffff; }
path { fill: none; stroke: #8c959f; stroke-width: 1.5; }
circle { fill: #8c959f; }
text { font: 13px sans-serif; fill: #1f2328; dominant-baseline: central; }
tspan { fill: #656d76; }
.word { font-weight: bold; }
"""

Node = dict[str, Any]
"""As `Drawing.json` writes it."""


def svg(root: Node, title: str) -> str:
    """Return an SVG of a tree, the root to the left."""
    leaves = list(_leaves_of(root))
    letters = max(len(_words_of(leaf)) + len(_note_of(leaf)) for _, leaf in leaves)
    width = round(2 * MARGIN + max(depth for depth, _ in leaves) * LEVEL + 8 + letters * LETTER)
    height = 2 * MARGIN + len(leaves) * ROW
    elements: list[str] = []
    _draw_node(elements, root, 0, iter(range(len(leaves))))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        f"<title>{escape(title, quote=False)}</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" rx="6" />',
        *elements,
    ]
    return "\n".join(lines) + "\n</svg>"


def _draw_node(elements: list[str], node: Node, depth: int, rows: Iterator[int]) -> float:
    """Draw a node and what is below, its leaves on the next rows; return how far down it is."""
    x = MARGIN + depth * LEVEL
    if "children" not in node:
        y = MARGIN + (next(rows) + 0.5) * ROW
        kind = ' class="word"' if "word" in node else ""
        note = f"<tspan>{_note_of(node)}</tspan>" if _note_of(node) else ""
        text = escape(_words_of(node), quote=False) + note
        elements.append(f'<text x="{x + 6:g}" y="{y:g}"{kind}>{text}</text>')
        return y
    below = [_draw_node(elements, child, depth + 1, rows) for child in node["children"]]
    y, bend = sum(below) / 2, x + LEVEL / 2
    for end in below:
        line = f"M {x} {y:g} C {bend:g} {y:g} {bend:g} {end:g} {x + LEVEL} {end:g}"
        elements.append(f'<path d="{line}" />')
    elements.append(f'<circle cx="{x}" cy="{y:g}" r="3" />')
    return y


def _leaves_of(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Yield the depth of every leaf, and the leaf."""
    if "children" not in node:
        yield depth, node
    for child in node.get("children", ()):
        yield from _leaves_of(child, depth + 1)


def _words_of(leaf: Node) -> str:
    """Return the word of a leaf, or as many examples of a subtree as there is room for."""
    line = ""
    for word in leaf.get("examples") or [leaf["word"]]:
        shown = "".join(letter if letter.isprintable() else "·" for letter in word)
        shown = shown if len(shown) <= WORD else shown[: WORD - 1] + "…"
        if len(line) + 1 + len(shown) <= LINE:
            line += " " + shown
    return line.strip()


def _note_of(leaf: Node) -> str:
    """Return how many words a subtree has."""
    return f" … {leaf['words']:,} words" if "words" in leaf else ""
