"""Seeds: one in, named children out, and the user's global generators left as they were."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

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
    """Seed the global generators that user code may draw from: torch (and the device's), numpy, random."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 (the global generator is what user code draws from)
    random.seed(seed)


@contextmanager
def isolated_rng(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators for a while and put them back bit for bit afterwards, also after an exception or Ctrl-C."""
    torch_state = torch.random.get_rng_state()
    device_module = None if device.type == "cpu" else torch.get_device_module(device)
    device_state = None if device_module is None else device_module.get_rng_state()
    numpy_state = np.random.get_state()  # noqa: NPY002 (see above)
    random_state = random.getstate()
    try:
        seed_globals(seed, device)
        yield
    finally:
        torch.random.set_rng_state(torch_state)
        if device_module is not None:
            device_module.set_rng_state(device_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 (see above)
        random.setstate(random_state)
