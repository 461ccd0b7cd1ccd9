"""Our range test beside those of torch-lr-finder, Lightning and fastai: same network, data, steps, batch size and optimizer; CPU seconds, taking turns.

Two comparisons. Without validation: ours evaluates one example once, the least it can; the peers evaluate nothing. With validation: torch-lr-finder with
`val_loader` evaluates the whole validation set after every step; ours 25 times, as `tunesmith lr-range` does; the other peers cannot. Peers read a
`TensorDataset` through torch's DataLoader in this process, with progress bars off where they can be; ours takes the same `TensorDataset`, of which it
indexes the tensors, and also a Dataset that it must read item by item, as the peers do. The rates are so low that nothing stops early: a range test with
another number of steps than ordered is an error here.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.nn import functional as F
from torch.utils.data import Dataset

from benchmarks.speed import peers
from benchmarks.speed.networks import LENET_CLASSES, LENET_SHAPE, MLP_CLASSES, MLP_SHAPE, Items, lenet, mlp, random_data
from benchmarks.speed.peers import Peer, Sweep, quiet
from benchmarks.speed.row import Row, missing, ratios
from benchmarks.speed.turns import Contender, Seconds, cpu, take_turns, timed
from tunesmith import probes
from tunesmith.recipe.allowance import SWEEP_EVALUATIONS
from tunesmith.recipe.single import lr_range
from tunesmith.settings import Settings
from tunesmith.task import Task

BATCH_SIZE = 64
START_LR, END_LR = 1e-5, 0.02
SETTINGS = Settings(momentum=0.9, weight_decay=1e-4, batch_size=BATCH_SIZE)
OURS, OURS_BY_ITEM, COMMAND = "ours", "ours, items one by one", "ours, whole command"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns of the MLP and of LeNet (0: left out), steps, examples of the validation set."""

    mlp_turns: int
    lenet_turns: int
    steps: int
    n_valid: int


FULL = Sizes(mlp_turns=21, lenet_turns=5, steps=100, n_valid=512)
QUICK = Sizes(mlp_turns=5, lenet_turns=0, steps=100, n_valid=512)


def measure(sizes: Sizes, *, plain: Sequence[Peer] = peers.WITHOUT_VALIDATION, validating: Sequence[Peer] = peers.WITH_VALIDATION) -> list[Row]:
    """Two comparisons a network."""
    networks = (("MLP", mlp, MLP_SHAPE, MLP_CLASSES, sizes.mlp_turns), ("LeNet", lenet, LENET_SHAPE, LENET_CLASSES, sizes.lenet_turns))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, model, shape, n_classes, turns in networks:
            if not turns:
                continue
            train, valid = random_data(shape, n_classes=n_classes, n_valid=sizes.n_valid)
            sweep = Sweep(
                model=model, train=train, valid=valid, batch_size=BATCH_SIZE, steps=sizes.steps, start_lr=START_LR, end_lr=END_LR,
                momentum=SETTINGS.momentum, weight_decay=SETTINGS.weight_decay, folder=Path(folder),
            )  # fmt: skip
            rows += _compare(f"{name}, no validation", sweep, plain, turns=turns, evaluations=0, valid_examples=1)
            rows += _compare(f"{name}, validation", sweep, validating, turns=turns, evaluations=SWEEP_EVALUATIONS, valid_examples=None)
    return rows


def _compare(title: str, sweep: Sweep, others: Sequence[Peer], *, turns: int, evaluations: int, valid_examples: int | None) -> list[Row]:
    contenders: dict[str, Contender] = {
        OURS: _ours(sweep, _task(sweep, sweep.train, sweep.valid), evaluations=evaluations, valid_examples=valid_examples),
        OURS_BY_ITEM: _ours(sweep, _task(sweep, Items(sweep.train), Items(sweep.valid)), evaluations=evaluations, valid_examples=valid_examples),
    }
    said = f"evaluates {'one example' if valid_examples == 1 else f'{len(sweep.valid)} examples'} {evaluations + 1} x"
    notes = {OURS: f"{sweep.steps} steps; {said}", OURS_BY_ITEM: said}
    if valid_examples is None:
        contenders[COMMAND] = _command(sweep)
        notes[COMMAND] = f"`tunesmith lr-range`: checks the task, keeps a study, writes report.html; {said}"
    for peer in others:
        if peer.is_installed:
            contenders[peer.name] = _theirs(peer, sweep)
            notes[peer.name] = peer.evaluates
    found = {name: cpu(seconds) for name, seconds in take_turns(contenders, turns=turns).items()}
    rows = [Row(subject=f"{title}: {name}", unit="CPU ms", samples=tuple(1e3 * one for one in found[name]), note=notes[name]) for name in found]
    compared = [name for name in found if name not in {OURS, OURS_BY_ITEM}]
    rows += [Row(subject=f"{title}: {name} / ours", unit="CPU ratio", samples=ratios(found[name], found[OURS])) for name in [OURS_BY_ITEM, *compared]]
    rows += [
        Row(subject=f"{title}: {peer.name} / {OURS_BY_ITEM}", unit="CPU ratio", samples=ratios(found[peer.name], found[OURS_BY_ITEM]))
        for peer in others
        if peer.name in found
    ]
    return [*rows, *(missing(f"{title}: {peer.name} / ours", "CPU ratio", package=peer.package) for peer in others if peer.name not in found)]


def _task(sweep: Sweep, train: Dataset, valid: Dataset) -> Task:
    return Task(model=sweep.model, train=train, valid=valid, loss=F.cross_entropy, steps=4 * sweep.steps)


def _ours(sweep: Sweep, task: Task, *, evaluations: int, valid_examples: int | None) -> Contender:
    def run(turn: int) -> int:
        experiment = probes.lr_range(
            task, SETTINGS, start_lr=sweep.start_lr, end_lr=sweep.end_lr, steps=sweep.steps, seed=turn, evaluations=evaluations, valid_examples=valid_examples
        )
        return len(experiment.arms[0].run.curve.train_loss)

    return lambda turn: _counted(lambda: run(turn), OURS, sweep)


def _command(sweep: Sweep) -> Contender:
    """What `tunesmith lr-range --start-lr --end-lr --steps` does, but for starting Python and loading the task."""
    task = _task(sweep, sweep.train, sweep.valid)

    def run(turn: int) -> Seconds:
        with tempfile.TemporaryDirectory(dir=sweep.folder) as out:
            return timed(
                lambda: lr_range(
                    task, out=out, seed=turn, device="cpu", start_lr=sweep.start_lr, end_lr=sweep.end_lr, steps=sweep.steps, batch_size=sweep.batch_size
                )
            )

    return run


def _theirs(peer: Peer, sweep: Sweep) -> Contender:
    def run(_turn: int) -> Seconds:
        with quiet():
            return _counted(lambda: peer.run(sweep), peer.name, sweep)

    return run


def _counted(run: Callable[[], int], name: str, sweep: Sweep) -> Seconds:
    made: list[int] = []
    seconds = timed(lambda: made.append(run()))
    if made != [sweep.steps]:
        raise RuntimeError(f"A range test must make all {sweep.steps} steps to be compared, and {name} recorded {made[0]}. Lower END_LR.")
    return seconds
