"""The network of the report's MNIST row as Caffe's example has it, all 60,000 images, 12 epochs. SGD.

Whatever is no knob is Caffe's, and the same for the plan and for the standard settings: pixels divided by 256, uniform weights of variance 1/inputs, biases
from zero with twice the learning rate, weight decay on all parameters, no ReLU between the convolutions. Caffe keeps the learning rate inside the velocity,
torch outside; where it falls as slowly as in the standard settings the two hardly differ.
"""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_IMAGES, N_TEST = 60_000, 10_000
EPOCHS = 12.0
"""Length of the shortest 1cycle row for MNIST in the report's table."""
VALID_SHARE = 12
"""One in so many images validates: 5,000 of the 60,000 (our choice)."""
_CAFFE_SCALE = 256


def read_idx(path: Path, *, header_bytes: int, count: int) -> Tensor:
    """The first bytes of an idx file after its header."""
    with gzip.open(path) as file:
        file.seek(header_bytes)
        return torch.from_numpy(np.frombuffer(file.read(count), dtype=np.uint8).copy())


def read_part(part: str, count: int) -> tuple[Tensor, Tensor]:
    """The first images, divided by 256, and labels of the part "train" or "t10k"."""
    folder = Path(os.environ["TUNESMITH_DATA"]) / "mnist"
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", header_bytes=16, count=count * 28 * 28).view(-1, 1, 28, 28)
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", header_bytes=8, count=count)
    return images.float() / _CAFFE_SCALE, labels.long()


def make_model() -> nn.Module:
    """LeNet of Caffe's example, 431,080 parameters."""
    model = nn.Sequential(
        nn.Conv2d(1, 20, kernel_size=5), nn.MaxPool2d(2),  # (batch, 20, 12, 12)
        nn.Conv2d(20, 50, kernel_size=5), nn.MaxPool2d(2),  # (batch, 50, 4, 4)
        nn.Flatten(),
        nn.Linear(800, 500), nn.ReLU(),
        nn.Linear(500, 10),
    )  # fmt: skip
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_uniform_(parameter, nonlinearity="linear")  # Caffe's "xavier": ±√(3/inputs)
        else:
            nn.init.zeros_(parameter)
    return model.to(memory_format=torch.channels_last)  # the same arithmetic in half to two thirds of the time


def caffe_groups(model: nn.Module) -> list[dict[str, object]]:
    """Weights, and biases with twice the learning rate; both decay."""
    named = list(model.named_parameters())
    return [
        {"params": [parameter for name, parameter in named if name.endswith("weight")], "lr_scale": 1.0, "weight_decay_scale": 1.0},
        {"params": [parameter for name, parameter in named if name.endswith("bias")], "lr_scale": 2.0, "weight_decay_scale": 1.0},
    ]


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task(*, n_images: int = N_IMAGES, epochs: float = EPOCHS) -> ts.Task:
    """What is tuned: MNIST comes shuffled, so the last twelfth of the training images validates. There is no test set, and nothing to compare the plan with.

    Args:
        n_images: Training and validation images together; fewer than all to try the bench out.
        epochs: Longest training.
    """
    return _tuned(read_part("train", n_images), epochs=epochs)


def _tuned(known: tuple[Tensor, Tensor], *, epochs: float) -> ts.Task:
    images, labels = known
    n_train = len(images) - len(images) // VALID_SHARE
    return ts.Task(
        model=make_model,
        train=(images[:n_train], labels[:n_train]),
        valid=(images[n_train:], labels[n_train:]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=epochs,
        param_groups=caffe_groups,
    )


def whole_task(*, n_images: int = N_IMAGES, epochs: float = EPOCHS) -> ts.Task:
    """What is trained in the end: all training images, the test set beside them.

    What the tuning held out is among them now; its loss after the last update says how well trained images are fitted, and nothing else.
    """
    known = read_part("train", n_images)
    return replace(_tuned(known, epochs=epochs), train=known, test=read_part("t10k", min(n_images, N_TEST)))
