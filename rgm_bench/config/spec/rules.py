"""What fields of a training have to agree on. Every text begins with the field that should change.

A rule is silent about parts written in Python: they say themselves what they can do.
"""

from typing import assert_never

from rgm_bench.batching import STDDEV_GROUP
from rgm_bench.config.spec.data import DataSpec, KnownDataSpec, PointsDataSpec, is_images, text_size
from rgm_bench.config.spec.degradation import (
    BlockAverageSpec,
    BlurSpec,
    ChannelMeanSpec,
    ForwardSpec,
    IdentitySpec,
    InpaintingSpec,
    LinearForwardSpec,
    NoiseForwardSpec,
    OperatorSpec,
    SuperResolutionForwardSpec,
)
from rgm_bench.config.spec.method import (
    DdpmSpec,
    DiscriminatorSpec,
    DswdPriorSpec,
    FeatureMmdPriorSpec,
    MethodSpec,
    MmdPriorSpec,
    PriorSpec,
    RgmSpec,
    adversary_of,
)
from rgm_bench.config.spec.networks import GeneratorSpec, NcsnppSpec
from rgm_bench.config.spec.part import PythonPartSpec
from rgm_bench.data.contents import NUM_IMAGES

MIN_LINEAR_LEVELS = 21
"""The schedule of DDPM stretched to fewer levels has a step of variance above 1."""

MAX_EMA_START = 0.05
"""The largest share of the starting weights that an average may still hold when a run ends."""


def check_batch(batch_size: int, images: int, accumulation: int, data: DataSpec) -> None:
    """Whether batches divide into groups, fit the data and fill the training."""
    unit = STDDEV_GROUP * accumulation
    if batch_size % unit:
        raise ValueError(
            f"batch_size is a multiple of {unit} (groups of {STDDEV_GROUP} images x "
            f"accumulation {accumulation}); found {batch_size}, "
            f"try {max(1, round(batch_size / unit)) * unit}"
        )
    there = num_samples(data)
    if there is not None and batch_size > there:
        raise ValueError(
            f"batch_size is at most the {there} {'images' if is_images(data) else 'points'} of "
            f"{data.kind} {data.split}; found {batch_size}"
        )
    if images % batch_size:
        lower = images // batch_size * batch_size
        fitting = f"{lower} or {lower + batch_size}" if lower else f"{batch_size}"
        raise ValueError(
            f"images is a multiple of batch_size {batch_size}; found {images}, try {fitting}"
        )


def num_samples(data: DataSpec) -> int | None:
    """How many samples a split has; None for what is its owner's."""
    if isinstance(data, PointsDataSpec):
        return data.num_points
    if isinstance(data, KnownDataSpec) and data.subset is not None:
        return None
    return NUM_IMAGES.get((data.kind, data.split))


def check_average(decay: float, steps: int) -> None:
    """Whether the average forgets its start before the training ends."""
    averaged_steps = max(1, steps - 1)  # the average starts as a copy after the first step
    if decay**averaged_steps > MAX_EMA_START:
        largest = int(MAX_EMA_START ** (1 / averaged_steps) * 1e4) / 1e4
        raise ValueError(
            f"ema.decay {decay} leaves {decay**averaged_steps:.0%} of the "
            f"starting weights in the average after {steps} steps, more than "
            f"{MAX_EMA_START:.0%}: use {largest} or less, or more images"
        )


def check_networks(data: DataSpec, generator: GeneratorSpec, method: MethodSpec) -> None:
    """Whether the networks take samples of this form and size."""
    if is_images(data) != isinstance(generator, NcsnppSpec):
        fitting = "ncsnpp" if is_images(data) else "mlp"
        raise ValueError(
            f"generator.kind {generator.kind} does not take {data.kind}: use {fitting}"
        )
    if isinstance(generator, NcsnppSpec):
        _check_halvings(data, generator)
    adversary = adversary_of(method)
    if adversary is not None:
        _check_discriminator(data, adversary.discriminator)


def _check_halvings(data: DataSpec, generator: NcsnppSpec) -> None:
    size, levels = data.event_shape[-1], len(generator.channel_multipliers)
    if size % 2 ** (levels - 1):
        raise ValueError(
            f"generator.channel_multipliers has {levels} levels, which halve the image "
            f"{levels - 1} times, and {size} pixels cannot be: use fewer levels"
        )


def _check_discriminator(data: DataSpec, discriminator: object) -> None:
    where = "method.prior.discriminator"
    if not isinstance(discriminator, DiscriminatorSpec):
        if is_images(data):
            raise ValueError(f"{where}.kind mlp does not take {data.kind}: use small or large")
        return
    if not is_images(data):
        raise ValueError(f"{where}.kind {discriminator.kind} does not take {data.kind}: use mlp")
    size, halvings = data.event_shape[-1], discriminator.halvings
    if size % 2**halvings:
        raise ValueError(
            f"{where} {discriminator.kind} halves the image "
            f"{halvings} times, and {size} pixels cannot be: "
            f"{'use small' if halvings > 3 and size % 8 == 0 else 'use another image size'}"
        )


