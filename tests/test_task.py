"""What a user describes: every sentence about fields that contradict each other, and the sizes that follow from them."""

import math
from collections.abc import Iterator

import pytest
import torch
from tests.engine.small import TRAIN, Pairs, accuracy, make_task, plain_net
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from tunesmith.errors import TaskError
from tunesmith.settings import Settings
from tunesmith.task import Metric, Task, size_of


class Stream(IterableDataset[Tensor]):
    def __iter__(self) -> Iterator[Tensor]:
        return iter(TRAIN[0])


class Unsized(Dataset[Tensor]):
    def __getitem__(self, index: int) -> Tensor:
        return TRAIN[0][index]


def maker(_batch_size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return [TRAIN]


def training_step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


METRIC = {"accuracy": Metric(accuracy, higher_is_better=True)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": plain_net()}, r"Task\.model must be a maker, a function \(\) -> nn\.Module, got Sequential"),
        ({"model": "net"}, r"Task\.model must be a maker"),
        ({"loss": None}, "exactly one of loss= and training_step="),
        ({"training_step": training_step}, "exactly one of loss= and training_step="),
        ({"loss": None, "training_step": training_step, "metrics": METRIC}, "need evaluation_step="),
        ({"goal": "speed"}, r"Task\.goal must be 'loss' or a name in metrics \['accuracy'\], got 'speed'"),
        ({"epochs": None}, "exactly one of epochs= and steps="),
        ({"steps": 100}, "exactly one of epochs= and steps="),
        ({"epochs": 0}, "must be finite and > 0, got 0"),
        ({"epochs": math.inf}, "must be finite and > 0, got inf"),
        ({"epochs": None, "steps": -1}, "must be finite and > 0, got -1"),
        ({"train": maker}, r"Task\.examples_per_epoch must be given"),
        ({"train": maker, "examples_per_epoch": 0}, r"Task\.examples_per_epoch must be ≥ 1, got 0"),
        ({"optimizer": "lion"}, r"Task\.optimizer must be one of sgd, nesterov, adam, adamw or a function"),
        ({"cycles": 3}, r"Task\.cycles must be left out where the schedule is not triangular, .* got 3 for 'one_cycle'"),
        ({"schedule": "triangular", "cycles": 0}, r"Task\.cycles must be a whole number ≥ 1, got 0"),
        ({"schedule": "sawtooth"}, r"Task\.schedule must be one of one_cycle"),
        ({"precision": "fp8"}, r"Task\.precision must be 'fp32', 'bf16' or 'fp16', got 'fp8'"),
        ({"ema": 1.0}, r"Task\.ema must be in \(0, 1\), got 1\.0"),
        ({"clip_grad_norm": 0.0}, r"Task\.clip_grad_norm must be > 0, got 0\.0"),
        ({"clip_grad_norm": math.nan}, r"Task\.clip_grad_norm must be > 0, got nan"),
        ({"micro_batch_size": 0}, r"Task\.micro_batch_size must be ≥ 1, got 0"),
        ({"num_workers": -1}, r"Task\.num_workers must be ≥ 0, got -1"),
        ({"train": ([1, 2], [3, 4])}, r"Task\.train as a tuple must hold tensors \(inputs, targets\), got \('list', 'list'\)"),
        ({"valid": ()}, r"Task\.valid as a tuple must hold tensors"),
        ({"valid": (TRAIN[0], TRAIN[1][:7])}, r"Task\.valid: all tensors must have the same first dimension"),
        ({"test": 5}, r"Task\.test must be a Dataset, a tuple of tensors, or a maker .*, got int"),
        ({"valid": None}, r"Task\.valid must be a Dataset, a tuple of tensors, or a maker .*, got NoneType"),
        ({"train": Stream()}, r"Task\.train: an iterable-style Dataset has no length"),
        ({"valid": Unsized()}, r"Task\.valid: an iterable-style Dataset has no length"),
        ({"valid": (TRAIN[0][:0], TRAIN[1][:0])}, r"Task\.valid must hold at least one example, got an empty one"),
        ({"train": TensorDataset(TRAIN[0][:0])}, r"Task\.train must hold at least one example, got an empty one"),
    ],
)
def test_fields_that_do_not_go_together(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        make_task(**changes)


class TestSizes:
    @pytest.mark.parametrize("train", [TRAIN, TensorDataset(*TRAIN), Pairs()])
    def test_data_say_how_many_they_are(self, train: object) -> None:
        task = make_task(train=train)
        assert (task.n_train, task.n_valid, size_of(task.test)) == (200, 60, 40)

    def test_makers_do_not(self) -> None:
        task = make_task(train=maker, valid=maker, examples_per_epoch=1000)
        assert (task.n_train, task.n_valid) == (1000, None)

    def test_a_full_training_in_epochs(self) -> None:
        task = make_task(epochs=5)
        assert (task.full_training_examples, task.full_epochs) == (1000.0, 5.0)
        assert [task.steps_at(size) for size in (1, 32, 200)] == [1000, 31, 5]

    def test_a_full_training_in_steps_is_counted_at_the_users_batch_size(self) -> None:
        assert make_task(epochs=None, steps=100).full_training_examples == 6400
        task = make_task(epochs=None, steps=100, current=Settings(batch_size=20))
        assert (task.full_training_examples, task.steps_at(20), task.steps_at(40)) == (2000.0, 100, 50)

    def test_the_usual_batch_is_no_larger_than_the_data(self) -> None:
        assert make_task().reference_batch_size == 64
        assert make_task(train=(TRAIN[0][:10], TRAIN[1][:10])).reference_batch_size == 10


class TestNames:
    def test_what_has_a_name(self) -> None:
        task = make_task(optimizer="adamw", schedule="cosine")
        assert (task.optimizer_name, task.schedule_name) == ("adamw", "cosine")

    def test_what_is_the_users_own(self) -> None:
        task = make_task(optimizer=lambda groups, _settings: torch.optim.SGD(groups), schedule=lambda step, total: step / total)
        assert (task.optimizer_name, task.schedule_name) == ("custom", "task")

    def test_the_goal_knows_its_direction(self) -> None:
        assert not make_task().goal_is_higher_better
        assert make_task(goal="accuracy").goal_is_higher_better

    def test_a_task_is_a_record(self) -> None:
        task: Task = make_task()
        with pytest.raises(AttributeError):
            task.epochs = 7  # type: ignore[misc]
