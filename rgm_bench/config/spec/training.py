"""One training, whole: data, method, networks, optimisation and numerics."""

from math import ceil
from typing import Self

from pydantic import model_validator

from rgm_bench.config.spec import rules
from rgm_bench.config.spec.base import Count, Seed, Spec
from rgm_bench.config.spec.data import DataSpec
from rgm_bench.config.spec.method import MethodSpec
from rgm_bench.config.spec.networks import GeneratorSpec
from rgm_bench.config.spec.optimisation import EmaSpec, NumericsSpec, OptimizerSpec

SNAPSHOT_SHARES = (0.125, 0.25, 0.5, 1.0)
"""The shares of its images at which every training keeps its averaged weights."""


class TrainingSpec(Spec):
    """One training, whole: everything that changes a weight of its result."""

    data: DataSpec
    method: MethodSpec
    generator: GeneratorSpec
    optimizer: OptimizerSpec
    ema: EmaSpec
    images: Count
    batch_size: Count
    numerics: NumericsSpec = NumericsSpec()
    seed: Seed

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.images // self.batch_size

    @property
    def num_levels(self) -> int:
        """Levels of the forward process."""
        return self.method.forward.num_levels

    def images_at(self, share: float) -> int:
        """Images seen at the snapshot of `share`: whole steps, rounded up."""
        return ceil(share * self.steps) * self.batch_size

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        rules.check_batch(self.batch_size, self.images, self.numerics.accumulation, self.data)
        rules.check_average(self.ema.decay, self.steps)
        rules.check_networks(self.data, self.generator, self.method)
        rules.check_forward(self.data, self.method)
        rules.check_method(self.method, self.generator, self.numerics.accumulation)
        return self
