"""Corpora of records wherever a text may be given, from the command line and from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from commandline import complaint, run
from some_records import FORMATS, jsonl, parquet, parquet_of, plain, write
from test_checkpoints import Interrupting
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.events import EpochEnd, Event, Notice
from hsw2v.training import plan

TEXTS = [" ".join(one) for one in planted(3_000)]
HELDOUT = [" ".join(one) for one in planted(60, seed=9)]
SMALL: dict[str, Any] = {"dim": 8, "min_count": 1, "epochs": 2, "window": 3, "threads": 1}
OPTIONS = [word for name, one in SMALL.items() for word in (f"--{name.replace('_', '-')}", one)]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("text") / "corpus.txt", plain(TEXTS))


@pytest.fixture(scope="module")
def expected(text: Path) -> hsw2v.Model:
    return hsw2v.train(text, **SMALL)


def same(one: hsw2v.Model, other: hsw2v.Model) -> bool:
    return one.words == other.words and one.vectors.tobytes() == other.vectors.tobytes()


def test_the_command_line_trains_on_records(expected: hsw2v.Model, tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", parquet(TEXTS[:900], 100))
    write(tmp_path / "b.jsonl.zst", jsonl(TEXTS[900:]))
    held = write(tmp_path / "held.csv", FORMATS["csv"](HELDOUT))
    run(
        *("train", "*.parquet", "b.jsonl.zst", "--field", "text", "-o", "m.safetensors"),
        *("--heldout", held, *OPTIONS),
        cwd=tmp_path,
    )
    model = hsw2v.load(tmp_path / "m.safetensors")
    assert same(model, expected)
    assert model.config["corpus"]["field"] == "text"


def test_standard_input_has_records(text: Path, tmp_path: Path) -> None:
    plain_words = run("vocab", text).stdout
    assert len(plain_words.splitlines()) > 5
    for format, content in FORMATS.items():
        words = run("vocab", "-", "--field", "text", "--format", format, stdin=content(TEXTS))
        assert words.stdout == plain_words
    message = complaint("vocab", "-", "--field", "text", stdin=jsonl(TEXTS), code=2)
    assert message.startswith("standard input: is not named as records, which --field is for")


def test_a_plan_is_that_of_the_text(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SECONDS", 0.02)
    expected = hsw2v.plan(text, **SMALL)
    for format, content in FORMATS.items():
        whole = parquet(TEXTS * 40, 500) if format == "parquet" else content(TEXTS * 40)
        path = write(tmp_path / f"a.{format}", whole)
        found = hsw2v.plan([path], field="text", **SMALL)
        assert (found.tokens, found.words) == (40 * expected.tokens, expected.words)
        sample = hsw2v.plan([path], field="text", sample_mb=path.stat().st_size / 3e6, **SMALL)
        assert sample.sampled
        assert sample.tokens == pytest.approx(found.tokens, rel=0.4)
        assert sample.tokens != found.tokens
    bad = write(tmp_path / "bad.jsonl", jsonl(TEXTS) + b'{"text": "\xff"}\n')
    found = hsw2v.plan(bad, field="text", **SMALL)
    assert found.replaced_bytes == 1
    assert f"{bad}, line {len(TEXTS) + 1}: the text is not valid UTF-8" in found.problems[0]


def test_a_heldout_text_is_in_records_too(text: Path, tmp_path: Path) -> None:
    def losses(source: Path, heldout: Path, **given: Any) -> list[float | None]:
        heard: list[Event] = []
        hsw2v.train(source, heldout=heldout, listener=heard.append, **SMALL, **given)
        return [one.heldout_loss for one in heard if isinstance(one, EpochEnd)]

    held = write(tmp_path / "held.txt", plain(HELDOUT))
    source = write(tmp_path / "a.jsonl", jsonl(TEXTS))
    records = write(tmp_path / "held.parquet", parquet(HELDOUT))
    assert losses(text, held) == losses(source, records, field="text")
    heard: list[Event] = []
    with pytest.raises(errors.UsageError, match=r"held\.txt: is not named as records"):
        hsw2v.train(source, field="text", heldout=held, listener=heard.append, **SMALL)
    assert not [one for one in heard if not isinstance(one, Notice)]


def test_texts_that_a_model_is_asked_about_have_their_own_form(text: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", jsonl(TEXTS))
    model = tmp_path / "m.safetensors"
    opened = hsw2v.train(source, field="text", output=model, **SMALL)
    held = write(tmp_path / "held.txt", plain(HELDOUT))
    scores = run("score", model, held).stdout
    assert len(scores.splitlines()) == len(HELDOUT) + 1
    diagnosis = run("diagnose", model, text, "--windows", 500, "--json").stdout
    for format, content in FORMATS.items():
        path = write(tmp_path / f"held.{format}", content(HELDOUT))
        assert run("score", model, path, "--field", "text").stdout == scores
        # Without an extension, and from Python.
        bare = write(tmp_path / "bare", content(HELDOUT))
        found = opened.score(bare, field="text", format=format)
        assert [one.log_prob for one in found] == [one.log_prob for one in opened.score(held)]
        path = write(tmp_path / f"all.{format}", content(TEXTS))
        asked = ("diagnose", model, path, "--field", "text", "--windows", 500, "--json")
        assert run(*asked).stdout == diagnosis
    with pytest.raises(errors.UsageError, match="format is 'xml'"):
        hsw2v.diagnose(opened, held, field="text", format="xml")


def test_a_model_is_continued_with_a_text_of_another_form(text: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", jsonl(TEXTS))
    earlier = hsw2v.train(source, field="text", **SMALL)
    found = hsw2v.train(text, from_model=earlier, epochs=1, threads=1)
    again = hsw2v.train(source, from_model=earlier, epochs=1, threads=1, field="text")
    assert same(found, again)


def test_settings_are_compared_on_records(text: Path, tmp_path: Path) -> None:
    for name, content in (("held.txt", plain(HELDOUT)), ("held.jsonl", jsonl(HELDOUT))):
        write(tmp_path / name, content)
    toml = (
        "[experiment]\nheldout = '{}'\n[corpus]\n{}"
        "[training]\ndim = 8\nepochs = 1\nthreads = 1\n[[setting]]\nname = 'a'\n"
    )
    (tmp_path / "plain.toml").write_text(toml.format("held.txt", ""))
    (tmp_path / "records.toml").write_text(toml.format("held.jsonl", "field = 'text'\n"))
    path = write(tmp_path / "a.jsonl.gz", jsonl(TEXTS))
    losses = []
    for experiment, source in (("plain.toml", text), ("records.toml", path)):
        run("compare", experiment, source, cwd=tmp_path)
        results = (tmp_path / experiment.removesuffix(".toml") / "results.json").read_text()
        losses.append([one["heldout_loss"] for one in json.loads(results)["runs"]])
    assert losses[0] == losses[1] != [None]


def test_bad_records_are_counted_in_the_model(expected: hsw2v.Model, tmp_path: Path) -> None:
    lines = jsonl(TEXTS).splitlines(keepends=True)
    for number in (2_000, 1_000, 10):
        lines.insert(number, orjson.dumps({"text": None}) + b"\n")
    path = write(tmp_path / "a.jsonl", b"".join(lines))
    found = run(
        *("train", path, "--field", "text", "--skip-bad-records", "-o", "m.safetensors"),
        *OPTIONS,
        cwd=tmp_path,
    )
    assert "note: 3 bad records were left out\n" in found.stderr
    model = hsw2v.load(tmp_path / "m.safetensors")
    assert same(model, expected)
    assert model.info["corpus"]["skipped_records"] == 3
    message = complaint(
        "train", path, "--field", "text", "-o", "n.safetensors", cwd=tmp_path, code=4
    )
    assert message.startswith(f"{path}, line 11: the text is null, not a string; ")
    assert not (tmp_path / "n.safetensors").exists()


def test_what_looks_like_records_is_told_at_the_command_line(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", jsonl(TEXTS))
    found = run("train", "a.jsonl", *OPTIONS, cwd=tmp_path)
    note = "note: a.jsonl looks like JSON lines; --field NAME trains on one field"
    assert f"{note} (fields: id, text, more)\n" in found.stderr
    found = run("vocab", "-", stdin=jsonl(TEXTS), cwd=tmp_path)
    assert "note: standard input looks like JSON lines; --format jsonl --field" in found.stderr
    write(tmp_path / "a.parquet", parquet(TEXTS))
    message = complaint("train", "a.parquet", "-o", "b.safetensors", cwd=tmp_path, code=4)
    assert "is a Parquet file, not text; name a plain text, or its column of texts" in message
    assert message.endswith(" with --format parquet --field COLUMN")


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_an_interrupted_training_goes_on(
    format: str, expected: hsw2v.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / f"a.{format}", FORMATS[format](TEXTS))
    path = tmp_path / "m.safetensors"
    with monkeypatch.context() as patched:
        Interrupting(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(source, field="text", output=path, **SMALL)
    source.unlink()
    assert same(hsw2v.resume(f"{path}.checkpoint"), expected)


def test_a_local_engine_drops_types_by_worker(text: Path, tmp_path: Path) -> None:
    settings = SMALL | {"engine": "local", "workers": 2, "max_types": 30, "threads": None}
    source = write(tmp_path / "a.parquet", parquet_of(pa.table({"text": TEXTS}), 50))
    lines = write(
        tmp_path / "a.jsonl", b"".join(orjson.dumps({"text": one}) + b"\n" for one in TEXTS)
    )
    found = [hsw2v.train(one, field="text", **settings) for one in (source, lines)]
    assert all(len(one) > 5 for one in found)
