"""A real browser for the pages: `visit` opens one and, when the test ends, wants no console error and no request."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import axe_core_python
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))  # the sample records of the tests beside this folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
PHONE, WIDE = 390, 1280


@dataclass
class Visit:
    """One page in the browser.

    Attributes:
        page: Playwright's page.
        errors: what went to the console as a warning or an error, and what was thrown.
        requests: every address that was asked for besides the page itself.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window; 0 or less is right."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    def axe(self, within: str = "html") -> list[str]:
        """One line for each violation of axe's rules in a part of the page: the rule, what it wants, and where."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "(part) => axe.run(part).then((said) => said.violations)", within
        )
        return [
            f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes'][:4]]} ({len(rule['nodes'])})"
            for rule in found
        ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one file of tests; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """`visit(html, width=1280, scheme="light", fragment="", touch=False) -> Visit`.

    `html` is the text of a page, or the path of its file. Each call is a fresh profile with its own storage. After the
    test, every page must have logged nothing, thrown nothing and asked for nothing.
    """
    opened: list[Visit] = []
    contexts = []

    def go(
        html: str | Path,
        width: int = WIDE,
        scheme: Literal["light", "dark"] = "light",
        fragment: str = "",
        touch: bool = False,
    ) -> Visit:
        path = html if isinstance(html, Path) else tmp_path / f"page-{len(opened)}.html"
        if isinstance(html, str):
            path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width <= PHONE else 900},
            color_scheme=scheme,
            has_touch=touch,
            reduced_motion="reduce",
        )
        contexts.append(context)
        address = path.resolve().as_uri()
        made = Visit(context.new_page())
        made.page.set_default_timeout(20_000)

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.errors.append(message.text)

        def on_request(request: Request) -> None:
            # data: and blob: addresses hold what they name; nothing leaves the page for them.
            if request.url.split("#")[0] != address and not request.url.startswith(("data:", "blob:")):
                made.requests.append(request.url)

        made.page.on("console", on_console)
        made.page.on("pageerror", lambda error: made.errors.append(str(error)))
        made.page.on("request", on_request)
        made.page.goto(f"{address}#{fragment}" if fragment else address)
        opened.append(made)
        return made

    yield go
    for context in contexts:
        context.close()
    assert [(one.errors, one.requests) for one in opened] == [([], [])] * len(opened)
