"""What reads input from outside, each as a function of bytes: it returns, or raises a BenchError."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from bench.errors import BenchError

from . import commands, mutate, seeds
from .guard import Harm
from .mutate import Mutator

Run = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Target:
    """A reader of input.

    Attributes:
        run: reads bytes inside an empty folder of its own.
        seeds: makes sound input.
        mutate: breaks it.
        runs: how many a long session takes.
        few: how many the tests take.
        writes: whether it leaves files in its folder.
    """

    run: Run
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutator
    runs: int = 2000
    few: int = 200
    writes: bool = True


def case(name: str, seed: int, number: int) -> bytes:
    """The input of a number: the same for the same target and seed."""
    random = Random(f"{name} {seed} {number}")
    target, data = TARGETS[name], random.choice(sound(name))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = changed(target, random, data)
    return data


def changed(target: Target, random: Random, data: bytes) -> bytes:
    """One mutation; of what has become too deep or circular to be changed as its kind is, of its bytes."""
    try:
        return target.mutate(random, data)
    except (LookupError, TypeError, ValueError, OSError, RecursionError):
        return mutate.raw(random, data)


@cache
def sound(name: str) -> tuple[bytes, ...]:
    """The seeds of a target, made once."""
    return tuple(TARGETS[name].seeds())


def unfold(data: bytes, folder: Path) -> Path:
    """Write the files of a bundle, those whose names a file system takes inside a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in mutate.members(data):
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part or len(os.fsencode(part)) > 200 for part in parts):
            continue
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:
            continue  # a file and a folder of one name
    return folder


def manifest(data: bytes, home: Path) -> None:
    from bench.data import manifest as manifests

    (home / "manifest.json").write_bytes(data)
    made = manifests.read(home)
    for domain, names in made.counts().items():
        for name in names:
            split = made.split(domain, name)
            if len(split.digest) != 64 or any(home not in split.target_path(item).parents for item in split.items):
                raise Harm("a path outside, or no digest")
    made.write()
    if manifests.read(home) != made:
        raise Harm("what was written is not what was read")


def convention(data: bytes, home: Path) -> None:
    from bench.exported.convention import find

    (home / "model.json").write_bytes(data)
    find(home / "model.pt2", None)


def exported(suffix: str) -> Run:
    def run(data: bytes, home: Path) -> None:
        import torch

        from bench.exported import read

        path = home / f"model{suffix}"
        path.write_bytes(data)
        path.with_suffix(".json").write_bytes(seeds.conventions()[0])
        (home / "weights.bin").write_bytes(bytes(12))
        model = read(path)
        with torch.inference_mode():
            model.run(torch.zeros(2, 1, seeds.SIDE, seeds.SIDE))
        model.facts()

    return run


def predictions(name: str) -> Run:
    def run(data: bytes, home: Path) -> None:
        from bench.predictions import Submission, Wanted

        path = home / name
        path.write_bytes(data) if "." in name else unfold(data, path)
        place = ("cartoon", "test")
        wanted: dict[tuple[str, str], Wanted] = {place: Wanted(seeds.IDS, (seeds.SIDE, seeds.SIDE, 3))}
        reasons = Submission(path, wanted, threads=1).faults()
        try:
            pictures = Submission(path, wanted, threads=1).all(place)
        except BenchError:
            if not reasons:
                raise Harm("checked as sound, refused when read") from None
            raise
        if reasons or pictures.shape != (3, seeds.SIDE, seeds.SIDE, 3):
            raise Harm("refused when checked, sound when read")

    return run


def interchange(data: bytes, home: Path) -> None:
    from bench.data import manifest as manifests
    from bench.data.interchange import import_split

    folder = unfold(data, home / "in")
    fresh = home / "fresh"
    try:
        made = import_split(fresh, "mine", folder)
    except BenchError:
        if any(path.is_file() for path in fresh.rglob("*")):
            raise Harm("a refused import left files") from None
        raise
    if manifests.verify(made):
        raise Harm("an import with wrong images")


def recipe(data: bytes, home: Path) -> None:
    from bench.data import recipes

    folder = unfold(data, home / "in")
    recipes.add(home / "fresh", "huggingface", folder, 32, domain="anime", at_least=0.0, skip_damaged=True)


def folder(data: bytes, home: Path) -> None:
    import scenedetect.output  # asks once, when it is imported, whether the program ffmpeg is there

    from bench.data import manifest as manifests
    from bench.data.folder import add

    assert scenedetect.output
    given = unfold(data, home / "in")
    made = add(home / "fresh", "mine", given, "anime", 32, skip_damaged=True)
    if manifests.read(made.root) != made:
        raise Harm("what was written is not what was read")


def image(data: bytes, home: Path) -> None:
    from bench.data.intake import is_animated
    from bench.data.standardize import standardize

    path = home / "picture.gif"
    path.write_bytes(data)
    is_animated(path)
    if standardize(path, 16).shape != (16, 16, 3):
        raise Harm("another shape")


def video(data: bytes, home: Path) -> None:
    from bench.data.standardize import quiet
    from bench.data.video import Reading, Step

    path = home / ("film.mp4", "film.mkv", "film.avi", "film.webm")[len(data) % 4]
    path.write_bytes(data)
    with quiet():
        for sample in Reading(path, Step(frames=2), 16, threads=1):
            if any(one.shape != (16, 16, 3) for one in sample.pictures):
                raise Harm("another shape")


