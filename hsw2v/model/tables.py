"""Where tables may be written: by the extension, which tells the format."""

from __future__ import annotations

from collections.abc import Sequence

from hsw2v.errors import UsageError
from hsw2v.files import check_writable, compression_of

PARQUET = ".parquet"


def check_table(path: str, extensions: Sequence[str], *, force: bool = False) -> None:
    """Check, before any work, that a table can be written to a path with one of some extensions.

    Parquet compresses by itself; all else may have an extension such as .gz after its own.

    Raises:
        UsageError: its extension is none of them, or pyarrow is not installed.
        OutputExistsError, OutputError
    """
    bare = path.removesuffix(compression_of(path))
    if not bare.endswith(tuple(extensions)) or (bare.endswith(PARQUET) and bare != path):
        *others, last = extensions
        raise UsageError(
            "has no extension that tells a format",
            where=path,
            hint=f"name it {', '.join(others)} or {last}; "
            f"all but {PARQUET} may be compressed, as {others[-1]}.gz",
        )
    if bare.endswith(PARQUET):
        from hsw2v.corpus.columns import pyarrow_for

        pyarrow_for("parquet", path)
    check_writable(path, force=force)
