import math

import pytest
import torch
from tests.engine.small import INPUTS, TARGETS, VALID, accuracy, global_rng, make_spec, make_task, rich_net
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.engine import run_spec
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.order import slice_indices
from tunesmith.errors import TaskError
from tunesmith.task import Metric, Task

CPU = torch.device("cpu")


def norm_net() -> nn.Module:
    """Statistics of the inputs themselves."""
    return nn.Sequential(nn.BatchNorm1d(12), nn.Linear(12, 3))


def evaluator(task: Task, *, batch_size: int = 32) -> Evaluator:
    return Evaluator(task, device=CPU, batch_size=batch_size)


def test_means_are_those_of_the_whole_slice() -> None:
    task, model = make_task(), rich_net().eval()
    found = evaluator(task).evaluate(model, task.valid)
    with torch.no_grad():
        output = model(VALID[0])
    assert found.values["loss"] == pytest.approx(F.cross_entropy(output, VALID[1]).item(), rel=1e-6)
    assert found.values["accuracy"] == pytest.approx(accuracy(output, VALID[1]).item())
    assert found.examples == 60


def test_means_do_not_depend_on_the_batches() -> None:
    model = rich_net()
    whole, parts = (evaluator(make_task(micro_batch_size=size)).evaluate(model, VALID).values for size in (None, 7))
    assert parts == pytest.approx(whole, rel=1e-6)


def test_a_slice_is_a_fixed_choice() -> None:
    task, model = make_task(), rich_net().eval()
    chosen = slice_indices(60, 20)
    with torch.no_grad():
        expected = F.cross_entropy(model(VALID[0][chosen]), VALID[1][chosen]).item()
    found = evaluator(task).evaluate(model, task.valid, n_examples=20)
    assert found.values["loss"] == pytest.approx(expected, rel=1e-6)
    assert found.examples == 20


class TestTraces:
    @pytest.mark.parametrize("reestimates_norm", [False, True])
    def test_modes_buffers_weights_and_generators_stay_as_they_were(self, *, reestimates_norm: bool) -> None:
        model = rich_net()
        model.train()
        model[3].eval()  # a mode of the user's own choice
        buffers = list(model.buffers())
        before, modes, rng = {name: value.clone() for name, value in model.state_dict().items()}, [m.training for m in model.modules()], global_rng()
        evaluator(make_task()).evaluate(model, VALID, reestimates_norm=reestimates_norm)
        assert [module.training for module in model.modules()] == modes
        assert all(now is then for now, then in zip(model.buffers(), buffers, strict=True))
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert model[1].momentum == 0.1
        assert all(parameter.grad is None for parameter in model.parameters())
        assert global_rng() == rng

    def test_also_when_the_metric_raises(self) -> None:
        def metric(_output: Tensor, _target: Tensor) -> float:
            raise ValueError("boom")

        model = norm_net()
        before = list(model.buffers())
        with pytest.raises(ValueError, match="boom"):
            evaluator(make_task(metrics={"bad": Metric(metric, higher_is_better=True)})).evaluate(model, VALID, reestimates_norm=True)
        assert model.training
        assert model[0].training
        assert model[0].momentum == 0.1
        assert all(now is then for now, then in zip(model.buffers(), before, strict=True))


