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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file, save_file

from bench.checkpoint import STATE, Run, read_object, require_same, restore
from bench.color import quantize
from bench.device import Machine, device_name
from bench.errors import BenchError
from bench.files import sha256, whole, write_json
from bench.job import Job, pick, stage_at
from bench.metrics.pixel import score_images
from bench.types import Adam, Batch, Images, Stage

if TYPE_CHECKING:
    from torch import Tensor, nn

VALIDATIONS = 8
"""Times a training stops to score the validation split; the best of them is the entry's model."""
VALIDATION_IMAGES = 64
"""Images of each domain's validation split that are scored, evenly spaced."""
CHECKPOINT_SECONDS = 60
LOG_STEPS = 25
FACTS = "training.json"
FACTS_KEYS = {"seed", "pretrained", "device", "seconds", "images_per_second", "best_step", "parameters"}
WEIGHTS = "weights.safetensors"
CURVES = "curves.csv"

Report = Callable[[dict[str, Any]], None]


@dataclass
class _Resident:
    """The training images of the mix on the device as 8-bit tensors, one block a domain."""

    offsets: dict[str, int]
    targets: Tensor
    conditions: Tensor

    @classmethod
    def of(cls, images: Mapping[str, Images], device: torch.device) -> _Resident:
        offsets, start = {}, 0
        for domain, part in images.items():
            offsets[domain] = start
            start += len(part)
        targets = torch.cat([torch.from_numpy(np.ascontiguousarray(part.targets)) for part in images.values()])
        conditions = torch.cat([torch.from_numpy(np.ascontiguousarray(part.conditions)) for part in images.values()])
        return cls(offsets, targets.to(device).permute(0, 3, 1, 2).contiguous(), conditions.to(device).unsqueeze(1))

    def batch(self, chosen: list[tuple[str, int]], flips: np.ndarray | None) -> Batch:
        device = self.targets.device
        index = torch.tensor([self.offsets[domain] + place for domain, place in chosen], device=device)
        target, condition = self.targets[index], self.conditions[index]
        if flips is not None:
            flip = torch.from_numpy(flips).to(device)[:, None, None, None]
            target = torch.where(flip, target.flip(-1), target)
            condition = torch.where(flip, condition.flip(-1), condition)
        return Batch(condition.float() / 255, target.float() / 255)


def batches(images: Images, size: int, device: torch.device) -> Iterator[Batch]:
    """An evaluation's batches: conditions only, in order."""
    for start in range(0, len(images), size):
        condition = torch.from_numpy(np.ascontiguousarray(images.conditions[start : start + size]))
        yield Batch(condition.to(device).unsqueeze(1).float() / 255)


@torch.inference_mode()
def predict(model: Any, images: Images, device: torch.device, size: int | None = None) -> np.ndarray:
    """Colorize a split.

    Args:
        model: a Colorizer.
        images: what to colorize; only the conditions are read.
        device: where the model lies.
        size: images a forward pass, None for 2**18 pixels; normalisation uses running statistics, so it does not
            change the result.

    Returns:
        8-bit sRGB, shape (n, height, width, 3).
    """
    height, width = images.conditions.shape[1:]
    model.eval()
    parts = []
    # TF32 would make a score depend on the device.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        for batch in batches(images, size or max(1, 2**18 // (height * width)), device):
            x, _ = model.encode(batch)
            output = model.generator(x.contiguous(memory_format=torch.channels_last)).float()
            parts.append(quantize(model.decode(output, batch).permute(0, 2, 3, 1).cpu().numpy()))
    model.train()
    return np.concatenate(parts)


