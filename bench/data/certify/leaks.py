"""Held-out images that are copies of what another split holds: the search of the certificate, put to use."""

from dataclasses import replace
from typing import Any

from bench.data.manifest import LeftOut, Manifest, page_path, target_path

_FIRST_OUT = ("val", "test", "series")
"""Of two copies the image of the earlier of these splits goes; train keeps all it has."""

LISTED = 10
"""So many files are named."""


def without_copies(manifest: Manifest) -> Manifest:
    """The collection without val, test and series images that are copies of images in another split.

    Series gives way to train, test to both, val to all. The files of what is left out are removed.

    Args:
        manifest: of images on disk, as `certify` takes it.

    Returns:
        The manifest with the rest, and with what was left out and for which image.

    Raises:
        BenchError: naming an image that is missing, damaged or changed.
    """
    from bench.data.certify.copies import across
    from bench.data.certify.pictures import Pictures

    pictures = Pictures(manifest, lambda place, image: None)
    pairs = [pair for pair in across(pictures) if pair.copy]
    gone: dict[tuple[str, str], LeftOut] = {}
    for split in _FIRST_OUT:
        for pair in pairs:
            two = pictures.items[pair.first], pictures.items[pair.second]
            if any((item.domain, item.id) in gone for item in two):
                continue
            for item, other in (two, two[::-1]):
                if item.split == split:
                    reason = f"a copy of {other.domain}/{other.id}, which is in {other.split}; it would be in {split}"
                    gone[item.domain, item.id] = LeftOut(item.source, reason)
                    for path in (target_path(manifest.root, item), page_path(manifest.root, item)):
                        path.unlink(missing_ok=True)
    items = tuple(item for item in manifest.items if (item.domain, item.id) not in gone)
    left_out = sorted([*manifest.left_out, *gone.values()], key=lambda left: left.source)
    return replace(manifest, items=items, left_out=tuple(left_out))


def advice(manifest: Manifest, body: dict[str, Any]) -> str:
    """What a person can do about the leaks of a collection, in one line: which files to take out, and what to type.

    Args:
        manifest: the collection.
        body: of its certificate, which is not clean.
    """
    from bench.data.collections import BUILT_IN
    from bench.data.growing import FRAME
    from bench.data.recipes.preparing import LEGACY

    name, size = manifest.collection, manifest.size
    if name in BUILT_IN:
        return f"what to do: the splits of {name} are fixed; see whether its files are whole: bench data verify {name}"
    if name.endswith(LEGACY):
        return "what to do: nothing; these splits leak as their name says, to measure the leak"
    sources = {(item.domain, item.id): item.source for item in manifest.items}
    files: dict[str, None] = {}
    for pair in (*body["copies"], *body["copies in other domains"]):
        held = next(one for split in _FIRST_OUT for one in (pair["first"], pair["second"]) if one["split"] == split)
        files[FRAME.sub("", sources[held["domain"], held["id"]])] = None
    ways = []
    if files:
        more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
        ways.append(f"take out of your folder {', '.join([*files][:LISTED])}{more}")
    ways.append("put what belongs together into one folder and add --group-by folder below, for every domain")
    made = [f"--domain {domain}" for domain in manifest.domains]
    if " " in manifest.version:  # a recipe's: it makes all of its domains, and groups them itself
        made = [f"--recipe {manifest.version.split()[0]}"]
        ways = ways[:1] if files else []
    again = " && ".join(f"bench data add {name} FOLDER {how} --size {size}" for how in made)
    # Without its stills a collection is not there: its clips are made with them.
    stills = manifest.root.with_name(manifest.root.name.removesuffix("-clips"))
    first = f"{', or '.join(ways)}; then " if ways else ""
    return f"what to do: {first}remove {stills} and add it again: {again}"
