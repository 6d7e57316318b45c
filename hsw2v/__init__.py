"""Word vectors with hierarchical softmax: train them, ask them, export them."""

from __future__ import annotations
