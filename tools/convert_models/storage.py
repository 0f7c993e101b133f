"""From a converted graph to the file that ships: folded, and weights that were float16 stored as float16."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SMALLEST_HALVED = 64  # elements; below it a cast costs more bytes than it saves


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """After ONNX Runtime's basic optimizations, which stay within the plain operators of its opset."""
    onnx.checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result = onnx.load(path)
    used = {node.domain for node in result.graph.node}
    kept = [one for one in result.opset_import if one.domain in used]
    del result.opset_import[:]
    result.opset_import.extend(kept)
    del result.graph.value_info[:]
    return result


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function in half the bytes: a weight whose values all are float16 is stored so, and cast when loaded.

    ONNX Runtime folds the casts at load, so that it computes in float32 as before.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for tensor in result.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_HALVED:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}/half"))
        casts.append(
            helper.make_node("Cast", [f"{name}/half"], [name], name=f"{name}/cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def outputs(model: onnx.ModelProto, picture: np.ndarray) -> dict[str, np.ndarray]:
    """What ``model`` answers to one picture (1 × 3 × rows × columns, float32), by output name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: picture}), strict=True))
