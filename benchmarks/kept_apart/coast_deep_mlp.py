"""How near the ocean a block of California lies, four classes, a plain MLP of eight layers without any normalisation, 30 epochs. SGD."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

N_TRAIN, N_VALID, N_TEST, WIDTH, DEPTH = 4000, 1000, 4000, 64, 8
ISLAND = 2


def make_model() -> nn.Module:
    """Seven hidden layers of 64 with ReLU, He's initial weights; torch's own shrink what goes through, and most learning rates would not leave the start."""
    hidden = [layer for i in range(DEPTH - 1) for layer in (nn.Linear(WIDTH if i else 8, WIDTH), nn.ReLU())]
    model = nn.Sequential(*hidden, nn.Linear(WIDTH, 4))
    for layer in model[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return model


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """All blocks but the five on an island, shuffled once and for all; the eight numbers standardised."""
    with np.load(Path(os.environ["TUNESMITH_DATA"]) / "tabular" / "california_housing.npz") as arrays:
        inputs, codes = torch.from_numpy(arrays["x_num"]).float(), torch.from_numpy(arrays["x_cat"]).long()[:, 0]
    on_land = (codes != ISLAND).nonzero().squeeze(1)
    order = on_land[torch.randperm(len(on_land), generator=torch.Generator().manual_seed(0))]
    x, y = inputs[order], codes[order] - (codes[order] > ISLAND).long()
    x = (x - x[:N_TRAIN].mean(dim=0)) / x[:N_TRAIN].std(dim=0)
    train, valid, test = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, N_TRAIN + N_VALID + N_TEST)
    return ts.Task(
        model=make_model,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=30,
        current=ts.Settings(lr=0.01, momentum=0.9, weight_decay=1e-4, schedule="constant", batch_size=32),
    )
