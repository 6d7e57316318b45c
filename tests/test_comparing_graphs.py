"""Settings are compared on walks over a graph, and by labels of its nodes."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_experiments import Heard, compared, notices_in, runs_in
from test_walks import EDGES

import hsw2v
from hsw2v import errors, events
from hsw2v.experiments import comparing
from hsw2v.experiments.results import Run

COMMON = """
[graph]
walks_per_node = 4
walk_length = 10
[training]
dim = 6
threads = 1
"""
WAYS = """
[[setting]]
name = "DeepWalk"
[[setting]]
name = "near"
p = 0.25
q = 4
[[setting]]
name = "sampling"
loss = "ns"
"""
OWN = 'seeds = [1, 2]\nlabels = ["labels.txt"]'


@pytest.fixture
def unprepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "prepare", lambda configs, **rest: None)


@pytest.fixture
def karate(tmp_path: Path) -> Path:
    path = tmp_path / "karate.txt"
    path.write_text("".join(f"{a} {b}\n" for a, b in EDGES.tolist()))
    return path


def write(folder: Path, own: str = OWN, common: str = COMMON, settings: str = WAYS) -> Path:
    labels = (f"{node} {'odd' if node % 2 else 'even'}\n" for node in range(1, 35))
    (folder / "labels.txt").write_text("".join(labels))
    path = folder / "walks.toml"
    path.write_text(f"[experiment]\n{own}\n{common}{settings}")
    return path


def on_graph(path: Path, graph: object, **options: object) -> tuple[hsw2v.Comparison, Heard]:
    return compared(path, None, graph=graph, **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("unprepared")
def test_every_run_is_the_training_on_the_graph_with_its_settings(
    tmp_path: Path, karate: Path
) -> None:
    found, heard = on_graph(write(tmp_path), karate, keep_models=True)
    ways = {"DeepWalk": {}, "near": {"p": 0.25, "q": 4.0}, "sampling": {"loss": "ns"}}
    assert runs_in(heard) == [(name, seed) for seed in (1, 2) for name in ways]
    for name, settings in ways.items():
        for seed in (1, 2):
            given = {"walks_per_node": 4, "walk_length": 10, "dim": 6, "threads": 1, **settings}
            expected = hsw2v.train(graph=karate, seed=seed, **given)
            model = hsw2v.load(tmp_path / "out" / f"{name}-{seed}.safetensors")
            assert model.vectors.tobytes() == expected.vectors.tobytes()
            (one,) = (run for run in found.runs if (run.setting, run.seed) == (name, seed))
            assert one.labels == (expected.evaluate_labels(tmp_path / "labels.txt"),)
    assert (found.tokens, found.nodes, found.edges) == (0, 34, 78)
    assert "34 nodes, 78 edges; threads: 1; seeds: 1, 2." in found.markdown()
    # The graph is read once, and the defaults are told once.
    assert sum(isinstance(one, events.GraphReady) for one in heard) == 1
    told = [one for one in notices_in(heard) if one.startswith("defaults for a graph")]
    assert len(told) == 1
    assert "min_count 1" in told[0]


@pytest.mark.usefixtures("unprepared")
def test_tables_have_both_measures_of_labels_and_files_keep_them(
    tmp_path: Path, karate: Path
) -> None:
    path = write(tmp_path, settings='[[setting]]\nname = "DeepWalk"\n', own=OWN.replace(", 2", ""))
    found, _ = on_graph(path, karate)
    (one,) = found.runs
    scores = {f"{score.labelled:.0%}": score for score in one.labels[0].scores}
    main, parts = (dict(zip(*table, strict=True)) for table in found.tables())
    for share in ("10%", "50%", "90%"):
        assert main[f"labels Micro-F1 {share}"] == f"{scores[share].micro_f1:.3f}"
        assert parts[f"labels Macro-F1 {share}"] == f"{scores[share].macro_f1:.3f}"
    kept = json.loads((tmp_path / "out" / "results.json").read_text())["runs"][0]
    assert Run.from_dict(kept) == one
    # Those of before had no labels.
    del kept["labels"]
    assert Run.from_dict(kept) == dataclasses.replace(one, labels=())


@pytest.mark.usefixtures("unprepared")
def test_what_is_known_of_a_graph_is_not_run_again(tmp_path: Path, karate: Path) -> None:
    path = write(tmp_path, own="")
    on_graph(path, karate)
    assert runs_in(on_graph(path, karate)[1]) == []
    # In memory it is the same graph.
    assert runs_in(on_graph(path, hsw2v.Graph.read(karate))[1]) == []
    karate.write_text(karate.read_text() + "1 34\n")
    assert len(runs_in(on_graph(path, karate)[1])) == 3


@pytest.mark.usefixtures("unprepared")
@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"settings": WAYS + "directed = true\n"}, "'sampling': reads the graph in its own way"),
        ({"common": "[corpus]\nlowercase = true\ntokens = 'words'\n"}, "tokens='words' is for t"),
        ({"own": 'labels = ["none.txt"]'}, "labels, none.txt: no such file|none.txt"),
        ({"settings": '[[setting]]\nname = "a"\n[[setting]]\nname = "b"\nq = 1.0\n'}, "is the sa"),
    ],
)
def test_mistakes_are_found_before_any_work(
    tmp_path: Path, karate: Path, changed: dict[str, str], what: str
) -> None:
    with pytest.raises(errors.Hsw2vError, match=what):
        on_graph(write(tmp_path, **changed), karate)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("unprepared")
def test_walks_mean_nothing_to_a_text(tmp_path: Path, karate: Path) -> None:
    path = write(tmp_path, own="", common="[vocabulary]\nmin_count = 1\n[training]\ndim = 4\n")
    with pytest.raises(errors.UsageError, match="'near': is the same as setting 'DeepWalk'"):
        compared(path, karate)
    for both in ({"corpus": karate, "graph": karate}, {}):
        with pytest.raises(errors.UsageError, match=r"a corpus (and|nor) a graph"):
            hsw2v.compare(path, **both)  # type: ignore[arg-type]


def test_the_command_line_compares_on_a_graph(tmp_path: Path, karate: Path) -> None:
    # In a process of its own: others in this one may have left SciPy out.
    one = '[[setting]]\nname = "DeepWalk"\n'
    path = write(tmp_path, own=OWN.replace(", 2", ""), settings=one)
    done = run("compare", path, "--graph", karate, cwd=tmp_path, env=dict(os.environ))
    header, row, *_ = done.stdout.splitlines()
    assert "labels Micro-F1 50%" in header
    assert row.startswith("DeepWalk")
    assert "defaults for a graph: min_count 1" in done.stderr
    assert (tmp_path / "walks" / "results.json").exists()
    assert "a graph" in complaint("compare", path, code=2, cwd=tmp_path)


def test_the_vocabulary_of_a_graph_is_its_nodes_by_visits(karate: Path) -> None:
    asked = ("--walks-per-node", 3, "--walk-length", 7)
    visits = Counter(run("walks", karate, *asked).stdout.split())
    lines = run("vocab", "--graph", karate, *asked).stdout.splitlines()
    found = {node: int(count) for node, count in (line.split("\t") for line in lines)}
    assert found == visits
    assert list(found.values()) == sorted(found.values(), reverse=True)
    model = hsw2v.train(graph=karate, walks_per_node=3, walk_length=7, dim=4)
    assert list(found) == model.words
    assert np.array_equal(list(found.values()), model.counts)
    assert "neither a corpus nor a graph" in complaint("vocab", code=2)
