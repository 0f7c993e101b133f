"""CenterFace as published, made to take a picture of any size."""

from __future__ import annotations

import onnx

INPUT = "input"
OUTPUTS = {"537": "heat", "538": "log_size", "539": "offset"}
"""Of the published file. Its fourth, five points of each face, is left out: nobody is recognized here."""
STRIDE = 4


def any_size(published: onnx.ModelProto) -> onnx.ModelProto:
    """One picture of any height and width; what only the left-out output needed is gone."""
    source = onnx.ModelProto()
    source.CopyFrom(published)
    graph = source.graph
    weights = {one.name for one in graph.initializer}
    (picture,) = [one for one in graph.input if one.name not in weights]
    names = {picture.name: INPUT, **OUTPUTS}
    nodes = _needed(graph, set(OUTPUTS))
    used = {name for node in nodes for name in node.input}
    for node in nodes:
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    make = onnx.helper.make_tensor_value_info
    result = onnx.helper.make_graph(
        nodes,
        "centerface",
        [make(INPUT, onnx.TensorProto.FLOAT, [1, 3, "height", "width"])],
        [make(name, onnx.TensorProto.FLOAT, [1, None, None, None]) for name in OUTPUTS.values()],
        [one for one in graph.initializer if one.name in used],
    )
    return onnx.helper.make_model(
        result, opset_imports=published.opset_import, ir_version=8, producer_name="glassplate"
    )


def _needed(graph: onnx.GraphProto, ends: set[str]) -> list[onnx.NodeProto]:
    wanted, kept = set(ends), []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]
