"""A table of finished studies beside random full trainings of the same tasks.

    python benchmarks/study_table.py runs/digits_cnn-0 runs/digits_cnn-1 runs/adult_mlp-0

A study's folder is named TASK-SEED; the random trainings are in `benchmarks/results/random_TASK.jsonl` (see `random_reference.py`).
One row a study: outcome, cost in full trainings, the plan's mean loss over its confirming seeds on validation and test data with its percentile among
the random trainings (0: better than all; a diverged training counts as worse than any number), the same of the current settings, and the plan's knobs.
"""

import argparse
import statistics
from pathlib import Path

from random_reference import read_records
from rank_plan import losses, percentile

from tunesmith.plan import Trained
from tunesmith.study import Study

RESULTS = Path(__file__).parent / "results"


def placed(trained: Trained | None, records: list[dict]) -> str:
    """Mean validation and test loss, each with its percentile."""
    if trained is None:
        return "| | "
    cells = []
    for values, name in ((trained.valid, "valid_loss"), (trained.test or (), "test_loss")):
        mean = statistics.fmean(values) if values else float("nan")
        cells.append(f"{mean:.4f} ({percentile(mean, losses(records, name)):.0f})" if values else "")
    return " | ".join(cells)


def row(folder: Path) -> str:
    """The line of one study."""
    task = folder.name.rsplit("-", maxsplit=1)[0]
    records = read_records(RESULTS / f"random_{task}.jsonl")
    with Study.open(folder) as study:
        plan = study.plan
    if plan is None or plan.settings is None:
        return f"| {folder.name} | {'unfinished' if plan is None else plan.outcome} | | | | | | |"
    knobs = f"lr {plan.max_lr:.2g}, batch {plan.batch_size}, m {plan.max_momentum:g}, wd {plan.weight_decay:.1g}, {plan.total_steps} steps"
    cost = f"{plan.cost.search:.2f}, {plan.cost.total:.2f}"
    return f"| {folder.name} | {plan.outcome} | {cost} | {placed(plan.confirmed, records)} | {placed(plan.current, records)} | {knobs} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="+")
    print("| study | outcome | search, total | valid (percentile) | test (percentile) | current: valid | current: test | plan |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in parser.parse_args().studies:
        print(row(folder))


if __name__ == "__main__":
    main()
