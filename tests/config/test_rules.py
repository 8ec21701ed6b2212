"""What has to fit together in a training, and a measurement with what it measures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rgm_bench.config.load import load_study
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec
from rgm_bench.errors import StudyError

WriteStudy = Callable[..., Path]

STUDY = """\
grammar: 1
name: study
title: A study
base:
  training: {preset: PRESET, TRAINING}
  evaluations:
    it: EVALUATION
seeds: [0]
profiles: {smoke: {}, laptop: {}}
"""

GENERATE = (
    "{kind: generate, sampler: {kind: restoration}, num_images: 64, "
    "reference: {extractor: digits_cnn_v1}}"
)
POINTS = "{kind: points, sampler: {kind: restoration}, num_points: 64}"
RESTORE = (
    "{kind: restore, problem: {operator: {kind: block_average, factor: 2}}, "
    "solver: {kind: pseudo_inverse}, num_images: 16}"
)
DIVERSITY = "{kind: latent_diversity, level: 2, num_images: 16, num_latents: 2}"
PNP = "{kind: plug_and_play, relaxation: 0.1, data_weight: 1.0, iterations: 2, num_levels: 1}"

DIGITS, PLANE, COLOUR = "rgm_digits", "rgm_points", "rgm_cifar10"
ADVERSARY = (
    "discriminator: {kind: small, base_channels: 4, time_embedding: 8}, "
    "r1: {weight: 0.02, every_steps: 15}, learning_rate: 1.0e-3"
)
DDPM = (
    "method: {kind: ddpm, forward: {kind: noise, num_levels: 30, schedule: linear}}, "
    "generator: {output: linear, latent: {kind: zeros, size: 16, embedding: 32, layers: 2}}"
)
FOLDER = "data: {kind: image_folder, name: faces, image_size: SIZE}"
SHA = "0" * 64

TRAININGS: dict[str, tuple[str, str, str]] = {
    "batch_in_groups": (
        DIGITS,
        "batch_size: 66",
        (
            "study.yaml:5:46: training.batch_size: is a multiple of 4 (groups of 4 images x "
            "accumulation 1); found 66, try 64"
        ),
    ),
    "batch_in_micro_batches": (
        DIGITS,
        "batch_size: 12, images: 960, numerics: {accumulation: 2}",
        (
            "study.yaml:5:46: training.batch_size: is a multiple of 8 (groups of 4 images x "
            "accumulation 2); found 12, try 16"
        ),
    ),
    "batch_larger_than_the_images": (
        DIGITS,
        "batch_size: 1440, images: 14400",
        (
            "study.yaml:5:46: training.batch_size: is at most the 1437 images of digits train; "
            "found 1440"
        ),
    ),
    "batch_larger_than_the_test_images": (
        DIGITS,
        "batch_size: 364, images: 36400, data: {split: test}",
        (
            "study.yaml:5:46: training.batch_size: is at most the 360 images of digits test; "
            "found 364"
        ),
    ),
    "batch_larger_than_the_points": (
        PLANE,
        "data: {num_points: 128}",
        (
            "preset rgm_points:24:13: training.batch_size: is at most the 128 points of gmm8 "
            "train; found 256"
        ),
    ),
    "images_in_batches": (
        DIGITS,
        "images: 1000",
        (
            "study.yaml:5:42: training.images: is a multiple of batch_size 64; found 1000, try "
            "960 or 1024"
        ),
    ),
    "fewer_images_than_a_batch": (
        DIGITS,
        "images: 32, ema: {decay: 0.0}",
        "study.yaml:5:42: training.images: is a multiple of batch_size 64; found 32, try 64",
    ),
    "average": (
        DIGITS,
        "ema: {decay: 0.9999}",
        (
            "study.yaml:5:47: training.ema.decay: 0.9999 leaves 96% of the starting weights in "
            "the average after 400 steps, more than 5%: use 0.9925 or less, or more images"
        ),
    ),
    "generator_of_points": (
        DIGITS,
        "data: {kind: gmm8}",
        "preset rgm_digits:14:9: training.generator.kind: ncsnpp does not take gmm8: use mlp",
    ),
    "generator_of_images": (
        PLANE,
        "data: {kind: digits}",
        ("preset rgm_points:14:9: training.generator.kind: mlp does not take digits: use ncsnpp"),
    ),
    "too_many_halvings": (
        DIGITS,
        "generator: {channel_multipliers: [1, 1, 1, 1, 1]}",
        (
            "study.yaml:5:67: training.generator.channel_multipliers: has 5 levels, which halve "
            "the image 4 times, and 8 pixels cannot be: use fewer levels"
        ),
    ),
    "group_norms": (
        DIGITS,
        "generator: {base_channels: 136}",
        (
            "study.yaml:5:61: training.generator.base_channels: above 128 is a multiple of 32, "
            "for the group norms; found 136, try 128"
        ),
    ),
    "discriminator_of_points": (
        DIGITS,
        "method: {prior: {discriminator: {kind: mlp, width: 8}}}",
        (
            "study.yaml:5:73: training.method.prior.discriminator.kind: mlp does not take digits:"
            " use small or large"
        ),
    ),
    "discriminator_of_images": (
        PLANE,
        "method: {prior: {discriminator: {kind: small, base_channels: 4, time_embedding: 8}}}",
        (
            "study.yaml:5:73: training.method.prior.discriminator.kind: small does not take gmm8:"
            " use mlp"
        ),
    ),
    "large_discriminator": (
        COLOUR,
        "method: {prior: {discriminator: {kind: large, base_channels: 4, time_embedding: 8}}}",
        (
            "study.yaml:5:67: training.method.prior.discriminator: large halves the image 6 "
            "times, and 32 pixels cannot be: use small"
        ),
    ),
    "any_discriminator": (
        COLOUR,
        FOLDER.replace("SIZE", "20") + ", generator: {channel_multipliers: [1]}",
        (
            "preset rgm_cifar10:11:20: training.method.prior.discriminator: small halves the "
            "image 3 times, and 20 pixels cannot be: use another image size"
        ),
    ),
    "linear_schedule": (
        DIGITS,
        "method: {forward: {num_levels: 20, schedule: linear}}",
        (
            "study.yaml:5:65: training.method.forward.num_levels: 20 is too few for the schedule "
            "linear, whose last step would hold more than all noise: use 21 or more, or the "
            "schedule original"
        ),
    ),
    "linear_schedule_of_an_operator": (
        DIGITS,
        "method: {forward: {kind: linear, operator: {kind: blur, sigma: 1.0}, num_levels: 4, "
        "schedule: linear}}",
        (
            "study.yaml:5:115: training.method.forward.num_levels: 4 is too few for the schedule "
            "linear, whose last step would hold more than all noise: use 21 or more, or the "
            "schedule original"
        ),
    ),
    "super_resolution_of_points": (
        PLANE,
        "method: {forward: {kind: super_resolution, num_levels: 2}}",
        (
            "study.yaml:5:59: training.method.forward.kind: super_resolution degrades images: use"
            " noise"
        ),
    ),
    "operator_on_points": (
        PLANE,
        "method: {forward: {kind: linear, operator: {kind: identity}, num_levels: 2}}",
        "study.yaml:5:59: training.method.forward.kind: linear degrades images: use noise",
    ),
    "too_many_levels": (
        DIGITS,
        "method: {forward: {kind: super_resolution, num_levels: 9}}",
        (
            "study.yaml:5:89: training.method.forward.num_levels: 9 halves the image 4 times, and"
            " 8 pixels cannot be: use 7 or fewer"
        ),
    ),
    "too_many_naive_levels": (
        DIGITS,
        "method: {forward: {kind: super_resolution, num_levels: 4, order: naive}}",
        (
            "study.yaml:5:89: training.method.forward.num_levels: 4 halves the image 4 times, and"
            " 8 pixels cannot be: use 3 or fewer"
        ),
    ),
    "odd_images": (
        COLOUR,
        FOLDER.replace("SIZE", "27")
        + ", generator: {channel_multipliers: [1]}, method: {forward: {kind: super_resolution, "
        "num_levels: 3, order: naive}, prior: {kind: none}}",
        (
            "study.yaml:5:186: training.method.forward.num_levels: 3 halves the image 3 times, "
            "and 27 pixels cannot be: use another image size"
        ),
    ),
    "blocks": (
        DIGITS,
        "method: {forward: {kind: linear, operator: {kind: block_average, factor: 3}, "
        "num_levels: 2}}",
        (
            "study.yaml:5:107: training.method.forward.operator.factor: 3 does not divide the 8 "
            "pixels of digits"
        ),
    ),
    "grey": (
        DIGITS,
        "method: {forward: {kind: linear, operator: {kind: channel_mean}, num_levels: 2}}",
        (
            "study.yaml:5:84: training.method.forward.operator.kind: channel_mean needs colour; "
            "digits is 1 x 8 x 8"
        ),
    ),
    "all_hidden": (
        DIGITS,
        "method: {forward: {kind: linear, operator: {kind: inpainting, hidden: 0.95}, "
        "num_levels: 2}}",
        (
            "study.yaml:5:104: training.method.forward.operator.hidden: 0.95 hides all 8 pixels "
            "of digits: use less"
        ),
    ),
    "observed": (
        DIGITS,
        "method: {forward: {kind: linear, operator: {kind: blur, sigma: 1.0}, num_levels: 2, "
        "noise: observed}}",
        (
            "study.yaml:5:125: training.method.forward.noise: observed is for inpainting, whose "
            "pixels are seen or not; found blur: use everywhere"
        ),
    ),
    "ddpm_with_tanh": (
        DIGITS,
        "method: {kind: ddpm, forward: {kind: noise, num_levels: 4}}",
        (
            "preset rgm_digits:20:11: training.generator.output: tanh ends at 1, and the noise "
            "that ddpm predicts does not: use linear"
        ),
    ),
    "ddpm_with_a_latent": (
        DIGITS,
        "method: {kind: ddpm, forward: {kind: noise, num_levels: 4}}, generator: {output: linear}",
        (
            "preset rgm_digits:19:18: training.generator.latent.kind: gaussian is not for ddpm, "
            "whose noise follows from the observation: use zeros"
        ),
    ),
    "posterior": (
        DIGITS,
        "method: {fake: posterior, forward: {kind: super_resolution, num_levels: 2}}",
        (
            "study.yaml:5:49: training.method.fake: posterior is known for noise alone; with "
            "super_resolution use resample"
        ),
    ),
    "mmd_of_parts": (
        DIGITS,
        "method: {prior: {kind: mmd, bandwidths: [1.0]}}, numerics: {accumulation: 2}",
        (
            "study.yaml:5:108: training.numerics.accumulation: 2 splits batches, and the prior "
            "mmd compares whole ones: use 1"
        ),
    ),
    "feature_mmd_of_parts": (
        DIGITS,
        f"method: {{prior: {{kind: feature_mmd, {ADVERSARY}}}}}, numerics: {{accumulation: 2}}",
        (
            "study.yaml:5:224: training.numerics.accumulation: 2 splits batches, and the prior "
            "feature_mmd compares whole ones: use 1"
        ),
    ),
    "dswd_of_parts": (
        DIGITS,
        f"method: {{prior: {{kind: dswd, {ADVERSARY}}}}}, numerics: {{accumulation: 2}}",
        (
            "study.yaml:5:217: training.numerics.accumulation: 2 splits batches, and the prior "
            "dswd compares whole ones: use 1"
        ),
    ),
}

MEASURES: dict[str, tuple[str, str, tuple[str, str, str], str]] = {
    "images_of_points": (
        PLANE,
        "",
        (GENERATE, "64", "64"),
        "study.yaml:7:16: evaluations.it.kind: generate is for images; for gmm8 use points",
    ),
    "points_of_images": (
        DIGITS,
        "",
        (POINTS, "64", "64"),
        "study.yaml:7:16: evaluations.it.kind: points is for points; for digits use generate",
    ),
    "extractor": (
        DIGITS,
        "",
        (GENERATE, "digits_cnn_v1", "fashion_mnist_cnn_v1"),
        (
            "study.yaml:7:95: evaluations.it.reference.extractor: found fashion_mnist_cnn_v1, "
            "which sees images of 1 x 32 x 32; those of digits are 1 x 8 x 8: use digits_cnn_v1"
        ),
    ),
    "extractor_of_colour": (
        COLOUR,
        "",
        (GENERATE, "64", "64"),
        (
            "study.yaml:7:95: evaluations.it.reference.extractor: found digits_cnn_v1, which sees"
            " images of 1 x 8 x 8; those of cifar10 are 3 x 32 x 32: use inception_v3_compat"
        ),
    ),
    "split_of_a_folder": (
        COLOUR,
        FOLDER.replace("SIZE", "32"),
        (GENERATE, "extractor: digits_cnn_v1", "extractor: inception_v3_compat, split: test"),
        (
            "study.yaml:7:123: evaluations.it.reference.split: found test; for an image_folder it"
            " is that of the training"
        ),
    ),
    "sampler_of_a_ddpm": (
        DIGITS,
        "",
        (GENERATE, "kind: restoration", "kind: ddim, steps: 2"),
        "study.yaml:7:42: evaluations.it.sampler.kind: ddim is for ddpm; use restoration",
    ),
    "sampler_of_points_of_a_ddpm": (
        PLANE,
        "",
        (POINTS, "kind: restoration", "kind: dpm_solver, steps: 2"),
        ("study.yaml:7:40: evaluations.it.sampler.kind: dpm_solver is for ddpm; use restoration"),
    ),
    "ddim_steps": (
        DIGITS,
        DDPM,
        (GENERATE, "kind: restoration", "kind: ddim, steps: 7"),
        (
            "study.yaml:7:55: evaluations.it.sampler.steps: 7 does not divide the 30 levels, and "
            "the steps of ddim have one width"
        ),
    ),
    "steps_beyond": (
        DIGITS,
        DDPM,
        (GENERATE, "kind: restoration", "kind: dpm_solver, steps: 31"),
        "study.yaml:7:61: evaluations.it.sampler.steps: found 31; the training has 30 levels",
    ),
    "restoration_with_a_ddpm": (
        DIGITS,
        DDPM,
        (GENERATE, "64", "64"),
        (
            "study.yaml:7:42: evaluations.it.sampler.kind: restoration is not for ddpm; use "
            "ancestral, ddim or dpm_solver"
        ),
    ),
    "transition": (
        DIGITS,
        "method: {forward: {kind: super_resolution, num_levels: 4}}",
        (GENERATE, "kind: restoration", "kind: restoration, transition: ancestral"),
        ("study.yaml:7:67: evaluations.it.sampler.transition: ancestral is known for noise alone"),
    ),
    "one_shot_with_a_ddpm": (
        DIGITS,
        DDPM,
        (GENERATE, "kind: restoration", "kind: one_shot, start_level: 3"),
        (
            "study.yaml:7:42: evaluations.it.sampler.kind: one_shot is not for ddpm, whose "
            "network predicts noise"
        ),
    ),
    "one_shot_beyond": (
        DIGITS,
        "",
        (GENERATE, "kind: restoration", "kind: one_shot, start_level: 5"),
        ("study.yaml:7:65: evaluations.it.sampler.start_level: found 5; the training has 4 levels"),
    ),
    "one_shot_of_a_folder": (
        COLOUR,
        FOLDER.replace("SIZE", "32"),
        (
            GENERATE.replace("digits_cnn_v1", "inception_v3_compat"),
            "kind: restoration",
            "kind: one_shot, start_level: 2",
        ),
        (
            "study.yaml:7:42: evaluations.it.sampler.kind: one_shot degrades test data, which an "
            "image_folder has not"
        ),
    ),
    "restored_points": (
        PLANE,
        "",
        (RESTORE, "16", "16"),
        (
            "study.yaml:7:52: evaluations.it.problem.operator.kind: block_average is for images; "
            "gmm8 are points"
        ),
    ),
    "restored_blocks": (
        DIGITS,
        "",
        (RESTORE, "factor: 2", "factor: 16"),
        (
            "study.yaml:7:75: evaluations.it.problem.operator.factor: 16 does not divide the 8 "
            "pixels of digits"
        ),
    ),
    "bicubic_of_a_blur": (
        DIGITS,
        "",
        (
            RESTORE,
            "{kind: block_average, factor: 2}}, solver: {kind: pseudo_inverse}",
            "{kind: blur, sigma: 1.0}}, solver: {kind: bicubic}",
        ),
        (
            "study.yaml:7:87: evaluations.it.solver.kind: bicubic is for block_average; use "
            "pseudo_inverse"
        ),
    ),
    "nothing_to_restore": (
        DIGITS,
        "",
        (RESTORE, "{kind: block_average, factor: 2}", "{kind: identity}"),
        (
            "study.yaml:7:34: evaluations.it.problem.noise_std: 0 with identity leaves nothing to"
            " restore: use more"
        ),
    ),
    "more_than_there_are": (
        DIGITS,
        "",
        (RESTORE, "num_images: 16", "num_images: 361"),
        "study.yaml:7:124: evaluations.it.num_images: found 361; digits test has 360",
    ),
    "restored_split_of_a_folder": (
        COLOUR,
        FOLDER.replace("SIZE", "32"),
        (RESTORE, "16}", "16, split: test}"),
        (
            "study.yaml:7:135: evaluations.it.split: found test; for an image_folder it is that "
            "of the training"
        ),
    ),
    "plug_and_play_with_a_ddpm": (
        DIGITS,
        DDPM,
        (RESTORE, "{kind: pseudo_inverse}", PNP),
        "study.yaml:7:95: evaluations.it.solver.kind: plug_and_play is not for ddpm; use ddrm",
    ),
    "plug_and_play_beyond": (
        DIGITS,
        "",
        (RESTORE, "{kind: pseudo_inverse}", PNP.replace("num_levels: 1", "num_levels: 5")),
        ("study.yaml:7:172: evaluations.it.solver.num_levels: found 5; the training has 4 levels"),
    ),
    "ddrm_without_a_ddpm": (
        DIGITS,
        "",
        (RESTORE, "{kind: pseudo_inverse}", "{kind: ddrm, steps: 2}"),
        "study.yaml:7:95: evaluations.it.solver.kind: ddrm is for ddpm; use plug_and_play",
    ),
    "ddrm_beyond": (
        DIGITS,
        DDPM,
        (RESTORE, "{kind: pseudo_inverse}", "{kind: ddrm, steps: 31}"),
        "study.yaml:7:108: evaluations.it.solver.steps: found 31; the training has 30 levels",
    ),
    "diversity_of_a_ddpm": (
        DIGITS,
        DDPM,
        (DIVERSITY, "16", "16"),
        (
            "study.yaml:7:16: evaluations.it.kind: latent_diversity is not for ddpm, which has no"
            " latent"
        ),
    ),
    "diversity_beyond": (
        DIGITS,
        "",
        (DIVERSITY, "level: 2", "level: 5"),
        "study.yaml:7:41: evaluations.it.level: found 5; the training has 4 levels",
    ),
    "diversity_of_more_than_there_are": (
        DIGITS,
        "",
        (DIVERSITY, "16", "1000"),
        "study.yaml:7:56: evaluations.it.num_images: found 1000; digits test has 360",
    ),
    "diversity_of_a_folder": (
        COLOUR,
        FOLDER.replace("SIZE", "32"),
        (DIVERSITY, "16", "16"),
        (
            "study.yaml:7:9: evaluations.it.split: found test; for an image_folder it is that of "
            "the training"
        ),
    ),
    "early_weights_of_others": (
        COLOUR,
        f"method: {{kind: imported, forward: {{kind: noise, num_levels: 4}}, sha256: '{SHA}'}}",
        (
            GENERATE,
            "extractor: digits_cnn_v1}",
            "extractor: inception_v3_compat}, at_images: [0.5, 1.0]",
        ),
        (
            "study.yaml:7:128: evaluations.it.at_images: found 0.5; imported weights are those of"
            " the end: use 1.0 alone"
        ),
    ),
}

FITTING = {
    DIGITS: GENERATE,
    PLANE: POINTS,
    COLOUR: GENERATE.replace("digits_cnn_v1", "inception_v3_compat"),
}


def study_of(preset: str, training: str, evaluation: str) -> str:
    beside = f", {training}" if training else ""
    whole = STUDY.replace("PRESET, TRAINING", preset + beside)
    return whole.replace("EVALUATION", evaluation)


def message(path: Path) -> str:
    with pytest.raises(StudyError) as raised:
        load_study(path)
    return str(raised.value)


@pytest.mark.parametrize("case", TRAININGS)
def test_fields_of_a_training_have_to_agree(write_study: WriteStudy, case: str):
    preset, training, expected = TRAININGS[case]
    assert message(write_study(text=study_of(preset, training, FITTING[preset]))) == expected


@pytest.mark.parametrize("case", MEASURES)
def test_a_measurement_has_to_fit_what_it_measures(write_study: WriteStudy, case: str):
    preset, training, (evaluation, old, new), expected = MEASURES[case]
    assert evaluation.count(old) == 1
    path = write_study(text=study_of(preset, training, evaluation.replace(old, new)))
    assert message(path) == expected


@pytest.mark.parametrize(
    ("preset", "training", "evaluation"),
    [
        (DIGITS, "batch_size: 1436, images: 1436, ema: {decay: 0.0}", GENERATE),
        (DIGITS, "method: {forward: {kind: super_resolution, num_levels: 7}}", GENERATE),
        (
            DIGITS,
            "method: {forward: {kind: super_resolution, num_levels: 3, order: naive}}",
            GENERATE,
        ),
        (DIGITS, "method: {forward: {num_levels: 21, schedule: linear}}", GENERATE),
        (
            DIGITS,
            "method: {forward: {kind: linear, operator: {kind: inpainting, hidden: 0.9}, "
            "num_levels: 2, noise: observed}}",
            GENERATE,
        ),
        (DIGITS, "method: {prior: {kind: none}}, numerics: {accumulation: 2}", GENERATE),
        (
            COLOUR,
            "method: {forward: {kind: linear, operator: {kind: channel_mean}, num_levels: 2}}",
            GENERATE.replace("digits_cnn_v1", "inception_v3_compat"),
        ),
        (DIGITS, DDPM, GENERATE.replace("kind: restoration", "kind: ddim, steps: 15")),
        (DIGITS, DDPM, GENERATE.replace("kind: restoration", "kind: ancestral, steps: 30")),
        (DIGITS, DDPM, RESTORE.replace("{kind: pseudo_inverse}", "{kind: ddrm, steps: 30}")),
        (DIGITS, "", GENERATE.replace("kind: restoration", "kind: one_shot, start_level: 4")),
        (DIGITS, "", RESTORE.replace("pseudo_inverse", "bicubic").replace("16", "360")),
        (DIGITS, "", RESTORE.replace("{kind: pseudo_inverse}", PNP)),
        (DIGITS, "", DIVERSITY.replace("level: 2", "level: 4").replace("16", "360")),
        (DIGITS, "", DIVERSITY.replace("16", "1437, split: train")),
    ],
)
def test_what_lies_just_inside_is_right(
    write_study: WriteStudy, preset: str, training: str, evaluation: str
):
    assert load_study(write_study(text=study_of(preset, training, evaluation))).trials


# --- arms that are not measured ---------------------------------------------------------------

ARMS = """\
axes:
  arm:
    values:
      base: {}
      diffusion: {training: {DDPM}}
