import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.sweeps import made_clue, made_run

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.finding import Finding
from tunesmith.log import NOTHING, Series, TrainingLog, from_curve
from tunesmith.reading.clues import ADVICE, KINDS, diagnosed, read_clues
from tunesmith.schedules import one_cycle
from tunesmith.settings import RunSpec, Settings

EXPECTED = {kind: kind for kind in ("balanced", "unfinished", "overfitting", "unstable", "never_started")} | {"memory": "overfitting"}
SEEDS = 50


def read(curve: Curve) -> Finding:
    return read_clues(curve)[0]


@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_each_clue_is_named(kind: str, noise: float) -> None:
    """At noise of 1 % of the drop: at least 48 of 50 seeds of each kind (false alarms seen: 2 in 300)."""
    named = sum(read(made_clue(kind, seed, noise=noise)).kind == EXPECTED[kind] for seed in range(SEEDS))
    assert named >= SEEDS - 2


def test_noise_as_large_as_a_twentieth_of_the_drop_seldom_raises_an_alarm() -> None:
    """A balanced run is called overfitting or unstable in at most 3 of 50 seeds, and never with confidence (seen: none)."""
    alarms = [read(made_clue("balanced", seed, noise=0.1)) for seed in range(SEEDS)]
    wrong = [finding for finding in alarms if finding.kind not in {"balanced", "plateaued"}]
    assert len(wrong) <= 3
    assert not any(finding.is_confident for finding in wrong)


@pytest.mark.parametrize("kind", EXPECTED)
@settings(max_examples=25)
@given(st.floats(0.01, 100))
def test_clues_do_not_depend_on_the_scale_of_the_loss(kind: str, scale: float) -> None:
    curve = made_clue(kind, seed=1)
    moved = made_run(scale * np.array(curve.valid_loss), scale * np.array(curve.train_loss))
    assert (read(moved).kind, read(moved).since_step) == (read(curve).kind, read(curve).since_step)


@pytest.mark.parametrize("kind", EXPECTED)
@settings(max_examples=25)
@given(st.floats(-1000, -10))
def test_a_loss_below_zero_is_read_by_its_shape_alone(kind: str, shift: float) -> None:
    curve = made_clue(kind, seed=1)
    assert read(made_run(shift + np.array(curve.valid_loss), shift + np.array(curve.train_loss))).kind == EXPECTED[kind]


def test_overfitting_says_since_when_and_by_how_much() -> None:
    finding = read(made_clue("overfitting", seed=0))
    assert finding.since_step is not None
    assert 100 <= finding.since_step <= 240  # of 400; the loss turns up at 160
    assert finding.value == pytest.approx(0.4, abs=0.1)
    assert finding.is_confident
    assert finding.action.index("learning rate") < finding.action.index("decay") < finding.action.index("shorter")


def test_memory_without_learning_is_overfitting_from_the_first_evaluation_on() -> None:
    finding = read(made_clue("memory", seed=0))
    assert finding.since_step is not None
    assert finding.since_step <= 60  # of 400, evaluated every 20
    assert finding.is_confident


def test_a_rise_of_both_losses_is_not_overfitting() -> None:
    t = np.linspace(0, 1, 20)
    rising = 0.5 + 2 * np.exp(-t / 0.12) + 0.8 * np.clip(t - 0.4, 0, 1)
    train = np.interp(np.linspace(0, 1, 400), t, rising)
    assert read(made_run(rising, train)).kind == "weight_decay_high"


def test_a_jump_that_heals_completely_is_named_without_confidence() -> None:
    """What counts is where a run ends: high learning rates shake the loss on the way."""
    t = np.linspace(0.05, 1, 20)
    shaken = 0.5 + 2 * np.exp(-t / 0.12) + 2 * np.exp(-(((t - 0.5) / 0.08) ** 2))
    finding = read(made_run(shaken, np.interp(np.linspace(0, 1, 400), t, shaken)))
    assert (finding.kind, finding.is_confident) == ("unstable", False)
    assert "came back" in finding.evidence


def test_a_rise_within_the_noise_is_not_overfitting() -> None:
    t = np.linspace(0, 1, 20)
    noisy = 0.5 + 2 * np.exp(-t / 0.12) + 0.3 * (-1.0) ** np.arange(20)
    assert read(made_run(noisy, 2.5 * np.exp(-np.linspace(0, 5, 400)))).kind != "overfitting"


