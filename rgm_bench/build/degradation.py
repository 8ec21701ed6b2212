"""Operators, forward processes and inverse problems."""

from typing import TypeVar, assert_never

import torch

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    BlockAverageSpec,
    BlurSpec,
    ChannelMeanSpec,
    DataSpec,
    ForwardSpec,
    IdentitySpec,
    InpaintingSpec,
    LinearForwardSpec,
    NoiseForwardSpec,
    OperatorSpec,
    ProblemSpec,
    PythonPartSpec,
    SuperResolutionForwardSpec,
)
from rgm_bench.forward.base import ForwardProcess
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
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.rng import derive_seed

Base = TypeVar("Base")


def build_forward(
    spec: ForwardSpec, data: DataSpec, device: torch.device, parts: Parts = NO_PARTS
) -> ForwardProcess:
    """The forward process for samples of `data`, its tables on `device`."""
    forward = _forward(spec, data, parts)
    forward.to(device)
    return forward


def build_noise_forward(spec: NoiseForwardSpec, device: torch.device) -> NoiseForward:
    """Degradation by noise alone, its tables on `device`."""
    forward = NoiseForward(spec.num_levels, spec.schedule)
    forward.to(device)
    return forward


def _forward(spec: ForwardSpec, data: DataSpec, parts: Parts) -> ForwardProcess:
    match spec:
        case NoiseForwardSpec():
            return NoiseForward(spec.num_levels, spec.schedule)
        case SuperResolutionForwardSpec(order="split"):
            return SplitSuperResolution(spec.num_levels, spec.schedule)
        case SuperResolutionForwardSpec(order="naive"):
            return NaiveSuperResolution(spec.num_levels, spec.schedule)
        case LinearForwardSpec():
            return _linear(spec, data, parts)
        case PythonPartSpec():
            return _made(spec, ForwardProcess, "method.forward", parts)
        case SuperResolutionForwardSpec():
            raise AssertionError(spec.order)
        case _:
            assert_never(spec)


def _made(spec: PythonPartSpec, base: type[Base], field: str, parts: Parts) -> Base:
    """It is made for training and for sampling, and has to be the same in both."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(0, "forward"))
        return parts.make(spec, base, field=field)


def _linear(spec: LinearForwardSpec, data: DataSpec, parts: Parts) -> LinearGaussian:
    operator = build_operator(spec.operator, data, parts)
    if isinstance(operator, BlockAverage | ChannelMean):
        operator = Projection(operator)
    scale = torch.ones(())
    if spec.noise == "observed":
        assert isinstance(operator, Inpainting)
        scale = operator.mask.float()
    schedule = variance_preserving(spec.num_levels, spec.schedule)
    return LinearGaussian(operator=operator, schedule=schedule, noise_scale=scale)


def build_operator(spec: OperatorSpec, data: DataSpec, parts: Parts = NO_PARTS) -> LinearOperator:
    """The operator on images of `data`, its tensors on the CPU."""
    match spec:
        case IdentitySpec():
            return Identity()
        case BlockAverageSpec():
            return BlockAverage(spec.factor)
        case ChannelMeanSpec():
            return ChannelMean()
        case BlurSpec():
            return Blur.gaussian(spec.sigma)
        case InpaintingSpec():
            _, height, width = data.event_shape
            side = spec.side(height, width)
            return Inpainting.centred_box(height=height, width=width, side=side)
        case PythonPartSpec():
            return _made(spec, LinearOperator, "operator", parts)
        case _:
            assert_never(spec)


def build_problem(
    spec: ProblemSpec, data: DataSpec, device: torch.device, parts: Parts = NO_PARTS
) -> InverseProblem:
    """The inverse problem on images of `data`, its tensors on `device`."""
    operator = build_operator(spec.operator, data, parts)
    operator.to(device)
    return InverseProblem(operator=operator, noise_std=spec.noise_std, name=spec.operator.kind)
