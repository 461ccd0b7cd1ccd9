"""What fits: against made-up limits of any size, against a network whose memory is known, and everything that makes it impossible."""

import gc
import itertools
import json
import math
import weakref
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.small import TRAIN, VALID, Pairs, global_rng, make_task, plain_net, rich_net
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

from tunesmith.engine import Fit, find_fit, micro_batch_size
from tunesmith.engine.largest import BATCHES_SEEN, MOST_EXAMPLES_SEEN, elements
from tunesmith.engine.limit import MOST_GAP
from tunesmith.errors import InputError, TaskError, UserCodeError
from tunesmith.task import Task

MIB = 1024**2
PER_EXAMPLE, FIXED = 1000, 5000


class FakeMemory:
    """Memory that holds what a test's network says that it took."""

    def __init__(self, *, raises_when_full: bool, available: int = 10**9) -> None:
        self.raises_when_full = raises_when_full
        self.updates_to_settle = 1 if raises_when_full else 2
        self.total = available
        self.peak = self.used = 0
        self.releases = 0

    def available_bytes(self) -> int:
        return self.total - self.used

    def used_bytes(self) -> int:
        return self.used

    def reset_peak(self) -> None:
        self.peak = 0

    def peak_bytes(self) -> int:
        return self.peak

    def release(self) -> None:
        self.releases += 1