@pytest.mark.parametrize("outcome", [RunOutcome.DIVERGED, RunOutcome.NOT_FINITE])
def test_a_lost_run_is_named_first(outcome: RunOutcome) -> None:
    finding = read(made_run(np.full(3, np.nan), np.full(30, np.nan), outcome=outcome))
    assert (finding.kind, finding.since_step, finding.is_confident) == ("diverged", 1, True)


def test_a_run_lost_before_its_first_update_is_read() -> None:
    nothing = Curve(lr=(), momentum=(), train_loss=(), eval_step=(), valid_loss=(), outcome=RunOutcome.NOT_FINITE)
    assert read(nothing).since_step == 0


@pytest.mark.parametrize("values", [[], [1.0] * 4, [1.0, 0.9, 0.8], [1.0, 0.9, math.nan], [math.inf, 1.0]])
def test_too_few_evaluations_are_never_read_with_confidence_as_a_fit(values: list[float]) -> None:
    curve = Curve(
        lr=(0.1,) * 40, momentum=(0.9,) * 40, train_loss=tuple(np.linspace(2, 1, 40)), eval_step=tuple(range(1, len(values) + 1)), valid_loss=tuple(values)
    )
    finding = read(curve)
    assert finding.kind == "diverged" or not finding.is_confident


def test_every_clue_says_what_it_does_not_establish() -> None:
    for kind in EXPECTED:
        for finding in read_clues(made_clue(kind, seed=0)):
            assert finding.not_established.endswith(".")
            assert finding.evidence.endswith(".")


def test_every_kind_has_a_rule_and_advice() -> None:
    assert set(KINDS) == set(ADVICE)
    assert [kind for kind, turns in ADVICE.items() if not turns] == ["balanced"]


def test_a_schedule_that_was_cut_is_unfinished_whatever_the_loss_does() -> None:
    steps = 400
    shape = one_cycle(max_lr=1.0, min_lr=0.1, total_steps=3 * steps)
    curve = made_clue("balanced", seed=0, steps=steps)
    finding = read(dataclasses.replace(curve, lr=tuple(shape(step) for step in range(steps))))
    assert finding.kind == "unfinished"
    assert "schedule" in finding.evidence


def test_a_loss_that_falls_steadily_down_to_an_annealed_end_underfits() -> None:
    steps, n = 400, 20
    lr = np.linspace(1.0, 0.0, steps)
    way = np.cumsum(lr) / lr.sum()
    train = 2.5 - 1.0 * way
    valid = train[np.linspace(steps / n, steps, n).round().astype(int) - 1]
    finding = read(dataclasses.replace(made_run(valid, train), lr=tuple(lr)))
    assert finding.kind == "underfitting"
    assert finding.action.startswith("Try a larger learning rate")


def test_a_warm_restart_is_not_an_instability() -> None:
    steps = np.arange(400)
    lr = 0.05 + 0.95 * (1 - (steps % 200) / 200)
    loss = 0.3 + 2 * np.exp(-steps / 30) + 0.4 * (lr - 0.05) * (steps >= 200)
    valid = loss[19::20] + 0.05
    assert read(dataclasses.replace(made_run(valid, loss), lr=tuple(lr))).kind not in {"unstable", "oscillating", "diverged"}


def test_a_drop_of_the_rate_that_changes_nothing_is_a_plateau() -> None:
    steps = np.arange(800)
    lr = np.select([steps < 400, steps < 600], [1.0, 0.1], 0.01)
    loss = 0.3 + 2 * np.exp(-steps / 60) + 0.3 * (steps < 400)
    finding = read(dataclasses.replace(made_run(loss[19::20] + 0.1, loss), lr=tuple(lr)))
    assert finding.kind == "plateaued"
    assert finding.since_step is not None
    assert 400 <= finding.since_step <= 500
    assert "shorter" in finding.action


def test_without_a_training_loss_a_slow_rise_is_overfitting_and_not_sure() -> None:
    log = dataclasses.replace(from_curve(made_clue("overfitting", seed=0), name="log"), train_loss=NOTHING)
    finding = read_clues(log)[0]
    assert (finding.kind, finding.is_confident) == ("overfitting", False)
    assert "no training loss" in finding.evidence


