"""Random full trainings of a task: the yardstick that a plan is ranked against (see `rank_plan.py`).

    python benchmarks/random_reference.py examples/adult_mlp.py:task --n 32 --seed 0 --out benchmarks/results/random_adult_mlp.jsonl

Every training has the task's full length T, a 1cycle with constant momentum, and one CPU thread. Drawn independently, on a logarithmic scale:

    peak learning rate   3e-4 to 3 (Adam kinds 1e-5 to 1e-1)
    batch size           16 to 512
    1 - momentum         .01 to .2 (Adam kinds: beta1)
    weight decay         1e-6 to 1e-1 (AdamW 1e-4 to 1), or exactly 0 with probability 1/4

Training number i depends on the seed and i alone, so a larger `--n` adds trainings, and the same command again resumes where it was stopped.
One JSON line a training: index, seed, settings, total_steps, outcome, valid_loss, test_loss, metrics (of validation), test_metrics, seconds.
A loss is null where the run diverged.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tunesmith.coupling import is_adam_kind
from tunesmith.curve import Curve
from tunesmith.engine import run_spec
from tunesmith.settings import Json, RunSpec, Settings
from tunesmith.task import Task
from tunesmith.task_file import load_task

ZERO_DECAY_SHARE = 0.25
SEED_STRIDE = 1_000_000
"""Training i of draw s runs on seed 1,000,000 (s + 1) + i, far from the seeds that a study uses."""


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_spec(task: Task, *, seed: int, index: int) -> RunSpec:
    """The order for random training `index`."""
    rng = random.Random(f"{seed}/{index}")  # noqa: S311 (nothing here is secret)
    is_adam, is_adamw = is_adam_kind(task.optimizer_name), task.optimizer_name == "adamw"
    lr = log_uniform(rng, *((1e-5, 1e-1) if is_adam else (3e-4, 3.0)))
    batch_size = min(round(log_uniform(rng, 16, 512)), task.n_train)
    momentum = 1 - log_uniform(rng, 0.01, 0.2)
    has_decay = rng.random() >= ZERO_DECAY_SHARE
    weight_decay = log_uniform(rng, *((1e-4, 1.0) if is_adamw else (1e-6, 1e-1)))
    settings = Settings(lr=lr, momentum=momentum, weight_decay=weight_decay if has_decay else 0.0, batch_size=batch_size, schedule="one_cycle")
    return RunSpec(settings=settings, total_steps=task.steps_at(batch_size), seed=SEED_STRIDE * (seed + 1) + index, evaluates_test=True)


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no word for it."""
    return value if value is not None and math.isfinite(value) else None


def record(spec: RunSpec, curve: Curve, *, index: int) -> dict[str, Json]:
    """The line of one training."""
    return {
        "index": index,
        "seed": spec.seed,
        "settings": spec.settings.to_dict(),
        "total_steps": spec.total_steps,
        "outcome": str(curve.outcome),
        "valid_loss": finite(curve.final_valid_loss),
        "test_loss": finite(curve.test.get("loss")),
        "metrics": {name: finite(values[-1]) for name, values in curve.metrics.items() if values},
        "test_metrics": {name: finite(value) for name, value in curve.test.items() if name != "loss"},
        "seconds": round(curve.cost.seconds, 3),
    }


def read_records(path: Path) -> list[dict]:
    """The trainings in the file; a last line that was cut off when the process was killed is removed from it."""
    if not path.exists():
        return []
    whole, newline, _cut_off = path.read_text().rpartition("\n")
    path.write_text(whole + newline)
    return [json.loads(line) for line in whole.splitlines()]


def missing(task: Task, done: list[dict], *, n: int, seed: int) -> Iterator[tuple[int, RunSpec]]:
    """The trainings still to be made, in order."""
    settings_of = {entry["index"]: entry["settings"] for entry in done}
    for index in range(n):
        spec = draw_spec(task, seed=seed, index=index)
        if index not in settings_of:
            yield index, spec
        elif settings_of[index] != spec.settings.to_dict():
            sys.exit(f"The file must hold trainings of this task and --seed {seed}, and its number {index} has other settings. Give another --out.")


def main() -> None:
    """Make the trainings that the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", metavar="TASKFILE:FUNCTION")
    parser.add_argument("--n", type=int, default=32, help="random trainings in all (default 32)")
    parser.add_argument("--seed", type=int, default=0, help="fixes what is drawn (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, appended to")
    arguments = parser.parse_args()
    task = load_task(arguments.task)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    for index, spec in missing(task, read_records(arguments.out), n=arguments.n, seed=arguments.seed):
        entry = record(spec, run_spec(task, spec, device="cpu").curve, index=index)
        with arguments.out.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(f"{index + 1}/{arguments.n}: {entry['outcome']}, valid {entry['valid_loss']}, test {entry['test_loss']}, {entry['seconds']:.1f} s", flush=True)


if __name__ == "__main__":
    main()
