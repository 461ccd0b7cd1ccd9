"""A throw-away network that updates are tried with: does a batch of this size go through, and how much memory does it take."""

import math

import torch
from torch import Tensor, nn

from tunesmith.engine.ema import WeightAverage
from tunesmith.engine.largest import LargestBatches, tensor_bytes
from tunesmith.engine.memory import DeviceMemory, is_out_of_memory
from tunesmith.engine.precision import in_precision
from tunesmith.engine.steps import training_step
from tunesmith.optimizers import default_param_groups, make_optimizer
from tunesmith.settings import Settings
from tunesmith.task import Task

_NO_LR = 1e-12


class Trial:
    """Updates of one network, whose optimizer keeps its state from one to the next.

    Gradients stay allocated too, as they do between the micro-batches of one update: without them a batch that goes through alone might not as a part.
    fp16's loss is not scaled here: that takes no memory, and an overflow would leave the optimizer without state.

    Args:
        task: What is trained.
        model: A network of the task's, on the device; it is used up.
        batches: Where batches come from.
        memory: Of the device.
        base_bytes: What was in use before network and data.

    Attributes:
        bytes_at: Batch size → most bytes in use during an update beyond `base_bytes`, of sizes that went through.
        trained_examples: Examples of all attempts.
    """

    def __init__(self, task: Task, model: nn.Module, batches: LargestBatches, *, memory: DeviceMemory, base_bytes: int, device: torch.device) -> None:
        self._clip_grad_norm, self._model, self._batches, self._memory, self._base_bytes = task.clip_grad_norm, model, batches, memory, base_bytes
        self._loss_of = in_precision(training_step(task), task, device=device)
        self._optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), Settings(lr=_NO_LR, momentum=0.9))
        self._average = WeightAverage(model, decay=task.ema)
        self._example_bytes, self._kept_bytes = 0.0, 0
        self.bytes_at: dict[int, int] = {}
        self.trained_examples = 0

    def goes_through(self, size: int) -> bool:
        """Try a size; False where memory ran out. Nothing of the attempt stays in memory, but where another exception goes on to the caller."""
        went_through = False
        self._memory.reset_peak()
        try:
            for _ in range(self._memory.updates_to_settle):
                self._update(size)
            went_through = True
        except Exception as error:
            if not is_out_of_memory(error, smaller_went_through=bool(self.bytes_at)):
                raise
        # Only here is the exception gone, and with its traceback the tensors of the frames that it came through.
        peak_bytes = self._memory.peak_bytes()
        self._optimizer.zero_grad(set_to_none=False)
        self._memory.release()
        if went_through:
            self.bytes_at[size] = max(0, peak_bytes - self._base_bytes)
            self._kept_bytes = self._memory.used_bytes() - self._base_bytes
        return went_through

    def cost_of(self, size: int) -> int:
        """Examples that trying a size costs."""
        return size * self._memory.updates_to_settle

    def foretell(self, size: int) -> float:
        """Bytes that an update of `size` examples would take."""
        largest = max(self.bytes_at)
        return self.bytes_at[largest] + self._bytes_per_example() * (size - largest)

    def most_within(self, limit_bytes: float) -> int:
        """Largest size that is foretold to take at most `limit_bytes`."""
        largest = max(self.bytes_at)
        return math.floor(largest + (limit_bytes - self.bytes_at[largest]) / self._bytes_per_example())

    def _bytes_per_example(self) -> float:
        """Slope of a straight line through the largest two sizes, or from what does not depend on the size to the largest, if that is steeper.

        The second alone where there is one size, or where the highest use cannot be set back. No less than the examples themselves take.
        """
        *smaller, largest = sorted(self.bytes_at)
        growth = (self.bytes_at[largest] - self.bytes_at[smaller[-1]]) / (largest - smaller[-1]) if smaller else 0.0
        growth = max(growth, (self.bytes_at[largest] - self._fixed_bytes()) / largest)
        if growth <= 0:  # the fixed part was in use before, so it is not in what was measured
            growth = self.bytes_at[largest] / largest
        return max(growth, self._example_bytes, 1.0)

    def _fixed_bytes(self) -> int:
        """Bytes that do not depend on the size: what stays between updates, at least weights, gradients and the optimizer's state."""
        weights = list(self._model.parameters())
        state = [value for state in self._optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
        return max(self._kept_bytes, sum(map(tensor_bytes, (weights, [weight.grad for weight in weights], state))))

    def _update(self, size: int) -> None:
        self.trained_examples += size
        batch = self._batches.of(size)
        self._example_bytes = tensor_bytes(batch) / size
        self._loss_of(self._model, batch).backward()
        if self._clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._clip_grad_norm)
        self._optimizer.step()
        self._average.update()
