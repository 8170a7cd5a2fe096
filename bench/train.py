"""The one training loop, plain and adversarial: from splits in memory to a folder with weights, facts and curves.

A training is a pure function of (baseline, mix, budget, seed, splits, precision). Which images a step sees, their
flips and the dropout masks are computed from (seed, step) alone, so that a run that was cut and continued ends with the
same weights as one that was not.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.fabric import Fabric

from bench.batches import Resident
from bench.checkpoint import (
    STATE,
    Run,
    fill,
    read_object,
    read_tensors,
    require_same,
    require_sealed,
    restore,
    sealed,
    tidy,
)
from bench.colorize import predict
from bench.data.workplace import alone
from bench.device import Machine, device_name
from bench.errors import BenchError
from bench.files import sha256, whole, write_json
from bench.job import VALIDATION, Job, judged_at, rate_at, stage_at
from bench.metrics.pixel import score_images
from bench.parallel import agreed, by_the_first, together, whole_batch, whole_calls
from bench.step import make_optimizer, set_rates, take_step
from bench.types import Images, Stage

if TYPE_CHECKING:
    from torch import Tensor

VALIDATIONS = 8
"""Times a training stops to score the validation split; the best of them is the entry's model."""
VALIDATION_IMAGES = 64
"""Images of each domain's validation split that are scored, evenly spaced."""
CHECKPOINT_SECONDS = 60
LOG_STEPS = 25
FORMAT = 2
"""Of what a training leaves; another number is another meaning of the same names, and is trained again."""
FACTS = "training.json"
FACTS_KEYS = {"seed", "pretrained", "device", "seconds", "images_per_second", "best_step", "parameters"}
WEIGHTS = "weights.safetensors"
CURVES = "curves.csv"

Report = Callable[[dict[str, Any]], None]
Stop = Callable[[], bool]
"""Whether the work shall be saved and ended."""


class Stopped(Exception):
    """The work was saved and ended, as asked."""


class Taken(Exception):
    """Somebody else has the work in hand."""


def train(
    job: Job,
    images: Mapping[str, Images],
    validation: Mapping[str, Images],
    splits: list[str],
    home: Path,
    machine: Machine,
    report: Report | None = None,
    stop: Stop = lambda: False,
    wait: bool = True,
) -> Path:
    """Train one entry, or continue it, or do nothing if it is done.

    Args:
        job: what to train.
        images: the training split of each domain of the mix, in the mix's order.
        validation: the validation splits that choose the best step; a domain may lack one.
        splits: the keys of the training splits, for the record.
        home: the folder that holds `checkpoints/`.
        machine: device, number of devices, precision.
        report: called now and then with `step`, `steps`, `images_per_second`, `seconds_left`, and the last and the best
            `validation` so far.
        stop: asked where a checkpoint can be written; of several processes the first one's answer counts.
        wait: for another process of this machine that trains the entry, instead of leaving it to that. Several
            processes that share the work always wait.

    Returns:
        The entry's folder: `weights.safetensors` (the step with the lowest mean validation CIEDE2000),
        `training.json` (the facts) and `curves.csv`; `tensorboard/` too where TensorBoard is installed.

    Raises:
        BenchError: no training image, a damaged checkpoint, a loss that is not finite (names step and images), or
            processes that share the work and differ in what they find.
        Stopped: `stop` said so; a checkpoint was written, unless nothing was begun.
        Taken: another process trains it, and `wait` is off.
    """
    folder = job.folder(home)
    if machine.several:
        machine.fabric()  # connects the processes
    if is_trained(folder):
        read_facts(job, splits, home)
        tidy(folder)  # a process killed at the very end left it to us
        return folder
    fabric = machine.fabric()
    with ExitStack() as stack:
        # A second process on the same entry waits for the first, and finds its work.
        while not by_the_first(lambda: _alone(stack, folder)):
            if not (wait or machine.several):
                raise Taken
            time.sleep(0.1)
        if not is_trained(folder):
            _train(job, images, validation, splits, folder, fabric, machine.resolved()[1], report, stop)
    return folder


def is_trained(folder: Path) -> bool:
    """Whether a training is done, by the file that says so.

    Raises:
        BenchError: processes that share the work differ in it.
    """
    return agreed(f"whether {folder / FACTS} is there", (folder / FACTS).exists())


def _alone(stack: ExitStack, folder: Path) -> bool:
    try:
        stack.enter_context(alone(folder))
    except BenchError:
        return False
    return True


