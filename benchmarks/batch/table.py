"""The batch bench as Markdown."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.batch.collect import LOSSES, TaskSummary
from benchmarks.batch.equal import differences, pooled_spread
from benchmarks.batch.shares import OURS, RULES, share_of, stage_costs
from benchmarks.batch.truth import CLOSE, FEWEST_FULL_UPDATES, SIZES, TARGET_MARGIN
from benchmarks.batch.work import COMPARED_SIZE, RETRAINING_SEEDS, TRUTH_STUDIES, truth_seeds
from benchmarks.proof.table import rows_of
from benchmarks.proof.wording import described

WANTED_SHARE = 0.8
"""Of (task, study) pairs, near the best (the bar of the issue)."""
MOST_STAGE_COST = 0.15
"""Of the choice of a batch size, in full trainings (the bar of the issue)."""
MOST_WORSE = 1.0
"""Spreads by which the plan may be worse at equal seconds on a task (the bar of the issue)."""


_NEAR = (
    "How near the target each size comes: its lowest median validation loss / the target, and at how many updates. `margin`: how far the\n"
    "target lies above the best median, in standard deviations between trainings of one size and length, the median size. Where it is well\n"
    "below 1, whether a size that comes near is in time or never there is luck."
)


def table(tasks: Sequence[TaskSummary], *, command: str, machines: Iterable[Mapping[str, object]]) -> str:
    """The whole page.

    Args:
        tasks: What is known of each.
        command: What makes this page from the same rows.
        machines: Where the rows were made.
    """
    parts = [_head(tasks, command, machines), _times(tasks), _choices(tasks), _shares(tasks), _costs(tasks), _equal(tasks), _whole(tasks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(tasks: Sequence[TaskSummary], command: str, machines: Iterable[Mapping[str, object]]) -> str:
    made_on = "\n".join(f"- {described(machine)}" for machine in machines)
    judged = ", ".join(task.name for task in tasks if task.is_judged)
    older = [f"{task.name} ({task.n_older})" for task in tasks if task.n_older]
    return (
        "# The batch size at equal time\n\n"
        f"`{command}`, from rows that were made on\n\n{made_on}\n\n"
        "Seconds are modelled everywhere: updates times the seconds of an update, measured once for each task and batch size\n"
        "(`batch/time_models/`), so that no figure depends on the load of the day."
        + f"\nThe bar is stated for {judged}: on two an example is much cheaper in a large batch, on two hardly." * bool(judged)
        + f"\n\nMade by an earlier code (plans): {', '.join(older)}." * bool(older)
    )


def _times(tasks: Sequence[TaskSummary]) -> str:
    known = [task for task in tasks if task.truths]
    if not known:
        return "No truth is trained yet."
    n_seeds = len(truth_seeds(0))
    text = (
        f"Each batch size whose full training has at least {FEWEST_FULL_UPDATES} updates is tuned on its own by {len(TRUTH_STUDIES)} studies, and each plan\n"
        f"retrained at seven lengths, 1/64 to 1 of a full training, on {n_seeds} fresh seeds: peak by the fourth root of the length, total\n"
        f"decay kept. The target is the task's best median loss and {TARGET_MARGIN:.0%} of it; the time to it is the shortest modelled training whose\n"
        "median loss, over studies and seeds, is there, between two lengths by the logarithm of the length. In brackets the ratio to the\n"
        "best; ∞: never there; -: no candidate. `alone`: the best by each single study, which says how much of this is luck."
    )
    blocks = [f"## Seconds to the target\n\n{text}"]
    for on in LOSSES:
        chosen = sorted({size for task in known for size in task.truths[on].losses if size not in SIZES})
        head = ["task", "target", *map(str, SIZES), *(f"{size} (chosen)" for size in chosen), "best", "alone"]
        lines = [[_name(task), *_time_cells(task, on, [*SIZES, *chosen])] for task in known]
        title = "By validation loss, which decides" if on == LOSSES[0] else "By test loss"
        blocks.append(f"{title}:\n\n" + rows_of([head, *lines]))
    lines = [["task", "margin, spreads", *map(str, SIZES)]]
    lines += [[_name(task), f"{task.truths[LOSSES[0]].margin_spreads:.1f}", *_near_cells(task)] for task in known]
    return "\n\n".join([*blocks, f"{_NEAR}\n\n{rows_of(lines)}"])


def _near_cells(task: TaskSummary) -> list[str]:
    truth = task.truths[LOSSES[0]]
    found = {size: truth.lowest(size) for size in truth.candidates}
    return [f"{_ratio(found[size][1] / truth.target)} at {found[size][0]:,}" if size in found else "-" for size in SIZES]


def _name(task: TaskSummary) -> str:
    return f"**{task.name}**" if task.is_judged else task.name


def _time_cells(task: TaskSummary, on: str, sizes: Sequence[int]) -> list[str]:
    truth = task.truths[on]
    times = truth.times
    cells = [f"{_number(times[size])} ({_ratio(truth.ratio(size))})" if size in times else "-" for size in sizes]
    return [f"{truth.target:.4f}", *cells, _size(truth.best), " ".join(map(_size, task.alone[on]))]


def _choices(tasks: Sequence[TaskSummary]) -> str:
    lines = [["task", "chosen, by study", "time to target / best", "outcomes", "cost of the choice, each"]]
    for task in tasks:
        if task.choices:
            truth = task.truths.get(LOSSES[0])
            ratios = [None if truth is None or choice.batch_size is None else truth.ratio(choice.batch_size) for choice in task.choices]
            outcomes = dict.fromkeys(choice.free.outcome for choice in task.choices)
            costs = " ".join(f"{choice.free.stage_cost:.3f}" for choice in task.choices)
            lines.append(
                [_name(task), " ".join(_size(choice.batch_size) for choice in task.choices), " ".join(map(_ratio, ratios)), ", ".join(outcomes), costs]
            )
    return "## What is chosen\n\n" + rows_of(lines) if len(lines) > 1 else ""


def _groups(tasks: Sequence[TaskSummary]) -> dict[str, list[TaskSummary]]:
    judged = [task for task in tasks if task.is_judged]
    return ({"the judged": judged} if judged else {}) | {"all": list(tasks)}


def _shares(tasks: Sequence[TaskSummary]) -> str:
    if not any(task.truths for task in tasks):
        return ""
    lines = [["tasks", "rule", "within 20 %", "share", "95 % interval (Wilson)", "worst ratio", "by test loss"]]
    for name, group in _groups(tasks).items():
        for rule in (OURS, *RULES):
            found, on_test = (share_of(rule, group, on=on) for on in LOSSES)
            if found.n:
                low, high = found.interval
                share, worst = f"{found.n_close / found.n:.2f}", _ratio(found.worst)
                lines.append([name, rule, f"{found.n_close} of {found.n}", share, f"{low:.2f} to {high:.2f}", worst, f"{on_test.n_close} of {on_test.n}"])
    text = (
        f"How often the time to target is within a factor {CLOSE:g} of the best. Ours over studies; a rule that draws nothing is one a task.\n"
        "Memory never limits these tasks, so the largest batch that fits is the largest candidate. Wanted of ours on the judged tasks:\n"
        f"{WANTED_SHARE:.0%}."
    )
    return f"## Rules\n\n{text}\n\n" + rows_of(lines)


def _costs(tasks: Sequence[TaskSummary]) -> str:
    lines = [["tasks", "studies", "median", "largest", f"at most {MOST_STAGE_COST:g}"]]
    for name, group in _groups(tasks).items():
        costs = stage_costs(group)
        if costs:
            within = f"{sum(cost <= MOST_STAGE_COST for cost in costs)} of {len(costs)}"
            lines.append([name, str(len(costs)), f"{statistics.median(costs):.3f}", f"{max(costs):.3f}", within])
    text = (
        "In full trainings: runs that nothing else in the study asked for, and what it charges beside runs but for the check of the task.\n"
        "The time model is given, so measuring it is not in it."
    )
    return f"## What the choice costs\n\n{text}\n\n" + rows_of(lines) if len(lines) > 1 else ""


def _equal(tasks: Sequence[TaskSummary]) -> str:
    known = [task for task in tasks if task.pairs]
    if not known:
        return ""
    means = {task.name: statistics.fmean(differences(task.pairs)) for task in known}
    lines = [["task", "spread", "(free - fixed) / spread, each study", "mean", "not worse by a spread", "better"]]
    for task in known:
        each, mean = differences(task.pairs), means[task.name]
        spread = pooled_spread([group for pair in task.pairs for group in (pair.free, pair.fixed)])
        lines.append([_name(task), f"{spread:.4f}", " ".join(map(_signed, each)), _signed(mean), _yes(holds=mean <= MOST_WORSE), _yes(holds=mean < 0)])
    worse, better = sum(mean > MOST_WORSE for mean in means.values()), sum(mean < 0 for mean in means.values())
    text = (
        f"`tune` with the batch size free beside `tune` with it fixed at {COMPARED_SIZE}, same task and seed, both at the modelled seconds of the shorter\n"
        f"plan: the other is shortened by the rule above. Test loss, mean of {len(RETRAINING_SEEDS)} fresh seeds; spread: pooled standard deviation between\n"
        "them. Negative: free is better. A study that ended without settings is trained as its user would go on: untuned."
    )
    verdict = f"Worse by more than a spread on {worse} of {len(known)} tasks, better on {better} of {len(known)}."
    return f"## At equal modelled seconds\n\n{text}\n\n" + rows_of(lines) + f"\n\n{verdict}"


def _whole(tasks: Sequence[TaskSummary]) -> str:
    lines = [
        ["task", "test loss, free", f"test loss, {COMPARED_SIZE}", "training, free", f"training, {COMPARED_SIZE}", "study, free", f"study, {COMPARED_SIZE}"]
    ]
    for task in tasks:
        if not task.pairs:
            continue
        losses = [
            statistics.median(statistics.fmean(found) for found in wholes) for wholes in zip(*((p.free_whole, p.fixed_whole) for p in task.pairs), strict=True)
        ]
        seconds = [statistics.median(found) for found in zip(*((p.free_seconds, p.fixed_seconds) for p in task.pairs), strict=True)]
        studies = [(choice.free.study_seconds, choice.fixed.study_seconds) for choice in task.choices if choice.fixed is not None]
        spent = [statistics.median(found) for found in zip(*studies, strict=True)]
        lines.append([_name(task), *(f"{loss:.4f}" if math.isfinite(loss) else "∞" for loss in losses), *map(_number, (*seconds, *spent))])
    text = "Median study; test loss the mean of the same fresh seeds, modelled seconds of one training, and of everything that the study ran."
    return f"## The plans as they are handed out\n\n{text}\n\n" + rows_of(lines) if len(lines) > 1 else ""


def _number(seconds: float) -> str:
    return f"{seconds:.3g}" if math.isfinite(seconds) else "∞"


def _ratio(ratio: float | None) -> str:
    return "?" if ratio is None else f"{ratio:.2f}" if math.isfinite(ratio) else "∞"


def _signed(value: float) -> str:
    return f"{value:+.1f}" if math.isfinite(value) else "+∞" if value > 0 else "-∞"


def _size(size: int | None) -> str:
    return "none" if size is None else str(size)


def _yes(*, holds: bool) -> str:
    return "yes" if holds else "no"
