"""A small grid in one folder, run by processes that are killed on the way, and what must be the same at the end.

A process is a fresh fork of a server that has imported everything and done nothing: it costs milliseconds, not the
seconds of importing torch, and it is killed like any other. It dies at its n-th file operation (Python's audit events:
every file opened for writing, renamed, linked, made or removed) or after so many seconds, by SIGKILL to itself.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import hooks
import numpy as np
import torch
from toys import SIZE, paint

import bench.train
from bench import cli
from bench.data import collections
from bench.types import BUDGETS, Budget

COMMON = ["--collection", "toy", "--size", str(SIZE), "--device", "cpu"]
for lazy in (
    *(
        "colour",
        "imagehash",
        "numba",
        "pyarrow.parquet",
        "skimage.metrics",
        "torch.utils.tensorboard",
        "xml.dom.minidom",
    ),
    *("bench.conditions", "bench.crew", "bench.data.collections", "bench.data.folder", "bench.data.procedural.regions"),
    *("bench.metrics.kernels_color", "bench.metrics.kernels_structure", "bench.metrics.probe", "bench.playing"),
    *("bench.report", "bench.scoring", "baselines.fu2017_cgan", "baselines.fu2017_convnet", "baselines.gray_copy"),
):
    import_module(lazy)  # by the server once, and not by each process

ACTIONS: dict[str, list[list[str]]] = {
    "data add": [
        ["data", "add", "toy", f"pictures/{domain}", "--domain", domain, "--size", str(SIZE), "--group-by", "folder"]
        for domain in ("cartoon", "anime")
    ],
    "drawing": [["data", "list"]],  # replaced in `_act`: no command draws so little
    "training": [
        ["train-baselines", "--model", model, "--mix", "cartoon+anime", *COMMON, "--workers", "1"]
        for model in ("fu2017-convnet", "fu2017-cgan")
    ],
    "evaluation": [
        ["evaluate", "--domain", "all", "--model", model, "--split", "test", *COMMON]
        for model in ("gray-copy", "fu2017-cgan@cartoon+anime")
    ],
    "reports": [["report"]],
}
"""What is done in one process, one after another; each action needs those above it."""
DEMO = {"demo": [["demo", "--device", "cpu"]]}
"""It needs nothing."""

TRAINING = {"LOG_STEPS": 2, "CHECKPOINT_SECONDS": -1, "VALIDATIONS": 2}
DRAWING = {"SERIES": 10, "PICTURES": 2}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod", "shutil.rmtree"}


@dataclass(frozen=True)
class Death:
    """When a process dies: at its n-th file operation, or after so many seconds; never where both are 0."""

    operation: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class End:
    """How a process ended.

    Attributes:
        code: its exit status; -9 where it was killed.
        operations: on files, if it came to its end.
        writes: of these, those that write in the home, as `hooks.full_at` counts them.
        seconds: that it took.
        said: its output.
    """

    code: int | None
    operations: int
    writes: int
    seconds: float
    said: str


class Server:
    """Starts processes that act in a folder."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        paths = [str(here), *map(str, here.parents[:2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["staging"])
        self._numbers = itertools.count()

    def act(self, root: Path, action: str, death: Death = Death(), fault: str = "") -> End:
        """Do an action in a folder until it is done, or the process dies.

        Args:
            root: holds `pictures` and takes everything else.
            action: of ACTIONS or DEMO.
            death: when.
            fault: a function of the module `hooks` to call first, and its argument: `full_at 3`.
        """
        started = time.monotonic()
        notes = root.with_name(f"{root.name}.{next(self._numbers)}.notes")
        process = self._context.Process(target=_act, args=(str(root), action, death, fault, str(notes)))
        process.start()
        process.join(600)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{action} hangs")
        text = notes.read_text(errors="replace") if notes.exists() else ""
        notes.unlink(missing_ok=True)
        counts, ended, said = text.partition("\x00")
        operations, writes = map(int, counts.split()) if ended else (0, 0)
        code, seconds = process.exitcode, time.monotonic() - started
        process.close()
        return End(code, operations, writes, seconds, said if ended else text)


