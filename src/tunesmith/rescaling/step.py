"""From one batch size to another: both plans, and what was measured that bears on it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunesmith.coupling import LR_EXPONENT, lr_power
from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.plan import EXPONENT_LIMITS, Plan
from tunesmith.rescaling.rescaled import RescaleOutcome, Split
from tunesmith.thresholds import DEFAULT_THRESHOLDS

ASSUMED_EXPONENTS = (0.0, 1.0)
"""Interval of an exponent that nobody measured: from a constant rate, where curvature limits it, to a linear one, where noise does. Narrower (.25 to .75) it
missed the best of the demo's plan on both sides (our choice; LOG 2026-11-22)."""
NEAR, FAR = 2.0, 8.0
"""Up to the first factor between batch sizes nothing must be repeated, beyond the second no rule of thumb is evidence (our choice: the assumed exponents leave
the learning rate open by a factor of 1.4 to either side at the first, 2.8 at the second)."""
WORTH_TRYING = 0.5
"""Share of a range test's edge up to which `tune` tries peaks (`largest_lr`)."""
ORIGIN = "rescaled"
"""Kind of the finding by which a rescaled plan remembers the batch size that was tuned."""


@dataclass(frozen=True, kw_only=True)
class Exponent:
    """How the learning rate goes with the batch size: value, interval, and the finding that says so; None where it is assumed."""

    value: float
    interval: tuple[float, float]
    measured: Finding | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one batch size to another.

    Attributes:
        before, after: The plans.
        exponent: How the learning rate went.
        noise: Finding "noise_scale", if there is one; its value is the critical batch size.
        split: How an update is spread afterwards.
    """

    before: Plan
    after: Plan
    exponent: Exponent
    noise: Finding | None
    split: Split

    @property
    def tuned_at(self) -> int:
        """The batch size that was tuned, however often the plan was rescaled since."""
        value = next((finding.value for finding in self.before.findings if finding.kind == ORIGIN), None)
        return self.before.batch_size if value is None else round(value)

    @property
    def factor(self) -> float:
        """How far away from it the new batch size is; ≥ 1."""
        ratio = self.after.batch_size / self.tuned_at
        return max(ratio, 1 / ratio)

    @property
    def is_too_short(self) -> bool:
        """Whether so few updates are left that nothing can be tuned."""
        return self.after.total_steps < min(DEFAULT_THRESHOLDS.fewest_steps, self.before.total_steps)

    @property
    def surpassed(self) -> float | None:
        """The largest peak worth trying by the range test at the old batch size, if the new one lies beyond it."""
        edge = next((finding.value for finding in self.before.findings if finding.kind == "edge"), None)
        largest = None if edge is None else WORTH_TRYING * edge
        return largest if largest is not None and self.after.max_lr > max(largest, self.before.max_lr) else None

    @property
    def statistics(self) -> tuple[int, int]:
        """From how many examples BatchNorm took its statistics, and takes them now."""
        before = self.before.batch_size
        return min(self.before.micro_batch_size or before, before), self.split.micro_batch_size

    @property
    def outcome(self) -> RescaleOutcome:
        """How far the new plan can be trusted."""
        if self.after.batch_size == self.before.batch_size:
            return RescaleOutcome.UNCHANGED
        if self.factor > FAR or self.is_too_short:
            return RescaleOutcome.TUNE_AGAIN
        return RescaleOutcome.CARRIED_OVER if self.factor <= NEAR and self.surpassed is None else RescaleOutcome.RANGE_TEST_FIRST

    def interval(self, knob: str) -> tuple[float, float]:
        """What the exponent leaves open of a learning rate or of the weight decay, low to high, counted from the batch size that was tuned."""
        power = 1 if knob != "weight_decay" else 0 if self.after.optimizer_name == "adam" else -1
        ratio, value = self.after.batch_size / self.tuned_at, float(getattr(self.after, knob))
        low, high = sorted(value * ratio ** (power * (end - self.exponent.value)) for end in self.exponent.interval)
        return low, high

    def epochs_factor(self, critical: float) -> float:
        """How many times the epochs the same loss takes, for examples to a target ∝ batch size + critical one (METHOD, section 2.4)."""
        return 1.0 if math.isinf(critical) else (self.after.batch_size + critical) / (self.before.batch_size + critical)


def exponent_between(findings: Sequence[Finding], *, base: int, other: int, optimizer_name: str) -> Exponent:
    """The exponent between two batch sizes: by the noise scale, which gives it for any two; else as `exponent_of`.

    Example:
        >>> noise = Finding(kind="noise_scale", value=128.0, interval=(64.0, 256.0), confidence=0.7, evidence="Six samples.", not_established="More.")
        >>> exponent_between([noise], base=64, other=256, optimizer_name="sgd").value
        0.5
    """
    noise = noise_of(findings)
    if noise is None or noise.value is None or base == other:
        return exponent_of(findings)
    value, *ends = (
        lr_power(scale, base=base, other=other, optimizer_name=optimizer_name) for scale in (noise.value, *(noise.interval or (noise.value, noise.value)))
    )
    return Exponent(value=value, interval=(min(value, *ends), max(value, *ends)), measured=noise)


def exponent_of(findings: Iterable[Finding]) -> Exponent:
    """The first measured exponent, else the assumed one; an end of its interval that is open becomes that of a constant or a linear rate.

    Example:
        >>> exponent_of(()).interval
        (0.0, 1.0)
        >>> found = Finding(kind="lr_exponent", value=0.6, interval=(0.4, math.inf), confidence=0.7, evidence="Three sizes.", not_established="Others.")
        >>> exponent_of([found]).interval
        (0.4, 1.0)
    """
    least, most = EXPONENT_LIMITS
    for finding in findings:
        value = finding.value
        if finding.kind != "lr_exponent" or value is None or not least <= value <= most:
            continue
        low, high = ASSUMED_EXPONENTS if finding.interval is None else finding.interval
        low, high = (0.0 if math.isinf(low) else low), (1.0 if math.isinf(high) else high)
        return Exponent(value=value, interval=(max(least, min(low, value)), min(most, max(high, value))), measured=finding)
    return Exponent(value=LR_EXPONENT, interval=ASSUMED_EXPONENTS, measured=None)


def noise_of(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that names a critical batch size."""
    return next((found for found in findings if found.kind == "noise_scale" and found.value is not None and 0 < found.value < math.inf), None)


def split_of(batch_size: int, *, devices: int, micro_batch_size: int | None) -> Split:
    """How a total batch is spread over devices, in micro-batches of at most `micro_batch_size`.

    Raises:
        InputError: `devices` < 1, or `batch_size` is no multiple of it.

    Example:
        >>> split_of(512, devices=2, micro_batch_size=64)
        Split(devices=2, per_device=256, micro_batch_size=64, accumulation=4)
        >>> split_of(100, devices=3, micro_batch_size=None)
        Traceback (most recent call last):
        tunesmith.errors.InputError: A total batch size must be a multiple of the number of devices, got 100 for 3. Take 99 or 102.
    """
    if devices < 1:
        raise InputError(f"The number of devices must be ≥ 1, got {devices}. Pass how many train together.")
    per_device, rest = divmod(batch_size, devices)
    if rest:
        nearest = " or ".join(str(times * devices) for times in (per_device, per_device + 1) if times)
        raise InputError(f"A total batch size must be a multiple of the number of devices, got {batch_size} for {devices}. Take {nearest}.")
    micro = min(micro_batch_size or per_device, per_device)
    return Split(devices=devices, per_device=per_device, micro_batch_size=micro, accumulation=math.ceil(per_device / micro))
