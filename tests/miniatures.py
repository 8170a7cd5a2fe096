"""Known data sets in miniature: small folders that look as the recipes' do."""

from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from bench.data import recipes
from bench.data.manifest import Manifest

SIZE = 32
FEW = 0.0001
"""Of the published numbers of files: the folders here are miniatures."""


def blocks(seed: int, width: int = 48, height: int = 48, gray: bool = False) -> Image.Image:
    """An image unlike those of other seeds."""
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 9, 1 if gray else 3), dtype=np.uint8)
    return Image.fromarray(np.repeat(pixels, 3, axis=2) if gray else pixels).resize((width, height), 0)


def save(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def pair(seed: int) -> Image.Image:
    both = Image.new("RGB", (96, 48))
    both.paste(blocks(seed), (0, 0))
    both.paste(blocks(seed + 5000, gray=True), (48, 0))
    return both


def film(path: Path, seed: int, pictures: int = 7, rate: int = 25, frames: int = 50) -> Path:
    """A film that shows each picture for so many frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height = stream.width = 48
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(pictures):
            shown = av.VideoFrame.from_ndarray(np.asarray(blocks(seed * 100 + number)), format="rgb24")
            for _ in range(frames):
                container.mux(stream.encode(shown))
        container.mux(stream.encode())
    return path


def stored(path: Path, seeds: range, extra: dict[str, list] | None = None) -> Path:
    """A table as Hugging Face writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = []
    for seed in seeds:
        file = save(path.parent / ".scratch" / "x.png", blocks(seed))
        cells.append({"bytes": file.read_bytes(), "path": f"{seed}.png"})
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    pq.write_table(pa.table({"image": pa.array(cells, kind), **(extra or {})}), path)
    return path


def layout(id: str, root: Path) -> Path:
    """A miniature of a recipe's folder."""
    match id:
        case "kaggle-cartoon" | "movie-stills":
            for number in range(24):
                save(root / f"film {number // 6}" / f"{number}.jpg", blocks(number))
        case "anime-sketch-pair":
            for number in range(24):
                save(root / ("train" if number < 18 else "val") / f"{number}.png", pair(number))
        case "sk8-infinity" | "pokemon" | "dragonball" | "futurama":
            for number in range(4):
                film(root / "season 1" / f"ep{number}.mp4", number)
        case "manga109":
            for number, title in enumerate(["ARMS", "LoveHina_vol01", "LoveHina_vol14", "Akuhamu", "Belmondo"]):
                for page in range(4):
                    save(root / "images" / title / f"{page:03}.jpg", blocks(10 * number + page, gray=page > 1))
            save(root / "annotations" / "cover.png", blocks(999))
        case "danbooru":
            for number in range(24):
                save(root / f"{number % 8:04}" / f"{1000 * number + number % 8}.jpg", blocks(number))
        case "atd-12k":
            for number in range(12):
                name = f"{'Disney_v4' if number % 2 else 'Japan_v2'}_{number % 6}_{100 * number:06}_s1"
                place, end = ("train_10k", "jpg") if number < 9 else ("test_2k_540p", "png")
                for frame in (1, 2, 3):
                    save(root / place / name / f"frame{frame}.{end}", blocks(10 * number + frame))
                if end == "png":
                    save(root / "test_2k_original" / name / "frame2.png", blocks(10 * number + 2))
        case "huggingface":
            for number in range(24):
                split = "train" if number < 16 else ("validation" if number < 20 else "test")
                save(root / split / f"{number}.png", blocks(number))
    return root


def add(home: Path, id: str, root: Path, **options: Any) -> Manifest:
    options.setdefault("at_least", FEW)
    if id == "huggingface":
        options.setdefault("domain", "anime")
    return recipes.add(home, id, root, SIZE, **options)


def sides(made: Manifest) -> Counter:
    return Counter(item.split for item in made.items)
