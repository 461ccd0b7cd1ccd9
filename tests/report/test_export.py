"""Plans to take away: the code is run and compared with the plan, update for update."""

import dataclasses
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.optimizers import default_param_groups, make_optimizer
from tunesmith.plan import Plan, StudyCost, StudyOutcome
from tunesmith.report.export import export_json, export_toml, export_torch
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule
from tunesmith.settings import USUAL_CYCLES, Settings

SETTINGS = Settings(lr=0.45, min_lr=0.045, momentum=0.95, min_momentum=0.85, weight_decay=3e-4)
PLAN = Plan(outcome=StudyOutcome.RECOMMENDED, settings=SETTINGS, optimizer_name="nesterov", n_train=4000, total_steps=100)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LayerNorm([2, 4]), nn.Linear(8, 3))


def executed(plan: Plan, **given: object) -> dict[str, Any]:
    names: dict[str, Any] = {"model": network(), **given}
    exec(export_torch(plan), names)  # noqa: S102 (pasting it is what it is for)
    return names


def knobs(optimizer: torch.optim.Optimizer) -> tuple[float, float]:
    group = optimizer.param_groups[0]
    return group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]


def trajectory(names: dict[str, Any], *, steps: int) -> list[tuple[float, float]]:
    """Learning rate and momentum that drive each update, in the loop that the code describes."""
    optimizer, rows = names["optimizer"], []
    for _ in range(steps):
        rows.append(knobs(optimizer))
        optimizer.step()
        names["scheduler"].step()
        if "set_momentum" in names:
            names["set_momentum"](names["scheduler"].last_epoch)
    return rows


@pytest.mark.parametrize("total_steps", [1, 2, 3, 10, 101])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", sorted(set(SCHEDULES) - set(USUAL_CYCLES)))  # those: test_torch_twins.py
def test_the_code_drives_each_update_as_the_plan_does(schedule: str, optimizer: str, total_steps: int) -> None:
    settings = dataclasses.replace(SETTINGS, schedule=schedule)
    plan = dataclasses.replace(PLAN, settings=settings, optimizer_name=optimizer, total_steps=total_steps)
    lr, momentum = lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)
    names = executed(plan)
    steps = total_steps if isinstance(names["scheduler"], OneCycleLR) else total_steps + 2  # torch's own does not go on
    rows = trajectory(names, steps=steps)
    expected = [(lr(step), momentum(step)) for step in range(steps)]
    assert [value for row in rows for value in row] == pytest.approx([value for row in expected for value in row], abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", sorted(set(SCHEDULES) - set(USUAL_CYCLES) - {"one_cycle_text", "one_cycle_fastai", "one_cycle_fastai_v1"}))
def test_the_code_of_a_long_plan_drives_each_update_too(schedule: str) -> None:
    settings = dataclasses.replace(SETTINGS, schedule=schedule)
    names = executed(dataclasses.replace(PLAN, settings=settings, total_steps=200_000))
    lr, momentum = lr_schedule(settings, total_steps=200_000), momentum_schedule(settings, total_steps=200_000)
    factor = names["scheduler"].lr_lambdas[0]
    for step in range(0, 200_000, 7):
        names["set_momentum"](step)
        assert factor(step) * 0.45 == pytest.approx(lr(step), abs=1e-9)
        assert knobs(names["optimizer"])[1] == pytest.approx(momentum(step), abs=1e-9)


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw"])
def test_the_code_makes_the_optimizer_of_the_plan(name: str) -> None:
    names = executed(dataclasses.replace(PLAN, optimizer_name=name))
    ours = make_optimizer(name, default_param_groups(names["model"]), SETTINGS)
    assert type(names["optimizer"]) is type(ours)
    for group, other in zip(names["optimizer"].param_groups, ours.param_groups, strict=True):
        assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in other["params"]]
        assert group["weight_decay"] == other["weight_decay"]
        assert group.get("nesterov") == other.get("nesterov")


def test_a_network_without_biases_or_norms_has_one_group() -> None:
    names = executed(PLAN, model=nn.Linear(2, 2, bias=False))
    assert len(names["optimizer"].param_groups) == 1


def test_constant_momentum_needs_no_function() -> None:
    plan = dataclasses.replace(PLAN, settings=dataclasses.replace(SETTINGS, min_momentum=None))
    assert "set_momentum" not in export_torch(plan)
    assert trajectory(executed(plan), steps=5)[-1][1] == 0.95


