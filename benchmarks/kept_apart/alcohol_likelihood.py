"""Alcohol of a wine and how unsure it is, a Gaussian likelihood that falls below zero, an MLP, 40 epochs of 3,200 wines. Adam."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, ALCOHOL = 3200, 1000, 10


def make_model() -> nn.Module:
    """Two hidden layers of 64; out come the mean and what softplus makes the variance of."""
    return nn.Sequential(nn.Linear(11, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean negative logarithm of the likelihood, without its constant."""
    mean, raw = output.unbind(dim=1)
    return F.gaussian_nll_loss(mean, target, F.softplus(raw), eps=1e-3)


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the mean, in standard deviations of the alcohol."""
    return (output[:, 0] - target).abs().mean()


def task() -> ts.Task:
    """All wines that differ, shuffled once and for all; from ten measurements and the colour, standardised with the training part's mean and deviation."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "wine_quality.npz") as arrays:
        rows = np.unique(np.column_stack([arrays["x_num"], arrays["is_white"]]).astype(np.float32), axis=0)
    rows = np.random.default_rng(0).permutation(rows)
    rows = torch.from_numpy((rows - rows[:N_TRAIN].mean(axis=0)) / rows[:N_TRAIN].std(axis=0))
    is_input = torch.arange(rows.shape[1]) != ALCOHOL
    x, y = rows[:, is_input], rows[:, ALCOHOL].contiguous()
    train, valid, test = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, None)
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=loss,
        metrics={"absolute_error": ts.Metric(absolute_error, higher_is_better=False)},
        epochs=40,
        optimizer="adam",
        current=ts.Settings(lr=1e-2, momentum=0.9, schedule="constant", batch_size=64),
    )