def _train(
    job: Job,
    images: Mapping[str, Images],
    validation: Mapping[str, Images],
    splits: list[str],
    folder: Path,
    fabric: Fabric,
    precision: str,
    report: Report | None,
    stop: Stop,
) -> None:
    resident = Resident(job, images, fabric.device)
    if job.batch_size % fabric.world_size:
        raise BenchError(
            f"{job.entry.name}: batches of {job.batch_size} images cannot be shared by {fabric.world_size} devices "
            "in equal parts; choose --devices that divide it."
        )
    # Benchmarked kernel choice may differ between runs.
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(job.seed)
    model = job.build(size=job.size, width=job.budget.width, weights=job.weights)
    run = Run(job, fabric, model, folder, identity(job, splits, precision) | {"pretrained": model.PRETRAINED})
    with together():
        optimizer_tensors = run.load()
    agreed("what they train and from which step", (json.dumps(run.identity, sort_keys=True), run.step))
    if by_the_first(stop):
        raise Stopped
    run.show()
    try:
        _loop(run, resident, validation, optimizer_tensors, report, stop)
    finally:
        if run.board is not None:
            run.board.close()
    by_the_first(lambda: _finish(run))


def _loop(
    run: Run,
    resident: Resident,
    validation: Mapping[str, Images],
    optimizer_tensors: dict[str, Tensor],
    report: Report | None,
    stop: Stop,
) -> None:
    job, fabric, model = run.job, run.fabric, run.model
    model.to(fabric.device, memory_format=torch.channels_last)
    samples = {domain: _evenly(part, VALIDATION_IMAGES) for domain, part in validation.items() if len(part)}
    whole_batch(*run.networks().values())
    for name in model.MEMORY:
        whole_calls(getattr(model, name))
    generator = fabric.setup_module(model.generator)
    judge = fabric.setup_module(model.discriminator) if model.discriminator is not None else None
    validate_at = {round(job.steps * (k + 1) / VALIDATIONS) for k in range(VALIDATIONS)}
    # Each device takes a run of the one global batch: it cycles through the domains, so every share holds all of them.
    length = job.batch_size // fabric.world_size
    share = slice(fabric.global_rank * length, (fabric.global_rank + 1) * length)
    stage, optimizers = None, {}
    own: Tensor | None = None
    terms: list[dict[str, Tensor]] = []
    clock = saved = time.monotonic()
    begun, before = run.step, run.seconds
    model.train()
    while run.step < job.steps:
        now = stage_at(job.recipe, job.steps, run.step)
        if now is not stage:
            if terms:
                _log(run, terms, resident)
                terms.clear()
            stage = now
            optimizers = _optimizers(run, stage, optimizer_tensors)
            optimizer_tensors = {}  # only the stage that was cut finds its state; every later one starts fresh
        set_rates(optimizers, now, rate_at(job.recipe, job.steps, run.step))
        batch = resident.batch(resident.choose(run.step), run.step, own, share)
        torch.manual_seed(job.seed * 1_000_003 + run.step)  # dropout, from (seed, step) alone
        judging = judged_at(job.recipe, job.steps, run.step)
        fake, losses = take_step(
            fabric, model, generator, judge if now.discriminator else None, judging, optimizers, batch, run.room
        )
        terms.append(losses)
        if resident.unroll > 1:
            with torch.no_grad():
                own = model.decode(fake, batch)
        run.step += 1
        if run.step % LOG_STEPS == 0 or run.step == job.steps or run.step in validate_at:
            _log(run, terms, resident)
            terms.clear()
        if run.step in validate_at and samples:
            score = _validate(run, samples)
            run.note(VALIDATION, score)
            # Only the last stage is the recipe's result: before it the discriminator may not have played at all.
            if now is job.recipe.stages[-1] and score < run.best_score:
                run.best_score, run.best_step = score, run.step
                run.save_best()
        run.seconds = before + time.monotonic() - clock
        # Only where the log is empty, so that a run that goes on keeps the same curves, and between two windows of
        # frames, so that no own output is lost.
        fit = run.step < job.steps and not terms and run.step % resident.unroll == 0
        ending = fit and by_the_first(stop)
        if fit and (ending or time.monotonic() - saved > CHECKPOINT_SECONDS):
            run.save()
            saved = time.monotonic()
        if report and fabric.is_global_zero:
            report(run.progress((run.step - begun) * job.batch_size / (run.seconds - before)))
        if ending:
            raise Stopped
    if not samples:
        run.best_step = job.steps  # nothing to choose by: the last step
        run.save_best()


