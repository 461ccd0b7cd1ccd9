"""Range tests of other packages, each set as lean as its documentation allows, and each from the makers to the recorded curve."""

import contextlib
import functools
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# ruff: noqa: PLC0415 (they need not be installed)

NEVER = 1e30
"""How far the loss may rise: to the end, so that all make the same steps."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What every range test is given.

    Attributes:
        model: () → a fresh network.
        train, valid: The data; a peer that cannot validate leaves `valid` alone.
        batch_size, steps: Of the sweep.
        start_lr, end_lr: So low that nothing diverges.
        momentum, weight_decay: Of SGD.
        folder: For what a peer writes.
    """

    model: Callable[[], nn.Module]
    train: TensorDataset
    valid: TensorDataset
    batch_size: int
    steps: int
    start_lr: float
    end_lr: float
    momentum: float
    weight_decay: float
    folder: Path

    def train_loader(self) -> DataLoader:
        """The usual loader, in this process; whole batches, as ours are."""
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, drop_last=True)

    def valid_loader(self, batch_size: int = 256) -> DataLoader:
        """In batches as large as ours in evaluation."""
        return DataLoader(self.valid, batch_size=batch_size)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another package's range test.

    Attributes:
        name: As it calls itself, with the function.
        package: What `pip install` takes.
        module: What must be importable.
        run: Makes the sweep; returns how many updates it recorded.
        evaluates: What it evaluated.
    """

    name: str
    package: str
    module: str
    run: Callable[[Sweep], int]
    evaluates: str = "evaluates nothing"

    @property
    def is_installed(self) -> bool:
        """Whether its module can be found."""
        return importlib.util.find_spec(self.module) is not None


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Progress bars, tips and warnings go nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _torch_lr_finder(sweep: Sweep, *, validates: bool) -> int:
    from torch_lr_finder import LRFinder

    model = sweep.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=sweep.start_lr, momentum=sweep.momentum, weight_decay=sweep.weight_decay)
    finder = LRFinder(model, optimizer, nn.CrossEntropyLoss(), device="cpu")
    finder.range_test(
        sweep.train_loader(), val_loader=sweep.valid_loader() if validates else None,
        start_lr=sweep.start_lr, end_lr=sweep.end_lr, num_iter=sweep.steps, step_mode="linear", diverge_th=NEVER,
    )  # fmt: skip
    finder.reset()
    return len(finder.history["loss"])


def _lightning(sweep: Sweep) -> int:
    import lightning.pytorch as pl
    from lightning.pytorch.tuner import Tuner

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.lr = sweep.model(), sweep.start_lr

        def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=sweep.momentum, weight_decay=sweep.weight_decay)

    trainer = pl.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        max_epochs=sweep.steps, default_root_dir=sweep.folder,
    )  # fmt: skip
    finder = Tuner(trainer).lr_find(
        Module(), train_dataloaders=sweep.train_loader(), min_lr=sweep.start_lr, max_lr=sweep.end_lr, num_training=sweep.steps, mode="linear",
        early_stop_threshold=None, update_attr=False,
    )  # fmt: skip
    return 0 if finder is None else len(finder.results["loss"])


def _fastai(sweep: Sweep) -> int:
    import fastai.callback.schedule  # noqa: F401 (adds lr_find to Learner)
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import SGD

    learner = Learner(
        DataLoaders(sweep.train_loader(), sweep.valid_loader()), sweep.model(), loss_func=nn.CrossEntropyLoss(),
        opt_func=functools.partial(SGD, mom=sweep.momentum, wd=sweep.weight_decay), lr=sweep.start_lr, path=sweep.folder,
    )  # fmt: skip
    with learner.no_bar():
        learner.lr_find(start_lr=sweep.start_lr, end_lr=sweep.end_lr, num_it=sweep.steps, stop_div=False, show_plot=False)
    return len(learner.recorder.losses)


WITHOUT_VALIDATION = (
    Peer(name="torch-lr-finder range_test", package="torch-lr-finder", module="torch_lr_finder", run=functools.partial(_torch_lr_finder, validates=False)),
    Peer(name="Lightning Tuner.lr_find", package="lightning", module="lightning", run=_lightning),
    Peer(name="fastai Learner.lr_find", package="fastai", module="fastai", run=_fastai),
)
WITH_VALIDATION = (
    Peer(
        name="torch-lr-finder range_test(val_loader=)", package="torch-lr-finder", module="torch_lr_finder",
        run=functools.partial(_torch_lr_finder, validates=True), evaluates="evaluates the whole validation set after every step",
    ),
)  # fmt: skip
