"""Numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.plots.digits import DASH, interval_text, number_text, percent_text, seconds_text, trainings_text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(1, 6))
def test_a_number_reads_back_within_its_digits(value: float, digits: int) -> None:
    read = float(number_text(value, digits=digits).replace(",", ""))
    assert read == pytest.approx(value, rel=0.51 * 10 ** (1 - digits), abs=1e-300)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (2500, "2,500"), (1e-3, "1e-3"), (0.00123, "0.00123"), (0.000123, "1.23e-4"), (0.0123, "0.0123"), (-0.25, "-0.25"), (0.0, "0")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number_text(value) == text


def test_what_is_not_a_number_is_a_dash() -> None:
    assert number_text(None) == number_text(math.nan) == DASH
    assert number_text(-math.inf) == "-inf"


def test_an_interval_of_one_value_is_that_value() -> None:
    assert interval_text((0.1, 0.1)) == "0.1"
    assert interval_text((1e-4, 6e-4)) == "1e-4 to 6e-4"


def test_percentages_seconds_and_costs() -> None:
    assert percent_text(0.0041) == "0.41 %"
    assert seconds_text(3599) == "59 min 59 s"
    assert trainings_text(0.0) == "0"
