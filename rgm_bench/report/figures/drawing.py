"""What all figures share: a drawing with its name, colours, ticks, and how many arms it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, final

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from rgm_bench.report.numbers import setting
from rgm_bench.report.style import COLORS

MAX_ARMS = 12
"""How many arms pictures and training curves show: evenly spread where there are more."""

_MANY_DECADES = {"x": 100, "y": 2000}
"""Spans from which a figure has no room for several ticks in a decade."""

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
    return setting(value)


def make_logarithmic(axes: Axes, axis: Axis, values: Sequence[float]) -> None:
    """Give one of the axes a logarithmic scale with plain numbers at its ticks.

    Ticks stand at 1, 2 and 5 of each decade, or only at 1 where `values` span many decades.
    """
    name, set_scale = ("x", axes.set_xscale) if axis is axes.xaxis else ("y", axes.set_yscale)
    set_scale("log")
    many = max(values) > _MANY_DECADES[name] * min(values)
    axis.set_major_locator(LogLocator(subs=(1,) if many else (1, 2, 5), numticks=12))
    axis.set_major_formatter(format_tick)
    axis.set_minor_formatter("")
