"""Settings of the process that several threads need at once."""

import threading

import pytest
import torch

from bench.errors import BenchError
from bench.precision import exact, precise


def settings() -> tuple[bool, bool, bool, str]:
    flags = torch.backends.cudnn
    return flags.allow_tf32, flags.deterministic, flags.benchmark, torch.get_float32_matmul_precision()


def test_no_thread_loses_them_while_another_one_ends() -> None:
    """One begins first, a second begins, the first ends: the second must keep what it began with."""
    before = settings()
    begun, ended = threading.Event(), threading.Event()
    seen = []

    def second() -> None:
        assert begun.wait(10)
        with exact():
            inside.set()
            assert ended.wait(10)
            seen.append(settings())

    inside = threading.Event()
    thread = threading.Thread(target=second)
    thread.start()
    with exact():
        begun.set()
        assert inside.wait(10)
    ended.set()
    thread.join()
    assert seen == [(False, True, False, "highest")]
    assert settings() == before


def test_they_are_set_back_after_an_error_too() -> None:
    before = settings()
    with pytest.raises(BenchError, match="mode: True"), precise(torch.device("cpu")), exact():
        refuse()
    assert settings() == before
    assert not torch.is_inference_mode_enabled()


def refuse() -> None:
    raise BenchError(f"inference mode: {torch.is_inference_mode_enabled()}")
