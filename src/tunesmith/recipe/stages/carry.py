"""Carries what short runs found to the full length: their best learning rate is too large for it."""

import dataclasses

from tunesmith.finding import Finding
from tunesmith.reading.joint_choices import LENGTH_EXPONENT
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, rounded, short_steps

CARRIED = ("max_lr", "weight_decay")
CARRIED_CONFIDENCE = 0.6


def carry_to_full_length(lab: Laboratory, tuning: Tuning, limits: Limits) -> Tuning:
    """The settings for a full training: a smaller peak, and the weight decay that about keeps the total decay.

    What the user fixed or bounded stays so.
    """
    settings = tuning.settings
    full, short = lab.task.steps_at(settings.batch_size), short_steps(lab, tuning, batch_size=settings.batch_size)
    if not limits.is_free("lr") or short >= full:
        return tuning
    lr = limits.clip("lr", rounded(settings.lr * (short / full) ** LENGTH_EXPONENT))
    factor = lr / settings.lr
    decay = settings.weight_decay
    if limits.is_free("weight_decay") and lab.checked.acts_like != "adam":
        decay = limits.clip("weight_decay", rounded(decay / factor, digits=1))
    findings = tuple(_carried(finding, lr if finding.kind == "max_lr" else decay) if finding.kind in CARRIED else finding for finding in tuning.findings)
    lab.progress.decided(
        f"For the full length: peak learning rate {lr:.2g}, {1 / factor:.2g} times below that of the short runs, and weight decay {decay:.1g}."
    )
    return dataclasses.replace(tuning, settings=dataclasses.replace(settings, lr=lr, min_lr=None, weight_decay=decay), findings=findings)


def _carried(finding: Finding, chosen: float) -> Finding:
    """The finding for the plan's value; its interval moves with the value."""
    if not finding.value:
        return finding
    factor = chosen / finding.value
    interval = None if finding.interval is None else (rounded(finding.interval[0] * factor), rounded(finding.interval[1] * factor))
    return dataclasses.replace(
        finding,
        value=chosen,
        interval=interval,
        confidence=min(finding.confidence, CARRIED_CONFIDENCE),
        evidence=f"{finding.evidence} The plan has {factor:.2g} times their value {finding.value:.2g}, for its length and its other knobs.",
        not_established=f"{finding.not_established} That the exponent 1/4 is right here: on single tasks it was between 0 and over 1/2.",
    )
