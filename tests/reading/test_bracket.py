import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import Curve, RunOutcome
from tunesmith.probes.lr_range import SGD_RANGE
from tunesmith.reading.bracket import OVER_BEST, bracket_end

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
