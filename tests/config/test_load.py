import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.config.spec import ImageFolderSpec, TrainingSource, TrainingSpec
from rgm_bench.config.study import StudySpec, Trial, Tuned
from rgm_bench.errors import MissingDataError, StudyError

WriteStudy = Callable[..., Path]

TWO_AXES = (
    "axes:\n",
    "axes:\n  levels: {field: training.method.forward.num_levels, values: [1, 2, 4]}\n",
)
SECOND = "    second: {kind: generate, sampler: {kind: restoration}, num_images: 32, "
SECOND += "reference: {extractor: digits_cnn_v1}}\naxes:\n"


def training_of(trial: Trial) -> TrainingSpec:
    assert isinstance(trial.spec.source, TrainingSource)
    return trial.spec.source.training


def of(study: StudySpec, evaluation: str) -> list[Trial]:
    return [trial for trial in generated(study) if trial.evaluation == evaluation]


def generated(study: StudySpec) -> list[Trial]:
    """The trials of trainings, without the rows of real images."""
    return [trial for trial in study.trials if trial.real is None]


# --- expansion --------------------------------------------------------------------------------


def test_trials_are_the_product_in_the_order_of_the_file_with_seeds_innermost(
    write_study: WriteStudy,
):
    study = load_study(write_study(TWO_AXES))
    rows = [
        (trial.labels["levels"], trial.labels["weight"], trial.spec.source.at, trial.seed)
        for trial in generated(study)
        if isinstance(trial.spec.source, TrainingSource)
    ]
    levels, weights, shares, seeds = (1, 2, 4), (0, 0.05), (0.5, 1.0), (0, 1)
    assert rows == [(n, w, s, r) for n in levels for w in weights for s in shares for r in seeds]
    assert study.axes == {"levels": levels, "weight": weights}


LABELLED = (
    "  weight: {field: training.method.fidelity_weight, values: [0, 0.05]}\n",
    "  arm: {values: {kld: {}, t1: {training: {method: {forward: {num_levels: 1}}}}}}\n"
    "claims:\n"
    "  steps: {kind: better, metric: fid, this: {arm: kld}, than: {arm: t1}}\n",
)
ROWS = ("rows: weight", "rows: arm")


def test_a_profile_leaves_out_an_arm_and_the_claim_about_it(write_study: WriteStudy):
    without = "  laptop: {axes: {arm: {values: {t1: null}}}, claims: {steps: null}}\n"
    path = write_study(LABELLED, ROWS, ("  laptop: {}\n", without))
    smoke, laptop = load_study(path, profile="smoke"), load_study(path)
    assert (smoke.axes, laptop.axes) == ({"arm": ("kld", "t1")}, {"arm": ("kld",)})
    assert (list(smoke.claims), list(laptop.claims)) == (["steps"], [])


def test_a_profile_leaves_out_an_evaluation(write_study: WriteStudy):
    path = write_study(
        ("axes:\n", SECOND),
        ("columns: [fid]", "columns: [fid], evaluation: generation"),
        ("  laptop: {}\n", "  laptop: {evaluations: {second: null}}\n"),
    )
    smoke, laptop = load_study(path, profile="smoke"), load_study(path)
    assert {trial.evaluation for trial in smoke.trials} == {"generation", "second"}
    assert {trial.evaluation for trial in laptop.trials} == {"generation"}


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (
            "axes: {arm: {values: {t1: null}}}",
            'claims.steps.than.arm: found the text "t1"; allowed on arm: kld',
        ),
        ("axes: {arm: {values: {t2: null}}}", "axes.arm.values.t2: found nothing"),
        (
            "claims: {stepz: null}",
            'no claim is called that; there are: steps; did you mean "steps"?',
        ),
    ],
)
def test_what_is_left_out_was_there_and_is_not_claimed(
    write_study: WriteStudy, left_out: str, said: str
):
    path = write_study(LABELLED, ROWS, ("  laptop: {}\n", f"  laptop: {{{left_out}}}\n"))
    with pytest.raises(StudyError, match=re.escape(said)):
        load_study(path)


