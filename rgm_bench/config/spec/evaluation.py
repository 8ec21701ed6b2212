"""What is measured: of which source, by which kind of measurement, with which seed."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rgm_bench.config.spec.base import Seed, Spec
from rgm_bench.config.spec.data import DataSpec
from rgm_bench.config.spec.measure import MeasureSpec
from rgm_bench.config.spec.misfits import measure_misfit, shares_misfit
from rgm_bench.config.spec.training import SNAPSHOT_SHARES, TrainingSpec


class TrainingSource(Spec):
    """The averaged weights of a training at a share of its images."""

    kind: Literal["training"]
    training: TrainingSpec
    at: float

    @model_validator(mode="after")
    def _is_a_snapshot(self) -> Self:
        if self.at not in SNAPSHOT_SHARES:
            raise ValueError(f"at_images is among {SNAPSHOT_SHARES}; found {self.at}")
        misfit = shares_misfit((self.at,), self.training)
        if misfit:
            raise ValueError(" ".join(misfit))
        return self


class RealSplitSource(Spec):
    """Real data of a split, and no network: drawn with repetition, or restored by a formula."""

    kind: Literal["real_split"]
    data: DataSpec


class EvaluationSpec(Spec):
    """One measurement of one source."""

    source: Annotated[TrainingSource | RealSplitSource, Field(discriminator="kind")]
    measure: MeasureSpec
    seed: Seed

    @property
    def data(self) -> DataSpec:
        """The data that the source has learnt, or is."""
        source = self.source
        return source.data if isinstance(source, RealSplitSource) else source.training.data

    @model_validator(mode="after")
    def _measure_fits(self) -> Self:
        training = self.source.training if isinstance(self.source, TrainingSource) else None
        misfit = measure_misfit(self.measure, self.data, training)
        if misfit:
            raise ValueError(f"measure.{misfit[0]} {misfit[1]}")
        return self
