"""Does the recipe find a better training for the demo's task whatever its seed? Plans of seeds 0, 1, 2 against the untuned start, on fresh seeds.

    python benchmarks/demo_seeds.py --out runs/demo_seeds

Every plan and the untuned start are trained on the same fresh seeds, so a pair shares its initialisation. Printed is a table of test losses (mean and
standard deviation over the fresh seeds), how many pairs the plan wins, and what the plan cost in full trainings. The studies stay in `--out`; the same
command again resumes.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import tunesmith as ts
from tunesmith.demo_task import task as demo_task
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec, Settings

FRESH_SEED = 7_000_000
"""Fresh seeds start here, far from those that a study uses."""


def test_results(task: ts.Task, settings: Settings, *, total_steps: int, n_seeds: int) -> list[dict[str, float]]:
    """Loss and accuracy on the test set, one a fresh seed; a lost run counts as infinite."""
    specs = [RunSpec(settings=settings, total_steps=total_steps, seed=FRESH_SEED + index, evaluates_test=True) for index in range(n_seeds)]
    return [run_spec(task, spec, device="cpu").curve.test or {"loss": float("inf"), "accuracy": 0.0} for spec in specs]


def spread(values: Sequence[float], digits: int = 4) -> str:
    """Mean ± standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 and max(values) < float("inf") else 0.0
    return f"{statistics.fmean(values):.{digits}f} ± {deviation:.{digits}f}"


def row(name: str, settings: Settings, *, steps: int, results: list[dict[str, float]], untuned: list[dict[str, float]], cost: str) -> str:
    """A line of the table."""
    wins = sum(ours["loss"] < theirs["loss"] for ours, theirs in zip(results, untuned, strict=True))
    momentum = f"m {settings.momentum:.3g}/{settings.resolved_min_momentum:.3g}"
    knobs = f"lr {settings.lr:.3g}, batch {settings.batch_size}, {momentum}, wd {settings.weight_decay:.2g}, {settings.schedule}"
    losses, accuracies = [result["loss"] for result in results], [100 * result["accuracy"] for result in results]
    return f"| {name} | {knobs} | {steps} | {cost} | {spread(losses)} | {spread(accuracies, 2)} | {wins}/{len(results)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the studies")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of the studies (default 0 1 2)")
    parser.add_argument("--fresh", type=int, default=5, help="fresh seeds that each is trained on (default 5)")
    parser.add_argument("--budget", type=float, default=1.0)
    arguments = parser.parse_args()
    task = demo_task()
    current = task.current
    if not isinstance(current, Settings):
        raise TypeError("the demo's current settings must be Settings")
    steps = task.steps_at(current.batch_size)
    untuned = test_results(task, current, total_steps=steps, n_seeds=arguments.fresh)
    print("| plan of seed | settings | steps | search, total cost | test loss | test accuracy, % | pairs won |\n|---|---|---|---|---|---|---|")
    print(row("untuned", current, steps=steps, results=untuned, untuned=untuned, cost="0, 0"), flush=True)
    for seed in arguments.seeds:
        plan = ts.tune(task, out=arguments.out / f"seed_{seed}", seed=seed, budget=arguments.budget, device="cpu")
        if plan.settings is None:
            print(f"| {seed} | {plan.outcome} | | {plan.cost.search:.2f}, {plan.cost.total:.2f} | | | |", flush=True)
            continue
        results = test_results(task, plan.settings, total_steps=plan.total_steps, n_seeds=arguments.fresh)
        cost = f"{plan.cost.search:.2f}, {plan.cost.total:.2f}"
        print(row(str(seed), plan.settings, steps=plan.total_steps, results=results, untuned=untuned, cost=cost), flush=True)


if __name__ == "__main__":
    main()
