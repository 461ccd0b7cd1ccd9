"""On an accelerator: close to the CPU's curve, resident data, its generator put back. Skipped, visibly, where there is none."""

import itertools
import math

import pytest
import torch
from tests.engine.small import TRAIN, VALID, Pairs, make_spec, make_task, plain_net, rich_net
from torch import Tensor
from torch.nn import functional as F

from tunesmith.curve import RunOutcome
from tunesmith.engine import check_task, measure_steps, run_spec
from tunesmith.engine.data import TaskBatches
from tunesmith.settings import Settings

pytestmark = pytest.mark.gpu
TOLERANCE = 1e-3
"""Relative difference of losses over 20 updates of 300 weights: sums in another order, and no TensorFloat-32 (torch's default for matrices)."""


def test_a_run_stays_close_to_the_cpus() -> None:
    spec = make_spec(evaluations=2, evaluates_test=True, keeps_weights=True)
    here, there = (run_spec(make_task(), spec, device=device) for device in ("cpu", "cuda"))
    assert there.curve.outcome is RunOutcome.FINISHED
    assert there.curve.train_loss == pytest.approx(here.curve.train_loss, rel=TOLERANCE)
    assert there.curve.valid_loss == pytest.approx(here.curve.valid_loss, rel=TOLERANCE)
    assert there.curve.test == pytest.approx(here.curve.test, rel=TOLERANCE)
    assert (there.curve.lr, there.curve.momentum) == (here.curve.lr, here.curve.momentum)
    assert {**vars(there.curve.cost), "seconds": 0} == {**vars(here.curve.cost), "seconds": 0}
    assert there.weights is not None
    assert {value.device.type for value in there.weights.values()} == {"cpu"}


@pytest.mark.parametrize("train", [TRAIN, Pairs()])
def test_every_kind_of_data_sees_the_same_order(train: object) -> None:
    losses = run_spec(make_task(train=train, micro_batch_size=20), make_spec(), device="cuda").curve.train_loss
    assert losses == pytest.approx(run_spec(make_task(), make_spec()).curve.train_loss, rel=TOLERANCE)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_narrow_types(precision: str) -> None:
    curve = run_spec(make_task(model=rich_net, precision=precision, clip_grad_norm=1.0), make_spec(evaluations=2, reestimates_norm=True), device="cuda").curve
    assert len(curve.train_loss) == 20
    assert all(map(math.isfinite, curve.valid_loss))


def test_overflow_is_made_up_for() -> None:
    task = make_task(precision="fp16", loss=lambda output, target: 3e3 * F.cross_entropy(output, target))
    curve = run_spec(task, make_spec(settings=Settings(lr=1e-5, batch_size=32)), device="cuda").curve
    assert len(curve.train_loss) == 20
    assert curve.cost.trained_examples > 20 * 32


def test_its_generator_comes_back() -> None:
    before = torch.cuda.get_rng_state()
    spec = make_spec(evaluations=2, reestimates_norm=True)
    first, second = (run_spec(make_task(model=rich_net), spec, device="cuda").curve for _ in range(2))
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert second.train_loss == pytest.approx(first.train_loss, rel=TOLERANCE)  # dropout is seeded


def test_tensors_move_once() -> None:
    data = TaskBatches(make_task(), device=torch.device("cuda"))
    next(data.for_training(batch_size=32, seed=0))
    next(iter(data.for_evaluation(VALID, n_examples=None)))
    torch.cuda.synchronize()
    moved = torch.cuda.memory_allocated()
    for _ in range(3):
        batch = next(iter(data.for_evaluation(VALID, n_examples=None)))
        assert batch[0].is_cuda
        del batch
    assert torch.cuda.memory_allocated() == moved


def test_a_lost_run_ends_within_sixteen_updates() -> None:
    calls = itertools.count()

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target) * (math.nan if next(calls) == 5 else 1.0)

    curve = run_spec(make_task(loss=loss), make_spec(total_steps=100), device="cuda").curve
    assert curve.outcome is RunOutcome.NOT_FINITE
    assert 6 <= len(curve.train_loss) == len(curve.lr) <= 16


def test_the_check_and_the_clock() -> None:
    assert check_task(make_task(model=rich_net), device="cuda").has_batch_norm
    assert set(measure_steps(make_task(), [16, 32], device="cuda").seconds_per_step) == {16, 32}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:TensorFloat32")
def test_compiled_networks_train_the_same() -> None:
    compiled = run_spec(make_task(model=plain_net, compile=True), make_spec(evaluations=1, reestimates_norm=True), device="cuda").curve
    assert compiled.train_loss == pytest.approx(run_spec(make_task(), make_spec()).curve.train_loss, rel=TOLERANCE)
