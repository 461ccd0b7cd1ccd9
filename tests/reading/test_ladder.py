"""The ladder, read from runs that are made up."""

import math

import pytest

import tunesmith as ts
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading.ladder import read_ladder
from tunesmith.schedules import lr_schedule, momentum_schedule, total_decay
from tunesmith.settings import RunSpec, Settings

FULL = 1000
Key = tuple[float, float, float]
"""Peak on the lowest rung, momentum, total decay."""


def rung_settings(lr: float, momentum: float, decay: float, *, steps: int, lowest: int, optimizer: str = "sgd") -> Settings:
    """As the recipe rounds a joint choice: the peak like length^-1/4 to two digits, the decay by its total, or itself for Adam."""
    low = max(0.0, round(momentum - 0.1, 6))
    settings = Settings(lr=float(f"{lr * (lowest / steps) ** 0.25:.2g}"), momentum=momentum, min_momentum=low, weight_decay=1.0)
    if optimizer == "adamw":
        return Settings(**{**settings.to_dict(), "weight_decay": float(f"{decay:.2g}")})  # type: ignore[arg-type]
    full, here = (total_decay(settings, total_steps=length, optimizer_name=optimizer) for length in (FULL, steps))
    return Settings(**{**settings.to_dict(), "weight_decay": float(f"{decay / full:.2g}") * full / here})  # type: ignore[arg-type]


def arm(settings: Settings, *, steps: int, loss: float = 1.0, seed: int = 0, condition: str = "") -> Arm:
    lr, momentum = lr_schedule(settings, total_steps=steps), momentum_schedule(settings, total_steps=steps)
    curve = Curve(
        lr=tuple(lr(at) for at in range(steps)), momentum=tuple(momentum(at) for at in range(steps)), train_loss=(2.3,) * steps, eval_step=(1, steps),
        valid_loss=(2.3, loss), metrics={"accuracy": (0.1, 1 - loss / 4)}, outcome=RunOutcome.FINISHED if math.isfinite(loss) else RunOutcome.DIVERGED,
    )  # fmt: skip
    spec = RunSpec(settings=settings, total_steps=steps, seed=seed, condition=condition)
    return Arm(label=f"{steps} updates, lr {settings.lr:.3g}", value=settings.lr, run=Run(spec=spec, curve=curve))


def ladder(rungs: dict[int, dict[Key, float | tuple[float, ...]]]) -> Experiment:
    """Length → choice → loss, or losses of seeds 0, 1, …"""
    lowest = min(rungs)
    arms = [
        arm(rung_settings(*key, steps=steps, lowest=lowest), steps=steps, loss=loss, seed=seed)
        for steps, tried in rungs.items()
        for key, losses in tried.items()
        for seed, loss in enumerate(losses if isinstance(losses, tuple) else (losses,))
    ]
    return Experiment(probe="ladder", arms=tuple(arms))


HOT, WARM, COLD = (0.4, 0.95, 0.1), (0.16, 0.95, 0.1), (0.064, 0.95, 0.1)
SLOW, DECAYED = (0.16, 0.9, 0.1), (0.16, 0.95, 1.0)
LOWEST: dict[Key, float | tuple[float, ...]] = {HOT: math.inf, WARM: (0.8, 0.82), COLD: (1.2, 1.23), SLOW: 0.81, DECAYED: 0.95}


def test_who_won_each_rung_and_where_it_became_level() -> None:
    reading = ts.read(ladder({50: LOWEST, 125: {WARM: 0.5, COLD: 0.6}, 250: {WARM: 0.4}, 500: {WARM: 0.401}}))
    assert isinstance(reading, ts.LadderReading)
    assert [rung.trend for rung in reading.rungs] == ["", "falling", "falling", "level"]
    assert [rung.winner.choice.lr for rung in reading.rungs if rung.winner is not None] == [0.16] * 4
    assert (reading.outcome, reading.level_from) == ("level", 250)
    assert reading.best is not None
    assert (reading.best.steps, reading.best.loss) == (250, 0.4)
    assert reading.rungs[0].scores[-1].loss == math.inf
    assert reading.rungs[1].fall == pytest.approx(0.3)  # on the seed that both rungs have
    assert "Longer runs no longer gain: train 250 updates" in reading.advice


