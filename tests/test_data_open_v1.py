"""The pinned collection: fetched by checksum or not at all, prepared by written rules."""

import hashlib
import os
import shutil
import threading
from bisect import bisect
from collections import Counter
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.data import open_v1, panels, scenes
from bench.data.certify import certify
from bench.data.certify.facts import UNKNOWN
from bench.data.collections import open_collection
from bench.data.manifest import read, verify
from bench.data.open_v1 import Row, fetch, group_of, listed, listing, originals, prepare
from bench.data.open_v1.clips import SIDES
from bench.data.open_v1.making import CUTS, KIN
from bench.errors import BenchError

SHARED = os.environ.get("CHROMABENCH_SHARED")
real = pytest.mark.skipif(SHARED is None, reason="CHROMABENCH_SHARED names no folder of real images")


def row(mirror: Path, file: str, **fields: str) -> Row:
    """A row of the list for a file that lies in the mirror."""
    data = (mirror / file).read_bytes()
    facts = {"domain": "cartoon", "kind": "illustration", "group": file, "pair": "", "repo": "o/r", "commit": "c"}
    facts |= {"path": file, "file": file, "licence": "CC0", "bytes": str(len(data))}
    return Row(**(facts | {"sha256": hashlib.sha256(data).hexdigest()} | fields))


