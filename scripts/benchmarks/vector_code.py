"""The kinds of vector code that the compiled functions can be made of, by numba's variables."""

from __future__ import annotations

import llvmlite.binding

KINDS = {
    # What LLVM is asked for by name, so that the code is the same on every processor that has it.
    "avx512": (
        "skylake-avx512",
        "sse2 avx avx2 fma bmi bmi2 avx512f avx512bw avx512cd avx512dq avx512vl",
    ),
    "avx2": ("haswell", "sse2 avx avx2 fma bmi bmi2"),
}
"""The widest first: a processor, and its features."""


def kinds_here() -> list[str]:
    """Return the kinds of vector code that this processor can run."""
    host = llvmlite.binding.get_host_cpu_features()
    return [
        kind
        for kind, (_, features) in KINDS.items()
        if all(host.get(feature) for feature in features.split())
    ]


def environment_of(kind: str) -> dict[str, str]:
    """Return the variables with which a process makes code of a kind."""
    name, features = KINDS[kind]
    asked = ",".join(f"+{one}" for one in features.split())
    return {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": asked}
