"""LeNet-5 on 5,000 images of MNIST, 8 epochs. SGD."""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST = 5000, 1000, 4000


def read_idx(path: Path, header_bytes: int) -> Tensor:
    """The bytes of an idx file after its header."""
    with gzip.open(path) as file:
        return torch.from_numpy(np.frombuffer(file.read(), dtype=np.uint8, offset=header_bytes).copy())


def read_part(part: str, count: int) -> tuple[Tensor, Tensor]:
    """The first images, standardised as is usual for MNIST, and labels of the part "train" or "t10k"."""
    folder = Path(os.environ["TUNESMITH_DATA"]) / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", header_bytes=16).view(-1, 1, 28, 28)[:count]
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", header_bytes=8)[:count]
    return (images.float() / 255 - 0.1307) / 0.3081, labels.long()


def make_model() -> nn.Module:
    """LeNet-5 with ReLU and max pooling, 44,426 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 6, 12, 12)
        nn.Conv2d(6, 16, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 16, 4, 4)
        nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10),
    )  # fmt: skip


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """MNIST comes shuffled: the first images train, the next validate; the first of the official test part test."""
    images, labels = read_part("train", N_TRAIN + N_VALID)
    return ts.Task(
        model=make_model,
        train=(images[:N_TRAIN], labels[:N_TRAIN]),
        valid=(images[N_TRAIN:], labels[N_TRAIN:]),
        test=read_part("t10k", N_TEST),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=8,
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
