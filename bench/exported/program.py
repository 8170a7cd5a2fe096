"""A program written by `torch.export.save` (`.pt2`), read as data and played operator by operator.

    zip, nothing compressed ---> models/<name>.json ------> graph --------.
                         \\----> data/weights/weight_<i> --> tensors -----+--> call(x)
                         \\----> data/constants/tensor_<i> -/

`torch.export.load` is not used, because it cannot be made safe (read in torch 2.9 and 2.15): it unpickles the sample
inputs, in 2.9 freely and in 2.15 freely once the restricted way has failed; it unpickles every tensor that is marked
`use_pickle`, custom and opaque constants and the archives of torch up to 2.8; it hands each size expression of the
graph to `sympy.sympify`, which evaluates it as Python; it turns `guards_code` into a Python function; and it loads
the shared library of a compiled package. Here the graph is JSON, a tensor is its raw bytes, an operator is looked up
in a list, and everything else in the file is never opened: no pickle, no expression, no guard, no library. A file
that cannot be played without one of these is refused. Torch 2.9 was the first to write weights as raw bytes.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.exported import operators
from bench.exported.archive import DTYPES, STRIDED, Members, tensors, whole_number
from bench.exported.convention import KEY, LARGEST, LONGEST
from bench.exported.side import Side

SCHEMA_MAJOR = 8
FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d, 4: torch.preserve_format}
SPECIAL = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
SYMBOL = re.compile(r"(?:Mul\(Integer\((\d+)\), )?Symbol\('(\w+)'[^()]*\)\)?")

Device = torch.device
Value = Callable[[dict[str, Any], Device], Any]


@dataclass
class _Step:
    call: Callable[..., Any]
    named: bool
    arguments: list[tuple[str, Value]]
    outputs: list[str]
    done: list[str] = field(default_factory=list)
    """Values that no later step needs."""


class Program:
    """A graph with its tensors.

    Attributes:
        sides: what each dimension of the input may be.
        dtype: the input's.
        channels: the output's, None if only known when it runs.
        inside: the convention that the file carries, or None.
        parameters: numbers among its weights.
    """

    def __init__(self, path: Path):
        """Read a file.

        Raises:
            BenchError: it is no such file, is damaged, or needs what is not read.
        """
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._read(Members(archive, path.stat().st_size))
        except zipfile.BadZipFile as error:
            raise _refused(
                path, f"is no torch.export file or is cut short ({error}); save it with torch.export.save"
            ) from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError, RuntimeError) as error:
            # A member that is missing, JSON of another form, a tensor larger than its bytes.
            raise _refused(path, f"is damaged or of a form that is not known ({_line(error)}); save it again") from None
        except BenchError as error:
            raise _refused(path, str(error)) from None

    def _read(self, members: Members) -> None:
        self.inside = members.text(f"extra/{KEY}.json", LARGEST) if f"extra/{KEY}.json" in members else None
        model = members.json(members.model)
        if model["schema_version"]["major"] != SCHEMA_MAJOR:
            major = model["schema_version"]["major"]
            raise BenchError(f"has graph schema {major}, expected {SCHEMA_MAJOR}; save it with torch 2.9 or newer")
        name = members.model.removeprefix("models/").removesuffix(".json")
        stored = {
            "parameter": tensors(members, "data/weights/", f"{name}_weights_config.json"),
            "tensor_constant": tensors(members, "data/constants/", f"{name}_constants_config.json"),
        }
        stored["buffer"] = stored["parameter"] | stored["tensor_constant"]  # those not in the state are constants
        graph, signature = model["graph_module"]["graph"], model["graph_module"]["signature"]
        self._tensors: dict[str, Tensor] = {}
        inputs = []
        for spec in signature["input_specs"]:
            ((kind, told),) = spec.items()
            if kind == "user_input" and "as_tensor" in told["arg"]:
                inputs.append(told["arg"]["as_tensor"]["name"])
            elif kind in stored:
                self._tensors[told["arg"]["name"]] = stored[kind][told[f"{kind}_name"]]
            else:
                raise BenchError(f"takes a {kind}; it must take one tensor")
        outputs = []
        for spec in signature["output_specs"]:
            ((kind, told),) = spec.items()
            if kind != "user_output":
                raise BenchError(f"changes its own state ({kind}); call .eval() before torch.export.export")
            outputs.append(told["arg"]["as_tensor"]["name"])
        if len(inputs) != 1 or len(outputs) != 1:
            raise BenchError(f"takes {len(inputs)} tensors and gives {len(outputs)}; it must take one and give one")
        self._input, self._output = inputs[0], outputs[0]
        self._steps = list(_steps(graph["nodes"]))
        _forget(self._steps, {self._output, *self._tensors})
        shape = graph["tensor_values"][self._input]
        self.dtype = DTYPES[shape["dtype"]]
        if not self.dtype.is_floating_point:
            raise BenchError(f"takes {self.dtype}; it must take floats")
        self.sides = tuple(_side(size, model.get("range_constraints", {})) for size in shape["sizes"])
        sizes = graph["tensor_values"][self._output]["sizes"]
        self.channels: int | None = sizes[1].get("as_int") if len(sizes) == 4 else 0
        self.written_by = f"torch {model.get('torch_version', 'of unknown version')}"
        parameters = {id(tensor): tensor.numel() for tensor in stored["parameter"].values()}
        self.parameters = sum(parameters.values())

    def place(self, device: Device) -> Device:
        """Where it runs when asked for a device: there."""
        return device

    def __call__(self, x: Tensor) -> Tensor:
        """Play it on the device of `x`.

        Args:
            x: of the shape that `sides` says.

        Raises:
            BenchError: it cannot run on this shape, or it changes its own weights.
        """
        if any(tensor.device != x.device for tensor in self._tensors.values()):
            with torch.inference_mode(False):  # a tensor made in that mode would not count its changes
                self._tensors = {name: tensor.to(x.device) for name, tensor in self._tensors.items()}
        versions = {name: tensor._version for name, tensor in self._tensors.items()}
        values: dict[str, Any] = {**self._tensors, self._input: x.to(self.dtype).contiguous()}
        try:
            for step in self._steps:
                given = {name: value(values, x.device) for name, value in step.arguments}
                result = step.call(**given) if step.named else step.call(*given.values())
                results = [result] if len(step.outputs) == 1 else result
                values.update(zip(step.outputs, results, strict=False))
                for name in step.done:
                    del values[name]
            output = values[self._output]
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise _refused(self.path, f"cannot run on {tuple(x.shape)} ({_line(error)})") from None
        if any(tensor._version != versions[name] for name, tensor in self._tensors.items()):
            raise _refused(self.path, "changes its own weights; call .eval() before torch.export.export")
        return output


def _side(size: dict[str, Any], ranges: dict[str, Any]) -> Side:
    if "as_int" in size:
        return Side(whole_number(size), whole_number(size))
    match = SYMBOL.fullmatch(size["as_expr"]["expr_str"])
    if match is None:
        return Side()
    factor = int(match[1] or 1)
    known = ranges.get(f"{factor}*{match[2]}" if factor > 1 else match[2]) or {}
    low, high = known.get("min_val"), known.get("max_val")
    return Side(max(1, low or 0, factor), high, factor)


def _steps(nodes: list[dict[str, Any]]) -> Iterator[_Step]:
    for node in nodes:
        if node["target"] in operators.PASSED:
            continue
        call, named = operators.find(node["target"])
        if any(
            given["name"] in ("train", "training") and given["arg"] == {"as_bool": True} for given in node["inputs"]
        ):
            raise BenchError("was exported in training mode; call .eval() before torch.export.export")
        arguments = [(given["name"], _value(given["arg"])) for given in node["inputs"]]
        outputs = [name for output in node["outputs"] for name in _names(output)]
        step = _Step(call, named, arguments, outputs)
        listed = len(node["outputs"]) == 1 and "as_tensors" in node["outputs"][0]
        if listed and len(outputs) == 1:  # a list of one tensor is still a list
            step.call = lambda call=call, **given: call(**given)[0]
        yield step


def _names(output: dict[str, Any]) -> list[str]:
    ((kind, told),) = output.items()
    if kind == "as_none":
        return ["-"]
    if kind in ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"):
        return [told["name"] if kind == "as_tensor" else told["as_name"]]
    if kind == "as_tensors":
        return [one["name"] for one in told]
    raise BenchError(f"has an operator that gives {kind}, which is not read")


def _value(argument: dict[str, Any]) -> Value:
    """How an argument comes about when the program runs."""
    ((kind, told),) = argument.items()
    if kind == "as_none":
        return lambda values, device: None
    if kind in ("as_tensor", "as_optional_tensor") and "name" in told:
        return _Named(told["name"])
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool", "as_optional_tensor"):
        return _scalar(told)
    if kind in ("as_tensors", "as_optional_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools"):
        return _Several([_Named(one["name"]) if "name" in one else _scalar(one) for one in told])
    if kind in ("as_int", "as_ints", "as_bool", "as_bools", "as_string"):
        return lambda values, device: told
    if kind == "as_float":
        number = SPECIAL.get(told, told)
        return lambda values, device: number
    if kind == "as_floats":
        numbers = [SPECIAL.get(one, one) for one in told]
        return lambda values, device: numbers
    if kind == "as_scalar_type":
        dtype = DTYPES[told]
        return lambda values, device: dtype
    if kind == "as_memory_format":
        layout = FORMATS[told]
        return lambda values, device: layout
    if kind == "as_layout" and told == STRIDED:
        return lambda values, device: torch.strided
    if kind == "as_device":
        return lambda values, device: device  # it was written for another
    raise BenchError(f"has an operator with an argument {kind}, which is not read")


def _scalar(told: dict[str, Any]) -> Value:
    ((kind, value),) = told.items()
    if kind == "as_name":
        return _Named(value)
    return _value(told)


@dataclass(frozen=True)
class _Named:
    name: str

    def __call__(self, values: dict[str, Any], device: Device) -> Any:
        return values[self.name]


@dataclass(frozen=True)
class _Several:
    parts: list[Value]

    def __call__(self, values: dict[str, Any], device: Device) -> Any:
        return [part(values, device) for part in self.parts]


def _forget(steps: list[_Step], kept: set[str]) -> None:
    """Let each value go after the last step that needs it, as a model's own code would."""
    seen = set(kept)
    for step in reversed(steps):
        used = [part.name for _, value in step.arguments for part in _parts(value)] + step.outputs
        step.done = [name for name in dict.fromkeys(used) if name not in seen]
        seen.update(step.done)


def _parts(value: Value) -> Iterator[_Named]:
    if isinstance(value, _Named):
        yield value
    elif isinstance(value, _Several):
        for part in value.parts:
            yield from _parts(part)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}"


def _refused(path: Path, why: str) -> BenchError:
    why = why if len(why) <= LONGEST else f"{why[:LONGEST]}..."
    return BenchError(f"{path} {why}. Its pictures can be scored all the same: --predictions.")
