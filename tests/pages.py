"""The commands of the manual's pages, carried out as they stand."""

import re
import runpy
import shlex
from pathlib import Path

from typer.testing import CliRunner

from bench.cli import app

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
