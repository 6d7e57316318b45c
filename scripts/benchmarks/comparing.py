"""Training the same with several programs in turn, and showing what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import records
from benchmarks.evaluating import Quality, TestSets, train_and_evaluate
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measuring import Spread, measure, tell
from benchmarks.page import table
from benchmarks.programs import CASES, PROGRAMS, Job, Program, shown

OURS = "hsw2v"


@dataclass(frozen=True)
class Plan:
    """What is compared."""

    corpus: str
    cases: tuple[str, ...]
    programs: tuple[str, ...]
    runs: int
    seeds: tuple[int, ...]
    threads: int
    pairs: tuple[str, ...]
    analogies: tuple[str, ...]

    def rounds(self) -> Iterator[tuple[int, str, str]]:
        """Yield seed, case and program of every run, in order: the programs take turns."""
        for number in range(self.runs):
            for case in self.cases:
                for program in self.programs:
                    yield self.seeds[number % len(self.seeds)], case, program


@dataclass(frozen=True)
class Run:
    """One training, measured."""

    case: str
    program: str
    seed: int
    seconds: float
    peak_bytes: int
    quality: Quality


@dataclass(frozen=True)
class Record:
    """All that was found, on what machine."""

    machine: str
    versions: str
    notes: tuple[str, ...]
    plan: Plan
    runs: tuple[Run, ...]

    def save(self, path: str) -> None:
        """Write the record as JSON."""
        records.save(self, path)

    @classmethod
    def load(cls, path: str) -> Record:
        """Read a record as `save` wrote it."""
        found = records.load(path)
        return cls(
            found["machine"],
            found["versions"],
            tuple(found["notes"]),
            Plan(**records.tuples(found["plan"])),
            tuple(Run(**run) for run in found["runs"]),
        )


def compare(plan: Plan, notes: Sequence[str], path: str | None) -> Record:
    """Train with every program in turn; keep the figures in a file as they come, if one is given.

    Before the first round hsw2v trains once on every case: its compiled code is in its cache
    then, and the corpus in the system's.
    """
    distributions = [PROGRAMS[name].distribution for name in plan.programs]
    record = Record(
        describe_machine(),
        describe_versions([*distributions, "numpy", "numba"]),
        tuple(notes),
        records.without_folders(plan),
        (),
    )
    if path:
        record.save(path)
    with tempfile.TemporaryDirectory() as folder:
        for case in plan.cases:
            tell(f"warming up: {OURS}, {case}")
            measure(PROGRAMS[OURS].train(_job(plan, case, plan.seeds[0], f"{folder}/warm-{case}")))
        for seed, case, name in plan.rounds():
            run = _run(plan, case, PROGRAMS[name], seed)
            tell(
                f"seed {seed}, {case}, {name}: {run.seconds:.2f} s, "
                f"{run.peak_bytes / 1e6:.0f} MB, {run.quality}"
            )
            record = Record(**{**vars(record), "runs": (*record.runs, run)})
            if path:
                record.save(path)
    return record


def _run(plan: Plan, case: str, program: Program, seed: int) -> Run:
    measured, quality = train_and_evaluate(
        program, _job(plan, case, seed, ""), TestSets(plan.pairs, plan.analogies)
    )
    return Run(case, program.name, seed, measured.seconds, measured.peak_bytes, quality)


def _job(plan: Plan, case: str, seed: int, output: str) -> Job:
    return Job(CASES[case], plan.corpus, output, str(seed), str(plan.threads))


def render(record: Record) -> str:
    """Return a record as Markdown: where it was measured, a table a case, the commands."""
    plan = record.plan
    parts = [
        f"Measured on: {record.machine}.  \nVersions: {record.versions}.",
        *record.notes,
        f"    {_own_command(plan)}",
    ]
    for case in plan.cases:
        parts += [f"**{CASES[case].title}**", _table(record, case)]
    commands = []
    for case in plan.cases:
        job = Job(CASES[case], "CORPUS", "OUTPUT", "SEED", str(plan.threads))
        commands.append("\n".join(shown(PROGRAMS[one].train(job)) for one in plan.programs))
    parts += ["The commands:", "```\n" + "\n\n".join(commands) + "\n```"]
    return "\n\n".join(parts)


def _table(record: Record, case: str) -> str:
    runs = [run for run in record.runs if run.case == case]
    sets = list(runs[0].quality)
    ours = [run.seconds for run in runs if run.program == OURS]
    rows = []
    for program in record.plan.programs:
        mine = [run for run in runs if run.program == program]
        # The runs of a program are in order of the rounds; the last round may be incomplete.
        ratios = Spread.of(run.seconds / our for run, our in zip(mine, ours, strict=False))
        rows.append(
            [
                program,
                Spread.of(run.seconds for run in mine).shown(2),
                "1" if program == OURS else ratios.shown(2),
                f"{max(run.peak_bytes for run in mine) / 1e6:.0f}",
                *(_mean([run.quality[one] for run in mine]) for one in sets),
            ]
        )
    header = ["program", "seconds", "times hsw2v", "peak MB", *sets]
    return table(header, rows)


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return Spread.of(known).shown(3, lambda one: one.mean) if known else "-"


def _own_command(plan: Plan) -> str:
    words = ["scripts/bench", plan.corpus, "--runs", str(plan.runs)]
    words += ["--seeds", *map(str, plan.seeds), "--threads", str(plan.threads)]
    words += ["--cases", *plan.cases]
    for option, files in (("--pairs", plan.pairs), ("--analogies", plan.analogies)):
        words += [option, *files] if files else []
    return " ".join(words)
