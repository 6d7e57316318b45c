"""Named arrays and metadata in one safetensors file, mapped into memory and guarded.

`docs/file-format.md` specifies the file. Here is its envelope: which arrays, with which checksums
and which metadata. What the arrays mean is the business of `modelfile.py`.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson
import safetensors
from numpy.typing import NDArray

from hsw2v.errors import MissingInputError, ModelFileError
from hsw2v.files import atomic_write, compression_of, is_address, pieces

FORMAT = "hsw2v"
FORMAT_VERSION = 5
"""The greatest that is read."""

_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(dtype)
    for name, dtype in (
        ("I64", "<i8"),
        ("F64", "<f8"),
        ("F32", "<f4"),
        ("I32", "<i4"),
        ("F16", "<f2"),
        ("I8", "i1"),
        ("U8", "u1"),
    )
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_STEP = 1 << 24
_LONGEST_HEADER = 100_000_000
UPGRADE = "upgrade hsw2v"
_LONGEST_VERSION = 9

Array = NDArray[Any]


class Store:
    """An open file: its metadata, and its arrays, each checked when it is first asked for."""

    def __init__(self, path: str, name: str, format: str = FORMAT) -> None:
        """Map the file at `path`, which errors call `name`.

        Raises:
            ModelFileError: the file is truncated, altered, of another kind or too new.
        """
        self.name = name
        with _explained(name):
            with safetensors.safe_open(path, framework="np") as checked:
                metadata = checked.metadata() or {}
            with open(path, "rb") as stream:
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            (length,) = struct.unpack("<Q", self._bytes[:8])
            header: dict[str, Any] = json.loads(self._bytes[8 : 8 + length])
        header.pop("__metadata__", None)
        self._header, self._start = header, 8 + length
        self._is_model = format == FORMAT
        self._arrays: dict[str, Array] = {}
        _check_version(metadata, name, format)
        self.metadata = {key: self._metadata(metadata, key) for key in ("config", "info")}
        self._checksums = self._metadata(metadata, "checksums")
        for key in self.metadata:
            self._check(f"'{key}' in the header", metadata[key].encode(), self._checksums.get(key))
        if self._checksums.keys() != header.keys() | self.metadata.keys():
            raise self.broken("was altered or damaged (its checksums are not of its tensors)")

    def _metadata(self, metadata: Mapping[str, str], key: str) -> dict[str, Any]:
        try:
            if self._is_model:
                value = orjson.loads(metadata[key])
                # Whatever is in a model can be printed, and saved again.
                orjson.dumps(value)
            else:
                # Names of files need not be UTF-8.
                value = json.loads(metadata[key])
        except (KeyError, ValueError, TypeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.broken(f"is not a whole model (no valid '{key}' in its header)")
        return value

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._header

    @property
    def tensors(self) -> list[str]:
        """The names of all arrays."""
        return list(self._header)

    def verify(self, tensor: str) -> None:
        """Check an array of any type against its checksum.

        Raises:
            ModelFileError: it was altered.
        """
        begin, end = (self._start + offset for offset in self._header[tensor]["data_offsets"])
        content = memoryview(self._bytes)[begin:end]
        self._check(f"tensor '{tensor}'", content, self._checksums.get(tensor))

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of an array without reading it."""
        return tuple(self._header[tensor]["shape"])

    def dtype(self, tensor: str) -> str:
        """Return safetensors' name of the type of an array."""
        return str(self._header[tensor]["dtype"])

    def array(self, tensor: str) -> Array:
        """Return an array, read-only and mapped, after checking it against its checksum.

        Raises:
            ModelFileError: the file has no such array, or it was altered.
        """
        if tensor not in self._arrays:
            entry = self._header.get(tensor)
            if entry is None or entry["dtype"] not in _DTYPES:
                raise self.broken(f"is not a whole model (no usable tensor '{tensor}')")
            self.verify(tensor)
            begin, end = (self._start + offset for offset in entry["data_offsets"])
            flat = np.frombuffer(memoryview(self._bytes)[begin:end], _DTYPES[entry["dtype"]])
            self._arrays[tensor] = flat.reshape(entry["shape"])
        return self._arrays[tensor]

    def _check(self, what: str, content: bytes | memoryview, checksum: object) -> None:
        if _written(zlib.crc32(content)) != checksum:
            raise self.broken(f"was altered or damaged ({what} does not fit its checksum)")

    def broken(self, what: str) -> ModelFileError:
        """Return the error that this file is not as it was written."""
        return ModelFileError(what, where=self.name, hint="fetch or train the model again")


