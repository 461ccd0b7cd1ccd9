import copy
import dataclasses
import io
import itertools
import json
from collections.abc import Iterable

import pytest
import torch
from torch import nn

from tunesmith.errors import InputError
from tunesmith.optimizers import default_param_groups, make_optimizer, set_knobs
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule
from tunesmith.schedules.torch_scheduler import PlanScheduler
from tunesmith.settings import Settings

CYCLE = Settings(lr=0.3, momentum=0.95, min_momentum=0.85)
OPTIMIZERS = ["sgd", "nesterov", "adam", "adamw"]


def make_model() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    return model


def make(optimizer_name: str, settings: Settings = CYCLE, total_steps: int = 20) -> tuple[nn.Module, torch.optim.Optimizer, PlanScheduler]:
    model = make_model()
    optimizer = make_optimizer(optimizer_name, default_param_groups(model), settings)
    return model, optimizer, PlanScheduler(optimizer, settings, total_steps=total_steps)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, scheduler: PlanScheduler, steps: Iterable[int]) -> None:
    """One update for each step, on a batch that depends on the step only."""
    for step in steps:
        inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
        scheduler.step()


def momentum_of(group: dict) -> float:
    return group["momentum"] if "momentum" in group else group["betas"][0]


def bits(model: nn.Module) -> list[bytes]:
    return [parameter.detach().numpy().tobytes() for parameter in model.parameters()]


@pytest.mark.parametrize(("name", "optimizer_name"), list(itertools.product(SCHEDULES, ["sgd", "adamw"])))
def test_every_update_is_driven_by_exactly_the_schedules_values(name: str, optimizer_name: str) -> None:
    settings = Settings(lr=0.3, momentum=0.95, min_momentum=0.85, schedule=name)
    lr, momentum = lr_schedule(settings, total_steps=20), momentum_schedule(settings, total_steps=20)
    model, optimizer, scheduler = make(optimizer_name, settings)
    for step in range(25):  # past the end too
        for group in optimizer.param_groups:
            assert (group["lr"], momentum_of(group)) == (lr(step), momentum(step))
        assert scheduler.get_last_lr() == [lr(step)] * len(optimizer.param_groups)
        train(model, optimizer, scheduler, [step])


@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
def test_a_run_under_the_scheduler_is_bitwise_one_whose_knobs_are_set_by_hand(optimizer_name: str) -> None:
    groups = [{"params": 0, "lr_scale": 0.1}, {"params": 1, "lr_scale": 3.0}, {"params": 2}, {"params": 3, "lr_scale": 0.7}]
    outcomes = []
    for by_scheduler in (True, False):
        model = make_model()
        parameters = list(model.parameters())
        optimizer = make_optimizer(optimizer_name, [{**group, "params": [parameters[group["params"]]]} for group in groups], CYCLE)
        lr, momentum = lr_schedule(CYCLE, total_steps=20), momentum_schedule(CYCLE, total_steps=20)
        scheduler = PlanScheduler(optimizer, CYCLE, total_steps=20) if by_scheduler else None
        for step in range(20):
            if scheduler is None:
                set_knobs(optimizer, lr=lr(step), momentum=momentum(step))
            model(torch.randn(8, 3, generator=torch.Generator().manual_seed(step))).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            if scheduler is not None:
                scheduler.step()
        outcomes.append(bits(model))
    assert outcomes[0] == outcomes[1]


def test_ratios_of_groups_are_kept_without_lr_scale() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    optimizer = torch.optim.SGD([{"params": [w], "lr": lr} for w, lr in zip(weights, (0.3, 0.03, 0.6), strict=True)], lr=0.3, momentum=0.9)
    scheduler = PlanScheduler(optimizer, CYCLE, total_steps=20)
    lr = lr_schedule(CYCLE, total_steps=20)
    for step in range(20):
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([lr(step), lr(step) * 0.1, lr(step) * 2])
        optimizer.step()
        scheduler.step()


def test_an_optimizer_without_momentum_keeps_none() -> None:
    optimizer = torch.optim.Adagrad([nn.Parameter(torch.zeros(1))], lr=0.3)
    before = set(optimizer.param_groups[0])
    scheduler = PlanScheduler(optimizer, CYCLE, total_steps=20)
    optimizer.step()
    scheduler.step()
    assert set(optimizer.param_groups[0]) == before | {"initial_lr"}


def test_a_learning_rate_that_is_a_tensor_is_moved_in_place() -> None:
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(0.3), capturable=False, foreach=False)
    tensor = optimizer.param_groups[0]["lr"]
    scheduler = PlanScheduler(optimizer, CYCLE, total_steps=20)
    train(model, optimizer, scheduler, range(3))
    lr = lr_schedule(CYCLE, total_steps=20)
    assert optimizer.param_groups[0]["lr"] is tensor
    assert tensor.item() == pytest.approx(lr(3))
    state = scheduler.state_dict()
    train(model, optimizer, scheduler, range(3, 6))
    scheduler.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] is tensor
    assert tensor.item() == pytest.approx(lr(3))


