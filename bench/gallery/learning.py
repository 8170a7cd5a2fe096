"""How trainings went: the curves that lie beside their weights, thinned."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.files import sha256
from bench.gallery.facts import Curve, Line, Training
from bench.job import VALIDATION
from bench.records import Record

POINTS = 60
"""Of a line, at most."""

Tell = Callable[[str], None]


def trainings(home: Path, records: Sequence[Record], tell: Tell = lambda line: None) -> tuple[Training, ...]:
    """The curves of the trainings behind records, where they lie in the home; found by the digest of their weights.

    Args:
        home: the folder with `checkpoints`.
        records: whose trainings.
        tell: called with a line for each curve that is left out because it is damaged.

    Raises:
        BenchError: a training's facts are damaged.
    """
    wanted: dict[tuple[str, str, int], str] = {}
    for record in records:
        if record.training is not None and record.training.weights_sha256:
            track = record.training.track or record.track
            wanted[record.entry.name, track, record.seed] = record.training.weights_sha256
    collections = {record.training.collection for record in records if record.training is not None}
    curves = {
        digest: (path, seal)
        for name in sorted(collections)
        for digest, path, seal in _finished(home / "checkpoints" / name)
    }
    made = []
    for key, digest in sorted(wanted.items()):
        if digest not in curves or not curves[digest][0].is_file():
            continue
        path, seal = curves[digest]
        try:
            if seal is not None and sha256(path) != seal:
                raise BenchError(f"{path} was changed after the training; remove {path.parent} and train it again.")
            made.append(Training(*key, curve(path)))
        except BenchError as error:
            tell(f"the curve of {key[0]} {key[1]} seed {key[2]} is left out: {error}")
    return tuple(made)


def curve(path: Path) -> Curve:
    """Read `curves.csv`: a row a value, with its step, stage and term. Values that are not finite are left out.

    Raises:
        BenchError: it is damaged.
    """
    lines: dict[str, dict[int, float]] = defaultdict(dict)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                step, value = int(row["step"]), float(row["value"])
                if math.isfinite(value) and step >= 0:
                    lines[row["term"]][step] = value
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise BenchError(f"{path} is damaged ({error}); remove {path.parent} and train this entry again.") from error
    return Curve(_thinned(lines.pop(VALIDATION, {})), {name: _thinned(lines[name]) for name in sorted(lines)})


def _thinned(values: dict[int, float]) -> Line:
    """At most `POINTS` of the values, evenly in their order, the first and the last among them; five digits each."""
    steps = sorted(values)
    if len(steps) > POINTS:
        steps = [steps[round(place * (len(steps) - 1) / (POINTS - 1))] for place in range(POINTS)]
    return Line(tuple(steps), tuple(float(f"{values[step]:.5g}") for step in steps))


def _finished(root: Path) -> list[tuple[str, Path, str | None]]:
    """The finished trainings of a collection: the digest of their weights, their curves, and the digest of these.

    Trainings of earlier versions have no digest of their curves.
    """
    found = []
    for path in sorted(root.rglob("training.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            found.append((facts["weights_sha256"], path.parent / "curves.csv", facts.get("curves_sha256")))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BenchError(f"{path} is damaged; remove {path.parent} and train this entry again.") from error
    return found
