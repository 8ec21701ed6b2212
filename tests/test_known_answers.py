"""Our path to an FID and torch-fidelity's own give one number, also where they are told apart."""

from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
import torch

from rgm_bench import known_answers
from rgm_bench.data import location
from rgm_bench.data.images import load_images
from rgm_bench.known_answers import (
    EXTRACTORS,
    TOLERANCE,
    FidAnswer,
    Skipped,
    fid_answer,
    fid_answers,
)
from rgm_bench.metrics.inception import INCEPTION_VARIABLE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def answer() -> FidAnswer:
    train, test = (load_images(kind="digits", split=split) for split in ("train", "test"))
    return fid_answer("digits", "digits_cnn_v1", train, test, CPU)


def test_real_digits_have_one_fid(answer: FidAnswer) -> None:
    assert answer.agrees
    assert answer.ours == pytest.approx(answer.theirs, rel=TOLERANCE)
    assert (answer.num_train, answer.num_other) == (1437, 360)


def test_other_images_have_another_fid(answer: FidAnswer) -> None:
    """So that the agreement says something: a tenth of the images missing shows in both."""
    train, test = (load_images(kind="digits", split=split) for split in ("train", "test"))
    fewer = fid_answer("digits", "digits_cnn_v1", train[:1293], test, CPU)
    assert fewer.agrees
    assert abs(fewer.ours - answer.ours) > 1e3 * TOLERANCE * answer.ours


def test_a_difference_beyond_rounding_is_none_of_agreement(answer: FidAnswer) -> None:
    assert replace(answer, ours=answer.theirs * (1 + TOLERANCE / 2)).agrees
    assert not replace(answer, ours=answer.theirs * (1 + 2 * TOLERANCE)).agrees
    assert not replace(answer, ours=nan).agrees


def test_what_is_not_there_is_skipped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(location.DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(location, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    monkeypatch.delenv(INCEPTION_VARIABLE, raising=False)
    answers = list(fid_answers(CPU))
    assert [answer.data for answer in answers] == list(EXTRACTORS)
    skipped = [answer.data for answer in answers if isinstance(answer, Skipped)]
    assert skipped == ["fashion_mnist", "cifar10", "celeba_hq_256", "lsun_church"]
    assert all(answer.agrees for answer in answers if isinstance(answer, FidAnswer))


def test_lsun_church_is_compared_with_the_training_images_that_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its test images are fewer than Inception's features."""
    asked: list[object] = []

    def images(*, kind: str, split: str, num: int) -> torch.Tensor:
        asked.append((kind, split))
        return torch.arange(num)

    monkeypatch.setattr(known_answers, "first_images", images)
    train, other = known_answers.both_sides("lsun_church", EXTRACTORS["lsun_church"])
    assert asked == [("lsun_church", "train")]
    most = known_answers.INCEPTION_IMAGES
    assert torch.equal(torch.cat([train, other]), torch.arange(2 * most))
    assert len(train) == len(other) == most