def test_without_a_validation_loss_nothing_is_said_of_the_fit() -> None:
    for kind in ("balanced", "overfitting", "unfinished"):
        log = dataclasses.replace(from_curve(made_clue(kind, seed=0), name="log"), valid_loss=NOTHING)
        assert read_clues(log)[0].confidence < 0.5


def test_a_log_with_a_metric_alone_is_read() -> None:
    steps, accuracy = np.arange(1.0, 31), 0.9 - 0.8 * np.exp(-np.arange(30) / 5)
    log = dataclasses.replace(from_curve(made_clue("balanced", seed=0), name="log"), train_loss=NOTHING, valid_loss=NOTHING)
    log = dataclasses.replace(log, valid_metrics={"accuracy": Series.of(steps, accuracy)})
    finding = read_clues(log)[0]
    assert finding.kind in {"balanced", "plateaued"}
    assert not finding.is_confident


def test_a_million_rows_are_read() -> None:
    rows = np.arange(1_000_000)
    loss = Series(step=rows.astype(float), value=0.5 + 2 * np.exp(-rows / 1e5) + 0.1 * np.random.default_rng(0).standard_normal(rows.size))
    valid = Series(step=rows[999::1000].astype(float), value=0.6 + 2 * np.exp(-rows[999::1000] / 1e5))
    assert read_clues(
        TrainingLog(name="log", source="CSV", step_unit=from_curve(made_clue("balanced", 0), name="").step_unit, train_loss=loss, valid_loss=valid)
    )


_LOSSES = st.lists(st.one_of(st.floats(-1e3, 1e3), st.floats(allow_nan=True, allow_infinity=True)), max_size=60)


@settings(max_examples=150)
@given(_LOSSES, _LOSSES, st.lists(st.floats(0, 10), max_size=60), st.lists(st.floats(-1, 1), max_size=30))
def test_whatever_a_log_holds_there_is_a_verdict(train: list[float], valid: list[float], lr: list[float], accuracy: list[float]) -> None:
    log = TrainingLog(
        name="log", source="CSV", step_unit=from_curve(made_clue("balanced", 0), name="").step_unit,
        lr=_series(lr), train_loss=_series(train), valid_loss=_series(valid), valid_metrics={"accuracy": _series(accuracy)},
    )  # fmt: skip
    findings = read_clues(log)
    assert findings
    assert all(finding.kind in KINDS and 0 <= finding.confidence <= 1 for finding in findings)
    assert read_clues(log) == findings
    assert all(Finding.from_dict(finding.to_dict()) == finding for finding in findings)


def _series(values: list[float]) -> Series:
    return Series.of(range(len(values)), values)


STEPS = np.arange(400)
FALL = 0.3 + 2 * np.exp(-STEPS / 40)
HUMP = 0.6 * np.exp(-(((STEPS - 120) / 40) ** 2))
RANDOM = np.random.default_rng(0).standard_normal(400)
NO_LR = np.full(400, 0.1)
DOWN = np.linspace(1.0, 0.0, 400)
MADE: dict[str, tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]] = {
    "diverged": ((np.where(STEPS < 250, FALL, 2.4), np.where(STEPS < 250, FALL, 2.4), NO_LR),),
    "too_noisy": ((FALL / 10 + 2, 2 + 0.3 * RANDOM, NO_LR),),
    "oscillating": ((1 + np.exp(-STEPS / 200) * np.cos(STEPS / 10), 1 + np.exp(-STEPS / 200) * np.cos(STEPS / 10), NO_LR),),
    "unstable": ((FALL + 0.8 * (STEPS > 250), FALL + 0.8 * (STEPS > 250), NO_LR),),
    "early_overfitting_hump": ((2.3 * np.exp(-STEPS / 30), FALL + 3 * HUMP, NO_LR),),
    "overfitting": ((2.3 * np.exp(-STEPS / 60), FALL + np.maximum(0, STEPS - 150) / 300, NO_LR),),
    "weight_decay_high": ((FALL + np.maximum(0, STEPS - 120) / 300, FALL + np.maximum(0, STEPS - 120) / 300, NO_LR),),
    "never_started": ((2.3 + 0.01 * RANDOM, np.full(400, 2.3), NO_LR),),
    "plateaued": ((np.maximum(FALL, 0.4), np.maximum(FALL, 0.4) + 0.1, DOWN),),
    "weight_decay_low": ((2.3 * np.exp(-STEPS / 30), 1 + 1.3 * np.exp(-STEPS / 30), NO_LR),),
    "underfitting": (
        (2.3 - 1.3 * np.cumsum(DOWN) / DOWN.sum(), 2.3 - 1.3 * np.cumsum(DOWN) / DOWN.sum(), DOWN),
        (2 + FALL / 10, 2 + FALL / 10, DOWN),
        (FALL + 1.5, FALL + 1.1, DOWN),
    ),
    "unfinished": ((2.3 - STEPS / 400, 2.4 - STEPS / 400, NO_LR), (FALL, FALL + 0.1, DOWN[::-1] + 0.01)),
    "balanced": ((0.1 + 2.2 * np.exp(-STEPS / 60), 0.2 + 2.2 * np.exp(-STEPS / 60), DOWN),),
}


