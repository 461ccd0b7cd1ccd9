"""Prints whether short runs rank settings better with the total decay of the full ones, and where not, as Markdown.

    python -m benchmarks.decay --cached > benchmarks/results/decay.md

The rows are those of `benchmarks.clues.pairs`; without `--cached` what they lack is trained first.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.clues.short_runs import N_SETTINGS, ROWS, TASKS, make_rows
from benchmarks.decay.matching import TaskRanks, Tried, TriedTask, groups_of, promising, task_ranks, tried_task
from benchmarks.decay.ranks import mean_interval

TIE = 0.01
"""Rank correlations that differ by less count as equal (our choice)."""


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cached", action="store_true", help="train nothing")
    parser.add_argument("--rows", type=Path, default=ROWS, help="where the rows lie")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, metavar="TASK", help="which tasks (default: all eight)")
    given = parser.parse_args(arguments)
    if not given.cached:
        make_rows(given.rows, names=given.tasks, n_settings=N_SETTINGS)
    tasks = [tried_task(given.rows, name) for name in given.tasks]
    print("\n".join([*_WHAT, *rank_tables(tasks), *shift_table(tasks)]))


def rank_tables(tasks: Sequence[TriedTask]) -> list[str]:
    """Rank correlations of each task, among all of its settings and among the promising ones."""
    lines: list[str] = []
    for title, of in (("All settings", list), ("The promising 40 %", promising)):
        found = [(task, task_ranks(of(task.tried))) for task in tasks]
        gains = [ranks.gain for _, ranks in found]
        means = {name: _mean(getattr(ranks, name) for _, ranks in found) for name in ("plain", "matched", "gain", "seeds")}
        counts = [sum(gain > TIE for gain in gains), sum(gain < -TIE for gain in gains), sum(abs(gain) <= TIE for gain in gains)]
        lines += [f"## {title}", "", "| task | optimizer | settings | decay as drawn | same total decay | gain | one full run with the other |"]
        lines.append("|---|---|---|---|---|---|---|")
        lines += [_rank_line(f"{task.name} | {task.optimizer} | {len(of(task.tried))}", ranks) for task, ranks in found]
        lines.append(_rank_line("mean | | ", TaskRanks(**means, gain_interval=mean_interval(gains))))
        lines += ["", f"The same total decay ranks better on {counts[0]} of {len(gains)} tasks, worse on {counts[1]}, as well on {counts[2]}.", ""]
    return lines


def _rank_line(name: str, ranks: TaskRanks) -> str:
    low, high = ranks.gain_interval
    return f"| {name} | {ranks.plain:.2f} | {ranks.matched:.2f} | {ranks.gain:+.2f} [{low:+.2f}, {high:+.2f}] | {ranks.seeds:.2f} |"


def shift_table(tasks: Sequence[TriedTask]) -> list[str]:
    """How many places the two kinds of short runs misplace the settings of a group, all tasks together, and apart by optimizer."""
    lines = [*_WHERE]
    for kind, names in (("all", {"sgd", "nesterov", "adamw"}), ("SGD", {"sgd", "nesterov"}), ("AdamW", {"adamw"})):
        groups = groups_of([one for task in tasks if task.optimizer in names for one in task.tried])
        lines += [_shift_line(f"{kind} | {name}", group) for name, group in groups.items()]
    return [*lines, ""]


def _shift_line(name: str, group: Sequence[Tried]) -> str:
    if not group:
        return f"| {name} | 0 | - | - | - | - |"
    plain, matched = [one.plain_shift for one in group], [one.matched_shift for one in group]
    differences = [abs(late) - abs(early) for early, late in zip(plain, matched, strict=True)]
    low, high = mean_interval(differences)
    cells = [f"{_mean(map(abs, shifts)):.2f} ({_mean(shifts):+.2f})" for shifts in (plain, matched)]
    return f"| {name} | {len(group)} | {cells[0]} | {cells[1]} | {_mean(differences):+.2f} [{low:+.2f}, {high:+.2f}] |"


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)


_WHAT = [
    "# Does the same total decay make short runs rank better?",
    "",
    "24 random settings a task, four of them without weight decay. Rank correlation (Spearman) between annealed runs of an eighth of the length, one seed,",
    "and the mean of two full runs on other seeds; lost runs rank last. The short runs have the weight decay `as drawn`, or eight times of it: the `same",
    "total decay`. Brackets: the middle 90 % of 2,000 drawings of a task's settings; for the mean, of the tasks. The last column is what a full run of one",
    "seed says of another.",
    "",
]
_WHERE = [
    "## Where it helps and where it fails",
    "",
    "Places by which the short runs misplace a setting among the 24 of its task, on average; in brackets with its sign, positive where they place it too",
    "far behind. The difference is negative where the same total decay is nearer. `learnt`: from the untrained network's loss to that of the full runs,",
    "beside the task's best; from the second line of each optimizer on, settings that learnt at least half.",
    "",
    "| optimizer | settings | how many | decay as drawn | same total decay | difference |",
    "|---|---|---|---|---|---|",
]


if __name__ == "__main__":
    main()