def _act(root: str, action: str, death: Death, fault: str, notes: str) -> None:
    os.chdir(root)
    log = os.open("../" + Path(notes).name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["BENCH_HOME"] = "home"
    torch.set_num_threads(1)
    BUDGETS["smoke"] = Budget("smoke", images=32, width=0.125, batch_size=4)
    for module, settings in ((bench.train, TRAINING), (collections, DRAWING)):
        for name, value in settings.items():
            setattr(module, name, value)
    name, *given = (fault or "counted").split()
    getattr(hooks, name)(*given)
    done = 0

    def count(event: str, given: Sequence[Any]) -> None:
        nonlocal done
        if event in EVENTS or (event == "open" and isinstance(given[2], int) and given[2] & WRITES):
            done += 1
            if done == death.operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    if death.seconds:
        # The alarm's own action ends a process as abruptly as a kill, and no thread is needed for it.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, death.seconds)
    code = 0
    if action == "drawing":
        collections.open_collection(Path("home"), "procedural-v1", SIZE)
    else:
        for argv in (ACTIONS | DEMO)[action]:
            try:
                cli.app(argv, prog_name="bench")
            except SystemExit as end:
                code = int(end.code or 0)
            if code:
                break
    signal.setitimer(signal.ITIMER_REAL, 0)
    said = Path(f"../{Path(notes).name}").read_text(errors="replace")
    Path(f"../{Path(notes).name}").write_text(f"{done} {len(hooks.written)}\x00{said}")
    sys.stdout.flush()
    os._exit(code)


def snapshot(root: Path) -> dict[str, str]:
    """Every file's digest, but for what tells the time: what two runs must share.

    A process that is killed between its last write and its end leaves locks, which the next one takes over, and the
    last checkpoint of a training, which evaluating the entry drops: these do not grow, and are left out.
    """
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or name.startswith("pictures/") or "/tensorboard/" in name:
            continue
        if path.name == ".lock" or path.name.endswith(".claim"):
            continue
        if (path.parent / "training.json").exists() and path.name.startswith(("state.json", "step-", "best-")):
            continue
        found[name] = hashlib.sha256(_timeless(path)).hexdigest()
    return found


def _timeless(path: Path) -> bytes:
    if path.name == "training.json":
        return _without(json.loads(path.read_text()), "seconds", "images_per_second", "digest")
    if path.suffix == ".json" and path.parent.name == "records":
        record = json.loads(path.read_text())
        for name in ("seconds", "images_per_second"):
            (record.get("training") or {}).pop(name, None)
        record["cost"].pop("images_per_second")
        return _without(record, "created")
    if path.suffix == ".kept":
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        return _without(json.loads(parts.pop("facts.json")), "notes") + b"".join(parts.values())
    return path.read_bytes()


def _without(value: dict[str, Any], *keys: str) -> bytes:
    return json.dumps({key: one for key, one in value.items() if key not in keys}).encode()


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """What two snapshots do not share, by file."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


@dataclass(frozen=True)
class Tally:
    """What a campaign against one action came to.

    Attributes:
        kills: processes that died.
        finishes: times that the action then came to its end, and everything was the same.
        seconds: of all of it.
        wrong: of an end that was not the same, what differed or was said.
    """

    kills: int
    finishes: int
    seconds: float
    wrong: tuple[str, ...] = ()


def campaign(
    server: Server, place: Path, before: Path, after: dict[str, str], whole: End, action: str, kills: int, seed: int
) -> Tally:
    """Kill an action at random points until it has died so often; the same command goes on after each death.

    Args:
        server: starts the processes.
        place: a folder to work in.
        before: the folder as the action finds it.
        after: the snapshot that an undisturbed run leaves.
        whole: how that run ended.
        action: of ACTIONS.
        kills: how many.
        seed: of the points.
    """
    rng = np.random.default_rng((seed, len(action), kills))
    died = finished = 0
    wrong: list[str] = []
    started = time.monotonic()

    def reset() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(before, place)

    reset()
    while died < kills or finished == 0:
        if died >= kills:
            death = Death()
        elif rng.random() < 0.75:
            death = Death(operation=int(rng.integers(1, whole.operations + 1)))
        else:
            death = Death(seconds=float(rng.uniform(0.01, whole.seconds)))
        end = server.act(place, action, death)
        if end.code in (-signal.SIGKILL, -signal.SIGALRM):
            died += 1
            continue
        if end.code:
            wrong.append(f"{action} after {died} kills, exit {end.code}: {end.said[-400:]}")
        else:
            differ = differences(snapshot(place), after)
            wrong += [f"{action} after {died} kills: {name}" for name in differ[:5]]
            finished += 1
        if len(wrong) > 3:
            break
        reset()
    return Tally(died, finished, time.monotonic() - started, tuple(wrong))


def rehearse(
    server: Server, root: Path, say: Callable[[str], None] = lambda line: None, last: str = ""
) -> dict[str, tuple[Path, End]]:
    """Every action undisturbed, in order: the folder as each found it, and how it ended.

    Args:
        server: starts the processes.
        root: takes the folders.
        say: hears of each.
        last: the last action to do; all if empty.

    Raises:
        AssertionError: one fails.
    """
    now = root / "end"
    now.mkdir(parents=True)
    paint(now / "pictures", groups=8, pictures=2)
    found = {}
    for number, action in enumerate(ACTIONS):
        before = root / f"before{number}"
        shutil.copytree(now, before)
        end = server.act(now, action)
        assert end.code == 0, end.said
        say(f"{action}: {end.operations} operations, {end.seconds:.1f} s")
        shutil.copytree(now, root / f"after{number}")
        found[action] = before, end
        if action == last:
            break
    return found
