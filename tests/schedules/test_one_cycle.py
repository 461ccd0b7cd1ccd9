import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import OneCycleLR

from tunesmith.errors import InputError
from tunesmith.schedules import Schedule, one_cycle, one_cycle_fastai, one_cycle_text
from tunesmith.schedules.shape import half_cosine, through_corners

rates = st.floats(1e-6, 1e3)
shares = st.floats(0, 0.9)
MAKERS = [one_cycle, one_cycle_text, one_cycle_fastai]


def torch_lrs(*, total_steps: int, **options: float | str) -> list[float]:
    """What torch's OneCycleLR drives each update with, at a peak of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler = OneCycleLR(optimizer, max_lr=1.0, total_steps=total_steps, **options)
    lrs = []
    for _ in range(total_steps):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return lrs


def as_the_author(step: int, *, base: float, peak: float, stepsize: float) -> float:
    """The author's code, from METHOD 2.2."""
    if step < stepsize:
        return base + (peak - base) * step / stepsize
    if step < 2 * stepsize:
        return max(peak * (1 - (step - stepsize) / stepsize), base / 1000)
    return base / 1000


@given(peak=rates, share=shares, twentieths=st.integers(1, 30))
def test_one_cycle_is_the_authors_code(peak: float, share: float, twentieths: int) -> None:
    total_steps, stepsize = 20 * twentieths, 9 * twentieths
    schedule = one_cycle(max_lr=peak, min_lr=peak * share, total_steps=total_steps)
    for step in range(total_steps):
        assert abs(schedule(step) - as_the_author(step, base=peak * share, peak=peak, stepsize=stepsize)) <= 1e-12 * peak


@given(peak=rates, share=shares, total_steps=st.integers(3, 3000), rise_fraction=st.floats(0.01, 0.5))
def test_one_cycle_hits_its_corners_at_any_length(peak: float, share: float, total_steps: int, rise_fraction: float) -> None:
    schedule = one_cycle(max_lr=peak, min_lr=peak * share, total_steps=total_steps, rise_fraction=rise_fraction)
    lrs = [schedule(step) for step in range(total_steps)]
    top = lrs.index(peak)
    assert lrs[0] == peak * share
    assert lrs[-1] == peak * share / 1000
    assert abs(top - rise_fraction * total_steps) <= 1.5
    assert lrs[top:] == sorted(lrs[top:], reverse=True)


@given(peak=rates, share=shares, total_steps=st.integers(4, 3000), rise_fraction=st.floats(0.01, 0.5))
def test_one_cycle_text_hits_its_corners_at_any_length(peak: float, share: float, total_steps: int, rise_fraction: float) -> None:
    base = peak * share
    schedule = one_cycle_text(max_lr=peak, min_lr=base, total_steps=total_steps, rise_fraction=rise_fraction)
    lrs = [schedule(step) for step in range(total_steps)]
    top = lrs.index(peak)
    assert lrs[0] == base
    assert lrs[2 * top] == base
    assert lrs[-1] == base / 100
    assert abs(top - rise_fraction * total_steps) <= 1.5


@given(peak=rates, share=st.floats(1e-4, 0.9), total_steps=st.integers(3, 3000), pct_start=st.floats(0.01, 0.99))
def test_one_cycle_fastai_hits_its_corners_at_any_length(peak: float, share: float, total_steps: int, pct_start: float) -> None:
    schedule = one_cycle_fastai(max_lr=peak, min_lr=peak * share, total_steps=total_steps, pct_start=pct_start)
    lrs = [schedule(step) for step in range(total_steps)]
    assert lrs[0] == peak * share
    assert max(lrs) == pytest.approx(peak, rel=1e-12)
    assert abs(lrs.index(peak) - pct_start * total_steps) <= 2
    assert lrs[-1] == peak / 1e5


