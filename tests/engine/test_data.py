"""Where batches come from: tensors, Datasets, DataLoaders with workers, makers, and batches of any shape."""

import multiprocessing
import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.engine.small import INPUTS, N_TRAIN, TARGETS, TRAIN, VALID, Pairs, global_rng, make_spec, make_task, train_losses
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_sequence
from torch.utils.data import Dataset, TensorDataset

from tunesmith.engine import check_task, run_spec
from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import count_examples, to_device
from tunesmith.errors import TaskError, UserCodeError
from tunesmith.settings import Settings
from tunesmith.task import Metric, Task

CPU = torch.device("cpu")


class Example(NamedTuple):
    pixels: Tensor
    label: int


class Named(Dataset[Example]):
    def __len__(self) -> int:
        return N_TRAIN

    def __getitem__(self, index: int) -> Example:
        return Example(TRAIN[0][index], int(TRAIN[1][index]))


class Dicts(Dataset[dict[str, object]]):
    def __len__(self) -> int:
        return N_TRAIN

    def __getitem__(self, index: int) -> dict[str, object]:
        return {"name": f"number {index}", "x": TRAIN[0][index], "y": int(TRAIN[1][index])}


class Drawing(Pairs):
    """Draws from every generator that an augmentation may use."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = super().__getitem__(index)
        return x + 0.01 * (np.random.rand() + random.random() + torch.rand(12)), y  # noqa: NPY002 (as augmentations do)


class Broken(Pairs):
    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index == 77:
            raise ValueError("a file is missing")
        return super().__getitem__(index)


def dict_step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch["x"]), batch["y"])


def dict_sums(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, tuple[Tensor, int]]:
    output, target = model(batch["x"]), batch["y"]
    return {"loss": (F.cross_entropy(output, target, reduction="sum"), len(target)), "right": ((output.argmax(1) == target).sum(), len(target))}


def shuffled(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    for chosen in torch.randperm(N_TRAIN, generator=generator).split(batch_size):
        yield TRAIN[0][chosen], TRAIN[1][chosen]


class TestDatasets:
    def test_a_dataset_trains_as_its_tensors_do(self) -> None:
        expected = train_losses(make_task())
        assert train_losses(make_task(train=Pairs())) == expected
        assert train_losses(make_task(train=TensorDataset(*TRAIN), valid=TensorDataset(*VALID))) == expected

    @pytest.mark.slow
    def test_and_so_it_does_with_workers(self) -> None:
        assert train_losses(make_task(train=Pairs(), num_workers=2)) == train_losses(make_task())

    @pytest.mark.slow
    def test_augmentation_in_workers_repeats_by_seed_and_leaves_no_trace(self) -> None:
        task, before = make_task(train=Drawing(), num_workers=2), global_rng()
        assert train_losses(task) == train_losses(task) != train_losses(task, seed=4)
        assert global_rng() == before

    @pytest.mark.slow
    def test_what_a_worker_raises_is_the_users(self) -> None:
        before = multiprocessing.active_children()
        with pytest.raises(UserCodeError, match="The task's own code raised ValueError: a file is missing"):
            run_spec(make_task(train=Broken(), num_workers=2), make_spec())
        assert multiprocessing.active_children() == before

    def test_what_a_dataset_raises_is_the_users(self) -> None:
        with pytest.raises(UserCodeError, match="ValueError: a file is missing"):
            run_spec(make_task(train=Broken()), make_spec())

    def test_only_the_slice_is_read(self) -> None:
        class Huge(Pairs):
            def __len__(self) -> int:
                return 10**6

            def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
                return super().__getitem__(index % N_TRAIN)

        valid = Huge()
        curve = run_spec(make_task(valid=valid), make_spec(valid_examples=8, evaluations=1)).curve
        assert valid.reads == 2 * 8
        assert curve.cost.evaluated_examples == 16

    def test_a_collate_function(self) -> None:
        def collate(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
            return torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])

        assert train_losses(make_task(train=Pairs(), collate_fn=collate)) == train_losses(make_task())

    def test_a_collate_function_applies_to_a_tensor_dataset_too(self) -> None:
        def backwards(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
            return -torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])

        assert train_losses(make_task(train=TensorDataset(*TRAIN), collate_fn=backwards)) != train_losses(make_task())


class TestShapes:
    def test_dictionaries(self) -> None:
        task = make_task(
            train=Dicts(), valid=Dicts(), test=Dicts(), loss=None, training_step=dict_step, evaluation_step=dict_sums,
            metrics={"right": Metric(None, higher_is_better=True)}, goal="right", micro_batch_size=20,
        )  # fmt: skip
        curve = run_spec(task, make_spec(evaluations=1, evaluates_test=True)).curve
        assert curve.train_loss == pytest.approx(train_losses(make_task()), abs=1e-6)
        assert curve.cost.evaluated_examples == 3 * N_TRAIN
        assert 0 < curve.metrics["right"][-1] <= 1
        assert curve.test["right"] == curve.metrics["right"][-1]

    def test_named_tuples(self) -> None:
        task = make_task(
            train=Named(), valid=Named(), loss=None, metrics={}, training_step=lambda model, batch: F.cross_entropy(model(batch.pixels), batch.label)
        )
        assert train_losses(task) == train_losses(make_task())

    def test_a_pair_is_asked_for_where_there_is_a_loss(self) -> None:
        with pytest.raises(TaskError, match=r"must be a pair \(input, target\), got a tuple of 3"):
            run_spec(make_task(train=(*TRAIN, TRAIN[1])), make_spec())

    @pytest.mark.parametrize(
        ("batch", "count"),
        [
            (INPUTS[:7], 7),
            ((INPUTS[:7], TARGETS[:7]), 7),
            (["a", "b"], 1),
            ({"names": ["a", "b", "c"], "nested": {"x": [INPUTS[:3]]}}, 3),
            (Example(INPUTS[:5], 0), 5),
            ((torch.tensor(1.0), INPUTS[:4]), 4),
            (INPUTS[:0], 0),
            (None, 1),
        ],
    )
    def test_examples_in_a_batch_are_its_first_dimension(self, batch: object, count: int) -> None:
        assert count_examples(batch) == count

    def test_a_batch_keeps_its_shape_on_the_way_to_the_device(self) -> None:
        packed = pack_sequence([torch.ones(3), torch.ones(2)])
        batch = {"pair": (INPUTS[:2], [TARGETS[:2]]), "named": Example(INPUTS[:2], 1), "name": "two", "packed": packed}
        moved = to_device(batch, CPU)
        assert moved.keys() == batch.keys()
        assert isinstance(moved["pair"], tuple)
        assert isinstance(moved["pair"][1], list)
        assert isinstance(moved["named"], Example)
        assert isinstance(moved["packed"], PackedSequence)
        assert moved["name"] == "two"


class TestMakers:
    def test_a_maker_trains_and_starts_again_when_it_is_exhausted(self) -> None:
        calls = []

        def maker(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            calls.append(batch_size)
            return shuffled(batch_size, generator)

        task = make_task(train=maker, examples_per_epoch=N_TRAIN)
        first = train_losses(task, total_steps=20)
        assert calls == [32, 32, 32, 32]  # six full batches a pass: the eight examples left over are dropped
        assert train_losses(task, total_steps=20) == first
        assert len(set(first)) == 20  # the generator goes on, so every pass has an order of its own

    def test_micro_batches_are_what_it_is_asked_for(self) -> None:
        task = make_task(train=shuffled, examples_per_epoch=N_TRAIN, micro_batch_size=16)
        assert run_spec(task, make_spec()).curve.cost.trained_examples == 20 * 32

    def test_its_validation_data_are_counted_by_going_through_them(self) -> None:
        assert check_task(make_task(valid=shuffled)).n_valid == N_TRAIN

    def test_a_slice_takes_no_more_batches_than_it_needs(self) -> None:
        drawn = []

        def maker(batch_size: int, _generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for start in range(0, 200, batch_size):
                drawn.append(start)
                yield TRAIN[0][start : start + batch_size], TRAIN[1][start : start + batch_size]

        task = make_task(valid=maker, micro_batch_size=20)
        batches = list(TaskBatches(task, device=CPU).for_evaluation(task.valid, n_examples=50))
        assert drawn == [0, 20, 40]
        assert sum(map(count_examples, batches)) == 60

    @pytest.mark.parametrize(
        ("sizes", "micro", "message"),
        [
            ([], None, "at least one batch at every call, and yielded none"),
            ([20, 20], None, "batches of that size, got one of 20"),
            ([64], None, "batches of that size, got one of 64"),
            ([32, 7, 32], None, "batches of that size, got one of 7"),
            ([8, 8, 8], 8, "must yield the 4 micro-batches of an update in one pass, and yielded 3"),
            ([32], 20, "must be a multiple of micro_batch_size: got 32 and 20"),
        ],
    )
    def test_a_maker_that_does_not_keep_its_word(self, sizes: list[int], micro: int | None, message: str) -> None:
        def maker(_batch_size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
            return [(INPUTS[:size], TARGETS[:size]) for size in sizes]

        with pytest.raises(TaskError, match=message):
            run_spec(make_task(train=maker, examples_per_epoch=N_TRAIN, micro_batch_size=micro), make_spec())

    def test_a_maker_without_validation_batches(self) -> None:
        with pytest.raises(TaskError, match="must yield at least one batch, and yielded none"):
            run_spec(make_task(valid=lambda _size, _generator: []), make_spec())

    def test_what_a_maker_raises_is_the_users(self) -> None:
        def maker(_batch_size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
            raise FileNotFoundError("train.bin")

        with pytest.raises(UserCodeError, match=r"FileNotFoundError: train\.bin"):
            run_spec(make_task(train=maker, examples_per_epoch=N_TRAIN), make_spec())


class TestOneBatch:
    def test_a_batch_may_be_the_whole_training_set(self) -> None:
        curve = run_spec(make_task(), make_spec(settings=Settings(batch_size=N_TRAIN), total_steps=3)).curve
        assert curve.cost.trained_examples == 3 * N_TRAIN

    def test_a_batch_may_be_one_example(self) -> None:
        task: Task = make_task(train=(INPUTS[:1], TARGETS[:1]))
        assert len(train_losses(task, settings=Settings(batch_size=1), total_steps=3)) == 3
