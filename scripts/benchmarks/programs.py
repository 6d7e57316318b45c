"""The programs that are compared, and the commands that train with them."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hsw2v
from benchmarks import peer
from benchmarks.machine import version_of
from benchmarks.processes import tell

ROOT = Path(__file__).resolve().parents[2]
PEER = Path(peer.__file__)
WORD2VEC = Path(sysconfig.get_path("scripts"), "word2vec")

_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from hsw2v.cli import main; main()"
HUFFMAN = ("--tree", "huffman")
AS_OTHERS = (*HUFFMAN, "--node-sample", "0")
"""The tree that other programs have, and all of its decisions."""
OURS, SUBSAMPLED = "hsw2v", "hsw2v, subsampled"
"""With every decision, as the others have it, and with its own default `--node-sample`."""
DIM, WINDOW, SAMPLE, MIN_COUNT, NEGATIVE = "100", "5", "1e-4", "5", "5"
# The word2vec package leaves out a part of the corpus from the second epoch on.
EPOCHS = "1"
LR = {"skipgram": "0.025", "cbow": "0.05"}
"""The defaults of word2vec and of hsw2v."""
GENSIM_LR = {"skipgram": "0.025", "cbow": "0.025"}
"""gensim's own default."""


@dataclass(frozen=True)
class Case:
    """What is trained: the model, and its output layer."""

    model: str
    loss: str
    title: str = ""


CASES = {
    "hs-skipgram": Case("skipgram", "hs", "Hierarchical softmax, skip-gram"),
    "hs-cbow": Case("cbow", "hs", "Hierarchical softmax, CBOW"),
    "ns-skipgram": Case("skipgram", "ns", f"Negative sampling ({NEGATIVE} samples), skip-gram"),
}


@dataclass(frozen=True)
class Job:
    """One training: a case on a corpus, and the file for what it learns."""

    case: Case
    corpus: str
    output: str = ""
    seed: str = "1"
    threads: str = "1"
    epochs: str = EPOCHS
    more: tuple[str, ...] = ()
    """Options for hsw2v alone."""
    root: str = ""
    """The folder whose hsw2v is run, if it is not the one that is installed."""

    def options(self, rates: dict[str, str]) -> list[str]:
        """Return the settings as options, which hsw2v and `peer.py` share."""
        model = self.case.model
        return [
            *("--model", model, "--loss", self.case.loss, "--lr", rates[model]),
            *("--dim", DIM, "--window", WINDOW, "--sample", SAMPLE, "--min-count", MIN_COUNT),
            *("--negative", NEGATIVE, "--epochs", self.epochs, "--threads", self.threads),
            *("--seed", self.seed),
        ]


@dataclass(frozen=True)
class Program:
    """A program that trains word vectors."""

    distribution: str
    suffix: str
    """Of the file it saves."""
    train: Callable[[Job], list[str]]
    load: Callable[[str], Any] = hsw2v.load
    """Returns an `hsw2v.Model` of what was saved."""
    binary: Path | None = None
    losses: tuple[str, ...] = ("hs", "ns")
    """The output layers that it is run with."""

    @property
    def missing(self) -> str | None:
        """Return why the program cannot be run; None if it can."""
        if not version_of(self.distribution):
            return f"the package {self.distribution} is not installed (the extra 'bench' has it)"
        if self.binary and not self.binary.exists():
            return f"the package {self.distribution} has no program '{self.binary.name}'"
        return None


def is_there(name: str, program: Program) -> bool:
    """Return whether a program can be run, and say so if it cannot."""
    if program.missing:
        tell(f"left out: {name}, {program.missing}")
    return not program.missing


def hsw2v_command(job: Job) -> list[str]:
    """Return the command that trains with hsw2v."""
    run = ["-c", _RUN, job.root] if job.root else ["-m", "hsw2v"]
    command = [sys.executable, *run, "train", job.corpus, "-o", job.output]
    return [*command, *job.options(LR), "--quiet", *job.more]


def _subsampled_command(job: Job) -> list[str]:
    return hsw2v_command(replace(job, more=HUFFMAN))


def _peer_command(name: str, rates: dict[str, str]) -> Callable[[Job], list[str]]:
    return lambda job: [
        *(sys.executable, str(PEER), name, job.corpus, job.output),
        *job.options(rates),
    ]


def _word2vec_command(job: Job) -> list[str]:
    hierarchical = job.case.loss == "hs"
    return [
        *(str(WORD2VEC), "-train", job.corpus, "-output", job.output),
        *("-cbow", "1" if job.case.model == "cbow" else "0", "-alpha", LR[job.case.model]),
        *("-hs", "1" if hierarchical else "0", "-negative", "0" if hierarchical else NEGATIVE),
        *("-size", DIM, "-window", WINDOW, "-sample", SAMPLE, "-min-count", MIN_COUNT),
        *("-iter", job.epochs, "-threads", job.threads, "-debug", "0"),
    ]


PROGRAMS = {
    OURS: Program("hsw2v", ".safetensors", hsw2v_command),
    SUBSAMPLED: Program("hsw2v", ".safetensors", _subsampled_command, losses=("hs",)),
    "word2vec": Program("word2vec", ".txt", _word2vec_command, binary=WORD2VEC),
    "gensim": Program("gensim", ".model", _peer_command("gensim", GENSIM_LR), peer.load_gensim),
    "fastText": Program(
        "fasttext-numpy2", ".bin", _peer_command("fasttext", LR), peer.load_fasttext
    ),
}


def shown(command: list[str]) -> str:
    """Return a command as a person would type it at the top of the checkout."""
    plain = {
        sys.executable: "python",
        str(PEER): str(PEER.relative_to(ROOT)),
        str(WORD2VEC): "word2vec",
    }
    return shlex.join(plain.get(part, part) for part in command)