def open_store(source: str, format: str = FORMAT) -> Store:
    """Open a path, mapped into memory, or an address or compressed file, through a copy.

    Raises:
        MissingInputError, ModelFileError
    """
    if not is_address(source) and not compression_of(source):
        return Store(source, source, format)
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as copy:
        for piece in pieces(source):
            copy.write(piece)
        copy.flush()
        return Store(copy.name, source, format)


def looks_like_store(beginning: bytes) -> bool:
    """Tell whether a file that begins so is a safetensors file."""
    if len(beginning) < 9:
        return False
    (length,) = struct.unpack("<Q", beginning[:8])
    return bool(length <= _LONGEST_HEADER and beginning[8:9] == b"{")


def write_store(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    *,
    version: int,
    format: str = FORMAT,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    force: bool = False,
    sync: bool = True,
) -> None:
    """Write arrays and metadata, piece by piece: the file appears whole or not at all.

    `version` is the least that a reader must know; `sync` is that of `files.atomic_write`.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    # Falling item size keeps every array aligned, as safetensors' own writer does.
    ordered = dict(sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])))
    metadata = {
        "format": format,
        "format_version": str(version),
        "config": _json(config),
        "info": _json(info),
    }
    checksums = {key: _written(zlib.crc32(metadata[key].encode())) for key in ("config", "info")}
    checksums |= {name: _written(_checksum(array)) for name, array in ordered.items()}
    metadata["checksums"] = json.dumps(checksums)
    with atomic_write(path, force=force, sync=sync) as stream:
        stream.write(_header(ordered, metadata))
        for array in ordered.values():
            for piece in _pieces(array):
                stream.write(piece)


def _json(value: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError:
        # A name of a file that is not UTF-8, in a checkpoint.
        return json.dumps(value, default=lambda one: one.tolist())


def _header(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    begin = 0
    for name, array in arrays.items():
        end = begin + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype.newbyteorder("<")],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text


def _pieces(array: Array) -> Iterator[memoryview]:
    """Yield the little-endian bytes of an array of any memory layout, bounded at a time."""
    rows = max(1, _STEP * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        whole = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("<"))
        if whole.size:
            yield whole.data.cast("B")


def _checksum(array: Array) -> int:
    checksum = 0
    for piece in _pieces(array):
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _written(checksum: int) -> str:
    return f"crc32:{checksum:08x}"


def _check_version(metadata: Mapping[str, str], name: str, format: str) -> None:
    if metadata.get("format") != format:
        raise ModelFileError(
            "is a safetensors file, but not an hsw2v model",
            where=name,
            hint="name a model that hsw2v wrote, or word2vec text or binary vectors",
        )
    version = metadata.get("format_version", "")
    usable = version.isascii() and version.isdigit() and len(version) <= _LONGEST_VERSION
    if not usable or int(version) < 1:
        raise ModelFileError(
            f"has the format version {version[:20]!r}, which is none",
            where=name,
            hint="fetch or train the model again",
        )
    if int(version) > FORMAT_VERSION:
        raise ModelFileError(
            f"is in format version {version}, and this hsw2v reads up to {FORMAT_VERSION}",
            where=name,
            hint=UPGRADE,
        )


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MissingInputError(
            f"cannot be opened ({error.strerror or error})", where=name, hint="check the path"
        ) from error
    except (safetensors.SafetensorError, ValueError, RecursionError, struct.error) as error:
        raise ModelFileError(
            f"is truncated, altered or not a model ({error})",
            where=name,
            hint="fetch or train the model again",
        ) from error
