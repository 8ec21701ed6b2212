"""The loop over steps, once: rates, losses that must be finite, the curve, and who watches."""

import math
from collections.abc import Callable
from typing import final

import torch

from rgm_bench.errors import DivergedError
from rgm_bench.optim import cosine_decay
from rgm_bench.training.base import TrainingStep
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.curve import Curve
from rgm_bench.training.draws import DrawSource


@final
class Training:
    """A training that can be advanced, saved and gone on with.

    Args:
        step: what one step does.
        draws: the data and randomness of each step.
        steps: steps of the whole training.
        horizon_images: images after which the learning rates no longer fall.
    """

    def __init__(
        self, *, step: TrainingStep, draws: DrawSource, steps: int, horizon_images: int
    ) -> None:
        self.step, self.draws = step, draws
        self.steps, self.horizon_images = steps, horizon_images
        self.steps_done = 0
        self.curve = Curve(steps=steps, batch_size=draws.batch_size)

    @property
    def images_seen(self) -> int:
        """Images that all steps done so far have used, repetitions counted."""
        return self.steps_done * self.draws.batch_size

    def decay(self, step: int) -> float:
        """How much of the learning rates is left at a step: it changes once an epoch.

        Source: published training code of Choi et al. 2023, with the horizon in images.
        """
        epoch = step // self.draws.steps_per_epoch
        epoch_images = self.draws.steps_per_epoch * self.draws.batch_size
        return cosine_decay(epoch * epoch_images, self.horizon_images)

    def run(self, after_step: Callable[[], None], *, until: int | None = None) -> None:
        """Do the steps that are left, calling `after_step` after each.

        Args:
            after_step: called after each step.
            until: images after which to stop, so that the rest can be done later; None does all.

        Raises:
            DivergedError: a loss is not a finite number; of several processes, all raise it.
            LostProcessError: another process of this training has ended.
        """
        last = self.steps if until is None else until // self.draws.batch_size
        while self.steps_done < last:
            number, decay = self.steps_done, self.decay(self.steps_done)
            losses = self.step(self.draws.at(number), step=number, decay=decay)
            # one transfer from the device for all of them, and one message between processes
            values = self.draws.ranks.mean(torch.stack(list(losses.values()))).tolist()
            named = dict(zip(losses, values, strict=True))
            self.steps_done += 1
            _require_finite(named, self.images_seen)
            named["learning_rate"] = self.step.optimizer.rate(decay)
            self.curve.add(named, step=number)
            after_step()

    def checkpoint(self) -> Checkpoint:
        """All that `resume` needs."""
        notes = {"steps_done": self.steps_done, "curve": self.curve.state()}
        return Checkpoint(self.step.state(), notes)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on where `checkpoint` was made: the rest has the same bits as without a break."""
        self.step.load_state(checkpoint.tensors)
        self.curve.load_state(checkpoint.notes["curve"])
        self.steps_done = checkpoint.notes["steps_done"]


def _require_finite(losses: dict[str, float], images_seen: int) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(name, images_seen)
