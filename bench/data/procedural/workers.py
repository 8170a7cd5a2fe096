"""Drawing many pictures on several cores.

The work is Python glue between short OpenCV calls, so threads would wait for each other. The workers are fresh
interpreters that are told ids and write pixels to a pipe: nothing is forked from a process that may hold torch's
threads, a caller's script is not imported again, and no object is unpickled.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

import bench
from bench.cores import cores
from bench.data.procedural.plan import Shot
from bench.data.procedural.render import Picture, check, draw
from bench.errors import BenchError

FEW = 150  # up to so many pictures, starting workers costs more than it saves
AHEAD = 32  # finished pictures that may wait for each worker's turn


def draw_many(
    shots: Sequence[Shot], domain: str, size: int, workers: int | None = None, seed: int = 0
) -> Iterator[Picture]:
    """Draw pictures in order.

    Args:
        shots: which, from `plan`.
        domain: one of the four domains.
        size: pixels a side, 32 to 512.
        workers: processes that draw; 1 draws in this one; None takes one for each core if there is enough to draw.
            The pictures do not depend on it.
        seed: of the collection.

    Raises:
        BenchError: for another domain or size, before anything is drawn; while pictures are taken, if a process that
            draws ended early.
    """
    check(domain, size)
    if workers is None:
        workers = cores() if len(shots) > FEW else 1
    workers = min(workers, len(shots))
    if workers <= 1:
        return (draw(shot, domain, size, seed) for shot in shots)
    return _spread(shots, domain, size, workers, seed)


def _spread(shots: Sequence[Shot], domain: str, size: int, workers: int, seed: int) -> Iterator[Picture]:
    lines = [queue.Queue[Picture | None](AHEAD) for _ in range(workers)]
    stopped = threading.Event()
    processes = [_start() for _ in range(workers)]
    try:
        for k, (process, line) in enumerate(zip(processes, lines, strict=True)):
            ids = [shot.id for shot in shots[k::workers]]
            assert process.stdin is not None
            with suppress(OSError), process.stdin as pipe:  # of a process that is gone: its line says so in its turn
                pipe.write(json.dumps({"ids": ids, "domain": domain, "size": size, "seed": seed}).encode())
            threading.Thread(
                target=_collect, args=(process, line, len(ids), domain, size, stopped), daemon=True
            ).start()
        for i in range(len(shots)):
            picture = lines[i % workers].get()
            if picture is None:
                raise _ended(processes[i % workers], f"{shots[i].id} ({domain})")
            yield picture
    finally:
        stopped.set()
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ended(process: subprocess.Popen[bytes], before: str) -> BenchError:
    """Of a worker whose pipe ended before the picture `before`."""
    code = process.wait()
    how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}, and why stands above"
    return BenchError(
        f"expected the picture {before} from a process that draws; it {how}; "
        "if memory ran out, end other programs; then give the same command again."
    )


def _start() -> subprocess.Popen[bytes]:
    root = str(Path(bench.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", "from bench.data.procedural.workers import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _collect(
    process: subprocess.Popen[bytes],
    line: queue.Queue[Picture | None],
    count: int,
    domain: str,
    size: int,
    stopped: threading.Event,
) -> None:
    """Read a worker's pictures into its line; None says that it ended early."""
    pixels = size * size
    assert process.stdout is not None
    for _ in range(count):
        try:
            data = process.stdout.read(pixels * (4 if domain == "manga" else 3))
        except ValueError:  # closed: nobody waits any more
            return
        whole = len(data) == pixels * (4 if domain == "manga" else 3)
        picture = None
        if whole:
            array = np.frombuffer(data, np.uint8)
            image = array[: pixels * 3].reshape(size, size, 3)
            picture = Picture(image, array[pixels * 3 :].reshape(size, size) if domain == "manga" else None)
        while not stopped.is_set():
            try:
                line.put(picture, timeout=0.2)
                break
            except queue.Full:
                continue
        if not whole:
            return


def serve() -> None:
    """What a worker does: read one request, write the pictures' bytes."""
    import cv2

    cv2.setNumThreads(1)
    request = json.loads(sys.stdin.buffer.read())
    for name in request["ids"]:
        picture = draw(Shot(name, name.split("-")[0], ""), request["domain"], request["size"], request["seed"])
        sys.stdout.buffer.write(picture.image.tobytes())
        if picture.page is not None:
            sys.stdout.buffer.write(picture.page.tobytes())
    sys.stdout.buffer.flush()
