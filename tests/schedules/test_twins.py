"""Our schedules beside those that torch ships: learning rate and momentum of every update, for SGD's momentum and Adam's beta1.

"Within n steps" says that no update's values differ by more than n times what ours change by in their steepest step.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR

from tunesmith.schedules import lr_schedule, momentum_schedule
from tunesmith.schedules.cyclical import SHRUNK_TO, cycles_that_fit
from tunesmith.settings import Settings

ROUNDING = 1e-9
OPTIMIZERS = {"sgd": partial(torch.optim.SGD, momentum=0.9), "adamw": torch.optim.AdamW}
MOMENTA = {"max_momentum": 0.95, "base_momentum": 0.85}
ONE_CYCLES = {
    "one_cycle_text": {"three_phase": True, "anneal_strategy": "linear", "div_factor": 10.0, "final_div_factor": 100.0},
    "one_cycle_fastai": {"div_factor": 25.0, "final_div_factor": 4000.0},
    "one_cycle_fastai_v1": {},
}
"""With what torch's OneCycleLR has the same shape; its defaults are fast.ai's version 1."""
PCT_START = {"one_cycle_text": 0.45, "one_cycle_fastai": 0.25, "one_cycle_fastai_v1": 0.3}

Rows = list[tuple[float, float]]


def torchs(make: Callable[[torch.optim.Optimizer], LRScheduler], *, total_steps: int, optimizer: str) -> Rows:
    """Learning rate and momentum that drive each update."""
    made = OPTIMIZERS[optimizer]([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rows = make(made), []
    for _ in range(total_steps):
        group = made.param_groups[0]
        rows.append((group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]))
        made.step()
        scheduler.step()
    return rows


def ours(name: str, *, total_steps: int, cycles: int | None = None) -> Rows:
    knobs = Settings(lr=1.0, momentum=0.95, min_momentum=0.85, schedule=name, cycles=cycles)
    lr, momentum = lr_schedule(knobs, total_steps=total_steps), momentum_schedule(knobs, total_steps=total_steps)
    return [(lr(step), momentum(step)) for step in range(total_steps)]


def apart_steps(mine: Rows, theirs: Rows) -> float:
    """How far the two are apart at most, in the largest change that ours make in one step; the larger of learning rate and momentum."""
    worst = 0.0
    for column in (0, 1):
        steepest = max(abs(after[column] - before[column]) for before, after in pairwise(mine))
        worst = max(worst, *(abs(row[column] - other[column]) / steepest for row, other in zip(mine, theirs, strict=True)))
    return worst


def flat(rows: Rows) -> list[float]:
    return [value for row in rows for value in row]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ONE_CYCLES)
@given(total_steps=st.integers(20, 400))
@settings(max_examples=25, deadline=None)
def test_one_cycle_is_torchs_within_the_steps_by_which_torchs_phases_end_early(name: str, optimizer: str, total_steps: int) -> None:
    """torch's rise ends at pct·T-1 and its fall at 2·pct·T-2; ours at S, the whole number nearest to pct·T, and at 2S, which adds up to one step more."""
    make = partial(OneCycleLR, max_lr=1.0, total_steps=total_steps, pct_start=PCT_START[name], **ONE_CYCLES[name], **MOMENTA)
    mine, theirs = ours(name, total_steps=total_steps), torchs(make, total_steps=total_steps, optimizer=optimizer)
    assert apart_steps(mine, theirs) <= (3 if name == "one_cycle_text" else 1) + ROUNDING
    assert (mine[0], mine[-1]) == (pytest.approx(theirs[0]), pytest.approx(theirs[-1]))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ONE_CYCLES)
@given(total_steps=st.integers(4, 400))
@settings(max_examples=25, deadline=None)
def test_one_cycle_is_torchs_to_rounding_once_the_share_makes_up_for_the_step(name: str, optimizer: str, total_steps: int) -> None:
    mine = ours(name, total_steps=total_steps)
    peak = max(range(total_steps), key=lambda step: mine[step][0])
    make = partial(OneCycleLR, max_lr=1.0, total_steps=total_steps, pct_start=(peak + 1) / total_steps, **ONE_CYCLES[name], **MOMENTA)
    assert flat(mine) == pytest.approx(flat(torchs(make, total_steps=total_steps, optimizer=optimizer)), abs=ROUNDING)


def cyclic(name: str, *, total_steps: int, cycles: int) -> Callable[[torch.optim.Optimizer], LRScheduler]:
    base = 0.25 if cycles > 1 else 0.1
    half = (total_steps - 1) / (2 * cycles_that_fit(cycles, total_steps=total_steps))
    gamma = {"gamma": SHRUNK_TO ** (1 / (total_steps - 1))} if name == "exp_range" else {}
    return partial(CyclicLR, base_lr=base, max_lr=1.0, step_size_up=half, mode=name, **gamma, **MOMENTA)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["triangular", "triangular2", "exp_range"])
@given(stepsize=st.integers(1, 40), cycles=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_whole_half_cycles_are_torchs_to_rounding(name: str, optimizer: str, stepsize: int, cycles: int) -> None:
    total_steps = 2 * stepsize * cycles + 1
    theirs = torchs(cyclic(name, total_steps=total_steps, cycles=cycles), total_steps=total_steps, optimizer=optimizer)
    assert flat(ours(name, total_steps=total_steps, cycles=cycles)) == pytest.approx(flat(theirs), abs=ROUNDING)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["triangular", "triangular2", "exp_range"])
@given(total_steps=st.integers(4, 400), cycles=st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_other_half_cycles_are_torchs_within_half_a_step(name: str, optimizer: str, total_steps: int, cycles: int) -> None:
    """Ours have their corners on the nearest whole step."""
    theirs = torchs(cyclic(name, total_steps=total_steps, cycles=cycles), total_steps=total_steps, optimizer=optimizer)
    mine = ours(name, total_steps=total_steps, cycles=cycles)
    half = (total_steps - 1) / (2 * cycles_that_fit(cycles, total_steps=total_steps))
    for column, height in ((0, 0.75 if cycles > 1 else 0.9), (1, 0.1)):
        apart = max(abs(row[column] - other[column]) for row, other in zip(mine, theirs, strict=True))
        assert apart <= 0.5 * height / half + ROUNDING
