"""What training refuses, and what it tells of settings, before any work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hsw2v.arrays import memory_told
from hsw2v.config import Config, TrainingConfig, no_effect
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import ResourceError, UsageError
from hsw2v.events import Listener, Notice
from hsw2v.network.outputs import is_normalized, unused_settings
from hsw2v.network.parameters import check_tables
from hsw2v.training.building import check_phases, check_tree
from hsw2v.trees.codes import Codes


def check_training(
    training: TrainingConfig,
    *,
    heldout: bool,
    normalize_exactly: bool = False,
    built: bool = False,
) -> Codes | None:
    """Find out, before any work, what training would refuse; read the tree if it is a file.

    The file is not read if the tree is `built` already.

    Raises:
        UsageError: a held-out loss is wanted of an output layer without probabilities, or one that
            is normalized exactly without a held-out text, or the semantic tree is to be built when
            training is over.
        MissingInputError, CorruptInputError, EncodingError: the file is not there, or is no tree.
        And what `check_tables` raises.
    """
    check_tables(training)
    if heldout and not is_normalized(training.loss) and not normalize_exactly:
        raise UsageError(
            f"there is no exact held-out loss with loss {training.loss}: its scores are no "
            "probabilities",
            hint="leave the held-out text out, use loss hs, class or softmax, or take the softmax "
            "of the scores with --normalize-exactly",
        )
    if normalize_exactly and not heldout:
        raise UsageError(
            "it is the loss of a held-out text that is normalized exactly, and there is none",
            hint="name one with --heldout, or leave --normalize-exactly out",
        )
    if built:
        check_phases(training)
        return None
    return check_tree(training)


def check_on(vocabulary: Vocabulary, tokens: int, config: Config, codes: Codes | None) -> None:
    """Find out, before any work, what training on so many tokens that are read would refuse.

    `codes` is the tree of a file, as `check_training` read it.

    Raises:
        UsageError: the tree or classes would be built when training is over, or the tree of a file
            is not one of the vocabulary.
    """
    check_phases(config.resolved(tokens).training)
    if codes is not None:
        codes.tree(vocabulary.words)


def tell_unused(config: Config, listener: Listener, base: Config | None = None) -> None:
    """Tell of the settings without effect, if there are some that are not as in `base`.

    And of threads that deterministic training has no use for.
    """
    training, first = config.training, (base or Config()).training
    unused = [
        name for name in unused_settings(config) if getattr(training, name) != getattr(first, name)
    ]
    if unused:
        listener(Notice(without_effect(unused, config)))
    words, none = config.vocabulary, Config().vocabulary
    chosen = [
        name for name in ("min_count", "max_vocab") if getattr(words, name) != getattr(none, name)
    ]
    if words.vocab is not None and chosen:
        listener(Notice(f"{no_effect(chosen)} (vocab)"))
    threads = config.resolved().training.threads or 1
    if training.in_rounds and training.engine != "ray" and threads > training.workers:
        listener(
            Notice(
                f"{threads - training.workers} of {threads} threads have no worker: --workers "
                f"{threads} gives them some, and comes to another model"
            )
        )


def without_effect(unused: Sequence[str], config: Config) -> str:
    """Return the sentence that tells of settings without effect."""
    training = config.training
    others, because = set(unused), []
    for names, why, holds in (
        ({"buckets", "whole_words"}, "no subwords", not training.subwords),
        ({"workers", "round"}, "not deterministic", not training.in_rounds),
        ({"worker_threads", "ray_address"}, f"engine {training.engine}", True),
        ({"num_trees"}, f"tree {training.tree}", training.has_tree),
    ):
        if holds and names & set(unused):
            others -= names
            because.append(why)
    if others:
        because.insert(0, f"loss {training.loss}")
    return f"{no_effect(unused)} ({', '.join(because)})"


@contextmanager
def memory_explained() -> Iterator[None]:
    """Let a lack of memory be a `ResourceError` with what to do."""
    try:
        yield
    except MemoryError as error:
        if isinstance(error, ResourceError):
            raise
        detail = f" ({error})" if str(error) else ""
        raise ResourceError(
            f"there is not enough memory{detail}{memory_told()}",
            hint="lower --dim or --threads, raise --min-count, or set --max-vocab",
        ) from error
