"""Validation inside a sweep: every evaluation sees the same examples, however the loader is made."""

from collections.abc import Iterable, Iterator

import pytest
import torch
from tests.in_script.small import BATCHES, N_TRAIN, N_VALID, VALID, Noisy, Stream, sweep
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from tunesmith.errors import InputError


class OneIterator:
    """A loader that is its own iterator, as people write them: it starts again at `iter`."""

    def __init__(self) -> None:
        self.left = iter(BATCHES)

    def __iter__(self) -> "OneIterator":
        self.left = iter(BATCHES)
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        return next(self.left)


class Restarting:
    """The same, seen from outside as an iterable."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(OneIterator())


LOADERS: dict[str, Iterable[object]] = {
    "a DataLoader": DataLoader(VALID, 8),
    "one that shuffles": DataLoader(VALID, 8, shuffle=True),
    "one that augments": DataLoader(Noisy(N_TRAIN, N_TRAIN + N_VALID), 8, shuffle=True, generator=torch.Generator().manual_seed(8)),
    "a stream that goes on where it was left": DataLoader(Stream(), 8),
    "a list": BATCHES,
    "an object that starts again": Restarting(),
}


@pytest.mark.parametrize("name", LOADERS)
def test_every_evaluation_sees_the_same_examples(name: str) -> None:
    """Where an iterator is used up after its first pass, the loss of all later evaluations is flat, or that of nothing."""
    seen: list[bytes] = []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            seen.append(inputs[-1] + target.numpy().tobytes())
        return F.cross_entropy(output, target)

    inputs: list[bytes] = []
    model = nn.Sequential(nn.Identity(), nn.Linear(6, 2))
    handle = model.register_forward_pre_hook(lambda _, given: inputs.append(given[0].detach().numpy().tobytes()))
    result = sweep(model=model, loss=loss, valid_loader=LOADERS[name], valid_share=5.0, evaluations=8)
    handle.remove()
    n = len(seen) // len(result.history.valid_loss)
    passes = [seen[start : start + n] for start in range(0, len(seen), n)]
    assert len(passes) == len(result.history.valid_loss) >= 8
    assert all(one == passes[0] for one in passes)
    assert len(set(result.history.valid_loss)) == len(passes)  # and the weights have moved between any two


def test_an_iterator_for_validation_is_refused_although_it_could_start_again() -> None:
    """Whether it does is not to be seen from outside, and a second pass over nothing would be a flat curve."""
    with pytest.raises(InputError, match="a OneIterator can be read only once"):
        sweep(valid_loader=OneIterator())
