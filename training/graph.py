"""An ONNX graph as a PyTorch module, so that a published network can be trained further.

Covers the operators that PP-OCRv6's reader uses and refuses any other. Floating-point initializers become
parameters under their ONNX names, so that ``write_back`` can put trained values into the same graph: its shape,
its dynamic width and its operators stay as published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own name for it
from onnx import numpy_helper

if TYPE_CHECKING:
    from pathlib import Path


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


class GraphModule(torch.nn.Module):
    """Runs the graph node by node. Batch normalization keeps the published statistics."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        self._constants: dict[str, torch.Tensor] = {}
        self._names: dict[str, str] = {}
        statistics = {
            name
            for node in model.graph.node
            if node.op_type == "BatchNormalization"
            for name in node.input[3:]
        }
        for initializer in model.graph.initializer:
            value = torch.from_numpy(np.array(numpy_helper.to_array(initializer)))
            if value.is_floating_point() and value.numel() > 1 and initializer.name not in statistics:
                attribute = "p_" + initializer.name.replace(".", "_")
                self.register_parameter(attribute, torch.nn.Parameter(value))
                self._names[initializer.name] = attribute
            else:
                self._constants[initializer.name] = value
        self._nodes = []
        for node in model.graph.node:
            if node.op_type == "Constant":
                self._constants[node.output[0]] = torch.from_numpy(
                    np.array(numpy_helper.to_array(_attributes(node)["value"]))
                )
            else:
                self._nodes.append((node.op_type, list(node.input), node.output[0], _attributes(node)))
        self._nodes = _with_gelu(self._nodes)
        self._input = model.graph.input[0].name
        self._outputs = [one.name for one in model.graph.output]
        self._uses: dict[str, int] = {}
        for _, inputs, _, _ in self._nodes:
            for name in inputs:
                self._uses[name] = self._uses.get(name, 0) + 1

    def parameter_of(self, initializer: str) -> torch.nn.Parameter:
        """The parameter made of the initializer of that name."""
        return self.get_parameter(self._names[initializer])

    def trained(self) -> dict[str, np.ndarray]:
        """ONNX name -> value now."""
        return {
            name: self.get_parameter(attribute).detach().float().numpy()
            for name, attribute in self._names.items()
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values: dict[str, torch.Tensor] = {self._input: x}
        left = dict(self._uses)

        def get(name: str) -> torch.Tensor:
            if name in values:
                return values[name]
            if name in self._names:
                return self.get_parameter(self._names[name])
            return self._constants[name]

        for kind, inputs, output, attributes in self._nodes:
            values[output] = _OPERATORS[kind](attributes, *(get(name) if name else None for name in inputs))
            for name in inputs:
                left[name] -= 1
                if left[name] == 0 and name in values and name not in self._outputs:
                    del values[name]
        return values[self._outputs[0]]


Node = tuple[str, list[str], str, dict[str, Any]]


def _with_gelu(nodes: list[Node]) -> list[Node]:
    """``Div, Erf, Add, Mul, Mul`` as one operator: a quarter of the training time."""
    makers = {output: (kind, inputs) for kind, inputs, output, _ in nodes if kind != "Identity"}
    alias = {output: inputs[0] for kind, inputs, output, _ in nodes if kind == "Identity"}

    def maker(name: str) -> tuple[str, list[str]]:
        while name in alias:
            name = alias[name]
        return makers.get(name, ("", []))

    out: list[Node] = []
    for kind, inputs, output, attributes in nodes:
        replaced: tuple[str, list[str]] | None = None
        if kind == "Mul":
            for inner in inputs:
                first, (x, y) = maker(inner)[0], (maker(inner)[1] + ["", ""])[:2]
                adds = [maker(one) for one in (x, y)]
                if first == "Mul" and any(one[0] == "Add" and maker(one[1][0])[0] == "Erf" for one in adds):
                    erf = next(
                        maker(one[1][0]) for one in adds if one[0] == "Add" and maker(one[1][0])[0] == "Erf"
                    )
                    replaced = "Gelu", [maker(erf[1][0])[1][0]]
                    break
        out.append((*(replaced or (kind, inputs)), output, attributes))
    return _needed(out)


def _needed(nodes: list[Node]) -> list[Node]:
    """Without what nothing asks for; the last node is the output."""
    wanted, kept = {nodes[-1][2]}, []
    for node in reversed(nodes):
        if node[2] in wanted:
            wanted.update(node[1])
            kept.append(node)
    return kept[::-1]


def _same_padding(x: torch.Tensor, kernel: list[int], value: float) -> torch.Tensor:
    """SAME_UPPER for stride 1: the odd row and column go below and to the right."""
    pads = []
    for size in reversed(kernel):
        total = size - 1
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def _convolution(
    a: dict[str, Any], x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    if a.get("auto_pad", b"NOTSET") == b"SAME_UPPER":
        assert a["strides"] == [1, 1]
        x, padding = _same_padding(x, a["kernel_shape"], 0.0), (0, 0)
    else:
        top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
        assert (top, left) == (bottom, right)
        padding = (top, left)
    return F.conv2d(x, weight, bias, a["strides"], padding, a["dilations"], a["group"])


def _max_pool(a: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    assert a.get("auto_pad") == b"SAME_UPPER"
    return F.max_pool2d(_same_padding(x, a["kernel_shape"], float("-inf")), a["kernel_shape"], a["strides"])


def _average_pool(a: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    assert not any(a.get("pads", [0]))
    return F.avg_pool2d(x, a["kernel_shape"], a["strides"], ceil_mode=bool(a.get("ceil_mode", 0)))


def _reduce_mean(a: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    return x.mean(tuple(a["axes"]), keepdim=bool(a.get("keepdims", 1)))


def _slice(
    _: dict[str, Any], x: torch.Tensor, starts: Any, ends: Any, axes: Any, _steps: Any = None
) -> torch.Tensor:
    cut = [slice(None)] * x.dim()
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        cut[axis] = slice(start, min(end, 2**31), 1)
    return x[tuple(cut)]


def _reshape(_: dict[str, Any], x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    wanted = [x.shape[at] if size == 0 else size for at, size in enumerate(shape.tolist())]
    return x.reshape(wanted)


def _squeeze(a: dict[str, Any], x: torch.Tensor, axes: torch.Tensor | None = None) -> torch.Tensor:
    for axis in sorted(a["axes"] if axes is None else axes.tolist(), reverse=True):
        x = x.squeeze(axis)
    return x


def _unsqueeze(a: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    for axis in a["axes"]:
        x = x.unsqueeze(axis)
    return x


def _normalize(
    a: dict[str, Any], x: torch.Tensor, scale: Any, bias: Any, mean: Any, variance: Any
) -> torch.Tensor:
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, a.get("epsilon", 1e-5))


_OPERATORS: dict[str, Any] = {
    "Identity": lambda a, x: x,
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y,
    "Pow": lambda a, x, y: x * x if y.numel() == 1 and float(y) == 2.0 else x**y,
    "Sqrt": lambda a, x: x.sqrt(),
    "Erf": lambda a, x: torch.erf(x),
    "Gelu": lambda a, x: F.gelu(x),
    "Relu": lambda a, x: F.relu(x),
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "HardSigmoid": lambda a, x: (x * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "Softmax": lambda a, x: x.softmax(a.get("axis", -1)),
    "MatMul": lambda a, x, y: x @ y,
    "Conv": _convolution,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "ReduceMean": _reduce_mean,
    "BatchNormalization": _normalize,
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Shape": lambda a, x: torch.tensor(x.shape),
}


def write_back(model: onnx.ModelProto, trained: dict[str, np.ndarray], path: Path) -> None:
    """Save ``model`` at ``path`` with the trained values in place of the published ones."""
    for initializer in model.graph.initializer:
        if initializer.name in trained:
            initializer.CopyFrom(numpy_helper.from_array(trained[initializer.name], initializer.name))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
