"""Files of graphs that are no lists of edges or of neighbours, known by their beginning or name.

Read as such a list, most of them would come to a graph, and to a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from hsw2v.errors import CorruptInputError
from hsw2v.files import extension_of

_HEAD = 4096
_DOCS = "docs/other-tools.md has the lines"


class _Form(NamedTuple):
    """A format of other programs."""

    name: str
    begins: re.Pattern[bytes]
    hint: str
    """How to convert a file."""


def _networkx(reader: str) -> str:
    return (
        f"convert it with networkx: write_edgelist({reader}(FILE), 'edges.txt', data=False), or "
        "write_weighted_edgelist"
    )


_FORMS = (
    _Form(
        "Matrix Market",
        re.compile(rb"%%MatrixMarket", re.IGNORECASE),
        "leave its first lines out: awk '!/^%/ && n++' FILE > edges.txt",
    ),
    _Form(
        "a MATLAB file",
        re.compile(rb"MATLAB \d"),
        f"convert it with scipy.io.loadmat and hsw2v.Graph.from_edges; {_DOCS}",
    ),
    _Form("JSON", re.compile(rb"\s*\[\s*[\[{]"), "write a line for each edge, as 'a b'"),
    _Form("GraphML", re.compile(rb"\s*<(?s:.*?)<?graphml\b"), _networkx("read_graphml")),
    _Form("GEXF", re.compile(rb"\s*<(?s:.*?)<?gexf\b"), _networkx("read_gexf")),
    _Form("XML", re.compile(rb"\s*<[?!]"), "write a line for each edge, as 'a b'"),
    _Form(
        "GML",
        re.compile(rb"\s*(?:(?:creator|version|comment|#)[^\n]*\n\s*)*graph\s*\[", re.IGNORECASE),
        _networkx("read_gml"),
    ),
    _Form(
        "Pajek",
        re.compile(rb"\s*(?:%[^\n]*\n\s*)*\*(?:vertices|network)\b", re.IGNORECASE),
        _networkx("read_pajek"),
    ),
    _Form(
        "DOT (Graphviz)",
        re.compile(rb"\s*(?:strict\s+)?(?:di)?graph\b[^\n{]*\n?\s*\{", re.IGNORECASE),
        _networkx("nx_pydot.read_dot"),
    ),
    _Form(
        "a list of NetworkX with the data of edges in braces",
        re.compile(
            rb"(?:[^\n]*\n){0,9}?[^\s#%{][^\n{]*[ \t,]\{(?:['\"][^\n]*)?\}[ \t\r]*(?:\n|\Z)"
        ),
        "write it with networkx.write_edgelist(graph, FILE, data=False), or with "
        "write_weighted_edgelist",
    ),
    _Form(
        "a table with names in quotes",
        re.compile(rb'(?:[#%][^\n]*\n|\s)*"[^"\n]*"[ \t]*[,;]'),
        "leave the quotes out, and put _ for the blanks of a name",
    ),
)
_METIS = (".graph", ".metis")
_METIS_HEADER = re.compile(
    rb"(?:%[^\n]*\n)*[ \t]*\d+[ \t]+\d+(?:[ \t]+[01]{1,3}(?:[ \t]+\d+)?)?\s*\n"
)


def check_names(names: Sequence[str]) -> None:
    """Refuse files whose name tells what they are.

    Raises:
        CorruptInputError: one is a sparse matrix of SciPy's.
    """
    for name in names:
        if extension_of(name) == ".npz":
            raise CorruptInputError(
                "is a file of arrays (.npz), not a list of edges",
                where=name,
                hint="convert it with scipy.sparse.load_npz and hsw2v.Graph.from_edges; " + _DOCS,
            )


def check_beginning(source: str, text: bytes, looks: str) -> None:
    """Refuse a file that begins as a graph in a format of other programs.

    `looks` is what it looks like to one who wants text.

    Raises:
        CorruptInputError: it does.
    """
    what = looks.split(";")[0]
    if "JSON" in what:
        raise CorruptInputError(
            f"looks like {what}, not like a graph",
            where=source,
            hint="write a line for each edge, as 'a b'",
        )
    head = text[:_HEAD]
    for form in _FORMS:
        if form.begins.match(head):
            raise CorruptInputError(
                f"is {form.name}, not a list of edges", where=source, hint=form.hint
            )


def check_metis(source: str, text: bytes) -> None:
    """Refuse a file that is named and begins as one of METIS, whose lines lack their node.

    Raises:
        CorruptInputError: it is.
    """
    if extension_of(source) in _METIS and _METIS_HEADER.match(text[:_HEAD]):
        raise CorruptInputError(
            "seems to be a graph of METIS, whose lines do not begin with their node",
            where=source,
            hint="number them: awk '!/^%/ {if (n++) print n - 1, $0}' FILE > nodes.txt, with "
            "--graph-format adjacency; or, if it is not of METIS, name its format with "
            "--graph-format",
        )
