"""Vector instructions for intrinsics to emit, for whatever vectors the machine has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hsw2v.jit import HAS_AVX512, IS_X86, cgutils, ir

LANES = 16 if HAS_AVX512 else 8 if IS_X86 else 4
"""Floats of a vector."""
VECTOR = ir.VectorType(ir.FloatType(), LANES)
FLOAT = ir.FloatType()
INDEX = ir.IntType(64)
_FAST = ("contract", "reassoc", "nsz")


def constant(value: int) -> Any:
    """Return an index that is known when compiling."""
    return ir.Constant(INDEX, value)


def pointer(builder: Any, address: Any, pointee: Any) -> Any:
    """Return an address as a pointer."""
    return builder.inttoptr(address, pointee.as_pointer())


def load_address(builder: Any, rows: Any, index: Any) -> Any:
    """Return the address in place `index` of an array of addresses."""
    place = builder.add(rows, builder.mul(index, constant(8)))
    return builder.load(pointer(builder, place, INDEX))


def load(builder: Any, address: Any, offset: Any) -> Any:
    """Return the vector of floats at an address plus an offset in bytes, both aligned."""
    return builder.load(pointer(builder, builder.add(address, offset), VECTOR), align=4 * LANES)


def load_anywhere(builder: Any, address: Any, offset: Any) -> Any:
    """Return the vector of floats at an address plus an offset in bytes, aligned as floats are."""
    return builder.load(pointer(builder, builder.add(address, offset), VECTOR), align=4)


def store(builder: Any, value: Any, address: Any, offset: Any) -> None:
    """Write a vector to an address plus an offset in bytes, both aligned."""
    builder.store(
        value, pointer(builder, builder.add(address, offset), value.type), align=4 * LANES
    )


def add(builder: Any, left: Any, right: Any) -> Any:
    """Return left + right."""
    return builder.fadd(left, right, flags=_FAST)


def multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    """Return left · right + addend."""
    return add(builder, builder.fmul(left, right, flags=_FAST), addend)


def shuffle(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    """Return the lanes of two vectors, one after the other, in this order."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(left, right, mask)


def _over_lanes(builder: Any, vector: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combine the floats of a vector, half by half."""
    half = LANES // 2
    while half:
        other = shuffle(builder, vector, vector, [(lane + half) % LANES for lane in range(LANES)])
        vector, half = combine(vector, other), half // 2
    return builder.extract_element(vector, INDEX(0))


def sum_of_lanes(builder: Any, vector: Any) -> Any:
    """Return the sum of the floats of a vector."""
    return _over_lanes(builder, vector, lambda one, other: add(builder, one, other))


def product_of_lanes(builder: Any, vector: Any) -> Any:
    """Return the product of the floats of a vector."""
    return _over_lanes(builder, vector, builder.fmul)


def splat(builder: Any, scalar: Any) -> Any:
    """Return a vector of one scalar."""
    one = builder.insert_element(
        ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    return shuffle(builder, one, one, [0] * LANES)


def splat_constant(value: float) -> Any:
    """Return a vector of one number that is known when compiling."""
    return ir.Constant(VECTOR, [float(value)] * LANES)


_EXPONENT_LIMIT = 120.0
_SERIES = (
    1.0,
    0.6931470036506653,
    0.24022242426872253,
    0.05550733581185341,
    0.009671512991189957,
    0.001326472731307149,
)
"""The polynomial of degree 5 of least relative error for 2^r, |r| ≤ 1/2, that is 1 at 0."""


def _rounded(builder: Any, x: Any) -> Any:
    kind = ir.FunctionType(VECTOR, [VECTOR])
    name = f"llvm.rint.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [x])


def power_of_two(builder: Any, t: Any) -> Any:
    """Return 2^t, within 2e-7 of it; t beyond ±120 is taken as that, and NaN as -120.

    That is the float whose exponent is t rounded, times the polynomial of the rest.
    """
    low, high = splat_constant(-_EXPONENT_LIMIT), splat_constant(_EXPONENT_LIMIT)
    t = builder.select(builder.fcmp_ordered(">", t, low), t, low)
    t = builder.select(builder.fcmp_ordered("<", t, high), t, high)
    whole = _rounded(builder, t)
    rest = builder.fsub(t, whole)
    series = splat_constant(_SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        series = multiply_add(builder, series, rest, splat_constant(coefficient))
    integers = ir.VectorType(ir.IntType(32), LANES)
    places = ir.Constant(integers, [23] * LANES)
    exponent = builder.shl(builder.fptosi(whole, integers), places)
    return builder.bitcast(builder.add(builder.bitcast(series, integers), exponent), VECTOR)
