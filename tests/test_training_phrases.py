"""Training with phrases is training on the joined text, and the model knows its phrases."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from commandline import complaint, run
from test_checkpoints import Interrupting, same
from test_hostile_files import arrays, write

import hsw2v
from hsw2v import errors, events
from hsw2v.corpus.phrases import Phrases
from hsw2v.diagnosis.diagnose import diagnose
from hsw2v.model.store import open_store

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 2}
PHRASES: dict[str, Any] = {"phrases": 2, "phrase_threshold": 1.0, "phrase_min_count": 3}
CITIES = ["new york city", "san francisco", "los angeles", "paris", "bank of america"]


def sentences(count: int = 600, seed: int = 1) -> list[list[str]]:
    chance = random.Random(seed)
    some = [f"w{number}" for number in range(30)]
    return [
        " ".join(chance.choice([*some, *CITIES]) for _ in range(12)).split() for _ in range(count)
    ]


TEXT, HELDOUT = sentences(), sentences(40, seed=2)


def trained(source: Any = TEXT, **given: Any) -> hsw2v.Model:
    return hsw2v.train(source, **(SMALL | PHRASES | given))


def test_training_with_phrases_is_training_on_the_joined_text() -> None:
    heard: list[list[events.Event]] = [[], []]
    model = trained(heldout=HELDOUT, listener=heard[0].append)
    phrases = model.phrases
    assert phrases is not None
    assert {"new_york_city", "san_francisco", "los_angeles"} < set(model.words)
    joined = [[phrases.join(one) for one in some] for some in (TEXT, HELDOUT)]
    other = hsw2v.train(joined[0], heldout=joined[1], listener=heard[1].append, **SMALL)
    assert same(model, other)
    assert model.words == other.words
    assert other.phrases is None
    losses = [
        [one.heldout_loss for one in some if isinstance(one, events.EpochEnd)] for some in heard
    ]
    assert losses[0] == losses[1] != [None, None]


def test_a_model_keeps_its_phrases_and_joins_what_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    trained(output=path, connector_words="english")
    model = hsw2v.load(path)
    phrases = model.phrases
    assert phrases is not None
    assert "bank_of_america" in model
    text = ["w1", "bank", "of", "america", "w2", "new", "york", "city"]
    (score,) = model.score([text])
    assert score.tokens == ("w1", "bank_of_america", "w2", "new_york_city")
    (as_joined,) = model.score([phrases.join(text)])
    assert score == as_joined
    assert model.predict("w1 bank of america _ new york city", 3) == model.predict(
        ["w1", "bank_of_america", "new_york_city"], 3
    )
    assert diagnose(model, TEXT).to_dict() == diagnose(model, map(phrases.join, TEXT)).to_dict()
    copy = tmp_path / "copy.safetensors"
    model.save(copy)
    assert copy.read_bytes() == path.read_bytes()
    told = dict(line.split("  ", 1) for line in run("verify", path).stdout.splitlines())
    assert told["phrases"].strip() == f"{len(phrases):,}"
    assert open_store(str(path)).dtype("phrases") == "U8"


def test_a_text_of_a_model_without_phrases_is_not_joined() -> None:
    model = trained(phrases=0)
    assert model.phrases is None
    (score,) = model.score([["new", "york", "city"]])
    assert score.tokens == ("new", "york", "city")


@pytest.mark.parametrize(
    "settings",
    [{}, {"deterministic": True, "workers": 2, "threads": 2, "tree": "brown"}],
    ids=["plain", "deterministic"],
)
def test_a_resumed_training_comes_to_the_same_bits(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "connectors.txt"
    words.write_text("of\n")
    settings = settings | {"connector_words": words}
    whole = trained(heldout=HELDOUT, **settings)
    path = tmp_path / "m.safetensors"
    with monkeypatch.context() as patched:
        Interrupting(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            trained(heldout=HELDOUT, output=path, **settings)
    # Phrases are in the checkpoint, as is the joined text.
    words.unlink()
    resumed = hsw2v.resume(f"{path}.checkpoint")
    assert same(resumed, whole)
    assert resumed.phrases == hsw2v.load(path).phrases == whole.phrases


def test_deterministic_training_does_not_depend_on_threads(tmp_path: Path) -> None:
    paths = [tmp_path / f"{threads}.safetensors" for threads in (1, 3)]
    text = tmp_path / "text.txt"
    text.write_text("\n".join(map(" ".join, TEXT)))
    for path, threads in zip(paths, (1, 3), strict=True):
        # With bounded types each worker reads a part, but not where phrases are joined.
        trained(text, output=path, deterministic=True, threads=threads, max_types=1_000)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert "new_york_city" in hsw2v.load(paths[0])


def test_a_training_that_continues_a_model_joins_the_phrases_of_it(tmp_path: Path) -> None:
    first = trained()
    more = sentences(100, seed=3)
    # Of these alone, there are others.
    more += [["zig", "zag"]] * 30
    after = hsw2v.train(more, from_model=first, threads=1)
    assert after.phrases == first.phrases
    assert "zig" in after
    assert "zig_zag" not in after
    assert after.counts is not None
    assert first.counts is not None
    for word in ("new_york_city", "san_francisco"):
        at = [int(model.vocabulary.find([word])[0]) for model in (first, after)]
        assert after.counts[at[1]] > first.counts[at[0]]
    plain = trained(phrases=0)
    found = hsw2v.train(more, from_model=plain, threads=1, **PHRASES)
    assert found.phrases is not None
    assert "zig_zag" in found
    for name, other in {
        "phrases": 0,
        "phrase_threshold": 2.0,
        "connector_words": "english",
    }.items():
        with pytest.raises(errors.UsageError, match=f"{name} is {other}, and the model's is"):
            hsw2v.train(more, from_model=first, threads=1, **{name: other})


def test_a_word_that_is_there_within_phrases_alone_says_so() -> None:
    model = trained()
    assert "york" not in model
    assert model.why_missing("york").startswith("occurs in the text within phrases alone, such as")
    assert model.why_missing("nobody") == "does not occur in the text"


def test_connector_words_of_a_file_are_cased_as_the_text_is(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("OF\n")
    given = {**PHRASES, "connector_words": words, "lowercase": True}
    assert "bank_of_america" in [one for one, *_ in hsw2v.find_phrases(TEXT, **given).table]
    words.write_text("\n")
    with pytest.raises(errors.CorruptInputError, match="holds no words"):
        hsw2v.find_phrases(TEXT, **given)


def test_a_plan_counts_phrases() -> None:
    planned = [hsw2v.plan(TEXT, **(SMALL | PHRASES | {"phrases": n})) for n in (0, 2)]
    model = trained()
    assert planned[1].words == len(model)
    assert planned[1].tokens < planned[0].tokens


@pytest.mark.parametrize("content", [b"[]", b"\xff", b'{"passes":3}'])
def test_phrases_of_a_file_that_are_none_are_refused(content: bytes, tmp_path: Path) -> None:
    import numpy as np

    tensors = arrays() | {"phrases": np.frombuffer(content, np.uint8)}
    path = write(tmp_path / "m.safetensors", tensors)
    model = hsw2v.load(path)
    # Only questions about texts need them.
    model.similar(model.words[0])
    with pytest.raises(errors.ModelFileError, match="phrases are none"):
        list(model.score([["a"]]))
    assert "phrases are none" in complaint("verify", path, code=10)


def write_text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text("\n".join(map(" ".join, TEXT)), encoding="utf-8")
    return path


def options(**given: Any) -> list[str]:
    return [str(one) for name, value in given.items() for one in (_option(name), value)]


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def test_the_command_prints_phrases_and_writes_the_joined_text(tmp_path: Path) -> None:
    text, asked = write_text(tmp_path), options(**PHRASES)
    expected = hsw2v.find_phrases(text, **PHRASES)
    printed = [line.split("\t") for line in run("phrases", text, *asked).stdout.splitlines()]
    assert [(one, int(count)) for one, count, _ in printed] == [
        (one, count) for one, count, _ in expected.table
    ]
    assert all(
        float(score) == pytest.approx(row[2], rel=1e-5)
        for (*_, score), row in zip(printed, expected.table, strict=True)
    )
    told = run("phrases", text, *asked, "--json").stdout.splitlines()
    records = [json.loads(line) for line in told]
    assert {one["pass"] for one in records} == {1, 2}
    (one,) = (one for one in records if one["phrase"] == "new_york_city")
    assert (one["words"], one["pass"]) == (["new_york", "city"], 2)
    output = tmp_path / "joined.txt"
    assert run("phrases", text, *asked, "-o", output).stdout == ""
    assert output.read_text("utf-8").splitlines() == [
        " ".join(expected.join(line)) for line in TEXT
    ]
    words = dict(line.split("\t") for line in run("vocab", text, *asked).stdout.splitlines())
    assert int(words["new_york_city"]) >= 5


def test_what_the_command_refuses_before_it_reads(tmp_path: Path) -> None:
    text, there = write_text(tmp_path), tmp_path / "there.txt"
    there.write_text("old")
    assert "exists already" in complaint("phrases", text, "-o", there, code=7)
    assert "is an input" in complaint("phrases", text, "-o", text, "--force", code=2)
    words = ["--connector-words", there]
    assert "is an input" in complaint("phrases", text, *words, "-o", there, "--force", code=2)
    assert "none.txt" in complaint("phrases", tmp_path / "none.txt", code=3)
    npmi = ["--phrase-scoring", "npmi", "--phrase-threshold", 2]
    assert "at most 1" in complaint("phrases", text, *npmi, code=2)
    assert "in 0 passes" in complaint("phrases", text, "--phrases", 0, code=2)
    with pytest.raises(errors.UsageError, match="in 0 passes"):
        hsw2v.find_phrases(text, phrases=0)
    assert there.read_text() == "old"


def test_the_progress_of_a_training_tells_of_phrases(tmp_path: Path) -> None:
    text, log = write_text(tmp_path), tmp_path / "log.jsonl"
    given = options(**PHRASES, dim=5, epochs=1, threads=1)
    done = run("train", text, *given, "-o", tmp_path / "m.safetensors", "--log-json", log)
    assert "phrases: " in done.stderr
    kinds = [json.loads(line)["type"] for line in log.read_text().splitlines()]
    assert kinds.index("PhrasesReady") < kinds.index("VocabularyReady")
    assert isinstance(hsw2v.load(tmp_path / "m.safetensors").phrases, Phrases)
