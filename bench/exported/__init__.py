"""A user's model from a file, `.pt2` (torch.export) or `.onnx`, asked and understood as its convention says.

    Batch -- channels, range, (resize) --> x -- the file's graph --> output -- space, range, (resize) --> sRGB in [0, 1]

Reading such a file runs no code from it: see `bench.exported.program` and `bench.exported.onnx_model`. A torch.save
file, a TorchScript archive and a checkpoint are refused, because reading one means running what it says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.color import lab_to_srgb, srgb_to_lab, yuv601_to_rgb
from bench.colorize import predict
from bench.errors import BenchError
from bench.exported.convention import CHANNELS, SPACES, Convention, Range, find
from bench.exported.side import Side
from bench.files import sha256
from bench.types import Batch, Images, Track

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, UInt8

SUFFIXES = {".pt2": "torch.export", ".onnx": "onnx"}
"""The files that are read, and what a record calls their format."""


class Graph(Protocol):
    """A file's graph: one tensor in, one out."""

    sides: tuple[Side, ...]
    channels: int | None
    inside: str | None
    written_by: str
    parameters: int

    def place(self, device: torch.device) -> torch.device: ...

    def __call__(self, x: Tensor) -> Tensor: ...


class Exported:
    """A model file with its convention.

    Attributes:
        path: the file.
        convention: how it is asked and understood.
    """

    def __init__(self, path: Path, graph: Graph, convention: Convention):
        """Use `read`.

        Raises:
            BenchError: the file and its convention contradict each other.
        """
        self.path, self.convention, self._graph = path, convention, graph
        wanted, given = sum(CHANNELS[name] for name in convention.channels), SPACES[convention.space]
        if len(graph.sides) != 4 or not graph.sides[1].takes(wanted):
            shape = " x ".join(f"({side})" for side in graph.sides)
            raise self._differs(f"takes {shape}", f"(images, {wanted} channels, height, width)")
        if graph.channels not in (None, given):
            raise self._differs(f"gives {graph.channels} channels", f"{given} of {convention.space!r}")
        batch, _, *sides = graph.sides
        if convention.batch is not None and not batch.takes(convention.batch):
            raise self._differs(f"takes batches of {batch}", f'"batch": {convention.batch}')
        for side in sides:
            if convention.size is not None and not side.takes(convention.size):
                raise self._differs(f"takes sides of {side} pixels", f'"size": {convention.size}')
        self._batch = Side(convention.batch, convention.batch) if convention.batch else batch
        self._sides = [Side(convention.size, convention.size)] * 2 if convention.size else sides
        if convention.resize and any(side.fixed is None for side in self._sides):
            raise BenchError(f'{path} takes any size, so "resize" needs a "size" to resize to; add it or leave it out.')

    @property
    def name(self) -> str:
        return self.convention.name

    @property
    def track(self) -> Track:
        return self.convention.track

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what it paints: the file, what it loads besides, and the convention."""
        facts = self.facts()
        said = json.dumps([facts["sha256"], facts.get("data"), facts["convention"]], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """What a record says of it: the format, the file's SHA-256, who wrote it, and the convention."""
        facts = {
            "format": SUFFIXES[self.path.suffix],
            "sha256": sha256(self.path),
            "written_by": self._graph.written_by,
            "parameters": self._graph.parameters,
            "convention": self.convention.facts(),
        }
        data = {place.name: sha256(place) for place in getattr(self._graph, "data", ())}
        return facts | ({"data": data} if data else {})

    def predict(self, images: Images, device: torch.device) -> UInt8[np.ndarray, "n h w 3"]:
        """Colorize a split.

        Args:
            images: of the convention's track.
            device: where it runs; an ONNX file on CUDA only where ONNX Runtime has it.

        Returns:
            8-bit sRGB, shape (n, height, width, 3), rounded once.

        Raises:
            BenchError: the images are of a size that the model does not take and may not be resized to, or its output
                is not what the convention says.
        """
        self.fits(images.conditions.shape[1:])
        size = self._batch.fixed
        if size is None and self.convention.resize:
            size = max(1, 2**18 // (self._sides[0].low * self._sides[1].low))
        return predict(_Player(self), images, self.track, device, size)

    def place(self, device: torch.device) -> torch.device:
        """Where it runs when asked for a device: an ONNX file on CUDA only where ONNX Runtime has it."""
        return self._graph.place(device)

    def fits(self, shape: tuple[int, ...]) -> None:
        """Refuse images of another height and width, unless the convention says that they are resized.

        Raises:
            BenchError: naming both sizes.
        """
        if self.convention.resize or all(side.takes(length) for side, length in zip(self._sides, shape, strict=True)):
            return
        height, width = self._sides
        fixed = height.fixed is not None and width.fixed is not None
        remedy = ', or declare "resize": "bicubic"' if fixed and height.fixed == width.fixed else ""
        remedy = f"evaluate with --size {height.fixed}{remedy}" if remedy else "evaluate at such a --size"
        raise BenchError(
            f"{self.path} takes pictures of {height} by {width} pixels, these are {shape[0]} by {shape[1]}; {remedy}."
        )

    def _differs(self, found: str, said: str) -> BenchError:
        return BenchError(f"{self.path} {found}, its convention says {said}; correct the one that is wrong.")

    def run(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o h w"]:
        """Play the graph on a batch, filled up to the number of images it takes.

        Raises:
            BenchError: the output is no picture of the convention's space, or not finite.
        """
        count, least = len(x), max(self._batch.low, 1)
        filled = x if count >= least else torch.cat([x, x[-1:].expand(least - count, -1, -1, -1)])
        output = self._graph(filled)
        wanted = (len(filled), SPACES[self.convention.space], *x.shape[2:])
        if not isinstance(output, Tensor) or tuple(output.shape) != wanted:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise BenchError(
                f"{self.path} must give {wanted} for {tuple(filled.shape)}, got {came}; correct one of them."
            )
        output = output[:count].float()
        if not bool(torch.isfinite(output).all()):
            raise BenchError(f"{self.path} gives values that are not finite; correct the model.")
        return output

    def resized(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Bicubic with antialiasing, or as it is where the size is right."""
        if tuple(x.shape[2:]) == shape:
            return x
        return F.interpolate(x, size=shape, mode="bicubic", antialias=True, align_corners=False)

    def shape(self, batch: Batch) -> tuple[int, ...]:
        """Height and width that the graph is asked with."""
        if not self.convention.resize:
            return tuple(batch.condition.shape[2:])
        return tuple(side.low for side in self._sides)


class _Player:
    """The model as the loop over a split knows one."""

    def __init__(self, exported: Exported):
        self._exported, self._said = exported, exported.convention
        self.generator = exported.run

    def eval(self) -> None:
        """It was exported so."""

    def train(self) -> None:
        """It cannot."""

    def encode(self, batch: Batch) -> tuple[Tensor, None]:
        """The input tensor that the convention describes."""
        low, high = self._said.input_range
        shape = self._exported.shape(batch)
        parts = []
        for name in self._said.channels:
            part = _channel(name, batch)
            if tuple(part.shape[2:]) != shape:
                part = self._exported.resized(part, shape).clamp(0, 1)  # bicubic overshoots at edges
            parts.append(part if name == "mask" else low + (high - low) * part)
        return torch.cat(parts, dim=1), None

    def decode(self, output: Tensor, batch: Batch) -> Tensor:
        """sRGB in [0, 1] of an output; chroma is resized alone and takes the lightness of the picture shown."""
        said = self._said
        shown = batch.condition.float()
        whole = tuple(shown.shape[2:])
        if said.space == "rgb":
            return self._exported.resized(_unit(output, said.output_range), whole).clamp(0, 1)
        if said.space == "uv":
            chroma = self._exported.resized(_unit(output, said.output_range), whole)
            return yuv601_to_rgb(torch.cat([shown, chroma], dim=1), axis=1).clamp(0, 1)
        if said.space == "lab":
            lightness = 100 * _unit(output[:, :1], said.output_range)
            lab = torch.cat([lightness, (said.scale or 1) * output[:, 1:]], dim=1)
            return lab_to_srgb(self._exported.resized(lab, whole), axis=1)
        chroma = self._exported.resized((said.scale or 1) * output, whole)
        return lab_to_srgb(torch.cat([_lightness(shown), chroma], dim=1), axis=1)


def _channel(name: str, batch: Batch) -> Tensor:
    """A part of an input in [0, 1]."""
    if name == "lightness":
        return _lightness(batch.condition.float()) / 100
    if name in ("hints", "mask") and batch.hints is not None:
        return batch.hints[:, :3] if name == "hints" else batch.hints[:, 3:]
    if name == "reference" and batch.reference is not None:
        return batch.reference
    if name == "previous" and batch.previous is not None:
        return batch.previous.colors
    return batch.condition.float()


def _lightness(gray: Tensor) -> Tensor:
    """CIE L in [0, 100] of a gray in [0, 1], (n, 1, h, w)."""
    return srgb_to_lab(gray.expand(-1, 3, -1, -1), axis=1)[:, :1]


def _unit(value: Tensor, said: Range | None) -> Tensor:
    low, high = said or (0, 1)
    return (value - low) / (high - low)


def read(path: Path) -> Exported:
    """Read a model file and its convention.

    Args:
        path: `.pt2` or `.onnx`; its convention lies beside it (`.json`, the same stem) or inside it.

    Raises:
        BenchError: one line that names the file, what was expected and the remedy: it is missing, of another kind,
            damaged, would need code to run, lacks a convention or contradicts it. Nothing in it was run.
    """
    if path.suffix not in SUFFIXES:
        raise BenchError(
            f"{path} is no model file that is read: expected {' or '.join(SUFFIXES)}; save the model with "
            "torch.export.save or as ONNX. Files of torch.save and TorchScript can run code and are not opened."
        )
    if not path.is_file():
        raise BenchError(f"no file at {path}; give a .pt2 or .onnx file.")
    graph: Graph
    if path.suffix == ".pt2":
        from bench.exported.program import Program

        graph = Program(path)
    else:
        from bench.exported.onnx_model import OnnxModel

        graph = OnnxModel(path)
    return Exported(path, graph, find(path, graph.inside))
