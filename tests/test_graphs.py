"""Graphs: what files say, and what is wrong with them."""

from __future__ import annotations

import gzip
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commandline import run
from hypothesis import given, settings
from hypothesis import strategies as st

import hsw2v
from hsw2v import errors, events
from hsw2v.config import CorpusConfig


def read(path: Path, text: str | bytes, **options: object) -> hsw2v.Graph:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return hsw2v.Graph.read(path, **options)  # type: ignore[arg-type]


def edges_of(graph: hsw2v.Graph) -> dict[tuple[str, str], float]:
    """Return the edges with their weights, 1 where there are none."""
    names, found = graph.nodes, {}
    for node, name in enumerate(names):
        for edge in range(graph.offsets[node], graph.offsets[node + 1]):
            weight = 1.0 if graph.weights is None else float(graph.weights[edge])
            found[name, names[graph.neighbours[edge]]] = weight
    return found


def both_ways(edges: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return edges | {(b, a): weight for (a, b), weight in edges.items()}


SQUARE = both_ways({("a", "b"): 1.0, ("b", "c"): 1.0, ("c", "d"): 1.0, ("d", "a"): 1.0})


@pytest.mark.parametrize(
    "text",
    [
        "a b\nb c\nc d\nd a\n",
        "a b\nb c\nc d\nd a",
        "a\tb\r\nb\tc\r\nc  d\r\n  d a \r\n",
        "# nodes: 4\n% too\na,b\n\nb, c\nc ,d\n\n\nd,a\n# end",
        "a b\nb a\na b\nb c\nc d\nd a\na d\n",
        "a b d\nb c a\nc b d\nd a c\n",
        "\ufeffa b\nb c\nc d\nd a\n",
    ],
)
def test_a_square_is_read_from_any_file_of_it(tmp_path: Path, text: str) -> None:
    graph = read(tmp_path / "g.txt", text)
    assert edges_of(graph) == SQUARE
    assert graph.weights is None
    assert graph.nodes == list(dict.fromkeys("abcd" if "a b d" not in text else "abdc"))


def test_neighbours_are_in_order_and_offsets_their_borders(tmp_path: Path) -> None:
    graph = read(tmp_path / "g.txt", "a d\na c\na b\nb c\n")
    assert graph.offsets.tolist() == [0, 3, 4, 6, 8]
    assert graph.neighbours.tolist() == [1, 2, 3, 0, 0, 3, 0, 2]
    assert (graph.offsets.dtype, graph.neighbours.dtype) == (np.int64, np.int32)
    assert len(graph) == 4


def test_weights_of_an_edge_add_up_and_0_is_no_edge(tmp_path: Path) -> None:
    text = "a b 1\nb a 0.5\nb c 2e-1\nc d 0\nd d 3\n"
    graph = read(tmp_path / "g.txt", text)
    assert edges_of(graph) == both_ways({("a", "b"): 1.5, ("b", "c"): 0.2, ("d", "d"): 3.0})
    assert graph.nodes == ["a", "b", "c", "d"]
    graph = read(tmp_path / "g.txt", text, directed=True)
    assert edges_of(graph) == {("a", "b"): 1, ("b", "a"): 0.5, ("b", "c"): 0.2, ("d", "d"): 3.0}


def test_a_node_without_edges_is_a_line_of_its_own(tmp_path: Path) -> None:
    graph = read(tmp_path / "g.txt", "a b\nc\n", graph_format="adjacency")
    assert graph.nodes == ["a", "b", "c"]
    assert sorted(graph.walks(walks_per_node=1, walk_length=2)) == [["a", "b"], ["b", "a"], ["c"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2\n2 3\n", "edges"),
        ("1 2 1\n1 3 2\n", "weighted"),
        ("1 2 0.5\n2 3 0.5\n", "weighted"),
        ("1 2 7\n2 3 9\n", "weighted"),
        ("a b c\nb a c\n", "adjacency"),
        ("a b\nb a c\nc b\n", "adjacency"),
        ("1 2 3 4\n1 5\n", "adjacency"),
        ("1\n2 3\n", "adjacency"),
        ("1 2\n2 1 3 4\n3 2\n4 2\n", "adjacency"),
        ("1 2 x\nx 1 2\n2 x 1\n", "adjacency"),
        ("0 1 2 3\n1 2\n2 3\n3\n", "adjacency"),
    ],
)
def test_the_format_is_told_by_the_lines(tmp_path: Path, text: str, expected: str) -> None:
    heard: list[events.Event] = []
    read(tmp_path / "g.txt", text, listener=heard.append)
    (ready,) = (one for one in heard if isinstance(one, events.GraphReady))
    assert ready.graph_format == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 2 3\n2 3 1\n3 1 2\n", "third column may be weights or nodes; name the format with --g"),
        ("1 2\n1 3\n1\n", "line 3: the format cannot be told: .* of 2 columns; .*--graph-format"),
        ("1 2\n1 3 4\n", "lines have 2 or 3 columns"),
        ("1 2 0.5\n1 3 0.2\n2 3 1\n3 4 1 extra\n", "line 4: .* two nodes and a weight"),
        ("# x\n1 2\n1 3\n2 3\n3 4 see note\n", "line 5: .* of 2 columns"),
        ("1 2 1.5\n2 3 x\n", "line 2: .* whose third column is a number"),
        ("1 2 inf\n2 1 1\n", "line 1: .* whose third column is a number"),
        ("a\tb\tlong\n" + "".join(f"{n} {n + 1}\n" for n in range(20)), "line 1: .* of 2 col"),
        ("".join(f"{n} {n + 1} 0.5\n" for n in range(20)) + "20 1\n", "line 21: .* a weight"),
        ("a b x\na c y\n", "lines have 3 columns"),
        # Each line begins with another node, but not each neighbour has a line.
        ("1 2\n3 4\n5 6 7\n8 9\n", "line 3: .* of 2 columns"),
        ("1 2 .5\n3 4 1\n5 6 7 8\n", "line 3: .* two nodes and a weight"),
    ],
)
def test_a_format_that_cannot_be_told_is_asked_for(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(errors.UsageError, match=what):
        read(tmp_path / "g.txt", text)


BAD = [
    ("a b\nc\n", "edges", "line 2: has 1 column, not 2"),
    ("# x\na b\n\nb c d\n", "edges", "line 4: has 3 columns, not 2"),
    ("a b 1\nb c\n", "weighted", "line 2: has 2 columns, not 3"),
    ("a b 1\nb c -1\n", "weighted", "line 2: the weight '-1' is not a number from 0"),
    ("a b 1\n% x\nb c nan\n", "weighted", "line 3: the weight 'nan'"),
    ("a b inf\nb c 1\n", "weighted", "line 1: the weight 'inf'"),
    ("a b 1e31\n", "weighted", "line 1: the weight '1e31'"),
    ("source target weight\na b 1\n", "weighted", "line 1: the weight 'weight' .* put a # before"),
    (f"a b {'9' * 99}\n", "weighted", "the weight '9{64}' is not"),
]


@pytest.mark.parametrize(("text", "form", "what"), BAD)
def test_a_line_that_is_not_of_the_format_is_named(
    tmp_path: Path, text: str, form: str, what: str
) -> None:
    with pytest.raises(errors.CorruptInputError, match=what) as raised:
        read(tmp_path / "g.txt", text, graph_format=form)
    assert str(raised.value).startswith(f"{tmp_path / 'g.txt'}, line")


@pytest.mark.parametrize("text", ["", "\n\n", "# a b\n", "a\n", "a\nb\n", "a;b\nb;c\n"])
def test_a_graph_without_edges_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.EmptyCorpusError, match="no edges"):
        read(tmp_path / "g.txt", text, graph_format="adjacency")
    with pytest.raises(errors.EmptyCorpusError, match="no edges"):
        read(tmp_path / "g.txt", "a b 0\n", graph_format="weighted")


