"""The commands of the manual's pages, carried out as they stand."""

import re
import runpy
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from bench.cli import app
from bench.data import collections
from bench.types import BUDGETS, Budget

DOCS = Path(__file__).parents[1] / "docs"


def read(name: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: their kinds and texts."""
    return re.findall(r"^```(\w+)\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), re.M | re.S)


def play(block: str) -> str:
    """Carry out a block's commands one after another; returns what they print."""
    printed = []
    for line in block.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "python":
            runpy.run_path(words[0])
        else:
            assert program == "bench", f"the page has a command that is not tested: {line}"
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
            printed.append(result.output)
    return "".join(printed)


@contextmanager
def small() -> Iterator[None]:
    """A small procedural-v1, a small budget and one thread while it lasts, so that a page takes seconds."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collections, "SERIES", 10)
        patch.setattr(collections, "PICTURES", 32)
        for name in ("smoke", "small"):
            patch.setitem(BUDGETS, name, Budget(name, images=32, width=0.25, batch_size=8))
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


def entered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder, which is now where commands are given."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("BENCH_HOME", raising=False)
    return folder
