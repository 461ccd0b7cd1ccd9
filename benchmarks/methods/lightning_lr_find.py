"""Lightning: `Tuner.lr_find` at its defaults, its suggestion as the peak of torch's 1cycle, trained by `Trainer.fit`."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.tuner import Tuner
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU
from tunesmith.engine.seeds import isolated_rng


class Module(LightningModule):
    """The task's network as Lightning takes it; the same module is searched with and trained."""

    def __init__(self, problem: Problem, *, lr: float, total_steps: int, seed: int) -> None:
        super().__init__()
        self.problem, self.lr, self.total_steps = problem, lr, total_steps
        self.model = problem.new_model(seed)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The loss."""
        inputs, targets = batch
        return self.problem.loss(self.model(inputs), targets)

    def configure_optimizers(self) -> dict[str, Any]:
        """The task's optimizer, and 1cycle by the step."""
        optimizer = self.problem.torch_optimizer(self, lr=self.lr)
        scheduler = OneCycleLR(optimizer, max_lr=self.lr, total_steps=self.total_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def choose(problem: Problem, *, seed: int) -> Choice:
    """A hundred updates from 1e-8 up to 1."""
    batch_size = problem.untuned.batch_size
    total_steps = problem.steps_at(batch_size)
    with quiet_trainer(problem, total_steps=total_steps, seed=seed) as trainer:
        module = Module(problem, lr=problem.untuned.lr, total_steps=total_steps, seed=seed)
        loader, _ = problem.loaders(batch_size, seed)
        with problem.metered(module.model), contextlib.redirect_stderr(io.StringIO()):  # its bar cannot be switched off
            suggestion = Tuner(trainer).lr_find(module, train_dataloaders=loader).suggestion()
    if suggestion is None:
        raise ValueError("Lightning's lr_find must suggest a learning rate, and suggested none: too few finite losses.")
    return Choice(settings={"lr": suggestion}, total_steps=total_steps, batch_size=batch_size, search=problem.spent_trainings)


def train(problem: Problem, choice: Choice, *, seed: int) -> nn.Module:
    """`Trainer.fit` for so many steps."""
    with quiet_trainer(problem, total_steps=choice.total_steps, seed=seed) as trainer:
        module = Module(problem, lr=choice.settings["lr"], total_steps=choice.total_steps, seed=seed)
        loader, _ = problem.loaders(choice.batch_size, seed)
        with problem.metered(module.model):
            trainer.fit(module, loader)
    return module.model


@contextlib.contextmanager
def quiet_trainer(problem: Problem, *, total_steps: int, seed: int) -> Iterator[Trainer]:
    """A trainer on the CPU that shows, logs and keeps nothing."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with isolated_rng(seed, CPU), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore", PossibleUserWarning)
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)  # Lightning 2.6 under torch 2.13
        yield Trainer(
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            max_steps=total_steps,
            gradient_clip_val=problem.task.clip_grad_norm,
            default_root_dir=folder,
        )
