"""Write what a track shows of each picture, for a program in any language: `in/<domain>/<split>/<id>.png`."""

from pathlib import Path

from PIL import Image

from bench.shelf import Shelf
from bench.types import Track

DOMAIN = "cartoon"

track = Track.parse("gray")  # or lineart-canny, gray+hints, lineart-sketch+reference, ...: see `bench tracks`
shelf = Shelf(Path(".bench"), "procedural-v1", size=64)
for split in ("test", "series"):
    if not shelf.has(DOMAIN, split, track):  # a small collection may lack one
        continue
    images = shelf.load(DOMAIN, split, track)
    folder = Path("in", DOMAIN, split)
    folder.mkdir(parents=True, exist_ok=True)
    for row, id in enumerate(images.ids):
        Image.fromarray(images.conditions[row]).save(folder / f"{id}.png")
        if images.hints is not None:  # RGBA: a colour where alpha is 255
            Image.fromarray(images.hints[row]).save(folder / f"{id}.hints.png")
        if images.palettes is not None:  # 4x4: the four colours of each of the reference's four bands, a row a band
            Image.fromarray(images.palettes[row]).save(folder / f"{id}.palette.png")
