"""Word vectors with hierarchical softmax: train them, ask them, export them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsw2v.config import Config
    from hsw2v.corpus.phrases import Phrases
    from hsw2v.corpus.sources import find_phrases
    from hsw2v.corpus.vocabulary import Vocabulary
    from hsw2v.diagnosis.diagnose import diagnose
    from hsw2v.diagnosis.diagnosis import Diagnosis
    from hsw2v.errors import (
        CorruptInputError,
        DiskFullError,
        DivergedError,
        EmptyCorpusError,
        EncodingError,
        Hsw2vError,
        MissingInputError,
        ModelFileError,
        OutputError,
        OutputExistsError,
        ResourceError,
        UnknownWordError,
        UsageError,
    )
    from hsw2v.experiments.comparing import compare
    from hsw2v.experiments.comparison import Comparison
    from hsw2v.graphs.graph import Graph
    from hsw2v.graphs.walks import Walks
    from hsw2v.model import Model, load
    from hsw2v.model.aligning import Alignment, align
    from hsw2v.model.gensim import from_gensim
    from hsw2v.model.indexing import Index
    from hsw2v.training.api import resume, train
    from hsw2v.training.plan import Plan, plan
    from hsw2v.trees.tree import Tree

    __version__: str

__all__ = [
    "Alignment",
    "Comparison",
    "Config",
    "CorruptInputError",
    "Diagnosis",
    "DiskFullError",
    "DivergedError",
    "EmptyCorpusError",
    "EncodingError",
    "Graph",
    "Hsw2vError",
    "Index",
    "MissingInputError",
    "Model",
    "ModelFileError",
    "OutputError",
    "OutputExistsError",
    "Phrases",
    "Plan",
    "ResourceError",
    "Tree",
    "UnknownWordError",
    "UsageError",
    "Vocabulary",
    "Walks",
    "__version__",
    "align",
    "compare",
    "config",
    "diagnose",
    "errors",
    "events",
    "find_phrases",
    "from_gensim",
    "load",
    "plan",
    "resume",
    "train",
]

# Imported when first used: a query never pays for training and its compiler.
_HOMES = {
    "Alignment": "hsw2v.model.aligning",
    "Comparison": "hsw2v.experiments.comparison",
    "Config": "hsw2v.config",
    "Diagnosis": "hsw2v.diagnosis.diagnosis",
    "Graph": "hsw2v.graphs.graph",
    "Index": "hsw2v.model.indexing",
    "Model": "hsw2v.model",
    "Phrases": "hsw2v.corpus.phrases",
    "Plan": "hsw2v.training.plan",
    "Tree": "hsw2v.trees.tree",
    "Vocabulary": "hsw2v.corpus.vocabulary",
    "Walks": "hsw2v.graphs.walks",
    "align": "hsw2v.model.aligning",
    "compare": "hsw2v.experiments.comparing",
    "diagnose": "hsw2v.diagnosis.diagnose",
    "find_phrases": "hsw2v.corpus.sources",
    "from_gensim": "hsw2v.model.gensim",
    "load": "hsw2v.model",
    "plan": "hsw2v.training.plan",
    "resume": "hsw2v.training.api",
    "train": "hsw2v.training.api",
}
_ERRORS = (
    "CorruptInputError",
    "DiskFullError",
    "DivergedError",
    "EmptyCorpusError",
    "EncodingError",
    "Hsw2vError",
    "MissingInputError",
    "ModelFileError",
    "OutputError",
    "OutputExistsError",
    "ResourceError",
    "UnknownWordError",
    "UsageError",
)
_HOMES |= dict.fromkeys(_ERRORS, "hsw2v.errors")
_MODULES = ("config", "errors", "events", "sklearn")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"hsw2v.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("hsw2v")
    raise AttributeError(f"module 'hsw2v' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
