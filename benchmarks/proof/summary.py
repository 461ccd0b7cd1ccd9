"""The bench's result: one JSON document out of the rows on disk. Nothing is trained and no data is read; the same rows give the same document."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, TypeAlias

from benchmarks.proof.collect import Chosen, Study, TaskRows, study_of
from benchmarks.proof.score import Trajectory, at_cost, bootstrapped_wins, cost_to_reach, percentile, profile, random_searches
from benchmarks.proof.study import Method

VERSION = 1
GRID = tuple(0.125 * 2 ** (i / 4) for i in range(38))
"""Total costs, in full trainings, at which methods that go on searching are looked at: .125 to 76."""
REGRET_LEVELS = tuple(0.25 * i for i in range(81))
"""Regrets, in spreads of the seeds, at which performance profiles are drawn."""
SNAPSHOTS = (3.0, 10.0, 30.0, 61.0)
"""Total costs at which a method that goes on searching gets a row in the tables."""
SEARCH_BUDGET = 60.0
"""How far random search goes, in full trainings."""
N_RANDOM_SEARCHES = 400
RANDOM_SEARCHES = {"random_search": False, "random_search_early_stopping": True}
"""Name → whether each training is judged at the best validation loss on its way."""

Trajectories: TypeAlias = dict[str, list[Trajectory]]
"""Method → one trajectory a study, on one task."""


class Scored:
    """A measured task: its trajectories, and the scale that turns losses into scores.

    Args:
        rows: What is known of the task.
        methods: Whose studies are looked up.
        n_studies: How many of each.
    """

    def __init__(self, rows: TaskRows, methods: Sequence[Method], *, n_studies: int) -> None:
        if rows.oracle is None:
            raise ValueError(f"{rows.name} must have its oracle to be scored.")
        self.name = rows.name
        self.oracle = rows.oracle
        self.reference = rows.reference_tests()
        self.studies = {method.name: [study_of(rows, method, number) for number in range(n_studies)] for method in methods}
        self.trajectories: Trajectories = {
            name: [study.trajectory for study in studies if study.choices] for name, studies in self.studies.items()
        } | {
            name: random_searches(rows.random_trainings(stops_early=stops_early), budget=SEARCH_BUDGET, n=N_RANDOM_SEARCHES)
            for name, stops_early in RANDOM_SEARCHES.items()
        }  # fmt: skip

    def percentile(self, test: float) -> float:
        """Place among the random settings; 0 is better than all."""
        return percentile(test, self.reference)

    def regret(self, test: float) -> float:
        """Distance to the oracle in spreads of the seeds."""
        return (test - self.oracle.test) / self.oracle.spread

    def has_failed(self, test: float) -> bool:
        """Diverged, or worse than the median random setting."""
        return not math.isfinite(test) or test > statistics.median(self.reference)

    def total(self, method: str) -> float:
        """Median total cost of a method's studies at their end."""
        return statistics.median(trajectory[-1].total for trajectory in self.trajectories[method])

    def ends(self, method: str) -> list[float]:
        """Test loss of each study at its end."""
        return [trajectory[-1].test for trajectory in self.trajectories[method]]

    def at(self, method: str, total: float) -> list[float]:
        """Test loss of each study at a total cost."""
        return [at_cost(trajectory, total) for trajectory in self.trajectories[method]]


def summarize(tasks: Sequence[TaskRows], methods: Sequence[Method], *, n_studies: int, made: dict[str, Any]) -> dict[str, Any]:
    """The document, described in benchmarks/README.md.

    Args:
        tasks: In the order in which they are shown.
        methods: Likewise; random search is added, since it costs nothing.
        n_studies: Studies of each method on each task.
        made: What made it: machine, versions, seeds, commit, command.
    """
    scored = [Scored(rows, methods, n_studies=n_studies) for rows in tasks if rows.is_measured]
    ours = [method.name for method in methods if method.is_ours]
    names = [method.name for method in methods] + list(RANDOM_SEARCHES)
    budgets = {method.name: method.budget for method in methods} | dict.fromkeys(RANDOM_SEARCHES, SEARCH_BUDGET)
    searching = [name for name in names if any(len(trajectory) > 1 for task in scored for trajectory in task.trajectories[name])]
    return {
        "version": VERSION,
        "made": made,
        "tasks": {rows.name: _task(rows) for rows in tasks},
        "methods": {name: {"is_ours": name in ours, "searches_on": name in searching} for name in names},
        "results": [_result(task, method.name) for task in scored for method in methods],
        "snapshots": [_snapshot(task, name, total) for task in scored for name in searching for total in SNAPSHOTS if total <= (budgets[name] or math.inf) + 1],
        "curves": {name: {task.name: _curve(task, name) for task in scored} for name in searching},
        "profiles": {"levels": REGRET_LEVELS, "shares": {name: _profile(scored, name) for name in names}},
        "wins": [_wins(scored, mine, other, searches_on=other in searching) for mine in ours for other in names if other not in ours],
        "cost_ratios": [_cost_ratio(task, mine, other) for mine in ours for other in searching for task in scored if task.trajectories[mine]],
        "missing": _missing(tasks, scored),
    }


