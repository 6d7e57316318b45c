"""The settings of a model and its training: default, meaning and bounds of each."""

from dataclasses import dataclass

from hsw2v.config.places import MEMORY, folder_of_tables
from hsw2v.config.pretraining import Phase, phases_of
from hsw2v.config.settings import setting
from hsw2v.config.subwords import lengths_of

LOSSES = ("hs", "hs+ns", "class", "ns", "sampled", "softmax")
"""The output layers, as `network.outputs` has them."""
TREE_LOSSES = ("hs", "hs+ns")
"""Those with a tree."""
PRETRAINING = tuple(one for one in LOSSES if one != "class")
"""Those that others may take over from."""
CLASSES = ("frequency", "kmeans", "exchange")
TREES = ("semantic", "huffman", "balanced", "random", "brown")
"""The trees that hsw2v builds; any other name is that of a file."""
ENGINES = ("threads", "local", "ray")
OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The model and its training."""

    model: str = setting(
        "skipgram",
        "predict from each context word (skipgram) or from their mean (cbow)",
        choices=("skipgram", "cbow"),
    )
    dim: int = setting(100, "dimensions of a vector", minimum=1, maximum=65_536)
    window: int = setting(
        5, "largest distance of a context word from its target", minimum=1, maximum=1_000
    )
    fixed_window: bool = setting(
        False, "always use the whole window instead of shrinking it at random"
    )
    subwords: str = setting(
        "",
        "lengths of the character n-grams of words that have vectors of their own, such as '3-6' "
        "or '4': a word's vector is the mean of its own and theirs (default: none)",
    )
    buckets: int = setting(
        2_000_000,
        "buckets of the hash of n-grams: those in the same one share a vector; only those that "
        "the vocabulary has take memory",
        minimum=1,
        maximum=100_000_000,
    )
    whole_words: int = setting(
        0, "number of the most frequent words that have no n-grams", minimum=0
    )
    loss: str = setting(
        "hs",
        "output layer: hierarchical softmax (hs), the same with negative sampling beside it "
        "(hs+ns), classes of words (class), negative sampling (ns), sampled softmax (sampled) or "
        "the softmax over all words (softmax)",
        choices=LOSSES,
    )
    pretrain: str = setting(
        "",
        "output layers that train the word vectors first, each for some of the epochs, such as "
        "'hs:1' or 'ns:0.5,hs:2'; that of loss trains for the rest",
    )
    tree: str = setting(
        "semantic",
        "tree of hierarchical softmax: semantic (built from the vectors during training), huffman, "
        "balanced, random, brown (Brown clustering), or a file of words and bit strings as "
        "'hsw2v tree --codes' prints it",
    )
    num_trees: int = setting(
        1,
        "number of semantic trees, each built from its own share of the dimensions of the vectors "
        "after a random rotation; each is trained, and the probability of a word is the mean of "
        "theirs",
        minimum=1,
        maximum=64,
    )
    rebuild_at: float | None = setting(
        None,
        "epochs before the semantic tree is built, such as 0.5; 0 for never (default: 1 for "
        "skipgram, 2 for cbow, at most half of the epochs, and never with a single epoch)",
        minimum=0.0,
    )
    rebuild_every: float | None = setting(
        None,
        "epochs between later rebuilds of the semantic tree, while at least two remain; 0 for none "
        "(default: 0 for skipgram, 3 for cbow)",
        minimum=0.0,
    )
    node_sample: float | None = setting(
        None,
        "threshold of subsampling decisions: nodes of the tree, or choices of classes, that more "
        "than this share of the targets pass are skipped at random; 0 switches it off (default: "
        "2,500 times the dimensions, divided by the tokens that all epochs pass, at least 0.0005 "
        "and at most 1; with loss hs+ns a tenth of that, "
        "with several trees a fifth, with loss class 0.1)",
        minimum=1e-6,
        maximum=1.0,
        or_zero=True,
    )
    init: str | None = setting(
        None,
        "file of vectors, in any format that is read, which the words that are there start from; "
        "the others start at random and output vectors at zero, unlike a model that is continued",
    )
    freeze: bool = setting(
        False,
        "with init: words that start from vectors of the file keep them, and the others are "
        "trained beside them",
    )
    classes: str = setting(
        "frequency",
        "word classes of loss class: by frequency (frequency), by k-means of the word vectors, "
        "rebuilt during training as the semantic tree is (kmeans), or by the exchange algorithm "
        "on neighbouring words (exchange)",
        choices=CLASSES,
    )
    num_classes: int | None = setting(
        None,
        "number of word classes of loss class (default: the square root of the vocabulary size)",
        minimum=1,
    )
    negative: int = setting(5, "negative samples per window", minimum=1, maximum=1_000)
    samples: int = setting(
        64,
        "negative samples of sampled softmax for every 64 windows",
        minimum=1,
        maximum=65_536,
    )
    ns_exponent: float = setting(
        0.75,
        "exponent of the counts in the noise distribution of negative sampling and sampled softmax",
        minimum=-10.0,
        maximum=10.0,
    )
    optimizer: str = setting(
        "sgd",
        "optimizer of all parameters: plain SGD (sgd), or an adaptive one (adagrad, rmsprop, adam)",
        choices=OPTIMIZERS,
    )
    l2: float = setting(
        0.0,
        "decoupled weight decay of the updated rows: each step multiplies them by 1 - lr * l2",
        minimum=0.0,
        maximum=1_000.0,
    )
    batch_norm: bool = setting(
        False, "normalise hidden vectors over batches of at least 256 windows"
    )
    epochs: int | None = setting(
        None,
        "passes over the corpus (default: 80 million divided by its tokens, at least 5 and at "
        "most 20)",
        minimum=1,
    )
    lr: float | None = setting(
        None,
        "learning rate at the start, falling linearly to 1e-4 of it (default: 0.025 for skipgram, "
        "0.05 for cbow and with subwords; with adagrad 0.1 and 0.2, with rmsprop and adam 0.01)",
        above=0.0,
        maximum=10.0,
    )
    threads: int | None = setting(None, "threads (default: all cores)", minimum=1, maximum=1_024)
    tables: str = setting(
        MEMORY,
        "where the tables are that training changes: in memory (memory), or in files in a folder "
        "of a local disk, which are mapped into memory (mapped:DIR), for tables that are larger "
        "than it",
    )
    deterministic: bool = setting(
        False, "come to the same model, bit for bit, whatever the number of threads"
    )
    workers: int = setting(
        4,
        "workers of deterministic training, which threads execute, or of engine ray: each trains "
        "on some blocks of text before all are combined; part of the result, as the number of "
        "threads is not",
        minimum=1,
        maximum=1_024,
    )
    round: int | None = setting(
        None,
        "tokens that each worker trains on before all are combined, in blocks of 8,192 (default: "
        "as many as leave 400 rounds in all epochs, but no more than 65,536)",
        minimum=1,
    )
    combine_rows: int | None = setting(
        None,
        "rows of each table that are combined after every round, those that are visited most "
        "(default: all that were reached)",
        minimum=1,
    )
    combine_all_every: int = setting(
        8,
        "rounds until all rows are combined, with combine_rows; a checkpoint, or a pause after "
        "Ctrl-C, waits for that",
        minimum=1,
        maximum=1_000_000,
    )
    combine_dtype: str = setting(
        "float32",
        "what the changes of word vectors and output vectors are sent as when they are combined",
        choices=("float32", "bfloat16"),
    )
    engine: str = setting(
        "threads",
        "who trains: threads on the same tables (threads), workers on copies that are combined "
        "(local, the same as deterministic), or such workers on a Ray cluster (ray)",
        choices=ENGINES,
    )
    worker_threads: int = setting(
        1,
        "threads of each worker of engine ray, on the same tables; with more than one the model "
        "is not the same to the bit",
        minimum=1,
        maximum=1_024,
    )
    ray_address: str | None = setting(
        None,
        "address of the Ray cluster (default: that of RAY_ADDRESS, else one is started here)",
    )
    seed: int = setting(1, "seed of every random choice", minimum=0)
    record_gradients: int = setting(
        0,
        "blocks between records of errors and gradients in the log; 0 for none",
        minimum=0,
    )

    @property
    def tree_file(self) -> str | None:
        """The file that the tree is read from, if any, and used."""
        return self.tree if self.has_tree and self.tree not in TREES else None

    @property
    def ngram_lengths(self) -> tuple[int, int] | None:
        """The least and the largest length of character n-grams; None if words have none."""
        return lengths_of(self.subwords)

    @property
    def tables_folder(self) -> str | None:
        """The folder of tables that are mapped into memory; None if they are in memory."""
        return folder_of_tables(self.tables)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The output layers that train one after another."""
        return phases_of(self.pretrain, self.loss, PRETRAINING)

    @property
    def in_rounds(self) -> bool:
        """Whether workers train on copies, which are combined round after round."""
        return self.deterministic or self.engine != "threads"

    @property
    def combines(self) -> bool:
        """Whether deterministic training combines copies: one worker has nobody to combine with."""
        return self.deterministic and self.workers > 1

    @property
    def losses(self) -> tuple[str, ...]:
        """Their names, in order, each once."""
        return tuple(dict.fromkeys(one.loss for one in self.phases))

    @property
    def has_tree(self) -> bool:
        """Whether one of them has a tree."""
        return any(one in TREE_LOSSES for one in self.losses)


DEFAULT_LR = {
    "sgd": {"skipgram": 0.025, "cbow": 0.05},
    "adagrad": {"skipgram": 0.1, "cbow": 0.2},
    "rmsprop": {"skipgram": 0.01, "cbow": 0.01},
    "adam": {"skipgram": 0.01, "cbow": 0.01},
}
SUBWORD_LR = 0.05
"""With n-grams and sgd."""
ALWAYS_TRAINED, LEAST_NODE_SAMPLE = 2_500, 0.0005
"""By default a node is always trained if all epochs pass fewer tokens below it than the first times
the dimensions, or if they are a smaller share of all tokens than the second."""
BESIDE_SAMPLING = 0.1
"""Of that, with negative sampling beside the tree."""
SEVERAL_TREES = 0.2
"""Of that, with several trees."""
CLASS_NODE_SAMPLE = 0.1
FEWEST_EPOCHS, MOST_EPOCHS = 5, 20
PASSED_TOKENS = 80_000_000
"""Tokens that all epochs pass by default, within these bounds."""
DEFAULT_REBUILD_AT = {"skipgram": 1.0, "cbow": 2.0}
DEFAULT_REBUILD_EVERY = {"skipgram": 0.0, "cbow": 3.0}
