from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.config.overlay import overlay
from rgm_bench.config.packaged import preset_names, with_preset
from rgm_bench.config.placed import Placed, Position, nested, plain
from rgm_bench.config.problems import Problems
from rgm_bench.config.spec import (
    DigitsSpec,
    EvaluationSpec,
    GenerateSpec,
    RealSplitSource,
    ReferenceSpec,
    TrainingSpec,
    spec_id,
)
from rgm_bench.config.study import Trial

HERE = Position("here", 1, 1)

OTHERS: dict[str, Any] = {
    "data.kind": "fashion_mnist",
    "data.split": "test",
    "data.horizontal_flip": True,
    "method.forward.num_levels": 8,
    "method.forward.schedule": "square",
    "method.fake": "posterior",
    "method.fidelity_weight": 0.5,
    "method.prior.discriminator.base_channels": 8,
    "method.prior.discriminator.time_embedding": 64,
    "method.prior.r1.weight": 0.2,
    "method.prior.r1.every_steps": 1,
    "method.prior.learning_rate": 1e-4,
    "generator.base_channels": 32,
    "generator.channel_multipliers": (1, 1),
    "generator.blocks_per_level": 2,
    "generator.attention_resolutions": (4,),
    "generator.latent.kind": "zeros",
    "generator.latent.size": 8,
    "generator.latent.embedding": 16,
    "generator.latent.layers": 1,
    "generator.output": "linear",
    "optimizer.learning_rate": 1e-4,
    "optimizer.betas": (0.0, 0.9),
    "optimizer.decay.horizon_images": 32_000,
    "optimizer.decay.final_learning_rate": 0.0,
    "ema.decay": 0.95,
    "images": 64_000,
    "batch_size": 32,
    "numerics.precision": "bfloat16",
    "numerics.compile": True,
    "numerics.channels_last": True,
    "numerics.accumulation": 2,
    "seed": 1,
}
"""For each field of a training another valid value."""

ONE_VALUE = {
    "method.kind",
    "method.forward.kind",
    "method.prior.kind",
    "method.prior.discriminator.kind",  # `large` needs images of 64 pixels
    "generator.kind",
    "optimizer.decay.kind",
}
"""Fields that a training on digits can have one value of."""


def preset(name: str = "rgm_digits") -> dict[str, Any]:
    asked = nested(["preset"], Placed(name, HERE, HERE), HERE)
    training = with_preset(asked, Problems())
    assert training is not None
    return {**plain(training), "seed": 0}


def changed(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    keys = path.split(".")
    if len(keys) == 1:
        return {**fields, path: value}
    head, rest = keys[0], ".".join(keys[1:])
    return {**fields, head: changed(fields[head], rest, value)}


def leaves(fields: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in fields.items():
        path = prefix + key
        found |= leaves(value, path + ".") if isinstance(value, dict) else {path}
    return found


def test_every_field_is_tried():
    assert leaves(TrainingSpec.model_validate(preset()).model_dump()) == {*OTHERS, *ONE_VALUE}


def test_ids_differ_whenever_a_field_differs():
    base = preset()
    variants = [changed(base, path, other) for path, other in OTHERS.items()]
    ids = [spec_id(TrainingSpec.model_validate(fields)) for fields in [base, *variants]]
    assert len(set(ids)) == len(ids)


@given(st.data())
def test_an_id_does_not_depend_on_the_order_of_keys(data: st.DataObject):
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = data.draw(st.permutations(list(value)))
        return {key: shuffled(value[key]) for key in keys}

    fields = preset()
    other = TrainingSpec.model_validate(shuffled(fields))
    assert spec_id(other) == spec_id(TrainingSpec.model_validate(fields))


def test_defaults_written_out_give_the_same_id():
    short = preset()
    del short["numerics"], short["method"]["fake"], short["generator"]["output"]
    del short["data"]["split"], short["data"]["horizontal_flip"]
    del short["method"]["forward"]["schedule"]
    spec = TrainingSpec.model_validate(short)
    assert spec_id(spec) == spec_id(TrainingSpec.model_validate(preset()))
    assert spec_id(TrainingSpec.model_validate(spec.model_dump())) == spec_id(spec)


def test_a_whole_number_and_its_float_are_the_same_weight():
    ids = {
        spec_id(TrainingSpec.model_validate(changed(preset(), "method.fidelity_weight", weight)))
        for weight in (1, 1.0)
    }
    assert len(ids) == 1


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_whole_but_for_the_seed(name: str):
    assert TrainingSpec.model_validate(preset(name)).seed == 0


def test_a_spec_cannot_change():
    spec = TrainingSpec.model_validate(preset())
    with pytest.raises(ValueError, match="frozen"):
        spec.images = 64  # pyright: ignore[reportAttributeAccessIssue]


def test_a_row_of_real_images_measures_no_training():
    spec = EvaluationSpec(
        source=RealSplitSource(kind="real_split", data=DigitsSpec(kind="digits", split="test")),
        measure=GenerateSpec(
            kind="generate",
            sampler=None,
            num_images=64,
            reference=ReferenceSpec(extractor="digits_cnn_v1"),
        ),
        seed=0,
    )
    trial = Trial(labels={}, seed=0, evaluation="generation", spec=spec, real="test")
    assert trial.training_id is None
    assert trial.id == spec_id(spec)


def test_an_overlay_on_a_preset_is_the_preset_with_that_field():
    training = Placed({"preset": Placed("rgm_digits", HERE, HERE)}, HERE, HERE)
    over = nested(["method", "fidelity_weight"], Placed(0.5, HERE, HERE), HERE)
    whole = with_preset(overlay(training, over), Problems())
    assert whole is not None
    assert {**plain(whole), "seed": 0} == changed(preset(), "method.fidelity_weight", 0.5)
