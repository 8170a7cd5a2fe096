"""A training's checkpoints: tensors as safetensors and the state that names them as JSON, each whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from bench.device import Room
from bench.errors import BenchError
from bench.files import sha256, whole, write_json
from bench.job import VALIDATION, Job, stage_at

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from torch import Tensor, nn

STATE = "state.json"
STEP_FILE = re.compile(r"step-[0-9]{7,12}\.safetensors")
SLOTS = {"Adam": {"step", "exp_avg", "exp_avg_sq"}, "RMSprop": {"step", "square_avg"}}
"""What an optimizer keeps of each parameter: without it the next step would fail."""

HUGE = 1e300
LONGEST = 200
"""Characters of a name or reason from outside that are shown."""
TENSORBOARD = "tensorboard"
CURVE_KEYS = {"step", "stage", "term", "value"}
STATE_KEYS = {"step", "stage", "seconds", "curves", "best_step", "best_score", "best_sha256"}


@dataclass
class Run:
    """A training under way: the networks, their optimizers, the curves and how far it is."""

    job: Job
    fabric: Fabric
    model: Any
    folder: Path
    identity: dict[str, Any]
    step: int = 0
    stage: str = ""
    seconds: float = 0.0
    best_step: int = 0
    best_score: float = math.inf
    curves: list[dict[str, Any]] = field(default_factory=list)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    board: Any = None
    room: Room = field(default_factory=Room)
    files: set[Path] = field(default_factory=set)
    """Checkpoint files that this run wrote or read: those it may drop."""

    @property
    def best_path(self) -> Path:
        """The weights of the best step so far."""
        return self.folder / f"best-{self.best_step:07d}.safetensors"

    def show(self) -> None:
        """Have the curves shown live by TensorBoard, where that is installed."""
        if find_spec("tensorboard") is not None and self.fabric.is_global_zero:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(self.folder / TENSORBOARD), flush_secs=10)

    def note(self, term: str, value: float) -> None:
        """A point of a curve."""
        self.curves.append({"step": self.step, "stage": self.stage, "term": term, "value": value})
        if self.board is not None:
            self.board.add_scalar(term, value, self.step)

    def progress(self, rate: float) -> dict[str, Any]:
        """How far it is, at so many images a second."""
        return {
            "step": self.step,
            "steps": self.job.steps,
            "images_per_second": rate,
            "seconds_left": (self.job.steps - self.step) * self.job.batch_size / rate,
            "validation": next((p["value"] for p in reversed(self.curves) if p["term"] == VALIDATION), None),
            "best_validation": None if math.isinf(self.best_score) else self.best_score,
        }

    def networks(self) -> dict[str, nn.Module]:
        """What a training must find again when it goes on: both networks and what else the model remembers."""
        pairs = {"generator": self.model.generator, "discriminator": self.model.discriminator}
        pairs |= {name: getattr(self.model, name) for name in self.model.MEMORY}
        return {name: network for name, network in pairs.items() if network is not None}

    def save(self) -> None:
        """Write a checkpoint, from the first process only: tensors under a new name, then the state that names them.

        Raises:
            BenchError: a weight is not finite; in all processes, and the checkpoint before stays.
        """
        for name, network in self.networks().items():
            self._require_finite(network.state_dict(), name)
        if not self.fabric.is_global_zero:
            return
        tensors: dict[str, Tensor] = {}
        for name, network in self.networks().items():
            for key, value in network.state_dict().items():
                tensors[f"{name}/{key}"] = value.detach().contiguous()
            if name in self.optimizers:
                for index, slots in self.optimizers[name].state_dict()["state"].items():
                    for slot, value in slots.items():
                        tensors[f"{name}-optimizer/{index}/{slot}"] = value.detach().contiguous()
        path = self.folder / f"step-{self.step:07d}.safetensors"
        write_tensors(path, tensors)
        self.files |= {path, self.best_path}
        state = {
            **self.identity,
            "step": self.step,
            "stage": self.stage,
            "file": path.name,
            "sha256": sha256(path),
            "seconds": self.seconds,
            "best_step": self.best_step,
            "best_score": None if math.isinf(self.best_score) else self.best_score,
            "best_sha256": sha256(self.best_path) if self.best_step else None,
            "curves": self.curves,
        }
        write_json(self.folder / STATE, sealed(state), durable=True)
        for old in self.files - {path, self.best_path}:
            old.unlink(missing_ok=True)
        self.files = {path, self.best_path}

    def save_best(self) -> None:
        """Write the generator under its step, from the first process only; the next checkpoint drops older ones.

        Raises:
            BenchError: a weight is not finite; in all processes, so that they stop together.
        """
        tensors = {key: value.detach().cpu().contiguous() for key, value in self.model.generator.state_dict().items()}
        self._require_finite(tensors, "generator")
        if self.fabric.is_global_zero:
            write_tensors(self.best_path, tensors)
            self.files.add(self.best_path)

    def _require_finite(self, tensors: Mapping[str, Tensor], network: str) -> None:
        bad = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
        if bad:
            raise BenchError(
                f"{self.job.entry.name}: the weights {bad[0]} of the {network} are not finite at step {self.step}; "
                "they are not kept. Try --precision 32-true or another --seed."
            )

    def load(self) -> dict[str, Tensor]:
        """Read the last checkpoint, if there is one; returns the optimizers' tensors for the stage that continues."""
        state_path = self.folder / STATE
        if not state_path.exists():
            return {}
        state = read_object(state_path)
        require_same(state_path, state, self.identity)
        name = state.get("file")
        if not isinstance(name, str) or not STEP_FILE.fullmatch(name):
            raise BenchError(f"{state_path} is damaged, its file cannot be; delete {self.folder} to train again.")
        path = self.folder / name
        if not path.is_file() or sha256(path) != state.get("sha256"):
            raise BenchError(
                f"checkpoint {path} is missing or damaged (its checksum differs from {STATE}); "
                f"delete the folder {self.folder} to train this entry from the start."
            )
        if missing := STATE_KEYS - state.keys():
            raise BenchError(f"{state_path} is damaged, it lacks {min(missing)}; delete {self.folder} to train again.")
        if wrong := self._wrong(state):
            raise BenchError(f"{state_path} is damaged, its {wrong} cannot be; delete {self.folder} to train again.")
        require_sealed(state_path, state)
        tensors = read_tensors(path)
        for name, network in self.networks().items():
            prefix = f"{name}/"
            fill(network, {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}, path)
        self.step, self.seconds, self.curves = state["step"], state["seconds"], state["curves"]
        self.best_step = state["best_step"]
        self.best_score = math.inf if state["best_score"] is None else state["best_score"]
        self.files = {path, self.best_path}
        if stage_at(self.job.recipe, self.job.steps, self.step).name != state["stage"]:
            return {}  # cut exactly between two stages
        return {k: v for k, v in tensors.items() if "-optimizer/" in k}

    def _wrong(self, state: Mapping[str, Any]) -> str:
        """The first fact of a state that this training cannot have written; empty if all is well."""
        step, best = state["step"], state["best_step"]
        stages = [stage.name for stage in self.job.recipe.stages]
        named = type(best) is type(step) is int and 0 < best <= step < self.job.steps
        best_path = self.folder / f"best-{best:07d}.safetensors" if named else None
        checks = {
            "step": type(step) is int and 0 < step < self.job.steps,
            "stage": state["stage"] in stages,
            "seconds": _finite(state["seconds"]) and state["seconds"] >= 0,
            "best_step": type(best) is int and type(step) is int and 0 <= best <= step,
            "best_score": state["best_score"] is None if not best else _finite(state["best_score"]),
            "best_sha256": best_path is None or (best_path.is_file() and sha256(best_path) == state["best_sha256"]),
            "curves": isinstance(state["curves"], list) and all(map(_point, state["curves"])),
        }
        return next((name for name, good in checks.items() if not good), "")


