"""Speed of the boards: ten thousand records from their files to Markdown, and one table of five hundred entries."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_records import sample_record

from bench import records
from bench.leaderboard import PRIMARY
from bench.metrics import METRICS

METRIC_COUNT = 20
GROUPS = 12
REPEATS = 3
PROGRAM = """
import sys, time
from pathlib import Path
from bench import records
from bench.leaderboard import boards
from bench.report.markdown import render_boards
marks = [time.perf_counter()]
found = records.read_all(Path(sys.argv[1])); marks.append(time.perf_counter())
made = boards(found); marks.append(time.perf_counter())
text = render_boards(made); marks.append(time.perf_counter())
assert len(found) == int(sys.argv[2])
# Not getrusage's peak: that one starts from what the process held that started this one.
peak = next(int(line.split()[1]) / 2**20 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(*(f"{b - a:.3f}" for a, b in zip(marks, marks[1:])), f"{time.process_time():.3f}", f"{peak:.3f}")
"""


def synthetic(folder: Path, tables: int, entries: int, seeds: int) -> None:
    """Write sound records of made-up entries: tables x entries x seeds of them, each of METRIC_COUNT metrics."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    ids = [id for id, metric in METRICS.items() if metric.kind == "full-reference" and id != PRIMARY]
    ids = [PRIMARY, *ids[: METRIC_COUNT - 1]]
    tracks = ("gray", "lineart-canny", "lineart-sketch", "gray+hints", "screentone")
    domains = ("cartoon", "anime", "live-action", "manga")
    places = list(
        product((f"made-{number}" for number in range(-(-tables // 40))), domains, ("test", "series"), tracks)
    )
    for collection, domain, split, track in places[:tables]:
        hard = rng.normal(15, 4, GROUPS)
        sample = sample_record(domain=domain, split=split, track=track, collection=collection, groups=GROUPS)
        path = records.write(folder, sample)
        made = json.loads(path.read_text())
        path.unlink()
        score = made["scores"][PRIMARY]
        for entry, seed in product(range(entries), range(seeds)):
            own = hard + 0.1 * entry + rng.normal(size=GROUPS)
            values = rng.normal(10, 2, METRIC_COUNT).tolist()
            values[0] = float(own.mean())
            made["entry"] = {"name": f"m{entry}@anime", "model": f"m{entry}", "mix": "anime", "kind": "trained"}
            made["training"]["seed"] = seed
            made["groups"] = {f"series-{number:03d}": value for number, value in enumerate(own.tolist())}
            made["scores"] = {
                id: {**score, "name": id, "value": value, "low": value - 1, "high": value + 1, "signature": f"{id}|x"}
                for id, value in zip(ids, values, strict=True)
            }
            name = f"{collection}-64px.{domain}.{split}.{track}.m{entry}@anime.s{seed}.json"
            (folder / name).write_text(json.dumps(made, indent=1))


def timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measured(folder: Path, count: int) -> tuple[list[float], float, float]:
    """Seconds of reading, boards and Markdown; processor seconds of all, the imports among them; GiB at the peak.

    In one thread: the matrices are so small that a second one only waits for work, and its waiting counts as work.
    """
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(count)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | one_thread,
    )
    assert done.returncode == 0, done.stderr
    *parts, busy, peak = (float(word) for word in done.stdout.split())
    return parts, busy, peak


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """10,000 records on 200 tables, 25 entries of two seeds each."""
    folder = tmp_path_factory.mktemp("boards") / "records"
    synthetic(folder, 200, 25, 2)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One table of 500 entries."""
    folder = tmp_path_factory.mktemp("table") / "records"
    synthetic(folder, 1, 500, 1)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
@pytest.mark.parametrize("size", ["ten_thousand_records", "five_hundred_entries"])
def test_from_files_to_markdown(benchmark, request, size) -> None:
    """In a process of its own, from cold: read, check, rank, render."""
    folder, count = {"ten_thousand_records": ("many", 10_000), "five_hundred_entries": ("wide", 500)}[size]
    place = request.getfixturevalue(folder)
    runs = []
    benchmark.pedantic(lambda: runs.append(measured(place, count)), rounds=REPEATS)
    parts, busy, peak = min(runs, key=lambda run: sum(run[0]))
    benchmark.extra_info |= dict(zip(("read_s", "boards_s", "markdown_s"), parts, strict=True))
    benchmark.extra_info |= {"processor_s": busy, "peak_GiB": peak}
    assert sum(parts) < 5
    assert peak < 1


def test_reading_beats_field_by_field(benchmark, wide) -> None:
    """`decode` beside `parse`, which is the judge of what it does not take, on the same bytes."""
    data = [path.read_bytes() for path in sorted(wide.iterdir())[:200]]

    def fast() -> None:
        for one in data:
            records.decode(one)

    def slow() -> None:
        for one in data:
            records.parse(json.loads(one))

    fast()
    slow()
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(timed(fast))
        theirs.append(timed(slow))
    benchmark.extra_info |= {"times_field_by_field": round(min(theirs) / min(ours), 1)}
    benchmark.pedantic(fast, rounds=1)
    assert min(theirs) / min(ours) > 3


@pytest.mark.slow
def test_bounds(many, wide) -> None:
    """Twice what a quiet machine may take, as processor time, so that a busy one passes."""
    for folder, count in ((many, 10_000), (wide, 500)):
        _, busy, peak = measured(folder, count)
        assert busy < 10
        assert peak < 1
