"""Adult census, 6,000 rows, an MLP, 40 epochs: overfits. SGD."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST = 6000, 2000, 4000


def make_model() -> nn.Module:
    """Two hidden layers."""
    return nn.Sequential(nn.Linear(108, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """Categories as one-hot columns; the first rows of a fixed shuffle of the official training part, and of the official test part."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "adult.npz") as arrays:
        numbers, codes = torch.from_numpy(arrays["x_num"]), torch.from_numpy(arrays["x_cat"]).long()
        targets, is_test = torch.from_numpy(arrays["y"]).long(), torch.from_numpy(arrays["is_test"])
    official = (~is_test).nonzero().squeeze(1)
    order = official[torch.randperm(len(official), generator=torch.Generator().manual_seed(0))]
    train, valid, test = order[:N_TRAIN], order[N_TRAIN : N_TRAIN + N_VALID], is_test.nonzero().squeeze(1)[:N_TEST]
    numbers = (numbers - numbers[train].mean(dim=0)) / numbers[train].std(dim=0)
    inputs = torch.cat([numbers, *(F.one_hot(column).float() for column in codes.unbind(dim=1))], dim=1)  # (rows, 108)
    return ts.Task(
        model=make_model,
        train=(inputs[train], targets[train]),
        valid=(inputs[valid], targets[valid]),
        test=(inputs[test], targets[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=40,
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
