"""The beds of the fresh part: data and networks that neither half uses, longer and shorter runs, and a loss that falls below zero."""

import gzip
import io
import os
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.clues.beds import Bed, Part, absolute_error, mlp
from benchmarks.clues.kind import Order
from tunesmith.optimizers import ParamGroups
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Metric, Task

N_WORDS, WINDOW = 400, 10
_ISLAND = 2
_SHARES = (1.0, 0.75, 1.25, 1.5)
_EVALUATIONS = (24, 60, 8, 40)


def fresh_order(
    bed: Bed,
    *,
    task: Task,
    settings: Settings,
    seed: int,
    share: float = 1.0,
    since: tuple[float, float] | None = None,
    least_evaluations: int = 8,
    stops_when_diverged: bool = True,
) -> Order:
    """A run of about `share` of the bed's length; length and number of evaluations (8 to 60) go with bed and seed.

    What shows between two evaluations only must ask for more of them: nobody can read what the curve does not hold.
    """
    turn = (seed + len(bed.name)) % len(_SHARES)
    spec = RunSpec(
        settings=settings,
        total_steps=round(share * _SHARES[turn] * bed.steps),
        seed=seed,
        evaluations=max(_EVALUATIONS[turn], least_evaluations) - 1,
        stops_when_diverged=stops_when_diverged,
    )
    return Order(task=task, spec=spec, since=since)


def _folder() -> Path:
    return Path(os.environ["TUNESMITH_DATA"])


@cache
def cifar() -> tuple[Part, Part]:
    """Colour images, every second pixel, in [-2, 2]."""
    count, n_train = 3200, 2600
    with np.load(_folder() / "cifar10" / "cifar10_jpeg_canonical.npz") as arrays:
        stream, offset, labels = arrays["train_jpeg"], arrays["train_offset"], torch.from_numpy(arrays["y_train"][10_000 : 10_000 + count]).long()
    opened = [Image.open(io.BytesIO(stream[offset[i] : offset[i + 1]].tobytes())) for i in range(10_000, 10_000 + count)]
    x = torch.from_numpy(np.stack([np.asarray(image)[::2, ::2] for image in opened])).permute(0, 3, 1, 2).float() / 64 - 2
    return (x[:n_train], labels[:n_train]), (x[n_train:], labels[n_train:])


@cache
def _mnist(begin: int, count: int) -> tuple[Tensor, Tensor]:
    def read(name: str, header_bytes: int) -> Tensor:
        with gzip.open(_folder() / "mnist" / name) as file:
            return torch.from_numpy(np.frombuffer(file.read(60_000 * 784 + header_bytes), dtype=np.uint8, offset=header_bytes).copy())

    x = read("train-images-idx3-ubyte.gz", 16).view(-1, 28, 28)[begin : begin + count].float() / 255
    return x, read("train-labels-idx1-ubyte.gz", 8)[begin : begin + count].long()


@cache
def mnist_rows() -> tuple[Part, Part]:
    """All 784 pixels in a row."""
    x, y = _mnist(20_000, 4_600)
    x = (x.flatten(1) - 0.1307) / 0.3081
    return (x[:4000], y[:4000]), (x[4000:], y[4000:])


@cache
def mnist_copies() -> tuple[Part, Part]:
    """14 x 14 pixels in [0, 1], to be given back."""
    x, _ = _mnist(40_000, 3_000)
    x = F.avg_pool2d(x.unsqueeze(1), 2).flatten(1)
    return (x[:2400], x[:2400]), (x[2400:], x[2400:])


@cache
def spirals() -> tuple[Part, Part]:
    """Three arms, one and a quarter turns each, with a little noise."""
    random = torch.Generator().manual_seed(11)
    y = torch.arange(2000) % 3
    along = torch.rand(2000, generator=random).sqrt()
    angle = 2.5 * torch.pi * along + 2 * torch.pi * y / 3
    x = torch.stack([angle.cos() * along, angle.sin() * along], dim=1) * 2 + 0.06 * torch.randn(2000, 2, generator=random)
    return (x[:1400], y[:1400]), (x[1400:], y[1400:])


@cache
def taught() -> tuple[Part, Part]:
    """Five classes that a random network of one hidden layer tells apart; its answers are drawn, not rounded."""
    random = torch.Generator().manual_seed(12)
    x = torch.randn(7000, 20, generator=random)
    hidden = torch.tanh(x @ torch.randn(20, 12, generator=random) / 2)
    y = torch.multinomial((2.2 * hidden @ torch.randn(12, 5, generator=random)).softmax(dim=1), 1, generator=random).squeeze(1)
    return (x[:6000], y[:6000]), (x[6000:], y[6000:])


@cache
def words() -> tuple[Part, Part]:
    """Windows of the commonest words of Shakespeare, all others as one, and the same one word on."""
    text = (_folder() / "text" / "tinyshakespeare.txt").read_text(encoding="ascii").lower().split()
    counts: dict[str, int] = {}
    for word in text:
        counts[word] = counts.get(word, 0) + 1
    code = {word: i + 1 for i, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word))[: N_WORDS - 1])}
    codes = torch.tensor([code.get(word, 0) for word in text])

    def pieces(part: Tensor, count: int) -> Part:
        windows = part.unfold(0, WINDOW + 1, 1)
        chosen = windows[torch.linspace(0, len(windows) - 1, count).long()]
        return chosen[:, :-1].contiguous(), chosen[:, 1:].contiguous()

    train, valid = codes.tensor_split([int(0.9 * len(codes))])
    return pieces(train, 4000), pieces(valid, 300)


