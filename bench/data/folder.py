"""`bench data add`: a user's own images and films become a collection with splits."""

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bench import files
from bench.cores import cores
from bench.data import collections, manifest, naming, video
from bench.data.building import Progress, gather, restore, work
from bench.data.growing import VERSION, Growth
from bench.data.intake import CLIPS, COLOURLESS, STILLS, Intake, Result, is_animated
from bench.data.intake import GRAY as GRAY
from bench.data.manifest import LeftOut, Manifest
from bench.data.standardize import EXTENSIONS
from bench.data.workplace import Workplace, alone
from bench.errors import BenchError, unknown
from bench.types import slug

GROUPINGS = ("folder", "prefix", "image")
VIDEOS = (
    ".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".m2ts", ".mts", ".ts", ".3gp", ".ogv", ".wmv",
    ".flv",
)  # fmt: skip
KINDS = (*EXTENSIONS, ".jfif", *VIDEOS)
UNREAD = (
    ".avif", ".heic", ".heif", ".jxl", ".jp2", ".tga", ".psd", ".svg", ".dng", ".cr2", ".nef", ".arw", ".pdf", ".cbz",
    ".cbr", ".vob", ".rm", ".rmvb", ".asf", ".divx", ".f4v", ".3g2", ".mxf", ".swf",
)  # fmt: skip
"""Pictures and films by their names, of kinds that are not taken: they are counted, so that none vanishes."""

LISTED = 20
"""So many unusable images are named in an error."""

FEWEST_IN_GROUP = 2
"""Images a group holds on average, or the grouping that nobody asked for has told nothing."""

FRAME_NUMBER = re.compile(
    r"(?:[\s._-]+(?:[0-9]+h)?(?:[0-9]+m)?[0-9]+s[0-9]*"  # a time: 12h00m05s185, 01m05s
    r"|(?:[\s._-]+(?:frame|f|img|image|page|p))?[\s._-]*[0-9]+)$",
    re.IGNORECASE,
)
FRAME_ID = re.compile(r"-f[0-9]{8}$", re.IGNORECASE)
"""As the ids of films' frames end."""

RESERVED_DOMAINS = ("mixed", "all")
"""Words of the command line: the mix of all four, and every domain there is."""


@dataclass(frozen=True)
class Found:
    """What lies in a folder, as relative paths.

    Attributes:
        inside: images and videos, sorted.
        outside: links among them that leave the folder, sorted.
        unread: how many files there are of each kind in `UNREAD`.
        links: linked folders.
    """

    inside: list[str]
    outside: list[str]
    unread: Mapping[str, int]
    links: int

    def notes(self, domain: str) -> list[str]:
        """A line for each thing that was passed over by its kind."""
        notes = []
        if self.unread:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.unread.items()))
            notes.append(f"{domain}: files of kinds that are not read: {kinds}")
        if self.links:
            notes.append(f"{domain}: linked folders that were not followed: {self.links}")
        return notes


