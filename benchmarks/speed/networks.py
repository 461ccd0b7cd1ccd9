"""The networks that are timed, and random data for them; also a task's file, from which other processes load `mlp_task`."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

from tunesmith.task import Task

N_TRAIN = 2000
MLP_SHAPE, MLP_CLASSES = (108,), 2
LENET_SHAPE, LENET_CLASSES = (1, 28, 28), 10


def mlp() -> nn.Module:
    """108 inputs, two hidden layers, two classes: a step takes less than a millisecond."""
    return nn.Sequential(nn.Linear(108, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))


def lenet() -> nn.Module:
    """conv20-conv50-fc500-fc10."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)
    )  # fmt: skip


class Items(Dataset[tuple[Tensor, Tensor]]):
    """Examples that come one by one, as from files: nobody can take them for tensors."""

    def __init__(self, tensors: TensorDataset) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        """Examples."""
        return len(self._tensors)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """One example."""
        inputs, target = self._tensors[index]
        return inputs, target


def random_data(shape: tuple[int, ...], *, n_classes: int, n_valid: int) -> tuple[TensorDataset, TensorDataset]:
    """2,000 random examples with random labels, and as many as wanted to validate on."""
    generator = torch.Generator().manual_seed(0)
    n_examples = N_TRAIN + n_valid
    inputs, targets = torch.randn(n_examples, *shape, generator=generator), torch.randint(n_classes, (n_examples,), generator=generator)
    return TensorDataset(inputs[:N_TRAIN], targets[:N_TRAIN]), TensorDataset(inputs[N_TRAIN:], targets[N_TRAIN:])


def random_task(model: Callable[[], nn.Module], *, shape: tuple[int, ...], n_classes: int, n_valid: int = 64, epochs: float = 1) -> Task:
    """A task on random tensors."""
    train, valid = random_data(shape, n_classes=n_classes, n_valid=n_valid)
    return Task(model=model, train=train.tensors, valid=valid.tensors, loss=F.cross_entropy, epochs=epochs)


def mlp_task() -> Task:
    """The MLP, 30 epochs in full, 400 examples to validate on: as `tunesmith demo` has."""
    return random_task(mlp, shape=MLP_SHAPE, n_classes=MLP_CLASSES, n_valid=400, epochs=30)


def lenet_task() -> Task:
    """LeNet on random images."""
    return random_task(lenet, shape=LENET_SHAPE, n_classes=LENET_CLASSES)
