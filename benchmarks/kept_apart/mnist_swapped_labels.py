"""An MLP with dropout on 2,000 images of MNIST, four in ten of whose training labels name the next digit: 30 epochs, overfits late. SGD."""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST, NOISE, FIRST = 2000, 1000, 4000, 0.4, 50_000


def read_idx(path: Path, header_bytes: int) -> Tensor:
    """The bytes of an idx file after its header."""
    with gzip.open(path) as file:
        return torch.from_numpy(np.frombuffer(file.read(), dtype=np.uint8, offset=header_bytes).copy())


def read_part(part: str, rows: slice) -> tuple[Tensor, Tensor]:
    """Some images, 784 pixels in a row, and labels of the part "train" or "t10k"."""
    folder = Path(os.environ["TUNESMITH_DATA"]) / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", header_bytes=16).view(-1, 784)[rows]
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", header_bytes=8)[rows]
    return (images.float() / 255 - 0.1307) / 0.3081, labels.long()


def make_model() -> nn.Module:
    """Two hidden layers, each with dropout, which can learn every label by heart."""
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """Training labels are noisy, validation and test labels are not. Images from the official training part's last sixth, and the last of its test part."""
    images, labels = read_part("train", slice(FIRST, FIRST + N_TRAIN + N_VALID))
    is_swapped = torch.rand(N_TRAIN, generator=torch.Generator().manual_seed(0)) < NOISE
    noisy = (labels[:N_TRAIN] + is_swapped.long()) % 10
    return ts.Task(
        model=make_model,
        train=(images[:N_TRAIN], noisy),
        valid=(images[N_TRAIN:], labels[N_TRAIN:]),
        test=read_part("t10k", slice(-N_TEST, None)),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=30,
        current=ts.Settings(lr=0.1, momentum=0.9, schedule="constant", batch_size=128),
    )
