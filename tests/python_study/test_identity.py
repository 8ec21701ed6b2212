"""What the id of a class holds: its code and its arguments, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import rgm_bench
from rgm_bench.priors.base import Prior
from rgm_bench.python_study import load_python_study
from tests.python_study.given import CLASS, STUDY, WriteStudy, part_of


def code(write: WriteStudy, text: str, name: str = "mine.py") -> str:
    return part_of(load_python_study(write(text, name))).code


def test_code_is_in_the_id_and_the_study_is_not(write: WriteStudy) -> None:
    first = code(write, CLASS + STUDY)
    more = STUDY.replace('"base.yaml",\n    {', '"base.yaml",\n    {"seeds": [7],')
    assert code(write, CLASS + more) == first
    annotated = STUDY.replace("study = ", "study: rgm_bench.PythonStudy = ")
    assert code(write, CLASS + annotated) == first
    assert code(write, CLASS.replace(".abs()", ".square()") + STUDY) != first
    assert code(write, CLASS + "\nWEIGHT = 3\n" + STUDY) != first


def test_words_and_the_name_of_the_file_are_not_in_the_id(write: WriteStudy) -> None:
    first = code(write, CLASS + STUDY)
    assert code(write, '"""Other words."""\n' + CLASS.split('"""', 2)[2] + STUDY) == first
    assert code(write, CLASS + "# A comment.\n" + STUDY, "other.py") == first


def test_arguments_are_in_the_id_and_seeds_are_not_in_the_part(write: WriteStudy) -> None:
    first, heavier = (
        load_python_study(write(CLASS + STUDY.replace("0.01", weight)))
        for weight in ("0.01", "0.02")
    )
    assert part_of(first).code == part_of(heavier).code
    ids = [{t.training_id for t in study.trials if t.labels} for study in (first, heavier)]
    assert len(ids[0] & ids[1]) == 2  # the base arm of two seeds
    assert len(ids[0] | ids[1]) == 6


def test_what_lies_beside_it_and_is_imported_is_in_the_id(write: WriteStudy) -> None:
    Path("neighbours").mkdir()
    Path("neighbours/__init__.py").write_text("")
    Path("neighbours/sums.py").write_text("def total(x):\n    return x.flatten(1).sum(1)\n")
    Path("stranger.py").write_text("X = 1\n")
    Path("priors.py").write_text(
        CLASS.replace("import rgm_bench\n", "from neighbours.sums import total\n").replace(
            "fake.diff(dim=3).abs().flatten(1).sum(1)", "total(fake.diff(dim=3).abs())"
        )
    )
    text = "import rgm_bench\nimport stranger\nfrom priors import TotalVariation\n" + STUDY
    first = code(write, text)
    Path("stranger.py").write_text("X = 2\n")
    assert code(write, text) == first
    assert code(write, "import os\n" + text) == first  # the class is in another file
    Path("neighbours/sums.py").write_text("def total(x):\n    return x.flatten(1).mean(1)\n")
    assert code(write, text) != first


def test_the_package_itself_is_no_neighbour(write: WriteStudy, tmp_path: Path) -> None:
    """A study beside the package, as in a clone of its repository, has the same code."""
    text = CLASS + "import rgm_bench.rng\n" + STUDY
    first = code(write, text)
    (tmp_path / "rgm_bench").symlink_to(Path(rgm_bench.__file__).parent)
    study = load_python_study(write(text))
    assert part_of(study).code == first
    assert all(len(pickled) < 10_000 for pickled in study.parts.pickled.values())


def test_it_is_read_afresh_and_nothing_of_it_stays(write: WriteStudy) -> None:
    before, paths = set(sys.modules), list(sys.path)
    Path("beside.py").write_text("WEIGHT = 0.5\n")
    text = CLASS + "from beside import WEIGHT\n" + STUDY.replace("0.01", "WEIGHT")
    assert part_of(load_python_study(write(text))).arguments == {"weight": 0.5}
    Path("beside.py").write_text("WEIGHT = 0.25\n#\n")
    assert part_of(load_python_study(write(text))).arguments == {"weight": 0.25}
    assert {
        name for name in set(sys.modules) - before if "beside" in name or "mine" in name
    } == set()
    assert sys.path == paths


def test_a_file_called_as_a_library_does_not_hide_it(write: WriteStudy) -> None:
    load_python_study(write(name="torch.py"))
    assert sys.modules["torch"].__name__ == "torch"


@pytest.mark.parametrize("where", ["study", "beside"])
def test_a_class_travels_whole(write: WriteStudy, where: str) -> None:
    """A process that knows nothing of its file, nor of what lies beside it, can make it."""
    Path("scale.py").write_text("def scaled(x):\n    return 2 * x\n")
    own = CLASS.replace("import rgm_bench\n", "import rgm_bench\nfrom scale import scaled\n")
    own = own.replace("return self.weight * (", "return scaled(self.weight) * (")
    text = own + STUDY
    if where == "beside":
        Path("priors.py").write_text(own)
        text = "import rgm_bench\nfrom priors import TotalVariation\n" + STUDY
    study = load_python_study(write(text))
    Path("parts").write_bytes(study.parts.pickled[f"TotalVariation {part_of(study).code}"])
    Path("elsewhere").mkdir()
    script = (
        "import pickle, torch\n"
        "prior = pickle.load(open('../parts', 'rb'))(weight=0.5)\n"
        "image = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])\n"
        "print(prior.penalty(image, image, None).item())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd="elsewhere", capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "6.0\n", done.stderr  # 2 * 0.5 * (1 + 3 + 0 + 2)


def test_two_classes_of_one_name_are_two(write: WriteStudy) -> None:
    Path("first.py").write_text(CLASS)
    Path("second.py").write_text(CLASS.replace(".abs()", ".square()"))
    text = (
        "import rgm_bench, first, second\n"
        "study = rgm_bench.extend('base.yaml', {'axes': {'arm': {'values': {\n"
        "    name: {'training': {'method': {'prior': rgm_bench.part(cls, weight=1)}}}\n"
        "    for name, cls in [(m.__name__, m.TotalVariation) for m in (first, second)]\n"
        "}}}})\n"
    )
    study = load_python_study(write(text))
    made = [
        study.parts.make(part_of(study, arm), Prior, field="method.prior")
        for arm in ("first", "second")
    ]
    image = torch.tensor([[[[0.0, 3.0]]]])
    level = torch.zeros(1, dtype=torch.int64)
    assert [prior.penalty(image, image, level).item() for prior in made] == [3.0, 9.0]


def test_what_lies_beside_a_study_stands_in_for_no_library(write: WriteStudy, tmp_path) -> None:
    """Not for one of Python's that the study imports, nor for one that a library imports."""
    for name in ("random", "unheard_of_library"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name}.py was run')")
    (tmp_path / "library.py").write_text("NUMBER = 3")
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed/unheard_of_library.py").write_text("NUMBER = 4")
    (tmp_path / "installed/library.py").write_text("NUMBER = 5")
    sys.path.append(str(tmp_path / "installed"))
    first = code(write, CLASS + STUDY)
    try:
        imports = "import importlib, random\nimport library\nrandom.random()\n"
        checks = "assert library.NUMBER == 3\n"
        checks += 'assert importlib.import_module("unheard_of_library").NUMBER == 4\n'
        assert code(write, CLASS + imports + checks + STUDY) != first
    finally:
        sys.path.remove(str(tmp_path / "installed"))
        sys.modules.pop("unheard_of_library", None)
