"""Train the plate reader: PP-OCRv6's recognizer, its 18,710 classes cut to 37, trained further on rendered plates.

python training/reader.py --fonts F --minutes 90 --out build/reader
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import numpy_helper

from damage import compress, dirt, lens, light
from graph import GraphModule, write_back
from plate_designs import designs
from plate_fonts import Fonts
from plates import Plate, PlateRenderer

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
HEIGHT, WIDTH = 48, 192
HEAD_WEIGHT, HEAD_BIAS, LOGITS = "linear_8.w_0", "linear_8.b_0", "p2o.pd_op.add.79.0"


def crop_of(plate: Plate, rng: np.random.Generator, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """A plate as a camera and a detector would hand it over: H×W×3 RGB uint8, stretched to ``size``."""
    height, width = plate.canvas.shape[:2]
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    if rng.random() < 0.6:  # a band around the characters
        p_top, p_bottom = plate.print_box[1], plate.print_box[3]
        cap = p_bottom - p_top
        top = max(0.0, p_top - abs(rng.normal(0, 0.28)) * cap - 0.02 * cap)
        bottom = min(float(height), p_bottom + abs(rng.normal(0, 0.28)) * cap + 0.02 * cap)
        left, right = left - rng.normal(0.01, 0.025) * width, right + rng.normal(0.01, 0.025) * width
        left, right = min(left, plate.print_box[0] - 2), max(right, plate.print_box[2] + 2)
    else:
        left, right = left - rng.uniform(-0.03, 0.1) * width, right + rng.uniform(-0.03, 0.1) * width
        left, right = min(left, plate.print_box[0] - 2), max(right, plate.print_box[2] + 2)
        top, bottom = top - rng.uniform(-0.05, 0.18) * height, bottom + rng.uniform(-0.05, 0.18) * height
    seen_width = float(np.exp(rng.uniform(np.log(46), np.log(240))))
    scale_x = seen_width / width
    scale_y = scale_x * rng.uniform(0.8, 1.15)
    out_w, out_h = max(16, round((right - left) * scale_x)), max(8, round((bottom - top) * scale_y))
    source = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    middle = source.mean(0)
    angle, shear = rng.normal(0, 0.04 if rng.random() < 0.75 else 0.09), rng.normal(0, 0.06)
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]], np.float32)
    source = (source - middle) @ turn.T + middle
    source += rng.normal(0, 0.012, (4, 2)).astype(np.float32) * np.array([width, height], np.float32)
    canvas = plate.canvas
    around = rng.uniform(0, 255, 3).astype(np.float32)
    pad = 40
    canvas = cv2.copyMakeBorder(canvas, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=around.tolist())
    if rng.random() < 0.5:
        canvas[: pad - 2] += rng.normal(0, 25)
        canvas[-pad + 2 :] += rng.normal(0, 25)
    shrink = min(scale_x, scale_y)
    if shrink < 0.75:
        canvas = cv2.GaussianBlur(canvas, (0, 0), 0.42 / shrink)
    target = np.array([[0, 0], [out_w, 0], [out_w, out_h], [0, out_h]], np.float32)
    warp = cv2.getPerspectiveTransform(source + pad, target)
    picture = cv2.warpPerspective(
        canvas, warp, (out_w, out_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    picture = lens(light(dirt(picture, rng), rng), rng, strength=np.clip(seen_width / 90, 0.5, 2.2))
    pixels = compress(picture, rng)
    if rng.random() < 0.07:
        pixels = 255 - pixels
    return cv2.resize(
        pixels, (size[1], size[0]), interpolation=cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    )


class RenderedPlates(torch.utils.data.IterableDataset):
    """Endless fresh plates; every worker draws others."""

    def __init__(self, fonts: Path, regions: Path | None, seed: int) -> None:
        self.fonts, self.regions, self.seed = fonts, regions, seed

    def __iter__(self):  # noqa: ANN204 - tensors of one plate
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, 0 if worker is None else worker.id])
        known = designs(self.regions) if self.regions is not None and self.regions.exists() else []
        renderer = PlateRenderer(Fonts(self.fonts), known, rng)
        while True:
            plate = renderer.render()
            if not plate.text:
                continue
            label = torch.zeros(10, dtype=torch.long)
            values = [ALPHABET.index(one) + 1 for one in plate.text[:9]]
            label[: len(values)] = torch.tensor(values)
            yield torch.from_numpy(crop_of(plate, rng)), label, len(values)


def as_input(pixels: torch.Tensor) -> torch.Tensor:
    """RGB bytes to the network's input: BGR, from -1 to 1."""
    return (
        ((pixels.flip(-1).float() / 255 - 0.5) / 0.5)
        .permute(0, 3, 1, 2)
        .contiguous(memory_format=torch.channels_last)
    )


