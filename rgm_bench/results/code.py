"""Which code made a result: a digest that changes when a number could.

The digest is of syntax trees without docstrings and comments, of the weights of shipped feature
extractors, and of the versions of the libraries that compute. Words, layout and the rest of the
package do not count.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from rgm_bench.results.schema import UnitKind

PACKAGE = Path(__file__).parent.parent

TRAINING_PARTS = (
    "data",
    "models",
    "forward",
    "priors",
    "training",
    "batching.py",
    "build",
    "config/parts.py",
    "config/spec",
    "execution/device.py",
    "objectives.py",
    "optim.py",
    "ranks.py",
    "rng.py",
    "trial.py",
)
EVALUATION_PARTS = (*TRAINING_PARTS, "evaluation", "inverse", "metrics", "sampling")

TRAINING_LIBRARIES = ("torch", "pillow", "scikit-image", "scikit-learn")
EVALUATION_LIBRARIES = (
    *TRAINING_LIBRARIES,
    "deepinv",
    "diffusers",
    "numpy",
    "pot",
    "scipy",
    "torch-fidelity",
    "torchmetrics",
)

_OFFLINE = ("location.py", "train_extractor.py", "names.py")
"""Files of those folders that only find data, train extractors anew or name metrics."""


@cache
def code_digest(kind: UnitKind) -> str:
    """8 hexadecimal digits for the code and libraries that a unit of `kind` runs through."""
    parts = TRAINING_PARTS if kind == "training" else EVALUATION_PARTS
    libraries = TRAINING_LIBRARIES if kind == "training" else EVALUATION_LIBRARIES
    text = hashlib.sha256()
    for library in libraries:
        text.update(f"{library}=={version(library)}\n".encode())
    for path in _files(parts):
        text.update(str(path.relative_to(PACKAGE)).encode())
        text.update(meaning(path.read_text()) if path.suffix == ".py" else path.read_bytes())
    return text.hexdigest()[:8]


@cache  # most of what evaluations run through is what trainings do
def meaning(source: str) -> bytes:
    """The syntax tree of `source` as text, without docstrings, comments and positions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body:
            node.body = [line for line in body if not _is_text(line)]  # pyright: ignore[reportAttributeAccessIssue]
    return ast.dump(tree).encode()


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _files(parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts:
        path = PACKAGE / part
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.suffix in (".py", ".safetensors") and file.name not in _OFFLINE:
                yield file
