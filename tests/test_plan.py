"""`plan`: what training would take, against independent counts, and what it refuses."""

from __future__ import annotations

import collections
import dataclasses
import heapq
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run, write_corpus

import hsw2v
from hsw2v import errors
from hsw2v.config import OPTIMIZERS, Config
from hsw2v.events import CorpusProgress, Event, Notice
from hsw2v.model.store import open_store
from hsw2v.network import parameters
from hsw2v.network.parameters import initial_parameters, parameter_bytes
from hsw2v.training import checkpoint, plan
from hsw2v.training.output import folder_of
from hsw2v.training.state import TrainingState

SMALL = {"dim": 10, "threads": 1, "min_count": 2, "sample": 0.0}
TEXT = "a b c d a b c\n\na a b x\nc c y a\n" * 3 + "once a b"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SECONDS", 0.02)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("loss", ["hs", "hs+ns"])
def test_memory_and_model_are_those_of_all_trees(text: Path, tmp_path: Path, loss: str) -> None:
    settings = {**SMALL, "loss": loss, "num_trees": 2, "epochs": 3, "rebuild_at": 1.0}
    texts = [str(text)] * 60
    found = hsw2v.plan(texts, **settings)
    path = tmp_path / "m.safetensors"
    model = hsw2v.train(texts, output=path, **settings)
    assert len(model.trees) == 2
    assert model.output is not None
    made = initial_parameters(found.config.training, len(model), len(model.output))
    tables = [made[name].nbytes for name in ("vectors", "outputs")]
    assert found.table_bytes == sum(tables)
    arrays = open_store(str(path))
    assert found.model_bytes == sum(arrays.array(name).nbytes for name in arrays.tensors)


def huffman_mean(counts: list[int]) -> float:
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total / sum(counts)


def test_the_figures_are_those_of_independent_counts(text: Path) -> None:
    found = hsw2v.plan(text, **SMALL)
    counts = collections.Counter(TEXT.split())
    lines = [line.split() for line in TEXT.split("\n") if line.split()]
    kept = [count for count in counts.values() if count >= 2]
    assert not found.sampled
    assert found.bytes_read == found.bytes_total == text.stat().st_size
    assert found.tokens == counts.total()
    assert found.sentences == len(lines)
    assert found.longest_sentence == max(map(len, lines))
    assert found.replaced_bytes == 0
    assert (found.types, found.words) == (len(counts), len(kept))
    assert found.coverage == pytest.approx(sum(kept) / counts.total())
    assert found.tree == "huffman"
    assert found.mean_path_length == pytest.approx(huffman_mean(kept))
    shares = [count / sum(kept) for count in kept]
    assert found.entropy == pytest.approx(-sum(share * math.log2(share) for share in shares))
    assert found.tree_depth is not None
    assert math.ceil(math.log2(len(kept))) <= found.tree_depth < len(kept)
    assert found.num_classes is None
    assert found.config == Config().replace(**SMALL).resolved(counts.total())
    assert found.encoded_bytes == 4 * (counts.total() + len(lines))
    assert found.tokens_per_second is not None
    assert found.tokens_per_second > 0
    assert found.config.training.epochs is not None
    passed = found.config.training.epochs * found.tokens
    assert found.seconds == pytest.approx(passed / found.tokens_per_second)
    assert found.problems == ()


def test_the_first_byte_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"a b a b\na \xff b \xfe\n" * 3)
    found = hsw2v.plan(path, **SMALL)
    (problem,) = found.problems
    assert problem.startswith(f"{path}, line 2, byte 10: is not valid UTF-8 (byte 0xff)")
    assert "--encoding-errors" in problem
    assert found.replaced_bytes == 6
    # A pipe cannot be read again.
    run("plan", "-", stdin=path.read_bytes(), code=errors.EncodingError.exit_code)


def test_replaced_bytes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 caf\xe9 a a\n")
    assert hsw2v.plan(path, encoding_errors="replace", **SMALL).replaced_bytes == 2


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tree": "brown"},
        {"tree": "random", "optimizer": "adam"},
        {"loss": "class", "num_classes": 2, "batch_norm": True},
        {"loss": "ns", "optimizer": "adagrad"},
        {"loss": "softmax"},
        {"loss": "sampled", "optimizer": "rmsprop"},
    ],
)
def test_sizes_are_those_of_the_files(
    text: Path, tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**SMALL, "epochs": 1, **settings}
    path = tmp_path / "m.safetensors"
    found = hsw2v.plan(text, output=path, **asked)
    assert not path.exists()
    states: list[int] = []
    write = checkpoint.write_state

    def count(folder: Path, state: TrainingState) -> Path:
        states.append(sum(one.nbytes for one in state.network.parameters.values()))
        return write(folder, state)

    monkeypatch.setattr(checkpoint, "write_state", count)
    hsw2v.train(text, output=path, checkpoint_every=1e-9, **asked)
    store = open_store(str(path))
    names = list(store._header)
    assert found.model_bytes == sum(store.array(name).nbytes for name in names)
    assert states
    assert set(states) == {found.table_bytes + found.optimizer_bytes}
    assert found.checkpoint_bytes == 2 * states[0] + found.encoded_bytes
    assert found.num_classes == settings.get("num_classes")
    assert (found.tree is None) == ("loss" in settings)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_bytes_of_parameters_are_those_that_are_made(optimizer: str) -> None:
    training = Config().replace(dim=20, optimizer=optimizer).training
    made = initial_parameters(training, 7, 6)
    found = parameter_bytes(training, 7, 6)
    assert found.total == sum(array.nbytes for array in made.values())
    assert found.tables == made["vectors"].nbytes + made["outputs"].nbytes