def check_forward(data: DataSpec, method: MethodSpec) -> None:
    """Whether samples of this form and size can be degraded so."""
    forward = method.forward
    if isinstance(forward, NoiseForwardSpec | LinearForwardSpec):
        _check_schedule(forward)
    if isinstance(forward, SuperResolutionForwardSpec | LinearForwardSpec) and not is_images(data):
        raise ValueError(f"method.forward.kind {forward.kind} degrades images: use noise")
    if isinstance(forward, SuperResolutionForwardSpec):
        size, halvings = data.event_shape[-1], forward.halvings
        if size % 2**halvings:
            raise ValueError(
                f"method.forward.num_levels {forward.num_levels} halves the image {halvings} "
                f"times, and {size} pixels cannot be: use {_fewer_levels(forward, size)}"
            )
    if isinstance(forward, LinearForwardSpec):
        misfit = operator_misfit(forward.operator, data)
        if misfit:
            raise ValueError(f"method.forward.operator.{misfit[0]} {misfit[1]}")
        if forward.noise == "observed" and not isinstance(forward.operator, InpaintingSpec):
            raise ValueError(
                "method.forward.noise observed is for inpainting, whose pixels are seen or not; "
                f"found {forward.operator.kind}: use everywhere"
            )


def _fewer_levels(forward: SuperResolutionForwardSpec, size: int) -> str:
    """How many levels images of `size` pixels can have."""
    fitting = [
        levels
        for levels in range(1, forward.num_levels)
        if size % 2 ** forward.model_copy(update={"num_levels": levels}).halvings == 0
    ]
    return f"{fitting[-1]} or fewer" if fitting else "another image size"


def _check_schedule(forward: NoiseForwardSpec | LinearForwardSpec) -> None:
    if forward.schedule == "linear" and forward.num_levels < MIN_LINEAR_LEVELS:
        raise ValueError(
            f"method.forward.num_levels {forward.num_levels} is too few for the schedule linear, "
            f"whose last step would hold more than all noise: use {MIN_LINEAR_LEVELS} or more, or "
            "the schedule original"
        )


def operator_misfit(operator: OperatorSpec, data: DataSpec) -> tuple[str, str] | None:
    """Which field of an operator does not fit the data and why; None if it fits."""
    if not is_images(data):
        return "kind", f"{operator.kind} is for images; {data.kind} are points"
    match operator:
        case BlockAverageSpec():
            size = data.event_shape[-1]
            if size % operator.factor == 0 and operator.factor <= size:
                return None
            return "factor", f"{operator.factor} does not divide the {size} pixels of {data.kind}"
        case ChannelMeanSpec():
            if data.event_shape[0] == 3:
                return None
            return "kind", f"channel_mean needs colour; {data.kind} is {text_size(data)}"
        case InpaintingSpec():
            _, height, width = data.event_shape
            if operator.side(height, width) < min(height, width):
                return None
            return "hidden", f"{operator.hidden} hides all {width} pixels of {data.kind}: use less"
        case IdentitySpec() | BlurSpec() | PythonPartSpec():
            return None
        case _:
            assert_never(operator)


def check_method(method: MethodSpec, generator: GeneratorSpec, accumulation: int) -> None:
    """Whether the parts of a method go together."""
    if isinstance(method, DdpmSpec) and generator.output != "linear":
        raise ValueError(
            "generator.output tanh ends at 1, and the noise that ddpm predicts does not: use linear"
        )
    if isinstance(method, DdpmSpec) and generator.latent.kind != "zeros":
        raise ValueError(
            f"generator.latent.kind {generator.latent.kind} is not for ddpm, whose noise follows "
            "from the observation: use zeros"
        )
    if not isinstance(method, RgmSpec):
        return
    if method.fake == "posterior" and not _has_posterior(method.forward):
        raise ValueError(
            "method.fake posterior is known for noise alone; with "
            f"{method.forward.kind} use resample"
        )
    if compares_whole_batches(method.prior) and accumulation > 1:
        raise ValueError(
            f"numerics.accumulation {accumulation} splits batches, and the prior "
            f"{method.prior.kind} compares whole ones: use 1"
        )


def compares_whole_batches(prior: PriorSpec) -> bool:
    """Whether the penalty of a batch is more than the mean of those of its parts."""
    return isinstance(prior, MmdPriorSpec | FeatureMmdPriorSpec | DswdPriorSpec)


def _has_posterior(forward: ForwardSpec) -> bool:
    return isinstance(forward, NoiseForwardSpec)
