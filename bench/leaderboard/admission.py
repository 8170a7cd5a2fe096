"""Records from other machines: whether they may stand on the boards that are there, and every reason why not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from bench.leaderboard.columns import FACTS, parted, some
from bench.leaderboard.rows import unlike
from bench.records import Record, Score, SplitFacts, judge_file, read, write

LARGEST = 16 * 2**20
"""Bytes of a record's file; the largest that this code writes have a thousandth of it."""


@dataclass(frozen=True)
class Offer:
    """A record that lies in a file somewhere, under whatever name."""

    path: Path
    record: Record


def look(paths: Iterable[Path]) -> tuple[list[Offer], list[str]]:
    """The sound records among some files and folders (`*.json`), and a line for every fault of those that are none."""
    offers, wrong = [], []
    for path in paths:
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            wrong.append(f"{path}: a folder without a record; expected files that end in .json.")
        for file in found:
            reasons = _reasons(file)
            wrong += reasons
            if not reasons:
                offers.append(Offer(file, read(file)))
    return offers, wrong


def refusals(offers: Sequence[Offer], there: Sequence[Record], *, replace: bool = False) -> list[str]:
    """Every reason why some records cannot be added: a line each.

    Args:
        offers: sound ones.
        there: the records of the boards.
        replace: whether a record may take the place of a different one.
    """
    wrong = []
    names = {record.file_name: record for record in there}
    offered: dict[str, Offer] = {}
    for offer in offers:
        name = offer.record.file_name
        before = offered.setdefault(name, offer)
        if before.record != offer.record:
            wrong.append(f"record {offer.path}: another one than {before.path}, but both are {name}; leave one out.")
        elif name in names and names[name] != offer.record and not replace:
            wrong.append(f"record {offer.path}: would replace a different {name}; allow it with --replace.")
    staying = [record for name, record in names.items() if name not in offered]
    boards: dict[tuple, list[Record]] = defaultdict(list)
    for record in staying:
        boards[_place(record)].append(record)
    for offer in offered.values():
        here = boards[_place(offer.record)]
        wrong += [f"record {offer.path}: {reason}" for reason in _strange(offer.record, here)]
        here.append(offer.record)
    return wrong


def add(offers: Sequence[Offer], folder: Path) -> list[Path]:
    """Write records under the names that their facts give them; one that is there already is not written again."""
    made = []
    for name, record in {offer.record.file_name: offer.record for offer in offers}.items():
        path = folder / name
        if not path.exists() or read(path) != record:
            made.append(write(folder, record))
    return made


def _reasons(path: Path) -> list[str]:
    """Why a file holds no record; it is not read where it could not be one."""
    if path.exists() and not path.is_file():
        return [f"record {path}: expected a file or a folder, got another thing."]
    if path.exists() and (size := path.stat().st_size) > LARGEST:
        return [f"record {path}: expected at most {LARGEST:,} bytes, got {size:,}."]
    return judge_file(path)


def _place(record: Record) -> tuple:
    split = record.split
    return split.collection, split.size, split.domain, split.name, record.track


def _strange(record: Record, here: Sequence[Record]) -> list[str]:
    """Why a record cannot stand on a board with those that are there."""
    if not here:
        return []
    expected = here[0].split
    for fact in (item.name for item in fields(SplitFacts)):
        one, two = getattr(record.split, fact), getattr(expected, fact)
        if one != two:  # every signature would differ too
            return [f"made on other pictures: split.{fact} is {one!r}, here {two!r}; evaluate again on those."]
    wrong = _clashes(record.scores, here)
    same = [one for one in here if one.entry.name == record.entry.name]
    if found := unlike([*same[:1], record]):
        fact, shown = found
        wrong.append(f"the seeds of {record.entry.name} differ in their training's {fact} ({shown}).")
    return wrong


def _clashes(scores: Mapping[str, Score], here: Sequence[Record]) -> list[str]:
    """In what numbers differ from those they would stand beside, metrics that differ alike on one line."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for id, score in scores.items():
        others = (record.scores[id] for record in here if id in record.scores)
        other = next((one for one in others if one.value is not None), None)
        if score.value is None or other is None:
            continue
        for fact in FACTS:
            one, two = str(getattr(score, fact)), str(getattr(other, fact))
            if one != two:
                found[parted(one, two) if fact == "signature" else (fact, one, two)].append(id)
                break
    return [
        f"{some(ids)}: made in another way than the numbers here; {fact} is {one!r}, here {two!r}."
        for (fact, one, two), ids in found.items()
    ]
