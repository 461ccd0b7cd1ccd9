"""`PlanScheduler` where the run changes under way: its length, its parameter groups, its process."""

import io
from collections.abc import Iterable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tunesmith.errors import InputError
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule
from tunesmith.schedules.torch_scheduler import PlanScheduler
from tunesmith.settings import Settings

OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
LENGTH = 20
CYCLE = Settings(lr=0.3, momentum=0.95, min_momentum=0.85)
Changes = dict[int, int]
"""Updates made → the new length."""


def settings_of(schedule: str) -> Settings:
    return Settings(lr=0.3, momentum=0.95, min_momentum=0.85, schedule=schedule)


def make(optimizer: str = "sgd", schedule: str = "one_cycle") -> tuple[torch.optim.Optimizer, PlanScheduler]:
    weights = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    momentum = {"momentum": 0.95} if optimizer == "sgd" else {}
    made = OPTIMIZERS[optimizer]([{"params": [weights[0]]}, {"params": [weights[1]], "lr": 0.03}], lr=0.3, **momentum)
    return made, PlanScheduler(made, settings_of(schedule), total_steps=LENGTH)


def knobs(optimizer: torch.optim.Optimizer) -> list[tuple[float, float]]:
    return [(group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]) for group in optimizer.param_groups]


def run(optimizer: torch.optim.Optimizer, scheduler: PlanScheduler, steps: Iterable[int], changes: Changes) -> list[list[tuple[float, float]]]:
    """What drives each update; an update's gradient depends on its step only."""
    rows = []
    for step in steps:
        if step in changes:
            scheduler.total_steps = changes[step]
        rows.append(knobs(optimizer))
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = torch.full((1,), 0.01 * (step + 1))
        optimizer.step()
        scheduler.step()
    return rows


def weights_of(optimizer: torch.optim.Optimizer) -> list[float]:
    return [weight.item() for group in optimizer.param_groups for weight in group["params"]]


