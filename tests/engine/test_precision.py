import itertools
import math

import pytest
import torch
from tests.engine.small import SETTINGS, make_spec, make_task, plain_net, rich_net, train_losses
from torch import Tensor
from torch.nn import functional as F

from tunesmith.curve import RunOutcome
from tunesmith.engine import run_spec
from tunesmith.engine.precision import in_precision
from tunesmith.engine.steps import training_step
from tunesmith.schedules import lr_schedule
from tunesmith.settings import Settings

CPU = torch.device("cpu")


def large(output: Tensor, target: Tensor) -> Tensor:
    """Too large for fp16 at the scaler's first scale, small enough a few halvings later."""
    return 3e3 * F.cross_entropy(output, target)


def test_single_precision_costs_nothing() -> None:
    step = training_step(make_task())
    assert in_precision(step, make_task(), device=CPU) is step


@pytest.mark.parametrize(("precision", "type_"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_the_network_computes_in_the_narrow_type(precision: str, type_: torch.dtype) -> None:
    seen = set()

    def loss(output: Tensor, target: Tensor) -> Tensor:
        seen.add(output.dtype)
        return F.cross_entropy(output, target)

    run_spec(make_task(precision=precision, loss=loss), make_spec(total_steps=2))
    assert seen == {type_}


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("micro", [None, 20])
def test_a_run_stays_close_to_single_precision(precision: str, micro: int | None) -> None:
    narrow = train_losses(make_task(precision=precision, micro_batch_size=micro))
    assert narrow == pytest.approx(train_losses(make_task()), rel=0.05)


class TestOverflow:
    def test_skipped_updates_are_no_points(self) -> None:
        slow = Settings(lr=1e-5, batch_size=32)
        curve = run_spec(make_task(precision="fp16", loss=large), make_spec(settings=slow, evaluations=1)).curve
        assert curve.outcome is RunOutcome.FINISHED
        assert len(curve.train_loss) == 20
        assert curve.lr == tuple(map(lr_schedule(slow, total_steps=20), range(20)))
        assert curve.eval_step == (10, 20)
        assert curve.cost.trained_examples > 20 * 32  # but they did cost something

    def test_they_are_made_up_for_however_many_there_are(self) -> None:
        curve = run_spec(make_task(precision="fp16", loss=large), make_spec(total_steps=1)).curve
        assert len(curve.train_loss) == 1
        assert curve.cost.trained_examples > 4 * 32

    def test_they_do_not_move_the_users_own_scheduler(self) -> None:
        run_ups = itertools.count()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(output, target) * (1e9 if next(run_ups) in (3, 4) else 1.0)

        curve = run_spec(make_task(precision="fp16", loss=loss), make_spec()).curve
        assert curve.lr == tuple(map(lr_schedule(SETTINGS, total_steps=20), range(20)))
        assert curve.cost.trained_examples == 22 * 32

    def test_gradients_are_clipped_at_their_true_size(self) -> None:
        single, narrow = (train_losses(make_task(precision=precision, clip_grad_norm=0.1)) for precision in ("fp32", "fp16"))
        assert narrow == pytest.approx(single, rel=0.02)

    def test_a_gradient_that_is_never_finite_ends_the_run(self) -> None:
        curve = run_spec(make_task(precision="fp16", loss=lambda output, target: F.cross_entropy(output, target) * math.nan), make_spec()).curve
        assert curve.outcome is RunOutcome.NOT_FINITE
        assert curve.train_loss == ()
        assert curve.cost.trained_examples == 51 * 32


def test_narrow_types_and_statistics_go_together() -> None:
    curve = run_spec(make_task(model=rich_net, precision="bf16", ema=0.9), make_spec(evaluations=1, reestimates_norm=True)).curve
    assert all(map(math.isfinite, curve.valid_loss))


def test_weights_stay_in_single_precision() -> None:
    result = run_spec(make_task(precision="bf16", model=plain_net), make_spec(keeps_weights=True))
    assert result.weights is not None
    assert {value.dtype for value in result.weights.values()} == {torch.float32}