class Sizes:
    """A training step that writes down what it is given, takes memory in proportion, and runs out of it beyond a limit."""

    def __init__(self, memory: FakeMemory, *, limit: float = math.inf, dies: bool = False) -> None:
        self.memory, self.limit, self.dies = memory, limit, dies
        self.seen: list[int] = []

    def __call__(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        size = len(batch[0])
        self.seen.append(size)
        self.memory.used, self.memory.peak = FIXED, FIXED + PER_EXAMPLE * size
        if size > self.limit:
            raise AssertionError("the process would have been killed") if self.dies else torch.OutOfMemoryError("CUDA out of memory.")
        return F.cross_entropy(model(batch[0]), batch[1])


N_MANY = 5000
MANY = (torch.zeros(N_MANY, 1), torch.zeros(N_MANY, dtype=torch.long))


def task_with(step: Callable[[nn.Module, tuple[Tensor, Tensor]], Tensor], **changes: object) -> Task:
    fields: dict[str, object] = {"model": lambda: nn.Linear(1, 2), "train": MANY, "loss": None, "metrics": {}, "training_step": step}
    return make_task(**{**fields, **changes})


@settings(max_examples=50)
@given(limit=st.integers(1, 6000), cap=st.integers(1, 6000), margin=st.sampled_from([0.0, 0.1, 0.3]))
def test_by_failures_any_limit_is_found(limit: int, cap: int, margin: float) -> None:
    memory = FakeMemory(raises_when_full=True)
    step = Sizes(memory, limit=limit)
    fit = find_fit(task_with(step), cap=cap, margin=margin, memory=memory)
    top = min(cap, N_MANY)
    assert fit.cap == top
    assert len(step.seen) <= 2 + math.ceil(math.log2(top)) + math.ceil(math.log2(1 / MOST_GAP))
    assert fit.trained_examples == sum(step.seen)
    assert fit.is_measured
    if limit >= top:
        assert (fit.largest, fit.is_capped, fit.failed_at, fit.went_through) == (top, True, None, top)
        return
    assert fit.failed_at is not None
    assert fit.went_through <= limit < fit.failed_at
    assert fit.failed_at - fit.went_through <= max(1, MOST_GAP * fit.went_through)
    assert math.floor(min(1 - margin, 1 / (1 + MOST_GAP)) * limit) <= fit.largest <= limit  # within the margin of the true limit, and it goes through
    assert fit.largest <= max(1, (1 - margin) * (1 + MOST_GAP) * limit + 1)
    assert not fit.is_capped


@settings(max_examples=50)
@given(limit=st.integers(2, 6000), cap=st.integers(1, 6000), margin=st.sampled_from([0.1, 0.3]), most=st.one_of(st.none(), st.integers(12, 9000)))
def test_by_measured_memory_the_limit_is_never_touched(limit: int, cap: int, margin: float, most: int | None) -> None:
    available = FIXED + PER_EXAMPLE * limit
    memory = FakeMemory(raises_when_full=False, available=available)
    step = Sizes(memory, limit=limit, dies=True)
    fit = find_fit(task_with(step), cap=cap, margin=margin, memory=memory, most_examples=most)
    top = min(cap, N_MANY)
    true_largest = max(1, min(top, math.floor(((1 - margin) * available - FIXED) / PER_EXAMPLE)))
    assert max(step.seen) <= true_largest
    assert fit.largest <= true_largest
    if len(fit.bytes_at) > 1 or true_largest == 1:  # the line is known
        assert fit.largest == true_largest
    assert fit.trained_examples == sum(step.seen) <= (most or math.inf)
    assert fit.is_measured == (fit.went_through == fit.largest)
    assert fit.is_measured or most is not None
    assert fit.is_capped == (fit.largest == top)


def test_a_cap_that_leaves_too_little_free_has_the_margin_taken_off() -> None:
    memory = FakeMemory(raises_when_full=True, available=FIXED + PER_EXAMPLE * 66)
    fit = find_fit(task_with(Sizes(memory, limit=66)), cap=64, memory=memory)
    assert (fit.went_through, fit.largest, fit.is_capped) == (64, 57, False)


def test_the_allowance_ends_a_search_between_two_sizes() -> None:
    memory = FakeMemory(raises_when_full=True)
    step = Sizes(memory, limit=100)
    fit = find_fit(task_with(step), cap=1000, memory=memory, most_examples=260)
    assert step.seen == [1, 1, 2, 4, 8, 16, 32, 64, 128]
    assert (fit.largest, fit.went_through, fit.failed_at, fit.is_measured, fit.trained_examples) == (64, 64, 128, True, 256)


def test_a_neighbour_that_takes_memory_meanwhile() -> None:
    memory = FakeMemory(raises_when_full=False, available=10**6)
    step = Sizes(memory)

    def and_shrink(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        memory.total -= 25_000
        return step(model, batch)

    fit = find_fit(task_with(and_shrink), cap=4096, memory=memory)
    assert fit.limit_bytes < 10**6
    assert FIXED + PER_EXAMPLE * fit.largest <= 0.9 * fit.limit_bytes


def test_a_highest_use_that_cannot_be_set_back_understates_what_fits() -> None:
    memory = FakeMemory(raises_when_full=False, available=100_000)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        memory.peak = 40_000  # more than any update took
        return F.cross_entropy(model(batch[0]), batch[1])

    assert find_fit(task_with(step), cap=4096, memory=memory).went_through == 4096
    foretold = find_fit(task_with(step), cap=4096, memory=memory, most_examples=20)
    assert (foretold.went_through, foretold.largest) == (4, 9)  # as if every example had taken 5,000 of the 40,000 bytes


LAYERS, WIDTH = 6, 2**17
"""At 64 examples an activation has 32 MiB: from there on the C library gives each block a mapping of its own, and its heap has no holes."""


def wide_net() -> nn.Module:
    """Sigmoids keep their outputs."""
    return nn.Sequential(nn.Linear(8, WIDTH, bias=False), *(nn.Sigmoid() for _ in range(LAYERS)), nn.Linear(WIDTH, 3, bias=False))


@pytest.mark.slow
def test_a_real_network_takes_what_its_activations_take() -> None:
    fit = find_fit(make_task(model=wide_net, train=(torch.randn(200, 8), torch.randint(3, (200,)))), cap=64)
    assert list(fit.bytes_at) == [2**power for power in range(7)]
    known = 64 * (LAYERS + 2) * WIDTH * 4  # on the way back two gradients of the same shape
    assert known / 1.5 < fit.bytes_at[64] - fit.bytes_at[1] < known * 1.5
    large = [fit.bytes_at[size] for size in (8, 16, 32, 64)]
    assert large == sorted(large)
    assert fit.is_capped
    assert fit.limit_bytes > fit.bytes_at[64]


def test_one_size_is_enough_where_the_network_takes_most() -> None:
    """40 of 50 MiB are the weights of four sizes: what one example took beyond them is little, so the next may be tried."""

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        memory.peak = 40 * MIB + PER_EXAMPLE * len(batch[0])
        return F.cross_entropy(model(batch[0]), batch[1])

    memory = FakeMemory(raises_when_full=False, available=50 * MIB)
    fit = find_fit(task_with(step, model=lambda: nn.Sequential(nn.Linear(1, MIB, bias=False), nn.Linear(MIB, 2, bias=False))), cap=4, memory=memory)
    assert fit.went_through == 4


def test_no_trace() -> None:
    task = make_task(model=rich_net, optimizer="adam", clip_grad_norm=1.0, ema=0.9, precision="bf16")
    before, threads = global_rng(), torch.get_num_threads()
    memory = FakeMemory(raises_when_full=True)
    fit = find_fit(task, cap=64, memory=memory)
    assert global_rng() == before
    assert torch.get_num_threads() == threads
    assert memory.releases >= 2
    assert Fit.from_dict(json.loads(json.dumps(fit.to_dict()))) == fit


def test_nothing_of_a_failed_attempt_stays() -> None:
    """Neither the batch, which the exception's traceback knows, nor in the end the network."""
    held, networks, alive = list[weakref.ref[Tensor]](), list[weakref.ref[nn.Module]](), list[bool]()

    class Watching(FakeMemory):
        def release(self) -> None:
            gc.collect()
            alive.extend(reference() is not None for reference in held)

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        networks.append(weakref.ref(model))
        activations = model(batch[0])
        held.extend(map(weakref.ref, (batch[0], activations)))
        if len(batch[0]) > 40:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return F.cross_entropy(activations, batch[1])

    assert find_fit(task_with(step), cap=100, memory=Watching(raises_when_full=True)).failed_at is not None
    assert alive
    assert not any(alive)
    assert not any(reference() for reference in networks)


def test_the_generators_come_back_after_an_error() -> None:
    before = global_rng()
    memory = FakeMemory(raises_when_full=True)
    with pytest.raises(TaskError):
        find_fit(task_with(Sizes(memory, limit=0)), cap=64, memory=memory)
    assert global_rng() == before


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RMSprop])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_state_and_gradients_are_in_place_when_memory_is_measured(kind: type[torch.optim.Optimizer], precision: str) -> None:
    made, in_place = list[torch.optim.Optimizer](), list[bool]()

    def optimizer(groups: list[dict[str, object]], _settings: object) -> torch.optim.Optimizer:
        made.append(kind(groups))
        return made[-1]

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        in_place.append(bool(made[-1].state) and all(parameter.grad is not None for parameter in model.parameters()))
        return F.cross_entropy(model(batch[0]), batch[1])

    fit = find_fit(task_with(step, optimizer=optimizer, precision=precision), cap=2, memory=FakeMemory(raises_when_full=True))
    assert in_place == [False, True, True]
    assert fit.trained_examples == 1 + 1 + 2  # the smallest twice


