"""The softmax over all words, by matrix products, does what its reference says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from some_parameters import SomeSubwords, norm_of, state_of

import hsw2v
from hsw2v import events, reference
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import OPTIMIZERS
from hsw2v.kernels.arguments import Plan, Tables
from hsw2v.kernels.windows import Windowing, windows_of
from hsw2v.reference import full as definition
from hsw2v.reference.general import Training
from hsw2v.reference.steps import windows_of as reference_windows
from hsw2v.training import full

KEY = 0xFEDCBA9876543210
RATES = (0.05, 0.02)


@dataclass
class Case:
    """Some blocks, and everything that decides what training on them does."""

    words: int = 37
    dim: int = 20
    window: int = 4
    cbow: bool = False
    optimizer: str = "sgd"
    l2: float = 0.0
    batch_norm: bool = False
    learning: bool = True
    length: int = 700
    ngrams: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(5)
        # Provisional id 0 ends a sentence, the last type is too rare to be a word.
        self.remap = np.array([-1, *range(self.words), -2], np.int32)
        self.keep = np.full(self.words, int(0.9 * 2**32), np.uint64)
        self.ids = self.rng.integers(0, self.words + 2, self.length).astype(np.int32)
        width = padded(self.dim)
        self.tables = Tables(
            aligned_zeros(self.words, width),
            aligned_zeros(self.words, width),
            state_of(self.optimizer, self.words, width),
            state_of(self.optimizer, self.words, width),
            norm_of(self.optimizer, self.dim),
        )
        for table in self.tables[:2]:
            table[:, : self.dim] = self.rng.normal(size=(self.words, self.dim)) * 0.5
        self.vectors, self.outputs = (
            table[:, : self.dim].astype(np.float64) for table in self.tables[:2]
        )
        self.subwords = None
        if self.ngrams:
            self.subwords = SomeSubwords(self.tables.vectors, self.vectors, self.ngrams)
        norm = reference.Norm.of(self.dim)
        self.training = Training(
            self.optimizer,
            self.l2,
            reference.State.of(self.vectors),
            reference.State.of(self.outputs),
            norm if self.batch_norm else None,
            reference.State.of(norm.parameters),
        )

    def train(self, scale: float = 1.0) -> tuple[float, int, int]:
        first, last = (rate * scale for rate in RATES)
        plan = Plan(
            self.cbow,
            first,
            last,
            64,
            OPTIMIZERS.index(self.optimizer),
            self.l2,
            self.batch_norm,
        )
        windowing = Windowing(self.remap, self.keep, self.window, True)
        composing = self.subwords and self.subwords.composing(1, self.words)
        engine = full.SoftmaxTraining(self.tables, np.zeros(1, np.int32), composing)
        return engine.train_block(self.ids, KEY, plan, windowing, learning=self.learning)

    def plan(self) -> reference.Plan:
        return reference.Plan(self.remap, self.keep, self.window, True, self.cbow, *RATES)

    def train_reference(self) -> tuple[float, int, int]:
        return definition.train_block_full(
            *(self.ids, KEY, self.plan(), self.vectors, self.outputs, self.training),
            self.learning,
            self.subwords and self.subwords.reference,
        )

    def assert_alike(self, tolerance: float) -> None:
        if self.subwords:
            self.subwords.assert_alike(rtol=tolerance, atol=tolerance)
        for table, expected in zip(self.tables[:2], (self.vectors, self.outputs), strict=True):
            np.testing.assert_allclose(
                table[:, : self.dim], expected, rtol=tolerance, atol=tolerance
            )
            assert not table[:, self.dim :].any()
        if self.training.norm:
            for found, expected in (
                (self.tables.norm.parameters, self.training.norm.parameters),
                (self.tables.norm.running, self.training.norm.running),
            ):
                np.testing.assert_allclose(
                    found[:, : self.dim], expected, rtol=tolerance, atol=tolerance
                )


CASES = {
    f"{'CBOW' if cbow else 'skip-gram'}, {optimizer}{', normalised' if batch_norm else ''}": Case(
        cbow=cbow, optimizer=optimizer, batch_norm=batch_norm
    )
    for cbow in (False, True)
    for optimizer in OPTIMIZERS
    for batch_norm in (False, True)
} | {
    "decay": Case(l2=0.3),
    "decay, CBOW, adam": Case(l2=0.3, optimizer="adam", cbow=True),
    "one dimension": Case(dim=1),
    "dimensions that fill their vectors": Case(dim=32),
    "one word": Case(words=1),
    "two words, CBOW": Case(words=2, cbow=True),
    "words that fill their vectors": Case(words=48),
    "fewer windows than a batch": Case(length=50),
    "a wide window": Case(window=300),
    "nothing to be learnt": Case(batch_norm=True, learning=False),
    "nothing at all": Case(length=0),
    "n-grams": Case(ngrams=30),
    "n-grams, CBOW, adam": Case(ngrams=30, cbow=True, optimizer="adam"),
    "n-grams, normalised": Case(ngrams=30, batch_norm=True),
}


@pytest.mark.parametrize("name", CASES)
def test_kernel_equals_reference(name: str) -> None:
    case = CASES[name]
    loss, *numbers = case.train()
    expected, *expected_numbers = case.train_reference()
    assert numbers == expected_numbers
    assert loss == pytest.approx(expected, rel=1e-5, abs=1e-3)
    case.assert_alike(2e-4)


def test_scores_taken_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "SCORES", 500)
    monkeypatch.setattr(full, "LEAST_ROWS", 7)
    case = Case()
    loss, *_ = case.train()
    assert loss == pytest.approx(case.train_reference()[0], rel=1e-5)
    case.assert_alike(2e-4)


def test_without_learning_nothing_changes() -> None:
    case = Case(batch_norm=True, learning=False, optimizer="adam", l2=0.5)
    before = [array.copy() for array in (*case.tables[:2], *case.tables.norm[:3])]
    loss, predictions, _ = case.train()
    assert loss > predictions
    for kept, now in zip(before, (*case.tables[:2], *case.tables.norm[:3]), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_a_block_is_left_when_the_stop_is_set() -> None:
    case = Case(length=3_000)
    windowing = Windowing(case.remap, case.keep, 4, True)
    plan = Plan(False, *RATES, 64, 0, 0.0, False)
    engine = full.SoftmaxTraining(case.tables, np.ones(1, np.int32))
    assert engine.train_block(case.ids, KEY, plan, windowing)[:2] == (0.0, 0)


def test_what_runs_away_gives_a_loss_that_is_not_finite_and_no_warning() -> None:
    case = Case(length=3_000)
    assert not np.isfinite(case.train(scale=1e30)[0])


def test_windows_are_those_of_the_reference() -> None:
    case = Case(length=2_000)
    windowing = Windowing(case.remap, case.keep, case.window, True)
    kept, bounds = windows_of(case.ids, windowing, np.uint64(KEY))
    found = [
        (kept[centre], [*kept[first:centre], *kept[centre + 1 : last]])
        for centre, (first, last) in enumerate(bounds)
    ]
    assert found == reference_windows(case.ids, case.plan(), KEY)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("cbow", [False, True])
def test_gradients_are_the_slopes_of_the_loss(cbow: bool, batch_norm: bool) -> None:
    """In CBOW each word takes the gradient of the mean undivided, as in word2vec."""
    case = Case(words=7, dim=3, length=60, cbow=cbow, batch_norm=batch_norm)
    windows = [
        # Of one length and without a word twice: the divisor is the same for all words.
        (target, context)
        for target, context in reference_windows(case.ids, case.plan(), KEY)
        if len(set(context)) == len(context) == 2
    ]
    batch = definition.predictions_of(windows * 5, cbow)

    def gradients() -> definition.Gradients:
        training = case.training
        if training.norm:
            # Statistics follow; the parameters are what is looked at.
            training.norm.running = training.norm.running.copy()
        return definition.gradients(batch, case.vectors, case.outputs, training, True)

    found = gradients()
    undivided = 2 if cbow else 1
    for array, expected, times in (
        (case.vectors, found.vectors, undivided),
        (case.outputs, found.outputs, 1),
        *([(case.training.norm.parameters, found.parameters, 1)] if case.training.norm else []),
    ):
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + 1e-5
            above = gradients().loss
            array[place] = kept - 1e-5
            slope = (gradients().loss - above) / 2e-5
            array[place] = kept
            assert slope * times == pytest.approx(expected[place], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("window", [5, 30])
def test_a_small_vocabulary_does_not_make_plain_steps_diverge(model: str, window: int) -> None:
    """Frequent words are in every batch many times."""
    rng = np.random.default_rng(1)
    words = [f"w{number}" for number in range(50)]
    shares = 1.0 / np.arange(1, 51)
    drawn = rng.choice(words, size=(400, 50), p=shares / shares.sum())
    losses: list[float] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.EpochEnd):
            assert event.loss is not None
            losses.append(event.loss)
        # A training that diverges begins again, more slowly, and would come to the same loss.
        assert not (isinstance(event, events.Notice) and "diverged" in event.message)

    chosen: dict[str, Any] = {"model": model, "window": window, "sample": 0.0, "epochs": 3}
    hsw2v.train(drawn.tolist(), loss="softmax", listener=listen, **chosen)
    entropy = -(shares / shares.sum() * np.log(shares / shares.sum())).sum()
    assert losses[-1] < entropy + 0.3


def test_a_single_word_is_no_divergence() -> None:
    model = hsw2v.train([["a"] * 50] * 20, loss="softmax", dim=4, threads=1, epochs=2)
    assert len(model) == 1
