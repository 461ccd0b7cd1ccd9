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


def test_half_an_example_is_none() -> None:
    with pytest.raises(InputError, match=r"Settings\.batch_size must be a whole number ≥ 1, got 64\.5"):
        Settings(batch_size=64.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("field", "value"), [("total_steps", 0), ("evaluations", -1), ("valid_examples", 0)])
def test_a_run_of_nothing_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(InputError, match=rf"RunSpec\.{field} must be ≥ "):
        RunSpec(**{"settings": Settings(), "total_steps": 10, "seed": 0, field: value})  # type: ignore[arg-type]
