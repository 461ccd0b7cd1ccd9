import dataclasses
import time

import pytest
import torch
from tests.engine.small import global_rng, make_task, rich_net
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.engine import measure_steps
from tunesmith.errors import TaskError


def test_every_size_has_its_time_and_its_cost() -> None:
    before = global_rng()
    timing = measure_steps(make_task(model=rich_net, precision="bf16", micro_batch_size=24), [16, 64, 128], repeats=2)
    assert list(timing.seconds_per_step) == [16, 64, 128]
    assert all(seconds > 0 for seconds in timing.seconds_per_step.values())
    assert timing.trained_examples == 3 * (16 + 64 + 128)
    assert timing.threads == 1
    assert global_rng() == before


def test_sizes_that_run_out_of_memory_are_left_out() -> None:
    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        if len(batch[0]) > 40:
            raise torch.OutOfMemoryError
        return F.cross_entropy(model(batch[0]), batch[1])

    timing = measure_steps(make_task(loss=None, metrics={}, training_step=step), [16, 32, 64, 128], repeats=2)
    assert list(timing.seconds_per_step) == [16, 32]
    assert timing.trained_examples == 3 * (16 + 32)


def test_a_size_beyond_the_data() -> None:
    with pytest.raises(TaskError, match="no larger than the training set"):
        measure_steps(make_task(), [16, 500])


class Slow(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """A millisecond an example, slept, so that one worker is exactly as slow on any machine."""

    def __len__(self) -> int:
        return 512

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        time.sleep(0.001)
        return torch.zeros(8), torch.tensor(index % 4)


def test_waiting_for_workers_is_not_hidden_in_the_turns_of_another_size() -> None:
    task = dataclasses.replace(make_task(train=Slow(), loss=F.cross_entropy, metrics={}), model=lambda: nn.Linear(8, 4), num_workers=1)
    timing = measure_steps(task, [8, 32], repeats=3)
    for size in (8, 32):
        assert timing.loading_seconds[size] > 0.5e-3 * size
        assert timing.loading_seconds[size] <= timing.seconds_per_step[size]
    assert timing.trained_examples == (3 + 3) * (8 + 32)
