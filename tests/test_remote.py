"""Workers that have nothing in common come to what `Rounds` comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rounds import LAYERS, MANNERS, SMALL
from test_training import planted

from hsw2v.config import Config
from hsw2v.corpus.sources import encode_source
from hsw2v.corpus.words import choose_words
from hsw2v.events import ignore
from hsw2v.training import schedule
from hsw2v.training.building import first_structure
from hsw2v.training.reader import LostError
from hsw2v.training.remote import Common, RemoteWorker, own_texts, turns_of
from hsw2v.training.rounds import rounds_within
from hsw2v.training.schedule import block_order, dealt_out, own_blocks, training_pass
from hsw2v.training.state import no_losses
from hsw2v.training.trainer import Trainer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("remote") / "corpus.txt"
    path.write_text("\n".join(map(" ".join, planted(6_000))))
    return path


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 4))
def test_each_worker_trains_on_its_own_blocks_each_once(
    blocks: int, workers: int, share: int
) -> None:
    order = block_order(blocks, 1, 2)
    dealt, rounds = dealt_out(order, workers, share)
    assert sorted(dealt.tolist()) == list(range(blocks))
    own = own_blocks(blocks, workers)
    assert max(map(len, own)) - min(map(len, own)) <= 1
    at = 0
    found: dict[int, list[int]] = {}
    for shares in rounds:
        assert [one.worker for one in shares] == sorted({one.worker for one in shares})
        for one in shares:
            assert one.positions.start == at
            assert 1 <= len(one.positions) <= share
            at = one.positions.stop
            some = dealt[one.positions.start : one.positions.stop].tolist()
            assert set(some) <= set(own[one.worker])
            found.setdefault(one.worker, []).extend(some)
    assert at == blocks
    for worker, some in found.items():
        assert some == [block for block in order.tolist() if block in own[worker]]
    if workers == 1:
        assert dealt.tolist() == order.tolist()


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 60), st.integers(0, 60))
def test_rounds_are_cut_off_where_training_stops(
    blocks: int, workers: int, first: int, last: int
) -> None:
    class Some:
        rounds = dealt_out(block_order(blocks, 1, 2), workers, 2)[1]

    found = rounds_within(Some, first, last)  # type: ignore[arg-type]
    positions = [at for shares, _ in found for one in shares for at in one.positions]
    assert positions == list(range(first, min(last, blocks)))
    assert all(full for _, full in found)
    # All rows are combined after every third round of the epoch, and at the end.
    now_and_then = rounds_within(Some, first, last, 3)  # type: ignore[arg-type]
    assert [shares for shares, _ in now_and_then] == [shares for shares, _ in found]
    ends = [shares[-1].positions.stop for shares in Some.rounds]
    for number, (shares, full) in enumerate(now_and_then, 1):
        of_all = next(n for n, end in enumerate(ends, 1) if end >= shares[-1].positions.stop)
        assert full == (number == len(now_and_then) or of_all % 3 == 0)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_remote_workers_come_to_the_same_bits(
    name: str, workers: int, manner: str, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "FEWEST_ROUNDS", 8)
    settings: dict[str, Any] = SMALL | LAYERS[name] | MANNERS[manner]
    config = Config().replace(**settings, threads=1, deterministic=True, workers=workers)
    with encode_source(corpus, config.corpus, ignore) as encoded:
        config = config.resolved(encoded.tokens)
        training = config.training
        vocabulary, words = choose_words(encoded, config.vocabulary)
        base = first_structure(config, None, vocabulary, words, ignore)
        trainer = Trainer(config, vocabulary, base)
        network, windowing = trainer.network, trainer._windowing(words)
        borders, made = encoded.blocks, []
        for text in own_texts(encoded.ids, borders, own_blocks(len(borders) - 1, workers)):
            one = RemoteWorker(workers)
            with pytest.raises(LostError):
                one.begin(network.output, network.parameters, 0)
            one.own(Common(training, windowing, trainer._weights, network.inputs), text)
            one.begin(network.output, network.parameters, 0)
            made.append(one)
        some = training_pass(encoded.ids, borders, windowing, training, 0)
        count = len(borders) - 1
        expected, found = no_losses(count), no_losses(count)
        trainer._training_of(words).run(some, expected, 0, count, lambda: None)
        whole, every = 0, settings.get("combine_all_every", 1)
        rounds = rounds_within(some, 0, count, every)
        for moment, (shares, full) in enumerate(rounds):
            turns = turns_of(some, shares, full, workers)
            trained: list[Any]
            trained = [one.train(moment, turn) for one, turn in zip(made, turns, strict=True)]
            for share in shares:
                at = share.positions
                found[at.start : at.stop] = trained[share.worker][0]
            pieces = [
                one.combine(moment, number, *(some[1 + number] for some in trained))
                for number, one in enumerate(made)
            ]
            for one in made:
                one.take(moment, moment + 1, full, *pieces)
                whole = moment + 1 if full else whole
                assert one.at() == whole
                # Whoever has other tables is not to answer with them.
                for ask in (
                    one.tables_of,
                    lambda at, one=one: one.combine(at, 0),
                    lambda at, one=one: one.take(at, 9, True),
                ):
                    with pytest.raises(LostError):
                        ask(moment)
        assert np.array_equal(found, expected)
        for one in made:
            for array_name, array in network.parameters.items():
                assert one.tables_of(moment + 1)[array_name].tobytes() == array.tobytes(), (
                    array_name
                )
