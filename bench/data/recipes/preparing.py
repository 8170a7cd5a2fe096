"""`bench data add --recipe`: a known data set's folder becomes a collection, honest or with its paper's leak."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import files
from bench.data import collections, manifest, naming
from bench.data.building import Draft, Progress, settle, store, whole_folder, work
from bench.data.folder import GRAY, LISTED, RESERVED_DOMAINS
from bench.data.manifest import Item, LeftOut, Manifest, in_order
from bench.data.recipes import layout
from bench.data.recipes.grouping import drawn, scattered
from bench.data.recipes.recipe import DataRecipe, HeldOut, Picture, Shuffle, Source
from bench.data.splits import assign_groups
from bench.data.standardize import UnusableImage, fingerprint, require_size, square
from bench.errors import BenchError
from bench.types import slug

VERSION = "2"
"""Of the rules by which files become images."""

LEGACY = "-legacy-shuffled"
"""How the name of a collection ends whose split leaks; no other collection may be named so."""

COLOURLESS = "gray: it has no colours to find"


def add(
    home: Path,
    recipe: DataRecipe,
    path: Path,
    size: int,
    legacy: bool = False,
    report: Progress | None = None,
    *,
    name: str | None = None,
    domain: str | None = None,
    at_least: float = layout.WHOLE,
    limit: int | None = None,
    skip_damaged: bool = False,
) -> Manifest:
    """Standardize a known data set into `<home>/data/<name>/<size>px`. The same again changes nothing.

    Args:
        home: where everything lies.
        recipe: of the data set.
        path: the folder with its files; hidden files, and links that leave it, are not read.
        size: the side of every standardized image, in pixels.
        legacy: split single images at random in the paper's proportions, as the paper did: the split leaks, and the
            collection's name says so.
        report: called with files done and files in all.
        name: of the collection, None for the recipe's; a legacy one gets `-legacy-shuffled` added.
        domain: of the images, where the recipe leaves it open; else None.
        at_least: the share of the published number of files that must be there.
        limit: take so many files, spread evenly by the digests of their paths; None for all.
        skip_damaged: leave out what cannot be used, and list it in the manifest, instead of refusing all.

    Raises:
        BenchError: with what was expected, what came and what to do. Nothing is left behind then.
    """
    collection = _named(recipe, recipe.id if name is None else name, legacy)
    collections.require_side(size)
    _require_domain(recipe, domain)
    if limit is not None and limit < 1:
        raise BenchError(f"--limit must be at least 1 file; got {limit}.")
    paths, outside, notes = layout.check(recipe, path, home, at_least)
    root = path.resolve()
    sources = [replace(source, domain=source.domain or domain or "") for source in recipe.sources(root, paths)]
    if limit is not None and limit < len(sources):
        notes = [*notes, f"{limit:,} of the {len(sources):,} files, chosen by the digests of their paths"]
        chosen = set(sorted((source.path for source in sources), key=scattered)[:limit])
        sources = [source for source in sources if source.path in chosen]
    inputs = _inputs(recipe, root, sources, f"{size} {domain} {legacy} {skip_damaged}")
    final = collections.folder(home, collection, size)
    if (final / "manifest.json").exists():
        before = manifest.read(final)
        if set(before.inputs.values()) == {inputs}:
            return before
        raise BenchError(
            f"{collection} at {size} px is already there, made from other files or options; choose another name, or "
            f"remove {final} to make it anew."
        )
    with whole_folder(final) as folder:
        drafts, left_out, known = _drafts(folder, recipe, root, sources, size, skip_damaged, report)
        if legacy and recipe.shuffle is not None:
            items, leaks = shuffled(drafts, recipe.shuffle), ()
            notes = [_warning(recipe.shuffle), *_remarks(recipe), *notes]
        else:
            items, leaks, rules = settle(folder, drafts, known)
            notes = [*_remarks(recipe), *notes, *rules]
        left_out = [
            *left_out,
            *leaks,
            *(LeftOut(naming.printable(link), "a link that leaves the folder") for link in outside),
        ]
        made = Manifest(
            root=final,
            collection=collection,
            version=f"{recipe.id} {VERSION}{LEGACY if legacy else ''}",
            size=size,
            items=items,
            left_out=tuple(left_out),
            notes=tuple(notes),
            inputs=dict.fromkeys(manifest.ordered_domains({item.domain for item in items}), inputs),
        )
        made.write(folder)
    return made


def shuffled(drafts: Sequence[Draft], shuffle: Shuffle) -> tuple[Item, ...]:
    """Split single images at random in a paper's proportions, whatever they show. This leaks; that is its purpose.

    Args:
        drafts: every image, near-duplicates of one another too.
        shuffle: the paper's numbers and the seed.

    Returns:
        Items in order: train, val (if the paper had one) and test, no series. The same on every machine.
    """
    total = shuffle.train + shuffle.val + shuffle.test
    order = sorted(drafts, key=lambda d: scattered(f"{shuffle.seed} {d.domain}/{d.id}"))
    tests, vals = (round(len(order) * part / total) for part in (shuffle.test, shuffle.val))
    sides = ["test"] * tests + ["val"] * vals + ["train"] * (len(order) - tests - vals)
    return in_order(
        Item(d.id, d.domain, side, d.group, d.source, d.pixels, d.page) for d, side in zip(order, sides, strict=True)
    )


def _named(recipe: DataRecipe, name: str, legacy: bool) -> str:
    slug("collection", name)
    if name in collections.BUILT_IN:
        raise BenchError(f"the name {name!r} belongs to a built-in collection; choose another, such as {recipe.id!r}.")
    if name.endswith(LEGACY):
        raise BenchError(
            f"names that end in {LEGACY!r} are given to collections whose split leaks; "
            f"choose another, such as {recipe.id!r}, and ask for that split with --legacy-shuffled."
        )
    if legacy and recipe.shuffle is None:
        raise BenchError(
            f"{recipe.id} has no legacy-shuffled split: its paper is not known to have shuffled neighbouring frames; "
            "leave --legacy-shuffled out."
        )
    return slug("collection", name + LEGACY) if legacy else name


def _require_domain(recipe: DataRecipe, domain: str | None) -> None:
    if recipe.domains and domain is not None:
        raise BenchError(f"{recipe.id} is of the domain {' and '.join(recipe.domains)}; leave --domain {domain} out.")
    if not recipe.domains and domain is None:
        raise BenchError(f"{recipe.id} may hold any images; say their domain with --domain, such as --domain anime.")
    if domain is not None and slug("domain", domain) in RESERVED_DOMAINS:
        raise BenchError(f"the domain name {domain!r} has a meaning of its own; choose another, such as 'my-{domain}'.")


def _warning(shuffle: Shuffle) -> str:
    return (
        "legacy-shuffled: THIS SPLIT LEAKS: single images were split at random "
        f"({shuffle.train:,} : {shuffle.val:,} : {shuffle.test:,}, seed {shuffle.seed}), so train and test share "
        f"groups and near-duplicates; it measures that leak and nothing else; {shuffle.why}"
    )


def _remarks(recipe: DataRecipe) -> tuple[str, ...]:
    unverified = (f"unverified: {line}" for line in recipe.unverified)
    return (f"recipe {recipe.id}: {recipe.title}; terms: {recipe.licence}", *recipe.remarks, *unverified)


@dataclass
class _Made:
    """What came of a source.

    Attributes:
        drafts: images.
        gray, broken: what cannot be used.
        sides: of groups, as `settle` knows them.
        parts: train or series, by group and source, of images whose group may be train.
    """

    drafts: list[Draft] = field(default_factory=list)
    gray: list[LeftOut] = field(default_factory=list)
    broken: list[LeftOut] = field(default_factory=list)
    sides: dict[tuple[str, str], str] = field(default_factory=dict)
    parts: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, other: "_Made") -> None:
        self.drafts += other.drafts
        self.gray += other.gray
        self.broken += other.broken
        self.sides |= other.sides
        self.parts |= other.parts

    def hold(self, sources: Set[str]) -> None:
        """Hold images out of train."""
        self.parts = {
            (draft.group, draft.source): "series" if draft.source in sources else "train" for draft in self.drafts
        }

    def known(self) -> dict[tuple[str, str], str]:
        """What is settled of groups and images, as `settle` knows it: of groups that are train, also their parts."""
        if not self.parts:
            return self.sides
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for draft in self.drafts:
            counts[draft.domain][draft.group] += 1
        sides = assign_groups(counts, {group: side for (group, _), side in self.sides.items()})
        parts = {place: part for place, part in self.parts.items() if sides[place[0]] == "train"}
        # No image has an empty name: these only settle the sides of their groups.
        return {(group, ""): side for group, side in sides.items()} | parts


def _drafts(
    folder: Path,
    recipe: DataRecipe,
    root: Path,
    sources: Sequence[Source],
    size: int,
    skip_damaged: bool,
    report: Progress | None,
) -> tuple[list[Draft], list[LeftOut], dict[tuple[str, str], str]]:
    """Standardize every source into `folder`.

    Returns:
        the images; what cannot be used, with its reason; and what is settled of their splits, as `settle` knows it.
    """
    ids = naming.ids([source.path for source in sources])

    def job(task: tuple[Source, str]) -> _Made:
        source, id = task
        made, reason = _Made(), ""
        try:
            for picture in recipe.read(root / source.path):
                if isinstance(picture, HeldOut):
                    made.hold({naming.printable(source.path + said) for said in picture.said})
                    continue
                if isinstance(picture, LeftOut):
                    made.broken.append(LeftOut(naming.printable(source.path + picture.source), picture.reason))
                    continue
                came = _standardized(folder, source, id, picture, size, recipe.colour_only)
                if isinstance(came, LeftOut):
                    (made.gray if came.reason == COLOURLESS else made.broken).append(came)
                    continue
                made.drafts.append(came)
                if source.side and not source.group and picture.group is None:
                    made.sides[came.group, ""] = drawn(source.side, source.path + picture.said)
            return made
        except UnusableImage as error:
            reason = error.reason
        except BenchError as error:
            reason = str(error)
        for draft in made.drafts:
            for suffix in (".png", ".page.png"):
                (folder / draft.domain / f"{draft.id}{suffix}").unlink(missing_ok=True)
        return _Made(broken=[LeftOut(naming.printable(source.path), reason)])

    all_made = _Made()
    for made in work(job, list(zip(sources, ids, strict=True)), report):
        all_made.add(made)
    drafts, gray, broken = all_made.drafts, all_made.gray, all_made.broken
    if broken and not skip_damaged:
        raise _unusable(root, broken, len(sources))
    if not drafts:
        why = f"all {len(gray):,} are gray" if gray else f"none of the {len(sources):,} files gave one"
        raise BenchError(f"{recipe.id} expects coloured images of {size} pixels or more in {root}; {why}; see to them.")
    return drafts, [*broken, *gray], all_made.known()


def _standardized(
    folder: Path, source: Source, id: str, picture: Picture, size: int, colour_only: bool
) -> Draft | LeftOut:
    import numpy as np

    said = source.path + picture.said
    image = picture.image
    try:
        require_size(Path(said), image, size)
    except UnusableImage as error:
        return LeftOut(naming.printable(said), error.reason)
    if picture.page is not None and picture.page.size != image.size:
        sides = f"{picture.page.width}x{picture.page.height}, of the image {image.width}x{image.height}"
        return LeftOut(naming.printable(said), f"the size of its drawn page is {sides}")
    target = square(image, size)
    if colour_only and np.ptp(target, axis=2).mean() < GRAY:
        return LeftOut(naming.printable(said), COLOURLESS)
    page = None if picture.page is None else square(picture.page, size)
    if page is None and source.domain == "manga":
        from bench.conditions import screentone

        page = screentone(target)
    return store(
        folder,
        target,
        page,
        id=id + picture.place,
        domain=source.domain,
        group=picture.group or source.group or said,
        name=said,
        mark=fingerprint(image),
    )


def _unusable(root: Path, broken: Sequence[LeftOut], count: int) -> BenchError:
    named = ", ".join(f"{left.source} ({left.reason})" for left in broken[:LISTED])
    rest = f" and {len(broken) - LISTED:,} more" if len(broken) > LISTED else ""
    return BenchError(
        f"expected {count:,} usable files in {root}; {len(broken):,} things in them cannot be used: {named}{rest}; "
        "mend or remove them, choose a smaller --size where they are too small, or leave them out with --skip-damaged."
    )


def _inputs(recipe: DataRecipe, root: Path, sources: Sequence[Source], options: str) -> str:
    """What a collection is made from, as one digest: recipe, options, names, groups and bytes."""
    state = hashlib.sha256(f"{recipe.id} {VERSION} {options}".encode())
    for source in sources:
        try:
            content = files.sha256(root / source.path)
        except OSError as error:
            content = f"unreadable: {error.strerror}"
        state.update(f"\n{content} {source.side} ".encode() + os.fsencode(f"{source.path} {source.group}"))
    return state.hexdigest()
