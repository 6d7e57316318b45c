"""Queries: arrays and word indexes in, answers out."""
