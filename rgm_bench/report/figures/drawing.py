"""What all figures share: a drawing with its name, colours, ticks, and how many arms it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, final

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rgm_bench.report.numbers import decimals, number
from rgm_bench.report.style import COLORS

MAX_ARMS = 12
"""How many arms pictures and training curves show: evenly spread where there are more."""

_T = TypeVar("_T")


@final
@dataclass(frozen=True)
class Drawing:
    """A figure with its name and what stands under it; `raster` for pictures."""

    name: str
    title: str
    caption: str
    figure: Figure
    raster: bool = False


def spread(found: Sequence[_T], most: int = MAX_ARMS) -> list[_T]:
    """At most so many of them, the first and the last among them."""
    if len(found) <= most:
        return list(found)
    return [found[round(i * (len(found) - 1) / (most - 1))] for i in range(most)]


def line_colors(count: int) -> list[str]:
    """A colour for each of `count` lines: told apart by all readers, or ordered dark to light."""
    if count <= len(COLORS):
        return list(COLORS[:count])
    return [to_hex(colormaps["viridis"](0.9 * place / (count - 1))) for place in range(count)]


def format_tick(value: float, _place: float | None = None) -> str:
    """A tick of a logarithmic axis, without an exponent."""
    return number(value, decimals(value) if value < 1 else 0)


def make_logarithmic(axes: Axes, axis: Axis) -> None:
    """Give one of the axes a logarithmic scale with plain numbers at its ticks."""
    set_scale = axes.set_xscale if axis is axes.xaxis else axes.set_yscale
    set_scale("log")
    axis.set_major_formatter(format_tick)
    axis.set_minor_formatter("")
