"""Validation and test: means over a fixed slice, BatchNorm statistics re-estimated on copies, and no trace left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tunesmith.engine.data import evaluation_batches
from tunesmith.engine.device import count_examples
from tunesmith.engine.seeds import isolated_rng
from tunesmith.engine.steps import autocast, evaluation_step, training_step
from tunesmith.errors import TaskError
from tunesmith.task import Data, Task

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
    """Evaluates one network of a task, the same slices in the same batches at each call."""

    def __init__(self, task: Task, *, device: torch.device, batch_size: int) -> None:
        self._task = task
        self._device = device
        self._batch_size = batch_size
        self._step = evaluation_step(task)
        self._train_step = training_step(task)

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
                norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats]  # noqa: SLF001 (torch has no public name)
                if not (reestimates_norm and norms):
                    return self._means(model, data, n_examples)
                with _copied_statistics(norms):
                    extra = self._reestimate(model, norms)
                    found = self._means(model, data, n_examples)
                    return Evaluation(values=found.values, examples=found.examples + extra)
        finally:
            for module, mode in modes.items():
                module.training = mode

    def _reestimate(self, model: nn.Module, norms: list[nn.Module]) -> int:
        for norm in norms:
            norm.train()
        examples = 0
        wanted = min(max(NORM_STATISTICS_EXAMPLES, 2 * self._batch_size), self._task.n_train)
        for batch in evaluation_batches(self._task, self._task.train, n_examples=wanted, device=self._device, batch_size=self._batch_size):
            with autocast(self._task, self._device):
                self._train_step(model, batch)
            examples += count_examples(batch)
        for norm in norms:
            norm.eval()
        return examples

    def _means(self, model: nn.Module, data: Data, n_examples: int | None) -> Evaluation:
        sums: dict[str, list[float | Tensor]] = {}
        counts: dict[str, float] = {}
        examples = 0
        for batch in evaluation_batches(self._task, data, n_examples=n_examples, device=self._device):
            with autocast(self._task, self._device):
                found = self._step(model, batch)
            examples += count_examples(batch)
            for name, (total, count) in _checked(found).items():
                sums.setdefault(name, []).append(total)
                counts[name] = counts.get(name, 0.0) + float(count)
        if not examples:
            raise TaskError("Validation and test data must yield at least one batch, and yielded none. Look at the maker, or at how the data is split.")
        return Evaluation(values={name: _total(parts) / counts[name] for name, parts in sums.items()}, examples=examples)


def _checked(found: object) -> dict[str, tuple[float | Tensor, float | Tensor]]:
    if isinstance(found, dict) and "loss" in found and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in found.values()):  # noqa: PLR2004 (a pair)
        return found
    raise TaskError(f"Task.evaluation_step must return {{'loss': (sum, count), …}}, got {type(found).__name__}: {str(found)[:80]}.")


def _total(parts: list[float | Tensor]) -> float:
    # One sync for the whole slice, in double precision so that the batch size of the evaluation hardly matters.
    return float(torch.stack([torch.as_tensor(part).detach().double().cpu() for part in parts]).sum())


@contextmanager
def _copied_statistics(norms: list[nn.Module]) -> Iterator[None]:
    """BatchNorm modules with a cumulative average in fresh buffers; their own buffers and momentum come back untouched."""
    kept = [(norm, norm.momentum, dict(norm._buffers)) for norm in norms]  # noqa: SLF001 (swapping buffers is the point)
    try:
        for norm in norms:
            for name, buffer in norm._buffers.items():  # noqa: SLF001 (see above)
                norm._buffers[name] = None if buffer is None else buffer.clone()  # noqa: SLF001 (see above)
            norm.momentum = None
            norm.reset_running_stats()
        yield
    finally:
        for norm, momentum, buffers in kept:
            norm.momentum = momentum
            norm._buffers.update(buffers)  # noqa: SLF001 (see above)