def test_labels_say_what_the_training_has(write_study: WriteStudy):
    for trial in generated(load_study(write_study(TWO_AXES))):
        training = training_of(trial)
        assert training.method.fidelity_weight == trial.labels["weight"]
        assert training.method.forward.num_levels == trial.labels["levels"]
        assert training.seed == trial.spec.seed == trial.seed


def test_every_trial_has_an_id_of_its_own_and_shares_its_training_over_the_shares(
    write_study: WriteStudy,
):
    study = load_study(write_study(TWO_AXES))
    assert len({trial.id for trial in generated(study)}) == len(generated(study)) == 24
    assert len({trial.training_id for trial in generated(study)}) == 12
    assert len({id(training_of(trial)) for trial in generated(study)}) == 12


def test_without_axes_there_is_one_arm(write_study: WriteStudy):
    axis = "  weight: {field: training.method.fidelity_weight, values: [0, 0.05]}\n"
    report = "report:\n  - {kind: table, rows: weight, columns: [fid]}\n"
    study = load_study(write_study(("axes:\n" + axis, ""), (report, "")))
    assert [(dict(t.labels), t.seed) for t in generated(study)] == [({}, 0), ({}, 1)] * 2


def test_labelled_overlays_are_the_arms(write_study: WriteStudy):
    axis = (
        "{field: training.method.fidelity_weight, values: [0, 0.05]}",
        "{values: {with_z: {}, without_z: {training: {generator: {latent: "
        "{kind: zeros, size: 16, embedding: 32, layers: 2}}}}}}",
    )
    study = load_study(write_study(axis))
    kinds = {t.labels["weight"]: training_of(t).generator.latent.kind for t in generated(study)}
    assert kinds == {"with_z": "gaussian", "without_z": "zeros"}


def test_an_overlay_with_a_preset_replaces_the_training(write_study: WriteStudy):
    axis = (
        "{field: training.method.fidelity_weight, values: [0, 0.05]}",
        "{values: {digits: {}, cifar10: {training: {preset: rgm_cifar10, batch_size: 128}}}}",
    )
    study = load_study(write_study(axis, ("digits_cnn_v1", "inception_v3_compat")))
    found = {t.labels["weight"]: training_of(t) for t in generated(study)}
    assert found["cifar10"].batch_size == 128
    assert found["cifar10"].data.kind == "cifar10"
    assert found["cifar10"].generator.base_channels == 128
    assert found["digits"].data.kind == "digits"


def test_an_axis_over_a_field_of_one_evaluation_multiplies_only_that_one(write_study: WriteStudy):
    axis = "  n: {field: evaluations.second.num_images, values: [16, 32, 48]}\n"
    study = load_study(write_study(("axes:\n", SECOND + axis)))
    assert len(of(study, "generation")) == 2 * 2 * 2
    assert len(of(study, "second")) == 3 * 2 * 2
    assert all(t.labels["n"] == t.spec.measure.count for t in of(study, "second"))
    assert all("n" not in t.labels for t in of(study, "generation"))
    assert {t.training_id for t in of(study, "second")} == {t.training_id for t in generated(study)}


@pytest.mark.parametrize("where", ["{weight: 0.05}", "{weight: [0.05]}"])
def test_where_restricts_an_evaluation_to_values_of_an_axis(write_study: WriteStudy, where: str):
    second = SECOND.replace("num_images", f"where: {where}, num_images")
    study = load_study(write_study(("axes:\n", second)))
    assert [t.labels["weight"] for t in of(study, "second")] == [0.05, 0.05]
    assert len(of(study, "generation")) == 8


def test_shares_are_floats(write_study: WriteStudy):
    study = load_study(write_study(("[0.5, 1.0]", "[1]")))
    sources = [t.spec.source for t in generated(study)]
    assert {type(s.at) for s in sources if isinstance(s, TrainingSource)} == {float}


