"""What to do with a rescaled plan, as sentences: which probe to repeat, then what the change of batch size means elsewhere."""

from tunesmith.rescaling.rescaled import RescaleOutcome
from tunesmith.rescaling.step import Step
from tunesmith.thresholds import DEFAULT_THRESHOLDS

_WORTH_SAYING = 1.1
"""A training that wants so many times the epochs, or so many times fewer, is told (our choice)."""


def advice_for(step: Step) -> tuple[str, ...]:
    """Sentences, most important first."""
    if step.outcome is RescaleOutcome.UNCHANGED:
        told = (f"The plan is for batch size {step.after.batch_size} already: nothing changes.", _split(step), _statistics(step))
    else:
        told = (*_first(step), _surpassed(step), _longer(step), _split(step), _statistics(step), _average(step), _clipping(step), _last(step))
    return tuple(sentence for sentence in told if sentence)


def _first(step: Step) -> tuple[str, ...]:
    size, rate = step.after.batch_size, step.after.max_lr
    range_test = f"`tunesmith lr-range FILE:FUNCTION --batch-size {size} --out runs/range-{size}`"
    if step.outcome is RescaleOutcome.CARRIED_OVER:
        return (
            f"No probe must be repeated within a factor of two. {range_test} is cheap and wise all the same: half of its edge should not lie below {rate:.2g}.",
        )
    if step.outcome is RescaleOutcome.RANGE_TEST_FIRST:
        keeps_total = step.after.weight_decay > 0 and step.after.optimizer_name != "adam"
        decay = ", and the more weight decay in the same proportion" if keeps_total else ""
        return (f"Repeat the range test before you train: {range_test}. Where half of its edge lies below {rate:.2g}, use that half{decay}.",)
    again = f"`tunesmith tune FILE:FUNCTION --fix batch_size={size} --out runs/batch-{size}`"
    if not step.is_too_short:
        return (
            f"Tune again: {again}. Batch size {size} is {step.factor:.3g} times away from the {step.tuned_at} that was tuned, too far for a rule of thumb.",
        )
    fewest = DEFAULT_THRESHOLDS.fewest_steps
    largest = step.before.total_steps * step.before.batch_size // fewest
    smaller = f"take a batch size of at most {largest}, or " if largest >= 1 else ""
    too_few = (
        f"{step.after.total_steps} updates are too few to anneal: {smaller}train for at least {fewest * size / step.before.n_train:.3g} epochs "
        f"instead of {step.before.epochs:.3g}."
    )
    return too_few, f"Tune again with the batch size that you want: {again}; it abstains where the task's `epochs` give fewer than {fewest} updates."


def _surpassed(step: Step) -> str:
    if step.surpassed is None:
        return ""
    half = f"{step.surpassed:.2g}, half of the edge at batch size {step.before.batch_size}"
    return f"The new peak, {step.after.max_lr:.2g}, lies above {half}; where curvature and not noise sets the edge, a larger batch stands no more."


def _longer(step: Step) -> str:
    """What to expect of the length, where the noise scale or the sheer factor says that it matters."""
    before, after, noise = step.before.batch_size, step.after.batch_size, step.noise
    if noise is None or noise.value is None:
        if after < before:
            return ""
        ends = f"1 and {after / before:.3g} times the epochs"
        return f"Expect no better loss in the same epochs: that of batch size {before} takes between {ends}, nobody measured where between."
    factor = step.epochs_factor(noise.value)
    longer = f"`plan.for_steps({max(1, round(step.after.total_steps * factor))})`"
    if factor >= _WORTH_SAYING:
        return f"For the loss that batch size {before} reached, expect to need {factor:.2g} times the epochs: {longer} in Python."
    return f"The same loss may want only {factor:.2g} times the epochs: {longer} in Python." if factor <= 1 / _WORTH_SAYING else ""


def _split(step: Step) -> str:
    """Micro-batch x accumulation x devices, where it is more than one batch on one device."""
    split = step.split
    if split.devices == split.accumulation == 1:
        return "" if step.after.batch_size <= step.before.batch_size else _memory(step)
    rest = split.per_device % split.micro_batch_size
    last = f", the last of each update with {rest}" if rest else ""
    devices = f"{split.devices} device{'s' if split.devices > 1 else ''}"
    product = f"{split.micro_batch_size} examples at once x accumulation {split.accumulation} x {devices} = {step.after.batch_size}{last}"
    alone = "" if split.devices == 1 else f" `micro_batch_size={split.micro_batch_size}` in the task trains alike on one device."
    return f"{product}: the learning rate follows the total.{alone}"


def _memory(step: Step) -> str:
    size = step.after.batch_size
    return f"Whether {size} examples fit into memory at once was not tried; where they do not, set the task's `micro_batch_size`, and the total stays {size}."


def _statistics(step: Step) -> str:
    before, after = step.statistics
    if after == 1 < before:
        return "One example at a time goes through the network: BatchNorm cannot train on that."
    if before == after:
        return ""
    regularises = "regularises less" if after > before else "regularises more"
    return f"BatchNorm, where the network has it, takes its statistics from {after} examples instead of {before}, which {regularises}."


def _average(step: Step) -> str:
    ema = step.before.ema
    if ema is None:
        return ""
    return (
        f"`ema={ema:g}` averages over as many updates as before; {ema ** (step.after.batch_size / step.before.batch_size):.4g} averages over as many examples."
    )


def _clipping(step: Step) -> str:
    clip = step.before.clip_grad_norm
    if clip is None:
        return ""
    less = "less" if step.after.batch_size > step.before.batch_size else "more"
    return f"`clip_grad_norm={clip:g}` stays, and acts {less} often: gradients of a larger batch are shorter."


def _last(step: Step) -> str:
    if step.outcome is RescaleOutcome.TUNE_AGAIN:
        return "This plan was rescaled and not tested."
    return (
        "This plan was rescaled and not tested. `tunesmith rescale … --out PLAN.toml` writes it; "
        f"`tunesmith train FILE:FUNCTION --plan PLAN.toml --out runs/confirm-{step.after.batch_size}` trains it in full."
    )
