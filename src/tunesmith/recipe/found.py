"""What every recipe begins and ends with: the first settings and batch size, what a search found, and why none was begun."""

import dataclasses
from dataclasses import dataclass

from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.probes.lr_range import FEWEST_STEPS, LOWEST_MOMENTUM, USUAL_MOMENTUM
from tunesmith.reading.range_test import RangeOutcome
from tunesmith.recipe.allowance import BRACKET_SHARE, bracket_steps, first_batch_size
from tunesmith.recipe.batch_choice import candidate_sizes
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.settings import Settings
from tunesmith.task import Task

NO_RANGE = {
    RangeOutcome.DIVERGED_AT_ONCE: "The loss jumped before it had fallen in the range test: look for a bug in the loss or the data, or fix lr (--fix lr=…).",
    RangeOutcome.FLAT: "The loss did not fall in the range test: give more epochs, or look whether the network can learn from these data at all.",
    RangeOutcome.TOO_NOISY: "The noise is larger than the drop in the range test: give more epochs or validation examples, or fix a larger batch_size.",
}
"""Why nothing is recommended after a range test that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search ended with.

    Attributes:
        outcome: ABSTAINED or BUDGET_SPENT where there are no settings; else RECOMMENDED, for now.
        settings: The knobs to confirm.
        findings: What was read on the way.
        advice: Sentences for the user.
    """

    outcome: StudyOutcome
    settings: Settings | None = None
    findings: tuple[Finding, ...] = ()
    advice: tuple[str, ...] = ()


def first_settings(lab: Laboratory, limits: Limits, *, batch_size: int) -> Settings:
    """Where the search starts: the report's usual momentum and the middle of the grid of weight decays."""
    momentum = limits.clip("momentum", USUAL_MOMENTUM)
    lowest = None if not limits.is_free("momentum") else round(momentum - (USUAL_MOMENTUM - LOWEST_MOMENTUM), 6)
    settings = Settings(
        lr=1e-3,
        momentum=momentum,
        min_momentum=lowest if lowest is None else max(0.0, lowest),
        batch_size=batch_size,
        schedule=lab.task.schedule_name,
        cycles=lab.task.cycles,
    )
    return dataclasses.replace(settings, weight_decay=limits.clip("weight_decay", 0.0))


def first_size(task: Task, limits: Limits) -> list[int]:
    """Candidate batch sizes, the first first."""
    first = first_batch_size(usual=task.reference_batch_size, full_training_examples=task.full_training_examples, fixed=limits.fixed_batch_size())
    return candidate_sizes(task, first=first, limits=limits)


def refused(lab: Laboratory, limits: Limits, *, batch_size: int, bracket_share: float) -> Found | None:
    """Why the search is not begun, before anything is spent on it; None where it can be.

    Args:
        lab: Whose task and budget.
        limits: With a fixed learning rate there is no sweep to pay for.
        batch_size: The first batch size.
        bracket_share: Of the budget that the recipe may spend on the bracket.
    """
    steps = lab.task.steps_at(batch_size)
    if steps < lab.thresholds.fewest_steps:
        advice = (
            f"A full training must have at least {lab.thresholds.fewest_steps} updates to be tuned by short runs, got {steps} at batch size {batch_size}. "
            "Give more epochs, or fix a smaller batch_size."
        )
        return Found(outcome=StudyOutcome.ABSTAINED, advice=(advice,))
    search = bracket_share / BRACKET_SHARE * lab.budget * lab.full_training_examples
    if limits.is_free("lr") and bracket_steps(search_examples=search, batch_size=batch_size) < FEWEST_STEPS:
        return spent(lab)
    return None


def spent(lab: Laboratory, *, findings: tuple[Finding, ...] = ()) -> Found:
    """The end of a study whose budget is too small."""
    advice = f"The budget of {lab.budget:g} full trainings has too few updates to find a learning rate and confirm it. Raise --budget or epochs."
    return Found(outcome=StudyOutcome.BUDGET_SPENT, findings=findings, advice=(advice,))
