import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reading.sweeps import made_sweep

from tunesmith.curve import Curve, RunOutcome
from tunesmith.probes.lr_range import SGD_RANGE
from tunesmith.reading.bracket import OVER_BEST, bracket_end, next_end
from tunesmith.reading.range_test import read_range_test

LR = np.geomspace(*SGD_RANGE, 60)


def bracket(losses: np.ndarray, *, outcome: RunOutcome = RunOutcome.FINISHED) -> Curve:
    lr = tuple(LR[: losses.size].tolist())
    return Curve(lr=lr, momentum=(0.9,) * len(lr), train_loss=tuple(losses.tolist()), eval_step=(), valid_loss=(), outcome=outcome)


@pytest.mark.parametrize("best", [0.003, 0.1, 1.0])
def test_the_edge_lies_inside_the_sweep_that_follows(best: float) -> None:
    """A bracket rises faster than a range test, so it overshoots: its loss is best below the edge, and it is lost above."""
    losses = 2.3 - np.log10(np.minimum(LR, best) / LR[0]) / 4 + np.where(2 * best < LR, 5, 0)
    assert 2 * best <= bracket_end(bracket(losses)) <= 1.5 * OVER_BEST * best


def test_a_bracket_that_was_lost_ends_the_sweep_where_it_was() -> None:
    losses = np.where(LR < 0.001, 2.0 - LR, np.nan)
    lost = int(np.argmax(np.isnan(losses))) + 1
    end = bracket_end(bracket(losses[:lost], outcome=RunOutcome.NOT_FINITE))
    assert end <= LR[lost - 1] * 1.01


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf, 1e38]), min_size=1, max_size=60), st.sampled_from(RunOutcome))
def test_any_bracket_has_an_end(losses: list[float], outcome: RunOutcome) -> None:
    end = bracket_end(bracket(np.array(losses), outcome=outcome))
    assert 0 < end <= SGD_RANGE[1] * 1.01


def swept(edge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sweep to 1 with its edge there."""
    return made_sweep(0, edge=edge, half=0.1 * edge)


@pytest.mark.parametrize(
    ("edge", "end"),
    [
        (0.5, None),  # seen, and far enough up
        (0.1, 0.25),  # seen early: most of the sweep lay beyond it
        (5.0, 4.0),  # not seen: farther
    ],
)
def test_a_sweep_that_went_too_far_or_not_far_enough_is_made_again(edge: float, end: float | None) -> None:
    found = next_end(read_range_test(*swept(edge)), end_lr=1.0, highest=30.0)
    assert found == (None if end is None else pytest.approx(end, rel=0.2))


def test_nothing_is_looked_for_beyond_the_highest_rate() -> None:
    never = read_range_test(*swept(5.0))
    assert next_end(never, end_lr=1.0, highest=2.5) == 2.5
    assert next_end(never, end_lr=1.0, highest=1.0) is None


def test_a_sweep_that_was_lost_at_once_is_made_again_lower() -> None:
    lr = np.linspace(0.01, 1, 100)
    assert next_end(read_range_test(lr, 2.3 + 40 * lr), end_lr=1.0, highest=30.0) == 0.125


def test_a_search_that_goes_up_by_itself_looks_farther_only_where_nothing_fell() -> None:
    flat = read_range_test(np.linspace(0.01, 1, 100), np.full(100, 2.3))
    assert next_end(read_range_test(*swept(5.0)), end_lr=1.0, highest=30.0, looks_for_edge=False) is None
    assert next_end(flat, end_lr=1.0, highest=30.0, looks_for_edge=False) == 4.0
    assert next_end(read_range_test(*swept(0.15)), end_lr=1.0, highest=30.0, looks_for_edge=False, earliest=0.1) is None
