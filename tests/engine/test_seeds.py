import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.small import global_rng

from tunesmith.engine.seeds import child_seed, isolated_rng

CPU = torch.device("cpu")


def draw() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()  # noqa: NPY002 (as user code does)


@given(st.integers(0, 2**63), st.sampled_from(["init", "order", "rest"]))
def test_children_are_seeds_that_every_generator_takes(seed: int, name: str) -> None:
    child = child_seed(seed, name)
    torch.Generator().manual_seed(child)
    assert 0 <= child < 2**63
    assert child == child_seed(seed, name)


def test_children_differ_by_seed_and_by_name() -> None:
    assert len({child_seed(seed, name) for seed in range(100) for name in ("init", "order", "rest")}) == 300


def test_all_three_generators_are_seeded_and_put_back() -> None:
    before = global_rng()
    with isolated_rng(1, CPU):
        first = draw()
    with isolated_rng(1, CPU):
        assert draw() == first
    with isolated_rng(2, CPU):
        assert not set(draw()) & set(first)
    assert global_rng() == before


def test_they_are_put_back_after_an_exception_and_inside_one_another() -> None:
    before = global_rng()
    with isolated_rng(1, CPU):
        outer = global_rng()
        with pytest.raises(KeyboardInterrupt), isolated_rng(2, CPU):
            raise KeyboardInterrupt(draw())
        assert global_rng() == outer
    assert global_rng() == before
