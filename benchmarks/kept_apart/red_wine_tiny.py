"""Quality of red wines as a number, from 320 wines, a small tanh network, 400 epochs: tiny data with much noise. Nesterov."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID = 320, 500


def make_model() -> nn.Module:
    """Two hidden layers of 24, 913 parameters."""
    return nn.Sequential(nn.Linear(11, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error, in standard deviations of the quality."""
    return (output - target).abs().mean()


def task() -> ts.Task:
    """The 1,359 red wines that differ, shuffled once and for all; inputs and quality standardised with the training part's mean and deviation."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "wine_quality.npz") as arrays:
        is_red = ~arrays["is_white"].astype(bool)
        rows = np.column_stack([arrays["x_num"][is_red], arrays["y"][is_red]]).astype(np.float32)
    rows = np.random.default_rng(0).permutation(np.unique(rows, axis=0))
    rows = torch.from_numpy((rows - rows[:N_TRAIN].mean(axis=0)) / rows[:N_TRAIN].std(axis=0))
    x, y = rows[:, :-1].contiguous(), rows[:, -1:].contiguous()
    train, valid, test = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, None)
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.mse_loss,
        metrics={"absolute_error": ts.Metric(absolute_error, higher_is_better=False)},
        epochs=400,
        optimizer="nesterov",
        current=ts.Settings(lr=0.1, momentum=0.9, schedule="constant", batch_size=32),
    )
