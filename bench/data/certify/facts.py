"""What a collection is made of: balance, gray-ish and near-white shares, licences, and groups that cross splits."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data import open_v1
from bench.data.labels import DRAWN
from bench.data.manifest import Item, Manifest, ordered_domains
from bench.types import SPLITS

if TYPE_CHECKING:
    from jaxtyping import UInt8

GRAYISH = 12
"""Mean difference of the largest and the smallest primary, in levels, below which an image is gray-ish."""

WHITE = 240
NEAR_WHITE = 50
"""An image is near-white if in so many hundredths of its pixels every primary reaches so many levels."""

RULES = {
    "gray-ish": f"mean over pixels of largest minus smallest of R, G, B below {GRAYISH} of 255 levels",
    "near-white": f"{NEAR_WHITE} % of the pixels or more with R, G and B of {WHITE} or more",
}

OURS = "drawn by this project's own code"
UNKNOWN = "unknown: the collection does not say"

_PANEL = re.compile(r"(?P<piece>.+) panel [0-9]+", re.DOTALL)
_SHOT = re.compile(r"drawn: (?P<piece>s[0-9]+-[0-9]+)-[0-9]+")
_PART = re.compile(r" (?:panel [0-9]+|at [0-9]+ s)$")
_SCENE = re.compile(r"(?P<background>.+) with (?P<figure>.+)", re.DOTALL)


class Tally:
    """Which images are gray-ish and which near-white; filled in by `look` while images are read, from threads."""

    def __init__(self, count: int):
        self.grayish = np.zeros(count, bool)
        self.near_white = np.zeros(count, bool)

    def look(self, place: int, image: "UInt8[np.ndarray, 'h w 3']") -> None:
        """Judge the image at `place`."""
        top, low = image.max(axis=2), image.min(axis=2)
        pixels = top.size
        self.grayish[place] = int((top - low).sum(dtype=np.int64)) < GRAYISH * pixels
        self.near_white[place] = 100 * int((low >= WHITE).sum()) >= NEAR_WHITE * pixels


def balance(items: Sequence[Item], tally: Tally, plain: Sequence[int]) -> list[dict[str, Any]]:
    """Images, groups and odd images of each domain and split.

    Args:
        items: in the order of `tally`.
        tally: of all of them.
        plain: places of images with too little detail for the search.
    """
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        places[item.domain, item.split].append(place)
    dull = set(plain)
    return [
        {
            "domain": domain,
            "split": split,
            "images": len(found),
            "groups": len({items[place].group for place in found}),
            "gray-ish": int(tally.grayish[found].sum()),
            "near-white": int(tally.near_white[found].sum()),
            "too plain": sum(place in dull for place in found),
        }
        for domain in ordered_domains({item.domain for item in items})
        for split in SPLITS
        if (found := places.get((domain, split)))
    ]


def crossings(manifest: Manifest) -> list[dict[str, Any]]:
    """Groups, clips, shots and pages that stand in splits that must not share them.

    A group, in whatever domains, belongs to one of train, val and test, and series holds groups of train only; a clip,
    a shot or a page belongs to one split. Shots are known of what this project draws, pages where a source names its
    panels.

    Returns:
        dicts with `what`, `domain` (of a group in several, all of them), `name` and `splits`, in order.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    domains: dict[str, set[str]] = defaultdict(set)
    pieces: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for item in manifest.items:
        groups[item.group].add(item.split)
        domains[item.group].add(item.domain)
        if (piece := piece_of(item)) is not None:
            pieces[(*piece, item.domain)].add(item.split)
    # A collection for evaluation alone has no train: its series are those of another collection.
    trains = any(item.split == "train" for item in manifest.items)
    found = []
    for group, splits in groups.items():
        homes = splits - {"series"}
        if len(homes) > 1 or ("series" in splits and homes != {"train"} and trains):
            found.append(_crossing("group", ", ".join(ordered_domains(domains[group])), group, splits))
    found += [
        _crossing(what, domain, name, splits) for (what, name, domain), splits in pieces.items() if len(splits) > 1
    ]
    return sorted(found, key=lambda entry: (entry["what"], entry["domain"], entry["name"]))


def piece_of(item: Item) -> tuple[str, str] | None:
    """What must stay whole, and its name: the `clip`, `shot` or `page` that an image is part of; None if unknown."""
    if item.clip:
        return "clip", item.clip
    for what, form in (("page", _PANEL), ("shot", _SHOT)):
        if match := form.fullmatch(item.source):
            return what, match["piece"]
    return None


def licences(manifest: Manifest) -> list[dict[str, Any]]:
    """Licence and credit of every image where its source is known, with the number of images by domain.

    A scene made of two pictures counts for both, once where they have one credit.
    """
    credits: dict[str, str] = {}
    if manifest.collection == open_v1.NAME:
        credits = {row.file: row.licence for row in open_v1.listed()}
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for item in manifest.items:
        if manifest.collection in DRAWN:
            named = {OURS}
        else:
            scene = _SCENE.fullmatch(item.source)
            named = {credits.get(part, UNKNOWN) for part in (scene.groups() if scene else [_PART.sub("", item.source)])}
        for credit in named:
            counts[_licence(credit), credit][item.domain] += 1
    return [
        {"licence": licence, "credit": credit, "images": dict(sorted(domains.items()))}
        for (licence, credit), domains in sorted(counts.items())
    ]


def _licence(credit: str) -> str:
    """The licence at the start of a credit line."""
    if credit in (OURS, UNKNOWN):
        return credit.split(":")[0]
    match = re.match(r"Public domain(?: \([^)]*\))?|\S+(?: or \S+)?", credit)
    return match[0].rstrip(",;:") if match else UNKNOWN


def _crossing(what: str, domain: str, name: str, splits: set[str]) -> dict[str, Any]:
    return {"what": what, "domain": domain, "name": name, "splits": [split for split in SPLITS if split in splits]}
