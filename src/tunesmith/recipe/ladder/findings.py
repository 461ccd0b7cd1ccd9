"""What the ladder found, knob by knob: the plan's value, what could not be told from it, and what short runs do not establish."""

import dataclasses

from tunesmith.finding import Finding
from tunesmith.reading.comparison import noise_between_seeds
from tunesmith.recipe.ladder.batch import BatchChoice
from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried
from tunesmith.recipe.stages.state import rounded
from tunesmith.settings import Settings

CONFIDENCE = 0.6
"""Of a value that short runs chose on one seed (our choice)."""


def ladder_findings(ladder: Ladder, plan: Settings, batch: BatchChoice, *, best: Tried, steps: int) -> tuple[Finding, ...]:
    """One finding for each knob, and one for the length.

    Args:
        ladder: Every run.
        plan: The settings to confirm.
        batch: How the batch size was chosen.
        best: The run that they come from.
        steps: Updates of the plan.
    """
    tried = ladder.tried()
    rungs = sorted({one.steps for one in tried})
    told = f"{len(tried)} joint settings in annealed runs of {', '.join(str(rung) for rung in rungs)} updates, compared on the same seed."
    near = [best.joint, *_near(ladder)]
    lrs, momenta, decays = [joint.lr for joint in near], [joint.momentum for joint in near], _decays(ladder, best)
    scale, decay_scale = plan.lr / best.joint.lr, plan.weight_decay / best.joint.decay if best.joint.decay else 1.0
    found = (
        Finding(
            kind="max_lr", value=plan.lr, interval=_around(plan.lr, [lr * scale for lr in lrs]), confidence=CONFIDENCE,
            evidence=f"{told} The peak is carried to {steps} updates like length^-1/4{batch.words}.", not_established="That the exponent 1/4 is right here.",
        ),
        Finding(
            kind="momentum", value=plan.momentum, interval=(min(momenta), max(momenta)), confidence=_confidence(momenta),
            evidence=told + _indifferent(momenta), not_established="That the order stays the same in full, or that a cycle beats a constant momentum.",
        ),
        Finding(
            kind="weight_decay", value=plan.weight_decay, confidence=_confidence(decays) if decays else 0.5,
            interval=_around(plan.weight_decay, [decay * decay_scale for decay in decays]) if decays else None,
            evidence=f"{told} Total decay {best.joint.decay:g}, kept between lengths." + _indifferent(decays),
            not_established="How much decay a full training needs against overfitting: that comes late.",
        ),
        *batch.findings,
        Finding(
            kind="length", value=float(steps), confidence=CONFIDENCE,
            evidence=f"Whole cycles of {', '.join(str(rung) for rung in rungs)} updates{batch.words_of_length}.",
            not_established="That no length between those tried is better.",
        ),
    )  # fmt: skip
    knobs = {"max_lr": "lr", "length": "epochs"}
    return tuple(finding for finding in found if ladder.limits.is_free(knobs.get(finding.kind, finding.kind)))  # what is fixed was not found


def _near(ladder: Ladder) -> list[Joint]:
    """Choices that the lowest rung cannot tell from its best: within twice the noise between seeds, where it is known."""
    lowest = ladder.tried(ladder.lowest_steps)
    task = ladder.lab.task
    noise = noise_between_seeds((ladder.experiment(),), goal=task.goal, higher_is_better=task.goal_is_higher_better)
    bound = lowest[0].score + max(2 * noise, ladder.near(lowest[0]))
    return [one.joint for one in lowest if one.score <= bound]


def _decays(ladder: Ladder, best: Tried) -> list[float]:
    """Total decays that the first length which tried several of them, all else alike, cannot tell from its best; none where none did."""
    for steps in sorted({one.steps for one in ladder.tried()}):
        alike = [one for one in ladder.tried(steps) if dataclasses.replace(one.joint, decay=best.joint.decay) == best.joint]
        if len(alike) > 1:
            return [one.joint.decay for one in alike if one.score <= alike[0].score + ladder.level(alike[0])]
    return []


def _around(value: float, found: list[float]) -> tuple[float, float]:
    """From the smallest to the largest, to two digits, the value itself among them."""
    return min(value, rounded(min(found))), max(value, rounded(max(found)))


def _confidence(near: list[float]) -> float:
    return CONFIDENCE if len(set(near)) == 1 else 0.5


def _indifferent(near: list[float]) -> str:
    return "" if len(set(near)) == 1 else " Its values there cannot be told apart: these runs cannot tell whether it matters."
