"""A small BatchNorm ResNet on 2,500 CIFAR-10 images of half their size, 10 epochs. Nesterov."""

import io
import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST = 2500, 1000, 2000


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if stride == 1 and channels == channels_in else nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (batch, channels_in, height, width)
        """(batch, channels, height / stride, width / stride)."""
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def make_model() -> nn.Module:
    """Three blocks of 8, 16 and 32 channels."""
    stem = [nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*stem, Block(8, 8, 1), Block(8, 16, 2), Block(16, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def load(part: str, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` images, every second pixel, in [-1, 1], and their labels."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "cifar10" / "cifar10_jpeg_canonical.npz") as data:
        stream, offset, labels = data[f"{part}_jpeg"], data[f"{part}_offset"], data[f"y_{part}"][:count]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(stream[offset[i] : offset[i + 1]].tobytes())))[::2, ::2] for i in range(count)])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 128 - 1, torch.from_numpy(labels).long()


def task() -> ts.Task:
    """The first 3,500 training images in two parts, the first 2,000 test images."""
    x, y = load("train", N_TRAIN + N_VALID)
    return ts.Task(
        model=make_model,
        train=(x[:N_TRAIN], y[:N_TRAIN]),
        valid=(x[N_TRAIN:], y[N_TRAIN:]),
        test=load("test", N_TEST),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=10,
        optimizer="nesterov",
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