def zipfian(path: Path, tokens: int) -> Path:
    rng = np.random.default_rng(1)
    drawn = rng.zipf(1.6, tokens)
    lines = (" ".join(f"w{one}" for one in part) for part in np.array_split(drawn, tokens // 10))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_sample_gives_estimates_of_the_whole(tmp_path: Path) -> None:
    path = zipfian(tmp_path / "long.txt", 600_000)
    whole = hsw2v.plan(path, dim=8, threads=1)
    sample = hsw2v.plan(path, dim=8, threads=1, sample_mb=0.5)
    assert sample.sampled
    assert sample.bytes_total == whole.bytes_read == path.stat().st_size
    assert 500_000 <= sample.bytes_read < 1_000_000
    for name in ("tokens", "sentences", "encoded_bytes"):
        assert getattr(sample, name) == pytest.approx(getattr(whole, name), rel=0.02)
    for name in ("types", "words", "table_bytes", "model_bytes"):
        assert getattr(sample, name) == pytest.approx(getattr(whole, name), rel=0.2), name
    assert sample.words > 1.5 * whole.words * sample.bytes_read / whole.bytes_read
    assert sample.config.training.epochs == whole.config.training.epochs
    assert hsw2v.plan(path, dim=8, threads=1, max_vocab=50, sample_mb=0.5).words == 50


def test_a_sample_as_long_as_the_text_is_the_text(text: Path) -> None:
    found = hsw2v.plan(text, sample_mb=1, **SMALL)
    assert not found.sampled
    assert found.tokens == len(TEXT.split())


def test_a_sample_needs_a_size(text: Path) -> None:
    with pytest.raises(errors.UsageError, match="size is not known"):
        hsw2v.plan([["a", "a"]], sample_mb=1, **SMALL)
    with pytest.raises(errors.UsageError, match="above 0"):
        hsw2v.plan(text, sample_mb=0, **SMALL)
    with pytest.raises(errors.UsageError, match="sample_mb"):
        hsw2v.plan(text, sample_mb=float("inf"), **SMALL)
    why = complaint("plan", "-", "--sample-mb", 1, stdin="a a", code=2)
    assert "leave --sample-mb out" in why


def test_sentences_are_planned_as_text_is(text: Path) -> None:
    of_text = hsw2v.plan(text, **SMALL).to_dict()
    of_lists = hsw2v.plan([line.split() for line in TEXT.split("\n")], **SMALL).to_dict()
    assert of_lists["bytes_total"] is None
    for name in ("tokens", "sentences", "words", "tree_depth", "model_bytes", "config"):
        assert of_lists[name] == of_text[name]


def test_errors_are_those_of_training(text: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.MissingInputError):
        hsw2v.plan(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(errors.EmptyCorpusError):
        hsw2v.plan(tmp_path / "empty.txt")
    with pytest.raises(errors.EmptyCorpusError, match="no word occurs 99 times"):
        hsw2v.plan(text, min_count=99)
    with pytest.raises(errors.UsageError, match="unknown setting"):
        hsw2v.plan(text, dims=3)
    with pytest.raises(errors.UsageError, match="epochs"):
        hsw2v.plan(text, epochs=2, rebuild_at=5.0, min_count=2)
    with pytest.raises(errors.MissingInputError, match="one of the trees"):
        hsw2v.plan(text, tree="oak", min_count=2)
    (tmp_path / "oak.tsv").write_text("a\t0\nother\t1\n")
    with pytest.raises(errors.UsageError):
        hsw2v.plan(text, tree=str(tmp_path / "oak.tsv"), min_count=2)
    output = tmp_path / "there.safetensors"
    output.write_text("")
    with pytest.raises(errors.OutputExistsError):
        hsw2v.plan(text, output=output, **SMALL)
    assert hsw2v.plan(text, output=output, force=True, **SMALL).output == str(output)
    with pytest.raises(errors.OutputError):
        hsw2v.plan(text, output=tmp_path / "nowhere" / "m", **SMALL)
    with pytest.raises(errors.OutputError, match="cache-dir"):
        hsw2v.plan(text, cache_dir=str(tmp_path / "nowhere"), **SMALL)


def test_an_interrupted_training_is_seen_and_stays(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "m.safetensors"
    folder = folder_of(output)
    folder.mkdir()
    (folder / "run").write_bytes(b"")
    (folder / "state-1").write_bytes(b"")
    with pytest.raises(errors.OutputExistsError, match="interrupted"):
        hsw2v.plan(text, output=output, **SMALL)
    hsw2v.plan(text, output=output, force=True, **SMALL)
    assert sorted(one.name for one in folder.iterdir()) == ["run", "state-1"]


def test_tables_that_cannot_be_had_are_a_problem(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "available_memory", lambda: 300)
    found = hsw2v.plan(text, optimizer="adam", **SMALL)
    (problem,) = found.problems
    assert "the tables and the state of adam take" in problem
    assert "--max-vocab, or use --optimizer sgd" in problem
    assert found.tokens_per_second is found.seconds is None
    assert found.memory_available == 300


def test_training_refuses_tables_beyond_the_memory_of_the_machine(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    settings = {**SMALL, "epochs": 1}
    needed = hsw2v.plan(text, **settings).table_bytes
    monkeypatch.setattr(parameters, "physical_memory", lambda: needed // 2)
    with pytest.raises(errors.ResourceError, match=r"there are .* GB of memory; lower --dim"):
        hsw2v.train(text, listener=heard.append, **settings)
    assert any(isinstance(event, CorpusProgress) for event in heard)
    why = complaint("train", text, "--min-count", 2, "--quiet", cwd=tmp_path, code=13)
    assert "the tables take" in why
    assert [one.name for one in tmp_path.iterdir()] == ["text.txt"]
    monkeypatch.setattr(parameters, "physical_memory", lambda: None)
    assert len(hsw2v.train(text, **settings)) == 6


def test_room_on_the_disk_is_told(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    output = tmp_path / "m"
    needed = hsw2v.plan(text, output=output, **SMALL).model_bytes
    for free, words in ((needed - 1, "the model takes"), (needed, "no checkpoints would be kept")):
        some = usage._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, some=some: some)
        (problem,) = hsw2v.plan(text, output=output, **SMALL).problems
        assert problem.startswith(words)
        assert "name another --output" in problem


def test_progress_and_notices_are_told(text: Path) -> None:
    heard: list[Event] = []
    hsw2v.plan(text, listener=heard.append, negative=7, **SMALL)
    assert any(isinstance(event, CorpusProgress) for event in heard)
    assert any(isinstance(one, Notice) and "no effect" in one.message for one in heard)


def test_the_command_prints_a_table_or_one_document(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "groups.txt")
    before = sorted(tmp_path.iterdir())
    options = ("--dim", 8, "--threads", 1)
    printed = run("plan", corpus, *options, cwd=tmp_path).stdout
    assert "3,000 in 300 sentences" in printed
    assert "16 of 16 types are words (100.0% of the tokens)" in printed
    assert "groups.safetensors can be written" in printed
    assert "skipgram, loss hs, 8 dimensions, sgd" in printed
    assert "(an estimate)" in printed
    answer = json.loads(run("plan", corpus, *options, "--json", cwd=tmp_path).stdout)
    found = hsw2v.plan(corpus, dim=8, threads=1)
    assert answer.keys() == {one.name for one in dataclasses.fields(hsw2v.Plan)}
    same = ("tokens", "words", "model_bytes", "mean_path_length", "encoded_bytes", "table_bytes")
    assert {name: answer[name] for name in same} == {name: getattr(found, name) for name in same}
    assert answer["config"] == found.config.to_dict()
    assert answer["problems"] == []
    assert sorted(tmp_path.iterdir()) == before


def test_a_sample_is_marked_as_an_estimate(tmp_path: Path) -> None:
    path = zipfian(tmp_path / "long.txt", 300_000)
    printed = run("plan", path, "--dim", 8, "--sample-mb", 0.3, cwd=tmp_path).stdout
    assert "a sample" in printed
    assert "about" in printed.splitlines()[1]


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "groups.txt")
    before = sorted(tmp_path.iterdir())
    log = tmp_path / "log.jsonl"
    options = ("--dim", 8, "--threads", 1)
    asked = ("train", corpus, *options, "--dry-run", "--log-json", log)
    dry = run(*asked, "--checkpoint-every", "0.0001", cwd=tmp_path).stdout.splitlines()
    planned = run("plan", corpus, *options, cwd=tmp_path).stdout.splitlines()
    changing = ("memory", "disk", "training")
    assert [one for one in dry if not one.startswith(changing)] == [
        one for one in planned if not one.startswith(changing)
    ]
    assert len(dry) == len(planned)
    assert sorted(tmp_path.iterdir()) == before
    assert "no exact held-out loss" in complaint(
        *("train", corpus, "--dry-run", "--loss", "ns", "--heldout", corpus), code=2, cwd=tmp_path
    )
    (tmp_path / "groups.safetensors").write_text("")
    for command in (("plan", corpus), ("train", corpus, "--dry-run")):
        assert "exists already" in complaint(*command, cwd=tmp_path, code=7)
