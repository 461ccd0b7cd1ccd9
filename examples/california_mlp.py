"""A multi-layer perceptron on the California housing data: a regression of block prices.

    export TUNESMITH_DATA=/path/to/data        # a folder with tabular/california_housing.npz, see examples/README.md
    tunesmith tune examples/california_mlp.py:task --out runs/california_mlp

Inputs and target are standardised, so a mean squared error of 1 is what the mean alone would reach. The test set is the one that Keras fixed.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN = 13_312


def data_folder() -> Path:
    """Where the data lies."""
    if not os.environ.get("TUNESMITH_DATA"):
        raise ts.InputError("TUNESMITH_DATA must name the folder that holds tabular/california_housing.npz, and it is unset: export TUNESMITH_DATA=FOLDER.")
    return Path(os.environ["TUNESMITH_DATA"])


def read_housing() -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, prices, and which rows belong to the test set."""
    with np.load(data_folder() / "tabular" / "california_housing.npz") as arrays:
        inputs = torch.from_numpy(arrays["x_num"])  # (rows, 8)
        prices = torch.from_numpy(arrays["y"]).unsqueeze(1)  # (rows, 1)
        is_test = torch.from_numpy(arrays["is_keras_test"])
    return inputs, prices, is_test


def make_model() -> nn.Module:
    """Two hidden layers, 17,793 parameters."""
    return nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error, in standard deviations of the price."""
    return (output - target).abs().mean()


def task() -> ts.Task:
    """The training."""
    inputs, prices, is_test = read_housing()
    official = (~is_test).nonzero().squeeze(1)
    order = official[torch.randperm(len(official), generator=torch.Generator().manual_seed(0))]
    train, valid = order[:N_TRAIN], order[N_TRAIN:]
    inputs = (inputs - inputs[train].mean(dim=0)) / inputs[train].std(dim=0)
    targets = (prices - prices[train].mean()) / prices[train].std()
    return ts.Task(
        model=make_model,
        train=(inputs[train], targets[train]),
        valid=(inputs[valid], targets[valid]),
        test=(inputs[is_test], targets[is_test]),
        loss=F.mse_loss,
        metrics={"absolute_error": ts.Metric(absolute_error, higher_is_better=False)},
        epochs=40,
        optimizer="sgd",
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),  # untuned: what one starts with
    )
