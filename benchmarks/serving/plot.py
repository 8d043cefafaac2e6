"""Draws requests a second by concurrency. Usage: plot.py RESULTS FOLDER"""

import json
import sys
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TITLES = {"A": "Pipeline", "B": "Forest", "C": "Iris"}


def main(path: Path, folder: Path) -> None:
    results = [json.loads(line) for line in path.read_text().splitlines()]
    for model in sorted({result["model"] for result in results}):
        good = [result for result in results if result["model"] == model and "failed" not in result]
        labels = {result["system"]: result["label"].strip("*") for result in good}
        names = list(labels)
        levels = sorted({int(level) for result in good for level in result.get("load", {})})
        figure, axes = plt.subplots(
            1, 2, figsize=(12, 0.4 * len(names) + 1.5), sharey=True, layout="constrained"
        )
        for axis, key, title in ((axes[0], "rps", "requests/s"), (axes[1], "p99_ms", "p99, ms")):
            values = [
                median(
                    r["load"][str(levels[-1])][key]
                    for r in good
                    if r["system"] == name and str(levels[-1]) in r.get("load", {})
                )
                for name in names
            ]
            bars = axis.barh(
                list(labels.values()),
                values,
                color=["#c2410c" if name.startswith("ours") else "#94a3b8" for name in names],
            )
            axis.bar_label(bars, fmt="{:,.0f}", padding=3)
            axis.set_title(f"{TITLES[model]}: {title} at {levels[-1]} connections")
            axis.margins(x=0.15)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].invert_yaxis()
        figure.savefig(folder / f"{TITLES[model].lower()}.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