def _point(row: Any) -> bool:
    """Whether it is a point of a curve."""
    if not isinstance(row, dict) or row.keys() != CURVE_KEYS:
        return False
    named = isinstance(row["stage"], str) and isinstance(row["term"], str)
    return named and _finite(row["step"]) and _finite(row["value"])


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < HUGE  # JSON may hold a whole number too large for a float


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all.

    The library's own `save_file` leaves a temporary file of its own where its process is killed.
    """
    with whole(path, durable=True) as temporary:
        temporary.write_bytes(save(tensors))


def tidy(folder: Path) -> None:
    """Drop the checkpoints of a finished training, where the disk can be written."""
    with suppress(OSError):
        for left in [folder / STATE, *folder.glob("step-*.safetensors"), *folder.glob("best-*.safetensors")]:
            left.unlink(missing_ok=True)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        BenchError: it is another kind of file, or damaged.
    """
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OverflowError) as error:
        why = str(error)[:LONGEST]
        raise BenchError(
            f"{path} is no safetensors file or is damaged ({why}); delete {path.parent} to train again."
        ) from None


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network its weights.

    Raises:
        BenchError: a tensor is missing, unknown, of another shape or number format, or not finite.
    """
    wanted = network.state_dict()
    for key in sorted(wanted.keys() | tensors.keys()):
        if key not in tensors or key not in wanted:
            why = f"{'lacks' if key in wanted else 'has an unknown'} tensor {key[:LONGEST]!r}"
        elif tensors[key].shape != wanted[key].shape or tensors[key].dtype != wanted[key].dtype:
            why = f"has {key!r} as {tuple(tensors[key].shape)}, expected {tuple(wanted[key].shape)}"
        elif tensors[key].is_floating_point() and not tensors[key].isfinite().all():
            why = f"has values in {key!r} that are not finite"
        else:
            continue
        raise BenchError(f"{path} is of another network: it {why}; delete {path.parent} to train again.")
    network.load_state_dict(dict(tensors))


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BenchError: the file is damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BenchError(f"{path} is damaged; delete {path.parent} and train this entry again.")
    return value


def sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts and, under `digest`, their SHA-256, by which a damaged file is known."""
    return {**facts, "digest": _digest(facts)}