def picture(path: Path, seed: int, size: tuple[int, int] = (80, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST).save(path)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    for number in range(14):
        picture(tmp_path / "mirror" / f"some dir/@c&{number} ñ.png", number)
    return tmp_path / "mirror"


def rows_of(mirror: Path) -> list[Row]:
    return [row(mirror, path.relative_to(mirror).as_posix()) for path in sorted(mirror.rglob("*.png"))]


def test_the_list_is_sound():
    rows = listed()
    assert len(rows) == 1212
    assert len({r.file for r in rows}) == len(rows)
    for r in rows:
        assert not Path(r.file).is_absolute()
        assert ".." not in Path(r.file).parts
        assert len(r.sha256) == 64
        assert int(r.bytes) > 0
        assert len(r.commit) == 40
        assert r.licence
        assert r.domain in ("cartoon", "anime", "live-action", "manga")
    assert all(r.url.isascii() and " " not in r.url for r in rows)
    assert set(open_v1.SIDES) <= {open_v1.group_of(r) for r in rows}


def test_fetch_from_a_mirror_resumes(tmp_path, mirror, monkeypatch):
    rows = rows_of(mirror)
    done = []
    assert fetch(tmp_path / "home", mirror, lambda *now: done.append(now), rows) == 14
    assert sorted(done) == [(n + 1, 14) for n in range(14)]
    raw = originals(tmp_path / "home")
    assert all((raw / r.file).read_bytes() == (mirror / r.file).read_bytes() for r in rows)
    (raw / rows[3].file).write_bytes(b"damaged")
    (raw / rows[4].file).unlink()
    copied = []
    copy = listing._copy
    monkeypatch.setattr(listing, "_copy", lambda r, m, to: (copied.append(r.file), copy(r, m, to))[1])
    fetch(tmp_path / "home", mirror, rows=rows)
    assert sorted(copied) == sorted([rows[3].file, rows[4].file])


def test_every_wrong_file_is_named_and_none_installed(tmp_path, mirror):
    rows = rows_of(mirror)
    for r in rows[:6]:
        (mirror / r.file).unlink()
    for r in rows[6:12]:
        (mirror / r.file).write_bytes(b"x" * int(r.bytes))
    with pytest.raises(BenchError) as caught:
        fetch(tmp_path / "home", mirror, rows=rows)
    message = str(caught.value)
    assert "12 of 14 files of open-v1 are missing or wrong" in message
    assert message.count("(missing)") + message.count("(other bytes than listed)") == 10
    assert "and 2 more" in message
    assert "again, it resumes" in message
    there = [path for path in originals(tmp_path / "home").rglob("*") if path.is_file()]
    assert sorted(path.name for path in there) == sorted(Path(r.file).name for r in rows[12:])
    with pytest.raises(BenchError, match="is none; check --mirror"):
        fetch(tmp_path / "home", tmp_path / "gone", rows=rows)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No lines among the test's output."""


def test_fetch_downloads_by_percent_encoded_address(tmp_path, mirror, monkeypatch):
    rows = rows_of(mirror)
    shutil.copytree(mirror, tmp_path / "site" / "o" / "r" / "c")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setattr(listing, "ORIGIN", f"http://127.0.0.1:{server.server_port}")
        assert fetch(tmp_path / "home", rows=rows[:5]) == 5
        wrong = [*rows[:6], replace(rows[6], sha256="0" * 64), replace(rows[7], path="gone.png")]
        with pytest.raises(BenchError, match=r"2 of 8 .*other bytes.*HTTPError|2 of 8 .*HTTPError.*other bytes"):
            fetch(tmp_path / "home", rows=wrong)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    there = [path for path in originals(tmp_path / "home").rglob("*") if path.is_file()]
    assert len(there) == 6


def test_without_a_network_fetch_gives_up_early(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(listing, "ORIGIN", "http://127.0.0.1:1")
    many = [replace(r, file=f"{n}/{r.file}") for n in range(20) for r in rows_of(mirror)]
    with pytest.raises(BenchError, match=r"were not tried.*can be reached"):
        fetch(tmp_path / "home", rows=many)


def test_prepare_needs_the_originals(tmp_path, mirror):
    with pytest.raises(BenchError, match=r"14 are missing or changed.*bench data fetch open-v1"):
        prepare(tmp_path / "home", 32, rows=rows_of(mirror))
    with pytest.raises(BenchError, match="bench data fetch open-v1"):
        open_collection(tmp_path / "home", "open-v1", 32)


def test_prepare_standardizes_or_says_why_not(tmp_path, mirror):
    picture(mirror / "strip.png", 50, (60, 200))
    picture(mirror / "tiny.png", 51, (31, 90))
    rows = rows_of(mirror)
    fetch(tmp_path / "home", mirror, rows=rows)
    made = prepare(tmp_path / "home", 32, rows=rows)
    assert len(made.items) == 14
    assert {left.source: left.reason for left in made.left_out} == {
        "strip.png": "a strip of 60x200",
        "tiny.png": "31x90",
    }
    assert read(made.root) == made
    assert verify(made) == []
    assert made.counts()["cartoon"]["test"] == made.counts()["cartoon"]["val"] == 1


def test_an_error_in_the_middle_leaves_nothing(tmp_path, mirror):
    rows = rows_of(mirror)
    fetch(tmp_path / "home", mirror, rows=rows)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "home", 32, stop, rows)
    assert [path.name for path in (tmp_path / "home" / "data" / "open-v1").iterdir()] == ["raw"]


def comic(coloured: bool, shift: int = 0) -> Image.Image:
    """A page of one wide panel above two; line drawing on tinted paper, or finished colour."""
    page = Image.new("RGB", (640, 660), "white")
    boxes = [(20, 20, 620, 320), (20, 340, 310, 640), (330, 340, 620, 640)]
    for number, box in enumerate(boxes):
        draw = ImageDraw.Draw(page)
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(90, 160, 200) if coloured else (230, 228, 220))
        rng = np.random.default_rng(number)
        for _ in range(12):
            x, y = (int(rng.integers(low + 30, high - 70)) for low, high in ((box[0], box[2]), (box[1], box[3])))
            x += shift if coloured else 0
            red, green, blue = (int(level) for level in rng.integers(0, 200, 3))
            fill = (red, green, blue) if coloured else (230, 228, 220)
            draw.ellipse((x, y, x + 50, y + 40), fill=fill, outline="black", width=3)
    return page


def test_panels_are_found_by_white_gutters():
    found = panels.find(np.asarray(comic(coloured=True)), np.asarray(comic(coloured=False)))
    assert found == [(20, 20, 620, 320), (20, 340, 310, 640), (330, 340, 620, 640)]
    assert panels.parts(found[0]) == [(20, 20, 320, 320), (320, 20, 620, 320)]
    assert panels.parts((0, 0, 100, 399)) == [(0, 0, 100, 133), (0, 133, 100, 266), (0, 266, 100, 399)]
    assert panels.find(np.full((80, 80, 3), 255, np.uint8)) == []
    assert panels.find(np.zeros((80, 60, 3), np.uint8)) == [(0, 0, 60, 80)]