def checkpoint(data: bytes, home: Path) -> None:
    import torch

    from bench.checkpoint import fill, read_tensors, restore

    path = home / "weights.safetensors"
    path.write_bytes(data)
    tensors = read_tensors(path)
    net = torch.nn.Conv2d(1, 2, 3)
    prefix = "generator/"
    fill(net, {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}, path)
    optimizer = torch.optim.Adam(net.parameters())
    restore(optimizer, "generator", tensors, path)
    net(torch.zeros(1, 1, 3, 3)).sum().backward()
    optimizer.step()


def state(data: bytes, home: Path) -> None:
    from bench.checkpoint import Run as Training
    from bench.files import sha256
    from bench.job import Job
    from bench.types import Adam, Budget, Entry, Mix, Recipe, Stage, Track

    weights = home / "step-0000003.safetensors"
    weights.write_bytes(seeds.checkpoints()[0])
    (home / "state.json").write_bytes(data.replace(b'"sha256": ""', f'"sha256": "{sha256(weights)}"'.encode()))
    import torch

    model: Any = SimpleNamespace(generator=torch.nn.Conv2d(1, 2, 3), discriminator=None, MEMORY=())
    recipe = Recipe(4, 80, (Stage("l1", 1.0, Adam(1e-2)),))
    budget = Budget("smoke", images=80, width=1.0, batch_size=4)
    job = Job(Entry("tiny", Mix(("cartoon",))), lambda *_: model, recipe, Track("gray"), budget, 0, 16, "toy")
    fabric: Any = SimpleNamespace(is_global_zero=True)
    Training(job, fabric, model, home, {"schema": 1}).load()


def kept(data: bytes, home: Path) -> None:
    from bench.predictions import Origin, find

    path = home / "predictions" / "stem.kept"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    found = find(home, "stem", Origin("s", "gray", "m"), seeds.IDS, (3, seeds.SIDE, seeds.SIDE, 3))
    if found is not None:
        list(found.chunks())


def keepings() -> list[bytes]:
    import tempfile

    from bench.predictions import Origin, keeping

    with tempfile.TemporaryDirectory() as place:
        with keeping(Path(place), "stem", Origin("s", "gray", "m"), seeds.IDS) as add:
            add(seeds.pictures())
        return [(Path(place) / "predictions" / "stem.kept").read_bytes()]


def record(data: bytes, home: Path) -> None:
    from bench import records

    path = home / "record.json"
    path.write_bytes(data)
    made = records.read(path)
    if records.read(records.write(home / "records", made)) != made:
        raise Harm("what was written is not what was read")


def record_seeds() -> list[bytes]:
    folder = Path(__file__).parents[2] / "leaderboards" / "records"
    return [path.read_bytes() for path in sorted(folder.glob("*.json"))[::97]]


def gallery(data: bytes, home: Path) -> None:
    from bench.gallery.storing import read

    path = home / "gallery.zip"
    path.write_bytes(data)
    made = read(path)
    if set(made.pictures) != {sheet.name for sheet in made.index.sheets}:
        raise Harm("other pictures than its index says")


TARGETS: dict[str, Target] = {
    "manifest": Target(manifest, seeds.manifests, mutate.text, 22_000, 300),
    "record": Target(record, record_seeds, mutate.text, 15_000, 200),
    "convention": Target(convention, seeds.conventions, mutate.text, 15_000, 300),
    "words": Target(commands.words, commands.said, commands.word, 20_000, 300, writes=False),
    "options": Target(commands.options, commands.command_lines, commands.line, 8000, 100),
    "predictions folder": Target(predictions("given"), seeds.predictions, mutate.bundle, 4000, 150),
    "predictions zip": Target(predictions("given.zip"), seeds.predictions, mutate.archive, 6000, 150),
    "predictions npz": Target(predictions("given.npz"), seeds.npz, mutate.archive, 6000, 150),
    "predictions arrays": Target(predictions("given"), seeds.arrays, mutate.bundle, 4000, 150),
    "kept predictions": Target(kept, keepings, mutate.archive, 3000, 100),
    "pt2": Target(exported(".pt2"), seeds.programs, mutate.archive, 4000, 40),
    "onnx": Target(exported(".onnx"), seeds.onnx_models, mutate.raw, 4000, 60),
    "interchange hf": Target(interchange, lambda: seeds.exports("hf"), mutate.bundle, 2500, 25),
    "interchange parquet": Target(interchange, lambda: seeds.exports("parquet"), mutate.bundle, 2000, 15),
    "interchange webdataset": Target(interchange, lambda: seeds.exports("webdataset"), mutate.bundle, 2500, 25),
    "recipe": Target(recipe, seeds.tables, mutate.bundle, 2000, 15),
    "folder": Target(folder, seeds.user_folders, mutate.bundle, 2000, 15),
    "gallery": Target(gallery, seeds.galleries, mutate.archive, 3000, 100),
    "image": Target(image, seeds.images, mutate.png, 12_000, 300),
    "video": Target(video, seeds.films, mutate.raw, 1000, 15),
    "checkpoint": Target(checkpoint, seeds.checkpoints, mutate.safetensors, 6000, 150),
    "state": Target(state, seeds.states, mutate.text, 4000, 100),
}


def clear(home: Path) -> None:
    """Empty a target's folder."""
    with os.scandir(home) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
