"""A collection at one size: its images and its clips, opened when a track needs them, each split read once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.collections import TRAINED_ON, Progress, open_collection
from bench.data.loading import load
from bench.errors import BenchError
from bench.types import Images, Track

if TYPE_CHECKING:
    from bench.data.manifest import Manifest, Split


class Shelf:
    """Splits by track: single images, or clips where a track tells the previous frame.

    Args:
        home: the folder for everything a run makes.
        collection: its name.
        size: the side of its images, None for what is there.
        report: called with images done and images in all while a collection is prepared.

    Raises:
        BenchError: as `open_collection`.
    """

    def __init__(self, home: Path, collection: str, size: int | None = None, report: Progress | None = None):
        self.home, self._report = home, report
        self.images = open_collection(home, collection, size, report)
        self._clips: Manifest | None = None
        self._school: Shelf | None = None
        self._read: dict[tuple[str, str, str], Images] = {}

    @property
    def collection(self) -> str:
        return self.images.collection

    @property
    def size(self) -> int:
        return self.images.size

    @property
    def school(self) -> Shelf:
        """The shelf that entries learn from: this one, or that of the collection whose hard cases this one holds."""
        if self.collection not in TRAINED_ON:
            return self
        if self._school is None:
            self._school = Shelf(self.home, TRAINED_ON[self.collection], self.size, self._report)
        return self._school

    def manifest(self, track: Track) -> Manifest:
        """The manifest that serves a track.

        Raises:
            BenchError: a collection without clips on a track that needs them.
        """
        if not track.temporal:
            return self.images
        if self._clips is None:
            self._clips = open_collection(self.home, self.collection, self.size, self._report, clips=True)
        return self._clips

    def serves(self, track: Track) -> bool:
        """Whether the collection has what a track is played on."""
        try:
            self.manifest(track)
        except BenchError:
            return False
        return True

    def has(self, domain: str, name: str, track: Track) -> bool:
        """A small collection may lack a split."""
        return name in self.manifest(track).counts().get(domain, {})

    def split(self, domain: str, name: str, track: Track) -> Split:
        return self.manifest(track).split(domain, name)

    def load(self, domain: str, name: str, track: Track) -> Images:
        """A split in memory."""
        key = (domain, name, track.name)
        if key not in self._read:
            self._read[key] = load(self.split(domain, name, track), track, self.home / "cache")
        return self._read[key]
