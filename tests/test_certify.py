"""The certificate: what counts as a leak, the same bytes everywhere, and no harm done by strangers' text."""

import hashlib
import html.parser
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import certify, open_v1, png
from bench.data.certify import copies, facts, planted
from bench.data.certify.leaks import without_copies
from bench.data.certify.pictures import Pictures
from bench.data.manifest import Item, LeftOut, Manifest, in_order, page_path, target_path
from bench.errors import BenchError

SIZE = 64
SPLITS = ("train", "train", "train", "val", "test", "series")


@pytest.fixture(autouse=True)
def few_plants(monkeypatch):
    monkeypatch.setattr(planted, "SAMPLE", 2)


def scene(number: int, size: int = SIZE) -> np.ndarray:
    """A picture with as much detail as a drawing; another number is another picture."""
    rng = np.random.default_rng(number)
    image = np.empty((size, size, 3), np.uint8)
    image[:] = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), size).astype(np.uint8)[:, None]
    for left, top, wide, high in (rng.random((40, 4)) * size).astype(int):
        image[top : top + high // 4 + 2, left : left + wide // 4 + 2] = rng.integers(0, 256, 3)
    return image


def item_of(id: str, split: str, **changes) -> Item:
    """An item of its own group, or of the only train group where it is of the series split."""
    group = "g0" if split == "series" else f"g{id}"
    return replace(Item(id, "anime", split, group, f"{id}.png", ""), **changes)


def collection(
    root: Path, pictures: list[tuple[Item, np.ndarray]], name: str = "mine", clips: bool = False
) -> Manifest:
    items = []
    size = pictures[0][1].shape[0]
    for item, image in pictures:
        target_path(root, item).parent.mkdir(parents=True, exist_ok=True)
        png.write(target_path(root, item), image)
        items.append(replace(item, pixels=png.digest(image, None)))
    manifest = Manifest(root, name, "1", size, in_order(items), notes=("anime: small",), clips=clips)
    manifest.write()
    return manifest


def clean(count: int = 12, size: int = SIZE) -> list[tuple[Item, np.ndarray]]:
    return [(item_of(str(n), SPLITS[n % len(SPLITS)]), scene(n, size)) for n in range(count)]


def certified(root: Path, *more: tuple[Item, np.ndarray]) -> dict:
    return certify.certify(collection(root, [*clean(), *more]))["body"]


@pytest.mark.parametrize("size", [32, 40, 64, 96])
def test_different_pictures_are_clean(tmp_path, size):
    body = certify.certify(collection(tmp_path, clean(size=size)))["body"]
    assert body["verdict"] == {"clean": True, "crossings": 0, "copies": 0, "copies in other domains": 0}
    assert body["compared"]["pairs"] == {
        "train - val": 12, "train - test": 12, "train - series": 12, "val - test": 4, "val - series": 4,
        "test - series": 4,
    }  # fmt: skip
    # Both series images are of group g0, as one train image is.
    assert body["compared"]["pairs of different groups"] == 48 - 2
    assert body["splits"][0]["digest"].startswith(body["splits"][0]["key"].split(":")[1])
    assert [len(pairs) > 0 for pairs in body["closest"].values()] == [True] * 6
    assert max(pair["likeness"] for pairs in body["closest"].values() for pair in pairs) < copies.COPY / 1000


def test_equal_pixels_are_a_copy_even_of_a_plain_picture(tmp_path):
    gray = np.full((SIZE, SIZE, 3), 90, np.uint8)
    body = certified(tmp_path, (item_of("x", "train"), gray), (item_of("y", "test"), gray))
    (pair,) = body["copies"]
    assert (pair["first"]["id"], pair["second"]["id"], pair["equal"], pair["likeness"]) == ("x", "y", True, 1.0)
    assert not body["verdict"]["clean"]
    assert [row["too plain"] for row in body["balance"]] == [1, 0, 1, 0]


def test_equal_pixels_within_a_split_are_no_leak(tmp_path):
    assert certified(tmp_path, (item_of("x", "train"), scene(0)))["verdict"]["clean"]


@pytest.mark.parametrize(
    ("one", "other"), [("train", "series"), ("val", "test"), ("val", "series"), ("test", "series")]
)
def test_a_mirrored_copy_is_found_between_any_splits(tmp_path, one, other):
    image = scene(77)
    body = certified(tmp_path, (item_of("x", one), image), (item_of("y", other), image[:, ::-1].copy()))
    (pair,) = body["copies"]
    assert (pair["first"]["split"], pair["second"]["split"], pair["mirrored"]) == (one, other, True)
    assert pair["likeness"] > 0.95
    assert body["closest"][f"{one} - {other}"][0] == pair


def test_frames_of_a_still_camera_are_copies(tmp_path):
    frame = np.full((SIZE, SIZE, 3), 150, np.uint8)
    frame[20:50, 24:40] = (40, 90, 160)
    frame[10:20, 29:35] = (200, 210, 190)
    noise = np.random.default_rng(1).integers(-9, 10, frame.shape)
    later = (frame.astype(int) + noise + 6).clip(0, 255).astype(np.uint8)
    (pair,) = certified(tmp_path, (item_of("x", "train"), frame), (item_of("y", "series"), later))["copies"]
    assert pair["changed"] <= copies.UNCHANGED


def test_copies_in_another_domain_are_reported_apart(tmp_path):
    image = scene(77)
    more = [(item_of("x", "train"), image), (item_of("y", "test", domain="manga"), image)]
    body = certified(tmp_path, *more)
    assert body["copies"] == []
    assert body["copies in other domains"][0]["second"]["domain"] == "manga"
    assert body["verdict"] == {"clean": False, "crossings": 0, "copies": 0, "copies in other domains": 1}
    assert list(body["closest in other domains"]) == ["train - test"]


def test_groups_clips_shots_and_pages_that_cross_splits(tmp_path):
    def found(items: list[Item], clips: bool = False) -> list[tuple[str, str, list[str]]]:
        manifest = Manifest(tmp_path, "mine", "1", SIZE, in_order(items), clips=clips)
        return [(entry["what"], entry["name"], entry["splits"]) for entry in facts.crossings(manifest)]

    fine = [item_of("a", "train", group="g"), item_of("b", "series", group="g"), item_of("c", "test", group="h")]
    assert found(fine) == []
    assert found([*fine, item_of("d", "test", group="g")]) == [("group", "g", ["train", "test", "series"])]
    assert found([*fine, item_of("d", "series", group="h")]) == [("group", "h", ["test", "series"])]
    assert found([*fine, item_of("d", "series", group="new")]) == [("group", "new", ["series"])]
    # The same name in another domain is the same group, as for who deals out the splits.
    crossing = [*fine, item_of("d", "test", group="g", domain="manga")]
    assert found(crossing) == [("group", "g", ["train", "test", "series"])]
    assert facts.crossings(Manifest(tmp_path, "mine", "1", SIZE, in_order(crossing)))[0]["domain"] == "anime, manga"
    assert found([*fine, item_of("d", "series", group="g", domain="manga")]) == []
    page = [replace(item, source=f"p/x.png panel 0{n}", group="g") for n, item in enumerate(fine[:2])]
    assert found(page) == [("page", "p/x.png", ["train", "series"])]
    shot = [replace(item, source=f"drawn: s07-012-0{n}") for n, item in enumerate(fine[:2])]
    assert found(shot) == [("shot", "s07-012", ["train", "series"])]
    assert found([replace(item, source=f"drawn: s07-01{n}-00") for n, item in enumerate(fine[:2])]) == []
    clip = [replace(item, clip="c0", frame=n) for n, item in enumerate(fine[:2])]
    assert found(clip, clips=True) == [("clip", "c0", ["train", "series"])]


def test_the_same_bytes_whatever_the_threads_and_the_folder(tmp_path):
    image = scene(77)
    pictures = [*clean(), (item_of("x", "train"), image), (item_of("y", "test"), image[::, ::-1].copy())]
    first = certify.certify(collection(tmp_path / "a", pictures), threads=1)
    second = certify.certify(collection(tmp_path / "b", pictures[::-1]), threads=5)
    paths = [
        certify.write(made, Manifest(tmp_path / name, "mine", "1", SIZE, ()), tmp_path / "out" / name)[0]
        for made, name in ((first, "a"), (second, "b"))
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].name == "mine-64px.certificate.json"


def test_the_same_numbers_on_every_machine(tmp_path):
    """Made once and kept: another processor, or another version of a library, must come to the same numbers."""
    body = certify.certify(collection(tmp_path, clean()))["body"]
    assert body["planted"]["pixels"] == "58cc92ea89dc83343730dda467d8a14db4469fd20ea6ccdeaa3d1b0f5133a883"
    numbers = [body["closest"], [kind["least likeness"] for kind in body["planted"]["kinds"]]]
    assert certify.digest_of(numbers) == "8c079fd7861dfb7284df361d6f1e85e9c4b29a3bdb2cb4f776f9f371046e4c8f"


def test_progress_runs_from_nothing_to_all(tmp_path):
    seen = []
    certify.certify(collection(tmp_path, clean()), lambda done, total: seen.append((done, total)), threads=1)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


def test_a_changed_image_is_named(tmp_path):
    manifest = collection(tmp_path, clean())
    png.write(target_path(tmp_path, manifest.items[3]), scene(99))
    with pytest.raises(BenchError, match=f"{manifest.items[3].id}.png has other pixels"):
        certify.certify(manifest)


def test_verify_trusts_nothing(tmp_path):
    manifest = collection(tmp_path / "data", clean())
    certificate = certify.certify(manifest)
    path, _ = certify.write(certificate, manifest, tmp_path)
    assert certify.verify(path) == certify.verify(path, manifest) == []
    assert certificate["sha256"] == hashlib.sha256(
        json.dumps(certificate["body"], sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()  # fmt: skip

    def edited(change, sign: bool = False) -> list[str]:
        value = json.loads(json.dumps(certificate))
        change(value["body"])
        if sign:
            value["sha256"] = certify.digest_of(value["body"])
        path.write_text(json.dumps(value))
        return certify.verify(path, manifest)

    (line,) = edited(lambda body: body["closest"]["train - test"][0].update(likeness=0.1))
    assert "was changed after it was made" in line
    (line,) = edited(lambda body: body["verdict"].update(clean=False), sign=True)
    assert "contradicts itself" in line
    (line,) = edited(lambda body: body["splits"][0].update(digest="0" * 64), sign=True)
    assert "another anime/train than" in line
    (line,) = edited(lambda body: body["splits"].pop(), sign=True)
    assert "another anime/series than" in line
    (line,) = edited(lambda body: body.update(size=128), sign=True)
    assert "is not of mine-64px, but of 'mine' at 128 px" in line
    (line,) = edited(lambda body: body.update(schema=2), sign=True)
    assert "schema 2, expected 1" in line


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"body": 3, "sha256": ""}', "[" * 100_000, '{"body": {"schema": NaN}}', "\xff"]
)
def test_verify_says_what_is_no_certificate(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("latin-1"))
    assert certify.verify(path) == [f"{path} is not a certificate; make it anew with bench data certify."]


def test_verify_says_what_is_missing(tmp_path):
    (line,) = certify.verify(tmp_path / "none.json")
    assert "No such file" in line


class Seen(html.parser.HTMLParser):
    """Tags and attributes of a page, and its text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


HOSTILE = '</style><script>alert(1)</script><img src=x onerror="alert(2)">\u202e\ud800\n{{ 7*7 }}'


def test_hostile_text_stays_text(tmp_path):
    image = scene(77)
    more = [
        (item_of("x", "train", group=HOSTILE, source=f"{HOSTILE} panel 1"), image),
        (item_of("y", "test", group=HOSTILE, source=f"{HOSTILE} panel 2"), image[:, ::-1].copy()),
    ]
    manifest = replace(collection(tmp_path / "data", [*clean(), *more[:0]]), notes=(HOSTILE,))
    for item, picture in more:
        png.write(target_path(manifest.root, item), picture)
    extra = [replace(item, pixels=png.digest(picture, None)) for item, picture in more]
    manifest = replace(manifest, items=in_order([*manifest.items, *extra]))
    signed, page = certify.write(certify.certify(manifest), manifest, tmp_path, show=True)
    assert certify.verify(signed, manifest) == []
    seen = Seen(page.read_text(encoding="utf-8"))
    assert "script" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert all((value or "").startswith("data:image/jpeg;base64,") for name, value in seen.attributes if name == "src")
    assert "alert(1)" in seen.text
    assert "{{ 7*7 }}" in seen.text
    assert "\u202e" not in seen.text


def test_the_page_loads_nothing_and_shows_only_what_may_be_seen(tmp_path):
    manifest = collection(tmp_path / "data", clean())
    certificate = certify.certify(manifest)
    hidden, shown = (
        certify.write(certificate, manifest, tmp_path / str(show), show)[1].read_text(encoding="utf-8")
        for show in (False, True)
    )
    assert "data:image" not in hidden
    assert "--show" in hidden
    assert shown.count("data:image/jpeg") == 2 * sum(len(pairs) for pairs in certificate["body"]["closest"].values())
    for page in (hidden, shown):
        seen = Seen(page)
        assert not {"script", "link", "iframe", "object"} & set(seen.tags)
        addresses = [value or "" for name, value in seen.attributes if name in ("src", "href", "srcset", "data")]
        assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
        assert "url(" not in page
        assert certificate["sha256"] in page
        assert "No leak found" in page
        assert "width=device-width" in page
    published = replace(manifest, collection="procedural-v1")
    page = certify.write(certify.certify(published), published, tmp_path)[1]
    assert "data:image/jpeg" in page.read_text(encoding="utf-8")


def test_balance_counts_odd_images(tmp_path):
    nearly = np.full((SIZE, SIZE, 3), 250, np.uint8)
    nearly[:31] = (200, 120, 40)
    dull = scene(5)
    dull[..., :] = dull[..., :1]
    dull[..., 2] = np.minimum(dull[..., 2].astype(int) + facts.GRAYISH - 1, 255)
    more = [(item_of("w", "test"), nearly), (item_of("d", "test"), dull)]
    rows = {(row["domain"], row["split"]): row for row in certified(tmp_path, *more)["balance"]}
    assert list(rows) == [("anime", split) for split in ("train", "val", "test", "series")]
    test = rows["anime", "test"]
    assert (test["images"], test["groups"], test["gray-ish"], test["near-white"]) == (4, 4, 1, 1)
    assert rows["anime", "train"]["gray-ish"] == rows["anime", "train"]["near-white"] == 0


def test_licences_come_with_their_credits(tmp_path):
    rows = [next(row for row in open_v1.listed() if row.kind == kind) for kind in ("video", "color", "background")]
    sources = [f"{rows[0].file} at 0007 s", f"{rows[1].file} panel 03", rows[2].file, "elsewhere.png"]
    items = [item_of(str(place), "train", source=source) for place, source in enumerate(sources)]
    found = facts.licences(Manifest(tmp_path, "open-v1", "1", SIZE, in_order(items)))
    assert {entry["credit"] for entry in found} == {*(row.licence for row in rows), facts.UNKNOWN}
    assert all(entry["credit"].startswith(entry["licence"]) for entry in found)
    (own,) = facts.licences(Manifest(tmp_path, "procedural-v1", "1", SIZE, in_order(items)))
    assert own == {"licence": facts.OURS, "credit": facts.OURS, "images": {"anime": 4}}
    (users,) = facts.licences(Manifest(tmp_path, "mine", "1", SIZE, in_order(items)))
    assert users["licence"] == "unknown"


@pytest.mark.parametrize(
    ("credit", "licence"),
    [
        ("CC-BY (version not stated; illustrator: X)", "CC-BY"),
        ("CC0-1.0 Somebody (README.md)", "CC0-1.0"),
        ("MIT or CC-BY-SA-4.0 (dual)", "MIT or CC-BY-SA-4.0"),
        ("Public domain (US): Fleischer", "Public domain (US)"),
    ],
)
def test_a_credit_line_begins_with_its_licence(credit, licence):
    assert facts._licence(credit) == licence


def test_more_images_than_are_kept_in_memory_give_the_same(tmp_path, monkeypatch):
    image = scene(77)
    manifest = collection(tmp_path, [*clean(), (item_of("x", "train"), image), (item_of("y", "test"), image)])
    whole = certify.certify(manifest)
    monkeypatch.setattr("bench.data.certify.pictures.KEPT", 5)
    assert certify.certify(manifest) == whole


def test_no_test_split_and_a_single_image(tmp_path):
    body = certify.certify(collection(tmp_path, clean(1)))["body"]
    assert body["verdict"]["clean"]
    assert body["planted"]["from"] == "train"
    assert body["closest"] == body["compared"]["pairs"] == {}


def test_pictures_are_ordered_whatever_the_manifest(tmp_path):
    manifest = collection(tmp_path, clean())
    pictures = Pictures(manifest, lambda place, image: None)
    for split in ("train", "val", "test", "series"):
        assert {pictures.items[place].split for place in pictures.places(split)} == {split}
    assert pictures.places("none") == range(0)


@pytest.mark.parametrize(
    ("one", "other", "goes"),
    [("train", "series", 1), ("train", "test", 1), ("series", "test", 1), ("test", "val", 1), ("val", "train", 0)],
)
def test_a_copy_leaves_the_split_that_asks_most(tmp_path, one, other, goes):
    image = scene(100)
    two = [item_of("one", one, page=True), item_of("other", other)]
    manifest = collection(tmp_path, [*clean(), (two[1], image[:, ::-1].copy())])
    target = target_path(tmp_path, two[0])
    png.write(target, image)
    png.write(page_path(tmp_path, two[0]), image[..., 0])
    first = replace(two[0], pixels=png.digest(image, image[..., 0]))
    manifest = replace(manifest, items=in_order([*manifest.items, first]))
    kept = without_copies(manifest)
    gone, stays = (two[goes], two[1 - goes])
    assert {item.id for item in manifest.items} - {item.id for item in kept.items} == {gone.id}
    assert kept.left_out == (
        LeftOut(gone.source, f"a copy of anime/{stays.id}, which is in {stays.split}; it would be in {gone.split}"),
    )
    assert not target_path(tmp_path, gone).exists()
    assert not page_path(tmp_path, gone).exists()
    assert target_path(tmp_path, stays).exists()
    assert certify.certify(kept)["body"]["verdict"]["clean"]


def test_a_scene_is_credited_to_both_its_pictures():
    rows = {row.kind: row for row in open_v1.listed() if row.repo == "renpy/renpy"}
    other = next(row for row in open_v1.listed() if row.kind == "photo")
    sources = [f"{rows['background'].file} with {rows['sprite'].file}", f"{rows['background'].file} with {other.file}"]
    items = tuple(item_of(str(n), "train", source=source) for n, source in enumerate(sources))
    found = facts.licences(Manifest(Path(), open_v1.NAME, "1", SIZE, items))
    assert {entry["credit"]: entry["images"]["anime"] for entry in found} == {
        rows["background"].licence: 2,
        other.licence: 1,
    }


def test_a_collection_without_train_may_hold_series_of_another():
    items = [item_of("a", "series"), item_of("b", "test")]
    assert facts.crossings(Manifest(Path(), "mine", "1", SIZE, in_order(items))) == []
    (found,) = facts.crossings(Manifest(Path(), "mine", "1", SIZE, in_order([*items, item_of("c", "train")])))
    assert (found["what"], found["name"], found["splits"]) == ("group", "g0", ["series"])
