from itertools import chain, cycle, islice

import torch
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.engine.order import micro_sizes, order_stream, slice_indices

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def indices(n_examples: int, sizes: list[int], seed: int) -> list[list[int]]:
    return [chunk.tolist() for chunk in order_stream(n_examples=n_examples, chunk_sizes=sizes, seed=seed)]


@given(st.integers(1, 30), SIZES, st.integers(0, 2**63 - 1))
def test_every_epochs_worth_of_indices_is_a_permutation(n_examples: int, sizes: list[int], seed: int) -> None:
    chunks = indices(n_examples, sizes, seed)
    assert [len(chunk) for chunk in chunks] == sizes
    stream = list(chain.from_iterable(chunks))
    for start in range(0, len(stream) - n_examples + 1, n_examples):
        assert sorted(stream[start : start + n_examples]) == list(range(n_examples))
    rest = stream[len(stream) - len(stream) % n_examples :]
    assert len(set(rest)) == len(rest)


@given(st.integers(1, 30), SIZES, st.integers(0, 100))
def test_the_stream_does_not_depend_on_how_it_is_cut(n_examples: int, sizes: list[int], seed: int) -> None:
    cut, singly = indices(n_examples, sizes, seed), indices(n_examples, [1] * sum(sizes), seed)
    assert list(chain.from_iterable(cut)) == list(chain.from_iterable(singly))


def test_the_stream_is_endless() -> None:
    stream = order_stream(n_examples=3, chunk_sizes=cycle([2]), seed=0)
    assert len(list(islice(stream, 1000))) == 1000


def test_another_seed_gives_another_order() -> None:
    assert indices(30, [30], 0) != indices(30, [30], 1)


@given(st.integers(1, 1000), st.none() | st.integers(1, 1000))
def test_micro_batches_add_up_and_differ_in_the_last_alone(batch_size: int, micro: int | None) -> None:
    sizes = micro_sizes(batch_size, micro)
    assert sum(sizes) == batch_size
    assert set(sizes[:-1]) <= {micro}
    assert 1 <= sizes[-1] <= (micro or batch_size)


@given(st.integers(1, 200), st.integers(1, 250))
def test_a_slice_is_a_fixed_choice_without_repeats(n_examples: int, n_slice: int) -> None:
    chosen = slice_indices(n_examples, n_slice)
    assert torch.equal(chosen, slice_indices(n_examples, n_slice))
    assert chosen.unique().numel() == chosen.numel() == min(n_examples, n_slice)
    assert torch.equal(chosen, chosen.sort().values)
