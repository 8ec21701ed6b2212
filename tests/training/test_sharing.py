"""A training that processes share by gloo is that of one process, but for the last bits."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rgm_bench.build.training import build_training
from rgm_bench.errors import StudyError
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.ranks import Ranks
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.draws import DrawSource
from tests.training.conftest import SpecOf
from tests.training.sharing import CPU, diverge, run_in, train_in_float64

pytestmark = pytest.mark.process

STEPS = 50
ROUNDED = 1e-5
"""Below it an error is compared with this: attention does not depend on the bias of its keys, whose
gradient is nothing but rounding.
"""


def read(path: Path) -> Checkpoint:
    checkpoint = Checkpoint.read(path, CPU)
    assert checkpoint is not None
    return checkpoint


def assert_close(found: Checkpoint, expected: Checkpoint, tolerance: float = 1e-9) -> None:
    """All tensors and losses, each within `tolerance` of the largest entry of its own."""
    assert found.tensors.keys() == expected.tensors.keys()
    for name, tensor in expected.tensors.items():
        error = (found.tensors[name] - tensor).abs().max().item()
        assert error <= tolerance * max(ROUNDED, tensor.abs().max().item()), name
    for name, column in expected.notes["curve"]["columns"].items():
        values = found.notes["curve"]["columns"][name]
        assert [value is None for value in values] == [value is None for value in column]
        pairs = [(a, b) for a, b in zip(values, column, strict=True) if b is not None]
        error = max(abs(a - b) for a, b in pairs)
        assert error <= tolerance * max(abs(b) for _, b in pairs), name


def train(folder: Path, spec: Any, processes: int, save: str, **about: Any) -> Checkpoint:
    about = {"spec": spec.model_dump(), "until": STEPS, "save": save} | about
    run_in(processes, train_in_float64, folder, about)
    return read(folder / save)


@pytest.mark.parametrize("numerics", [{}, {"accumulation": 2}])
def test_two_processes_train_what_one_does_and_resume_with_two_or_one(
    tiny_spec: SpecOf, tmp_path: Path, numerics: dict[str, Any]
) -> None:
    """Generator, average, discriminator, optimisers and losses, R1 included."""
    spec = tiny_spec(images=16 * STEPS, numerics=numerics)
    alone = train(tmp_path, spec, 1, "alone")
    assert any(value for value in alone.notes["curve"]["columns"]["r1"] if value is not None)
    assert any(t.dtype == torch.float64 for t in alone.tensors.values())
    both = train(tmp_path, spec, 2, "both")
    assert_close(both, alone)
    second = read(tmp_path / "both-1")
    assert all(torch.equal(second.tensors[name], t) for name, t in both.tensors.items())
    train(tmp_path, spec, 2, "half", until=20)
    resumed = train(tmp_path, spec, 2, "resumed", resume="half")
    assert all(torch.equal(resumed.tensors[name], t) for name, t in both.tensors.items())
    assert_close(train(tmp_path, spec, 1, "by-one", resume="half"), alone)


def test_all_processes_hear_that_one_diverged(tiny_spec: SpecOf, tmp_path: Path) -> None:
    run_in(2, diverge, tmp_path, {"spec": tiny_spec().model_dump()})
    texts = {(tmp_path / f"diverged-{rank}").read_text() for rank in range(2)}
    assert len(texts) == 1
    assert "is not finite after 16 images" in texts.pop()


@pytest.mark.parametrize("one_level", [False, True])
@pytest.mark.parametrize("processes", [2, 4])
def test_the_parts_of_a_batch_are_the_batch_in_whole_groups(
    processes: int, one_level: bool
) -> None:
    def source(ranks: Ranks) -> DrawSource:
        images = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 1, 1, 2)
        return DrawSource(
            images,
            device=CPU,
            batch_size=16,
            seed=3,
            horizontal_flip=True,
            num_levels=5,
            one_level_per_penalty=one_level,
            latent=LatentDistribution(size=3),
            ranks=ranks,
        )

    whole = source(Ranks()).at(1)
    parts = [source(Ranks(rank, processes)).at(1) for rank in range(processes)]
    groups = whole.x0.unflatten(0, (4, -1)).transpose(0, 1)
    found = torch.cat([part.x0.unflatten(0, (4, -1)).transpose(0, 1) for part in parts])
    assert torch.equal(found, groups)
    for half in ("prior", "generator"):
        for name in ("level", "noise", "noise_next", "latent", "noise_fake"):
            of_whole = getattr(getattr(whole, half), name).unflatten(0, (4, -1))
            of_parts = [getattr(getattr(p, half), name).unflatten(0, (4, -1)) for p in parts]
            assert torch.equal(torch.cat(of_parts, dim=1), of_whole)


@pytest.mark.parametrize(
    ("fields", "processes", "text"),
    [
        ({}, 3, "3 does not divide batch_size 16 into equal parts of whole groups"),
        ({"numerics": {"accumulation": 4}}, 2, "images x accumulation 4): use 1, or batch_size 32"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    tiny_spec: SpecOf, fields: dict[str, Any], processes: int, text: str
) -> None:
    with pytest.raises(StudyError) as refused:
        build_training(tiny_spec(**fields), CPU, ranks=Ranks(0, processes))
    assert str(refused.value).startswith("resources.processes: ")
    assert text in str(refused.value)
