import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from tests.probes.watched import Watched

from tunesmith import probes
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading import RangeOutcome, read_conditions
from tunesmith.settings import RunKind, RunSpec, Settings

Loss = Callable[[np.ndarray], np.ndarray]
END, STEPS, EVERY = 0.01, 400, 16


def swept(loss: Loss, *, seed: int = 0, noise: float = 0.0, end: float = END, has_validation: bool = True, name: str = "") -> Run:
    """A sweep whose validation loss is `loss` of the learning rate; where that is NaN the run was lost."""
    lr = np.linspace(0, end, STEPS)
    draws = np.random.default_rng(seed)
    values = loss(lr) + noise * draws.standard_normal(STEPS)
    kept = int(np.argmax(np.isnan(values))) if np.isnan(values).any() else STEPS
    steps = np.arange(EVERY, kept + 1, EVERY)
    train = values[:kept] + 0.02 * draws.standard_normal(kept)
    outcome = RunOutcome.FINISHED if kept == STEPS else RunOutcome.NOT_FINITE
    curve = Curve(
        lr=tuple(lr[:kept].tolist()), momentum=(0.9,) * kept, train_loss=tuple(train.tolist()), outcome=outcome,
        eval_step=tuple(steps.tolist()) if has_validation else (), valid_loss=tuple(values[steps - 1].tolist()) if has_validation else (),
    )  # fmt: skip
    spec = RunSpec(settings=Settings(lr=end, min_lr=0.0), total_steps=STEPS, seed=seed, kind=RunKind.LINEAR_RAMP, condition=name)
    return Run(spec=spec, curve=curve)


def laid_over(losses: dict[str, Loss], *, noise: float = 0.0, repeats: int = 1, **options: object) -> Experiment:
    arms = [
        Arm(label=label, value=None, run=swept(loss, seed=seed, noise=noise, name=label, **options))  # type: ignore[arg-type]
        for label, loss in losses.items()
        for seed in range(repeats)
    ]
    return Experiment(probe="lr_range_under", arms=tuple(arms))


def falls(*, to: float, by: float, from_: float = 2.3) -> Loss:
    return lambda lr: to + (from_ - to) * np.exp(-4 * lr / by)


def three_layer_net() -> dict[str, Loss]:
    """The report's figures of its 3-layer network, learning rate 0 to .01."""
    return {
        "1e-4": lambda lr: falls(to=0.715, by=0.0017)(lr) + np.where(lr > 0.002, 25 * (lr - 0.002), 0),
        "4e-3": lambda lr: falls(to=0.71, by=0.0025)(lr) + np.where(lr > 0.008, 1.2, 0),
        "1e-2": lambda lr: np.where(lr > 0.0053, np.nan, falls(to=0.83, by=0.0025)(lr)),
    }


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.01])
def test_the_reports_three_layer_network_gets_its_weight_decay(noise: float) -> None:
    reading = read_conditions(laid_over(three_layer_net(), noise=noise))
    assert (reading.outcome, reading.best, reading.close) == ("found", "4e-3", ("4e-3",))
    by_label = {condition.label: condition for condition in reading.conditions}
    assert by_label["4e-3"].tolerated_lr == pytest.approx(0.008, rel=0.1)
    assert (by_label["1e-4"].tolerated_lr or 0) < 0.006  # a slow rise is not flat
    assert by_label["1e-4"].is_as_good or noise
    assert not by_label["1e-2"].is_as_good
    assert "'4e-3'" in reading.advice
    assert "balance sought" in reading.advice


def test_sweeps_that_are_flat_to_their_end_ended_too_early_where_they_cannot_be_told_apart() -> None:
    flat = {"one": falls(to=0.7, by=0.002), "other": falls(to=0.7, by=0.0021)}
    reading = read_conditions(laid_over(flat))
    assert (reading.outcome, reading.ends_too_early) == ("no_difference", True)
    assert "raise end_lr" in reading.advice
    lost = {"one": lambda lr: np.where(lr > 0.006, np.nan, falls(to=0.7, by=0.002)(lr))}
    assert not read_conditions(laid_over({**flat, **lost})).ends_too_early  # the other alone is flat to its end, and is told apart by that
    both = {**lost, "other": lost["one"]}
    reading = read_conditions(laid_over(both))
    assert (reading.outcome, reading.ends_too_early) == ("no_difference", False)


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_noise_makes_the_reading_unsure_and_not_wrong(noise: float) -> None:
    """Noise of two to four times the differences between the conditions: in 20 draws no other is called the best for sure (seen: 0 of 40 at either noise)."""
    for draw in range(20):
        arms = [Arm(label=label, value=None, run=swept(loss, seed=3 * draw + i, noise=noise)) for i, (label, loss) in enumerate(three_layer_net().items())]
        reading = read_conditions(Experiment(probe="lr_range_under", arms=tuple(arms)))
        assert reading.best == "4e-3" or reading.outcome == "no_difference"


