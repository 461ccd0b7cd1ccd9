"""Fine-tuning with AdamW: a small convolutional network, trained on the digits 0 to 4, goes on with 5 to 9; 40 epochs."""

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts
from tunesmith.data import load_digits

N_TRAIN, N_VALID, HALF = 1000, 400, 5


def new_model() -> nn.Module:
    """A network for ten classes, its last layer replaced by one for five."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 32, 4, 4)
        nn.Conv2d(32, 64, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (batch, 64, 2, 2)
        nn.Flatten(),
        nn.Linear(256, 10),
    )  # fmt: skip
    model[-1] = nn.Linear(256, HALF)
    return model


@functools.cache
def parts() -> list[tuple[Tensor, Tensor]]:
    """Training, validation and test digits, split once and for all by a fixed seed, standardised with the training part's mean and deviation."""
    images, labels = load_digits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    inputs = torch.from_numpy(images).float().unsqueeze(1)[order]  # (1797, 1, 8, 8)
    targets = torch.from_numpy(labels).long()[order]
    inputs = (inputs - inputs[:N_TRAIN].mean()) / inputs[:N_TRAIN].std()
    ends = [N_TRAIN, N_TRAIN + N_VALID]
    return list(zip(inputs.tensor_split(ends), targets.tensor_split(ends), strict=True))


def half(part: int, *, is_lower: bool) -> tuple[Tensor, Tensor]:
    """The digits below five of a part, or the others, labels from 0."""
    inputs, targets = parts()[part]
    kept = (targets < HALF) == is_lower
    return inputs[kept], targets[kept] % HALF


@functools.cache
def pretrained() -> dict[str, Tensor]:
    """Weights after 15 epochs on the lower digits, but for the last layer's."""
    inputs, targets = half(0, is_lower=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = new_model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        for _ in range(15):
            for chosen in torch.randperm(len(inputs)).split(64):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
                optimizer.step()
    return {name: value for name, value in model.state_dict().items() if not name.startswith(f"{len(model) - 1}.")}


def make_model() -> nn.Module:
    """The pretrained network with a fresh last layer."""
    model = new_model()
    model.load_state_dict(pretrained(), strict=False)
    return model


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def task() -> ts.Task:
    """The upper digits."""
    return ts.Task(
        model=make_model,
        train=half(0, is_lower=False),
        valid=half(1, is_lower=False),
        test=half(2, is_lower=False),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=40,
        optimizer="adamw",
        current=ts.Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=64),
    )
