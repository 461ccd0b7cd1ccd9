"""From settings to the schedules of learning rate and momentum, and the weight decay that they add up to."""

import math
from array import array
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from tunesmith.coupling import is_adam_kind
from tunesmith.errors import InputError, UserCodeError
from tunesmith.schedules.cyclical import exp_range, triangular, triangular2
from tunesmith.schedules.decay import constant, cosine, step, warmup_linear
from tunesmith.schedules.one_cycle import one_cycle, one_cycle_fastai, one_cycle_fastai_v1, one_cycle_text
from tunesmith.schedules.shape import Schedule, Shape, checked_steps
from tunesmith.settings import USUAL_CYCLES, Settings

TaskShape: TypeAlias = Callable[[int, int], float]
"""The user's own shape: (step, total_steps) → factor in [0, 1] of the peak learning rate."""

TASK = "task"
"""`Settings.schedule` of a run that follows the task's own shape."""

ROUNDING = 1e-9
"""How far a task's factor may lie outside [0, 1] before it is refused: room for rounding only."""


def _from_the_peak(maker: Callable[..., Schedule]) -> Shape:
    """A shape out of a maker that starts at the peak and so has no use for `min_lr`."""

    def shape(*, max_lr: float, min_lr: float, total_steps: int) -> Schedule:
        del min_lr  # every shape is called alike
        return maker(max_lr=max_lr, total_steps=total_steps)

    return shape


SCHEDULES: dict[str, Shape] = {
    "one_cycle": one_cycle,
    "one_cycle_text": one_cycle_text,
    "one_cycle_fastai": one_cycle_fastai,
    "one_cycle_fastai_v1": one_cycle_fastai_v1,
    "triangular": triangular,
    "triangular2": triangular2,
    "exp_range": exp_range,
    "warmup_linear": warmup_linear,
    "cosine": _from_the_peak(cosine),
    "step": _from_the_peak(step),
    "constant": _from_the_peak(constant),
}
"""Every named schedule. Each also says where momentum stands: drawn between 0 and 1, it is the share of the way from the largest momentum to the smallest."""


def _tabulated(shape: TaskShape, *, total_steps: int) -> Schedule:
    """The user's shape, called once for each step and checked, so that training never meets its errors."""
    factors = array("d")
    for at in range(total_steps):
        try:
            factor = float(shape(at, total_steps))
        except Exception as error:
            raise UserCodeError(f"Task.schedule must return a factor in [0, 1] for every step; it raised at step {at} of {total_steps}: {error!r}.") from error
        if not -ROUNDING <= factor <= 1 + ROUNDING:
            raise InputError(f"Task.schedule must return a factor in [0, 1], got {factor!r} at step {at} of {total_steps}. Divide by its largest value.")
        factors.append(min(max(factor, 0.0), 1.0))
    last = total_steps - 1
    return lambda step: factors[0 if step < 0 else min(step, last)]


def _schedule(settings: Settings, *, max_lr: float, min_lr: float, total_steps: int, shape: TaskShape | None) -> Schedule:
    total_steps = checked_steps(total_steps, maker="schedule")
    if settings.schedule == TASK:
        if shape is None:
            raise InputError("Settings.schedule 'task' must come with the task's own shape, got none. Pass shape=task.schedule, or name a schedule.")
        factor = _tabulated(shape, total_steps=total_steps)
        return lambda step: max_lr * factor(step)
    if settings.schedule not in SCHEDULES:
        raise InputError(f"Settings.schedule must be 'task' or one of {', '.join(SCHEDULES)}, got {settings.schedule!r}. Pass one of these.")
    make = SCHEDULES[settings.schedule]
    if settings.schedule in USUAL_CYCLES:
        make = partial(make, cycles=settings.resolved_cycles)  # type: ignore[call-arg]  # these take it
    return make(max_lr=max_lr, min_lr=min_lr, total_steps=total_steps)