class Ragged(Dataset[tuple[Tensor, Tensor]]):
    """Sequences of five steps, and one that is long."""

    def __init__(self, *, n_examples: int = 100, long_at: int | None = 99) -> None:
        self.n_examples, self.long_at = n_examples, long_at
        self.reads = list[int]()

    def __len__(self) -> int:
        return self.n_examples

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.reads.append(index)
        return torch.zeros(500 if index == self.long_at else 5, 1), torch.tensor(0)


def padded(examples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return nn.utils.rnn.pad_sequence([steps for steps, _ in examples], batch_first=True), torch.stack([target for _, target in examples])


def shapes_of_attempts(train: object, **changes: object) -> tuple[Fit, list[tuple[int, ...]]]:
    memory, shapes = FakeMemory(raises_when_full=True), list[tuple[int, ...]]()

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        shapes.append(tuple(batch[0].shape))
        return F.cross_entropy(model(batch[0].flatten(1).mean(1, keepdim=True)), batch[1])

    return find_fit(task_with(step, train=train, **changes), cap=8, memory=memory), shapes


def test_the_largest_example_fills_the_batch() -> None:
    fit, shapes = shapes_of_attempts(Ragged(), collate_fn=padded)
    assert shapes == [(size, 500, 1) for size in (1, 1, 2, 4, 8)]
    assert fit.has_equal_shapes is False
    assert fit.notes == ("Examples differ in shape: of all 100 the largest was taken, for every place in the batch.",)


def test_many_examples_are_looked_at_evenly_and_the_last_among_them() -> None:
    data = Ragged(n_examples=10_000, long_at=9_999)
    fit, shapes = shapes_of_attempts(data, collate_fn=padded)
    assert len(set(data.reads)) == len(data.reads) == MOST_EXAMPLES_SEEN
    assert shapes[-1] == (8, 500, 1)
    assert "of 2,000 of 10,000, evenly spaced, the largest" in fit.notes[0]


def test_examples_of_one_shape_need_no_note() -> None:
    fit, _ = shapes_of_attempts(Ragged(long_at=None))
    assert (fit.has_equal_shapes, fit.notes) == (True, ())


def test_data_sets_of_tensors_are_not_read_one_by_one() -> None:
    for train in (TRAIN, TensorDataset(*TRAIN)):
        fit = find_fit(make_task(train=train), cap=8, memory=FakeMemory(raises_when_full=True))
        assert (fit.largest, fit.has_equal_shapes) == (8, True)


def test_elements_of_any_example() -> None:
    assert elements(("text", [1, 2, 3], {"a": torch.zeros(2, 2)}, 7)) == 4 + 3 + 4 + 1


def maker(size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    for length in (5, 50, 20, 500):
        yield torch.zeros(size, length, 1), torch.randint(2, (size,), generator=generator)


def test_the_largest_of_a_makers_first_batches() -> None:
    fit, shapes = shapes_of_attempts(maker, examples_per_epoch=100)
    assert shapes == [(size, 50, 1) for size in (1, 1, 2, 4, 8)]
    assert fit.has_equal_shapes is None
    assert fit.notes == (f"Batches come from a maker: the largest of {BATCHES_SEEN} was taken, and memory may depend on the data of others.",)


def stubborn(_: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    return itertools.islice(maker(32, generator), 3)


def test_a_maker_with_a_size_of_its_own() -> None:
    with pytest.raises(
        TaskError, match=r"yields 32 whatever it is asked for.*--fix batch_size=32 the other knobs.*Task.micro_batch_size=32 also the batch size"
    ):
        shapes_of_attempts(stubborn, examples_per_epoch=96)


def test_a_maker_with_a_size_of_its_own_that_the_task_says() -> None:
    memory = FakeMemory(raises_when_full=True)
    task = make_task(
        model=lambda: nn.Linear(1, 2), loss=None, metrics={}, train=stubborn, examples_per_epoch=96, micro_batch_size=32,
        training_step=lambda model, batch: F.cross_entropy(model(batch[0].mean(1)), batch[1]),
    )  # fmt: skip
    fit = find_fit(task, cap=96, memory=memory)
    assert (fit.largest, fit.smallest, fit.trained_examples) == (32, 32, 64)
    with pytest.raises(InputError, match="at least the 32 examples"):
        find_fit(task, cap=16, memory=memory)
    with pytest.raises(InputError, match="batches of 32, 64 examples are needed, and 60 are allowed"):
        find_fit(task, cap=96, memory=memory, most_examples=60)


def test_a_maker_that_gives_nothing() -> None:
    with pytest.raises(TaskError, match="at least one batch at every call"):
        shapes_of_attempts(lambda _size, _generator: iter(()), examples_per_epoch=96)


@pytest.mark.parametrize(("kind", "limit"), [("cuda", 0), ("cuda", 1)])
def test_memory_that_runs_out_at_the_smallest_batch(kind: str, limit: int) -> None:
    memory = FakeMemory(raises_when_full=kind == "cuda")
    step, model = Sizes(memory, limit=limit), (lambda: nn.Linear(1, 2)) if limit == 0 else (lambda: nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 2)))
    with pytest.raises(TaskError, match=rf"^A batch of {limit + 1} must fit into the device's memory.*lower precision.*accumulating gradients cannot help"):
        find_fit(task_with(step, model=model), cap=64, memory=memory)


def test_a_network_that_does_not_fit_by_itself() -> None:
    def model() -> nn.Module:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(TaskError, match=r"^The network alone must fit into the device's memory, and it ran out\. Use a smaller one\.$"):
        find_fit(make_task(model=model), cap=64)


def test_batch_norm_starts_at_two() -> None:
    fit = find_fit(make_task(model=rich_net), cap=16, memory=FakeMemory(raises_when_full=True))
    assert (fit.smallest, fit.largest, list(fit.bytes_at)) == (2, 16, [2, 4, 8, 16])
    assert fit.notes == ("BatchNorm needs two examples or more at once: micro-batches of one are not possible.",)
    assert fit.trained_examples == 1 + 2 + 2 + 4 + 8 + 16


def test_batch_norm_with_one_example() -> None:
    with pytest.raises(TaskError, match=r"^With BatchNorm, a batch must have two examples or more, got one\."):
        find_fit(make_task(model=rich_net), cap=1)


def test_a_network_that_needs_two_for_another_reason() -> None:
    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[0].squeeze(0)), batch[1])

    fit = find_fit(make_task(loss=None, metrics={}, training_step=step), cap=16, memory=FakeMemory(raises_when_full=True))
    assert (fit.smallest, fit.largest) == (2, 16)
    assert fit.notes == ("One example alone raises RuntimeError: micro-batches of one are not possible.",)


