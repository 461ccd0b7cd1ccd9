"""Where torch ships a plan's schedule the exported code uses it: the code is run and compared with the plan, update for update."""

import dataclasses
import itertools
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CyclicLR, LambdaLR, LRScheduler, OneCycleLR

from tunesmith.plan import Plan, StudyOutcome
from tunesmith.report.export import export_torch
from tunesmith.report.torch_twins import torch_twin
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule
from tunesmith.schedules.cyclical import cycles_that_fit
from tunesmith.settings import USUAL_CYCLES, Settings

SETTINGS = Settings(lr=0.45, min_lr=0.045, momentum=0.95, min_momentum=0.85, weight_decay=3e-4)
PLAN = Plan(outcome=StudyOutcome.RECOMMENDED, settings=SETTINGS, optimizer_name="sgd", n_train=4000, total_steps=100)
ONE_CYCLES = ["one_cycle_text", "one_cycle_fastai", "one_cycle_fastai_v1"]
SCALES = (0.1, 1.0)


def param_groups(model: nn.Module) -> list[dict[str, Any]]:
    return [{"params": [parameter], "lr_scale": scale} for parameter, scale in zip(model.parameters(), SCALES, strict=True)]


def plan_of(total_steps: int, *, optimizer: str = "sgd", **knobs: object) -> Plan:
    settings = dataclasses.replace(SETTINGS, **knobs)  # type: ignore[arg-type]
    return dataclasses.replace(PLAN, settings=settings, optimizer_name=optimizer, total_steps=total_steps, has_custom_param_groups=True)


def executed(plan: Plan, **given: object) -> dict[str, Any]:
    names: dict[str, Any] = {"model": nn.Linear(2, 2), "param_groups": param_groups, **given}
    exec(export_torch(plan), names)  # noqa: S102 (pasting it is what it is for)
    return names


