"""Sampling from a network that predicts noise, as DDPM does, with the schedulers of diffusers.

A scheduler's timestep t is our level t + 1, and the t that the network was trained with.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol, assert_never, final, runtime_checkable

import torch
from torch import Tensor

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.base import Network, Sampler
from rgm_bench.types import Level, Observation

PredictNoise = Network
"""A network: observation, the level below it, latent -> estimate of the noise in it."""

Kind = Literal["ancestral", "ddim", "dpm_solver"]


@runtime_checkable  # the tests look at types
class _Scheduler(Protocol):
    """What we use of a scheduler, once its timesteps are set. Its tables stay on the CPU."""

    timesteps: Tensor

    @property
    def step(self) -> Callable[..., Any]:
        """From model output, timestep and sample to the next sample; options differ by kind."""
        ...


@final
class DiffusionSampler(Sampler):
    """Goes down evenly spaced levels, one evaluation of the network at each.

    The levels start at the last one, where an observation is noise, and end at data ("trailing" in
    diffusers), with the one-step variances of training between them.

    - `ancestral`: DDPM with the variance of the posterior, its smaller choice.
    - `ddim`: with eta 0, so that all chance is in the start. Where an estimate of the data was
      clipped, the noise that goes with it is computed anew. By default diffusers keeps the old one,
      and then images lose their variety with more steps.
    - `dpm_solver`: DPM-Solver++, multistep, of second order but for its first and last step.

    Source: Ho et al. 2020, Algorithm 2; Song et al. 2021 (DDIM), Eq. (12); Lu et al. 2022
    (DPM-Solver++), Algorithm 2. The spacing is from Lin et al. 2024, Table 2; Song et al. end at
    the first level, and start below the last.

    Args:
        forward: the forward process that the network was trained on.
        predict_noise: the network.
        latent: where z comes from, afresh at every step.
        event_shape: sizes of one sample.
        kind: which scheduler.
        steps: evaluations of the network; for `ddim` a divisor of the number of levels.
        clip: whether `ancestral` and `ddim` clip every estimate of the clean data to [-1, 1]: usual
            for images, wrong for points. `dpm_solver` never does: it extrapolates from former
            estimates, and clipped ones lie on no smooth curve.

    Raises:
        ValueError: `steps` does not fit the number of levels.
    """

    def __init__(
        self,
        *,
        forward: NoiseForward,
        predict_noise: PredictNoise,
        latent: LatentDistribution,
        event_shape: tuple[int, ...],
        kind: Kind,
        steps: int,
        clip: bool,
    ) -> None:
        _require_fit(kind, steps, forward.num_levels)
        self.forward, self.predict_noise, self.latent = forward, predict_noise, latent
        self.event_shape, self.steps, self.clip = event_shape, steps, clip
        self.kind: Kind = kind
        self._options = {"use_clipped_model_output": True} if kind == "ddim" else {}
        self._scheduler = _make_scheduler(kind, forward, steps, clip)
        self.levels = (*(t + 1 for t in self._scheduler.timesteps.tolist()), 0)

    def start(self, num: int, rng: torch.Generator) -> Observation:
        """Draws from the end distribution, and a scheduler that remembers nothing."""
        self._scheduler = _make_scheduler(self.kind, self.forward, self.steps, self.clip)
        noise = torch.randn(num, *self.event_shape, generator=rng, device=rng.device)
        return self.forward.start(noise)

    def step(self, y: Observation, level: Level, below: Level, rng: torch.Generator) -> Observation:
        """Predict the noise at `level`, then let the scheduler move to `below`."""
        noise = self.predict_noise(y, level - 1, self.latent.draw(len(y), rng))
        timestep = int(level[0]) - 1
        return self._scheduler.step(
            noise, timestep, y, generator=rng, return_dict=False, **self._options
        )[0]


def _require_fit(kind: Kind, steps: int, num_levels: int) -> None:
    if not 1 <= steps <= num_levels:
        raise ValueError(
            f"{kind} in {steps} steps over {num_levels} levels; take 1 to {num_levels} steps"
        )
    if kind == "ddim" and num_levels % steps:
        raise ValueError(
            f"ddim in {steps} steps over {num_levels} levels: its steps have one width, so their "
            f"number divides {num_levels}"
        )


def _make_scheduler(kind: Kind, forward: NoiseForward, steps: int, clip: bool) -> _Scheduler:
    # imported here, since diffusers takes seconds
    num_levels = forward.num_levels
    timesteps = [round(num_levels * left / steps) - 1 for left in range(steps, 0, -1)]
    process: dict[str, Any] = {
        "num_train_timesteps": num_levels,
        "trained_betas": forward.schedule.step_variance.tolist(),
        "timestep_spacing": "trailing",
    }
    match kind:
        case "ancestral":
            from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

            ancestral = DDPMScheduler(**process, variance_type="fixed_small", clip_sample=clip)
            ancestral.set_timesteps(timesteps=timesteps)
            return ancestral
        case "ddim":
            from diffusers.schedulers.scheduling_ddim import DDIMScheduler

            ddim = DDIMScheduler(**process, clip_sample=clip)
            ddim.set_timesteps(steps)
            return ddim
        case "dpm_solver":
            from diffusers.schedulers.scheduling_dpmsolver_multistep import (
                DPMSolverMultistepScheduler,
            )

            solver = DPMSolverMultistepScheduler(**process, solver_order=2)
            solver.set_timesteps(timesteps=timesteps)
            return solver
        case _:
            assert_never(kind)
