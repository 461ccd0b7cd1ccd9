"""What fits: the most examples that go forward, back and through an optimizer step at once. The total batch size is a knob; this is plumbing."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import torch

from tunesmith.engine.device import pinned_threads, resolve_device
from tunesmith.engine.largest import LargestBatches
from tunesmith.engine.limit import LimitSearch
from tunesmith.engine.memory import DeviceMemory, memory_of
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.trial import Trial
from tunesmith.engine.user_code import user_code
from tunesmith.errors import InputError, TaskError
from tunesmith.settings import Json
from tunesmith.task import Task

DEFAULT_MARGIN = 0.1
"""Share that stays free: memory also goes to fragments, to evaluation and to neighbours (our choice)."""
LEAST_ALLOWANCE = 12
"""Examples without which nothing can be measured: one that alone does not go through, four updates of two, and some to spare (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What fits, and what it cost to learn it.

    Attributes:
        largest: Examples that may go through at once, the margin taken off.
        smallest: Fewest examples that go through at once; 2 where one alone does not, as with BatchNorm.
        cap: Size beyond which nothing was tried: what was asked for, the training set, or `Task.micro_batch_size`.
        is_capped: `largest` is not limited by memory as far as the cap, so more may fit.
        is_measured: Whether an update of `largest` examples, or of more, went through; False: it follows from the bytes of smaller sizes, see `find_fit`.
        margin: Share that was taken off.
        went_through: Largest size that was tried and went through.
        failed_at: Smallest size that was tried and ran out of memory; None where none did.
        limit_bytes: Memory that could be used on top of what was in use before.
        bytes_at: Batch size → most bytes in use during an update, beyond what was in use before: network, optimizer and data included.
        trained_examples: Examples forward and backward, those of failed attempts included.
        has_equal_shapes: Whether all examples that were looked at have the same shapes; None where a batch maker hides them.
        notes: What the user should know, a sentence each.
    """

    largest: int
    smallest: int
    cap: int
    is_capped: bool
    is_measured: bool
    margin: float
    went_through: int
    failed_at: int | None
    limit_bytes: int
    bytes_at: dict[int, int]
    trained_examples: int
    has_equal_shapes: bool | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        """A JSON object."""
        data = dataclasses.asdict(self)
        return data | {"bytes_at": {str(size): count for size, count in self.bytes_at.items()}, "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        fields = dict(data)
        fields["bytes_at"] = {int(size): count for size, count in data["bytes_at"].items()}
        fields["notes"] = tuple(data["notes"])
        return cls(**fields)


def find_fit(
    task: Task,
    *,
    device: str = "cpu",
    cap: int,
    margin: float = DEFAULT_MARGIN,
    seed: int = 0,
    memory: DeviceMemory | None = None,
    most_examples: int | None = None,
) -> Fit:
    """The most examples of `task` that can go through its network at once.

    An attempt is one update of a throw-away network with its optimizer's state in place, in the task's precision, on a batch at the largest shapes that
    the data gives (`LargestBatches`). Networks are not compiled here, and evaluation and processes of a loader are not in it.

    CUDA: sizes double until one runs out of memory or the cap is reached, then the gap is halved until it is at most 5 %. The margin is taken off the
    smallest size that failed: `largest` went through or is smaller than what did, and lies at most `margin` (5 % where that is more) below the true limit.
    CPU: running out ends the process, so memory is measured at doubling sizes, and a straight line through the largest two says what the next would take
    (or the line from what does not depend on the size, if that is steeper). Nothing is tried that is foretold to leave less than `margin` of the available
    memory free; `largest` is the size that the line gives for the rest, tried in its turn. Two updates a size, because the heap has holes.
    Where `most_examples` would be passed, the search ends, and what was found so far decides: the line, or the largest that went through below a failure.

    Costs the examples that it says. Leaves no trace: generators come back bit for bit, the network is its own; but the highest memory use that torch.cuda
    keeps, or on Linux the system, is reset.

    Args:
        task: Whose network and data.
        device: "auto", or as torch spells it.
        cap: Largest size wanted, ≥ 1; clipped to the training set and to `Task.micro_batch_size`, which is trusted unless there is a
            sign against it.
        margin: Share that must stay free, in [0, 1). Default .1: our choice.
        seed: Of the throw-away network and of the data order.
        memory: How memory is measured; None for that of the device.
        most_examples: Examples that all attempts together may cost, ≥ 12; None for no bound.

    Raises:
        InputError: A cap, margin or `most_examples` out of range, or a device whose memory cannot be measured.
        TaskError: Not even the smallest batch goes through, or not the task's own micro-batch, or a maker does not heed the size it is called with.
        UserCodeError: The task's own code raised.

    Example:
        >>> from torch import nn
        >>> pairs = (torch.zeros(64, 3), torch.zeros(64, 1))
        >>> task = Task(model=lambda: nn.Linear(3, 1), train=pairs, valid=pairs, loss=nn.functional.mse_loss, epochs=1)
        >>> fit = find_fit(task, cap=32)
        >>> fit.largest, fit.is_capped, list(fit.bytes_at)
        (32, True, [1, 2, 4, 8, 16, 32])
    """
    _check(cap=cap, margin=margin, most_examples=most_examples)
    torch_device = resolve_device(device)
    memory = memory or memory_of(torch_device)
    memory.release()
    try:
        with isolated_rng(child_seed(seed, "init"), torch_device), user_code():
            return _find(task, memory, device=torch_device, cap=cap, margin=margin, seed=seed, most_examples=most_examples)
    finally:
        memory.release()  # here no frame holds the network any more


def micro_batch_size(batch_size: int, *, largest: int, smallest: int = 1) -> int | None:
    """Examples that go through at once so that `batch_size` is made of as few, nearly equal parts as fit; None where it goes through at once.

    The largest divisor, if it makes at most twice as many parts as needed: batch makers take no other. Else the size whose last part is fullest (our choice).

    Args:
        batch_size: The total.
        largest: Examples that may go through at once.
        smallest: Fewest examples that can, see `Fit.smallest`.

    Raises:
        InputError: No size from `smallest` to `largest` leaves a last part of at least `smallest`.

    Example:
        >>> [micro_batch_size(size, largest=100) for size in (100, 256, 254, 202)]
        [None, 64, 85, 68]
    """
    if batch_size <= largest:
        return None
    rest = {micro: batch_size % micro or micro for micro in range(smallest, largest + 1)}
    sizes = [micro for micro in sorted(rest, reverse=True) if rest[micro] >= smallest]
    if not sizes:
        raise InputError(
            f"A batch must be made of micro-batches of {smallest} to {largest} examples, got batch_size {batch_size}, which leaves fewer for the last. "
            "Change batch_size by one."
        )
    usual = [micro for micro in sizes if 2 * micro > largest] or sizes
    divisors = [micro for micro in usual if rest[micro] == micro]
    return divisors[0] if divisors else max(usual, key=lambda micro: rest[micro] / micro)


def _check(*, cap: int, margin: float, most_examples: int | None) -> None:
    if cap < 1:
        raise InputError(f"The largest batch to try must be ≥ 1, got {cap}. Pass the largest batch size that you would use.")
    if not 0 <= margin < 1:
        raise InputError(f"The share of memory that stays free must be in [0, 1), got {margin}. Pass a fraction such as 0.1.")
    if most_examples is not None and most_examples < LEAST_ALLOWANCE:
        raise InputError(f"What fits cannot be measured with fewer than {LEAST_ALLOWANCE} examples, got {most_examples}. Set Task.micro_batch_size instead.")


def _find(task: Task, memory: DeviceMemory, *, device: torch.device, cap: int, margin: float, seed: int, most_examples: int | None) -> Fit:
    base_bytes = memory.used_bytes()
    batches = LargestBatches(task, device=device, seed=seed)
    try:
        model = task.model().to(device).train()
    except torch.OutOfMemoryError:
        raise TaskError("The network alone must fit into the device's memory, and it ran out. Use a smaller one.") from None
    with pinned_threads(model, device):
        trial = Trial(task, model, batches, memory=memory, base_bytes=base_bytes, device=device)
        cap = min(cap, task.n_train, task.micro_batch_size or cap)
        search = LimitSearch(trial, memory, base_bytes=base_bytes, cap=cap, margin=margin, most_examples=most_examples)
        first = batches.fixed_size or 1
        if first > cap:
            raise InputError(f"The largest batch to try must be at least the {first} examples that the task's batch maker yields, got {cap}. Raise it.")
        needed_examples = 2 * trial.cost_of(first)
        if most_examples is not None and needed_examples > most_examples:
            raise InputError(
                f"To measure what fits at batches of {first}, {needed_examples} examples are needed, and {most_examples} are allowed. Raise the budget."
            )
        search.begin(first)
        search.double()
        search.halve_the_gap()
        search.approach()
    largest = search.largest(trusts_cap=cap == task.micro_batch_size)
    if task.micro_batch_size == cap > largest:
        raise TaskError(
            f"Task.micro_batch_size must fit into the device's memory with {margin:.0%} to spare, got {cap}, and {largest} do. "
            f"Lower it to {largest}, or leave it out."
        )
    return Fit(
        largest=largest,
        smallest=search.smallest,
        cap=cap,
        is_capped=largest == cap,
        is_measured=largest <= search.went_through,
        margin=margin,
        went_through=search.went_through,
        failed_at=search.failed_at,
        limit_bytes=search.limit_bytes,
        bytes_at=trial.bytes_at,
        trained_examples=trial.trained_examples,
        has_equal_shapes=batches.has_equal_shapes,
        notes=tuple(note for note in (batches.note, search.note) if note),
    )