class TestNormStatistics:
    def test_they_are_the_plain_average_over_batches_of_the_slice(self) -> None:
        seen: list[tuple[Tensor, Tensor]] = []

        def sums(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, tuple[Tensor, int]]:
            seen.append((model[0].running_mean.clone(), model[0].running_var.clone()))
            return {"loss": (F.cross_entropy(model(batch[0]), batch[1], reduction="sum"), len(batch[0]))}

        task = make_task(train=(INPUTS[:96], TARGETS[:96]), metrics={}, evaluation_step=sums)
        found = evaluator(task).evaluate(norm_net(), task.valid, reestimates_norm=True)
        batches = INPUTS[:96].split(32)
        torch.testing.assert_close(seen[0][0], torch.stack([batch.mean(0) for batch in batches]).mean(0))
        torch.testing.assert_close(seen[0][1], torch.stack([batch.var(0) for batch in batches]).mean(0))
        assert found.examples == 60 + 96

    def test_they_make_the_loss_that_of_the_weights_as_they_are_now(self) -> None:
        model = norm_net()
        shifted = (5 * INPUTS + 3, TARGETS)  # the network's own statistics know nothing of it
        task = make_task(train=shifted, valid=shifted)
        own, fresh = (evaluator(task).evaluate(model, shifted, reestimates_norm=reestimates).values["loss"] for reestimates in (False, True))
        with torch.no_grad():
            exact = F.cross_entropy(model[1]((INPUTS - INPUTS.mean(0)) / INPUTS.std(0)), TARGETS).item()
        assert abs(fresh - exact) < 0.02 < abs(own - exact)

    def test_dropout_stays_off(self) -> None:
        task, model = make_task(model=rich_net), rich_net()
        values = {evaluator(task).evaluate(model, task.valid, reestimates_norm=True).values["loss"] for _ in range(3)}
        assert len(values) == 1

    def test_a_single_example_left_over_is_passed_by(self) -> None:
        task = make_task(model=rich_net)
        assert evaluator(task, batch_size=199).evaluate(rich_net(), task.valid, reestimates_norm=True).examples == 60 + 199

    def test_a_large_training_set_is_not_read_to_its_end(self) -> None:
        large = (INPUTS.repeat(10, 1), TARGETS.repeat(10))
        assert evaluator(make_task(train=large)).evaluate(norm_net(), VALID, reestimates_norm=True).examples == 60 + 512
        assert evaluator(make_task(train=large), batch_size=300).evaluate(norm_net(), VALID, reestimates_norm=True).examples == 60 + 600

    def test_norms_without_statistics_need_none(self) -> None:
        model = nn.Sequential(nn.BatchNorm1d(12, track_running_stats=False), nn.Linear(12, 3))
        assert evaluator(make_task()).evaluate(model, VALID, reestimates_norm=True).examples == 60

    def test_norms_without_weights_have_statistics_all_the_same(self) -> None:
        model = nn.Sequential(nn.BatchNorm1d(12, affine=False), nn.Linear(12, 3))
        assert evaluator(make_task()).evaluate(model, VALID, reestimates_norm=True).examples == 60 + 200


class TestSteps:
    def test_sums_and_counts_of_the_users_own(self) -> None:
        def sums(_model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, tuple[Tensor | float, Tensor | int]]:
            return {"loss": (torch.tensor(6.0), torch.tensor(3)), "tokens": (float(len(batch[0])), 2)}

        found = evaluator(make_task(metrics={}, evaluation_step=sums, micro_batch_size=20)).evaluate(rich_net(), VALID)
        assert found.values == {"loss": 2.0, "tokens": 10.0}

    def test_a_training_step_alone_gives_the_loss(self) -> None:
        task = make_task(loss=None, metrics={}, training_step=lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]))
        model = rich_net()
        assert evaluator(task).evaluate(model, VALID).values["loss"] == evaluator(make_task()).evaluate(model, VALID).values["loss"]

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (None, "must return {'loss'"),
            ({"accuracy": (1, 1)}, "must return {'loss'"),
            ({"loss": 1.0}, "must return {'loss'"),
            ({"loss": (1.0, 0)}, "must count at least one example for 'loss'"),
            ({"loss": (torch.ones(3), 3)}, r"must be a single number, and 'loss' is of shape \(3,\)"),
        ],
    )
    def test_a_step_that_returns_something_else(self, returned: object, message: str) -> None:
        with pytest.raises(TaskError, match=message):
            evaluator(make_task(metrics={}, evaluation_step=lambda _model, _batch: returned)).evaluate(rich_net(), VALID)

    def test_a_metric_of_several_numbers(self) -> None:
        task = make_task(metrics={"each": Metric(lambda output, target: (output.argmax(1) == target).float(), higher_is_better=True)})
        with pytest.raises(TaskError, match="'each' is of shape"):
            evaluator(task).evaluate(rich_net(), VALID)

    def test_a_loss_that_is_not_finite_is_reported_as_it_is(self) -> None:
        task = make_task(valid=(VALID[0] * math.nan, VALID[1]))
        curve = run_spec(task, make_spec()).curve
        assert math.isnan(curve.valid_loss[-1])
        assert curve.final_valid_loss == math.inf
