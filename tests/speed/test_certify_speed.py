"""How long a leak certificate takes. Run with: pytest tests/speed/test_certify_speed.py --benchmark-only -s

20,000 different images of 64 px are made on disk and certified whole. Memory is measured with 100,000 images, as far as
the search has them: of these all are read and marked, and a hundred are compared with all others.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.data import certify, png
from bench.data.manifest import Item, Manifest, in_order, target_path

SIZE = 64
IMAGES = 20_000
MOST_SECONDS = 180
CORES = 2
MOST_MIB = 1024


def drawn(number: int) -> np.ndarray:
    """A picture of a gradient with forty bars of any colour and place: as much detail as a drawing has."""
    rng = np.random.default_rng(number)
    image = np.empty((SIZE, SIZE, 3), np.uint8)
    image[:] = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), SIZE).astype(np.uint8)[:, None]
    for left, top, wide, high in rng.integers(0, SIZE, (40, 4)):
        image[top : top + high // 4 + 2, left : left + wide // 4 + 2] = rng.integers(0, 256, 3)
    return image


def collection(root: Path, images: int, different: int) -> Manifest:
    """A manifest whose images repeat after so many different ones (as further names of one file)."""
    items = []
    for domain in range(4):
        (root / f"d{domain}").mkdir(parents=True)
    for number in range(images):
        domain, place = f"d{number % 4}", number // 4
        split = ("test", "val", "series", *["train"] * 7)[place % 10]
        item = Item(f"i{number:06d}", domain, split, f"g{place}" if split != "series" else f"g{place + 1}", "made", "")
        path = target_path(root, item)
        if number < different:
            image = drawn(number)
            png.write(path, image)
            pixels = png.digest(image, None)
        else:
            original = items[number % different]
            os.link(target_path(root, original), path)
            pixels = original.pixels
        items.append(Item(item.id, domain, split, item.group, item.source, pixels))
    return Manifest(root, "made", "1", SIZE, in_order(items))


def test_certificate_of_20000_images(benchmark, tmp_path):
    manifest = collection(tmp_path, IMAGES, IMAGES)
    certify.certify(collection(tmp_path / "small", 200, 200))  # compiles
    started = time.process_time()
    certificate = benchmark.pedantic(certify.certify, (manifest,), rounds=1)
    work = time.process_time() - started
    seconds = benchmark.stats.stats.min
    pairs = sum(certificate["body"]["compared"]["pairs"].values())
    benchmark.extra_info.update(images=IMAGES, pairs=pairs, cores=os.cpu_count(), work=round(work))
    print(f"\n{IMAGES} images, {pairs} pairs of one domain: {work:.0f} s of work in {seconds:.0f} s")
    assert certificate["body"]["verdict"]["clean"]
    # What two free cores need: others may use them too while this runs.
    assert work / CORES < MOST_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
@pytest.mark.parametrize("images", [100_000])
def test_memory(benchmark, tmp_path, images):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, 'tests/speed')\n"
        "from test_certify_speed import collection\n"
        "from bench.data.certify import copies\n"
        "from bench.data.certify.pictures import Pictures\n"
        f"manifest = collection(Path({str(tmp_path)!r}), {images}, 2000)\n"
        "pictures = Pictures(manifest, lambda place, image: None)\n"
        "whole = pictures.marks.of(range(len(pictures)))\n"
        "for place in range(100):\n"
        "    for found in copies.candidates(pictures.marks, place, whole, 1):\n"
        "        copies.compared(pictures.small(found[0]), pictures.small(place), found)\n"
        # Not getrusage's: that one starts from what the process held that started this one.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) // 1024)\n"
    )

    def peak() -> int:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    mebibytes = benchmark.pedantic(peak, rounds=1)
    benchmark.extra_info.update(images=images, mebibytes=mebibytes)
    print(f"\n{images} images: {mebibytes} MiB at most")
    assert mebibytes < MOST_MIB