def worst(plan: Plan) -> tuple[float, float]:
    """How far learning rate and momentum of any group are from the plan's at any update, as shares of their ranges."""
    names, settings = executed(plan), plan.settings
    assert settings is not None
    lr, momentum = lr_schedule(settings, total_steps=plan.total_steps), momentum_schedule(settings, total_steps=plan.total_steps)
    apart = [0.0, 0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(plan.total_steps):
            for group, scale in zip(names["optimizer"].param_groups, SCALES, strict=True):
                apart[0] = max(apart[0], abs(group["lr"] / scale - lr(step)))
                apart[1] = max(apart[1], abs((group["momentum"] if "momentum" in group else group["betas"][0]) - momentum(step)))
            names["optimizer"].step()
            names["scheduler"].step()
            if "set_momentum" in names:
                names["set_momentum"](names["scheduler"].last_epoch)
    return apart[0] / (settings.lr - settings.resolved_min_lr), apart[1] / max(settings.momentum - settings.resolved_min_momentum, 1e-3)


@pytest.mark.parametrize("total_steps", [1, 3, 4, 5, 10, 57, 100, 1001])
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("schedule", ONE_CYCLES)
def test_torchs_one_cycle_drives_each_update_as_the_plan_does(schedule: str, optimizer: str, total_steps: int) -> None:
    plan = plan_of(total_steps, optimizer=optimizer, schedule=schedule)
    assert isinstance(executed(plan)["scheduler"], OneCycleLR if total_steps >= 4 else LambdaLR)
    assert max(worst(plan)) < 1e-9
    assert max(worst(plan_of(total_steps, optimizer=optimizer, schedule=schedule, min_lr=None, min_momentum=None))) < 1e-9


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(("schedule", "cycles", "total_steps"), [*itertools.product(USUAL_CYCLES, [None, 1, 3, 7], [1, 3, 4, 10, 85, 100, 1001])])
def test_torchs_cycles_drive_each_update_within_half_a_step_of_the_plan(schedule: str, cycles: int | None, total_steps: int, optimizer: str) -> None:
    plan = plan_of(total_steps, optimizer=optimizer, schedule=schedule, cycles=cycles)
    halves = 2 * cycles_that_fit(plan.cycles, total_steps=total_steps)
    assert isinstance(executed(plan)["scheduler"], CyclicLR if total_steps >= 4 else LambdaLR)
    is_exact = total_steps < 4 or (total_steps - 1) % halves == 0
    assert max(worst(plan)) <= (1e-9 if is_exact else 0.5 * halves / (total_steps - 1) + 1e-9)
    assert ("within half a step" in export_torch(plan)) != is_exact


@pytest.mark.parametrize("schedule", sorted({*SCHEDULES, "task"} - {*ONE_CYCLES, *USUAL_CYCLES}))
def test_torch_has_no_other_of_our_schedules(schedule: str) -> None:
    assert torch_twin(dataclasses.replace(SETTINGS, schedule=schedule), total_steps=100) is None


def test_a_cycle_that_starts_at_nothing_is_a_list_of_corners() -> None:
    assert isinstance(executed(plan_of(100, schedule="one_cycle_text", min_lr=0.0))["scheduler"], LambdaLR)
    assert max(worst(plan_of(100, schedule="one_cycle_text", min_lr=0.0))) < 1e-9


@pytest.mark.parametrize(("min_momentum", "expected"), [(0.85, LambdaLR), (None, OneCycleLR)])
def test_the_momentum_of_a_custom_optimizer_is_not_left_to_torch(min_momentum: float | None, expected: type[LRScheduler]) -> None:
    """Adagrad knows none, and OneCycleLR would refuse to move it."""
    optimizer = torch.optim.Adagrad(nn.Linear(2, 2).parameters(), lr=0.45)
    plan = plan_of(100, optimizer="custom", schedule="one_cycle_text", min_momentum=min_momentum)
    assert isinstance(executed(plan, optimizer=optimizer)["scheduler"], expected)


@pytest.mark.parametrize("total_steps", [2, 3, 30])
@pytest.mark.parametrize("schedule", ["one_cycle_fastai", "one_cycle_fastai_v1"])
def test_a_cycle_that_starts_at_its_peak_has_all_its_corners(schedule: str, total_steps: int) -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.45, momentum=0.9)
    plan = plan_of(total_steps, optimizer="custom", schedule=schedule, min_lr=0.45)
    lr, rows = lr_schedule(plan.settings, total_steps=total_steps), []  # type: ignore[arg-type]
    scheduler = executed(plan, optimizer=optimizer)["scheduler"]
    for _ in range(total_steps):
        rows.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rows == pytest.approx([lr(step) for step in range(total_steps)])


def test_the_code_says_how_far_it_may_be_stepped_and_what_torch_does_beyond() -> None:
    plan = plan_of(100, schedule="one_cycle_text")
    assert "none beyond\n# TOTAL_STEPS: there torch extrapolates, and a step later it raises." in export_torch(plan)
    names = executed(plan)
    for _ in range(100):
        names["optimizer"].step()
        names["scheduler"].step()
    assert names["optimizer"].param_groups[1]["lr"] < lr_schedule(plan.settings, total_steps=100)(99)  # type: ignore[arg-type]
    names["optimizer"].step()
    with pytest.raises(ValueError, match="Tried to step 101 times"):
        names["scheduler"].step()


@pytest.mark.parametrize("schedule", [*ONE_CYCLES, *USUAL_CYCLES])
def test_the_code_fits_a_page_and_imports_torch_alone(schedule: str) -> None:
    code = export_torch(dataclasses.replace(plan_of(1234, schedule=schedule), has_custom_param_groups=False))
    assert max(map(len, code.splitlines())) <= 100
    assert [line for line in code.splitlines() if line.startswith(("import", "from"))] == ["import torch", "from torch import nn"]
    assert "set_momentum" not in code
