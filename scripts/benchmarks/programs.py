"""The programs that are compared, and the commands that train with them."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import version_of

ROOT = Path(__file__).resolve().parent.parent.parent
PEER = Path(__file__).with_name("peer.py")

DIM = "100"
WINDOW = "5"
SAMPLE = "1e-4"
MIN_COUNT = "5"
NEGATIVE = "5"
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
    title: str


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
    output: str
    seed: str
    threads: str
    epochs: str = EPOCHS


@dataclass(frozen=True)
class Program:
    """A program that trains word vectors."""

    name: str
    distribution: str
    suffix: str
    """Of the file it saves."""
    train: Callable[[Job], list[str]]
    convert: Callable[[str, str], list[str]] | None = None
    """The command that makes word2vec's binary format of what was saved, if hsw2v needs it."""
    binary: Path | None = None

    @property
    def missing(self) -> str | None:
        """Return why the program cannot be run; None if it can."""
        if not version_of(self.distribution):
            return f"the package {self.distribution} is not installed (the extra 'bench' has it)"
        if self.binary and not self.binary.exists():
            return f"the package {self.distribution} has no program '{self.binary.name}'"
        return None


def hsw2v_command(job: Job, *more: str) -> list[str]:
    """Return the command that trains with hsw2v."""
    return [
        *(sys.executable, "-m", "hsw2v", "train", job.corpus, "-o", job.output),
        *("--model", job.case.model, "--loss", job.case.loss, "--lr", LR[job.case.model]),
        *("--dim", DIM, "--window", WINDOW, "--sample", SAMPLE, "--min-count", MIN_COUNT),
        *("--negative", NEGATIVE, "--epochs", job.epochs, "--threads", job.threads),
        *("--seed", job.seed, "--quiet", *more),
    ]


def _peer_command(peer: str, rates: dict[str, str]) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        return [
            *(sys.executable, str(PEER), peer, "train", job.corpus, job.output),
            *("--model", job.case.model, "--loss", job.case.loss, "--lr", rates[job.case.model]),
            *("--dim", DIM, "--window", WINDOW, "--sample", SAMPLE, "--min-count", MIN_COUNT),
            *("--negative", NEGATIVE, "--epochs", job.epochs, "--threads", job.threads),
            *("--seed", job.seed),
        ]

    return command


def _peer_conversion(peer: str) -> Callable[[str, str], list[str]]:
    return lambda model, vectors: [sys.executable, str(PEER), peer, "convert", model, vectors]


WORD2VEC = Path(sysconfig.get_path("scripts"), "word2vec")


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
    one.name: one
    for one in (
        # The tree that the others have, and all of its decisions, so that the same is compared.
        Program(
            "hsw2v",
            "hsw2v",
            ".safetensors",
            lambda job: hsw2v_command(job, "--tree", "huffman", "--node-sample", "0"),
        ),
        Program("word2vec", "word2vec", ".txt", _word2vec_command, binary=WORD2VEC),
        Program(
            "gensim",
            "gensim",
            ".model",
            _peer_command("gensim", GENSIM_LR),
            _peer_conversion("gensim"),
        ),
        Program(
            "fastText",
            "fasttext-numpy2",
            ".bin",
            _peer_command("fasttext", LR),
            _peer_conversion("fasttext"),
        ),
    )
}


def shown(command: list[str]) -> str:
    """Return a command as a person would type it at the top of the checkout."""
    plain = {
        sys.executable: "python",
        str(PEER): str(PEER.relative_to(ROOT)),
        str(WORD2VEC): "word2vec",
    }
    return shlex.join(plain.get(part, part) for part in command)
