"""Word vectors with hierarchical softmax: train them, ask them, export them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsw2v.corpus.phrases import Phrases
    from hsw2v.corpus.sources import find_phrases
    from hsw2v.diagnosis.diagnose import diagnose
    from hsw2v.experiments.comparing import compare
    from hsw2v.experiments.comparison import Comparison
    from hsw2v.graphs.graph import Graph
    from hsw2v.graphs.walks import Walks
    from hsw2v.model import Model, load
    from hsw2v.model.aligning import Alignment, align
    from hsw2v.model.indexing import Index
    from hsw2v.training.api import resume, train
    from hsw2v.training.plan import Plan, plan

__all__ = [
    "Alignment",
    "Comparison",
    "Graph",
    "Index",
    "Model",
    "Phrases",
    "Plan",
    "Walks",
    "align",
    "compare",
    "diagnose",
    "find_phrases",
    "load",
    "plan",
    "resume",
    "train",
]

# Imported when first used: a query never pays for training and its compiler.
_HOMES = {
    "Alignment": "hsw2v.model.aligning",
    "Comparison": "hsw2v.experiments.comparison",
    "Graph": "hsw2v.graphs.graph",
    "Index": "hsw2v.model.indexing",
    "Model": "hsw2v.model",
    "Phrases": "hsw2v.corpus.phrases",
    "Plan": "hsw2v.training.plan",
    "Walks": "hsw2v.graphs.walks",
    "align": "hsw2v.model.aligning",
    "compare": "hsw2v.experiments.comparing",
    "diagnose": "hsw2v.diagnosis.diagnose",
    "find_phrases": "hsw2v.corpus.sources",
    "load": "hsw2v.model",
    "plan": "hsw2v.training.plan",
    "resume": "hsw2v.training.api",
    "train": "hsw2v.training.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hsw2v' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