@pytest.mark.parametrize("maker", MAKERS)
def test_a_run_too_short_for_all_corners_keeps_the_earlier_ones(maker: Callable[..., Schedule]) -> None:
    def drawn(total_steps: int) -> list[float]:
        return [maker(max_lr=1.0, min_lr=0.25, total_steps=total_steps)(step) for step in range(total_steps)]

    assert drawn(1) == [0.25]
    assert drawn(2) == [0.25, 1.0]
    assert drawn(3)[:2] == [0.25, 1.0]
    assert drawn(3)[2] <= 0.25


@given(total_steps=st.integers(2, 50).map(lambda twentieths: 20 * twentieths))
@settings(max_examples=20)
def test_one_cycle_text_is_torchs_three_phases_within_the_two_steps_by_which_torchs_end_early(total_steps: int) -> None:
    ours = one_cycle_text(max_lr=1.0, total_steps=total_steps)
    theirs = torch_lrs(total_steps=total_steps, three_phase=True, anneal_strategy="linear", pct_start=0.45, div_factor=10.0, final_div_factor=100.0)
    a_step = 0.9 / (0.45 * total_steps - 1)
    assert max(abs(ours(step) - lr) for step, lr in enumerate(theirs)) <= 2 * a_step


def test_one_cycle_text_is_torchs_exactly_once_the_corners_are_where_torch_has_them() -> None:
    ours = through_corners([(0, 0.1), (89, 1.0), (178, 0.1), (199, 0.001)])
    theirs = torch_lrs(total_steps=200, three_phase=True, anneal_strategy="linear", pct_start=0.45, div_factor=10.0, final_div_factor=100.0)
    assert [ours(step) for step in range(200)] == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "torchs"),
    [
        ({}, {"pct_start": 0.25, "div_factor": 25.0, "final_div_factor": 4000.0}),
        ({"pct_start": 0.3, "final_lr": 1 / 25e4}, {}),
    ],
    ids=["v2", "v1, torch's defaults"],
)
@pytest.mark.parametrize("total_steps", [20, 101, 2000])
def test_one_cycle_fastai_is_torchs_cosine_within_a_step(options: dict[str, float], torchs: dict[str, float], total_steps: int) -> None:
    ours, theirs = one_cycle_fastai(max_lr=1.0, total_steps=total_steps, **options), torch_lrs(total_steps=total_steps, **torchs)
    a_step = math.pi / 2 / (torchs.get("pct_start", 0.3) * total_steps - 1)
    assert max(abs(ours(step) - lr) for step, lr in enumerate(theirs)) <= 1.5 * a_step
    assert (ours(0), ours(total_steps - 1)) == pytest.approx((theirs[0], theirs[-1]), rel=1e-9)


def test_one_cycle_fastai_is_torchs_exactly_once_the_corners_are_where_torch_has_them() -> None:
    ours = through_corners([(0, 0.04), (24, 1.0), (99, 1e-5)], ease=half_cosine)
    theirs = torch_lrs(total_steps=100, pct_start=0.25, div_factor=25.0, final_div_factor=4000.0)
    assert [ours(step) for step in range(100)] == pytest.approx(theirs, rel=1e-9)


def test_fastais_end_is_never_above_its_start() -> None:
    assert one_cycle_fastai(max_lr=1.0, min_lr=0.0, total_steps=10)(9) == 0.0


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("wrong", [{"max_lr": 0.0}, {"min_lr": 2.0}, {"total_steps": 0}], ids=str)
def test_a_knob_outside_its_range_is_refused_by_name(maker: Callable[..., Schedule], wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^{maker.__name__}: {next(iter(wrong))} must be"):
        maker(**{"max_lr": 1.0, "total_steps": 10, **wrong})


@pytest.mark.parametrize(
    ("maker", "wrong"),
    [
        (one_cycle, {"rise_fraction": 0.6}),
        (one_cycle_text, {"rise_fraction": 0.0}),
        (one_cycle_text, {"final_lr": 2.0}),
        (one_cycle_fastai, {"pct_start": 1.0}),
        (one_cycle_fastai, {"final_lr": -1.0}),
    ],
)
def test_an_option_outside_its_range_is_refused_by_name(maker: Callable[..., Schedule], wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^{maker.__name__}: {next(iter(wrong))} must be"):
        maker(max_lr=1.0, total_steps=10, **wrong)
