"""What decides: the validation loss, or the metric that the user fixed beforehand, as a score where smaller is better."""

import math

from tunesmith.curve import Curve, RunOutcome
from tunesmith.experiment import Arm


def score(curve: Curve, *, goal: str = "loss", higher_is_better: bool = False) -> float:
    """The goal at the end of a run, smaller is better; +inf where the run did not finish, so that it never wins.

    Example:
        >>> curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.3,), eval_step=(1,), valid_loss=(2.0,), metrics={"accuracy": (0.8,)})
        >>> score(curve), score(curve, goal="accuracy", higher_is_better=True)
        (2.0, -0.8)
    """
    values = curve.valid_loss if goal == "loss" else curve.metrics.get(goal, ())
    if curve.outcome is not RunOutcome.FINISHED or not values or not math.isfinite(values[-1]):
        return math.inf
    return -values[-1] if higher_is_better else values[-1]


def final_value(curve: Curve, *, goal: str = "loss", on_test: bool = False) -> float:
    """The goal itself at the end of a run, on the validation or the test set; NaN where it was not reached."""
    if on_test:
        return curve.test.get(goal, math.nan)
    values = curve.valid_loss if goal == "loss" else curve.metrics.get(goal, ())
    return values[-1] if values and curve.outcome is RunOutcome.FINISHED else math.nan


def arm_scores(arms: tuple[Arm, ...], *, goal: str, higher_is_better: bool) -> dict[str, list[float]]:
    """Label → scores of its runs, one a seed, in order."""
    scores: dict[str, list[float]] = {}
    for arm in arms:
        scores.setdefault(arm.label, []).append(score(arm.run.curve, goal=goal, higher_is_better=higher_is_better))
    return scores