def test_the_users_own_mistakes_are_theirs() -> None:
    def step(_model: nn.Module, _batch: tuple[Tensor, Tensor]) -> Tensor:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(UserCodeError, match="illegal memory access"):
        find_fit(make_task(loss=None, metrics={}, training_step=step), cap=16)


def test_nothing_is_tried_beyond_the_users_micro_batch() -> None:
    memory = FakeMemory(raises_when_full=True, available=FIXED + PER_EXAMPLE * 24)
    step = Sizes(memory)
    fit = find_fit(task_with(step, micro_batch_size=24), cap=200, memory=memory)
    assert (fit.largest, fit.cap, max(step.seen)) == (24, 24, 24)  # trusted, although it leaves less than the margin free


def test_a_users_micro_batch_that_does_not_fit() -> None:
    memory = FakeMemory(raises_when_full=True)
    with pytest.raises(TaskError, match=r"^Task.micro_batch_size must fit into the device's memory with 10% to spare, got 100, and 57 do\. Lower it to 57"):
        find_fit(task_with(Sizes(memory, limit=63), micro_batch_size=100), cap=200, memory=memory)


def test_a_users_micro_batch_is_trusted_where_the_allowance_ends_the_search() -> None:
    memory = FakeMemory(raises_when_full=False, available=FIXED + PER_EXAMPLE * 1000)
    fit = find_fit(task_with(Sizes(memory), micro_batch_size=950), cap=950, memory=memory, most_examples=100)
    assert (fit.largest, fit.went_through, fit.is_measured) == (950, 16, False)
    memory.used = 0
    with pytest.raises(TaskError, match=r"Task.micro_batch_size must fit .* got 950, and 899 do"):  # measured: it leaves too little
        find_fit(task_with(Sizes(memory), micro_batch_size=950), cap=950, memory=memory)


