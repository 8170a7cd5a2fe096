"""Collections leave and come back the same, other tools read them, and nothing hostile gets in."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.data import interchange, png
from bench.data import manifest as manifests
from bench.data.interchange import FORMATS, INDEX, export_split, huggingface, import_split
from bench.data.manifest import Item, LeftOut, Manifest, in_order, verify
from bench.errors import BenchError

SIZE = 24


def collection(home: Path, count: int = 12, size: int = SIZE, clips: bool = False, name: str = "mine") -> Manifest:
    """Anime without pages, manga with them, and two that show why names need care."""
    root = home / "data" / name / f"{size}px{'-clips' if clips else ''}"
    rng, items = np.random.default_rng(0), []
    for domain in ("anime", "anime.b", "manga"):
        (root / domain).mkdir(parents=True)
        for number in range(count):
            target = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            page = rng.integers(0, 256, (size, size), dtype=np.uint8) if domain == "manga" and number % 3 else None
            split = ("train", "val", "test", "series")[number % 4]
            place = (f"clip{number % 4}", number // 4) if clips else ("", 0)
            id = f"i{number % 4}-{number // 4:02}"
            pixels, group = png.digest(target, page), f"g é{number % 4}"
            item = Item(id, domain, split, group, f"ü/{number}.png", pixels, page is not None, *place)
            png.write(manifests.target_path(root, item), target)
            if page is not None:
                png.write(manifests.page_path(root, item), page)
            items.append(item)
    made = Manifest(
        root, name, "1", size, in_order(items), (LeftOut("x.png", "broken"),), ("anime: small",), clips=clips
    )
    made.write()
    return made


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def keys(made: Manifest) -> list[str]:
    return [made.split(domain, name).key for domain, names in made.counts().items() for name in names]


def refused(tmp_path: Path, folder: Path, match: str) -> None:
    """The import is refused in one line, and nothing is left in the home or written beside it."""
    before = digests(tmp_path)
    home = tmp_path / "fresh"
    with pytest.raises(BenchError, match=match) as caught:
        import_split(home, "mine", folder)
    assert "\n" not in str(caught.value)
    assert not [path for path in home.rglob("*") if path.is_file() or path.name.endswith(".part")]
    assert digests(tmp_path) == before


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_a_collection_comes_back_the_same(format, clips, tmp_path):
    made, done = collection(tmp_path / "home", clips=clips), []
    export_split(made, tmp_path / "out", format, lambda *now: done.append(now), shard=2)
    assert done == [(number + 1, 36) for number in range(36)]
    again = import_split(tmp_path / "other", "mine", tmp_path / "out", SIZE)
    assert keys(again) == keys(made)
    assert again.items == made.items
    assert (again.notes, again.left_out, again.version, again.clips) == (made.notes, made.left_out, "1", clips)
    assert manifests.read(again.root) == again
    assert again.root == tmp_path / "other" / made.root.relative_to(tmp_path / "home")
    assert verify(again) == verify(made)
    assert digests(again.root / "manga") == digests(made.root / "manga")
    assert import_split(tmp_path / "other", "mine", tmp_path / "out") == manifests.read(again.root)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_collection_gives_the_same_bytes(format, tmp_path):
    made = collection(tmp_path / "home")
    export_split(made, tmp_path / "one", format, shard=3)
    for path in made.root.rglob("*.png"):
        os.utime(path, (1, 1))
    export_split(made, tmp_path / "two", format, shard=3)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_tars_say_nothing_of_time_and_owner_and_are_sorted(tmp_path):
    export_split(collection(tmp_path / "home"), tmp_path / "out", "webdataset", shard=2)
    names = sorted(path.name for path in (tmp_path / "out").glob("manga-*.tar"))
    assert names[:2] == ["manga-series-000000.tar", "manga-series-000001.tar"]
    with tarfile.open(tmp_path / "out" / "manga-val-000000.tar") as tar:
        members = tar.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_the_number_of_images(format, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface, "GROUP_BYTES", 500_000)
    made = collection(tmp_path / "home", count=40, size=128)
    total = sum(path.stat().st_size for path in made.root.rglob("*.png"))
    peaks = []
    for turn in range(3):  # the first imports what it needs, and the interpreter's own tables grow now and then
        tracemalloc.start()
        try:
            export_split(made, tmp_path / f"out{turn}", format)
            import_split(tmp_path / f"home{turn}", "mine", tmp_path / f"out{turn}")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert min(peaks) < total / 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["hf", "parquet"])
def test_the_package_datasets_reads_it(format, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    made = collection(tmp_path / "home")
    folder = str(export_split(made, tmp_path / "out", format, shard=4))
    every = datasets.load_dataset(folder, cache_dir=str(tmp_path / "a"))
    assert {name: len(rows) for name, rows in every.items()} == dict.fromkeys(("train", "val", "test", "series"), 9)
    kind = {"hf": "imagefolder", "parquet": "parquet"}[format]
    named = datasets.load_dataset(kind, data_dir=folder, cache_dir=str(tmp_path / "b"))
    assert len(named["train"]) == len(named["test"]) == 9
    for row in named["test"]:
        item = next(i for i in made.items if (i.id, i.domain) == (row["id"], row["domain"]))
        page = None if row["page"] is None else np.asarray(row["page"])
        assert png.digest(np.asarray(row["image"]), page) == item.pixels == row["pixels"]
        assert (row["group"], row["source"], page is not None) == (item.group, item.source, item.page)


def test_what_the_package_datasets_writes_has_this_form(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    made = collection(tmp_path / "home")
    export_split(made, tmp_path / "out", "parquet")
    path = next((tmp_path / "out" / "data").glob("test-*.parquet"))
    rows = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "a"))
    rows.to_parquet(str(tmp_path / "theirs.parquet"))
    ours, theirs = pq.read_schema(path), pq.read_schema(tmp_path / "theirs.parquet")
    assert ours.equals(theirs)
    assert json.loads(ours.metadata[b"huggingface"]) == json.loads(theirs.metadata[b"huggingface"])
    shutil.copy(tmp_path / "theirs.parquet", path)
    assert keys(import_split(tmp_path / "other", "mine", tmp_path / "out")) == keys(made)


@pytest.mark.filterwarnings("ignore")
def test_the_package_webdataset_reads_it(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    made = collection(tmp_path / "home")
    export_split(made, tmp_path / "out", "webdataset", shard=2)
    urls = [path.as_uri() for path in sorted((tmp_path / "out").glob("manga-val-*.tar"))]
    rows = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8"))
    expected = made.split("manga", "val").items
    assert [row["__key__"] for row in rows] == [item.id for item in expected]
    for row, item in zip(rows, expected, strict=True):
        assert row["json"]["pixels"] == item.pixels
        assert ("page.png" in row) == item.page
        page = row["page.png"][..., 0] if item.page else None
        assert png.digest(row["png"], page) == item.pixels


def test_formats_and_folders_are_checked(tmp_path):
    made = collection(tmp_path / "home")
    with pytest.raises(BenchError, match=r"unknown format 'webdata'.*webdataset"):
        export_split(made, tmp_path / "out", "webdata")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path / "full", tmp_path / "full" / "mine.txt", tmp_path / "link"):
        with pytest.raises(BenchError, match="expected a new or empty folder"):
            export_split(made, taken, "hf")
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    export_split(made, tmp_path / "empty", "hf")
    assert len(import_split(tmp_path / "other", "mine", tmp_path / "empty").items) == 36


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_collection_is_not_exported(format, tmp_path):
    made = collection(tmp_path / "home")
    png.write(made.root / "manga" / "i1-01.png", np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(BenchError, match=r"i1-01\.png has other pixels.*bench data verify mine"):
        export_split(made, tmp_path / "out", format)
    assert not (tmp_path / "out").exists()


def test_names_and_sizes_are_checked(tmp_path):
    made = collection(tmp_path / "home")
    folder = export_split(made, tmp_path / "out", "hf")
    for name, why in (
        ("open-v1", "built-in"),
        ("../x", "must be lower-case"),
        ("x-legacy-shuffled", "does not leak"),
    ):
        with pytest.raises(BenchError, match=why):
            import_split(tmp_path / "other", name, folder)
    with pytest.raises(BenchError, match="holds images of 24 px, not 64"):
        import_split(tmp_path / "other", "mine", folder, 64)
    other = collection(tmp_path / "other", count=8)
    with pytest.raises(BenchError, match="already there with other images"):
        import_split(tmp_path / "other", "mine", folder)
    assert manifests.read(other.root) == other


def test_a_leaking_split_keeps_its_name(tmp_path):
    made = collection(tmp_path / "home", name="mine-legacy-shuffled")
    folder = export_split(made, tmp_path / "out", "parquet")
    with pytest.raises(BenchError, match="the split of mine-legacy-shuffled leaks"):
        import_split(tmp_path / "other", "mine", folder)
    assert keys(import_split(tmp_path / "other", "mine-legacy-shuffled", folder)) == keys(made)


def test_foreign_folders_are_sent_to_the_recipe(tmp_path):
    (tmp_path / "in").mkdir()
    refused(tmp_path, tmp_path / "in", r"has none; a foreign data set .*--recipe huggingface")
    refused(tmp_path, tmp_path / "nothing", "expected the folder of an export")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(schema=2),
        lambda v: v.update(format="pickle"),
        lambda v: v.update(size="24"),
        lambda v: v.update(size=10**9),
        lambda v: v.update(shard=0),
        lambda v: v.update(clips="no"),
        lambda v: v.update(collection="../../x"),
        lambda v: v.update(notes=[1]),
        lambda v: v.update(parts=[]),
        lambda v: v["parts"][0].update(domain="../x"),
        lambda v: v["parts"][0].update(split="../x"),
        lambda v: v["parts"][0].update(images=0),
        lambda v: v["parts"].append(v["parts"][0]),
        lambda v: v.pop("parts"),
    ],
)
def test_an_index_that_no_export_writes_is_refused(change, tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", "hf")
    value = json.loads((folder / INDEX).read_text())
    change(value)
    (folder / INDEX).write_text(json.dumps(value))
    refused(tmp_path, folder, f"is not a whole export .{INDEX}")


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "null", '{"schema": 1}'])
def test_an_index_that_is_no_index_is_refused(text, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / INDEX).write_text(text)
    refused(tmp_path, tmp_path / "out", "is not a whole export")


@pytest.mark.parametrize(
    "change",
    [
        {"images": 4},
        {"images": 2},
        {"digest": "0" * 64},
        {"split": "train"},
    ],
)
@pytest.mark.parametrize("format", FORMATS)
def test_other_images_than_the_index_says_are_refused(format, change, tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", format)
    value = json.loads((folder / INDEX).read_text())
    next(part for part in value["parts"] if part["split"] == "test").update(change)
    (folder / INDEX).write_text(json.dumps(value))
    refused(tmp_path, folder, "is not a whole export")


LINES = {
    "a path up": lambda v: v.update(id="../../evil", file_name="../../evil.png"),
    "a path up in the file alone": lambda v: v.update(file_name="../secret.png"),
    "an absolute path": lambda v: v.update(file_name="/etc/passwd"),
    "a path in the domain": lambda v: v.update(domain="../x", file_name="../x--i0-00.png"),
    "another image's file": lambda v: v.update(file_name="manga--i2-00.png"),
    "a page elsewhere": lambda v: v.update(page_file_name="../page.png"),
    "a hidden id": lambda v: v.update(id=".x", file_name="anime--.x.png"),
    "a number for a name": lambda v: v.update(id=5),
    "no digest": lambda v: v.update(pixels="x"),
    "no group": lambda v: v.pop("group"),
    "another split": lambda v: v.update(split="train"),
}


@pytest.mark.parametrize("change", LINES.values(), ids=LINES.keys())
def test_lines_with_tricks_are_refused(change, tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", "hf")
    (folder / "secret.png").write_bytes((folder / "test" / "anime--i2-00.png").read_bytes())
    path = folder / "test" / "metadata.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(lines[0])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    refused(tmp_path, folder, "is not a whole export")


def test_broken_folders_are_refused(tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "whole", "hf")

    def with_change(name: str, change) -> Path:
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        change(copy / "test")
        return copy

    first = "anime--i2-00.png"
    cut = (folder / "test" / first).read_bytes()[:200]
    cases = {
        "no image": lambda p: (p / first).unlink(),
        "cut": lambda p: (p / first).write_bytes(cut),
        "swapped": lambda p: shutil.copy(p / "anime--i2-01.png", p / first),
        "linked": lambda p: ((p / first).unlink(), (p / first).symlink_to(folder / "test" / first)),
        "a folder": lambda p: ((p / first).unlink(), (p / first).mkdir()),
        "too large": lambda p: (p / first).write_bytes(bytes(2**21)),
        "no lines": lambda p: (p / "metadata.jsonl").unlink(),
        "cut lines": lambda p: (p / "metadata.jsonl").write_text("{"),
        "no JSON": lambda p: (p / "metadata.jsonl").write_text("{\n"),
        "a list": lambda p: (p / "metadata.jsonl").write_text("[]\n"),
        "deep": lambda p: (p / "metadata.jsonl").write_text("[" * 20_000 + "\n"),
        "endless": lambda p: (p / "metadata.jsonl").write_text(" " * 200_000 + "\n"),
        "twice": lambda p: (p / "metadata.jsonl").write_bytes((p / "metadata.jsonl").read_bytes() * 2),
        "linked lines": lambda p: (
            (p / "metadata.jsonl").unlink(),
            (p / "metadata.jsonl").symlink_to(folder / "test" / "metadata.jsonl"),
        ),
        "linked folder": lambda p: (shutil.rmtree(p), p.symlink_to(folder / "test")),
    }
    for name, change in cases.items():
        refused(tmp_path, with_change(name, change), f"{name} is not a whole export")


def rewritten(path: Path, change) -> None:
    """Write a tar again with its members as `change` gives them."""
    with tarfile.open(path) as tar:
        members = [(member, file.read()) for member in tar if (file := tar.extractfile(member))]
    with tarfile.open(path, "w") as tar:
        for member, content in change(members):
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, to
    return made


TARS = {
    "a path up": lambda m: [(member("../../evil.png"), b"x"), *m],
    "an absolute path": lambda m: [(member("/tmp/evil.png"), b"x"), *m],
    "a path": lambda m: [(member("anime/i.png"), b"x"), *m],
    "a link": lambda m: [(member("i2-00.png", tarfile.SYMTYPE, "/etc/passwd"), b""), *m],
    "a hard link": lambda m: [(member("i2-00.png", tarfile.LNKTYPE, "../../evil"), b""), *m],
    "a device": lambda m: [(member("i2-00.png", tarfile.CHRTYPE), b""), *m],
    "a folder": lambda m: [(member("i2-00.png", tarfile.DIRTYPE), b""), *m],
    "a pickle": lambda m: [(member("i2-00.pkl"), b"x"), *m],
    "too large": lambda m: [(member("i2-00.png"), bytes(2**21)), *m[2:]],
    "endless words": lambda m: [(member("i2-00.json"), b" " * 100_000), *m[1:]],
    "no JSON": lambda m: [(member("i2-00.json"), b"{"), *m[1:]],
    "twice": lambda m: [m[0], *m],
    "apart": lambda m: [*m[1:], m[0]],
    "no image": lambda m: [m[0], *m[2:]],
    "another's words": lambda m: [(member("i2-00.json"), m[2][1]), *m[1:]],
    "another's pixels": lambda m: [m[0], (member("i2-00.png"), m[3][1]), *m[2:]],
    "one more": lambda m: [*m, (member("i9.json"), m[0][1].replace(b"i2-00", b"i9")), (member("i9.png"), m[1][1])],
    "one less": lambda m: m[2:],
}


REASONS = {
    "a path up": "which is no image's name",
    "an absolute path": "which is no image's name",
    "a path": "which is no image's name",
    "a link": "which is not a plain file",
    "a hard link": "which is not a plain file",
    "a device": "which is not a plain file",
    "a folder": "which is not a plain file",
    "a pickle": "which is no image's name",
    "too large": "bytes, more than",
    "endless words": "bytes, more than",
    "no JSON": "is not JSON",
    "twice": "stands twice",
    "apart": "holds but png of i2-00",
    "no image": "holds but json of i2-00",
    "another's words": "speaks of another image",
    "another's pixels": "other pixels than said",
    "one more": "more than its|no SHA|digest|other pixels|has other images",
    "one less": "test of anime has other images",
}


@pytest.mark.parametrize("name", TARS)
def test_tars_with_tricks_are_refused(name, tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", "webdataset")
    rewritten(folder / "anime-test-000000.tar", TARS[name])
    refused(tmp_path, folder, f"is not a whole export .*({REASONS[name]})")


def test_broken_tars_are_refused(tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", "webdataset")
    path = folder / "anime-test-000000.tar"
    whole = path.read_bytes()
    for content in (b"", b"no tar at all" * 100, whole[:700], whole[: len(whole) // 2]):
        path.write_bytes(content)
        refused(tmp_path, folder, "is not a whole export")
    path.unlink()
    refused(tmp_path, folder, r"anime-test-000000\.tar is missing or a link")
    (tmp_path / "elsewhere.tar").write_bytes(whole)
    path.symlink_to(tmp_path / "elsewhere.tar")
    refused(tmp_path, folder, r"anime-test-000000\.tar is missing or a link")


def test_broken_tables_are_refused(tmp_path):
    folder = export_split(collection(tmp_path / "home"), tmp_path / "out", "parquet")
    path = folder / "data" / "test-00000-of-00001.parquet"
    whole = path.read_bytes()
    table = pq.read_table(path)

    def changed(name: str, values: list) -> pa.Table:
        place = table.schema.get_field_index(name)
        return table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))

    rows = table.to_pylist()
    images = [row["image"] for row in rows]
    without = [{"bytes": None, "path": "/etc/passwd"}, *images[1:]]
    for other in (
        changed("image", [images[1], images[0], *images[2:]]),
        changed("image", without),
        changed("image", [None, *images[1:]]),
        changed("image", [{"bytes": bytes(2**21), "path": None}, *images[1:]]),
        changed("id", ["../../evil", *[row["id"] for row in rows[1:]]]),
        changed("domain", ["../evil", *[row["domain"] for row in rows[1:]]]),
        changed("id", [None, *[row["id"] for row in rows[1:]]]),
        table.drop_columns(["group"]),
        table.slice(1),
        pa.concat_tables([table, table]),
    ):
        pq.write_table(other, path)
        refused(tmp_path, folder, "is not a whole export")
    for content in (b"", b"PAR1 nothing PAR1", whole[: len(whole) // 2], whole[:-30] + bytes(30)):
        path.write_bytes(content)
        refused(tmp_path, folder, r"test-00000-of-00001\.parquet is a damaged Parquet file")
    path.unlink()
    refused(tmp_path, folder, "is missing or a link")


def test_nothing_here_unpickles() -> None:
    for module in Path(interchange.__file__).parent.glob("*.py"):
        assert "pickle" not in module.read_text(encoding="utf-8")
