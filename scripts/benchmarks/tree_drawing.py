"""The top of the tree of a model as SVG."""

from __future__ import annotations

import hsw2v
from hsw2v.errors import UsageError
from hsw2v.trees.drawing import check_depth


def draw_model(path: str, depth: int) -> str:
    """Return an SVG of the first `depth` levels of the tree of a model.

    Raises:
        UsageError: the depth is not from 1 to 10, or the model has no tree.
        What `hsw2v.load` raises.
    """
    check_depth(depth)
    model = hsw2v.load(path)
    if model.tree is None:
        raise UsageError("has no tree", where=path, hint="name a model trained with loss hs")
    return model.draw_tree(depth).svg()
