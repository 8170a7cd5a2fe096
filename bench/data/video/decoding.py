"""A film as numbered frames, in the order they are shown, and where in it a decoder can begin."""

import queue
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from av import VideoFrame

DECLARING = ("matroska", "webm", "mp4", "avi")
"""Containers that say how long they are; of others FFmpeg guesses."""

TAIL = 2.0
"""So many seconds, or a twentieth, may lack at the end before a film is taken for half of one."""

AHEAD = 8
"""Frames that are decoded while others are looked at: FFmpeg works on without Python's lock."""

PICTURES = ("image2", "_pipe")
"""FFmpeg reads a lone image through these, whatever it is called."""

CONTAINERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,flv,asf,ogg,gif,apng,webp,dv,mxf,nut,rm,wtv,swf,"
    "yuv4mpegpipe,mp3,wav,flac,aac,aiff,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif_pipe"
)
"""The readers that may open a film, and those that tell sound and images from one.

FFmpeg has others whose file is a list of further files or addresses (concat, hls, dash, sdp): a film names none.
"""


class UnusableVideo(BenchError):
    """A file that cannot be used as a video; `reason` alone fits into a list of several."""

    def __init__(self, path: Path, expected: str, came: str, remedy: str):
        super().__init__(f"{path}: expected {expected}; came {came}; {remedy}.")
        self.reason = came


class Astray(Exception):
    """A seek did not lead where the index says: decode the film from its beginning instead."""


@dataclass(frozen=True)
class Index:
    """What a film's packets tell without decoding.

    Attributes:
        stamps: when each frame is shown, ascending, in units of `base` seconds.
        keys: numbers of the frames at which a decoder can begin, ascending.
    """

    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    base: Fraction

    def seconds(self, number: int) -> Fraction:
        """When a frame is shown, from the first."""
        return (self.stamps[number] - self.stamps[0]) * self.base

    def key(self, number: int) -> int:
        """The last frame up to `number` at which a decoder can begin."""
        return self.keys[bisect_right(self.keys, number) - 1]


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turn what FFmpeg makes of a bad file into one line."""
    from av.error import FFmpegError

    remedy = "replace it, or skip such files with --skip-damaged"
    try:
        yield
    except PermissionError as error:
        raise UnusableVideo(path, "a readable video", error.strerror or "an unreadable file", remedy) from error
    except FFmpegError as error:
        empty = path.is_file() and not path.stat().st_size
        came = "an empty file" if empty else f"a damaged one ({error.strerror})"
        raise UnusableVideo(path, "a whole video", came, remedy) from error


def container(path: Path) -> Any:
    """Open a film as this one file: by FFmpeg's `file` protocol alone, and by readers that open nothing else.

    A bare name may be taken for an address (`tcp:...`, `concat:...`, `subfile,...`), for a colon is legal in a name.

    Raises:
        FFmpegError: it cannot be opened so.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    # Old films carry titles in any encoding; nothing here reads them.
    return av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")


def read_index(path: Path) -> Index | None:
    """Read where the frames of a film lie. Nothing is decoded.

    Returns:
        None if the packets do not tell: some have no time, or two the same.

    Raises:
        UnusableVideo: if it is no video, or not whole.
    """
    with usable(path), container(path) as opening:
        stream = _stream(path, opening)
        base = Fraction(stream.time_base)
        packets: list[tuple[Any, bool]] = []
        ends: dict[int, int] = {}
        for packet in opening.demux():
            if packet.size == 0:
                continue
            stamp = packet.pts if packet.dts is None else packet.dts
            if stamp is not None:
                end = stamp + (packet.duration or 0)
                ends[packet.stream_index] = max(ends.get(packet.stream_index, 0), end)
            if packet.stream_index == stream.index and not packet.is_discard:
                packets.append((packet.pts, packet.is_keyframe))
        bases = {part.index: Fraction(part.time_base) for part in opening.streams if part.time_base}
        last = max((end * bases[place] for place, end in ends.items() if place in bases), default=Fraction())
        _require_whole(path, opening, stream, len(packets), last)
    if not packets:
        raise UnusableVideo(path, "a video", "one without a frame", "remove it, or skip it with --skip-damaged")
    if any(stamp is None for stamp, _ in packets):
        return None
    packets.sort()
    stamps = tuple(stamp for stamp, _ in packets)
    keys = tuple(number for number, (_, key) in enumerate(packets) if key)
    if len(set(stamps)) < len(stamps) or not keys or keys[0] != 0:
        return None
    return Index(stamps, keys, base)


