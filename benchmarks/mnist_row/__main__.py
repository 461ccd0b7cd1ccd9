"""The report's MNIST row: LeNet on all 60,000 images, 12 epochs, four seeds; tuned settings beside the report's standard ones.

    python -m benchmarks.mnist_row --step baseline      the standard settings, batches of 512, then of 64: eight trainings
    python -m benchmarks.mnist_row --step tune          settings found on 55,000 images with 5,000 held out; a study that resumes
    python -m benchmarks.mnist_row --step retrain       the newest plan on all images, four trainings
    python -m benchmarks.mnist_row --cached             the table alone; trains nothing, reads no data

A training takes two to three minutes of one core. Stopped, each step goes on where it was: every training is a row in --rows.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.machine import merged
from benchmarks.mnist_row.arms import Arm, Size, baselines, carried, train_missing
from benchmarks.mnist_row.summary import Result, result_of
from benchmarks.mnist_row.table import machines_of, table
from benchmarks.mnist_row.task import EPOCHS, N_IMAGES, VALID_SHARE, whole_task
from benchmarks.mnist_row.tuning import DEFAULT_RECIPE, default_study, plans, tune_once
from benchmarks.proof.cache import Rows
from benchmarks.proof.command import RESULTS, hear_interrupts
from tunesmith.errors import InputError
from tunesmith.task import Task

STEPS = ("baseline", "tune", "retrain")
N_SEEDS = 4
"""As many as the report's means are of."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do a step, write the table; 0, 2 where an argument is at fault, 130 where it was interrupted."""
    options = _parse(arguments)
    rows, size = Rows(options.rows), Size(n_images=options.images, epochs=options.epochs)
    try:
        if not options.cached:
            _do(options, rows, size)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on.", file=sys.stderr)
        return 130
    text = _table(rows, size, seeds=range(options.seeds), command=_command(options))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "mnist_row.md").write_text(text)
    print(text)
    return 0


def _do(options: argparse.Namespace, rows: Rows, size: Size) -> None:
    if options.step == "tune":
        plan = tune_once(rows, size, recipe=options.recipe, goal=options.goal, study=options.study or default_study(f"{options.recipe}-{options.goal}"))
        _tell(f"tuned by {options.recipe}: {plan.outcome}, {plan.knobs_dict()}")
        return
    arms = baselines(size) if options.step == "baseline" else [_newest(rows, size, recipe=options.recipe, goal=options.goal)]

    @cache
    def load() -> Task:
        return whole_task(n_images=size.n_images, epochs=size.epochs)

    for arm in arms:
        train_missing(rows, arm, size, seeds=range(options.seeds), load=load, tell=_tell)


def _newest(rows: Rows, size: Size, *, recipe: str, goal: str) -> Arm:
    found = plans(rows, size)
    names = [name for name in found if name.startswith(f"tuned by {recipe} for {goal} ")]
    arm = carried(found[names[-1]], size, name=names[-1]) if names else None
    if arm is None:
        raise InputError(f"--step retrain must find a plan with settings of recipe {recipe!r} among the rows, and there is none. Run --step tune first.")
    return arm


def _table(rows: Rows, size: Size, *, seeds: range, command: str) -> str:
    found = plans(rows, size)
    arms = [arm for name, plan in found.items() if (arm := carried(plan, size, name=name)) is not None]
    return table(
        baselines=_results(rows, baselines(size), size, seeds=seeds),
        tuned=_results(rows, arms, size, seeds=seeds),
        plans=found,
        size=size,
        command=command,
        machines=merged(machines_of([(key, value) for key, value in rows.all() if size.to_key().items() <= key.items()])),
    )


def _results(rows: Rows, arms: list[Arm], size: Size, *, seeds: range) -> list[Result]:
    return [result for arm in arms if (result := result_of(rows, arm, size, seeds=seeds)) is not None]


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _command(options: argparse.Namespace) -> str:
    changed = f" --images {options.images}" * (options.images != N_IMAGES) + f" --epochs {options.epochs:g}" * (options.epochs != EPOCHS)
    return "python -m benchmarks.mnist_row" + changed + f" --seeds {options.seeds}" * (options.seeds != N_SEEDS) + " --cached"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist_row", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--step", choices=STEPS, help="what to do")
    wanted.add_argument("--cached", action="store_true", help="train nothing; the table from what is known")
    parser.add_argument("--goal", default="accuracy", choices=("accuracy", "loss"), help="what decides; the row is stated in accuracy (default: accuracy)")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, help=f"of `tune` (default: {DEFAULT_RECIPE})")
    parser.add_argument("--study", type=Path, metavar="FOLDER", help="where the tuning's study lies (default: runs/mnist_row/RECIPE-CODE)")
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help=f"trainings of each settings (default {N_SEEDS})")
    parser.add_argument("--images", type=int, default=N_IMAGES, help="training images; fewer to try the bench out")
    parser.add_argument("--epochs", type=float, default=EPOCHS, help=f"longest training (default {EPOCHS:g})")
    parser.add_argument("--rows", type=Path, default=RESULTS / "mnist_row.jsonl", metavar="FILE", help="where the rows lie")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where the table goes")
    options = parser.parse_args(arguments)
    if not (options.seeds >= 1 and VALID_SHARE <= options.images <= N_IMAGES and options.epochs > 0):
        parser.error(
            f"--seeds must be ≥ 1, --images from {VALID_SHARE} to {N_IMAGES}, and --epochs > 0, got {options.seeds}, {options.images} and {options.epochs}."
        )
    return options


if __name__ == "__main__":
    hear_interrupts()
    sys.exit(main())