def test_alignment_tells_how_far_a_drawing_is_off():
    ink, colour = (np.asarray(comic(coloured).convert("L")) for coloured in (False, True))
    score, shift = panels.alignment(ink, colour)
    assert score > 0.5
    assert shift == 0
    _, away = panels.alignment(ink, np.asarray(comic(coloured=True, shift=6).convert("L")))
    assert 5 <= away <= 7


@pytest.mark.parametrize("drawing", ["same", "larger", "shifted", "other", "blank"])
def test_drawing_and_colour_become_pairs_where_they_fit(tmp_path, drawing):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    ink = comic(coloured=False)
    if drawing == "larger":
        ink = ink.resize((645, 660))
    elif drawing == "other":
        ink = ink.resize((700, 660))
    elif drawing == "blank":
        ink = Image.fromarray(np.where(np.asarray(ink) > 245, 255, 228).astype(np.uint8))
    comic(coloured=True, shift=10 if drawing == "shifted" else 0).save(mirror / "colour.png")
    ink.save(mirror / "ink.png")
    facts = {"domain": "manga", "group": "peppercarrot_ep12", "pair": "p1"}
    rows = [row(mirror, "ink.png", kind="ink", **facts), row(mirror, "colour.png", kind="color", **facts)]
    picture(mirror / "page.png", 3)
    rows.append(row(mirror, "page.png", kind="page", domain="manga"))
    picture(mirror / "still.png", 4)
    rows.append(row(mirror, "still.png"))
    fetch(tmp_path / "home", mirror, rows=rows)
    made = prepare(tmp_path / "home", 64, rows=rows)
    pairs = [item for item in made.items if item.domain == "manga"]
    reasons = {left.source: left.reason for left in made.left_out}
    assert reasons.pop("page.png") == "a page without a colour original has no target"
    assert verify(made) == []
    if drawing in ("same", "larger"):
        assert [item.id for item in pairs] == ["p1-p01", "p1-p02", "p1-p03", "p1-p04"]
        assert all(item.page for item in pairs)
        page = np.asarray(Image.open(made.root / "manga" / "p1-p01.page.png"))
        assert page.shape == (64, 64)
        assert np.median(page) == 228  # tinted paper, made gray
    else:
        assert pairs == []
        words = {"shifted": "does not lie on", "blank": "does not lie on|hardly a line", "other": "other proportions"}
        assert reasons
        assert all(any(word in reason for word in words[drawing].split("|")) for reason in reasons.values())


def test_everybody_is_credited():
    found = open_v1.credits()
    assert sum(credit.files for credit in found) == len(listed())
    assert {credit.text for credit in found} == {r.licence for r in listed()}


def test_kin_stories_are_one_group_and_stand_in_one_list():
    stories = [story for kin in KIN for story in kin]
    assert len(stories) == len(set(stories))
    groups = {r.path.split("/")[1]: group_of(r) for r in listed() if r.repo == "global-asp/asp-imagebank"}
    for kin in KIN:
        assert {groups[story] for story in kin} == {f"asp_{kin[0]}"}


def test_a_figure_stands_whole_before_its_background():
    background = Image.new("RGB", (1280, 720), (10, 200, 30))
    figure = Image.new("RGBA", (400, 800), (250, 0, 250, 0))
    figure.paste((200, 20, 20, 255), (50, 100, 350, 800))
    seen = [np.asarray(scenes.composed(background, figure, number)) for number in range(6)]
    assert len({image.tobytes() for image in seen}) == 6
    for number, image in enumerate(seen):
        assert image.shape == (720, 1280, 3)
        drawn = (image == (200, 20, 20)).all(axis=2)
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        assert abs(rows[0] - 36) <= 1
        assert rows[-1] == 719
        # All of it lies in the centre square.
        assert 280 <= columns[0] < columns[-1] < 1000
        # What is not the figure is the background, and the colour beneath the transparent part is nowhere.
        assert (image[:, : columns[0] - 2] == (10, 200, 30)).all()
        assert image[..., 2].max() <= 31
        near = 1.0 if number % 2 else 1.5 / 0.95
        assert abs((columns[-1] - columns[0]) - 300 * 0.95 * near * 720 / 700) <= 4


