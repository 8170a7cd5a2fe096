"""Single precision that stays single, on every device and in every thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_LOCK = Lock()
_inside = 0
_settings = ExitStack()


@contextmanager
def exact() -> Iterator[None]:
    """No TF32, and the same kernels in every run.

    These are settings of the process. They are made where the first thread enters and set back where the last one
    leaves, so that no thread loses them while another one ends.
    """
    import torch

    global _inside
    with _LOCK:
        if not _inside:
            _settings.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
            _settings.enter_context(
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
            )
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                _settings.close()


@contextmanager
def precise(device: torch.device) -> Iterator[None]:
    """Inference in true single precision: `exact`, and no autocast."""
    import torch

    with exact(), torch.inference_mode(), torch.autocast(device.type, enabled=False):
        yield
