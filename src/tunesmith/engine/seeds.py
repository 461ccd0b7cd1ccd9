"""Seeds: one in, named children out, and the user's global generators left as they were."""

import hashlib
import random
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

_SEED_BITS = 63


def child_seed(seed: int, name: str) -> int:
    """The seed of one named purpose ("init", "order", "rest", …), the same on every machine.

    Example:
        >>> child_seed(0, "init") == child_seed(0, "init"), child_seed(0, "init") == child_seed(0, "order")
        (True, False)
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEED_BITS)


def seed_globals(seed: int, device: torch.device) -> None:
    """Seed the global generators that user code may draw from: torch's (and the device's), numpy's and random's."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 (the global generator is what user code draws from)
    random.seed(seed)


@contextmanager
def isolated_rng(seed: int, device: torch.device) -> Generator[None]:
    """Seed the global generators for a while and put them back bit for bit afterwards, also after an exception or Ctrl-C."""
    torch_state, device_state = torch.random.get_rng_state(), _device_state(device)
    numpy_state = np.random.get_state()  # noqa: NPY002 (see above)
    random_state = random.getstate()
    try:
        seed_globals(seed, device)
        yield
    finally:
        torch.random.set_rng_state(torch_state)
        _set_device_state(device, device_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 (see above)
        random.setstate(random_state)


def _device_state(device: torch.device) -> Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None


def _set_device_state(device: torch.device, state: Tensor | None) -> None:
    if state is None:
        return
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.mps.set_rng_state(state)
