from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CyclicLR

from tunesmith.errors import InputError
from tunesmith.schedules import Schedule, exp_range, triangular, triangular2

MAKERS = [triangular, triangular2, exp_range]


def torch_lrs(*, total_steps: int, stepsize: int, **options: float | str) -> list[float]:
    """What torch's CyclicLR drives each update with, between .1 and 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = CyclicLR(optimizer, base_lr=0.1, max_lr=1.0, step_size_up=stepsize, **options)
    lrs = []
    for _ in range(total_steps):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return lrs


@pytest.mark.parametrize(("maker", "options"), [(triangular, {}), (triangular2, {}), (exp_range, {"gamma": 0.99})])
@pytest.mark.parametrize(("stepsize", "cycles"), [(1, 1), (25, 1), (10, 3), (7, 4)])
def test_whole_half_cycles_give_what_torch_gives(maker: Callable[..., Schedule], options: dict[str, float], stepsize: int, cycles: int) -> None:
    total_steps = 2 * stepsize * cycles + 1
    ours = maker(max_lr=1.0, min_lr=0.1, total_steps=total_steps, cycles=cycles, **options)
    assert [ours(step) for step in range(total_steps)] == pytest.approx(torch_lrs(total_steps=total_steps, stepsize=stepsize, mode=maker.__name__, **options))


@given(total_steps=st.integers(1, 2000), cycles=st.integers(1, 30))
def test_a_run_holds_its_cycles_and_ends_at_the_end_of_one(total_steps: int, cycles: int) -> None:
    schedule = triangular(max_lr=1.0, min_lr=0.1, total_steps=total_steps, cycles=cycles)
    lrs = [schedule(step) for step in range(total_steps)]
    assert lrs[0] == 0.1
    assert lrs[-1] == (1.0 if total_steps == 2 else 0.1)
    assert lrs.count(1.0) == (max(1, min(cycles, (total_steps - 1) // 2)) if total_steps > 1 else 0)


@given(total_steps=st.integers(3, 2000), cycles=st.integers(1, 30))
def test_cycles_differ_by_a_step_in_length_at_most(total_steps: int, cycles: int) -> None:
    schedule = triangular(max_lr=1.0, min_lr=0.0, total_steps=total_steps, cycles=cycles)
    ends = [step for step in range(total_steps) if schedule(step) == 0.0]
    lengths = [right - left for left, right in pairwise(ends)]
    assert max(lengths) - min(lengths) <= 1


@given(total_steps=st.integers(9, 2000))
def test_each_peak_of_triangular2_is_half_as_high(total_steps: int) -> None:
    schedule = triangular2(max_lr=1.0, min_lr=0.0, total_steps=total_steps)
    lrs = [schedule(step) for step in range(total_steps)]
    peaks = [b for a, b, c in zip(lrs, lrs[1:], lrs[2:], strict=False) if a < b > c]
    assert peaks == [1.0, 0.5, 0.25, 0.125]


@given(total_steps=st.integers(3, 2000))
def test_exp_range_leaves_a_tenth_of_the_height_at_the_last_update(total_steps: int) -> None:
    within = exp_range(max_lr=1.0, min_lr=0.0, total_steps=total_steps)
    around = triangular(max_lr=1.0, min_lr=0.0, total_steps=total_steps, cycles=4)
    for step in range(total_steps):
        assert within(step) == pytest.approx(around(step) * 0.1 ** (step / (total_steps - 1)))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("wrong", [{"max_lr": 0.0}, {"min_lr": 2.0}, {"total_steps": 0}, {"cycles": 0}, {"cycles": 1.5}], ids=str)
def test_a_knob_outside_its_range_is_refused_by_name(maker: Callable[..., Schedule], wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^{maker.__name__}: {next(iter(wrong))} must be"):
        maker(**{"max_lr": 1.0, "total_steps": 10, **wrong})


@pytest.mark.parametrize("gamma", [0.0, 1.1])
def test_a_gamma_that_grows_or_kills_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match=r"^exp_range: gamma must be in \(0, 1\]"):
        exp_range(max_lr=1.0, total_steps=10, gamma=gamma)
