"""The table as Markdown."""

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.ablation.summary import Cell, Line, Summary
from benchmarks.proof.study import RETRAINING_SEEDS
from benchmarks.proof.table import rows_of
from benchmarks.proof.wording import described, number


def table(summary: Summary, *, command: str, n_studies: int, machines: Sequence[dict[str, Any]], cpu_hours: float) -> str:
    """The whole page.

    Args:
        summary: What is known.
        command: What makes the page again.
        n_studies: Studies of each variant on each task that were asked for.
        machines: Which trained.
        cpu_hours: Of the studies.
    """
    machine_lines = "\n".join(f"- {described(machine)}" for machine in machines)
    head = (
        "# Ablation of recipe `ladder`\n\n"
        f"`{command}`, from rows that were trained on\n\n{machine_lines}\n\n"
        f"{n_studies} studies of each variant on each task at budget 1, {cpu_hours:.2f} hours of one core for all studies of these tasks; every choice\n"
        f"trained again on the fresh seeds {', '.join(map(str, RETRAINING_SEEDS))}. Each variant is the whole recipe with one part switched off, as\n"
        "`benchmarks/ablation/variants/` says. Percentile, regret, failed and cost as in the proof bench: place among the random settings, distance to the\n"
        "oracle in standard deviations between seeds, retrainings that diverged or are worse than the median random setting, full trainings.\n"
        "A study that crashed counts as infinitely bad."
    )
    parts = [head, _overall(summary.lines), _by_task(summary), _missing(summary.missing)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _overall(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    names = ["variant", "tasks", "studies", "percentile (whole recipe)", "worse", "better", "search", "total", "failed"]
    text = (
        "Percentile: mean over tasks of the median study, in brackets that of the whole recipe on the same tasks. Worse, better: tasks on which the median\n"
        "regret is more than one standard deviation between seeds above, below the whole recipe's. Search and total: geometric means over tasks."
    )
    return f"## Over all tasks\n\n{text}\n\n" + rows_of([names, *map(_line, lines)])


def _line(line: Line) -> list[str]:
    earlier = f" ({line.n_earlier} of {line.n_studies} studies are of an earlier code)" if line.n_earlier else ""
    return [
        _words(line.variant) + earlier,
        str(line.n_tasks),
        str(line.n_studies),
        f"{number(line.percentile, digits=1)} ({number(line.whole, digits=1)})",
        str(line.n_worse),
        str(line.n_better),
        _finite(line.search, digits=2),
        _finite(line.total, digits=2),
        f"{line.n_failed} of {line.n_retrained}",
    ]


def _by_task(summary: Summary) -> str:
    if not summary.cells:
        return ""
    lines = [[task, *(_shown(summary.cells.get((task, variant))) for variant in summary.variants)] for task in summary.tasks]
    return "## Task by task: median percentile, median regret\n\n" + rows_of([["task", *map(_words, summary.variants)], *lines])


def _shown(cell: Cell | None) -> str:
    return "" if cell is None else f"{_finite(cell.percentile)}, {_finite(cell.regret)}"


def _finite(value: float, *, digits: int = 1) -> str:
    return number(value if math.isfinite(value) else None, digits=digits)


def _words(variant: str) -> str:
    return variant.replace("_", " ")


def _missing(lines: Sequence[str]) -> str:
    return "" if not lines else "## Missing\n\n" + "\n".join(f"- {line}" for line in lines)