def test_a_worse_loss_does_not_win_by_a_larger_rate() -> None:
    losses = {"good": lambda lr: falls(to=0.7, by=0.002)(lr) + np.where(lr > 0.004, 2, 0), "tame": falls(to=1.2, by=0.002)}
    reading = read_conditions(laid_over(losses))
    assert [condition.label for condition in reading.conditions] == ["good", "tame"]
    assert (reading.outcome, reading.best) == ("found", "good")


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_conditions_that_do_the_same_are_not_told_apart(noise: float) -> None:
    """Five draws a noise; the seeds of the two conditions differ, as their noise would."""

    def loss(lr: np.ndarray) -> np.ndarray:
        return falls(to=0.7, by=0.002)(lr) + np.where(lr > 0.006, 2, 0)

    for seed in range(5):
        arms = [Arm(label=label, value=None, run=swept(loss, seed=2 * seed + i, noise=noise)) for i, label in enumerate(("one", "other"))]
        reading = read_conditions(Experiment(probe="lr_range_under", arms=tuple(arms)))
        assert (reading.outcome, set(reading.close)) == ("no_difference", {"one", "other"})
        assert "cannot tell" in reading.advice
        lowest = min(reading.conditions, key=lambda condition: condition.best_loss or 0.0)
        assert (reading.best, reading.suggested_lr) == (lowest.label, lowest.suggested_lr)


def test_two_that_stay_flat_to_the_end_ask_for_a_longer_axis() -> None:
    reading = read_conditions(laid_over({"one": falls(to=0.7, by=0.002), "other": falls(to=0.7, by=0.003)}))
    assert reading.outcome == "no_difference"
    assert all(condition.interval is not None and math.isinf(condition.interval[1]) for condition in reading.conditions)
    assert "raise end_lr" in reading.advice
    assert reading.to_dict()["conditions"][0]["interval"][1] is None  # type: ignore[index,call-overload]


def test_one_that_stays_flat_to_the_end_beats_one_that_does_not() -> None:
    losses = {"short": lambda lr: falls(to=0.7, by=0.002)(lr) + np.where(lr > 0.004, 2, 0), "long": falls(to=0.7, by=0.002)}
    reading = read_conditions(laid_over(losses))
    assert (reading.outcome, reading.best) == ("found", "long")
    assert reading.conditions[0].tolerated_lr == pytest.approx(END)


def test_repeats_are_one_condition_with_their_spread() -> None:
    reading = read_conditions(laid_over(three_layer_net(), noise=0.01, repeats=3))
    assert [condition.n for condition in reading.conditions] == [3, 3, 3]
    assert reading.best == "4e-3"
    assert "3 sweeps each" in reading.findings[0].evidence
    assert "another seed" not in reading.findings[0].not_established


def test_a_condition_that_is_lost_on_half_of_its_seeds_is_not_tolerated() -> None:
    good = falls(to=0.7, by=0.002)
    lost = dataclasses.replace(swept(lambda lr: np.where(lr > END / 100, np.nan, 2.3), seed=1))
    arms = (Arm(label="brink", value=None, run=swept(good)), Arm(label="brink", value=None, run=lost), Arm(label="safe", value=None, run=swept(good, seed=2)))
    reading = read_conditions(Experiment(probe="lr_range_under", arms=arms))
    assert reading.best == "safe"
    assert reading.conditions[-1].tolerated_lr is None
    assert reading.conditions[-1].outcome is RangeOutcome.DIVERGED_AT_ONCE
    assert "Only 'safe'" in reading.advice


def test_where_nothing_can_be_read_nothing_is_suggested() -> None:
    reading = read_conditions(laid_over({"a": lambda lr: 2.3 + 0 * lr, "b": lambda lr: 2.3 + 200 * lr}))
    assert (reading.outcome, reading.best, reading.suggested_lr, reading.close) == ("not_found", None, None, ())
    assert reading.to_dict()["suggestion"] is None


def test_without_validation_the_training_loss_decides() -> None:
    assert read_conditions(laid_over(three_layer_net(), has_validation=False)).best == "4e-3"


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_scaling_the_loss_changes_nothing(scale: float) -> None:
    scaled = {label: (lambda lr, loss=loss: scale * loss(lr)) for label, loss in three_layer_net().items()}
    one, other = (read_conditions(laid_over(losses, noise=noise)) for losses, noise in ((three_layer_net(), 0.0), (scaled, 0.0)))
    assert [condition.label for condition in one.conditions] == [condition.label for condition in other.conditions]


def test_batches_of_two_sizes_are_said_to_see_unequal_numbers_of_examples() -> None:
    good = laid_over({"a": falls(to=0.7, by=0.002), "b": falls(to=0.7, by=0.003)})
    larger = dataclasses.replace(good.arms[1].run.spec, settings=Settings(lr=END, min_lr=0.0, batch_size=256))
    arms = (good.arms[0], dataclasses.replace(good.arms[1], run=dataclasses.replace(good.arms[1].run, spec=larger)))
    assert "sees more examples" in read_conditions(Experiment(probe="lr_range_under", arms=arms)).findings[0].not_established


def test_runs_that_are_no_sweeps_are_refused() -> None:
    experiment = probes.bracket(Watched().task(), Settings(batch_size=8), start_lr=1e-4, end_lr=0.1, steps=30)
    with pytest.raises(CurveError, match="linear sweeps"):
        read_conditions(experiment)