class Film:
    """An open video.

    Attributes:
        aspect: width to height of a pixel.
        rate: frames a second, on average; None if the film does not say.
    """

    def __init__(self, path: Path, container: Any, index: Index | None):
        self.path, self._container, self._index = path, container, index
        self._stream = _stream(path, container)
        self._next = 0
        self._taking: Ahead | None = None
        self._first: int | None = None if index is None else index.stamps[0]
        aspect = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        self.aspect = Fraction(aspect) if aspect else Fraction(1)
        self.rate: Fraction | None = self._stream.average_rate or None

    def frames(self) -> "Iterator[tuple[int, VideoFrame]]":
        """Every frame, numbered from 0."""
        yield from enumerate(self._ahead(self._container.decode(self._stream)))

    def between(self, start: int, stop: int) -> "Iterator[tuple[int, VideoFrame]]":
        """The frames from `start`, at which a decoder must be able to begin, up to `stop`. Needs an index.

        Raises:
            Astray: if the frames that come are not these.
        """
        assert self._index is not None
        stamps = self._index.stamps
        self.close()
        if start != self._next:
            self._container.seek(stamps[start], stream=self._stream)
        self._next = -1
        due = start
        for frame in self._ahead(self._up_to(stamps[stop - 1])):
            if frame.pts is not None and frame.pts < stamps[due]:
                continue  # the seek landed early
            if frame.pts != stamps[due]:
                raise Astray
            yield due, frame
            due += 1
            if due == stop:
                return
        raise Astray

    def close(self) -> None:
        """Stop decoding; frames can be asked for again."""
        if self._taking is not None:
            self._taking.close()
            self._taking = None

    def _ahead(self, frames: "Iterator[VideoFrame]") -> "Ahead":
        self._taking = Ahead(frames)
        return self._taking

    def _up_to(self, last: int) -> "Iterator[VideoFrame]":
        """Decoded frames, none behind the one that is shown at `last`."""
        for frame in self._container.decode(self._stream):
            yield frame
            if frame.pts is not None and frame.pts >= last:
                return

    def seconds(self, number: int, frame: "VideoFrame") -> Fraction:
        """When a frame is shown, from the first; by the frame rate where the frames do not say."""
        if frame.pts is not None and frame.time_base:
            if self._first is None:
                self._first = frame.pts
            return (frame.pts - self._first) * Fraction(frame.time_base)
        return Fraction(number) / Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)


class Ahead:
    """The same frames, taken by a thread that is up to `AHEAD` of them in front of who looks at them.

    What the frames raise is raised here, in its place.
    """

    def __init__(self, frames: "Iterable[VideoFrame]"):
        self._ready: queue.SimpleQueue[VideoFrame | BaseException | None] = queue.SimpleQueue()
        self._room, self._gone = threading.Semaphore(AHEAD), threading.Event()
        self._thread = threading.Thread(target=self._take, args=(frames,), daemon=True)
        self._thread.start()

    def _take(self, frames: "Iterable[VideoFrame]") -> None:
        try:
            for frame in frames:
                self._ready.put(frame)
                self._room.acquire()
                if self._gone.is_set():
                    return
            self._ready.put(None)
        except BaseException as error:  # it belongs to the caller, whatever it is
            self._ready.put(error)

    def __iter__(self) -> "Iterator[VideoFrame]":
        while (frame := self._ready.get()) is not None:
            if isinstance(frame, BaseException):
                raise frame
            yield frame
            self._room.release()

    def close(self) -> None:
        """End the thread: nothing decodes behind a closed film's back."""
        self._gone.set()
        self._room.release()
        self._thread.join()


@contextmanager
def opened(path: Path, index: Index | None, threads: int = 0) -> Iterator[Film]:
    """Open a film for decoding.

    Args:
        path: any video that FFmpeg reads.
        index: of it, if its packets tell.
        threads: that decode; 0 for as many as FFmpeg likes.

    Raises:
        UnusableVideo: here or while frames are taken, if it is no video or damaged.
    """
    with usable(path), container(path) as opening:
        film = Film(path, opening, index)
        film._stream.thread_type = "AUTO"
        film._stream.codec_context.thread_count = threads
        try:
            yield film
        finally:
            film.close()


def _stream(path: Path, container: Any) -> Any:
    """The first moving picture; the cover of a song is none."""
    from av.stream import Disposition

    if any(container.format.name.endswith(kind) for kind in PICTURES):
        raise UnusableVideo(path, "a video", "an image", "give it the extension of its kind")
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise UnusableVideo(path, "a video", "one of an unknown codec", "convert it, or skip it")
            return stream
    kinds = "sound without pictures" if container.streams.audio else "a file without pictures"
    raise UnusableVideo(path, "a video", kinds, "remove it, or skip it with --skip-damaged")


def _require_whole(path: Path, container: Any, stream: Any, count: int, last: Fraction) -> None:
    """Refuse what ends before its own header or index says.

    Raises:
        UnusableVideo: naming both lengths.
    """
    names = container.format.name.split(",")
    if not set(names) & set(DECLARING):
        return
    remedy = "replace it, or skip such files with --skip-damaged"
    if "avi" in names and count < stream.frames:
        raise UnusableVideo(path, "a whole video", f"{count} of its {stream.frames} frames", remedy)
    if container.duration:
        whole = container.duration / 1_000_000 + max(0, (container.start_time or 0) / 1_000_000)
        if whole - float(last) > max(TAIL, whole / 20):
            came = f"{float(last):.1f} of its {whole:.1f} seconds"
            raise UnusableVideo(path, "a whole video", came, remedy)
