"""`diagnose`: what errors and gradients of a model are like at windows of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsw2v.config import known_settings
from hsw2v.corpus.vocabulary import kept_counts
from hsw2v.diagnosis.diagnosis import Diagnoser, Diagnosis
from hsw2v.diagnosis.windows import Sampling, sampled_windows
from hsw2v.errors import EmptyCorpusError, UsageError
from hsw2v.events import DiagnosisProgress, Listener, Pace, ignore
from hsw2v.model.arguments import check_positive
from hsw2v.model.model import Model

if TYPE_CHECKING:
    from hsw2v.corpus.sources import Source
    from hsw2v.corpus.words import WordCorpus

WINDOWS = 10_000


def diagnose(
    model: Model,
    source: Source,
    *,
    windows: int = WINDOWS,
    seed: int = 1,
    listener: Listener = ignore,
) -> Diagnosis:
    """Measure errors and gradients of a model at a sample of the windows of a corpus.

    The source is read as `hsw2v.train` read that of the model, and so many windows are drawn from
    all over it as training would visit them: subsampled and shrunk as the model's settings say.
    The answer has `by_depth`, `by_decile` and `totals`, with the mean figures of the decisions at
    each depth of the tree, and of those for targets in each tenth of the vocabulary, the most
    frequent first: `error` |y - p|, `loss` in nats, `output_gradient`, the norm of the gradient
    that reaches the output row, `hidden_part`, what a decision adds to that of the hidden vector,
    and the shares that are `saturated`, `certain_right` and `certain_wrong`; and `visits` in an
    epoch, which come from the counts of the vocabulary, not from the sample. `to_dict()` gives
    all of it as plain values.

    Raises:
        UsageError: the model has no output layer, or no counts; `windows` is less than 1.
        EmptyCorpusError: there is no window with words of the vocabulary.
        MissingInputError, CorruptInputError, EncodingError, OutputError, ResourceError: as
            `hsw2v.train`.
    """
    check_can_be_diagnosed(model)
    # This compiles the tokeniser.
    from hsw2v.corpus.sources import words_of_source

    config = known_settings(model.config)
    text = words_of_source(source, config.corpus, model.vocabulary, listener)
    with text.encoded:
        return diagnose_text(model, text, windows=windows, seed=seed, listener=listener)


def diagnose_text(
    model: Model,
    text: WordCorpus,
    *,
    windows: int = WINDOWS,
    seed: int = 1,
    listener: Listener = ignore,
) -> Diagnosis:
    """Do what `diagnose` does, with a text that is read already.

    Raises:
        UsageError, EmptyCorpusError: as `diagnose`.
    """
    check_can_be_diagnosed(model)
    assert model.output is not None
    check_positive("windows", windows)
    settings, counts = known_settings(model.config), model.vocabulary.counts
    diagnoser = Diagnoser(
        model.output_layer,
        model.output,
        model.vectors,
        counts,
        kept_counts(counts, settings.vocabulary.sample),
        cbow=settings.training.model == "cbow",
        batch_norm=model.batch_norm,
        seed=seed,
    )
    pace = Pace()
    for some in sampled_windows(text, Sampling.of(settings, counts), windows, seed):
        diagnoser.add(some)
        if pace.due():
            listener(DiagnosisProgress(diagnoser.windows, windows, pace.seconds))
    if not diagnoser.windows:
        raise EmptyCorpusError(
            "no two words of the vocabulary stand together in it",
            where=text.encoded.source,
            hint="name a text like the one the model was trained on",
        )
    return diagnoser.result()


def check_can_be_diagnosed(model: Model) -> None:
    """Make sure that a model has an output layer, and counts.

    Raises:
        UsageError: it has not.
    """
    if model.output is None:
        raise UsageError(
            "the model has no output layer: its file holds the vectors of words only",
            hint="diagnose the model file that hsw2v train wrote",
        )
    if model.counts is None:
        raise UsageError(
            "the model does not tell how often its words occur, and so neither what is visited",
            hint="diagnose the model file that hsw2v train wrote",
        )
