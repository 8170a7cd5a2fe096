"""What is wrong with predictions: all of it is counted, and named at once in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError

NAMED = 10
"""How many of each kind are named."""

LONGEST = 100
"""Characters of a name from outside that are shown: an archive may hold names of 64 KiB."""


class Fault(NamedTuple):
    """Something wrong with one picture.

    Attributes:
        kind: such as `missing`, `16-bit` or `of another size`.
        name: the picture's.
        detail: what came, such as `8 x 8`; may be empty.
    """

    kind: str
    name: str
    detail: str = ""


def shown(fault: Fault, longest: int = LONGEST) -> str:
    """A fault's name and detail, neither longer than so many characters."""
    name, detail = (
        text if len(text) <= longest else f"{text[: longest - 3]}..." for text in (fault.name, fault.detail)
    )
    return f"{name} ({detail})" if detail else name


def refusal(where: Path, shape: tuple[int, ...], faults: Iterable[Fault]) -> BenchError:
    """The error that counts every kind of fault and names the first ten of each.

    Args:
        where: the predictions.
        shape: what a picture must have: height, width, 3.
        faults: in the order in which they are named.
    """
    kinds: dict[str, list[str]] = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(shown(fault))
    count = sum(map(len, kinds.values()))
    said = "; ".join(
        f"{len(names)} {kind} {', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"
        for kind, names in kinds.items()
    )
    return BenchError(
        f"{count} {'problem' if count == 1 else 'problems'} with the predictions in {where}: {said}. Give one 8-bit "
        f"RGB PNG of {shape[0]} x {shape[1]} for every id and nothing else; if they are of one split, say --split."
    )
