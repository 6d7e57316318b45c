"""Training on a Ray cluster: the same file as from this machine, whoever dies meanwhile."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from some_records import jsonl, parquet, write
from test_training import neighbours_in_group, planted

import hsw2v
from hsw2v import errors, events
from hsw2v.training import cluster as cluster_module
from hsw2v.training import cluster_texts
from hsw2v.training import texts as texts_module
from hsw2v.training.cluster import Cluster
from hsw2v.training.cluster_rounds import RemoteRounds
from hsw2v.training.output import folder_of

ray = pytest.importorskip("ray", reason="Ray is not installed")

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 1e-2, "epochs": 3, "window": 3}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Start Ray once: trainings leave one alone that is there already."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address="local",
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cluster") / "corpus.txt"
    path.write_text("\n".join(map(" ".join, planted(6_000))))
    return path


CASES: dict[str, dict[str, Any]] = {
    "skip-gram, a tree that is built": {"workers": 2},
    "CBOW, ns, adam": {"workers": 3, "model": "cbow", "loss": "ns", "optimizer": "adam"},
    "two trees, then hs+ns": {"workers": 2, "num_trees": 2, "loss": "hs+ns", "pretrain": "hs:1"},
    "one worker": {"workers": 1},
    "tables in files": {"workers": 2, "tables": f"mapped:{tempfile.gettempdir()}"},
    "some rows every round": {"workers": 3, "combine_rows": 20, "combine_all_every": 3},
}


@pytest.mark.parametrize("name", CASES)
def test_the_model_is_that_of_this_machine(name: str, corpus: Path, tmp_path: Path) -> None:
    settings = SMALL | CASES[name]
    files = []
    for engine in ("local", "ray"):
        path = tmp_path / f"{engine}.safetensors"
        hsw2v.train(corpus, heldout=heldout(settings), output=path, engine=engine, **settings)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_words_and_vectors_that_a_user_gives_come_to_the_workers(
    corpus: Path, tmp_path: Path
) -> None:
    names = sorted({word for line in corpus.read_text().splitlines() for word in line.split()})
    (tmp_path / "drop.txt").write_text(f"{names[0]}\n")
    start = hsw2v.train(corpus, **SMALL, threads=1, deterministic=True)
    start.export(tmp_path / "start.vec", top=20)
    settings = SMALL | {"workers": 2, "drop_words": tmp_path / "drop.txt", "oov_counts": True}
    files = []
    for engine in ("local", "ray"):
        path = tmp_path / f"{engine}.safetensors"
        model = hsw2v.train(
            corpus, init=tmp_path / "start.vec", output=path, engine=engine, **settings
        )
        assert names[0] not in model
        assert model.info["init"]["words"] == 20 - (names[0] in start.words[:20])
        files.append(path.read_bytes())
    assert files[0] == files[1]


def texts(folder: Path) -> list[Path]:
    """Write a corpus of several files, one of them compressed, without an end of its last line."""
    lines = list(map(" ".join, planted(6_000)))
    folder.mkdir()
    for name, some in (("a.txt", lines[:1000]), ("c.txt", lines[3000:])):
        (folder / name).write_text("\n".join(some))
    (folder / "b.txt.gz").write_bytes(gzip.compress("\n".join(lines[1000:3000]).encode()))
    return sorted(folder.iterdir())


def rarest(number: int) -> list[str]:
    """The words that a bounded table of types loses first."""
    counts = Counter(word for sentence in planted(6_000) for word in sentence)
    return [word for word, _ in counts.most_common()[-number:]]


@pytest.mark.parametrize(("max_types", "kept"), [(0, 0), (20, 0), (20, 15)])
def test_workers_read_files_by_themselves(
    max_types: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, settings = texts(tmp_path / "corpus"), SMALL | {"workers": 3, "max_types": max_types}
    if kept:
        settings["keep_words"] = rarest(kept)
    files, read = [], []
    read_on = texts_module.read_on

    def reading(*given: Any) -> Any:
        read.append(read_on(*given))
        return read[-1]

    monkeypatch.setattr(texts_module, "read_on", reading)
    for engine in ("local", "ray"):
        path = tmp_path / f"{engine}.safetensors"
        model = hsw2v.train(names, output=path, engine=engine, **settings)
        assert not kept or len(model.known(rarest(kept))) == kept
        files.append(path.read_bytes())
    assert files[0] == files[1]
    (corpus,) = read
    assert corpus.stored is None
    assert len(corpus.ids) == 0
    sources = [part.source for one in corpus.apart for part in one.parts]
    assert all(one.parts for one in corpus.apart)
    assert sorted(set(sources)) == [str(name) for name in names]
    assert (corpus.dropped_types > 0) == (max_types > 0)


def test_folders_are_those_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers run in another folder; and a compressed file is known by the name it was given."""
    names = texts(tmp_path / "corpus")
    for name in ("cache", "tables"):
        (tmp_path / name).mkdir()
    (tmp_path / "blob").write_bytes(names[1].read_bytes())
    (tmp_path / "link.gz").symlink_to(tmp_path / "blob")
    monkeypatch.chdir(tmp_path)
    settings = SMALL | {"workers": 2, "epochs": 1, "cache_dir": "cache"}
    expected = hsw2v.train("link.gz", engine="local", **settings)
    found = hsw2v.train("link.gz", engine="ray", tables="mapped:tables", **settings)
    assert found.vectors.tobytes() == expected.vectors.tobytes()


