"""Files that would run code, read other files or swallow the memory: refused in one line, and never executed."""

import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.errors import BenchError
from bench.exported import read
from bench.exported.operators import TENSORS, find
from bench.types import Images

CONVENTION = {
    "schema": 1,
    "name": "my-model",
    "track": "gray",
    "input": {"channels": ["condition"], "range": [0, 1]},
    "output": {"space": "rgb", "range": [0, 1]},
}
Members = dict[str, bytes]


class Bomb:
    """Makes a folder where it is unpickled."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.place),)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A sound file with its convention."""
    path = tmp_path / "model.pt2"
    program = torch.export.export(
        nn.Conv2d(1, 3, 3, 1, 1).eval(), (torch.rand(2, 1, 8, 8),), dynamic_shapes=({0: torch.export.Dim.AUTO},)
    )
    torch.export.save(program, path)
    path.with_suffix(".json").write_text(json.dumps(CONVENTION))
    return path


def refused(path: Path, match: str) -> None:
    with pytest.raises(BenchError, match=match) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path.with_suffix("")) in text
    assert not (path.parent / "bomb").exists(), "it was executed"


def paints(path: Path) -> None:
    """It plays, and nothing else happens."""
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    ids = ("a", "b", "c")
    assert read(path).predict(Images(ids, ids, pixels, pixels[..., 0]), torch.device("cpu")).shape == pixels.shape
    assert not (path.parent / "bomb").exists(), "it was executed"


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()}


def rewrite(path: Path, change: Callable[[Members], None], compression: int = zipfile.ZIP_STORED) -> None:
    held = members(path)
    change(held)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in held.items():
            archive.writestr(f"model/{name}", data)


