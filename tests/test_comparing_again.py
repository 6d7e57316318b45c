"""What is known of an experiment is not run again, and anything else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from some_experiments import (
    EVERYTHING,
    TWO,
    Heard,
    compared,
    notices_in,
    runs_in,
    write_experiment,
    write_text,
)

import hsw2v
from hsw2v import events
from hsw2v.experiments import comparing, results


@pytest.fixture(autouse=True)
def _nothing_to_prepare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "prepare", lambda configs, **rest: None)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_text(tmp_path / "corpus.txt")


def test_what_is_known_is_not_run_again(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    first, _ = compared(path, corpus)
    second, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert second == first


def rewritten(path: Path, change: Callable[[str], str]) -> Path:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def test_a_changed_setting_is_run_anew_and_the_others_are_kept(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)
    before, _ = compared(path, corpus)
    rewritten(path, lambda text: text.replace("negative = 2", "negative = 3"))
    after, heard = compared(path, corpus)
    assert runs_in(heard) == [("sampling / two", 1), ("sampling / two", 2)]
    assert after.runs[:2] == before.runs[:2]
    # And what was known of the setting as it was is not forgotten.
    rewritten(path, lambda text: text.replace("negative = 3", "negative = 2"))
    again, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert again == before


def test_a_new_setting_and_a_new_seed_are_run_beside_what_is_known(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)
    compared(path, corpus)
    rewritten(path, lambda text: text + "[[setting]]\nname = 'new'\ndim = 7\n")
    _, heard = compared(path, corpus)
    assert runs_in(heard) == [("new", 1), ("new", 2)]
    rewritten(path, lambda text: text.replace("[1, 2]", "[1, 2, 5]"))
    found, heard = compared(path, corpus)
    assert runs_in(heard) == [("tree", 5), ("sampling / two", 5), ("new", 5)]
    assert [run.seed for run in found.runs] == [1, 2, 5] * 3


def test_a_name_is_no_part_of_what_a_run_is_known_by(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path)
    compared(path, corpus)
    rewritten(path, lambda text: text.replace('name = "tree"', 'name = "Huffman"'))
    found, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert found.names == ["Huffman", "sampling / two"]
    assert found.table()[1][0] == "Huffman"


def write_codes(path: Path, words: list[str]) -> Path:
    """Write a tree that is a chain: 0, 10, 110 and so on, and only ones at its end."""
    ends = ["0"] * (len(words) - 1) + [""]
    codes = [("1" * depth + end)[: len(words) - 1] for depth, end in enumerate(ends)]
    path.write_text("".join(f"{w}\t{code}\n" for w, code in zip(words, codes, strict=True)))
    return path


@pytest.mark.parametrize("what", ["corpus.txt", "heldout.txt", "pairs.tsv", "codes.tsv"])
def test_all_is_run_anew_that_depends_on_a_file_that_changed(
    what: str, tmp_path: Path, corpus: Path
) -> None:
    words = [f"g{group}w{member}" for group in range(4) for member in range(5)]
    codes = write_codes(tmp_path / "codes.tsv", words)
    settings = "[[setting]]\nname='codes'\ntree='codes.tsv'\n" + TWO
    path = write_experiment(tmp_path, settings, own=EVERYTHING)
    compared(path, corpus)
    if what == "codes.tsv":
        write_codes(codes, words[::-1])
    elif what == "pairs.tsv":
        (tmp_path / what).write_text("g0w0\tg0w1\t9\ng0w0\tg1w1\t1\n")
    else:
        write_text(tmp_path / what, 50, seed=7)
    _, heard = compared(path, corpus)
    expected = {
        "corpus.txt": ["codes", "tree", "sampling / two"],
        "heldout.txt": ["codes", "tree"],
        "pairs.tsv": ["codes", "tree", "sampling / two"],
        "codes.tsv": ["codes"],
    }
    assert runs_in(heard) == [(name, seed) for seed in (1, 2) for name in expected[what]]


@pytest.mark.parametrize("what", ["corpus.txt", "heldout.txt"])
def test_a_text_of_the_same_words_in_another_order_is_another(
    what: str, tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    compared(path, corpus)
    first, *rest = (tmp_path / what).read_text().splitlines()
    # Words arrive in the same order, and as often.
    (tmp_path / what).write_text("\n".join([first, *rest[:-2], rest[-1], rest[-2]]) + "\n")
    names = ["tree", "sampling / two"] if what == "corpus.txt" else ["tree"]
    _, heard = compared(path, corpus)
    assert runs_in(heard) == [(name, seed) for seed in (1, 2) for name in names]


def test_another_version_runs_all_anew(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path)
    compared(path, corpus)
    monkeypatch.setattr(results, "version", lambda package: "99")
    _, heard = compared(path, corpus)
    assert len(runs_in(heard)) == 4


def test_an_interrupt_loses_no_more_than_the_run_under_way(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    heard: Heard = []

    def interrupt(event: events.Event) -> None:
        heard.append(event)
        if isinstance(event, events.EpochEnd) and len(runs_in(heard)) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=interrupt)
    kept = json.loads((tmp_path / "out" / "results.json").read_text())["runs"]
    assert [(one["setting"], one["seed"]) for one in kept] == [("tree", 1), ("sampling / two", 1)]
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 3
    log = (tmp_path / "out" / "tree-2.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["type"] == "Interrupted"
    found, more = compared(path, corpus)
    assert runs_in(more) == [("tree", 2), ("sampling / two", 2)]
    assert len(found.runs) == 4


def test_an_interrupt_of_the_first_run_leaves_a_folder_to_go_on_in(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.VocabularyReady):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=interrupt)
    _, heard = compared(path, corpus)
    assert len(runs_in(heard)) == 4


def test_models_are_kept_if_asked_for_even_of_runs_that_are_known(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, own="seeds = [4]")
    compared(path, corpus)
    assert not list((tmp_path / "out").glob("*.safetensors"))
    _, heard = compared(path, corpus, keep_models=True)
    assert len(runs_in(heard)) == 2
    model = hsw2v.load(tmp_path / "out" / "sampling-two-4.safetensors")
    assert model.config["training"]["loss"] == "ns"
    assert model.config["training"]["seed"] == 4
    _, heard = compared(path, corpus, keep_models=True)
    assert runs_in(heard) == []


def test_models_and_logs_of_a_name_are_known_by_their_run(tmp_path: Path, corpus: Path) -> None:
    slow = "[[setting]]\nname = 'a'\nlr = 0.1\n"
    path = write_experiment(tmp_path, slow, own="")

    def rate() -> float:
        return hsw2v.load(tmp_path / "out" / "a-1.safetensors").config["training"]["lr"]

    compared(path, corpus, keep_models=True)
    rewritten(path, lambda text: text.replace("0.1", "0.2"))
    compared(path, corpus, keep_models=True)
    assert rate() == 0.2
    rewritten(path, lambda text: text.replace("0.2", "0.1"))
    # What is known needs no files, but these are not passed off as its own.
    _, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert notices_in(heard) == [
        "of other runs than those of the tables: a-1.jsonl, a-1.safetensors"
    ]
    _, heard = compared(path, corpus, keep_models=True)
    assert runs_in(heard) == [("a", 1)]
    assert rate() == 0.1
    assert notices_in(heard) == []
    # A run that keeps none leaves that of another in its place.
    rewritten(path, lambda text: text.replace("0.1", "0.3"))
    _, heard = compared(path, corpus)
    assert notices_in(heard) == ["of other runs than those of the tables: a-1.safetensors"]
    compared(path, corpus, keep_models=True)
    assert rate() == 0.3


def test_an_interrupted_run_disowns_the_files_of_its_name(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, "[[setting]]\nname = 'a'\n", own="")
    compared(path, corpus, keep_models=True)
    before = path.read_text()
    rewritten(path, lambda text: text.replace("dim = 6", "dim = 7"))

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.EpochEnd):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.compare(path, corpus, tmp_path / "out", keep_models=True, listener=interrupt)
    rewritten(path, lambda text: before)
    _, heard = compared(path, corpus, keep_models=True)
    assert runs_in(heard) == [("a", 1)]