def _optimizers(run: Run, stage: Stage, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    run.stage = stage.name
    run.optimizers = {"generator": make_optimizer(stage.generator, run.model.generator)}
    if stage.discriminator is not None:
        run.optimizers["discriminator"] = make_optimizer(stage.discriminator, run.model.discriminator)
    for name, optimizer in run.optimizers.items():
        restore(optimizer, name, tensors, run.folder / STATE)
    return {name: run.fabric.setup_optimizers(optimizer) for name, optimizer in run.optimizers.items()}


def _log(run: Run, terms: list[dict[str, Tensor]], resident: Resident) -> None:
    """Means since the last log go to the curves; a loss that is not finite ends the training with its images named."""
    bad: list[tuple[int, str]] = []
    for name in dict.fromkeys(name for logged in terms for name in logged):
        places = [place for place, logged in enumerate(terms) if name in logged]
        # The mean over devices: one that is not finite anywhere is not finite everywhere, and all stop together.
        shares = torch.stack([terms[place][name] for place in places]).float()
        reduced: Any = run.fabric.all_reduce(shares, reduce_op="mean")
        values = reduced.cpu()
        bad += [
            (run.step - len(terms) + place, name) for place, v in zip(places, values, strict=True) if not v.isfinite()
        ]
        run.note(name, float(values.mean()))
    if bad:
        step, name = min(bad)
        named = ", ".join(resident.choose(step).names)
        raise BenchError(
            f"{run.job.entry.name}: {name} is not finite at step {step} of {run.job.steps}, images {named}; "
            "the last checkpoint is kept. Try --precision 32-true or another --seed."
        )


def _validate(run: Run, samples: Mapping[str, Images]) -> float:
    """Mean CIEDE2000 over the validation images, each domain with the same weight; every device gets the same."""
    means = []
    for part in samples.values():
        predictions = predict(run.model, part, run.job.track, run.fabric.device)
        means.append(float(score_images(predictions, part.targets)["ciede2000"].mean()))
    return float(np.mean(means))


def _evenly(images: Images, count: int) -> Images:
    """So many images, evenly spaced; of clips, whole ones."""
    first = np.arange(len(images)) if images.frames is None else np.flatnonzero(np.array(images.frames) == 0)
    ends = np.append(first[1:], len(images))
    wanted = max(1, round(count * len(first) / len(images)))
    some = np.unique(np.linspace(0, len(first) - 1, min(wanted, len(first))).round().astype(int))
    return images.at(np.concatenate([np.arange(int(first[k]), int(ends[k])) for k in some]))


def identity(job: Job, splits: list[str], precision: str) -> dict[str, Any]:
    """What makes a training this one and no other: a checkpoint or result that differs in it is never taken for it."""
    return {
        "format": FORMAT,
        "entry": job.entry.name,
        "track": job.track.name,
        "collection": job.collection,
        "size": job.size,
        "budget": job.budget.name,
        "seed": job.seed,
        "splits": splits,
        "images": job.steps * job.batch_size,
        "batch_size": job.batch_size,
        "width": job.budget.width,
        "recipe": asdict(job.recipe),
        "precision": precision,
    }


def read_facts(job: Job, splits: list[str], home: Path) -> dict[str, Any]:
    """The facts of a finished training.

    Raises:
        BenchError: it is not trained yet (says the command), the file is damaged, or it was trained on other data or
            by another recipe than now.
    """
    path = job.folder(home) / FACTS
    if not path.exists():
        raise BenchError(
            f"{job.entry.name} is not trained on {job.collection} at {job.size} px, budget {job.budget.name}; "
            f"first run: {job.command}"
        )
    facts = read_object(path)
    if missing := FACTS_KEYS - facts.keys():
        raise BenchError(f"{path} is damaged, it lacks {min(missing)}; delete {path.parent} to train again.")
    # Another precision is a fact of the machine that trained; it stands in the record.
    require_same(path, facts, identity(job, splits, facts.get("precision", "")))
    require_sealed(path, facts)
    return facts


def _finish(run: Run) -> None:
    """Curves, weights, then the facts: the file that says this entry is done. Checkpoints are dropped last."""
    job = run.job
    with whole(run.folder / WEIGHTS, durable=True) as temporary:
        shutil.copyfile(run.best_path, temporary)
    with (
        whole(run.folder / CURVES, durable=True) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, ["step", "stage", "term", "value"])
        writer.writeheader()
        writer.writerows(run.curves)
    facts = {
        **run.identity,
        "devices": run.fabric.world_size,
        "device": device_name(run.fabric.device),
        "seconds": round(run.seconds, 3),
        "images_per_second": round(job.steps * job.batch_size / run.seconds, 2),
        "best_step": run.best_step,
        "best_validation_ciede2000": None if math.isinf(run.best_score) else round(run.best_score, 4),
        "parameters": sum(p.numel() for p in run.model.generator.parameters()),
        "weights_sha256": sha256(run.folder / WEIGHTS),
        "curves_sha256": sha256(run.folder / CURVES),
    }
    if run.room.images:
        facts["images_at_once"] = run.room.images
    write_json(run.folder / FACTS, sealed(facts), durable=True)
    tidy(run.folder)


def load(job: Job, splits: list[str], home: Path, device: torch.device) -> tuple[Any, dict[str, Any]]:
    """The trained model of an entry and its facts.

    Raises:
        BenchError: as `read_facts`, or its weights were changed since.
    """
    facts = read_facts(job, splits, home)
    path = job.folder(home) / WEIGHTS
    if not path.exists() or sha256(path) != facts.get("weights_sha256"):
        raise BenchError(f"{path} is not the file that {FACTS} describes; delete {path.parent} and train again.")
    model = job.build(size=job.size, width=job.budget.width, weights=None)
    fill(model.generator, read_tensors(path), path)
    model.to(device, memory_format=torch.channels_last)
    tidy(path.parent)
    return model, facts
