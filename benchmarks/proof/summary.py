"""The bench's result: one JSON document out of the rows on disk. Nothing is trained and no data is read; the same rows give the same document."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from benchmarks.proof.collect import Study, TaskRows, study_of
from benchmarks.proof.coverage import coverage
from benchmarks.proof.methods import Method
from benchmarks.proof.score import Trajectory, at_cost, bootstrapped_wins, cost_to_reach, percentile, profile, random_searches
from benchmarks.proof.study import RETRAINING_SEEDS

Document: TypeAlias = dict[str, Any]
"""JSON: version, made, cpu_hours, and the tables tasks, methods, overall, results, snapshots, curves, profiles, wins, cost_ratios, coverage, missing."""

VERSION = 1
GRID = tuple(0.125 * 2 ** (i / 4) for i in range(38))
"""Total costs, in full trainings, at which the curves of methods that go on searching are drawn: .125 to 76."""
REGRET_LEVELS = tuple(0.25 * i for i in range(81))
"""Regrets, in spreads of the seeds, at which performance profiles are drawn."""
SNAPSHOTS = (3.0, 10.0, 30.0, 61.0)
"""Total costs at which a method that goes on searching gets a row in the tables: about ours, and three up to where they end (our choice)."""
SEARCH_BUDGET = 60.0
"""How far random search goes, in full trainings."""
N_RANDOM_SEARCHES = 2000
"""Enough for a cost at which a median crosses a line (our choice)."""
RANDOM_SEARCHES = {"random_search": False, "random_search_early_stopping": True}
"""Name → whether each training is judged at the best validation loss on its way."""


class Scored:
    """A measured task: its trajectories, and the scale that turns losses into scores.

    Args:
        rows: What is known of the task; its oracle among it.
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
        self.trajectories: dict[str, list[Trajectory]] = {
            name: [study.trajectory for study in studies if study.choices or study.is_crash] for name, studies in self.studies.items()
        } | {
            name: random_searches(rows.random_trainings(stops_early=stops_early), budget=SEARCH_BUDGET, n=N_RANDOM_SEARCHES)
            for name, stops_early in RANDOM_SEARCHES.items()
        }  # fmt: skip

    def percentile(self, test: float) -> float:
        """Place among the random settings; 0 is better than all, 100 is to have none."""
        return percentile(test, self.reference) if math.isfinite(test) else 100.0

    def regret(self, test: float) -> float:
        """Distance to the oracle in spreads of the seeds."""
        return (test - self.oracle.test) / self.oracle.spread

    def has_failed(self, test: float) -> bool:
        """Diverged, or worse than the median random setting."""
        return not math.isfinite(test) or test > statistics.median(self.reference)

    def total(self, method: str) -> float:
        """Median total cost of a method's studies at their end; those that crashed left none."""
        totals = [study.total for study in self.studies[method] if study.choices]
        return statistics.median(totals) if totals else math.inf

    def ends(self, method: str) -> list[float]:
        """Test loss of each study at its end; infinite where it crashed."""
        return [trajectory[-1].test for trajectory in self.trajectories[method]]

    def at(self, method: str, total: float) -> list[float]:
        """Test loss of each study at a total cost."""
        return [at_cost(trajectory, total) for trajectory in self.trajectories[method]]


def summarize(tasks: Sequence[TaskRows], methods: Sequence[Method], *, n_studies: int, made: Document) -> Document:
    """The document.

    Args:
        tasks: In the order in which they are shown.
        methods: Likewise; random search is added, since it costs nothing.
        n_studies: Studies of each method on each task.
        made: What made it: machines, versions, seeds, commits, command.
    """
    scored = [Scored(rows, methods, n_studies=n_studies) for rows in tasks if not rows.why_not_measured]
    ours = [method.name for method in methods if method.is_ours]
    known = {method.name: _method(method, scored) for method in methods}
    known |= {name: {"family": name, "budget": SEARCH_BUDGET, "is_ours": False, "searches_on": True} for name in RANDOM_SEARCHES}
    searching = [name for name, method in known.items() if method["searches_on"]]
    results = [_result(task, method.name) for task in scored for method in methods]
    snapshots = [
        _snapshot(task, name, total)
        for task in scored
        for name in searching
        for total in SNAPSHOTS
        if total <= known[name]["budget"] + 1 and task.trajectories[name]
    ]  # fmt: skip
    return {
        "version": VERSION,
        "made": made,
        "cpu_hours": sum(rows.cpu_seconds for rows in tasks) / 3600,
        "tasks": {rows.name: _task(rows) for rows in tasks},
        "methods": known,
        "overall": overall(results, snapshots, n_tasks=len(tasks)),
        "results": results,
        "snapshots": snapshots,
        "curves": {name: {task.name: _curve(task, name) for task in scored} for name in searching},
        "profiles": {"levels": REGRET_LEVELS, "shares": {name: _profile(scored, name) for name in known}},
        "wins": [_wins(scored, mine, other, searches_on=other in searching) for mine in ours for other in known if other not in ours],
        "cost_ratios": [ratio for mine in ours for other in searching for task in scored for ratio in _cost_ratio(task, mine, other)],
        "coverage": [_coverage(scored, mine) for mine in ours],
        "missing": _missing(tasks, scored),
    }


