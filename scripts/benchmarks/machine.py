"""Where figures were measured: the machine, and the versions of all that ran."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}
"""Flags of a processor that are worth a word, the widest first."""


def describe_machine() -> str:
    """Return processor, cores, memory and system in one line."""
    cpuinfo, facts = Path("/proc/cpuinfo"), {}
    for line in cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else ():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    flags = facts.get("flags", "").split()
    vectors = [shown for flag, shown in VECTORS.items() if flag in flags][:1]
    processor = facts.get("model name") or platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    # Without a name of the distribution, the kernel alone has to do.
    with suppress(OSError, KeyError):
        system = f"{platform.freedesktop_os_release()['PRETTY_NAME']} ({system})"
    return f"{' with '.join([processor, *vectors])}, {cores} cores, {memory:.0f} GiB, {system}"


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
