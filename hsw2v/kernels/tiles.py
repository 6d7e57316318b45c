"""The register-tiled core: the three matrix products of a step, as explicit vector code.

Rows are not gathered: every function takes addresses of rows, so that the products read and
write the tables themselves. Rows are padded with zeros to a multiple of `arrays.PADDING` floats and
aligned to 64 bytes. LLVM's own vectorisation of these loops is several times slower, chiefly
because of the horizontal sums; hence the vector instructions are written out here, for whatever
vectors the machine has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hsw2v.jit import HAS_AVX512, cgutils, emit_prefetch, intrinsic, ir, types
from hsw2v.kernels import emit
from hsw2v.kernels.emit import LANES

MAX_CONTEXT = 10
"""Context rows that one step takes at most; `reference.step` splits windows alike."""
MAX_OUTPUT = 64
"""Output rows that one step takes at most."""

TILE_WIDTH = 8 if HAS_AVX512 else 4
"""Output rows of a tile: with two hidden rows as many sums as there are registers to spare."""


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
    return emit.add(
        builder,
        emit.shuffle(builder, left, right, even),
        emit.shuffle(builder, left, right, odd),
    )


def _horizontal_sums(builder: Any, vectors: list[Any]) -> list[Any]:
    """Return the sums over the lanes of each vector, packed in order into vectors."""
    zero = emit.splat_constant(0.0)
    vectors = vectors + [zero] * (-len(vectors) % LANES)
    group = 1
    while group < LANES:
        vectors = [
            _pair_sums(builder, vectors[i], vectors[i + 1], group)
            for i in range(0, len(vectors), 2)
        ]
        group *= 2
    return vectors


def _each_size(builder: Any, size: Any, largest: int, body: Callable[[int], None]) -> None:
    """Emit code for every size from 1 to `largest`, unrolled, and a jump to the one asked for."""
    done = builder.append_basic_block("sized")
    switch = builder.switch(size, done)
    for constant in range(1, largest + 1):
        block = builder.append_basic_block(f"size{constant}")
        switch.add_case(emit.constant(constant), block)
        builder.position_at_end(block)
        body(constant)
        builder.branch(done)
    builder.position_at_end(done)


def _each_group(builder: Any, chunks: Any, largest: int, body: Callable[[list[Any]], None]) -> None:
    """Emit code for the vectors of a row in groups of `largest`, and one of those that are left.

    `body` takes the places of a group's vectors in the row, in bytes. What it emits has all of them
    in registers: sums that do not wait for each other, and one reading of the addresses and weights
    of the rows for all of them.
    """

    def group(offset: Any, size: int) -> None:
        body([builder.add(offset, emit.constant(4 * LANES * number)) for number in range(size)])

    groups = builder.udiv(chunks, emit.constant(largest))
    with cgutils.for_range(builder, groups, intp=emit.INDEX) as loop:
        group(builder.mul(loop.index, emit.constant(4 * LANES * largest)), largest)
    if largest > 1:
        offset = builder.mul(groups, emit.constant(4 * LANES * largest))
        rest = builder.sub(chunks, builder.mul(groups, emit.constant(largest)))
        _each_size(builder, rest, largest - 1, lambda size: group(offset, size))


def _sigmoid(builder: Any, x: Any) -> Any:
    """Return 1 / (1 + 2^t), t = -x / log 2; NaN stays NaN."""
    t = builder.fmul(x, emit.splat_constant(-1.0 / math.log(2.0)))
    one = emit.splat_constant(1.0)
    chance = builder.fdiv(one, builder.fadd(one, emit.power_of_two(builder, t)))
    return builder.select(builder.fcmp_ordered("ord", x, x), chance, x)


def _dot_products(
    builder: Any, rows: int, columns: int, hidden: Any, output: Any, chunks: Any
) -> list[Any]:
    """Return dot products as packed vectors: TILE_WIDTH lanes for each hidden row."""
    left = [emit.load_address(builder, hidden, emit.constant(i)) for i in range(rows)]
    right = [emit.load_address(builder, output, emit.constant(j)) for j in range(columns)]
    zero = emit.splat_constant(0.0)
    sums = [
        [cgutils.alloca_once(builder, emit.VECTOR) for _ in range(columns)] for _ in range(rows)
    ]
    for row in sums:
        for one in row:
            builder.store(zero, one)
    with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
        offset = builder.mul(loop.index, emit.constant(4 * LANES))
        a = [emit.load(builder, row, offset) for row in left]
        for j in range(columns):
            b = emit.load(builder, right[j], offset)
            for i in range(rows):
                total = emit.multiply_add(builder, a[i], b, builder.load(sums[i][j]))
                builder.store(total, sums[i][j])
    flat: list[Any] = []
    for row in sums:
        flat += [builder.load(one) for one in row] + [zero] * (TILE_WIDTH - columns)
    return _horizontal_sums(builder, flat)


def _store_tile(builder: Any, rows: int, packed: list[Any], place: Any) -> None:
    for i in range(rows):
        source, start = packed[i * TILE_WIDTH // LANES], i * TILE_WIDTH % LANES
        value = emit.shuffle(builder, source, source, list(range(start, start + TILE_WIDTH)))
        row = builder.add(place, emit.constant(4 * i * MAX_OUTPUT))
        builder.store(value, emit.pointer(builder, row, value.type), align=4)


def _score_tile(rows: int) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width, hidden, output, chunks, scores = arguments

        def tile(columns: int) -> None:
            packed = _dot_products(builder, rows, columns, hidden, output, chunks)
            _store_tile(builder, rows, packed, scores)

        _each_size(builder, width, TILE_WIDTH, tile)
        return context.get_dummy_value()

    return generate


@intrinsic
def score_row(typing: Any, width: Any, hidden: Any, output: Any, chunks: Any, scores: Any) -> Any:
    """Write the dot products x of one hidden row with `width` (1 … TILE_WIDTH) output rows.

    `hidden` and `output` are addresses of arrays of row addresses, `chunks` the length of a row
    in vectors of LANES; `scores` is where TILE_WIDTH floats are written.
    """
    return types.void(*([types.intp] * 5)), _score_tile(1)


@intrinsic
def score_rows(typing: Any, width: Any, hidden: Any, output: Any, chunks: Any, scores: Any) -> Any:
    """Do as `score_row` for two hidden rows, into two rows of `(., MAX_OUTPUT) float32`."""
    return types.void(*([types.intp] * 5)), _score_tile(2)


def _gradient_tile(rows: int) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width, hidden, output, chunks, labels, rate, gradient = arguments
        rates = emit.splat(builder, rate)

        def tile(columns: int) -> None:
            packed = _dot_products(builder, rows, columns, hidden, output, chunks)
            place = emit.pointer(builder, labels, ir.VectorType(emit.FLOAT, TILE_WIDTH))
            some = builder.load(place, align=4)
            label = emit.shuffle(builder, some, some, [lane % TILE_WIDTH for lane in range(LANES)])
            errors = [builder.fsub(label, _sigmoid(builder, x)) for x in packed]
            _store_tile(builder, rows, [builder.fmul(rates, e) for e in errors], gradient)

        _each_size(builder, width, TILE_WIDTH, tile)
        return context.get_dummy_value()

    return generate


_GRADIENT_ARGUMENTS = (*([types.intp] * 5), types.float32, types.intp)


@intrinsic
def gradient_row(
    typing: Any,
    width: Any,
    hidden: Any,
    output: Any,
    chunks: Any,
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
    chunks: Any,
    labels: Any,
    rate: Any,
    gradient: Any,
) -> Any:
    """Do as `gradient_row` for two hidden rows, into two rows of `(., MAX_OUTPUT) float32`."""
    return types.void(*_GRADIENT_ARGUMENTS), _gradient_tile(2)


GROUP = 8 if HAS_AVX512 else 6
"""Vectors of a row that are worked on together, where all that is kept of them is one sum each."""


def _update(
    builder: Any,
    rows: int,
    hidden: Any,
    target: Any,
    output: Any,
    count: Any,
    chunks: Any,
    gradient: Any,
) -> None:
    left = [emit.load_address(builder, hidden, emit.constant(i)) for i in range(rows)]
    right = [emit.load_address(builder, target, emit.constant(i)) for i in range(rows)]

    def group(places: list[Any]) -> None:
        h = [[emit.load(builder, row, place) for place in places] for row in left]
        sums = [[cgutils.alloca_once(builder, emit.VECTOR) for _ in places] for _ in left]
        for of_row in sums:
            for one in of_row:
                builder.store(emit.splat_constant(0.0), one)
        with cgutils.for_range(builder, count, intp=emit.INDEX) as inner:
            address = emit.load_address(builder, output, inner.index)
            row = [emit.load(builder, address, place) for place in places]
            weights = builder.add(gradient, builder.mul(inner.index, emit.constant(4)))
            for i in range(rows):
                place = builder.add(weights, emit.constant(4 * i * MAX_OUTPUT))
                weight = emit.splat(builder, builder.load(emit.pointer(builder, place, emit.FLOAT)))
                for k in range(len(places)):
                    total = emit.multiply_add(builder, weight, row[k], builder.load(sums[i][k]))
                    builder.store(total, sums[i][k])
                    row[k] = emit.multiply_add(builder, weight, h[i][k], row[k])
            for k, place in enumerate(places):
                emit.store(builder, row[k], address, place)
        for i in range(rows):
            # Loaded only now: two context rows may be the same word.
            for k, place in enumerate(places):
                before = emit.load(builder, right[i], place)
                emit.store(
                    builder, emit.add(builder, before, builder.load(sums[i][k])), right[i], place
                )

    _each_group(builder, chunks, max(1, GROUP // rows), group)


@intrinsic
def update_rows(
    typing: Any,
    rows: Any,
    hidden: Any,
    target: Any,
    output: Any,
    count: Any,
    chunks: Any,
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
def merge_row(typing: Any, shared: Any, copy: Any, merged: Any, chunks: Any) -> Any:
    """Add to a row what a copy of it gained since both were merged; make all three equal."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        shared, copy, merged, chunks = arguments
        with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
            offset = builder.mul(loop.index, emit.constant(4 * LANES))
            before = emit.load(builder, merged, offset)
            change = builder.fsub(emit.load(builder, copy, offset), before)
            value = emit.add(builder, emit.load(builder, shared, offset), change)
            for row in (shared, copy, merged):
                emit.store(builder, value, row, offset)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def mean_row(typing: Any, rows: Any, count: Any, chunks: Any, mean: Any) -> Any:
    """Write the mean of `count` rows to the row at the address `mean`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, count, chunks, mean = arguments
        one = ir.Constant(emit.FLOAT, 1.0)
        share = emit.splat(builder, builder.fdiv(one, builder.sitofp(count, emit.FLOAT)))

        def group(places: list[Any]) -> None:
            sums = [cgutils.alloca_once(builder, emit.VECTOR) for _ in places]
            for total in sums:
                builder.store(emit.splat_constant(0.0), total)
            with cgutils.for_range(builder, count, intp=emit.INDEX) as inner:
                address = emit.load_address(builder, rows, inner.index)
                for total, place in zip(sums, places, strict=True):
                    row = emit.load(builder, address, place)
                    builder.store(emit.add(builder, builder.load(total), row), total)
            for total, place in zip(sums, places, strict=True):
                emit.store(builder, builder.fmul(builder.load(total), share), mean, place)

        _each_group(builder, chunks, GROUP, group)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def add_to_rows(typing: Any, rows: Any, count: Any, chunks: Any, addend: Any) -> Any:
    """Add the row at the address `addend` to each of `count` rows, and set it to zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, count, chunks, addend = arguments

        def group(places: list[Any]) -> None:
            values = [emit.load(builder, addend, place) for place in places]
            for place in places:
                emit.store(builder, emit.splat_constant(0.0), addend, place)
            with cgutils.for_range(builder, count, intp=emit.INDEX) as inner:
                address = emit.load_address(builder, rows, inner.index)
                for value, place in zip(values, places, strict=True):
                    total = emit.add(builder, emit.load(builder, address, place), value)
                    emit.store(builder, total, address, place)

        _each_group(builder, chunks, GROUP, group)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 4)), generate


@intrinsic
def prefetch_row(typing: Any, address: Any, chunks: Any) -> Any:
    """Ask for the row at an address, to be read and written soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, chunks = arguments
        lines = builder.udiv(chunks, emit.constant(max(1, 16 // LANES)))
        with cgutils.for_range(builder, lines, intp=emit.INDEX) as loop:
            line = builder.add(address, builder.mul(loop.index, emit.constant(64)))
            emit_prefetch(builder, emit.pointer(builder, line, ir.IntType(8)))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate
