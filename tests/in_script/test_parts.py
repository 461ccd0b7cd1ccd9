"""Parts that the range test is made of, where their own edges lie."""

import random

import numpy as np
import pytest
import torch
from tests.in_script.small import INPUTS, TARGETS, Noisy
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

from tunesmith.in_script.groups import lead_momentum, lr_shares, set_lr
from tunesmith.in_script.randomness import keep_source, reseed
from tunesmith.in_script.sources import Sources
from tunesmith.in_script.stream import updates
from tunesmith.in_script.valid_slice import ValidSlice


class TestStream:
    def test_an_update_goes_over_the_end_of_a_pass(self) -> None:
        stream = updates(["a", "b", "c"], accumulate=2)
        assert [next(stream) for _ in range(3)] == [["a", "b"], ["c", "a"], ["b", "c"]]

    def test_every_pass_shuffles_anew(self) -> None:
        loader = DataLoader(TensorDataset(torch.arange(64)), 64, shuffle=True)
        stream = updates(loader, accumulate=1)
        assert next(stream)[0][0].tolist() != next(stream)[0][0].tolist()


class TestGroups:
    def test_the_lead_is_the_largest(self) -> None:
        weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
        sgd, adam = torch.optim.SGD(weights[:1], lr=0.1, momentum=0.7), torch.optim.Adam(weights[1:], lr=0.4, betas=(0.8, 0.99))
        shares = lr_shares([sgd, adam])
        assert [share for _, share in shares] == [0.25, 1.0]
        assert lead_momentum(shares) == 0.8
        set_lr(shares, 2.0)
        assert (sgd.param_groups[0]["lr"], adam.param_groups[0]["lr"]) == (0.5, 2.0)

    def test_a_single_group_at_zero_is_the_lead(self) -> None:
        assert [share for _, share in lr_shares([torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.0)])] == [1.0]

    def test_an_optimizer_without_momentum(self) -> None:
        assert lead_momentum(lr_shares([torch.optim.Adagrad([nn.Parameter(torch.zeros(1))], lr=0.1)])) == 0.0


class TestRandomness:
    @pytest.mark.parametrize(
        "source", [torch.Generator(), np.random.default_rng(0), np.random.RandomState(0), random.Random(0)], ids=lambda s: type(s).__name__
    )
    def test_there_and_back_and_anew(self, source: torch.Generator | np.random.Generator | np.random.RandomState | random.Random) -> None:
        def draw() -> float:
            return torch.rand((), generator=source).item() if isinstance(source, torch.Generator) else float(source.random())

        back = keep_source(source)
        first = draw()
        back()
        assert draw() == first
        back()
        assert draw() == first
        reseed(source, seed=2**62 + 1)
        again = draw()
        reseed(source, seed=2**62 + 1)
        assert draw() == again != first


class TestSources:
    def test_examples_are_not_copied(self) -> None:
        data = Noisy(0, 8)
        data.index = [(f"file {i}", i) for i in range(20_000)]
        sources = Sources((DataLoader(data),))
        data.index.clear()
        sources.restore()
        assert data.index == []  # too long for a state: taken for the examples

    def test_a_small_container_is_a_state(self) -> None:
        data = Noisy(0, 8)
        data.waiting = [1, 2]
        sources = Sources((DataLoader(data),))
        data.waiting.pop()
        sources.restore()
        assert data.waiting == [1, 2]

    def test_a_list_of_batches_is_walked_past(self) -> None:
        batches = [(INPUTS, TARGETS)]
        sources = Sources((batches,))
        sources.restore()
        assert batches[0][0] is INPUTS


class TestValidSlice:
    def test_a_fixed_choice_of_data_sorted_by_class(self) -> None:
        sorted_by_class = TensorDataset(torch.arange(1000), torch.arange(1000) // 100)
        piece = ValidSlice(DataLoader(sorted_by_class, 64), n_examples=200)
        found = torch.cat([targets for _, targets in piece.batches()])
        assert len(found) == 200
        assert len(found.unique()) == 10
        assert torch.equal(found, torch.cat([targets for _, targets in piece.batches()]))

    def test_only_what_the_loaders_sampler_names(self) -> None:
        loader = DataLoader(TensorDataset(torch.arange(100)), 8, sampler=SubsetRandomSampler(range(50, 100)))
        found = torch.cat([part for (part,) in ValidSlice(loader, n_examples=20).batches()])
        assert len(found.unique()) == 20
        assert found.min() >= 50

    def test_of_anything_else_the_first_and_no_more(self) -> None:
        batches = [{"x": torch.arange(start, start + 10), "names": [str(start + i) for i in range(10)]} for start in range(0, 50, 10)]
        found = list(ValidSlice(batches, n_examples=25).batches())
        assert [len(batch["x"]) for batch in found] == [10, 10, 5]
        assert set(found[2]["x"].tolist()) < set(range(20, 30))
        assert found[2]["names"] == [str(value) for value in found[2]["x"].tolist()]

    def test_a_batch_sampler_of_the_users_own_is_kept(self) -> None:
        loader = DataLoader(TensorDataset(torch.arange(10)), batch_sampler=[[0, 1], [2, 3], [4, 5]])
        assert [part.tolist() for (part,) in ValidSlice(loader, n_examples=4).batches()] == [[0, 1], [2, 3]]
