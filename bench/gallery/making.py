"""Making a gallery from what lies in a home: images, kept predictions, scores and curves. No model runs."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import scores
from bench.data import collections, loading
from bench.data import manifest as manifests
from bench.data.labels import DRAWN
from bench.errors import BenchError
from bench.gallery import choosing, heat, learning
from bench.gallery.facts import SCHEMA, Case, Clip, Exhibit, Gallery, Index, Shown, Tile, Wall
from bench.gallery.learning import Tell
from bench.gallery.sheets import Sheets
from bench.leaderboard import GRAY
from bench.metrics import PRIMARY
from bench.metrics.pixel import colour_scores
from bench.predictions.archive import DAMAGE, open_zip
from bench.predictions.store import FACTS, Origin, find
from bench.scoring import Truth
from bench.types import Track

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from bench.data.manifest import Split
    from bench.records import Record
    from bench.types import Images

TOLERANCE = 1e-6
"""Between a kept score and the score of the kept picture; both come from one kernel."""

OURS = "every picture is drawn by this project"
NO_LICENCE = "the licence of its pictures is not known, or does not let them be shown"
OPEN = "every picture is openly licensed; authors and licences stand under Credits"
NO_VALUES = "its scores are not on this machine; evaluate it here"
OTHER_RUN = "its scores on this machine are of another run than its record; evaluate it here again"
NO_PICTURES = "its predictions are not kept on this machine; evaluate it here with this version"


@dataclass(frozen=True)
class Choice:
    """What a wall is going to show, chosen from scores alone.

    Attributes:
        records: of the entries that are shown, best first.
        tables: the values an image of each, by column.
        left_out: the reason for every other.
        common, clip: rows of the split.
    """

    domain: str
    track: Track
    records: Sequence[Record]
    tables: Sequence[dict[str, list]]
    left_out: dict[str, str]
    common: list[int]
    clip: list[int]

    @cached_property
    def own(self) -> list[choosing.Own]:
        """Every entry's best, median and worst row."""
        return [choosing.own(table["id"], table[PRIMARY]) for table in self.tables]

    @cached_property
    def rows(self) -> list[int]:
        """Every row that is shown, in the split's order."""
        return sorted({*self.common, *self.clip, *(row for own in self.own for row in own)})


def make(
    records: Sequence[Record],
    collection: str,
    size: int,
    home: Path,
    entries: int = choosing.ENTRIES,
    tell: Tell = lambda line: None,
) -> Gallery:
    """Make the gallery of one collection at one size.

    Args:
        records: all there are; those of other collections, sizes and splits are passed over.
        collection, size: whose gallery.
        home: the folder with `data`, `predictions`, `scores` and `checkpoints`.
        entries: the most that a wall shows, besides the gray copy.
        tell: called with a line for each wall, and for each damaged curve that is left out.

    Returns:
        The gallery; without pictures where the licence of one of the collection's is not known.

    Raises:
        BenchError: there is no record of it, its images or scores are not there, or what lies in the home is damaged.
    """
    of = [record for record in records if (record.split.collection, record.split.size) == (collection, size)]
    if not of:
        raise BenchError(f"no record of {collection} at {size} px; first run: bench evaluate --collection {collection}")
    places: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in of:
        if record.split.name == choosing.SPLIT:
            places[record.split.domain, record.track].append(record)
    why = _unlicensed(collection, size, home, (Track.parse(track).temporal for _, track in places))
    choices = [_choice(*place, found, home, entries, not why) for place, found in sorted(places.items())]
    trainings = learning.trainings(home, of, tell)
    if why:
        walls = tuple(_bare(choice) for choice in choices if choice.records)
        return Gallery(Index(SCHEMA, collection, size, False, why, entries, (), walls, trainings))
    sheets, walls, room = Sheets(), [], _Room(home, collection, size, choices)
    for choice in choices:
        wall = room.hang(choice, sheets)
        tell(_said(wall))
        if any(not one.reference for one in wall.exhibits):
            walls.append(wall)
    if not walls and not trainings:
        raise BenchError(f"{home} holds no scores of {collection} at {size} px; first run: bench evaluate, or --home.")
    licence = OURS if collection in DRAWN else OPEN
    return Gallery(
        Index(SCHEMA, collection, size, True, licence, entries, tuple(sheets.made), tuple(walls), trainings),
        sheets.pictures,
    )


def _said(wall: Wall) -> str:
    """A wall in one line: what hangs, and why other entries do not."""
    reasons = Counter(wall.left_out.values())
    more = "".join(f"; {count} {why}" for why, count in sorted(reasons.items()))
    return f"{wall.domain} {wall.track}: {len(wall.exhibits)} entries{more}"


