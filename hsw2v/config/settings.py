"""The settings of texts, graphs and vocabularies: default, meaning and bounds of each."""

from dataclasses import dataclass, field
from typing import Any

from hsw2v.config.given import GivenWords
from hsw2v.config.joining import ENGLISH, SCORINGS, checked_delimiter, threshold_of

LARGEST = 2**63 - 1
"""The largest whole number that compiled code and TOML hold."""
FORM = ("field", "format", "header", "skip_bad_records")
"""Settings of what a text is in, not of what its tokens are."""
GRAPH_FORMATS = ("edges", "weighted", "adjacency")
PHRASE_SETTINGS = (
    *("phrase_threshold", "phrase_min_count", "phrase_scoring", "phrase_delimiter"),
    "connector_words",
)
"""Settings of how phrases are found, where there are passes to find them."""
LISTS = ("keep_words", "drop_words", "vocab")
"""Settings that are files of words."""


def setting(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float = LARGEST,
    above: float | None = None,
    or_zero: bool = False,
    words: bool = False,
) -> Any:
    """Declare one setting; bounds are inclusive but for `above`, and `or_zero` allows 0 too.

    With `words` it is a file of words, in place of which a caller in Python may give them.
    """
    rules = {"minimum": minimum, "maximum": maximum, "above": above, "or_zero": or_zero}
    rules["words"] = words
    return field(default=default, metadata={"help": help, "choices": choices, **rules})


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """How bytes become tokens."""

    tokens: str = setting(
        "space",
        "kind of tokens: 'space' splits at Unicode white space, 'words' keeps runs of letters, "
        "digits and marks of raw text and drops punctuation",
        choices=("space", "words"),
    )
    lowercase: bool = setting(False, "lower-case every token (by Unicode's rules)")
    field: str | None = setting(
        None,
        "the text of a corpus of records, such as JSON lines, is in this field or column; a.b is "
        "field b of field a, or of each of the objects in a list a",
    )
    format: str = setting(
        "auto",
        "format of a corpus: that of its extension (auto), or the named one; auto is plain text "
        "without --field",
        choices=("auto", "text", "jsonl", "parquet", "arrow", "csv", "tsv"),
    )
    header: bool = setting(
        True,
        "the first row of CSV and TSV names the columns; without it field is the number of a "
        "column, from 1",
    )
    skip_bad_records: bool = setting(
        False,
        "leave out records that are malformed, or whose field is missing or no text, and tell how "
        "many, instead of stopping at the first",
    )
    encoding_errors: str = setting(
        "strict",
        "invalid UTF-8: stop (strict), replace it by U+FFFD (replace) or leave it out (ignore)",
        choices=("strict", "replace", "ignore"),
    )
    max_types: int = setting(
        0,
        "most types in memory while the text is read: beyond it the rarer half is dropped, but for "
        "words of keep_words and vocab, and their counts so far with them, so that words may be "
        "lost and counts too low; it bounds memory, max_vocab the vocabulary; 0 for no bound; with "
        "engine local and ray, each worker drops them by itself",
        minimum=0,
    )
    cache_dir: str | None = setting(
        None, "folder for the encoded corpus while training (default: the system's temporary one)"
    )
    phrases: int = setting(
        0,
        "passes that join pairs of words that are phrases, such as new_york; each joins over the "
        "result of the one before, so that two find phrases of up to four words; 0 joins none",
        minimum=0,
        maximum=16,
    )
    phrase_threshold: float | None = setting(
        None,
        "score that a pair must exceed to be a phrase: higher for fewer phrases (default: 10, with "
        "phrase scoring npmi 0.5)",
    )
    phrase_min_count: int = setting(
        5,
        "leave out pairs that occur less often; with scoring default it is also the discount "
        "that is taken off their counts",
        minimum=1,
    )
    phrase_scoring: str = setting(
        "default",
        "score of a pair: word2phrase's, with the number of different words and pairs as gensim "
        "has it (default), or normalised pointwise mutual information, from -1 to 1 (npmi)",
        choices=SCORINGS,
    )
    phrase_delimiter: str = setting("_", "what is put between the words of a phrase")
    connector_words: str | GivenWords = setting(
        "",
        "words that may be inside a phrase, but neither begin nor end one: english for articles, "
        "prepositions and conjunctions of English, or a file of such words",
        words=True,
    )

    @property
    def score_threshold(self) -> float:
        """The score that a pair must exceed to be a phrase."""
        return threshold_of(self.phrase_scoring, self.phrase_threshold)

    @property
    def connector_file(self) -> str | None:
        """The file of connector words, if any."""
        named = self.connector_words
        return None if named in ("", ENGLISH) or isinstance(named, GivenWords) else named

    @property
    def delimiter(self) -> str:
        """What is put between the words of a phrase, checked."""
        return checked_delimiter(self.phrase_delimiter)


@dataclass(frozen=True, kw_only=True)
class GraphConfig:
    """How a graph is read, and how walks go over it."""

    graph_format: str = setting(
        "auto",
        "what a line of the graph is: two nodes (edges), two nodes and a weight (weighted), a node "
        "and its neighbours (adjacency), or what the first lines look like (auto)",
        choices=("auto", *GRAPH_FORMATS),
    )
    directed: bool = setting(False, "edges lead from the first node to the second alone")
    walks_per_node: int = setting(
        80, "random walks that begin at each node", minimum=1, maximum=1_000_000
    )
    walk_length: int = setting(
        40,
        "nodes of a walk; it ends early at a node that no edge leads from",
        minimum=1,
        maximum=1_000_000,
    )
    p: float = setting(
        1.0,
        "return parameter of node2vec: the higher, the seldomer a walk goes straight back",
        minimum=1e-6,
        maximum=1e6,
    )
    q: float = setting(
        1.0,
        "in-out parameter of node2vec: above 1 walks stay near where they came from, below 1 they "
        "lead away",
        minimum=1e-6,
        maximum=1e6,
    )


@dataclass(frozen=True, kw_only=True)
class VocabularyConfig:
    """Which types become words, and how often they are used."""

    min_count: int = setting(5, "leave out words that occur less often; 0 is as 1", minimum=0)
    max_vocab: int = setting(
        0,
        "keep only the most frequent words, chosen by exact counts when the text is read (unlike "
        "max_types); 0 for no bound",
        minimum=0,
    )
    keep_words: str | GivenWords | None = setting(
        None,
        "file of words, one a line, that are in the vocabulary if they occur at all, whatever "
        "min_count and max_vocab say",
        words=True,
    )
    drop_words: str | GivenWords | None = setting(
        None,
        "file of words, one a line, that are left out of the text, such as stop words; windows "
        "close over them",
        words=True,
    )
    vocab: str | GivenWords | None = setting(
        None,
        "file of all words of the vocabulary, one a line, with their counts after a tab as "
        "'hsw2v vocab' prints them, or with those of the text; min_count and max_vocab have no "
        "effect",
        words=True,
    )
    sample: float = setting(
        1e-4,
        "threshold of subsampling: words more frequent than this share of the tokens are "
        "skipped at random; 0 switches it off",
        minimum=0.0,
        maximum=1.0,
    )
    oov_counts: bool = setting(
        False,
        "write the types that are no words, and their counts, to the model file, so that it tells "
        "why a word is missing; they may be names that are nobody's business",
    )


RENAMED = {
    "retree_at": "rebuild_at",
    "retree_every": "rebuild_every",
}
"""Former names of settings, as older models have them."""
