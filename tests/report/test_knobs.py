"""How much a knob matters, in words."""

import dataclasses

import fake_study
import pytest

from tunesmith.curve import RunOutcome
from tunesmith.experiment import Experiment
from tunesmith.report.evidence import read_evidence
from tunesmith.report.knobs import NOT_TESTED, effect_of, knob_finding, knob_rows, split_by_effect, value_means
from tunesmith.study import Study


def with_metric(experiment: Experiment) -> Experiment:
    """The same with an accuracy of 1 - loss / 4."""
    arms = []
    for arm in experiment.arms:
        accuracy = tuple(1 - loss / 4 for loss in arm.run.curve.valid_loss)
        arms.append(dataclasses.replace(arm, run=dataclasses.replace(arm.run, curve=dataclasses.replace(arm.run.curve, metrics={"accuracy": accuracy}))))
    return dataclasses.replace(experiment, arms=tuple(arms))


def test_a_difference_inside_the_interval_is_not_called_one() -> None:
    effect = effect_of(fake_study.min_lr(), interval=(0.01, 0.1))
    assert effect.matters is False
    assert effect.text == "no difference seen from 0.01 to 0.1"


def test_the_worst_value_outside_the_interval_says_how_much() -> None:
    effect = effect_of(fake_study.batch_size(), interval=(32.0, 128.0))
    assert effect.matters is True
    assert effect.text.startswith("loss +")
    assert effect.text.endswith("% at 256")


def test_values_that_do_not_train_are_named() -> None:
    assert effect_of(fake_study.peak_lr(), interval=(0.3, 0.7)).text.endswith("1.6 does not train")


def test_a_value_that_fails_on_one_seed_is_named() -> None:
    experiment = fake_study.peak_lr()
    lost = dataclasses.replace(experiment.arms[0].run, curve=dataclasses.replace(experiment.arms[0].run.curve, outcome=RunOutcome.DIVERGED))
    arms = (dataclasses.replace(experiment.arms[0], run=lost), *experiment.arms[1:8])
    assert "0.05 not on every seed" in effect_of(dataclasses.replace(experiment, arms=arms), interval=None).text


def test_the_goal_decides_and_not_the_loss() -> None:
    effect = effect_of(with_metric(fake_study.momentum()), interval=(0.9, 0.97), goal="accuracy", is_higher_better=True)
    assert effect.text.startswith("accuracy 0.8")
    assert " instead of 0.8" in effect.text
    assert effect.text.endswith(" at 0.99")


def test_what_was_not_tested_is_said() -> None:
    assert effect_of(None, interval=None) == NOT_TESTED
    alone = dataclasses.replace(fake_study.momentum(), arms=fake_study.momentum().arms[:1])
    assert effect_of(alone, interval=None).matters is None


def test_an_interval_that_is_open_holds_everything_on_its_side() -> None:
    assert effect_of(fake_study.min_lr(), interval=(0.01, float("inf"))).matters is False


def test_seeds_of_a_value_are_averaged() -> None:
    experiment = fake_study.peak_lr()
    first, second = (arm.run.curve.final_valid_loss for arm in experiment.arms[:2])
    assert value_means(experiment)[0.05] == pytest.approx((first + second) / 2)


def test_the_plan_has_a_row_for_every_knob(recommended: Study) -> None:
    evidence = read_evidence(recommended)
    rows = knob_rows(evidence)
    assert [row.name.split(",")[0] for row in rows] == ["max_lr", "min_lr", "batch_size", "max_momentum", "weight_decay", "epochs"]
    assert [row.value for row in rows[:3]] == ["0.45", "0.045", "64"]
    matters, level, untested = split_by_effect(rows)
    assert {row.name for row in level} == {"min_lr"}
    assert [row.title for row in untested] == ["Length"]
    assert len(matters) == 4
    found = knob_finding(evidence, "peak_lr")
    assert found is not None
    assert found.interval == (0.3, 0.7)
