"""What a record holds: the facts of one evaluation, and the names that follow from them."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

import bench

HUGE = 1e300
"""No measured number comes near; an integer beyond it is no float."""

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[float, Meta(gt=-HUGE, lt=HUGE)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


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
    size: Count
    resampler: str
    digest: Digest
    n: Count
    groups: Count


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
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    absent: str | None = None
    unit: str
    direction: Literal["lower", "higher"]
    decimals: Count
    kind: Literal["full-reference", "distribution"]
    n: Count
    infinite: Count = 0
    missing: Count = 0
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

    n: Count
    groups: Count
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
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
    images: Count
    width: Number
    seed: Count
    size: Count
    collection: str
    recipe: dict[str, Any]
    precision: str
    pretrained: str
    device: str
    seconds: Number
    images_per_second: Number
    splits: tuple[str, ...]
    best_step: Count | None = None
    best_validation_ciede2000: Number | None = None
    entry: str | None = None
    track: str | None = None
    batch_size: Count | None = None
    devices: Count | None = None
    parameters: Count | None = None
    weights_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What it takes to colorize; each fact is None where it is not known, as of predictions made elsewhere.

    Attributes:
        parameters: learned ones.
        images_per_second: on the machine of the record.
        flops: floating point operations (two a multiply-add) for one image of the split's size; see `bench.footprint`.
        memory_bytes: most bytes of tensors alive at once for one such image in float32, the weights among them.
    """

    parameters: Count | None = None
    images_per_second: Number | None = None
    flops: Count | None = None
    memory_bytes: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One evaluation of one entry on one split under one track.

    Attributes:
        groups: mean CIEDE2000 of each group: what pairs two entries on the same series.
        means: the same of other values an image, by id (`bench.metrics.PAIRED`), groups sorted by name, to six digits;
            null where a value applies to no image of a group. Those of `UNRANKED` have a sign and no direction.
    """

    entry: EntryFacts
    split: SplitFacts
    track: str
    scores: dict[str, Score]
    slices: dict[str, Slice] = field(default_factory=dict)
    groups: dict[str, Number] = field(default_factory=dict)
    means: dict[str, tuple[Number | None, ...]] = field(default_factory=dict)
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
