"""The HTML page in a real browser: narrow screens, sorting by keyboard and mouse, light and dark."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest
from test_leaderboard import ladder, transfer_records

from bench.report.content import pages
from bench.report.html import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

PROBE = """
<script>
addEventListener("load", () => {
  const table = document.querySelector("table.board");
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].dataset.v);
  const sorted = () => [...table.tHead.rows[0].cells].map((head) => head.getAttribute("aria-sort"));
  const button = (place) => table.tHead.rows[0].cells[place].querySelector("button");
  const said = { overflow: document.documentElement.scrollWidth - innerWidth, width: innerWidth, initial: names() };
  button(2).click(); said.once = names(); said.sort = sorted();
  button(2).click(); said.twice = names(); said.sortTwice = sorted();
  button(0).click(); said.byName = names();
  const paper = () => getComputedStyle(document.body).backgroundColor;
  said.before = paper(); document.getElementById("theme").click(); said.after = paper();
  said.loaded = performance.getEntriesByType("resource").length;
  parent.postMessage(JSON.stringify(said), "*");
});
</script>
"""


def ask(folder: Path, width: int) -> dict:
    """Open the page in a frame of the given width and return what the probe saw."""
    assert CHROMIUM is not None
    shown = pages([*ladder(), *transfer_records()[:-1]])[0]
    inner = page(shown).replace("</body>", f"{PROBE}</body>")
    outer = folder / "outer.html"
    outer.write_text(
        f'<body><iframe style="width:{width}px;height:800px;border:0" srcdoc="{escape(inner)}"></iframe>'
        '<script>addEventListener("message", (e) => {'
        ' const p = document.createElement("pre"); p.textContent = e.data; document.body.append(p); })</script>'
    )
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
         "--virtual-time-budget=5000", "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    answer = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert answer is not None, done.stderr[-2000:]
    return json.loads(unescape(answer[1]))


@pytest.mark.parametrize("width", [390, 1280])
def test_page(tmp_path: Path, width: int) -> None:
    said = ask(tmp_path, width)
    assert said["width"] == width
    assert said["overflow"] <= 0
    assert said["loaded"] == 0
    assert said["once"] == said["initial"]
    assert said["sort"][2] == "ascending"
    assert said["sort"].count(None) == len(said["sort"]) - 1
    assert said["twice"] != said["initial"]
    assert sorted(said["twice"]) == sorted(said["initial"])
    assert said["sortTwice"][2] == "descending"
    assert said["byName"] == sorted(said["initial"])
    assert said["before"] != said["after"]
