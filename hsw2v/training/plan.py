"""What a training would take, found out without it: `plan`."""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import numpy as np

from hsw2v import files
from hsw2v.arrays import available_memory, physical_memory
from hsw2v.config import Config, CorpusConfig, TrainingConfig, read_config
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import WordLists, read_lists
from hsw2v.corpus.sources import Path, Source, encode_source, is_text, stored_as
from hsw2v.corpus.vocabulary import Vocabulary, eligible, kept_counts
from hsw2v.corpus.words import WordCorpus, choose_words
from hsw2v.errors import EncodingError, UsageError
from hsw2v.events import Listener, ignore
from hsw2v.graphs.graph import Graph
from hsw2v.markup import table
from hsw2v.model.export import check_model_name
from hsw2v.network.mapped import free_in, no_room
from hsw2v.network.outputs import OUTPUTS, Structure, most_rows
from hsw2v.network.outputs.output import BuiltOutput
from hsw2v.network.parameters import (
    ParameterBytes,
    beyond_memory,
    parameter_bytes,
    size_told,
    smaller,
    would_fit,
)
from hsw2v.network.subwords import InputRows
from hsw2v.progress import with_progress
from hsw2v.training import checkpoint
from hsw2v.training.building import check_phases, first_structure
from hsw2v.training.checks import check_on, check_training, memory_explained, tell_unused
from hsw2v.training.graphs import chosen_source, defaults
from hsw2v.training.initial import InitialVectors
from hsw2v.training.output import check_not_interrupted, folder_of
from hsw2v.training.trainer import Trainer
from hsw2v.training.warmup import WarmUp
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import forest_of
from hsw2v.trees.shape import cost
from hsw2v.trees.tree import Tree

SECONDS = 1.5
"""How long the speed of training is measured."""


