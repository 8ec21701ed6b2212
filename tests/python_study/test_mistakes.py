"""Every mistake in a study in Python is one line, and no file names code."""

import json
import sys
from pathlib import Path

import pytest

from rgm_bench.cli.app import main
from rgm_bench.config.load import load_study, study_schema
from rgm_bench.config.spec import PythonPartSpec
from rgm_bench.errors import StudyError
from rgm_bench.python_study import load_python_study
from tests.python_study.given import BASE, CLASS, FORWARD, WriteStudy

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
        'search, seeds, resources, tuned, claims, gate, report, profiles; did you mean "axes"?',
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
        "mine.py:5: Mine is no part of a study; make it a subclass of rgm_bench.priors.base.Prior, "
        "rgm_bench.forward.base.ForwardProcess, rgm_bench.forward.operators.LinearOperator or "
        "rgm_bench.sampling.base.Sampler",
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
    "former_name": (
        PRIOR + "class Mine(Prior):\n    one_level_per_batch = True\n"
        "    def penalty(self, fake, real, level):\n        return fake.mean()\n" + arm("Mine"),
        "mine.py:7: Mine sets one_level_per_batch, which nothing reads any more: set "
        "one_level_per_penalty, if all samples that `penalty` is given have to have one level; "
        "`improve` is given a level for each",
    ),
    "forward_for_a_prior": (
        FORWARD.replace('"forward": rgm', '"prior": rgm'),
        "mine.py: method.prior: Fading stands where a Prior belongs, and is no subclass of it",
    ),
    "prior_for_a_forward": (
        CLASS + arm("TotalVariation, weight=1").replace("'prior'", "'forward'"),
        "mine.py: method.forward: TotalVariation stands where a ForwardProcess belongs, and is no "
        "subclass of it",
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
    "processes": (
        CLASS.replace("additive = True", "additive = False")
        + arm("TotalVariation, weight=1").replace(
            "{'axes'", "{'resources': {'processes': 2}, 'axes'"
        ),
        "mine.py: resources.processes: 2 splits batches, and TotalVariation compares whole ones: "
        "use 1, or say `additive = True` in the class if the mean over parts is the same",
    ),
    "processes_that_learn": (
        CLASS.replace("additive = True", "additive = learns = True")
        + arm("TotalVariation, weight=1").replace(
            "{'axes'", "{'resources': {'processes': 2}, 'axes'"
        ),
        "mine.py: resources.processes: 2 processes do not share what TotalVariation learns, each "
        "from its part of a batch: use 1",
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