def base_model(path: Path) -> onnx.ModelProto:
    """The published network with a head of 37 classes (0 = blank) and logits as its output."""
    model = onnx.load(str(path))
    metadata = {one.key: one.value for one in model.metadata_props}
    classes = ["", *metadata["character"].splitlines()]
    columns = [0, *(classes.index(one) for one in ALPHABET)]
    for initializer in model.graph.initializer:
        if initializer.name in (HEAD_WEIGHT, HEAD_BIAS):
            cut = np.ascontiguousarray(numpy_helper.to_array(initializer)[..., columns])
            initializer.CopyFrom(numpy_helper.from_array(cut, initializer.name))
    nodes = [
        node
        for node in model.graph.node
        if node.op_type != "Softmax" or node.output[0] != model.graph.output[0].name
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.output[0].name = LOGITS
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = len(columns)
    del model.metadata_props[:]
    return model


def texts(logits: torch.Tensor) -> list[str]:
    """Greedy CTC."""
    out = []
    for row in logits.argmax(-1).tolist():
        before, text = 0, ""
        for one in row:
            if one not in (0, before):
                text += ALPHABET[one - 1]
            before = one
        out.append(text)
    return out


def main() -> None:
    """Train for the minutes asked for; averaged weights are saved every four minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument(
        "--base", type=Path, required=True, help="PP-OCRv6_rec_small.onnx of the rapidocr wheel"
    )
    parser.add_argument("--regions", type=Path, default=Path("src/glassplate/recognize/regions.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    model = base_model(args.base)
    onnx.save(model, str(args.out / "base.onnx"))
    network = GraphModule(model).to(memory_format=torch.channels_last)
    if args.resume:
        network.load_state_dict(torch.load(args.resume))
    average = {name: value.detach().clone() for name, value in network.named_parameters()}
    # One rate a tensor, as a share of its size: the published weights have normalization folded in and differ in
    # size by two orders, so one absolute rate for all first destroys what they know.
    groups = [
        {"params": [value], "size": max(float(value.detach().square().mean().sqrt()), 1e-3)}
        for value in network.parameters()
    ]
    optimizer = torch.optim.AdamW(groups, args.rate, weight_decay=1e-3)
    loader = iter(
        torch.utils.data.DataLoader(
            RenderedPlates(args.fonts, args.regions, args.seed), args.batch, num_workers=1, prefetch_factor=8
        )
    )
    started, step, shown, exact, seen = time.time(), 0, 0.0, 0, 0
    log = (args.out / "loss.jsonl").open("a")
    saved = started
    while (share := (time.time() - started) / (args.minutes * 60)) < 1:
        pixels, labels, lengths = next(loader)
        rate = args.rate * min(1.0, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-6
        for group in optimizer.param_groups:
            group["lr"] = rate * group["size"]
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(as_input(pixels))
        logits = logits.float()
        steps = torch.full((len(pixels),), logits.shape[1], dtype=torch.long)
        loss = F.ctc_loss(logits.log_softmax(-1).transpose(0, 1), labels, steps, lengths, zero_infinity=True)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        step += 1
        decay = min(0.999, step / (step + 20))
        with torch.no_grad():
            for name, value in network.named_parameters():
                average[name].lerp_(value, 1 - decay)
        shown += float(loss.detach())
        truth = ["".join(ALPHABET[v - 1] for v in row if v > 0) for row in labels.tolist()]
        exact += sum(a == b for a, b in zip(texts(logits), truth, strict=True))
        seen += len(truth)
        if step % 100 == 0:
            line = {
                "step": step,
                "samples": step * args.batch,
                "minutes": round((time.time() - started) / 60, 1),
                "loss": round(shown / 100, 4),
                "exact": round(exact / seen, 4),
                "rate": round(rate, 7),
            }
            print(json.dumps(line), flush=True)
            log.write(json.dumps(line) + "\n")
            log.flush()
            shown, exact, seen = 0.0, 0, 0
        if time.time() - saved > 240 or share > 0.999:
            _save(network, average, args)
            saved = time.time()
    _save(network, average, args)


def _save(network: GraphModule, average: dict[str, torch.Tensor], args: argparse.Namespace) -> None:
    """The averaged weights as a state to go on from and as ONNX."""
    kept = {name: value.detach().clone() for name, value in network.named_parameters()}
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(average[name])
    torch.save(network.state_dict(), args.out / "reader.pt")
    write_back(base_model(args.base), network.trained(), args.out / "reader.onnx")
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(kept[name])


if __name__ == "__main__":
    main()
