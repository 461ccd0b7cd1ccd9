import json

import pytest
from tests.reading.sweeps import made_clue

from tunesmith.curve import Curve, Run, RunOutcome
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
