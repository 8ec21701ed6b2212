"""The contract suites over every operator and every forward process."""

import torch

from rgm_bench.forward.blur import Blur
from rgm_bench.forward.downsample import NaiveSuperResolution, SplitSuperResolution
from rgm_bench.forward.linear import LinearGaussian
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.forward.operators import (
    BlockAverage,
    ChannelMean,
    Identity,
    Inpainting,
    LinearOperator,
    Projection,
)
from rgm_bench.forward.schedule import variance_preserving
from rgm_bench.testing.forward import ForwardContract
from rgm_bench.testing.operators import OperatorContract


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


class TestIdentity(OperatorContract):
    def make(self) -> LinearOperator:
        return Identity()


class TestBlockAverage(OperatorContract):
    def make(self) -> LinearOperator:
        return BlockAverage(4)


class TestBlockAverageOfOddBlocks(OperatorContract):
    shape = (1, 6, 9)

    def make(self) -> LinearOperator:
        return BlockAverage(3)


class TestChannelMean(OperatorContract):
    def make(self) -> LinearOperator:
        return ChannelMean()


class TestChannelMeanWithADarkChannel(OperatorContract):
    def make(self) -> LinearOperator:
        return ChannelMean((0.7, 0.0, -0.2))


class TestInpainting(OperatorContract):
    def make(self) -> LinearOperator:
        return Inpainting.centred_box(height=16, width=16, side=7)


class TestInpaintingOfSinglePixels(OperatorContract):
    def make(self) -> LinearOperator:
        return Inpainting(_random(3, 16, 16) > 0)


class TestGaussianBlur(OperatorContract):
    def make(self) -> LinearOperator:
        return Blur.gaussian(0.8)


class TestBlurWithALopsidedKernel(OperatorContract):
    shape = (2, 9, 12)

    def make(self) -> LinearOperator:
        return Blur(_random(3, 5))


class TestBlurThatTakesFrequenciesOut(OperatorContract):
    """A box of 5 x 5 leaves nothing but rounding of every third frequency of 15."""

    shape = (1, 15, 15)
    infinite_weight = 1e9  # times the rounding that is left of those frequencies is still nothing

    def make(self) -> LinearOperator:
        return Blur(torch.full((5, 5), 1 / 25, dtype=torch.float64))


class TestBlurWithAKernelLargerThanTheImage(OperatorContract):
    shape = (1, 4, 6)

    def make(self) -> LinearOperator:
        return Blur(_random(7, 7))


class TestProjectionOfBlockAverage(OperatorContract):
    def make(self) -> LinearOperator:
        return Projection(BlockAverage(2))


class TestProjectionOfChannelMean(OperatorContract):
    def make(self) -> LinearOperator:
        return Projection(ChannelMean())


class TestProjectionOfBlur(TestBlurThatTakesFrequenciesOut):
    def make(self) -> LinearOperator:
        return Projection(super().make())


class TestNoise(ForwardContract):
    def make(self) -> NoiseForward:
        return NoiseForward(4)


class TestNoiseOnPoints(ForwardContract):
    shape = (2,)

    def make(self) -> NoiseForward:
        return NoiseForward(2, "square")


class TestSplitSuperResolution(ForwardContract):
    """Each coarse pixel is repeated 4^n times, and the published fidelity counts each time."""

    def make(self) -> SplitSuperResolution:
        return SplitSuperResolution(7)

    def noisy_entries(self, level: int) -> int:
        return 128 // 4 ** (level // 2)

    def fidelity_scale(self, level: int) -> float:
        return 4.0 ** (level // 2)


class TestSplitSuperResolutionThatEndsWithMeans(TestSplitSuperResolution):
    shape = (2, 4, 16)

    def make(self) -> SplitSuperResolution:
        return SplitSuperResolution(4)


class TestSplitSuperResolutionWithTheSquareSchedule(TestSplitSuperResolution):
    def make(self) -> SplitSuperResolution:
        return SplitSuperResolution(7, "square")


class TestNaiveSuperResolution(ForwardContract):
    def make(self) -> NaiveSuperResolution:
        return NaiveSuperResolution(3)

    def noisy_entries(self, level: int) -> int:
        return 128 // 4**level


class TestNaiveSuperResolutionWithTheSquareSchedule(TestNaiveSuperResolution):
    def make(self) -> NaiveSuperResolution:
        return NaiveSuperResolution(3, "square")


def _linear(operator: LinearOperator, noise_scale: torch.Tensor | None = None) -> LinearGaussian:
    scale = torch.ones(()) if noise_scale is None else noise_scale
    schedule = variance_preserving(4, "original")
    return LinearGaussian(operator=operator, schedule=schedule, noise_scale=scale)


class TestLinearIdentity(ForwardContract):
    def make(self) -> LinearGaussian:
        return _linear(Identity())


class TestLinearBlur(ForwardContract):
    def make(self) -> LinearGaussian:
        return _linear(Blur.gaussian(0.8))


class TestLinearBlocks(ForwardContract):
    def make(self) -> LinearGaussian:
        return _linear(Projection(BlockAverage(2)), torch.tensor([0.5, 2.0]).reshape(2, 1, 1))


class TestLinearColour(ForwardContract):
    shape = (3, 4, 4)

    def make(self) -> LinearGaussian:
        return _linear(Projection(ChannelMean()))


class TestLinearInpainting(ForwardContract):
    """What is hidden holds no noise: the covariance has zeros on its diagonal."""

    def make(self) -> LinearGaussian:
        operator = Inpainting.centred_box(height=8, width=8, side=4)
        return _linear(operator, operator.mask)

    def noisy_entries(self, level: int) -> int:
        return 2 * (64 - 16)


class TestLinearWithOneNoisyChannel(ForwardContract):
    """Entries may be observed without noise; they are left out of the fidelity."""

    def make(self) -> LinearGaussian:
        return _linear(Identity(), torch.tensor([1.0, 0.0]).reshape(2, 1, 1))

    def noisy_entries(self, level: int) -> int:
        return 64
