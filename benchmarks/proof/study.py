"""One study of one method on one task: what it chose, kept for good, and that choice trained again on fresh seeds."""

import time
from dataclasses import asdict
from typing import Any

from torch import nn

from benchmarks.proof.cache import Row, without_infinities
from benchmarks.proof.methods import Method
from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.reference import FRESH_SEEDS
from benchmarks.proof.store import Store
from benchmarks.proof.training import CPU, Training
from tunesmith.cost import Cost
from tunesmith.engine.evaluation import Evaluator
from tunesmith.settings import Settings

RETRAINING_SEEDS = FRESH_SEEDS[:3]
"""Fresh seeds that each choice is trained on, the same for every method. Three: their median shrugs off one that goes astray (our choice)."""
_EVALUATION_BATCH_SIZE = 256
_MOST_TRAININGS = 1e9


def study_key(store: Store, method: Method, number: int) -> Row:
    """The key of study `number`."""
    return store.key(method=method.name, code=method.identity, study=number)


def run_study(store: Store, method: Method, number: int) -> Row:
    """What the method chooses in study `number`, its search charged; found or made.

    Returns:
        {"choices": [choice, …] in the order of choosing, "searches_on", "search", "seconds", "trainer": "loop" or "method"}.
    """

    def make() -> Row:
        if method.is_ours and not method.identity.endswith(method.package_digest()):
            raise RuntimeError("The package's code has changed since this bench began. Start it again.")
        problem = Problem.of(store.task)
        choose = method.module.choose  # the peer and the data are loaded before the clock starts
        started = time.process_time()
        chosen = choose(problem, seed=number) if method.budget is None else choose(problem, seed=number, budget=method.budget)
        seconds = time.process_time() - started
        choices = _charged(chosen, problem=problem, method=method)
        return {
            "choices": choices,
            "searches_on": isinstance(chosen, list),
            "search": max(problem.spent_trainings, choices[-1]["search"]),
            "seconds": round(seconds, 2),
            "trainer": "method" if hasattr(method.module, "train") else "loop",
        }

    return store.studies.once(study_key(store, method, number), make)


def _charged(chosen: object, *, problem: Problem, method: Method) -> list[Row]:
    """The choices as rows, checked; one that does not say what it cost is charged what the meter shows."""
    choices = chosen if isinstance(chosen, list) else [chosen]
    if not choices or not all(isinstance(choice, Choice) for choice in choices):
        raise TypeError(f"{method.path.name}: choose must return a Choice, or a list with at least one, got {chosen!r:.80}.")
    rows = [asdict(choice) | {"search": problem.spent_trainings if choice.search is None else choice.search} for choice in choices]
    for row in rows:
        wrong = _what_is_wrong(row, n_train=problem.task.n_train, by_loop=not hasattr(method.module, "train"))
        if wrong:
            raise ValueError(f"{method.path.name}: a Choice must have {wrong}, got {row!r:.160}.")
    return rows


def _what_is_wrong(choice: Row, *, n_train: int, by_loop: bool) -> str:
    """What a choice must have and has not; empty where it can be kept."""
    if not (type(choice["total_steps"]) is int and choice["total_steps"] >= 1):
        return "a whole number total_steps ≥ 1"
    if not (type(choice["batch_size"]) is int and 1 <= choice["batch_size"] <= n_train):
        return f"a whole number batch_size in [1, {n_train}]"
    costs = [choice["search"]] if choice["final"] is None else [choice["search"], choice["final"]]
    if not all(isinstance(cost, (int, float)) and 0 <= cost < _MOST_TRAININGS for cost in costs):
        return "finite costs ≥ 0"
    if by_loop and Settings.from_dict(choice["settings"]).to_dict() != choice["settings"]:
        return "settings that are those of Settings.to_dict(); use Choice.of"
    if by_loop and choice["settings"]["batch_size"] != choice["batch_size"]:
        return "the batch_size of its settings; use Choice.of"
    if without_infinities(choice) != choice:
        return "finite numbers only"
    return ""


def retraining_key(store: Store, method: Method, choice: Row, *, trainer: str, code: str, seed: int) -> Row:
    """The key of a choice's training on a fresh seed: two methods that chose the same settings share it, where both use the bare loop.

    Args:
        store: The task's rows.
        method: Who chose.
        choice: What.
        trainer: "loop" or "method".
        code: Of the study, as in its key.
        seed: The fresh seed.
    """
    if trainer == "loop":
        return store.training_key(Settings.from_dict(choice["settings"]), total_steps=choice["total_steps"], seed=seed)
    what = {"settings": choice["settings"], "total_steps": choice["total_steps"], "batch_size": choice["batch_size"]}
    return store.key(trainer=method.family, code=code.partition("-")[0], seed=seed, **what)


def retrain(store: Store, method: Method, choice: Row, *, trainer: str, seed: int) -> Row:
    """A choice trained on a fresh seed, its test loss taken; found or trained."""

    def make() -> Row:
        if trainer == "loop":
            return store.train(Settings.from_dict(choice["settings"]), total_steps=choice["total_steps"], seed=seed)
        problem = Problem.of(store.task)
        model = method.module.train(problem, Choice(**choice), seed=seed)
        return Training(outcome="diverged", cost=problem.spent).to_row() if model is None else _judged(store, model, spent=problem.spent)

    key = retraining_key(store, method, choice, trainer=trainer, code=method.identity, seed=seed)
    return store.trainings.once(key, make)


def _judged(store: Store, model: nn.Module, *, spent: Cost) -> dict[str, Any]:
    """A trained network, evaluated by the bench."""
    task = store.task.whole
    evaluator = Evaluator(task, device=CPU, batch_size=_EVALUATION_BATCH_SIZE)
    valid = evaluator.evaluate(model, task.valid).values
    if not valid["loss"] < float("inf"):
        return Training(outcome="diverged", cost=spent).to_row()
    test = {} if task.test is None else evaluator.evaluate(model, task.test).values
    return Training(valid=valid, test=test, cost=spent).to_row()
