import dataclasses
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import record_strategies as records
from tests.engine.small import TRAIN, make_spec, make_task, plain_net
from torch import nn
from torch.nn import functional as F

from tunesmith.engine import run_spec
from tunesmith.engine.order import order_stream
from tunesmith.engine.seeds import child_seed
from tunesmith.errors import InputError
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.schedules import SCHEDULES
from tunesmith.settings import Settings

SETTINGS = Settings(lr=0.2, min_lr=0.02, momentum=0.95, min_momentum=0.85, weight_decay=1e-3, batch_size=32)


KINDS = ("sgd", "nesterov", "adam", "adamw", "custom")


def make_plan(**changes: object) -> Plan:
    fields: dict[str, object] = {"outcome": StudyOutcome.RECOMMENDED, "settings": SETTINGS, "optimizer_name": "sgd", "n_train": 200, "total_steps": 100}
    return Plan(**{**fields, **changes})  # type: ignore[arg-type]


def descending(step: int, total_steps: int) -> float:
    return 1 - step / total_steps


class TestKnobs:
    def test_they_are_those_of_the_settings(self) -> None:
        plan = make_plan()
        assert (plan.max_lr, plan.min_lr, plan.max_momentum, plan.min_momentum) == (0.2, 0.02, 0.95, 0.85)
        assert (plan.weight_decay, plan.batch_size, plan.schedule, plan.epochs) == (1e-3, 32, "one_cycle", 16.0)
        assert "cycles" not in (plan.knobs_dict() or {})

    def test_the_number_of_cycles_is_written_out(self) -> None:
        plan = make_plan(settings=Settings(lr=0.2, schedule="triangular2"))
        assert (plan.cycles, (plan.knobs_dict() or {})["cycles"]) == (4, 4)
        again = Plan.from_dict(plan.to_dict())
        assert (again.cycles, again.min_lr) == (4, 0.05)

    @pytest.mark.parametrize("outcome", [StudyOutcome.ABSTAINED, StudyOutcome.BUDGET_SPENT])
    def test_without_settings_there_are_none(self, outcome: StudyOutcome) -> None:
        plan = make_plan(outcome=outcome, settings=None, total_steps=0, advice=("Raise the budget.",))
        assert not outcome.has_plan
        assert plan.knobs_dict() is None
        for use in (lambda: plan.max_lr, lambda: plan.for_steps(10), lambda: plan.for_batch_size(8), lambda: plan.optimizer(plain_net())):
            with pytest.raises(InputError, match=rf"ended with '{outcome}'\. Raise the budget\."):
                use()


class TestLength:
    @pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw"])
    @pytest.mark.parametrize("steps", [50, 400])
    def test_another_length_keeps_learning_rates_and_total_decay(self, optimizer: str, steps: int) -> None:
        plan = make_plan(optimizer_name=optimizer, total_steps=200)
        other = plan.for_steps(steps)
        assert (other.total_steps, other.max_lr, other.min_lr, other.max_momentum) == (steps, plan.max_lr, plan.min_lr, plan.max_momentum)
        assert other.total_decay == pytest.approx(plan.total_decay, rel=0.03)  # sums over other steps of the same shape

    def test_epochs_over_other_data(self) -> None:
        longer = make_plan().for_epochs(8, n_train=400)
        assert (longer.total_steps, longer.n_train, longer.epochs) == (100, 400, 8.0)

    @pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw"])
    @pytest.mark.parametrize(("schedule", "cycles"), [("triangular", 3), ("triangular2", None), ("cosine", None), ("constant", None)])
    def test_another_shape_keeps_learning_rates_and_total_decay(self, optimizer: str, schedule: str, cycles: int | None) -> None:
        plan = make_plan(optimizer_name=optimizer)
        other = plan.for_schedule(schedule, cycles=cycles)
        assert (other.schedule, other.max_lr, other.min_lr, other.total_steps) == (schedule, plan.max_lr, plan.min_lr, plan.total_steps)
        assert other.cycles == (cycles or {"triangular2": 4}.get(schedule, 1))
        assert other.total_decay == pytest.approx(plan.total_decay)

    def test_adams_weight_decay_has_no_total_to_keep(self) -> None:
        assert make_plan(optimizer_name="adam").for_schedule("constant").weight_decay == 1e-3

    def test_another_shape_than_the_tasks_own_needs_that_one(self) -> None:
        plan = make_plan(settings=Settings(lr=0.2, weight_decay=1e-3, schedule="task"))
        with pytest.raises(InputError, match="Pass shape="):
            plan.for_schedule("triangular")
        assert plan.for_schedule("triangular", shape=descending).schedule == "triangular"

    @pytest.mark.parametrize(("schedule", "cycles", "words"), [("zigzag", None, "zigzag"), ("cosine", 3, "cycles must be left out")])
    def test_another_shape_that_there_is_not(self, schedule: str, cycles: int | None, words: str) -> None:
        with pytest.raises(InputError, match=words):
            make_plan().for_schedule(schedule, cycles=cycles)

    def test_no_length_at_all(self) -> None:
        with pytest.raises(InputError, match="total_steps must be ≥ 1, got 0"):
            make_plan().for_steps(0)


