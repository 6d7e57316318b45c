"""`progress=True`: what the library shows of its work, and where."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import write_corpus, write_model
from some_models import some_model

import hsw2v
from hsw2v import display, progress
from hsw2v.display import Bar, Lines, NotebookBar, display_here
from hsw2v.events import Event, Listener, ScoringProgress, VocabularyReady, ignore
from hsw2v.progress import with_progress

QUICK = {"dim": 4, "epochs": 1, "min_count": 1, "threads": 1}


class Recorder(display.Display):
    """Keeps what it is to show."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lines: list[str] = []
        self.closed = 0

    def show(self, event: Event) -> None:
        self.events.append(event)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What is shown."""
    recorder = Recorder()
    monkeypatch.setattr(progress, "display_here", lambda: recorder)
    return recorder


def test_the_library_is_quiet_unless_it_is_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hsw2v.train(write_corpus(tmp_path / "a.txt"), **QUICK)
    assert capfd.readouterr() == ("", "")


def test_a_training_is_shown_as_lines_where_there_is_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hsw2v.train(write_corpus(tmp_path / "a.txt"), progress=True, **QUICK)
    out, err = capfd.readouterr()
    assert not out
    assert "corpus: 3,000 tokens" in err
    assert "epoch 1/1 done" in err


def test_a_listener_hears_the_same_events(tmp_path: Path, shown: Recorder) -> None:
    heard: list[Event] = []
    hsw2v.train(write_corpus(tmp_path / "a.txt"), progress=True, listener=heard.append, **QUICK)
    assert any(isinstance(one, VocabularyReady) for one in heard)
    assert any(line.startswith("corpus: ") for line in shown.lines)
    assert shown.closed


def test_an_error_closes_the_display(shown: Recorder) -> None:
    with pytest.raises(hsw2v.MissingInputError):
        hsw2v.train("no such file", progress=True)
    assert shown.closed


def test_every_long_call_has_it(tmp_path: Path, shown: Recorder) -> None:
    corpus = write_corpus(tmp_path / "a.txt")
    hsw2v.find_phrases(corpus, progress=True)
    hsw2v.plan(corpus, progress=True, **QUICK)
    edges = tmp_path / "edges.txt"
    edges.write_text("a b\nb c\n")
    graph = hsw2v.Graph.read(edges, progress=True)
    assert [line.split(":")[0] for line in shown.lines if line.startswith("graph")] == ["graph"]
    walks = list(graph.walks(progress=True, walks_per_node=3, walk_length=4))
    assert walks == list(graph.walks(walks_per_node=3, walk_length=4))
    model = hsw2v.train(corpus, output=tmp_path / "m.safetensors", **QUICK)
    hsw2v.diagnose(model, corpus, windows=10, progress=True)
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{word} {word[0]}\n" for word in model.words))
    model.evaluate_labels(labels, repeats=2, progress=True)
    list(graph.walks(walks_per_node=1, walk_length=2).lines(progress=True))
    list(model.neighbours(1, progress=True))
    model.write_neighbours(tmp_path / "n.tsv", 1, progress=True)
    model.sentence_vectors(["a b"], progress=True)
    model.write_sentence_vectors(corpus, tmp_path / "s.npy", progress=True)
    model.align(model, progress=True)


def test_whatever_takes_a_listener_has_it() -> None:
    without = []
    for name in sorted(set(hsw2v.__all__) - {"__version__"}):
        one = getattr(hsw2v, name)
        members = {name: one}
        if isinstance(one, type):
            members = {
                f"{name}.{key}": getattr(one, key) for key in dir(one) if not key.startswith("_")
            }
        for where, member in members.items():
            if inspect.isfunction(member) or inspect.ismethod(member):
                taken = inspect.signature(member).parameters
                if "listener" in taken and "progress" not in taken:
                    without.append(where)
    # What training calls.
    assert without == ["Walks.encode"]


def test_scores_are_shown_until_the_last_is_taken(tmp_path: Path, shown: Recorder) -> None:
    model = some_model("hs", ["a", "b", "c"])
    scores = model.score([["a", "b"], ["b", "c"]], progress=True)
    assert not any(isinstance(one, ScoringProgress) for one in shown.events)
    assert len(list(scores)) == 2
    assert any(isinstance(one, ScoringProgress) for one in shown.events)


def test_an_iterator_that_is_left_closes_the_display(shown: Recorder) -> None:
    @with_progress
    def numbers(*, listener: Listener = ignore, progress: bool = False) -> Iterator[int]:
        yield from range(3)

    found = numbers(progress=True)
    assert next(found) == 0
    before = shown.closed
    found.close()  # type: ignore[attr-defined]
    assert shown.closed == before + 1


def test_questions_are_asked_without_tqdm(tmp_path: Path) -> None:
    assert isinstance(display_here(), Lines)
    assert "queen" in dict(hsw2v.load(write_model(tmp_path / "m.safetensors")).similar("king"))


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert type(display_here()) is Bar


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be within a notebook, as tqdm sees it where it is imported."""
    pytest.importorskip("ipywidgets")
    deciding = ("tqdm.auto", "tqdm.autonotebook")
    before = {name: sys.modules.pop(name) for name in deciding if name in sys.modules}
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("zmqshell"))
    yield
    for name in deciding:
        sys.modules.pop(name, None)
    sys.modules.update(before)


def test_a_notebook_gets_a_widget(notebook: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = display_here()
    assert isinstance(found, NotebookBar)
    found.show(ScoringProgress(30, 60, 1.0))
    _, bar, text = found._bar.container.children
    assert (bar.value, bar.max) == (30, 60)
    assert "scoring:" in text.value
    found.close()


def test_ipython_without_a_notebook_gets_none() -> None:
    pytest.importorskip("IPython")
    assert isinstance(display_here(), Lines)
