"""A plan at another total batch size."""

import dataclasses
from collections.abc import Iterable

from tunesmith.finding import Finding
from tunesmith.plan import Plan
from tunesmith.rescaling.advice import advice_for
from tunesmith.rescaling.findings import findings_of
from tunesmith.rescaling.rescaled import Change, Rescaled, RescaleOutcome
from tunesmith.rescaling.step import Step, exponent_between, noise_of, split_of

_BY_EXPONENT = ("max_lr", "min_lr", "weight_decay")
_CHANGED = ("batch_size", "max_lr", "min_lr", "max_momentum", "min_momentum", "weight_decay", "total_steps", "epochs", "micro_batch_size")


def rescale(plan: Plan, batch_size: int, *, devices: int = 1, measured: Iterable[Finding] = ()) -> Rescaled:
    """What `plan` becomes at another total batch size.

    A finding "lr_exponent" says how the learning rate goes with the batch size, a finding "noise_scale" beyond which batch size larger ones save few updates;
    the plan's own come before `measured`. Without them the exponent is assumed (`coupling.LR_EXPONENT`), and its interval with it (`step.ASSUMED_EXPONENTS`).

    Args:
        plan: What a study recommends, or a plan that was rescaled before: trust is counted from the batch size that was tuned.
        batch_size: The new total; in [1, n_train].
        devices: How many devices share an update; `batch_size` must be a multiple.
        measured: Findings of the study's experiments, those to prefer first.

    Raises:
        InputError: A plan without settings, a batch size out of its range or no multiple of `devices`, or `devices` < 1.

    Source: METHOD, sections 2.4 and 2.5.

    Example:
        >>> from tunesmith.plan import StudyOutcome
        >>> from tunesmith.settings import Settings
        >>> tuned = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.5), optimizer_name="sgd", n_train=9000, total_steps=2000)
        >>> rescaled = rescale(tuned, 256, devices=2)
        >>> rescaled.outcome, rescaled.changes["max_lr"].after, rescaled.split.per_device
        (<RescaleOutcome.RANGE_TEST_FIRST: 'range_test_first'>, 1.0, 128)
    """
    step = _step(plan, batch_size, devices=devices, known=(*plan.findings, *measured))
    advice = advice_for(step)
    is_unchanged = step.outcome is RescaleOutcome.UNCHANGED
    findings = () if is_unchanged else findings_of(step)
    carried = tuple(finding for finding in (step.exponent.measured, step.noise) if finding is not None)
    after = step.after if is_unchanged else dataclasses.replace(step.after, findings=(*findings, *carried), advice=advice)
    return Rescaled(outcome=step.outcome, plan=after, changes=_changes(step), split=step.split, findings=findings, advice=advice)


def _step(plan: Plan, batch_size: int, *, devices: int, known: tuple[Finding, ...]) -> Step:
    settings = plan.settings
    base = batch_size if settings is None else settings.batch_size
    exponent = exponent_between(known, base=base, other=batch_size, optimizer_name=plan.optimizer_name)
    after = plan.for_batch_size(batch_size, lr_exponent=exponent.value)
    split = split_of(batch_size, devices=devices, micro_batch_size=after.micro_batch_size)
    micro = None if split.micro_batch_size == batch_size else split.micro_batch_size
    if micro != after.micro_batch_size:  # other statistics of BatchNorm than those that were confirmed
        after = dataclasses.replace(after, micro_batch_size=micro, confirmed=None)
    return Step(before=plan, after=after, exponent=exponent, noise=noise_of(known), split=split)


def _changes(step: Step) -> dict[str, Change]:
    is_unchanged = step.outcome is RescaleOutcome.UNCHANGED
    return {
        name: Change(
            before=getattr(step.before, name),
            after=getattr(step.after, name),
            interval=step.interval(name) if name in _BY_EXPONENT and not is_unchanged else None,
        )
        for name in _CHANGED
    }
