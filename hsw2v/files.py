"""Reading and writing of files: the only door to smart_open.

Any path or address is read, decompressed by its extension. A file is written whole or not at all:
a temporary file beside it, fsync, rename.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import gzip
import importlib.util
import itertools
import os
import re
import secrets
import sys
import urllib.parse
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from hsw2v.buckets import is_key_pattern, matching_keys
from hsw2v.errors import (
    CorruptInputError,
    DiskFullError,
    EncodingError,
    Hsw2vError,
    MissingInputError,
    OutputError,
    OutputExistsError,
    UsageError,
    credentials,
    missing_extra,
    without_credentials,
)

STDIN = STDOUT = "-"
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_EXTRAS = {
    **dict.fromkeys(("s3", "s3a", "s3n"), ("s3", "boto3")),
    "gs": ("gcs", "google.cloud.storage"),
    "azure": ("azure", "azure.storage.blob"),
    **dict.fromkeys(("http", "https"), ("http", "requests")),
}
"""The extra that reads addresses of a scheme, and the package of it."""
_BATCH = 1 << 14
_ZSTD_CHECKSUM = 201
"""ZSTD_c_checksumFlag."""
_LINE_END = re.compile(rb"\r\n|\r|\n")


def is_address(source: str) -> bool:
    """Tell whether a source is a URL rather than a path."""
    return bool(_ADDRESS.match(source))


def name_of(source: str | os.PathLike[str]) -> str:
    """Return the name of a file, of an address without its query, which may hold credentials."""
    source = os.fspath(source)
    return os.path.basename(urllib.parse.urlsplit(source).path if is_address(source) else source)


def check_address(source: str) -> None:
    """Check, before any work, that addresses of this kind can be read.

    Raises:
        UsageError: what reads them is not installed.
    """
    scheme = source.split("://", 1)[0].lower() if is_address(source) else ""
    if scheme in _EXTRAS:
        extra, package = _EXTRAS[scheme]
        with contextlib.suppress(ModuleNotFoundError):  # Of a package that it is in.
            if importlib.util.find_spec(package) is not None:
                return
        raise missing_extra(f"addresses {scheme}:// need {package}", extra, where=source)


def readable(source: str) -> str:
    """Return the name of a source as it may be shown and kept.

    It is valid Unicode, with U+FFFD for bytes that are not UTF-8, and has no credentials.
    """
    return without_credentials(os.fsencode(source).decode(errors="replace"))


def expand_sources(sources: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the files that sources name: globs and directories, searched recursively, are sorted.

    Hidden files in directories are left out. An address with `*` in a bucket of S3 names the keys
    that match it; others and `-` stand for themselves.

    Raises:
        MissingInputError: a path does not exist, a pattern matches no file, a directory has none,
            or a bucket cannot be listed.
    """
    found: list[str] = []
    for source in [os.fspath(source) for source in sources]:
        literal = source == STDIN or is_address(source)
        if is_key_pattern(source):
            files, missing = matching_keys(source), ""
        elif os.path.isdir(source) and not literal:
            files, missing = _files_below(source), "the directory holds no files"
        elif literal or os.path.exists(source):
            files, missing = [source], ""
        elif glob.has_magic(source):
            matches = glob.glob(source, recursive=True)
            files, missing = _sorted_files(matches), "no file matches the pattern"
        else:
            files, missing = [], "no such file"
        if not files:
            raise MissingInputError(missing, where=source, hint="check the path")
        found += files
    return found


def _files_below(folder: str) -> list[str]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [os.path.join(parent, n) for n in names if not n.startswith(".")]
    return _sorted_files(found)


def _sorted_files(paths: list[str]) -> list[str]:
    return sorted(path for path in paths if os.path.isfile(path))


def stored_size(source: str) -> int | None:
    """Return the size in bytes of a regular file as stored; None for anything else."""
    if source == STDIN or is_address(source) or not os.path.isfile(source):
        return None
    return os.path.getsize(source)


def pieces(
    source: str,
    size: int = 1 << 22,
    tick: Callable[[BinaryIO, int], None] = lambda stored, passed: None,
) -> Generator[bytes, None, None]:
    """Yield all bytes of a source, decompressed by its extension, at most `size` at a time.

    Before each piece `tick` is called with the source as it is stored, and the bytes that are read.

    Raises:
        MissingInputError: the source cannot be opened.
        CorruptInputError: it is truncated, or cannot be decompressed.
    """
    passed = 0
    with open_stored(source) as stored, decompressed(stored, source) as stream:
        while True:
            with reading(source):
                piece = stream.read(size)
            if not piece:
                return
            passed += len(piece)
            tick(stored, passed)
            yield piece


