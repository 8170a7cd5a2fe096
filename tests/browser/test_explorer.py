"""The failure explorer in a real browser: what is drawn, chosen, compared and played, and that it can be reached."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PHONE, WIDE, Visit
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect
from test_gallery import FRAMES, SIZE, home, made, shown  # noqa: F401 - the fixtures of a home and its gallery

from bench.gallery import Gallery, heat
from bench.report.html import page as html_page
from bench.report.sections import boards, explorer

Visits = Callable[..., Visit]

COLOURS = """(canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let at = 0; at < data.length; at += 4)
    seen.add("#" + [0, 1, 2].map((k) => data[at + k].toString(16).padStart(2, "0")).join(""));
  return [...seen].sort();
}"""


def page(made: Gallery, home: Path) -> str:  # noqa: F811
    """The page with this section and the boards alone; the others have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.html.SECTIONS", (boards.SECTION, explorer.SECTION))
        return html_page(shown(made, home))


@pytest.fixture(scope="module")
def html(made: Gallery, home: Path) -> str:  # noqa: F811
    return page(made, home)


def opened(visit: Visits, html: str, **how: object) -> Tab:
    tab = visit(html, **how).page
    tab.locator("#explorer").scroll_into_view_if_needed()
    expect(tab.locator("#explore .case")).to_have_count(3)
    return tab


def choose(tab: Tab, which: str, label: str) -> None:
    option = tab.locator(f"#explore select[name={which}] option", has_text=label).first
    tab.locator(f"#explore select[name={which}]").select_option(option.get_attribute("value"))


def colours(tab: Tab, label: str) -> set[str]:
    """The colours on the first canvas with such a label, once it is drawn."""
    canvas = tab.locator(f'#explore canvas[aria-label*="{label}"]').first
    canvas.wait_for()
    tab.wait_for_function(f"(canvas) => ({COLOURS})(canvas).length > 1", arg=canvas.element_handle())
    return set(canvas.evaluate(COLOURS))


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_an_entry_is_shown_at_best_median_and_worst(visit: Visits, html: str, width: int) -> None:
    tab = opened(visit, html, width=width)
    assert [head.split(" ")[0] for head in tab.locator("#explore .case h3").all_inner_texts()] == [
        "Best",
        "Median",
        "Worst",
    ]
    choose(tab, "first", "far@")
    assert colours(tab, "map of the errors of far@cartoon+anime") <= set(heat.ramp())
    assert len(colours(tab, "the true picture")) > 4
    gray = colours(tab, "what the model saw")
    assert all(len({one[1:3], one[3:5], one[5:7]}) == 1 for one in gray)
    assert "far@cartoon+anime" in tab.locator("#explore [role=status]").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_two_entries_are_compared_where_both_show_an_image(visit: Visits, html: str) -> None:
    tab = opened(visit, html)
    choose(tab, "first", "near@")
    choose(tab, "second", "far@")
    expect(tab.locator("#explore.two")).to_have_count(1)
    assert tab.locator("#explore .case").count() >= 2
    captions = tab.locator("#explore .case figcaption b", has_text="closer by").all_inner_texts()
    assert captions
    assert all(caption.startswith("near@anime is closer") for caption in captions)
    # The nearer entry is blue: no orange on the difference.
    seen = colours(tab, "where near@anime is closer")
    middle = len(heat.differences()) // 2
    assert seen <= set(heat.differences()[: middle + 1])
    choose(tab, "first", "far@")
    choose(tab, "second", "near@")
    assert colours(tab, "where far@cartoon+anime is closer") <= set(heat.differences()[middle:])


def test_a_clip_is_stepped_through_and_played(visit: Visits, html: str) -> None:
    tab = opened(visit, html)
    expect(tab.locator("#explore .motion")).to_be_hidden()
    choose(tab, "wall", "gray+previous")
    expect(tab.locator("#explore .motion")).to_be_visible()
    slider, said = tab.locator("#explore input[type=range]"), tab.locator("#explore output")
    expect(said).to_have_text(f"1 of {FRAMES}")
    slider.focus()
    tab.keyboard.press("ArrowRight")
    expect(said).to_have_text(f"2 of {FRAMES}")
    strip = tab.locator('#explore canvas[aria-label*="centre column"]').first
    assert strip.get_attribute("width") == str(8 * FRAMES)
    assert strip.get_attribute("height") == str(SIZE)
    play = tab.locator("#explore .steer button")
    play.focus()
    tab.keyboard.press("Enter")
    expect(play).to_have_text("Pause")
    # Whoever asked for less motion gets a frame a second.
    expect(said).to_have_text(f"3 of {FRAMES}")
    tab.keyboard.press("Enter")
    expect(play).to_have_text("Play")


@pytest.mark.slow
def test_it_can_be_reached_and_read_in_either_scheme(visit: Visits, html: str) -> None:
    for scheme in ("light", "dark"):
        tab = opened(visit, html, scheme=scheme)
        choose(tab, "wall", "gray+previous")
        choose(tab, "second", "gray-copy")
        tab.locator("#explore .case").first.wait_for()
        Visit(tab).axe()  # brings its rules; the rest of the page has tests of its own
        wrong = tab.evaluate("axe.run('#explorer').then((said) => said.violations.map((rule) => rule.help))")
        assert wrong == []
    labels = tab.locator("#explore canvas").evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))")
    assert all(labels)
    assert any("CIEDE2000" in label for label in labels)


def test_pictures_wait_until_a_reader_comes_near(visit: Visits, html: str) -> None:
    apart = html.replace('<section id="explorer"', '<p style="height:9000px"></p><section id="explorer"')
    tab = visit(apart).page
    assert tab.locator("#explore canvas").count() == 0
    tab.locator("#explorer").scroll_into_view_if_needed()
    expect(tab.locator("#explore .case")).to_have_count(3)


def test_numbers_alone_stand_where_pictures_may_not(visit: Visits, made: Gallery, home: Path) -> None:  # noqa: F811
    index = replace(made.index, shown=False, why="not ours to show", sheets=())
    tab = visit(page(Gallery(index), home)).page
    assert tab.locator("#explorer canvas, #explorer img").count() == 0
    assert "not ours to show" in tab.locator("#explorer .lead").inner_text()
    tab.locator("#explorer-list").click()
    assert "near@anime" in tab.locator("#explorer table").inner_text()
