"""The benchmark of graphs runs, and prints what it has measured."""

from __future__ import annotations

import importlib.util
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from benchmarks.graph_links import areas, hold_out
from benchmarks.graphs import DEEPWALK
from benchmarks.records import Record
from some_benchmarks import bench, tables
from test_walks import EDGES

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary

THERE = bool(importlib.util.find_spec("gensim"))
PROGRAMS = ["Huffman tree", *(["gensim"] if THERE else [])]


def test_labels_and_walks_of_a_graph(tmp_path: Path) -> None:
    graph, labels, path = (tmp_path / name for name in ("g.txt", "labels.txt", "graphs.json"))
    graph.write_text("".join(f"{a} {b}\n" for a, b in EDGES.tolist()))
    labels.write_text("".join(f"{node} {'odd' if node % 2 else 'even'}\n" for node in range(1, 35)))
    # A PecanPy of its own: it says that it was called, in the form of the other one.
    peer = tmp_path / "python"
    peer.write_text(
        f'#!{sys.executable}\nimport json\nprint(json.dumps({{"seconds": 2.0, "processor": 3.0, '
        '"nodes": 1000000}))\n'
    )
    peer.chmod(0o755)
    done = bench(
        *("graphs", graph, labels, "--programs", *PROGRAMS, "--seeds", 1, "--repeats", 2),
        *("--walks-per-node", 3, "--walk-length", 6, "--dim", 8, "--rounds", 1),
        *("--pecanpy", peer, "--record", path),
    )
    record = Record.load(path)
    assert len(record.runs) == len(PROGRAMS) + 1 + 4 * 3
    by_labels, by_links, by_walks = tables(done.stdout)
    assert [next(iter(row.values())) for row in by_labels] == ["DeepWalk (2014)", *PROGRAMS]
    for row, program in zip(by_labels[1:], PROGRAMS, strict=True):
        for share in DEEPWALK:
            (run,) = record.select(program=program)
            scores = ", ".join(f"{score:.1f}" for score in run["scores"][str(share)])
            assert row[f"{share:.0%} labelled"] == scores
            assert all(0.0 < one < 100.0 for one in run["scores"][str(share)])
    (run,) = record.select(links="Huffman tree")
    (row,) = by_links
    assert list(row.values()) == [
        "Huffman tree",
        f"{run['cosine']:.1f}",
        f"{run['fitted']:.1f}",
        "1",
    ]
    assert run["held_out"] == 8
    walked = [run["nodes"] for run in record.runs if run.get("walker", "").startswith("hsw2v")]
    assert set(walked) == {34 * 3 * 6}
    theirs = [row for row in by_walks if row["walks"].startswith("PecanPy")]
    assert [(row["million nodes a second"], row["processor ns a node"]) for row in theirs] == [
        ("0.50", "3000")
    ] * 4


def test_held_out_edges_are_apart_and_told_by_the_vectors_of_their_groups() -> None:
    # Two groups of twenty, all of whose members are linked, and nothing between them.
    pairs = [(a, b) for a, b in combinations(range(40), 2) if (a < 20) == (b < 20)]
    graph = hsw2v.Graph.from_edges(np.array(pairs))
    held = hold_out(graph, 0.2, 1)
    assert len(held.edges) == 76
    known = {tuple(map(int, (graph.nodes[a], graph.nodes[b]))) for a, b in held.rest.tolist()}
    assert len(known) == len(pairs) - 76
    found = [tuple(map(int, (graph.nodes[a], graph.nodes[b]))) for a, b in held.edges.tolist()]
    assert known.isdisjoint(found)
    assert known | set(found) == set(pairs)
    assert len(held.others) == len(pairs)
    assert all((a < 20) != (b < 20) for a, b in held.others.tolist())
    names = Vocabulary.from_words(graph.nodes, [1] * 40)
    groups = np.array([[1.0, 0.0] if int(name) < 20 else [0.0, 1.0] for name in graph.nodes])
    assert areas(hsw2v.Model(names, groups.astype(np.float32)), graph, held) == (1.0, 1.0)
    chance = np.random.default_rng(1).normal(size=(40, 2)).astype(np.float32)
    assert all(0.3 < one < 0.7 for one in areas(hsw2v.Model(names, chance), graph, held))
