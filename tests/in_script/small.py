"""A small training with everything in it that a probe might disturb, and the bits that it stands at."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import tunesmith as ts
from tunesmith.engine.fingerprint import digest

N_TRAIN, N_VALID, BATCH = 96, 40, 16
INPUTS = torch.randn(N_TRAIN + N_VALID, 6, generator=torch.Generator().manual_seed(5))
TARGETS = (INPUTS[:, 0] + INPUTS[:, 1] > 0).long()
SWEEP = {"start_lr": 0.0, "end_lr": 2.0, "steps": 24}


class Noisy(Dataset):
    """Pairs, augmented from every kind of generator that people use, and a counter of reads."""

    def __init__(self, start: int, stop: int) -> None:
        self.inputs, self.targets = INPUTS[start:stop], TARGETS[start:stop]
        self.own, self.old, self.plain = np.random.default_rng(1), np.random.RandomState(2), random.Random(3)
        self.reads = 0

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.reads += 1
        noise = np.random.rand() + random.random() + self.own.random() + self.old.rand() + self.plain.random() + torch.rand(()).item()  # noqa: NPY002
        return self.inputs[index] + 0.01 * noise, self.targets[index]


class Stream(IterableDataset):
    """A stream that goes on where it was left, as many do by mistake."""

    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(50):
            index = self.position % N_TRAIN
            self.position += 1
            yield INPUTS[index], TARGETS[index]


class Net(nn.Module):
    """Statistics, dropout, a frozen layer, a replaced buffer, a plain counter and a generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 2))
        self.frozen = nn.Linear(6, 6)
        self.frozen.requires_grad_(requires_grad=False)
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("mask", torch.ones(1).expand(6))
        self.generator = torch.Generator().manual_seed(4)
        self.calls, self.log = 0, list[float]()

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        self.log.append(float(self.calls))
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * inputs.detach().mean(dim=0)  # another tensor at every call
            inputs = inputs + self.mask * 0.01 * torch.randn(inputs.shape, generator=self.generator)
        return self.body(inputs + 0.1 * self.frozen(inputs) - self.mean)


def net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()


def groups(model: Net) -> list[dict[str, object]]:
    return [{"params": list(model.body[0].parameters()), "lr": 0.02}, {"params": [*model.body[1].parameters(), *model.body[4].parameters()], "lr": 0.2}]


OPTIMIZERS: dict[str, Callable[[Net], Optimizer]] = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
    "momentum, groups": lambda model: torch.optim.SGD(groups(model), momentum=0.9, nesterov=True),
    "adamw, groups": lambda model: torch.optim.AdamW(groups(model), weight_decay=0.1, amsgrad=True),
    "adam, lr a tensor": lambda model: torch.optim.Adam(model.parameters(), lr=torch.tensor(0.05), capturable=False, foreach=False),
    "rmsprop": lambda model: torch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5, centered=True),
}


@dataclass
class Training:
    """A script's objects, and its loop."""

    model: Net = field(default_factory=net)
    optimizer: Optimizer = field(init=False)
    scaler: torch.amp.GradScaler | None = None
    loader: DataLoader = field(init=False)
    valid_loader: DataLoader = field(init=False)
    kind: str = "momentum, groups"
    uses_own_generator: bool = True
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = OPTIMIZERS[self.kind](self.model)
        generator = torch.Generator().manual_seed(7) if self.uses_own_generator else None
        self.loader = DataLoader(Noisy(0, N_TRAIN), BATCH, shuffle=True, generator=generator)
        self.valid_loader = DataLoader(Noisy(N_TRAIN, N_TRAIN + N_VALID), 8, shuffle=True, generator=torch.Generator().manual_seed(8))

    def train(self, steps: int) -> None:
        """The loop as people write it; gradients of the last update stay where they are."""
        self.model.train()
        made = 0
        while made < steps:
            for inputs, targets in self.loader:
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(inputs), targets)
                if self.scaler is None:
                    loss.backward()
                    self.optimizer.step()
                else:
                    self.scaler.scale(loss).backward()
                    self.scaler.step(self.optimizer)
                    self.scaler.update()
                self.losses.append(loss.item())
                made += 1
                if made == steps:
                    break

    def bits(self) -> dict[str, object]:
        """Everything that must be the same afterwards, each part by itself so that a difference has a name."""
        data = [self.loader.dataset, self.valid_loader.dataset]
        generators = [loader.generator.get_state() for loader in (self.loader, self.valid_loader) if loader.generator is not None]
        parameters = dict(self.model.named_parameters())
        return {
            "weights and buffers": digest(self.model.state_dict()),
            "optimizer": digest(self.optimizer.state_dict()),
            "gradients": {name: None if p.grad is None else digest(p.grad) for name, p in parameters.items()},
            "same gradients": {name: id(p.grad) for name, p in parameters.items()},
            "same tensors": {name: id(value) for name, value in [*parameters.items(), *self.model.named_buffers()]},
            "same groups": [id(group) for group in self.optimizer.param_groups],
            "modes": [module.training for module in self.model.modules()],
            "requires_grad": {name: p.requires_grad for name, p in parameters.items()},
            "hooks": [list(module._forward_hooks) for module in self.model.modules()],
            "hooks of tensors": {name: (p._backward_hooks, p._post_accumulate_grad_hooks) for name, p in parameters.items()},
            "attributes": (self.model.calls, list(self.model.log), sorted(vars(self.model)), sorted(vars(self.optimizer))),
            "scaler": None if self.scaler is None else (self.scaler.state_dict(), self.scaler.get_scale()),
            "generators": digest([self.model.generator.get_state(), *generators]),
            "datasets": [(d.reads, d.own.bit_generator.state, d.plain.getstate(), d.old.get_state()[1].tolist()) for d in data],
            "global": (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()),  # noqa: NPY002
        }


def seed_everything(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def finished(training: Training) -> dict[str, object]:
    """What a training ends with, without the identities."""
    return {name: value for name, value in training.bits().items() if not name.startswith("same")} | {"losses": training.losses}


TRAIN, VALID = TensorDataset(INPUTS[:N_TRAIN], TARGETS[:N_TRAIN]), TensorDataset(INPUTS[N_TRAIN:], TARGETS[N_TRAIN:])
BATCHES = list(zip(INPUTS[:N_TRAIN].split(BATCH), TARGETS[:N_TRAIN].split(BATCH), strict=True))


def plain_net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))


def sgd(model: nn.Module, **changes: float) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), **{"lr": 0.1, "momentum": 0.9, **changes})


def sweep(**changes: object) -> ts.LrRangeTest:
    """A test of the plain network on a list of batches, unless said otherwise."""
    given_ = {"model": plain_net(), "loss": F.cross_entropy, "train_loader": BATCHES, **SWEEP, **changes}
    given_.setdefault("optimizer", sgd(given_["model"]))
    return ts.lr_range_test(**given_)
