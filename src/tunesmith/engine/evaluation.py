"""Validation and test: means over a fixed slice, BatchNorm statistics re-estimated on copies, and no trace left."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import count_examples
from tunesmith.engine.precision import in_precision
from tunesmith.engine.seeds import isolated_rng
from tunesmith.engine.steps import evaluation_step, training_step
from tunesmith.errors import TaskError
from tunesmith.task import Data, Task

BATCH_NORM = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 (torch has no public name for it)

NORM_STATISTICS_EXAMPLES = 512
"""Training examples that BatchNorm statistics are re-estimated from, at least two batches (our choice)."""
_EVALUATION_SEED = 1


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Means over a slice.

    Attributes:
        values: "loss" and the metrics by name.
        examples: Examples forward that it cost.
    """

    values: dict[str, float]
    examples: int


class Evaluator:
    """Evaluates one network of a task, the same slices in the same batches at each call.

    Args:
        task: Whose steps and metrics.
        device: Where the network computes.
        batch_size: Of the training, for BatchNorm statistics.
        data: The task's batches, where they are shared with a training.
    """

    def __init__(self, task: Task, *, device: torch.device, batch_size: int, data: TaskBatches | None = None) -> None:
        self._task = task
        self._data = TaskBatches(task, device=device) if data is None else data
        self._device = device
        self._batch_size = batch_size
        self._evaluate_batch = in_precision(evaluation_step(task), task, device=device)
        self._train_batch = in_precision(training_step(task), task, device=device)

    def evaluate(self, model: nn.Module, data: Data, *, n_examples: int | None = None, reestimates_norm: bool = False) -> Evaluation:
        """Means of loss and metrics over the first slice of `data`.

        Args:
            model: Left as it was: modes, buffers and all.
            data: The task's validation or test data.
            n_examples: Size of the slice; None for all of it.
            reestimates_norm: Whether BatchNorm uses statistics of the weights as they are now (METHOD, trap 5).

        Raises:
            TaskError: No example, or a step that does not return {"loss": (sum, count), …}.
        """
        modes = {module: module.training for module in model.modules()}
        try:
            with torch.no_grad(), isolated_rng(_EVALUATION_SEED, self._device):
                model.eval()
                norms = [module for module in model.modules() if isinstance(module, BATCH_NORM) and module.track_running_stats]
                if not (reestimates_norm and norms):
                    return self._means(model, data, n_examples)
                with _copied_statistics(norms):
                    extra = self._reestimate(model, norms)
                    found = self._means(model, data, n_examples)
                    return Evaluation(values=found.values, examples=found.examples + extra)
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _reestimate(self, model: nn.Module, norms: list[nn.modules.batchnorm._BatchNorm]) -> int:
        for norm in norms:
            norm.train()
        examples = 0
        wanted = min(max(NORM_STATISTICS_EXAMPLES, 2 * self._batch_size), self._task.n_train)
        for batch in self._data.for_evaluation(self._task.train, n_examples=wanted, batch_size=self._batch_size):
            count = count_examples(batch)
            if count == 1 and examples:  # what is left over: one example has no variance
                continue
            self._train_batch(model, batch)
            examples += count
        for norm in norms:
            norm.eval()
        return examples

    def _means(self, model: nn.Module, data: Data, n_examples: int | None) -> Evaluation:
        sums: dict[str, list[float | Tensor]] = {}
        counts: dict[str, list[float | Tensor]] = {}
        examples = 0
        for batch in self._data.for_evaluation(data, n_examples=n_examples):
            examples += count_examples(batch)
            for name, (total, count) in _checked(self._evaluate_batch(model, batch)).items():
                sums.setdefault(name, []).append(total)
                counts.setdefault(name, []).append(count)
        if not examples:
            raise TaskError("Validation and test data must yield at least one batch, and yielded none. Look at the maker, or at how the data is split.")
        return Evaluation(values={name: _mean(name, sums=sums[name], counts=counts[name]) for name in sums}, examples=examples)


def _checked(found: object) -> Mapping[str, tuple[float | Tensor, float | Tensor]]:
    is_right = isinstance(found, Mapping) and "loss" in found and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in found.values())  # noqa: PLR2004 (a pair)
    if not isinstance(found, Mapping) or not is_right:
        raise TaskError(
            f"Task.evaluation_step must return {{'loss': (sum, count), …}}, got {type(found).__name__}: {str(found)[:80]}. Return a pair for each name."
        )
    for name, pair in found.items():
        for part in pair:
            if isinstance(part, Tensor) and part.numel() != 1:
                raise TaskError(
                    f"Loss and metrics must be a single number, and {name!r} is of shape {tuple(part.shape)}. Take the mean, or in evaluation_step the sum."
                )
    return found


def _mean(name: str, *, sums: list[float | Tensor], counts: list[float | Tensor]) -> float:
    count = _total(counts)
    if not count > 0:
        raise TaskError(f"Task.evaluation_step must count at least one example for {name!r} in the whole slice, and counted {count:g}.")
    return _total(sums) / count


def _total(parts: list[float | Tensor]) -> float:
    # Summed once for the whole slice, and in double precision, so that the batch size of the evaluation hardly matters.
    return float(torch.stack([torch.as_tensor(part).detach().double().cpu() for part in parts]).sum())


@contextmanager
def _copied_statistics(norms: list[nn.modules.batchnorm._BatchNorm]) -> Generator[None]:
    """BatchNorm modules with a cumulative average in fresh buffers; their own buffers and momentum come back untouched."""
    kept = [(norm, norm.momentum, list(norm.named_buffers(recurse=False))) for norm in norms]
    try:
        for norm, _, buffers in kept:
            for name, buffer in buffers:
                setattr(norm, name, buffer.clone())
            norm.momentum = None
            norm.reset_running_stats()
        yield
    finally:
        for norm, momentum, buffers in kept:
            norm.momentum = momentum
            for name, buffer in buffers:
                setattr(norm, name, buffer)