seeds: [0]
""".replace("DDPM", DDPM)


def test_an_arm_that_does_not_fit_is_named_by_what_it_is_measured_with(write_study: WriteStudy):
    text = study_of(DIGITS, "", GENERATE).replace("seeds: [0]\n", ARMS)
    assert message(write_study(text=text)) == (
        "study.yaml:7:42: evaluations.it.sampler.kind: restoration is not for ddpm; use ancestral, "
        "ddim or dpm_solver"
    )


@pytest.mark.parametrize("where", ["base", "[base]"])
def test_where_leaves_an_arm_unmeasured_that_does_not_fit(write_study: WriteStudy, where: str):
    evaluation = GENERATE.replace("num_images", f"where: {{arm: {where}}}, num_images")
    text = study_of(DIGITS, "", evaluation).replace("seeds: [0]\n", ARMS)
    trials = [trial for trial in load_study(write_study(text=text)).trials if trial.real is None]
    assert [trial.labels["arm"] for trial in trials] == ["base"]


def test_where_keeps_an_arm_that_does_not_fit(write_study: WriteStudy):
    evaluation = GENERATE.replace("num_images", "where: {arm: diffusion}, num_images")
    text = study_of(DIGITS, "", evaluation).replace("seeds: [0]\n", ARMS)
    assert "restoration is not for ddpm" in message(write_study(text=text))


def test_only_arms_of_two_axes_together_may_not_fit(write_study: WriteStudy):
    """Each value of each axis fits alone: the mistake is found in the profile that is asked for."""
    axes = (
        "axes:\n"
        "  levels: {field: training.method.forward.num_levels, values: [4, 2]}\n"
        "  start: {field: evaluations.it.sampler.start_level, values: [2, 4]}\n"
        "seeds: [0]\n"
    )
    evaluation = GENERATE.replace("kind: restoration", "kind: one_shot, start_level: 1")
    text = study_of(DIGITS, "", evaluation).replace("seeds: [0]\n", axes)
    assert message(write_study(text=text)) == (
        "study.yaml:10:66: evaluations.it.sampler.start_level: found 4; the training has 2 levels"
    )


# --- what no file can say, but Python can -----------------------------------------------------


def a_training(write_study: WriteStudy) -> TrainingSpec:
    study = load_study(write_study(text=study_of(DIGITS, "", GENERATE)))
    source = study.trials[0].spec.source
    assert isinstance(source, TrainingSource)
    return source.training


@pytest.mark.parametrize(
    ("of_training", "measure", "expected"),
    [
        (
            True,
            {"kind": "generate", "sampler": None, "num_images": 64, "reference": {}},
            "measure.sampler missing: a training is measured by what it generates",
        ),
        (
            False,
            {
                "kind": "restore",
                "problem": {"operator": {"kind": "blur", "sigma": 1.0}},
                "solver": {"kind": "ddrm", "steps": 2},
                "num_images": 16,
            },
            "measure.solver.kind ddrm needs a training",
        ),
        (
            False,
            {"kind": "latent_diversity", "level": 1, "num_images": 4, "num_latents": 2},
            "measure.kind latent_diversity is of a training",
        ),
    ],
)
def test_a_measurement_has_to_fit_its_source(
    write_study: WriteStudy, of_training: bool, measure: dict[str, Any], expected: str
):
    if "reference" in measure:
        measure = measure | {"reference": {"extractor": "digits_cnn_v1"}}
    training = a_training(write_study)
    source = (
        {"kind": "training", "training": training, "at": 1.0}
        if of_training
        else {"kind": "real_split", "data": training.data}
    )
    with pytest.raises(ValidationError, match=expected):
        EvaluationSpec.model_validate({"source": source, "measure": measure, "seed": 0})


def test_weights_are_kept_at_a_few_shares_only(write_study: WriteStudy):
    training = a_training(write_study)
    with pytest.raises(ValidationError, match="at_images is among"):
        TrainingSource(kind="training", training=training, at=0.3)
    method = {"kind": "imported", "forward": {"kind": "noise", "num_levels": 4}, "sha256": SHA}
    imported = TrainingSpec.model_validate(training.model_dump() | {"method": method})
    assert TrainingSource(kind="training", training=imported, at=1.0)
    with pytest.raises(ValidationError, match=r"at_images found 0\.5; imported weights"):
        TrainingSource(kind="training", training=imported, at=0.5)
