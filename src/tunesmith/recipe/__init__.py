"""The order of the steps, the budget, the plan. It asks probes for curves and readings for findings, and decides."""

from tunesmith.recipe.training import train
from tunesmith.recipe.tuning import tune

__all__ = ["train", "tune"]