@pytest.mark.parametrize(
    ("second", "outcome", "said"),
    [(0.5, "falling", "the longer they are, up to 125"), (0.79, "level", "no longer gain"), (0.9, "rising", "end worse"), (math.inf, "rising", "end worse")],
)
def test_the_outcome_is_that_of_the_last_rung(second: float, outcome: str, said: str) -> None:
    reading = read_ladder(ladder({50: {WARM: 0.8, COLD: 1.2}, 125: {WARM: second}}))
    assert reading.outcome == outcome
    assert said in reading.advice


def test_one_rung_and_none_that_finished_are_outcomes() -> None:
    one, none = read_ladder(ladder({50: {WARM: 0.8}})), read_ladder(ladder({50: {WARM: math.inf}, 125: {WARM: math.inf}}))
    assert (one.outcome, one.level_from, one.contrasts) == ("one_rung", None, ())
    assert (none.outcome, none.best, none.contrasts, none.findings) == ("failed", None, (), ())
    assert "look at the data" in none.advice


def test_rungs_that_all_failed_at_the_top_are_a_rise() -> None:
    reading = read_ladder(ladder({50: {WARM: 0.8}, 125: {WARM: math.inf}, 250: {WARM: math.inf}}))
    assert ([rung.trend for rung in reading.rungs], reading.outcome, reading.level_from) == (["", "rising", ""], "rising", 50)


def test_a_rise_within_the_noise_is_level() -> None:
    reading = read_ladder(ladder({50: {WARM: (0.8, 0.9)}, 125: {WARM: 0.5}, 250: {WARM: 0.55}}))
    assert reading.outcome == "level"


def test_a_second_seed_does_not_cost_a_choice_its_place() -> None:
    reading = read_ladder(ladder({50: {WARM: (0.8, 0.9), SLOW: 0.81}}))
    assert [score.choice.momentum for score in reading.rungs[0].scores] == [0.95, 0.9]


def test_knobs_of_the_lowest_rung_beside_the_best() -> None:
    found = {contrast.knob: contrast for contrast in read_ladder(ladder({50: LOWEST, 125: {WARM: 0.5}})).contrasts}
    assert {knob: (contrast.value, contrast.state) for knob, contrast in found.items()} == {
        "max_lr": (0.16, "told_apart"), "momentum": (0.95, "close"), "total_decay": (0.1, "told_apart"),
    }  # fmt: skip
    assert found["max_lr"].losses[0.4] == math.inf
    assert found["momentum"].close == (0.9, 0.95)
    assert found["momentum"].matters is False
    assert found["momentum"].confidence < found["total_decay"].confidence == 0.75
    assert found["total_decay"].finding.interval == (0.1, 0.1)


def test_without_a_repeat_nothing_is_told_apart() -> None:
    reading = read_ladder(ladder({50: {WARM: 0.8, COLD: 1.2}}))
    assert reading.noise == 0
    assert [(contrast.state, contrast.matters, contrast.confidence, contrast.finding.interval) for contrast in reading.contrasts] == [
        ("unknown", None, 0.5, None)
    ]
    assert "noise is not known" in reading.findings[0].evidence


def test_peaks_are_compared_along_their_line_where_the_best_lies_beside_it() -> None:
    reading = read_ladder(ladder({50: {WARM: (0.8, 0.81), COLD: 1.2, SLOW: 0.7}}))
    assert {contrast.knob: tuple(contrast.losses) for contrast in reading.contrasts} == {"max_lr": (0.064, 0.16), "momentum": (0.9, 0.95)}


def test_a_metric_decides_where_it_is_the_goal() -> None:
    reading = read_ladder(ladder({50: {WARM: 0.8, COLD: 1.2}, 125: {WARM: 0.4}}), goal="accuracy", higher_is_better=True)
    assert reading.best is not None
    assert (reading.outcome, reading.best.loss, reading.start) == ("falling", -0.9, None)


def test_an_experiment_without_cycles_is_refused() -> None:
    with pytest.raises(CurveError, match="must be read from whole cycles, and 'ladder' holds none"):
        ts.read(Experiment(probe="ladder", arms=()))
