"""The manual as a site: it builds without a warning, holds every page and the API, and loads nothing from elsewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"(?:https?:)?//[^\"]+")


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("mkdocs", "material", "mkdocstrings"))),
    reason="needs mkdocs-material and mkdocstrings-python: make docs",
)
def test_the_manual_is_a_site_that_needs_no_network(tmp_path: Path) -> None:
    site = tmp_path / "site"
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert name.replace("README", "index") in pages, f"{name} is not in the site; add it to nav in mkdocs.yml"
    for name, page in pages.items():
        assert not LOADED.findall(page), name
    for public in ("bench.records.Record", "bench.metrics.pixel", "bench.report.render", "bench.data.manifest.read"):
        assert f'id="{public}"' in pages["api.html"], f"{public} is not in the API reference"


def test_what_is_loaded_from_elsewhere_is_found() -> None:
    assert LOADED.findall('<script defer src="https://cdn.example/x.js">')
    assert LOADED.findall('<link rel="stylesheet" href="//fonts.example/css">')
    assert not LOADED.findall('<script src="assets/x.js"></script><a href="https://example.org">')
