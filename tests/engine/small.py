"""What the tests of the engine train: 200 random examples, three classes, and networks of a few hundred weights."""

import random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Metric, Task

N_TRAIN, N_VALID = 200, 60
_generator = torch.Generator().manual_seed(5)
INPUTS, TARGETS = torch.randn(300, 12, generator=_generator), torch.randint(3, (300,), generator=_generator)
TRAIN = (INPUTS[:N_TRAIN], TARGETS[:N_TRAIN])
VALID = (INPUTS[N_TRAIN : N_TRAIN + N_VALID], TARGETS[N_TRAIN : N_TRAIN + N_VALID])
TEST = (INPUTS[N_TRAIN + N_VALID :], TARGETS[N_TRAIN + N_VALID :])
SETTINGS = Settings(lr=0.1, momentum=0.9, min_momentum=0.8, weight_decay=1e-3, batch_size=32)


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """The training data one by one; counts how often it was read."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise
        self.reads = 0

    def __len__(self) -> int:
        return N_TRAIN

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.reads += 1
        return TRAIN[0][index] + self.noise * torch.randn(12), TRAIN[1][index]


def plain_net() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))


def rich_net() -> nn.Module:
    """With statistics, and with random draws while it trains."""
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    return (output.argmax(1) == target).float().mean()


def make_task(**changes: object) -> Task:
    fields: dict[str, object] = {
        "model": plain_net, "train": TRAIN, "valid": VALID, "test": TEST, "loss": F.cross_entropy,
        "metrics": {"accuracy": Metric(accuracy, higher_is_better=True)}, "epochs": 5,
    }  # fmt: skip
    return Task(**{**fields, **changes})  # type: ignore[arg-type]


def make_spec(**changes: object) -> RunSpec:
    return RunSpec(**{"settings": SETTINGS, "total_steps": 20, "seed": 3, **changes})  # type: ignore[arg-type]


def train_losses(task: Task, **changes: object) -> tuple[float, ...]:
    return run_spec(task, make_spec(**changes)).curve.train_loss


def global_rng() -> tuple[object, ...]:
    """What the global generators stand at, to compare."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 (the global generator is what user code draws from)
    return torch.get_rng_state().numpy().tobytes(), name, keys.tobytes(), tuple(rest), random.getstate()
