"""What is trained: RGM with one of its priors, or a baseline."""

from typing import Annotated, Literal

from pydantic import Field

from rgm_bench.config.spec.base import Added, Count, Positive, Rate, Spec, Weight
from rgm_bench.config.spec.degradation import ForwardSpec, NoiseForwardSpec
from rgm_bench.config.spec.part import PythonPartSpec


class DiscriminatorSpec(Spec):
    """The time-conditional discriminator: `small` halves the image 3 times, `large` 6 times."""

    kind: Literal["small", "large"]
    base_channels: Count
    time_embedding: Annotated[int, Field(ge=4, multiple_of=2)]

    @property
    def halvings(self) -> int:
        """How often it halves an image."""
        return {"small": 3, "large": 6}[self.kind]


class MlpDiscriminatorSpec(Spec):
    """Three dense layers of `width`, for points."""

    kind: Literal["mlp"]
    width: Count


AnyDiscriminatorSpec = Annotated[
    DiscriminatorSpec | MlpDiscriminatorSpec, Field(discriminator="kind")
]


class R1Spec(Spec):
    """A penalty on the discriminator's gradient at real images, every `every_steps` steps."""

    weight: Weight
    every_steps: Count


class AdversarySpec(Spec):
    """A discriminator that is trained beside the generator."""

    discriminator: AnyDiscriminatorSpec
    r1: R1Spec
    learning_rate: Rate


class KldPriorSpec(AdversarySpec):
    """The adversarial estimate of the Kullback-Leibler divergence at each level."""

    kind: Literal["kld"]


class MmdPriorSpec(Spec):
    """Maximum mean discrepancy with a fixed kernel on the data themselves."""

    kind: Literal["mmd"]
    bandwidths: Annotated[tuple[Positive, ...], Field(min_length=1)]


class FeatureMmdPriorSpec(AdversarySpec):
    """Maximum mean discrepancy on the features of a discriminator."""

    kind: Literal["feature_mmd"]
    bandwidths: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1.0, 2.0, 4.0, 8.0, 16.0)


class DswdPriorSpec(AdversarySpec):
    """The distributional sliced Wasserstein distance on the features of a discriminator.

    `num_directions` random directions go through a map that `inner_steps` steps make worse for the
    generator. Published: 1000 directions and 10 steps. Of earlier revisions results can be read.
    """

    kind: Literal["dswd"]
    num_directions: Count = 1000
    inner_steps: Annotated[int, Field(ge=0)] = 10
    inner_learning_rate: Rate = 1e-4
    orthogonality_weight: Weight = 10.0
    power: Annotated[float, Field(ge=1)] = 2.0
    revision: Annotated[
        int,
        Field(
            ge=2,
            le=2,
            description="1: the discriminator learnt at one level a batch, like the generator; "
            "2: at a level for each sample, as published",
        ),
        Added(meant=1),
    ] = 2


class NoPriorSpec(Spec):
    """Fidelity alone."""

    kind: Literal["none"]


PriorSpec = Annotated[
    KldPriorSpec
    | MmdPriorSpec
    | FeatureMmdPriorSpec
    | DswdPriorSpec
    | NoPriorSpec
    | PythonPartSpec,
    Field(discriminator="kind"),
]


class RgmSpec(Spec):
    """Restoration based generative model: `prior + fidelity_weight * fidelity`.

    The paper puts its lambda on the prior, so `paper_lambda = 1 / fidelity_weight`.
    """

    kind: Literal["rgm"]
    forward: ForwardSpec
    fake: Literal["resample", "posterior"] = "resample"
    fidelity_weight: Weight
    prior: PriorSpec


class MmseSpec(Spec):
    """The restorer of least squared error: no prior, no fidelity."""

    kind: Literal["mmse"]
    forward: ForwardSpec


class DdpmSpec(Spec):
    """Denoising diffusion: the network predicts the noise."""

    kind: Literal["ddpm"]
    forward: NoiseForwardSpec


class ImportedSpec(Spec):
    """Weights that somebody else has trained, known by the checksum of their file.

    The other fields of the training say how, as published.
    """

    kind: Literal["imported"]
    forward: ForwardSpec
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


MethodSpec = Annotated[RgmSpec | MmseSpec | DdpmSpec | ImportedSpec, Field(discriminator="kind")]


def adversary_of(method: MethodSpec) -> AdversarySpec | None:
    """The discriminator that a method trains, or None."""
    prior = method.prior if isinstance(method, RgmSpec) else None
    return prior if isinstance(prior, AdversarySpec) else None
