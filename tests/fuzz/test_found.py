"""What fuzzing found, each once more in its smallest form."""

import io
import json
from pathlib import Path

import av
import numpy as np
import pytest

from bench.data import manifest as manifests
from bench.data.interchange import import_split
from bench.data.video import Reading, Step
from bench.errors import LONGEST, BenchError
from bench.exported import read as read_model
from bench.exported.convention import find
from bench.gallery.storing import read as read_gallery
from bench.predictions import Submission, Wanted

from . import seeds
from .guard import judge, watched
from .mutate import packed
from .targets import unfold


def test_a_name_in_an_archive_s_own_header_makes_no_long_refusal(tmp_path: Path) -> None:
    """Python's zipfile quotes it whole; the error is cut wherever it is made."""
    sound = packed([("index.json", b"{}")])
    (tmp_path / "gallery.zip").write_bytes(sound.replace(b"index.json", b"x" * 10, 1))
    with pytest.raises(BenchError, match="x" * 10):
        read_gallery(tmp_path / "gallery.zip")
    assert len(str(BenchError("x" * 148_513))) <= LONGEST


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_number_too_large_for_a_float(value: int, tmp_path: Path) -> None:
    said = seeds.CONVENTION | {"input": {"channels": ["condition"], "range": [0, value]}}
    (tmp_path / "model.json").write_text(json.dumps(said))
    with pytest.raises(BenchError, match="two rising numbers"):
        find(tmp_path / "model.pt2", None)


def test_refusals_are_short_however_long_a_name_is(tmp_path: Path) -> None:
    value = json.loads(seeds.manifests()[0])
    (tmp_path / "manifest.json").write_text(json.dumps(value | {"collection": "x" * 50_000}))
    with pytest.raises(BenchError) as caught:
        manifests.read(tmp_path)
    assert len(str(caught.value)) < 1000
    (tmp_path / "model.json").write_text(json.dumps(seeds.CONVENTION | {"name": "x" * 50_000}))
    with pytest.raises(BenchError) as caught:
        find(tmp_path / "model.pt2", None)
    assert len(str(caught.value)) < 1000


def test_an_array_header_that_python_cannot_parse(tmp_path: Path) -> None:
    """numpy falls back to a parser for Python 2, which fails in ways of its own."""
    said = b"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 8, 8, 3, }\n"
    array = b"\x93NUMPY\1\0" + len(said).to_bytes(2, "little") + said + bytes(3 * 8 * 8 * 3)
    stream = io.BytesIO()
    np.save(stream, np.array(seeds.IDS))
    (tmp_path / "x.npz").write_bytes(packed([("images.npy", array), ("ids.npy", stream.getvalue())]))
    with pytest.raises(BenchError, match="header of images is none"):
        Submission(tmp_path / "x.npz", {("a", "test"): Wanted(seeds.IDS, (8, 8, 3))})


def test_a_film_with_titles_in_another_encoding_is_read(tmp_path: Path) -> None:
    data = seeds.films()[1]
    assert data.count(b"Lavf"), "FFmpeg signs what it writes"
    path = tmp_path / "film.mkv"
    path.write_bytes(data.replace(b"Lavf", b"\xff\xfe\xfdf"))
    with pytest.raises(UnicodeDecodeError):
        av.open(str(path))
    assert list(Reading(path, Step(frames=2), 16))


def test_a_film_of_an_unknown_codec(tmp_path: Path) -> None:
    data = seeds.films()[0]
    assert b"avc1" in data
    (tmp_path / "film.mp4").write_bytes(data.replace(b"avc1", b"zzzz"))
    with pytest.raises(BenchError, match="unknown codec"):
        list(Reading(tmp_path / "film.mp4", Step(frames=2), 16))


@pytest.mark.parametrize("field", ["producer_name", "metadata", "location"])
def test_a_model_with_text_that_is_none(field: str, tmp_path: Path) -> None:
    import onnx

    model = onnx.load_model_from_string(seeds.onnx_models()[1])
    if field == "producer_name":
        model.producer_name = "PLACE"
    elif field == "metadata":
        model.metadata_props.add(key="chromabench", value="PLACE")
    else:
        model.graph.initializer[0].external_data[0].value = "PLACE"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString().replace(b"PLACE", b"\xff\xfe\xfd\xfc\xfb"))
    path.with_suffix(".json").write_bytes(seeds.conventions()[0])
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    with watched(tmp_path) as watcher:
        judge(watcher, lambda: read_model(path))


def test_a_model_whose_data_has_a_name_that_no_disk_takes(tmp_path: Path) -> None:
    import onnx

    model = onnx.load_model_from_string(seeds.onnx_models()[1])
    model.graph.initializer[0].external_data[0].value = "x" * 5000
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BenchError, match="plain file beside it") as caught:
        read_model(tmp_path / "model.onnx")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("format", ["hf", "parquet", "webdataset"])
def test_a_number_of_images_that_is_only_claimed(format: str, tmp_path: Path) -> None:
    """A list of as many file names once took minutes and gigabytes."""
    folder = unfold(seeds.exports(format)[0], tmp_path / "in")
    index = folder / "chromabench.json"
    for images in (10**9, 10**12, 10**400):
        value = json.loads(index.read_text())
        value["parts"][0]["images"], value["shard"] = images, 1
        index.write_text(json.dumps(value))
        with watched(tmp_path) as watcher:
            assert not judge(watcher, lambda: import_split(tmp_path / "home", "mine", folder))


def test_an_export_with_half_a_character(tmp_path: Path) -> None:
    folder = unfold(seeds.exports("hf")[0], tmp_path / "in")
    for name, what in (("chromabench.json", b'"broken"'), ("test/metadata.jsonl", b'"g2"')):
        before = (folder / name).read_bytes()
        assert what in before
        (folder / name).write_bytes(before.replace(what, b'"\\ud800"'))
        with pytest.raises(BenchError, match="not a whole export"):
            import_split(tmp_path / "home", "mine", folder)
        (folder / name).write_bytes(before)
