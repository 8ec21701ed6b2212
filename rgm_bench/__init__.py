"""rgm-bench: train, measure and compare few-step generative models.

    import rgm_bench

    study = rgm_bench.Study.load("studies/lambda_sweep.yaml", profile="smoke")
    study.run()
    frame = rgm_bench.open_store("results").evaluations()

A study file in Python may hold classes of your own: see `extend` and `part`.

Importing this package imports nothing heavy. The parts (`rgm_bench.forward`, `rgm_bench.models`,
`rgm_bench.sampling` and the rest) are plain objects that can be used alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rgm_bench.api import OpenStore, Study, open_store
    from rgm_bench.python_study import PythonStudy, extend, part

__all__ = ["OpenStore", "PythonStudy", "Study", "extend", "open_store", "part"]

_HOMES = {
    "OpenStore": "rgm_bench.api",
    "PythonStudy": "rgm_bench.python_study",
    "Study": "rgm_bench.api",
    "extend": "rgm_bench.python_study",
    "open_store": "rgm_bench.api",
    "part": "rgm_bench.python_study",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
