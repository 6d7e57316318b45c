"""The model: what training makes, its file, and the formats of other programs."""

from hsw2v.model.loading import load
from hsw2v.model.model import Model

__all__ = ["Model", "load"]
