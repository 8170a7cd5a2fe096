"""What a model file says of itself: which channels it takes, in which range, and what its output means.

    {
      "schema": 1,
      "name": "my-model",
      "track": "gray",
      "input": {"channels": ["condition"], "range": [-1, 1]},
      "output": {"space": "rgb", "range": [-1, 1]}
    }

It stands beside the file under the same stem (`model.pt2`, `model.json`) or inside it under the name `chromabench`. A
key that is not known is refused, because a misspelt one would otherwise change a score without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.types import Track, slug

SCHEMA = 1
KEY = "chromabench"
"""The name of the convention inside a file: an ONNX metadata entry, or `chromabench.json` among a program's extras."""

LARGEST = 1 << 16
"""Bytes of a convention; more is none."""

LONGEST = 400
"""Characters of what is wrong with one."""

CHANNELS = {"condition": 1, "lightness": 1, "hints": 3, "mask": 1, "reference": 12, "previous": 3}
"""What an input can be made of, with the number of channels of each."""

TOLD = {"hints": ("hints", "mask"), "reference": ("reference",), "previous": ("previous",)}
"""The channels that a track's guidance fills; `previous-true` fills those of `previous`."""

SPACES = {"rgb": 3, "lab": 3, "ab": 2, "uv": 2}
"""What an output can mean, with its number of channels."""

RANGED = ("rgb", "lab", "uv")
"""Spaces whose `range` counts; `lab` and `ab` have a `scale`."""

BICUBIC = "bicubic"
HUGE = 1e30
"""No range and no scale comes near."""
Range = tuple[float, float]


@dataclass(frozen=True)
class Convention:
    """How a model is asked and understood.

    Attributes:
        name: the row's name on a board.
        track: what the model is shown.
        channels: the input's parts in order, of `CHANNELS`.
        input_range: the two values that 0 and 1 (of lightness: 0 and 100) become; a mask stays 0 or 1.
        space: what the output means, of `SPACES`.
        output_range: the outputs that mean 0 and 1 (of Lab's L: 0 and 100); None for `ab`.
        scale: a and b are the output times this; None for `rgb` and `uv`.
        size: the one side in pixels the model takes; None for what the file says.
        batch: the one number of images it takes; None for what the file says.
        resize: whether pictures of another size are resized to the model's, and its output back.
    """

    name: str
    track: Track
    channels: tuple[str, ...]
    input_range: Range
    space: str
    output_range: Range | None = None
    scale: float | None = None
    size: int | None = None
    batch: int | None = None
    resize: bool = False

    def facts(self) -> dict[str, Any]:
        """It as it would be written, for a record."""
        output: dict[str, Any] = {"space": self.space}
        output |= {} if self.output_range is None else {"range": list(self.output_range)}
        output |= {} if self.scale is None else {"scale": self.scale}
        facts: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name,
            "track": self.track.name,
            "input": {"channels": list(self.channels), "range": list(self.input_range)},
            "output": output,
        }
        limits = {"size": self.size, "batch": self.batch, "resize": BICUBIC if self.resize else None}
        return facts | {key: value for key, value in limits.items() if value is not None}


def beside(path: Path) -> Path:
    """Where a model file's convention lies."""
    return path.with_suffix(".json")


def find(path: Path, inside: str | None) -> Convention:
    """The convention of a model file: the one beside it or the one inside it.

    Args:
        path: the model file.
        inside: the text that the file itself carries, or None.

    Raises:
        BenchError: there is none, there are two, or it is faulty.
    """
    place = beside(path)
    if place.is_file() and inside is not None:
        raise BenchError(f"{path} carries a convention and {place} is another; delete one of them.")
    if inside is not None:
        return parse(inside, f"the convention inside {path}")
    if not place.is_file():
        raise BenchError(f"{path} needs {place}, which says what the model takes and gives: see docs/your-own-model.md")
    if place.stat().st_size > LARGEST:
        raise BenchError(f"{place} is larger than {LARGEST:,} bytes; a convention is a few lines of JSON.")
    try:
        text = place.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BenchError(f"{place} is not UTF-8 text; write it as JSON, see docs/your-own-model.md.") from None
    return parse(text, str(place))


