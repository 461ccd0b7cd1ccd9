"""Curves → clues: what the shape of a run's losses says, since when, how sure, and what to turn.

`TrainingLog → Story (two Lines, a metric, the learning rate) → clues, one function each → findings in order`
"""

from tunesmith.reading.clues.advice import ADVICE, knobs_of
from tunesmith.reading.clues.kinds import KINDS
from tunesmith.reading.clues.read import diagnosed, has_learnt, read_clues

__all__ = ["ADVICE", "KINDS", "diagnosed", "has_learnt", "knobs_of", "read_clues"]
