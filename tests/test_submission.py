"""`bench submission check`: every reason at once, and the same verdict as the evaluation's."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from bench.cli import app
from bench.data import manifest as manifests
from bench.data import png
from bench.data.manifest import Item, Manifest, in_order
from bench.errors import BenchError
from bench.predictions import Submission, Wanted
from bench.records import judge_file
from bench.shelf import Shelf
from bench.submission import check
from bench.types import Track

SIDE = 32
IDS = ("a", "b", "c", "d", "e", "f")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection `mine` of one domain: six test images and two of series."""
    home = tmp_path_factory.mktemp("home")
    root, items = home / "data" / "mine" / f"{SIDE}px", []
    (root / "anime").mkdir(parents=True)
    pictures = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
    for id, picture in zip((*IDS, "s1", "s2"), pictures, strict=True):
        split = "series" if id.startswith("s") else "test"
        item = Item(id, "anime", split, f"g{id}", id, png.digest(picture, None))
        png.write(manifests.target_path(root, item), picture)
        items.append(item)
    Manifest(root, "mine", "1", SIDE, in_order(items)).write()
    return home


def picture(mode: str = "RGB", side: int = SIDE, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (200, 40, 90)).convert(mode).save(stream, kind)
    return stream.getvalue()


def sound(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for id in IDS:
        (folder / f"{id}.png").write_bytes(picture())
    return folder


def run(home: Path, *words: str, code: int) -> str:
    found = CliRunner().invoke(app, ["submission", "check", *words, "--collection", "mine", "--home", str(home)])
    assert found.exit_code == code, found.output
    return found.output


def test_a_sound_folder_says_what_it_would_become(home: Path, tmp_path: Path) -> None:
    said = run(home, str(sound(tmp_path / "p")), "--domain", "anime", "--split", "test", code=0)
    assert "6 pictures of mine/anime/test" in said
    assert "board of anime, track gray" in said
    assert "a valid entry" in said


def test_every_reason_is_named_at_once(home: Path, tmp_path: Path) -> None:
    folder = sound(tmp_path / "p")
    (folder / "a.png").unlink()
    (folder / "b.png").write_bytes(picture(side=8))
    (folder / "c.png").write_bytes(picture(kind="JPEG"))
    (folder / "d.png").write_bytes(picture("RGBA"))
    (folder / "e.png").write_bytes(picture()[:-20])
    (folder / "f.png").unlink()
    (folder / "f.png").mkdir()
    (folder / "x.png").write_bytes(picture())
    said = run(home, str(folder), "--split", "test", "--json", code=1)
    found = json.loads(said)
    kinds = {reason["kind"]: reason["name"] for reason in found["reasons"]}
    assert kinds == {
        "missing": "f.png",
        "unexpected": "x.png",
        "of another size": "b.png",
        "not PNG but JPEG": "c.png",
        "with alpha": "d.png",
        "truncated": "e.png",
        "not a plain file": "f.png",
    }
    assert sum(reason["kind"] == "missing" for reason in found["reasons"]) == 2
    assert not found["valid"]
    assert not found["becomes"]
    text = run(home, str(folder), "--split", "test", code=1)
    assert "missing: 2\n" in text
    assert "not a valid entry, 8 reasons" in text


def test_hostile_entries_are_named_beside_the_rest(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", picture())
        archive.writestr("a.png.png", picture())
        archive.writestr("../evil.png", picture())
        link = zipfile.ZipInfo("b.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    verdict = check(path, Shelf(home, "mine"), ["anime"], splits=["test"])
    assert {(one.kind, one.name) for one in verdict.reasons if one.kind == "hostile"} == {
        ("hostile", "../evil.png"),
        ("hostile", "b.png"),
    }
    assert sum(one.kind == "missing" for one in verdict.reasons) == 5
    assert ("unexpected", "a.png.png") in {(one.kind, one.name) for one in verdict.reasons}


@pytest.mark.parametrize("spoil", ["nothing", "missing", "size", "text"])
def test_it_judges_as_the_evaluation_does(spoil: str, home: Path, tmp_path: Path) -> None:
    folder = sound(tmp_path / "p")
    if spoil == "missing":
        (folder / "c.png").unlink()
    elif spoil != "nothing":
        (folder / "c.png").write_bytes(picture(side=9) if spoil == "size" else b"hello")
    wanted = {("anime", "test"): Wanted(IDS, (SIDE, SIDE, 3))}
    verdict = check(folder, Shelf(home, "mine"), ["anime"], splits=["test"])
    if spoil == "nothing":
        assert verdict.valid
        assert len(Submission(folder, wanted).all(("anime", "test"))) == 6
        return
    with pytest.raises(BenchError) as caught:
        Submission(folder, wanted).all(("anime", "test"))
    (reason,) = verdict.reasons
    assert f"1 {reason.kind} {reason.name}" in str(caught.value)


def test_arrays_and_ids(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    np.savez(path, images=np.zeros((6, SIDE, SIDE, 3), np.uint8), ids=np.array([*IDS[:5], "e"]))
    verdict = check(path, Shelf(home, "mine"), splits=["test"])
    assert [(one.kind, one.name) for one in verdict.reasons] == [("missing", "f"), ("duplicate", "e")]
    np.savez(path, images=np.zeros((6, 8, 8, 3), np.uint8), ids=np.array([*IDS[:5], "g"]))
    kinds = {one.kind for one in check(path, Shelf(home, "mine"), splits=["test"]).reasons}
    assert kinds == {"missing", "unexpected", "of another size"}


def test_a_model_file_and_its_convention_are_both_named(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(b"no model")
    path.with_suffix(".json").write_text("[]")
    reasons = check(path, Shelf(home, "mine")).reasons
    assert [one.name for one in reasons] == ["model.pt2", "model.json"]
    said = {"schema": 1, "name": "my-model", "track": "gray", "size": 8}
    said |= {"input": {"channels": ["condition"], "range": [0, 1]}, "output": {"space": "rgb", "range": [0, 1]}}
    path.with_suffix(".json").write_text(json.dumps(said))
    reasons = check(path, Shelf(home, "mine"), track=Track.parse("lineart-canny")).reasons
    assert [one.name for one in reasons] == ["model.pt2", "model.json", "model.json"]
    assert "declares the track gray, not lineart-canny" in reasons[1].detail
    assert "8 by 8 pixels, these are 32 by 32" in reasons[2].detail
    path.with_suffix(".json").write_text(json.dumps(said | {"resize": "bicubic"}))
    assert [one.name for one in check(path, Shelf(home, "mine")).reasons] == ["model.pt2"]

    program = torch.export.export(nn.Conv2d(1, 3, 3, 1, 1).eval(), (torch.rand(1, 1, 8, 8),))
    torch.export.save(program, path)
    convention = {
        "schema": 1,
        "name": "my-model",
        "track": "gray",
        "input": {"channels": ["condition"], "range": [0, 1]},
        "output": {"space": "rgb", "range": [0, 1]},
    }
    path.with_suffix(".json").write_text(json.dumps(convention))
    (wrong_track, wrong_size) = check(path, Shelf(home, "mine"), track=Track.parse("lineart-canny")).reasons
    assert "declares the track gray" in wrong_track.detail
    assert "8 by 8" in wrong_size.detail
    path.with_suffix(".json").write_text(json.dumps(convention | {"size": 8, "resize": "bicubic"}))
    verdict = check(path, Shelf(home, "mine"))
    assert verdict.valid
    assert len(verdict.becomes) == 2
    assert verdict.becomes[0].startswith("my-model on mine/anime/test")


def test_a_record_needs_no_collection(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    verdict = check(path)
    assert verdict.kind == "record"
    real = sorted((Path(__file__).parents[1] / "leaderboards" / "records").glob("*.json"))[0]
    assert check(real).valid
    path.write_bytes(real.read_bytes())
    (reason,) = check(path).reasons
    assert real.name in reason.detail


def test_every_fault_of_a_record_is_named_at_once(home: Path, tmp_path: Path) -> None:
    real = sorted((Path(__file__).parents[1] / "leaderboards" / "records").glob("*.json"))[0]
    facts = json.loads(real.read_text())
    facts["entry"]["kind"], facts["split"]["n"], facts["track"] = "magic", "many", 7
    path = tmp_path / real.name
    path.write_text(json.dumps(facts))
    details = [one.detail for one in check(path).reasons]
    assert details == judge_file(path)
    for field in ("entry.kind", "split.n", "track"):
        assert any(f"field {field}" in detail for detail in details), details
    assert "not a valid entry, 3 reasons" in run(home, str(path), code=1)


def test_questions_without_an_answer_are_one_line(home: Path, tmp_path: Path) -> None:
    for words, said in (
        ((str(tmp_path / "nowhere"),), "does not exist"),
        ((str(sound(tmp_path / "p")), "--domain", "manga"), "unknown domain"),
        ((str(tmp_path / "p"), "--split", "train"), "unknown split"),
        ((str(tmp_path / "p"), "--track", "sepia"), "sepia"),
    ):
        text = run(home, *words, code=2)
        assert said in text
        assert text.count("\n") == 1


def test_names_from_outside_stay_on_their_line(home: Path, tmp_path: Path) -> None:
    folder = sound(tmp_path / "p")
    (folder / "\x1b[2Jevil\n.png").write_bytes(picture())
    said = run(home, str(folder), "--split", "test", code=1)
    assert "\x1b" not in said
    assert "\\x1b[2Jevil\\n.png" in said
