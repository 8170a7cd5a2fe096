"""The one training loop, plain and adversarial: from splits in memory to a folder with weights, facts and curves.

A training is a pure function of (baseline, mix, budget, seed, splits, precision). Which images a step sees, their
flips and the dropout masks are computed from (seed, step) alone, so that a run that was cut and continued ends with the
same weights as one that was not.
"""

from __future__ import annotations

import csv
import math
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict
from importlib.util import find_spec
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
    write_tensors,
)
from bench.colorize import predict
from bench.data.workplace import alone
from bench.device import Machine, device_name
from bench.errors import BenchError
from bench.files import sha256, whole, write_json
from bench.job import Job, judged_at, rate_at, stage_at
from bench.metrics.pixel import score_images
from bench.parallel import by_the_first, whole_batch, whole_calls
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
TENSORBOARD = "tensorboard"

Report = Callable[[dict[str, Any]], None]


def train(
    job: Job,
    images: Mapping[str, Images],
    validation: Mapping[str, Images],
    splits: list[str],
    home: Path,
    machine: Machine,
    report: Report | None = None,
) -> Path:
    """Train one entry, or continue it, or do nothing if it is done.

    Args:
        job: what to train.
        images: the training split of each domain of the mix, in the mix's order.
        validation: the validation splits that choose the best step; a domain may lack one.
        splits: the keys of the training splits, for the record.
        home: the folder that holds `checkpoints/`.
        machine: device, number of devices, precision.
        report: called now and then with `step`, `steps`, `images_per_second`, `seconds_left`, `validation`.

    Returns:
        The entry's folder: `weights.safetensors` (the step with the lowest mean validation CIEDE2000),
        `training.json` (the facts) and `curves.csv`; `tensorboard/` too where TensorBoard is installed.

    Raises:
        BenchError: no training image, a damaged checkpoint, or a loss that is not finite (names step and images).
    """
    folder = job.folder(home)
    if (folder / FACTS).exists():
        read_facts(job, splits, home)
        _tidy(folder)  # a process killed at the very end left it to us
        return folder
    fabric = machine.fabric()
    with ExitStack() as stack:
        # A second process on the same entry waits for the first, and finds its work.
        by_the_first(lambda: stack.enter_context(alone(folder, wait=True)))
        if not (folder / FACTS).exists():
            _train(job, images, validation, splits, folder, fabric, machine.resolved()[1], report)
    return folder


def _train(
    job: Job,
    images: Mapping[str, Images],
    validation: Mapping[str, Images],
    splits: list[str],
    folder: Path,
    fabric: Fabric,
    precision: str,
    report: Report | None,
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
    run = Run(job, fabric, model, folder, identity(job, splits, precision))
    optimizer_tensors = run.load()
    run.board = _tensorboard(folder, fabric)
    try:
        _loop(run, resident, validation, optimizer_tensors, report)
    finally:
        if run.board is not None:
            run.board.close()
    if fabric.is_global_zero:
        _finish(run)
    fabric.barrier()


def _loop(
    run: Run,
    resident: Resident,
    validation: Mapping[str, Images],
    optimizer_tensors: dict[str, Tensor],
    report: Report | None,
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
            fabric, model, generator, judge if now.discriminator else None, judging, optimizers, batch
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
            _note(run, "validation_ciede2000", score)
            # Only the last stage is the recipe's result: before it the discriminator may not have played at all.
            if now is job.recipe.stages[-1] and score < run.best_score:
                run.best_score, run.best_step = score, run.step
                _save_weights(run)
        run.seconds = before + time.monotonic() - clock
        # Only where the log is empty, so that a run that goes on keeps the same curves, and between two windows of
        # frames, so that no own output is lost.
        whole_window = run.step % resident.unroll == 0
        if run.step < job.steps and time.monotonic() - saved > CHECKPOINT_SECONDS and not terms and whole_window:
            run.save()
            saved = time.monotonic()
        if report and fabric.is_global_zero:
            report(_progress(run, (run.step - begun) * job.batch_size / (run.seconds - before)))
    if not samples:
        run.best_step = job.steps  # nothing to choose by: the last step
        _save_weights(run)


def _progress(run: Run, rate: float) -> dict[str, Any]:
    return {
        "step": run.step,
        "steps": run.job.steps,
        "images_per_second": rate,
        "seconds_left": (run.job.steps - run.step) * run.job.batch_size / rate,
        "validation": None if math.isinf(run.best_score) else run.best_score,
    }


def _optimizers(run: Run, stage: Stage, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    run.stage = stage.name
    run.optimizers = {"generator": make_optimizer(stage.generator, run.model.generator)}
    if stage.discriminator is not None:
        run.optimizers["discriminator"] = make_optimizer(stage.discriminator, run.model.discriminator)
    for name, optimizer in run.optimizers.items():
        restore(optimizer, name, tensors, run.folder / STATE)
    return {name: run.fabric.setup_optimizers(optimizer) for name, optimizer in run.optimizers.items()}


def _save_weights(run: Run) -> None:
    """Write the generator under its step; the checkpoint that names this step drops the older ones."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in run.model.generator.state_dict().items()}
    bad = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:  # on every device, so that all stop together
        raise BenchError(
            f"{run.job.entry.name}: the weights {bad[0]} are not finite at step {run.step}; they are not kept. "
            "Try --precision 32-true or another --seed."
        )
    if run.fabric.is_global_zero:
        write_tensors(run.best_path, tensors)


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
        _note(run, name, float(values.mean()))
    if bad:
        step, name = min(bad)
        named = ", ".join(resident.choose(step).names)
        raise BenchError(
            f"{run.job.entry.name}: {name} is not finite at step {step} of {run.job.steps}, images {named}; "
            "the last checkpoint is kept. Try --precision 32-true or another --seed."
        )


def _note(run: Run, term: str, value: float) -> None:
    """A point of a curve: kept for the CSV, and shown live by TensorBoard where that is installed."""
    run.curves.append({"step": run.step, "stage": run.stage, "term": term, "value": value})
    if run.board is not None:
        run.board.add_scalar(term, value, run.step)


def _tensorboard(folder: Path, fabric: Fabric) -> Any:
    """A writer of TensorBoard's event files, or None where it is not installed."""
    if find_spec("tensorboard") is None or not fabric.is_global_zero:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / TENSORBOARD), flush_secs=10)


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
    with whole(run.folder / WEIGHTS) as temporary:
        shutil.copyfile(run.best_path, temporary)
    with whole(run.folder / CURVES) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["step", "stage", "term", "value"])
        writer.writeheader()
        writer.writerows(run.curves)
    facts = {
        **run.identity,
        "pretrained": run.model.PRETRAINED,
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
    write_json(run.folder / FACTS, sealed(facts))
    _tidy(run.folder)


def _tidy(folder: Path) -> None:
    """Drop the checkpoints of a finished training, where the disk can be written."""
    with suppress(OSError):
        for left in [folder / STATE, *folder.glob("step-*.safetensors"), *folder.glob("best-*.safetensors")]:
            left.unlink(missing_ok=True)


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
    _tidy(path.parent)
    return model, facts
