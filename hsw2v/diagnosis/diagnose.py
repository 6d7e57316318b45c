"""`diagnose`: errors and gradients of a model at windows of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsw2v.config import known_settings
from hsw2v.corpus.vocabulary import kept_counts
from hsw2v.diagnosis.diagnosis import Diagnoser, Diagnosis
from hsw2v.diagnosis.windows import Sampling, sampled_windows
from hsw2v.errors import EmptyCorpusError, UsageError
from hsw2v.events import DiagnosisProgress, Listener, Pace, ignore
from hsw2v.model.arguments import check_model, check_positive
from hsw2v.model.model import Model
from hsw2v.progress import with_progress

if TYPE_CHECKING:
    from hsw2v.corpus.sources import Source


@with_progress
def diagnose(
    model: Model,
    source: Source,
    *,
    windows: int = 10_000,
    seed: int = 1,
    field: str | None = None,
    format: str = "auto",
    header: bool = True,
    skip_bad_records: bool = False,
    listener: Listener = ignore,
    progress: bool = False,
) -> Diagnosis:
    """Measure errors and gradients of a model at a sample of the windows of a corpus.

    The source is tokenised as that of the model was; `field`, `format`, `header` and
    `skip_bad_records` are its own. Windows are drawn evenly from all over it, as
    training would visit them: subsampled, and of random reach unless `fixed_window`. The answer has
    `by_depth`, `by_decile` and `totals`, with means over the decisions at each depth of the tree,
    and over those for targets in each decile of the vocabulary, the most frequent first: `error`
    |y - p|, `loss` in nats, `output_gradient`, the norm of the gradient that reaches the output
    row, `hidden_part`, the norm of what a decision adds to the gradient of the hidden vector,
    `output_norm`, the norm of the output row, and the shares that are `saturated`, `certain_right`
    and `certain_wrong`; and `visits` per epoch, which follow from the counts of the vocabulary, not
    from the sample. `to_dict()` gives all of it as plain values.

    Raises:
        UsageError: the model has no output layer, or no counts; `windows` is less than 1.
        EmptyCorpusError: there is no window with words of the vocabulary.
        MissingInputError, CorruptInputError, EncodingError, OutputError, ResourceError: as
            `hsw2v.train`.
    """
    check_model(model)
    hint = "diagnose the model file that hsw2v train wrote"
    if model.output is None:
        what = "the model has no output layer: its file holds the vectors of words only"
        raise UsageError(what, hint=hint)
    if model.counts is None:
        raise UsageError(
            "the model has no counts of its words, from which visits are computed", hint=hint
        )
    check_positive("windows", windows)
    # This compiles the tokeniser.
    from hsw2v.corpus.sources import words_of_source

    config, counts = known_settings(model.config), model.counts
    form = {"field": field, "format": format, "header": header}
    config = config.replace(**form, skip_bad_records=skip_bad_records)
    diagnoser = Diagnoser(
        model.output_layer,
        model.output,
        model.vectors,
        counts,
        kept_counts(counts, config.vocabulary.sample),
        cbow=config.training.model == "cbow",
        batch_norm=model.batch_norm,
        seed=seed,
    )
    text = words_of_source(source, config.corpus, model.vocabulary, listener, model.phrases)
    with text.encoded:
        pace = Pace()
        for some in sampled_windows(text, Sampling.of(config, counts), windows, seed):
            diagnoser.add(some)
            if pace.due():
                listener(DiagnosisProgress(diagnoser.windows, windows, pace.seconds))
        if not diagnoser.windows:
            raise EmptyCorpusError(
                "no sentence of it keeps two words of the vocabulary, subsampled as in training",
                where=text.encoded.source,
                hint="name a longer text, like the one the model was trained on",
            )
        return diagnoser.result()