def test_other_inputs_are_refused_as_texts_are(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingInputError, match="no such file"):
        hsw2v.Graph.read(tmp_path / "none.txt")
    with pytest.raises(errors.EncodingError, match="line 2, byte 5"):
        read(tmp_path / "g.txt", b"a b\nc\xff d\n")
    with pytest.raises(errors.CorruptInputError, match="gzip data"):
        read(tmp_path / "g.txt", gzip.compress(b"a b\n"))
    with pytest.raises(errors.UsageError, match="graph_format is 'metis'"):
        read(tmp_path / "g.txt", "a b\n", graph_format="metis")
    for name, value in {"tokens": "words", "field": "text", "format": "csv", "phrases": 1}.items():
        with pytest.raises(errors.UsageError, match=f"{name}={value!r} is for text"):
            read(tmp_path / "g.txt", "a b\n", corpus=CorpusConfig(**{name: value}))
        graph = hsw2v.Graph.from_edges(np.array([[1, 2]]))
        with pytest.raises(errors.UsageError, match=f"{name}={value!r} is for text"):
            hsw2v.train(graph=graph, **{name: value})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"text": "a b"}\n{"text": "b c"}\n', "looks like JSON lines, not like a graph"),
        ('[{"source": 1, "target": 2}]\n', "looks like a JSON array"),
        ('{\n  "nodes": [1, 2]\n}\n', "looks like JSON, not"),
    ],
)
def test_json_is_no_graph(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(errors.CorruptInputError, match=what):
        read(tmp_path / "g.txt", text)


MTX = "%%MatrixMarket matrix coordinate real general\n% x\n3 3 3\n2 1 1.5\n3 1 2\n3 2 1\n"


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("g.mtx", MTX, "is Matrix Market, .*; leave its first lines out: awk"),
        ("g.mat", "MATLAB 5.0 MAT-file, Platform\0\0\xff", "is a MATLAB file.*loadmat"),
        ("g", '<?xml version="1.0"?>\n<!-- x -->\n<graphml xmlns="x">', "is GraphML.*read_graphml"),
        ("g", "<gexf version='1.2'>", "is GEXF.*read_gexf"),
        ("g", "<?xml version='1.0'?>\n<svg>", "is XML, not a list of edges; write a line"),
        ("g", 'Creator "me"\ngraph\n[\n node [ id 0 ]\n]\n', "is GML.*read_gml"),
        ("g.net", '*Vertices 3\n1 "a"\n2 "b"\n*Edges\n1 2\n', "is Pajek.*read_pajek"),
        ("g.gv", "digraph one\n{\n a -> b;\n}\n", "is DOT"),
        ("g", "[\n  [1, 2],\n  [2, 3]\n]\n", "is JSON, not a list of edges; write a line"),
        ("g", "a b {}\nb c {}\n", "braces.*data=False"),
        ("g", "a b {'weight': 3, 'x': 1}\r\nb c {}\r\n", "braces.*write_weighted_edgelist"),
        ("g", "# G\n\na 2\nb {}\nc {}\n", "braces.*write_edgelist"),
        ("g.csv", '"New York","Rome"\n"Rome","Oslo"\n', "quotes.*put _ for the blanks"),
        ("g.npz", "PK\3\4", "arrays .*load_npz"),
        ("g.graph", "% METIS\n3 2\n2 3\n1\n1\n", "METIS, .*awk"),
    ],
)
def test_formats_of_other_programs_are_named_with_what_converts_them(
    tmp_path: Path, name: str, text: str, what: str
) -> None:
    with pytest.raises(errors.CorruptInputError, match=what):
        read(tmp_path / name, text.encode("latin-1"))


