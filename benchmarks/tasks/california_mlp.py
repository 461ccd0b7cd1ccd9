"""California housing, a regression, an MLP, 24 epochs of 10,000 blocks. SGD."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID = 10_000, 2000


def make_model() -> nn.Module:
    """Two hidden layers of 128."""
    return nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error, in standard deviations of the price."""
    return (output - target).abs().mean()


def task() -> ts.Task:
    """Inputs and prices standardised; the test set is the one that Keras fixed."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "california_housing.npz") as arrays:
        inputs, prices = torch.from_numpy(arrays["x_num"]), torch.from_numpy(arrays["y"]).unsqueeze(1)
        is_test = torch.from_numpy(arrays["is_keras_test"])
    official = (~is_test).nonzero().squeeze(1)
    order = official[torch.randperm(len(official), generator=torch.Generator().manual_seed(0))]
    train, valid, test = order[:N_TRAIN], order[N_TRAIN : N_TRAIN + N_VALID], is_test.nonzero().squeeze(1)
    x = (inputs - inputs[train].mean(dim=0)) / inputs[train].std(dim=0)
    y = (prices - prices[train].mean()) / prices[train].std()
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.mse_loss,
        metrics={"absolute_error": ts.Metric(absolute_error, higher_is_better=False)},
        epochs=24,
        current=ts.Settings(lr=0.01, momentum=0.9, schedule="constant", batch_size=64),
    )
