"""ONNX files: played by ONNX Runtime once they are known to name no other operator and no other file."""

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.exported import read
from bench.types import Images

onnx = pytest.importorskip("onnx", reason="pip install -e '.[onnx]'")
pytest.importorskip("onnxruntime", reason="pip install -e '.[onnx]'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after the check that it is there

SIZE = 16
SAID: dict[str, Any] = {
    "schema": 1,
    "name": "my-model",
    "track": "gray",
    "input": {"channels": ["condition"], "range": [0, 1]},
    "output": {"space": "rgb", "range": [0, 1]},
}
KERNEL = np.array([1.0, 0.5, 0.25], np.float32).reshape(3, 1, 1, 1)


def images(count: int = 3, size: int = SIZE) -> Images:
    gray = np.random.default_rng(1).integers(0, 256, (count, size, size), dtype=np.uint8)
    ids = tuple(f"i{k}" for k in range(count))
    return Images(ids, ids, np.zeros((*gray.shape, 3), np.uint8), gray)


def model(shape: tuple[Any, ...] = ("n", 1, "h", "w"), operator: str = "Conv", domain: str = "", **more: Any) -> Any:
    """One 1x1 convolution: the gray, a half and a quarter of it."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "kernel"], ["y"], domain=domain)],
        "tiny",
        [helper.make_tensor_value_info("x", more.pop("dtype", TensorProto.FLOAT), shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (shape[0], 3, *shape[2:]))],
        [numpy_helper.from_array(KERNEL, "kernel")],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="a-test", **more)


def write(path: Path, made: Any, convention: dict[str, Any] | None = SAID) -> Path:
    path.write_bytes(made.SerializeToString())
    if convention is not None:
        path.with_suffix(".json").write_text(json.dumps(convention))
    return path


def refused(path: Path, match: str) -> None:
    with pytest.raises(BenchError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("shape", [("n", 1, "h", "w"), (1, 1, SIZE, SIZE), (2, 1, SIZE, SIZE)])
def test_it_paints_what_the_graph_says(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    exported = read(write(tmp_path / "m.onnx", model(shape)))
    data = images()
    made = exported.predict(data, torch.device("cpu"))
    np.testing.assert_allclose(made, data.conditions[..., None] * KERNEL.ravel(), atol=0.51)
    facts = exported.facts()
    assert facts["format"] == "onnx"
    assert facts["parameters"] == 3
    assert facts["written_by"] == "a-test"
    assert facts["convention"] == SAID


def test_where_it_runs_is_said_and_not_only_where_it_was_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = read(write(tmp_path / "m.onnx", model()))
    gpu = torch.device("cuda", 0)
    for providers, place in ((["CPUExecutionProvider"], "cpu"), (["CUDAExecutionProvider"], "cuda")):
        monkeypatch.setattr("onnxruntime.get_available_providers", lambda providers=providers: providers)
        assert exported.place(gpu).type == place


def test_a_fixed_size_is_kept_or_resized(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model((1, 1, SIZE, SIZE)))
    with pytest.raises(BenchError, match="evaluate with --size 16"):
        read(path).predict(images(size=32), torch.device("cpu"))
    write(path, model((1, 1, SIZE, SIZE)), SAID | {"resize": "bicubic"})
    assert read(path).predict(images(size=32), torch.device("cpu")).shape == (3, 32, 32, 3)


def test_the_convention_may_stand_among_the_metadata(tmp_path: Path) -> None:
    made = model()
    helper.set_model_props(made, {"chromabench": json.dumps(SAID)})
    path = write(tmp_path / "m.onnx", made, None)
    assert read(path).name == "my-model"
    write(path, made)
    refused(path, "is another; delete one")


def test_without_a_convention(tmp_path: Path) -> None:
    refused(write(tmp_path / "m.onnx", model(), None), r"needs .*m\.json")


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_onnx_runtime_one_line_says_what_to_install(
    tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    refused(
        write(tmp_path / "m.onnx", model()),
        rf"needs {missing}, which is not installed: pip install -e '.\[onnx\]'",
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-3],
        lambda data: b"",
        lambda data: np.random.default_rng(0).bytes(2000),
        lambda data: pickle.dumps({"a": 1}),
        lambda data: b"PK\x03\x04" + data,
    ],
)
def test_a_damaged_file(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "m.onnx", model())
    path.write_bytes(damage(path.read_bytes()))
    refused(path, "is no ONNX file|is refused by ONNX Runtime")


@pytest.mark.parametrize("domain", ["com.microsoft", "mine", "ai.onnx.contrib"])
def test_custom_operators(tmp_path: Path, domain: str) -> None:
    refused(write(tmp_path / "m.onnx", model(operator="Run", domain=domain)), rf"custom operator {domain}\.Run")


def test_a_custom_operator_in_a_branch(tmp_path: Path) -> None:
    def branch(domain: str) -> Any:
        node = helper.make_node("Run" if domain else "Identity", ["x"], ["z"], domain=domain)
        return helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)])

    made = model()
    made.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    made.graph.node.append(
        helper.make_node("If", ["yes"], ["w"], then_branch=branch(""), else_branch=branch("com.microsoft"))
    )
    refused(write(tmp_path / "m.onnx", made), r"custom operator com\.microsoft\.Run")


def test_functions_of_the_file_itself_are_no_custom_operators(tmp_path: Path) -> None:
    opset = [helper.make_opsetid("", 17)]
    node = helper.make_node("Conv", ["a", "b"], ["c"])
    made = model(
        operator="Mine", domain="own", functions=[helper.make_function("own", "Mine", ["a", "b"], ["c"], [node], opset)]
    )
    assert read(write(tmp_path / "m.onnx", made)).predict(images(), torch.device("cpu")).any()


def outside(made: Any, location: str, offset: int | None = None, length: int | None = None) -> Any:
    """The kernel's data in another file."""
    kernel = made.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    facts = {"location": location, "offset": offset, "length": length}
    for key, value in facts.items():
        if value is not None:
            kernel.external_data.add(key=key, value=str(value))
    return made


def test_data_in_a_neighbour_is_read_and_has_a_checksum(tmp_path: Path) -> None:
    (tmp_path / "m.onnx.data").write_bytes(bytes(4) + KERNEL.tobytes())
    exported = read(write(tmp_path / "m.onnx", outside(model(), "m.onnx.data", 4, 12)))
    data = images()
    made = exported.predict(data, torch.device("cpu"))
    np.testing.assert_allclose(made, data.conditions[..., None] * KERNEL.ravel(), atol=0.51)
    assert list(exported.facts()["data"]) == ["m.onnx.data"]


@pytest.mark.parametrize(
    "location",
    [
        "../secret",
        "/etc/passwd",
        "sub/secret",
        "",
        ".",
        "..",
        "link",
        "none",
        "..\\secret",
        "a\0b",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
def test_data_elsewhere_is_not_opened(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "secret", folder / "sub" / "secret"):
        place.write_bytes(KERNEL.tobytes())
    (folder / "link").symlink_to(tmp_path / "secret")
    refused(write(folder / "m.onnx", outside(model(), location)), "must be a plain file beside it")


def test_data_elsewhere_in_a_constant_of_a_node(tmp_path: Path) -> None:
    made = model()
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    made.graph.node.append(helper.make_node("Constant", [], ["unused"], value=value))
    tensor = made.graph.node[1].attribute[0].t
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    refused(write(tmp_path / "m.onnx", made), "must be a plain file beside it")


@pytest.mark.parametrize(("offset", "length"), [(0, 1000), (1000, 12), (-1, 12), ("x", 12)])
def test_a_neighbour_that_is_too_short(tmp_path: Path, offset: Any, length: Any) -> None:
    (tmp_path / "data").write_bytes(KERNEL.tobytes())
    refused(write(tmp_path / "m.onnx", outside(model(), "data", offset, length)), "needs more of 'data'")


def test_other_inputs_and_outputs(tmp_path: Path) -> None:
    two = model()
    two.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, (1,)))
    refused(write(tmp_path / "two.onnx", two), "takes 2 tensors")
    refused(write(tmp_path / "channels.onnx", model(("n", 2, "h", "w"))), "convention says|refused by ONNX Runtime")
    refused(write(tmp_path / "space.onnx", model(), SAID | {"output": {"space": "ab", "scale": 1}}), "gives 3 channels")
    refused(write(tmp_path / "operator.onnx", model(operator="NoSuch")), "refused by ONNX Runtime")


def test_an_output_of_another_shape(tmp_path: Path) -> None:
    made = model()
    made.graph.node[0].attribute.append(helper.make_attribute("strides", [2, 2]))
    del made.graph.output[0].type.tensor_type.shape.dim[:]
    made.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(BenchError, match="must give"):
        read(write(tmp_path / "m.onnx", made)).predict(images(), torch.device("cpu"))
