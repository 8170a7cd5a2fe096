"""Sound files of every kind, made on the spot: what mutations begin with."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .mutate import packed

IDS = ("a", "b", "c")
SIDE = 8
CONVENTION = {
    "schema": 1,
    "name": "my-model",
    "track": "gray",
    "input": {"channels": ["condition"], "range": [0, 1]},
    "output": {"space": "rgb", "range": [0, 1]},
}


def pictures(count: int = 3, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Noise, uint8 (count, side, side, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def encoded(picture: np.ndarray, kind: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **more)
    return stream.getvalue()


def tree(folder: Path) -> bytes:
    """All files of a folder, in one."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return packed([(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files])


def collection(home: Path, clips: bool = False) -> Any:
    """A small collection of two domains, one with pages."""
    from bench.data import manifest as manifests
    from bench.data import png
    from bench.data.manifest import Item, LeftOut, Manifest, in_order

    root, items = home / "data" / "mine" / f"{SIDE}px", []
    for domain in ("anime", "manga"):
        (root / domain).mkdir(parents=True)
        for number, target in enumerate(pictures(4)):
            page = target[..., 0].copy() if domain == "manga" else None
            split, place = ("train", "val", "test", "series")[number], (f"clip{number}", 0) if clips else ("", 0)
            pixels = png.digest(target, page)
            item = Item(f"i{number}", domain, split, f"g{number}", f"{number}.png", pixels, page is not None, *place)
            png.write(manifests.target_path(root, item), target)
            if page is not None:
                png.write(manifests.page_path(root, item), page)
            items.append(item)
    made = Manifest(
        root, "mine", "1", SIDE, in_order(items), (LeftOut("x.png", "broken"),), ("anime: few",), clips=clips
    )
    made.write()
    return made


def manifests() -> list[bytes]:
    found = []
    for clips in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            found.append((collection(Path(folder), clips).root / "manifest.json").read_bytes())
    return found


def exports(format: str) -> list[bytes]:
    from bench.data.interchange import export_split

    with tempfile.TemporaryDirectory() as folder:
        return [tree(export_split(collection(Path(folder)), Path(folder) / "out", format))]


def predictions() -> list[bytes]:
    files = [(f"{id}.png", encoded(picture)) for id, picture in zip(IDS, pictures(), strict=True)]
    return [packed(files), packed([(f"top/{name}", content) for name, content in files])]


def npz() -> list[bytes]:
    found = []
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, images=pictures(), ids=np.array(IDS))
        found.append(stream.getvalue())
    return found


def arrays() -> list[bytes]:
    stream = io.BytesIO()
    np.save(stream, pictures())
    return [
        packed([("images.npy", stream.getvalue()), ("ids.txt", b"a\nb\nc\n")]),
        packed([("images.npy", stream.getvalue()), ("ids.json", json.dumps(IDS).encode())]),
    ]


def conventions() -> list[bytes]:
    lab = CONVENTION | {"output": {"space": "lab", "range": [0, 1], "scale": 110}, "size": 64, "resize": "bicubic"}
    hints = CONVENTION | {
        "track": "gray+hints",
        "input": {"channels": ["condition", "hints", "mask"], "range": [-1, 1]},
    }
    return [json.dumps(one).encode() for one in (CONVENTION, lab, hints)]


def programs() -> list[bytes]:
    import torch
    from torch import nn

    found = []
    for net in (
        nn.Conv2d(1, 3, 3, 1, 1),
        nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2, 2)),
    ):
        batch = {0: torch.export.Dim.AUTO}
        program = torch.export.export(net.eval(), (torch.rand(2, 1, SIDE, SIDE),), dynamic_shapes=(batch,))
        stream = io.BytesIO()
        torch.export.save(program, stream)
        found.append(stream.getvalue())
    return found


def onnx_models() -> list[bytes]:
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.ones((3, 1, 1, 1), np.float32), "kernel")
    found = []
    for outside in (False, True):
        if outside:
            kernel.ClearField("raw_data")
            kernel.data_location = TensorProto.EXTERNAL
            for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "12")):
                kernel.external_data.add(key=key, value=value)
        graph = helper.make_graph(
            [helper.make_node("Conv", ["x", "kernel"], ["y"])],
            "tiny",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 1, SIDE, SIDE))],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 3, SIDE, SIDE))],
            [kernel],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        found.append(model.SerializeToString())
    return found


