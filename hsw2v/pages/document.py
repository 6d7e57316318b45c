"""A page of one file that fetches nothing and runs nothing but its own scripts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any


def asset(name: str) -> str:
    """Return the text of a file of this folder."""
    return files("hsw2v.pages").joinpath(name).read_text(encoding="utf-8")


def page(
    title: str,
    body: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
) -> str:
    """Return an HTML document that holds all it needs, with a Content Security Policy.

    `body` is HTML. Each of `data` is in a script element of that id, as JSON. The policy lets no
    script run but `scripts`, by their digests, and nothing be fetched.
    """
    scripts = [_one_element(one) for one in scripts]
    digests = " ".join(f"'{_digest(one)}'" for one in scripts)
    policy = (
        f"default-src 'none'; script-src {digests or chr(39) + 'none' + chr(39)}; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    kept = "".join(
        f'<script type="application/json" id="{name}">{json_text(value)}</script>\n'
        for name, value in (data or {}).items()
    )
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        + "".join(f"<style>\n{one}</style>\n" for one in styles)
        + f"</head>\n<body>\n{body}\n{kept}"
        + "".join(f"<script>{one}</script>\n" for one in scripts)
        + "</body>\n</html>\n"
    )


def json_text(value: Any) -> str:
    """Return JSON that HTML takes for nothing else, whatever its strings are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    # Lone surrogates are no UTF-8.
    return text.encode("utf-8", "replace").decode()


def _one_element(script: str) -> str:
    """Return a script that does not end the element it is in."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
