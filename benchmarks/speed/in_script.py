"""What `ts.lr_range_test` adds to the same updates in a loop written by hand: the range test inside a script, without validation.

Both go through the same loader, 200 updates of the same network, optimizer and learning rates, `loss.item()` at every update. The range test also copies
the training's state, puts it back and reads the curve. CPU seconds, taking turns; rates so low that nothing stops early. Given are the turns' ratios, and
the ratio of the fastest tenth of each, which neighbours on the machine disturb least. With glibc a part of LeNet's ratio is page faults: whichever of the two
makes the heap shrink at its end gets it back in small pieces. `MALLOC_TRIM_THRESHOLD_=2000000000 MALLOC_MMAP_THRESHOLD_=2000000000` leaves these out.
"""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

import tunesmith as ts
from benchmarks.speed.networks import LENET_CLASSES, LENET_SHAPE, MLP_CLASSES, MLP_SHAPE, lenet, mlp, random_data
from benchmarks.speed.row import Row, ratios
from benchmarks.speed.turns import Seconds, cpu, take_turns, timed
from tunesmith.schedules import ramp

BATCH_SIZE, START_LR, END_LR = 64, 1e-5, 0.02
OURS, BARE = "ts.lr_range_test", "bare loop"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns of the MLP and of LeNet (0: left out), updates of a turn."""

    mlp_turns: int
    lenet_turns: int
    steps: int


FULL = Sizes(mlp_turns=21, lenet_turns=5, steps=200)
QUICK = Sizes(mlp_turns=5, lenet_turns=0, steps=100)


def measure(sizes: Sizes) -> list[Row]:
    """An MLP from a loader, the same from batches that are ready, and LeNet from a loader."""
    mlp_data, _ = random_data(MLP_SHAPE, n_classes=MLP_CLASSES, n_valid=1)
    rows = _compare("MLP", mlp(), loader_of(mlp_data), turns=sizes.mlp_turns, steps=sizes.steps)
    rows += _compare("MLP, ready batches", mlp(), list(loader_of(mlp_data)), turns=sizes.mlp_turns, steps=sizes.steps)
    if sizes.lenet_turns:
        lenet_data, _ = random_data(LENET_SHAPE, n_classes=LENET_CLASSES, n_valid=1)
        rows += _compare("LeNet", lenet(), loader_of(lenet_data), turns=sizes.lenet_turns, steps=sizes.steps)
    return rows


def loader_of(data: TensorDataset) -> DataLoader:
    """The usual loader, in this process."""
    return DataLoader(data, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)


def _compare(title: str, model: nn.Module, batches: Iterable[list[Tensor]], *, turns: int, steps: int) -> list[Row]:
    optimizer = SGD(model.parameters(), lr=START_LR, momentum=0.9)

    def ours(_turn: int) -> Seconds:
        return timed(lambda: ts.lr_range_test(model, optimizer, F.cross_entropy, batches, start_lr=START_LR, end_lr=END_LR, steps=steps))

    def bare(_turn: int) -> Seconds:
        return timed(lambda: train_bare_ramp(model, optimizer, batches, steps=steps))

    found = {name: cpu(seconds) for name, seconds in take_turns({OURS: ours, BARE: bare}, turns=turns).items()}
    rows = [Row(subject=f"{title}: {name}", unit="CPU ms a step", samples=tuple(1e3 * one / steps for one in found[name])) for name in found]
    fastest = [statistics.fmean(sorted(found[name])[: max(1, turns // 10)]) for name in (OURS, BARE)]
    subject = f"{title}: {OURS} / {BARE}"
    return [
        Row(subject=subject, unit="CPU ratio", samples=ratios(found[OURS], found[BARE]), note=f"{steps} updates"),
        Row(subject=f"{subject}, fastest", unit="CPU ratio", samples=(fastest[0] / fastest[1],), note=f"the fastest tenth of {turns} each"),
        *rows,
    ]


def train_bare_ramp(model: nn.Module, optimizer: SGD, batches: Iterable[list[Tensor]], *, steps: int) -> list[float]:
    """The updates of the range test in a loop written by hand: the losses."""
    lr_of = ramp(start=START_LR, end=END_LR, total_steps=steps, spacing="linear")
    losses = []
    model.train()
    for step, (inputs, targets) in zip(range(steps), _again_and_again(batches), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = lr_of(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _again_and_again(batches: Iterable[list[Tensor]]) -> Iterator[list[Tensor]]:
    while True:
        yield from batches
