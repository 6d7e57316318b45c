"""Loading a file of vectors: what takes seconds shows how far it is, and is quiet when told."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commandline import run
from test_fasttext import FILES, written

import hsw2v
from hsw2v.display import Bar, describe
from hsw2v.errors import CorruptInputError
from hsw2v.events import Event, LoadingProgress, Pace
from hsw2v.model import report

FASTTEXT = FILES / "themes-hs.bin"
SIZE = FASTTEXT.stat().st_size


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything seem to take long, and come in small pieces."""
    monkeypatch.setattr(report, "_SECONDS_UNTIL", 0.0)
    monkeypatch.setattr(report, "BYTES_AT_ONCE", 1000)
    monkeypatch.setattr(Pace, "SECONDS", 0.0)
    monkeypatch.setattr("hsw2v.display.SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("hsw2v.model.fasttext.WORDS_AT_ONCE", 16)
    # Of which the format is told; an array is then read from its beginning again.
    monkeypatch.setattr("hsw2v.model.loading._SAMPLE", 100)


def stages(events: list[Event]) -> Iterator[tuple[str, list[int], int | None]]:
    """Yield each stage that was told of, how far it was, and its total at the end."""
    for stage in dict.fromkeys(one.stage for one in events if isinstance(one, LoadingProgress)):
        some = [one for one in events if isinstance(one, LoadingProgress) and one.stage == stage]
        yield stage, [one.done for one in some], some[-1].total


@pytest.mark.usefixtures("slow")
def test_a_file_of_fasttext_tells_of_bytes_and_then_of_words() -> None:
    heard: list[Event] = []
    model = hsw2v.load(FASTTEXT, listener=heard.append)
    (_, read, size), (_, composed, words) = stages(heard)
    assert read == [*range(1000, SIZE, 1000), SIZE]
    assert size == SIZE
    assert composed == [16, 32, len(model)]
    assert words == len(model)
    heard.clear()
    assert model.output is not None
    (again,) = stages(heard)
    assert again == ("reading", read, SIZE)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.npy", "v.txt.gz"])
def test_every_format_tells_of_bytes_as_they_are_stored(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / name
    source = hsw2v.Model(hsw2v.Vocabulary.from_words(["a", "b"], [2, 1]), rng.normal(size=(2, 999)))
    source.export(path)
    heard: list[Event] = []
    hsw2v.load(path, listener=heard.append)
    ((_, done, total),) = stages(heard)
    assert done[-1] == total == path.stat().st_size
    assert len(done) > 3
    assert done == sorted(done)


@pytest.mark.usefixtures("slow")
def test_the_end_is_told_also_of_a_file_that_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.bin.gz").write_bytes(gzip.compress(FASTTEXT.read_bytes()[:4000]))
    heard: list[Event] = []
    with pytest.raises(CorruptInputError, match="ends too early"):
        hsw2v.load(tmp_path / "f.bin.gz", listener=heard.append)
    last = heard[-1]
    assert isinstance(last, LoadingProgress)
    assert last.done == last.total


def test_what_is_loaded_soon_tells_nothing() -> None:
    heard: list[Event] = []
    assert hsw2v.load(FASTTEXT, listener=heard.append).output is not None
    assert heard == []


@pytest.mark.usefixtures("slow")
def test_python_shows_it_when_told(capsys: pytest.CaptureFixture[str]) -> None:
    hsw2v.load(FASTTEXT)
    assert capsys.readouterr().err == ""
    hsw2v.load(FASTTEXT, progress=True)
    assert "loading: composing, 32 of 40 words" in capsys.readouterr().err


@pytest.mark.usefixtures("slow")
def test_commands_show_it_unless_they_are_to_be_quiet(tmp_path: Path) -> None:
    told = run("predict", FASTTEXT, "--context", "wort").stderr
    assert told.count("loading: composing, 40 of 40 words") == 1
    assert told.count("loading: 0 of 0 MB") > 6  # Read twice.
    assert "loading" in run("verify", FASTTEXT).stderr
    assert run("export", FASTTEXT, tmp_path / "v.txt", "--quiet").stderr == ""
    assert run("neighbours", FASTTEXT, "-o", tmp_path / "n.tsv", "--quiet").stderr == ""
    text = FILES / "themes.txt"
    common = ("train", text, "-o", tmp_path / "m", "--epochs", "1", "--threads", "1", "--force")
    assert run(*common, "--from", FASTTEXT, "--quiet").stderr == ""
    assert "loading" in run(*common, "--from", FASTTEXT).stderr
    shown = run(*common, "--init", FASTTEXT, "--dim", "10", "--min-count", "1").stderr
    assert "loading" in shown


def test_a_bar_has_the_total_of_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.show(LoadingProgress("reading", 5_000_000, 10_000_000, 1.0))
    bar.show(LoadingProgress("composing", 10, 40, 2.0))
    bar.close()
    printed = capsys.readouterr().err
    assert "50%" in printed
    assert "25%" in printed


def test_sizes_that_are_not_known_are_left_out() -> None:
    assert describe(LoadingProgress("reading", 2_000_000, None, 1.0)) == "loading: 2 MB"
    assert describe(LoadingProgress("reading", 2_000_000, 3_000_000, 1.0)) == "loading: 2 of 3 MB"


@pytest.mark.usefixtures("slow")
def test_words_without_ngrams_are_only_read(tmp_path: Path) -> None:
    (tmp_path / "f.bin").write_bytes(written(maxn=0))
    heard: list[Event] = []
    hsw2v.load(tmp_path / "f.bin", listener=heard.append)
    assert [stage for stage, *_ in stages(heard)] == ["reading"]
