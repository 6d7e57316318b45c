"""The vector code of processors that are not at hand: 4 floats wide, as ARM's is."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the code that is run is for x86"
)
TESTS = Path(__file__).parent
FOUR_WIDE = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "+sse4.2"}
"""An x86 processor of 4 floats: all but the last step to machine code is as for ARM."""

ASSEMBLY = """
import llvmlite.binding as llvm
from llvmlite import ir
from hsw2v.kernels import emit, tiles

assert emit.LANES == 4
module = ir.Module()
kinds = {"f": emit.FLOAT, "i": emit.INDEX}
parts = {
    "score_rows": "iiiii", "gradient_row": "iiiiifi", "gradient_rows": "iiiiifi",
    "update_rows": "iiiiiii", "mean_row": "iiii", "add_to_rows": "iiii", "prefetch_row": "ii",
}

class Context:
    get_dummy_value = staticmethod(lambda: None)

for name, arguments in parts.items():
    kind = ir.FunctionType(ir.VoidType(), [kinds[one] for one in arguments])
    function = ir.Function(module, kind, name)
    builder = ir.IRBuilder(function.append_basic_block())
    _, generate = getattr(tiles, name)._defn(None, *arguments)
    generate(Context, builder, None, function.args)
    builder.ret_void()
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
target = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(opt=3)
print(target.emit_assembly(llvm.parse_assembly(str(module))))
"""


def four_wide(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | FOUR_WIDE,
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_four_floats_at_once_equal_the_reference() -> None:
    said = four_wide("-m", "pytest", "-v", "-p", "no:cacheprovider", "tests/test_kernels.py")
    assert re.search(r"\d\d passed", said)


def test_arm_has_its_own_multiply_adds_and_prefetches() -> None:
    assembly = four_wide("-c", ASSEMBLY)
    bodies = {body.split(None, 1)[0]: body for body in assembly.split(".globl")[1:]}
    for name in ("score_rows", "gradient_rows", "update_rows"):
        assert "fmla\tv" in bodies[name]
        # No vector falls apart into its floats.
        assert "fmadd" not in bodies[name]
    assert "prfm" in bodies["prefetch_row"]
