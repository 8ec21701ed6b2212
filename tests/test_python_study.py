"""Studies in Python: parts of the user's own are trained, resumed and judged like any other."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import rgm_bench
from rgm_bench.cli.app import main
from rgm_bench.config.load import load_study, study_schema
from rgm_bench.config.spec import PythonPartSpec, TrainingSource, TrainingSpec
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StudyError
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.measure import measure_training
from rgm_bench.plan import make_plan
from rgm_bench.python_study import load_python_study
from rgm_bench.results.store import Store, View

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLE = DOCS / "examples" / "total_variation.py"
CLASS = EXAMPLE.read_text().split("\n# The shipped study")[0]
"""The example's own prior, without its study."""

BASE = """\
grammar: 1
name: base
title: A study
base:
  training:
    preset: rgm_digits
    method: {prior: {kind: none}}
    generator: {base_channels: 8, channel_multipliers: [1]}
    images: 4800
    batch_size: 16
    ema: {decay: 0.9}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 64
      reference: {extractor: digits_cnn_v1}
axes:
  arm: {values: {alone: {}}}
seeds: [0, 1]
report:
  - {kind: table, rows: arm, columns: [fid]}
profiles: {smoke: {seeds: [0]}, laptop: {}}
"""

STUDY = """
study = rgm_bench.extend(
    "base.yaml",
    {
        "axes": {"arm": {"values": {"tv": {"training": {"method": {
            "prior": rgm_bench.part(TotalVariation, weight=0.01)}}}}}},
        "claims": {"it": {"kind": "better", "metric": "fid",
            "this": {"arm": "tv"}, "than": {"arm": "alone"}}},
    },
)
"""

BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "own-parts.md").read_text(), re.DOTALL)
FADING, TEST_FADING = BLOCKS
FORWARD = FADING.replace('"ablation"', '"base.yaml"')

