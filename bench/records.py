"""Records: one JSON file for one evaluation of one entry on one split, refused unless every field is sound."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, get_args, get_origin, get_type_hints

import bench
from bench import files
from bench.errors import BenchError
from bench.types import SPLITS, Mix, Track, slug

SCHEMA = 1
HUGE = 1e300
"""No measured number comes near; an integer beyond it is no float."""


@dataclass(frozen=True, kw_only=True)
class EntryFacts:
    """Whose numbers these are. `name` is `model@mix`, or the model alone where no training mix is known."""

    name: str
    model: str
    mix: str | None
    kind: Literal["trained", "reference", "submission"]


@dataclass(frozen=True, kw_only=True)
class SplitFacts:
    """What was scored: n standardized images of size x size pixels in a number of groups."""

    key: str
    collection: str
    domain: str
    name: str
    size: int
    resampler: str
    digest: str
    n: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number with all that is needed to read it: either a value or the reason for its absence.

    Attributes:
        name: as printed, such as `CIEDE2000`.
        value: the domain mean, or the distance of two distributions; finite.
        low: lower end of its 95 % interval, or None.
        high: upper end, or None.
        absent: why there is no value, and how to get one.
        unit: such as `dB`, or empty.
        direction: whether `lower` or `higher` is better.
        decimals: digits after the point in a board.
        kind: a value an image (`full-reference`) or a value a split (`distribution`).
        n: images it was made from.
        infinite: images left out of the mean because their value is infinite.
        missing: images left out because the metric does not apply to them, such as the first frame of a clip.
        signature: how it was made; see `signature`.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    absent: str | None = None
    unit: str
    direction: Literal["lower", "higher"]
    decimals: int
    kind: Literal["full-reference", "distribution"]
    n: int
    infinite: int = 0
    missing: int = 0
    signature: str


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The ranking metric on some images of the split: those with a label, known or measured.

    Attributes:
        n: its images.
        groups: its groups.
        value: mean CIEDE2000, or None where it holds too little to say.
        low: lower end of the 95 % interval, or None.
        high: upper end, or None.
        absent: why there is no value.
    """

    n: int
    groups: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    absent: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """How a trained entry came to be.

    Attributes:
        images: shown in training, all stages together.
        width: factor on every layer's channels; 1 is the paper's.
        size: pixels a side of the training images.
        splits: the keys of the training splits.
        best_step: the step whose weights were kept, where there was a validation split.
        best_validation_ciede2000: its score there, lower is better.
    """

    budget: str
    images: int
    width: float
    seed: int
    size: int
    collection: str
    recipe: dict[str, Any]
    precision: str
    pretrained: str
    device: str
    seconds: float
    images_per_second: float
    splits: tuple[str, ...]
    best_step: int | None = None
    best_validation_ciede2000: float | None = None
    entry: str | None = None
    track: str | None = None
    batch_size: int | None = None
    devices: int | None = None
    parameters: int | None = None
    weights_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What it takes to colorize: learned parameters, and images a second on the machine of the record."""

    parameters: int | None = None
    images_per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One evaluation of one entry on one split under one track.

    Attributes:
        groups: mean CIEDE2000 of each group: what pairs two entries on the same series.
    """

    entry: EntryFacts
    split: SplitFacts
    track: str
    scores: dict[str, Score]
    slices: dict[str, Slice] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    training: TrainingFacts | None = None
    cost: Cost = field(default_factory=Cost)
    machine: dict[str, Any]
    versions: dict[str, str]
    created: str
    command: str

    @property
    def seed(self) -> int:
        """The training's seed; 0 where nothing was trained."""
        return 0 if self.training is None else self.training.seed

    @property
    def file_name(self) -> str:
        """`<collection>-<size>px.<domain>.<split>.<track>.<entry>.s<seed>.json`"""
        return f"{stem(self.split, self.track, self.entry.name, self.seed)}.json"


def stem(split: SplitFacts, track: str, entry: str, seed: int) -> str:
    """What an evaluation's files are called, without their endings."""
    return f"{split.collection}-{split.size}px.{split.domain}.{split.name}.{track}.{entry}.s{seed}"


