"""What a method is given, and what it hands back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler, TensorDataset

from benchmarks.proof.space import Space, space_of, steps_at
from benchmarks.proof.tasks import BenchTask
from benchmarks.proof.training import Training, by_settings, train
from tunesmith.cost import Cost
from tunesmith.engine.seeds import child_seed
from tunesmith.settings import Settings
from tunesmith.task import Data, Task

RESULTS = Path(__file__).parents[1] / "results"
TIME_MODELS = (RESULTS / "batch" / "time_models", RESULTS / "kept_apart" / "batch" / "time_models")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a method commits itself to.

    Attributes:
        settings: What to train with: `Settings.to_dict()` for the bare loop, or whatever the method's own `train` understands. JSON.
        total_steps: Updates of the training.
        batch_size: Examples an update.
        search: Cost before this was chosen, in full trainings. None: what the problem's meter shows at the end.
        final: Cost of what comes after the search, in full trainings: for a peer its final training. None: `total_steps * batch_size` examples.
        note: What a reader should know: an outcome, a warning of the peer's.
        interval: Where the method says that the validation loss of one new training ends, in nine of ten cases; None where it says nothing.
    """

    settings: dict[str, Any]
    total_steps: int
    batch_size: int
    search: float | None = None
    final: float | None = None
    note: str = ""
    interval: list[float] | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        total_steps: int,
        search: float | None = None,
        final: float | None = None,
        note: str = "",
        interval: list[float] | None = None,
    ) -> "Choice":
        """The choice of `settings`, to be trained by the bare loop."""
        return cls(
            settings=settings.to_dict(), total_steps=total_steps, batch_size=settings.batch_size, search=search, final=final, note=note, interval=interval
        )


@dataclass
class Problem:
    """A task as a method sees it: no test set, and a meter that runs.

    Attributes:
        task: The task, its test set taken out.
        untuned: What one starts with, and the defaults for whatever a method does not tune.
        spent: What the method's search has cost so far.
        time_model: Seconds of an update at each batch size, committed, so that no row depends on the load of a day; None where there are none.
    """

    task: Task
    untuned: Settings
    spent: Cost = field(default_factory=Cost)
    time_model: Path | None = None

    @classmethod
    def of(cls, bench_task: BenchTask) -> "Problem":
        """The problem that a task of the bench poses."""
        times = next((path for folder in TIME_MODELS if (path := folder / f"{bench_task.name}.json").exists()), None)
        return cls(bench_task.without_test, bench_task.untuned, time_model=times)

    @cached_property
    def space(self) -> Space:
        """What random search and Optuna draw from."""
        return space_of(self.task)

    @property
    def spent_trainings(self) -> float:
        """What the search has cost so far, in full trainings."""
        return self.in_trainings(self.spent)

    def in_trainings(self, cost: Cost) -> float:
        """A cost in full trainings: forward and backward counts 1, forward alone 1/3."""
        return cost.full_trainings(full_training_examples=self.task.full_training_examples)

    def steps_at(self, batch_size: int, *, share: float = 1.0) -> int:
        """Updates of `share` of a full training; at least one."""
        return steps_at(self.task, batch_size, share=share)

    def search_training(self, settings: Settings, *, share: float = 1.0, seed: int, should_stop: Callable[[int, float], bool] | None = None) -> Training:
        """A training of the search by the bare loop, metered; `should_stop` as in `training.train`."""
        setup, steps = by_settings(self.task, settings), self.steps_at(settings.batch_size, share=share)
        _, found = train(self.task, setup, batch_size=settings.batch_size, total_steps=steps, seed=seed, should_stop=should_stop)
        self.spent += found.cost
        return found

    def new_model(self, seed: int) -> nn.Module:
        """A fresh network; also seeds torch's global generator."""
        torch.manual_seed(child_seed(seed, "init"))
        model = self.task.model()
        torch.manual_seed(child_seed(seed, "rest"))
        return model

    def torch_optimizer(self, model: nn.Module, *, lr: float) -> Optimizer:
        """The task's optimizer as torch makes it for all parameters: momentum .9 for SGD, torch's defaults for all the rest."""
        name = self.task.optimizer
        if name in {"sgd", "nesterov"}:
            return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=name == "nesterov")
        return (torch.optim.Adam if name == "adam" else torch.optim.AdamW)(model.parameters(), lr=lr)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The task's loss, as a peer takes it.

        Raises:
            TypeError: The task has steps of its own in the place of a loss, which no peer understands.
        """
        if self.task.loss is None:
            raise TypeError("A peer needs Task.loss=(output, target) -> mean loss, and this task has a training_step. Write the task with a loss.")
        return self.task.loss(output, target)

    def loaders(self, batch_size: int, seed: int) -> tuple[DataLoader, DataLoader]:
        """Training (shuffled, full batches only) and validation data as ordinary loaders of (input, target) batches."""
        return _loader(self.task.train, batch_size, seed=seed), _loader(self.task.valid, 256, seed=None)

    @contextmanager
    def metered(self, model: nn.Module) -> Iterator[None]:
        """Count every example that goes through `model` meanwhile into `spent`: with gradients as trained, without as evaluated."""
        started = time.process_time()

        def count(_model: nn.Module, inputs: tuple[Any, ...]) -> None:
            examples = len(inputs[0])
            self.spent += Cost(trained_examples=examples) if torch.is_grad_enabled() and model.training else Cost(evaluated_examples=examples)

        handle = model.register_forward_pre_hook(count)
        try:
            yield
        finally:
            handle.remove()
            self.spent += Cost(seconds=time.process_time() - started)


def _loader(data: Data, batch_size: int, *, seed: int | None) -> DataLoader:
    if isinstance(data, tuple):
        data = TensorDataset(*data)
    if not isinstance(data, Dataset):
        raise TypeError("A peer needs data with a length, and this task has a batch maker. Write the task with tensors or a Dataset.")
    if seed is None:
        return _indexed(data, BatchSampler(SequentialSampler(data), batch_size, drop_last=False))
    sampler = RandomSampler(data, generator=torch.Generator().manual_seed(child_seed(seed, "order")))
    return _indexed(data, BatchSampler(sampler, batch_size, drop_last=True))


def _indexed(data: Dataset[Any], batches: BatchSampler) -> DataLoader:
    """A whole batch is indexed at once where the data can: a peer is not to be slow because of collating 64 rows one by one."""
    if isinstance(data, TensorDataset):
        return DataLoader(data, sampler=batches, batch_size=None)
    return DataLoader(data, batch_sampler=batches)
