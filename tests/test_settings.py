import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.settings import RunKind, RunSpec, Settings


def key(**knobs: object) -> str:
    return RunSpec(settings=Settings(**knobs), total_steps=10, seed=0).key  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("knobs", "same"),
    [
        ({"lr": 1}, {"lr": 1.0}),
        ({"lr": 1, "min_lr": 0}, {"lr": 1.0, "min_lr": 0.0}),
        ({"momentum": 0}, {"momentum": 0.0}),
        ({"min_momentum": 0}, {"min_momentum": 0.0}),
        ({"weight_decay": 0}, {"weight_decay": 0.0}),
        ({"batch_size": 64.0}, {"batch_size": 64}),
        ({"epochs": 3}, {"epochs": 3.0}),
        ({"lr": np.float64(0.5), "batch_size": np.int64(32)}, {"lr": 0.5, "batch_size": 32}),
    ],
)
def test_a_number_is_the_same_setting_however_it_is_written(knobs: dict[str, object], same: dict[str, object]) -> None:
    assert key(**knobs) == key(**same)
    assert Settings(**knobs) == Settings(**same)  # type: ignore[arg-type]


def test_numbers_of_the_spec_too() -> None:
    written = RunSpec(settings=Settings(), total_steps=np.int64(10), seed=7.0, evaluations=np.int32(2), valid_examples=5.0)  # type: ignore[arg-type]
    plain = RunSpec(settings=Settings(), total_steps=10, seed=7, evaluations=2, valid_examples=5)
    assert (written, written.key) == (plain, plain.key)


def test_a_key_that_studies_already_hold_stays_what_it_was() -> None:
    settings = Settings(lr=0.5, min_lr=0.05, momentum=0.95, min_momentum=0.85, weight_decay=3e-4, batch_size=64)
    assert RunSpec(settings=settings, total_steps=589, seed=500, kind=RunKind.CYCLE, evaluations=20, evaluates_test=True).key == "3183ddc3da96f7035b88"


@pytest.mark.parametrize(("schedule", "expected"), [("triangular", "193f003f69dab38fa367"), ("triangular2", "68f98af40d6cfd1a8e7d")])
def test_a_key_without_a_number_of_cycles_is_the_one_of_before_there_were_any(schedule: str, expected: str) -> None:
    assert RunSpec(settings=Settings(lr=0.1, schedule=schedule), total_steps=100, seed=0).key == expected


def test_a_number_of_cycles_is_a_setting_of_its_own() -> None:
    three = Settings(lr=0.1, schedule="triangular", cycles=3)
    assert "cycles" not in Settings(lr=0.1, schedule="triangular").to_dict()
    assert three.to_dict()["cycles"] == 3
    assert Settings.from_dict(three.to_dict()) == three
    assert len({key(lr=0.1, schedule="triangular", cycles=cycles) for cycles in (None, 1, 3)}) == 3
    assert key(schedule="triangular", cycles=3.0) == key(schedule="triangular", cycles=np.int64(3)) == key(schedule="triangular", cycles=3)


@pytest.mark.parametrize("cycles", [0, -1, 1.5, "3"])
def test_cycles_are_a_whole_number_from_one_on(cycles: object) -> None:
    with pytest.raises(InputError, match=r"^Settings\.cycles must be a whole number ≥ 1, got .*\. Choose it so that half a cycle lasts 2-10 epochs\.$"):
        Settings(schedule="triangular", cycles=cycles)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "task"])
def test_cycles_are_for_schedules_that_can_have_several(schedule: str) -> None:
    with pytest.raises(InputError, match=rf"^Settings\.cycles must be left out where the schedule is not triangular, .*got 3 for '{schedule}'\."):
        Settings(schedule=schedule, cycles=3)


@pytest.mark.parametrize(
    ("knobs", "share"),
    [
        ({}, 1 / 10),
        ({"schedule": "task"}, 1 / 10),
        ({"schedule": "triangular"}, 1 / 10),
        ({"schedule": "triangular", "cycles": 1}, 1 / 10),
        ({"schedule": "triangular", "cycles": 2}, 1 / 4),
        ({"schedule": "triangular2"}, 1 / 4),
        ({"schedule": "triangular2", "cycles": 1}, 1 / 10),
        ({"schedule": "exp_range"}, 1 / 4),
        ({"schedule": "one_cycle_fastai"}, 1 / 25),
        ({"schedule": "one_cycle_fastai_v1"}, 1 / 25),
        ({"schedule": "triangular", "cycles": 3, "min_lr": 0.5}, 1 / 16),
    ],
)
def test_a_schedule_starts_at_its_usual_share_of_the_peak_unless_told(knobs: dict[str, object], share: float) -> None:
    assert Settings(lr=8.0, **knobs).resolved_min_lr == 8.0 * share  # type: ignore[arg-type]


def test_a_run_of_the_studys_own_task_has_no_condition_in_its_key_and_one_of_a_changed_task_has() -> None:
    spec = RunSpec(settings=Settings(lr=1), total_steps=100, seed=0)
    changed = RunSpec(settings=Settings(lr=1), total_steps=100, seed=0, condition="no dropout")
    assert spec.key == "cf082b3acd22f9784900"
    assert "condition" not in spec.to_dict()
    assert changed.key != spec.key
    assert [RunSpec.from_dict(made.to_dict()) for made in (spec, changed)] == [spec, changed]


@given(st.floats(1e-12, 1e6), st.floats(0, 1, exclude_max=True), st.integers(1, 2**70))
def test_plain_numbers_stay_what_they_are(lr: float, momentum: float, batch_size: int) -> None:
    settings = Settings(lr=lr, momentum=momentum, batch_size=batch_size)
    assert (settings.lr, settings.momentum, settings.batch_size) == (lr, momentum, batch_size)


@pytest.mark.parametrize("value", ["0.1", None, [0.1], math.nan])
@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay", "batch_size"])
def test_what_is_no_number_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"Settings\.{name} must be"):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_what_is_said_of_gradients_is_in_the_key_only_where_some_are_asked_for() -> None:
    spec = RunSpec(settings=Settings(lr=1), total_steps=100, seed=0)
    sampled = RunSpec(settings=Settings(lr=1), total_steps=100, seed=0, gradient_points=5)
    assert spec.key == "cf082b3acd22f9784900"  # as it was before there were gradients
    assert not [name for name in spec.to_dict() if "gradient" in name]
    assert len({spec.key, sampled.key, dataclasses.replace(sampled, gradient_micro_batch_size=8).key}) == 3
    assert RunSpec.from_dict(sampled.to_dict()) == sampled


@pytest.mark.parametrize("name", ["gradient_micro_batches", "gradient_micro_batch_size"])
def test_micro_batches_without_points_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"RunSpec\.{name} must be left out where gradient_points is 0, got 5"):
        RunSpec(**{"settings": Settings(), "total_steps": 10, "seed": 0, name: 5})  # type: ignore[arg-type]


def test_half_an_example_is_none() -> None:
    with pytest.raises(InputError, match=r"Settings\.batch_size must be a whole number ≥ 1, got 64\.5"):
        Settings(batch_size=64.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [("total_steps", 0), ("evaluations", -1), ("valid_examples", 0), ("gradient_points", -1), ("gradient_micro_batches", 1), ("gradient_micro_batch_size", 0)],
)
def test_a_run_of_nothing_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(InputError, match=rf"RunSpec\.{field} must be ≥ "):
        RunSpec(**{"settings": Settings(), "total_steps": 10, "seed": 0, field: value})  # type: ignore[arg-type]