def test_files_that_machines_do_not_have_are_read_here(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL | {"workers": 2}
    expected = hsw2v.train(corpus, engine="local", **settings)
    heard: list[events.Event] = []
    monkeypatch.setattr(cluster_texts, "stored_size", lambda name: 1)
    found = hsw2v.train(corpus, engine="ray", listener=heard.append, **settings)
    said = [event.message for event in heard if isinstance(event, events.Notice)]
    assert any("do not have" in one and "read here" in one for one in said)
    assert found.vectors.tobytes() == expected.vectors.tobytes()


@pytest.mark.parametrize("moments", [(1,), (2, 4), (5, 6)])
def test_workers_may_die_while_they_read(
    moments: tuple[int, ...], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When files are looked for, when they are read, and when texts are handed on."""
    settings = SMALL | {"workers": 2, "epochs": 1, "max_types": 20, "keep_words": rarest(15)}
    expected = hsw2v.train(corpus, engine="local", **settings)
    killing = Killing(monkeypatch, *moments)
    heard: list[events.Event] = []
    found = hsw2v.train(corpus, engine="ray", listener=heard.append, **settings)
    assert killing.killed == len(moments)
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    said = [event.message for event in heard if isinstance(event, events.Notice)]
    assert any("a worker was lost" in one for one in said)


def test_workers_read_records(corpus: Path, tmp_path: Path) -> None:
    settings = SMALL | {"workers": 3, "epochs": 1}
    lines = corpus.read_text().splitlines()
    write(tmp_path / "a.parquet", parquet(lines[:2000], 150))
    write(tmp_path / "b.jsonl", jsonl(lines[2000:5000]) + b"{}\n" + jsonl(lines[5000:]))
    expected = hsw2v.train(corpus, engine="local", **settings)
    heard: list[events.Event] = []
    found = hsw2v.train(
        tmp_path,
        engine="ray",
        field="text",
        skip_bad_records=True,
        listener=heard.append,
        **settings,
    )
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    assert found.info["corpus"]["skipped_records"] == 1
    assert events.Notice("1 bad record was left out") in heard
    with pytest.raises(
        errors.CorruptInputError, match=r"b\.jsonl, byte .*there is no field 'text'"
    ):
        hsw2v.train(tmp_path, engine="ray", field="text", **settings)
    with pytest.raises(errors.CorruptInputError, match="is a Parquet file, not text"):
        hsw2v.train(tmp_path, engine="ray", **settings)


def test_what_is_wrong_with_a_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"a b\n" * 100 + b"\xff\n" + b"c\n" * 100)
    with pytest.raises(errors.EncodingError, match=r"corpus\.txt, byte 400: is not valid UTF-8"):
        hsw2v.train(path, engine="ray", workers=2, **SMALL)
    path.write_bytes(b"\n" * 10)
    with pytest.raises(errors.EmptyCorpusError, match=r"corpus\.txt: there are no tokens"):
        hsw2v.train(path, engine="ray", workers=2, **SMALL)


def heldout(settings: dict[str, Any]) -> list[list[str]] | None:
    return None if settings.get("loss") == "ns" else planted(100)


class Killing:
    """Kills a worker while a round is under way, when so many things were waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *moments: int, every: bool = False) -> None:
        self.waits, self.killed = 0, 0
        wait = Cluster.wait

        def waiting(cluster: Cluster, asked: Any, tick: Any) -> Any:
            self.waits += 1
            if self.waits in moments and cluster.workers:
                victims = cluster.workers if every else cluster.workers[-1:]
                for worker in victims:
                    ray.kill(worker, no_restart=False)
                    self.killed += 1
            return wait(cluster, asked, tick)

        monkeypatch.setattr(Cluster, "wait", waiting)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("combine_rows", [None, 20])
def test_workers_that_die_do_not_change_a_bit(
    every: bool, combine_rows: int | None, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL | {"workers": 2, "combine_rows": combine_rows, "combine_all_every": 2}
    expected = hsw2v.train(corpus, engine="local", **settings)
    killing = Killing(monkeypatch, 12, 17, 22, every=every)
    found = hsw2v.train(corpus, engine="ray", **settings)
    assert killing.killed == (6 if every else 3)
    assert found.vectors.tobytes() == expected.vectors.tobytes()
    assert found.output is not None
    assert expected.output is not None
    assert found.output.tobytes() == expected.output.tobytes()


def test_a_worker_that_is_back_is_known_to_be_a_new_one(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies between two runs, and is there again, without tables, before anybody looks."""
    settings = SMALL | {"workers": 2}
    expected = hsw2v.train(corpus, engine="local", **settings)
    run, deaths = RemoteRounds.run, []

    def dying(rounds: Any, some: Any, losses: Any, first: int, last: int, tick: Any) -> int:
        at = run(rounds, some, losses, first, last, tick)
        victim = rounds._cluster.workers[len(deaths) % 2]
        ray.kill(victim, no_restart=False)
        time.sleep(0.5)
        assert not rounds._cluster.answer(victim, "has_text")
        deaths.append(at)
        return at

    with monkeypatch.context() as patched:
        patched.setattr(RemoteRounds, "run", dying)
        found = hsw2v.train(corpus, engine="ray", **settings)
    assert len(deaths) >= 3
    assert found.vectors.tobytes() == expected.vectors.tobytes()


def test_workers_that_die_in_every_round_are_given_up(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "MOST_DEATHS", 2)
    Killing(monkeypatch, *range(6, 1_000))
    with pytest.raises(errors.ResourceError, match="die again and again"):
        hsw2v.train(corpus, engine="ray", workers=2, **SMALL)


@pytest.mark.parametrize("engine", [None, "local"])
def test_what_is_interrupted_goes_on_to_the_same_bits(
    engine: str | None, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL | {"workers": 2, "max_types": 20, "keep_words": rarest(15)}
    expected = hsw2v.train(corpus, engine="local", **settings)
    output = tmp_path / "m.safetensors"
    run = RemoteRounds.run

    def interrupted(rounds: Any, some: Any, losses: Any, first: int, last: int, tick: Any) -> int:
        def pausing() -> None:
            rounds._runner.pause()
            tick()

        at = run(rounds, some, losses, first, last, pausing)
        if some.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return at

    with monkeypatch.context() as patched:
        patched.setattr(RemoteRounds, "run", interrupted)
        with pytest.raises(KeyboardInterrupt, match="hsw2v resume"):
            hsw2v.train(corpus, engine="ray", output=output, **settings)
    with pytest.raises(errors.UsageError, match="engine threads would come to another model"):
        hsw2v.resume(folder_of(output), engine="threads")
    # The workers have the text, and read it again, or it is read here.
    assert not (folder_of(output) / "corpus.ids").exists()
    text = corpus.read_text()
    # The same words in another order are another text.
    first, second, rest = text.split("\n", 2)
    assert first.split() != second.split()
    corpus.write_text("\n".join([second, first, rest]))
    try:
        with pytest.raises(errors.CorruptInputError, match="has changed since the training began"):
            hsw2v.resume(folder_of(output), engine=engine)
        corpus.write_text(text[: len(text) // 3])
        with pytest.raises(errors.CorruptInputError, match="has changed since the training began"):
            hsw2v.resume(folder_of(output), engine=engine)
    finally:
        corpus.write_text(text)
    found = hsw2v.resume(folder_of(output), engine=engine)
    assert found.vectors.tobytes() == expected.vectors.tobytes()


def test_workers_may_have_several_threads(corpus: Path) -> None:
    settings = SMALL | {"epochs": 12, "lr": 0.05, "sample": 0.0, "engine": "ray", "workers": 2}
    trained = hsw2v.train(corpus, worker_threads=2, **settings)
    assert neighbours_in_group(trained) > 0.9
    assert not trained.config["training"]["deterministic"]
    assert trained.config["training"]["worker_threads"] == 2


def test_no_worker_is_left(corpus: Path) -> None:
    hsw2v.train(corpus, engine="ray", workers=2, **SMALL)
    deadline = time.monotonic() + 20
    while ray.available_resources().get("CPU") != 4 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ray.available_resources().get("CPU") == 4


def test_more_workers_than_processors_are_refused_before_any_work() -> None:
    with pytest.raises(errors.ResourceError, match="4 processors, and 9 workers"):
        hsw2v.train("not there", engine="ray", workers=9)


def test_a_training_that_diverges_says_so(corpus: Path) -> None:
    with pytest.raises(errors.DivergedError, match="halvings"):
        hsw2v.train(corpus, engine="ray", workers=2, **SMALL | {"lr": 10.0, "loss": "ns"})


def test_no_cluster_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    for settings in ({"ray_address": "127.0.0.1:1"}, {}):
        monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:1")
        with pytest.raises(errors.UsageError, match=r"no Ray cluster at .*127\.0\.0\.1:1"):
            hsw2v.train("not there", engine="ray", **settings)


def test_settings_that_have_no_meaning_there_are_told(corpus: Path) -> None:
    heard: list[events.Event] = []
    hsw2v.train(corpus, listener=heard.append, **SMALL, ray_address="here:1", worker_threads=2)
    said = " ".join(map(str, heard))
    assert "worker_threads and ray_address have no effect (engine threads)" in said
    with pytest.raises(errors.UsageError, match="workers of one thread"):
        hsw2v.train(corpus, engine="ray", worker_threads=2, deterministic=True)


def test_signals_stay_with_those_who_have_them(corpus: Path) -> None:
    """Ray takes SIGTERM for itself when it starts: a training is to end by it with a checkpoint."""
    code = f"""
import signal, sys, hsw2v
signal.signal(signal.SIGTERM, lambda *_: None)
before = signal.getsignal(signal.SIGTERM)
# Ray keeps the command line, which may have credentials, or no characters.
sys.argv += ["s3://KEY:SECRET@bucket/a.txt", "n\\udcff.txt"]
hsw2v.train({str(corpus)!r}, engine="ray", workers=1, epochs=1, min_count=1)
assert len(sys.argv) == 3
assert signal.getsignal(signal.SIGTERM) is before
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_without_ray_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(errors.UsageError, match=r"pip install 'hsw2v\[ray\]'"):
        hsw2v.train("not there", engine="ray")