def lr_schedule(settings: Settings, *, total_steps: int, shape: TaskShape | None = None) -> Schedule:
    """The learning rate of every update, of a parameter group with `lr_scale` 1.

    Args:
        settings: The knobs: `schedule` names the shape, `lr` is its peak, `resolved_min_lr` its start where it starts low, `resolved_cycles` how often it
            rises where it can more than once.
        total_steps: Updates of the run; ≥ 1.
        shape: The user's own shape, used where `settings.schedule` is "task": (step, total_steps) → factor in [0, 1]. Called once for each step, here.

    Raises:
        InputError: An unknown name, "task" without a shape, a factor outside [0, 1], `total_steps` < 1.
        UserCodeError: The shape raised.

    Example:
        >>> lr = lr_schedule(Settings(lr=1.0, schedule="one_cycle"), total_steps=100)
        >>> [round(lr(step), 6) for step in (0, 45, 90, 99)]
        [0.1, 1.0, 0.0001, 0.0001]
        >>> lr = lr_schedule(Settings(lr=2.0, schedule="task"), total_steps=100, shape=lambda step, total: 1 - step / total)
        >>> [lr(step) for step in (0, 50)]
        [2.0, 1.0]
    """
    return _schedule(settings, max_lr=float(settings.lr), min_lr=float(settings.resolved_min_lr), total_steps=total_steps, shape=shape)


def momentum_schedule(settings: Settings, *, total_steps: int, shape: TaskShape | None = None) -> Schedule:
    """The momentum (beta1 for Adam kinds) of every update: it falls as the learning rate rises, and returns as it falls, by the same phases.

    Momentum is `settings.momentum` where the shape, drawn from 0 to a peak of 1, is 0, and `settings.resolved_min_momentum` where it is 1.
    So a cycle starts at the largest momentum, is at the smallest at the peak, back at the largest at the end of the cycle, and stays there in the tail.
    Shapes without a rise (cosine, step, constant) start at the peak, so at the *smallest* momentum, and approach the largest as the
    learning rate approaches zero; constant stays at the smallest. The task's own shape is read likewise, as a share of the peak
    (our choice: one rule, and it is what `Settings` says of the two numbers).

    Args:
        settings: The knobs. Constant momentum where the two momenta are equal.
        total_steps: Updates of the run; ≥ 1.
        shape: As in `lr_schedule`.

    Raises:
        InputError: As `lr_schedule`.
        UserCodeError: The shape raised.

    Source: Smith 2018, arXiv:1803.09820, section 4.3. Differs: in the author's logs a second momentum cycle, half as deep, begins in the tail
        (.007 at most), which no text asks for.

    Example:
        >>> momentum = momentum_schedule(Settings(momentum=0.95, min_momentum=0.85), total_steps=100)
        >>> [round(momentum(step), 6) for step in (0, 45, 90, 99, 1000)]
        [0.95, 0.85, 0.95, 0.95, 0.95]
    """
    lift = _schedule(settings, max_lr=1.0, min_lr=0.0, total_steps=total_steps, shape=shape)
    high, low = float(settings.momentum), float(settings.resolved_min_momentum)
    if high == low:
        return lambda _step: high
    span = high - low

    def schedule(step: int) -> float:
        lifted = lift(step)
        return low if lifted >= 1 else high - span * lifted

    return schedule


def total_decay(settings: Settings, *, total_steps: int, optimizer_name: str, shape: TaskShape | None = None) -> float:
    """How often the weights are forgotten over a run: Σ lr·wd/(1-m), for Adam kinds Σ lr·wd.

    It is proportional to the weight decay, so the decay for a wanted total is `wanted / total_decay(settings with weight_decay 1)`.
    Matching it matches the decay between runs of different lengths, learning rates and momenta.

    Args:
        settings: The knobs.
        total_steps: Updates of the run; ≥ 1.
        optimizer_name: "adam" and "adamw" leave momentum out; every other name is read as SGD.
        shape: As in `lr_schedule`.

    Raises:
        InputError: As `lr_schedule`.
        UserCodeError: The shape raised.

    Source: METHOD, section 2.5. For "adam", whose decay passes through its normalisation, the sum is only a label.

    Example:
        >>> flat = Settings(lr=0.1, momentum=0.9, weight_decay=1e-3, schedule="constant")
        >>> round(total_decay(flat, total_steps=1000, optimizer_name="sgd"), 6)
        1.0
        >>> round(total_decay(flat, total_steps=1000, optimizer_name="adamw"), 6)
        0.1
    """
    lr = lr_schedule(settings, total_steps=total_steps, shape=shape)
    if is_adam_kind(optimizer_name):
        return settings.weight_decay * math.fsum(lr(at) for at in range(total_steps))
    momentum = momentum_schedule(settings, total_steps=total_steps, shape=shape)
    return settings.weight_decay * math.fsum(lr(at) / (1 - momentum(at)) for at in range(total_steps))
