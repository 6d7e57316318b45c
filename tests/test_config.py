"""Settings: one home for defaults, bounds and meanings."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import hsw2v
from hsw2v.cli.options import resolve
from hsw2v.cli.train import train
from hsw2v.config import Config, bounds, known_settings, named, read_config, sections, type_of
from hsw2v.errors import MissingInputError, UsageError
from hsw2v.network.outputs import unused_settings

EXAMPLES = sorted((Path(__file__).parent.parent / "configs").glob("*.toml"))
SETTINGS = [one for settings in sections().values() for one in settings]


def test_the_options_of_train_are_the_settings() -> None:
    options = {one.name: one for one in train.params if isinstance(one, click.Option)}
    for one in SETTINGS:
        option = options[one.name]
        assert option.opts == ["--" + one.name.replace("_", "-")]
        assert option.get_default(click.Context(train)) is None
        if one.default not in (None, ""):
            written = {"True": "on", "False": "off"}.get(str(one.default), str(one.default))
            assert f"default: {written}" in (option.help or "")
        assert bounds(one) in (option.help or "")


def test_no_options_give_the_defaults() -> None:
    assert resolve(None, {one.name: None for one in SETTINGS}) == Config()


def test_options_that_are_false_or_zero_are_given(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[corpus]\nlowercase = true\n[vocabulary]\nsample = 0.5\n")
    settings = resolve(str(file), {"lowercase": False, "sample": 0.0, "dim": None})
    assert settings == Config().replace(sample=0.0)


def test_settings_survive_a_toml_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[corpus]\ncache_dir = "/tmp"\n[training]\nlr = 1\nthreads = 2\n')
    assert read_config(file) == Config().replace(cache_dir="/tmp", lr=1, threads=2)


def test_the_default_file_holds_the_defaults_and_names_every_setting() -> None:
    (path,) = (one for one in EXAMPLES if one.name == "default.toml")
    assert read_config(path) == Config()
    lines = path.read_text(encoding="utf-8").splitlines()
    for one in SETTINGS:
        start = f"{one.name} =" if one.default is not None else f"# {one.name} ="
        assert any(line.startswith(start) for line in lines)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_and_trains(path: Path) -> None:
    settings = read_config(path).replace(threads=1, epochs=1)
    sentences = [["a", "b", "c", "d"], ["d", "c", "b", "a"]] * 20
    model = hsw2v.train(sentences, config=settings)
    assert len(model) == 4
    assert model.dim == settings.training.dim


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_its_reasons(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("#") > 3


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: str(one.name))
def test_a_setting_refuses_what_is_out_of_its_bounds(one: dataclasses.Field[Any]) -> None:
    rules = one.metadata
    bad: list[Any] = [object()]
    if rules["minimum"] is not None:
        bad.append(rules["minimum"] - 1)
    if rules["maximum"] is not None:
        bad.append(rules["maximum"] + 1)
    if rules["above"] is not None:
        bad.append(rules["above"])
    if rules["choices"]:
        bad.append("none of them")
    if type_of(one) is float:
        bad += [float("nan"), float("inf"), True]
    if type_of(one) is int:
        bad += [1.5, True, "1"]
    for value in bad:
        with pytest.raises(UsageError, match=f"^{one.name} is "):
            Config().replace(**{one.name: value})


def test_an_unknown_setting_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'windw'; did you mean 'window'\?"):
        Config().replace(windw=3)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[training]\ndimm = 3\n", "unknown key 'dimm' in .training.; did you mean 'dim'"),
        ("[train]\ndim = 3\n", "unknown section .train."),
        ("dim = 3\n", "'dim' is outside a section"),
        ("[training]\ndim = 0\n", "dim is 0; it must be at least 1"),
        ("[training\n", "is not TOML"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_named(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=what) as raised:
        read_config(file)
    assert str(raised.value).startswith(str(file))


def test_a_hint_about_a_file_speaks_of_its_keys() -> None:
    with (
        pytest.raises(
            UsageError, match=r"^my\.toml, one: late; lower rebuild_at, or raise epochs$"
        ),
        named("my.toml"),
    ):
        raise UsageError("late", where="one", hint="lower --rebuild-at, or raise --epochs")


def test_a_tree_is_a_file_if_it_is_not_built_and_is_used() -> None:
    found = [
        Config().replace(tree=tree, loss=loss).training.tree_file
        for tree, loss in (("mine.tsv", "hs"), ("huffman", "hs"), ("mine.tsv", "ns"))
    ]
    assert found == ["mine.tsv", None, None]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"mine\.toml"):
        read_config(tmp_path / "mine.toml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"[corpus]\ncache_dir = '\xff'\n")
    with pytest.raises(UsageError, match="is not TOML"):
        read_config(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("tokens", "epochs"),
    [(0, 20), (1_000_000, 20), (4_000_000, 20), (8_000_000, 10), (17_005_271, 5), (10**12, 5)],
)
def test_small_texts_are_passed_more_often(tokens: int, epochs: int) -> None:
    assert Config().resolved(tokens).training.epochs == epochs
    assert Config().resolved().training.epochs is None
    assert Config().replace(epochs=3).resolved(tokens).training.epochs == 3


@pytest.mark.parametrize(
    ("tokens", "epochs", "expected"),
    [(17_005_271, 1, 0.0147), (17_005_271, 5, 0.00294), (10**12, 5, 0.0005), (1_000, 2, 1.0)],
)
def test_the_less_is_trained_the_fewer_decisions_are_skipped(
    tokens: int, epochs: int, expected: float
) -> None:
    found = Config().replace(epochs=epochs).resolved(tokens).training.node_sample
    assert found == pytest.approx(expected, rel=1e-2)
    wide = Config().replace(epochs=5, dim=300).resolved(17_005_271).training.node_sample
    assert wide == pytest.approx(3 * 0.00294, rel=1e-2)
    # In one epoch there is one tree.
    several = 0.2 if epochs > 1 else 1.0
    for less, settings in ((0.1, {"loss": "hs+ns"}), (several, {"num_trees": 2})):
        config = Config().replace(epochs=epochs, **settings)
        assert config.resolved(tokens).training.node_sample == pytest.approx(less * found)
    assert Config().replace(epochs=epochs).resolved().training.node_sample is None
    assert Config().replace(loss="class").resolved().training.node_sample == 0.1
    assert Config().replace(node_sample=0.0).resolved(tokens).training.node_sample == 0.0


def test_resolved_settings_depend_on_nothing() -> None:
    for model, lr in (("skipgram", 0.025), ("cbow", 0.05)):
        resolved = Config().replace(model=model).resolved()
        assert resolved.training.lr == lr
        assert resolved.training.threads
    assert Config().replace(lr=0.1).resolved().training.lr == 0.1


def test_train_takes_settings_as_keywords() -> None:
    parameters = inspect.signature(hsw2v.train).parameters.values()
    assert any(one.kind is one.VAR_KEYWORD for one in parameters)


@pytest.mark.parametrize(
    "one", [one for one in SETTINGS if type_of(one) is int], ids=lambda one: one.name
)
def test_every_whole_number_has_a_bound(one: Any) -> None:
    with pytest.raises(UsageError, match="at most"):
        Config().replace(**{one.name: 10**30})


def test_a_tiny_node_sample_would_train_nothing_and_is_refused() -> None:
    with pytest.raises(UsageError, match="it must be 0, or at least 1e-06 and at most 1"):
        Config().replace(node_sample=1e-300)
    for value in (0.0, 1e-6):
        assert Config().replace(node_sample=value).training.node_sample == value


def test_numbers_of_numpy_become_plain() -> None:
    settings = Config().replace(dim=np.int64(8), lr=np.float32(0.5), sample=0)
    assert settings.training.dim == 8
    assert type(settings.training.dim) is int
    assert type(settings.training.lr) is type(settings.vocabulary.sample) is float


@pytest.mark.parametrize(
    ("name", "value"), [("lr", 10**400), ("lr", np.nan), ("dim", 8.0), ("cache_dir", "caf\udce9")]
)
def test_values_that_cannot_be_stored_are_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name):
        Config().replace(**{name: value})


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({}, []),
        ({"samples": 9}, ["samples"]),
        ({"loss": "sampled", "samples": 9}, []),
        ({"loss": "ns", "tree": "brown", "rebuild_at": 0.5}, ["tree", "rebuild_at"]),
        ({"tree": "huffman", "rebuild_at": 0.5}, ["rebuild_at"]),
        ({"pretrain": "ns:1", "negative": 9}, []),
        ({"pretrain": "hs:1", "loss": "ns", "negative": 9, "tree": "brown"}, []),
        (
            {"tree": "huffman", "rebuild_at": 2.0, "negative": 9},
            ["rebuild_at", "negative"],
        ),
        ({"loss": "class", "negative": 9, "classes": "kmeans", "rebuild_at": 0.5}, ["negative"]),
        ({"loss": "class", "rebuild_at": 0.5}, ["rebuild_at"]),
        ({"loss": "softmax", "num_classes": 7}, ["num_classes"]),
    ],
)
def test_settings_without_effect_are_known(settings: dict, unused: list[str]) -> None:
    assert unused_settings(Config().replace(**settings)) == unused


def test_a_setting_of_an_older_name_is_refused_with_the_new_one() -> None:
    with pytest.raises(UsageError, match="it is called 'rebuild_at' now"):
        Config().replace(retree_at=1.0)
    known = known_settings({"training": {"retree_at": 1.5, "retree_every": 2.0}}).training
    assert (known.rebuild_at, known.rebuild_every) == (1.5, 2.0)