@pytest.mark.parametrize("loaded_first", ["optimizer", "scheduler"])
@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
def test_a_run_resumed_from_a_checkpoint_is_bitwise_the_run_that_went_on(optimizer_name: str, loaded_first: str) -> None:
    model, optimizer, scheduler = make(optimizer_name)
    train(model, optimizer, scheduler, range(8))
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, file)
    train(model, optimizer, scheduler, range(8, 24))

    file.seek(0)
    checkpoint = torch.load(file, weights_only=True)
    resumed, its_optimizer, its_scheduler = make(optimizer_name)
    resumed.load_state_dict(checkpoint["model"])
    if loaded_first == "optimizer":
        its_optimizer.load_state_dict(checkpoint["optimizer"])
    its_scheduler.load_state_dict(checkpoint["scheduler"])
    if loaded_first == "scheduler":
        its_optimizer.load_state_dict(checkpoint["optimizer"])
    train(resumed, its_optimizer, its_scheduler, range(8, 24))

    assert bits(resumed) == bits(model)
    assert its_scheduler.state_dict() == scheduler.state_dict()
    assert its_scheduler.get_last_lr() == scheduler.get_last_lr()


def test_a_scheduler_made_after_the_optimizers_state_was_loaded_resumes_too() -> None:
    model, optimizer, scheduler = make("sgd")
    train(model, optimizer, scheduler, range(8))
    late = make_optimizer("sgd", default_param_groups(make_model()), CYCLE)
    late.load_state_dict(optimizer.state_dict())
    its_scheduler = PlanScheduler(late, CYCLE, total_steps=20)
    its_scheduler.load_state_dict(scheduler.state_dict())
    assert [(group["lr"], group["momentum"]) for group in late.param_groups] == [(group["lr"], group["momentum"]) for group in optimizer.param_groups]


def test_the_state_is_plain_data() -> None:
    _, _, scheduler = make("adamw")
    state = scheduler.state_dict()
    assert json.loads(json.dumps(state)) == state


@pytest.mark.parametrize(
    ("settings", "total_steps", "named"),
    [
        (CYCLE, 21, "total_steps"),
        (Settings(lr=0.3, momentum=0.95, min_momentum=0.85, schedule="cosine"), 20, "schedule"),
        (Settings(lr=0.4, momentum=0.95), 20, "max_lr, min_lr, min_momentum"),
    ],
)
def test_the_state_of_another_plan_is_refused_with_the_difference(settings: Settings, total_steps: int, named: str) -> None:
    _, _, scheduler = make("sgd")
    _, _, other = make("sgd", settings, total_steps)
    with pytest.raises(InputError, match=f"one that differs in {named}. Make the scheduler from"):
        other.load_state_dict(scheduler.state_dict())


def test_the_state_of_another_number_of_cycles_is_refused_and_one_from_before_it_was_kept_is_the_usual_number() -> None:
    usual = Settings(lr=0.3, min_lr=0.03, schedule="triangular2")
    _, _, two = make("sgd", dataclasses.replace(usual, cycles=2))
    _, _, four = make("sgd", usual)
    with pytest.raises(InputError, match=r"one that differs in cycles\."):
        four.load_state_dict(two.state_dict())
    before = four.state_dict()
    del before["cycles"]
    make("sgd", dataclasses.replace(usual, cycles=4))[2].load_state_dict(before)
    with pytest.raises(InputError, match=r"one that differs in cycles\."):
        two.load_state_dict(before)


def test_the_state_of_other_groups_or_of_no_scheduler_is_refused() -> None:
    _, _, scheduler = make("sgd")
    other = PlanScheduler(torch.optim.SGD(make_model().parameters(), lr=0.3, momentum=0.9), CYCLE, total_steps=20)
    with pytest.raises(InputError, match="differs in parameter groups"):
        other.load_state_dict(scheduler.state_dict())
    with pytest.raises(InputError, match="last_epoch"):
        other.load_state_dict({})


def test_a_state_does_not_follow_its_scheduler() -> None:
    model, optimizer, scheduler = make("sgd")
    state = scheduler.state_dict()
    before = copy.deepcopy(state)
    train(model, optimizer, scheduler, range(3))
    assert state == before


def test_the_users_own_shape_drives_it_where_it_is_given() -> None:
    settings = Settings(lr=0.3, schedule="task")
    optimizer = torch.optim.SGD(make_model().parameters(), lr=0.3, momentum=0.9)
    with pytest.raises(InputError, match="Pass shape="):
        PlanScheduler(optimizer, settings, total_steps=4)
    scheduler = PlanScheduler(optimizer, settings, total_steps=4, shape=lambda step, total_steps: 1 - step / total_steps)
    assert scheduler.get_last_lr() == [0.3]
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.225])


@pytest.mark.parametrize("total_steps", [1, 2, 3])
def test_short_runs_and_a_long_way_past_them_raise_nothing(total_steps: int) -> None:
    model, optimizer, scheduler = make("sgd", total_steps=total_steps)
    train(model, optimizer, scheduler, range(total_steps + 30))
    assert optimizer.param_groups[0]["lr"] == lr_schedule(CYCLE, total_steps=total_steps)(total_steps - 1)