@st.composite
def changes(draw: st.DrawFn) -> Changes:
    found: Changes = {}
    for at in sorted(draw(st.sets(st.integers(0, 25), min_size=1, max_size=3))):
        found[at] = draw(st.integers(at + 1, at + 40))
    return found


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(schedule=st.sampled_from(sorted(SCHEDULES)), changed=changes(), stop=st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_a_run_resumed_after_changes_is_bitwise_the_run_that_went_on(optimizer: str, schedule: str, changed: Changes, stop: int) -> None:
    whole, its_scheduler = make(optimizer, schedule)
    rows = run(whole, its_scheduler, range(70), changed)

    first, first_scheduler = make(optimizer, schedule)
    before = run(first, first_scheduler, range(stop), changed)
    file = io.BytesIO()
    torch.save({"optimizer": first.state_dict(), "scheduler": first_scheduler.state_dict()}, file)
    file.seek(0)
    checkpoint = torch.load(file, weights_only=True)

    second, second_scheduler = make(optimizer, schedule)
    for weight, value in zip((w for group in second.param_groups for w in group["params"]), weights_of(first), strict=True):
        weight.data.fill_(value)
    second.load_state_dict(checkpoint["optimizer"])
    second_scheduler.load_state_dict(checkpoint["scheduler"])
    assert second_scheduler.total_steps == first_scheduler.total_steps
    assert before + run(second, second_scheduler, range(stop, 70), changed) == rows
    assert weights_of(second) == weights_of(whole)
    assert second_scheduler.state_dict() == its_scheduler.state_dict()


@given(schedule=st.sampled_from(sorted(set(SCHEDULES) - {"step"})), at=st.integers(0, LENGTH - 2), more=st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_nothing_jumps_and_the_end_is_the_planned_one(schedule: str, at: int, more: int) -> None:
    optimizer, scheduler = make(schedule=schedule)
    total = at + more
    rows = run(optimizer, scheduler, range(total + 5), {at: total})
    lr, momentum = (maker(settings_of(schedule), total_steps=LENGTH) for maker in (lr_schedule, momentum_schedule))
    assert [row[0] for row in rows[: at + 1]] == [(lr(step), momentum(step)) for step in range(at + 1)]  # the change itself moves nothing
    assert [row[0] for row in rows[total - 1 :]] == [(lr(LENGTH - 1), momentum(LENGTH - 1))] * 6
    assert all(row[1][0] == pytest.approx(0.1 * row[0][0]) for row in rows)
    planned = [(lr(step), momentum(step)) for step in range(LENGTH)]
    stretch = max(1.0, (LENGTH - 1 - at) / (total - 1 - at))  # of what is left, each step goes over so many planned ones
    for column in (0, 1):
        steepest = max(abs(after[column] - before[column]) for before, after in pairwise(planned))
        assert all(abs(after[0][column] - before[0][column]) <= stretch * steepest + 1e-12 for before, after in pairwise(rows))


def test_what_is_left_is_stretched_evenly() -> None:
    optimizer, scheduler = make()
    rows = run(optimizer, scheduler, range(30), {9: 30})  # the peak; ten steps of fall and tail become twenty
    lr, momentum = lr_schedule(CYCLE, total_steps=LENGTH), momentum_schedule(CYCLE, total_steps=LENGTH)
    for step in range(9, 30, 2):
        place = 9 + (step - 9) // 2
        assert rows[step][0] == (pytest.approx(lr(place)), pytest.approx(momentum(place)))
    assert rows[10][0][0] == pytest.approx((lr(9) + lr(10)) / 2)


def test_the_length_is_changed_with_the_optimizer_left_alone() -> None:
    optimizer, scheduler = make()
    run(optimizer, scheduler, range(5), {})
    before = knobs(optimizer)
    scheduler.total_steps = 100
    assert (scheduler.total_steps, knobs(optimizer)) == (100, before)


def test_a_run_that_ends_with_the_next_update_keeps_its_values() -> None:
    optimizer, scheduler = make()
    rows = run(optimizer, scheduler, range(10), {5: 6})
    assert rows[5:] == [rows[5]] * 5


def test_a_schedule_that_has_ended_stays_at_its_end() -> None:
    optimizer, scheduler = make()
    rows = run(optimizer, scheduler, range(60), {25: 60})
    assert rows[25:] == [rows[LENGTH - 1]] * 35


def test_a_length_that_is_passed_is_refused_and_changes_nothing() -> None:
    optimizer, scheduler = make()
    run(optimizer, scheduler, range(8), {})
    with pytest.raises(InputError, match="more than the 8 updates made already, got 8"):
        scheduler.total_steps = 8
    assert scheduler.total_steps == LENGTH


def test_a_state_from_before_lengths_could_change_is_understood() -> None:
    optimizer, scheduler = make()
    run(optimizer, scheduler, range(8), {})
    old = {name: value for name, value in scheduler.state_dict().items() if not name.startswith("changed_")}
    other, resumed = make()
    resumed.load_state_dict(old)
    assert (knobs(other), resumed.total_steps) == (knobs(optimizer), LENGTH)


def test_with_accumulation_one_step_an_update() -> None:
    optimizer, scheduler = make()
    lr = lr_schedule(CYCLE, total_steps=LENGTH)
    for micro_batch in range(4 * LENGTH):
        assert optimizer.param_groups[0]["lr"] == lr(micro_batch // 4)
        if micro_batch % 4 == 3:
            optimizer.step()
            scheduler.step()


def test_a_group_added_later_follows_from_the_next_step_on() -> None:
    optimizer, scheduler = make()
    run(optimizer, scheduler, range(5), {})
    optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))], "lr": 0.15})
    lr, momentum = lr_schedule(CYCLE, total_steps=LENGTH), momentum_schedule(CYCLE, total_steps=LENGTH)
    rows = run(optimizer, scheduler, range(5, LENGTH), {})
    assert rows[0][2][0] == 0.15  # its peak, until the scheduler is stepped
    for step, row in enumerate(rows[1:], start=6):
        assert row[2] == (pytest.approx(0.5 * lr(step)), momentum(step))
    assert len(scheduler.get_last_lr()) == 3
    fresh, resumed = make()
    fresh.add_param_group({"params": [nn.Parameter(torch.ones(1))], "lr": 0.15})
    resumed.load_state_dict(scheduler.state_dict())
    assert knobs(fresh) == knobs(optimizer)


def test_a_group_taken_away_is_refused_in_one_sentence() -> None:
    optimizer, scheduler = make()
    del optimizer.param_groups[1]
    optimizer.step()
    with pytest.raises(InputError, match=r"has 1 of 2\. Make a new scheduler after taking one away\.$"):
        scheduler.step()