@cache
def unequal_noise() -> tuple[Part, Part]:
    """A smooth function of five inputs whose noise, small everywhere, depends on one of them."""
    random = torch.Generator().manual_seed(13)
    x = torch.rand(3600, 5, generator=random) * 2 - 1
    y = torch.sin(3 * x[:, 0]) * x[:, 1] + x[:, 2].square() + x[:, 3] / 2
    y = (y + 0.15 * torch.exp(1.2 * x[:, 4]) * torch.randn(3600, generator=random)).unsqueeze(1)
    return (x[:3000], y[:3000]), (x[3000:], y[3000:])


@cache
def coast() -> tuple[Part, Part]:
    """How near the ocean a block of California is, in four words, from the eight numbers known of it."""
    with np.load(_folder() / "tabular" / "california_housing.npz") as arrays:
        x, y = torch.from_numpy(arrays["x_num"]).float(), torch.from_numpy(arrays["x_cat"]).long()[:, 0]
    x, y = x[y != _ISLAND], y[y != _ISLAND]  # five blocks
    y -= (y > _ISLAND).long()
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(14))[:6000]
    x, y = (x[chosen] - x.mean(dim=0)) / x.std(dim=0), y[chosen]
    return (x[:4800], y[:4800]), (x[4800:], y[4800:])


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.second, self.second_norm = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def _resnet(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        _Block(width, width, 1), _Block(width, 2 * width, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10),
    )  # fmt: skip


class WordRecurrent(nn.Module):
    """Words in, logits of the next word out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.words, self.recurrence, self.head = nn.Embedding(N_WORDS, width), nn.GRU(width, width, batch_first=True), nn.Linear(width, N_WORDS)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, WINDOW)
        """Logits, (batch, WINDOW, N_WORDS)."""
        return self.head(self.recurrence(self.words(codes))[0])


def dropped_mlp(width: int, *, dropout: float = 0.2) -> nn.Module:
    """Two hidden layers, each with dropout."""
    hidden = (nn.Linear(784, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout))
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def _autoencoder(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(196, 6 * width), nn.ReLU(), nn.Linear(6 * width, width), nn.Linear(width, 6 * width), nn.ReLU(), nn.Linear(6 * width, 196))


def _spiral_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3))


def _coast_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(8, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, 4))


def _sure_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))


def gaussian_nll(output: Tensor, target: Tensor) -> Tensor:
    """Of a mean and the logarithm of a variance, without the constant: below zero where the answer is sure and right."""
    mean, log_variance = output[:, :1], output[:, 1:].clamp(-8, 8)
    return (log_variance + (mean - target).square() * (-log_variance).exp()).mean() / 2


def _error_of_mean(output: Tensor, target: Tensor) -> Tensor:
    return absolute_error(output[:, :1], target)


def rmsprop(groups: ParamGroups, settings: Settings) -> torch.optim.Optimizer:
    """Torch's RMSprop, whose momentum makes its steps 1 / (1 - momentum) times as large."""
    return torch.optim.RMSprop(groups, lr=settings.lr, momentum=settings.momentum, alpha=0.98)


FRESH_BEDS = {
    bed.name: bed
    for bed in (
        Bed(half="fresh", name="cifar_resnet", data=cifar, model=_resnet, width=10, classes=10, lr=0.05, low_lr=0.02, edge_lr=3.0,
            optimizer="nesterov", batch_size=64, steps=200),
        Bed(half="fresh", name="mnist_dropout", data=mnist_rows, model=dropped_mlp, width=128, classes=10, lr=0.1, low_lr=0.03, edge_lr=1.0,
            batch_size=128, steps=300),
        Bed(half="fresh", name="spiral_adam", data=spirals, model=_spiral_model, width=32, classes=3, lr=0.03, low_lr=0.02, edge_lr=1.0,
            optimizer="adam", batch_size=32, steps=800),
        Bed(half="fresh", name="taught_rms", data=taught, model=mlp(20, 5), width=48, classes=5, lr=0.002, low_lr=0.001, edge_lr=0.03,
            optimizer=rmsprop, batch_size=64, steps=500),
        Bed(half="fresh", name="words_gru", data=words, model=WordRecurrent, width=32, classes=N_WORDS, lr=0.03, low_lr=0.005, edge_lr=1.0,
            optimizer="adamw", batch_size=32, steps=240),
        Bed(half="fresh", name="copy_adam", data=mnist_copies, model=_autoencoder, width=16, classes=0, lr=0.01, low_lr=0.003, edge_lr=0.1,
            optimizer="adam", batch_size=50, steps=320),
        Bed(half="fresh", name="sure_nll", data=unequal_noise, model=_sure_model, width=32, classes=0, lr=0.03, low_lr=0.02, edge_lr=0.3,
            optimizer="adam", batch_size=16, steps=1000, loss=gaussian_nll, metrics={"absolute_error": Metric(_error_of_mean, higher_is_better=False)}),
        Bed(half="fresh", name="coast_ln", data=coast, model=_coast_model, width=32, classes=4, lr=0.1, low_lr=0.03, edge_lr=3.0,
            optimizer="nesterov", batch_size=256, steps=200),
    )
}  # fmt: skip
"""Every bed by name. The rates were set by hand at or beside the best of the grid of `python -m benchmarks.clues.tuning --fresh`, checked by `fresh_mended`."""
