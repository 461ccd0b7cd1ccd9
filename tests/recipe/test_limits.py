import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InputError
from tunesmith.recipe.limits import TUNED, Limits

NUMBERS = st.floats(0, 10)


@given(st.sampled_from(TUNED), st.tuples(NUMBERS, NUMBERS).map(sorted), NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_nothing_leads_out_of_the_bounds(name: str, bounds: list[float], value: float, values: list[float]) -> None:
    limits = Limits(fixed={}, bounds={name: (bounds[0], bounds[1])})
    assert limits.interval(name) == (bounds[0], bounds[1])
    assert bounds[0] <= limits.clip(name, value) <= bounds[1]
    kept = limits.within(name, tuple(values))
    assert kept
    assert all(bounds[0] <= one <= bounds[1] for one in kept)
    assert limits.is_free(name)


@given(st.sampled_from(TUNED), NUMBERS, NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_a_fixed_value_is_all_there_is(name: str, fixed: float, value: float, values: list[float]) -> None:
    limits = Limits(fixed={name: fixed}, bounds={})
    assert limits.clip(name, value) == fixed
    assert set(limits.within(name, tuple(values))) == {fixed}
    assert not limits.is_free(name)


@given(st.sampled_from(TUNED), NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_without_limits_nothing_changes(name: str, value: float, values: list[float]) -> None:
    limits = Limits(fixed={}, bounds={})
    assert limits.clip(name, value) == value
    assert limits.within(name, tuple(values)) == tuple(values)


@pytest.mark.parametrize(
    ("fixed", "bounds", "words"),
    [
        ({"dropout": 0.1}, {}, "dropout"),
        ({}, {"dropout": (0.0, 0.1)}, "dropout"),
        ({}, {"epochs": (1.0, 2.0)}, "epochs"),
        ({"lr": 0.1}, {"lr": (0.1, 0.2)}, "either fixed or bounded"),
        ({}, {"lr": (0.2, 0.1)}, "low ≤ high"),
        ({}, {"lr": (float("nan"), 0.1)}, "low ≤ high"),
    ],
)
def test_limits_that_contradict_themselves_are_refused(fixed: dict[str, float], bounds: dict[str, tuple[float, float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Limits(fixed=fixed, bounds=bounds)
