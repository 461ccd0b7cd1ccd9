"""Colours that are told apart by everyone, on both papers."""

import pytest

from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, ramp

WHITE, DARK = "#ffffff", "#15181c"


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [VALIDATION, TRAINING, WARNING, *ramp(9)])
@pytest.mark.parametrize("paper", [WHITE, DARK])
def test_every_colour_stands_out_on_white_and_on_black(color: str, paper: str) -> None:
    assert contrast(color, paper) >= 2.7


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
def test_a_ramp_has_as_many_colours_as_asked_for_all_different(count: int) -> None:
    assert len(set(ramp(count))) == count