def _choice(domain: str, track: str, records: Sequence[Record], home: Path, most: int, pictures: bool) -> Choice:
    chosen, left_out = choosing.entries(records, domain, most)
    kept, tables = [], []
    for record in chosen:
        table = values(record, home)
        if table is None:
            left_out[record.entry.name] = OTHER_RUN if scores.path_of(home, record).is_file() else NO_VALUES
        elif tables and table["id"] != tables[0]["id"]:
            left_out[record.entry.name] = "its scores are of other images"
        elif pictures and record.entry.name != GRAY and not _kept(record, home).is_file():
            left_out[record.entry.name] = NO_PICTURES
        else:
            kept.append(record)
            tables.append(table)
    common, clip = [], []
    if tables:
        first = tables[0]
        clip = choosing.clip(first["id"], first["frame"]) if "frame" in first else []
        common = choosing.of_clip(clip) if clip else choosing.common(first["id"], first["group"])
    return Choice(domain, Track.parse(track), kept, tables, left_out, common, clip)


def _kept(record: Record, home: Path) -> Path:
    return home / "predictions" / f"{record.file_name.removesuffix('.json')}.kept"


def values(record: Record, home: Path) -> scores.Table | None:
    """The values an image behind a record, by column; None where this machine has none, or those of another run.

    Raises:
        BenchError: the file is damaged.
    """
    table = scores.read(home, record)
    return table if table is not None and scores.of_run(record, table) and len(table["id"]) == record.split.n else None


def _unlicensed(collection: str, size: int, home: Path, clips: Iterable[bool]) -> str:
    """Why pictures of a collection may not be shown; empty where the licence of each is known and open."""
    from bench.data.certify.facts import UNKNOWN, licences

    for kind in sorted(set(clips)):
        root = collections.folder(home, collection, size, kind)
        if collection not in collections.BUILT_IN and not (root / "manifest.json").is_file():
            return NO_LICENCE
        manifest = manifests.read(root)
        if any(row["credit"] == UNKNOWN for row in licences(manifest)):
            terms = [note for note in manifest.notes if "terms: " in note][:1]
            return "; ".join([NO_LICENCE, *terms])
    return ""


def _bare(choice: Choice) -> Wall:
    """A wall of numbers."""
    first = choice.tables[0]
    places = {row: place for place, row in enumerate(choice.rows)}
    exhibits = [
        _exhibit(
            record, own, choice.common, lambda row, table=table: Case(places[row], choosing.scores(_row(table, row)))
        )
        for record, table, own in zip(choice.records, choice.tables, choice.own, strict=True)
    ]
    images = tuple(Shown(first["id"][row], first["group"][row], ()) for row in choice.rows)
    return _wall(choice, images, places, exhibits, choice.left_out)