# --- profiles and overrides -------------------------------------------------------------------


def test_a_profile_is_laid_over_the_base(write_study: WriteStudy):
    smoke, laptop = (load_study(write_study(), profile=name) for name in ("smoke", "laptop"))
    assert {training_of(t).images for t in generated(smoke)} == {640}
    assert {training_of(t).images for t in generated(laptop)} == {25_600}
    assert {t.id for t in generated(smoke)}.isdisjoint(t.id for t in laptop.trials)


def test_a_profile_changes_each_part(write_study: WriteStudy):
    over = "{title: T, seeds: [7], resources: {cpus: 2}, report: [], axes: {weight: {values: [1]}},"
    over += " evaluations: {generation: {num_images: 16}}}"
    study = load_study(write_study(("laptop: {}", "laptop: " + over)))
    assert (study.title, study.seeds, study.resources.cpus, study.report) == ("T", (7,), 2, ())
    assert study.axes == {"weight": (1,)}
    assert {t.spec.measure.count for t in generated(study)} == {16}


def test_an_override_is_laid_over_the_profile(write_study: WriteStudy):
    overrides = ["training.images=1280", "seeds=[5]", "training.method.forward={num_levels: 2}"]
    study = load_study(write_study(), profile="smoke", overrides=overrides)
    trainings = [training_of(t) for t in generated(study)]
    assert {(t.images, t.seed, t.ema.decay) for t in trainings} == {(1280, 5, 0.5)}
    assert {t.method.forward.num_levels for t in trainings} == {2}


def test_an_override_is_the_same_as_writing_it(write_study: WriteStudy):
    overridden = load_study(write_study(), overrides=["training.numerics.accumulation=2"])
    text = ("laptop: {}", "laptop: {training: {numerics: {accumulation: 2}}}")
    written = load_study(write_study(text))
    assert [t.id for t in overridden.trials] == [t.id for t in written.trials]
    assert overridden.resolved == written.resolved


def test_the_last_override_wins(write_study: WriteStudy):
    study = load_study(write_study(), overrides=["seeds=[1]", "seeds=[2]"])
    assert study.seeds == (2,)


def test_resolved_is_plain_and_holds_only_its_profile(write_study: WriteStudy):
    resolved = load_study(write_study(), profile="smoke").resolved
    assert resolved["profile"] == "smoke"
    assert "profiles" not in resolved
    assert "preset" not in resolved["training"]
    assert resolved["training"]["images"] == 640
    assert resolved["evaluations"]["generation"]["at_images"] == [0.5, 1.0]


# --- real images ------------------------------------------------------------------------------


def test_each_evaluation_has_rows_of_real_images_at_its_number_and_seeds(write_study: WriteStudy):
    study = load_study(write_study(("axes:\n", SECOND)))
    rows = [trial for trial in study.trials if trial.real is not None]
    assert {trial.training_id for trial in rows} == {None}
    assert len({trial.id for trial in rows}) == len(rows)
    found = {(t.evaluation, t.real, t.seed, t.spec.measure.count) for t in rows}
    numbers = {t.evaluation: t.spec.measure.count for t in generated(study)}
    assert found == {
        (name, split, seed, number)
        for name, number in numbers.items()
        for split in ("train", "test")
        for seed in (0, 1)
    }
    found = {t.spec.measure.reference for t in generated(study)}
    assert {t.spec.measure.reference for t in rows} == found


def test_an_extractor_that_does_not_fit_the_images_is_refused(write_study: WriteStudy):
    path = write_study(("laptop: {}", "laptop: {training: {preset: rgm_cifar10}}"))
    with pytest.raises(
        StudyError, match=r"reference\.extractor: found digits_cnn_v1.*use inception"
    ):
        load_study(path)


# --- image folders ----------------------------------------------------------------------------

FOLDER = "{data: {kind: image_folder, name: pictures, image_size: 8}}"
INCEPTION = "evaluations: {generation: {reference: {extractor: inception_v3_compat}}}"


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RGM_BENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def write_picture(root: Path, content: bytes) -> None:
    folder = root / "pictures" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.png").write_bytes(content)


