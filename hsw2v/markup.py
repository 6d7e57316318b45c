"""Results as HTML tables, for notebooks: without colours, which are those of the notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """Return a table of text and numbers, escaped; None is a dash."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f"<th>{escape(one)}</th>" for one in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        form = ",d" if isinstance(value, int) else ",.4g" if abs(value) >= 1 else ".4f"
        return f'<td style="text-align: right">{value:{form}}</td>'
    return f"<td>{'-' if value is None else escape(str(value))}</td>"
