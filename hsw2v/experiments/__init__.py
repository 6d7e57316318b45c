"""Experiments that compare settings on one corpus."""
