"""Errors and gradients of a model at windows of a text."""
