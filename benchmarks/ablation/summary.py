"""What each variant is worth beside the whole recipe, out of the rows. Trains nothing and needs no data."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, geometric_mean, median

from benchmarks.ablation.variants import WHOLE
from benchmarks.proof.collect import Study, TaskRows, study_of
from benchmarks.proof.methods import Method
from benchmarks.proof.study import RETRAINING_SEEDS
from benchmarks.proof.summary import Scored


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A variant on a task. A study that crashed counts as infinitely bad.

    Attributes:
        task, variant: Which.
        percentile: Place among the random settings, the median study; 0 is better than all of them.
        regret: Distance to the oracle in standard deviations between seeds, the median study.
        search, total: Cost in full trainings, the median study; infinite where all crashed.
        n_studies: Studies that were run.
        n_failed: Retrainings that diverged, or are worse than the median random setting.
        n_retrained: Retrainings.
    """

    task: str
    variant: str
    percentile: float
    regret: float
    search: float
    total: float
    n_studies: int
    n_failed: int
    n_retrained: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A variant over the tasks on which it and the whole recipe were run.

    Attributes:
        variant: Which.
        n_tasks, n_studies: On how many tasks, and how many studies in all.
        percentile: Mean over tasks of the median study's.
        whole: The same of the whole recipe, on the same tasks.
        n_worse, n_better: Tasks on which its median regret is more than one spread above or below the whole recipe's.
        search, total: Geometric means over tasks, in full trainings.
        n_failed, n_retrained: As in `Cell`, over all tasks.
        n_earlier: Studies of an earlier code.
    """

    variant: str
    n_tasks: int
    n_studies: int
    percentile: float
    whole: float
    n_worse: int
    n_better: int
    search: float
    total: float
    n_failed: int
    n_retrained: int
    n_earlier: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The table.

    Attributes:
        tasks, variants: In the order in which they are shown.
        cells: (task, variant) → what is known.
        lines: One a variant that was run anywhere.
        missing: What a complete table would have besides.
    """

    tasks: list[str]
    variants: list[str]
    cells: dict[tuple[str, str], Cell]
    lines: list[Line]
    missing: list[str]


def summarize(tasks: Sequence[TaskRows], methods: Sequence[Method], *, n_studies: int) -> Summary:
    """The table out of the rows.

    Args:
        tasks: In the order in which they are shown.
        methods: The variants, the whole recipe among them.
        n_studies: Studies of each on each task.
    """
    variants, measured = [method.name for method in methods], [rows for rows in tasks if not rows.why_not_measured]
    studies = {(rows.name, method.name): [study_of(rows, method, number) for number in range(n_studies)] for rows in measured for method in methods}
    scales = {rows.name: Scored(rows, [], n_studies=0) for rows in measured}
    known = (_cell(scales[task], name, found) for (task, name), found in studies.items())
    cells = {(cell.task, cell.variant): cell for cell in known if cell is not None}
    missing = [f"{rows.name}: {rows.why_not_measured}" for rows in tasks if rows.why_not_measured]
    missing += _failures(studies)
    lines = [line for name in variants for line in [_line(name, cells, studies)] if line is not None]
    return Summary(tasks=[rows.name for rows in measured], variants=variants, cells=cells, lines=lines, missing=missing)


def _failures(studies: dict[tuple[str, str], list[Study]]) -> list[str]:
    """One line for each variant and reason, with the tasks and the number of their studies."""
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (task, name), numbered in studies.items():
        for study in numbered:
            if study.failure:
                found[name, study.failure][task] += 1
    return [f"{name}: {why}: {', '.join(f'{task} ({n})' for task, n in tasks.items())}" for (name, why), tasks in found.items()]


def _cell(scale: Scored, variant: str, studies: Sequence[Study]) -> Cell | None:
    """None where no study was run."""
    done, n_crashed = [study for study in studies if study.choices], sum(study.is_crash for study in studies)
    if not done and not n_crashed:
        return None
    tests = [median(study.choices[-1].tests) for study in done] + [math.inf] * n_crashed
    retrained = [test for study in done for test in study.choices[-1].tests]
    return Cell(
        task=scale.name,
        variant=variant,
        percentile=median(scale.percentile(test) for test in tests),
        regret=median(scale.regret(test) for test in tests),
        search=median(study.search for study in done) if done else math.inf,
        total=median(study.total for study in done) if done else math.inf,
        n_studies=len(tests),
        n_failed=sum(map(scale.has_failed, retrained)) + n_crashed * len(RETRAINING_SEEDS),
        n_retrained=len(retrained) + n_crashed * len(RETRAINING_SEEDS),
    )


def _line(variant: str, cells: dict[tuple[str, str], Cell], studies: dict[tuple[str, str], list[Study]]) -> Line | None:
    """None where the variant and the whole recipe have no task in common."""
    both = [(cell, cells[task, WHOLE]) for (task, name), cell in cells.items() if name == variant and (task, WHOLE) in cells]
    if not both:
        return None
    behind = [cell.regret - whole.regret for cell, whole in both if math.isfinite(cell.regret) or math.isfinite(whole.regret)]
    return Line(
        variant=variant,
        n_tasks=len(both),
        n_studies=sum(cell.n_studies for cell, _ in both),
        percentile=fmean(cell.percentile for cell, _ in both),
        whole=fmean(whole.percentile for _, whole in both),
        n_worse=sum(spreads > 1 for spreads in behind),
        n_better=sum(spreads < -1 for spreads in behind),
        search=geometric_mean([cell.search for cell, _ in both]),
        total=geometric_mean([cell.total for cell, _ in both]),
        n_failed=sum(cell.n_failed for cell, _ in both),
        n_retrained=sum(cell.n_retrained for cell, _ in both),
        n_earlier=sum(not study.is_current for cell, _ in both for study in studies[cell.task, variant] if study.choices),
    )
