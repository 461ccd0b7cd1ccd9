"""LeNet on 5,000 images of MNIST, validated on 2,000 others, tested on the official 10,000.

    export TUNESMITH_DATA=/path/to/data        # a folder with mnist/*.gz, see examples/README.md
    tunesmith tune examples/mnist_lenet.py:task --out runs/mnist_lenet

The network is the one of Smith's report (conv20-conv50-fc500-fc10, 431,080 parameters).
"""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID = 5000, 2000


def data_folder() -> Path:
    """Where the data lies."""
    if not os.environ.get("TUNESMITH_DATA"):
        raise ts.InputError("TUNESMITH_DATA must name the folder that holds mnist/*.gz, and it is unset: export TUNESMITH_DATA=FOLDER.")
    return Path(os.environ["TUNESMITH_DATA"])


def read_idx(path: Path, header_bytes: int) -> Tensor:
    """The bytes of an idx file after its header."""
    with gzip.open(path) as file:
        return torch.from_numpy(np.frombuffer(file.read(), dtype=np.uint8, offset=header_bytes).copy())


def read_part(part: str) -> tuple[Tensor, Tensor]:
    """Images, standardised as is usual for MNIST, and labels of the part "train" or "t10k"."""
    folder = data_folder() / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", header_bytes=16).view(-1, 1, 28, 28)
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", header_bytes=8)
    if part == "train":
        images, labels = images[: N_TRAIN + N_VALID], labels[: N_TRAIN + N_VALID]  # MNIST comes shuffled
    return (images.float() / 255 - 0.1307) / 0.3081, labels.long()


def make_model() -> nn.Module:
    """LeNet as Caffe has it; channels last, which halves the time of a step on a CPU."""
    return nn.Sequential(
        nn.Conv2d(1, 20, kernel_size=5), nn.MaxPool2d(2),  # (batch, 20, 12, 12)
        nn.Conv2d(20, 50, kernel_size=5), nn.MaxPool2d(2),  # (batch, 50, 4, 4)
        nn.Flatten(),
        nn.Linear(800, 500), nn.ReLU(),
        nn.Linear(500, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The training."""
    images, labels = read_part("train")
    return ts.Task(
        model=make_model,
        train=(images[:N_TRAIN], labels[:N_TRAIN]),
        valid=(images[N_TRAIN:], labels[N_TRAIN:]),
        test=read_part("t10k"),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=10,
        optimizer="sgd",
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),  # untuned: what one starts with
    )
