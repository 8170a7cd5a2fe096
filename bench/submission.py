"""Is this a valid entry? Predictions, a model file or a record, and every reason why not at once.

Nothing is judged here: the code that `bench evaluate` and the boards read with is asked, and its reasons are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import records
from bench.errors import BenchError, unknown
from bench.predictions import Submission, Wanted
from bench.predictions.faults import Fault
from bench.types import EVALUATED_SPLITS, Track

if TYPE_CHECKING:
    from bench.predictions.reading import Place
    from bench.shelf import Shelf

MODELS = (".pt2", ".onnx")
REFUSED = "refused"
"""The kind of a reason that concerns the whole file."""


@dataclass(frozen=True)
class Verdict:
    """What was found of a submission.

    Attributes:
        path: of it.
        kind: `predictions`, `model` or `record`.
        reasons: why it is no entry; empty if it is one.
        becomes: one line for each thing that it would become.
    """

    path: Path
    kind: str
    reasons: tuple[Fault, ...]
    becomes: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return not self.reasons


def check(
    path: Path,
    shelf: Shelf | None = None,
    domains: Sequence[str] = (),
    track: Track | None = None,
    splits: Sequence[str] = EVALUATED_SPLITS,
) -> Verdict:
    """Look through a submission. No model is run, nothing is scored and nothing is written.

    Args:
        path: predictions (a folder, `.zip` or `.npz`), a model file (`.pt2`, `.onnx`) or a record (`.json`).
        shelf: the collection that it is to be scored on; a record needs none.
        domains: of that collection; none for all.
        track: what the model was shown; None for gray, or what a model file declares.
        splits: `test`, `series` or both; one that a domain lacks is passed over.

    Raises:
        BenchError: the question cannot be answered: no such path, domain, split or collection.
    """
    if not path.exists():
        raise BenchError(f"expected a folder or file to check; {path} does not exist; check the path.")
    if path.suffix == ".json" and path.is_file():
        return _record(path)
    if shelf is None:
        raise BenchError(f"{path} can only be checked against a collection; name one with --collection.")
    if path.suffix in MODELS:
        return _model(path, shelf, domains, track, splits)
    return _predictions(path, shelf, domains, track or Track("gray"), splits)


def _predictions(path: Path, shelf: Shelf, domains: Sequence[str], track: Track, splits: Sequence[str]) -> Verdict:
    wanted = _wanted(shelf, domains, track, splits)
    try:
        given = Submission(path, wanted)
        reasons = given.faults()
    except BenchError as error:
        return Verdict(path, "predictions", (_refused(error, path),), ())
    lines = [
        f"{len(one.ids):,} pictures of {shelf.split(*place, track).key}: a submission on the board of {place[0]}, "
        f"track {track.name}"
        for place, one in wanted.items()
    ]
    return Verdict(path, "predictions", reasons, () if reasons else tuple(lines))


def _model(path: Path, shelf: Shelf, domains: Sequence[str], track: Track | None, splits: Sequence[str]) -> Verdict:
    from bench.exported import read

    try:
        model = read(path)
    except BenchError as error:
        # What the convention beside it says can be judged even so.
        reasons = (_refused(error, path), *_convention(path, shelf.size, track))
        return Verdict(path, "model", tuple(dict.fromkeys(reasons)), ())
    reasons = _other_track(path, model.track, track)
    wanted = _wanted(shelf, domains, model.track, splits)
    try:
        model.fits((shelf.size, shelf.size))
    except BenchError as error:
        reasons.append(_refused(error, path))
    lines = [
        f"{model.name} on {shelf.split(*place, model.track).key}: a submission on the board of {place[0]}, "
        f"track {model.track.name}"
        for place in wanted
    ]
    return Verdict(path, "model", tuple(reasons), () if reasons else tuple(lines))


def _convention(path: Path, size: int, track: Track | None) -> list[Fault]:
    """What is wrong with the convention beside a model file that is refused itself; nothing where none lies there."""
    from bench.exported.convention import beside, find

    place = beside(path)
    if not place.is_file():
        return []
    try:
        said = find(path, None)
    except BenchError as error:
        return [_refused(error, place)]
    reasons = _other_track(place, said.track, track)
    if said.size not in (None, size) and not said.resize:
        detail = f"it takes pictures of {said.size} by {said.size} pixels, these are {size} by {size}"
        reasons.append(Fault(REFUSED, place.name, detail))
    return reasons


def _other_track(path: Path, declared: Track, asked: Track | None) -> list[Fault]:
    if asked in (None, declared):
        return []
    return [Fault(REFUSED, path.name, f"it declares the track {declared.name}, not {asked.name}")]


def _record(path: Path) -> Verdict:
    if wrong := records.judge_file(path):
        return Verdict(path, "record", tuple(Fault(REFUSED, path.name, line) for line in wrong), ())
    record = records.read(path)
    if path.name != record.file_name:
        reason = Fault(REFUSED, path.name, f"its contents say that it is {record.file_name}")
        return Verdict(path, "record", (reason,), ())
    line = f"a row {record.entry.name} on the board of {record.split.domain}, track {record.track}: {record.split.key}"
    return Verdict(path, "record", (), (line,))


def _wanted(shelf: Shelf, domains: Sequence[str], track: Track, splits: Sequence[str]) -> dict[Place, Wanted]:
    """The splits asked for, known from the manifest alone: no image is decoded.

    Raises:
        BenchError: an unknown domain or split, or none that holds an image.
    """
    manifest = shelf.manifest(track)
    for name in splits:
        if name not in EVALUATED_SPLITS:
            raise unknown("split to evaluate", name, list(EVALUATED_SPLITS))
    for domain in domains:
        if domain not in manifest.domains:
            raise unknown(f"domain of {shelf.collection}", domain, list(manifest.domains))
    shape = (manifest.size, manifest.size, 3)
    wanted = {
        (domain, name): Wanted(tuple(item.id for item in shelf.split(domain, name, track).items), shape)
        for domain in domains or manifest.domains
        for name in splits
        if shelf.has(domain, name, track)
    }
    if not wanted:
        raise BenchError(f"{shelf.collection} holds no image of {', '.join(splits)}; choose another split or domain.")
    return wanted


def _refused(error: BenchError, path: Path) -> Fault:
    return Fault(REFUSED, path.name, str(error))


def by_kind(reasons: Sequence[Fault]) -> dict[str, list[Fault]]:
    """The reasons of each kind, in the order in which they came."""
    found: dict[str, list[Fault]] = {}
    for reason in reasons:
        found.setdefault(reason.kind, []).append(reason)
    return found
