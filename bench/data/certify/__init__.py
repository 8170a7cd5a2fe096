"""The leak certificate: what was looked for between the splits of a collection, how well it is found, what is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import files
from bench.data.building import Progress
from bench.data.manifest import Item, Manifest
from bench.types import SPLITS

if TYPE_CHECKING:
    from bench.data.certify.copies import Found

SCHEMA = 1
CLOSEST = 20
"""So many of the closest pairs of each two splits stand in the certificate, whether they are copies or not."""

MAX_BYTES = 256 * 2**20
"""More than this is no certificate."""

LIMITS = (
    "not looked for: rotated pictures, crops below four fifths of the side, changed proportions, redrawn or retouched "
    "pictures, pictures within pictures, and several such changes at once",
    "of an image the nearest 8 by their bits in each other split and domain are compared; more copies of it than these "
    "are not listed",
    "an image too plain for the bits is only found where every pixel is equal",
    "pictures of one place are not copies unless all of the picture agrees: see the closest pairs",
)


def certify(manifest: Manifest, report: Progress | None = None, threads: int | None = None) -> dict[str, Any]:
    """Look for leaks between all splits of a collection, and measure on the same images how well they are found.

    Args:
        manifest: the collection at one size, its stills or its clips; every image is checked against its digest.
        report: called with steps done and steps in all.
        threads: None for as many as there are cores; no byte depends on it.

    Returns:
        `{"sha256": ..., "body": {...}}`: the same for the same collection on every machine. `body["verdict"]["clean"]`
        says whether nothing was found.

    Raises:
        BenchError: naming an image that is missing, damaged or changed.
    """
    from bench.data.certify import copies, facts, planted
    from bench.data.certify.pictures import Pictures

    count = len(manifest.items)
    plants = planted.SAMPLE * len(planted.changes())
    stage = _stages(report, [count, count, plants])
    tally = facts.Tally(count)
    pictures = Pictures(manifest, tally.look, next(stage), threads)
    found = copies.across(pictures, next(stage), threads)
    rows, copied, digest = planted.measure(pictures, next(stage), threads)
    items, plain = pictures.items, copies.plain(pictures)

    def same_domain(pair: copies.Found) -> bool:
        return items[pair.first].domain == items[pair.second].domain

    inside = [pair for pair in found if same_domain(pair)]
    beyond = [pair for pair in found if not same_domain(pair)]
    crossings = facts.crossings(manifest)
    copied_inside = [pair for pair in inside if pair.copy]
    copied_beyond = [pair for pair in beyond if pair.copy]
    body = {
        "schema": SCHEMA,
        "collection": manifest.collection,
        "version": manifest.version,
        "size": manifest.size,
        "resampler": manifest.resampler,
        "clips": manifest.clips,
        "splits": _splits(manifest),
        "verdict": {
            "clean": not (crossings or copied_inside or copied_beyond),
            "crossings": len(crossings),
            "copies": len(copied_inside),
            "copies in other domains": len(copied_beyond),
        },
        "crossings": crossings,
        "copies": [_pair(pair, items) for pair in copied_inside],
        "copies in other domains": [_pair(pair, items) for pair in copied_beyond],
        "closest": _closest(inside, items),
        "closest in other domains": _closest(beyond, items),
        "compared": _compared(items, inside, planted.histogram),
        "planted": {
            "images": len(copied),
            "from": items[copied[0]].split,
            "pixels": digest,
            "kinds": [
                {
                    "kind": row.kind,
                    "change": row.change,
                    "copies": row.copies,
                    "found": row.found,
                    "pairs with other groups": row.compared,
                    "false alarms": row.alarms,
                    "least likeness": min(row.likeness) / 1000,
                }
                for row in rows
            ],
            "likeness": planted.histogram([value for row in rows for value in row.likeness]),
        },
        "balance": facts.balance(items, tally, plain),
        "licences": facts.licences(manifest),
        "notes": list(manifest.notes),
        "method": {**copies.METHOD, **facts.RULES},
        "limits": list(LIMITS),
    }
    return {"sha256": digest_of(body), "body": body}


def digest_of(body: Any) -> str:
    """SHA-256 of the canonical JSON of a body: keys sorted, no spaces, ASCII."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def stem(manifest: Manifest) -> str:
    """What the files of a certificate are called, without `.certificate.json`."""
    return f"{manifest.collection}-{manifest.size}px{'-clips' if manifest.clips else ''}"


def write(certificate: dict[str, Any], manifest: Manifest, out: Path, show: bool = False) -> tuple[Path, Path]:
    """Write a certificate and its page.

    Args:
        certificate: from `certify`, of this manifest.
        manifest: brings the pictures.
        out: the folder; it is made if it is not there.
        show: put the pictures on the page also of a collection that this project has not drawn.

    Returns:
        `<name>-<size>px.certificate.json` and `.certificate.html` in `out`.
    """
    from bench.data.certify import page

    names = (out / f"{stem(manifest)}.certificate.{ending}" for ending in ("json", "html"))
    signed, shown = names
    files.write_text(signed, json.dumps(certificate, indent=1, ensure_ascii=True, allow_nan=False) + "\n")
    files.write_text(shown, page.page(certificate, manifest, show))
    return signed, shown


