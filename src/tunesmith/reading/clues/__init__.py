"""Curves → clues: what the shape of a run's losses says, since when, how sure, and what to do."""

from tunesmith.reading.clues.kinds import KINDS
from tunesmith.reading.clues.read import read_clues

__all__ = ["KINDS", "read_clues"]
