"""What moves learning rate and momentum: our schedules, the user's shape, or the user's own optimizer and scheduler."""

import pytest
import torch
from tests.engine.small import SETTINGS, TRAIN, make_spec, make_task, plain_net
from torch import nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from tunesmith.engine import run_spec
from tunesmith.engine.knobs import make_knobs
from tunesmith.engine.seeds import child_seed
from tunesmith.errors import InputError
from tunesmith.optimizers import ParamGroups
from tunesmith.schedules import lr_schedule
from tunesmith.settings import RunKind, Settings


def halving(model: nn.Module) -> tuple[Optimizer, LRScheduler]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5, weight_decay=0.01)
    return optimizer, LambdaLR(optimizer, lambda step: 0.5 ** (step // 5))


class TestCurrent:
    def test_it_is_measured_exactly_as_given(self) -> None:
        curve = run_spec(make_task(current=halving), make_spec(kind=RunKind.CURRENT)).curve
        with torch.random.fork_rng():
            torch.manual_seed(child_seed(3, "init"))
            model = plain_net()
        optimizer, scheduler = halving(model)
        generator = torch.Generator().manual_seed(child_seed(3, "order"))
        order = torch.cat([torch.randperm(200, generator=generator) for _ in range(4)])
        losses = []
        for step in range(20):
            chosen = order[32 * step : 32 * (step + 1)]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(TRAIN[0][chosen]), TRAIN[1][chosen])
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        assert list(curve.train_loss) == losses

    def test_its_rows_hold_what_the_optimizer_holds(self) -> None:
        curve = run_spec(make_task(current=halving), make_spec(kind=RunKind.CURRENT)).curve
        assert curve.lr == tuple(0.2 * 0.5 ** (step // 5) for step in range(20))
        assert set(curve.momentum) == {0.5}

    def test_without_a_scheduler(self) -> None:
        curve = run_spec(make_task(current=lambda model: (torch.optim.Adam(model.parameters(), lr=0.01), None)), make_spec(kind=RunKind.CURRENT)).curve
        assert set(curve.lr) == {0.01}
        assert set(curve.momentum) == {0.9}

    def test_an_optimizer_without_momentum(self) -> None:
        curve = run_spec(make_task(current=lambda model: (torch.optim.Adagrad(model.parameters(), lr=0.01), None)), make_spec(kind=RunKind.CURRENT)).curve
        assert set(curve.momentum) == {0.0}

    def test_settings_are_a_run_like_any_other(self) -> None:
        task = make_task(current=SETTINGS)
        assert run_spec(task, make_spec(kind=RunKind.CURRENT)).curve.train_loss == run_spec(task, make_spec()).curve.train_loss


class TestOurs:
    def test_the_users_own_shape(self) -> None:
        task = make_task(schedule=lambda step, total: 1 - step / total)
        curve = run_spec(task, make_spec(settings=Settings(lr=0.2, schedule="task", batch_size=32))).curve
        assert curve.lr == pytest.approx([0.2 * (1 - step / 20) for step in range(20)])

    def test_a_shape_that_the_task_does_not_have(self) -> None:
        with pytest.raises(InputError, match="must come with the task's own shape"):
            run_spec(make_task(), make_spec(settings=Settings(schedule="task", batch_size=32)))

    def test_groups_move_in_their_ratios(self) -> None:
        def groups(model: nn.Module) -> ParamGroups:
            return [{"params": [model[0].weight], "lr_scale": 0.5, "weight_decay_scale": 2.0}, {"params": [model[0].bias, *model[2].parameters()]}]

        knobs = make_knobs(make_task(param_groups=groups), make_spec(), plain_net())
        slow, usual = knobs.optimizer.param_groups
        assert (slow["weight_decay"], usual["weight_decay"]) == (2e-3, 1e-3)
        for step in (0, 7, 19):
            lr, momentum = knobs.move_to(step)
            assert lr == lr_schedule(SETTINGS, total_steps=20)(step)
            assert (slow["lr"], usual["lr"]) == (0.5 * lr, lr)
            assert slow["momentum"] == usual["momentum"] == momentum

    def test_a_maker_of_optimizers(self) -> None:
        def rmsprop(groups: ParamGroups, settings: Settings) -> Optimizer:
            kept = [{name: group[name] for name in ("params", "lr", "weight_decay")} for group in groups]
            return torch.optim.RMSprop(kept, momentum=settings.momentum)

        settings = Settings(lr=0.002, momentum=0.9, min_momentum=0.8, weight_decay=0.01, batch_size=32)
        knobs = make_knobs(make_task(optimizer=rmsprop), make_spec(settings=settings), plain_net())
        lr, momentum = knobs.move_to(9)
        assert [group["lr"] for group in knobs.optimizer.param_groups] == [lr, lr]
        assert [group["momentum"] for group in knobs.optimizer.param_groups] == [momentum, momentum]
        assert [group["weight_decay"] for group in knobs.optimizer.param_groups] == [0.01, 0.0]
        assert run_spec(make_task(optimizer=rmsprop), make_spec(settings=settings)).curve.valid_loss[-1] < 2