class _Room:
    """The walls of one collection: each split's targets and conditions are packed once, for all of its walls."""

    def __init__(self, home: Path, collection: str, size: int, choices: Sequence[Choice]):
        self._home, self._collection, self._size = home, collection, size
        self._pool: dict[tuple[str, bool], set[int]] = defaultdict(set)
        self._truths: dict[tuple[str, bool], Truth] = {}
        self._tiles: dict[tuple[str, bool, str], dict[int, Tile]] = {}
        for choice in choices:
            self._pool[choice.domain, choice.track.temporal] |= set(choice.rows if choice.tables else ())

    def hang(self, choice: Choice, sheets: Sheets) -> Wall:
        """Make one wall; its entries' predictions are checked against their scores."""
        left_out = dict(choice.left_out)
        if not choice.records:
            return _wall(choice, (), {}, [], left_out)
        clips = choice.track.temporal
        split = manifests.read(collections.folder(self._home, self._collection, self._size, clips)).split(
            choice.domain, choice.records[0].split.name
        )
        images = loading.load(split, choice.track)
        places = {row: place for place, row in enumerate(choice.rows)}
        found = []
        for record, table, own in zip(choice.records, choice.tables, choice.own, strict=True):
            painted = None
            if record.split.digest == split.digest and table["id"] == list(images.ids):
                painted = self._painted(record, split, images)
            if painted is None or not _same(painted, images, table, sorted({*own, *choice.common, *choice.clip})):
                left_out[record.entry.name] = NO_PICTURES
                continue
            found.append((record, table, own, painted))
        if all(record.entry.kind == "reference" for record, *_ in found):
            return _wall(choice, (), {}, [], left_out)
        truth = self._truths.setdefault((choice.domain, clips), Truth(split, images))
        conditions = self._packed(choice, choice.track.condition, images.conditions, sheets.draw)
        exhibits = [
            # The gray copy is the condition: its pictures are kept once.
            _hung(record, table, own, choice, places, painted, images, sheets,
                  conditions if record.entry.name == GRAY else None)
            for record, table, own, painted in found
        ]  # fmt: skip
        targets = self._packed(choice, "", images.targets, sheets.paint)
        shown = tuple(
            Shown(
                images.ids[row],
                images.groups[row],
                tuple(name for name, mask in truth.slices.items() if mask[row]),
                targets[row],
                conditions[row],
            )
            for row in choice.rows
        )
        return _wall(choice, shown, places, exhibits, left_out)

    def _packed(
        self, choice: Choice, what: str, pictures: np.ndarray, pack: Callable[[Sequence[np.ndarray]], list[Tile]]
    ) -> dict[int, Tile]:
        """The targets (`what` is empty) or conditions of all rows that any wall of the split shows."""
        key = choice.domain, choice.track.temporal, what
        if key not in self._tiles:
            rows = sorted(self._pool[choice.domain, choice.track.temporal])
            self._tiles[key] = dict(zip(rows, pack([pictures[row] for row in rows]), strict=True))
        return self._tiles[key]

    def _painted(self, record: Record, split: Split, images: Images) -> UInt8[np.ndarray, "n h w 3"] | None:
        """What an entry painted of the whole split, or None where it is not kept. The gray copy is its condition."""
        if record.entry.name == GRAY:
            return np.repeat(images.conditions[..., None], 3, axis=-1)
        stem = record.file_name.removesuffix(".json")
        try:
            with open_zip(_kept(record, self._home)) as archive:
                model = json.loads(archive.read(FACTS))["model"]
        except (*DAMAGE, BenchError, KeyError, TypeError, RecursionError, OSError):
            return None
        trained = record.training.weights_sha256 if record.training else None
        if trained and not str(model).startswith(trained):
            return None
        found = find(self._home, stem, Origin(split.digest, record.track, model), images.ids, images.targets.shape)
        return None if found is None else np.concatenate([piece for _, piece in found.chunks()])


def _same(painted: np.ndarray, images: Images, table: dict[str, list], rows: list[int]) -> bool:
    """Whether pictures have the scores that were written down of them."""
    found = colour_scores(painted[rows], images.targets[rows], threads=1)[PRIMARY]
    return bool(np.allclose(found, [table[PRIMARY][row] for row in rows], rtol=0, atol=TOLERANCE))


def _hung(
    record: Record,
    table: dict[str, list],
    own: choosing.Own,
    choice: Choice,
    places: dict[int, int],
    painted: np.ndarray,
    images: Images,
    sheets: Sheets,
    tiles: dict[int, Tile] | None,
) -> Exhibit:
    """An entry's cases; `tiles` are its pictures by row, where they are kept already."""
    rows = sorted({*own, *choice.common})
    if tiles is None:
        wanted = [*rows, *(row for row in choice.clip if row not in rows)]
        tiles = dict(zip(wanted, sheets.paint([painted[row] for row in wanted]), strict=True))
    maps = dict(zip(rows, sheets.map([heat.steps(painted[row], images.targets[row]) for row in rows]), strict=True))

    def case(row: int) -> Case:
        return Case(places[row], choosing.scores(_row(table, row)), tiles[row], maps[row])

    made = _exhibit(record, own, choice.common, case)
    return replace(made, clip=Clip(tuple(tiles[row] for row in choice.clip))) if choice.clip else made


def _exhibit(record: Record, own: choosing.Own, common: Sequence[int], case: Callable[[int], Case]) -> Exhibit:
    value = record.scores[PRIMARY].value
    assert value is not None  # choosing.entries leaves out those without
    reference = record.entry.kind == "reference"
    cases = (case(own.best), case(own.median), case(own.worst), tuple(case(row) for row in common))
    return Exhibit(record.entry.name, record.seed, reference, value, *cases)


def _wall(
    choice: Choice,
    images: tuple[Shown, ...],
    places: dict[int, int],
    exhibits: Sequence[Exhibit],
    left_out: dict[str, str],
) -> Wall:
    def of(rows: Sequence[int]) -> tuple[int, ...]:
        return tuple(places[row] for row in rows) if images else ()

    any_record = choice.records[0].split if choice.records else None
    return Wall(
        choice.domain,
        choice.track.name,
        any_record.key if any_record else "",
        any_record.n if any_record else 1,
        dict(sorted(left_out.items())),
        images,
        of(choice.common),
        of(choice.clip if images and images[0].target else ()),
        tuple(exhibits),
    )


def _row(table: dict[str, list], row: int) -> dict[str, float]:
    return {id: table[id][row] for id in choosing.SCORES if id in table and table[id][row] is not None}
