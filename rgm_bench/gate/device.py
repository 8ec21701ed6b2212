"""Kinds of device: on one of them equal specs give equal bits."""

from collections.abc import Iterator, Mapping
from typing import Any

from rgm_bench.config.spec import Spec

DEVICE = "device."
"""How the differences of devices begin."""

_VENDORS = ("AMD", "Intel", "Apple", "ARM", "NVIDIA")


class DeviceKind(Spec):
    """All of a device that decides last bits.

    Args:
        device: `cpu` or `cuda`.
        instructions: the instruction set that torch uses on a CPU.
        vendor: of the processor; of a GPU its whole name.
        threads: of a unit.
        torch: the build of torch.
    """

    device: str
    instructions: str
    vendor: str
    threads: int
    torch: str

    def differences(self, current: "DeviceKind") -> Iterator[str]:
        """What is another in `current`, in words: `vendor: Intel -> AMD`."""
        for name, value in self:
            now = getattr(current, name)
            if now != value:
                yield f"{DEVICE}{name}: {value} -> {now}"


def kind_of(provenance: Mapping[str, Any]) -> DeviceKind:
    """The kind of device that a result was made on."""
    name = str(provenance["device_name"])
    on_gpu = provenance["device"] == "cuda"
    return DeviceKind(
        device=provenance["device"],
        instructions="" if on_gpu else str(provenance["cpu_capability"]),
        vendor=name if on_gpu else _vendor(name),
        threads=provenance["threads"],
        torch=str(provenance.get("torch_build", provenance["versions"]["torch"])),
    )


def _vendor(processor: str) -> str:
    """Who made a processor: models of one vendor differ by what torch uses of them."""
    known = (vendor for vendor in _VENDORS if vendor.lower() in processor.lower())
    return next(known, processor)


def this_kind(device: str) -> DeviceKind:
    """The kind of device of this process.

    Args:
        device: `cpu` or `cuda`.
    """
    from rgm_bench.results.provenance import provenance

    return kind_of(provenance(device))
