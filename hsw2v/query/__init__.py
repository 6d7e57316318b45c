"""Answers from word vectors: arrays and word indexes in, answers out."""