def _coverage(scored: Iterable[Scored], method: str) -> Document:
    """How often retrainings ended in the interval that their study stated, over all tasks, and task by task."""
    held = {
        task.name: [
            [low <= valid <= high for valid in study.choices[-1].valids]
            for study in task.studies[method]
            if study.choices and (interval := study.choices[-1].choice.get("interval"))
            for low, high in [interval]
        ]
        for task in scored
    }
    by_task = {name: statistics.fmean(one for study in studies for one in study) for name, studies in held.items() if studies}
    return {"method": method, **asdict(coverage([study for studies in held.values() for study in studies])), "by_task": by_task}


def _method(method: Method, scored: Iterable[Scored]) -> Document:
    searches_on = any(study.searches_on for task in scored for study in task.studies[method.name])
    return {"family": method.family, "budget": method.budget, "is_ours": method.is_ours, "searches_on": searches_on}


def _task(rows: TaskRows) -> Document:
    tests = rows.reference_tests()
    reference = {
        "n": len(tests),
        "diverged": sum(not math.isfinite(test) for test in tests),
        "best": min(tests, default=math.inf),
        "median": statistics.median(tests) if tests else math.inf,
    }
    return {
        "why_not_measured": rows.why_not_measured,
        "facts": None if rows.facts is None else asdict(rows.facts),
        "reference": reference,
        "oracle": None if rows.oracle is None else asdict(rows.oracle),
    }


def _result(task: Scored, method: str) -> Document:
    """A method on a task: medians over the studies that were run, in which one that crashed counts as infinitely bad, and every study."""
    studies = task.studies[method]
    done = [_study(task, study) for study in studies if study.choices]
    n_crashed = sum(study.is_crash for study in studies)
    base = {
        "task": task.name,
        "method": method,
        "state": "done" if done else "crashed" if n_crashed else "missing",
        "why": sorted({study.failure for study in studies if study.failure}.union(*(study.crashed_retrainings for study in studies))),
        "n_studies": len(done),
        "n_distinct": len({str((study["settings"], study["total_steps"])) for study in done}),
        "n_crashed": n_crashed,
        "studies": done,
    }
    tests = task.ends(method)
    if not tests:
        return base
    failed = [task.has_failed(test) for study in done for test in study["tests"]] + [True] * n_crashed * len(RETRAINING_SEEDS)
    scores = {"percentile": [task.percentile(test) for test in tests], "regret": [task.regret(test) for test in tests]}
    costs = {name: statistics.median(study[name] for study in done) if done else None for name in ("search", "final", "total", "seconds")}
    return (
        base
        | {name: statistics.median(values) for name, values in scores.items()}
        | {f"{name}s": [min(values), max(values)] for name, values in scores.items()}
        | {"test": statistics.median(tests), "failed": statistics.fmean(failed), "is_current": all(study.is_current for study in studies)}
        | costs
    )


def _study(task: Scored, study: Study) -> Document:
    last = study.choices[-1]
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
        "search": study.search,
        "final": last.final,
        "total": study.total,
        "seconds": study.seconds,
        "is_current": study.is_current,
    }


def _snapshot(task: Scored, method: str, total: float) -> Document:
    """Where a method that goes on searching stands at a total cost: medians over its studies; what has nothing yet is infinitely bad."""
    tests = task.at(method, total)
    test = statistics.median(tests)
    return {
        "task": task.name,
        "method": method,
        "total": total,
        "n": len(tests),
        "test": test,
        "percentile": task.percentile(test),
        "regret": task.regret(test),
        "failed": sum(task.has_failed(one) for one in tests) / len(tests),
    }


