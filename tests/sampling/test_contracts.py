"""Every sampler keeps the laws of samplers, and samplers that break one are found out."""

from functools import cache

import pytest
import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.base import Sampler
from rgm_bench.sampling.diffusion import DiffusionSampler
from rgm_bench.sampling.restoration import OneShotRestoration, RestorationSampler, Transition
from rgm_bench.testing.samplers import GaussianData, SamplerContract, Watch

# of numpy, in the scheduler of DPM-Solver
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DATA = GaussianData()
ONE = LatentDistribution(size=1)
NONE = LatentDistribution(size=1, zeros=True)


@cache
def noise_forward(num_levels: int, schedule: str = "original") -> NoiseForward:
    return NoiseForward(num_levels, schedule)


def restoration(steps: int, watch: Watch, transition: Transition, **changes) -> RestorationSampler:
    forward = noise_forward(steps)
    exact = transition == "resample"
    network = DATA.posterior_draw(forward) if exact else DATA.posterior_mean(forward)
    settings = {
        "forward": forward,
        "restore": watch(network),
        "latent": ONE,
        "event_shape": (1,),
        "noise_factor": 1.0,
        "transition": transition,
    }
    return RestorationSampler(**(settings | changes))


def one_shot(steps: int, watch: Watch, *, single_step: bool) -> OneShotRestoration:
    return OneShotRestoration(
        sampler=restoration(4, watch, "resample"),
        data=DATA.draw(2**16, (1,), torch.Generator().manual_seed(7)),
        start_level=steps,
        single_step=single_step,
    )


def diffusion(steps: int, watch: Watch, kind) -> DiffusionSampler:
    forward = noise_forward(1000, "linear")
    return DiffusionSampler(
        forward=forward,
        predict_noise=watch(DATA.noise(forward)),
        latent=NONE,
        event_shape=(1,),
        kind=kind,
        steps=steps,
        clip=False,
    )


class TestResample(SamplerContract):
    """Exact at every number of levels, if the restorations are draws of the posterior."""

    tolerances = ((1, 0.03), (4, 0.03), (16, 0.03))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return restoration(steps, watch, "resample")


class TestAncestralTransition(SamplerContract):
    tolerances = ((16, 0.28), (64, 0.12), (512, 0.04))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return restoration(steps, watch, "ancestral")


class TestDeterministicTransition(SamplerContract):
    tolerances = ((16, 0.2), (64, 0.08), (256, 0.04))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return restoration(steps, watch, "deterministic")


class TestOneShot(SamplerContract):
    tolerances = ((1, 0.03), (4, 0.03))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return one_shot(steps, watch, single_step=True)


class TestOneShotThatGoesOn(SamplerContract):
    tolerances = ((1, 0.03), (4, 0.03))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return one_shot(steps, watch, single_step=False)


class TestDdpm(SamplerContract):
    tolerances = ((50, 0.15), (250, 0.06), (1000, 0.03))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return diffusion(steps, watch, "ancestral")


class TestDdim(SamplerContract):
    tolerances = ((10, 0.29), (50, 0.08), (250, 0.04))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return diffusion(steps, watch, "ddim")


class TestDpmSolver(SamplerContract):
    tolerances = ((10, 0.22), (20, 0.07), (50, 0.03))

    def make(self, steps: int, watch: Watch) -> Sampler:
        return diffusion(steps, watch, "dpm_solver")


class _TooLittleNoise(TestResample):
    def make(self, steps: int, watch: Watch) -> Sampler:
        return restoration(steps, watch, "resample", latent=NONE)


class _OwnRandomness(TestResample):
    def make(self, steps: int, watch: Watch) -> Sampler:
        sampler = restoration(steps, watch, "resample")
        draw = sampler.forward.start
        sampler.forward = NoiseForward(steps)
        sampler.forward.start = lambda noise: draw(torch.randn_like(noise))
        return sampler


class _EvaluationsLeftOut(TestResample):
    def make(self, steps: int, watch: Watch) -> Sampler:
        def twice(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
            network = watch(DATA.posterior_draw(noise_forward(steps)))
            return (network(y, level, z) + network(y, level, z)) / 2

        return restoration(steps, watch, "resample", restore=twice)


class _LevelsOffByOne(TestResample):
    def make(self, steps: int, watch: Watch) -> Sampler:
        sampler = restoration(steps, watch, "resample")
        restore = sampler.restore
        sampler.restore = lambda y, level, z: restore(y, (level - 1).clamp(min=0), z)
        return sampler


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (_TooLittleNoise, "test_samples_have_the_distribution_of_the_data"),
        (_OwnRandomness, "test_the_seed_decides_all_bits"),
        (_EvaluationsLeftOut, "test_network_evaluations_are_those_that_are_made"),
        (_LevelsOffByOne, "test_the_network_sees_one_level_less_than_its_observation"),
    ],
)
def test_a_sampler_that_breaks_a_law_is_found_out(broken, law) -> None:
    broken.tolerances = ((4, 0.03),)
    with pytest.raises(AssertionError):
        getattr(broken(), law)()
