import os
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch_fidelity import feature_extractor_inceptionv3 as theirs

from rgm_bench.errors import DataError, MissingDataError
from rgm_bench.metrics import inception
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.metrics.fidelity import Extractor


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch hub, no variable, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv(inception.INCEPTION_VARIABLE, raising=False)

    def unreachable(*_args: object, **_options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    return tmp_path / "hub/checkpoints"


class _Command:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def _publish(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(inception, "SHA256_PREFIX", file_sha256(path)[:8])


def test_the_address_is_torch_fidelitys_and_its_name_holds_the_hash():
    assert inception._url() == theirs.URL_INCEPTION_V3
    assert Path(theirs.URL_INCEPTION_V3).stem.split("-")[-1] == inception.SHA256_PREFIX


def test_without_file_or_network_the_error_says_what_to_do(hub: Path):
    with pytest.raises(MissingDataError) as caught:
        Extractor("inception_v3_compat")
    text = str(caught.value)
    for part in ("no network", str(hub), theirs.URL_INCEPTION_V3, "export RGM_BENCH_INCEPTION="):
        assert part in text


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_path_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
):
    chosen = tmp_path / "weights.pth"
    if by_variable:
        monkeypatch.setenv(inception.INCEPTION_VARIABLE, str(chosen))
    with pytest.raises(MissingDataError, match=r"not at .*weights\.pth: no such file"):
        inception.inception_weights(None if by_variable else chosen)


def test_another_file_is_refused_before_anything_opens_it(tmp_path: Path):
    path, made = tmp_path / inception.FILE_NAME, tmp_path / "made"
    torch.save(_Command(made), path)
    with pytest.raises(DataError, match=r"expected 6726825d\. It was not opened"):
        Extractor("inception_v3_compat", inception=path)
    assert not made.exists()


def test_a_file_with_more_than_tensors_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, made = tmp_path / "weights.pth", tmp_path / "made"
    torch.save(_Command(made), path)
    _publish(monkeypatch, path)
    with pytest.raises(DataError, match="does not hold tensors only"):
        inception.inception_weights(path)
    assert not made.exists()


def test_the_cache_of_torch_hub_is_used(hub: Path, monkeypatch: pytest.MonkeyPatch):
    hub.mkdir(parents=True)
    torch.save({"weight": torch.zeros(1)}, hub / inception.FILE_NAME)
    _publish(monkeypatch, hub / inception.FILE_NAME)
    assert inception.inception_weights() == hub / inception.FILE_NAME


def test_the_network_gives_2048_features_and_1008_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With random weights in the published file's place."""
    path = tmp_path / "weights.pth"
    torch.save({}, path)
    with monkeypatch.context() as without_weights:
        cls = theirs.FeatureExtractorInceptionV3
        without_weights.setattr(cls, "load_state_dict", lambda *_args: None)
        torch.save(cls("inception-v3-compat", ["2048"], str(path)).state_dict(), path)
    _publish(monkeypatch, path)
    monkeypatch.setattr("rgm_bench.metrics.fidelity.BLOCK", 2)
    images = torch.arange(3 * 32 * 32, dtype=torch.int64).reshape(3, 1, 32, 32).to(torch.uint8)
    seen = Extractor("inception_v3_compat", inception=path).features([images])
    assert (seen.fid.shape, seen.logits.shape) == ((3, 2048), (3, 1008))
    assert torch.isfinite(seen.fid).all()