def test_the_id_of_an_image_folder_is_that_of_its_content(write_study: WriteStudy, data_root: Path):
    path = write_study(("laptop: {}", f"laptop: {{training: {FOLDER}, {INCEPTION}}}"))
    ids: list[str] = []
    for content in (b"one", b"two", b"one"):
        write_picture(data_root, content)
        study = load_study(path)
        data = training_of(study.trials[0]).data
        assert isinstance(data, ImageFolderSpec)
        assert data.fingerprint == study.resolved["training"]["data"]["fingerprint"]
        ids.append(study.trials[0].id)
    assert ids[0] == ids[2] != ids[1]


def test_a_pinned_fingerprint_is_compared(write_study: WriteStudy, data_root: Path):
    write_picture(data_root, b"one")
    pinned = FOLDER.replace("8}", f"8, fingerprint: '{'0' * 16}'}}")
    path = write_study(("laptop: {}", f"laptop: {{training: {pinned}, {INCEPTION}}}"))
    with pytest.raises(
        StudyError, match=r"study\.yaml:20:.*the folder on this machine holds other"
    ):
        load_study(path)


@pytest.mark.usefixtures("data_root")
def test_a_missing_folder_stops_only_the_profile_that_needs_it(write_study: WriteStudy):
    path = write_study(("laptop: {}", f"laptop: {{training: {FOLDER}, {INCEPTION}}}"))
    assert load_study(path, profile="smoke").trials
    with pytest.raises(MissingDataError, match="pictures"):
        load_study(path)


def test_a_plan_imports_nothing_heavy(write_study: WriteStudy):
    code = (
        "import sys; from pathlib import Path; from rgm_bench.config.load import load_study;"
        f"load_study(Path({str(write_study().resolve())!r}));"
        "heavy = {'torch', 'numpy', 'pandas', 'mlflow', 'ray'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    path = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr


# --- where settings come from -----------------------------------------------------------------

TUNED = ("seeds: [0, 1]\n", "seeds: [0, 1]\ntuned: {study: tuning_digits, trials: 8}\n")
LAPTOP = "  laptop: {}\n"


@pytest.mark.parametrize("over", ["seeds: [3]", "evaluations: {generation: {num_images: 32}}"])
def test_tuned_settings_stay_tuned_while_trainings_stay(write_study: WriteStudy, over: str):
    study = load_study(write_study(TUNED, (LAPTOP, f"  laptop: {{{over}}}\n")))
    assert study.tuned == Tuned(study="tuning_digits", trials=8)


@pytest.mark.parametrize(
    "over",
    [
        "training: {preset: rgm_digits_dswd}",
        "training: {images: 12_800}",
        "axes: {budget: {field: training.images, values: [12_800]}}",
        "tuned: null",
    ],
)
def test_other_trainings_are_not_tuned(write_study: WriteStudy, over: str):
    study = load_study(write_study(TUNED, (LAPTOP, f"  laptop: {{{over}}}\n")))
    assert study.tuned is None
    assert "tuned" not in study.resolved


def test_an_override_of_a_rate_is_not_tuned(write_study: WriteStudy):
    path = write_study(TUNED)
    assert load_study(path, overrides=["training.optimizer.learning_rate=1.0e-3"]).tuned is None
    assert load_study(path, overrides=["seeds=[5]"]).tuned is not None


def test_a_profile_says_what_tuned_its_own_trainings(write_study: WriteStudy):
    over = "{training: {preset: rgm_digits_sr}, tuned: {study: tuning_patches, trials: 4}}"
    study = load_study(write_study(TUNED, (LAPTOP, f"  laptop: {over}\n")))
    assert study.tuned == Tuned(study="tuning_patches", trials=4)


def test_what_tuned_a_study_changes_no_trial(write_study: WriteStudy):
    assert load_study(write_study(TUNED)).trials == load_study(write_study()).trials