@pytest.mark.parametrize(
    ("name", "text", "hint", "edges"),
    [
        ("g.mtx", MTX, None, {("2", "1"): 1.5, ("3", "1"): 2.0, ("3", "2"): 1.0}),
        (
            "g.graph",
            "% METIS\n4 2\n2 3\n1\n1\n\n",
            "adjacency",
            {("1", "2"): 1.0, ("1", "3"): 1.0},
        ),
    ],
)
def test_the_line_that_converts_does(
    tmp_path: Path, name: str, text: str, hint: str | None, edges: dict[tuple[str, str], float]
) -> None:
    path = tmp_path / name
    with pytest.raises(errors.CorruptInputError) as raised:
        read(path, text)
    (line,) = re.findall(r"awk '.*?' FILE", str(raised.value))
    told = ["sh", "-c", line.replace("FILE", shlex.quote(str(path)))]
    converted = subprocess.run(told, check=True, capture_output=True).stdout
    graph = read(tmp_path / "g.txt", converted, graph_format=hint or "auto")
    assert edges_of(graph) == both_ways(edges)
    # Where it is no METIS after all, the format is named.
    if hint:
        assert len(graph) == 4
        assert len(read(path, "3 2\n1 2\n", graph_format="edges")) == 3


def test_words_that_begin_like_another_format_are_nodes(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", "graph theory\ndigraph graph\n").edge_count() == 2
    assert read(tmp_path / "b.txt", "<a> <b>\n<b> <c>\n").edge_count() == 2
    assert read(tmp_path / "c.txt", "MATLAB R\nR Julia\n").edge_count() == 2
    assert read(tmp_path / "d.graph", "a b\nb c\n").edge_count() == 2
    assert read(tmp_path / "e.txt", '"a" b\nb {c}\n{d} b\n').edge_count() == 3


def test_the_header_of_a_table_is_no_edge(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    with pytest.raises(errors.UsageError, match=r"line 1: .* not as others, .*put a # before it"):
        read(path, "source,target\n1,2\n2,3\n")
    assert len(read(path, "#source,target\n1,2\n2,3\n")) == 3
    assert len(read(path, "source,target\n1,2\n2,3\n", graph_format="edges")) == 5
    assert len(read(path, "a,b\n")) == 2
    assert len(read(path, "a,1\n2,3\n")) == 4


@pytest.mark.parametrize("first", [b"PAR1", b"ARROW1", b'\x40\0\0\0\0\0\0\0{"a":', b"\x7fELF"])
def test_hints_for_other_files_hold_for_graphs(tmp_path: Path, first: bytes) -> None:
    with pytest.raises(errors.CorruptInputError, match="plain text") as raised:
        read(tmp_path / "g.bin", first + bytes(20))
    assert "train" not in str(raised.value).replace(str(tmp_path), "")


def test_a_graph_knows_how_it_was_read(tmp_path: Path) -> None:
    graph = read(tmp_path / "g.txt", "a b\n", directed=True, graph_format="edges")
    assert (graph.directed, graph.graph_format, graph.edge_count()) == (True, "edges", 1)
    graph = hsw2v.Graph.from_edges([[1, 2]])
    assert (graph.directed, graph.graph_format, graph.edge_count()) == (False, "auto", 1)


def test_walks_have_no_settings_of_training() -> None:
    graph = hsw2v.Graph.from_edges([[1, 2]])
    with pytest.raises(errors.UsageError, match="walks have no setting 'dim'; they have walks_per"):
        graph.walks(dim=3)


def test_bytes_that_are_replaced_are_told(tmp_path: Path) -> None:
    heard: list[events.Event] = []
    corpus = CorpusConfig(encoding_errors="ignore", lowercase=True)
    graph = read(tmp_path / "g.txt", b"A B\nb\xff c\n", corpus=corpus, listener=heard.append)
    assert graph.nodes == ["a", "b", "c"]
    notices = [one.message for one in heard if isinstance(one, events.Notice)]
    assert notices == ["1 byte was not valid UTF-8 and was left out"]


def test_compressed_files_and_several_are_one_graph(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a b\nb c"))
    (tmp_path / "b.txt").write_text("c d\nd a\n")
    paths = [tmp_path / "a.txt.gz", tmp_path / "b.txt"]
    assert edges_of(hsw2v.Graph.read(paths)) == SQUARE
    assert edges_of(hsw2v.Graph.read(tmp_path)) == SQUARE


def test_the_line_of_a_mistake_is_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a b\n" * 100)
    (tmp_path / "b.txt").write_text("a b\n" * 50 + "a b c\n")
    with pytest.raises(errors.CorruptInputError, match=r"b\.txt, line 51: has 3"):
        hsw2v.Graph.read(tmp_path)


def test_long_files_and_long_lines_are_read_in_pieces(tmp_path: Path) -> None:
    hub = " ".join(f"node-{number}" for number in range(60_000))
    chain = "\n".join(f"node-{number} node-{number + 1}" for number in range(40_000))
    graph = read(
        tmp_path / "g.txt", f"{'# comment' * 40_000}\n{hub}\n{chain}\n", graph_format="adjacency"
    )
    assert len(graph) == 60_000
    degrees = np.diff(graph.offsets)
    assert degrees[0] == 59_999
    assert degrees[2] == 3
    assert graph.edge_count() == 59_999 + 39_999
    with pytest.raises(errors.CorruptInputError, match="line 40001: has 3"):
        read(tmp_path / "g.txt", f"{chain}\na b c\n", graph_format="edges")


NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=",#%"), min_size=1)


@given(
    edges=st.lists(st.tuples(NAMES, NAMES, st.integers(0, 100)), min_size=1, max_size=30),
    directed=st.booleans(),
    separator=st.sampled_from([" ", "\t", ",", " , "]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    edges: list[tuple[str, str, int]],
    directed: bool,
    separator: str,
) -> None:
    path = tmp_path_factory.mktemp("graphs") / "g.txt"
    expected: dict[tuple[str, str], float] = {}
    for a, b, weight in edges:
        for one in {(a, b)} if directed else {(a, b), (b, a)}:
            expected[one] = expected.get(one, 0.0) + weight
    expected = {one: weight for one, weight in expected.items() if weight}
    text = "".join(f"{separator.join(map(str, edge))}\n" for edge in edges)
    if not expected:
        return
    graph = read(path, text, graph_format="weighted", directed=directed)
    assert edges_of(graph) == expected
    plain = "".join(f"{a}{separator}{b}\n" for a, b, _ in edges)
    graph = read(path, plain, graph_format="edges", directed=directed)
    ways = {(a, b) for a, b, _ in edges} | {(b, a) for a, b, _ in edges if not directed}
    assert edges_of(graph).keys() == ways


@pytest.mark.parametrize(
    ("edges", "weights"),
    [
        ([1, 2], None),
        ([[1, 2], [3]], None),
        ([[1, 2, 3]], None),
        ([["a", "b"]], None),
        ([[0.5, 1.0]], None),
        ([[1, 2]], [1, 2]),
        ([[1, 2]], [-1]),
        ([[1, 2]], [float("nan")]),
        ([[1, 2]], ["x"]),
    ],
)
def test_arrays_that_are_no_edges_are_refused(edges: list, weights: list | None) -> None:
    with pytest.raises(errors.UsageError):
        hsw2v.Graph.from_edges(edges, weights)


def test_a_graph_of_arrays_has_the_numbers_as_names() -> None:
    graph = hsw2v.Graph.from_edges(np.array([[30, -4], [5, 30]], np.int16), [1.0, 0.5])
    assert graph.nodes == ["-4", "5", "30"]
    assert edges_of(graph) == both_ways({("-4", "30"): 1.0, ("5", "30"): 0.5})


@pytest.mark.parametrize("weights", [None, []])
def test_no_edges_are_no_graph(weights: list[float] | None) -> None:
    with pytest.raises(errors.EmptyCorpusError, match="no edges"):
        hsw2v.Graph.from_edges(np.empty((0, 2), np.int64), weights)


def test_a_graph_comes_from_standard_input(tmp_path: Path) -> None:
    found = run("walks", "-", "--walks-per-node", 1, "--walk-length", 2, stdin="a b\n")
    assert sorted(found.stdout.splitlines()) == ["a b", "b a"]
    assert "graph: 2 nodes, 1 edge, undirected" in found.stderr
    run("train", "--graph", "-", "--quiet", "--dim", 4, stdin="a b\n", cwd=tmp_path)
    assert set(hsw2v.load(tmp_path / "model.safetensors").words) == {"a", "b"}
