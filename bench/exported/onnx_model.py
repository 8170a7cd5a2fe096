"""An ONNX file, looked through before ONNX Runtime (optional) may open it.

Refused are operators of other domains than ONNX's own (a custom one needs a library, and some of Microsoft's open
files) and tensors whose data lies in another file unless that is a plain file in the same folder: ONNX lets a model
name any path. What remains is arithmetic that ONNX Runtime plays; no Python stands in the file and none is run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.exported.convention import KEY, LONGEST
from bench.exported.side import Side

if TYPE_CHECKING:
    from google.protobuf.message import Message

OWN = ("", "ai.onnx")
LONGEST_NAME = 255
"""Bytes: no file system here takes a longer one."""
FLOATS = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}
CUDA = "CUDAExecutionProvider"
INSTALL = "pip install -e '.[onnx]' in ChromaBench's folder"


class OnnxModel:
    """An ONNX graph with one input and one output.

    Attributes:
        sides: what each dimension of the input may be.
        dtype: the input's.
        channels: the output's, None if only known when it runs.
        inside: the convention that the file carries, or None.
        parameters: numbers among its initial tensors.
        data: the other files that hold its tensors.
    """

    def __init__(self, path: Path):
        """Look through a file and open it on the CPU.

        Raises:
            BenchError: ONNX Runtime is not installed, or the file is damaged or needs what is refused.
        """
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            raise BenchError(f"{path} needs {error.name or 'onnxruntime'}, which is not installed: {INSTALL}") from None
        self.path, self._runtime = path, onnxruntime
        try:
            model = onnx.load(path, load_external_data=False)
        except Exception as error:  # protobuf's errors have no common class over its versions
            raise self._refused(f"is no ONNX file or is cut short ({_line(error)})") from None
        if not model.graph.node or not model.opset_import:
            raise self._refused("is no ONNX file: it holds no graph")
        self.data = self._look_through(model)
        found = [_text(entry.value) for entry in model.metadata_props if entry.key == KEY]
        if len(found) > 1:
            raise self._refused(f"carries {KEY!r} twice")
        self.inside = found[0] if found else None
        writer = (_text(part)[:LONGEST] for part in (model.producer_name, model.producer_version) if part)
        self.written_by = " ".join(writer) or "an unknown program"
        self.parameters = sum(_count(tensor.dims) for tensor in model.graph.initializer)
        self._session, self._device = self._open("cpu"), "cpu"
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise self._refused(f"takes {len(inputs)} tensors and gives {len(outputs)}; it must take one and give one")
        if inputs[0].type not in FLOATS:
            raise self._refused(f"takes {inputs[0].type}; it must take floats")
        self.dtype = FLOATS[inputs[0].type]
        self.sides = tuple(_side(length) for length in inputs[0].shape)
        shape = outputs[0].shape
        self.channels = (shape[1] if isinstance(shape[1], int) else None) if len(shape) == 4 else 0

    def place(self, device: torch.device) -> torch.device:
        """Where it runs when asked for a device: the CPU, unless this runtime has CUDA."""
        return device if CUDA in self._runtime.get_available_providers() else torch.device("cpu")

    def __call__(self, x: Tensor) -> Tensor:
        """Play it: with ONNX Runtime's CUDA where `x` lies on such a device and the runtime has it, else on the CPU.

        Raises:
            BenchError: it cannot run on this shape.
        """
        if x.device.type != self._device:
            self._session, self._device = self._open(x.device.type), x.device.type
        given = x.to(self.dtype).contiguous().cpu().numpy()
        try:
            (result,) = self._session.run(None, {self._session.get_inputs()[0].name: given})
        except Exception as error:  # the runtime's errors have no common class
            raise self._refused(f"cannot run on {tuple(x.shape)} ({_line(error)})") from None
        return torch.from_numpy(result).to(x.device)

    def _open(self, device: str) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # what goes wrong is said once, in the error
        providers: list[Any] = ["CPUExecutionProvider"]
        if device == "cuda" and CUDA in self._runtime.get_available_providers():
            # TF32 would make a score depend on the device, and a search among kernels on the run.
            providers.insert(0, (CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}))
        elif device == "cuda":
            logging.getLogger(__name__).warning("this ONNX Runtime has no CUDA: %s runs on the CPU", self.path)
        try:
            return self._runtime.InferenceSession(str(self.path), options, providers=providers)
        except Exception as error:
            raise self._refused(f"is refused by ONNX Runtime ({_line(error)})") from None

    def _look_through(self, model: Any) -> tuple[Path, ...]:
        """Refuse custom operators and paths; returns the files beside it that hold data."""
        own = {(_text(function.domain), _text(function.name)) for function in model.functions}
        files: dict[str, Path] = {}
        for part in _parts(model):
            kind = type(part).__name__
            if kind == "NodeProto":
                domain, name = _text(getattr(part, "domain", "")), _text(getattr(part, "op_type", ""))
                if domain not in OWN and (domain, name) not in own:
                    raise self._refused(f"uses the custom operator {domain}.{name}; export it with ONNX's own")
            elif kind == "TensorProto":
                entries = {_text(entry.key): _text(entry.value) for entry in getattr(part, "external_data", ())}
                if entries or getattr(part, "data_location", 0):
                    name = entries.get("location", "")
                    files[name] = self._neighbour(name, entries)
        return tuple(files[name] for name in sorted(files))

    def _neighbour(self, name: str, entries: dict[str, str]) -> Path:
        place = self.path.parent / name
        plain = name not in ("", ".", "..") and PurePosixPath(name).name == name and "\\" not in name
        if not plain or "\0" in name or len(name.encode()) > LONGEST_NAME or place.is_symlink() or not place.is_file():
            raise self._refused(f"keeps data in {name[:80]!r}; it must be a plain file beside it, in the same folder")
        begin, length = (entries.get(key, "0") for key in ("offset", "length"))
        if not (begin.isdecimal() and length.isdecimal()) or int(begin) + int(length) > place.stat().st_size:
            raise self._refused(f"needs more of {name!r} than there is; is it cut short?")
        return place

    def _refused(self, why: str) -> BenchError:
        why = why if len(why) <= LONGEST else f"{why[:LONGEST]}..."
        return BenchError(f"{self.path} {why}; export it again, or give its --predictions.")


def _parts(message: Message) -> Iterator[Message]:
    """A message and all in it: graphs lie in graphs, tensors in attributes."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _parts(part)


def _text(value: str | bytes) -> str:
    """Text of a model; some versions of protobuf hand on as bytes what is not UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _side(length: Any) -> Side:
    return Side(length, length) if isinstance(length, int) else Side()


def _count(dims: Any) -> int:
    total = 1
    for length in dims:
        total *= length
    return total


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}"