def test_custom_parameter_groups_keep_their_ratios() -> None:
    def param_groups(model: nn.Module) -> list[dict[str, Any]]:
        return [{"params": list(model.parameters())[:2], "lr_scale": 0.1, "weight_decay_scale": 0.0}, {"params": list(model.parameters())[2:]}]

    names = executed(dataclasses.replace(PLAN, has_custom_param_groups=True), param_groups=param_groups)
    small, large = names["optimizer"].param_groups
    assert small["lr"] == pytest.approx(0.1 * large["lr"])
    assert (small["weight_decay"], large["weight_decay"]) == (0.0, 3e-4)


def test_a_custom_optimizer_is_asked_for_and_scheduled() -> None:
    model = network()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.45, momentum=0.95)
    names = executed(dataclasses.replace(PLAN, optimizer_name="custom"), model=model, optimizer=optimizer)
    assert knobs(optimizer) == (pytest.approx(0.045), 0.95)
    assert names["optimizer"] is optimizer


def test_the_tasks_own_shape_is_asked_for() -> None:
    def shape(step: int, total_steps: int) -> float:
        return 1 - step / total_steps

    settings = dataclasses.replace(SETTINGS, schedule="task")
    rows = trajectory(executed(dataclasses.replace(PLAN, settings=settings), shape=shape), steps=102)
    lr, momentum = lr_schedule(settings, total_steps=100, shape=shape), momentum_schedule(settings, total_steps=100, shape=shape)
    assert [row[0] for row in rows] == pytest.approx([lr(step) for step in range(102)])
    assert [row[1] for row in rows] == pytest.approx([momentum(step) for step in range(102)])


def test_clipping_precision_and_averaging_are_said() -> None:
    code = export_torch(dataclasses.replace(PLAN, clip_grad_norm=1.0, precision="bf16", ema=0.999, micro_batch_size=16))
    for words in ("clip_grad_norm_(model.parameters(), 1.0)", "autocast in bf16", "decay 0.999", "micro-batches of 16"):
        assert words in code


def test_the_code_fits_a_page_and_imports_torch_alone() -> None:
    code = export_torch(PLAN)
    assert max(map(len, code.splitlines())) <= 100
    assert [line for line in code.splitlines() if line.startswith(("import", "from"))] == ["import torch", "from torch import nn"]


def test_a_strangers_names_do_not_reach_the_code() -> None:
    injected = "x\nraise SystemExit"
    plan = dataclasses.replace(PLAN, optimizer_name=injected, precision=injected, goal=injected, advice=(injected,))
    assert "SystemExit" not in export_torch(plan)
    with pytest.raises(InputError, match="schedule"):
        export_torch(dataclasses.replace(plan, settings=dataclasses.replace(SETTINGS, schedule=injected)))


@pytest.mark.parametrize("export", [export_torch, export_toml, export_json])
def test_a_plan_without_settings_is_refused_in_a_sentence(export: Callable[[Plan], str]) -> None:
    plan = dataclasses.replace(PLAN, outcome=StudyOutcome.ABSTAINED, settings=None, total_steps=0, advice=("Give more data.",))
    with pytest.raises(InputError, match=r"ended with 'abstained'\. Give more data\."):
        export(plan)


def test_json_reads_back_as_the_plan() -> None:
    assert Plan.from_dict(json.loads(export_json(PLAN))) == PLAN


def test_json_has_null_for_what_is_not_finite() -> None:
    open_interval = Finding(kind="edge", interval=(0.5, float("inf")), confidence=0.5, evidence="", not_established="")
    assert json.loads(export_json(dataclasses.replace(PLAN, findings=(open_interval,))))["findings"][0]["interval"] == [0.5, None]


def test_toml_is_a_plan_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(export_toml(PLAN))
    assert Plan.load(path) == PLAN


def test_toml_is_the_same_whatever_the_time_it_took() -> None:
    slow = dataclasses.replace(PLAN, cost=StudyCost(search=0.9, seconds=500.0))
    fast = dataclasses.replace(PLAN, cost=StudyCost(search=0.9, seconds=5.0))
    assert export_toml(slow) == export_toml(fast)
    assert tomli_w.dumps(tomllib.loads(export_toml(fast))) == export_toml(fast)
