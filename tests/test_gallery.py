"""Galleries: that the same facts give the same bytes, what is never shown, and files made to harm."""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image
from test_records import sample_record
from typer.testing import CliRunner

from bench import gallery, report
from bench.cli import app
from bench.data import collections, open_v1, png
from bench.data.loading import load
from bench.data.manifest import Item, Manifest, Split, in_order
from bench.data.manifest import read as read_manifest
from bench.errors import BenchError
from bench.evaluate import Subject, evaluate, painted
from bench.gallery import Gallery, Index, heat, learning
from bench.gallery.facts import Sheet
from bench.gallery.making import NO_PICTURES, NO_VALUES, OTHER_RUN, make
from bench.gallery.sheets import Sheets
from bench.leaderboard import GRAY
from bench.predictions import Origin, keeping
from bench.records import Record, read_all, write
from bench.report import html
from bench.report.content import Page, pages
from bench.report.sections import explorer
from bench.scoring import Scorer
from bench.types import Entry, Images, Mix, Track

SIZE, STILLS, FRAMES = 32, 9, 4
RNG = np.random.default_rng(8)
KEY = ("gray", "anime")


def drawn(count: int) -> np.ndarray:
    """Flat pictures of four to eight colours: what drawings are, in small."""
    blocks = RNG.integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)
    return blocks.repeat(SIZE // 4, 1).repeat(SIZE // 4, 2)


def collect(home: Path, name: str, clips: bool, source: Callable[[int], str], notes: tuple[str, ...] = ()) -> Manifest:
    """A collection with one domain and one split, of pictures that stand in no file but ours."""
    root = collections.folder(home, name, SIZE, clips)
    (root / "anime").mkdir(parents=True)
    count = 3 * FRAMES if clips else STILLS
    items = []
    for place, picture in enumerate(drawn(count)):
        clip, frame = divmod(place, FRAMES)
        id = f"c{clip}-{frame}" if clips else f"i{place}"
        png.write(root / "anime" / f"{id}.png", picture)
        group = f"g{clip if clips else place % 3}"
        film = (f"c{clip}", frame) if clips else ("", 0)
        items.append(Item(id, "anime", "test", group, source(place), png.digest(picture, None), False, *film))
    made = Manifest(root, name, "1", SIZE, in_order(items), clips=clips, notes=notes)
    made.write()
    return made


def tinted(shift: int) -> Callable[[Images], np.ndarray]:
    """A model that sees the truth and is off by so much in red."""

    def predict(images: Images) -> np.ndarray:
        shifts = np.array([shift + 9 * (place % 4) for place in range(len(images))])[:, None, None]
        out = images.targets.astype(int)
        out[..., 0] += shifts
        return out.clip(0, 255).astype(np.uint8)

    return predict


def enter(home: Path, records: Path, manifest: Manifest, name: str, predict: Callable, track: str = "gray") -> Record:
    """Evaluate an entry, as `bench evaluate` does, and write its record."""
    model, _, mix = name.partition("@")
    digest = hashlib.sha256(name.encode()).hexdigest()
    training = None
    if mix:
        facts = sample_record(name).training
        assert facts is not None
        training = asdict(facts) | {"collection": manifest.collection, "track": track, "weights_sha256": digest}
    kind = "trained" if mix else "reference" if model == GRAY else "submission"
    entry = Entry(model, Mix.parse(mix) if mix else None)
    subject = Subject(entry, kind, painted(predict), "" if kind == "reference" else digest, training)
    split = manifest.split("anime", "test")
    made = evaluate(subject, split, load(split, Track.parse(track)), track, Scorer(protocol_only=True), home, "bench")
    write(records, made)
    return made


def gray(images: Images) -> np.ndarray:
    return images.conditions[..., None].repeat(3, -1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three entries on stills and two on clips of a collection whose licences are known."""
    home = tmp_path_factory.mktemp("home")
    rows = [row for row in open_v1.listed() if row.domain == "anime"]
    stills = collect(home, open_v1.NAME, False, lambda place: rows[place].file)
    clips = collect(home, open_v1.NAME, True, lambda place: rows[place].file)
    records = home / "records"
    enter(home, records, stills, "near@anime", tinted(5))
    enter(home, records, stills, "far@cartoon+anime", tinted(60))
    enter(home, records, stills, "stranger@manga", tinted(40))
    enter(home, records, stills, "gray-copy", gray)
    enter(home, records, clips, "moving@anime", tinted(20), "gray+previous")
    enter(home, records, clips, "gray-copy", gray, "gray+previous")
    lines = "".join(f"{step},gan,generator_l1,{1 / step}\n" for step in range(1, 200))
    folder = home / "checkpoints" / open_v1.NAME / "near" / "smoke-s0"
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(json.dumps({"weights_sha256": hashlib.sha256(b"near@anime").hexdigest()}))
    (folder / "curves.csv").write_text(f"step,stage,term,value\n{lines}50,gan,validation_ciede2000,12.5\n")
    return home


@pytest.fixture(scope="module")
def made(home: Path) -> Gallery:
    return make(read_all(home / "records"), open_v1.NAME, SIZE, home)


def shown(made: Gallery, home: Path) -> Page:
    (page,) = pages(read_all(home / "records"))
    return replace(page, gallery=made)


def tile(made: Gallery, where: gallery.Tile | None) -> np.ndarray:
    assert where is not None
    with Image.open(io.BytesIO(made.pictures[made.index.sheets[where.sheet].name])) as picture:
        whole = np.asarray(picture.convert("RGB"))
    return whole[where.place * SIZE : (where.place + 1) * SIZE]


def test_what_hangs_is_what_was_painted(made: Gallery, home: Path) -> None:
    assert made.index.shown
    walls = {(wall.track, wall.domain): wall for wall in made.index.walls}
    wall = walls[KEY]
    names = [one.entry for one in wall.exhibits]
    assert names[0] == "near@anime"
    assert sorted(names) == ["far@cartoon+anime", "gray-copy", "near@anime"]
    assert wall.left_out == {"stranger@manga": "not trained on anime"}
    record = next(record for record in read_all(home / "records") if record.entry.name == "near@anime")
    one = next(one for one in wall.exhibits if one.entry == "near@anime")
    assert one.ciede2000 == record.scores["ciede2000"].value
    images = load(split_of(home), Track("gray"))
    painted_all = tinted(5)(images)
    values = [float(heat.ciede2000_map(a, b).mean()) for a, b in zip(painted_all, images.targets, strict=True)]
    for case, row in ((one.best, int(np.argmin(values))), (one.worst, int(np.argmax(values)))):
        assert wall.images[case.image].id == images.ids[row]
        assert case.scores["ciede2000"] == pytest.approx(values[row], abs=1e-3)
        codes = tile(made, case.heat)[..., 0]
        assert (codes == heat.steps(painted_all[row], images.targets[row])).all()
        assert np.abs(tile(made, case.prediction).astype(int) - painted_all[row]).mean() < 8
        assert (
            np.abs(tile(made, wall.images[case.image].condition)[..., 0].astype(int) - images.conditions[row]).mean()
            < 4
        )
        assert np.abs(tile(made, wall.images[case.image].target).astype(int) - images.targets[row]).mean() < 8
    moving = walls["gray+previous", "anime"]
    assert len(moving.clip) == FRAMES
    assert all(one.clip is not None and len(one.clip.frames) == FRAMES for one in moving.exhibits)


def test_the_gray_copy_is_the_condition_and_is_kept_once(made: Gallery) -> None:
    walls = [wall for wall in made.index.walls if any(one.entry == GRAY for one in wall.exhibits)]
    assert {bool(wall.clip) for wall in walls} == {False, True}
    for wall in walls:
        (copy,) = (one for one in wall.exhibits if one.entry == GRAY)
        for case in (copy.best, copy.median, copy.worst, *copy.common):
            assert case.prediction == wall.images[case.image].condition
        if copy.clip is not None:
            assert [wall.images[place].condition for place in wall.clip] == list(copy.clip.frames)


def test_lines_are_kept_without_loss_where_that_is_smaller() -> None:
    lines = np.full((2, SIZE, SIZE), 255, np.uint8)
    lines[:, ::5] = 0
    soft = np.stack([cv2.GaussianBlur(noise, (0, 0), 3) for noise in RNG.normal(128, 200, (2, SIZE, SIZE))])
    for pictures, kind in ((lines, "webp"), (soft.clip(0, 255).astype(np.uint8), "avif")):
        sheets = Sheets()
        assert sheets.draw(list(pictures)) == [(0, 0), (0, 1)]
        (sheet,) = sheets.made
        assert sheet.kind == kind
        with Image.open(io.BytesIO(sheets.pictures[sheet.name])) as kept:
            shown_twice = np.asarray(kept.convert("L"))
        assert shown_twice.shape == (2 * SIZE, SIZE)
        assert kind == "avif" or np.array_equal(shown_twice[SIZE:], pictures[1])


def test_fewer_entries_are_the_first_of_every_wall(made: Gallery) -> None:
    def names(gallery: Gallery) -> dict[str, list[str]]:
        return {wall.track: [one.entry for one in wall.exhibits if not one.reference] for wall in gallery.index.walls}

    assert names(made) == {"gray": ["near@anime", "far@cartoon+anime"], "gray+previous": ["moving@anime"]}
    assert made.players == 3
    assert names(made.fewer(3)) == names(made)
    assert names(made.fewer(2)) == {"gray": ["near@anime"], "gray+previous": ["moving@anime"]}
    assert names(made.fewer(1)) == {"gray": ["near@anime"]}
    assert names(made.fewer(0)) == {}
    assert [made.fewer(count).passed_over for count in range(4)] == [3, 2, 1, 0]
    assert all(wall.exhibits[-1].entry == GRAY or GRAY in [one.entry for one in wall.exhibits]
               for wall in made.fewer(1).index.walls)  # fmt: skip


def test_a_page_shows_as_many_pictures_as_it_may_hold(made: Gallery, home: Path) -> None:
    page = shown(made, home)
    whole, fewest = html.page(page), html.page(page, 1)
    sizes = [len(html.page(replace(page, gallery=made.fewer(count))).encode()) for count in range(4)]
    assert sizes == sorted(sizes)
    assert html.page(page, len(whole.encode())) == whole
    assert "not shown here" not in whole
    assert "data:image" not in fewest
    assert "3 entries of the gallery not shown here" in fewest
    assert "with them this page would be too large" in fewest
    between = html.page(page, sizes[2])
    assert len(between.encode()) <= sizes[2]
    assert "1 entry of the gallery not shown here" in between
    assert "far@cartoon+anime" not in explorer.body(replace(page, gallery=made.fewer(2)))


def split_of(home: Path) -> Split:
    return read_manifest(collections.folder(home, open_v1.NAME, SIZE, False)).split("anime", "test")


def test_the_same_facts_give_the_same_bytes_and_come_back(made: Gallery, home: Path, tmp_path: Path) -> None:
    again = make(read_all(home / "records")[::-1], open_v1.NAME, SIZE, home)
    paths = [gallery.write(tmp_path / name, one) for name, one in (("a", made), ("b", again))]
    assert paths[0].name == f"{open_v1.NAME}-{SIZE}px.zip"
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert gallery.read(paths[0]) == made
    assert gallery.of(tmp_path / "a", open_v1.NAME, SIZE) == made
    assert gallery.of(tmp_path / "a", open_v1.NAME, 64) is None


def test_pictures_of_another_run_are_left_out(home: Path, tmp_path: Path) -> None:
    records = read_all(home / "records")
    near = next(record for record in records if record.entry.name == "near@anime")
    for folder in ("data", "scores", "checkpoints"):
        (tmp_path / folder).symlink_to(home / folder)
    shutil.copytree(home / "predictions", tmp_path / "predictions")
    # Trained again: the record and its scores are new, what is kept is old.
    assert near.training is not None
    newer = replace(near, training=replace(near.training, weights_sha256="0" * 64))
    made = make([newer if one == near else one for one in records], open_v1.NAME, SIZE, tmp_path)
    (wall,) = (wall for wall in made.index.walls if wall.track == "gray")
    assert wall.left_out["near@anime"] == NO_PICTURES
    assert "near@anime" not in [one.entry for one in wall.exhibits]
    # Evaluated again: the scores are not the record's.
    newer = replace(near, groups={name: value + 1 for name, value in near.groups.items()})
    made = make([newer if one == near else one for one in records], open_v1.NAME, SIZE, tmp_path)
    (wall,) = (wall for wall in made.index.walls if wall.track == "gray")
    assert "scores" in wall.left_out["near@anime"]
    # Kept under the same weights, but other pictures: their scores tell.
    images, stem = load(split_of(home), Track("gray")), near.file_name.removesuffix(".json")
    with zipfile.ZipFile(home / "predictions" / f"{stem}.kept") as archive:
        model = json.loads(archive.read("facts.json"))["model"]
    with keeping(tmp_path, stem, Origin(near.split.digest, "gray", model), images.ids) as add:
        add(tinted(6)(images))
    made = make(records, open_v1.NAME, SIZE, tmp_path)
    (wall,) = (wall for wall in made.index.walls if wall.track == "gray")
    assert wall.left_out["near@anime"] == NO_PICTURES
    assert "far@cartoon+anime" in [one.entry for one in wall.exhibits]


def test_pictures_without_a_known_licence_are_never_kept(tmp_path: Path) -> None:
    terms = "recipe manga109: pages; terms: academic use alone"
    manifest = collect(tmp_path, "my-show", False, lambda place: f"episode-{place}.png", (terms,))
    enter(tmp_path, tmp_path / "records", manifest, "near@anime", tinted(5))
    made = make(read_all(tmp_path / "records"), "my-show", SIZE, tmp_path)
    assert not made.index.shown
    assert terms in made.index.why
    assert made.pictures == {}
    (wall,) = made.index.walls
    assert wall.exhibits[0].worst.scores["ciede2000"] > 0
    path = gallery.write(tmp_path / "out", made)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["index.json"]
    (page,) = pages(read_all(tmp_path / "records"))
    body = explorer.body(replace(page, gallery=gallery.read(path)))
    assert "data:image" not in body
    assert "academic use alone" in body
    assert wall.images[wall.exhibits[0].worst.image].id in body
    # A file that holds some nevertheless is refused.
    sheets = Sheets()
    sheets.paint([np.zeros((SIZE, SIZE, 3), np.uint8)])
    bad = Gallery(replace(made.index, sheets=tuple(sheets.made)), sheets.pictures)
    with pytest.raises(BenchError, match="may not be shown"):
        gallery.write(tmp_path, bad)


def packed(path: Path, index: bytes, pictures: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("index.json", index)
        for name, data in pictures.items():
            archive.writestr(name, data)
    return path


def test_a_gallery_made_to_harm_is_refused(made: Gallery, tmp_path: Path) -> None:
    index, pictures = msgspec.json.encode(made.index), dict(made.pictures)
    plain = msgspec.json.decode(index)
    first = made.index.sheets[0]

    def refused(why: str, index: bytes = index, pictures: dict[str, bytes] = pictures) -> None:
        with pytest.raises(BenchError, match=why):
            gallery.read(packed(tmp_path / "bad.zip", index, pictures))

    def told(**changes: object) -> bytes:
        return json.dumps(plain | changes).encode()

    assert gallery.read(packed(tmp_path / "good.zip", index, pictures)) == made
    refused("lie outside", pictures=pictures | {"../../evil.avif": b"x"})
    refused("other files", pictures=pictures | {"evil.avif": b"x"})
    refused("other files", pictures={})
    refused("larger than", index=b" " * (2**24 + 1))
    refused("another digest", pictures=pictures | {first.name: b"\0" * 2**20})
    refused("larger than", pictures=pictures | {first.name: b"\0" * (2**22 + 1)})
    refused("index.json", index=b'{"schema": 1}')
    refused("index.json", index=b"[" * 100_000)
    refused("index.json", index=told(schema=2))
    refused("collection", index=told(collection="../../etc"))
    refused("pixels", index=told(size=33))
    wall = plain["walls"][0]
    refused("no picture", index=told(walls=[wall | {"images": [wall["images"][0] | {"target": [0, 999]}] * 99}]))
    refused("not there", index=told(walls=[wall | {"images": wall["images"][:1]}]))
    refused("other common", index=told(walls=[wall | {"common": [0]}]))
    for data in (as_png(), as_avif(2 * SIZE)):
        digest = hashlib.sha256(data).hexdigest()
        other = Index(1, "open-v1", SIZE, True, "", 1, (Sheet(digest, "avif", 1),))
        refused(r"is no avif|is 64 x 64", index=msgspec.json.encode(other), pictures={f"{digest}.avif": data})
    whole = (tmp_path / "good.zip").read_bytes()
    for cut in (10, len(whole) // 2, len(whole) - 10):
        (tmp_path / "cut.zip").write_bytes(whole[:cut])
        with pytest.raises(BenchError, match=r"not a whole zip|not a gallery"):
            gallery.read(tmp_path / "cut.zip")
    (tmp_path / "procedural-v1-32px.zip").write_bytes(whole)
    with pytest.raises(BenchError, match="holds the gallery of open-v1"):
        gallery.of(tmp_path, "procedural-v1", SIZE)


def as_png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (SIZE, SIZE)).save(stream, "PNG")
    return stream.getvalue()


def as_avif(side: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side)).save(stream, "AVIF")
    return stream.getvalue()


def test_curves_are_thinned_and_keep_their_ends(made: Gallery) -> None:
    (key,) = made.curves
    assert key == ("near@anime", "gray", 0)
    curve = made.curves[key]
    assert (curve.validation.steps, curve.validation.values) == ((50,), (12.5,))
    line = curve.losses["generator_l1"]
    assert len(line.steps) == learning.POINTS
    assert (line.steps[0], line.steps[-1]) == (1, 199)
    assert line.values[1] == float(f"{1 / line.steps[1]:.5g}")


def test_scores_that_lack_are_told_from_those_of_another_run(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home")
    (path,) = (tmp_path / "home/scores").glob("*near@anime*")
    records = read_all(home / "records")

    def why() -> str:
        walls = make(records, open_v1.NAME, SIZE, tmp_path / "home").index.walls
        (wall,) = (wall for wall in walls if wall.track == "gray")
        return wall.left_out["near@anime"]

    shutil.copy(next((tmp_path / "home/scores").glob("*far@*")), path)
    assert why() == OTHER_RUN
    path.unlink()
    assert why() == NO_VALUES


def test_steps_count_colour_difference() -> None:
    target = np.full((16, 16, 3), 128, np.uint8)
    assert (heat.steps(target, target) == 0).all()
    assert (heat.steps(np.zeros_like(target), np.full_like(target, 255)) == 255).all()
    painted_one = target.copy()
    painted_one[..., 0] += 40
    expected = int(heat.ciede2000_map(painted_one, target)[0, 0] // heat.STEP) * heat.LEVELS
    assert 0 < expected < 255
    assert (heat.steps(painted_one, target) == expected).all()
    assert len(set(heat.ramp())) == heat.STEPS
    assert len(set(heat.differences())) == 2 * heat.STEPS - 1


def test_the_section_leaves_out_what_was_evaluated_again_and_stays_text(made: Gallery, home: Path) -> None:
    page = shown(made, home)
    assert "near@anime" in explorer.body(page)
    assert explorer.body(page).count("Mean CIEDE2000, seed 0") == 2
    assert explorer.body(replace(page, gallery=None)) == ""
    bad = "</script><img src=x onerror=alert(1)>"
    walls = tuple(
        replace(wall, images=tuple(replace(image, id=bad, slices=(bad,)) for image in wall.images))
        for wall in made.index.walls
    )
    body = explorer.body(replace(page, gallery=replace(made, index=replace(made.index, walls=walls))))
    assert "<img" not in body
    assert body.count("</script>") == 1
    walls = tuple(
        replace(wall, exhibits=tuple(replace(one, ciede2000=one.ciede2000 + 0.5) for one in wall.exhibits))
        for wall in made.index.walls
    )
    body = explorer.body(replace(page, gallery=replace(made, index=replace(made.index, walls=walls))))
    assert "near@anime" not in body
    assert "evaluated again" in body


def test_the_command_makes_one_file_a_collection(home: Path, tmp_path: Path) -> None:
    common = ["gallery", "--home", str(home), "--records", str(home / "records"), "--out", str(tmp_path)]
    said = CliRunner().invoke(app, common)
    assert said.exit_code == 0, said.output
    assert "anime gray: 3 entries; 1 not trained on anime" in said.output
    assert gallery.of(tmp_path, open_v1.NAME, SIZE) is not None
    said = CliRunner().invoke(app, [*common, "--collection", "nothing"])
    assert said.exit_code == 2
    said = CliRunner().invoke(app, [*common, "--entries", "1"])
    assert "anime gray: 2 entries; 1 behind the first 1; 1 not trained on anime" in said.output
    # A home without scores must not replace a gallery by an empty one.
    (tmp_path / "data").symlink_to(home / "data")
    said = CliRunner().invoke(app, [*common, "--home", str(tmp_path)])
    assert said.exit_code == 2
    assert gallery.of(tmp_path, open_v1.NAME, SIZE) is not None


def test_a_report_shows_the_gallery_beside_its_boards(made: Gallery, home: Path, tmp_path: Path) -> None:
    places = tmp_path / "boards", tmp_path / "reports"
    records = read_all(home / "records")
    gallery.write(places[0] / gallery.FOLDER, made)
    report.render(records, *places)
    page = (places[1] / f"{open_v1.NAME}-{SIZE}px.html").read_text(encoding="utf-8")
    assert 'id="explorer-data"' in page
    assert report.check(home / "records", *places) == []
    for path in (places[0] / gallery.FOLDER).iterdir():
        path.unlink()
    assert any("differs" in line for line in report.check(home / "records", *places))