def read_text(source: str) -> str:
    """Return all of a source as text, decompressed by its extension, without a byte order mark.

    Raises:
        MissingInputError: the source cannot be opened.
        CorruptInputError: it is truncated, or cannot be decompressed.
        EncodingError: it is not UTF-8.
    """
    raw = b"".join(pieces(source))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(raw, 0, error.start)) + 1
        raise EncodingError(
            f"is not UTF-8 (byte {error.start})",
            where=f"{source}, line {line}",
            hint="convert the file to UTF-8",
        ) from error


@contextlib.contextmanager
def open_stored(source: str) -> Iterator[BinaryIO]:
    """Open a path, an address or `-` for reading its bytes as they are stored.

    Errors while reading are those of other libraries: see `reading`.

    Raises:
        UsageError: what reads an address is not installed.
        MissingInputError: the source cannot be opened.
    """
    if source == STDIN:
        # A blocked read of the raw stream holds no lock that the end of the program waits for.
        yield getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
        return
    check_address(source)
    try:
        if is_address(source):
            import smart_open

            stream = smart_open.open(source, "rb", compression="disable")
        else:
            stream = open(source, "rb", buffering=0)  # noqa: SIM115
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not is_address(source):
            raise MissingInputError("no such file", where=source, hint="check the path") from error
        # A path with a NUL byte is a ValueError.
        if isinstance(error, (OSError, ValueError)) or is_address(source):
            raise MissingInputError(
                f"cannot be opened ({_reason(error, source)})",
                where=source,
                hint="check it and its rights",
            ) from _cause(error, source)
        raise
    with stream:
        yield stream


@contextlib.contextmanager
def decompressed(stored: BinaryIO, source: str) -> Iterator[BinaryIO]:
    """Decompress the stored bytes of a source by its extension."""
    extension = compression_of(source)
    if not extension:
        yield stored
        return
    from smart_open.compression import compression_wrapper

    with compression_wrapper(stored, "rb", compression=extension) as stream:
        yield cast(BinaryIO, stream)


def compression_of(source: str) -> str:
    """Return the extension of a compressed source, such as `.gz`; empty for others."""
    extension = _extensions(source)[1]
    return extension if extension in COMPRESSIONS else ""


def extension_of(source: str) -> str:
    """Return the extension of what a source holds, such as `.csv` of `a.csv.gz`; or empty."""
    inner, extension = _extensions(source)
    return os.path.splitext(inner)[1].lower() if extension in COMPRESSIONS else extension


def _extensions(source: str) -> tuple[str, str]:
    """Return the path of a source without its last extension, and that in lower case."""
    path = urllib.parse.urlsplit(source).path if is_address(source) else source
    inner, extension = os.path.splitext(path)
    return inner, extension.lower()


@contextlib.contextmanager
def reading(source: str) -> Iterator[None]:
    """Let errors while a source is read, by the system or a decompressor, be ours.

    Raises:
        MissingInputError: it cannot be read.
        CorruptInputError: it is truncated, or cannot be decompressed.
    """
    try:
        yield
    except Hsw2vError:
        raise
    except Exception as error:
        raise explain_read_error(error, source) from _cause(error, source)


def _cause(error: Exception, source: str) -> Exception | None:
    """Return what an error of ours comes from; of an address nothing, for it may be named whole."""
    return None if is_address(source) else error


def explain_read_error(error: Exception, source: str) -> Hsw2vError:
    """Return our error for one of reading, by the system or a decompressor."""
    if isinstance(error, Hsw2vError):
        return error
    if isinstance(error, EOFError):
        return CorruptInputError(
            "is truncated: the compressed data end too early",
            where=source,
            hint="fetch or write the file again",
        )
    if compression_of(source) and (not isinstance(error, OSError) or error.errno is None):
        return CorruptInputError(
            f"cannot be decompressed ({_reason(error, source)})",
            where=source,
            hint="check that the file is whole and has the right extension",
        )
    return MissingInputError(
        f"cannot be read ({_reason(error, source)})", where=source, hint="check it and its rights"
    )


def _reason(error: BaseException, source: str = "") -> str:
    """Return why an error was, without the credentials of the source."""
    strerror = error.strerror if isinstance(error, OSError) else None
    reason = str(strerror or error)
    hidden = {*credentials(source)} if is_address(source) else set()
    hidden |= {urllib.parse.unquote(one) for one in hidden}
    for one in sorted(hidden, key=len, reverse=True):
        reason = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", "…", reason)
    return reason or type(error).__name__


