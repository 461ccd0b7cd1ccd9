"""One study of one method on one task: what it chose, kept for good, and that choice trained again on fresh seeds."""

import ast
import hashlib
import importlib.util
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

import tunesmith
from benchmarks.proof.cache import Row
from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.reference import FRESH_SEEDS
from benchmarks.proof.store import Store
from benchmarks.proof.tasks import source_digest
from benchmarks.proof.training import CPU, Training
from tunesmith.cost import Cost
from tunesmith.engine.evaluation import Evaluator
from tunesmith.errors import InputError
from tunesmith.settings import Settings

METHODS_FOLDER = Path(__file__).parents[1] / "methods"
N_RETRAININGS = 3
"""Fresh seeds that each choice is trained on."""
_OURS = "IS_OURS"
_NOT_DECIDING = ("cli", "report", "plots", "integrations")
"""Parts of the package whose changes cannot change a plan."""


@dataclass(frozen=True)
class Method:
    """A method of the bench.

    Attributes:
        name: As it is given and shown: the file's name, and after an "@" the budget in full trainings where the method takes one.
        path: The file.
    """

    name: str
    path: Path

    @property
    def budget(self) -> float | None:
        """The number after the "@"."""
        _, at, number = self.name.partition("@")
        return float(number) if at else None

    @cached_property
    def module(self) -> ModuleType:
        """The file, imported, and with it the peer: this may raise anything."""
        spec = importlib.util.spec_from_file_location(f"_bench_method_{self.path.stem}", self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} must be a Python file.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @cached_property
    def is_ours(self) -> bool:
        """Whether the file says `IS_OURS = True`: then its studies depend on the package's code as well."""
        return any(isinstance(node, ast.Assign) and _names(node) == [_OURS] for node in ast.parse(self.path.read_text()).body)

    @cached_property
    def identity(self) -> str:
        """What its studies are filed under: another code, another study."""
        return source_digest(self.path) + (f"-{package_digest()}" if self.is_ours else "")


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def package_digest() -> str:
    """Eight hex digits of the package's code as far as it decides about a plan."""
    root = Path(tunesmith.__file__).parent
    paths = sorted(path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in _NOT_DECIDING)
    return hashlib.sha256("".join(source_digest(path) for path in paths).encode()).hexdigest()[:8]


def find_methods(names: list[str], *, folder: Path = METHODS_FOLDER) -> list[Method]:
    """The named methods.

    Raises:
        InputError: An unknown name, or a budget that is no number.
    """
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    return [_method(name, folder=folder, known=known) for name in names]


def _method(name: str, *, folder: Path, known: list[str]) -> Method:
    stem, at, budget = name.partition("@")
    if stem not in known:
        raise InputError(f"METHODS must be among {', '.join(known)}, each with an optional @BUDGET in full trainings, got {name!r}.")
    try:
        method = Method(f"{stem}@{float(budget):g}" if at else stem, folder / f"{stem}.py")
        _ = method.identity
    except (ValueError, SyntaxError) as error:
        raise InputError(f"METHODS: {name!r} must be a Python file's name, after an @ a number, and is not: {error}.") from error
    return method


def study_key(store: Store, method: Method, number: int) -> Row:
    """The key of study `number`."""
    return store.key(method=method.name, code=method.identity, study=number)


def run_study(store: Store, method: Method, number: int) -> Row:
    """What the method chooses in study `number`, its search charged; found or made.

    Returns:
        {"choices": [choice, …] in the order of their cost, "seconds", "trainer": "loop" or "method"}.
    """

    def make() -> Row:
        problem = Problem(store.task)
        arguments: dict[str, Any] = {} if method.budget is None else {"budget": method.budget}
        started = time.process_time()
        chosen = method.module.choose(problem, seed=number, **arguments)
        seconds = time.process_time() - started
        choices = chosen if isinstance(chosen, list) else [chosen]
        if not choices or not all(isinstance(choice, Choice) for choice in choices):
            raise TypeError(f"{method.path.name}: choose must return a Choice or a list of them, got {chosen!r:.80}.")
        trainer = "method" if hasattr(method.module, "train") else "loop"
        return {"choices": [asdict(choice) for choice in choices], "seconds": round(seconds, 2), "trainer": trainer}

    return store.studies.once(study_key(store, method, number), make)


def retraining_key(store: Store, method: Method, choice: Row, *, trainer: str, seed: int) -> Row:
    """The key of a choice's training on a fresh seed: two methods that chose the same settings share it, where both use the bare loop."""
    if trainer == "loop":
        return store.training_key(Settings.from_dict(choice["settings"]), total_steps=choice["total_steps"], seed=seed)
    what = {"settings": choice["settings"], "total_steps": choice["total_steps"], "batch_size": choice["batch_size"]}
    return store.key(trainer=method.path.stem, code=source_digest(method.path), seed=seed, **what)


def retrain(store: Store, method: Method, choice: Row, *, trainer: str, seed: int) -> Row:
    """A choice trained on a fresh seed, its test loss taken; found or trained."""

    def make() -> Row:
        if trainer == "loop":
            return store.train(Settings.from_dict(choice["settings"]), total_steps=choice["total_steps"], seed=seed)
        problem = Problem(store.task)
        model = method.module.train(problem, Choice(**choice), seed=seed)
        return Training(outcome="diverged", cost=problem.spent).to_row() if model is None else _judged(store, model, spent=problem.spent)

    return store.trainings.once(retraining_key(store, method, choice, trainer=trainer, seed=seed), make)


def _judged(store: Store, model: nn.Module, *, spent: Cost) -> Row:
    """A trained network, evaluated by the bench."""
    task = store.task.whole
    evaluator = Evaluator(task, device=CPU, batch_size=256)
    valid = evaluator.evaluate(model, task.valid)
    found = Training(valid=valid.values, test=evaluator.evaluate(model, task.test).values, cost=spent)
    if not found.valid["loss"] < float("inf"):
        found.outcome = "diverged"
    return found.to_row()


def seeds_of_retraining(count: int = N_RETRAININGS) -> tuple[int, ...]:
    """The fresh seeds, the same for every method."""
    return FRESH_SEEDS[:count]
