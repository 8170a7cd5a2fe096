"""Speed of reading predictions beside plain OpenCV, and of what is kept beside PNGs, in alternating runs."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from bench.predictions import Origin, chunks, find, keeping, write_predictions
from bench.types import Images

SIDE = 256
COUNT = 64
THREADS = 2
REPEATS = 10

LEAST_CHECKED, LEAST_KEPT = 0.75, 1.5
"""Pictures a second of processor time: with every check, of plain OpenCV without any; and kept ones, of PNGs. Measured
are 0.94 and 2.7; there is room for another processor."""


def painted() -> np.ndarray:
    """A grainy gray picture under smooth colours, as a network paints it."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    waves = [np.sin(x / (9 + i % 7) + i) * np.cos(y / (11 + i % 5)) for i in range(3 * COUNT)]
    colours = 20 * np.stack(waves).reshape(COUNT, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    gray = 128 + 80 * np.stack(waves[:COUNT])[:, ::-1] + rng.integers(-3, 4, (COUNT, SIDE, SIDE))
    return (colours + gray[..., None]).round().clip(0, 255).astype(np.uint8)


def test_ratio(benchmark, tmp_path: Path):
    pictures = painted()
    ids = tuple(f"i{number:03d}" for number in range(COUNT))
    write_predictions(tmp_path / "out", Images(ids, ids, pictures, pictures[..., 0]), pictures)
    paths = [str(tmp_path / "out" / f"{id}.png") for id in ids]
    origin = Origin("split", "gray", "model")
    with keeping(tmp_path, "stem", origin, ids) as add:
        add(pictures)
    out = np.empty(pictures.shape, np.uint8)

    def plain():
        def one(place: int) -> None:
            image = cv2.imread(paths[place], cv2.IMREAD_UNCHANGED)
            assert image is not None
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=out[place])

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, range(COUNT)))
        return out

    def checked():
        [(_, read)] = chunks(tmp_path / "out", ids, (SIDE, SIDE, 3), COUNT, threads=THREADS)
        return read

    def from_store():
        found = find(tmp_path, "stem", origin, ids, pictures.shape)
        assert found is not None
        [(_, read)] = found.chunks(COUNT)
        return read

    benchmark.group = f"reading predictions {SIDE}: times plain OpenCV"
    least: dict[str, float] = {}

    def alternate():
        for function in (plain, checked, from_store):
            started = time.process_time()  # of all threads: others on the machine hardly change it
            read = function()
            taken = time.process_time() - started
            least[function.__name__] = min(least.get(function.__name__, np.inf), taken)
            np.testing.assert_array_equal(read, pictures)

    benchmark.pedantic(alternate, rounds=REPEATS, warmup_rounds=1)
    rates = {name: round(COUNT / taken) for name, taken in least.items()}
    size = (tmp_path / "predictions" / "stem.kept").stat().st_size / sum(Path(path).stat().st_size for path in paths)
    benchmark.extra_info.update(images_per_second=rates, kept_bytes_of_png=round(size, 2))
    print(f"{rates} images a second of processor time; what is kept takes {size:.2f} of the PNGs' bytes")
    assert least["plain"] / least["checked"] >= LEAST_CHECKED
    assert least["plain"] / least["from_store"] >= LEAST_KEPT
    assert size < 1