def require_sealed(path: Path, found: Mapping[str, Any]) -> None:
    """Refuse facts that changed since they were written. Those of older versions carry no digest and pass.

    Raises:
        BenchError: they did.
    """
    rest = {key: value for key, value in found.items() if key != "digest"}
    if "digest" in found and found["digest"] != _digest(rest):
        raise BenchError(f"{path} is damaged, its digest differs; delete {path.parent} and train this entry again.")


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def require_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a training that was made from other data or by other rules than are asked for.

    Raises:
        BenchError: names the first fact that differs.
    """
    plain = json.loads(json.dumps(wanted))  # tuples become lists, as in the file
    for key, value in plain.items():
        if found.get(key) != value:
            raise BenchError(
                f"{path} is of another training: its {key} is {_short(found.get(key))}, now {_short(value)}; "
                f"delete {path.parent} to train again."
            )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 160 else text[:157] + "..."


def restore(optimizer: torch.optim.Optimizer, name: str, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give an optimizer its state; nothing if there is none of it.

    Raises:
        BenchError: the state is not of these parameters.
    """
    wrong = BenchError(f"{path} holds no state of this {name}'s optimizer; delete {path.parent} to train again.")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        owner, *place = key.split("/")
        if owner != f"{name}-optimizer":
            continue
        if len(place) != 2 or not place[0].isdecimal() or int(place[0]) >= len(parameters):
            raise wrong
        parameter = parameters[int(place[0])]
        if value.ndim and value.shape != parameter.shape:
            raise wrong
        # The file holds plain strides; the fused step walks both tensors in memory order, so they must match.
        fitting = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
        state.setdefault(int(place[0]), {})[place[1]] = fitting
    needed = SLOTS.get(type(optimizer).__name__, set())
    if len({frozenset(slots) for slots in state.values()}) > 1 or any(
        needed - slots.keys() for slots in state.values()
    ):
        raise wrong
    if state:
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