def edit(path: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change one JSON member."""

    def edited(held: Members) -> None:
        value = json.loads(held[name])
        change(value)
        held[name] = json.dumps(value).encode()

    rewrite(path, edited)


def first(value: Any) -> Any:
    """The first operator of a graph."""
    return value["graph_module"]["graph"]["nodes"][0]


GRAPH, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"


def test_a_sound_file_plays_and_one_written_anew_too(model: Path) -> None:
    paints(model)
    rewrite(model, lambda held: None)
    paints(model)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".pkl", ".safetensors", ".bin", ""])
def test_other_kinds_of_file_are_not_opened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "bomb")))
    refused(path, r"expected .pt2 or .onnx")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none.pt2", "no file at")
    (tmp_path / "folder.onnx").mkdir()
    refused(tmp_path / "folder.onnx", "no file at")


def test_a_pickle_under_the_name(model: Path) -> None:
    model.write_bytes(pickle.dumps(Bomb(model.parent / "bomb")))
    refused(model, "is no torch.export file")


def test_a_file_of_torch_save_under_the_name(model: Path) -> None:
    torch.save({"weight": Bomb(model.parent / "bomb")}, model)
    refused(model, "is a pickle of torch.save")


def test_a_torchscript_archive_under_the_name(model: Path) -> None:
    with zipfile.ZipFile(model, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            archive.writestr(f"model/{name}", pickle.dumps(Bomb(model.parent / "bomb")))
    refused(model, "is a TorchScript archive")


def test_a_program_of_torch_before_2_8(model: Path) -> None:
    with zipfile.ZipFile(model, "w") as archive:
        for name in ("version", "serialized_exported_program.json", "serialized_state_dict.pt"):
            archive.writestr(name, pickle.dumps(Bomb(model.parent / "bomb")))
    refused(model, "torch before 2.8, whose weights are a pickle")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short(model: Path, share: float) -> None:
    data = model.read_bytes()
    model.write_bytes(data[: int(len(data) * share)])
    refused(model, "cut short")


def test_random_bytes(model: Path) -> None:
    model.write_bytes(np.random.default_rng(0).bytes(5000))
    refused(model, "is no torch.export file")


def test_flipped_bytes_are_refused_or_play_without_harm(model: Path) -> None:
    data, rng = bytearray(model.read_bytes()), np.random.default_rng(0)
    for place in rng.integers(0, len(data), 150):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        model.write_bytes(damaged)
        with suppress(BenchError):  # any other error fails the test
            paints(model)


def test_a_zip_bomb(model: Path) -> None:
    def add(held: Members) -> None:
        held["data/weights/weight_0"] = bytes(1 << 24)

    rewrite(model, add, zipfile.ZIP_DEFLATED)
    assert model.stat().st_size < 1 << 18
    refused(model, "compressed")


def test_members_that_lie_over_each_other(model: Path) -> None:
    """Many names for the same bytes: a bomb that needs no compression."""
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("model/archive_format", "pt2")
        archive.writestr("model/data/weights/weight_0", bytes(100_000))
        first = archive.infolist()[-1]
        for number in range(1, 50):
            again = zipfile.ZipInfo(f"model/data/weights/weight_{number}")
            again.file_size, again.compress_size, again.CRC = first.file_size, first.compress_size, first.CRC
            again.header_offset = first.header_offset
            archive.filelist.append(again)
    refused(model, "more bytes than it has")


def test_a_member_twice(model: Path) -> None:
    with zipfile.ZipFile(model, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model/models/model.json", "{}")
    refused(model, "twice")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("data/aotinductor/model/model.so", "which a program needs not"),
        ("data/executorch/model.pte", "which a program needs not"),
        ("../../up.json", "which a program needs not"),
        ("data.pkl", "which a program needs not"),
        ("code/__torch__.py", "which a program needs not"),
        ("models/second.json", "2 models"),
        ("data/weights/model.pt", "weights as a pickle, as torch before 2.9"),
        ("data/constants/model.pt", "constants as a pickle, as torch before 2.9"),
    ],
)
def test_what_a_program_needs_not(model: Path, name: str, match: str) -> None:
    bomb = pickle.dumps(Bomb(model.parent / "bomb"))
    rewrite(model, lambda held: held.update({name: bomb}))
    refused(model, match)


def test_pickled_sample_inputs_are_never_opened(model: Path) -> None:
    """Every program holds such a pickle, so it cannot be a reason to refuse one."""
    buffer = io.BytesIO()
    torch.save(((Bomb(model.parent / "bomb"),), {}), buffer)
    rewrite(model, lambda held: held.update({"data/sample_inputs/model.pt": buffer.getvalue()}))
    paints(model)


def test_pickled_weights_are_not_opened(model: Path) -> None:
    buffer = io.BytesIO()
    torch.save(Bomb(model.parent / "bomb"), buffer)
    rewrite(model, lambda held: held.update({"data/weights/weight_0": buffer.getvalue()}))
    edit(model, WEIGHTS, lambda value: value["config"]["weight"].update(use_pickle=True))
    refused(model, "'weight' as a pickled object")


@pytest.mark.parametrize("file", ["custom_obj_0", "opaque_obj_0", "../weights/weight_0", "/etc/passwd", "model.pt", ""])
def test_payloads_of_other_names_are_not_opened(model: Path, file: str) -> None:
    config = "data/constants/model_constants_config.json"
    bomb = pickle.dumps(Bomb(model.parent / "bomb"))

    def add(value: Any) -> None:
        value["config"]["c"] = {"path_name": file, "is_param": False, "use_pickle": False, "tensor_meta": None}

    if file.endswith("_0") and "/" not in file:
        rewrite(model, lambda held: held.update({f"data/constants/{file}": bomb}))
    edit(model, config, add)
    refused(model, "'c' as a pickled object|damaged")


def test_python_in_size_expressions_and_guards_is_never_evaluated(model: Path) -> None:
    code = f"__import__('os').mkdir({str(model.parent / 'bomb')!r})"

    def forge(value: Any) -> None:
        value["guards_code"] = [code]
        value["range_constraints"] = {code: {"min_val": 1, "max_val": 9}}
        for held in value["graph_module"]["graph"]["tensor_values"].values():
            for size in held["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = code
        for node in value["graph_module"]["graph"]["nodes"]:
            node["metadata"] = {"stack_trace": code, "nn_module_stack": code, "custom": code}
            node["name"] = code

    edit(model, GRAPH, forge)
    paints(model)


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.aten.empty.memory_format",
        "torch.ops.aten.add.out",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.add.__class__",
        "torch.ops.aten.add.overloads",
        "torch.ops.aten.add.",
        "torch.ops.load_library.default",
        "torch.ops.prim.device.default",
        "torch.ops.mine.run.default",
        "torch.ops.higher_order.cond",
        "torch.load",
        "torch.hub.load",
        "os.system",
        "builtins.eval",
        "_operator.pow",
        "_operator.attrgetter",
        "math.factorial",
        "",
    ],
)
def test_operators_that_are_not_on_the_list(model: Path, target: str) -> None:
    edit(model, GRAPH, lambda value: first(value).update(target=target))
    refused(model, "not among the operators known to be harmless")


def test_no_operator_on_the_list_takes_a_text_but_for_these() -> None:
    """A file's name would be one."""
    modes = {"assert_msg", "padding", "rounding_mode", "equation", "approximate", "indexing", "mode", "reduce"}
    texts = {"a", "b", "self", "substr", "el", "string", "separator"}  # of operators on texts themselves
    for name in sorted(TENSORS):
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            for argument in getattr(packet, overload)._schema.arguments:
                if re.search(r"\bstr\b", str(argument.type)):
                    assert argument.name in modes | texts, f"{name}.{overload}"
    assert find("torch.ops.aten.conv2d.default")[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta.update(sizes=[{"as_int": 1 << 40}]),
        lambda meta: meta.update(sizes=[{"as_int": -3}]),
        lambda meta: meta.update(strides=[{"as_int": 1 << 40}] * 4),
        lambda meta: meta.update(storage_offset={"as_int": 1 << 20}),
        lambda meta: meta.update(storage_offset={"as_int": -8}),
        lambda meta: meta.update(sizes=[{"as_expr": {"expr_str": "print(1)"}}]),
        lambda meta: meta.update(dtype=99),
        lambda meta: meta.update(dtype=10),
        lambda meta: meta.update(layout=1),
        lambda meta: meta.clear(),
    ],
)
def test_tensors_that_reach_beyond_their_bytes(model: Path, change: Callable[[Any], None]) -> None:
    edit(model, WEIGHTS, lambda value: change(value["config"]["weight"]["tensor_meta"]))
    refused(model, "damaged|number format")


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.clear(),
        lambda value: value["schema_version"].update(major=9),
        lambda value: value["graph_module"].update(graph=[]),
        lambda value: value["graph_module"]["signature"].update(input_specs=[]),
        lambda value: value["graph_module"]["signature"].update(output_specs=[]),
        lambda value: value["graph_module"]["signature"]["input_specs"].append({"custom_obj": {"arg": {}}}),
        lambda value: value["graph_module"]["graph"].update(tensor_values={}),
        lambda value: value["graph_module"]["graph"]["nodes"][0].update(
            inputs=[{"name": "x", "arg": {"as_graph": {}}}]
        ),
        lambda value: first(value).update(outputs=[{"as_custom_obj": {}}]),
        lambda value: value["graph_module"]["graph"]["nodes"].append(7),
    ],
)
def test_graphs_of_another_form(model: Path, change: Callable[[Any], None]) -> None:
    edit(model, GRAPH, change)
    refused(model, "damaged or of a form|expected 8|takes a|takes 0|gives 0|is not read")


@pytest.mark.parametrize(
    "change",
    [
        lambda node: node.update(inputs=node["inputs"][:1]),
        lambda node: node["inputs"][0]["arg"].update(as_tensor={"name": "nowhere"}),
        lambda node: node["inputs"].append({"name": "groups", "arg": {"as_string": "many"}}),
        lambda node: node.update(outputs=[{"as_tensor": {"name": "elsewhere"}}]),
        lambda node: node.update(outputs=[]),
    ],
)
def test_graphs_that_cannot_run_are_one_line(model: Path, change: Callable[[Any], None]) -> None:
    edit(model, GRAPH, lambda value: change(first(value)))
    with pytest.raises(BenchError, match="cannot run"):
        paints(model)


def test_json_that_is_too_deep(model: Path) -> None:
    rewrite(model, lambda held: held.update({GRAPH: b"[" * 200_000}))
    refused(model, "damaged")


def test_conventions_that_are_no_text(model: Path) -> None:
    model.with_suffix(".json").write_bytes(pickle.dumps(Bomb(model.parent / "bomb")))
    refused(model, "is not UTF-8|no JSON")
    model.with_suffix(".json").write_bytes(b" " * (1 << 17))
    refused(model, "larger than")
