"""What people type from word2vec.c, GloVe, fastText, gensim and node2vec, and what it is here."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import click

from hsw2v.config.synonyms import SYNONYMS
from hsw2v.errors import UsageError

OPTIONS: Mapping[str, str] = {
    **{
        other.replace("_", "-"): f"--{ours.replace('_', '-')} {{}}"
        for other, ours in SYNONYMS.items()
    },
    **dict.fromkeys(("train", "input", "corpus", "corpus-file", "sentences"), "{}"),
    **dict.fromkeys(("output", "save-file", "model-file"), "--output {}"),
    **dict.fromkeys(("neg", "negative"), "--loss {loss} --negative {}"),
    **dict.fromkeys(("minn", "min-n", "maxn", "max-n"), "--subwords {minn}-{maxn}"),
    **dict.fromkeys(("topn", "top-n"), "-k {}"),
    "cbow=0": "--model skipgram",
    "cbow": "--model cbow",
    "skipgram": "--model skipgram",
    "sg=0": "--model cbow",
    "sg": "--model skipgram",
    **dict.fromkeys(("hs", "negative=0", "neg=0"), "--loss {loss}"),
    "verbose=0": "--quiet",
}
"""Options of other programs, by their names in lower case with dashes, some with a value: what they
are here. {} is the value, and what others say together is in `_facts`."""
NOT_HERE: Mapping[str, str] = {
    "word-ngrams": "instead, --phrases joins words",
    "binary": "hsw2v export writes other formats than that of models",
    "save-vocab": "hsw2v vocab prints the vocabulary",
    "min-alpha": "the rate falls to 1e-4 of --lr",
    "lr-update-rate": "the rate falls step by step",
    "debug": "progress is shown, but for --quiet",
    "verbose": "progress is shown, but for --quiet",
    "cbow-mean": "cbow always takes the mean",
    "batch-words": "batches need no setting",
}
"""Those that have no counterpart, and what there is instead."""
COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("most-similar", "nn", "distance", "nearest"), "similar"),
    **dict.fromkeys(("nearest-neighbors", "nearest-neighbours"), "similar"),
    "neighbors": "neighbours",
    **dict.fromkeys(("word2vec", "fit", "glove", "learn"), "train"),
    **dict.fromkeys(("node2vec", "deepwalk"), "train --graph FILE"),
    **dict.fromkeys(("print-word-vectors", "print-vectors", "get-vector", "vectors"), "vector"),
    **dict.fromkeys(("analogies", "word-analogy"), "analogy"),
    **dict.fromkeys(("accuracy", "eval", "test", "evaluate-word-pairs"), "evaluate"),
    **dict.fromkeys(("evaluate-word-analogies", "compute-accuracy"), "evaluate"),
    **dict.fromkeys(("doesnt-match", "odd"), "odd-one-out"),
    **dict.fromkeys(("convert", "save", "save-word2vec-format"), "export"),
    **dict.fromkeys(("predict-prob", "predict-output-word"), "predict"),
    **dict.fromkeys(("perplexity", "log-prob"), "score"),
    **dict.fromkeys(("tsne", "umap", "plot", "visualize"), "map"),
    **dict.fromkeys(("word2phrase", "phrase"), "phrases"),
    **dict.fromkeys(("dump", "show", "describe"), "info"),
    "skipgram": "train --model skipgram",
    "cbow": "train --model cbow",
    "fasttext": "train --subwords 3-6",
    "random-walks": "walks",
    "continue": "resume",
    "check": "verify",
    "dry-run": "plan",
    "version": "--version",
    "help": "--help",
}
"""Commands of other programs, and others that people try."""


def in_any_case(command: click.Command) -> click.Command:
    """Let the choices of a command be written in any case."""
    for one in command.params:
        if isinstance(one.type, click.Choice):
            one.type.case_sensitive = False
    return command


def check_options(command: click.Command, arguments: Sequence[str], path: str) -> None:
    """Check that no option is one of another program, or of this one written in another way.

    Raises:
        UsageError: some are. It says what they are here, and the command that was meant.
    """
    known = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    rest, line, said = list(arguments), list[str](), list[str]()
    facts = _facts(arguments)
    while rest and rest[0] != "--":
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if not equals and rest and not re.match("-[A-Za-z]", rest[0]):
            value = rest[0]
        bare, meant = bare_name(name), None
        if name.startswith("-") and name not in known:
            meant = _meaning(bare, value, known)
            _check_dash(name, known, path, is_known=meant is not None)
        if meant is None:
            takes = not equals and rest and _takes_value(known.get(name))
            line += [argument, rest.pop(0)] if takes else [argument]
            continue
        if value and not equals and ("{}" in meant or value.isdigit() or bare in NOT_HERE):
            rest.pop(0)
        words = [filled for one in meant.split() if (filled := one.format(value, **facts))]
        said.append(_said(name, value, meant, words))
        line += _new(words, line)
    if said:
        raise UsageError(
            "no such option: " + ", ".join(said),
            hint=f"try {shlex.join([*path.split(), *line, *rest])}",
        )


def bare_name(name: str) -> str:
    """Return a name in lower case, without dashes before it and with dashes between its words."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "-", name.lstrip("-"))
    return words.lower().replace("_", "-")


