"""The register-tiled core: the three matrix products of a step, as explicit vector code.

Rows are not gathered: every function takes addresses of rows, so that the products read and
write the tables themselves. Rows are padded with zeros to a multiple of `PADDING` floats and
aligned to 64 bytes. LLVM's own vectorisation of these loops is several times slower, chiefly
because of the horizontal sums; hence the vector instructions are written out here, for whatever
vectors the machine has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hsw2v.jit import HAS_AVX512, IS_X86, cgutils, emit_prefetch, intrinsic, ir, types

PADDING = 16
"""Floats that a row is padded to a multiple of: a cache line, and the widest register."""
MAX_CONTEXT = 10
"""Context rows that one step takes at most; `reference.step` splits windows alike."""
MAX_OUTPUT = 64
"""Output rows that one step takes at most."""

LANES = 16 if HAS_AVX512 else 8 if IS_X86 else 4
TILE_WIDTH = 8 if HAS_AVX512 else 4
"""Output rows of a tile: with two hidden rows as many sums as there are registers to spare."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FLOAT = ir.FloatType()
_INDEX = ir.IntType(64)
_FAST = ("contract", "reassoc", "nsz")


def _constant(value: int) -> Any:
    return ir.Constant(_INDEX, value)


def _pointer(builder: Any, address: Any, pointee: Any) -> Any:
    return builder.inttoptr(address, pointee.as_pointer())


def _load_address(builder: Any, rows: Any, index: Any) -> Any:
    place = builder.add(rows, builder.mul(index, _constant(8)))
    return builder.load(_pointer(builder, place, _INDEX))


def _load(builder: Any, address: Any, offset: Any) -> Any:
    return builder.load(_pointer(builder, builder.add(address, offset), _VECTOR), align=4 * LANES)


def _store(builder: Any, value: Any, address: Any, offset: Any) -> None:
    builder.store(
        value, _pointer(builder, builder.add(address, offset), value.type), align=4 * LANES
    )


def _add(builder: Any, left: Any, right: Any) -> Any:
    return builder.fadd(left, right, flags=_FAST)


def _multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    return _add(builder, builder.fmul(left, right, flags=_FAST), addend)


def _shuffle(builder: Any, left: Any, right: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(left, right, mask)


def _splat(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    return _shuffle(builder, one, one, [0] * LANES)


def _pair_sums(builder: Any, left: Any, right: Any, group: int) -> Any:
    """Add neighbouring groups of lanes: of left, then right, within each 128 bits (group 1)
    or across them (groups of 4 lanes and more)."""
    if group < 4:
        even, odd = [], []
        for base in range(0, LANES, 4):
            even += [base, base + 2, LANES + base, LANES + base + 2]
            odd += [base + 1, base + 3, LANES + base + 1, LANES + base + 3]
    else:
        starts = range(0, 2 * LANES, 2 * 4)
        even = [start + lane for start in starts for lane in range(4)]
        odd = [start + 4 + lane for start in starts for lane in range(4)]
    return _add(
        builder,
        _shuffle(builder, left, right, even),
        _shuffle(builder, left, right, odd),
    )


def _horizontal_sums(builder: Any, vectors: list[Any]) -> list[Any]:
    """Return the sums over the lanes of each vector, packed in order into vectors."""
    zero = _splat_constant(0.0)
    vectors = vectors + [zero] * (-len(vectors) % LANES)
    group = 1
    while group < LANES:
        vectors = [
            _pair_sums(builder, vectors[i], vectors[i + 1], group)
            for i in range(0, len(vectors), 2)
        ]
        group *= 2
    return vectors


def _each_size(builder: Any, size: Any, largest: int, emit: Callable[[int], None]) -> None:
    """Emit code for every size from 1 to `largest`, unrolled, and a jump to the one asked for."""
    done = builder.append_basic_block("sized")
    switch = builder.switch(size, done)
    for constant in range(1, largest + 1):
        block = builder.append_basic_block(f"size{constant}")
        switch.add_case(_constant(constant), block)
        builder.position_at_end(block)
        emit(constant)
        builder.branch(done)
    builder.position_at_end(done)


def _splat_constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [float(value)] * LANES)


_EXPONENT_LIMIT = 120


def _sigmoid(builder: Any, x: Any) -> Any:
    """Return 1 / (1 + 2^t), t = -x / log 2, within 2e-7; NaN stays NaN.

    2^t is the float whose exponent is t rounded, times the Taylor series of the rest.
    """
    t = builder.fmul(x, _splat_constant(-1.0 / math.log(2.0)))
    low, high = _splat_constant(-_EXPONENT_LIMIT), _splat_constant(_EXPONENT_LIMIT)
    t = builder.select(builder.fcmp_ordered(">", t, low), t, low)
    t = builder.select(builder.fcmp_ordered("<", t, high), t, high)
    integers = ir.VectorType(ir.IntType(32), LANES)
    # Conversion to integers cuts off: rounding is that of a positive number plus a half.
    positive = _add(builder, t, _splat_constant(_EXPONENT_LIMIT + 0.5))
    above = builder.fptosi(positive, integers)
    whole = builder.sub(above, ir.Constant(integers, [_EXPONENT_LIMIT] * LANES))
    rest = builder.fsub(t, builder.sitofp(whole, _VECTOR))
    series = _splat_constant(math.log(2.0) ** 6 / math.factorial(6))
    for power in range(5, -1, -1):
        coefficient = math.log(2.0) ** power / math.factorial(power)
        series = _multiply_add(builder, series, rest, _splat_constant(coefficient))
    exponent = builder.shl(whole, ir.Constant(integers, [23] * LANES))
    power_of_two = builder.add(builder.bitcast(series, integers), exponent)
    one = _splat_constant(1.0)
    chance = builder.fdiv(one, builder.fadd(one, builder.bitcast(power_of_two, _VECTOR)))
    return builder.select(builder.fcmp_ordered("ord", x, x), chance, x)


def _dot_products(
    builder: Any, rows: int, columns: int, hidden: Any, output: Any, vectors: Any
) -> list[Any]:
    """Return dot products as packed vectors: TILE_WIDTH lanes for each hidden row."""
    left = [_load_address(builder, hidden, _constant(i)) for i in range(rows)]
    right = [_load_address(builder, output, _constant(j)) for j in range(columns)]
    zero = _splat_constant(0.0)
    sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(columns)] for _ in range(rows)]
    for row in sums:
        for one in row:
            builder.store(zero, one)
    with cgutils.for_range(builder, vectors, intp=_INDEX) as loop:
        offset = builder.mul(loop.index, _constant(4 * LANES))
        a = [_load(builder, row, offset) for row in left]
        for j in range(columns):
            b = _load(builder, right[j], offset)
            for i in range(rows):
                total = _multiply_add(builder, a[i], b, builder.load(sums[i][j]))
                builder.store(total, sums[i][j])
    flat: list[Any] = []
    for row in sums:
        flat += [builder.load(one) for one in row] + [zero] * (TILE_WIDTH - columns)
    return _horizontal_sums(builder, flat)


