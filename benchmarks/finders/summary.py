"""The bench's result: one JSON document out of the rows on disk. Nothing is trained and no data is read."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, median
from typing import Any, TypeAlias

from benchmarks.finders.grid import GRID_SEED, best_rate, grid, rates_of, tests_of
from benchmarks.finders.judging import SHARE, judge, typical_spread, wilson
from benchmarks.proof.cache import Row
from benchmarks.proof.collect import loss_of
from benchmarks.proof.methods import Method
from benchmarks.proof.store import Store
from benchmarks.proof.study import RETRAINING_SEEDS, study_key

Document: TypeAlias = dict[str, Any]
"""JSON: version, made, tasks, pairs, methods."""

VERSION = 1


def summarize(stores: Sequence[Store], methods: Sequence[Method], *, n_seeds: int, made: Document) -> Document:
    """The document.

    Args:
        stores: The tasks' rows.
        methods: Whose suggestions are judged.
        n_seeds: Seeds of each task, from 0.
        made: How the document was made.
    """
    tasks = {store.task.name: _task(store, n_seeds) for store in stores}
    pairs = [_pair(store, tasks[store.task.name], method=method, seed=seed) for method in methods for store in stores for seed in range(n_seeds)]
    lines = [_method(method.name, [pair for pair in pairs if pair["method"] == method.name], list(tasks)) for method in methods]
    return {
        "version": VERSION,
        "made": made | {"fresh_seeds": list(RETRAINING_SEEDS), "grid_seed": GRID_SEED},
        "tasks": tasks,
        "pairs": pairs,
        "methods": lines,
    }


def _task(store: Store, n_seeds: int) -> Document:
    """The yardstick of a task: the grid at each seed, the best of it retrained, the spread between seeds."""
    facts = store.known_facts()
    if facts is None:
        return {"facts": None, "rates": [], "spread": None, "plateau": None, "seeds": [], "cpu_hours": 0.0}
    rates = rates_of(facts.optimizer)
    seeds = [_grid(store, seed, rates) for seed in range(n_seeds)]
    distinct = {found["best_lr"]: found["best_tests"] for found in seeds if found["best_tests"] is not None}
    seconds = sum(value.get("seconds", 0.0) for rows in (store.trainings, store.studies) for key, value in rows.all() if key["task"] == store.task.identity)
    return {
        "facts": asdict(facts),
        "rates": list(rates),
        "spread": typical_spread(list(distinct.values())),
        "plateau": _plateau(seeds, rates),
        "seeds": seeds,
        "cpu_hours": seconds / 3600,
    }


def _grid(store: Store, seed: int, rates: Sequence[float]) -> Document:
    rows = [training.known(store) for training in grid(store, seed)]
    best = best_rate(store, seed)
    return {
        "seed": seed,
        "valid": [None if row is None else loss_of(row["valid"]) for row in rows],
        "test": [None if row is None else loss_of(row["test"]) for row in rows],
        "best_lr": best,
        "is_at_end": best in (rates[0], rates[-1]),
        "best_tests": None if best is None else tests_of(store, best),
    }


def _plateau(seeds: Sequence[Document], rates: Sequence[float]) -> tuple[float, float] | None:
    """The learning rates of the grid, lowest and highest, whose mean test loss over the seeds is within a tenth of the lowest such mean."""
    complete = [found["test"] for found in seeds if None not in found["test"]]
    if not complete:
        return None
    means = [mean(column) for column in zip(*complete, strict=True)]
    good = [lr for lr, loss in zip(rates, means, strict=True) if loss <= (1 + SHARE) * min(means)]
    return (good[0], good[-1]) if good else None


def _pair(store: Store, task: Document, *, method: Method, seed: int) -> Document:
    """What a method suggested for a task and seed, and how that did."""
    found = {"method": method.name, "task": store.task.name, "seed": seed, "state": "missing", "lr": None, "within": False, "why": "", "is_current": True}
    row, why, found["is_current"] = _suggestion(store, method, seed)
    if row is None:
        return found | {"state": "failed" if why else "missing", "why": why or "not run yet"}
    choice = row["choices"][-1]
    lr, yardstick = choice["settings"].get("lr"), next((one for one in task["seeds"] if one["seed"] == seed), None)
    found |= {"lr": lr, "search": row["search"], "note": choice["note"]}
    if not is_rate(lr):
        return found | {"state": "failed", "why": f"a learning rate of {lr!r}"}
    tests = tests_of(store, lr)
    if tests is None or yardstick is None or yardstick["best_tests"] is None:
        return found | {"why": "not all trained yet"}
    judged = judge(tests, best=yardstick["best_tests"], spread=task["spread"])
    found |= {"state": "done", "best_lr": yardstick["best_lr"], "lr_over_best": lr / yardstick["best_lr"], "tests": tests}
    return found | {"test": judged.test, "allowed": judged.allowed, "ratio": judged.ratio, "within": judged.is_within}


def is_rate(lr: object) -> bool:
    """Whether a suggestion can be trained with.

    Example:
        >>> is_rate(0.1), is_rate(float("nan")), is_rate(None)
        (True, False, False)
    """
    return isinstance(lr, float) and math.isfinite(lr) and lr > 0


def _suggestion(store: Store, method: Method, seed: int) -> tuple[Row | None, str, bool]:
    """The suggestion of today's code, or why there is none; where today's was not tried, the latest; and whether it is today's."""
    key = study_key(store, method, seed)
    row, why = store.studies.get(key), store.failure(store.studies, key)
    if row is not None or why:
        return row, "" if row is not None else why, True
    for other, value in reversed(store.studies.all()):
        if {name: part for name, part in other.items() if name != "failed"} == key | {"code": other["code"]}:
            return (None, value["error"], False) if "failed" in other else (value, "", False)
    return None, "", True


def _method(name: str, pairs: Sequence[Document], tasks: Sequence[str]) -> Document:
    """One line of the table. What failed has an infinite ratio; what is missing is not counted, and said."""
    tried = [pair for pair in pairs if pair["state"] != "missing"]
    n_within = sum(pair["within"] for pair in tried)
    return {
        "method": name,
        "n": len(tried),
        "n_missing": len(pairs) - len(tried),
        "n_within": n_within,
        "interval": wilson(n_within, len(tried)),
        "ratio": median(_ratios(tried)) if tried else None,
        "n_failed": sum(pair["state"] == "failed" for pair in tried),
        "n_diverged": sum(pair["state"] == "done" and not math.isfinite(pair["test"]) for pair in tried),
        "is_current": all(pair["is_current"] for pair in tried),
        "search": median([pair["search"] for pair in tried if pair["state"] == "done"] or [math.inf]),
        "tasks": {task: _on_task([pair for pair in tried if pair["task"] == task]) for task in tasks},
    }


def _on_task(pairs: Sequence[Document]) -> Document | None:
    if not pairs:
        return None
    rates = [pair["lr"] for pair in pairs if is_rate(pair["lr"])]
    over_best = [pair["lr_over_best"] for pair in pairs if pair["state"] == "done"]
    return {
        "n": len(pairs),
        "n_within": sum(pair["within"] for pair in pairs),
        "lr": median(rates) if rates else None,
        "lr_spread": max(rates) / min(rates) if rates else None,
        "lr_over_best": median(over_best) if over_best else None,
        "ratio": median(_ratios(pairs)),
    }


def _ratios(pairs: Sequence[Document]) -> list[float]:
    return [pair["ratio"] if pair["state"] == "done" else math.inf for pair in pairs]
