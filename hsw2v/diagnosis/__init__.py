"""Diagnosis: what the errors and gradients of a model are like at windows of a text."""
