from argparse import Namespace
from pathlib import Path

import pytest
import torch

from rgm_bench.errors import DataError
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.official import load_into, read_state


def small() -> Discriminator:
    return Discriminator(size="small", image_channels=1, base_channels=2, time_embedding=4)


class Planted:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


def test_more_than_tensors_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"ema": Planted()}, tmp_path / "bad.pth")
    with pytest.raises(DataError, match="not a checkpoint of tensors only: it would run exec") as e:
        read_state(tmp_path / "bad.pth", "ema")
    # torch's own message advises to open such a file unrestricted
    assert "weights_only" not in str(e.value)


def test_missing_file_and_missing_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such checkpoint"):
        read_state(tmp_path / "none.pth", "ema")
    torch.save({"other": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(DataError, match="holds no ema; found: other"):
        read_state(tmp_path / "other.pth", "ema")


def test_another_size_is_refused_with_the_first_difference() -> None:
    state = small().state_dict()
    state["end_linear.weight"] = torch.zeros(1, 5)
    with pytest.raises(DataError, match=r"end_linear.weight: found \(1, 5\), expected \(1, 16\)"):
        load_into(small(), state)
    del state["end_linear.weight"]
    with pytest.raises(DataError, match="found nothing"):
        load_into(small(), state)


def test_filter_taps_beside_parameters_are_left_out() -> None:
    network = small()
    state = {**network.state_dict(), "conv2.fir_kernel": torch.ones(4)}
    load_into(small(), state)


def whole_training(network: Discriminator, averages: dict[str, torch.Tensor]) -> dict[str, object]:
    """A checkpoint as the published loop saves it to go on from, averages in the optimizer."""
    moved = [name for name, _ in network.named_parameters() if name in averages]
    order = [name for name, _ in network.named_parameters()]
    return {
        "epoch": 3,
        "args": Namespace(num_timesteps=4, ch_mult=[1, 2], attn_resolutions=(16,)),
        "netG_dict": {f"module.{name}": value for name, value in network.state_dict().items()},
        "optimizerG": {
            "state": {order.index(name): {"ema": averages[name]} for name in moved},
            "param_groups": [{"lr": 1e-4, "params": list(range(len(order)))}],
        },
    }


def test_the_average_of_a_whole_training_is_that_of_its_optimizer(tmp_path: Path) -> None:
    network = small()
    network.register_buffer("fir_kernel", torch.ones(4))
    averages = {
        name: torch.full_like(p, k) for k, (name, p) in enumerate(network.named_parameters())
    }
    never_moved = averages.popitem()[0]
    torch.save(whole_training(network, averages), tmp_path / "content.pth")
    averaged = read_state(tmp_path / "content.pth", "ema")
    assert torch.equal(averaged.pop(never_moved), network.state_dict()[never_moved])
    assert averaged.keys() == averages.keys()
    assert all(torch.equal(averaged[name], average) for name, average in averages.items())
    raw = read_state(tmp_path / "content.pth", "generator")
    assert all(torch.equal(raw[name], value) for name, value in network.state_dict().items())


def test_a_training_without_an_average_gives_the_generator_as_it_was(tmp_path: Path) -> None:
    content = whole_training(small(), {})
    torch.save(content, tmp_path / "content.pth")
    averaged = read_state(tmp_path / "content.pth", "ema")
    raw = read_state(tmp_path / "content.pth", "generator")
    assert averaged.keys() == raw.keys()
    assert all(torch.equal(averaged[name], raw[name]) for name in raw)


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_what_is_no_checkpoint_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "no.pth").write_bytes(content)
    with pytest.raises(DataError, match=r"no\.pth is not a checkpoint.*another format, or cut off"):
        read_state(tmp_path / "no.pth", "ema")
