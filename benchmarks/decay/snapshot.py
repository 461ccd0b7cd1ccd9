"""Does one trunk with branches choose a weight decay better than short runs of the same cost? Prints the table, as Markdown.

    python -m benchmarks.decay.snapshot --cached > benchmarks/results/snapshot.md

Without `--cached` what is missing is trained first, a quarter of an hour of one core with nothing on disk; the same command goes on where it stopped.
`TUNESMITH_DATA` names the data then.
"""

import argparse
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.decay.branches import DECAYS, MIDDLE
from benchmarks.decay.ranks import mean_interval, rank_correlation
from benchmarks.decay.snapshot_rows import BASES, BRANCHED, FULL, RIVALS, ROWS, SAME_RATE, SHORT, Measured, make_rows, measured

EQUAL, EQUAL_RATE = "7T/40, annealed", "7T/40, decay of the full run"
"""They cost what trunk and branches cost."""
COMPARED = (*zip(SAME_RATE, SHORT, strict=True), *((way, EQUAL) for way in BRANCHED), (BRANCHED[-1], EQUAL_RATE), (BRANCHED[-1], "T/4, annealed"))
"""Ways beside others."""
TIE_SPREADS = 0.5
"""Regrets that differ by less count as equal (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well one way chooses a total decay on one task.

    Attributes:
        cost: Of its runs, in full trainings.
        correlation: Of its losses with the means of the full runs, the mean over studies; None where it looks at nothing.
        regret: (mean loss of the full runs at the chosen decay - at the best) / spread, the mean over studies.
        hits: Share of the studies in which the best decay was chosen.
    """

    cost: float
    correlation: float | None
    regret: float
    hits: float


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cached", action="store_true", help="train nothing")
    parser.add_argument("--rows", type=Path, default=ROWS, help="where the rows lie")
    parser.add_argument("--tasks", nargs="+", choices=list(BASES), default=list(BASES), metavar="TASK", help="which tasks (default: all six)")
    given = parser.parse_args(arguments)
    if not given.cached:
        make_rows(given.rows, names=given.tasks)
    known = measured(given.rows, names=given.tasks)
    missing = [name for name in given.tasks if name not in {one.task for one in known}]
    if missing:
        parser.error(f"--rows must hold all runs of the tasks, and {', '.join(missing)} lack some in {given.rows}. Call it without --cached.")
    tables = [*truth_table(known), *way_table(known), *compared_table(known), *task_table(known)]
    print("\n".join([*_WHAT, *tables, f"All this took {sum(one.seconds for one in known) / 60:.0f} CPU minutes; the trunk that two ways share counts twice."]))


def truth(one: Measured) -> list[float]:
    """Mean final validation loss of the full runs at each total decay."""
    return [statistics.fmean(losses) for losses in zip(*one.truth.values(), strict=True)]


def spread(one: Measured) -> float:
    """Standard deviation between seeds of the full runs: the median over total decays of those that were never lost."""
    return statistics.median(statistics.stdev(losses) for losses in zip(*one.truth.values(), strict=True) if all(map(math.isfinite, losses)))


def score_of(one: Measured, way: str) -> Score:
    """Of a rival, of full runs on one seed judged by the other seeds, or of a choice that looks at nothing."""
    means = truth(one)
    if way in RIVALS:
        return _score(one, [(losses, means) for losses in one.rivals[way].values()], cost=one.costs[way])
    if way == FULL:
        others = {seed: [losses for other, losses in one.truth.items() if other != seed] for seed in one.truth}
        pairs = [(losses, [statistics.fmean(rest) for rest in zip(*others[seed], strict=True)]) for seed, losses in one.truth.items()]
        return _score(one, pairs, cost=float(len(DECAYS)))
    guessed = list(range(len(DECAYS))) if way == ANY else [DECAYS.index(GUESSES[way])]
    regrets = [(means[at] - min(means)) / spread(one) for at in guessed]
    return Score(cost=0.0, correlation=None, regret=statistics.fmean(regrets), hits=statistics.fmean(means[at] == min(means) for at in guessed))


def _score(one: Measured, pairs: Sequence[tuple[list[float], list[float]]], *, cost: float) -> Score:
    chosen = [(losses.index(min(losses)), means) for losses, means in pairs]
    return Score(
        cost=cost,
        correlation=statistics.fmean(rank_correlation(losses, means) for losses, means in pairs),
        regret=statistics.fmean((means[at] - min(means)) / spread(one) for at, means in chosen),
        hits=statistics.fmean(means[at] == min(means) for at, means in chosen),
    )


ANY = "any of the five"
GUESSES = {f"always {MIDDLE:g}": MIDDLE, "always 0": 0.0}
WAYS = (*RIVALS, FULL, ANY, *GUESSES)


