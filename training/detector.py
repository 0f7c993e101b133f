"""Train the plate detector: a small anchor-free network on gray pixels that gives a box and four corners.

python training/detector.py --data ../shared/data/dashcam --fonts F --minutes 40 --out build/detector
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from scenes import STRIDE, WINDOW, Windows, photos

CHANNELS = 13  # a logit, left top right bottom in strides, eight corner offsets in box sizes


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3×3 convolution, batch normalization, SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU(inplace=True)
    )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = block(channels, channels), block(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(self.first(x))


class Detector(nn.Module):
    """N×1×H×W gray, 128 taken off and divided by 64, sides multiples of 16 → N×13×H/8×W/8."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        self.near = nn.Sequential(
            block(1, w, 2), block(w, 2 * w, 2), block(2 * w, 2 * w), block(2 * w, 4 * w, 2), Residual(4 * w)
        )
        self.far = nn.Sequential(block(4 * w, 8 * w, 2), Residual(8 * w), Residual(8 * w), Residual(8 * w))
        self.down = nn.Conv2d(8 * w, 4 * w, 1)
        self.mix = block(4 * w, 4 * w)
        self.head = nn.Conv2d(4 * w, CHANNELS, 1)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[0] = -4.0
            self.head.weight[5:] *= 0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = self.near(x)
        far = F.interpolate(self.down(self.far(near)), scale_factor=2.0, mode="nearest")
        out = self.head(self.mix(near + far))
        return torch.cat([out[:, :1], out[:, 1:5].clamp(-4, 4).exp(), out[:, 5:]], 1)


