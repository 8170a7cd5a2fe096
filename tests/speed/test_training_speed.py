"""Speed of the training loop against a plain pix2pix trainer of the same two networks, on whatever device is here.

The peer is what one would write: eager, float32, images decoded by Pillow and shared out by torch's loader. Ours is
`bench.train.train` as a user runs it. Both see the same images from the same start, in turns in one process; ratios
stand in each report's `extra_info`.
"""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import baselines
from bench.batches import Resident
from bench.color import luma
from bench.device import Machine
from bench.job import Job
from bench.train import train
from bench.types import Batch, Budget, Entry, Images, Mix, Track

CUDA = torch.cuda.is_available()
MACHINE = Machine("cuda" if CUDA else "cpu")
DEVICE = torch.device(MACHINE.device)
SHAPES = [(256, 4), (256, 32)] if CUDA else [(128, 16), (256, 4)]
"""Sides and batches: those of the public trainer, and a larger batch."""
STEPS = 60 if CUDA else 4
ROUNDS = 3
IMAGES = 256


def pictures(folder: Path, size: int) -> Images:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size]
    targets = np.empty((IMAGES, size, size, 3), np.uint8)
    for place in range(IMAGES):
        waves = [128 + 100 * np.sin(x / rng.uniform(5, 40) + y / rng.uniform(5, 40)) for _ in range(3)]
        targets[place] = np.stack(waves, axis=-1).round()
        Image.fromarray(targets[place]).save(folder / f"{place:03d}.png")
    ids = tuple(f"{place:03d}" for place in range(IMAGES))
    return Images(ids, ids, targets, luma(targets))


class Folder(Dataset):
    """Gray and colour in [-1, 1], mirrored at random."""

    def __init__(self, folder: Path):
        self.paths = sorted(folder.glob("*.png"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, place):
        image = Image.open(self.paths[place]).convert("RGB")
        if torch.rand(()) < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        gray = torch.from_numpy(np.array(image.convert("L"))).unsqueeze(0)
        color = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return gray.float() / 127.5 - 1, color.float() / 127.5 - 1


def wait() -> float:
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def peer(folder: Path, size: int, batch: int) -> float:
    """Seconds a step."""
    torch.manual_seed(0)
    model = baselines.load("cgan").build(size=size, width=1.0).to(DEVICE)
    generator, judge = model.generator, model.discriminator
    assert judge is not None
    ours, theirs = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (generator, judge))
    verdict, distance = torch.nn.BCEWithLogitsLoss(), torch.nn.L1Loss()
    loader = DataLoader(Folder(folder), batch, shuffle=True, num_workers=4 if CUDA else 0, drop_last=True)

    def against(logits, real):
        return verdict(logits, torch.full_like(logits, float(real)))

    marks, step = [], 0
    while step < STEPS + 1:
        for gray, color in loader:
            x, y = gray.to(DEVICE), color.to(DEVICE)
            fake = generator(x)
            judge.requires_grad_(True)
            theirs.zero_grad()
            loss = against(judge(torch.cat([x, fake.detach()], 1)), False) + against(judge(torch.cat([x, y], 1)), True)
            (0.5 * loss).backward()
            theirs.step()
            judge.requires_grad_(False)
            ours.zero_grad()
            (against(judge(torch.cat([x, fake], 1)), True) + 100 * distance(fake, y)).backward()
            ours.step()
            step += 1
            if step in (1, STEPS + 1):
                marks.append(wait())
            if step == STEPS + 1:
                break
    return (marks[1] - marks[0]) / STEPS


def ours(images: Images, size: int, batch: int, home: Path) -> float:
    """Seconds a step, the first left out."""
    module = baselines.load("cgan")
    budget = Budget("smoke", images=batch * (STEPS + 1), width=1.0, batch_size=batch)
    entry = Entry("cgan", Mix(("cartoon",)))
    one = Job(entry, module.build, module.RECIPE, Track("gray"), budget, 0, size, "toy")
    marks = []

    def mark(facts):
        if facts["step"] in (1, STEPS + 1):
            marks.append(wait())

    train(one, {"cartoon": images}, {}, [], home, MACHINE, mark)
    return (marks[1] - marks[0]) / STEPS


@pytest.mark.parametrize(("size", "batch"), SHAPES)
def test_training_ratio(benchmark, tmp_path, monkeypatch, size, batch):
    benchmark.group = f"training step, cgan at {size} px, batch {batch}: ratio to the peer"
    folder = tmp_path / "images"
    folder.mkdir()
    images = pictures(folder, size)
    times: dict[str, list[float]] = {"peer": [], "ours": [], "synthetic": []}
    shown = Batch(torch.rand(batch, 1, size, size, device=DEVICE), torch.rand(batch, 3, size, size, device=DEVICE))

    def alternate():
        turn = len(times["peer"])
        times["peer"].append(peer(folder, size, batch))
        times["ours"].append(ours(images, size, batch, tmp_path / f"ours-{turn}"))
        with monkeypatch.context() as patched:
            patched.setattr(Resident, "batch", lambda *_: shown)
            times["synthetic"].append(ours(images, size, batch, tmp_path / f"synthetic-{turn}"))

    benchmark.pedantic(alternate, rounds=ROUNDS, warmup_rounds=0)
    # The best of the rounds: what else runs on the machine only ever adds time, and to neither side alike.
    best = {who: min(values) for who, values in times.items()}
    benchmark.extra_info |= {
        "device": torch.cuda.get_device_name() if CUDA else "cpu",
        "precision": MACHINE.resolved()[1],
        "peer, images/s": round(batch / best["peer"], 2),
        "ours, images/s": round(batch / best["ours"], 2),
        "ratio": round(best["peer"] / best["ours"], 2),
        "of the rate with synthetic tensors": round(best["synthetic"] / best["ours"], 3),
    }
    print(f"cgan at {size} px, batch {batch}: {best['peer'] / best['ours']:.2f}x the plain trainer")
    # The claim is 1.9 with bf16 on a CPU, 4 and 2 on an H200; room is left for a machine that others use too.
    least = (3.0 if batch <= 4 else 1.6) if CUDA else (1.5 if "bf16" in MACHINE.resolved()[1] else 0.9)
    assert best["peer"] / best["ours"] > least