def truth_table(known: Sequence[Measured]) -> list[str]:
    """What the full runs say."""
    lines = ["## Full runs", "", f"| task | {' | '.join(f'A = {decay:g}' for decay in DECAYS)} | spread | from best to worst, spreads |"]
    lines.append(f"|---|{'---|' * (len(DECAYS) + 2)}")
    for one in known:
        means = truth(one)
        cells = [f"**{mean:.4f}**" if mean == min(means) else f"{mean:.4f}" for mean in means]
        lines.append(f"| {one.task} | {' | '.join(cells)} | {spread(one):.4f} | {(max(means) - min(means)) / spread(one):.1f} |")
    return [*lines, ""]


def way_table(known: Sequence[Measured]) -> list[str]:
    """Each way, the mean over tasks."""
    lines = ["## Ways of choosing, the mean over tasks", "", "| way | cost | rank correlation | regret | best chosen |", "|---|---|---|---|---|"]
    for way in WAYS:
        scores = [score_of(one, way) for one in known]
        correlations = [one.correlation for one in scores if one.correlation is not None]
        correlation = f"{_mean(correlations):.2f}" if correlations else "-"
        cost, regret, hits = (_mean(getattr(one, name) for one in scores) for name in ("cost", "regret", "hits"))
        lines.append(f"| {way} | {cost:.2f} | {correlation} | {regret:.1f} | {hits:.2f} |")
    return [*lines, ""]


def compared_table(known: Sequence[Measured]) -> list[str]:
    """Differences between two ways, with how sure they are."""
    lines = [
        "## Two ways beside one another",
        "",
        "| way | beside | rank correlation | regret | tasks with less regret, more, as much |",
        "|---|---|---|---|---|",
    ]
    for way, other in COMPARED:
        pairs = [(score_of(one, way), score_of(one, other)) for one in known]
        gains = [(mine.correlation or 0.0) - (theirs.correlation or 0.0) for mine, theirs in pairs]
        regrets = [mine.regret - theirs.regret for mine, theirs in pairs]
        less, more = sum(gain < -TIE_SPREADS for gain in regrets), sum(gain > TIE_SPREADS for gain in regrets)
        lines.append(f"| {way} | {other} | {_sure(gains)} | {_sure(regrets)} | {less}, {more}, {len(regrets) - less - more} |")
    return [*lines, ""]


def task_table(known: Sequence[Measured]) -> list[str]:
    """Rank correlation and regret of each way on each task."""
    lines = ["## Task by task: rank correlation, regret", "", f"| way | {' | '.join(one.task for one in known)} |", f"|---|{'---|' * len(known)}"]
    for way in WAYS:
        cells = [(score_of(one, way).correlation, score_of(one, way).regret) for one in known]
        lines.append(f"| {way} | {' | '.join(f'{regret:.1f}' if rho is None else f'{rho:.2f}, {regret:.1f}' for rho, regret in cells)} |")
    return [*lines, ""]


def _sure(gains: Sequence[float]) -> str:
    low, high = mean_interval(gains)
    return f"{_mean(gains):+.2f} [{low:+.2f}, {high:+.2f}]"


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


_WHAT = [
    "# One trunk and its branches, or short runs: which chooses the better weight decay?",
    "",
    f"Six tasks at good settings, total decays A of {', '.join(f'{decay:g}' for decay in DECAYS)}. Truth: the mean final validation loss of full",
    "1cycles on five seeds. A way trains something shorter at each A on one seed, five studies, and chooses the A whose run ends lowest.",
    "",
    "- `annealed`: a whole 1cycle for each A, with that total decay in its own length. `decay of the full run`: the same with the full run's weight decay.",
    f"- Trunk and branches: a trunk of T/4 at A = {MIDDLE:g}, its weights and optimizer state copied, a branch of T/8 for each A, annealed to zero and",
    "  judged by its end. `annealed trunk`: two whole cycles, the branch with A in its own length. `peak`: one cycle, the trunk its rise, the branch its fall;",
    "  `own length`: the branch has A in its own length, `same rate`: it has the weight decay that would have A in trunk and branch.",
    "- `full`: full runs of one seed, judged by the other four. `any`, `always`: nothing is tried.",
    "",
    "Cost: examples trained, in full trainings; validation comes on top, a single one each. Regret: (full runs' mean loss at the chosen A - at the best A)",
    f"/ spread between seeds. Brackets: the middle 90 % of 2,000 drawings of the tasks. Regrets within {TIE_SPREADS:g} of a spread count as equal.",
    "",
]


if __name__ == "__main__":
    main()
