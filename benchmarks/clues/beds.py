"""Eight small trainings that truth tasks are made from: data, network, optimizer, and the rates that a grid found (`python -m benchmarks.clues.tuning`)."""

import gzip
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.data import load_digits
from tunesmith.optimizers import OptimizerMaker
from tunesmith.schedules import TaskShape
from tunesmith.settings import Settings
from tunesmith.task import Metric, Task

Part: TypeAlias = tuple[Tensor, Tensor]
Maker: TypeAlias = Callable[[int, torch.Generator], Iterable[Part]]
CONTEXT, N_CHARACTERS = 16, 65


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share that is classified right; classes lie in the last dimension."""
    return (output.argmax(dim=-1) == target).float().mean()


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error."""
    return (output - target).abs().mean()


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Mean over everything but the last dimension, which holds the classes."""
    return F.cross_entropy(output.flatten(0, -2), target.flatten())


@dataclass(frozen=True, kw_only=True)
class Bed:
    """One training in its good state, from which kinds depart.

    Attributes:
        name: Of data and network.
        half: "fit", "report" or "fresh": the part that may see it.
        data: () → (train, valid).
        model: (width) → network.
        width: Of the hidden layers in the good state.
        classes: 0 for a regression.
        lr, low_lr, edge_lr: From the grid: the best peak of 1cycle; the lowest that loses at most 5 % of the drop; the lowest from which runs are lost or lose
            more than half of the drop.
        optimizer: Name, or a maker.
        batch_size: Of the good state.
        steps: Length of the good state, which kinds of the fresh part vary.
        loss, metrics: Where they are not cross-entropy and accuracy, or for a regression squared and absolute error.
    """

    name: str
    half: str
    data: Callable[[], tuple[Part, Part]]
    model: Callable[[int], nn.Module]
    width: int
    classes: int
    lr: float
    low_lr: float
    edge_lr: float
    optimizer: str | OptimizerMaker = "sgd"
    batch_size: int = 50
    steps: int = 400
    loss: Callable[[Tensor, Tensor], Tensor] | None = None
    metrics: dict[str, Metric] | None = None

    @property
    def is_adam(self) -> bool:
        """Whether decay is decoupled and the momentum is beta1."""
        return self.optimizer == "adamw"

    def task(
        self,
        *,
        train: Part | Maker | None = None,
        valid: Part | Maker | None = None,
        model: Callable[[], nn.Module] | None = None,
        schedule: str | TaskShape = "one_cycle",
        clip_grad_norm: float | None = None,
        examples_per_epoch: int | None = None,
    ) -> Task:
        """A task of this bed, some of its parts replaced."""
        usual_train, usual_valid = self.data()
        loss, metrics = (cross_entropy, {"accuracy": Metric(accuracy, higher_is_better=True)})
        if not self.classes:
            loss, metrics = (F.mse_loss, {"absolute_error": Metric(absolute_error, higher_is_better=False)})
        return Task(
            model=model or (lambda: self.model(self.width)),
            train=usual_train if train is None else train,
            valid=usual_valid if valid is None else valid,
            loss=self.loss or loss,
            metrics=metrics if self.metrics is None else self.metrics,
            optimizer=self.optimizer,
            steps=self.steps,
            schedule=schedule,
            clip_grad_norm=clip_grad_norm,
            examples_per_epoch=examples_per_epoch,
        )

    def settings(
        self, *, lr: float | None = None, momentum: float = 0.9, weight_decay: float = 0.0, batch_size: int | None = None, schedule: str = "one_cycle"
    ) -> Settings:
        """The good settings, some of them replaced."""
        return Settings(
            lr=self.lr if lr is None else lr,
            momentum=momentum,
            weight_decay=weight_decay,
            batch_size=self.batch_size if batch_size is None else batch_size,
            schedule=schedule,
        )


def _folder() -> Path:
    return Path(os.environ["TUNESMITH_DATA"])


def _parts(x: Tensor, y: Tensor, *, sizes: tuple[int, int]) -> tuple[Part, Part]:
    """Shuffled once and for all, standardised by the training part."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, valid = order[: sizes[0]], order[sizes[0] : sum(sizes)]
    x = (x - x[train].mean(dim=0)) / x[train].std(dim=0).clamp(min=1e-3)
    return (x[train], y[train]), (x[valid], y[valid])


@cache
def digits() -> tuple[Part, Part]:
    """The digits that ship with the package, 64 pixels in a row."""
    images, labels = load_digits()
    x, y = torch.from_numpy(images).float().flatten(1) / 16, torch.from_numpy(labels).long()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = (x[order] - x.mean()) / x.std(), y[order]
    return (x[:1000], y[:1000]), (x[1000:1600], y[1000:1600])


@cache
def wine() -> tuple[Part, Part]:
    """Seven classes of quality."""
    with np.load(_folder() / "tabular" / "wine_quality.npz") as arrays:
        return _parts(torch.from_numpy(arrays["x_num"]).float(), torch.from_numpy(arrays["y"]).long() - 3, sizes=(3500, 1000))


@cache
def california() -> tuple[Part, Part]:
    """Prices of blocks, standardised."""
    with np.load(_folder() / "tabular" / "california_housing.npz") as arrays:
        y = torch.from_numpy(arrays["y"]).float().unsqueeze(1)
        return _parts(torch.from_numpy(arrays["x_num"]).float(), (y - y.mean()) / y.std(), sizes=(4000, 1500))