def verify(path: Path, manifest: Manifest | None = None) -> list[str]:
    """Check that a certificate is as it was written, and, where a manifest is given, that it speaks of these splits.

    The digest shows that nothing was changed by accident; it is no signature of a person.

    Args:
        path: of the JSON.
        manifest: of the collection at hand.

    Returns:
        One line for each thing wrong, empty if all is well.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return [f"{path} is too large for a certificate; make it anew with bench data certify."]
        value = json.loads(path.read_text(encoding="utf-8"))
        body, digest = value["body"], value["sha256"]
        schema, clean = body["schema"], body["verdict"]["clean"]
        findings = [*body["crossings"], *body["copies"], *body["copies in other domains"]]
        keys = {(split["domain"], split["split"]): split["digest"] for split in body["splits"]}
        named = (body["collection"], body["size"], body["clips"])
        now = digest_of(body)
    except OSError as error:
        return [f"{path} cannot be read ({error.strerror}); make it with bench data certify."]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{path} is not a certificate; make it anew with bench data certify."]
    if schema != SCHEMA:
        return [f"{path} is a certificate of schema {schema!r}, expected {SCHEMA}; make it anew."]
    problems = []
    if digest != now:
        problems.append(f"{path} was changed after it was made: its digest is {now}, and it says {digest!r}.")
    if clean is not (not findings):
        problems.append(f"{path} contradicts itself: its verdict does not follow from its findings.")
    if manifest is not None:
        problems += _other_splits(path, named, keys, manifest)
    return problems


def _other_splits(path: Path, named: tuple[Any, ...], keys: dict[Any, Any], manifest: Manifest) -> list[str]:
    if named != (manifest.collection, manifest.size, manifest.clips):
        return [f"{path} is not of {stem(manifest)}, but of {named[0]!r} at {named[1]!r} px."]
    held = {(split["domain"], split["split"]): split["digest"] for split in _splits(manifest)}
    return [
        f"{path} speaks of another {domain}/{split} than the collection now has; make it anew."
        for domain, split in sorted(held.keys() | keys.keys(), key=repr)
        if held.get((domain, split)) != keys.get((domain, split))
    ]


def _splits(manifest: Manifest) -> list[dict[str, Any]]:
    found = []
    for domain, counts in manifest.counts().items():
        for name in counts:
            split = manifest.split(domain, name)
            facts = {"key": split.key, "domain": domain, "split": name, "digest": split.digest}
            found.append(facts | {"images": len(split), "groups": len(split.groups)})
    return found


def _stages(report: Progress | None, lengths: list[int]) -> Iterator[Progress | None]:
    """One `report` for each of several parts, so that together they run from nothing to all."""
    total, before = sum(lengths), 0
    for length in lengths:
        yield None if report is None else _shifted(report, before, length, total)
        before += length


def _shifted(report: Progress, before: int, length: int, total: int) -> Progress:
    # A part may turn out smaller than planned; it still fills its share.
    return lambda done, count: report(before + done * length // max(count, 1), total)


def _pair(pair: Found, items: Sequence[Item]) -> dict[str, Any]:
    from bench.data.certify.pictures import SIDE

    return {
        "first": _named(items[pair.first]),
        "second": _named(items[pair.second]),
        "likeness": pair.likeness / 1000,
        "bits": pair.bits / 1000,
        "changed": pair.changed,
        "copy": pair.copy,
        "equal": pair.equal,
        "rows": pair.window,
        "mirrored": pair.mirrored,
        "larger": pair.larger,
        "seen of it": [round(value / (SIDE * 256), 3) for value in pair.box],
    }


def _named(item: Item) -> dict[str, str]:
    return {"domain": item.domain, "split": item.split, "id": item.id, "group": item.group}


def _splits_of(pair: Found, items: Sequence[Item]) -> str:
    return f"{items[pair.first].split} - {items[pair.second].split}"


def _closest(pairs: Iterable[Found], items: Sequence[Item]) -> dict[str, list[dict[str, Any]]]:
    """The closest pairs by their splits, in the order of the splits."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _two_splits()}
    for pair in pairs:  # they come with the closest first
        chosen = found[_splits_of(pair, items)]
        if len(chosen) < CLOSEST:
            chosen.append(_pair(pair, items))
    return {name: chosen for name, chosen in found.items() if chosen}


def _compared(
    items: Sequence[Item], inside: Sequence[Found], histogram: Callable[[Sequence[int]], list[int]]
) -> dict[str, Any]:
    """How many pairs of one domain and different splits there are, and what came of those of different groups."""
    counts: dict[tuple[str, str], int] = {}
    groups: dict[tuple[str, str, str], int] = {}
    for item in items:
        counts[item.domain, item.split] = counts.get((item.domain, item.split), 0) + 1
        key = (item.domain, item.split, item.group)
        groups[key] = groups.get(key, 0) + 1
    by_splits = dict.fromkeys(_two_splits(), 0)
    for (domain, split), count in counts.items():
        for before in SPLITS[: SPLITS.index(split)]:
            by_splits[f"{before} - {split}"] += count * counts.get((domain, before), 0)
    kin = sum(
        count * groups.get((domain, before, group), 0)
        for (domain, split, group), count in groups.items()
        for before in SPLITS[: SPLITS.index(split)]
    )
    strangers = [pair for pair in inside if items[pair.first].group != items[pair.second].group]
    nearest: dict[int, int] = {}
    for pair in strangers:
        nearest[pair.second] = max(nearest.get(pair.second, -1000), pair.likeness)
    return {
        "pairs": {name: count for name, count in by_splits.items() if count},
        "pairs of different groups": sum(by_splits.values()) - kin,
        "of these taken for copies": sum(pair.copy for pair in strangers),
        "nearest of another group": histogram(list(nearest.values())),
    }


def _two_splits() -> list[str]:
    return [f"{first} - {second}" for place, first in enumerate(SPLITS) for second in SPLITS[place + 1 :]]
