"""`ts.lr_range_test` with validation at its defaults, beside torch-lr-finder's `range_test(val_loader=)`: MNIST, and the memory that ours takes.

Time: LeNet-5 on MNIST, 100 updates of 64 images, a validation loader of 10,000 images; the same loaders, network and learning rates, so low that nothing
stops early. Ours evaluates a fixed slice of the validation set now and then, at most for a quarter of what the updates cost; torch-lr-finder evaluates all
of it after every update. Beside them the same updates in a loop written by hand, without validation. CPU seconds, taking turns. Needs TUNESMITH_DATA.
Memory: how much more the process with a range test uses at its peak than one that goes on training, in copies of the training's state: weights, momentum and
the last update's gradients; once with these, once with gradients that were cleared before. 100 MB of weights, a process each. Needs Linux.
"""

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

import tunesmith as ts
from benchmarks.speed.in_script import BARE, BATCH_SIZE, END_LR, OURS, START_LR, loader_of, train_bare_ramp
from benchmarks.speed.memory import BARE as BARE_PROCESS
from benchmarks.speed.memory import OURS as OUR_PROCESS
from benchmarks.speed.memory import STATUS, peak_of
from benchmarks.speed.peers import NEVER, quiet
from benchmarks.speed.row import Row, missing, ratios
from benchmarks.speed.turns import Contender, Seconds, cpu, take_turns, timed
from benchmarks.tasks.mnist_lenet import make_model, read_part

# ruff: noqa: PLC0415 (the peer need not be installed)

THEIRS = "torch-lr-finder range_test(val_loader=)"
DATA = "TUNESMITH_DATA"
N_TRAIN, VALID_BATCH_SIZE = 50_000, 256


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns on MNIST, updates of a turn, validation images; width of the layers whose memory is taken, and its updates."""

    turns: int
    steps: int
    n_valid: int
    width: int
    memory_steps: int


FULL = Sizes(turns=3, steps=100, n_valid=10_000, width=3536, memory_steps=20)
QUICK = Sizes(turns=1, steps=40, n_valid=2_000, width=3000, memory_steps=20)


def measure(sizes: Sizes) -> list[Row]:
    """Memory, in processes of its own; then MNIST, where it is at hand."""
    return [*_memory(sizes), *on_mnist(sizes, has_data=DATA in os.environ)]


def on_mnist(sizes: Sizes, *, has_data: bool) -> list[Row]:
    """The comparison on the real images, or a row that says that they are missing."""
    if not has_data:
        return [missing(f"MNIST: {THEIRS} / {OURS}", "CPU ratio", package=f"the data sets of {DATA}")]
    images, labels = read_part("train", N_TRAIN + sizes.n_valid)
    train, valid = TensorDataset(images[:N_TRAIN], labels[:N_TRAIN]), TensorDataset(images[N_TRAIN:], labels[N_TRAIN:])
    return compare(loader_of(train), DataLoader(valid, batch_size=VALID_BATCH_SIZE), turns=sizes.turns, steps=sizes.steps)


def compare(train: DataLoader, valid: DataLoader, *, turns: int, steps: int) -> list[Row]:
    """Ours with its defaults, the peer where it is installed, and the bare loop, in turns on the same loaders."""
    torch.manual_seed(0)
    model = make_model()
    optimizer = SGD(model.parameters(), lr=START_LR, momentum=0.9)
    evaluated: list[int] = []

    def ours(_turn: int) -> Seconds:
        def run() -> None:
            found = ts.lr_range_test(model, optimizer, F.cross_entropy, train, valid, start_lr=START_LR, end_lr=END_LR, steps=steps)
            evaluated.append(found.cost.evaluated_examples)

        return timed(run)

    contenders: dict[str, Contender] = {OURS: ours, BARE: lambda _turn: timed(lambda: train_bare_ramp(model, optimizer, train, steps=steps))}
    if _is_peer_installed():
        contenders[THEIRS] = lambda _turn: _theirs(model, optimizer, train, valid=valid, steps=steps)
    for name in (OURS, BARE):  # a warm-up turn of the peer would take as long as a turn
        contenders[name](0)
    found = {name: cpu(seconds) for name, seconds in take_turns(contenders, turns=turns, warm_ups=0).items()}
    n_valid = len(valid.dataset)  # type: ignore[arg-type]
    notes = {OURS: f"{evaluated[-1]:,} examples evaluated", BARE: "evaluates nothing", THEIRS: f"{steps * n_valid:,} examples evaluated"}
    rows = [Row(subject=f"MNIST: {name}", unit="CPU s", samples=found[name], note=notes[name]) for name in found]
    told = f"{steps} updates of {BATCH_SIZE}; {n_valid:,} images to validate on"
    rows.append(Row(subject=f"MNIST: {OURS} with validation / {BARE} without", unit="CPU ratio", samples=ratios(found[OURS], found[BARE]), note=told))
    subject = f"MNIST: {THEIRS} / {OURS}"
    if THEIRS not in found:
        return [missing(subject, "CPU ratio", package="torch-lr-finder"), *rows]
    return [Row(subject=subject, unit="CPU ratio", samples=ratios(found[THEIRS], found[OURS]), note=told), *rows]


def _is_peer_installed() -> bool:
    return importlib.util.find_spec("torch_lr_finder") is not None


def _theirs(model: nn.Module, optimizer: SGD, train: Iterable[list[Tensor]], *, valid: DataLoader, steps: int) -> Seconds:
    from torch_lr_finder import LRFinder

    def run() -> None:
        finder = LRFinder(model, optimizer, nn.CrossEntropyLoss(), device="cpu")
        finder.range_test(train, val_loader=valid, start_lr=START_LR, end_lr=END_LR, num_iter=steps, step_mode="linear", diverge_th=NEVER)
        finder.reset()
        for group in optimizer.param_groups:
            group.pop("initial_lr", None)  # its scheduler leaves that behind, and its next range test refuses it
        if len(finder.history["loss"]) != steps:
            raise RuntimeError(f"A range test must make all {steps} steps to be compared, and {THEIRS} made {len(finder.history['loss'])}.")

    with quiet():
        return timed(run)


def _memory(sizes: Sizes) -> list[Row]:
    cases = {"with gradients": False, "gradients cleared": True}
    if not Path(STATUS).exists():
        return [missing(f"memory, {case}: {OURS} over {BARE}", "copies of the state", package=str(STATUS)) for case in cases]
    rows = []
    for case, clears in cases.items():
        bare, ours = (peak_of(who, width=sizes.width, steps=sizes.memory_steps, clears_gradients=clears) for who in (BARE_PROCESS, OUR_PROCESS))
        note = (
            f"the state is {ours.state / 2**20:.0f} MiB; peak of the resident set {bare.peak / 2**20:.0f} MiB bare, {ours.peak / 2**20:.0f} MiB as a range test"
        )
        rows.append(Row(subject=f"memory, {case}: {OURS} over {BARE}", unit="copies of the state", samples=((ours.peak - bare.peak) / ours.state,), note=note))
    return rows
