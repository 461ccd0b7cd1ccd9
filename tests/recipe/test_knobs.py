import math
from pathlib import Path

import pytest
from tests.recipe.tiny import Heard, make_task

import tunesmith as ts
from tunesmith.errors import InputError, StudyError
from tunesmith.recipe import knobs
from tunesmith.recipe.allowance import SINGLE_VALIDATION_SHARE
from tunesmith.study import Study

SHORT = {"lr": 0.05, "steps": 30, "repeats": 2}


def test_momenta_are_run_read_and_kept(tmp_path: Path) -> None:
    reading = knobs.momentum(make_task(), out=tmp_path / "study", lr=0.05, values=(0.8, 0.9, 0.99))
    assert [value.value for value in reading.values] == [0.8, 0.9, 0.99]
    assert [round(value.lr / (1 - value.value), 3) for value in reading.values] == [0.5] * 3
    assert all(len(value.losses) == 3 for value in reading.values)
    assert reading.suggestion in (0.8, 0.9)
    assert reading.values[-1].state == "worse"
    assert (tmp_path / "study" / "report.html").exists()
    with Study.open(tmp_path / "study") as study:
        constant, cycle = study.experiments()
        runs = study.runs()
    assert (constant.probe, cycle.probe) == ("momentum", "momentum_cycle")
    assert constant.findings + cycle.findings == reading.findings
    assert len(runs) == len(constant.arms) + len(cycle.arms) - 3  # the constant value is in both
    again = ts.read(constant)
    assert isinstance(again, ts.KnobReading)
    assert (again.suggestion, again.values) == (reading.suggestion, reading.values)


def test_weight_decays_are_run_read_and_kept(tmp_path: Path) -> None:
    heard = Heard()
    reading = knobs.weight_decay(make_task(), out=tmp_path / "study", progress=heard, **SHORT)
    assert {1e-4, 1e-3, 1e-2} <= {value.value for value in reading.values}
    assert len(reading.values) <= 3 + knobs.MOST_EXTRA_DECAYS
    assert [finding.kind for finding in reading.findings][:1] == ["weight_decay"]
    with Study.open(tmp_path / "study") as study:
        (experiment,) = study.experiments()
    assert experiment.findings == reading.findings
    assert experiment.verdict == reading.advice
    assert all(arm.run.spec.settings.weight_decay == pytest.approx(400 / 30 * (arm.value or 0.0)) for arm in experiment.arms)


@pytest.mark.parametrize("knob", ["momentum", "weight_decay"])
def test_the_same_again_reads_and_does_not_train(tmp_path: Path, knob: str) -> None:
    first, again = Heard(), Heard()
    probe = getattr(knobs, knob)
    reading = probe(make_task(), out=tmp_path / "study", progress=first, steps=30, repeats=2)
    assert first.stages[0] == "lr_range"
    assert probe(make_task(), out=tmp_path / "study", progress=again, steps=30, repeats=2) == reading
    assert again.costs == []
    more = Heard()
    probe(make_task(), out=tmp_path / "study", progress=more, steps=30, repeats=3)
    assert 0 < more.updates < first.updates


def test_an_interrupted_study_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        knobs.weight_decay(make_task(), out=tmp_path / "study", progress=Heard(interrupt_after=100), **SHORT)
    whole = knobs.weight_decay(make_task(), out=tmp_path / "whole", **SHORT)
    heard = Heard()
    assert knobs.weight_decay(make_task(), out=tmp_path / "study", progress=heard, **SHORT) == whole
    assert heard.updates <= 30 * 2 * len(whole.values) - 90


def test_values_that_are_given_are_tried_alone(tmp_path: Path) -> None:
    """The best lies at their border, which is said, and nothing more is tried."""
    reading = knobs.weight_decay(make_task(), out=tmp_path / "study", lr=0.05, values=(1.0, 0.1, 3.0))
    assert [value.value for value in reading.values] == [0.1, 1.0, 3.0]
    assert (reading.outcome, reading.suggestion) == ("at_border", 0.1)
    assert "try beyond it" in reading.advice


