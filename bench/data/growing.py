"""A domain joins a user's collection: splits, then stills and clips under their names, both or neither."""

import re
import shutil
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.data import collections, manifest, video
from bench.data.building import Draft, settle, whole_folder, work
from bench.data.intake import CLIPS, STILLS, Result, Taken, stored
from bench.data.manifest import Item, LeftOut, Manifest, target_path
from bench.data.naming import printable
from bench.data.splits import assign_groups, near_any
from bench.data.standardize import fingerprint
from bench.data.workplace import link
from bench.errors import BenchError
from bench.types import SPLITS

VERSION = "3"
"""Of the rules by which files become images."""

FRAME = re.compile(r" frame ([0-9]{8}) at [0-9.]+ s$")


@dataclass(frozen=True)
class Growth:
    """Makes the manifests.

    Attributes:
        name, size: of the collection.
        domain: that joins.
        final: where its stills lie.
        before: its manifest so far, if there is one.
        work: the folder that holds the domain's pictures.
    """

    name: str
    size: int
    domain: str
    final: Path
    before: Manifest | None
    work: Path

    def require_same_groups(self, groups: Mapping[str, str]) -> None:
        """Refuse files that another domain holds under another group: train of one could be test of the other.

        Args:
            groups: of each file, printable.

        Raises:
            BenchError: naming one of them.
        """
        given = {printable(path): group for path, group in groups.items()}
        for item in self.before.items if self.before else ():
            file = FRAME.sub("", item.source)
            if given.get(file, item.group) != item.group:
                raise BenchError(
                    f"expected {file} in the group {item.group!r}, as in the domain {item.domain!r}; it came in "
                    f"{given[file]!r}, and could be train here and test there; give the same --group-by as for the "
                    "other domains, or choose another name for this collection."
                )

    def make(
        self,
        results: Sequence[Result],
        groups: Mapping[str, str],
        left_out: Sequence[LeftOut],
        inputs: str,
        remarks: Sequence[str] = (),
    ) -> Manifest:
        """Split the pictures and write the collection with them.

        Args:
            results: what came of each file.
            groups: of each file, printable.
            left_out: what gave nothing.
            inputs: the digest of files and options.
            remarks: what else a reader of its numbers should know, as in `Manifest.notes`.

        Returns:
            The manifest of the stills.
        """
        taken = [(one, groups[result.path]) for result in results for one in result.taken]
        sides, between = self._sides(results, groups)
        known = {(item.group, item.source): item.split for item in self.before.items} if self.before else {}
        out = [*(self.before.left_out if self.before else ()), *left_out]
        with ExitStack() as stack:
            # What is entered last is renamed first: stills, by which a domain is known to be there, come last of all.
            folder = stack.enter_context(whole_folder(self.final))
            drafts = [one.draft(self.domain, group) for one, group in taken]
            out += [LeftOut(draft.source, between[draft.source]) for draft in drafts if draft.source in between]
            drafts = [draft for draft in drafts if draft.source not in between]
            for draft in drafts:
                self._bring(STILLS, folder, draft)
            items, leaks, found = settle(folder, drafts, known | sides)
            notes = (*remarks, *found)
            items, twins = self._without_twins(folder, items)
            out += [*leaks, *twins]
            if any(one.clip for one, _ in taken):
                self._clips(stack, items, {one.id: one for one, _ in taken}, inputs)
            if self.before:
                self._keep(self.before, folder)
                items, notes = manifest.in_order((*self.before.items, *items)), (*self.before.notes, *notes)
            settled = {**(self.before.inputs if self.before else {}), self.domain: inputs}
            made = Manifest(self.final, self.name, VERSION, self.size, items, tuple(out), notes, inputs=settled)
            made.write(folder)
        return made

    def _sides(
        self, results: Sequence[Result], groups: Mapping[str, str]
    ) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
        """The splits of films' frames by (group, source), as `settle` knows them, and what stands between two."""
        fixed: dict[str, str] = {}
        frames: dict[str, dict[int, str]] = {}
        for item in self.before.items if self.before else ():
            fixed[item.group] = "train" if item.split == "series" else item.split
            if found := FRAME.search(item.source):
                frames.setdefault(item.source[: found.start()], {})[int(found[1])] = item.split
        counts = Counter(groups[result.path] for result in results for _ in result.taken)
        sides = assign_groups({self.domain: counts}, fixed)
        # No image has an empty name: these settle the sides of groups.
        known = {(group, ""): side for group, side in sides.items()}
        between: dict[str, str] = {}
        for result in results:
            group = groups[result.path]
            if not result.taken or result.taken[0].number < 0 or sides[group] != "train":
                continue
            film = printable(result.path)
            held = frozenset(video.held_out([one.number for one in result.taken], result.cuts))
            for one in result.taken:
                split = "series" if one.number in held else "train"
                if film in frames:
                    split = _as_before(one.number, frames[film])
                if split is None:
                    between[one.source] = "between train and series of the same film in another domain"
                else:
                    known[group, one.source] = split
        for result in results:
            for one in result.taken:
                if one.number >= 0 and sides[groups[result.path]] != "train":
                    known[groups[result.path], one.source] = sides[groups[result.path]]
        return known, between

    def _clips(self, stack: ExitStack, items: Sequence[Item], taken: Mapping[str, Taken], inputs: str) -> None:
        """The clips of the stills that are kept, in their splits."""
        root = collections.folder(self.final.parent.parent.parent, self.name, self.size, clips=True)
        folder = stack.enter_context(whole_folder(root))
        frames = [frame for item in items for frame in taken[item.id].frames(self.domain, item.split, item.group)]
        for frame in frames:
            self._bring(CLIPS, folder, frame)
        settled, others = {self.domain: inputs}, ()
        if (root / "manifest.json").exists():
            found = manifest.read(root)
            # Clips of this domain without its stills are what a cut command left.
            others = tuple(item for item in found.items if item.domain != self.domain)
            settled = found.inputs | settled
            self._keep(found, folder)
        ordered = manifest.in_order((*others, *frames))
        Manifest(root, self.name, VERSION, self.size, ordered, inputs=settled, clips=True).write(folder)

    def _bring(self, part: str, folder: Path, item: Draft | Item) -> None:
        (folder / self.domain).mkdir(exist_ok=True)
        for suffix in (".png", ".page.png") if item.page else (".png",):
            name = f"{item.id}{suffix}"
            link(self.work / part / self.domain / name, folder / self.domain / name)

    def _keep(self, found: Manifest, folder: Path) -> None:
        """The other domains of a collection as they are."""
        for other in found.domains:
            if other != self.domain:
                shutil.copytree(found.root / other, folder / other, copy_function=link)

    def _without_twins(self, folder: Path, items: Sequence[Item]) -> tuple[tuple[Item, ...], list[LeftOut]]:
        """New images without those of which an older domain holds a near-duplicate on the other side of a split."""
        from PIL import Image

        def mark(root: Path, item: Item) -> int:
            with Image.open(target_path(root, item)) as image:
                return fingerprint(image)

        def marks(root: Path, wanted: Iterable[Item]) -> list[int]:
            return list(work(partial(mark, root), wanted, None))

        if self.before is None:
            return tuple(items), []
        kept, twins = [], []
        for split in SPLITS:
            mine = [item for item in items if item.split == split]
            if not mine:
                continue
            others = marks(self.final, (item for item in self.before.items if item.split != split))
            for item, near in zip(mine, near_any(marks(folder, mine), others), strict=True):
                if not near:
                    kept.append(item)
                    continue
                reason = f"near-duplicate of an image in another domain, outside {split}"
                twins.append(LeftOut(item.source, reason))
                for path in stored(folder, item):
                    path.unlink()
        return manifest.in_order(kept), twins


def _as_before(number: int, known: Mapping[int, str]) -> str | None:
    """The split of a frame in a film that another domain has split: as its neighbours there, None between two."""
    if number in known:
        return known[number]
    numbers = sorted(known)
    place = bisect_left(numbers, number)
    near = {known[numbers[at]] for at in (place - 1, place) if 0 <= at < len(numbers)}
    # Beyond the first and the last, only train is known to go on.
    inside = 0 < place < len(numbers) or near == {"train"}
    return near.pop() if len(near) == 1 and inside else None