@pytest.mark.parametrize(("kind", "index"), [(kind, index) for kind, curves in MADE.items() for index in range(len(curves))])
def test_each_kind_is_found_where_it_was_put(kind: str, index: int) -> None:
    found = read(made_up(kind, index))
    assert found.kind == kind
    assert found.confidence >= 0.5


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("origin", [10_000, 1_700_000_000, -5_000])
def test_a_verdict_does_not_hang_on_where_steps_are_counted_from(kind: str, origin: int) -> None:
    """A resumed run, times as steps; what rests on the beginning of the training may be said with less confidence, or not at all."""
    log = from_curve(made_up(kind, 0), name="log")
    moved = read_clues(moved_by(log, origin))[0]
    assert moved.kind == read_clues(log)[0].kind or moved.confidence < 0.5 or kind == "underfitting"
    if moved.since_step is not None and kind not in {"never_started", "underfitting"}:
        assert moved.since_step >= origin


def test_losses_in_different_units_are_read_by_their_shapes() -> None:
    """The one summed over a batch, the other a mean."""
    curve = made_up("overfitting", 0)
    summed = dataclasses.replace(curve, train_loss=tuple(100 * loss for loss in curve.train_loss))
    finding = read(summed)
    assert finding.kind == "overfitting"
    assert "from 19.5" in finding.evidence  # as the log has it


def test_a_loss_that_begins_very_high_is_not_level_while_it_halves() -> None:
    """Regression on raw targets: beside a first loss of 1e8 everything is small."""
    loss = 2.5e5 + 3e5 * np.exp(-STEPS / 150) + 1e8 * np.exp(-STEPS / 4)
    assert read(dataclasses.replace(made_run(loss[9::10], loss), lr=tuple(DOWN))).kind != "plateaued"


def test_a_restart_in_the_last_row_does_not_hide_that_the_rate_came_down() -> None:
    curve = made_up("balanced", 0)
    assert read(dataclasses.replace(curve, lr=(*curve.lr[:-1], 1.0))).kind == "balanced"


def test_a_metric_that_only_gets_worse_has_not_failed_to_start() -> None:
    log = dataclasses.replace(from_curve(made_up("balanced", 0), name="log"), train_loss=NOTHING, valid_loss=NOTHING)
    worse = dataclasses.replace(log, valid_metrics={"accuracy": Series.of(range(40), 0.9 - 0.01 * np.arange(40))})
    assert read_clues(worse)[0].kind == "overfitting"
    level = dataclasses.replace(log, valid_metrics={"accuracy": Series.of(range(40), np.full(40, 0.5))})
    assert "accuracy began at 0.5" in read_clues(level)[0].evidence


def test_a_run_that_was_to_be_longer_is_unfinished() -> None:
    curve = made_up("balanced", 0)
    spec = RunSpec(settings=Settings(lr=0.1, batch_size=8), total_steps=4_000, seed=0)
    assert diagnosed(Run(spec=spec, curve=curve)).verdict == "unfinished"
    assert diagnosed(Run(spec=dataclasses.replace(spec, total_steps=400), curve=curve)).verdict == "balanced"


def made_up(kind: str, index: int) -> Curve:
    train, valid, lr = MADE[kind][index]
    return dataclasses.replace(made_run(valid[9::10], train), lr=tuple(lr.tolist()))


def moved_by(log: TrainingLog, origin: int) -> TrainingLog:
    moved = {
        name: Series.of(origin + series.step, series.value) for name, series in (("lr", log.lr), ("train_loss", log.train_loss), ("valid_loss", log.valid_loss))
    }
    return dataclasses.replace(log, **moved)