def _facts(arguments: Sequence[str]) -> dict[str, str]:
    """Return what several options of another program say together."""
    words = [word for one in arguments for word in one.split("=", 1)]
    given = {bare_name(one).replace("-", ""): value for one, value in pairwise([*words, ""])}
    negative = given.get("negative", given.get("neg"))
    if given.get("hs", "0") != "0":
        loss = "hs" if negative in (None, "0") else "hs+ns"
    else:
        loss = "hs" if negative == "0" else "ns"
    return {"loss": loss, "minn": given.get("minn", "3"), "maxn": given.get("maxn", "6")}


def _new(words: Sequence[str], line: Sequence[str]) -> list[str]:
    """Return options with their values, without those that are in a line already."""
    found, is_new = list[str](), True
    for one in words:
        is_new = one not in line if one.startswith("--") else is_new
        found += [one] if is_new else []
    return found


def _meaning(bare: str, value: str, known: Mapping[str, click.Parameter]) -> str | None:
    """Return what an option is here, '' for what is to be left out; None if nobody knows."""
    for name in (f"{bare}={value}", bare):
        if name in OPTIONS and _is_possible(OPTIONS[name], known):
            return OPTIONS[name]
    if f"--{bare}" in known:
        return f"--{bare} {{}}" if _takes_value(known[f"--{bare}"]) else f"--{bare}"
    return "" if bare in NOT_HERE and "--dim" in known else None


def _is_possible(meant: str, known: Collection[str]) -> bool:
    """Tell whether a command has these options, or a text where one is meant."""
    if meant == "{}":
        return "corpus" in known
    return all(one in known for one in meant.split() if one.startswith("-"))


def _takes_value(option: click.Parameter | None) -> bool:
    return isinstance(option, click.Option) and not option.is_flag


def _said(name: str, value: str, meant: str, words: Sequence[str]) -> str:
    """Return what an option is here, in words."""
    if not meant:
        return f"{name} ({NOT_HERE[bare_name(name)]})"
    if "{}" not in meant:
        return f"{name} {value if value.isdigit() else ''}".strip() + f" is {shlex.join(words)}"
    options = [one for one in meant.split() if one.startswith("-")]
    return f"{name} is {' and '.join(options) or 'CORPUS'}"


def _check_dash(name: str, known: Collection[str], path: str, *, is_known: bool) -> None:
    """Check that an option that nobody knows has two dashes.

    Raises:
        UsageError: it has one. By click its first letter would be the option.
    """
    if not is_known and re.fullmatch("-[A-Za-z][A-Za-z_-]+", name) and name[:2] not in known:
        close = difflib.get_close_matches(f"--{bare_name(name)}", known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"see {path} --help"
        raise UsageError(f"no such option: {name}", hint=hint)


def check_command(name: str, commands: Collection[str], *others: str) -> None:
    """Check that a command exists; `others` are the arguments after it.

    Raises:
        UsageError: it does not. It says which one may be meant.
    """
    if name in commands:
        return
    bare = bare_name(name)
    meant = COMMANDS.get(bare, bare)
    if meant.split(" ")[0] not in commands and not meant.startswith("--"):
        names = [*commands, *(one for one, here in COMMANDS.items() if here.split()[0] in commands)]
        close = difflib.get_close_matches(bare, names, n=1)
        meant = COMMANDS.get(close[0], close[0]) if close else ""
    if meant == "--help" and others and others[0] in commands:
        meant = f"{others[0]} --help"
    if meant:
        hint = f"did you mean hsw2v {meant}?"
    elif os.path.exists(name):
        command = "similar" if name.endswith(".safetensors") else "train"
        hint = f"to use this file: hsw2v {command} {shlex.quote(name)}"
    else:
        hint = "see hsw2v --help"
    raise UsageError(f"no such command: {name}", hint=hint)
