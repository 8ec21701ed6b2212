"""The templates for continuous integration are valid and use only options that there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from rgm_bench.config.load import load_study

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "docs" / "ci").glob("*.yml"))


@pytest.fixture(scope="module")
def options() -> set[str]:
    """The options of `rgm-bench check`."""
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", "check", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    )
    return set(re.findall(r"--[a-z-]+", done.stdout))


def commands(path: Path) -> list[str]:
    """What stands in a template after `rgm-bench check`, or for it in the workflow."""
    text = " ".join(path.read_text().split())
    found = re.findall(r"rgm-bench check (.*?) (?:- |artifacts:|if:)", text)
    return [*found, *re.findall(r"arguments: (studies.*?)(?: nightly:|$)", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_yaml_and_its_options_exist(path: Path, options: set[str]) -> None:
    assert YAML(typ="safe").load(path)
    called = commands(path)
    assert called
    used = {option for command in called for option in re.findall(r"--[a-z-]+", command)}
    assert used
    assert used <= options


def test_there_is_a_template_for_each_service() -> None:
    assert [path.name for path in TEMPLATES] == ["action.yml", "gitlab-ci.yml", "workflow.yml"]


@pytest.mark.parametrize("profile", ["laptop", "nightly"])
def test_the_study_of_the_templates_has_a_gate(profile: str) -> None:
    study = load_study(ROOT / "studies" / "ci_fid.yaml", profile=profile)
    assert study.gate is not None
    assert len(study.seeds) >= 5


def test_inputs_reach_the_shell_as_variables_only() -> None:
    (action,) = (path for path in TEMPLATES if path.name == "action.yml")
    for step in YAML(typ="safe").load(action)["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
