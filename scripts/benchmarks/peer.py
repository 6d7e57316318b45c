#!/usr/bin/env python3
"""Train with another program's Python package and save the model, as its users do.

peer.py gensim|fasttext train CORPUS MODEL --model skipgram --loss hs ...
peer.py gensim|fasttext convert MODEL VECTORS     (to word2vec's binary format)
"""

from __future__ import annotations

import argparse
from typing import Any


def train_gensim(given: argparse.Namespace) -> None:
    """Train with gensim, from a file of sentences.

    Each of its workers takes its own part of the file, and how far training is it takes to be its
    own words by those of the whole file: with n workers the learning rate of an epoch falls by 1/n
    of what it should. So each epoch is told to end n times as far below its start.
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


def convert_gensim(model: str, vectors: str) -> None:
    """Write the word vectors of a model of gensim's."""
    from gensim.models import Word2Vec

    Word2Vec.load(model).wv.save_word2vec_format(vectors, binary=True)


def train_fasttext(given: argparse.Namespace) -> None:
    """Train with fastText, without subwords."""
    import fasttext

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
        minn=0,
        maxn=0,
        verbose=0,
    )
    model.save_model(given.output)


def convert_fasttext(model: str, vectors: str) -> None:
    """Write the word vectors of a model of fastText's."""
    import fasttext

    trained: Any = fasttext.load_model(model)
    words = trained.get_words()
    with open(vectors, "wb") as file:
        file.write(f"{len(words)} {trained.get_dimension()}\n".encode())
        for word in words:
            file.write(word.encode() + b" " + trained.get_word_vector(word).tobytes() + b"\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=("gensim", "fasttext"))
    actions = parser.add_subparsers(dest="action", required=True)
    convert = actions.add_parser("convert")
    convert.add_argument("corpus", metavar="MODEL")
    convert.add_argument("output", metavar="VECTORS")
    train = actions.add_parser("train")
    train.add_argument("corpus", metavar="CORPUS")
    train.add_argument("output", metavar="MODEL")
    train.add_argument("--model", required=True, choices=("skipgram", "cbow"))
    train.add_argument("--loss", required=True, choices=("hs", "ns"))
    for name in ("lr", "sample"):
        train.add_argument(f"--{name}", required=True, type=float)
    for name in ("dim", "window", "min-count", "negative", "epochs", "threads", "seed"):
        train.add_argument(f"--{name}", required=True, type=int)
    return parser.parse_args()


def main() -> None:
    """Train or convert."""
    given = arguments()
    if given.action == "train":
        {"gensim": train_gensim, "fasttext": train_fasttext}[given.peer](given)
    else:
        convert = {"gensim": convert_gensim, "fasttext": convert_fasttext}[given.peer]
        convert(given.corpus, given.output)


if __name__ == "__main__":
    main()