def add(
    home: Path,
    name: str,
    path: Path,
    domain: str,
    size: int,
    group_by: str | None = None,
    skip_damaged: bool = False,
    report: Progress | None = None,
    every: str = "1s",
) -> Manifest:
    """Standardize images and films into `<home>/data/<name>/<size>px`, or add them to it as another domain.

    Films also give clips for the temporal tracks, in `<home>/data/<name>/<size>px-clips`, split as their stills are.
    Given again with the same files and options it changes nothing. What an interrupted or refused command has done lies
    in a hidden folder beside the collection; the same command goes on from there, and removes it at the end.

    Args:
        home: where everything lies.
        name: of the collection.
        path: an image, a film, or a folder of them; its hidden files, linked folders, and links that leave it, are
            not read. Gray images are left out, for they have no target.
        domain: of its images.
        size: the side of every standardized image, in pixels.
        group_by: what must not cross train, val and test: `folder` (the one that holds the file), `prefix` (the name
            without its number), for images and films alike, or `image`. None: a film is a group of its own, and images
            are grouped by the first of folder and prefix that gives three groups, else in one. Whole shots of every
            train film become `series`.
        skip_damaged: leave out what cannot be used, and list it in the manifest, instead of refusing all.
        report: called with what is done and what there is: an image counts one, a film one for each megabyte.
        every: from one frame of a film to the next: `60` frames, or `2.5s`.

    Raises:
        BenchError: with what was expected, what came and what to do. The collection is then as it was.
    """
    slug("collection", name)
    if slug("domain", domain) in RESERVED_DOMAINS:
        raise BenchError(f"the domain name {domain!r} has a meaning of its own; choose another, such as 'my-{domain}'.")
    collections.require_side(size)
    if name in collections.BUILT_IN:
        raise BenchError(f"the name {name!r} belongs to a built-in collection; choose another, such as 'my-{domain}'.")
    if group_by is not None and group_by not in GROUPINGS:
        raise unknown("grouping", group_by, list(GROUPINGS))
    step = video.Step.of(every)
    seen = look(path, home)
    paths = seen.inside
    root = path if path.is_dir() else path.parent
    films = frozenset(file for file in paths if is_film(root / file))
    options = f"{VERSION} {size} {domain} {step if films else ''}"
    final = collections.folder(home, name, size)
    try:
        with alone(final.parent):
            for clips in (False, True):
                restore(collections.folder(home, name, size, clips))
            before = manifest.read(final) if (final / "manifest.json").exists() else None
            working = final.parent / f".{final.name}.{domain}.work"
            if before is not None and domain in before.domains:
                contents = list(work(lambda file: _content(root / file), paths, None))
                if before.inputs.get(domain) != _inputs(paths, contents, f"{options} {group_by} {skip_damaged}"):
                    raise BenchError(
                        f"{name} at {size} px already has the domain {domain!r}, made from other files or options; "
                        f"choose another name, or remove {final} to make it anew."
                    )
                shutil.rmtree(working, ignore_errors=True)
                return before
            homes = dict(zip(paths, map(naming.printable, groups(paths, group_by, films)), strict=True))
            growth = Growth(name, size, domain, final, before, working)
            growth.require_same_groups(homes)
            place = Workplace(working, options)
            for part in (STILLS, CLIPS):
                (place.folder / part).mkdir(exist_ok=True)
            threads = max(1, cores() // max(1, len(films)))
            intake = Intake(root, place, domain, size, step, threads, films)
            tasks = list(zip(paths, _ids(paths, films), strict=True))
            weights = [max(1, (root / file).stat().st_size >> 20) if file in films else 1 for file in paths]
            results = gather(lambda task, tick: intake.take(*task, tick), tasks, weights, report)
            if all(one.gray for result in results for one in result.taken):
                place.done()  # whatever is given next, nothing of this is wanted
            left_out = _left_out(path, results, skip_damaged)
            left_out += [LeftOut(naming.printable(link), "a link that leaves the folder") for link in seen.outside]
            contents = [result.content for result in results]
            inputs = _inputs(paths, contents, f"{options} {group_by} {skip_damaged}")
            remarks = seen.notes(domain) + _remarks(domain, results, homes, group_by)
            made = growth.make([_coloured(result) for result in results], homes, left_out, inputs, remarks)
            place.done()
            return made
    except OSError as error:
        raise BenchError(
            f"{name} at {size} px could not be written ({error.strerror or error}); see to that, and give the same "
            "command again: it goes on where it stopped, and the collection is as it was."
        ) from error


def find(path: Path, home: Path | None = None) -> tuple[list[str], list[str]]:
    """The images and videos in a folder, as sorted paths, and the links among them that leave it: see `look`."""
    found = look(path, home)
    return found.inside, found.outside


def look(path: Path, home: Path | None = None) -> Found:
    """What lies in a folder, and in the folders below it.

    Hidden files and folders, linked folders and `home` are passed over. Of a file, its own name.

    Raises:
        BenchError: if `path` is not there, cannot be read, or holds none.
    """
    kinds = ", ".join(kind[1:] for kind in KINDS)
    if not path.exists():
        raise BenchError(f"expected a folder with images or videos; {path} does not exist; check the path.")
    if not path.is_dir():
        if not path.is_file() or path.suffix.lower() not in KINDS:
            raise BenchError(f"expected a folder, an image or a video ({kinds}); {path} is none; check the path.")
        return Found([path.name], [], {}, 0)
    root, inside, outside, count = path.resolve(), [], [], 0
    unread: Counter[str] = Counter()
    links = 0
    own = None if home is None else str(home.resolve())
    places = [str(root)]
    cut = len(os.path.join(root, ""))
    try:
        while places:
            # A folder may hold millions of names: they are looked at as they come, and only what is wanted is kept.
            with os.scandir(places.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith(".") and entry.path != own:
                            places.append(entry.path)
                        continue
                    count += 1
                    kind = os.path.splitext(entry.name)[1].lower()
                    if entry.name.startswith("."):
                        continue
                    if entry.is_symlink() and os.path.isdir(entry.path):
                        links += 1
                        continue
                    if kind in UNREAD:
                        unread[kind] += 1
                    if kind not in KINDS:
                        continue
                    relative = entry.path[cut:].replace(os.sep, "/")
                    if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                        outside.append(relative)
                    elif entry.is_file():  # never wait for a pipe
                        inside.append(relative)
    except RuntimeError as error:  # a link that leads to itself, before Python 3.13
        raise BenchError(f"{path} holds a link that leads to itself ({error}); remove it.") from error
    except OSError as error:
        raise BenchError(f"{error.filename} cannot be read ({error.strerror}); check its permissions.") from error
    if not inside:
        what = f"none of its {count} files is one" if count else "it is empty"
        raise BenchError(f"expected images or videos ({kinds}) in {path}; {what}; check the path.")
    return Found(sorted(inside), sorted(outside), unread, links)


def groups(paths: Sequence[str], group_by: str | None = None, films: Collection[str] | None = None) -> list[str]:
    """The group of each relative path: see `add`.

    Args:
        paths: of images and films.
        group_by: as for `add`.
        films: those that are films; None to go by their names.
    """
    folders = [str(PurePosixPath(path).parent) for path in paths]
    prefixes = [
        str(PurePosixPath(f, FRAME_NUMBER.sub("", PurePosixPath(p).stem))) for p, f in zip(paths, folders, strict=True)
    ]
    choices = {"folder": folders, "prefix": prefixes, "image": list(paths)}
    if films is None:
        films = [path for path in paths if PurePosixPath(path).suffix.lower() in VIDEOS]
    alone = frozenset(films)

    def chosen(grouping: Sequence[str]) -> list[str]:
        return [path if path in alone else group for path, group in zip(paths, grouping, strict=True)]

    if group_by is not None:
        return choices[group_by]
    for grouping in (folders, prefixes):
        if len(set(chosen(grouping))) >= 3:
            return chosen(grouping)
    return chosen(["all"] * len(paths))


def is_film(file: Path) -> bool:
    """Whether a file is taken as a film: a video by its name, or a GIF that moves."""
    suffix = file.suffix.lower()
    return suffix in VIDEOS or (suffix == ".gif" and is_animated(file))


def _ids(paths: Sequence[str], films: Collection[str]) -> list[str]:
    """An id for each path; none is that of a film's frame."""
    ids = naming.ids(paths)
    alike = [path for path, id in zip(paths, ids, strict=True) if path not in films and FRAME_ID.search(id)]
    if not films or not alike:
        return ids
    # A second file of the same name makes each of these ids one with a digest.
    return naming.ids([*paths, *(str(PurePosixPath(path).with_suffix(".frame")) for path in alike)])[: len(paths)]


def _coloured(result: Result) -> Result:
    """What came of a file, without an image that has no colours; frames of films stay."""
    return replace(result, taken=tuple(one for one in result.taken if one.number >= 0 or not one.gray))


def _remarks(domain: str, results: Sequence[Result], homes: Mapping[str, str], group_by: str | None) -> list[str]:
    """What a reader should know of gray frames, and of images that are groups by themselves though nobody said so."""
    remarks = []
    taken = [(one, homes[result.path]) for result in results for one in result.taken]
    frames = [one.gray for one, _ in taken if one.number >= 0]
    if any(frames):
        remarks.append(
            f"{domain}: gray frames of films: {sum(frames)} of {len(frames)}; they have no colours to find, and count"
        )
    grouped = [group for one, group in taken if one.number < 0 and not one.gray]
    count = len(set(grouped))
    if group_by is None and count > 1 and len(grouped) < FEWEST_IN_GROUP * count:
        remarks.append(
            f"{domain}: {len(grouped)} images in {count} groups, most alone in theirs: frames of one film may stand on "
            "both sides of a split; put what belongs together into one folder, and give --group-by folder"
        )
    return remarks


def _left_out(path: Path, results: Sequence[Result], skip_damaged: bool) -> list[LeftOut]:
    """What gave nothing, with the reason.

    Raises:
        BenchError: if something cannot be used and is not to be skipped, or nothing can be used, or all is gray.
    """
    unusable = [LeftOut(naming.printable(result.path), result.reason) for result in results if result.reason]
    if unusable and not skip_damaged:
        raise _unusable(path, unusable, len(results))
    taken = [one for result in results for one in result.taken]
    if not taken:
        raise BenchError(f"expected usable images; none of the {len(results)} in {path} is; see to them first.")
    if all(one.gray for one in taken):
        raise BenchError(
            f"expected coloured images; all {len(taken)} in {path} are gray; pages and films without a coloured "
            "original have no target to score; give the coloured originals."
        )
    passed = [LeftOut(naming.printable(result.path), result.remark) for result in results if result.remark]
    gray = [LeftOut(one.source, COLOURLESS) for one in taken if one.gray and one.number < 0]
    return unusable + passed + gray


def _unusable(path: Path, left_out: Sequence[LeftOut], count: int) -> BenchError:
    named = ", ".join(f"{left.source} ({left.reason})" for left in left_out[:LISTED])
    rest = f" and {len(left_out) - LISTED} more" if len(left_out) > LISTED else ""
    return BenchError(
        f"expected {count} usable images in {path}; {len(left_out)} cannot be used: {named}{rest}; "
        "mend or remove them, choose a smaller --size where they are too small, or leave them out with --skip-damaged."
    )


def _inputs(paths: Sequence[str], contents: Sequence[str], options: str) -> str:
    """What a domain is made from, as one digest: options, names and bytes."""
    state = hashlib.sha256(options.encode())
    for path, content in zip(paths, contents, strict=True):
        state.update(f"\n{content} ".encode() + os.fsencode(path))
    return state.hexdigest()


def _content(file: Path) -> str:
    """The SHA-256 of a file, empty if it cannot be read."""
    try:
        return files.sha256(file)
    except OSError:
        return ""
