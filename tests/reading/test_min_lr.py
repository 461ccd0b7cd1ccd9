import functools
import json

import pytest
from tests.probes.test_capacity import layers, waves
from tests.reading.sweeps import made_clue
from tests.recipe.tiny import make_task
from torch.nn import functional as F

from tunesmith import probes
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading.min_lr import read_min_lr
from tunesmith.settings import RunSpec, Settings

PEAK = 1.0


def experiment(**kinds: str) -> Experiment:
    """How the run at each share of the peak went: `at_0_1="balanced"`."""
    arms = []
    for name, kind in kinds.items():
        lr = float(name.removeprefix("at_").replace("_", "."))
        spec = RunSpec(settings=Settings(lr=lr, schedule="constant"), total_steps=400, seed=0)
        arms.append(Arm(label=name, value=lr, run=Run(spec=spec, curve=diverged() if kind == "diverged" else made_clue(kind, seed=0))))
    return Experiment(probe="min_lr", arms=tuple(arms))


def diverged() -> Curve:
    return Curve(lr=(0.1,), momentum=(0.9,), train_loss=(9.0,), eval_step=(), valid_loss=(), outcome=RunOutcome.DIVERGED)


def test_all_three_ways_are_shown() -> None:
    reading = read_min_lr(experiment(at_0_025="unfinished", at_0_1="balanced", at_0_25="balanced"), max_lr=PEAK)
    assert reading.ways == {"a": (0.25, pytest.approx(1 / 3)), "b": (0.05, 0.1), "c": (0.025, 0.25)}
    assert (reading.outcome, reading.suggested_lr) == ("found", 0.1)


def test_the_short_runs_may_ask_for_less_than_a_tenth() -> None:
    reading = read_min_lr(experiment(at_0_025="balanced", at_0_1="overfitting", at_0_25="diverged"), max_lr=PEAK)
    assert reading.suggested_lr == 0.025
    assert reading.ways["c"] == (0.025, 0.025)


def test_where_nothing_converged_nothing_is_suggested() -> None:
    reading = read_min_lr(experiment(at_0_025="never_started", at_0_1="overfitting", at_0_25="diverged"), max_lr=PEAK)
    assert (reading.outcome, reading.suggested_lr) == ("flat", None)
    assert "c" not in reading.ways
    assert "lower" in reading.advice


def test_the_evidence_names_every_rate_and_its_clue() -> None:
    evidence = read_min_lr(experiment(at_0_1="balanced", at_0_25="diverged"), max_lr=PEAK).findings[0].evidence
    assert "0.1 (balanced), 0.25 (diverged)" in evidence
    assert "400 updates" in evidence


def test_a_reading_is_the_json_document_of_the_command() -> None:
    document = json.loads(json.dumps(read_min_lr(experiment(at_0_1="balanced"), max_lr=PEAK).to_dict(), allow_nan=False))
    assert sorted(document) == ["advice", "findings", "outcome", "suggestion", "version", "ways"]


def test_a_loss_that_still_falls_is_no_trouble_and_a_turn_is() -> None:
    reading = read_min_lr(experiment(at_0_05="unfinished", at_0_1="unfinished", at_0_25="overfitting"), max_lr=PEAK)
    assert reading.ways["c"] == (0.05, 0.1)
    assert reading.doubtful == (0.1, 0.25)
    assert "0.25 ends overfitting" in reading.findings[0].evidence


def test_a_rate_that_only_just_starts_too_slowly_lies_below_the_third_way() -> None:
    reading = read_min_lr(experiment(at_0_025="never_started", at_0_1="balanced", at_0_25="balanced"), max_lr=PEAK)
    assert reading.ways["c"] == (0.1, 0.25)
    assert reading.doubtful == ()
    assert "no rate tried was too large" in reading.findings[0].evidence


def test_a_rate_that_went_well_above_one_that_did_not_is_not_taken() -> None:
    reading = read_min_lr(experiment(at_0_05="balanced", at_0_1="overfitting", at_0_25="balanced"), max_lr=PEAK)
    assert (reading.ways["c"], reading.suggested_lr) == ((0.05, 0.05), 0.05)
    assert reading.findings[0].confidence == 0.4
    assert "noise" in reading.findings[0].evidence


def test_a_second_seed_must_agree() -> None:
    first, second = (experiment(at_0_05="balanced", at_0_1=kind, at_0_25="diverged") for kind in ("balanced", "overfitting"))
    alone, both = read_min_lr(first, max_lr=PEAK), read_min_lr(Experiment(probe="min_lr", arms=first.arms + second.arms[1:2]), max_lr=PEAK)
    assert (alone.ways["c"][1], alone.doubtful) == (0.1, (0.1,))  # what diverged needs no second look
    assert both.ways["c"][1] == 0.05
    assert "2 seeds at 0.1, one elsewhere" in both.findings[0].evidence


def test_without_a_peak_it_is_three_times_the_largest_rate() -> None:
    assert read_min_lr(experiment(at_0_1="balanced", at_0_25="balanced")).ways["b"] == pytest.approx((0.75 / 20, 0.75 / 10))


def test_without_constant_rates_there_is_nothing_to_read() -> None:
    with pytest.raises(CurveError, match="constant learning rates"):
        read_min_lr(Experiment(probe="min_lr", arms=()))


def test_on_few_noisy_data_a_large_constant_rate_overfits_within_a_few_hundred_updates() -> None:
    """128 examples, 4,500 parameters: a hundred passes. Both seeds: the smallest rate is not finished, a large one overfits (seen: 4 of 4)."""
    task = make_task(model=functools.partial(layers, 64), train=waves(128, 0), valid=waves(512, 1), epochs=800, loss=F.mse_loss)
    for seed in range(2):
        made = probes.min_lr(task, Settings(lr=0.06, momentum=0.9, batch_size=32), total_steps=400, seed=seed)
        reading = read_min_lr(made, max_lr=0.06)
        assert reading.outcome == "found"
        assert 0.003 <= reading.ways["c"][1] <= 0.006
        assert "0.0015 (unfinished)" in reading.findings[0].evidence
        assert "0.015 (overfitting)" in reading.findings[0].evidence
