"""The tuning: on 55,000 images with 5,000 held out, the test set out of sight; the plan is kept as a row."""

import dataclasses
import inspect
import sys
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.mnist_row.arms import Size
from benchmarks.mnist_row.task import task
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.digest import package_digest
from tunesmith.plan import Plan
from tunesmith.recipe import tune
from tunesmith.recipe.progress import SilentProgress

DEFAULT_RECIPE = str(inspect.signature(tune).parameters["recipe"].default)
BUDGET, SEED = 1.0, 0


class StderrProgress(SilentProgress):
    """Says on stderr which probe begins and what was decided."""

    def stage(self, name: str, sentence: str) -> None:
        """A probe begins."""
        print(f"{name}: {sentence}", file=sys.stderr, flush=True)

    def decided(self, sentence: str) -> None:
        """The recipe decided something."""
        print(f"  {sentence}", file=sys.stderr, flush=True)

    def message(self, sentence: str) -> None:
        """Anything else."""
        print(f"  {sentence}", file=sys.stderr, flush=True)


def default_study(recipe: str) -> Path:
    """A folder of its own for each recipe and each state of the package's code: runs of different code never mix in one study."""
    return Path("runs") / "mnist_row" / f"{recipe}-{package_digest()}"


def tune_once(rows: Rows, size: Size, *, recipe: str, goal: str, study: Path) -> Plan:
    """The plan of today's code; made where there is no row of it, and resumed where the study was killed.

    Raises:
        InputError: An unknown recipe, or a folder that holds another study.
    """
    key = size.to_key() | {"step": "tune", "recipe": recipe, "budget": BUDGET, "seed": SEED, "package": package_digest(), "goal": goal}

    def made() -> Row:
        wanted = dataclasses.replace(task(n_images=size.n_images, epochs=size.epochs), goal=goal)
        plan = tune(wanted, out=study, budget=BUDGET, seed=SEED, recipe=recipe, device="cpu", progress=StderrProgress())
        return {"plan": plan.to_dict(), "machine": describe_machine()}

    return Plan.from_dict(rows.once(key, made)["plan"])


def plans(rows: Rows, size: Size) -> dict[str, Plan]:
    """Name → plan of every tuning that was made at this size, the newest last."""
    wanted = size.to_key()
    found = [(key, value) for key, value in rows.all() if key["step"] == "tune" and all(key[name] == part for name, part in wanted.items())]
    return {plan_name(recipe=key["recipe"], package=key["package"], goal=key.get("goal", "loss")): Plan.from_dict(value["plan"]) for key, value in found}


def plan_name(*, recipe: str, package: str, goal: str) -> str:
    """As the table has it.

    Example:
        >>> plan_name(recipe="report", package="0123abcd", goal="accuracy")
        'tuned by report for accuracy (code 0123abcd)'
    """
    return f"tuned by {recipe} for {goal} (code {package})"
