"""How trainings went: the curves that lie beside their weights, thinned."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.gallery.facts import Curve, Line, Training
from bench.records import Record

POINTS = 60
"""Of a line, at most."""

VALIDATION = "validation_ciede2000"


def trainings(home: Path, records: Sequence[Record]) -> tuple[Training, ...]:
    """The curves of the trainings behind records, where they lie in the home; found by the digest of their weights.

    Raises:
        BenchError: a file of curves is damaged.
    """
    wanted: dict[tuple[str, str, int], str] = {}
    for record in records:
        if record.training is not None and record.training.weights_sha256:
            track = record.training.track or record.track
            wanted[record.entry.name, track, record.seed] = record.training.weights_sha256
    collections = {record.training.collection for record in records if record.training is not None}
    folders = {
        digest: folder for name in sorted(collections) for digest, folder in _folders(home / "checkpoints" / name)
    }
    return tuple(
        Training(*key, curve(folders[digest] / "curves.csv"))
        for key, digest in sorted(wanted.items())
        if digest in folders and (folders[digest] / "curves.csv").is_file()
    )


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


def _folders(root: Path) -> list[tuple[str, Path]]:
    """The finished trainings of a collection: the digest of their weights, and where they lie."""
    found = []
    for path in sorted(root.rglob("training.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            found.append((facts["weights_sha256"], path.parent))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BenchError(f"{path} is damaged; remove {path.parent} and train this entry again.") from error
    return found
