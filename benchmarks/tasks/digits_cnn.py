"""A small convolutional network on the 1,797 digits that ship inside tunesmith, 30 epochs: SGD, the validation loss is level at the end."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts
from tunesmith.data import load_digits

N_TRAIN, N_VALID = 1000, 400


def make_model() -> nn.Module:
    """Three convolutions and a linear layer, 25,866 parameters, without normalisation."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 32, 4, 4)
        nn.Conv2d(32, 64, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 64, 2, 2)
        nn.Flatten(),
        nn.Linear(256, 10),
    )  # fmt: skip


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The digits, split once and for all by a fixed seed and standardised with the training part's mean and deviation."""
    images, labels = load_digits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    inputs = torch.from_numpy(images).float().unsqueeze(1)[order]  # (1797, 1, 8, 8)
    targets = torch.from_numpy(labels).long()[order]
    inputs = (inputs - inputs[:N_TRAIN].mean()) / inputs[:N_TRAIN].std()
    train, valid, test = (slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, None))
    return ts.Task(
        model=make_model,
        train=(inputs[train], targets[train]),
        valid=(inputs[valid], targets[valid]),
        test=(inputs[test], targets[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=30,
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
