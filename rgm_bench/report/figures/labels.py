"""Names beside the points of a scatter, placed so that they cover neither points nor each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

_MARKER = 4.0
"""Half the side, in pixels at 100 dots an inch, of the square that a point takes."""

_PLACES = (
    (5, 4, "left", "bottom"),
    (5, -4, "left", "top"),
    (-5, 4, "right", "bottom"),
    (-5, -4, "right", "top"),
    (0, 6, "center", "bottom"),
    (0, -6, "center", "top"),
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (9, 12, "left", "bottom"),
    (9, -12, "left", "top"),
    (-9, 12, "right", "bottom"),
    (-9, -12, "right", "top"),
)
"""Offsets in points from the marker, the first ones preferred."""


@final
@dataclass(frozen=True)
class Named:
    """A point with its name, and the ends of its interval along y if it has one."""

    x: float
    y: float
    text: str
    interval: tuple[float, float] | None = None


def place_labels(axes: Axes, points: Sequence[Named]) -> None:
    """Write the name of each point where it covers least, one after the other.

    The axes must have their final scales and limits. Names are no part of the layout, so that
    laying the figure out again moves nothing.
    """
    figure = axes.figure
    figure.draw_without_rendering()
    taken = [box for point in points for box in _boxes(axes, point)]
    inside = axes.get_window_extent()
    for point in points:
        label = axes.annotate(
            point.text, (point.x, point.y), textcoords="offset points", fontsize=6.5
        )
        label.set(in_layout=False, zorder=5)
        costs = [_cost(_put(label, place), taken, inside) for place in range(len(_PLACES))]
        taken.append(_put(label, costs.index(min(costs))))


def _put(label: Annotation, place: int) -> Bbox:
    *offset, horizontal, vertical = _PLACES[place]
    label.xyann = tuple(offset)
    label.set(ha=horizontal, va=vertical)
    canvas = label.axes.figure.canvas if label.axes else None
    assert isinstance(canvas, FigureCanvasAgg)
    return label.get_window_extent(canvas.get_renderer())


def _cost(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """The area that a name covers of what is there, and four times what leaves the axes."""
    covered = sum(_shared(box, other) for other in taken)
    return covered + 4 * (box.width * box.height - _shared(box, inside))


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both else 0.0


def _boxes(axes: Axes, point: Named) -> Iterator[Bbox]:
    """The marker, and the interval as a thin box."""
    x, y = axes.transData.transform((point.x, point.y))
    yield Bbox.from_extents(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER)
    if point.interval is not None:
        bottom, top = (axes.transData.transform((point.x, end))[1] for end in point.interval)
        yield Bbox.from_extents(x - 1, bottom, x + 1, top)
