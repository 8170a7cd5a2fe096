"""`bench data add`: a user's own folder of images or videos becomes a collection with splits."""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bench import files
from bench.data import collections, manifest, naming, video
from bench.data.building import Draft, Progress, settle, store, whole_folder, work
from bench.data.manifest import Item, LeftOut, Manifest
from bench.data.splits import near_any
from bench.data.standardize import EXTENSIONS, UnusableImage, fingerprint, read_image, require_size, square
from bench.errors import BenchError, unknown
from bench.types import slug

GROUPINGS = ("folder", "prefix", "image")
VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
VERSION = "1"

LISTED = 20
"""So many unusable images are named in an error."""

GRAY = 4
"""An image whose channels lie closer than so many levels on average has no colour to find."""

FRAME_NUMBER = re.compile(r"(?:[\s._-]+(?:frame|f|img|image|page|p))?[\s._-]*[0-9]+$", re.IGNORECASE)


RESERVED_DOMAINS = ("mixed", "all")
"""Words of the command line: the mix of all four, and every domain there is."""


def add(
    home: Path,
    name: str,
    path: Path,
    domain: str,
    size: int,
    group_by: str | None = None,
    skip_damaged: bool = False,
    report: Progress | None = None,
    every: float = 1.0,
) -> Manifest:
    """Standardize a folder into `<home>/data/<name>/<size>px`, or add it to that collection as another domain.

    Given again with the same files and options it changes nothing.

    Args:
        home: where everything lies.
        name: of the collection.
        path: the folder; its hidden files, and links that leave it, are not read.
        domain: of its images.
        size: the side of every standardized image, in pixels.
        group_by: what must not cross train, val and test: `folder` (the one that holds the file), `prefix` (the name
            without its frame number) or `image`; None for the first of folder and prefix that gives three groups,
            else one group. A video is always a group.
        skip_damaged: leave out what cannot be used, and list it in the manifest, instead of refusing all.
        report: called with files done and files in all.
        every: seconds from one frame of a video to the next.

    Raises:
        BenchError: with what was expected, what came and what to do. Nothing is left behind then.
    """
    slug("collection", name)
    if slug("domain", domain) in RESERVED_DOMAINS:
        raise BenchError(f"the domain name {domain!r} has a meaning of its own; choose another, such as 'my-{domain}'.")
    collections.require_side(size)
    if name in collections.BUILT_IN:
        raise BenchError(f"the name {name!r} belongs to a built-in collection; choose another, such as 'my-{domain}'.")
    if group_by is not None and group_by not in GROUPINGS:
        raise unknown("grouping", group_by, list(GROUPINGS))
    if not 0.04 <= every <= 3600:
        raise BenchError(f"--every must be from 0.04 to 3600 seconds; got {every}.")
    paths, outside = find(path, home)
    options = f"{size} {group_by} {skip_damaged} {every}"
    inputs = _inputs(path, paths, options)
    final = collections.folder(home, name, size)
    before = manifest.read(final) if (final / "manifest.json").exists() else None
    if before is not None and domain in before.domains:
        if before.inputs.get(domain) == inputs:
            return before
        raise BenchError(
            f"{name} at {size} px already has the domain {domain!r}, made from other files or options; "
            f"choose another name, or remove {final} to make it anew."
        )
    with whole_folder(final) as folder:
        drafts, left_out = _drafts(folder, path, paths, domain, size, group_by, every, report)
        if left_out and not skip_damaged:
            raise _unusable(path, left_out, len(paths))
        if not drafts:
            raise BenchError(f"expected usable images; none of the {len(paths)} in {path} is; see to them first.")
        known = {} if before is None else {(item.group, item.source): item.split for item in before.items}
        items, leaks, notes = settle(folder, drafts, known)
        left_out = [
            *left_out,
            *leaks,
            *(LeftOut(naming.printable(link), "a link that leaves the folder") for link in outside),
        ]
        if before is not None:
            items, twins = _without_twins(folder, items, final, before)
            left_out = [*left_out, *twins]
            for other in before.domains:
                shutil.copytree(final / other, folder / other)
            items = manifest.in_order((*before.items, *items))
            left_out = [*before.left_out, *left_out]
            notes = (*before.notes, *notes)
        settled = {**(before.inputs if before else {}), domain: inputs}
        made = Manifest(final, name, VERSION, size, items, tuple(left_out), notes, inputs=settled)
        made.write(folder)
        now = manifest.read(final) if (final / "manifest.json").exists() else None
        if now != before:
            raise BenchError(f"{name} at {size} px was changed by another command meanwhile; give this one again.")
    return made


def _without_twins(
    folder: Path, items: Sequence[Item], final: Path, before: Manifest
) -> tuple[tuple[Item, ...], list[LeftOut]]:
    """New images without those of which an older domain holds a near-duplicate on the other side of a split."""
    from PIL import Image

    def mark(root: Path, item: Item) -> int:
        with Image.open(manifest.target_path(root, item)) as image:
            return fingerprint(image)

    sides: dict[str, list[int]] = {}
    for item in before.items:
        sides.setdefault(item.split, []).append(mark(final, item))
    kept, twins = [], []
    for item in items:
        others = [known for split, marks in sides.items() if split != item.split for known in marks]
        if near_any([mark(folder, item)], others)[0]:
            twins.append(LeftOut(item.source, f"near-duplicate of an image in another domain, outside {item.split}"))
            for path in (manifest.target_path(folder, item), manifest.page_path(folder, item)):
                path.unlink(missing_ok=True)
        else:
            kept.append(item)
    return tuple(kept), twins


