"""The index of a model's words, and its file beside that of the model."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.errors import MissingInputError, ModelFileError, UsageError
from hsw2v.events import Listener, Pace, VectorsProgress, ignore
from hsw2v.model.arguments import Path, check_positive
from hsw2v.model.store import UPGRADE, open_store, write_store
from hsw2v.query.index import CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH, RowIndex, usearch_index
from hsw2v.query.neighbours import Floats, Indexes, UnitRows

if TYPE_CHECKING:
    from hsw2v.model.base import ModelBase
    from hsw2v.model.model import Model

EXTENSION = ".index"
_FORMAT, _VERSION, _TENSOR = "hsw2v-index", 1, "usearch"
_ROWS_AT_ONCE = 1 << 16
_AGAIN = "build it again (hsw2v index MODEL --force)"


class Index:
    """An index of the words of a model: the nearest among millions in a millisecond, or nearly so.

    `Model.similar(…, index=index)` asks it.
    """

    def __init__(self, rows: RowIndex, digest: str, dim: int, expansion_search: int) -> None:
        """Take an index of the rows of a model whose vectors have this digest."""
        self._rows, self._digest = rows, digest
        self.dim, self.expansion_search = dim, expansion_search
        self._known: Callable[[], ModelBase | None] = lambda: None

    def __len__(self) -> int:
        """Return the number of words."""
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<hsw2v.Index: {len(self):,} words, {self.dim} dimensions>"

    def __reduce__(self) -> tuple[Callable[..., Index], tuple[Any, ...]]:
        """Let it be pickled as the bytes of usearch: another process need not have its file."""
        return _unpickled, (self._rows.to_bytes(), self._digest, self.dim, self.expansion_search)

    def check(self, model: ModelBase, where: str = "") -> None:
        """Make sure that it is an index of the vectors of a model.

        Raises:
            UsageError: it is that of others.
        """
        if self._known() is model:
            return
        _check_digest(self._digest, model, where)
        self._known = weakref.ref(model)

    def nearest(
        self,
        unit: UnitRows,
        queries: Floats,
        k: int,
        exclude: Indexes | None = None,
        hidden: Indexes | None = None,
    ) -> tuple[Indexes, Floats]:
        """Return the nearest rows: `query.index.RowIndex.nearest`.

        Raises:
            UsageError: rows are hidden, which an index cannot pass over.
        """
        if hidden is not None:
            raise UsageError(
                "an index answers among all words",
                hint="leave among and exclude out, or the index",
            )
        return self._rows.nearest(unit, queries, k, exclude)

    def save(self, path: Path, *, force: bool = False) -> None:
        """Write it to a file, which appears whole or not at all.

        Raises:
            OutputExistsError, OutputError, DiskFullError
        """
        info = {
            "vectors": self._digest,
            "words": len(self),
            "dim": self.dim,
            "expansion_search": self.expansion_search,
        }
        arrays = {_TENSOR: self._rows.to_bytes()}
        write_store(
            path, arrays, version=_VERSION, format=_FORMAT, config={}, info=info, force=force
        )


def build_index(
    model: Model,
    *,
    connectivity: int = CONNECTIVITY,
    expansion_add: int = EXPANSION_ADD,
    expansion_search: int = EXPANSION_SEARCH,
    listener: Listener = ignore,
) -> Index:
    """Index the words of a model: what `Model.build_index` tells."""
    for name, value in (
        ("connectivity", connectivity),
        ("expansion_add", expansion_add),
        ("expansion_search", expansion_search),
    ):
        check_positive(name, value)
    pace = Pace()

    def tick(done: int) -> None:
        if pace.due():
            listener(VectorsProgress("index", done, len(model), pace.seconds))

    rows = RowIndex.of(
        model.vectors,
        connectivity=connectivity,
        expansion_add=expansion_add,
        expansion_search=expansion_search,
        tick=tick,
    )
    return Index(rows, digest_of(model), model.dim, expansion_search)


def _unpickled(content: NDArray[np.uint8], digest: str, dim: int, expansion_search: int) -> Index:
    rows = RowIndex.from_bytes(content, dim, expansion_search)
    return Index(rows, digest, dim, expansion_search)


def check_installed() -> None:
    """Check, before any work, that an index can be built.

    Raises:
        UsageError: usearch is not installed.
    """
    usearch_index(1)


def index_beside(model: str) -> str:
    """Return the name of the index that lies beside the file of a model."""
    return model + EXTENSION


def load_index(model: Model, path: Path) -> Index:
    """Open the index of a model that `Index.save` has written.

    Raises:
        MissingInputError: it is not there.
        ModelFileError: it is truncated, altered, or no index.
        UsageError: it is that of other vectors, or usearch is not installed.
    """
    source = os.fspath(path)
    if not os.path.isfile(source):
        raise MissingInputError(
            "no such file", where=source, hint="write it with hsw2v index, or ask without an index"
        )
    try:
        store = open_store(source, _FORMAT)
        info = store.metadata["info"]
        digest, expansion_search = info.get("vectors"), info.get("expansion_search", 0)
        known = type(expansion_search) is int and 0 < expansion_search < 1 << 31
        if not known or _TENSOR not in store or store.dtype(_TENSOR) != "U8":
            raise store.broken("is no whole index")
        content = store.array(_TENSOR)
    except ModelFileError as error:
        # Another training would not mend it.
        hint = UPGRADE if error.hint == UPGRADE else _AGAIN
        raise ModelFileError(error.what, where=source, hint=hint) from error
    _check_digest(digest, model, source)
    check_installed()
    try:
        rows = RowIndex.from_bytes(content, model.dim, expansion_search)
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(
            f"is no index of usearch ({error})", where=source, hint=_AGAIN
        ) from error
    if (len(rows), rows.dim) != (len(model), model.dim):
        raise ModelFileError("is no whole index", where=source, hint=_AGAIN)
    found = Index(rows, str(digest), model.dim, expansion_search)
    found._known = weakref.ref(model)
    return found


def _check_digest(digest: object, model: ModelBase, where: str) -> None:
    if digest != digest_of(model):
        raise UsageError(
            "is the index of other vectors than those of the model"
            if where
            else "the index is that of other vectors than those of the model",
            where=where,
            hint=_AGAIN,
        )


def digest_of(model: ModelBase) -> str:
    """Return a digest of the vectors of a model."""
    digest = hashlib.sha256(str(model.vectors.shape).encode())
    for start in range(0, len(model), _ROWS_AT_ONCE):
        part = model.vectors[start : start + _ROWS_AT_ONCE]
        digest.update(np.ascontiguousarray(part, "<f4").data)
    return f"sha256:{digest.hexdigest()}"
