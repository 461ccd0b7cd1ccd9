"""The length of a plan, chosen by where annealed runs stop gaining: what to confirm first, and what to try by how that does."""

import math
import statistics
from dataclasses import dataclass

from tunesmith.curve import Curve
from tunesmith.reading.seed_noise import MOST_EXAMPLES_SD, SeedNoise
from tunesmith.settings import Settings

Sized = tuple[Settings, int]
"""Settings of a plan and its updates."""

LEVEL, LEVEL_SDS = 0.01, 2.0
"""Losses of two lengths are level where they differ by less than this share of what was learnt (our choice, as `Thresholds.level_rise`); metrics by less than
this many of the usual standard deviations between seeds (our choice)."""
LEVEL_EXAMPLES_SD = MOST_EXAMPLES_SD / 2
"""Where a loss ends near zero, a hundredth of what was learnt may be most of it: losses then are level within what this standard deviation of an example's
loss, in means, leaves in the mean of the validation examples (our choice: both are judged on the same ones)."""
LOOMING = 0.5
"""Overfitting looms where twice the length lowers the validation loss by less than this share of what it lowers the training loss by (our choice)."""
MUCH_SHORTER = 1.1
"""A shorter plan is worth a training only where it is shorter by this factor (our choice)."""
_FEWEST_LAST_STEPS, _LAST_SHARE = 8, 0.05


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Other lengths of a plan, tried by how the plan itself does.

    Attributes:
        shorter: A plan no longer than a run that the search has made; None where the plan is that already.
        longer: A longer plan; None where there is none to try.
        score: What the search's longest run reached, smaller is better.
        fall: By how much the plan must be better than that for a longer one to be worth a try.

    Example:
        >>> lengths = Lengths(shorter=(Settings(), 250), longer=(Settings(), 1000), score=0.5, fall=0.01)
        >>> [None if found is None else found[1] for found in (lengths.after(score, length=500) for score in (0.45, 0.495, 0.55))]
        [1000, None, 250]
    """

    shorter: Sized | None = None
    longer: Sized | None = None
    score: float = math.inf
    fall: float = 0.0

    def after(self, plan_score: float, *, length: int) -> tuple[Settings, int, str] | None:
        """What to train next after a plan of `length` updates that reached `plan_score`, and why; None where nothing is.

        Args:
            plan_score: On fresh seeds, smaller is better.
            length: Updates of the plan.
        """
        if self.longer is not None and length < self.longer[1] and plan_score < self.score - self.fall:
            return *self.longer, f"The plan still gains from its length: trying {self.longer[1]} updates, on fresh seeds."
        if self.shorter is not None and length > MUCH_SHORTER * self.shorter[1] and not plan_score < self.score:
            return *self.shorter, f"The plan is no better than a run of the search that was shorter: trying {self.shorter[1]} updates, on fresh seeds."
        return None


def level_of(best: float, *, goal: str, initial_loss: float, n_valid: int) -> float:
    """By how much two scores may differ and still count as level; 0 where nothing was learnt.

    Args:
        best: The better of the two, smaller is better.
        goal: "loss", or a metric's name.
        initial_loss: Of the untrained network.
        n_valid: Examples that both were judged on.

    Example:
        >>> both = [("loss", 0.3, 1000), ("loss", 0.04, 5000), ("accuracy", -0.9, 900)]
        >>> [round(level_of(best, goal=goal, initial_loss=2.3, n_valid=n_valid), 4) for goal, best, n_valid in both]
        [0.02, 0.0014, 0.01]
    """
    if goal != "loss":
        return LEVEL_SDS * SeedNoise.usual_of_share(abs(best), n_valid=n_valid).sd
    learnt = initial_loss - best
    if not (math.isfinite(learnt) and learnt > 0):
        return 0.0
    return min(LEVEL * learnt, LEVEL_EXAMPLES_SD * best / math.sqrt(n_valid)) if best > 0 else LEVEL * learnt


def overfitting_looms(short: Curve, longer: Curve) -> bool:
    """Whether training longer lowers the training loss much more than it lowers the validation loss: then a still longer run is a risk."""
    return short.final_valid_loss - longer.final_valid_loss < LOOMING * (_final_train_loss(short) - _final_train_loss(longer))


def _final_train_loss(curve: Curve) -> float:
    last = max(_FEWEST_LAST_STEPS, round(_LAST_SHARE * len(curve.train_loss)))
    return statistics.fmean(curve.train_loss[-last:])
