"""Studies written in Python: a study file with changes that may hold classes of the user's own.

    import rgm_bench

    study = rgm_bench.extend(
        "ablation",
        {"axes": {"arm": {"values": {"mine": {"training": {"method": {
            "prior": rgm_bench.part(MyPrior, weight=0.1)}}}}}}},
    )

`rgm-bench run my_study.py` takes what the file calls `study`.
"""

from rgm_bench.python_study.part import Part, part
from rgm_bench.python_study.study import PythonStudy, extend, load_python_study, open_study

__all__ = ["Part", "PythonStudy", "extend", "load_python_study", "open_study", "part"]