def test_a_game_makes_scenes_and_a_background_is_held_out_whole(tmp_path):
    mirror = tmp_path / "mirror"
    for number in range(4):
        picture(mirror / f"bg {number}.png", number, (128, 72))
    for number in range(3):
        sprite = Image.new("RGBA", (40, 70), (0, 0, 0, 0))
        sprite.paste((60 * number, 120, 250 - 60 * number, 255), (5, 5, 35, 70))
        sprite.save(mirror / f"girl {number}.png")
    facts = {"domain": "anime", "repo": "renpy/renpy"}
    rows = [row(mirror, f"bg {n}.png", kind="background", group=f"renpy_{n}", **facts) for n in range(4)]
    rows += [row(mirror, f"girl {n}.png", kind="sprite", group="renpy_sprite", **facts) for n in range(3)]
    fetch(tmp_path / "home", mirror, rows=rows)
    made = prepare(tmp_path / "home", 32, rows=rows)
    assert len(made.items) == 4 * (1 + 3)
    assert {item.source for item in made.items if item.split == "series"} == {
        "bg 3.png", *(f"bg 3.png with girl {n}.png" for n in range(3))
    }  # fmt: skip
    assert {item.split for item in made.items} == {"train", "series"}


@real
def test_a_part_of_the_real_collection(tmp_path):
    mirror = Path(SHARED or "") / "open-v1"
    rows = [r for r in listed() if r.pair in ("pc_e12P03", "asp_pair_01")]
    rows += [r for r in listed() if r.kind == "background" and r.group.startswith("renpy_")]
    kinds = Counter()
    for r in listed():
        kinds[r.domain, r.kind] += r.kind != "video"
        if 0 < kinds[r.domain, r.kind] <= 4 and r not in rows and not r.pair:
            rows.append(r)
    fetch(tmp_path, mirror, rows=rows)
    made = prepare(tmp_path, 64, rows=rows)
    assert set(made.domains) == {"cartoon", "anime", "live-action", "manga"}
    assert verify(made) == []
    manga = [item for item in made.items if item.domain == "manga"]
    assert len(manga) == 7
    assert {item.group for item in manga} == {"peppercarrot_ep12", "asp_0245"}
    reasons = Counter(left.reason for left in made.left_out)
    assert reasons["a page without a colour original has no target"] == 8
    composed = [item for item in made.items if " with " in item.source]
    # Each of the four listed figures before each background of the game that is listed here.
    stages = {item.source.split(" with ")[0] for item in composed}
    assert len(composed) == 4 * len(stages) > 0
    assert {item.group for item in composed} == {"renpy"}


@real
@pytest.mark.slow
def test_the_whole_real_collection(tmp_path):
    fetch(tmp_path, Path(SHARED or "") / "open-v1")
    made = prepare(tmp_path, 64)
    assert verify(made) == []
    counts = made.counts()
    assert sum(counts["cartoon"].values()) > 1000
    assert counts["manga"]["test"] >= 30
    for domain in made.domains:
        groups = {name: set(made.split(domain, name).groups) for name in counts[domain]}
        assert groups["train"].isdisjoint(groups["test"] | groups["val"])
        assert groups["test"].isdisjoint(groups["val"])
        assert groups.get("series", set()) <= groups["train"]
    assert {made.split(domain, name).key for domain in made.domains for name in ("test", "series")} == {
        "open-v1/cartoon/test:64bcd2ae",
        "open-v1/cartoon/series:574b1091",
        "open-v1/anime/test:a62511a4",
        "open-v1/anime/series:b4884ce8",
        "open-v1/live-action/test:43b3aebb",
        "open-v1/live-action/series:4d8d284a",
        "open-v1/manga/test:26ca3efd",
        "open-v1/manga/series:368fe443",
    }
    for item in made.items:
        file, at, second = item.source.partition(" at ")
        if at:  # the clips' rule, but that what is test there is val here
            held = bisect(CUTS.get(file, ()), int(second.split()[0]))
            assert item.split == ("val" if item.group in SIDES else "series" if held else "train")
    body = certify(made)["body"]
    assert body["verdict"] == {"clean": True, "crossings": 0, "copies": 0, "copies in other domains": 0}
    assert UNKNOWN not in {entry["credit"] for entry in body["licences"]}
