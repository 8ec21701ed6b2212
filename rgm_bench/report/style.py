"""How every figure looks, and how it becomes the same file from the same numbers."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, final

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WIDTH = 3.4
"""Inches: one column of a paper in two columns."""

LETTER = 0.008
"""Inches that a letter of one point is wide, at most one in ten texts wider."""

LEGEND_HANDLE = 0.55
"""Inches that the line before an entry of a legend takes, with the room around it."""

BLACK, GREY = "#222222", "#777777"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, which colour-blind readers tell apart."""

SETTINGS: Any = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same everywhere
    "font.size": 7.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.title_fontsize": 8,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.4,
    "svg.fonttype": "path",
    "svg.hashsalt": "rgm-bench",
    "text.parse_math": False,
    "xtick.color": BLACK,
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.color": BLACK,
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}


def title_size(lines: Sequence[str], width: float) -> float:
    """The size in points at which all lines fit into so many inches; the usual one if it does."""
    usual: float = SETTINGS["axes.titlesize"]
    longest = max(map(len, lines), default=0)
    return min(usual, width / (LETTER * longest)) if longest else usual


def legend_columns(names: Sequence[str], width: float) -> int:
    """How many entries of a legend stand side by side in so many inches; at least one does."""
    letters = LETTER * SETTINGS["legend.fontsize"] * max(map(len, names), default=0)
    return max(1, min(len(names), int(width / (letters + LEGEND_HANDLE))))


@final
class Canvas:
    """A figure under the settings above, which hold nowhere else.

    Args:
        width: in inches.
        height: in inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self._settings = rc_context(SETTINGS)
        self._size = (width, height)

    def __enter__(self) -> Figure:
        """The empty figure."""
        self._settings.__enter__()
        figure = Figure(figsize=self._size)
        FigureCanvasAgg(figure)
        return figure

    def __exit__(self, *error: Any) -> None:
        """Put the settings back."""
        self._settings.__exit__(*error)


def rendered(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as SVG without a date, and as PNG at 200 dots an inch.

    It is laid out once, which takes as long as drawing it.
    """
    with rc_context(SETTINGS):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        svg = _saved(figure, format="svg", metadata={"Date": None, "Creator": None})
        return svg, _saved(figure, format="png", dpi=200, metadata={"Software": None})


def _saved(figure: Figure, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, facecolor="white", **options)
    return buffer.getvalue()
