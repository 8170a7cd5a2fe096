"""`make bench` writes what its tests measured to a page: `--speed-report reports/speed.md`."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--speed-report", type=Path, help="write the figures of the speed tests here, as Markdown")


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--speed-report")
    found = getattr(session.config, "_benchmarksession", None)
    if path is None or found is None or not found.benchmarks:
        return
    rows = [["Measured", "Figures"]]
    for one in sorted(found.benchmarks, key=lambda one: one.fullname):
        what = f"{one.fullname.removeprefix('tests/speed/test_').replace('_speed.py::test_', ': ').replace('_', ' ')}"
        figures = dict(one.extra_info) or {"median, s": float(f"{one.stats.median:.3g}")}
        if set(figures) == {"images"}:  # one side of a ratio, which has a row of its own
            continue
        rows.append([what, "; ".join(f"{name.replace('_', ' ')}: {_said(value)}" for name, value in figures.items())])
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "torch", "opencv-python-headless"))
    head = [
        "# Speed",
        "",
        "Made by `make bench`. Ratios are taken between alternating runs in one process; times alone depend on the",
        f"machine and on what else it did (load {os.getloadavg()[0]:.1f} at the end).",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, {versions}.",
        "",
    ]
    table = [f"| {what} | {figures} |" for what, figures in rows]
    table.insert(1, "|---|---|")
    path.write_text("\n".join([*head, *table]) + "\n", encoding="utf-8")


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_said(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
