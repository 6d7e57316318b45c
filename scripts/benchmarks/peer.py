#!/usr/bin/env python3
"""Train with another program's Python package and save the model, as its users do.

peer.py gensim|fasttext CORPUS MODEL --model skipgram --loss hs ...
"""

from __future__ import annotations

import argparse
from typing import Any


def train_gensim(given: argparse.Namespace) -> None:
    """Train with gensim, from a file of sentences.

    Each of its workers takes its own part of the file, and how far training is it takes to be its
    own words by those of the whole file: with n workers the learning rate of an epoch falls by 1/n
    of what it should. So each epoch is made to end n times as far below its start, unless
    gensim's own schedule is asked for.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=int(given.model == "skipgram"),
        hs=int(given.loss == "hs"),
        negative=given.negative if given.loss == "ns" else 0,
        alpha=given.lr,
        vector_size=given.dim,
        window=given.window,
        sample=given.sample,
        min_count=given.min_count,
        epochs=given.epochs,
        workers=given.threads,
        seed=given.seed,
    )
    model.build_vocab(corpus_file=given.corpus)
    if given.own_schedule:
        words = model.corpus_total_words
        model.train(corpus_file=given.corpus, total_words=words, epochs=given.epochs)
        model.save(given.output)
        return
    step = (given.lr - model.min_alpha) / given.epochs
    for epoch in range(given.epochs):
        first = given.lr - epoch * step
        model.train(
            corpus_file=given.corpus,
            total_words=model.corpus_total_words,
            epochs=1,
            start_alpha=first,
            end_alpha=first - given.threads * step,
        )
    model.save(given.output)


def load_gensim(path: str) -> Any:
    """Return the vectors of a model of gensim's as an `hsw2v.Model`."""
    from gensim.models import Word2Vec

    found = Word2Vec.load(path).wv
    return _model(found.index_to_key, found.vectors)


def train_fasttext(given: argparse.Namespace) -> None:
    """Train with fastText, with subwords if their lengths are given."""
    import fasttext

    shortest, _, longest = given.subwords.partition("-")

    # Its function takes no seed, but looks here for one.
    fasttext.FastText.unsupervised_default["seed"] = given.seed
    model = fasttext.train_unsupervised(
        given.corpus,
        model=given.model,
        loss=given.loss,
        neg=given.negative,
        lr=given.lr,
        dim=given.dim,
        ws=given.window,
        t=given.sample,
        minCount=given.min_count,
        epoch=given.epochs,
        thread=given.threads,
        minn=int(shortest),
        maxn=int(longest or shortest),
        verbose=0,
    )
    model.save_model(given.output)


def load_fasttext(path: str) -> Any:
    """Return the vectors of a model of fastText's as an `hsw2v.Model`."""
    import fasttext
    import numpy as np

    found = fasttext.load_model(path)
    return _model(words := found.get_words(), np.stack([found.get_word_vector(w) for w in words]))


def _model(words: list[str], vectors: Any) -> Any:
    """Return a model of words, the most frequent first, whose counts are not known."""
    # Not above: the process that trains with another program is measured.
    import hsw2v
    from hsw2v.corpus.vocabulary import Vocabulary

    return hsw2v.Model(Vocabulary.from_words(words, [0] * len(words)), vectors)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=("gensim", "fasttext"))
    parser.add_argument("corpus")
    parser.add_argument("output", metavar="model-file")
    parser.add_argument("--model", required=True, choices=("skipgram", "cbow"))
    parser.add_argument("--loss", required=True, choices=("hs", "ns"))
    for name in ("lr", "sample"):
        parser.add_argument(f"--{name}", required=True, type=float)
    for name in ("dim", "window", "min-count", "negative", "epochs", "threads", "seed"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--own-schedule", action="store_true", help="of gensim's learning rate")
    parser.add_argument("--subwords", default="0", help="lengths of n-grams, of fastText")
    given = parser.parse_args()
    {"gensim": train_gensim, "fasttext": train_fasttext}[given.peer](given)


if __name__ == "__main__":
    main()