def _optimizer(settings: Adam, network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=settings.lr, betas=settings.betas, fused=True)


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
        `training.json` (the facts) and `curves.csv`.

    Raises:
        BenchError: no training image, a damaged checkpoint, or a loss that is not finite (names step and images).
    """
    folder = job.folder(home)
    if (folder / FACTS).exists():
        read_facts(job, splits, home)
        return folder
    for domain, part in images.items():
        if not len(part):
            raise BenchError(
                f"{job.entry.name}: the training split of {domain} is empty; add images to {job.collection}."
            )
    folder.mkdir(parents=True, exist_ok=True)
    fabric = machine.fabric()
    fabric.launch()
    if job.batch_size % fabric.world_size:
        raise BenchError(
            f"{job.entry.name}: batches of {job.batch_size} images cannot be shared by {fabric.world_size} devices "
            "in equal parts; choose --devices that divide it."
        )
    # Benchmarked kernel choice may differ between runs.
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(job.seed)
    model = job.build(size=job.size, width=job.budget.width, weights=job.weights)
    run = Run(job, fabric, model, folder, identity(job, splits, machine.resolved()[1]))
    optimizer_tensors = run.load()
    _loop(run, images, validation, optimizer_tensors, report)
    if fabric.is_global_zero:
        _finish(run)
    fabric.barrier()
    return folder


def _loop(
    run: Run,
    images: Mapping[str, Images],
    validation: Mapping[str, Images],
    optimizer_tensors: dict[str, Tensor],
    report: Report | None,
) -> None:
    job, fabric, model = run.job, run.fabric, run.model
    model.to(fabric.device, memory_format=torch.channels_last)
    resident = _Resident.of(images, fabric.device)
    sizes = {domain: len(part) for domain, part in images.items()}
    samples = {domain: _evenly(part, VALIDATION_IMAGES) for domain, part in validation.items() if len(part)}
    generator = fabric.setup_module(model.generator)
    judge = fabric.setup_module(model.discriminator) if model.discriminator is not None else None
    validate_at = {round(job.steps * (k + 1) / VALIDATIONS) for k in range(VALIDATIONS)}
    stage, optimizers = None, {}
    terms: list[dict[str, Tensor]] = []
    clock = saved = time.monotonic()
    begun, before = run.step, run.seconds
    model.train()
    while run.step < job.steps:
        now = stage_at(job.recipe, job.steps, run.step)
        if now is not stage:
            if terms:
                _log(run, terms, sizes)
                terms.clear()
            stage = now
            optimizers = _optimizers(run, stage, optimizer_tensors)
            optimizer_tensors = {}  # only the stage that was cut finds its state; every later one starts fresh
        batch = _batch(job, run.step, sizes, resident, fabric)
        torch.manual_seed(job.seed * 1_000_003 + run.step)  # dropout, from (seed, step) alone
        terms.append(_step(fabric, model, generator, judge if now.discriminator else None, optimizers, batch))
        run.step += 1
        if run.step % LOG_STEPS == 0 or run.step == job.steps or run.step in validate_at:
            _log(run, terms, sizes)
            terms.clear()
        if run.step in validate_at and samples:
            score = _validate(run, samples)
            run.curves.append({"step": run.step, "stage": now.name, "term": "validation_ciede2000", "value": score})
            # Only the last stage is the recipe's result: before it the discriminator may not have played at all.
            if now is job.recipe.stages[-1] and score < run.best_score:
                run.best_score, run.best_step = score, run.step
                _save_weights(run)
        run.seconds = before + time.monotonic() - clock
        if run.step < job.steps and time.monotonic() - saved > CHECKPOINT_SECONDS and not terms:
            # Only where the log is empty, so that a run that goes on keeps the same curves.
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
    run.optimizers = {"generator": _optimizer(stage.generator, run.model.generator)}
    if stage.discriminator is not None:
        run.optimizers["discriminator"] = _optimizer(stage.discriminator, run.model.discriminator)
    for name, optimizer in run.optimizers.items():
        restore(optimizer, name, tensors)
    return {name: run.fabric.setup_optimizers(optimizer) for name, optimizer in run.optimizers.items()}


def _save_weights(run: Run) -> None:
    """Write the generator under its step; the checkpoint that names this step drops the older ones."""
    if run.fabric.is_global_zero:
        tensors = {key: value.detach().cpu().contiguous() for key, value in run.model.generator.state_dict().items()}
        bad = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
        if bad:
            raise BenchError(
                f"{run.job.entry.name}: the weights {bad[0]} are not finite at step {run.step}; they are not kept. "
                "Try --precision 32-true or another --seed."
            )
        with whole(run.best_path) as temporary:
            save_file(tensors, temporary)


def _batch(job: Job, step: int, sizes: Mapping[str, int], resident: _Resident, fabric: Fabric) -> Batch:
    chosen = pick(job, step, sizes)
    flips = None
    if job.recipe.flip:
        flips = np.random.default_rng((job.seed, 1, step)).random(len(chosen)) < 0.5
    # Each device takes a run of the one global batch: it cycles through the domains, so every share holds all of them.
    share = len(chosen) // fabric.world_size
    mine = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    return resident.batch(chosen[mine], None if flips is None else flips[mine])


def _step(
    fabric: Fabric,
    model: Any,
    generator: Callable[[Tensor], Tensor],
    judge: Callable[[Tensor], Tensor] | None,
    optimizers: Mapping[str, Any],
    batch: Batch,
) -> dict[str, Tensor]:
    """One step: the generator runs once; the discriminator learns on its detached output, then the generator learns."""
    x, y = model.encode(batch)
    fake = generator(x.contiguous(memory_format=torch.channels_last))
    logged: dict[str, Tensor] = {}
    if judge is not None:
        losses = model.discriminator_losses(x, y, fake.detach(), judge)
        optimizers["discriminator"].zero_grad()
        fabric.backward(torch.stack(list(losses.values())).sum())
        optimizers["discriminator"].step()
        logged |= {f"discriminator_{name}": value.detach() for name, value in losses.items()}
        model.discriminator.requires_grad_(False)
    losses = model.generator_losses(x, y, fake, judge)
    optimizers["generator"].zero_grad()
    fabric.backward(torch.stack(list(losses.values())).sum())
    optimizers["generator"].step()
    if judge is not None:
        model.discriminator.requires_grad_(True)
    return logged | {f"generator_{name}": value.detach() for name, value in losses.items()}


def _log(run: Run, terms: list[dict[str, Tensor]], sizes: Mapping[str, int]) -> None:
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
        run.curves.append({"step": run.step, "stage": run.stage, "term": name, "value": float(values.mean())})
    if bad:
        step, name = min(bad)
        named = ", ".join(f"{domain}[{place}]" for domain, place in pick(run.job, step, sizes))
        raise BenchError(
            f"{run.job.entry.name}: {name} is not finite at step {step} of {run.job.steps}, images {named}; "
            "the last checkpoint is kept. Try --precision 32-true or another --seed."
        )


def _validate(run: Run, samples: Mapping[str, Images]) -> float:
    """Mean CIEDE2000 over the validation images, each domain with the same weight; every device gets the same."""
    for name, buffer in run.model.named_buffers():
        # Each device has normalised its own share; what is scored and saved is the mean of their statistics.
        if run.fabric.world_size > 1 and name.endswith(("running_mean", "running_var")):
            buffer.copy_(run.fabric.all_reduce(buffer, reduce_op="mean"))
    means = []
    for part in samples.values():
        predictions = predict(run.model, part, run.fabric.device)
        means.append(float(score_images(predictions, part.targets)["ciede2000"].mean()))
    return float(np.mean(means))


def _evenly(images: Images, count: int) -> Images:
    index = np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int))
    return Images(
        tuple(images.ids[i] for i in index),
        tuple(images.groups[i] for i in index),
        images.targets[index],
        images.conditions[index],
    )


def identity(job: Job, splits: list[str], precision: str) -> dict[str, Any]:
    """What makes a training this one and no other: a checkpoint or result that differs in it is never taken for it."""
    return {
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
    write_json(
        run.folder / FACTS,
        {
            "entry": job.entry.name,
            "track": job.track.name,
            "collection": job.collection,
            "size": job.size,
            "budget": job.budget.name,
            "seed": job.seed,
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
        },
    )
    for left in [run.folder / STATE, *run.folder.glob("step-*.safetensors"), *run.folder.glob("best-*.safetensors")]:
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
    model.generator.load_state_dict(load_file(path))
    model.to(device, memory_format=torch.channels_last)
    return model, facts
