"""The softmax link, the loss of sigmoids, and weighted sums of rows, as vector code.

Scores of a group of output rows lie in pieces of `(MAX_CONTEXT, MAX_OUTPUT) float32`, one after
the other, as the gradients do that `tiles.update_rows` takes. Lengths are in vectors of LANES.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hsw2v.jit import cgutils, intrinsic, ir, types
from hsw2v.kernels import emit
from hsw2v.kernels.emit import LANES

NOTHING = np.float32(-3e38)
"""The score of what is not there."""


def _lanes(builder: Any, vector: Any) -> list[Any]:
    return [builder.extract_element(vector, emit.INDEX(lane)) for lane in range(LANES)]


@intrinsic
def add_and_find_highest(typing: Any, scores: Any, biases: Any, chunks: Any) -> Any:
    """Add biases to scores, and return the highest of the sums, float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scores, biases, chunks = arguments
        highest = cgutils.alloca_once(builder, emit.VECTOR)
        builder.store(emit.splat_constant(-3e38), highest)
        with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
            offset = builder.mul(loop.index, emit.constant(4 * LANES))
            bias = emit.load(builder, biases, offset)
            value = emit.add(builder, emit.load(builder, scores, offset), bias)
            emit.store(builder, value, scores, offset)
            before = builder.load(highest)
            higher = builder.fcmp_ordered(">", value, before)
            builder.store(builder.select(higher, value, before), highest)
        found, *others = _lanes(builder, builder.load(highest))
        for one in others:
            found = builder.select(builder.fcmp_ordered(">", one, found), one, found)
        return found

    return types.float32(*([types.intp] * 3)), generate


@intrinsic
def exponentials(typing: Any, scores: Any, highest: Any, chunks: Any) -> Any:
    """Put exp(score - highest) in place of each score, and return their sum, float32.

    What is below exp(-83) is taken as that; NaN stays NaN.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scores, highest, chunks = arguments
        shift = emit.splat(builder, highest)
        per_log = emit.splat_constant(1.0 / math.log(2.0))
        total = cgutils.alloca_once(builder, emit.VECTOR)
        builder.store(emit.splat_constant(0.0), total)
        with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
            offset = builder.mul(loop.index, emit.constant(4 * LANES))
            x = builder.fsub(emit.load(builder, scores, offset), shift)
            power = emit.power_of_two(builder, builder.fmul(x, per_log))
            power = builder.select(builder.fcmp_ordered("ord", x, x), power, x)
            emit.store(builder, power, scores, offset)
            builder.store(emit.add(builder, builder.load(total), power), total)
        found, *others = _lanes(builder, builder.load(total))
        for one in others:
            found = builder.fadd(found, one)
        return found

    return types.float32(types.intp, types.float32, types.intp), generate


@intrinsic
def scale(typing: Any, values: Any, factor: Any, chunks: Any) -> Any:
    """Multiply values by a factor."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, factor, chunks = arguments
        factors = emit.splat(builder, factor)
        with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
            offset = builder.mul(loop.index, emit.constant(4 * LANES))
            product = builder.fmul(emit.load(builder, values, offset), factors)
            emit.store(builder, product, values, offset)
        return context.get_dummy_value()

    return types.void(types.intp, types.float32, types.intp), generate


@intrinsic
def add_weighted(
    typing: Any, total: Any, rows: Any, count: Any, weights: Any, step: Any, chunks: Any
) -> Any:
    """Add to the row at the address `total` a weighted sum of `count` rows.

    `rows` is the address of their addresses, `weights` that of the first weight (float32); the
    others follow at every `step` bytes.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, rows, count, weights, step, chunks = arguments
        sum_ = cgutils.alloca_once(builder, emit.VECTOR)
        with cgutils.for_range(builder, chunks, intp=emit.INDEX) as loop:
            offset = builder.mul(loop.index, emit.constant(4 * LANES))
            builder.store(emit.load(builder, total, offset), sum_)
            with cgutils.for_range(builder, count, intp=emit.INDEX) as inner:
                place = builder.add(weights, builder.mul(inner.index, step))
                weight = builder.load(emit.pointer(builder, place, emit.FLOAT))
                address = emit.load_address(builder, rows, inner.index)
                row = emit.load(builder, address, offset)
                added = emit.multiply_add(
                    builder, emit.splat(builder, weight), row, builder.load(sum_)
                )
                builder.store(added, sum_)
            emit.store(builder, builder.load(sum_), total, offset)
        return context.get_dummy_value()

    return types.void(*([types.intp] * 6)), generate


@intrinsic
def decision_losses(typing: Any, scores: Any, labels: Any, count: Any) -> Any:
    """Return a sum and a product, float32: the losses of `count` (1 … MAX_OUTPUT) decisions are
    the sum and the logarithm of the product, in nats.

    `scores` and `labels` are addresses of as many floats, in memory that may be read for LANES
    more. That is log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), z = -x for label 1 and x for 0. Each
    is off by up to 6e-8: 1 + e^-|z| is a float32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scores, labels, count = arguments
        zero, one = emit.splat_constant(0.0), emit.splat_constant(1.0)
        added = cgutils.alloca_once_value(builder, zero)
        factors = cgutils.alloca_once_value(builder, one)
        integers = ir.VectorType(ir.IntType(32), LANES)
        lanes = ir.Constant(integers, list(range(LANES)))
        vectors = builder.udiv(builder.add(count, emit.constant(LANES - 1)), emit.constant(LANES))
        with cgutils.for_range(builder, vectors, intp=emit.INDEX) as loop:
            first = builder.mul(loop.index, emit.constant(LANES))
            left = emit.splat(builder, builder.uitofp(builder.sub(count, first), emit.FLOAT))
            there = builder.fcmp_ordered("<", builder.sitofp(lanes, emit.VECTOR), left)
            offset = builder.mul(first, emit.constant(4))
            x = emit.load_anywhere(builder, scores, offset)
            label = emit.load_anywhere(builder, labels, offset)
            z = builder.select(builder.fcmp_ordered(">", label, zero), builder.fneg(x), x)
            z = builder.select(there, z, emit.splat_constant(-3e38))
            above = builder.select(builder.fcmp_ordered(">", zero, z), zero, z)
            size = builder.select(builder.fcmp_ordered(">", z, zero), builder.fneg(z), z)
            t = builder.fmul(size, emit.splat_constant(1.0 / math.log(2.0)))
            factor = builder.fadd(one, emit.power_of_two(builder, t))
            builder.store(builder.fadd(builder.load(added), above), added)
            builder.store(builder.fmul(builder.load(factors), factor), factors)
        sum_ = emit.sum_of_lanes(builder, builder.load(added))
        product = emit.product_of_lanes(builder, builder.load(factors))
        return context.make_tuple(builder, signature.return_type, [sum_, product])

    return types.UniTuple(types.float32, 2)(*([types.intp] * 3)), generate
