"""What a model is, in a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsw2v.model.model import Model


def facts(model: Model) -> Iterator[tuple[str, Any]]:
    """Yield names and values of what is known without reading the vectors."""
    yield "words", len(model)
    yield "dimensions", model.dim
    training = model.config.get("training", {})
    for name in ("model", "loss", "tree", "epochs"):
        if (value := training.get(name)) is not None:
            yield name, value
    if (tokens := model.info.get("corpus", {}).get("tokens")) is not None:
        yield "tokens of the text", tokens
    if model.subwords is not None:
        yield "n-grams", str(model.subwords.settings)
