"""Who goes into train, val, test and series: a pure function of names, groups and fingerprints, the same everywhere."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.manifest import ordered_domains
from bench.data.standardize import NEAR_DUPLICATE

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool

HELD_OUT = 0.10
"""The share of a domain's images in test, in val, and of a train group's images in series."""

FEWEST_GROUPS = 3
FEWEST_FOR_SERIES = 5
SMALL_DOMAIN = 200


@dataclass(frozen=True)
class Candidate:
    """An image that seeks its split.

    Attributes:
        domain: such as `anime`.
        id: unique in its domain.
        group: what must not cross train, val and test; the same group in two domains is one group.
        name: gives the natural order in a group (a path, a frame's time).
        fingerprint: 64 bits; near-duplicates differ in few.
        piece: what train and series must not share, such as a comic page or a film's shot; empty for the image itself.
    """

    domain: str
    id: str
    group: str
    name: str
    fingerprint: int
    piece: str = ""


@dataclass(frozen=True)
class Assignment:
    """Where every candidate goes.

    Attributes:
        splits: (domain, id) to split.
        leaks: (domain, id) of held-out images that are left out because train holds a near-duplicate, to the reason.
        notes: one line for each domain that has no val and test, or few images.
    """

    splits: dict[tuple[str, str], str]
    leaks: dict[tuple[str, str], str]
    notes: tuple[str, ...]


def assign(candidates: Sequence[Candidate], known: Mapping[tuple[str, str], str] | None = None) -> Assignment:
    """Give every image its split.

    Groups, in the order of the SHA-256 of their names, go to test, then val, while that split stays within a tenth of
    the domain's images, else to train. Of each train group of five images or more the last tenth in natural order
    (at least one, whole pieces, and not more than half) becomes `series`, except near-duplicates of images that stay in
    train. A val or test image that is a near-duplicate of a train or series image of whatever group is left out.

    Args:
        candidates: of all domains of a collection, in any order.
        known: (group, name) to split, of images that already have one: their groups keep their side.
    """
    known = known or {}
    sides = {group: "train" if split == "series" else split for (group, _), split in known.items()}
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for candidate in candidates:
        counts[candidate.domain][candidate.group] += 1
    sides = assign_groups(counts, sides)
    members: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        members[candidate.group].append(candidate)
    splits = {}
    for group, images in members.items():
        held = hold_out(images) if sides[group] == "train" else set()
        for image in images:
            side = sides[group]
            chosen = known.get((group, image.name), "series" if image.name in held else side)
            splits[image.domain, image.id] = chosen
    leaks = find_leaks(candidates, splits)
    splits = {key: split for key, split in splits.items() if key not in leaks}
    return Assignment(splits, leaks, _notes(counts, splits))


def assign_groups(counts: Mapping[str, Mapping[str, int]], fixed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give every group its side: `train`, `val` or `test`.

    Args:
        counts: domain to group to its number of images.
        fixed: groups whose side is settled.

    Returns:
        group to side. A domain of three groups or more has all three sides unless `fixed` or a group shared with
        another domain stands against it; a domain of fewer has only train.
    """
    homes: dict[str, list[str]] = defaultdict(list)
    for domain, groups in counts.items():
        for group in groups:
            homes[group].append(domain)
    order = sorted(homes, key=lambda group: (hashlib.sha256(_bytes(group)).digest(), group))
    sides = {group: side for group, side in (fixed or {}).items() if group in homes}
    for groups in counts.values():
        if len(groups) < FEWEST_GROUPS:
            sides.update({group: "train" for group in groups if group not in sides})
    quota = {domain: max(1, round(HELD_OUT * sum(groups.values()))) for domain, groups in counts.items()}
    held: dict[tuple[str, str], int] = defaultdict(int)
    for group, side in sides.items():
        for domain in homes[group]:
            held[domain, side] += counts[domain][group]
    free = [group for group in order if group not in sides]
    for group in free:
        fitting = (
            side
            for side in ("test", "val")
            if all(held[domain, side] + counts[domain][group] <= quota[domain] for domain in homes[group])
        )
        sides[group] = next(fitting, "train")
        for domain in homes[group]:
            held[domain, sides[group]] += counts[domain][group]
    for domain in ordered_domains(counts):
        if len(counts[domain]) >= FEWEST_GROUPS:
            _fill_empty_sides(domain, counts, homes, sides, free)
    return sides


def hold_out(images: Iterable[Candidate]) -> set[str]:
    """The names of a train group's images that become `series`: the last tenth, near-duplicates of the rest excepted.

    Args:
        images: of one group, of any domains; images of one name, and those of one piece, stay together.
    """
    pieces: dict[str, list[Candidate]] = defaultdict(list)
    for image in images:
        pieces[image.piece or image.name].append(image)
    names = {image.name for members in pieces.values() for image in members}
    if len(names) < FEWEST_FOR_SERIES:
        return set()
    order = sorted(pieces, key=lambda piece: min(natural(image.name) for image in pieces[piece]))
    block: list[str] = []
    held = 0
    while held < max(1, round(HELD_OUT * len(names))):
        block.insert(0, order.pop())
        held += len({image.name for image in pieces[block[0]]})
    if 2 * held > len(names):
        return set()
    # What goes back to train draws its own near-duplicates after it.
    returning = order
    while block and returning:
        settled = [image.fingerprint for piece in returning for image in pieces[piece]]
        returning = [
            piece for piece in block if near_any([image.fingerprint for image in pieces[piece]], settled).any()
        ]
        block = [piece for piece in block if piece not in returning]
    return {image.name for piece in block for image in pieces[piece]}


def find_leaks(candidates: Sequence[Candidate], splits: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Held-out images of which another split holds a near-duplicate.

    Series against train (also of other groups), test against both, val against all.

    Returns:
        (domain, id) to a reason in words.
    """
    leaks: dict[tuple[str, str], str] = {}
    for side, others in (("series", ("train",)), ("test", ("train", "series")), ("val", ("train", "series", "test"))):
        held = [c for c in candidates if splits[c.domain, c.id] == side]
        seen = [c.fingerprint for c in candidates if splits[c.domain, c.id] in others]
        for candidate, near in zip(held, near_any([c.fingerprint for c in held], seen), strict=True):
            if near:
                leaks[candidate.domain, candidate.id] = (
                    f"near-duplicate of an image outside {side}, where it would stand"
                )
    return leaks


def near_any(prints: Sequence[int], others: Sequence[int]) -> "Bool[np.ndarray, ' prints']":
    """For each fingerprint, whether any of `others` is a near-duplicate."""
    import numpy as np

    rows = np.array(prints, dtype=np.uint64)
    columns = np.array(others, dtype=np.uint64)
    near = np.zeros(len(rows), bool)
    for place in range(len(rows)):
        near[place] = bool((np.bitwise_count(columns ^ rows[place]) <= NEAR_DUPLICATE).any())
    return near


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key in which `shot2` comes before `shot10`."""
    parts = re.split(r"([0-9]+)", name)
    return (*((int(part), "") if place % 2 else (-1, part) for place, part in enumerate(parts)), (-2, name))


def _fill_empty_sides(
    domain: str,
    counts: Mapping[str, Mapping[str, int]],
    homes: Mapping[str, Sequence[str]],
    sides: dict[str, str],
    free: Sequence[str],
) -> None:
    """Move the smallest train group to test, then val, where none fitted; never the last train group of a domain."""
    for side in ("test", "val"):
        if any(sides[group] == side for group in counts[domain]):
            continue
        movable = [
            group
            for group in free
            if group in counts[domain]
            and sides[group] == "train"
            and all(sum(sides[g] == "train" for g in counts[home]) > 1 for home in homes[group])
        ]
        if movable:
            sides[min(movable, key=lambda group: counts[domain][group])] = side


def _notes(counts: Mapping[str, Mapping[str, int]], splits: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    notes = []
    for domain in ordered_domains(counts):
        kept = [split for (home, _), split in splits.items() if home == domain]
        if len(kept) < SMALL_DOMAIN:
            notes.append(f"{domain}: small domain: {len(kept)} images; its intervals are wide")
        missing = [side for side in ("val", "test") if side not in kept]
        if "series" not in kept:
            notes.append(f"{domain}: no series: no train group has {FEWEST_FOR_SERIES} images that differ enough")
        if len(counts[domain]) < FEWEST_GROUPS:
            notes.append(f"{domain}: no val and test: that takes {FEWEST_GROUPS} groups, it has {len(counts[domain])}")
        elif missing:
            notes.append(f"{domain}: no {' and '.join(missing)}: no group could be held out")
    return tuple(notes)


def _bytes(group: str) -> bytes:
    return group.encode("utf-8", "surrogatepass")
