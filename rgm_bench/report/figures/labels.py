"""Names beside the points of a scatter, placed so that they cover neither points nor each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
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
    """A point with its name, and the ends of its interval along y if it has one.

    `right` says by how many points (of 72 an inch) it is drawn beside its place.
    """

    x: float
    y: float
    text: str
    interval: tuple[float, float] | None = None
    right: float = 0.0


def place_labels(axes: Axes, points: Sequence[Named]) -> None:
    """Write the name of each point where it covers least, one after the other.

    The axes must have their final scales and limits. Names are no part of the layout, so that
    laying the figure out again moves nothing.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    markers = [_marker(axes, point) for point in points]
    taken = [*markers, *(box for point in points for box in _interval(axes, point))]
    inside = axes.get_window_extent()
    for place, point in enumerate(points):
        label = axes.annotate(
            point.text, (point.x, point.y), (0, 0), textcoords="offset points", fontsize=6.5
        )
        label.set(in_layout=False, zorder=5)
        tried = [_put(label, option, point.right) for option in _PLACES]
        costs = [_cost(box, taken, inside, markers, place) for box in tried]
        taken.append(_put(label, _PLACES[costs.index(min(costs))], point.right))


def _put(label: Annotation, option: tuple[int, int, str, str], shift: float) -> Bbox:
    right, up, horizontal, vertical = option
    label.xyann = (right + shift, up)
    label.set(ha=horizontal, va=vertical)
    canvas = label.axes.figure.canvas if label.axes else None
    assert isinstance(canvas, FigureCanvasAgg)
    return label.get_window_extent(canvas.get_renderer())


def _cost(
    box: Bbox, taken: Sequence[Bbox], inside: Bbox, markers: Sequence[Bbox], own: int
) -> float:
    """The area that a name covers of what is there, and four times what leaves the axes.

    A name that lies nearer to another marker than to its own would be read as the other's.
    """
    covered = sum(_shared(box, other) for other in taken)
    nearest = min(range(len(markers)), key=lambda place: _gap(box, markers[place]))
    area = box.width * box.height
    return covered + 4 * (area - _shared(box, inside)) + (area if nearest != own else 0.0)


def _gap(box: Bbox, marker: Bbox) -> float:
    """The distance from the middle of a marker to a box."""
    x, y = (marker.x0 + marker.x1) / 2, (marker.y0 + marker.y1) / 2
    return hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both else 0.0


def _marker(axes: Axes, point: Named) -> Bbox:
    x, y = _pixels(axes, point, point.y)
    return Bbox.from_extents(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER)


def _interval(axes: Axes, point: Named) -> list[Bbox]:
    """The interval as a thin box, if there is one."""
    if point.interval is None:
        return []
    (x, bottom), (_, top) = (_pixels(axes, point, end) for end in point.interval)
    return [Bbox.from_extents(x - 1, bottom, x + 1, top)]


def _pixels(axes: Axes, point: Named, y: float) -> tuple[float, float]:
    figure = axes.get_figure(root=True)
    assert figure is not None
    x, up = axes.transData.transform((point.x, y))
    return float(x + point.right * figure.dpi / 72), float(up)
