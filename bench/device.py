"""Where things run: the machine facts, which are options and not science."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric

from bench.errors import BenchError, unknown

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16-mixed", "32-true")


@dataclass(frozen=True)
class Machine:
    """Where it runs. `precision` is written in the record, because it changes the weights; the rest is not science."""

    device: str = "auto"
    devices: int = 1
    precision: str = "auto"

    def __post_init__(self) -> None:
        # torchrun has started one process a device on every node: what it says is so, whatever the option said.
        if "TORCHELASTIC_RUN_ID" in os.environ:
            object.__setattr__(self, "devices", int(os.environ["LOCAL_WORLD_SIZE"]))

    @property
    def nodes(self) -> int:
        """How many machines take part: as torchrun was told, else this one."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return 1
        return int(os.environ["WORLD_SIZE"]) // int(os.environ["LOCAL_WORLD_SIZE"])

    @property
    def several(self) -> bool:
        """Whether processes share the work of one entry."""
        return self.devices * self.nodes > 1

    def check(self) -> None:
        """Refuse what is not here.

        Raises:
            BenchError: an unknown device or precision, or a CUDA device where there is none.
        """
        if self.device not in DEVICES:
            raise unknown("--device", self.device, list(DEVICES))
        if self.precision not in PRECISIONS:
            raise unknown("--precision", self.precision, list(PRECISIONS))
        if self.device == "cuda" and not torch.cuda.is_available():
            raise BenchError("device cuda was asked for, but torch finds none here; use --device cpu.")
        if self.resolved()[0] == "cuda" and self.devices > torch.cuda.device_count():
            raise BenchError(f"--devices {self.devices} were asked for; torch finds {torch.cuda.device_count()} here.")

    def resolved(self) -> tuple[str, str]:
        """Device and precision with `auto` replaced by what this machine has."""
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        precision = self.precision
        if precision == "auto":
            precision = "bf16-mixed" if _has_bf16(device) else "32-true"
        return device, precision

    def fabric(self) -> Fabric:
        """Lightning Fabric for this machine, its processes started and connected where there are several.

        The first of them is this one. Under torchrun all are there already; else Fabric starts the others with the same
        command, which then come to this place too.

        Raises:
            BenchError: as `check`.
        """
        self.check()
        device, precision = self.resolved()
        for name in ("lightning.fabric", "lightning.pytorch"):
            logging.getLogger(name).setLevel(logging.WARNING)  # the record says which precision was taken
        fabric = Fabric(
            accelerator=device,
            devices=self.devices,
            num_nodes=self.nodes,
            strategy="ddp" if self.several else "auto",
            precision=cast(Any, precision),
        )
        fabric.launch()
        return fabric


@dataclass
class Room:
    """What was found out of a device's memory.

    Attributes:
        images: of a step that fit at once, where its whole batch did not; 0 where it did.
    """

    images: int = 0


def _has_bf16(device: str) -> bool:
    """Whether bf16 multiplies natively: on a CPU without it autocast would only lose digits and time."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def device_name(device: torch.device) -> str:
    """The kind of machine, for the record: `NVIDIA H200` or `cpu (2 threads)`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)"