@cache
def adult() -> tuple[Part, Part]:
    """Numbers standardised, categories as columns."""
    with np.load(_folder() / "tabular" / "adult.npz") as arrays:
        numbers, codes = torch.from_numpy(arrays["x_num"]).float()[:8000], torch.from_numpy(arrays["x_cat"]).long()[:8000]
        y = torch.from_numpy(arrays["y"]).long()[:8000]
    x = torch.cat([(numbers - numbers.mean(dim=0)) / numbers.std(dim=0), *(F.one_hot(column).float() for column in codes.unbind(dim=1))], dim=1)
    return (x[:5000], y[:5000]), (x[5000:7000], y[5000:7000])


@cache
def mnist() -> tuple[Part, Part]:
    """14 x 14 pixels."""

    def read(name: str, header_bytes: int) -> Tensor:
        with gzip.open(_folder() / "mnist" / name) as file:
            return torch.from_numpy(np.frombuffer(file.read(60_000 * 784 + header_bytes), dtype=np.uint8, offset=header_bytes).copy())

    x = read("train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)[:3000].float()
    y = read("train-labels-idx1-ubyte.gz", 8)[:3000].long()
    x = (F.avg_pool2d(x, 2) / 255 - 0.1307) / 0.3081
    return (x[:2000], y[:2000]), (x[2000:2600], y[2000:2600])


@cache
def waves() -> tuple[Part, Part]:
    """A made-up regression: smooth, six inputs, noise of a third of its spread."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(3000, 6, generator=random)
    y = torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2 + x[:, 3]
    y = (y / y.std() + torch.randn(3000, generator=random) / 3).unsqueeze(1)
    return (x[:2000], y[:2000]), (x[2000:], y[2000:])


@cache
def text() -> tuple[Part, Part]:
    """Pieces of Shakespeare, and the same one character on."""
    codes = torch.frombuffer(bytearray((_folder() / "text" / "tinyshakespeare.txt").read_bytes()), dtype=torch.uint8).unique(return_inverse=True)[1]

    def pieces(part: Tensor, count: int) -> Part:
        windows = part.unfold(0, CONTEXT + 1, 1)
        chosen = windows[torch.linspace(0, len(windows) - 1, count).long()]
        return chosen[:, :-1].contiguous(), chosen[:, 1:].contiguous()

    train, valid = codes.tensor_split([int(0.9 * len(codes))])
    return pieces(train, 4000), pieces(valid, 300)


class Recurrent(nn.Module):
    """Characters in, logits of the next character out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.characters, self.recurrence = nn.Embedding(N_CHARACTERS, width), nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, N_CHARACTERS)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, CONTEXT)
        """Logits, (batch, CONTEXT, N_CHARACTERS)."""
        return self.head(self.recurrence(self.characters(codes))[0])


class Transformer(nn.Module):
    """One causal layer: characters in, logits of the next character out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.characters, self.positions = nn.Embedding(N_CHARACTERS, width), nn.Embedding(CONTEXT, width)
        self.layer = nn.TransformerEncoderLayer(width, 2 if width % 2 == 0 else 1, dim_feedforward=4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, N_CHARACTERS))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, CONTEXT)
        """Logits, (batch, CONTEXT, N_CHARACTERS)."""
        return self.head(self.layer(self.characters(codes) + self.positions.weight, src_mask=self.mask, is_causal=True))


def mlp(n_in: int, n_out: int) -> Callable[[int], nn.Module]:
    """Two hidden layers of ReLU."""
    return lambda width: nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n_out))


def _wine_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(11, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 7))


def _wave_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))


def _mnist_model(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, kernel_size=3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(3),
        nn.Flatten(), nn.Linear(18 * width, 10),
    )  # fmt: skip


BEDS = {
    bed.name: bed
    for bed in (
        Bed(name="digits_mlp", half="fit", data=digits, model=mlp(64, 10), width=64, classes=10, lr=0.1, low_lr=0.01, edge_lr=1.0),
        Bed(name="wine_bn", half="fit", data=wine, model=_wine_model, width=64, classes=7, lr=0.03, low_lr=0.003, edge_lr=10.0),
        Bed(name="california_mlp", half="fit", data=california, model=mlp(8, 1), width=64, classes=0, lr=0.05, low_lr=0.03, edge_lr=0.3),
        Bed(name="text_lstm", half="fit", data=text, model=Recurrent, width=48, classes=65, lr=0.03, low_lr=0.01, edge_lr=1.0, optimizer="adamw"),
        Bed(name="mnist_cnn", half="report", data=mnist, model=_mnist_model, width=8, classes=10, lr=0.03, low_lr=0.01, edge_lr=0.3, optimizer="nesterov"),
        Bed(name="adult_mlp", half="report", data=adult, model=mlp(108, 2), width=64, classes=2, lr=0.003, low_lr=0.001, edge_lr=0.3, optimizer="adamw"),
        Bed(name="wave_tanh", half="report", data=waves, model=_wave_model, width=64, classes=0, lr=0.05, low_lr=0.01, edge_lr=0.3),
        Bed(half="report", name="text_transformer", data=text, model=Transformer, width=32, classes=65, lr=0.03, low_lr=0.01, edge_lr=1.0, optimizer="adamw"),
    )
}
"""Every bed by name. The rates are what `python -m benchmarks.clues.tuning` printed, but for two: the best rate of California and of the waves, .1, stands
beside the edge, so half of it is taken; no rate of the grid lost the LSTM, so its edge is the grid's end."""
