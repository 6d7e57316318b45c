"""What settings are called elsewhere: in word2vec, GloVe, fastText, gensim and node2vec."""

from collections.abc import Mapping

SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("size", "vector_size", "dimensions", "dimension", "hidden_size"), "dim"),
    **dict.fromkeys(("iter", "epoch", "n_iter", "num_epochs"), "epochs"),
    **dict.fromkeys(("alpha", "eta", "learning_rate"), "lr"),
    **dict.fromkeys(("ws", "window_size"), "window"),
    **dict.fromkeys(("thread", "num_threads", "n_threads"), "threads"),
    **dict.fromkeys(("max_vocab_size", "max_final_vocab"), "max_vocab"),
    **dict.fromkeys(("read_vocab", "vocab_file"), "vocab"),
    **dict.fromkeys(("minn", "min_n", "maxn", "max_n"), "subwords"),
    **dict.fromkeys(("sg", "cbow", "skipgram"), "model"),
    "hs": "loss",
    "neg": "negative",
    "t": "sample",
    "bucket": "buckets",
    "pretrained_vectors": "init",
    "num_walks": "walks_per_node",
}
"""The name of a setting by other names of it, or of what it comprises."""
