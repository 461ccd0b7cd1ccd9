"""Fine-tuning with Nesterov: a plain network that was trained on MNIST goes on, last layer and all, with 300 digits of another hand and scanner; 80 epochs."""

import functools
import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts
from tunesmith.data import load_digits

N_MNIST, N_TRAIN, N_VALID, FIRST = 4000, 300, 500, 30_000


def new_model() -> nn.Module:
    """Three convolutions and two linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1), nn.ReLU(),  # (batch, 32, 4, 4)
        nn.Conv2d(32, 48, kernel_size=3, stride=2, padding=1), nn.ReLU(),  # (batch, 48, 2, 2)
        nn.Flatten(),
        nn.Linear(192, 48), nn.ReLU(),
        nn.Linear(48, 10),
    )  # fmt: skip


def mnist() -> tuple[Tensor, Tensor]:
    """Images of MNIST without their margin, 8x8 as the digits are, standardised."""

    def read(name: str, header_bytes: int) -> Tensor:
        with gzip.open(Path(os.environ["TUNESMITH_DATA"]) / "mnist" / name) as file:
            return torch.from_numpy(np.frombuffer(file.read(), dtype=np.uint8, offset=header_bytes).copy())

    images = read("train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)[FIRST : FIRST + N_MNIST, :, 4:24, 4:24].float()
    small = F.adaptive_avg_pool2d(images, 8)
    return (small - small.mean()) / small.std(), read("train-labels-idx1-ubyte.gz", 8)[FIRST : FIRST + N_MNIST].long()


@functools.cache
def pretrained() -> dict[str, Tensor]:
    """Weights after four epochs on MNIST."""
    inputs, targets = mnist()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = new_model()
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(4):
            for chosen in torch.randperm(len(inputs)).split(50):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
                optimizer.step()
    return model.state_dict()


def make_model() -> nn.Module:
    """The pretrained network."""
    model = new_model()
    model.load_state_dict(pretrained())
    return model


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The digits that ship inside tunesmith, shuffled once and for all, standardised with the training part's mean and deviation."""
    images, labels = load_digits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    x, y = torch.from_numpy(images).float().unsqueeze(1)[order], torch.from_numpy(labels).long()[order]
    x = (x - x[:N_TRAIN].mean()) / x[:N_TRAIN].std()
    train, valid, test = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, None)
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=80,
        optimizer="nesterov",
        current=ts.Settings(lr=0.03, momentum=0.9, weight_decay=5e-4, schedule="constant", batch_size=32),
    )