def _store_tile(builder: Any, rows: int, packed: list[Any], place: Any) -> None:
    for i in range(rows):
        source, start = packed[i * TILE_WIDTH // LANES], i * TILE_WIDTH % LANES
        value = _shuffle(builder, source, source, list(range(start, start + TILE_WIDTH)))
        row = builder.add(place, _constant(4 * i * MAX_OUTPUT))
        builder.store(value, _pointer(builder, row, value.type), align=4)


@intrinsic
def score_row(typing: Any, width: Any, hidden: Any, output: Any, vectors: Any, scores: Any) -> Any:
    """Write the dot products x of one hidden row with `width` (1 … TILE_WIDTH) output rows.

    `hidden` and `output` are addresses of arrays of row addresses, `vectors` the length of a row
    in vectors of LANES; `scores` is where TILE_WIDTH floats are written.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width, hidden, output, vectors, scores = arguments

        def emit(columns: int) -> None:
            packed = _dot_products(builder, 1, columns, hidden, output, vectors)
            _store_tile(builder, 1, packed, scores)

        _each_size(builder, width, TILE_WIDTH, emit)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 5)), generate


def _gradient_tile(rows: int) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width, hidden, output, vectors, labels, rate, gradient = arguments
        rates = _splat(builder, rate)

        def emit(columns: int) -> None:
            packed = _dot_products(builder, rows, columns, hidden, output, vectors)
            place = _pointer(builder, labels, ir.VectorType(_FLOAT, TILE_WIDTH))
            some = builder.load(place, align=4)
            label = _shuffle(builder, some, some, [lane % TILE_WIDTH for lane in range(LANES)])
            errors = [builder.fsub(label, _sigmoid(builder, x)) for x in packed]
            _store_tile(builder, rows, [builder.fmul(rates, e) for e in errors], gradient)

        _each_size(builder, width, TILE_WIDTH, emit)
        return context.get_dummy_value()

    return generate


_GRADIENT_ARGUMENTS = (*([types.intp] * 5), types.float32, types.intp)


@intrinsic
def gradient_row(
    typing: Any,
    width: Any,
    hidden: Any,
    output: Any,
    vectors: Any,
    labels: Any,
    rate: Any,
    gradient: Any,
) -> Any:
    """Write rate · (label - sigmoid(x)), x as of `score_row`.

    The link is applied while the dot products are still in registers. `labels` is the address of
    `width` floats in memory that may be read for TILE_WIDTH of them.
    """
    return types.void(*_GRADIENT_ARGUMENTS), _gradient_tile(1)


@intrinsic
def gradient_rows(
    typing: Any,
    width: Any,
    hidden: Any,
    output: Any,
    vectors: Any,
    labels: Any,
    rate: Any,
    gradient: Any,
) -> Any:
    """Do as `gradient_row` for two hidden rows, into two rows of `(., MAX_OUTPUT) float32`."""
    return types.void(*_GRADIENT_ARGUMENTS), _gradient_tile(2)


def _update(
    builder: Any,
    rows: int,
    hidden: Any,
    target: Any,
    output: Any,
    count: Any,
    vectors: Any,
    gradient: Any,
) -> None:
    zero = _splat_constant(0.0)
    left = [_load_address(builder, hidden, _constant(i)) for i in range(rows)]
    right = [_load_address(builder, target, _constant(i)) for i in range(rows)]
    sums = [cgutils.alloca_once(builder, _VECTOR) for _ in range(rows)]
    with cgutils.for_range(builder, vectors, intp=_INDEX) as loop:
        offset = builder.mul(loop.index, _constant(4 * LANES))
        h = [_load(builder, row, offset) for row in left]
        for one in sums:
            builder.store(zero, one)
        with cgutils.for_range(builder, count, intp=_INDEX) as inner:
            address = _load_address(builder, output, inner.index)
            row = _load(builder, address, offset)
            weights = builder.add(gradient, builder.mul(inner.index, _constant(4)))
            for i in range(rows):
                place = builder.add(weights, _constant(4 * i * MAX_OUTPUT))
                weight = _splat(builder, builder.load(_pointer(builder, place, _FLOAT)))
                total = _multiply_add(builder, weight, row, builder.load(sums[i]))
                builder.store(total, sums[i])
                row = _multiply_add(builder, weight, h[i], row)
            _store(builder, row, address, offset)
        for i in range(rows):
            # Loaded only now: two context rows may be the same word.
            value = _add(builder, _load(builder, right[i], offset), builder.load(sums[i]))
            _store(builder, value, right[i], offset)


@intrinsic
def update_rows(
    typing: Any,
    rows: Any,
    hidden: Any,
    target: Any,
    output: Any,
    count: Any,
    vectors: Any,
    gradient: Any,
) -> Any:
    """Do both updates of a step, hidden row by hidden row: T_i += G_i O, then O += G_iᵀ H_i.

    H are `rows` (1 … MAX_CONTEXT) hidden rows, as they were before the step, T the rows that
    take their gradient, O are `count` output rows; `gradient` is the address of G
    `(., MAX_OUTPUT) float32`, learning rate included. Rows are given as addresses of arrays of
    row addresses.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size, *rest = arguments
        _each_size(builder, size, MAX_CONTEXT, lambda rows: _update(builder, rows, *rest))
        return context.get_dummy_value()

    return types.void(*([types.intp] * 7)), generate


@intrinsic
def merge_row(typing: Any, shared: Any, copy: Any, merged: Any, vectors: Any) -> Any:
    """Add to a row what a copy of it gained since both were merged; make all three equal."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        shared, copy, merged, vectors = arguments
        with cgutils.for_range(builder, vectors, intp=_INDEX) as loop:
            offset = builder.mul(loop.index, _constant(4 * LANES))
            before = _load(builder, merged, offset)
            change = builder.fsub(_load(builder, copy, offset), before)
            value = _add(builder, _load(builder, shared, offset), change)
            for row in (shared, copy, merged):
                _store(builder, value, row, offset)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def mean_row(typing: Any, rows: Any, count: Any, vectors: Any, mean: Any) -> Any:
    """Write the mean of `count` rows to the row at the address `mean`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, count, vectors, mean = arguments
        one = ir.Constant(_FLOAT, 1.0)
        share = _splat(builder, builder.fdiv(one, builder.sitofp(count, _FLOAT)))
        total = cgutils.alloca_once(builder, _VECTOR)
        with cgutils.for_range(builder, vectors, intp=_INDEX) as loop:
            offset = builder.mul(loop.index, _constant(4 * LANES))
            builder.store(_splat_constant(0.0), total)
            with cgutils.for_range(builder, count, intp=_INDEX) as inner:
                row = _load(builder, _load_address(builder, rows, inner.index), offset)
                builder.store(_add(builder, builder.load(total), row), total)
            _store(builder, builder.fmul(builder.load(total), share), mean, offset)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def add_to_rows(typing: Any, rows: Any, count: Any, vectors: Any, addend: Any) -> Any:
    """Add the row at the address `addend` to each of `count` rows, and set it to zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, count, vectors, addend = arguments
        with cgutils.for_range(builder, vectors, intp=_INDEX) as loop:
            offset = builder.mul(loop.index, _constant(4 * LANES))
            value = _load(builder, addend, offset)
            _store(builder, _splat_constant(0.0), addend, offset)
            with cgutils.for_range(builder, count, intp=_INDEX) as inner:
                address = _load_address(builder, rows, inner.index)
                total = _add(builder, _load(builder, address, offset), value)
                _store(builder, total, address, offset)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def prefetch_row(typing: Any, address: Any, vectors: Any) -> Any:
    """Ask for the row at an address, to be read and written soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, vectors = arguments
        lines = builder.udiv(vectors, _constant(max(1, 16 // LANES)))
        with cgutils.for_range(builder, lines, intp=_INDEX) as loop:
            line = builder.add(address, builder.mul(loop.index, _constant(64)))
            emit_prefetch(builder, _pointer(builder, line, ir.IntType(8)))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate
