"""Vector and bit operations of the compiled tokeniser, as intrinsics."""

from __future__ import annotations

from typing import Any

from hsw2v.jit import emit_prefetch, intrinsic, ir, types

VECTOR = 64
"""Bytes of a vector."""


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@intrinsic
def load(typingctx: Any, data: Any, index: Any) -> Any:
    """Return the 8 bytes from `data[index]` as one little-endian number."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        word = ir.IntType(64)
        return builder.load(builder.bitcast(place, word.as_pointer()), align=1)

    return types.uint64(data, types.int64), codegen


@intrinsic
def store(typingctx: Any, data: Any, index: Any, word: Any) -> Any:
    """Write the 8 bytes of a little-endian number to `data[index]` and what follows."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.none(data, types.int64, types.uint64), codegen


@intrinsic
def classify(typingctx: Any, data: Any, index: Any) -> Any:
    """Return bit masks over the 64 bytes from `data[index]`.

    These are ASCII white space, line feeds, and bytes that may begin white space beyond ASCII.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), VECTOR)
        place = _address(context, builder, signature.args[0], args[0], args[1])
        text = builder.load(builder.bitcast(place, vector.as_pointer()), align=1)

        def among(first: int, last: int) -> Any:
            low = ir.Constant(vector, [first] * VECTOR)
            width = ir.Constant(vector, [last - first] * VECTOR)
            return builder.icmp_unsigned("<=", builder.sub(text, low), width)

        def mask(*parts: Any) -> Any:
            bits = parts[0]
            for part in parts[1:]:
                bits = builder.or_(bits, part)
            return builder.bitcast(bits, ir.IntType(VECTOR))

        white = mask(among(0x09, 0x0D), among(0x1C, 0x20))
        line = mask(among(0x0A, 0x0A))
        wide = mask(among(0xC2, 0xC2), among(0xE1, 0xE3))
        return context.make_tuple(builder, signature.return_type, (white, line, wide))

    return types.UniTuple(types.uint64, 3)(data, types.int64), codegen


@intrinsic
def lowest(typingctx: Any, bits: Any) -> Any:
    """Return the position of the lowest bit that is set; 64 if there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), codegen


@intrinsic
def prefetch(typingctx: Any, table: Any, row: Any) -> Any:
    """Prefetch the cache line of a row of a `(rows, 4) uint64` table."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index = builder.shl(args[1], ir.Constant(ir.IntType(64), 2))
        place = _address(context, builder, signature.args[0], args[0], index)
        emit_prefetch(builder, place, to_write=True)
        return context.get_dummy_value()

    return types.none(table, types.int64), codegen