def targets(boxes: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heat, which cells regress, their distances (4, in strides), their corner offsets (8, NaN unknown)."""
    height, width = WINDOW[0] // STRIDE, WINDOW[1] // STRIDE
    heat = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    distance = np.zeros((4, height, width), np.float32)
    offsets = np.full((8, height, width), np.nan, np.float32)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) * STRIDE + STRIDE / 2
    for box, points in zip(boxes, corners, strict=True):
        w, h = box[2] - box[0], box[3] - box[1]
        dx, dy = xs - (box[0] + box[2]) / 2, ys - (box[1] + box[3]) / 2
        bump = np.exp(-((dx / max(0.22 * w, 5)) ** 2 + (dy / max(0.3 * h, 5)) ** 2))
        near = np.unravel_index(np.argmin(dx**2 + dy**2), dx.shape)
        bump[near] = 1.0
        inside = (np.abs(dx) <= max(0.2 * w, 4.1)) & (np.abs(dy) <= max(0.25 * h, 4.1))
        heat = np.maximum(heat, bump)
        weight[inside] = 1
        sides = np.stack([xs - box[0], ys - box[1], box[2] - xs, box[3] - ys]) / STRIDE
        distance[:, inside] = sides[:, inside].clip(0.05)
        frame = np.array([box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]])
        relative = (points - frame) / np.array([w, h] * 4)
        offsets[:, inside] = relative[:, None]
    return heat, weight, distance, offsets


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, data: Path, fonts: Path, regions: Path, seed: int) -> None:
        self.data, self.fonts, self.regions, self.seed = data, fonts, regions, seed

    def __iter__(self):  # noqa: ANN204 - tensors of one window
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        windows = Windows(photos(self.data, "train"), self.fonts, self.regions, self.seed)
        while True:
            picture, boxes, corners = windows.make()
            yield (
                torch.from_numpy((picture[None] - 128) / 64).float(),
                *(torch.from_numpy(one) for one in targets(boxes, corners)),
            )


def loss_of(
    out: torch.Tensor, heat: torch.Tensor, weight: torch.Tensor, distance: torch.Tensor, offsets: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Penalty-reduced focal loss on the heat; IoU and log-distance on the box; L1 on known corners."""
    logit, sides, points = out[:, 0], out[:, 1:5], out[:, 5:]
    score = torch.sigmoid(logit).clamp(1e-5, 1 - 1e-5)
    center = heat.eq(1).float()
    focal = -(
        center * (1 - score) ** 2 * score.log()
        + (1 - center) * (1 - heat) ** 4 * score**2 * (1 - score).log()
    )
    focal = focal.sum() / center.sum().clamp(min=1)
    if float(weight.sum()) == 0:
        zero = focal * 0
        return focal, zero, zero
    at = weight > 0
    p, t = sides.permute(0, 2, 3, 1)[at], distance.permute(0, 2, 3, 1)[at]
    overlap = (torch.minimum(p[:, 0], t[:, 0]) + torch.minimum(p[:, 2], t[:, 2])) * (
        torch.minimum(p[:, 1], t[:, 1]) + torch.minimum(p[:, 3], t[:, 3])
    )
    area_p, area_t = (p[:, 0] + p[:, 2]) * (p[:, 1] + p[:, 3]), (t[:, 0] + t[:, 2]) * (t[:, 1] + t[:, 3])
    iou = overlap / (area_p + area_t - overlap)
    box = ((1 - iou) + 0.1 * ((t + 0.05).log() - (p + 0.05).log()).abs().mean(1)).mean()
    q, u = points.permute(0, 2, 3, 1)[at], offsets.permute(0, 2, 3, 1)[at]
    known = ~u.isnan().any(1)
    corner = (q[known] - u[known]).abs().mean() if bool(known.any()) else focal * 0
    return focal, box, corner


def main() -> None:
    """Train for the minutes asked for; weights are saved every three minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--regions", type=Path, default=Path("src/glassplate/recognize/regions.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="a detector.pt to go on from")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    network = Detector(args.width).to(memory_format=torch.channels_last)
    if args.resume:
        network.load_state_dict(torch.load(args.resume))
    print(sum(one.numel() for one in network.parameters()), "parameters", flush=True)
    average = {name: value.detach().clone().float() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), args.rate, weight_decay=1e-2)
    loader = iter(
        torch.utils.data.DataLoader(
            Stream(args.data, args.fonts, args.regions, args.seed),
            args.batch,
            num_workers=1,
            prefetch_factor=8,
        )
    )
    started, saved, step, shown = time.time(), time.time(), 0, np.zeros(3)
    log = (args.out / "loss.jsonl").open("a")
    while (share := (time.time() - started) / (args.minutes * 60)) < 1:
        pictures, *truth = next(loader)
        rate = args.rate * min(1.0, (step + 1) / 100) * (0.505 + 0.495 * np.cos(np.pi * share))
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            out = network(pictures.contiguous(memory_format=torch.channels_last))
        parts = loss_of(out.float(), *truth)
        loss = parts[0] + 2 * parts[1] + 2 * parts[2]
        optimizer.zero_grad()
        loss.backward()
        if not torch.isfinite(torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)):
            continue  # one batch in thousands overflows in bfloat16
        optimizer.step()
        step += 1
        decay = min(0.998, step / (step + 10))
        for name, value in network.state_dict().items():
            average[name].lerp_(value.float(), 1 - decay)
        shown += [float(one.detach()) for one in parts]
        if step % 100 == 0:
            line = {
                "step": step,
                "windows": step * args.batch,
                "minutes": round((time.time() - started) / 60, 1),
                "heat": round(shown[0] / 100, 4),
                "box": round(shown[1] / 100, 4),
                "corner": round(shown[2] / 100, 4),
            }
            print(json.dumps(line), flush=True)
            log.write(json.dumps(line) + "\n")
            log.flush()
            shown[:] = 0
        if time.time() - saved > 180:
            save(average, args)
            saved = time.time()
    save(average, args)


def save(average: dict[str, torch.Tensor], args: argparse.Namespace) -> None:
    """The averaged weights as a state and as ONNX of any height and width, normalization folded in."""
    network = Detector(args.width)
    network.load_state_dict(
        {name: value.to(network.state_dict()[name].dtype) for name, value in average.items()}
    )
    network.eval()
    torch.save(network.state_dict(), args.out / "detector.pt")
    axes = {"gray": {2: "height", 3: "width"}, "cells": {2: "rows", 3: "columns"}}
    torch.onnx.export(
        network,
        torch.zeros(1, 1, 64, 96),
        str(args.out / "detector.onnx"),
        input_names=["gray"],
        output_names=["cells"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
