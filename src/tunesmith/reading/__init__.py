"""Curves → findings. numpy and scipy only: what can be recomputed from stored curves never needs training again."""

from tunesmith.reading.clues import read_clues
from tunesmith.reading.comparison import Comparison, compare, noise_between_seeds
from tunesmith.reading.range_test import RangeOutcome, RangeReading, read_range, read_range_test

__all__ = ["Comparison", "RangeOutcome", "RangeReading", "compare", "noise_between_seeds", "read_clues", "read_range", "read_range_test"]