def overall(results: Sequence[Document], snapshots: Sequence[Document], *, n_tasks: int) -> list[Document]:
    """A line for each method and for each snapshot, over the tasks; those that lack tasks last, of the others the worst first."""
    scored = [result for result in results if result["state"] != "missing"]
    lines = [_line(name, None, [one for one in scored if one["method"] == name]) for name in dict.fromkeys(one["method"] for one in scored)]
    for name, total in dict.fromkeys((one["method"], one["total"]) for one in snapshots):
        lines.append(_line(name, total, [one for one in snapshots if (one["method"], one["total"]) == (name, total)]))
    return sorted(lines, key=lambda line: (line["n_tasks"] < n_tasks, -line["percentile"]))


def _line(method: str, snapshot: float | None, found: Sequence[Document]) -> Document:
    percentiles = [one["percentile"] for one in found]
    costs = {name: [one[name] for one in found if one.get(name) is not None] for name in ("search", "final", "total")}
    worst = max(found, key=lambda one: one["percentile"])
    return {
        "method": method,
        "snapshot": snapshot,
        "n_tasks": len(found),
        "percentile": statistics.median(percentiles),
        "percentiles": [min(percentiles), max(percentiles)],
        "worst_task": worst["task"],
        "regret": statistics.median(one["regret"] for one in found),
        "failed": statistics.fmean(one["failed"] for one in found),
    } | {name: statistics.median(values) if values else None for name, values in costs.items()}


def _curve(task: Scored, method: str) -> list[list[float]]:
    """[total cost, median percentile, median regret] where the median study has chosen anything yet."""
    points = [(total, statistics.median(task.at(method, total))) for total in GRID if task.trajectories[method]]
    return [[total, task.percentile(test), task.regret(test)] for total, test in points if math.isfinite(test)]


def _profile(scored: Sequence[Scored], method: str) -> list[float] | None:
    """Share of (task, study) pairs at or below each regret, each task weighing the same; None where a method was not run on every task."""
    if not scored or any(not task.trajectories[method] for task in scored):
        return None
    shares = [profile([task.regret(test) for test in task.ends(method)], REGRET_LEVELS) for task in scored]
    return [statistics.fmean(column) for column in zip(*shares, strict=True)]


def _wins(scored: Sequence[Scored], mine: str, other: str, *, searches_on: bool) -> Document:
    """How often we win: against a method that goes on searching at our total cost, against any other at its own."""
    both = [task for task in scored if task.trajectories[mine] and task.trajectories[other]]
    pairs = [(task.ends(mine), task.at(other, task.total(mine)) if searches_on else task.ends(other)) for task in both]
    share = bootstrapped_wins(pairs) if pairs else None
    return {"ours": mine, "other": other, "n_tasks": len(pairs), "at": "our total cost" if searches_on else "its own cost", "share": share}


def _cost_ratio(task: Scored, mine: str, other: str) -> list[Document]:
    """Total cost at which `other` reaches our median test loss, over our total; censored at what it spent where it never does."""
    if not task.trajectories[mine] or not task.trajectories[other]:
        return []
    reached = cost_to_reach(task.trajectories[other], statistics.median(task.ends(mine)))
    is_censored = not math.isfinite(reached)
    searches = [SEARCH_BUDGET] if other in RANDOM_SEARCHES else [study.search for study in task.studies[other] if study.choices]
    spent = statistics.median(searches) if searches else 0.0
    return [{"task": task.name, "ours": mine, "other": other, "ratio": (spent if is_censored else reached) / task.total(mine), "is_censored": is_censored}]


def _missing(tasks: Sequence[TaskRows], scored: Sequence[Scored]) -> list[str]:
    """What a complete bench would have besides."""
    lines = [f"{rows.name}: {rows.why_not_measured}" for rows in tasks if rows.why_not_measured]
    for task in scored:
        for method, studies in task.studies.items():
            lines += [f"{task.name}: {method}, study {study.number}: {study.failure}" for study in studies if study.failure]
            lines += [f"{task.name}: {method}, study {study.number} is of an earlier code" for study in studies if not study.is_current]
    return lines
