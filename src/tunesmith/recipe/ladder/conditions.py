"""The task's own conditions, weighed with the knobs: the best joint choice under each of them, and with a larger peak where that is better."""

import dataclasses
import math
from collections.abc import Mapping

from tunesmith.experiment import Arm
from tunesmith.finding import Finding
from tunesmith.reading.goal import final_value
from tunesmith.recipe.ladder.joint import NEIGHBOUR
from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried
from tunesmith.recipe.stages.state import rounded
from tunesmith.task import Task

CONFIDENCE = 0.6
"""Of a single pair of short runs (our choice)."""


def weigh_conditions(ladder: Ladder, best: Tried, *, conditions: Mapping[str, Task]) -> tuple[Finding, ...]:
    """One finding for each condition, in the order given; those that the budget does not reach are named.

    A condition is run as the best joint choice was, from the same seed and in the same order, so only what it changes differs. Where it is better by more than
    what counts as level, its room for a larger learning rate is tried as well: less of other regularisation leaves more (METHOD, section 1).

    Args:
        ladder: Makes the runs.
        best: What they are held against: the best choice of the longest rung that they can be paid at.
        conditions: Name → the task with that condition's network.
    """
    level, own = ladder.level(best), ladder.score_of(best.arms[0])  # on the seed that the condition is run on
    findings = []
    for name, task in conditions.items():
        first = _run(ladder, best.joint, best=best, name=name, task=task)
        if first is None:
            findings.append(_not_tried(name))
            continue
        (arm, found), hotter = first, None
        if found < own - level:
            larger = dataclasses.replace(best.joint, lr=ladder.limits.clip("lr", rounded(best.joint.lr * NEIGHBOUR)))
            hotter = _run(ladder, larger, best=best, name=name, task=task) if larger != best.joint else None
        if hotter is not None and hotter[1] < found:
            arm, found = hotter
        findings.append(_weighed(ladder, best.arms[0], name=name, arm=arm, gain=own - found, is_better=found < own - level))
    return tuple(findings)


def _run(ladder: Ladder, joint: Joint, *, best: Tried, name: str, task: Task) -> tuple[Arm, float] | None:
    """The arm and its score; None where the budget has no such run."""
    if not ladder.affordable(steps=best.steps):
        return None
    return ladder.run_under(name, task, joint, steps=best.steps)


def _weighed(ladder: Ladder, own: Arm, *, name: str, arm: Arm, gain: float, is_better: bool) -> Finding:
    goal, spec = ladder.lab.task.goal, arm.run.spec
    peak, value, beside = spec.settings.lr, final_value(arm.run.curve, goal=goal), final_value(own.run.curve, goal=goal)
    ended = f"ends at {goal} {value:.4g}" if math.isfinite(value) else "diverges"
    return Finding(
        kind="condition",
        value=gain if math.isfinite(gain) else None,
        confidence=CONFIDENCE if is_better else 0.5,
        evidence=f"Under '{name}' an annealed run of {spec.total_steps} updates with peak {peak:.2g} {ended}, the task as it is, with peak "
        f"{own.run.spec.settings.lr:.2g}, at {beside:.4g}; same seed, data order, momentum and total decay.",
        not_established="What it does in a full training: regularisation pays late.",
        action=f"Tune the task with '{name}': it was better, with a peak of {peak:.2g} at that length." if is_better else "",
    )


def _not_tried(name: str) -> Finding:
    return Finding(
        kind="condition", value=None, confidence=0.0, evidence=f"'{name}' was not tried: the budget had no run left for it.",
        not_established="Whether it is better.", action="Raise --budget to have all of the task's conditions tried.",
    )  # fmt: skip
