import math

import pytest

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.experiment import Arm
from tunesmith.reading.goal import arm_scores, final_value, score
from tunesmith.settings import RunSpec, Settings


def curve(*, loss: float = 2.0, accuracy: float = 0.8, outcome: RunOutcome = RunOutcome.FINISHED) -> Curve:
    return Curve(
        lr=(0.1,),
        momentum=(0.9,),
        train_loss=(2.3,),
        eval_step=(1,),
        valid_loss=(loss,),
        metrics={"accuracy": (accuracy,)},
        test={"loss": 2.1},
        outcome=outcome,
    )


def test_smaller_scores_are_better_whatever_the_goal() -> None:
    assert score(curve(loss=1.0)) < score(curve(loss=2.0))
    assert score(curve(accuracy=0.9), goal="accuracy", higher_is_better=True) < score(curve(accuracy=0.8), goal="accuracy", higher_is_better=True)
    assert score(curve(accuracy=0.1), goal="accuracy") < score(curve(accuracy=0.2), goal="accuracy")


@pytest.mark.parametrize("outcome", [RunOutcome.DIVERGED, RunOutcome.NOT_FINITE, RunOutcome.STOPPED])
@pytest.mark.parametrize("higher", [True, False])
def test_a_run_that_did_not_finish_never_wins(outcome: RunOutcome, *, higher: bool) -> None:
    assert score(curve(outcome=outcome), goal="accuracy", higher_is_better=higher) == math.inf
    assert math.isnan(final_value(curve(outcome=outcome)))


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("higher", [True, False])
def test_a_goal_that_is_not_finite_never_wins(broken: float, *, higher: bool) -> None:
    assert score(curve(loss=broken)) == math.inf
    assert score(curve(accuracy=broken), goal="accuracy", higher_is_better=higher) == math.inf


def test_a_goal_that_was_not_recorded_never_wins() -> None:
    assert score(curve(), goal="f1", higher_is_better=True) == math.inf
    assert math.isnan(final_value(curve(), goal="f1"))


def test_the_test_set_has_values_of_its_own() -> None:
    assert final_value(curve(), on_test=True) == 2.1
    assert math.isnan(final_value(curve(), goal="accuracy", on_test=True))


def test_arms_of_one_label_are_its_seeds() -> None:
    arms = tuple(
        Arm(label=label, value=None, run=Run(spec=RunSpec(settings=Settings(), total_steps=1, seed=seed), curve=curve(loss=loss)))
        for label, seed, loss in (("a", 0, 1.0), ("b", 0, 3.0), ("a", 1, 2.0))
    )
    assert arm_scores(arms, goal="loss", higher_is_better=False) == {"a": [1.0, 2.0], "b": [3.0]}
