r"""Trained networks as the files the product carries: weights in 16 bits, computing in 32.

    python training/export.py build/detector/detector.onnx src/glassplate/recognize/models/plate-detector.onnx
    python training/export.py build/reader/reader.onnx src/glassplate/recognize/models/plate-reader.onnx \
        --blend build/reader/base.onnx --share 0.85

``--blend`` mixes the weights with those that training began with (Wortsman et al. 2021, arXiv 2109.01903): rendered
plates teach the reader, and a share of what it knew before keeps it steady on real ones.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

LEAST_VALUES = 256  # a smaller tensor is kept as it is: nothing is won


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with its large weights stored as float16, cast to float32 when the network is loaded."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < LEAST_VALUES:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_16"))
        casts.append(helper.make_node("Cast", [name + "_16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def blended(trained: onnx.ModelProto, before: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """``trained`` with ``share`` of its own weights and the rest of those it began with."""
    old = {one.name: numpy_helper.to_array(one) for one in before.graph.initializer}
    for weight in trained.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type == TensorProto.FLOAT:
            mixed = share * values + (1 - share) * old[weight.name]
            weight.CopyFrom(numpy_helper.from_array(mixed.astype(np.float32), weight.name))
    return trained


def main() -> None:
    """Write the small file, compare what both say, print what ``models.toml`` needs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--blend", type=Path, help="the network that training began with")
    parser.add_argument("--share", type=float, default=0.85, help="of the trained weights in the blend")
    args = parser.parse_args()
    target = args.target
    model = onnx.load(str(args.source))
    if args.blend:
        model = blended(model, onnx.load(str(args.blend)), args.share)
    whole = model.SerializeToString()
    small = halved(model).SerializeToString()
    target.write_bytes(small)
    before, after = (onnxruntime.InferenceSession(one) for one in (whole, small))
    name = before.get_inputs()[0].name
    channels = before.get_inputs()[0].shape[1]
    noise = np.random.default_rng(1).normal(0, 1, (1, channels, 48, 192)).astype(np.float32)
    difference = np.abs(before.run(None, {name: noise})[0] - after.run(None, {name: noise})[0]).max()
    print(
        f'file = "{target.name}"\nsha256 = "{hashlib.sha256(small).hexdigest()}"\nsize_bytes = {len(small)}'
    )
    print(f"# largest difference of an output on noise: {difference:.4f}")


if __name__ == "__main__":
    main()
