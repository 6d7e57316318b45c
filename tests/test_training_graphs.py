"""Training on graphs: walks take the place of a text."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from test_walks import EDGES

import hsw2v
from hsw2v import errors, events
from hsw2v.config import Config, GraphConfig, read_config
from hsw2v.config.presets import GRAPH
from hsw2v.corpus.stream import encode
from hsw2v.training.graphs import WalksOverGraph

CONFIGS = Path(__file__).parent.parent / "configs"
SMALL: dict[str, Any] = {"walks_per_node": 20, "walk_length": 12, "dim": 8, "window": 3}


@pytest.fixture
def karate(tmp_path: Path) -> Path:
    path = tmp_path / "karate.txt"
    path.write_text("".join(f"{a} {b}\n" for a, b in EDGES.tolist()))
    return path


def test_the_preset_is_the_file_that_explains_it() -> None:
    assert read_config(CONFIGS / "graph-walks.toml") == GRAPH
    assert Config() != GRAPH


@pytest.mark.parametrize("settings", [{"p": 0.5, "q": 2.0, "directed": True}, {"seed": 3}])
def test_a_graph_is_the_text_of_its_walks(
    karate: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    walks = tmp_path / "walks.txt"
    seed = {"seed": settings.get("seed", 1)}
    biases = {name: one for name, one in settings.items() if name in ("p", "q")}
    graph = hsw2v.Graph.read(karate, directed=settings.get("directed", False))
    some = {name: SMALL[name] for name in ("walks_per_node", "walk_length")}
    walks.write_text("".join(graph.walks(**some, **seed, **biases).lines()))
    asked = GRAPH.replace(**SMALL, **settings)
    with (
        WalksOverGraph(karate, asked).encode(asked.corpus, events.ignore) as ours,
        encode(walks, asked.corpus) as theirs,
    ):
        assert ours.ids.tobytes() == theirs.ids.tobytes()
        assert ours.types.words == theirs.types.words
        assert ours.types.counts.tolist() == theirs.types.counts.tolist()
        assert ours.blocks.tolist() == theirs.blocks.tolist()
        assert (ours.tokens, ours.sentences) == (theirs.tokens, theirs.sentences)
        assert ours.bytes_read == karate.stat().st_size
    model = hsw2v.train(graph=karate, threads=1, **SMALL, **settings)
    same = hsw2v.train(walks, config=GRAPH, threads=1, dim=8, window=3, **seed)
    assert model.words == same.words
    assert model.vectors.tobytes() == same.vectors.tobytes()


def test_settings_of_walks_are_in_the_model_of_a_graph_alone(karate: Path) -> None:
    model = hsw2v.train(graph=karate, threads=1, p=0.5, **SMALL)
    expected = GraphConfig(p=0.5, walks_per_node=20, walk_length=12)
    assert model.config["graph"] == dataclasses.asdict(expected)
    assert model.config["vocabulary"] == GRAPH.to_dict()["vocabulary"]
    heard: list[events.Event] = []
    of_text = hsw2v.train(
        [["a", "b"]] * 9, threads=1, min_count=1, epochs=1, p=0.5, listener=heard.append
    )
    assert "graph" not in of_text.config
    assert "p has no effect (no graph)" in notices(heard)


def notices(heard: list[events.Event]) -> list[str]:
    return [one.message for one in heard if isinstance(one, events.Notice)]


def test_defaults_of_graphs_are_told_and_give_way(karate: Path, tmp_path: Path) -> None:
    heard: list[events.Event] = []
    file = tmp_path / "my.toml"
    file.write_text("[training]\nwindow = 3\nepochs = 2\n[graph]\nwalks_per_node = 5\n")
    model = hsw2v.train(graph=karate, config=file, threads=1, dim=8, listener=heard.append)
    training = model.config["training"]
    assert (training["window"], training["epochs"], training["dim"]) == (3, 2, 8)
    assert (training["tree"], training["node_sample"]) == ("huffman", 0.0)
    assert model.info["corpus"]["sentences"] == 5 * 34
    (told,) = [one for one in notices(heard) if "graph" in one]
    assert told == "defaults for a graph: min_count 1, sample 0, tree huffman, node_sample 0"
    assert [type(one) for one in heard].count(events.GraphReady) == 1
    # A Config is taken as a whole.
    plain = hsw2v.train(graph=karate, config=Config().replace(epochs=1, dim=8, threads=1))
    assert plain.config["vocabulary"]["min_count"] == 5


def test_graphs_in_memory_are_trained_on(karate: Path) -> None:
    graph = hsw2v.Graph.read(karate)
    model = hsw2v.train(graph=graph, threads=1, **SMALL)
    same = hsw2v.train(graph=karate, threads=1, **SMALL)
    assert model.vectors.tobytes() == same.vectors.tobytes()
    # The two leaders of the club, and some who are beside one of them alone.
    theirs, ours = ("31", "30", "24", "33"), ("18", "22", "5", "12")
    for own, other in ((theirs, ours), (ours, theirs)):
        leader = "34" if own is theirs else "1"
        assert np.mean([model.similarity(leader, one) for one in own]) > np.mean(
            [model.similarity(leader, one) for one in other]
        )


def test_a_model_is_continued_on_a_graph(karate: Path, tmp_path: Path) -> None:
    model = hsw2v.train(graph=karate, threads=1, **SMALL)
    more = tmp_path / "more.txt"
    more.write_text("1 35\n35 36\n")
    after = hsw2v.train(graph=more, from_model=model, walks_per_node=30)
    assert set(after.words) == {*model.words, "35", "36"}
    assert after.config["graph"]["walk_length"] == 12


def test_how_a_graph_was_read_is_in_its_model(karate: Path) -> None:
    graph = hsw2v.Graph.read(karate, directed=True)
    model = hsw2v.train(graph=graph, threads=1, **SMALL)
    same = hsw2v.train(graph=karate, directed=True, threads=1, **SMALL)
    assert model.config == same.config
    assert model.config["graph"]["directed"] is True
    whole = hsw2v.train(graph=graph, config=Config().replace(epochs=1, dim=4, threads=1))
    assert whole.config["graph"]["directed"] is True
    other = hsw2v.Graph.from_edges(EDGES)
    after = hsw2v.train(graph=other, from_model=model)
    assert after.config["graph"] == {**model.config["graph"], "directed": False}


@pytest.mark.parametrize("make", [hsw2v.train, hsw2v.plan])
def test_a_setting_that_contradicts_a_graph_is_refused(make: Any) -> None:
    graph = hsw2v.Graph.from_edges(EDGES)
    with pytest.raises(errors.UsageError, match="directed is True, and that of the graph is False"):
        make(graph=graph, directed=True)
    graph = hsw2v.Graph.from_edges(EDGES, directed=True)
    with pytest.raises(errors.UsageError, match="directed is False, and that of the graph is True"):
        make(graph=graph, directed=False)
    with pytest.raises(errors.UsageError, match="graph_format is weighted, and that"):
        make(graph=graph, graph_format="weighted")


def test_settings_for_text_of_a_model_can_be_overridden(karate: Path) -> None:
    model = hsw2v.train([["a", "b"]] * 20, phrases=1, min_count=1, epochs=1, dim=4, threads=1)
    with pytest.raises(errors.UsageError, match=r"phrases=1 is for text.* give phrases=0"):
        hsw2v.train(graph=karate, from_model=model)
    after = hsw2v.train(graph=karate, from_model=model, phrases=0, walks_per_node=2)
    assert "34" in after.words


@pytest.mark.parametrize(
    "extra", [{"deterministic": True, "workers": 2}, {"engine": "local", "workers": 2}]
)
def test_deterministic_training_on_a_graph_is_that_of_any_number_of_threads(
    karate: Path, tmp_path: Path, extra: dict[str, Any]
) -> None:
    for threads in (1, 2):
        hsw2v.train(
            graph=karate, output=tmp_path / f"{threads}.st", threads=threads, **SMALL, **extra
        )
    assert (tmp_path / "1.st").read_bytes() == (tmp_path / "2.st").read_bytes()


def test_a_training_on_a_graph_is_resumed_without_it(karate: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.st"
    some = {**SMALL, "threads": 1, "epochs": 3}

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.EpochEnd) and event.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(graph=karate, output=output, listener=interrupt, **some)
    with pytest.raises(errors.OutputExistsError):
        hsw2v.train(graph=karate, output=output, **some)
    whole = hsw2v.train(graph=karate, **some)
    karate.unlink()
    model = hsw2v.resume(f"{output}.checkpoint")
    assert model.vectors.tobytes() == whole.vectors.tobytes()
    assert model.config == whole.config


def test_a_training_on_another_graph_is_another_training(karate: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.st"
    some = {**SMALL, "threads": 1, "epochs": 3, "output": output, "resumed": True}

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.EpochEnd) and event.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(graph=karate, listener=interrupt, **some)
    with pytest.raises(errors.UsageError, match=r"asked for otherwise \(p was 1\.0, is 2\.0\)"):
        hsw2v.train(graph=karate, **{**some, "p": 2.0})
    heard: list[events.Event] = []
    hsw2v.train(graph=karate, listener=heard.append, **some)
    assert any(isinstance(one, events.Resumed) for one in heard)


def test_the_command_line_trains_plans_and_walks(karate: Path, tmp_path: Path) -> None:
    options = ["--walks-per-node", 20, "--walk-length", 12, "--seed", 2, "--threads", 1]
    done = run("train", "--graph", karate, *options, "--dim", 8, cwd=tmp_path)
    line = "graph: 34 nodes, 78 edges, undirected, read as edges, two nodes a line (--graph-format)"
    assert line in done.stderr
    assert "corpus: 8,160 tokens in 680 sentences, 34 of 34 types" in done.stderr
    model = hsw2v.load(tmp_path / "karate.safetensors")
    assert model.info["origin"] == str(karate)
    run("walks", karate, *options, "-o", "walks.txt.gz", "--quiet", cwd=tmp_path)
    run("train", "walks.txt.gz", "--config", CONFIGS / "graph-walks.toml", "--dim", 8, "--seed", 2,
        "--threads", 1, cwd=tmp_path)  # fmt: skip
    same = hsw2v.load(tmp_path / "walks.safetensors")
    assert model.vectors.tobytes() == same.vectors.tobytes()
    printed = run("walks", karate, *options, "--p", 0.5)
    assert [len(line.split()) for line in printed.stdout.splitlines()] == [12] * 680
    planned = run("plan", "--graph", karate, *options, "--json", "--force", cwd=tmp_path)
    assert json.loads(planned.stdout)["tokens"] == 8_160
    dry = run("train", "--graph", karate, *options, "--dry-run", "--force", cwd=tmp_path)
    assert "8,160 in 680 sentences" in dry.stdout


def test_mistakes_on_the_command_line_are_one_sentence(karate: Path, tmp_path: Path) -> None:
    def said(*arguments: object, code: int = 2) -> str:
        return complaint(*arguments, "--quiet", code=code, cwd=tmp_path)

    assert said("train").startswith("there is nothing to train on; give either CORPUS or --graph")
    assert "a corpus and a graph" in said("train", karate, "--graph", karate)
    assert "nothing to train on" in said("plan")
    assert said("train", "--graph", karate, "--p", 0) == (
        "p is 0.0; it must be at least 1e-06 and at most 1e+06"
    )
    assert "q is -1.0" in said("walks", karate, "--q", -1)
    assert "no such file" in said("train", "--graph", "none.txt", code=3)
    assert "no such file" in said("walks", "none.txt", code=3)
    assert "is an input" in said("walks", karate, "-o", karate, "--force")
    assert "exists already" in said("walks", karate, "-o", _touched(tmp_path / "w.txt"), code=7)
    assert "has 2 columns, not 3" in said(
        "train", "--graph", karate, "--graph-format", "weighted", code=4
    )
    assert list(tmp_path.glob("*.safetensors*")) == []


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_python_says_the_same_of_neither_and_both(karate: Path) -> None:
    with pytest.raises(errors.UsageError, match="neither a corpus nor a graph"):
        hsw2v.train()
    with pytest.raises(errors.UsageError, match="a corpus and a graph"):
        hsw2v.plan(karate, graph=karate)


def test_walks_that_do_not_fit_on_the_disk_are_an_error(
    karate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.OutputError, match="the ids of the corpus"):
        hsw2v.train(graph=karate, cache_dir="/proc/none", **SMALL)
    graph = hsw2v.Graph.from_edges(np.array([[1, 2]]))
    with pytest.raises(errors.UsageError, match="walk_lenght"):
        graph.walks(walk_lenght=3)


def test_a_min_count_of_0_is_1() -> None:
    assert Config().replace(min_count=0) == Config().replace(min_count=1) != Config()
