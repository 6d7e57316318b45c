"""Graphs: the table of DeepWalk on labels of nodes, links, and how fast walks are made."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import hsw2v
from benchmarks import graph_links, peer
from benchmarks.benchmark import ROUNDS, THREADS, Benchmark, option
from benchmarks.pages import Pages, deviating, spread, table
from benchmarks.processes import measure as measured
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded
from hsw2v.files import write_text

DEEPWALK = {0.1: (36.0, 21.3), 0.5: (41.0, 27.3), 0.9: (42.0, 28.9)}
"""Micro-F1 and Macro-F1 in per cent by the share of labelled nodes, on BlogCatalog (Perozzi et al.
2014, table 2)."""
OURS = {
    "Huffman tree": (),
    "semantic tree": ("--tree", "semantic", "--rebuild-at", "0.5"),
    "negative sampling": ("--loss", "ns"),
    "Huffman tree and negative sampling": ("--loss", "hs+ns"),
}
GENSIM = "gensim"
THEIRS = {GENSIM: (), "gensim, corpus_file as it is": ("--own-schedule",)}
PROGRAMS = (*OURS, *THEIRS)
LABELS, LINKS, WALKS = TASKS = ("labels", "links", "walks")
HELD_OUT = 0.1
"""The share of the edges, for links."""
SLOWER = 20
"""PecanPy makes a share of the biased walks: all would take an hour."""
BIASES = ((1.0, 1.0), (0.25, 0.25), (4.0, 0.25), (0.25, 4.0))
"""p and q, of walks whose speed is measured."""
WALKERS = IDS, LISTS, PECANPY = "hsw2v", "hsw2v, lists of names", "PecanPy, lists of names"


def _train(given: Namespace, program: str, seed: int, output: str, graph: object) -> list[str]:
    """Return the command that trains with a program of ours."""
    walks = ["--walks-per-node", given.walks_per_node, "--walk-length", given.walk_length]
    command = ["-m", "hsw2v", "train", "--graph", graph, "-o", output, *walks, "--quiet"]
    more = ["--seed", seed, "--threads", given.threads, "--dim", given.dim, *OURS[program]]
    return [sys.executable, *map(str, [*command, *more])]


def _train_gensim(
    given: Namespace, program: str, seed: int, output: str, folder: Path
) -> list[str]:
    """Write the same walks as a text, and return the command that trains on it."""
    text = folder / "walks.txt"
    graph = hsw2v.Graph.read(given.graph)
    settings = {"walks_per_node": given.walks_per_node, "walk_length": given.walk_length}
    write_text(text, graph.walks(seed=seed, **settings).lines(), force=True)
    options = {
        **{"model": "skipgram", "loss": "hs", "lr": 0.025, "sample": 0, "dim": given.dim},
        **{"window": 10, "min-count": 1, "negative": 5, "epochs": 1},
        **{"threads": given.threads, "seed": seed},
    }
    asked = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, peer.__file__, GENSIM, str(text), output, *asked, *THEIRS[program]]


def _labels(given: Namespace, program: str, seed: int) -> Fields:
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/model"
        if program in OURS:
            cost = measured(_train(given, program, seed, output, given.graph))
            model = hsw2v.load(output)
        else:
            cost = measured(_train_gensim(given, program, seed, output, Path(folder)))
            model = peer.load_gensim(output)
        found = model.evaluate_labels(given.labels, fractions=list(DEEPWALK), repeats=given.repeats)
    scores = {
        str(one.labelled): [rounded(100 * one.micro_f1), rounded(100 * one.macro_f1)]
        for one in found.scores
    }
    return {
        "seconds": rounded(cost.seconds),
        "processor": rounded(cost.processor),
        "peak_bytes": cost.peak_bytes,
        "scores": scores,
    }


def _links(given: Namespace, program: str, seed: int) -> Fields:
    graph = hsw2v.Graph.read(given.graph)
    held = graph_links.hold_out(graph, HELD_OUT, seed)
    with tempfile.TemporaryDirectory() as folder:
        rest, output = Path(folder, "rest.txt"), f"{folder}/model"
        write_text(rest, graph_links.lines(graph, held.rest))
        subprocess.run(_train(given, program, seed, output, rest), check=True)
        found = graph_links.areas(hsw2v.load(output), graph, held)
    areas = {name: round(100 * area, 2) for name, area in found._asdict().items()}
    return {**areas, "held_out": len(held.edges)}


def _walk(given: Namespace, key: Fields) -> Fields | None:
    program, p, q, seed = key["walker"], key["p"], key["q"], key["round"]
    graph = hsw2v.Graph.read(given.graph)
    if program == PECANPY:
        return _walk_with_pecanpy(given, graph, p, q, seed)
    settings = {"walks_per_node": given.walks_per_node, "walk_length": given.walk_length}
    walks = graph.walks(p=p, q=q, seed=seed, threads=given.threads, **settings)
    begun, before = time.perf_counter(), time.process_time()
    # PecanPy holds all of its walks; these are passed on.
    nodes = sum(len(one) for one in (walks.ids() if program == IDS else walks))
    seconds, processor = time.perf_counter() - begun, time.process_time() - before
    nodes -= len(walks) if program == IDS else 0
    return {"seconds": rounded(seconds), "processor": rounded(processor), "nodes": nodes}


def _walk_with_pecanpy(
    given: Namespace, graph: hsw2v.Graph, p: float, q: float, seed: int
) -> Fields | None:
    if given.pecanpy is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        edges = Path(folder, "edges.tsv")
        rows = (
            f"{node}\t{to}\n"
            for node in range(len(graph))
            for to in graph.neighbours[graph.offsets[node] : graph.offsets[node + 1]].tolist()
            if node <= to
        )
        write_text(edges, rows)
        script = str(Path(__file__).with_name("pecanpy_peer.py"))
        passes = given.walks_per_node if p == q == 1.0 else given.walks_per_node // SLOWER
        sizes = max(2, passes), given.walk_length
        asked = map(str, (edges, *sizes, p, q, given.threads, seed))
        command = [given.pecanpy, script, *asked]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Fields = json.loads(done.stdout.splitlines()[-1])
    return {name: rounded(value) for name, value in found.items()}


def _walk_keys(given: Namespace) -> Iterator[Fields]:
    walkers = WALKERS if given.pecanpy else (IDS, LISTS)
    for number in range(1, given.rounds + 1):
        for p, q in BIASES:
            for walker in walkers:
                yield {"round": number, "p": p, "q": q, "walker": walker}


def measure(given: Namespace, record: Record) -> None:
    """Do the tasks: train and evaluate with each program and seed, and measure walks."""
    peers = given.seeds[: given.peer_seeds]
    turns = [
        (seed, program)
        for seed in given.seeds
        for program in given.programs
        if program in OURS or seed in peers
    ]
    if LABELS in given.tasks:
        keys = [{"program": program, "seed": seed} for seed, program in turns]
        record.measure(keys, lambda key: _labels(given, key["program"], key["seed"]))
    if LINKS in given.tasks:
        keys = [{"links": program, "seed": seed} for seed, program in turns if program in OURS]
        record.measure(keys, lambda key: _links(given, key["links"], key["seed"]))
    if WALKS in given.tasks:
        if not given.pecanpy:
            tell("left out: PecanPy (--pecanpy PYTHON names an interpreter that has it)")
        record.measure(list(_walk_keys(given)), lambda key: _walk(given, key))


def render(record: Record, pages: Pages) -> str:
    """Return the tables of labels, of links and of walks that there are."""
    found = [_labels_table(record), _links_table(record), _walks_table(record)]
    return "\n\n".join(one for one in found if one)


def _labels_table(record: Record) -> str:
    shares = list(DEEPWALK)
    header = ["Micro-F1, Macro-F1 (%)", *(f"{share:.0%} labelled" for share in shares)]
    paper = [f"{micro:.1f}, {macro:.1f}" for micro, macro in DEEPWALK.values()]
    rows = [["DeepWalk (2014)", *paper, "-", "-", "-"]]
    for program in PROGRAMS:
        runs = record.select(program=program)
        if not runs:
            continue
        cells = []
        for share in shares:
            both = zip(*(run["scores"][str(share)] for run in runs), strict=True)
            cells.append(", ".join(deviating(one, 1) for one in both))
        costs = (spread((run[name] for run in runs), 0) for name in ("seconds", "processor"))
        rows.append([program, *cells, str(len(runs)), *costs])
    header += ["seeds", "seconds", "processor seconds"]
    return table(header, rows) if len(rows) > 1 else ""


def _links_table(record: Record) -> str:
    runs = {program: record.select(links=program) for program in OURS}
    areas = ("cosine", "fitted")
    rows = [
        [program, *(deviating((run[one] for run in some), 1) for one in areas), str(len(some))]
        for program, some in runs.items()
        if some
    ]
    header = ["held-out edges, AUC (%)", "cosine", "logistic regression", "seeds"]
    return table(header, rows) if rows else ""


def _walks_table(record: Record) -> str:
    rows = []
    for p, q in BIASES:
        for walker in WALKERS:
            runs = record.select(walker=walker, p=p, q=q)
            if not runs:
                continue
            speed = (run["nodes"] / run["seconds"] / 1e6 for run in runs)
            cost = (run["processor"] / run["nodes"] * 1e9 for run in runs)
            rows.append([walker, f"{p:g}", f"{q:g}", spread(speed, 2), spread(cost, 0)])
    header = ["walks", "p", "q", "million nodes a second", "processor ns a node"]
    return table(header, rows) if rows else ""


BENCHMARK = Benchmark(
    "graphs",
    "labels of nodes as in DeepWalk's table, and links, beside gensim; speed of walks, beside "
    "PecanPy",
    measure,
    render,
    (
        ("graph", {"help": "edges, or nodes with their neighbours"}),
        ("labels", {"help": "nodes with their labels"}),
        option("--programs", list(PROGRAMS), choices=PROGRAMS),
        option("--seeds", [1, 2, 3], metavar="SEED", help="of walks and trainings (1 2 3)"),
        option("--tasks", list(TASKS), choices=TASKS, help="what is measured (all)"),
        option("--peer-seeds", 1, help="how many of the seeds gensim has (1): it is slow"),
        option("--repeats", 10, help="draws of the nodes whose labels are known (10)"),
        option("--walks-per-node", 80),
        option("--walk-length", 40),
        option("--dim", 128),
        option(
            "--pecanpy",
            None,
            metavar="PYTHON",
            help="an interpreter that has PecanPy, which needs NumPy 1",
        ),
        ROUNDS,
        THREADS,
    ),
    ("graph", "labels", "repeats", "walks_per_node", "walk_length", "dim", "threads"),
    ("hsw2v", "numpy", "numba", "scikit-learn", "gensim"),
)
