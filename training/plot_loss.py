"""Draw loss curves: ``python training/plot_loss.py training/curves docs/pictures/training-loss.png``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

CURVES = {
    "plate-detector": ("windows", {"heat": "heat", "box": "box", "corner": "corner"}),
    "plate-reader": ("samples", {"loss": "CTC loss", "exact": "share read exactly (augmented)"}),
}


def main() -> None:
    """One panel a network; the runs of one network follow each other."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    figure, panels = plt.subplots(1, len(CURVES), figsize=(11, 4), constrained_layout=True)
    for panel, (name, (count, lines)) in zip(panels, CURVES.items(), strict=True):
        seen, rows = 0, []
        for path in sorted(folder.glob(f"{name}-*.jsonl")):
            run = [json.loads(line) for line in path.read_text().splitlines()]
            rows += [{**row, "at": (seen + row[count]) / 1000} for row in run]
            seen += run[-1][count]
            panel.axvline(seen / 1000, color="#bbbbbb", linewidth=0.8)
        for key, label in lines.items():
            panel.plot([row["at"] for row in rows], [row[key] for row in rows], label=label)
        panel.set(title=name, xlabel=f"thousand {count}", ylim=(0, 1))
        panel.legend()
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    main()