def find(path: Path, home: Path | None = None) -> tuple[list[str], list[str]]:
    """The images and videos in a folder, as sorted relative paths, and the links among them that leave it.

    Hidden files and folders, linked folders and `home` are passed over.

    Raises:
        BenchError: if `path` is no folder, cannot be read, or holds none.
    """
    if not path.exists():
        raise BenchError(f"expected a folder with images; {path} does not exist; check the path.")
    if not path.is_dir():
        raise BenchError(f"expected a folder with images; {path} is a file; give the folder that holds it.")
    root, inside, outside, count = path.resolve(), [], [], 0
    own = None if home is None else home.resolve()
    try:
        for place, folders, names in os.walk(root, onerror=_refuse):
            folders[:] = sorted(f for f in folders if not f.startswith(".") and Path(place, f) != own)
            for name in names:
                count += 1
                file = Path(place, name)
                if name.startswith(".") or file.suffix.lower() not in (*EXTENSIONS, *VIDEOS):
                    continue
                relative = file.relative_to(root).as_posix()
                if file.is_symlink() and not file.resolve().is_relative_to(root):
                    outside.append(relative)
                elif file.exists() and stat.S_ISREG(file.stat().st_mode):  # never wait for a pipe
                    inside.append(relative)
    except RuntimeError as error:  # a link that leads to itself, before Python 3.13
        raise BenchError(f"{path} holds a link that leads to itself ({error}); remove it.") from error
    except OSError as error:
        raise BenchError(f"{error.filename} cannot be read ({error.strerror}); check its permissions.") from error
    if not inside:
        what = f"none of its {count} files is one" if count else "it is empty"
        kinds = ", ".join(kind[1:] for kind in (*EXTENSIONS, *VIDEOS))
        raise BenchError(f"expected images or videos ({kinds}) in {path}; {what}; check the path.")
    return sorted(inside), sorted(outside)


def groups(paths: Sequence[str], group_by: str | None = None) -> list[str]:
    """The group of each relative path: see `add`."""
    folders = [str(PurePosixPath(path).parent) for path in paths]
    prefixes = [
        str(PurePosixPath(f, FRAME_NUMBER.sub("", PurePosixPath(p).stem))) for p, f in zip(paths, folders, strict=True)
    ]
    choices = {"folder": folders, "prefix": prefixes, "image": list(paths)}
    films = [PurePosixPath(path).suffix.lower() in VIDEOS for path in paths]

    def chosen(grouping: Sequence[str]) -> list[str]:
        return [path if film else group for path, film, group in zip(paths, films, grouping, strict=True)]

    if group_by is not None:
        return chosen(choices[group_by])
    for grouping in (folders, prefixes):
        if len(set(chosen(grouping))) >= 3:
            return chosen(grouping)
    return ["all"] * len(paths)


def _drafts(
    folder: Path,
    root: Path,
    paths: Sequence[str],
    domain: str,
    size: int,
    group_by: str | None,
    every: float,
    report: Progress | None,
) -> tuple[list[Draft], list[LeftOut]]:
    """Standardize every file into `folder`; what cannot be used comes back with its reason."""
    import numpy as np

    def save(id: str, group: str, name: str, image) -> tuple[Draft, bool]:
        target = square(image, size)
        spread = float(np.ptp(target, axis=2).mean())
        page = None
        if domain == "manga":
            from bench.conditions import screentone

            page = screentone(target)
        draft = store(folder, target, page, id=id, domain=domain, group=group, name=name, mark=fingerprint(image))
        return draft, spread < GRAY

    def job(task: tuple[str, str, str]) -> list[tuple[Draft, bool]] | LeftOut:
        path, id, group = task
        file = root / path
        try:
            if file.suffix.lower() not in VIDEOS:
                image = read_image(file)
                require_size(file, image, size)
                return [save(id, group, path, image)]
            frames = []
            for still in video.stills(file, every):
                require_size(file, still.image, size)
                milliseconds = round(still.seconds * 1000)
                frames.append(save(f"{id}-{milliseconds:08d}", group, f"{path} at {milliseconds:08d} ms", still.image))
        except UnusableImage as error:
            return LeftOut(naming.printable(path), error.reason)
        except BenchError as error:
            return LeftOut(naming.printable(path), str(error))
        return frames

    tasks = list(zip(paths, naming.ids(paths), groups(paths, group_by), strict=True))
    drafts, left_out, colourless = [], [], True
    for result in work(job, tasks, report):
        if isinstance(result, LeftOut):
            left_out.append(result)
            continue
        drafts.extend(draft for draft, _ in result)
        colourless = colourless and all(gray for _, gray in result)
    if drafts and colourless:
        raise BenchError(
            f"expected coloured images; all {len(drafts)} in {root} are gray; pages and films without a coloured "
            "original have no target to score; give the coloured originals."
        )
    return drafts, left_out


def _unusable(path: Path, left_out: Sequence[LeftOut], count: int) -> BenchError:
    named = ", ".join(f"{left.source} ({left.reason})" for left in left_out[:LISTED])
    rest = f" and {len(left_out) - LISTED} more" if len(left_out) > LISTED else ""
    return BenchError(
        f"expected {count} usable images in {path}; {len(left_out)} cannot be used: {named}{rest}; "
        "mend or remove them, choose a smaller --size where they are too small, or leave them out with --skip-damaged."
    )


def _inputs(root: Path, paths: Sequence[str], options: str) -> str:
    """What a domain is made from, as one digest: options, names and bytes."""
    state = hashlib.sha256(options.encode())
    for path in paths:
        try:
            content = files.sha256(root / path)
        except OSError as error:
            content = f"unreadable: {error.strerror}"
        state.update(f"\n{content} ".encode() + os.fsencode(path))
    return state.hexdigest()


def _refuse(error: OSError) -> None:
    raise error