class TestBatchSize:
    def test_the_epochs_stay_and_the_rates_follow(self) -> None:
        other = make_plan().for_batch_size(128)
        assert (other.batch_size, other.total_steps, other.epochs) == (128, 25, 16.0)
        assert (other.max_lr, other.min_lr) == (0.4, 0.04)
        assert (other.max_momentum, other.min_momentum) == (0.95, 0.85)
        assert other.weight_decay == pytest.approx(2e-3)
        assert make_plan().for_batch_size(128, lr_exponent=1).max_lr == pytest.approx(0.8)

    def test_it_is_no_longer_confirmed_but_ended_and_cost_the_same(self) -> None:
        plan = make_plan(confirmed=Trained(valid=(0.2,), test=None, seeds=(1,)), cost=StudyCost(search=1.0))
        other = plan.for_batch_size(64)
        assert (other.confirmed, other.outcome, other.cost) == (None, plan.outcome, plan.cost)

    def test_the_same_size_is_the_same_plan(self) -> None:
        plan = make_plan(confirmed=Trained(valid=(0.2,), test=None, seeds=(1,)))
        assert plan.for_batch_size(32) == plan

    def test_adams_weight_decay_has_no_total_to_keep(self) -> None:
        assert make_plan(optimizer_name="adam").for_batch_size(128).weight_decay == 1e-3

    def test_micro_batches_stay_unless_they_are_the_whole_batch(self) -> None:
        plan = make_plan(micro_batch_size=16)
        assert [plan.for_batch_size(size).micro_batch_size for size in (64, 17, 16, 8)] == [16, 16, None, None]

    @pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw", "custom"])
    @given(size=st.integers(1, 1000), schedule=st.sampled_from(list(SCHEDULES)), exponent=st.floats(0, 1))
    @settings(max_examples=40, deadline=None)
    def test_the_total_decay_stays(self, optimizer: str, size: int, schedule: str, exponent: float) -> None:
        knobs = dataclasses.replace(SETTINGS, schedule=schedule)
        plan = make_plan(settings=knobs, optimizer_name=optimizer, n_train=10_000, total_steps=5000)
        other = plan.for_batch_size(size, lr_exponent=exponent)
        assert other.total_decay == pytest.approx(plan.total_decay, rel=0.03)  # sums over other steps of the same shape

    @given(chosen=records.settings(), size=st.integers(1, 10**9), steps=st.integers(1, 10**9), exponent=st.floats(-1, 2), optimizer=st.sampled_from(KINDS))
    def test_there_and_back_is_the_plan_but_for_the_rounding_of_its_length(
        self, chosen: Settings, size: int, steps: int, exponent: float, optimizer: str
    ) -> None:
        plan = make_plan(settings=chosen, n_train=10**9, total_steps=steps, optimizer_name=optimizer)
        between = plan.for_batch_size(size, lr_exponent=exponent)
        back = between.for_batch_size(chosen.batch_size, lr_exponent=exponent)
        assert (back.max_lr, back.min_lr) == pytest.approx((plan.max_lr, plan.min_lr))
        assert (back.batch_size, back.max_momentum, back.min_momentum) == (plan.batch_size, plan.max_momentum, plan.min_momentum)
        there = 1 if between.total_steps == 1 else 0.5  # half an update, or all of one where less than one was left
        lost = there * size / chosen.batch_size + 0.5
        assert abs(back.total_steps - steps) <= lost * (1 + 1e-9)
        if optimizer != "adam":
            assert back.weight_decay * back.total_steps == pytest.approx(plan.weight_decay * steps)

    @pytest.mark.parametrize("size", [0, -1, 201, 2.5])
    def test_a_size_that_there_is_not(self, size: float) -> None:
        with pytest.raises(InputError, match=rf"must be a whole number from 1 to the plan's 200 training examples, got {size}"):
            make_plan().for_batch_size(size)  # type: ignore[arg-type]

    @pytest.mark.parametrize("exponent", [math.nan, 2.1, -1.1])
    def test_an_exponent_that_is_a_slip(self, exponent: float) -> None:
        with pytest.raises(InputError, match=r"lr_exponent must be in \[-1, 2\]"):
            make_plan().for_batch_size(64, lr_exponent=exponent)


