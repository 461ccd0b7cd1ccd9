"""Draws the clues as sketches into docs/_static/clues.png: `python docs/draw_clues.py`. The curves are made up."""

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.clues import KINDS

Floats = NDArray[np.float64]
Sketch = tuple[Floats, Floats, float | None]
"""Training loss, validation loss, and where the clue begins."""

FILE = Path(__file__).parent / "_static" / "clues.png"
_COLUMNS, _COLORS = 5, 160
_PANEL_INCHES = (2.05, 1.75)
_LOST_AT = 0.45

T = np.linspace(0.0, 1.0, 240)


def fall(*, to: float = 0.4, rate: float = 9.0, start: float = 2.3) -> Floats:
    """A loss that falls from `start` towards `to`."""
    return to + (start - to) * np.exp(-rate * T)


def rise(*, since: float, by: float) -> Floats:
    """What is added from `since` on, to reach `by` at the end."""
    return by * np.clip((T - since) / (1 - since), 0, None)


def bump(*, at: float, width: float, by: float) -> Floats:
    """A hump that comes and goes."""
    return by * np.exp(-(((T - at) / width) ** 2))


def jump(*, at: float, by: float, decay: float = 25.0) -> Floats:
    """A jump that dies away."""
    return by * np.where(at <= T, np.exp(-decay * np.clip(T - at, 0, None)), 0.0)


def sketches() -> dict[str, Sketch]:
    """Kind of clue → its curves."""
    draw = np.random.default_rng(0)
    noise = draw.normal(size=T.size)
    swing = 0.35 * np.sin(2 * np.pi * 11 * T) * np.clip(T * 4, 0, 1)
    lost = np.where(_LOST_AT > T, fall(rate=7), np.clip(0.5 + 40 * (T - _LOST_AT), None, 3.2))
    jumps = jump(at=0.35, by=1.3) + jump(at=0.62, by=1.0)
    slow = 0.8 * np.clip((T - 0.15) / 0.4, 0, 1) ** 1.5
    return {
        "diverged": (lost, lost + 0.08, _LOST_AT),
        "unstable": (fall(to=0.3) + jumps, fall(to=0.45) + 1.15 * jumps, 0.35),
        "oscillating": (fall(to=0.5) + 0.8 * swing, fall(to=0.7) + swing, 0.2),
        "never_started": (2.3 + 0.02 * noise, 2.33 + 0.02 * noise[::-1], None),
        "overfitting": (fall(to=0.1, rate=6), fall(to=0.5, rate=8) + rise(since=0.35, by=0.9), 0.35),
        "weight_decay_low": (fall(to=0.0, rate=11), fall(to=0.95, rate=10), None),
        "metrics_disagree": (fall(to=0.35, rate=9), fall(to=0.5, rate=8) + rise(since=0.35, by=0.7), 0.35),
        "early_overfitting_hump": (fall(to=0.25), fall(to=0.45) + bump(at=0.28, width=0.1, by=0.55), 0.18),
        "weight_decay_high": (fall(to=0.6, rate=16) + slow, fall(to=0.7, rate=16) + slow, 0.2),
        "underfitting": (2.3 - 0.75 * T, 2.34 - 0.75 * T, None),
        "unfinished": (fall(to=0.1, rate=1.9), fall(to=0.3, rate=1.9), None),
        "plateaued": (fall(to=0.4, rate=16), fall(to=0.55, rate=16), 0.35),
        "too_noisy": (fall(to=1.2, rate=3, start=1.6), fall(to=1.4, rate=3, start=1.7) + 0.22 * noise, None),
        "balanced": (fall(to=0.35, rate=9) - rise(since=0.7, by=0.1), fall(to=0.5, rate=9), None),
    }


def main() -> None:
    """Write the figure."""
    made = sketches()
    rows = -(-len(made) // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS * _PANEL_INCHES[0], rows * _PANEL_INCHES[1]), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).flatten().tolist()
    for kind, ax in zip(KINDS, panels, strict=False):
        train, valid, since = made[kind]
        ax.plot(T, train, color=TRAINING, linewidth=1.4)
        ax.plot(T, valid, color=VALIDATION, linewidth=1.6)
        if kind == "metrics_disagree":
            ax.plot(T, 0.2 + 2.6 * (1 - np.exp(-5 * T)), color="#2f9470", linestyle="--", linewidth=1.2)
            ax.text(0.98, 2.9, "accuracy", color="#2f9470", ha="right", fontsize=7)
        if since is not None:
            ax.plot([since, since], [-0.1, 3.3], color=WARNING, linestyle=":", linewidth=1.2)
        ax.set_title(kind.replace("_", " "), fontsize=8.5, loc="left", color="#1d2127")
        ax.set_ylim(-0.1, 3.3)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color("#b9bec6")
    key = panels[len(made)]
    key.axis("off")
    for at, (text, color) in enumerate((("training loss", TRAINING), ("validation loss", VALIDATION), ("where it begins", WARNING))):
        key.text(0.02, 0.75 - 0.17 * at, text, color=color, fontsize=8.5, transform=key.transAxes)
    for ax in panels[len(made) + 1 :]:
        ax.axis("off")
    drawn = BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").quantize(_COLORS).save(FILE, optimize=True)  # a third of the size


if __name__ == "__main__":
    main()
