"""Where figures were measured: the machine, and the versions of all that ran."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path


def describe_machine() -> str:
    """Return processor, cores, memory and system in one line."""
    processor, features = _processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    vectors = "AVX-512" if "avx512f" in features else "AVX2" if "avx2" in features else ""
    facts = [processor + (f" with {vectors}" if vectors else ""), f"{cores} cores"]
    return ", ".join([*facts, f"{memory:.0f} GiB", _system()])


def describe_versions(distributions: Iterable[str]) -> str:
    """Return the versions of Python and of the distributions that are installed, in one line."""
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {found}" for name in distributions if (found := version_of(name))]
    return ", ".join(versions)


def version_of(distribution: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> tuple[str, set[str]]:
    facts: dict[str, str] = {}
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            facts.setdefault(name.strip(), value.strip())
    name = facts.get("model name") or platform.processor() or platform.machine()
    return name, set(facts.get("flags", "").split())


def _system() -> str:
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']} ({kernel})"
    except (OSError, KeyError):
        return kernel
