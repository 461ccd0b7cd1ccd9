import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.sweeps import made_clue, made_run

from tunesmith.curve import Curve, RunOutcome
from tunesmith.finding import Finding
from tunesmith.reading import read_clues

EXPECTED = {kind: kind for kind in ("balanced", "unfinished", "overfitting", "unstable", "never_started")} | {"memory": "overfitting"}
SEEDS = 50


def read(curve: Curve) -> Finding:
    (finding,) = read_clues(curve)
    return finding


@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_each_clue_is_named(kind: str, noise: float) -> None:
    """At noise of 1 % of the drop: at least 48 of 50 seeds of each kind (false alarms seen: 2 in 300)."""
    named = sum(read(made_clue(kind, seed, noise=noise)).kind == EXPECTED[kind] for seed in range(SEEDS))
    assert named >= SEEDS - 2


def test_noise_as_large_as_a_twentieth_of_the_drop_seldom_raises_an_alarm() -> None:
    """A balanced run is called overfitting or unfinished in at most 3 of 50 seeds (seen: 3 in 300)."""
    alarms = sum(read(made_clue("balanced", seed, noise=0.1)).kind != "balanced" for seed in range(SEEDS))
    assert alarms <= 3


@pytest.mark.parametrize("kind", EXPECTED)
@settings(max_examples=25)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_clues_do_not_depend_on_the_scale_or_level_of_the_loss(kind: str, scale: float, shift: float) -> None:
    curve = made_clue(kind, seed=1)
    moved = made_run(scale * np.array(curve.valid_loss) + shift, scale * np.array(curve.train_loss) + shift)
    assert (read(moved).kind, read(moved).since_step) == (read(curve).kind, read(curve).since_step)


def test_overfitting_says_since_when_and_by_how_much() -> None:
    finding = read(made_clue("overfitting", seed=0))
    assert finding.since_step is not None
    assert 100 <= finding.since_step <= 240  # of 400; the loss turns up at 160
    assert finding.value == pytest.approx(0.4, abs=0.1)
    assert finding.is_confident
    assert "shorter" in finding.action


def test_memory_without_learning_is_overfitting_from_the_first_evaluation_on() -> None:
    finding = read(made_clue("memory", seed=0))
    assert finding.since_step is not None
    assert finding.since_step <= 60  # of 400, evaluated every 20
    assert finding.is_confident


def test_a_rise_of_both_losses_is_not_overfitting() -> None:
    t = np.linspace(0, 1, 20)
    rising = 0.5 + 2 * np.exp(-t / 0.12) + 0.8 * np.clip(t - 0.4, 0, 1)
    train = np.interp(np.linspace(0, 1, 400), t, rising)
    assert read(made_run(rising, train)).kind != "overfitting"


def test_a_jump_that_heals_completely_is_forgiven() -> None:
    """What counts is where a run ends: high learning rates shake the loss on the way."""
    t = np.linspace(0.05, 1, 20)
    shaken = 0.5 + 2 * np.exp(-t / 0.12) + 2 * np.exp(-(((t - 0.5) / 0.08) ** 2))
    assert read(made_run(shaken, np.interp(np.linspace(0, 1, 400), t, shaken))).kind != "unstable"


def test_a_rise_within_the_noise_is_not_overfitting() -> None:
    t = np.linspace(0, 1, 20)
    noisy = 0.5 + 2 * np.exp(-t / 0.12) + 0.3 * (-1.0) ** np.arange(20)
    assert read(made_run(noisy, 2.5 * np.exp(-np.linspace(0, 5, 400)))).kind != "overfitting"


@pytest.mark.parametrize("outcome", [RunOutcome.DIVERGED, RunOutcome.NOT_FINITE])
def test_a_lost_run_is_named_first(outcome: RunOutcome) -> None:
    train = np.full(30, np.nan)
    finding = read(made_run(np.full(3, np.nan), train, outcome=outcome))
    assert (finding.kind, finding.since_step) == ("diverged", 29)


def test_a_run_lost_before_its_first_update_is_read() -> None:
    nothing = Curve(lr=(), momentum=(), train_loss=(), eval_step=(), valid_loss=(), outcome=RunOutcome.NOT_FINITE)
    assert read(nothing).since_step == 0


@pytest.mark.parametrize("values", [[], [1.0] * 4, [1.0, 0.9, np.nan, 0.8, 0.7, 0.6], [1.0, 0.9, np.inf, 0.8, 0.7], [1.0, 0.9, 1e200, 0.8, 0.7]])
def test_too_few_or_broken_evaluations_say_nothing_about_fit(values: list[float]) -> None:
    curve = Curve(
        lr=(0.1,) * 40, momentum=(0.9,) * 40, train_loss=tuple(np.linspace(2, 1, 40)), eval_step=tuple(range(1, len(values) + 1)), valid_loss=tuple(values)
    )
    finding = read(curve)
    assert finding.kind == "too_noisy"
    assert not finding.is_confident


def test_every_clue_says_what_it_does_not_establish() -> None:
    for kind in EXPECTED:
        finding = read(made_clue(kind, seed=0))
        assert finding.not_established.endswith(".")
        assert finding.evidence.endswith(".")
