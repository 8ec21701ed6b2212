"""Every mistake has one line: its place, the path of its field, what was found, what is allowed."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import preset_names, study_names
from rgm_bench.errors import StudyError, UserError

WriteStudy = Callable[..., Path]
Replaced = tuple[str, str]


def in_training(text: str) -> Replaced:
    """Keys beside the preset."""
    old = "training: {preset: rgm_digits}"
    return old, f"{old[:-1]}, {text}}}"


def axis(text: str) -> Replaced:
    """Another axis `weight`."""
    return "{field: training.method.fidelity_weight, values: [0, 0.05]}", text


PRESETS = ", ".join(preset_names())

BROKEN: dict[str, tuple[list[tuple[str, str]], str]] = {
    "unknown_key": (
        [in_training("imges: 640")],
        (
            "study.yaml:5:34: training.imges: unknown key; allowed here: data, method, generator,"
            ' optimizer, ema, images, batch_size, numerics; did you mean "images"?'
        ),
    ),
    "unknown_key_deep": (
        [in_training("method: {fidelty_weight: 1}")],
        (
            "study.yaml:5:43: training.method.fidelty_weight: unknown key; allowed here: kind, "
            'forward, fake, fidelity_weight, prior; did you mean "fidelity_weight"?'
        ),
    ),
    "unknown_key_at_the_top": (
        [("seeds: [0, 1]", "seeds: [0, 1]\nserach: {}")],
        (
            "study.yaml:16:1: serach: unknown key; allowed here: grammar, name, title, "
            "reproduces, base, axes, search, seeds, resources, tuned, claims, gate, report, "
            "profiles; "
            'did you mean "search"?'
        ),
    ),
    "tuning_study_that_is_not_shipped": (
        [("seeds: [0, 1]", "seeds: [0, 1]\ntuned: {study: tuning_digit, trials: 8}")],
        (
            "study.yaml:16:16: tuned.study: no shipped study is called that; there are: "
            f'{", ".join(study_names())}; did you mean "tuning_digits"?'
        ),
    ),
    "tuned_by_no_trial": (
        [("seeds: [0, 1]", "seeds: [0, 1]\ntuned: {study: tuning_digits, trials: 0}")],
        "study.yaml:16:39: tuned.trials: found 0; expected 1 or more",
    ),
    "unknown_key_of_tuned": (
        [("seeds: [0, 1]", "seeds: [0, 1]\ntuned: {study: tuning_digits, trails: 8}")],
        (
            "study.yaml:16:31: tuned.trails: unknown key; allowed here: study, trials; did you "
            'mean "trials"?'
        ),
    ),
    "unknown_key_of_the_base": (
        [("base:\n", "base:\n  trainings: {}\n")],
        (
            "study.yaml:5:3: base.trainings: unknown key; allowed here: training, evaluations; "
            'did you mean "training"?'
        ),
    ),
    "text_for_a_number": (
        [in_training("images: many")],
        ('study.yaml:5:42: training.images: found the text "many"; expected a whole number'),
    ),
    "fraction_for_a_whole_number": (
        [in_training("images: 640.0")],
        ("study.yaml:5:42: training.images: found 640.0; expected a whole number"),
    ),
    "quoted_number": (
        [in_training("optimizer: {learning_rate: '5e-4'}")],
        (
            'study.yaml:5:61: training.optimizer.learning_rate: found the text "5e-4"; expected a'
            " number (drop the quotes)"
        ),
    ),
    "number_for_true_or_false": (
        [in_training("data: {horizontal_flip: 1}")],
        ("study.yaml:5:58: training.data.horizontal_flip: found 1; expected true or false"),
    ),
    "nothing": (
        [in_training("images: ")],
        ("study.yaml:5:41: training.images: found nothing; expected a whole number"),
    ),
    "list_for_a_map": (
        [in_training("ema: [1]")],
        ("study.yaml:5:39: training.ema: found a list; expected a map of keys and values"),
    ),
    "map_for_a_number": (
        [in_training("images: {a: 1}")],
        ("study.yaml:5:42: training.images: found a map; expected a whole number"),
    ),
    "not_a_number": (
        [in_training("ema: {decay: .nan}")],
        ("study.yaml:5:47: training.ema.decay: found nan; expected a finite number"),
    ),
    "out_of_range": (
        [in_training("ema: {decay: 1.5}")],
        ("study.yaml:5:47: training.ema.decay: found 1.5; expected less than 1"),
    ),
    "not_a_multiple": (
        [in_training("generator: {base_channels: 6}")],
        ("study.yaml:5:61: training.generator.base_channels: found 6; expected a multiple of 4"),
    ),
    "list_too_short": (
        [in_training("optimizer: {betas: [0.5]}")],
        ("study.yaml:5:46: training.optimizer.betas.1: missing; the list is too short"),
    ),
    "list_too_long": (
        [in_training("optimizer: {betas: [0.5, 0.9, 1]}")],
        ("study.yaml:5:53: training.optimizer.betas: found 3 values; expected at most 2"),
    ),
    "unknown_kind_of_several": (
        [in_training("data: {kind: digit}")],
        (
            'study.yaml:5:47: training.data.kind: found the text "digit"; allowed: gmm8, '
            "gaussian25, checkerboard, digits, fashion_mnist, cifar10, natural_patches, "
            'celeba_hq_256, lsun_church, image_folder; did you mean "digits"?'
        ),
    ),
    "unknown_kind_of_one": (
        [in_training("method: {kind: mse}")],
        (
            'study.yaml:5:49: training.method.kind: found the text "mse"; allowed: rgm, mmse, '
            'ddpm, imported; did you mean "mmse"?'
        ),
    ),
    "missing_field": (
        [in_training("data: {kind: image_folder, name: faces}")],
        ("study.yaml:5:34: training.data.image_size: missing, and required here"),
    ),
    "seed_of_a_training": (
        [in_training("seed: 3")],
        ("study.yaml:5:34: training.seed: unknown key; the study's own list of seeds sets it"),
    ),
    "unknown_preset": (
        [("training: {preset: rgm_digits}", "training: {preset: rgm_digts}")],
        (
            f'study.yaml:5:22: training.preset: found the text "rgm_digts"; allowed: {PRESETS}; '
            'did you mean "rgm_digits"?'
        ),
    ),
    "rule_batch": (
        [in_training("batch_size: 66")],
        (
            "study.yaml:5:46: training.batch_size: is a multiple of 4 (groups of 4 images x "
            "accumulation 1); found 66, try 64"
        ),
    ),
    "rule_images": (
        [in_training("images: 1000")],
        (
            "study.yaml:5:42: training.images: is a multiple of batch_size 64; found 1000, try "
            "960 or 1024"
        ),
    ),
    "rule_ema": (
        [in_training("ema: {decay: 0.9999}")],
        (
            "study.yaml:5:47: training.ema.decay: 0.9999 leaves 96% of the starting weights in "
            "the average after 400 steps, more than 5%: use 0.9925 or less, or more images"
        ),
    ),
    "rule_levels": (
        [in_training("generator: {channel_multipliers: [1, 2, 2, 2, 2]}")],
        (
            "study.yaml:5:67: training.generator.channel_multipliers: has 5 levels, which halve "
            "the image 4 times, and 8 pixels cannot be: use fewer levels"
        ),
    ),
    "other_profile": (
        [("images: 640", "images: 641")],
        (
            "study.yaml:19:30: training.images: is a multiple of batch_size 64; found 641, try "
            "640 or 704 (in profile smoke)"
        ),
    ),
    "two_keys": (
        [("seeds: [0, 1]", "seeds: [0]\nseeds: [1]")],
        ("study.yaml:16:1: seeds: this key was already given in line 15; keep one of the two"),
    ),
    "two_evaluations_of_one_name": (
        [("axes:\n", "    generation: {kind: generate}\naxes:\n")],
        ("study.yaml:13:5: generation: this key was already given in line 7; keep one of the two"),
    ),
    "another_name": (
        [("name: study", "name: other")],
        ('study.yaml:2:7: name: found the text "other"; expected the name of the file, "study"'),
    ),
    "name_with_capitals": (
        [("name: study", "name: Study")],
        (
            'study.yaml:2:7: name: found the text "Study"; expected small letters, digits and _ '
            "only\n"
            'study.yaml:2:7: name: found the text "Study"; expected the name of the file, "study"'
        ),
    ),
    "another_grammar": (
        [("grammar: 1", "grammar: 2")],
        ("study.yaml:1:10: grammar: found 2; this version of rgm-bench reads grammar 1"),
    ),
    "no_grammar": ([("grammar: 1\n", "")], ("study.yaml:1:1: grammar: missing, and required here")),
    "negative_seed": (
        [("seeds: [0, 1]", "seeds: [0, -1]")],
        ("study.yaml:15:12: seeds.1: found -1; expected 0 or more"),
    ),
    "seed_twice": (
        [("seeds: [0, 1]", "seeds: [0, 0]")],
        ("study.yaml:15:12: seeds.1: found 0 twice; each seed stands once"),
    ),
    "no_seeds": ([("seeds: [0, 1]\n", "")], ("study.yaml:4:1: seeds: missing, and required here")),
    "empty_seeds": (
        [("seeds: [0, 1]", "seeds: []")],
        ("study.yaml:15:8: seeds: found 0 values; expected at least 1"),
    ),
    "required_profile": (
        [("  laptop: {}", "  lptop: {}")],
        (
            "study.yaml:18:1: profiles: the profile laptop is missing; `laptop: {}` is the base "
            "as it is"
        ),
    ),
    "profile_key": (
        [("laptop: {}", "laptop: {trainng: {}}")],
        (
            "study.yaml:20:12: profiles.laptop.trainng: unknown key; allowed here: title, "
            "training, evaluations, axes, search, seeds, resources, tuned, claims, gate, report; "
            'did you mean "training"?'
        ),
    ),
    "profile_evaluation": (
        [("laptop: {}", "laptop: {evaluations: {genration: {num_images: 32}}}")],
        (
            "study.yaml:20:26: profiles.laptop.evaluations.genration: no evaluation is called "
            'that; there are: generation; did you mean "generation"?'
        ),
    ),
    "profile_axis": (
        [("laptop: {}", "laptop: {axes: {wieght: {values: [1]}}}")],
        (
            "study.yaml:20:19: profiles.laptop.axes.wieght: no axis is called that; there are: "
            'weight; did you mean "weight"?'
        ),
    ),
    "axis_field": (
        [axis("{field: training.method.fidelty_weight, values: [0]}")],
        (
            "study.yaml:14:19: training.method.fidelty_weight: unknown key; allowed here: kind, "
            'forward, fake, fidelity_weight, prior; did you mean "fidelity_weight"?'
        ),
    ),
    "axis_field_root": (
        [axis("{field: trainig.images, values: [640]}")],
        (
            'study.yaml:14:19: axes.weight.field: found the text "trainig.images"; expected a '
            "path below training or evaluations, such as training.method.fidelity_weight; did you"
            ' mean "training"?'
        ),
    ),
    "axis_field_evaluation": (
        [axis("{field: evaluations.genration.num_images, values: [64]}")],
        (
            'study.yaml:14:19: axes.weight.field: no evaluation is called "genration"; there are:'
            ' generation; did you mean "generation"?'
        ),
    ),
    "axis_field_through_a_number": (
        [axis("{field: training.images.more, values: [64]}")],
        ("study.yaml:14:19: training.images: found a map; expected a whole number"),
    ),
    "axis_field_and_overlays": (
        [axis("{field: training.images, values: {a: {}}}")],
        (
            "study.yaml:14:36: axes.weight.values: an axis has either a field and a list of "
            "values, or labelled overlays; found both"
        ),
    ),
    "axis_without_field": (
        [axis("{values: [0, 1]}")],
        (
            "study.yaml:14:12: axes.weight.values: a list of values needs the field that they are"
            " for, beside it: `field: training...`"
        ),
    ),
    "axis_empty": (
        [axis("{field: training.images, values: []}")],
        ("study.yaml:14:36: axes.weight.values: the axis is empty; give it at least one value"),
    ),
    "axis_twice": (
        [axis("{field: training.method.fidelity_weight, values: [0, 1, 1.0]}")],
        ("study.yaml:14:67: axes.weight.values: found 1.0 twice; each value stands once"),
    ),
    "axis_value_range": (
        [axis("{field: training.method.fidelity_weight, values: [0, -1, much]}")],
        (
            "study.yaml:14:64: training.method.fidelity_weight: found -1; expected 0 or more\n"
            'study.yaml:14:68: training.method.fidelity_weight: found the text "much"; expected a'
            " number"
        ),
    ),
    "axis_value_map": (
        [axis("{field: training.ema, values: [{decay: 0.5}]}")],
        (
            "study.yaml:14:42: axes.weight.values: found a map; expected text, a number, or true "
            "or false; use labelled overlays for more"
        ),
    ),
    "axis_overlay": (
        [axis("{values: {a: {trainng: {}}, b: 3, c: {evaluations: {x: {}}}}}")],
        (
            "study.yaml:14:25: axes.weight.values.a.trainng: unknown key; allowed here: "
            'evaluations, training; did you mean "training"?\n'
            "study.yaml:14:42: axes.weight.values.b: found 3; expected an overlay, or {} for no "
            "change\n"
            "study.yaml:14:63: axes.weight.values.c.evaluations.x: unknown key; allowed here: "
            "generation"
        ),
    ),
    "axis_overlay_field": (
        [axis("{values: {a: {}, b: {training: {imges: 1}}}}")],
        (
            "study.yaml:14:43: training.imges: unknown key; allowed here: data, method, "
            'generator, optimizer, ema, images, batch_size, numerics; did you mean "images"?'
        ),
    ),
    "axis_preset": (
        [axis("{values: {a: {}, b: {training: {preset: cifar10}}}}")],
        (
            f'study.yaml:14:51: training.preset: found the text "cifar10"; allowed: {PRESETS}; did '
            f'you mean "{get_close_matches("cifar10", preset_names(), n=1)[0]}"?'
        ),
    ),
    "report_names": (
        [("rows: weight, columns: [fid]", "rows: wieght, columns: [fdi]")],
        (
            'study.yaml:17:25: report.0.rows: no axis is called "wieght"; there are: weight; did '
            'you mean "weight"?\n'
            'study.yaml:17:43: report.0.columns.0: no column is called "fdi"; there are: '
            f'{", ".join(REPORT_COLUMNS)}; did you mean "fid"?'
        ),
    ),
    "report_curve_of_words": (
        [
            axis("{values: {a: {}, b: {}}}"),
            ("kind: table, rows: weight, columns: [fid]", "kind: curve, x: weight, y: fid"),
        ],
        ("study.yaml:17:22: report.0.x: a curve needs an axis of numbers; weight has a, b"),
    ),
    "report_second_axis": (
        [
            axis("{field: training.images, values: [32000]}"),
            (
                "kind: table, rows: weight, columns: [fid]",
                "kind: curve, x: weight, y: fid, second_axis: paper_lambda",
            ),
        ],
        (
            "study.yaml:17:51: report.0.second_axis: paper_lambda needs an axis over "
            "training.method.fidelity_weight; weight is not"
        ),
    ),
    "report_kind": (
        [("kind: table", "kind: tabel")],
        (
            'study.yaml:17:12: report.0.kind: found the text "tabel"; allowed: table, curve, '
            'samples, scatter, densities, restorations, published, search; did you mean "table"?'
        ),
    ),
    "share": (
        [("[0.5, 1.0]", "[0.3, 1.0]")],
        (
            "study.yaml:10:19: evaluations.generation.at_images: found 0.3; a training keeps "
            "snapshots at these shares of its images: 0.125, 0.25, 0.5, 1.0"
        ),
    ),
    "share_twice": (
        [("[0.5, 1.0]", "[1, 1.0]")],
        (
            "study.yaml:10:22: evaluations.generation.at_images: found 1.0 twice; each share "
            "stands once"
        ),
    ),
    "no_shares": (
        [("[0.5, 1.0]", "[]")],
        ("study.yaml:10:18: evaluations.generation.at_images: found 0 values; expected at least 1"),
    ),
    "where_axis": (
        [("num_images: 64", "num_images: 64\n      where: {wieght: 0}")],
        (
            "study.yaml:12:15: evaluations.generation.where.wieght: no axis of this evaluation is"
            ' called that; there are: weight; did you mean "weight"?'
        ),
    ),
    "where_value": (
        [("num_images: 64", "num_images: 64\n      where: {weight: [0, 1]}")],
        ("study.yaml:12:27: evaluations.generation.where.weight: found 1; allowed: 0, 0.05"),
    ),
    "extractor": (
        [("digits_cnn_v1", "digits_cnn")],
        (
            "study.yaml:12:30: evaluations.generation.reference.extractor: found the text "
            '"digits_cnn"; allowed: digits_cnn_v1, fashion_mnist_cnn_v1, patches16_cnn_v1, '
            'inception_v3_compat; did you mean "digits_cnn_v1"?'
        ),
    ),
    "resources": (
        [("seeds: [0, 1]", "seeds: [0, 1]\nresources: {cpus: 0, gpu: 1}")],
        (
            "study.yaml:16:19: resources.cpus: found 0; expected more than 0\n"
            "study.yaml:16:22: resources.gpu: unknown key; allowed here: cpus, gpus, processes; "
            'did you mean "gpus"?'
        ),
    ),
    "unknown_key_of_an_evaluation": (
        [
            (
                "reference: {extractor: digits_cnn_v1}",
                "reference: {extractor: digits_cnn_v1}\n      metrics: [fid]",
            )
        ],
        (
            "study.yaml:13:7: evaluations.generation.metrics: unknown key; allowed here: "
            "at_images, where, kind, sampler, num_images, reference"
        ),
    ),
}

UNREADABLE: dict[str, tuple[str, str]] = {
    "empty": (
        "",
        ("study.yaml:1:1: the file is empty; expected a map that starts with grammar: 1"),
    ),
    "only_comments": (
        "# nothing\n",
        ("study.yaml:1:1: the file is empty; expected a map that starts with grammar: 1"),
    ),
    "list": ("- a\n", ("study.yaml:1:1: found a list; expected a map of keys and values")),
    "text": (
        "hello",
        ('study.yaml:1:1: found the text "hello"; expected a map of keys and values'),
    ),
    "colon": (
        "a: b: c",
        ("study.yaml:1:5: broken YAML: a `:` where no key can stand: check the indentation"),
    ),
    "open_list": (
        "a: [1, 2\nb: 3\n",
        (
            "study.yaml:2:2: broken YAML: a list that began with [ is not closed with ] (it began"
            " in line 1)"
        ),
    ),
    "open_map": (
        "a: {b: 1\nc: 3\n",
        (
            "study.yaml:2:2: broken YAML: a map that began with { is not closed with } (it began "
            "in line 1)"
        ),
    ),
    "tab": ("a:\n\tb: 1", ("study.yaml:2:1: broken YAML: a tab: indent with spaces")),
    "open_quote": (
        "a: 'b\nc",
        ("study.yaml:2:2: broken YAML: a quoted text is not closed (it began in line 1)"),
    ),
    "alias": (
        "a: *b",
        ("study.yaml:1:4: broken YAML: an alias (*name): repeat the value, or use a preset"),
    ),
    "anchor": ("a: &b 1", ("study.yaml:1:4: an anchor (&b): repeat the value, or use a preset")),
    "two_documents": (
        "a: 1\n---\nb: 2\n",
        ("study.yaml:2:1: broken YAML: a second document (---): a study is one"),
    ),
    "indentation": (
        "a:\n  b: 1\n c: 2\n",
        ("study.yaml:3:2: broken YAML: this line's indentation does not fit the lines above it"),
    ),
    "special": (
        "a: @b",
        ("study.yaml:1:4: broken YAML: a text that begins with this character needs quotes"),
    ),
    "tag": (
        "a: !!python/object:os.system x",
        ("study.yaml:1:4: the tag !!python/object:os.system; tags are not read, leave it out"),
    ),
    "map_as_key": ("[a]: 1", ("study.yaml:1:1: a key that is a map or a list; expected a word")),
    "deep": ("[" * 5000, ("study.yaml:1:1: maps and lists lie too deep within each other")),
    "control": ("a: \x01", ("study.yaml:1:1: character 4 is not allowed in YAML")),
    "maps_are_missing": (
        "grammar: 1\nname: study\nbase: [1]\nprofiles: {smoke: 3}\n",
        (
            "study.yaml:1:1: title: missing, and required here\n"
            "study.yaml:3:7: base: found a list; expected a map of keys and values\n"
            "study.yaml:4:19: profiles.smoke: found 3; expected a map of keys and values"
        ),
    ),
}

OVERRIDES: dict[str, str] = {
    "training.images=abc": ('training.images: found the text "abc"; expected a whole number'),
    "training.imges=640": (
        "training.imges: unknown key; allowed here: data, method, generator, optimizer, ema, "
        'images, batch_size, numerics; did you mean "images"?'
    ),
    "trainng.images=640": (
        "trainng: unknown key; allowed here: title, training, evaluations, axes, search, seeds, "
        'resources, tuned, claims, gate, report; did you mean "training"?'
    ),
    "training.images": ("expected PATH=VALUE, such as training.images=64000"),
    "=3": ("expected PATH=VALUE, such as training.images=64000"),
    "training.images=[1": (
        "broken YAML: a list that began with [ is not closed with ] (it began in line 1)"
    ),
    "training.images=": ("training.images: found nothing; expected a whole number"),
    "evaluations.genration.num_images=64": (
        "evaluations.genration: no evaluation is called that; there are: generation; did you "
        'mean "generation"?'
    ),
    "axes.wieght.values=[1]": (
        'axes.wieght: no axis is called that; there are: weight; did you mean "weight"?'
    ),
    "training.optimzer.learning_rate=1": (
        "training.optimzer: unknown key; allowed here: data, method, generator, optimizer, "
        'ema, images, batch_size, numerics; did you mean "optimizer"?'
    ),
    "training.images.more=1": ("training.images: found a map; expected a whole number"),
    "seeds.0=1": ("seeds: found a map; expected a list"),
    "name=other": (
        "name: unknown key; allowed here: title, training, evaluations, axes, search, seeds, "
        "resources, tuned, claims, gate, report"
    ),
    "training.preset=rgm_cifar": (
        f'training.preset: found the text "rgm_cifar"; allowed: {PRESETS}; did '
        f'you mean "{get_close_matches("rgm_cifar", preset_names(), n=1)[0]}"?'
    ),
    "training=3": ("training: found 3; expected a map of keys and values"),
    "training.images=1000": (
        "training.images: is a multiple of batch_size 64; found 1000, try 960 or 1024"
    ),
}


def message(path: Path, **asked: Any) -> str:
    with pytest.raises(StudyError) as raised:
        load_study(path, **asked)
    return str(raised.value)


@pytest.mark.parametrize("case", BROKEN)
def test_mistakes_in_a_study(write_study: WriteStudy, case: str):
    replaced, expected = BROKEN[case]
    assert message(write_study(*replaced)) == expected


@pytest.mark.parametrize("case", UNREADABLE)
def test_files_that_hold_no_study(write_study: WriteStudy, case: str):
    text, expected = UNREADABLE[case]
    assert message(write_study(text=text)) == expected


@pytest.mark.parametrize("override", OVERRIDES)
def test_mistakes_in_an_override(write_study: WriteStudy, override: str):
    expected = f"--set {override}: {OVERRIDES[override]}"
    assert message(write_study(), overrides=[override]) == expected


def test_an_unknown_profile(write_study: WriteStudy):
    expected = (
        'study.yaml:18:1: profiles: no profile is called "smoky"; there are: smoke, laptop; '
        'did you mean "smoke"?'
    )
    assert message(write_study(), profile="smoky") == expected


def test_the_nearest_file_is_named(write_study: WriteStudy):
    write_study()
    expected = 'stduy.yaml: no such file; YAML files in .: study.yaml; did you mean "study.yaml"?'
    assert message(Path("stduy.yaml")) == expected


def test_a_folder_that_is_not_there(write_study: WriteStudy):
    write_study()
    expected = "no/study.yaml: no such file; there is no folder no either"
    assert message(Path("no/study.yaml")) == expected


def test_a_folder_is_no_study(write_study: WriteStudy):
    write_study()
    assert message(Path()) == ".: is a folder; YAML files in .: study.yaml"


def test_a_file_that_is_no_text(write_study: WriteStudy):
    path = write_study()
    path.write_bytes(b"name: \xff\xfe")
    assert message(path) == "study.yaml: byte 6 is not UTF-8 text; save the file as UTF-8"


def test_all_mistakes_of_a_file_at_once_in_its_order(write_study: WriteStudy):
    path = write_study(
        ("name: study", "name: other"),
        in_training("imges: 1, batch_size: 66"),
        ("num_images: 64", "num_images: 4"),
        ("kind: table", "kind: tabel"),
        ("images: 640", "images: 6.5"),
    )
    places = [line.split(": ")[0] for line in message(path).splitlines()]
    assert places == [f"study.yaml:{place}" for place in ("2:7", "5:34", "11:19", "17:12", "19:30")]


def test_a_long_list_is_cut(write_study: WriteStudy):
    keys = "".join(f"key_{index}: 1\n" for index in range(14))
    lines = message(write_study(("seeds:", keys + "seeds:"))).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "... and 4 more"


def test_a_mistake_that_profiles_share_is_said_once(write_study: WriteStudy):
    assert message(write_study(in_training("imges: 1"))).count("imges") == 1


# --- whatever is written, a mistake is told and never a traceback -------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70) | st.floats() | st.text("ab.:_", max_size=4),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "preset", "values", "field", "training", "weight", "x"]),
            below,
            max_size=3,
        )
    ),
    max_leaves=4,
)


def paths(node: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below: dict[Any, Any] = {}
    if isinstance(node, dict | list):
        below = node if isinstance(node, dict) else dict(enumerate(node))
    return [prefix, *(path for key in below for path in paths(below[key], (*prefix, key)))]


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_value_anywhere_is_a_study_or_a_mistake(write_study: WriteStudy, data: st.DataObject):
    path = write_study()
    yaml = YAML(typ="safe")
    study = yaml.load(path)
    *above, last = data.draw(st.sampled_from([p for p in paths(study) if p]))
    node = study
    for key in above:
        node = node[key]
    node[last] = data.draw(values)
    yaml.dump(study, path)
    told = mistakes(path)
    assert all(line.startswith(("study.yaml:", "preset ", "... and ")) for line in told), told
    assert not any(word in "".join(told) for word in ("Input", "pydantic", "http", "validation"))


def mistakes(path: Path) -> list[str]:
    try:
        load_study(path)
    except UserError as error:
        return str(error).splitlines()
    return []
