"""Wine quality as seven classes, an MLP, 50 epochs: good short settings overfit badly at full length. SGD."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID = 3500, 1000


def make_model() -> nn.Module:
    """Two hidden layers of 128."""
    return nn.Sequential(nn.Linear(11, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 7))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The wines, shuffled once and for all, standardised."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "wine_quality.npz") as data:
        inputs, targets = data["x_num"].astype(np.float32), data["y"].astype(np.int64) - 3
    order = np.random.default_rng(0).permutation(len(inputs))
    train, valid, test = np.split(order, [N_TRAIN, N_TRAIN + N_VALID])
    inputs = (inputs - inputs[train].mean(axis=0)) / inputs[train].std(axis=0)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=50,
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
