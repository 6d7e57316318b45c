#!/usr/bin/env python3
"""Train with the Word2Vec of Spark's MLlib on this machine, and save the vectors.

spark_peer.py CORPUS OUTPUT PARTITIONS EPOCHS SEED
"""

from __future__ import annotations

import sys

import numpy as np

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary


def main() -> None:
    """Train skip-gram with hierarchical softmax, all that it has; it does not subsample words."""
    from pyspark.ml.feature import Word2Vec
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import col, split

    corpus, output, partitions, epochs, seed = sys.argv[1:]
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    lines = session.read.text(corpus).select(split(col("value"), " ").alias("words"))
    training = Word2Vec(
        vectorSize=100,
        minCount=5,
        numPartitions=int(partitions),
        stepSize=0.025,
        maxIter=int(epochs),
        windowSize=5,
        seed=int(seed),
        inputCol="words",
        outputCol="vector",
    )
    rows = [row for row in training.fit(lines).getVectors().collect() if row.word]
    vectors = np.array([row.vector.toArray() for row in rows], np.float32)
    words = [row.word for row in rows]
    # The most frequent words first: analogies are asked of them.
    counts: dict[str, int] = dict.fromkeys(words, 0)
    with open(corpus, encoding="utf-8") as file:
        for line in file:
            for word in line.split():
                if word in counts:
                    counts[word] += 1
    order = sorted(range(len(words)), key=lambda one: -counts[words[one]])
    vocabulary = Vocabulary.from_words([words[one] for one in order], [0] * len(order))
    hsw2v.Model(vocabulary, vectors[order]).export(output, format="binary", force=True)
    session.stop()


if __name__ == "__main__":
    main()