WriteStudy = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteStudy:
    """Writes `mine.py` beside the study that it extends, into the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)

    def write_file(text: str = CLASS + STUDY, name: str = "mine.py") -> Path:
        Path(name).write_text(text)
        return Path(name)

    return write_file


def trainings(study: StudySpec) -> dict[str, TrainingSpec]:
    """One of each arm."""
    sources = {trial.labels["arm"]: trial.spec.source for trial in study.trials if trial.labels}
    return {str(a): s.training for a, s in sources.items() if isinstance(s, TrainingSource)}


def part_of(study: StudySpec, arm: str = "tv") -> PythonPartSpec:
    prior = trainings(study)[arm].method.prior
    assert isinstance(prior, PythonPartSpec)
    return prior


# --- what a study in Python says --------------------------------------------------------------


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


# --- what is in the id ------------------------------------------------------------------------


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
    made = [study.parts.make(part_of(study, arm)) for arm in ("first", "second")]
    image = torch.tensor([[[[0.0, 3.0]]]])
    level = torch.zeros(1, dtype=torch.int64)
    assert [prior.penalty(image, image, level).item() for prior in made] == [3.0, 9.0]


# --- mistakes ---------------------------------------------------------------------------------

PRIOR = "import rgm_bench\nfrom rgm_bench.priors.base import Prior\n"
ARM = "study = rgm_bench.extend('base.yaml', {'axes': {'arm': {'values': {'mine': {'training': "
ARM += "{'method': {'prior': rgm_bench.part(PART)}}}}}}})\n"


def arm(part: str) -> str:
    return ARM.replace("PART", part)


WRONG: dict[str, tuple[str, str]] = {
    "syntax": (
        "import rgm_bench\nstudy = rgm_bench.extend(\n",
        "mine.py:2:25: broken Python: '(' was never closed",
    ),
    "no_study": (
        "import rgm_bench\n",
        'mine.py: found nothing under the name study; expected study = rgm_bench.extend("<study>", '
        "{...})",
    ),
    "another_study": (
        "study = {'axes': {}}\n",
        "mine.py: found {'axes': {}} under the name study; expected study = "
        'rgm_bench.extend("<study>", {...})',
    ),
    "import": (
        "import no_such_module\n",
        "mine.py:1: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "broken_neighbour": (
        "import broken\n",
        "mine.py:1: SyntaxError: ",
    ),
    "no_text": ("study = '\0'\n", "mine.py"),
    "no_file": (
        CLASS + "TotalVariation.__module__ = 'nowhere'\n" + arm("TotalVariation, weight=1"),
        "mine.py: TotalVariation has no source file; define it in one",
    ),
    "own_error": (
        "def f():\n    raise ValueError('first\\nsecond')\n\n\nf()\n",
        "mine.py:2: ValueError: first",
    ),
    "error_in_a_library": ("import json\n\njson.loads('{')\n", "mine.py:3: JSONDecodeError: "),
    "exit": ("import sys\nsys.exit(3)\n", "mine.py:2: SystemExit: 3"),
    "study_that_is_not_shipped": (
        "import rgm_bench\nstudy = rgm_bench.extend('ablaton', {})\n",
        'mine.py: no shipped study is called "ablaton"; there are: ',
    ),
    "file_that_is_not_there": (
        "import rgm_bench\nstudy = rgm_bench.extend('bse.yaml', {})\n",
        'bse.yaml: no such file; YAML files in .: base.yaml; did you mean "base.yaml"?',
    ),
    "changes": (
        "import rgm_bench\nstudy = rgm_bench.extend('base.yaml', {'axs': {}})\n",
        "mine.py: axs: unknown key; allowed here: grammar, name, title, reproduces, base, axes, "
        'seeds, resources, claims, report, profiles; did you mean "axes"?',
    ),
    "another_name": (
        "import rgm_bench\nstudy = rgm_bench.extend('base.yaml', {'name': 'other'})\n",
        'mine.py: name: found the text "other"; expected the name of the file, "mine"',
    ),
    "odd_value": (
        "import rgm_bench\nstudy = rgm_bench.extend('base.yaml', {'seeds': {1, 2}})\n",
        "mine.py: found {1, 2}; expected numbers, texts, truth values, lists and maps of them, or "
        "rgm_bench.part(...)",
    ),
    "in_a_function": (
        PRIOR + "def f():\n    class Mine(Prior):\n        def penalty(self, fake, real, level):\n"
        "            return fake.mean()\n    return Mine\n" + arm("f()"),
        "mine.py:8: Mine is defined inside f; move it to the top of its file",
    ),
    "in_a_class": (
        PRIOR
        + "class Outer:\n    class Mine(Prior):\n        def penalty(self, fake, real, level):\n"
        "            return fake.mean()\n" + arm("Outer.Mine"),
        "mine.py:7: Mine is defined inside Outer; move it to the top of its file",
    ),
    "base_class": (
        PRIOR + "class Mine:\n    pass\n" + arm("Mine"),
        "mine.py:5: Mine is neither a prior nor a forward process; make it a subclass of "
        "rgm_bench.priors.base.Prior or of rgm_bench.forward.base.ForwardProcess",
    ),
    "no_class": (
        PRIOR + arm("3"),
        "mine.py:3: found 3; part takes a class, and its arguments by name: part(MyPrior, "
        "weight=0.1)",
    ),
    "abstract": (
        PRIOR + "class Mine(Prior):\n    pass\n" + arm("Mine"),
        "mine.py:5: Mine() cannot be made: TypeError: Can't instantiate abstract class Mine with"
        " abstract method penalty",
    ),
    "missing_argument": (
        CLASS + arm("TotalVariation"),
        "mine.py:PART: TotalVariation() cannot be made: TypeError: TotalVariation.__init__() "
        "missing 1 required keyword-only argument: 'weight'",
    ),
    "unknown_argument": (
        CLASS + arm("TotalVariation, wieght=1"),
        "mine.py:PART: TotalVariation(wieght=1) cannot be made: TypeError: "
        "TotalVariation.__init__() got an unexpected keyword argument 'wieght'",
    ),
    "argument_it_refuses": (
        PRIOR + "class Mine(Prior):\n    def __init__(self, rate):\n"
        "        raise ValueError('too much')\n"
        "    def penalty(self, fake, real, level):\n        return fake.mean()\n"
        + arm("Mine, rate=3"),
        "mine.py:8: Mine(rate=3) cannot be made: ValueError: too much",
    ),
    "argument_that_is_no_value": (
        CLASS + arm("TotalVariation, weight=Prior"),
        "mine.py:PART: TotalVariation: weight is <class 'rgm_bench.priors.base.Prior'>; arguments "
        "are finite numbers, texts, truth values, lists and maps of them",
    ),
    "argument_that_is_not_finite": (
        CLASS + arm("TotalVariation, weight=float('inf')"),
        "mine.py:PART: TotalVariation: weight is inf; arguments are finite numbers, texts, truth "
        "values, lists and maps of them",
    ),
    "part_within_a_part": (
        CLASS + arm("TotalVariation, weight=rgm_bench.part(TotalVariation, weight=1)"),
        "mine.py:PART: TotalVariation: weight is Part(cls=<class '_study_mine.TotalVariation'>, "
        "arguments={'w...; arguments are finite numbers, texts, truth values, lists and maps of "
        "them",
    ),
    "learns_in_vain": (
        PRIOR + "class Mine(Prior):\n    def improve(self, real, fake, level, *, step, decay):\n"
        "        return {}\n    def penalty(self, fake, real, level):\n"
        "        return fake.mean()\n" + arm("Mine"),
        "mine.py:8: Mine has a method improve, which nothing calls without `learns = True` in the "
        "class",
    ),
    "forward_for_a_prior": (
        FORWARD.replace('"forward": rgm', '"prior": rgm'),
        "mine.py: method.prior: Fading is no prior: make it a subclass of Prior",
    ),
    "prior_for_a_forward": (
        CLASS + arm("TotalVariation, weight=1").replace("'prior'", "'forward'"),
        "mine.py: method.forward: TotalVariation is no forward process: make it a subclass of "
        "ForwardProcess",
    ),
    "elsewhere": (
        CLASS
        + arm("TotalVariation, weight=1")
        .replace("{'method': {'prior': ", "{'generator': ")
        .replace(")}}}}}}})", ")}}}}}})"),
        'mine.py: training.generator.kind: found the text "python"; allowed: ncsnpp, mlp',
    ),
    "levels": (
        FORWARD.replace("self.num_levels = len(shares)", "pass"),
        "mine.py:PART: Fading: num_levels is None; set it to a whole number from 1 to 1000 in the "
        "constructor",
    ),
    "accumulation": (
        CLASS.replace("additive = True", "additive = False")
        + arm("TotalVariation, weight=1").replace(
            "{'axes'", "{'base': {'training': {'numerics': {'accumulation': 2}}}, 'axes'"
        ),
        "mine.py: numerics.accumulation: 2 splits batches, and TotalVariation compares whole ones: "
        "use 1, or say `additive = True` in the class if the mean over parts is the same",
    ),
    "hand_made": (
        "import rgm_bench\n"
        + arm("").replace(
            "rgm_bench.part()", "{'kind': 'python', 'name': 'Mine', 'code': '00000000'}"
        ),
        "mine.py: the class Mine did not come with this study; run the Python file that defines it",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_line_and_no_traceback(
    write: WriteStudy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    text, expected = WRONG[case]
    path = write(text)
    Path("broken.py").write_text("def f(:\n")
    monkeypatch.setattr(sys, "argv", ["rgm-bench", "plan", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    lines = text.splitlines()
    where = max((n for n, line in enumerate(lines, 1) if "rgm_bench.part(" in line), default=0)
    assert err.startswith(f"error: {expected.replace('PART', str(where))}")


def test_a_file_that_is_not_there(write: WriteStudy) -> None:
    with pytest.raises(StudyError, match=r"^no\.py: no such file$"):
        load_python_study(Path("no.py"))


@pytest.mark.parametrize("part", ["prior", "forward"])
def test_yaml_names_no_code(write: WriteStudy, tmp_path: Path, part: str) -> None:
    write()
    named = f"{part}: {{kind: python, name: TotalVariation, code: '00000000'}}"
    text = BASE.replace("prior: {kind: none}", named)
    (tmp_path / "base.yaml").write_text(text)
    with pytest.raises(StudyError) as raised:
        load_study(Path("base.yaml"))
    assert str(raised.value).endswith(
        "kind: python is for studies written in Python, with rgm_bench.part: a file names no code"
    )


def test_no_override_names_code(write: WriteStudy) -> None:
    path = write()
    part = "{kind: python, name: TotalVariation, code: '00000000'}"
    for study, load in ((path, load_python_study), (Path("base.yaml"), load_study)):
        with pytest.raises(StudyError, match="a file names no code"):
            load(study, overrides=[f"training.method.prior={part}"])


def test_editors_are_not_offered_it() -> None:
    schema = json.dumps(study_schema())
    assert '"kld"' in schema
    assert '"python"' not in schema
    assert PythonPartSpec.__name__ not in schema


def test_what_a_python_study_extends_names_no_code_either(
    write: WriteStudy, tmp_path: Path
) -> None:
    path = write()
    kind = "prior: {kind: python, name: TotalVariation, code: '00000000'}"
    (tmp_path / "base.yaml").write_text(BASE.replace("prior: {kind: none}", kind))
    with pytest.raises(StudyError, match="a file names no code"):
        load_python_study(path)


# --- on Ray, killed in the middle -------------------------------------------------------------


def metrics(store: Path) -> dict[str, dict[str, float]]:
    found = sorted(store.glob("evaluations/*/*/result.json"))
    return {path.parent.parent.name: json.loads(path.read_text())["metrics"] for path in found}


def finished(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("*/*/*/result.json")}


def command(store: str, *options: str) -> list[str]:
    words = ("rgm_bench", "run", "mine.py", "--profile", "smoke", "--store", store, *options)
    return [sys.executable, "-m", *words]


@pytest.fixture
def killed(write: WriteStudy) -> Path:
    """A store whose driver was killed while Ray workers trained the user's own arm."""
    study = load_python_study(write(), profile="smoke")
    (ours,) = {t.training_id for t in study.trials if t.labels.get("arm") == "tv"}
    process = subprocess.Popen(
        command("store", "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list(Path("store").glob(f"trainings/{ours}/*/checkpoint.safetensors")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not list(Path("store").glob(f"trainings/{ours}/*/result.json"))
    return Path("store")


@pytest.mark.slow
def test_it_trains_on_ray_and_survives_a_kill(killed: Path) -> None:
    before = finished(killed)
    done = subprocess.run(
        command("store", "--workers", "2"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    after = finished(killed)
    assert {path: after[path] for path in before} == before
    assert len(after) == 6  # 2 trainings, an evaluation each, 2 of real images

    undisturbed = subprocess.run(
        command("undisturbed", "--executor", "local"), capture_output=True, text=True, timeout=300
    )
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert metrics(killed) == metrics(Path("undisturbed"))

    assert any(line.startswith("| tv ") for line in done.stdout.splitlines())
    report = killed / "studies" / "mine" / "smoke"
    (claim,) = json.loads((report / "claims.json").read_text())["claims"]
    assert claim["verdict"]["num_seeds"] == [["tv", 1], ["alone", 1]]
    assert claim["verdict"]["effect"] > 0
    assert "FID: tv is better than alone" in done.stdout
