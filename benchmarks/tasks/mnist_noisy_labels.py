"""An MLP on 3,000 images of MNIST, three in ten of whose training labels are drawn at random: AdamW, overfits to the noise."""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST, NOISE = 3000, 2000, 4000, 0.3


def read_idx(path: Path, header_bytes: int) -> Tensor:
    """The bytes of an idx file after its header."""
    with gzip.open(path) as file:
        return torch.from_numpy(np.frombuffer(file.read(), dtype=np.uint8, offset=header_bytes).copy())


def read_part(part: str, count: int) -> tuple[Tensor, Tensor]:
    """The first images, 14x14 pixels in a row, and labels of the part "train" or "t10k"."""
    folder = Path(os.environ["TUNESMITH_DATA"]) / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", header_bytes=16).view(-1, 1, 28, 28)[:count]
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", header_bytes=8)[:count]
    return ((F.avg_pool2d(images.float(), 2) / 255 - 0.1307) / 0.3081).flatten(1), labels.long()


def make_model() -> nn.Module:
    """Two hidden layers, which can learn every label by heart."""
    return nn.Sequential(nn.Linear(196, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """Training labels are noisy; validation and test labels are not."""
    images, labels = read_part("train", N_TRAIN + N_VALID)
    generator = torch.Generator().manual_seed(0)
    is_noisy = torch.rand(N_TRAIN, generator=generator) < NOISE
    noisy = torch.where(is_noisy, torch.randint(10, (N_TRAIN,), generator=generator), labels[:N_TRAIN])
    return ts.Task(
        model=make_model,
        train=(images[:N_TRAIN], noisy),
        valid=(images[N_TRAIN:], labels[N_TRAIN:]),
        test=read_part("t10k", N_TEST),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=30,
        optimizer="adamw",
        current=ts.Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=64),
    )
