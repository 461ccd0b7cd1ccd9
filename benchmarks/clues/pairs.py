"""Of two settings' runs, which will end better? Makes the runs, asks `tunesmith.reading.outlook`, and says how often and how surely it is right.

    python -m benchmarks.clues.pairs --out benchmarks/results            # a quarter of an hour with nothing on disk
    python -m benchmarks.clues.pairs --cached --out benchmarks/results --picture docs/_static/reliability.png   # scores only

Asked are the short runs of `short_runs`, and the full runs cut short of `cut_runs`. The baseline names the run whose last loss is the lower.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.clues.calibration import draw, reliability
from benchmarks.clues.cut_runs import CutPair, cut_pairs
from benchmarks.clues.foresight import Foresight, foresight, of_lower, reliability_table, table
from benchmarks.clues.short_runs import FIT_TASKS, N_SETTINGS, ROWS, TASKS, Contender, contenders, make_rows, pairs_of, promising
from tunesmith.curve import RunOutcome
from tunesmith.log import TrainingLog, from_curve
from tunesmith.reading.outlook import foresee

KINDS = ("plain", "matched")
Pairs = Sequence[tuple[Contender, Contender]]
Found = dict[str, dict[str, Foresight]]


def stated(better: TrainingLog, worse: TrainingLog) -> float:
    """The probability that is given to what came true."""
    (pair,) = foresee([better, worse]).pairs
    return pair.probability if pair.better == 0 else 1 - pair.probability


def stated_of_short(pairs: Pairs, kind: str) -> list[float]:
    """By the "plain" or the "matched" short runs alone."""
    return [stated(from_curve(getattr(better, kind), name="better"), from_curve(getattr(worse, kind), name="worse")) for better, worse in pairs]


def lower_of_short(pairs: Pairs, kind: str) -> list[float]:
    """Votes for the short run that ends lower; one that was lost ends at infinity."""
    return [_vote(getattr(better, kind).final_valid_loss, getattr(worse, kind).final_valid_loss) for better, worse in pairs]


def lower_of_cuts(pairs: Sequence[CutPair]) -> list[float]:
    """Votes for the cut run whose last loss is the lower."""
    return [_vote(*(float(log.valid_loss.value[-1]) if len(log.valid_loss) else math.nan for log in pair.logs)) for pair in pairs]


def _vote(better: float, worse: float) -> float:
    return 0.5 + (better < worse) / 2 - (better > worse) / 2


def short_runs(pairs: Pairs, *, groups: dict[str, Pairs]) -> Found:
    """Group of pairs → who was asked → answer."""
    fit = [pair for pair in pairs if pair[0].task in FIT_TASKS]
    found: Found = {group: {} for group in groups}
    for kind in KINDS:
        rate = foresight(lower_of_short(fit, kind)).right
        for group, chosen in groups.items():
            found[group][f"lower loss, {kind}"] = of_lower(lower_of_short(chosen, kind), rate=rate)
            found[group][f"outlook, {kind}"] = foresight(stated_of_short(chosen, kind))
    return found


def short_groups(known: Sequence[Contender], *, names: Sequence[str]) -> dict[str, Pairs]:
    """All; the half on which constants were fitted and the other; and parts of the other."""
    pairs = pairs_of(known)
    report = [pair for pair in pairs if pair[0].task not in FIT_TASKS]
    neither_lost = [pair for pair in report if all(one.plain.outcome is RunOutcome.FINISHED for one in pair)]
    by_task = {name: [pair for pair in pairs if pair[0].task == name] for name in names}
    fit = [pair for pair in pairs if pair[0].task in FIT_TASKS]
    return {
        "all": pairs, "fit half": fit, "report half": report, "report half, neither lost": neither_lost,
        "report half, promising": [pair for pair in promising(pairs, known) if pair[0].task not in FIT_TASKS], **by_task,
    }  # fmt: skip


def cut_groups(pairs: Sequence[CutPair]) -> dict[str, list[CutPair]]:
    """By half, and by whether both were cut at one share."""
    halves = {
        "fit half": [pair for pair in pairs if pair.task in FIT_TASKS],
        "report half": [pair for pair in pairs if pair.task not in FIT_TASKS],
    }
    found: dict[str, list[CutPair]] = {}
    for half, chosen in halves.items():
        for share in sorted({pair.shares[0] for pair in pairs}):
            found[f"{half}, both at {share:.0%}"] = [pair for pair in chosen if pair.shares == (share, share)]
        found[f"{half}, at unequal shares"] = [pair for pair in chosen if pair.shares[0] != pair.shares[1]]
    return found


def cut_runs(groups: dict[str, list[CutPair]]) -> tuple[Found, dict[str, list[float]]]:
    """Group of pairs → who was asked → answer; and what was stated in each."""
    said = {group: [stated(*pair.logs) for pair in chosen] for group, chosen in groups.items()}
    fit = [pair for group, chosen in groups.items() if group.startswith("fit half") for pair in chosen]
    rate = foresight(lower_of_cuts(fit)).right
    found = {group: {"lower loss": of_lower(lower_of_cuts(chosen), rate=rate), "outlook": foresight(said[group])} for group, chosen in groups.items()}
    return found, said


def main(arguments: list[str] | None = None) -> None:
    """Make, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cached", action="store_true", help="train nothing")
    parser.add_argument("--tasks", default=" ".join(TASKS), help="names, separated by spaces")
    parser.add_argument("--settings", type=int, default=N_SETTINGS, help="how many a task")
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-clues"), help="folder of clues_pairs.md and clues_pairs.json")
    parser.add_argument("--picture", type=Path, help="PNG file: stated probabilities beside what came true")
    given = parser.parse_args(arguments)
    names = given.tasks.split()
    if not given.cached:
        started = time.perf_counter()
        made = make_rows(given.rows, names=names, n_settings=given.settings)
        print(f"{made} settings in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    known = contenders(given.rows, names=names)
    groups = short_groups(known, names=names)
    short = short_runs(groups["all"], groups=groups)
    cut, said = cut_runs(cut_groups(cut_pairs(given.rows, names=names)))
    parts = {
        "short runs, fit half": [one for kind in KINDS for one in stated_of_short(groups["fit half"], kind)],
        "short runs, report half": [one for kind in KINDS for one in stated_of_short(groups["report half"], kind)],
        "cut runs, report half": [one for group, chosen in said.items() if group.startswith("report half") for one in chosen],
    }
    given.out.mkdir(parents=True, exist_ok=True)
    scores = {
        name: {group: {who: asdict(one) for who, one in part.items()} for group, part in found.items()} for name, found in (("short", short), ("cut", cut))
    }
    bins = {name: [asdict(part) for part in reliability(chosen)] for name, chosen in parts.items()}
    (given.out / "clues_pairs.json").write_text(json.dumps({**scores, "reliability": bins}, indent=1) + "\n", encoding="utf-8")
    text = "\n".join([*_WHAT, *table(short), "", *_CUT, *table(cut), "", *_STATED, *reliability_table(parts), ""])
    (given.out / "clues_pairs.md").write_text(text, encoding="utf-8")
    print(text)
    if given.picture is not None:
        draw(parts, given.picture)


def _plain(found: Found) -> dict[str, dict[str, dict[str, float]]]:
    return {group: {who: asdict(one) for who, one in part.items()} for group, part in found.items()}


_WHAT = [
    "# Which of two settings' runs ends better", "",
    "`lower loss` names the run whose last loss is the lower, as sure of it as it is right in the fit half; `outlook` is `tunesmith.reading.outlook`, decided",
    f"from its bar on. The fit half ({', '.join(FIT_TASKS)}) chose the constants. A coin toss has a Brier score of .25.", "",
    "## Short runs foretell full ones", "",
    "Runs of an eighth of the length. `plain`: decay as drawn; `matched`: the same total decay. `promising`: both among the best 40 % of their task.", "",
]  # fmt: skip
_CUT = [
    "## Full runs, cut", "",
    "Validation losses and learning rates until a share of the length; right is who names the settings whose other seed ends better.", "",
]  # fmt: skip
_STATED = ["## Stated and observed", ""]


if __name__ == "__main__":
    main()
