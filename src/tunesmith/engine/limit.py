"""The search for what fits: up by doubling, down by halving the gap, and on the CPU never where memory is foretold to run out."""

import math

from tunesmith.engine.memory import DeviceMemory
from tunesmith.engine.trial import Trial
from tunesmith.engine.user_code import NEEDS_TWO, WITH_NORM
from tunesmith.errors import TaskError, TunesmithError

MOST_GAP = 0.05
"""The search ends when the smallest size that failed is at most this share above the largest that went through (our choice)."""
_MOST_APPROACHES = 2
"""Each is nearer than the one before; a third would gain little (our choice)."""
_WHY_TWO = "BatchNorm needs two examples or more at once"


class LimitSearch:
    """Where the limit lies: between the largest size that went through and the smallest that failed.

    Args:
        trial: What is tried.
        memory: Of the device.
        base_bytes: What was in use before network and data.
        cap: Largest size to try.
        margin: Share that must stay free.
        most_examples: Examples that all attempts together may cost; None for no bound.

    Attributes:
        limit_bytes: What can be used on top of `base_bytes`: the least that was seen.
        smallest: Fewest examples that go through at once.
        went_through, failed_at: Largest size that went through; smallest that ran out of memory, None where none did.
        note: What the user should know of `smallest`; empty where it is 1.
    """

    def __init__(self, trial: Trial, memory: DeviceMemory, *, base_bytes: int, cap: int, margin: float, most_examples: int | None) -> None:
        self._trial, self._memory, self._base_bytes = trial, memory, base_bytes
        self._cap, self._kept_share, self._most_examples = cap, 1 - margin, math.inf if most_examples is None else most_examples
        self.limit_bytes = self._available_bytes()
        self.smallest, self.went_through = 1, 0
        self.failed_at: int | None = None
        self.note = ""
        self._is_spent = False

    def begin(self, size: int) -> None:
        """Find the smallest size that goes through, and leave the optimizer with its state."""
        try:
            goes_through = self._trial.goes_through(size)
        except Exception as error:
            needs_two = NEEDS_TWO in str(error)
            if needs_two and self._cap == 1:
                raise TaskError(f"{WITH_NORM} Raise batch_size or micro_batch_size.") from error
            if isinstance(error, TunesmithError) or size > 1 or self._cap == 1:
                raise
            self.note = f"{_WHY_TWO if needs_two else f'One example alone raises {type(error).__name__}'}: micro-batches of one are not possible."
            goes_through = True
            size = 2
        # Again, or for the first time: from now on an update finds the optimizer's state in place, and what torch loads at its first use.
        for _ in range(2 if self.note else 1):
            goes_through = goes_through and self._trial.goes_through(size)
        if not goes_through:
            raise TaskError(
                f"A batch of {size} must fit into the device's memory, and it ran out. Use a smaller network, smaller inputs or a lower precision "
                "(Task.precision='bf16'); accumulating gradients cannot help."
            )
        self.smallest = self.went_through = size

    def double(self) -> None:
        """Go up until a size fails, must not be tried, or is the cap."""
        while self.failed_at is None and self.went_through < self._cap:
            if not self._try(min(2 * self.went_through, self._cap)):
                return

    def halve_the_gap(self) -> None:
        """Try the middle between what went through and what failed, until the gap is small."""
        while self.failed_at is not None and self.failed_at - self.went_through > max(1, MOST_GAP * self.went_through):
            if not self._try((self.went_through + self.failed_at) // 2):
                return

    def approach(self) -> None:
        """Where nothing failed below the cap: try what is foretold to fit, so that it is not only foretold."""
        for _ in range(_MOST_APPROACHES):
            foretold = min(self._cap, self._trial.most_within(self._kept_share * self.limit_bytes))
            if self.failed_at is not None or foretold <= self.went_through or not self._try(foretold):
                return

    def largest(self, *, trusts_cap: bool) -> int:
        """What may go through at once, from all that was tried; `trusts_cap`: the cap, unless there is a sign against it."""
        kept_bytes = self._kept_share * self.limit_bytes
        if self.failed_at is not None:
            found = min(self.went_through, math.floor(self._kept_share * self.failed_at))
        elif self.went_through < self._cap and not (trusts_cap and self._is_spent):
            found = self._trial.most_within(kept_bytes)
        elif trusts_cap or self._trial.bytes_at[self._cap] <= kept_bytes:
            found = self._cap
        else:
            found = math.floor(self._kept_share * self._cap)
        return max(self.smallest, min(found, self._cap))

    def _try(self, size: int) -> bool:
        """Try a size if that is allowed; False where it is not."""
        self._is_spent = self._trial.trained_examples + self._trial.cost_of(size) > self._most_examples
        if self._is_spent:
            return False
        if not self._memory.raises_when_full:
            self.limit_bytes = min(self.limit_bytes, self._available_bytes())  # a neighbour may have taken some
            if self._trial.foretell(size) > self._kept_share * self.limit_bytes:
                return False
        if self._trial.goes_through(size):
            self.went_through = size
        else:
            self.failed_at = size
        return True

    def _available_bytes(self) -> int:
        """What can be used on top of what was in use at the beginning."""
        return self._memory.available_bytes() + max(0, self._memory.used_bytes() - self._base_bytes)
