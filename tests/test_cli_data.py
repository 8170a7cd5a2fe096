"""The commands under `bench data`, as a user types them."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bench.cli import app
from bench.data import png
from bench.data.certify import planted
from bench.data.certify.leaks import advice
from bench.data.collections import open_collection
from bench.data.manifest import Item, Manifest, target_path


def bench(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["data", *words, "--home", str(home)])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for group in range(10):
        folder = tmp_path / "pictures" / f"g{group}"
        folder.mkdir(parents=True)
        for place in range(4):
            small = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / f"{place}.png"), small.repeat(5, 0).repeat(5, 1))
    return tmp_path / "pictures"


@pytest.mark.parametrize("format", ["hf", "parquet", "webdataset"])
def test_what_is_exported_and_imported_keeps_its_keys(format: str, pictures: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    added = bench(here, "add", "my-show", str(pictures), "--domain", "anime", "--size", "32", "--group-by", "folder")
    assert added.exit_code == 0, added.output
    assert bench(here, "export", "my-show", str(tmp_path / "out"), "--format", format).exit_code == 0
    imported = bench(there, "import", "my-show", str(tmp_path / "out"))
    assert imported.exit_code == 0, imported.output
    keys = [
        {name: open_collection(home, "my-show", 32).split("anime", name).key for name in ("train", "val", "test")}
        for home in (here, there)
    ]
    assert keys[0] == keys[1]


def test_recipes_are_listed_and_described(tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["data", "recipes", "--json"])
    assert {"pokemon", "anime-sketch-pair"} <= {row["recipe"] for row in json.loads(listed.stdout)}
    assert "Pok" in CliRunner().invoke(app, ["data", "recipes", "pokemon"]).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["add", "x", "{pictures}"], "--domain"),
        (["add", "x", "{pictures}", "--domain", "anime", "--legacy-shuffled"], "belong to a --recipe"),
        (["add", "x", "{pictures}", "--recipe", "pokeman"], "Did you mean pokemon"),
        (["add", "x-legacy-shuffled", "{pictures}", "--domain", "anime"], "legacy-shuffled"),
        (["export", "nope", "{pictures}"], "unknown collection"),
        (["import", "x", "{pictures}"], "expected an export"),
        (["recipes", "pokeman"], "Did you mean pokemon"),
        (["show", "open-v1", "--clips"], "open-v1"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], expected: str, pictures: Path, tmp_path: Path) -> None:
    filled = [word.format(pictures=pictures) for word in words]
    command = ["data", *filled] + ([] if words[0] == "recipes" else ["--home", str(tmp_path / "home")])
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_collection_is_certified_and_the_certificate_checked(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planted, "SAMPLE", 1)
    home, out = tmp_path / "home", tmp_path / "out"
    assert bench(home, "add", "mine", str(pictures), "--domain", "anime", "--size", "32").exit_code == 0
    made = bench(home, "certify", "mine", "--out", str(out))
    assert made.exit_code == 0, made.output
    assert "0 pairs of copies across splits" in made.stdout
    signed = out / "mine-32px.certificate.json"
    # A user's pictures are on the page only where asked for.
    assert "data:image" not in (out / "mine-32px.certificate.html").read_text()
    shown = bench(home, "certify", "mine", "--out", str(tmp_path / "shown"), "--show")
    assert shown.exit_code == 0
    assert "data:image" in (tmp_path / "shown" / "mine-32px.certificate.html").read_text()
    good = bench(home, "certify", "mine", "--check", str(signed))
    assert (good.exit_code, "unchanged" in good.stdout) == (0, True)
    signed.write_text(signed.read_text().replace('"near-white": ', '"near-white": 1', 1))
    wrong = bench(home, "certify", "mine", "--check", str(signed))
    assert (wrong.exit_code, "was changed" in wrong.stdout) == (1, True)


def test_a_leak_is_told_with_what_to_do(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "SAMPLE", 1)
    home = tmp_path / "home"
    assert bench(home, "add", "mine", str(pictures), "--domain", "anime", "--size", "32").exit_code == 0
    made = open_collection(home, "mine", 32)
    first, second = (next(item for item in made.items if item.split == name) for name in ("train", "test"))
    # A held-out image becomes the mirror image of one in train, which no rule of `add` looks for.
    mirrored = png.read(target_path(made.root, first), (32, 32, 3))[:, ::-1].copy()
    png.write(target_path(made.root, second), mirrored)
    changed = replace(second, pixels=png.digest(mirrored, None))
    replace(made, items=tuple(changed if item is second else item for item in made.items)).write()
    told = bench(home, "certify", "mine", "--out", str(tmp_path / "out"))
    assert told.exit_code == 1, told.output
    last = told.stdout.splitlines()[-1]
    assert last.startswith(f"what to do: take out of your folder {second.source}, or put")
    assert last.endswith(
        f"then remove {made.root} and add it again: bench data add mine FOLDER --domain anime --size 32"
    )


def test_advice_goes_by_where_a_collection_comes_from(tmp_path: Path) -> None:
    item = Item("f-f00000012", "anime", "val", "f.mkv", "f.mkv frame 00000012 at 0.500 s", "")
    other = {"domain": "anime", "id": "x", "split": "train"}
    pair = {"first": other, "second": {"domain": "anime", "id": item.id, "split": "val"}}
    body = {"copies": [pair], "copies in other domains": [], "crossings": []}

    def told(name: str, version: str, body: dict = body, clips: bool = False) -> str:
        root = tmp_path / ("32px-clips" if clips else "32px")
        return advice(Manifest(root, name, version, 32, (item,), clips=clips), body)

    assert "take out of your folder f.mkv, or" in told("mine", "3", clips=True)
    assert f"remove {tmp_path / '32px'} and" in told("mine", "3", clips=True)
    assert "the splits of open-v1 are fixed" in told("open-v1", "2")
    assert "as their name says" in told("x-legacy-shuffled", "pokemon 1-legacy-shuffled")
    assert told("p", "pokemon 1").endswith("bench data add p FOLDER --recipe pokemon --size 32")
    assert told("p", "pokemon 1", body | {"copies": []}).startswith("what to do: remove ")
