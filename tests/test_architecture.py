"""The layout's rules: who may import whom, which modules stay free of torch, how long a file may get."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each module may import those of a lower number. Two chains meet where an evaluation becomes a record.
RANK = {
    "errors": 0,
    "compiled": 1,
    "cores": 1,
    "precision": 1,
    "files": 1,
    "launched": 1,
    "types": 2,
    "color": 3,
    "weights": 3,
    "records": 3,
    "statistics": 4,
    "conditions": 4,
    "guidance": 4,
    "data": 5,
    "metrics": 6,
    "features": 7,
    "floor": 7,
    "comparison": 5,
    "slices": 6,
    "scores": 7,
    "scoring": 10,
    "predictions": 7,
    "shelf": 6,
    "job": 7,
    "exported": 10,
    "submission": 11,
    "parallel": 6,
    "device": 7,
    "checkpoint": 8,
    "batches": 8,
    "colorize": 9,
    "footprint": 9,
    "step": 8,
    "train": 10,
    "evaluate": 11,
    "papers": 3,
    "parts": 3,
    "leaderboard": 12,
    "claims": 12,
    "compare": 13,
    "analysis": 12.5,
    "recommend": 13,
    "gallery": 12.5,
    "report": 13,
    "progress": 14,
    "grid": 14,
    "playing": 15,
    "literature": 11,
    "cluster": 14,
    "crew": 15.5,
    "doctor": 15,
    "demo": 16,
    "study": 16,
    "cli": 17,
    "__main__": 18,
}
WITHOUT_TORCH = (
    "errors",
    "files",
    "types",
    "records",
    "statistics",
    "leaderboard",
    "analysis",
    "recommend",
    "claims",
    "papers",
    "parts",
    "report",
    "cli",
    "data",
    "metrics",
    "gallery",
)
BANNED = ("util", "utils", "helper", "helpers", "misc", "base", "common")


def modules() -> list[Path]:
    return sorted((ROOT / "bench").rglob("*.py"))


def topic(path: Path) -> str:
    return path.relative_to(ROOT / "bench").parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_a_place_in_the_chain() -> None:
    assert {topic(path) for path in modules()} - {"__init__"} == set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_the_chain(path: Path) -> None:
    here = topic(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "baselines":
            assert here == "cli", f"{path.name} imports {name}; only the command line may"
        if parts[0] == "bench" and len(parts) > 1 and parts[1] in RANK and parts[1] != here:
            assert RANK[parts[1]] < RANK[here], f"{here} (rank {RANK[here]}) must not import {name}"


def test_baselines_import_the_vocabulary_only() -> None:
    for path in (ROOT / "baselines").glob("*.py"):
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "bench" and len(parts) > 1:
                assert parts[1] in ("errors", "types", "color", "weights", "floor"), f"{path.name} imports {name}"


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_runs_without_torch(name: str) -> None:
    code = (
        "import sys, importlib, pkgutil\n"
        "sys.modules['torch'] = None\n"
        f"module = importlib.import_module('bench.{name}')\n"
        "for found in pkgutil.walk_packages(getattr(module, '__path__', []), module.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_help_needs_no_heavy_import() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom bench.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'numba', 'pandas', 'skimage', 'cv2', 'lightning', 'scipy', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_files_are_named_for_what_they_hold_and_stay_short() -> None:
    for path in [*modules(), *(ROOT / "baselines").glob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        assert path.stem not in BANNED, path
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, f"{path} is too long: split it"
