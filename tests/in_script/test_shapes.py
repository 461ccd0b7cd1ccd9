"""Batches and networks of shapes that other finders ask wrappers for: each beside the plain training that it is another spelling of."""

from collections.abc import Callable

import pytest
import torch
from tests.in_script.small import BATCHES, INPUTS, TARGETS, plain_net, sweep
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

Step = Callable[[nn.Module, object], Tensor]


class TwoInputs(nn.Module):
    """The plain network, its inputs handed over in two halves."""

    def __init__(self) -> None:
        super().__init__()
        self.net = plain_net()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.net(torch.cat([left, right], dim=1))


class LossInside(TwoInputs):
    """One that gives its own loss, as those of transformers do."""

    def forward(self, *, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(inputs)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def two_inputs(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    left, right, targets = batch
    return F.cross_entropy(model(left, right), targets)


def pair_of_inputs(model: nn.Module, batch: tuple[tuple[Tensor, Tensor], Tensor]) -> Tensor:
    inputs, targets = batch
    return F.cross_entropy(model(*inputs), targets)


def inside(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return model(**batch)["loss"]


def labels_in_a_column(model: nn.Module, batch: Tensor) -> Tensor:
    return F.cross_entropy(model(batch[:, :3], batch[:, 3:6]), batch[:, 6].long())


SHAPES: dict[str, tuple[type[nn.Module], Step, list[object]]] = {
    "several inputs": (TwoInputs, two_inputs, [(x[:, :3], x[:, 3:], y) for x, y in BATCHES]),
    "inputs in a pair of their own": (TwoInputs, pair_of_inputs, [((x[:, :3], x[:, 3:]), y) for x, y in BATCHES]),
    "the loss inside the network": (LossInside, inside, [{"inputs": x, "labels": y} for x, y in BATCHES]),
    "labels inside the input": (TwoInputs, labels_in_a_column, [torch.cat([x, y[:, None].float()], dim=1) for x, y in BATCHES]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_another_spelling_of_the_same_training_gives_the_same_losses(name: str) -> None:
    kind, step, batches = SHAPES[name]
    plain = sweep(valid_loader=BATCHES[:2])
    found = sweep(model=kind(), loss=None, training_step=step, train_loader=batches, valid_loader=batches[:2])
    assert found.history.train_loss == plain.history.train_loss
    assert found.history.valid_loss == pytest.approx(plain.history.valid_loss)


def test_data_without_labels() -> None:
    """An autoencoder: a batch is one tensor."""

    class Images(Dataset):
        def __len__(self) -> int:
            return 64

        def __getitem__(self, index: int) -> Tensor:
            return INPUTS[index]

    model = nn.Sequential(nn.Linear(6, 3), nn.Linear(3, 6))
    result = sweep(
        model=model, loss=None, training_step=lambda model, batch: F.mse_loss(model(batch), batch), train_loader=DataLoader(Images(), 16, shuffle=True),
        valid_loader=DataLoader(Images(), 16),
    )  # fmt: skip
    assert len(result.history.train_loss) == len(result.history.lr)
    assert result.history.valid_loss


def test_one_labelled_batch_again_and_again() -> None:
    """A loader of a single batch is started anew for every update."""
    result = sweep(train_loader=[(INPUTS[:16], TARGETS[:16])])
    assert result.history.train_loss[0] == pytest.approx(F.cross_entropy(plain_net()(INPUTS[:16]), TARGETS[:16]).item())
    assert len(result.history.lr) == 24