@dataclass(frozen=True)
class Plan:
    """What a training would take. Sizes are in bytes.

    - `sampled`: whether a part of the corpus was read, `bytes_read` of `bytes_total` as stored.
      Then tokens, sentences, replaced bytes, types and words are estimates for all of it, and so
      is what follows from them; the longest sentence, the coverage and the tree are the sample's.
    - `tokens`, `sentences`; `longest_sentence`, in tokens; `replaced_bytes` that were not UTF-8.
    - `types`, `words` (types in the vocabulary), `coverage`: the share of tokens that are words.
    - `tree`, `tree_depth`, `mean_path_length`, `entropy` (both in bits, weighted by counts after
      subsampling): of the tree, with loss hs; of Huffman's where it takes long to build another.
      `num_classes`: with loss class.
    - `config`: the settings as training resolves them, epochs among them.
    - `table_bytes`, `optimizer_bytes`: memory of word vectors and output vectors, and of the state
      of the optimizer; `copy_bytes`: of the copies that deterministic training takes. `memory`: of
      the machine; `memory_available`: what it has now. `tables_free`: with `tables` mapped, the
      room in the folder where all of these would be instead.
    - `model_bytes`, `checkpoint_bytes`, `encoded_bytes`: on disk, of the model but for its header,
      of the folder OUTPUT.checkpoint but for its types and losses, and of the encoded corpus while
      training. `output_free`, `cache_free`: the room where they would be written.
    - `tokens_per_second`: measured on this machine, not with engine ray, and not where tables are
      larger than its memory; `seconds`: of training, without reading, building trees and measuring
      held-out losses. Both are estimates.
    - `problems`: what would stop the training or hurt it, and what to do, as sentences.

    What does not apply, or is unknown, is None.
    """

    sampled: bool
    bytes_read: int
    bytes_total: int | None
    tokens: int
    sentences: int
    longest_sentence: int
    replaced_bytes: int
    types: int
    words: int
    coverage: float
    tree: str | None
    tree_depth: int | None
    mean_path_length: float | None
    entropy: float | None
    num_classes: int | None
    config: Config
    table_bytes: int
    optimizer_bytes: int
    copy_bytes: int
    memory: int | None
    memory_available: int | None
    tables_free: int | None
    model_bytes: int
    checkpoint_bytes: int
    encoded_bytes: int
    output: str | None
    output_free: int | None
    cache_dir: str
    cache_free: int | None
    tokens_per_second: float | None
    seconds: float | None
    problems: tuple[str, ...]

    def _repr_html_(self) -> str:
        fields = {**self.to_dict(), "problems": "; ".join(self.problems), "config": None}
        rows = [(name, one) for name, one in fields.items() if one not in (None, "")]
        return table(("field", "value"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, as JSON can hold them."""
        own = {"config": self.config.to_dict(), "problems": list(self.problems)}
        return {**dataclasses.asdict(self), **own}


@with_progress
def plan(
    source: Source | None = None,
    *,
    graph: Graph | Path | Sequence[Path] | None = None,
    config: Config | Path | None = None,
    sample_mb: float | None = None,
    output: Path | None = None,
    force: bool = False,
    listener: Listener = ignore,
    progress: bool = False,
    **settings: Any,
) -> Plan:
    """Find out what `train` would take with the same source and settings, without training.

    The corpus is read once, or walks over a `graph` are made; or, with `sample_mb`, the first
    megabytes of a corpus are read (as stored), and what holds for all of it is estimated: tokens in
    proportion, types and words by Heaps' law, fitted to the two halves of the sample. The speed is
    measured by training for a second or two. Nothing is written but the encoded corpus, in
    `cache_dir`, and tables that are mapped; they are gone at the end.

    Where bytes that are not UTF-8 would stop the training, the first is told as a problem, and the
    text is read once more without them; not from a pipe.

    With `output` it is found out whether the model can be written there, too; `force` says that it
    may replace a file, or a training that was interrupted.

    Raises:
        UsageError: a setting is unknown or out of bounds, or `sample_mb` is given for what has no
            known size.
        And what `train` raises of sources, trees, `output` and `cache_dir` before it trains.
    """
    usual = defaults(graph)
    base = config if isinstance(config, Config) else read_config(config, usual) if config else usual
    source, asked = chosen_source(source, graph, base.replace(**settings), listener)
    chosen = asked.resolved()
    codes = check_training(chosen.training, heldout=False)
    lists, _ = read_lists(chosen, listener), InitialVectors.of(chosen.training, listener)
    tell_unused(asked, listener, usual)
    if output is not None:
        check_model_name(output)
        files.check_writable(output, force=force)
        if not force:
            check_not_interrupted(folder_of(output))
    total = _stored_bytes(source)
    most = _sample_bytes(sample_mb, total)
    spared = lists.spared(chosen.corpus)
    encoded, problems = _encoded(source, chosen.corpus, listener, most, total, spared)
    with memory_explained(), encoded:
        sampled = most is not None
        factor = total / encoded.bytes_read if sampled and total else 1.0
        tokens = round(encoded.tokens * factor)
        chosen = chosen.resolved(tokens)
        vocabulary, corpus = choose_words(encoded, chosen.vocabulary, lists, listener)
        if sampled:
            check_phases(chosen.training)
        else:
            check_on(vocabulary, tokens, chosen, codes)
        simple = _simple(chosen, sampled)
        first = first_structure(simple, codes, vocabulary, corpus, ignore)
        size = _extrapolated(encoded, vocabulary, chosen, lists, factor)
        ngrams = _ngrams(chosen.training, vocabulary, size.words)
        rows = most_rows(chosen.training, size.words)
        memory = parameter_bytes(chosen.training, size.words, rows, ngrams)
        there, now = physical_memory(), available_memory()
        tables_free = free_in(chosen.training.tables_folder)
        too_large = _too_large(chosen.training, size.words, memory, there, now, tables_free)
        problems += too_large
        speed = None
        if not too_large and chosen.training.engine != "ray":
            speed = _speed(simple, vocabulary, corpus, first)
        ids = round(len(encoded.ids) * factor)
        model = _model_bytes(vocabulary, chosen.training, size.words, ngrams or 0)
        kept = checkpoint.size_of(memory.tables + memory.optimizer, ids)
        folder = None if output is None else FilePath(os.path.realpath(output)).parent
        cache = chosen.corpus.cache_dir or tempfile.gettempdir()
        output_free, cache_free = free_in(folder), free_in(cache)
        problems += _without_room(model, kept, folder, output_free)
        if sampled and cache_free is not None and cache_free < 4 * ids:
            problems.append(
                f"the encoded corpus takes {_mb(4 * ids)} MB, and {_mb(cache_free)} MB are free in "
                f"{cache}; make room, or choose another folder with --cache-dir"
            )
        assert chosen.training.epochs is not None
        return Plan(
            sampled=sampled,
            bytes_read=encoded.bytes_read,
            bytes_total=total,
            tokens=tokens,
            sentences=round(encoded.sentences * factor),
            longest_sentence=encoded.longest_sentence(),
            replaced_bytes=round(encoded.replaced_bytes * factor),
            types=size.types,
            words=size.words,
            coverage=int(vocabulary.counts.sum()) / encoded.tokens,
            **_shape(first, simple, vocabulary)._asdict(),
            config=chosen,
            table_bytes=memory.tables,
            optimizer_bytes=memory.optimizer,
            copy_bytes=memory.copies,
            memory=there,
            memory_available=now,
            tables_free=tables_free,
            model_bytes=model,
            checkpoint_bytes=kept,
            encoded_bytes=4 * ids,
            output=None if output is None else os.fspath(output),
            output_free=output_free,
            cache_dir=cache,
            cache_free=cache_free,
            tokens_per_second=speed,
            seconds=None if speed is None else chosen.training.epochs * tokens / speed,
            problems=tuple(problems),
        )


def _stored_bytes(source: Source) -> int | None:
    """Return the bytes of all files as stored; None where one has no known size."""
    if not is_text(source):
        return None
    sizes = [files.stored_size(name) for name, *_ in stored_as(source)]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _sample_bytes(sample_mb: float | None, total: int | None) -> int | None:
    """Return the bytes of a sample; None where all is read."""
    if sample_mb is None:
        return None
    if not 0.0 < sample_mb < math.inf:
        raise UsageError(f"sample_mb is {sample_mb}", hint="give a number above 0")
    if total is None:
        raise UsageError(
            "a sample says nothing of a corpus whose size is not known",
            hint="name files, or leave --sample-mb out",
        )
    most = round(sample_mb * 1e6)
    return most if most < total else None


def _encoded(
    source: Source,
    config: CorpusConfig,
    listener: Listener,
    most: int | None,
    total: int | None,
    spared: Collection[str],
) -> tuple[EncodedCorpus, list[str]]:
    """Read a corpus, past bytes that are not UTF-8 if it can be read again; tell of the first."""
    with memory_explained():
        try:
            return encode_source(source, config, listener, most, spared=spared), []
        except EncodingError as error:
            if total is None:
                raise
            tolerant = dataclasses.replace(config, encoding_errors="replace")
            found = encode_source(source, tolerant, listener, most, spared=spared)
            return found, [str(error)]


def _simple(config: Config, sampled: bool) -> Config:
    """Return settings with a tree, or classes, that take no time to build.

    A tree of a file has the words of the whole corpus, not those of a sample.
    """
    training = config.training
    slow = training.tree in ("semantic", "brown") or (sampled and training.tree_file is not None)
    return config.replace(
        pretrain="",
        tree="huffman" if slow else training.tree,
        classes="frequency",
    )


class _Size(NamedTuple):
    types: int
    words: int


def _extrapolated(
    encoded: EncodedCorpus,
    vocabulary: Vocabulary,
    config: Config,
    lists: WordLists,
    factor: float,
) -> _Size:
    """Return the types and words of a text `factor` times as long."""
    types, words = len(encoded.types) + encoded.dropped_types, len(vocabulary)
    if factor == 1.0:
        return _Size(types, words)
    half = np.zeros(len(encoded.types) + 1, np.int64)
    for ids in encoded.parts(len(encoded.ids) // 2):
        half += np.bincount(ids, minlength=len(half))
    at_half = dataclasses.replace(encoded.types, counts=half[1:])
    settings = config.vocabulary
    types = _heaps(int(np.count_nonzero(at_half.counts)), types, factor)
    if lists.vocab is not None:
        return _Size(types, words)
    frequent, frequent_at_half = (
        int(np.count_nonzero(eligible(some, settings, lists))) for some in (encoded.types, at_half)
    )
    words = min(_heaps(frequent_at_half, frequent, factor), types)
    return _Size(types, min(words, settings.max_vocab or words))


def _heaps(half: int, whole: int, factor: float) -> int:
    """Return how many types there are in `factor` times the text, by Heaps' law (1978).

    Their number grows as a power of the length, from `half` in one half of a text to `whole`.
    """
    power = min(max(math.log2(whole / max(half, 1)), 0.0), 1.0)
    return round(whole * math.pow(factor, power))


class _Shape(NamedTuple):
    tree: str | None = None
    tree_depth: int | None = None
    mean_path_length: float | None = None
    entropy: float | None = None
    num_classes: int | None = None


def _shape(first: Structure | None, config: Config, vocabulary: Vocabulary) -> _Shape:
    if isinstance(first, Classes):
        return _Shape(num_classes=first.count)
    if first is None:
        return _Shape()
    (tree,) = first.trees
    lengths = tree.lengths
    found = cost(lengths, kept_counts(vocabulary.counts, config.vocabulary.sample))
    name = files.readable(config.training.tree)
    return _Shape(name, int(lengths.max()), found.mean, found.entropy)


def _speed(
    config: Config, vocabulary: Vocabulary, corpus: WordCorpus, first: Structure | None
) -> float:
    WarmUp(config.training).wait()
    if isinstance(first, Tree) and config.training.num_trees > 1:
        first = forest_of([first] * config.training.num_trees)
    return Trainer(config, vocabulary, first).measure_speed(corpus, SECONDS)


def _ngrams(training: TrainingConfig, vocabulary: Vocabulary, words: int) -> int | None:
    """Return how many n-grams so many words have that have rows; None where none have."""
    inputs = InputRows.of(training, vocabulary)
    if inputs is None or words == len(vocabulary):
        return None if inputs is None else len(inputs.buckets)
    every_second = np.arange(len(vocabulary)) % 2 == 0
    there = np.repeat(every_second, np.diff(inputs.offsets))
    half, factor = len(np.unique(inputs.ngrams[there])), words / len(vocabulary)
    return min(_heaps(half, max(len(inputs.buckets), 1), factor), training.buckets)


def _model_bytes(vocabulary: Vocabulary, training: TrainingConfig, words: int, ngrams: int) -> int:
    """Return the bytes of the arrays of a model file, as `modelfile.write_contents` writes them."""
    spelled = round(len(vocabulary.blob) * words / len(vocabulary))
    kind = OUTPUTS[training.loss]
    rows = kind.rows_for(training, words)
    size: int = spelled + 8 * (words + 1) + 8 * words + 4 * training.dim * (words + rows)
    if training.ngram_lengths:
        # Vectors, buckets, and four settings of 8 bytes.
        size += 4 * (training.dim + 1) * ngrams + 4 * 8
    if issubclass(kind, BuiltOutput):
        size += 4 * math.prod(kind.sizes(words, rows, (training.num_trees, words - 1, 2))[1])
    return size + (4 * 4 * training.dim if training.batch_norm else 0)


def _too_large(
    training: TrainingConfig,
    words: int,
    needed: ParameterBytes,
    memory: int | None,
    available: int | None,
    free: int | None,
) -> list[str]:
    """Return what is to be said of parameters that take more than there is, if they do.

    In files they need no memory, but their speed is that of the disk where there is too little.
    """
    sentence, hint = size_told(training, words, needed.total), smaller(training)
    if training.tables_folder is not None and free is not None and needed.total > free:
        hint += would_fit(training, words, needed.total, free)
        return [str(no_room(sentence, free, training.tables_folder, hint))]
    least = min((one for one in (memory, available) if one is not None), default=None)
    if least is None or needed.total <= least:
        return []
    if training.tables_folder is None:
        hint += would_fit(training, words, needed.total, least)
    else:
        hint = f"training will wait for the disk where rows are not in memory ({hint})"
    return [f"{beyond_memory(sentence, least)}; {hint}"]


def _without_room(model: int, kept: int, folder: FilePath | None, free: int | None) -> list[str]:
    if free is None or free >= model + kept:
        return []
    there = f"and {_mb(free)} MB are free in {folder}; make room, or name another --output"
    if free < model:
        return [f"the model takes {_mb(model)} MB, {there}"]
    return [f"no checkpoints would be kept: they take {_mb(kept)} MB beside the model, {there}"]


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"
