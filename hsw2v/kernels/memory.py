"""Reading and writing at addresses.

In the loop over windows nothing is an array: numba counts references to arrays with locked
instructions, at calls and fields of tuples, and that would take a good part of the time.
`train_block` takes the addresses of its arrays once, and they stay alive for as long as it runs.
"""

from __future__ import annotations

from typing import Any

from hsw2v.jit import intrinsic, ir, types


def _loader(kind: Any, representation: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], representation.as_pointer()))

    return kind(types.intp), generate


@intrinsic
def load_uint8(typing: Any, address: Any) -> Any:
    """Return the uint8 at an address."""
    return _loader(types.uint8, ir.IntType(8))


@intrinsic
def load_int32(typing: Any, address: Any) -> Any:
    """Return the int32 at an address."""
    return _loader(types.int32, ir.IntType(32))


@intrinsic
def load_int64(typing: Any, address: Any) -> Any:
    """Return the int64 at an address."""
    return _loader(types.int64, ir.IntType(64))


@intrinsic
def load_uint64(typing: Any, address: Any) -> Any:
    """Return the uint64 at an address."""
    return _loader(types.uint64, ir.IntType(64))


@intrinsic
def load_float32(typing: Any, address: Any) -> Any:
    """Return the float32 at an address."""
    return _loader(types.float32, ir.FloatType())


def _storer(kind: Any, representation: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, value = arguments
        builder.store(value, builder.inttoptr(address, representation.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, kind), generate


@intrinsic
def store_int32(typing: Any, address: Any, value: Any) -> Any:
    """Write an int32 to an address."""
    return _storer(types.int32, ir.IntType(32))


@intrinsic
def store_int64(typing: Any, address: Any, value: Any) -> Any:
    """Write an int64 to an address."""
    return _storer(types.int64, ir.IntType(64))


@intrinsic
def store_float32(typing: Any, address: Any, value: Any) -> Any:
    """Write a float32 to an address."""
    return _storer(types.float32, ir.FloatType())