def test_what_is_fixed_is_used(tmp_path: Path) -> None:
    knobs.momentum(make_task(), out=tmp_path / "m", fixed={"batch_size": 32, "weight_decay": 1e-3, "epochs": 10}, schedule="cosine", **SHORT)
    knobs.weight_decay(make_task(), out=tmp_path / "w", fixed={"momentum": 0.8}, values=(0.0, 1e-3), **SHORT)
    with Study.open(tmp_path / "m") as study:
        settings = [stored.run.spec.settings for stored in study.runs()]
    assert {(one.batch_size, one.schedule) for one in settings} == {(32, "cosine")}
    assert all(one.weight_decay == pytest.approx(1e-3 * 100 / 30) for one in settings)
    with Study.open(tmp_path / "w") as study:
        assert {(stored.run.spec.settings.momentum, stored.run.spec.settings.min_momentum) for stored in study.runs()} == {(0.8, None)}


def test_a_rate_belongs_to_the_momentum_that_is_given_with_it(tmp_path: Path) -> None:
    reading = knobs.momentum(make_task(), out=tmp_path / "study", lr_momentum=0.8, values=(0.8, 0.9), **SHORT)
    assert [value.lr for value in reading.values] == pytest.approx([0.05, 0.025])


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_adam_kinds_keep_the_rate_and_adamw_a_grid_in_total_decay(tmp_path: Path, optimizer: str) -> None:
    options = {"lr": 0.01, "steps": 30, "repeats": 2}
    momentum = knobs.momentum(make_task(optimizer=optimizer), out=tmp_path / "m", values=(0.8, 0.9), **options)
    assert {value.lr for value in momentum.values} == {0.01}
    decay = knobs.weight_decay(make_task(optimizer=optimizer), out=tmp_path / "w", **options)
    assert {0.0, 1e-2} & {value.value for value in decay.values}
    if optimizer == "adamw":
        assert max(value.value for value in decay.values) > 0.5


def test_validation_costs_at_most_a_quarter_of_the_updates(tmp_path: Path) -> None:
    knobs.weight_decay(make_task(), out=tmp_path / "study", lr=0.05, fixed={"batch_size": 8})
    with Study.open(tmp_path / "study") as study:
        for spec in (stored.run.spec for stored in study.runs()):
            assert (spec.evaluations + 1) * (spec.valid_examples or 0) / 3 <= SINGLE_VALIDATION_SHARE * spec.total_steps * 8


@pytest.mark.parametrize(
    ("knob", "options", "words"),
    [
        ("momentum", {"values": (0.9,)}, "at least two different numbers in"),
        ("momentum", {"values": (0.9, 1.0)}, "at least two different numbers in"),
        ("momentum", {"lr": 0.1, "lr_momentum": 1.0}, "lr_momentum must be in"),
        ("momentum", {"fixed": {"momentum": 0.9}}, "must name one of batch_size, weight_decay, epochs, got 'momentum'"),
        ("momentum", {"fixed": {"batch_size": 1000}}, "between 1 and the 320"),
        ("weight_decay", {"values": (-1.0, 0.1)}, "at least two different numbers ≥ 0"),
        ("weight_decay", {"values": (math.nan, 0.1)}, "at least two different numbers ≥ 0"),
        ("weight_decay", {"fixed": {"momentum": 1.0}}, "Settings.momentum must be in"),
        ("weight_decay", {"lr": math.inf}, "lr must be finite and > 0"),
        ("weight_decay", {"steps": 5}, "at least 20 steps"),
        ("weight_decay", {"repeats": 0}, "repeats must be ≥ 1"),
        ("weight_decay", {"schedule": "cosin"}, "schedule must be one of"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_trained(tmp_path: Path, knob: str, options: dict, words: str) -> None:
    heard = Heard()
    with pytest.raises(InputError, match=words):
        getattr(knobs, knob)(make_task(), out=tmp_path / "study", progress=heard, **options)
    assert heard.costs == []


def test_a_folder_of_another_knob_is_refused(tmp_path: Path) -> None:
    knobs.weight_decay(make_task(), out=tmp_path / "study", values=(0.0, 1e-3), **SHORT)
    with pytest.raises(StudyError, match="one of 'weight_decay', not 'momentum'"):
        knobs.momentum(make_task(), out=tmp_path / "study")