def _task(rows: TaskRows) -> dict[str, Any]:
    tests = rows.reference_tests()
    return {
        "facts": None if rows.facts is None else vars(rows.facts),
        "reference": None if not tests else {
            "n": len(tests),
            "diverged": sum(not math.isfinite(test) for test in tests),
            "best": min(tests),
            "median": statistics.median(tests),
            "cost": sum(random.cost for random in rows.random_trainings(stops_early=False)) if rows.facts is not None else None,
        },
        "oracle": None if rows.oracle is None else vars(rows.oracle),
    }  # fmt: skip


def _result(task: Scored, method: str) -> dict[str, Any]:
    """A method on a task: medians over studies, and every study."""
    studies = task.studies[method]
    done = [_study(task, study) for study in studies if study.choices]
    crashes = [study for study in studies if study.is_crash]
    base = {"task": task.name, "method": method, "state": "done" if done else "crashed" if crashes else "missing", "studies": done}
    base["why"] = sorted({study.failure for study in studies if study.failure})
    if not done:
        return base
    n_failed = sum(task.has_failed(test) for study in done for test in study["tests"]) + sum(3 for _ in crashes)
    return base | {
        "n_studies": len(done),
        "n_crashed": len(crashes),
        "is_current": all(study.is_current for study in studies),
        "percentile": statistics.median(study["percentile"] for study in done),
        "percentiles": [min(study["percentile"] for study in done), max(study["percentile"] for study in done)],
        "regret": statistics.median(study["regret"] for study in done),
        "regrets": [min(study["regret"] for study in done), max(study["regret"] for study in done)],
        "test": statistics.median(study["test"] for study in done),
        "failed": n_failed / (sum(len(study["tests"]) for study in done) + 3 * len(crashes)),
        "search": statistics.median(study["search"] for study in done),
        "total": statistics.median(study["total"] for study in done),
        "seconds": statistics.median(study["seconds"] for study in done),
    }


def _study(task: Scored, study: Study) -> dict[str, Any]:
    last: Chosen = study.choices[-1]
    test = statistics.median(last.tests)
    return {
        "number": study.number,
        "settings": last.choice["settings"],
        "total_steps": last.choice["total_steps"],
        "note": last.choice["note"],
        "tests": last.tests,
        "valids": last.valids,
        "metrics": [row["test"] for row in last.retrained],
        "test": test,
        "percentile": task.percentile(test),
        "regret": task.regret(test),
        "search": last.search,
        "final": last.final,
        "total": last.total,
        "seconds": study.seconds,
        "is_current": study.is_current,
    }


def _snapshot(task: Scored, method: str, total: float) -> dict[str, Any]:
    """Where a method that goes on searching stands at a total cost: medians over its studies."""
    tests = task.at(method, total)
    test = statistics.median(tests) if tests else math.inf
    return {
        "task": task.name,
        "method": method,
        "total": total,
        "n": len(tests),
        "test": test,
        "percentile": task.percentile(test) if math.isfinite(test) else None,
        "regret": task.regret(test),
        "failed": sum(task.has_failed(one) for one in tests) / len(tests) if tests else None,
    }


def _curve(task: Scored, method: str) -> list[list[float | None]]:
    """[total cost, median percentile, median regret] where the median study has chosen anything yet."""
    points = [(total, statistics.median(task.at(method, total))) for total in GRID if task.trajectories[method]]
    return [[total, task.percentile(test), task.regret(test)] for total, test in points if math.isfinite(test)]


def _profile(scored: Sequence[Scored], method: str) -> list[float] | None:
    """Share of (task, study) pairs at or below each regret, each task weighing the same; None where a method was not run on every task."""
    if not scored or any(not task.trajectories[method] for task in scored):
        return None
    shares = [profile([task.regret(test) for test in task.ends(method)], REGRET_LEVELS) for task in scored]
    return [statistics.fmean(column) for column in zip(*shares, strict=True)]


def _wins(scored: Sequence[Scored], mine: str, other: str, *, searches_on: bool) -> dict[str, Any]:
    """Share of tasks won: against a method that goes on searching at our total cost, against any other at its own."""
    both = [task for task in scored if task.trajectories[mine] and task.trajectories[other]]
    pairs = [(task.ends(mine), task.at(other, task.total(mine)) if searches_on else task.ends(other)) for task in both]
    share = bootstrapped_wins(pairs) if pairs else None
    return {"ours": mine, "other": other, "n_tasks": len(pairs), "at": "our total cost" if searches_on else "its own cost", "share": share}


def _cost_ratio(task: Scored, mine: str, other: str) -> dict[str, Any]:
    """Total cost at which `other` reaches our median test loss, over our total; censored where it never does."""
    reached = cost_to_reach(task.trajectories[other], statistics.median(task.ends(mine)), grid=GRID) if task.trajectories[other] else math.inf
    is_censored = not math.isfinite(reached)
    last = max((trajectory[-1].total for trajectory in task.trajectories[other] if trajectory), default=0.0) if is_censored else reached
    return {"task": task.name, "ours": mine, "other": other, "ratio": last / task.total(mine), "is_censored": is_censored}


def _missing(tasks: Sequence[TaskRows], scored: Sequence[Scored]) -> list[str]:
    """What a complete bench would have besides."""
    lines = [f"{rows.name}: the reference is not complete" for rows in tasks if not rows.is_measured]
    for task in scored:
        for method, studies in task.studies.items():
            lines += [f"{task.name}: {method}, study {study.number}: {study.failure}" for study in studies if study.failure]
            lines += [f"{task.name}: {method}, study {study.number} is of an earlier code" for study in studies if not study.is_current]
    return lines
