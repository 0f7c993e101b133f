"""A TensorFlow.js graph model as an ONNX graph, for the operators that NanoDet uses. Any other is refused.

TensorFlow's pictures are rows × columns × channels and ONNX's are channels first: every operator that cares stands
between two transposes, and ONNX Runtime's first optimization cancels the pairs.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx

OPSET, IR_VERSION = 13, 8
TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
Weights = dict[str, npt.NDArray[Any]]


class ConversionError(Exception):
    """The source is not what the converter was written for."""


def read_graph(folder: Path, name: str) -> tuple[dict[str, Any], Weights]:
    """The nodes by name, and the constants, of ``name``.json with its weights file beside it.

    Raises:
        ConversionError: the weights file is longer or shorter than the manifest says.
    """
    document = json.loads((folder / f"{name}.json").read_text())
    nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
    weights: Weights = {}
    for group in document["weightsManifest"]:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for weight in group["weights"]:
            stored = np.dtype(weight.get("quantization", weight)["dtype"])
            count = int(np.prod(weight["shape"], dtype=np.int64))
            values = np.frombuffer(data, stored, count, offset)
            weights[weight["name"]] = values.astype(weight["dtype"]).reshape(weight["shape"])
            offset += count * stored.itemsize
        if offset != len(data):  # a wrong type would show here
            raise ConversionError(f"The weights of {name} end at byte {offset}, the file at {len(data)}.")
    return nodes, weights


def to_onnx(nodes: dict[str, Any], weights: Weights, outputs: Mapping[str, str]) -> onnx.ModelProto:
    """The part of the graph that ``outputs`` (node → name in the result) need.

    Raises:
        ConversionError: an operator, or a use of one, that is not known here.
    """
    build = _Build(nodes, weights)
    for node, name in outputs.items():
        build.add(node)
        build.emit("Identity", [node], [name])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3) for name in outputs.values()]
    graph = helper.make_graph(build.made, "converted", build.inputs, ends, build.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="glassplate")


class _Build:
    def __init__(self, nodes: dict[str, Any], weights: Weights) -> None:
        self.made: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._nodes, self._weights = nodes, weights
        self._done: set[str] = set()

    def add(self, name: str) -> None:
        """Convert ``name`` and first everything it needs."""
        if name in self._done or name in self._weights:
            return
        self._done.add(name)
        node = self._nodes[name]
        inputs = [one.removesuffix(":0") for one in node.get("input", []) if not one.startswith("^")]
        for one in inputs:
            self.add(one.split(":")[0])
        convert = getattr(self, f"_{node['op'].lower()}", None)
        if convert is None:
            raise ConversionError(f"{name}: the operator {node['op']} is not known.")
        convert(name, inputs, node.get("attr", {}))

    def emit(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self.made.append(helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes))

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def value(self, name: str) -> npt.NDArray[Any]:
        if name not in self._weights:
            raise ConversionError(f"{name} must be a constant.")
        return self._weights[name]

    def operand(self, name: str, consumer: str) -> str:
        """A constant becomes an initializer of its consumer; anything else is there already."""
        return self.constant(f"{consumer}/{name}", self._weights[name]) if name in self._weights else name

    def _channels_first(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> None:
        turned, result = f"{name}/turned", f"{name}/result"
        self.emit("Transpose", inputs[:1], [turned], perm=TO_CHANNELS_FIRST)
        self.emit(operator, [turned, *inputs[1:]], [result], **attributes)
        self.emit("Transpose", [result], [name], perm=TO_CHANNELS_LAST)

    def _placeholder(self, name: str, _: list[str], attributes: dict[str, Any]) -> None:
        shape = [max(1, int(one["size"])) for one in attributes["shape"]["shape"]["dim"]]
        self.inputs.append(helper.make_tensor_value_info("input", TensorProto.FLOAT, shape))
        self.emit("Identity", ["input"], [name])

    def _identity(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Identity", inputs, [name])

    def _conv2d(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        kernel = self.constant(f"{name}/kernel", self.value(inputs[1]).transpose(3, 2, 0, 1))
        self._channels_first(
            "Conv",
            name,
            [inputs[0], kernel],
            strides=_of_rows_and_columns(attributes["strides"]),
            dilations=_of_rows_and_columns(attributes["dilations"]),
            auto_pad=_padding(attributes),
        )

    def _maxpool(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        self._channels_first(
            "MaxPool",
            name,
            inputs,
            kernel_shape=_of_rows_and_columns(attributes["ksize"]),
            strides=_of_rows_and_columns(attributes["strides"]),
            auto_pad=_padding(attributes),
        )

    def _resizebilinear(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        if attributes["align_corners"]["b"] or not attributes["half_pixel_centers"]["b"]:
            raise ConversionError(f"{name}: only resizing between half-pixel centers is known.")
        size = self.constant(f"{name}/size", self.value(inputs[1]).astype(np.int64))
        first_two = self.constant(f"{name}/first_two", np.array([0, 1], dtype=np.int64))
        turned, shape, kept, sizes = (f"{name}/{part}" for part in ("turned", "shape", "kept", "sizes"))
        self.emit("Transpose", inputs[:1], [turned], perm=TO_CHANNELS_FIRST)
        self.emit("Shape", [turned], [shape])
        self.emit("Gather", [shape, first_two], [kept])
        self.emit("Concat", [kept, size], [sizes], axis=0)
        self.emit(
            "Resize",
            [turned, "", "", sizes],
            [f"{name}/result"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        self.emit("Transpose", [f"{name}/result"], [name], perm=TO_CHANNELS_LAST)

    def _leakyrelu(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.emit("LeakyRelu", inputs, [name], alpha=attributes["alpha"]["f"])

    def _sigmoid(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Sigmoid", inputs, [name])

    def _add(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        if all(one in self._weights for one in inputs):
            self._weights[name] = self.value(inputs[0]) + self.value(inputs[1])
        else:
            self.emit("Add", [self.operand(one, name) for one in inputs], [name])

    _addv2 = _add

    def _sparsetodense(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        places, shape, values, fill = (self.value(one) for one in inputs)
        dense = np.full(shape, fill, dtype=values.dtype)
        if len(places):
            dense[tuple(places.T)] = values
        self._weights[name] = dense

    def _transpose(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Transpose", inputs[:1], [name], perm=self.value(inputs[1]).tolist())

    def _reshape(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        shape = self.constant(f"{name}/shape", self.value(inputs[1]).astype(np.int64))
        self.emit("Reshape", [inputs[0], shape], [name])

    def _concatv2(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Concat", inputs[:-1], [name], axis=int(self.value(inputs[-1])))

    def _splitv(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        sizes = self.constant(f"{name}/sizes", self.value(inputs[1]).astype(np.int64))
        ends = [name, *(f"{name}:{number}" for number in range(1, int(attributes["num_split"]["i"])))]
        self.emit("Split", [inputs[0], sizes], ends, axis=int(self.value(inputs[2])))

    def _pad(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        around = self.constant(f"{name}/around", self.value(inputs[1]).T.ravel().astype(np.int64))
        filling = [self.operand(one, name) for one in inputs[2:]]
        self.emit("Pad", [inputs[0], around, *filling], [name])

    _padv2 = _pad


def _of_rows_and_columns(attribute: dict[str, Any]) -> list[int]:
    return [int(one) for one in attribute["list"]["i"][1:3]]


def _padding(attributes: dict[str, Any]) -> str:
    padding = base64.b64decode(attributes["padding"]["s"]).decode()
    if padding not in ("SAME", "VALID") or base64.b64decode(attributes["data_format"]["s"]) != b"NHWC":
        raise ConversionError(f"Padding {padding} or the order of axes is not known.")
    return "SAME_UPPER" if padding == "SAME" else "VALID"
