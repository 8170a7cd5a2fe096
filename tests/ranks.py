"""What each of several processes does in the tests of data parallel work; torchrun's variables say which it is.

python ranks.py HOME
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from baselines._colorizer import Judge
from baselines._pool import ImagePool
from bench.colorize import predict
from bench.data.manifest import Item, Split
from bench.errors import BenchError
from bench.evaluate import Subject, evaluate, painted
from bench.parallel import agreed, by_the_first, leads, place, together
from bench.records import write
from bench.scoring import Scorer
from bench.train import Stopped, load, train
from bench.types import Batch, Budget, Track

SPLITS = ["toy/cartoon/train:0", "toy/anime/train:1"]


def start(count: int, home: Path, *more: str) -> list[str]:
    """Run this file in so many processes at once, as torchrun would, and give what each said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    told |= {"TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_RESTART_COUNT": 0, "TORCHELASTIC_MAX_RESTARTS": 0}
    told |= {"GROUP_RANK": 0, "OMP_NUM_THREADS": 1, "PYTHONPATH": Path(__file__).parents[1]}
    running = [
        subprocess.Popen(
            [sys.executable, __file__, str(home), *more],
            env=os.environ | {key: str(value) for key, value in told.items()} | {"RANK": str(k), "LOCAL_RANK": str(k)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for k in range(count)
    ]
    said = [one.communicate(timeout=300)[0] for one in running]
    assert [one.returncode for one in running] == [0] * count, "\n".join(said)
    return said


def main(home: Path) -> None:
    """Train, evaluate stills and clips, and fail together."""
    from test_train import CPU, DATA, VALIDATION, Tiny, clips, job

    class Pooled(Tiny):
        """Every layer and habit that sees several images at once, and a pool of past ones."""

        MEMORY = ("pool",)

        def __init__(self, generator: nn.Module, discriminator: nn.Module):
            super().__init__(generator, discriminator)
            self.pool = ImagePool(6, 4, 16)

        def discriminator_losses(
            self, batch: Batch, x: torch.Tensor, y: torch.Tensor, fake: torch.Tensor, judge: Judge
        ) -> dict[str, torch.Tensor]:
            shown = self.pool(torch.cat([x, fake], 1))
            return {"gan": judge(shown).mean() - judge(torch.cat([x, y], 1)).mean()}

    def build(size: int, width: float, weights: Path | None = None) -> Any:
        # No bias before a normalization: its gradient is zero, and Adam would make steps of what is lost in rounding.
        hidden = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
        output = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Dropout2d(0.1), nn.Conv2d(8, 3, 1), nn.Tanh())
        judge = nn.Sequential(nn.Conv2d(4, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Conv2d(8, 1, 3), nn.Tanh())
        return Pooled(nn.Sequential(*hidden, *output), judge)

    torch.set_num_threads(1)
    one = job(build=build)
    train(one, DATA, VALIDATION, SPLITS, home, CPU)
    model, facts = load(one, SPLITS, home, torch.device("cpu"))
    part, track = replace(DATA["cartoon"], groups=tuple(f"g{k % 4}" for k in range(12))), Track("gray")
    items = (Item(id, "cartoon", "test", group, id, "0" * 64) for id, group in zip(part.ids, part.groups, strict=True))
    split = Split(Path(), "toy", "cartoon", "test", 16, "none", tuple(items))
    paint = painted(lambda images: predict(model, images, track, torch.device("cpu"), size=5))
    subject = Subject(one.entry, "trained", paint, facts["weights_sha256"], facts)
    for _ in range(2):  # painted, then read from what is kept
        record = evaluate(subject, split, part, "gray", Scorer(protocol_only=True), home, "bench evaluate")
        if leads():
            write(home / "records", record)
    films = replace(clips(3, 4, 5), frames=(0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 4, 5))
    made = predict(model, films, Track("gray", ("previous",)), torch.device("cpu"), size=1)
    if leads():
        np.save(home / "clips.npy", made)
    try:
        train(job(build=build, seed=1, budget=Budget("smoke", 160, 1.0, 3)), DATA, {}, SPLITS, home, CPU)
    except BenchError as error:
        print(error)

    def fail() -> None:
        raise BenchError("the first one failed.")

    try:
        by_the_first(fail)
    except BenchError as error:
        print(error)
    rank, count = place()

    def breaks() -> None:
        raise OSError(28, "No space left on device")

    def differ() -> None:
        agreed("the entry", f"entry {rank}")

    def last_fails() -> None:
        with together():
            if rank == count - 1 > 0:
                raise ZeroDivisionError("in the last one")

    if count > 1:
        for act in (lambda: by_the_first(breaks), differ, last_fails):
            try:
                act()
            except BenchError as error:
                print(error)
        asked = iter([False, False, True])
        monkey = job(build=build, seed=2)
        try:
            train(monkey, DATA, VALIDATION, SPLITS, home, CPU, stop=lambda: rank == 0 and next(asked))
        except Stopped:
            print("stopped together")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
