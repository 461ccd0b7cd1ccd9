"""Random generators, global ones and objects: where they stand, and the way back there."""

import random
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
import torch

from tunesmith.engine.seeds import child_seed

PutBack: TypeAlias = Callable[[], None]
RandomSource: TypeAlias = torch.Generator | np.random.Generator | np.random.RandomState | random.Random
RANDOM_SOURCES = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)  # noqa: S311 (the user's, and for no secret)


def keep_global() -> list[PutBack]:
    """The way back for the global generators: Python's, numpy's, torch's, and those of every accelerator in use.

    An accelerator that nothing has touched yet is left alone: asking it would claim its memory.
    """
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002 (the global generator is what user code draws from)
    ways: list[PutBack] = [
        lambda: random.setstate(python),
        lambda: np.random.set_state(numpy),  # noqa: NPY002 (see above)
        lambda: torch.random.set_rng_state(cpu),
    ]
    if torch.cuda.is_initialized():
        cuda = torch.cuda.get_rng_state_all()
        ways.append(lambda: torch.cuda.set_rng_state_all(cuda))
    if torch.backends.mps.is_available():
        mps = torch.mps.get_rng_state()
        ways.append(lambda: torch.mps.set_rng_state(mps))
    return ways


def keep_torch_modes() -> list[PutBack]:
    """The way back for gradients being recorded and for autocast: an interrupt inside torch's own `no_grad` or `autocast` leaves them switched."""
    records = torch.is_grad_enabled()
    ways: list[PutBack] = [lambda: _record_gradients(is_on=records)]
    for device in ("cpu", "cuda"):
        is_on, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        ways += [partial(torch.set_autocast_enabled, device, is_on), partial(torch.set_autocast_dtype, device, dtype)]
    return ways


def _record_gradients(*, is_on: bool) -> None:
    torch.set_grad_enabled(is_on)


def keep_source(source: RandomSource) -> PutBack:
    """The way back for one generator."""
    if isinstance(source, torch.Generator):
        state = source.get_state()
        return lambda: _set_state(source, state)
    if isinstance(source, np.random.Generator):
        bits, stood = source.bit_generator, source.bit_generator.state
        return lambda: setattr(bits, "state", stood)
    if isinstance(source, np.random.RandomState):
        numpy = source.get_state()
        return lambda: source.set_state(numpy)
    python = source.getstate()
    return lambda: source.setstate(python)


def _set_state(source: torch.Generator, state: torch.Tensor) -> None:
    source.set_state(state)


def reseed(source: RandomSource, *, seed: int) -> None:
    """Start one generator again from `seed`."""
    if isinstance(source, torch.Generator):
        source.manual_seed(seed)
    elif isinstance(source, np.random.Generator):
        source.bit_generator.state = type(source.bit_generator)(seed).state
    elif isinstance(source, np.random.RandomState):
        source.seed(seed % 2**32)
    else:
        source.seed(seed)


def seed_of(draw: int, name: str) -> int:
    """A seed of its own for each named purpose, from one number that was drawn."""
    return child_seed(draw, name)
