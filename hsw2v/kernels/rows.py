"""One row moves by a gradient: the passes of the optimizers over a row, as vector code.

As in `tiles`, rows are addresses, padded with zeros and aligned; a gradient may lie anywhere.
Every pass multiplies the row by `factor` (L2 decay) as it goes: next to the reading and writing
that costs nothing, and a factor of 1 changes no bit. Where a row and its gradient are 0 it stays
0: so does the padding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hsw2v.jit import cgutils, intrinsic, ir, types
from hsw2v.kernels import emit

_ROW, _NUMBER = types.intp, types.float32


def _each_vector(builder: Any, chunks: Any, generate: Callable[[Any], None]) -> None:
    """Emit code for every vector of a row, given its place in bytes."""
    with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
        generate(builder.mul(loop.index, emit.constant(4 * emit.LANES)))


def _square_root(builder: Any, x: Any) -> Any:
    kind = ir.FunctionType(emit.VECTOR, [emit.VECTOR])
    name = f"llvm.sqrt.v{emit.LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [x])


def _mix(builder: Any, row: Any, offset: Any, old: Any, new: Any, addend: Any) -> Any:
    """Make a row `old` · row + `new` · addend, and return it."""
    kept = builder.fmul(old, emit.load(builder, row, offset))
    mixed = emit.multiply_add(builder, new, addend, kept)
    emit.store(builder, mixed, row, offset)
    return mixed


def _follow(builder: Any, row: Any, offset: Any, share: Any, value: Any) -> Any:
    """Let a row go `share` of the way to a value, and return it."""
    old = emit.load(builder, row, offset)
    new = emit.multiply_add(builder, share, builder.fsub(value, old), old)
    emit.store(builder, new, row, offset)
    return new


def _over_root(builder: Any, numerator: Any, squares: Any, epsilon: Any) -> Any:
    return builder.fdiv(numerator, emit.add(builder, _square_root(builder, squares), epsilon))


@intrinsic
def decay_rows(typing: Any, rows: Any, count: Any, factor: Any, chunks: Any) -> Any:
    """Multiply `count` rows, whose addresses are at the address `rows`, by a number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, count, factor, chunks = arguments
        factors = emit.splat(builder, factor)
        with cgutils.for_range(builder, count, intp=emit.INDEX) as loop:
            row = emit.load_address(builder, rows, loop.index)

            def decay(offset: Any) -> None:
                value = builder.fmul(factors, emit.load(builder, row, offset))
                emit.store(builder, value, row, offset)

            _each_vector(builder, chunks, decay)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, _NUMBER, types.intp), generate


@intrinsic
def clear_row(typing: Any, row: Any, chunks: Any) -> Any:
    """Set a row to zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, chunks = arguments
        zero = emit.splat_constant(0.0)
        _each_vector(builder, chunks, lambda offset: emit.store(builder, zero, row, offset))
        return context.get_dummy_value()

    return types.void(_ROW, types.intp), generate


@intrinsic
def move_row_by(typing: Any, row: Any, gradient: Any, factor: Any, rate: Any, chunks: Any) -> Any:
    """Make a row `factor` · row + `rate` · g."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, gradient, factor, rate, chunks = arguments
        factors, rates = emit.splat(builder, factor), emit.splat(builder, rate)

        def move(offset: Any) -> None:
            g = emit.load_anywhere(builder, gradient, offset)
            _mix(builder, row, offset, factors, rates, g)

        _each_vector(builder, chunks, move)
        return context.get_dummy_value()

    return types.void(_ROW, _ROW, _NUMBER, _NUMBER, types.intp), generate


@intrinsic
def move_row_by_squares(
    typing: Any,
    row: Any,
    squares: Any,
    gradient: Any,
    factor: Any,
    rate: Any,
    epsilon: Any,
    old: Any,
    new: Any,
    chunks: Any,
) -> Any:
    """Make the row s at `squares` `old` · s + `new` · g², then a row
    `factor` · row + `rate` · g / (√s + ε)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, squares, gradient, *numbers, chunks = arguments
        factor, rate, epsilon, old, new = (emit.splat(builder, x) for x in numbers)

        def move(offset: Any) -> None:
            g = emit.load_anywhere(builder, gradient, offset)
            s = _mix(builder, squares, offset, old, new, builder.fmul(g, g))
            direction = _over_root(builder, g, s, epsilon)
            _mix(builder, row, offset, factor, rate, direction)

        _each_vector(builder, chunks, move)
        return context.get_dummy_value()

    return types.void(_ROW, _ROW, _ROW, *([_NUMBER] * 5), types.intp), generate


@intrinsic
def move_row_by_means(
    typing: Any,
    row: Any,
    means: Any,
    squares: Any,
    gradient: Any,
    factor: Any,
    rate: Any,
    epsilon: Any,
    mean_share: Any,
    square_share: Any,
    chunks: Any,
) -> Any:
    """Make the rows m at `means` and s at `squares` follow g and g² by these shares of the way,
    then a row `factor` · row + `rate` · m / (√s + ε)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, means, squares, gradient, *numbers, chunks = arguments
        factor, rate, epsilon, mean_share, square_share = (emit.splat(builder, x) for x in numbers)

        def move(offset: Any) -> None:
            g = emit.load_anywhere(builder, gradient, offset)
            m = _follow(builder, means, offset, mean_share, g)
            s = _follow(builder, squares, offset, square_share, builder.fmul(g, g))
            direction = _over_root(builder, m, s, epsilon)
            _mix(builder, row, offset, factor, rate, direction)

        _each_vector(builder, chunks, move)
        return context.get_dummy_value()

    return types.void(*([_ROW] * 4), *([_NUMBER] * 5), types.intp), generate


@intrinsic
def copy_row(typing: Any, row: Any, other: Any, chunks: Any) -> Any:
    """Make a row equal to another one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, other, chunks = arguments

        def copy(offset: Any) -> None:
            emit.store(builder, emit.load(builder, other, offset), row, offset)

        _each_vector(builder, chunks, copy)
        return context.get_dummy_value()

    return types.void(_ROW, _ROW, types.intp), generate


@intrinsic
def add_change(typing: Any, total: Any, before: Any, after: Any, chunks: Any) -> Any:
    """Add the change of a row to a row, and return its squared length, float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, before, after, chunks = arguments
        squares = cgutils.alloca_once(builder, emit.VECTOR)
        builder.store(emit.splat_constant(0.0), squares)

        def add(offset: Any) -> None:
            new, old = emit.load(builder, after, offset), emit.load(builder, before, offset)
            change = builder.fsub(new, old)
            sum_ = builder.fadd(emit.load(builder, total, offset), change)
            emit.store(builder, sum_, total, offset)
            squared = emit.multiply_add(builder, change, change, builder.load(squares))
            builder.store(squared, squares)

        _each_vector(builder, chunks, add)
        return emit.sum_of_lanes(builder, builder.load(squares))

    return _NUMBER(_ROW, _ROW, _ROW, types.intp), generate


@intrinsic
def squared_length(typing: Any, row: Any, chunks: Any) -> Any:
    """Return the squared length of a row, float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, chunks = arguments
        squares = cgutils.alloca_once(builder, emit.VECTOR)
        builder.store(emit.splat_constant(0.0), squares)

        def add(offset: Any) -> None:
            x = emit.load(builder, row, offset)
            builder.store(emit.multiply_add(builder, x, x, builder.load(squares)), squares)

        _each_vector(builder, chunks, add)
        return emit.sum_of_lanes(builder, builder.load(squares))

    return _NUMBER(_ROW, types.intp), generate