def signature(definition: str, split: SplitFacts, n: int | None = None) -> str:
    """The string that says exactly how a number was made; numbers that differ in it are never ranked together.

    Args:
        definition: the metric's own part, its name first, such as `CIEDE2000|D65/2deg,k1`.
        split: what was scored.
        n: images the number was made from; None for all of the split.

    Returns:
        Such as `CIEDE2000|D65/2deg,k1|64|n192|png8|open-v1/anime/test:ab12cd34|bench0.1`.
    """
    version = ".".join(bench.__version__.split(".")[:2])
    return f"{definition}|{split.size}|n{split.n if n is None else n}|png8|{split.key}|bench{version}"


def parse(content: object) -> Record:
    """The record that plain facts (what JSON holds, `schema` included) describe.

    Raises:
        BenchError: where a field is missing, unknown or not sound; it names the field.
    """
    if not isinstance(content, dict):
        _refuse("schema", f"a record of schema {SCHEMA}", content)
    if content.get("schema") != SCHEMA or isinstance(content.get("schema"), bool):
        _refuse("schema", f"{SCHEMA}", content.get("schema"))
    record = _parse(Record, {name: value for name, value in content.items() if name != "schema"}, "")
    _check_names(record)
    for name, score in record.scores.items():
        _check_score(f"scores.{name}", score)
    for name, part in record.slices.items():
        _check_slice(f"slices.{name}", part, record.split.n)
    return record


def write(folder: Path, record: Record) -> Path:
    """Write a record under the name its facts give it, whole or not at all; an older one is replaced.

    Raises:
        BenchError: where a field is not sound; it names the field.
    """
    content = _content(record)
    parse(content)
    path = folder / record.file_name
    files.write_json(path, content)
    return path


