import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rgm_bench.data.decoded import decoded
from rgm_bench.errors import DataError

Pictures = Iterator[np.ndarray]


def _pictures(num: int = 5, size: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num, size, size, 3), dtype=np.uint8)


def _decode(pictures: Pictures, *made_from: str, num: int = 5) -> torch.Tensor:
    return decoded("cats-train", pictures, num=num, image_size=4, made_from=made_from)


def _files(root: Path) -> list[Path]:
    return sorted((root / "decoded").glob("*.npy"))


def test_the_pictures_come_back_channels_first(root: Path):
    pictures = _pictures()
    assert torch.equal(_decode(iter(pictures)), torch.from_numpy(pictures).permute(0, 3, 1, 2))


def test_they_are_decoded_once(root: Path):
    first = _decode(iter(_pictures()))
    nothing: Pictures = iter(())
    assert torch.equal(_decode(nothing), first)
    assert len(_files(root)) == 1


def test_other_sources_are_decoded_anew(root: Path):
    pictures = _pictures()
    first = _decode(iter(pictures), "a.png 10")
    second = _decode(iter(255 - pictures), "a.png 11")
    assert torch.equal(second, 255 - first)
    assert len(_files(root)) == 2


def test_what_is_written_to_the_tensor_stays_with_it(root: Path):
    first = _decode(iter(_pictures()))
    kept = first.clone()
    first.zero_()
    assert torch.equal(_decode(iter(())), kept)


def test_an_error_in_the_middle_leaves_no_file(root: Path):
    def broken() -> Pictures:
        yield from _pictures(2)
        raise DataError("the third is broken")

    with pytest.raises(DataError, match="the third is broken"):
        _decode(broken())
    assert not _files(root)
    assert not list((root / "decoded").glob("*.partial"))
    assert len(_decode(iter(_pictures()))) == 5


def test_a_number_that_was_not_announced_is_a_mistake_and_leaves_no_file(root: Path):
    for num in (4, 6):
        with pytest.raises(ValueError, match="announced"):
            _decode(iter(_pictures()), num=num)
    assert not _files(root)


def test_a_disk_too_small_is_said_before_any_work(root: Path):
    with pytest.raises(DataError, match=r"take 48000000000\.0 GB and the disk has") as caught:
        _decode(iter(()), num=10**18)
    assert "RGM_BENCH_DATA" in str(caught.value)
    assert not _files(root)


def test_a_root_that_is_a_file_is_said(root: Path):
    (root / "decoded").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        _decode(iter(_pictures()))


def test_a_damaged_file_is_refused_by_its_name(root: Path):
    _decode(iter(_pictures()))
    (path,) = _files(root)
    whole = path.read_bytes()
    for content in (b"", b"no array", whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="is damaged") as caught:
            _decode(iter(()))
        assert str(path) in str(caught.value)
    np.save(path, np.zeros((5, 3, 4, 4), np.float32))
    with pytest.raises(DataError, match="holds float32"):
        _decode(iter(()))


def test_a_line_is_logged_every_5000_pictures(root: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "rgm_bench"):
        _decode(iter(np.zeros((10_001, 4, 4, 3), np.uint8)), num=10_001)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("decoding 10,001 pictures once into ")
    assert lines[1:] == [f"decoded {done} of 10,001 pictures" for done in ("5,000", "10,000")]


def _decode_and_tell(answers: "multiprocessing.Queue[tuple[int, int]]") -> None:
    count = 0

    def counted() -> Pictures:
        nonlocal count
        for picture in _pictures(2000):
            count += 1
            yield picture

    tensor = decoded("cats", counted(), num=2000, image_size=4, made_from=())
    answers.put((count, int(tensor.long().sum())))


def test_of_several_processes_one_decodes(root: Path):
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[tuple[int, int]] = context.Queue()
    processes = [context.Process(target=_decode_and_tell, args=(answers,)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(count for count, _ in found) == [0, 0, 0, 2000]
    assert {total for _, total in found} == {int(_pictures(2000).astype(np.int64).sum())}