def parse(text: str, where: str) -> Convention:
    """Read a convention.

    Args:
        text: JSON.
        where: what to call it in an error.

    Raises:
        BenchError: names the place, what was expected and what came.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{where} is no JSON: {error}.") from None
    try:
        return _convention(value)
    except BenchError as error:
        said = str(error)  # a name in it may be as long as the file
        raise BenchError(f"{where}: {said if len(said) <= LONGEST else said[:LONGEST] + '...'}") from None


def _convention(value: Any) -> Convention:
    _keys("it", value, {"schema", "name", "track", "input", "output"}, {"size", "batch", "resize"})
    if value["schema"] != SCHEMA or isinstance(value["schema"], bool):
        raise BenchError(f'"schema" must be {SCHEMA}, got {_shown(value["schema"])}; update if it is newer.')
    name, track = (_text(key, value[key]) for key in ("name", "track"))
    _keys('"input"', value["input"], {"channels", "range"})
    channels = _channels(value["input"]["channels"])
    output, space = value["output"], None
    if isinstance(output, dict) and "space" in output:
        space = _one_of('"space"', output["space"], SPACES)
    wanted = {"space"} | ({"range"} if space in RANGED else set()) | ({"scale"} if space in ("lab", "ab") else set())
    _keys('"output"', output, wanted)
    convention = Convention(
        name=slug("the name", name),
        track=Track.parse(track),
        channels=channels,
        input_range=_range('"range" of "input"', value["input"]["range"]),
        space=str(space),
        output_range=_range('"range" of "output"', output["range"]) if "range" in wanted else None,
        scale=_positive('"scale"', output["scale"]) if "scale" in wanted else None,
        size=_count('"size"', value.get("size"), 8, 4096),
        batch=_count('"batch"', value.get("batch"), 1, 1024),
        resize=value.get("resize") is not None and bool(_one_of('"resize"', value["resize"], (BICUBIC,))),
    )
    _agree(convention)
    return convention


def _agree(convention: Convention) -> None:
    """The channels are those that the track tells, no more and no fewer."""
    guidance = {kind.removesuffix("-true") for kind in convention.track.guidance}
    for kind, channels in TOLD.items():
        taken = [channel for channel in channels if channel in convention.channels]
        if taken and kind not in guidance:
            raise BenchError(f"{taken[0]!r} is not told on the track {convention.track.name!r}; add +{kind} to it.")
        if kind in guidance and not taken:
            raise BenchError(
                f"the track {convention.track.name!r} tells {kind}, but the input takes no {channels[0]!r}; "
                "add it to the channels or leave it out of the track."
            )
    fixed = [channel for channel in ("hints", "mask", "reference") if channel in convention.channels]
    if convention.resize and fixed:
        raise BenchError(f'{fixed[0]!r} cannot be resized without changing what is told; leave out "resize".')


def _channels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= 16:
        raise BenchError(f'"channels" must be a list such as ["condition"], got {_shown(value)}.')
    return tuple(_one_of('"channels"', one, CHANNELS) for one in value)


def _keys(what: str, value: Any, needed: set[str], optional: Iterable[str] = ()) -> None:
    if not isinstance(value, dict):
        raise BenchError(f"{what} must be an object with {', '.join(sorted(needed))}; got {_shown(value)}.")
    if missing := needed - value.keys():
        raise BenchError(f"{what} lacks {min(missing)!r}; expected {', '.join(sorted(needed))}.")
    if unknown := value.keys() - needed - set(optional):
        raise BenchError(
            f"{what} has the unknown key {min(unknown)!r}; expected {', '.join(sorted([*needed, *optional]))}."
        )


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BenchError(f'"{key}" must be a string, got {_shown(value)}.')
    return value


def _one_of(what: str, value: Any, known: Iterable[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise BenchError(f"{what} must be of {', '.join(known)}; got {_shown(value)}.")
    return value


def _number(value: Any) -> bool:
    # A whole number in JSON may be too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE


def _range(what: str, value: Any) -> Range:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_number, value)) or not value[0] < value[1]:
        raise BenchError(f"{what} must be two rising numbers such as [0, 1], got {_shown(value)}.")
    return value[0], value[1]


def _positive(what: str, value: Any) -> float:
    if not _number(value) or not value > 0:
        raise BenchError(f"{what} must be a positive number, got {_shown(value)}.")
    return value


def _count(what: str, value: Any, low: int, high: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BenchError(f"{what} must be null or a whole number from {low} to {high}, got {_shown(value)}.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