def read(path: Path) -> Record:
    """Read a record.

    Raises:
        BenchError: where the file is damaged or not a record; it names the file and the field.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"record {path}: cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise BenchError(f"record {path}: not JSON ({error}); restore it or evaluate again.") from None
    try:
        return parse(content)
    except BenchError as error:
        raise BenchError(f"record {path}: {error}") from None
    except RecursionError:
        raise BenchError(f"record {path}: nested deeper than any record; evaluate again.") from None


def read_all(folder: Path) -> list[Record]:
    """Every record of a folder (`*.json`), in the order of their file names; none if there is no such folder.

    Raises:
        BenchError: where one is damaged, foreign, or lies under a name that is not its own.
    """
    records = []
    for path in sorted(folder.glob("*.json"), key=lambda path: path.name):
        record = read(path)
        if path.name != record.file_name:
            raise BenchError(f"record {path}: its contents say that it is {record.file_name}; rename or remove it.")
        records.append(record)
    return records


def _content(record: Record) -> dict[str, Any]:
    """The record as JSON holds it; what a score has not is left out of it."""
    content = {"schema": SCHEMA, **asdict(record)}
    for facts in (*content["scores"].values(), *content["slices"].values()):
        for name in ("value", "low", "high", "absent"):
            if facts[name] is None:
                del facts[name]
        for name in ("infinite", "missing"):
            if facts.get(name) == 0:
                del facts[name]
    return content


def _refuse(where: str, expected: str, got: object) -> NoReturn:
    shown = repr(got)
    raise BenchError(f"field {where}: expected {expected}, got {shown if len(shown) <= 80 else shown[:77] + '...'}")


def _parse(hint: Any, value: Any, where: str) -> Any:
    """Make `value` what the type says, or name the field that is not."""
    origin = get_origin(hint)
    if origin is UnionType:
        if value is None:
            return None
        (hint,) = (option for option in get_args(hint) if option is not NoneType)
        return _parse(hint, value, where)
    if origin is Literal:
        return value if value in get_args(hint) else _refuse(where, " or ".join(get_args(hint)), value)
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else _refuse(where, "a list", value)
        return tuple(_parse(get_args(hint)[0], item, f"{where}[{place}]") for place, item in enumerate(items))
    if is_dataclass(hint) and isinstance(hint, type):
        return _parse_fields(hint, value, where)
    if origin is dict:
        pairs = value if isinstance(value, dict) else _refuse(where, "an object", value)
        for name in pairs:
            if not isinstance(name, str):
                _refuse(where, "names that are text", name)
        return {name: _parse(get_args(hint)[1], item, f"{where}.{name}") for name, item in pairs.items()}
    if hint is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < HUGE
        return float(value) if number else _refuse(where, "a finite number", value)
    if hint is int:
        return value if type(value) is int and value >= 0 else _refuse(where, "an integer from 0 up", value)
    if hint is str:
        whole = isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)
        return value if whole else _refuse(where, "text", value)
    return _parse_free(value, where)


def _parse_fields(kind: type, value: Any, where: str) -> Any:
    pairs = value if isinstance(value, dict) else _refuse(where, "an object", value)
    hints = get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for name in pairs:
        if name not in hints:
            _refuse(f"{prefix}{name}", f"one of {', '.join(hints)}", name)
    parsed = {}
    for item in fields(kind):
        if item.name in pairs:
            parsed[item.name] = _parse(hints[item.name], pairs[item.name], f"{prefix}{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise BenchError(f"field {prefix}{item.name}: missing")
    return kind(**parsed)


def _parse_free(value: Any, where: str) -> Any:
    """Anything JSON can hold, with finite numbers."""
    if isinstance(value, Mapping):
        return {str(name): _parse_free(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_parse_free(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, float):
        return _parse(float, value, where)
    return value if value is None or isinstance(value, (str, int)) else _refuse(where, "JSON", value)


def _named(where: str, reading: Callable[[str], str], text: str) -> str:
    try:
        return reading(text)
    except BenchError as error:
        raise BenchError(f"field {where}: {error}") from None


def _check_names(record: Record) -> None:
    """What stands in a path or a page is a slug, and what is said twice is said alike."""
    entry, split = record.entry, record.split
    for where, name in (
        ("entry.model", entry.model),
        ("split.collection", split.collection),
        ("split.domain", split.domain),
        *(("scores", name) for name in record.scores),
        *(("slices", word) for title in record.slices for word in title.split(":")),
    ):
        _named(where, lambda text: slug("name", text), name)
    mix = None if entry.mix is None else _named("entry.mix", lambda text: Mix.parse(text).name, entry.mix)
    track = _named("track", lambda text: Track.parse(text).name, record.track)
    kind = "-clips" if Track.parse(track).temporal else ""
    if split.name not in SPLITS:
        _refuse("split.name", " or ".join(SPLITS), split.name)
    for where, expected, got in (
        ("entry.mix", mix, entry.mix),
        ("entry.name", entry.model if mix is None else f"{entry.model}@{mix}", entry.name),
        ("track", track, record.track),
        ("split.key", f"{split.collection}/{split.domain}/{split.name}{kind}:{split.digest[:8]}", split.key),
    ):
        if expected != got:
            _refuse(where, repr(expected), got)
    if len(split.digest) != 64 or set(split.digest) - set("0123456789abcdef"):
        _refuse("split.digest", "64 hexadecimal digits", split.digest)
    for where, number in (("split.size", split.size), ("split.n", split.n), ("split.groups", split.groups)):
        if number < 1:
            _refuse(where, "at least 1", number)
    if (entry.kind == "trained") != (record.training is not None):
        _refuse("training", "the facts of a training for a trained entry, and only for one", record.training)
    try:
        datetime.fromisoformat(record.created)
    except ValueError:
        _refuse("created", "a date and time such as 2026-11-21T08:00:00Z", record.created)


def _check_value(where: str, score: Score | Slice) -> None:
    if (score.value is None) == (score.absent is None):
        _refuse(where, "either a value or the reason why it is absent", score.value)
    if (score.low is None) != (score.high is None):
        _refuse(f"{where}.low", "both ends of an interval or none", score.low)
    if score.low is not None and score.high is not None and not score.low <= score.high:
        _refuse(f"{where}.low", f"at most {score.high}", score.low)


def _check_slice(where: str, part: Slice, n: int) -> None:
    _check_value(where, part)
    if not 1 <= part.groups <= part.n <= n:
        _refuse(where, f"1 to {n} images, in as many groups at most", (part.n, part.groups))


def _check_score(where: str, score: Score) -> None:
    _check_value(where, score)
    if score.infinite + score.missing > score.n:
        _refuse(f"{where}.infinite", f"with those missing at most n = {score.n}", score.infinite + score.missing)
    if score.decimals > 9:
        _refuse(f"{where}.decimals", "at most 9", score.decimals)
    if not score.signature:
        _refuse(f"{where}.signature", "how the number was made", score.signature)
