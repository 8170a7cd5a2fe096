"""One file of a user's folder, an image or a film, to standardized pictures on disk."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import files
from bench.data import video
from bench.data.building import Draft, store
from bench.data.manifest import Item, load_item, page_path, target_path
from bench.data.standardize import UnusableImage, read_image, require_size
from bench.data.workplace import Workplace
from bench.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

GRAY = 4
"""An image whose channels lie closer than so many levels on average has no colour to find."""

COLOURLESS = "gray: it has no colours to find"
"""Why such an image is left out."""

STILLS, CLIPS = "stills", "clips"
"""Folders of the workplace."""


@dataclass(frozen=True)
class Taken:
    """A still that is on disk, and the clip that it begins.

    Attributes:
        id, source, pixels, page, mark: as in a Draft.
        gray: whether it has no colour.
        number: of the frame in its film, -1 of an image.
        clip: the digests of the clip's frames, the still's own first; empty if there is none.
    """

    id: str
    source: str
    pixels: str
    page: bool
    mark: int
    gray: bool
    number: int = -1
    clip: tuple[str, ...] = ()

    def draft(self, domain: str, group: str) -> Draft:
        return Draft(self.id, domain, group, self.source, self.pixels, self.page, self.mark)

    def frames(self, domain: str, split: str, group: str) -> list[Item]:
        """The clip's frames as items."""
        # The id of the clip is that of its still: `frame` tells them apart.
        return [
            Item(f"{self.id}-{place:02d}", domain, split, group, self.source, pixels, self.page, self.id, place)
            for place, pixels in enumerate(self.clip)
        ]


@dataclass(frozen=True)
class Result:
    """What came of a file.

    Attributes:
        path: relative to the user's folder.
        content: SHA-256 of its bytes; empty if it cannot be read.
        taken: its stills.
        cuts: of a film, the numbers of the frames that begin a shot.
        reason: why the file cannot be used; empty if it can.
        remark: why some or all of it was passed over; empty if nothing was.
    """

    path: str
    content: str
    taken: tuple[Taken, ...] = ()
    cuts: tuple[int, ...] = ()
    reason: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Intake:
    """Takes in files.

    Attributes:
        root: the user's folder.
        place: where pictures and notes go.
        domain: of all pictures.
        size: of the standardized ones, in pixels.
        step: from one frame of a film to the next.
        threads: that decode one film.
    """

    root: Path
    place: Workplace
    domain: str
    size: int
    step: video.Step
    threads: int = 0
    films: frozenset[str] = field(default_factory=frozenset)

    def take(self, path: str, id: str, tick: Callable[[float], None]) -> Result:
        """Standardize a file, unless the workplace holds what was made of the same bytes."""
        file = self.root / path
        try:
            content = files.sha256(file)
        except OSError as error:
            return Result(path, "", reason=error.strerror or "an unreadable file")
        known = self._known(path, id, content)
        if known is not None:
            return known
        try:
            result = self._film(path, id, content, tick) if path in self.films else self._image(path, id, content)
        except (UnusableImage, video.UnusableVideo) as error:
            result = Result(path, content, reason=error.reason)
        self.place.note(asdict(result))
        return result

    def _image(self, path: str, id: str, content: str) -> Result:
        import numpy as np

        from bench.data.resampling import fingerprint, square

        try:
            image = read_image(self.root / path)
        except UnusableImage as error:
            if error.reason == "something else" and is_video(self.root / path):
                came = "a video under an image's name"
                raise UnusableImage(self.root / path, "an image", came, "give it the extension of its kind") from error
            raise
        require_size(self.root / path, image, self.size)
        pixels = np.asarray(image)
        still = self._stored(STILLS, id, path, square(pixels, self.size), fingerprint(pixels))
        return Result(path, content, (still,))

    def _film(self, path: str, id: str, content: str, tick: Callable[[float], None]) -> Result:
        reading = video.Reading(self.root / path, self.step, self.size, self.threads, tick)
        taken = []
        for sample in reading:
            name = f"{id}-f{sample.number:08d}"
            source = f"{path} frame {sample.number:08d} at {sample.seconds:.3f} s"
            still = self._stored(STILLS, name, source, sample.pictures[0], sample.mark)
            clip = [
                self._stored(CLIPS, f"{name}-{place:02d}", source, shown, sample.mark).pixels
                for place, shown in enumerate(sample.pictures if len(sample.pictures) > 1 else ())
            ]
            taken.append(replace(still, number=sample.number, clip=tuple(clip)))
        remark = "" if taken else f"none of its frames shows anything ({reading.black} are black)"
        return Result(path, content, tuple(taken), tuple(reading.cuts), remark=remark)

    def _stored(self, part: str, id: str, source: str, target: "UInt8[np.ndarray, 'size size 3']", mark: int) -> Taken:
        """Put a standardized picture on disk, and the page that its domain draws over it."""
        page = None
        if self.domain == "manga":
            from bench.conditions import screentone

            page = screentone(target)
        folder = self.place.folder / part
        draft = store(folder, target, page, id=id, domain=self.domain, group="", name=source, mark=mark)
        return Taken(id, draft.source, draft.pixels, draft.page, mark, _is_gray(target))

    def _known(self, path: str, id: str, content: str) -> Result | None:
        """What an interrupted command made of the same bytes under the same id, if all of it is there and whole."""
        value = self.place.get(path)
        if value is None or value["content"] != content:
            return None
        taken = tuple(Taken(**(one | {"clip": tuple(one["clip"])})) for one in value["taken"])
        # Files that came or went since may have changed what this one is called.
        if not all(one.id == id or one.id.startswith(f"{id}-f") for one in taken):
            return None
        try:
            for one in taken:
                still = Item(one.id, self.domain, "train", "", one.source, one.pixels, one.page)
                load_item(self.place.folder / STILLS, still, self.size)
                for frame in one.frames(self.domain, "train", ""):
                    load_item(self.place.folder / CLIPS, frame, self.size)
        except BenchError:
            return None
        return Result(**(value | {"taken": taken, "cuts": tuple(value["cuts"])}))


def is_video(file: Path) -> bool:
    """Whether a file begins as the usual containers do, whatever its name."""
    with file.open("rb") as stream:
        head = stream.read(12)
    return head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:] == b"AVI ")


def is_animated(file: Path) -> bool:
    """Whether a GIF moves; one that cannot be read does not."""
    from PIL import Image

    try:
        with Image.open(file, formats=("GIF",)) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # Decoders of foreign bytes raise whatever the bytes provoke; as an image it is refused in words.
        return False


def stored(folder: Path, item: Item) -> list[Path]:
    """The files of an item."""
    return [target_path(folder, item), *([page_path(folder, item)] if item.page else [])]


def _is_gray(target: Any) -> bool:
    import cv2

    red, green, blue = cv2.split(target)
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return cv2.mean(spread)[0] < GRAY
