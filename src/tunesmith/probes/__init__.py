"""Experiments: (task, settings, steps, seed) → curves. A probe measures. Judges nothing but its own sweeps, for their rate."""

from tunesmith.probes.annealed import Candidate, GradientSampling, annealed_runs
from tunesmith.probes.batch_size import batch_size
from tunesmith.probes.capacity import capacity
from tunesmith.probes.confirm import confirm, current, current_steps
from tunesmith.probes.lr_range import bracket, lr_range
from tunesmith.probes.lr_range_under import lr_range_under, named_conditions
from tunesmith.probes.min_lr import min_lr
from tunesmith.probes.momentum import at_momentum, momentum, momentum_cycle
from tunesmith.probes.weight_decay import weight_decay

__all__ = [
    "Candidate",
    "GradientSampling",
    "annealed_runs",
    "at_momentum",
    "batch_size",
    "bracket",
    "capacity",
    "confirm",
    "current",
    "current_steps",
    "lr_range",
    "lr_range_under",
    "min_lr",
    "momentum",
    "momentum_cycle",
    "named_conditions",
    "weight_decay",
]