def check_writable(
    path: str | os.PathLike[str], *, force: bool = False, stdout: bool = False
) -> None:
    """Check, before any work, that `atomic_write` can write there, or `writing`, to `stdout` too.

    Raises:
        UsageError: it is `-`, standard output, where a file has to be.
        OutputExistsError: the file exists and `force` is not given.
        OutputError: the folder is missing or not writable, or the path is no regular file.
    """
    if os.fspath(path) == STDOUT:
        if stdout:
            return
        raise UsageError(
            "the output is a file, and cannot be standard output (-)", hint="name a file"
        )
    with _explained(path):
        target = _target(path)
        if target.is_dir() or os.fspath(path).endswith(os.sep):
            raise OutputError("is a directory", where=str(path), hint="name a file to write")
        if target.exists() and not target.is_file():
            raise OutputError("is not a regular file", where=str(path), hint="name another")
        if target.exists() and not force:
            raise OutputExistsError(
                "exists already", where=str(path), hint="use --force (force=True) to replace it"
            )
        probe = _temporary_beside(target)
        probe.touch(exist_ok=False)
        probe.unlink()


@contextlib.contextmanager
def atomic_write(
    path: str | os.PathLike[str], *, force: bool = False, sync: bool = True
) -> Iterator[BinaryIO]:
    """Open a file for writing bytes; it appears under its name only when all is written.

    On any error nothing is left behind, and an older file of that name stays as it was. A
    symbolic link is followed. Without `sync` the system has not written it to the disk yet.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    check_writable(path, force=force)
    target = _target(path)
    temporary = _temporary_beside(target)
    with _explained(path):
        try:
            with open(temporary, "xb") as stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what `atomic_write` of killed programs has left beside a file."""
    target = _target(path)
    pattern = leftover_pattern(re.escape(target.name))
    with contextlib.suppress(OSError):
        for one in target.parent.iterdir():
            if pattern.fullmatch(one.name):
                one.unlink()


def leftover_pattern(name: str = ".*") -> re.Pattern[str]:
    """Return the pattern of names by `_temporary_beside`, for targets whose names match another."""
    return re.compile(rf"\.{name}\.[0-9a-f]{{8}}\.tmp")


@contextlib.contextmanager
def compressing(stream: BinaryIO, path: str) -> Iterator[BinaryIO]:
    """Compress what is written to a stream by the extension of a path; the stream stays open."""
    extension = compression_of(path)
    if extension == ".gz":
        # Level 9, smart_open's, takes far longer and saves next to nothing.
        with gzip.GzipFile("", "wb", 6, stream, mtime=0) as zipped:
            yield cast(BinaryIO, zipped)
    elif extension:
        from smart_open.compression import compression_wrapper

        # Of the others, all have a checksum.
        options = {"options": {_ZSTD_CHECKSUM: 1}} if extension == ".zst" else None
        with compression_wrapper(
            stream, "wb", compression=extension, compression_kwargs=options
        ) as wrapped:
            yield cast(BinaryIO, wrapped)
    else:
        yield stream


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a file by `atomic_write`, compressed by its extension; or `-`, standard output.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    if os.fspath(path) == STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    with atomic_write(path, force=force) as stream, compressing(stream, os.fspath(path)) as out:
        yield out


def write_text(path: str | os.PathLike[str], pieces: Iterable[str], *, force: bool = False) -> None:
    """Write pieces of text by `writing`.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    remaining = iter(pieces)
    with writing(path, force=force) as out:
        while some := list(itertools.islice(remaining, _BATCH)):
            out.write("".join(some).encode())


def _target(path: str | os.PathLike[str]) -> Path:
    """Return a path with symbolic links resolved."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise OutputError(
            f"is not a path ({error})", where=repr(path), hint="name a file"
        ) from error


def _temporary_beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")


@contextlib.contextmanager
def _explained(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, Hsw2vError):
            raise
        raise explain_write_error(error, str(path)) from error


def explain_folder_error(error: OSError, folder: str, what: str, option: str) -> Hsw2vError:
    """Return our error for one of writing `what` to a folder that an option of ours names."""
    found = explain_write_error(error, folder)
    hint = f"choose another folder with {option}"
    if isinstance(found, DiskFullError):
        hint = f"make room, or {hint}"
    return type(found)(f"{what} {found.what}", where=folder, hint=hint)


def explain_write_error(error: OSError, where: str) -> Hsw2vError:
    """Return our error for one of writing, by the system."""
    if isinstance(error, Hsw2vError):
        return error
    kind, hint = OutputError, "check the folder and its rights"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        kind, hint = DiskFullError, "make room, or write elsewhere"
    return kind(f"cannot be written ({_reason(error)})", where=where, hint=hint)
