import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"

SHORT = ("--set", "axes.budget.values.smoke.training={images: 64, ema: {decay: 0.01}}")
"""One step a training, so that there is time for a second seed, and with it for intervals."""


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=300
    )


@pytest.mark.process
def test_first_steps_runs_as_a_whole(tmp_path) -> None:
    done = run(str(EXAMPLES / "first_steps.py"), str(tmp_path / "store"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    # 3 trainings, an evaluation of each, and 2 rows of real images
    assert "8 units ran" in done.stdout
    assert "from 4 evaluations each" in done.stdout


@pytest.mark.process
def test_a_prior_of_ones_own_gets_a_row_and_a_claim_with_intervals(tmp_path) -> None:
    study = ("run", str(EXAMPLES / "total_variation.py"), "--profile", "smoke")
    where = ("--store", "store", "--executor", "local")
    seeds = ("--set", "seeds=[0, 1]")
    done = run("-m", "rgm_bench", *study, *where, *seeds, *SHORT, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("| total_variation "))
    fid, num_seeds = row.split("|")[3], row.split("|")[-2]
    assert "[" in fid
    assert int(num_seeds) == 2

    report = tmp_path / "store" / "studies" / "total_variation" / "smoke"
    claims = json.loads((report / "claims.json").read_text())["claims"]
    (verdict,) = (
        claim["verdict"] for claim in claims if claim["name"] == "learning_beats_total_variation"
    )
    assert verdict["num_seeds"] == [["kld", 2], ["total_variation", 2]]
    assert 0 < verdict["low"] < verdict["effect"] < verdict["high"]
    assert f"FID: {verdict['statement']}" in done.stdout
    assert verdict["statement"] == "kld is better than total_variation"
