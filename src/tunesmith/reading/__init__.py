"""Curves → findings. numpy and scipy only: what can be recomputed from stored curves never needs training again."""

from tunesmith.reading.batch_size import BatchSizeReading, read_batch_size
from tunesmith.reading.batch_value import BatchSizeValue
from tunesmith.reading.capacity import CapacityReading, Network, read_capacity
from tunesmith.reading.clues import read_clues
from tunesmith.reading.comparison import Comparison, compare, noise_between_seeds
from tunesmith.reading.conditions import Condition, ConditionsReading, read_conditions
from tunesmith.reading.experiment import Reading, read
from tunesmith.reading.joint_choices import JointChoice
from tunesmith.reading.knob import KnobReading, KnobValue
from tunesmith.reading.ladder import LadderReading, LadderRung, LadderScore, read_ladder
from tunesmith.reading.ladder_knobs import KnobContrast
from tunesmith.reading.min_lr import MinLrReading, read_min_lr
from tunesmith.reading.momentum import read_momentum, read_momentum_cycle
from tunesmith.reading.noise_scale import NoiseScale, predicted_time, read_noise_scale
from tunesmith.reading.range_test import RangeOutcome, RangeReading, read_range, read_range_test
from tunesmith.reading.weight_decay import read_weight_decay

__all__ = [
    "BatchSizeReading",
    "BatchSizeValue",
    "CapacityReading",
    "Comparison",
    "Condition",
    "ConditionsReading",
    "JointChoice",
    "KnobContrast",
    "KnobReading",
    "KnobValue",
    "LadderReading",
    "LadderRung",
    "LadderScore",
    "MinLrReading",
    "Network",
    "NoiseScale",
    "RangeOutcome",
    "RangeReading",
    "Reading",
    "compare",
    "noise_between_seeds",
    "predicted_time",
    "read",
    "read_batch_size",
    "read_capacity",
    "read_clues",
    "read_conditions",
    "read_ladder",
    "read_min_lr",
    "read_momentum",
    "read_momentum_cycle",
    "read_noise_scale",
    "read_range",
    "read_range_test",
    "read_weight_decay",
]
