"""Wine quality as seven classes, an MLP, 60 epochs: good short settings overfit badly at full length.

tunesmith tune benchmarks/tasks/wine_mlp.py:task --out runs/wine
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID = 3500, 1000


def make_model() -> nn.Module:
    """Two hidden layers of 128."""
    return nn.Sequential(nn.Linear(11, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 7))


def task() -> ts.Task:
    """The wines, shuffled once and for all, standardised."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "wine_quality.npz") as data:
        inputs, targets = data["x_num"].astype(np.float32), data["y"].astype(np.int64) - 3
    order = np.random.default_rng(0).permutation(len(inputs))
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    x, y = torch.from_numpy(inputs[order]), torch.from_numpy(targets[order])
    end = N_TRAIN + N_VALID
    return ts.Task(
        model=make_model,
        train=(x[:N_TRAIN], y[:N_TRAIN]),
        valid=(x[N_TRAIN:end], y[N_TRAIN:end]),
        test=(x[end:], y[end:]),
        loss=F.cross_entropy,
        epochs=60,
    )
