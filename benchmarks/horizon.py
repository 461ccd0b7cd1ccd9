"""How the best peak of an annealed run falls with its length: final validation losses over learning rates at T/16, T/8, T/4 and T updates.

    python benchmarks/horizon.py benchmarks/tasks/wine_mlp.py:task --batch-size 64 --lr .01 .02 .04 .08 .16 .32 --weight-decay 1e-4

Momentum .95 to .85, total decay matched between lengths, BatchNorm statistics re-estimated; two seeds at T/16 and T/8, one at T/4 and T.
One line a learning rate; then the best learning rate of each length.
"""

import argparse
import dataclasses
import statistics

from tunesmith.engine import run_spec
from tunesmith.probes.annealed import shortened
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task
from tunesmith.task_file import load_task

SEEDS_AT = {16: (0, 1), 8: (0, 1), 4: (0,), 1: (0,)}
"""Divisor of the full length → seeds."""


def losses(task: Task, settings: Settings, *, divisor: int) -> list[float]:
    """Final validation losses, one a seed."""
    full = task.steps_at(settings.batch_size)
    steps = max(1, full // divisor)
    matched = shortened(settings, total_steps=steps, planned_steps=full, optimizer_name=task.optimizer_name)
    return [run_spec(task, RunSpec(settings=matched, total_steps=steps, seed=seed, reestimates_norm=True)).curve.final_valid_loss for seed in SEEDS_AT[divisor]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", metavar="TASKFILE:FUNCTION")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--lr", type=float, nargs="+", required=True)
    arguments = parser.parse_args()
    task = load_task(arguments.task)
    base = Settings(momentum=0.95, min_momentum=0.85, weight_decay=arguments.weight_decay, batch_size=arguments.batch_size)
    table: dict[int, dict[float, float]] = {divisor: {} for divisor in SEEDS_AT}
    for lr in arguments.lr:
        cells = []
        for divisor in SEEDS_AT:
            found = losses(task, dataclasses.replace(base, lr=lr), divisor=divisor)
            table[divisor][lr] = statistics.fmean(found)
            cells.append(f"T/{divisor} " + " ".join(f"{loss:.4f}" for loss in found))
        print(f"lr {lr:<8g} {'   '.join(cells)}", flush=True)
    print("best:", ", ".join(f"T/{divisor} {min(row, key=row.__getitem__):g}" for divisor, row in table.items()))


if __name__ == "__main__":
    main()
