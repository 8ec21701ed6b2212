"""Published folders say what the store said, and can be computed again from their trials."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from rgm_bench.config import packaged
from rgm_bench.config.load import load_study, packaged_studies, resolved_study
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StoreError
from rgm_bench.publication import overview, publish, read_publication
from rgm_bench.results.files import to_json
from rgm_bench.results.frames import evaluations_frame
from rgm_bench.verdicts import report
from tests.conftest import Folder

PUBLISHED = Path("results/published")
FOLDERS = sorted(path.parent for path in PUBLISHED.glob("*/*/study.json"))


@pytest.fixture
def study() -> StudySpec:
    return load_study(Path("studies/lambda_sweep.yaml"), overrides=["seeds=[0,1]"])


@pytest.fixture
def finished(study: StudySpec, results: Folder) -> Folder:
    """All of the study, but for one training that diverged after its first quarter."""
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 5 and trial.seed == 1:
            if trial.spec.source.at == 0.25:
                results.finish(trial)
        else:
            results.finish(trial)
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 5 and trial.seed == 1:
            results.diverge(trial)
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 0:
            results.draw(trial)
    return results


def texts(folder: Path) -> dict[str, bytes]:
    """The files that follow from trials alone."""
    names = ("claims.json", "trials.parquet", "tables/*")  # a study may claim nothing
    paths = [path for name in names for path in sorted(folder.glob(name))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_published_folder_holds_the_study_its_trials_tables_figures_and_verdicts(
    study: StudySpec, finished: Folder, tmp_path: Path
):
    publish(study, finished, tmp_path / "published")
    folder = tmp_path / "published/lambda_sweep/laptop"
    assert json.loads((folder / "study.json").read_text()) == json.loads(to_json(study.resolved))
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert {"trials.parquet", "claims.json", "tables/claims.md"} <= names
    assert "figures/samples_over_fidelity_weight.png" in names
    assert not [name for name in names if name.startswith("journal")]


def test_a_resolved_study_is_the_study(study: StudySpec, tmp_path: Path):
    path = tmp_path / "study.json"
    path.write_bytes(to_json(study.resolved))
    again = resolved_study(path)
    assert again.trials == study.trials
    assert (again.resolved, again.axes, again.claims) == (study.resolved, study.axes, study.claims)


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        (path.stem, profile)
        for path in sorted(packaged_studies().glob("*.yaml"))
        for profile in ("smoke", "laptop", "paper")
        if profile != "paper" or not path.stem.startswith(("tuning", "ci_"))
    ],
)
def test_every_shipped_study_can_be_read_again(name: str, profile: str, tmp_path: Path):
    study = load_study(packaged_studies() / f"{name}.yaml", profile=profile)
    path = tmp_path / "study.json"
    path.write_bytes(to_json(study.resolved))
    again = resolved_study(path)
    assert (again.trials, again.report, again.claims) == (study.trials, study.report, study.claims)


def test_what_is_read_again_are_the_same_trials(study: StudySpec, finished: Folder, tmp_path: Path):
    publish(study, finished, tmp_path)
    again, kept = read_publication(tmp_path / "lambda_sweep/laptop")
    frame = pd.read_parquet(tmp_path / "lambda_sweep/laptop/trials.parquet")
    assert set(frame["status"]) == {"ok", "diverged"}
    pd.testing.assert_frame_equal(evaluations_frame(again, kept), frame)


def test_a_published_study_stays_what_it_was_when_a_preset_changes(
    results: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    study = load_study(Path("studies/ablation.yaml"), profile="smoke", overrides=["seeds=[0,1]"])
    for trial in study.trials:
        results.finish(trial)
    folder = tmp_path / "published/ablation/smoke"
    publish(study, results, tmp_path / "published")
    before = texts(folder)
    presets = tmp_path / "presets"
    shutil.copytree(packaged._PRESETS, presets)
    for path in presets.glob("*.yaml"):
        path.write_text(re.sub(r"\blearning_rate: \S+", "learning_rate: 7.0e-4", path.read_text()))
    monkeypatch.setattr(packaged, "_PRESETS", presets)
    packaged._preset.cache_clear()
    try:
        again, kept = read_publication(folder)
        assert load_study(Path("studies/ablation.yaml"), profile="smoke").trials != study.trials
    finally:
        packaged._preset.cache_clear()
    assert again.trials == study.trials
    report(again, kept, folder)
    assert texts(folder) == before


def test_tables_and_verdicts_can_be_computed_again_from_the_trials(
    study: StudySpec, finished: Folder, tmp_path: Path
):
    publish(study, finished, tmp_path)
    folder = tmp_path / "lambda_sweep/laptop"
    before = texts(folder)
    shutil.rmtree(folder / "tables")
    (folder / "claims.json").unlink()
    losses = folder / "figures/training.png"
    losses.write_bytes(b"drawn when there were losses")
    report(*read_publication(folder), folder)
    assert texts(folder) == before
    # pictures and losses cannot be, and stay
    assert losses.read_bytes() == b"drawn when there were losses"
    assert (folder / "figures/samples_over_fidelity_weight.png").is_file()


def test_no_machine_is_named(study: StudySpec, finished: Folder, tmp_path: Path):
    publish(study, finished, tmp_path)
    frame = pd.read_parquet(tmp_path / "lambda_sweep/laptop/trials.parquet")
    known = [json.loads(text) for text in frame["provenance"].dropna()]
    assert known
    assert all("host" not in each and each["device_name"] == "AMD EPYC" for each in known)
    assert "somewhere" not in (tmp_path / "README.md").read_text()


def test_the_page_has_every_claim_the_times_and_the_machine(
    study: StudySpec, finished: Folder, tmp_path: Path
):
    publish(study, finished, tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    verdicts = json.loads((tmp_path / "lambda_sweep/laptop/claims.json").read_text())["claims"]
    rows = [line for line in lines if line.startswith("| [lambda_sweep/laptop]")]
    assert len(rows) == len(verdicts) + 1
    assert all(
        each["verdict"]["decision"] in row for each, row in zip(verdicts, rows[:-1], strict=True)
    )
    seconds = 6 * (150 + 151) + (len(study.trials) - 2) * 2.5
    assert rows[-1].endswith(f"| 2 | 12 | {len(study.trials)} | {seconds / 60:.0f} |")
    assert any(line.startswith("- AMD EPYC (AVX512, 2 cores, a unit on 1)") for line in lines)


def extending(study: StudySpec, results: Folder, root: Path, seeds: str = "seeds=[0,1]") -> Path:
    """Publish `wider`, with all arms and claims of the study and one claim more; the page."""
    text = (
        Path("studies/lambda_sweep.yaml").read_text().replace("name: lambda_sweep", "name: wider")
    )
    more = "{kind: interior_minimum, metric: fid, over: fidelity_weight, margin: 0.1}"
    text = text.replace("\nclaims:\n", f"\nclaims:\n  its_own:\n    {more}\n")
    of_two_axes = "      moderate_weight_is_best: null\n"  # a profile whose arms it cannot name
    text = text.replace(of_two_axes, f"      its_own: null\n{of_two_axes}")
    (root / "wider.yaml").write_text(text)
    wider = load_study(root / "wider.yaml", overrides=[seeds])
    for trial in wider.trials:
        results.finish(trial)
    publish(study, results, root)
    publish(wider, results, root)
    return root / "README.md"


def claims_of(page: Path, name: str) -> list[str]:
    claims = page.read_text().split("## Runs")[0].splitlines()
    return [line for line in claims if line.startswith(f"| [{name}/laptop]")]


def test_a_claim_on_the_same_trials_is_listed_once(results: Folder, tmp_path: Path):
    study = load_study(Path("studies/lambda_sweep.yaml"), overrides=["seeds=[0,1]"])
    page = extending(study, results, tmp_path)
    assert len(claims_of(page, "lambda_sweep")) == len(study.claims)
    (own,) = claims_of(page, "wider")
    assert "beats both ends by more than 10 %" in own


def test_a_claim_on_other_seeds_is_another(results: Folder, tmp_path: Path):
    study = load_study(Path("studies/lambda_sweep.yaml"), overrides=["seeds=[0,1]"])
    page = extending(study, results, tmp_path, seeds="seeds=[0,1,2]")
    assert len(claims_of(page, "wider")) == len(study.claims) + 1


def test_one_seed_tests_no_claim(results: Folder, tmp_path: Path):
    study = load_study(Path("studies/lambda_sweep.yaml"), overrides=["seeds=[0]"])
    for trial in study.trials:
        results.finish(trial)
    publish(study, results, tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| [lambda_sweep/laptop]"))
    assert row.split(" | ")[1:3] == ["1", "6"]


def test_an_unfinished_study_is_not_published(study: StudySpec, finished: Folder, tmp_path: Path):
    shutil.rmtree(finished.root / "evaluations" / study.trials[0].id)
    with pytest.raises(StoreError, match=r"lambda_sweep/laptop: 1 of 40 trials is not finished"):
        publish(study, finished, tmp_path / "published")
    assert not (tmp_path / "published").exists()


def test_a_folder_that_was_not_published_says_what_lacks(tmp_path: Path):
    with pytest.raises(StoreError, match=r"found no study\.json; expected a folder that"):
        read_publication(tmp_path)


# --- what this project has published ----------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_our_published_tables_and_verdicts_follow_from_their_trials(folder: Path, tmp_path: Path):
    copy = tmp_path / folder.relative_to(PUBLISHED)
    copy.mkdir(parents=True)
    report(*read_publication(folder), copy)
    kept = texts(folder)
    del kept["trials.parquet"]  # whose bytes are those of one version of pyarrow
    assert {name: texts(copy)[name] for name in kept} == kept


@pytest.mark.data
def test_the_page_over_all_that_we_published_is_up_to_date():
    assert (PUBLISHED / "README.md").read_text() == overview(PUBLISHED)