def test_a_cap_beyond_the_data() -> None:
    assert find_fit(make_task(train=Pairs()), cap=10_000, memory=FakeMemory(raises_when_full=True)).cap == len(TRAIN[0])


@pytest.mark.parametrize(("changes", "words"), [({"cap": 0}, "≥ 1, got 0"), ({"margin": 1.0}, "got 1.0"), ({"most_examples": 11}, "fewer than 12")])
def test_numbers_out_of_range(changes: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_fit(make_task(), **{"cap": 16, **changes})  # type: ignore[arg-type]


@given(batch=st.integers(1, 3000), largest=st.integers(1, 700))
def test_micro_batches_are_few_and_nearly_equal(batch: int, largest: int) -> None:
    micro = micro_batch_size(batch, largest=largest)
    if batch <= largest:
        assert micro is None
        return
    assert micro is not None
    assert 1 <= micro <= largest
    assert math.ceil(batch / micro) <= 2 * math.ceil(batch / largest) + 1
    if any(batch % size == 0 for size in range(largest // 2 + 1, largest + 1)):
        assert batch % micro == 0


@pytest.mark.parametrize(("batch", "largest", "expected"), [(256, 100, 64), (512, 511, 256), (96, 40, 32), (13, 5, 5), (97, 50, 49)])
def test_micro_batches_of_usual_sizes(batch: int, largest: int, expected: int) -> None:
    assert micro_batch_size(batch, largest=largest) == expected


def test_no_micro_batch_of_one_where_one_does_not_go_through() -> None:
    assert micro_batch_size(9, largest=4, smallest=1) == 3
    assert micro_batch_size(11, largest=5, smallest=2) == 4  # 4, 4, 3
    with pytest.raises(InputError, match="Change batch_size by one"):
        micro_batch_size(7, largest=3, smallest=2)


@pytest.mark.gpu
def test_on_an_accelerator_nothing_stays_and_the_true_limit_is_near() -> None:
    """With 2 GiB allowed; the true limit is found by brute force between what went through and what failed."""
    allowed_bytes, width = 2 * 1024**3, 2**20  # 4 MiB an activation
    torch.cuda.set_per_process_memory_fraction(allowed_bytes / torch.cuda.get_device_properties(0).total_memory)
    try:

        def model() -> nn.Module:
            return nn.Sequential(nn.Linear(8, width, bias=False), nn.Sigmoid(), nn.Sigmoid(), nn.Linear(width, 3, bias=False))

        task = make_task(model=model, train=(torch.randn(4000, 8), torch.randint(3, (4000,))), optimizer="adam")
        torch.zeros(8, 8, device="cuda") @ torch.zeros(8, 8, device="cuda")  # what cuBLAS keeps is not ours
        before, state = torch.cuda.memory_allocated(), torch.cuda.get_rng_state()
        fit = find_fit(task, device="cuda", cap=4000)
        assert torch.cuda.memory_allocated() - before <= 0.01 * allowed_bytes
        assert torch.equal(torch.cuda.get_rng_state(), state)
        assert fit.failed_at is not None
        goes, fails = fit.went_through, fit.failed_at
        while fails - goes > 1:
            middle = (goes + fails) // 2
            goes, fails = (middle, fails) if find_fit(task, device="cuda", cap=middle).went_through == middle else (goes, middle)
        assert 0.9 * goes - 1 <= fit.largest <= goes
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.gpu
@pytest.mark.parametrize("train", [TRAIN, Pairs()])
def test_a_small_network_on_an_accelerator(train: object) -> None:
    fit = find_fit(make_task(model=rich_net, train=train, valid=VALID, precision="fp16"), device="cuda", cap=64)
    assert (fit.largest, fit.is_capped) == (64, True)


def test_plain_networks_go_through_one_by_one() -> None:
    assert find_fit(make_task(model=plain_net), cap=1).largest == 1
