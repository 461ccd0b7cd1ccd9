"""Curves → which will end better, with a probability: `standing` says where each stands, `pair` compares two, `foresee` all of them. Judges by curves alone."""

from tunesmith.reading.outlook.foresee import foresee
from tunesmith.reading.outlook.pair import DECIDED_FROM

__all__ = ["DECIDED_FROM", "foresee"]
