"""Draws the range test of four real networks, as `tunesmith lr-range` makes it, into one picture.

python -m benchmarks.finders.pictures --out docs/_static/four-range-tests.png
"""

import argparse
import tempfile
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.finders.choices import TASKS
from benchmarks.proof.tasks import find_tasks
from tunesmith.plots import plot_range_test
from tunesmith.recipe.single import lr_range
from tunesmith.study import Study


def main() -> None:
    """Make the four sweeps, half a minute, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="PNG file")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    with tempfile.TemporaryDirectory() as folder:
        for ax, task in zip(figure.subplots(2, 2).flat, find_tasks(list(TASKS)), strict=True):
            out = Path(folder) / task.name
            reading = lr_range(task.without_test, out=out, seed=arguments.seed, device="cpu", batch_size=64)
            with Study.open(out) as study:
                curve = next(one for one in study.experiments() if one.probe == "lr_range").arms[0].run.curve
            plot_range_test(curve, edge=reading.edge, zone=reading.zone, suggested=reading.suggested_lr, ax=ax)
            ax.annotate(f"{task.name.replace('_', ' ')}: {str(reading.outcome).replace('_', ' ')}", (0, 1.09), xycoords="axes fraction")
    figure.savefig(arguments.out, dpi=90)


if __name__ == "__main__":
    main()