def images() -> list[bytes]:
    """Every kind that is read, still and moving, with metadata, profiles, palettes, alpha, 1 and 16 bits."""
    from PIL import ImageCms

    picture = pictures(1, 24)[0]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[274] = 6
    alpha = np.dstack([picture, picture[..., :1]])
    deep = picture[..., 0].astype(np.uint16) * 257
    found = [encoded(picture, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")]
    found += [encoded(picture, "PNG", icc_profile=profile), encoded(picture, "JPEG", icc_profile=profile, exif=exif)]
    found += [encoded(alpha, "PNG"), encoded(alpha, "WEBP"), encoded(deep, "PNG"), encoded(deep, "TIFF")]
    found += [encoded(picture, "JPEG", progressive=True), encoded(picture, "TIFF", compression="tiff_lzw")]
    moving = [Image.fromarray(one) for one in pictures(3, 24)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        stream = io.BytesIO()
        moving[0].save(stream, kind, save_all=True, append_images=moving[1:])
        found.append(stream.getvalue())
    for mode in ("1", "P", "LA", "CMYK"):
        stream = io.BytesIO()
        moving[0].convert(mode).save(stream, "TIFF" if mode == "CMYK" else "PNG")
        found.append(stream.getvalue())
    return found


def films() -> list[bytes]:
    """Short films in the usual containers, and playlists that name other files."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import films as making

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".mp4", ".mkv", ".avi", ".webm", ".gif"):
            frames = making.shot(1, 6, 32, 32) + making.shot(2, 6, 32, 32)
            found.append(making.film(Path(folder) / f"film{suffix}", frames, rate=6, gop=3).read_bytes())
    found += [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\nfile ../secret.mp4\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>',
    ]
    return found


def tables() -> list[bytes]:
    """Folders as the recipe for foreign data sets takes them: images, and a Parquet table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    some = [(f"train/{number}.png", encoded(one)) for number, one in enumerate(pictures(4, 24))]
    rows = [{"image": {"bytes": content, "path": name}, "group": f"g{name}"} for name, content in some]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return [packed(some), packed([("train-00000-of-00001.parquet", stream.getvalue())])]


def user_folders() -> list[bytes]:
    some = [encoded(one, kind) for one, kind in zip(pictures(4, 24), ("PNG", "JPEG", "GIF", "WEBP"), strict=True)]
    names = ("s1/a1.png", "s1/a2.jpg", "s2/b1.gif", "s3/c 1.webp")
    return [packed(list(zip(names, some, strict=True)))]


def checkpoints() -> list[bytes]:
    import torch
    from safetensors.torch import save

    net = torch.nn.Conv2d(1, 2, 3)
    tensors = {f"generator/{key}": value for key, value in net.state_dict().items()}
    slots = {"exp_avg": torch.zeros(2, 1, 3, 3), "exp_avg_sq": torch.zeros(2, 1, 3, 3), "step": torch.tensor(1.0)}
    return [save(tensors), save(tensors | {f"generator-optimizer/0/{key}": value for key, value in slots.items()})]


def states() -> list[bytes]:
    state = {
        "schema": 1,
        "step": 3,
        "stage": "l1",
        "file": "step-0000003.safetensors",
        "sha256": "",
        "seconds": 1.5,
        "best_step": 0,
        "best_score": None,
        "best_sha256": None,
        "curves": [{"step": 1, "stage": "l1", "term": "l1", "value": 0.5}],
    }
    return [json.dumps(state).encode()]


def galleries() -> list[bytes]:
    """A gallery of one picture, shown by one entry."""
    import hashlib

    from bench.gallery.facts import Case, Exhibit, Gallery, Index, Sheet, Shown, Tile, Wall
    from bench.gallery.storing import write

    picture = encoded(pictures(1)[0], "WEBP", lossless=True)
    sheet = Sheet(hashlib.sha256(picture).hexdigest(), "webp", 1)
    case = Case(0, {"ciede2000": 3.5}, heat=Tile(0, 0))
    one = Exhibit("gray-copy", 0, True, 3.5, case, case, case, (case,))
    wall = Wall("anime", "gray", "mine/anime/test:0", 1, {}, (Shown("a", "g", ()),), (0,), (), (one,))
    index = Index(1, "mine", SIDE, True, "ours", 3, (sheet,), (wall,))
    with tempfile.TemporaryDirectory() as folder:
        return [write(Path(folder), Gallery(index, {sheet.name: picture})).read_bytes()]


def words() -> Sequence[str]:
    """What a person may type where a name is asked for, and what nobody should."""
    return (
        "mine", "gray", "gray+hints", "lineart", "anime", "all", "mixed", "a@b", "fu2017-cgan@anime", "x@cartoon+anime",
        "test", "series", "64", "1s", "2.5s", "-1", "0", "999999999999", "1e9", "nan", "hf", "parquet", "csv", "json",
        "html", "folder", "prefix", "--size", "--home", "--json", "-", "--", "=", "+", "@", "\u00e9", "\U0001f600",
    )  # fmt: skip
