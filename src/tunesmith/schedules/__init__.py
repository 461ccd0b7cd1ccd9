"""Learning rate and momentum of every update, as plain functions of the step.

A schedule is a function `f(step)`: for step 0 … total_steps - 1 it gives the value that drives that update, beyond the end the last of them,
before the start the first. Makers check their arguments once, with `InputError`; a schedule, once made, never raises.
Every shape hits its corners on whole steps: the first update is driven by its first corner, the last update by its last.
A run too short for all its corners keeps the earlier ones. No module here imports torch, `torch_scheduler` apart.
"""

from tunesmith.schedules.by_settings import SCHEDULES, TaskShape, lr_schedule, momentum_schedule, total_decay
from tunesmith.schedules.cyclical import exp_range, triangular, triangular2
from tunesmith.schedules.decay import constant, cosine, step, warmup_linear
from tunesmith.schedules.one_cycle import one_cycle, one_cycle_fastai, one_cycle_fastai_v1, one_cycle_text
from tunesmith.schedules.ramp import falling_momentum, ramp
from tunesmith.schedules.shape import Schedule, Shape

__all__ = [
    "SCHEDULES",
    "Schedule",
    "Shape",
    "TaskShape",
    "constant",
    "cosine",
    "exp_range",
    "falling_momentum",
    "lr_schedule",
    "momentum_schedule",
    "one_cycle",
    "one_cycle_fastai",
    "one_cycle_fastai_v1",
    "one_cycle_text",
    "ramp",
    "step",
    "total_decay",
    "triangular",
    "triangular2",
    "warmup_linear",
]
