"""rgm-bench: train, measure and compare few-step generative models.

    import rgm_bench

    study = rgm_bench.Study.load("studies/lambda_sweep.yaml", profile="smoke")
    study.run()
    frame = rgm_bench.open_store("results").evaluations()

Importing this package imports nothing heavy. The parts (`rgm_bench.forward`, `rgm_bench.models`,
`rgm_bench.sampling` and the rest) are plain objects that can be used alone.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rgm_bench.api import OpenStore, Study, open_store

__all__ = ["OpenStore", "Study", "open_store"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from rgm_bench import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
