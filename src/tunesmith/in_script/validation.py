"""Validation inside a sweep at a known price: how large the slice is, how often it is evaluated, and that it never costs more than its share."""

import dataclasses
from collections.abc import Generator, Iterable
from contextlib import contextmanager

import torch
from torch import nn

from tunesmith.cost import FORWARD_SHARE
from tunesmith.engine.evaluation import BATCH_NORM, NORM_STATISTICS_EXAMPLES, Evaluator
from tunesmith.engine.order import SLICE_SEED
from tunesmith.engine.seeds import isolated_rng
from tunesmith.errors import InputError, TaskError
from tunesmith.in_script.sources import Sources
from tunesmith.in_script.valid_slice import ValidSlice
from tunesmith.task import Batch, Task

EVALUATIONS = 25
"""Evaluations in one sweep where the price allows (our choice: as `tunesmith lr-range`)."""
VALID_SHARE = 0.25
"""What all evaluations may cost, as a share of the updates' cost, an example forward counting a third (our choice: a fifth of the whole)."""
_SMALLEST_SLICE = 64
"""Before a slice gets smaller than this there are fewer evaluations (our choice)."""
_RESERVE = 0.05
"""Share of the price kept back, since the last batch of a pass may be smaller (our choice)."""


class Validation:
    """Evaluates a fixed slice after every so many training examples.

    Args:
        model: The network.
        loader: The script's validation loader.
        task: Its steps and precision.
        device: Where the network computes.
        share: Most that all evaluations may cost, as a share of the updates' cost.
        evaluations: How many there should be.
    """

    def __init__(self, model: nn.Module, loader: Iterable[Batch], *, task: Task, device: torch.device, share: float, evaluations: int) -> None:
        self._model, self._loader, self._task, self._device = model, loader, task, device
        self._share, self._evaluations = share, evaluations
        self._sources = Sources((loader,))
        norms = [module for module in model.modules() if isinstance(module, BATCH_NORM) and module.track_running_stats]
        self._reestimates_norm = bool(norms) and all(norm.training for norm in norms)  # frozen statistics are those that the script trains with
        self._norm_batches: list[Batch] = []
        self._norm_examples = 0
        self._wanted_norm_examples = 0
        self._evaluator: Evaluator | None = None
        self._every_examples = self._next_at = 0.0
        self._one_evaluation = 0
        self.examples = 0

    def plan(self, *, batch_size: int, steps: int) -> None:
        """Fix slice and cadence, now that the size of an update is known."""
        allowed = self._share * (1 - _RESERVE) * steps * batch_size / FORWARD_SHARE  # examples forward
        each = allowed / self._evaluations
        norm = min(NORM_STATISTICS_EXAMPLES, max(2 * batch_size, int(each / 2))) if self._reestimates_norm else 0
        size = max(_SMALLEST_SLICE, int(each) - norm)
        evaluations = max(1, min(self._evaluations, int(allowed / (norm + size))))
        with self._rewound(), isolated_rng(SLICE_SEED, self._device):
            piece = ValidSlice(self._loader, n_examples=size)
        self._task = dataclasses.replace(
            self._task, train=lambda _size, _generator: self._norm_batches, valid=lambda _size, _generator: piece.batches(), examples_per_epoch=max(1, norm)
        )
        self._evaluator = Evaluator(self._task, device=self._device, batch_size=batch_size)
        self._wanted_norm_examples, self._one_evaluation = norm, norm + size
        self._every_examples = self._next_at = steps * batch_size / evaluations

    def see(self, micro_batches: list[Batch], *, examples: int) -> None:
        """Keep the first training batches: BatchNorm statistics are re-estimated from them."""
        if self._norm_examples < self._wanted_norm_examples:
            self._norm_batches += micro_batches
            self._norm_examples += examples

    def is_due(self, *, trained_examples: int, is_last: bool) -> bool:
        """Whether to evaluate now: it is time for it, and the updates so far have paid for it."""
        is_time = is_last or trained_examples >= self._next_at * (1 - 1e-9)
        return is_time and FORWARD_SHARE * (self.examples + self._one_evaluation) <= self._share * trained_examples

    def evaluate(self) -> dict[str, float]:
        """Means over the slice: "loss", and whatever else the evaluation step gives.

        Raises:
            InputError: A slice that is empty or changes, or an evaluation step that does not return what it must.
        """
        if self._evaluator is None:
            raise InputError("Validation must be planned before it is evaluated. Call plan() first.")
        self._next_at += self._every_examples
        try:
            with self._rewound():
                found = self._evaluator.evaluate(self._model, self._task.valid, reestimates_norm=self._reestimates_norm)
        except TaskError as error:
            raise InputError(str(error).replace("Task.", "")) from error  # a script has no Task
        self._one_evaluation = found.examples
        self.examples += found.examples
        return found.values

    @contextmanager
    def _rewound(self) -> Generator[None]:
        """The loader as it stood at first, so that every pass draws the same; afterwards as it stands now, since training may read the same data."""
        stood = Sources((self._loader,))
        try:
            self._sources.restore()
            yield
        finally:
            stood.restore()
