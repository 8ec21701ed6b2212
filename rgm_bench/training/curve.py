"""The record of a training's losses, at points fixed by the number of images alone."""

from typing import Any, final

POINTS = 64
"""Points of a curve, or one a step in shorter trainings."""


@final
class Curve:
    """Means of each loss over the steps since the last point, with images seen at each.

    Args:
        steps: steps of the whole training.
        batch_size: images of a step.
    """

    def __init__(self, *, steps: int, batch_size: int) -> None:
        self.steps, self.batch_size = steps, batch_size
        self.columns: dict[str, list[float | None]] = {"images": []}
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: dict[str, float], *, step: int) -> None:
        """Take in the losses of a step; steps count from 0."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1
        points = min(POINTS, self.steps)
        if (step + 1) * points // self.steps > step * points // self.steps:
            self._close_point((step + 1) * self.batch_size)

    def _close_point(self, images: int) -> None:
        length = len(self.columns["images"])
        self.columns["images"].append(images)
        for name in self._sums:
            column = self.columns.setdefault(name, [None] * length)
            column.append(self._sums[name] / self._counts[name])
        for column in self.columns.values():
            if len(column) == length:  # a lazy loss that was not computed since the last point
                column.append(None)
        self._sums, self._counts = {}, {}

    def state(self) -> dict[str, Any]:
        """Everything a resumed training needs, as plain JSON values."""
        return {"columns": self.columns, "sums": self._sums, "counts": self._counts}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.columns = state["columns"]
        self._sums, self._counts = state["sums"], state["counts"]
