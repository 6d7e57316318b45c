"""What people type from other programs is answered with what it is here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from commandline import complaint, run, write_corpus, write_model

import hsw2v
from hsw2v.cli.habits import COMMANDS, NOT_HERE, OPTIONS, bare_name, check_options
from hsw2v.cli.program import program
from hsw2v.config import Config, read_config
from hsw2v.config.synonyms import SYNONYMS
from hsw2v.errors import UsageError


def meant(*arguments: str) -> str:
    """Return the command that the program says was meant."""
    return complaint(*arguments, code=2).split("; try hsw2v ")[1]


@pytest.mark.parametrize(
    ("typed", "here"),
    [
        ("-size 200", "--dim 200"),
        ("--size 200", "--dim 200"),
        ("--vector-size 200", "--dim 200"),
        ("--vector_size=200", "--dim 200"),
        ("-dim 200", "--dim 200"),
        ("-iter 3", "--epochs 3"),
        ("--iter 3", "--epochs 3"),
        ("-epoch 3", "--epochs 3"),
        ("-alpha 0.05", "--lr 0.05"),
        ("-lr 0.05", "--lr 0.05"),
        ("-window 8", "--window 8"),
        ("-ws 8", "--window 8"),
        ("-t 1e-4", "--sample 1e-4"),
        ("-cbow 1", "--model cbow"),
        ("-cbow 0", "--model skipgram"),
        ("-sg 1", "--model skipgram"),
        ("--sg=0", "--model cbow"),
        ("-hs 1", "--loss hs"),
        ("-hs 0", "--loss ns"),
        ("-hs 1 -negative 5", "--loss hs+ns --negative 5"),
        ("-negative 5 -hs 1", "--loss hs+ns --negative 5"),
        ("-hs 1 -negative 0", "--loss hs"),
        ("-negative 5", "--loss ns --negative 5"),
        ("-negative 0", "--loss hs"),
        ("-min-count 3", "--min-count 3"),
        ("-minCount 3", "--min-count 3"),
        ("--min_count 3", "--min-count 3"),
        ("-minn 2 -maxn 5", "--subwords 2-5"),
        ("-maxn 5", "--subwords 3-5"),
        ("-bucket 1000", "--buckets 1000"),
        ("-wordNgrams 2", ""),
        ("-binary 1 -dim 3", "--dim 3"),
        ("-threads 20", "--threads 20"),
        ("-output vec.bin", "--output vec.bin"),
        ("-lowercase -dim 3", "--lowercase --dim 3"),
        ("--no_lowercase", "--no-lowercase"),
        ("--pretrain hs:1 -dim 3", "--pretrain hs:1 --dim 3"),
        ("-size 3 -- -x", "--dim 3 -- -x"),
        ("-lr -0.1", "--lr -0.1"),
        ("-size", "--dim"),
    ],
)
def test_an_option_of_another_program_is_answered(typed: str, here: str) -> None:
    assert meant("train", "t.txt", *typed.split()) == f"train t.txt {here}".strip()


def test_a_whole_line_of_word2vec_is_answered_by_one_of_hsw2v() -> None:
    line = "-train text8 -output v.bin -size 200 -negative 25 -hs 0 -binary 1 -iter 15 -cbow 1"
    here = "train text8 --output v.bin --dim 200 --loss ns --negative 25 --epochs 15 --model cbow"
    assert meant("train", *line.split()) == here
    assert meant(*line.split()) == here
    assert meant("train", "-input", "my text", "-dim", "3") == "train 'my text' --dim 3"


def test_what_is_said_names_every_option() -> None:
    sentence = complaint("train", "-train", "t", "-size", "3", "-debug", "2", "-hs", "1", code=2)
    assert sentence == (
        "no such option: -train is CORPUS, -size is --dim, "
        "-debug (progress is shown, but for --quiet), -hs 1 is --loss hs; "
        "try hsw2v train t --dim 3 --loss hs"
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_the_table_has_a_meaning_somewhere(option: str) -> None:
    name, _, value = option.partition("=")
    for command in ("train", "similar", "walks"):
        typed = [command, "x", f"--{name}", value or "7"]
        known = {one for some in program.commands[command].params for one in some.opts}
        if f"--{name}" in known or (value == "0" and name == "negative"):
            typed[2] = f"-{name}"
        said = complaint(*typed, code=2)
        if "; try hsw2v" in said:
            break
    else:
        pytest.fail(f"{option} means nothing")
    line = shlex.split(said.split("; try hsw2v ")[1])
    with program.commands[line[0]].make_context(line[0], line[1:]) as context:
        assert context.params


@pytest.mark.parametrize("option", NOT_HERE)
def test_what_is_not_here_is_not_there_by_its_name_either(option: str) -> None:
    for command in program.commands.values():
        assert f"--{option}" not in {name for one in command.params for name in one.opts}


def test_only_options_that_a_command_has_are_named() -> None:
    assert complaint("similar", "m", "-size", "3", code=2).startswith("no such option: -size; ")
    assert complaint("vocab", "t", "-output", "x", code=2).startswith("no such option: -output; ")
    assert meant("similar", "m", "king", "-topn", "5") == "similar m king -k 5"
    assert meant("vocab", "-train", "t") == "vocab t"


@pytest.mark.parametrize(
    ("typed", "near"),
    [("--dimm", "--dim"), ("-dimm", "--dim"), ("-epochss", "--epochs"), ("--wndow", "--window")],
)
def test_a_misspelt_option_is_answered(typed: str, near: str) -> None:
    assert near in complaint("train", "t.txt", typed, "3", code=2)


def test_values_are_no_options(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c.txt")
    joined = run("phrases", corpus, "--phrase-delimiter", "-t", "--phrase-threshold", "1e-9")
    assert "-t" in joined.stdout
    model = write_model(tmp_path / "m.safetensors")
    assert "-size" in complaint("similar", model, "--", "-size", code=11)
    assert len(run("similar", model, "king", "-k3").stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("typed", "here"),
    [
        ("most-similar", "similar"),
        ("most_similar", "similar"),
        ("most-simlar", "similar"),
        ("nn", "similar"),
        ("skipgram", "train --model skipgram"),
        ("cbow", "train --model cbow"),
        ("print-word-vectors", "vector"),
        ("odd_one_out", "odd-one-out"),
        ("doesnt_match", "odd-one-out"),
        ("trian", "train"),
        ("Train", "train"),
        ("help", "--help"),
        ("node2vec", "train --graph FILE"),
    ],
)
def test_a_command_of_another_program_is_answered(typed: str, here: str) -> None:
    assert complaint(typed, "x", code=2) == (
        f"no such command: {typed}; did you mean hsw2v {here}?"
    )


def test_help_of_a_command_is_asked_for_by_an_option() -> None:
    assert complaint("help", "train", code=2).endswith("; did you mean hsw2v train --help?")


def test_every_command_of_the_table_is_one() -> None:
    options = {name for one in program.params for name in one.opts}
    for name, here in COMMANDS.items():
        assert name == bare_name(name)
        assert here.split()[0] in {*program.commands, *options}
        assert name not in program.commands


def test_a_file_as_a_command_is_answered(tmp_path: Path) -> None:
    write_corpus(tmp_path / "my text.txt")
    write_model(tmp_path / "m.safetensors")
    hints = [complaint(name, cwd=tmp_path, code=2) for name in ("my text.txt", "m.safetensors")]
    assert hints[0].endswith("; to use this file: hsw2v train 'my text.txt'")
    assert hints[1].endswith("; to use this file: hsw2v similar m.safetensors")
    assert complaint("xyzzy", code=2) == "no such command: xyzzy; see hsw2v --help"


@pytest.mark.parametrize("name", ["", "-", "_", " ", "\x1b[31m", "{}", "x" * 10_000])
def test_names_that_are_none_are_refused_too(name: str) -> None:
    assert complaint(name, code=2).startswith("no such command: ")
    assert complaint("train", "t", f"--{name}x", code=2).startswith("no such option")


@pytest.mark.parametrize("value", ["", "{}", "{loss}", "a b", "'", "-1"])
def test_values_stay_what_they_are(value: str) -> None:
    line = shlex.split(meant("train", "t", f"-size={value}", "-iter", "3"))
    assert line == ["train", "t", "--dim", *([value] if value else []), "--epochs", "3"]


EXAMPLES = [
    line
    for command in program.commands.values()
    for line in re.findall(
        r"^ +hsw2v (.+?)(?: +[|><].*|   +.*)?$", command.help or "", re.MULTILINE
    )
]


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_of_help_are_understood(line: str) -> None:
    name, *arguments = shlex.split(line)
    command = program.commands[name]
    check_options(command, arguments, f"hsw2v {name}")
    with command.make_context(name, arguments) as context:
        assert context.params


def test_an_option_before_the_command_is_answered() -> None:
    assert "comes after its command" in complaint("--dim", "5", "t.txt", code=2)


@pytest.mark.parametrize(
    ("name", "bare"),
    [("-minCount", "min-count"), ("--min_count", "min-count"), ("-t", "t"), ("-Size", "size")],
)
def test_names_are_compared_in_lower_case_with_dashes(name: str, bare: str) -> None:
    assert bare_name(name) == bare


def test_choices_are_in_any_case_everywhere(tmp_path: Path) -> None:
    here = ["--optimizer", "Adam", "--model", "CBOW", "--loss", "HS+ns"]
    with program.commands["train"].make_context("train", ["t.txt", *here]) as context:
        chosen = [context.params[name] for name in ("optimizer", "model", "loss")]
    assert chosen == ["adam", "cbow", "hs+ns"]
    file = tmp_path / "mine.toml"
    file.write_text('[training]\noptimizer = "ADAM"\n')
    assert read_config(file) == Config().replace(optimizer="adam")
    assert Config().replace(model="SkipGram").training.model == "skipgram"
    with pytest.raises(UsageError, match="model is 'Glove'; it must be one of skipgram, cbow"):
        Config().replace(model="Glove")
    sentences = [["a", "b", "c"]] * 20
    assert (
        hsw2v.train(sentences, model="CBOW", dim=4, threads=1).config["training"]["model"] == "cbow"
    )


def test_names_of_other_programs_are_answered_in_python_and_files_too(tmp_path: Path) -> None:
    for other, ours in SYNONYMS.items():
        with pytest.raises(UsageError, match=f"unknown setting '{other}'; did you mean '{ours}'"):
            hsw2v.train([["a"]], **{other: 3})
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nvector_size = 3\n")
    with pytest.raises(UsageError, match=r"unknown key 'vector_size'.*did you mean 'dim'"):
        read_config(file)


def test_every_choice_of_every_command_is_in_any_case() -> None:
    for command in program.commands.values():
        for one in command.params:
            if isinstance(one.type, click.Choice):
                assert not one.type.case_sensitive, (command.name, one.name)


def test_the_tables_are_in_the_words_of_bare_names() -> None:
    for name in (*OPTIONS, *NOT_HERE):
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*(=0)?", name)