class TestTorchObjects:
    @pytest.mark.parametrize("schedule", ["one_cycle", "task"])
    def test_they_train_bit_for_bit_as_the_plan_was_tuned(self, schedule: str) -> None:
        settings = Settings(**{**SETTINGS.to_dict(), "schedule": schedule})  # type: ignore[arg-type]
        tuned = run_spec(make_task(schedule=descending), make_spec(settings=settings, total_steps=25)).curve
        plan = make_plan(settings=settings, total_steps=25)
        with torch.random.fork_rng():
            torch.manual_seed(child_seed(3, "init"))
            model = plain_net()
        optimizer = plan.optimizer(model)
        scheduler = plan.scheduler(optimizer, shape=descending if schedule == "task" else None)
        losses = []
        for chosen in order_stream(n_examples=200, chunk_sizes=[32] * 25, seed=child_seed(3, "order")):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(TRAIN[0][chosen]), TRAIN[1][chosen])
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        assert losses == list(tuned.train_loss)

    def test_a_shape_of_the_tasks_own_must_be_given(self) -> None:
        plan = make_plan(settings=Settings(schedule="task"))
        with pytest.raises(InputError, match="must come with the task's own shape"):
            plan.scheduler(plan.optimizer(plain_net()))

    @pytest.mark.parametrize(("steps", "fits"), [(79, False), (80, True), (100, True), (125, True), (126, False)])
    def test_a_length_that_differs_slightly(self, steps: int, *, fits: bool) -> None:
        plan = make_plan()
        optimizer = plan.optimizer(plain_net())
        if fits:
            assert plan.scheduler(optimizer, total_steps=steps).total_steps == steps
            return
        with pytest.raises(InputError, match=rf"within a factor 1\.25 of the plan's 100, got {steps}\. Call plan\.for_steps\({steps}\) first"):
            plan.scheduler(optimizer, total_steps=steps)

    def test_an_optimizer_that_only_the_task_can_make(self) -> None:
        with pytest.raises(InputError, match="Call that maker with"):
            make_plan(optimizer_name="custom").optimizer(plain_net())

    def test_parameter_groups_that_only_the_task_can_make(self) -> None:
        plan, model = make_plan(has_custom_param_groups=True), plain_net()
        with pytest.raises(InputError, match="must be given the parameter groups"):
            plan.optimizer(model)

        def groups(model: nn.Module) -> list[dict[str, object]]:
            return [{"params": list(model.parameters()), "lr_scale": 0.5}]

        assert plan.optimizer(model, param_groups=groups).param_groups[0]["lr"] == 0.1


class TestJson:
    @pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
    def test_a_value_that_was_not_reached_is_null_and_comes_back_as_nan(self, lost: float) -> None:
        text = json.dumps(Trained(valid=(0.5, lost), test=(lost, 0.25), seeds=(1, 2)).to_dict(), allow_nan=False)
        assert json.loads(text) == {"valid": [0.5, None], "test": [None, 0.25], "seeds": [1, 2]}
        again = Trained.from_dict(json.loads(text))
        assert again.valid[0] == 0.5
        assert math.isnan(again.valid[1])
        assert again.test is not None
        assert math.isnan(again.test[0])

    def test_a_plan_whose_runs_were_lost_is_standard_json(self) -> None:
        plan = make_plan(confirmed=Trained(valid=(math.nan,), test=None, seeds=(5,)))
        again = Plan.from_dict(json.loads(json.dumps(plan.to_dict(), allow_nan=False)))
        assert again.to_dict() == plan.to_dict()

    def test_costs_add_up(self) -> None:
        cost = StudyCost(search=0.5, confirm=1.0, baseline=0.25, seconds=9.0)
        assert cost.total == 1.75
        assert cost.to_dict() == {"search": 0.5, "confirm": 1.0, "baseline": 0.25, "total": 1.75, "seconds": 9.0}
