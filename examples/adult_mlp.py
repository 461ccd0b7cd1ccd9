"""A multi-layer perceptron on the Adult census data: does a person earn more than 50,000 dollars?

    export TUNESMITH_DATA=/path/to/data        # a folder with tabular/adult.npz, see examples/README.md
    tunesmith tune examples/adult_mlp.py:task --out runs/adult_mlp

The official training part is split 80 : 20 into training and validation; the official test part stays the test set.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN = 26_048


def data_folder() -> Path:
    """Where the data lies."""
    if not os.environ.get("TUNESMITH_DATA"):
        raise ts.InputError("TUNESMITH_DATA must name the folder that holds tabular/adult.npz, and it is unset: export TUNESMITH_DATA=FOLDER.")
    return Path(os.environ["TUNESMITH_DATA"])


def read_census() -> tuple[Tensor, Tensor, Tensor]:
    """Inputs with every categorical column as one-hot, targets, and which rows belong to the official test part."""
    with np.load(data_folder() / "tabular" / "adult.npz") as arrays:
        numbers = torch.from_numpy(arrays["x_num"])  # (rows, 6)
        codes = torch.from_numpy(arrays["x_cat"]).long()  # (rows, 8)
        targets = torch.from_numpy(arrays["y"]).long()
        is_test = torch.from_numpy(arrays["is_test"])
    one_hot = [F.one_hot(column).float() for column in codes.unbind(dim=1)]
    return torch.cat([numbers, *one_hot], dim=1), targets, is_test  # (rows, 108)


def make_model() -> nn.Module:
    """Two hidden layers, 22,338 parameters."""
    return nn.Sequential(nn.Linear(108, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The training."""
    inputs, targets, is_test = read_census()
    official = (~is_test).nonzero().squeeze(1)
    order = official[torch.randperm(len(official), generator=torch.Generator().manual_seed(0))]
    train, valid = order[:N_TRAIN], order[N_TRAIN:]
    mean, std = inputs[train, :6].mean(dim=0), inputs[train, :6].std(dim=0)
    inputs[:, :6] = (inputs[:, :6] - mean) / std
    return ts.Task(
        model=make_model,
        train=(inputs[train], targets[train]),
        valid=(inputs[valid], targets[valid]),
        test=(inputs[is_test], targets[is_test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=20,
        optimizer="sgd",
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),  # untuned: what one starts with
    )
