"""What a study in Python says: the file that it extends, with parts of the user's own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import rgm_bench
from rgm_bench.config.load import load_study
from rgm_bench.config.spec import PythonPartSpec, TrainingSpec
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.measure import measure_training
from rgm_bench.plan import make_plan
from rgm_bench.python_study import load_python_study
from rgm_bench.results.store import Store, View
from tests.python_study.given import (
    EXAMPLE,
    FADING,
    FORWARD,
    TEST_FADING,
    WriteStudy,
    part_of,
    trainings,
)


def test_it_is_the_study_it_extends_with_what_differs(write: WriteStudy) -> None:
    mine, base = load_python_study(write()), load_study(Path("base.yaml"))
    assert (mine.name, base.name) == ("mine", "base")
    assert (mine.title, mine.seeds, mine.axes) == (base.title, base.seeds, {"arm": ("alone", "tv")})
    assert trainings(mine)["alone"] == trainings(base)["alone"]  # its results are shared
    assert part_of(mine).arguments == {"weight": 0.01}
    assert part_of(mine).name == "TotalVariation"
    changed = trainings(mine)["tv"].model_dump()
    changed["method"]["prior"] = {"kind": "none"}
    assert changed == trainings(base)["alone"].model_dump()
    assert list(mine.claims) == ["it"]


def test_profiles_and_overrides_are_laid_over_it(write: WriteStudy) -> None:
    smoke = load_python_study(write(), profile="smoke", overrides=["training.images=640"])
    assert smoke.seeds == (0,)
    assert {training.images for training in trainings(smoke).values()} == {640}


def test_the_python_entry_takes_it_too(write: WriteStudy) -> None:
    study = rgm_bench.Study.load(write(), profile="smoke")
    assert study.spec.name == "mine"
    assert rgm_bench.Study.load("base.yaml").spec.name == "base"
    assert isinstance(rgm_bench.extend("base.yaml", {}), rgm_bench.PythonStudy)


@pytest.mark.parametrize("profile", ["smoke", "laptop", "gpu", "paper", "fashion_mnist"])
def test_the_example_is_a_study_in_every_profile(profile: str) -> None:
    study = load_python_study(EXAMPLE, profile=profile)
    shipped = load_study(EXAMPLE.parents[2] / "studies" / "ablation.yaml", profile=profile)
    assert {trial.id for trial in shipped.trials} < {trial.id for trial in study.trials}
    assert study.axes["arm"] == (*shipped.axes["arm"], "total_variation")
    assert set(study.claims) == {*shipped.claims, "learning_beats_total_variation"}


def test_a_forward_process_brings_its_number_of_levels(write: WriteStudy) -> None:
    study = load_python_study(write(FORWARD))
    fading = trainings(study)["fading"].method.forward
    assert isinstance(fading, PythonPartSpec)
    assert fading.num_levels == trainings(study)["fading"].num_levels == 4
    assert fading.arguments == {"shares": [0.9, 0.6, 0.3, 0.01]}


def test_tuples_are_lists_wherever_they_arrive(write: WriteStudy) -> None:
    text = FORWARD.replace("[0.9, 0.6, 0.3, 0.01]", "(0.9, 0.01)")
    text = text.replace("self.num_levels = len(shares)", "self.num_levels = len(shares + [])")
    study = load_python_study(write(text))
    spec = trainings(study)["fading"]
    assert spec.method.forward.arguments == {"shares": [0.9, 0.01]}
    assert TrainingSpec.model_validate(spec.model_dump(mode="json"), strict=False) == spec


def test_a_forward_process_is_trained_and_sampled(write: WriteStudy, tmp_path: Path) -> None:
    overrides = ["training.images=64", "training.ema.decay=0"]
    study = load_python_study(write(FORWARD), profile="smoke", overrides=overrides)
    worker = StoreWorker(str(tmp_path / "store"), parts=study.parts)
    units = [u.unit for u in make_plan(study, View(Store(tmp_path / "store"))).units]
    ours: list[Unit] = [u for u in units if '"fading"' in json.dumps(u.spec).lower()]
    assert [worker(unit).ending for unit in ours] == ["ok", "ok"]
    (found,) = (tmp_path / "store").glob("evaluations/*/*/result.json")
    assert json.loads(found.read_text())["cost"]["nfe"] == 4


def test_the_documented_parts_keep_the_laws(tmp_path: Path) -> None:
    """By the suites that their users are told to inherit, in a folder of their own."""
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / "fading.py").write_text(FADING)
    (tmp_path / "test_fading.py").write_text(TEST_FADING)
    (tmp_path / "test_total_variation.py").write_text(
        "from total_variation import TotalVariation\n"
        "from rgm_bench.testing.priors import PriorContract\n\n\n"
        "class TestTotalVariation(PriorContract):\n"
        "    def make(self):\n"
        "        return TotalVariation(weight=0.01)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "19 passed" in done.stdout


def test_its_cost_can_be_measured_beforehand(write: WriteStudy) -> None:
    study = load_python_study(write(), profile="smoke")
    cost = measure_training(trainings(study)["tv"], torch.device("cpu"), study.parts)
    base = measure_training(trainings(study)["alone"], torch.device("cpu"))
    assert cost.flops == base.flops > 0  # differences of pixels are no products
