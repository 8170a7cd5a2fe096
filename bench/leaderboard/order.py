"""The order of boards, tables and columns: the protocol's, then by name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from bench.records import Record
from bench.types import CONDITIONS, DOMAINS, GUIDANCES, Track


def domain_order(domain: str) -> tuple[int, str]:
    """Sorting key: the protocol's four domains first, a user's own after them."""
    return place(DOMAINS, domain)


def track_order(track: str) -> tuple[int, int, str]:
    """Sorting key: by condition, then by guidance."""
    parsed = Track.parse(track)
    return CONDITIONS.index(parsed.condition), GUIDANCES.index(parsed.guidance), track


def place(known: Sequence[str], name: str) -> tuple[int, str]:
    """Sorting key: the known names in their order, then all others by name."""
    return known.index(name) if name in known else len(known), name


def grouped(records: Iterable[Record], key: Callable[[Record], tuple]) -> list[tuple[tuple, list[Record]]]:
    """Records that share a key, in the order of the keys.

    Args:
        records: in any order, which each group keeps.
        key: what can be sorted.
    """
    groups: dict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return sorted(groups.items())
