"""The HTML page in a real browser: sorting, filters, pickers, deep links, signatures, light and dark, hostile names."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from conftest import PHONE, WIDE, Visit
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect
from test_leaderboard import LADDER, ladder
from test_records import sample_record

from bench.leaderboard import PRIMARY, Board, Row
from bench.records import Record, Slice
from bench.report.content import Page, pages
from bench.report.html import page as html_page

Visits = Callable[..., Visit]
BOARD = ".panel.shown table.board"


def entries(domain: str, split: str, track: str) -> list[Record]:
    """Four entries, best by CIEDE2000 first; PSNR and MS-SSIM put them in other orders, FID is unreliable."""
    places = [("fu2017-cgan@anime", 9.0), ("fu2017-convnet@manga", 10.0), ("fu2017-cgan@mixed", 11.0), ("studio", 13.0)]
    found = []
    for place, (name, value) in enumerate(places):
        values: dict[str, float | None] = {PRIMARY: value, "psnr": 20.0 + (place * 7) % 4, "ms-ssim": 0.9 - place / 10}
        values |= {"fid": 50.0 - place} if place else {"fid": None}
        kind = "submission" if name == "studio" else None
        flags = ("FID under 2,048 images",) if place else ()
        made = sample_record(name, domain, split=split, track=track, values=values, kind=kind, flags=flags)
        found.append(made)
    return found


@cache
def sample(tracks: tuple[str, ...] = ("gray", "gray+hints"), splits: tuple[str, ...] = ("test", "series")) -> str:
    """A page of two domains, with two tracks and two splits unless told otherwise."""
    found = []
    for domain in ("anime", "manga"):
        for track in tracks:
            for split in splits:
                found += [*ladder(domain, split=split, track=track), *entries(domain, split, track)]
    return html_page(pages(found)[0])


def names(tab: Tab) -> list[str]:
    """The entries of the board that is shown, from top to bottom."""
    return tab.locator(f"{BOARD}:first-of-type").first.locator("tbody tr:visible .entry").all_inner_texts()


def ranked(tab: Tab) -> list[str]:
    return [name for name in names(tab) if name not in LADDER]


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (WIDE, "dark")])
def test_the_page_fits_and_keeps_every_rule_of_accessibility(visit: Visits, width: int, scheme: str) -> None:
    seen = visit(sample(splits=("test",)), width=width, scheme=scheme)
    assert seen.overflow() <= 0
    # Every part is open, so that the rules see it.
    seen.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    seen.page.locator(".panel:visible .more table").wait_for()
    assert seen.axe() == []
    assert seen.overflow() <= 0


def test_a_click_sorts_and_another_turns_it_round(visit: Visits) -> None:
    tab = visit(sample()).page
    at_first = names(tab)
    assert ranked(tab) == ["fu2017-cgan@anime", "fu2017-convnet@manga", "fu2017-cgan@mixed", "studio"]
    head = tab.locator(BOARD).first.locator("thead th")
    psnr = head.filter(has_text="PSNR")
    psnr.get_by_role("button").click()
    assert psnr.get_attribute("aria-sort") == "descending"
    assert head.locator("xpath=self::*[@aria-sort]").count() == 1
    assert ranked(tab)[0] == "fu2017-convnet@manga"
    psnr.get_by_role("button").click()
    assert psnr.get_attribute("aria-sort") == "ascending"
    assert ranked(tab)[0] == "fu2017-cgan@anime"
    # A value that is absent stands last whichever way.
    fid = head.filter(has_text="FID").get_by_role("button")
    for _ in range(2):
        fid.click()
        assert names(tab)[-1] in ("fu2017-cgan@anime", *LADDER)
        assert ranked(tab)[-1] == "fu2017-cgan@anime"
    head.filter(has_text="Entry").get_by_role("button").click()
    assert names(tab) == sorted(names(tab))
    head.filter(has_text="Rank").get_by_role("button").click()
    assert names(tab) == at_first


def test_the_keyboard_alone_sorts_and_walks_the_numbers(visit: Visits) -> None:
    tab = visit(sample()).page
    head = tab.locator(BOARD).first.locator("thead th").filter(has_text="PSNR")
    head.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    cell = tab.locator(f"{BOARD} tbody td[tabindex='0']")
    assert cell.count() == 1
    cell.focus()
    before = cell.bounding_box()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowRight")
    after = tab.locator("td:focus").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] > before["x"]
    assert after["y"] > before["y"]
    tip = tab.get_by_role("tooltip")
    expect(tip).to_be_visible()
    assert tab.locator("td:focus").get_attribute("aria-describedby") == "tip"
    tab.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    assert tab.locator("td:focus").get_attribute("aria-describedby") is None


def test_the_tab_key_reaches_a_number_of_every_table_whatever_is_hidden(visit: Visits) -> None:
    tab = visit(sample()).page
    tab.locator(".panel:visible .more summary").click()
    reached = tab.locator(".panel:visible td[tabindex='0']")
    expect(reached).to_have_count(2)
    for wanted, left in (("convnet", 1), ("nobody", 0), ("", 4)):
        tab.get_by_placeholder("Find entries").fill(wanted)
        expect(tab.get_by_role("status")).to_have_text("4 entries" if left == 4 else f"{left} of 4 entries")
        expect(reached).to_have_count(2 if left else 0)
        assert all(cell.is_visible() for cell in reached.all())


def test_tab_reaches_the_skip_link_first(visit: Visits) -> None:
    tab = visit(sample()).page
    tab.keyboard.press("Tab")
    link = tab.locator("a:focus")
    assert link.inner_text() == "Skip to the boards"
    box = link.bounding_box()
    assert box is not None
    assert box["x"] >= 0


def test_filters_say_how_many_they_leave(visit: Visits) -> None:
    tab = visit(sample()).page
    count = tab.get_by_role("status")
    assert count.inner_text() == "4 entries"
    tab.get_by_placeholder("Find entries").fill(" CGAN")
    expect(count).to_have_text("2 of 4 entries")
    assert names(tab) == ["fu2017-cgan@anime", "fu2017-cgan@mixed"]
    tab.get_by_placeholder("Find entries").fill("")
    expect(count).to_have_text("4 entries")
    assert len(names(tab)) == 4 + len(LADDER)
    tab.get_by_label("references").uncheck()
    expect(tab.locator(f"{BOARD} tr.reference:visible")).to_have_count(0)
    tab.get_by_label("own domain only").check()
    expect(count).to_have_text("2 of 4 entries")
    assert names(tab) == ["fu2017-cgan@anime", "fu2017-cgan@mixed"]
    tab.get_by_label("own domain only").uncheck()
    tab.get_by_label("Model").select_option("fu2017-convnet")
    expect(count).to_have_text("1 of 4 entries")
    # The choice goes along to the next board, whose other numbers follow it too.
    tab.locator("#picker").get_by_role("link", name="manga").click()
    expect(count).to_have_text("1 of 4 entries")
    tab.locator(".panel:visible .more summary").click()
    expect(tab.locator(".panel:visible .more tbody tr:visible")).to_have_count(1)


def test_one_board_is_shown_and_has_an_address(visit: Visits) -> None:
    tab = visit(sample()).page
    shown = tab.locator(".panel:visible h4")
    assert shown.get_attribute("id") == "anime-gray-test"
    choose = tab.locator("#picker")
    choose.get_by_role("link", name="gray+hints").click()
    choose.get_by_role("link", name="series").click()
    assert shown.get_attribute("id") == "anime-gray-hints-series"
    assert tab.url.endswith("#anime-gray-hints-series")
    assert choose.locator("[aria-current]").all_inner_texts() == ["anime", "gray+hints", "series"]
    tab.go_back()
    expect(shown).to_have_id("anime-gray-hints-test")
    tab.go_back()
    assert "#" not in tab.url
    expect(shown).to_have_id("anime-gray-test")
    # A card leads to its board, and the table of the other tracks to theirs.
    tab.locator("a.card").last.click()
    expect(shown).to_have_id("manga-gray-test")


@pytest.mark.parametrize(
    ("fragment", "board"),
    [
        ("manga-gray", "manga-gray-test"),
        ("manga-gray-hints-series", "manga-gray-hints-series"),
        ("x", "anime-gray-test"),
    ],
)
def test_deep_links_open_their_board(visit: Visits, fragment: str, board: str) -> None:
    tab = visit(sample(), fragment=fragment).page
    shown = tab.locator(".panel:visible h4")
    assert shown.get_attribute("id") == board
    if fragment != "x":
        expect(shown).to_be_in_viewport()


def test_a_signature_is_told_on_hover_focus_and_tap(visit: Visits) -> None:
    tab = visit(sample()).page
    tip = tab.get_by_role("tooltip")
    expect(tip).to_be_hidden()
    board = tab.locator(BOARD).first
    head = board.locator("thead th").filter(has_text="FID")
    head.hover()
    expect(tip).to_be_visible()
    assert "FID|tf-inception-compat|64|n192|png8|open-v1/anime/test:" in tip.inner_text()
    assert "unreliable: FID under 2,048 images" in tip.inner_text()
    assert "⚠" in head.inner_text()
    tab.mouse.move(2, 2)
    expect(tip).to_be_hidden()
    board.locator("thead button").nth(2).focus()
    expect(tip).to_be_visible()
    assert "CIEDE2000|D65/2deg,k1" in tip.inner_text()
    row = board.locator("tbody tr").filter(has_text="fu2017-cgan@anime")
    row.locator("td.primary").hover()
    expect(tip).to_contain_text("95 % interval 8.50 to 9.50")
    expect(tip).to_contain_text("192 images in 12 groups")
    row.locator("td").last.hover()
    row.locator("td").nth(4).hover()
    expect(tip).to_contain_text("FID: absent")
    expect(tip).to_contain_text("no Inception weights")

    phone = visit(sample(), width=PHONE, touch=True).page
    phone.locator(f"{BOARD} tbody td.primary").first.tap()
    tip = phone.get_by_role("tooltip")
    expect(tip).to_be_visible()
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE
    phone.locator("h2").first.tap()
    expect(tip).to_be_hidden()


def test_dark_and_light_are_remembered(visit: Visits) -> None:
    tab = visit(sample(), scheme="dark").page
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(paper)
    tab.get_by_role("button", name="Switch between light and dark").click()
    light = tab.evaluate(paper)
    assert dark != light
    tab.reload()
    assert tab.evaluate(paper) == light
    assert visit(sample(), scheme="light").page.evaluate(paper) == light


def test_other_metrics_are_drawn_when_asked_for(visit: Visits) -> None:
    tab = visit(sample()).page
    assert tab.locator(".more table").count() == 0
    tab.locator(".panel:visible .more summary").click()
    table = tab.locator(".panel:visible .more table")
    expect(table).to_be_visible()
    first = table.locator("tbody tr").filter(has_text="fu2017-cgan@anime").locator("td").last
    assert first.inner_text() == "0.900"
    head = table.locator("thead th").last
    head.get_by_role("button").click()
    found = table.locator("tbody tr:not(.reference) td:last-child").all_inner_texts()
    assert found == sorted(found)
    expect(tab.get_by_role("tooltip")).to_contain_text("MS-SSIM")


def test_marks_and_digits_are_those_of_the_board(visit: Visits) -> None:
    scores: dict[str, float | None] = {PRIMARY: 9.3449, "bleeding": 3.0}
    shy = sample_record("shy@anime", values=scores | {"bleeding": 1.0})
    # An entry that hardly paints: its lower bleeding is of fewer images.
    shy = replace(shy, scores=shy.scores | {"bleeding": replace(shy.scores["bleeding"], missing=150)})
    tab = visit(html_page(pages([*ladder(), shy, sample_record("bold@anime", values=scores)])[0])).page
    tab.locator(f"{BOARD} td.primary b").first.hover()
    expect(tab.get_by_role("tooltip")).to_contain_text("CIEDE2000 9.34 ")
    tab.locator(".panel:visible .more summary").click()
    table = tab.locator(".panel:visible .more table")
    expect(table.locator("td:last-child b")).to_have_count(1)
    expect(table.locator("tr", has_text="bold@anime").locator("td:last-child b")).to_be_visible()


def test_the_print_has_the_board_and_no_controls(visit: Visits) -> None:
    tab = visit(sample()).page
    tab.emulate_media(media="print")
    expect(tab.locator("nav.bar")).to_be_hidden()
    expect(tab.locator("#tools")).to_be_hidden()
    expect(tab.locator(BOARD).first).to_be_visible()


def test_slices_are_shown_of_the_track_that_is_chosen(visit: Visits) -> None:
    parts = {name: Slice(n=48, groups=12, value=value, low=value - 1, high=value + 1)
             for name, value in (("dark", 14.0), ("captions", 8.0))}  # fmt: skip
    found = [
        replace(one, slices=parts)
        for track in ("gray", "gray+hints")
        for one in (*ladder(track=track), *entries("anime", "test", track))
    ]
    tab = visit(html_page(pages(found)[0])).page
    maps = tab.locator("#slices .slicemap")
    assert maps.count() == 1
    choice = tab.locator("#slices").get_by_label("Track")
    assert choice.locator("option").all_inner_texts() == ["gray", "gray+hints"]
    expect(maps).to_be_visible()
    assert maps.locator("tr").filter(has_text="captions").locator("td").nth(2).inner_text() == "8.00 −1.0"
    choice.select_option("gray+hints")
    expect(maps.first).to_be_hidden()
    expect(maps.last).to_be_visible()
    assert "captions" in maps.last.inner_text()
    one_track = visit(html_page(pages(found[: len(found) // 2])[0])).page
    expect(one_track.locator("#slices .slicemap")).to_be_visible()
    assert one_track.locator("#slicetrack").count() == 0


def test_signatures_are_listed_when_asked_for(visit: Visits) -> None:
    tab = visit(sample()).page
    assert tab.locator("dl.signatures").count() == 0
    tab.locator("#picker").get_by_role("link", name="manga").click()
    tab.locator(".panel:visible .made summary").click()
    told = tab.locator(".panel:visible dl.signatures > dd").all_inner_texts()
    assert any(text.startswith("FID|tf-inception-compat|64|n192|png8|open-v1/manga/test:") for text in told)
    assert len(told) == len(set(told))


HOSTILE = "</script><img src=x onerror=alert(1)>\"'`&lt;${1}{{2}}\u202egnp.exe " + "w" * 10_000


def hostile() -> Page:
    """A page in which every text from outside is hostile; a record with such names would be refused."""
    (page,) = pages([*ladder(), *entries("anime", "test", "gray")])

    def of_row(row: Row) -> Row:
        return replace(row, entry=HOSTILE, flags=(HOSTILE,)) if row.entry == "studio" else row

    def of_board(board: Board) -> Board:
        (table,) = board.tables
        columns = tuple(replace(one, name=HOSTILE, unit=HOSTILE, signature=HOSTILE) for one in table.more)
        rows = tuple(of_row(row) for row in table.rows)
        made = replace(table, rows=rows, more=columns, notes=(HOSTILE,), flags=(HOSTILE,), key=HOSTILE)
        return replace(board, domain="anime", tables=(made,))

    return replace(page, collection=HOSTILE, boards=tuple(of_board(board) for board in page.boards), matrices=())


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_hostile_names_stay_text_and_break_nothing(visit: Visits, width: int) -> None:
    seen = visit(html_page(hostile()), width=width)
    tab = seen.page
    tab.on("dialog", lambda dialog: seen.errors.append(dialog.message))
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.locator(".panel:visible .more table").wait_for()
    assert tab.locator("img").count() == 0
    name = tab.locator(f"{BOARD} .entry").filter(has_text="onerror").first
    assert name.evaluate("(one) => one.textContent") == HOSTILE
    name.hover()
    expect(tab.get_by_role("tooltip")).to_be_visible()
    tab.locator(".panel:visible .more thead th button").last.click()
    assert seen.overflow() <= 0
    tallest = tab.evaluate("Math.max(...[...document.querySelectorAll('.board tr')].map((row) => row.offsetHeight))")
    assert tallest < 400
    assert re.search("onerror", tab.locator("#model").inner_text())
