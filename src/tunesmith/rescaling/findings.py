"""What is said of each knob of a rescaled plan: value, interval, evidence, and what is not established."""

import dataclasses

from tunesmith.coupling import is_adam_kind
from tunesmith.finding import Finding
from tunesmith.rescaling.step import FAR, NEAR, ORIGIN, Step
from tunesmith.schedules.by_settings import TASK

_SURE_NEAR, _SURE_FAR, _SURE_BEYOND = 0.8, 0.5, 0.2
"""The most confidence in a rule within the factors `NEAR` and `FAR`, and beyond (our choice)."""
_ASSUMED = 0.5
"""The most confidence in an exponent that nobody measured (our choice)."""


def findings_of(step: Step) -> tuple[Finding, ...]:
    """One for where the plan comes from, one for each knob, one for the length that the same loss takes."""
    return (_origin(step), _learning_rate(step), _weight_decay(step), _momentum(step), _length(step), _epochs_to_same_loss(step))


def _reach(step: Step) -> float:
    return _SURE_NEAR if step.factor <= NEAR else _SURE_FAR if step.factor <= FAR else _SURE_BEYOND


def _origin(step: Step) -> Finding:
    return Finding(
        kind=ORIGIN,
        value=float(step.tuned_at),
        confidence=1.0,
        evidence=f"Tuned at batch size {step.tuned_at}, taken to {step.after.batch_size} by rule; nothing was trained.",
        not_established="That it reaches what the plan was confirmed with.",
    )


def _learning_rate(step: Step) -> Finding:
    before, after, exponent = step.before, step.after, step.exponent
    rule = f"{before.max_lr:.3g} at batch size {before.batch_size}, times ({after.batch_size}/{before.batch_size})^{exponent.value:.2g}"
    found = exponent.measured
    if found is not None:
        why, doubt = f"the exponent was measured: {found.evidence}", f"Of the exponent: {found.not_established}"
    elif is_adam_kind(before.optimizer_name):
        why, doubt = (
            "the square-root rule of Adam kinds, assumed",
            "The exponent, which was not measured here: the interval reaches from a constant rate to a linear one.",
        )
    else:
        why = "an exponent that is assumed, between the .44 and .63 that the report has on two data sets"
        doubt = "The exponent, which was not measured here: the interval reaches from a constant rate to a linear one."
    return Finding(
        kind="max_lr",
        value=after.max_lr,
        interval=step.interval("max_lr"),
        confidence=min(_reach(step), _ASSUMED if found is None else found.confidence),
        evidence=f"{rule}: {why if why.endswith('.') else why + '.'}",
        not_established=f"{doubt} Nor how far the rate at batch size {before.batch_size} is off.",
    )


def _weight_decay(step: Step) -> Finding:
    before, after = step.before, step.after
    rate = _learning_rate(step)
    if before.weight_decay == 0:
        evidence, doubt = "None before, none after.", "That none is best here too."
    elif before.optimizer_name == "adam":
        evidence, doubt = "Left as it is: Adam's decay passes through its normalisation, so it has no total to keep.", "That the same decay suits other rates."
    else:
        sum_of = "Σ lr·wd" if is_adam_kind(before.optimizer_name) else "Σ lr·wd/(1-m)"
        total = "" if before.schedule == TASK else f", {before.total_decay:.2g},"
        growth, share = after.max_lr / before.max_lr, after.total_steps / before.total_steps
        evidence = f"The total decay {sum_of} of the run{total} stays, with {growth:.3g} times the learning rate and {share:.3g} times the updates."
        doubt = "That the same total is best: a larger batch regularises less, a smaller one more. The upper end belongs to the lower learning rate."
        if growth < 1:
            doubt = doubt.replace("upper end belongs to the lower", "lower end belongs to the higher")
    interval = step.interval("weight_decay")
    return dataclasses.replace(
        rate,
        kind="weight_decay",
        value=after.weight_decay,
        interval=interval if interval[0] < interval[1] else None,
        confidence=min(rate.confidence, _ASSUMED),
        evidence=evidence,
        not_established=doubt,
    )


def _momentum(step: Step) -> Finding:
    return Finding(
        kind="momentum",
        value=step.after.max_momentum,
        confidence=min(_reach(step), _ASSUMED),
        evidence="Kept: the learning rate takes the whole change.",
        not_established=f"That it is best here too: it averages over the same updates, so over {_times(step)} the examples.",
    )


def _length(step: Step) -> Finding:
    after = step.after
    return Finding(
        kind="length",
        value=float(after.total_steps),
        confidence=1.0,
        evidence=f"The same {after.epochs:.4g} epochs, {after.total_steps} updates instead of {step.before.total_steps}.",
        not_established="That so many epochs are right here too.",
    )


def _epochs_to_same_loss(step: Step) -> Finding:
    """How many times the epochs: from the noise scale, or between what no noise and nothing but noise would want."""
    before, after, noise = step.before, step.after, step.noise
    kind = "epochs_to_same_loss"
    if noise is None or noise.value is None:
        low, high = sorted((1.0, after.batch_size / before.batch_size))
        return Finding(
            kind=kind,
            interval=(low, high),
            confidence=_ASSUMED,
            evidence="No noise scale was measured. The ends are those of batch sizes far below the critical one, and far above it.",
            not_established="Where between them this task lies.",
        )
    value = step.epochs_factor(noise.value)
    low, high = sorted(step.epochs_factor(max(0.0, end)) for end in noise.interval or (noise.value, noise.value))
    where = "beyond" if after.batch_size > noise.value else "within"
    return Finding(
        kind=kind,
        value=value,
        interval=None if noise.interval is None else (low, high),
        confidence=min(_reach(step), noise.confidence),
        evidence=f"Batch size {after.batch_size} lies {where} the critical one, about {noise.value:.3g}; updates to the same loss go like "
        f"1 + {noise.value:.3g}/B. {noise.evidence}",
        not_established="That the noise scale foretells it: it is a proxy, and grows during training.",
    )


def _times(step: Step) -> str:
    return f"{step.after.batch_size / step.before.batch_size:.3g} times"
