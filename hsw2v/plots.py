"""Figures as files: the only door to matplotlib.

Light paper, and few colours that differ in grey too. Nothing here touches `pyplot`, and the same
figures give the same bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from hsw2v.errors import UsageError, missing_extra
from hsw2v.files import atomic_write, check_writable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]

FORMATS = (".png", ".svg")
PANEL = (3.4, 2.5)
"""Inches of one panel, across and down."""
COLOURS = ("#14375e", "#c4532d", "#3f9183", "#e0a33e", "#8e6bb0", "#7f8791")
"""From dark to light, so that the first of them can be told apart in print without colours."""
INK = "#1f2328"
"""Of text."""
FONTS = (
    *("DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", "Noto Sans KR", "Noto Sans SC"),
    *("WenQuanYi Zen Hei", "Apple SD Gothic Neo", "Hiragino Sans", "PingFang SC"),
    *("Malgun Gothic", "Yu Gothic", "Microsoft YaHei", "Arial Unicode MS"),
)
"""Of letters: those of them that are installed, each for what those before it lack."""
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8c959f",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": f"cycler('color', {COLOURS!r})"
    " + cycler('linestyle', ['-', '--', '-.', ':', '-', '--'])"
    " + cycler('marker', ['o', 's', '^', 'D', 'v', 'P'])",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.facecolor": "#ffffff",
    "font.size": 9.0,
    "grid.color": "#d8dee4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "svg.hashsalt": "hsw2v",
    "text.color": INK,
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
}
_DPI = ContextVar("dpi", default=160.0)
_UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


def check_figure(path: Path, *, force: bool = False) -> None:
    """Make sure, before any work, that a figure can be drawn and written there.

    Raises:
        UsageError: the name ends in neither .png nor .svg, or matplotlib is not installed.
        OutputExistsError: the file exists and `force` is not given.
        OutputError: it cannot be written.
    """
    format_of(path)
    check_writable(path, force=force)
    check_installed(path)


def check_installed(path: Path) -> None:
    """Make sure that matplotlib is there to draw a figure.

    Raises:
        UsageError: it is not.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        where = os.fspath(path)
        raise missing_extra("figures need matplotlib", "plot", error, where=where) from error


def format_of(path: Path) -> str:
    """Return the format that the name of a figure asks for, "png" or "svg".

    Raises:
        UsageError: it ends in neither.
    """
    extension = os.path.splitext(os.fspath(path))[1].lower()
    if extension not in FORMATS:
        raise UsageError(
            "is not the name of a figure",
            where=os.fspath(path),
            hint="let it end in " + " or ".join(FORMATS),
        )
    return extension[1:]


@contextmanager
def resolution(dpi: float) -> Iterator[None]:
    """Write PNG figures within this context with `dpi` pixels an inch, instead of 160."""
    before = _DPI.set(dpi)
    try:
        yield
    finally:
        _DPI.reset(before)


@contextmanager
def figure_file(
    path: Path,
    *,
    rows: int = 1,
    columns: int = 1,
    panel: tuple[float, float] = PANEL,
    force: bool = False,
) -> Iterator[tuple[Figure, Any]]:
    """Give a figure with panels to draw in, and write it when all is drawn.

    The panels are an array (rows, columns) of matplotlib's `Axes`, each of the size of `panel` in
    inches, across and down. The file appears whole or not at all.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `check_figure`.
    """
    check_figure(path, force=force)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kind = format_of(path)
    with matplotlib.rc_context():
        # Not over what a user may have set: the same figures give the same bytes.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(columns * panel[0], rows * panel[1]), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False)
        with atomic_write(path, force=force) as stream:
            figure.savefig(stream, format=kind, dpi=_DPI.get(), metadata=_UNDATED[kind])


def fonts_and_letters() -> tuple[list[str], set[int]]:
    """Return which of `FONTS` are installed, and all letters that they have."""
    from matplotlib.font_manager import FontProperties, findfont, get_font, get_font_names

    installed = get_font_names()
    fonts = [one for one in FONTS if one in installed]
    files = [findfont(FontProperties(family=one)) for one in fonts]
    return fonts, {letter for one in files for letter in get_font(one).get_charmap()}


def halo(width: float) -> list[Any]:
    """Return the effect of text on paper of so many points around it, for `path_effects`."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="#ffffff")]


def draw_lines(
    panel: Any,
    title: str,
    label: str,
    x: Sequence[float],
    lines: Mapping[str, Sequence[float | None]],
    **style: str,
) -> None:
    """Draw lines by their names over `x`, which `label` describes, with gaps for None."""
    panel.set_title(title)
    panel.set_xlabel(label)
    for name, values in lines.items():
        panel.plot(x, [math.nan if y is None else y for y in values], label=name, **style)
