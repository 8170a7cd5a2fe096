"""The driver: `python tests/fuzz --target manifest --runs 20000 --seed 1`; one JSON line a target.

A second process reads the input, so that a crash of a native library is a finding like any other: the same number of
the same seed is the same input. With `--engine coverage` atheris (libFuzzer) chooses the input instead, by the lines of
`bench` that it reaches.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from bench.errors import BenchError

ADDRESSES = 8 * 2**30
"""Bytes of address space beyond what a fresh process has: an allocation past it fails and does not fill the machine."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--target", action="append", help="again for more; default: all")
    parser.add_argument("--runs", type=int, help="inputs of each; default: the target's own number")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("random", "coverage"), default="random")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seconds", type=float, default=3600.0, help="after which a target ends early")
    parser.add_argument("--show", type=int, help="write the input of a number to standard output")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    from .targets import TARGETS, case

    if given.show is not None:
        sys.stdout.buffer.write(case(given.target[0], given.seed, given.show))
        return
    if given.worker is not None:
        work(given)
        return
    for name in given.target or TARGETS:
        print(json.dumps(session(name, given)), flush=True)


def session(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run a target to its end in processes of its own, a new one after each that dies."""
    from .targets import TARGETS

    runs, started, findings = given.runs or TARGETS[name].runs, time.monotonic(), []
    counts: Counter[str] = Counter()
    first = given.first
    last = first + runs
    peak = 0.0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        log = Path(place) / "log"
        while first < last:
            log.unlink(missing_ok=True)
            log.with_suffix(".at").write_bytes(first.to_bytes(8, "little"))
            command = [sys.executable, str(Path(__file__).parent), "--target", name, "--worker", str(log)]
            command += ["--runs", str(last - first), "--first", str(first), "--seed", str(given.seed)]
            command += ["--engine", given.engine, "--seconds", str(given.seconds - (time.monotonic() - started))]
            ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
            said = json.loads(log.read_text()) if log.exists() else {}
            counts.update(said.get("counts", {}))
            findings += said.get("findings", [])
            peak = max(peak, said.get("peak_mib", 0.0))
            if ended.returncode == 0:
                break
            number = int.from_bytes(log.with_suffix(".at").read_bytes(), "little")
            counts["tried"] += 1
            findings.append(
                {"number": number, "what": f"the process ended with {ended.returncode}: {ended.stderr[-400:]}"}
            )
            first = number + 1
    return {
        "target": name,
        "engine": given.engine,
        "seed": given.seed,
        **{key: counts[key] for key in ("tried", "refused", "accepted")},
        "findings": len(findings),
        "different": distinct(findings),
        "peak_mib": round(peak),
        "seconds": round(time.monotonic() - started, 1),
    }


def distinct(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of each kind of finding, the first."""
    kinds: dict[str, dict[str, Any]] = {}
    for one in findings:
        key = "".join(c for c in one["what"] if not c.isdigit())[:60]
        kinds.setdefault(key, one | {"times": 0})["times"] += 1
    return list(kinds.values())[:20]


def work(given: argparse.Namespace) -> None:
    """Read input after input, and keep a log and the number of the last one that survive this process."""
    from . import guard, targets

    name = given.target[0]
    target = targets.TARGETS[name]
    state: dict[str, Any] = {"counts": Counter(), "findings": []}
    sandbox = Path(tempfile.mkdtemp(prefix="fuzz-", dir=given.worker.parent))
    home, outside = sandbox / "home", sandbox / "outside"
    home.mkdir()
    outside.mkdir()
    (outside / "canary").write_text("alive")
    sys.dont_write_bytecode = True
    with counted_lines() if given.engine == "coverage" else nullcontext():
        for data in targets.sound(name):  # what is imported late is imported now
            with suppress(BenchError):
                target.run(data, home)
            targets.clear(home)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ADDRESSES, hard))
    marker = os.open(given.worker.with_suffix(".at"), os.O_RDWR | os.O_CREAT)
    number, last, began = given.first, given.first + given.runs, time.monotonic()

    def log() -> None:
        if sorted(os.listdir(sandbox)) != ["home", "outside"] or (outside / "canary").read_text() != "alive":
            state["findings"].append({"number": number, "what": "something outside the home was changed"})
        temporary = given.worker.with_suffix(".new")
        temporary.write_text(json.dumps(state | {"peak_mib": guard.peak()}))
        temporary.replace(given.worker)

    with guard.watched(home) as watcher:

        def one(data: bytes) -> None:
            nonlocal number
            os.pwrite(marker, number.to_bytes(8, "little"), 0)
            state["counts"]["tried"] += 1
            try:
                accepted = guard.judge(watcher, lambda: target.run(data, home))
                state["counts"]["accepted" if accepted else "refused"] += 1
            except guard.Harm as harm:
                state["findings"].append({"number": number, "what": str(harm)[:600]})
            if target.writes:
                targets.clear(home)
            number += 1
            if number % 100 == 0 or number >= last:
                log()

        if given.engine == "coverage":
            cover(name, given, one, sandbox.parent / "corpus")
        while number < last and time.monotonic() - began < given.seconds:
            one(targets.case(name, given.seed, number))
        log()
    shutil.rmtree(sandbox)


def counted_lines() -> Any:
    """While this is open, what is imported of the harness tells atheris which of its lines are reached."""
    return import_module("atheris").instrument_imports(include=["bench"])


def cover(name: str, given: argparse.Namespace, one: Callable[[bytes], None], corpus: Path) -> None:
    """Let libFuzzer choose the input; it ends the process itself."""
    from .targets import TARGETS, changed, sound

    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(sound(name)):
        (corpus / str(number)).write_bytes(data)
    target = TARGETS[name]

    def other(data: bytes, most: int, seed: int) -> bytes:
        return changed(target, Random(seed), data)[:most]

    words = [sys.argv[0], f"-runs={given.runs}", f"-seed={given.seed}", "-max_len=400000", "-timeout=60"]
    words += [f"-max_total_time={max(1, int(given.seconds))}", "-rss_limit_mb=0", "-verbosity=0", str(corpus)]
    atheris = import_module("atheris")
    atheris.Setup(words, one, custom_mutator=other)
    atheris.Fuzz()
