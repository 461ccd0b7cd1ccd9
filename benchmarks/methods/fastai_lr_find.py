"""fastai: `Learner.lr_find` (its valley), then `fit_one_cycle` with fastai's defaults."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial

import torch
from fastai.basics import SGD, Adam, DataLoaders, Learner, OptimWrapper
from fastai.callback.schedule import LRFinder  # noqa: F401 (importing it gives Learner its lr_find and fit_one_cycle)
from fastai.callback.training import GradientClip
from torch import nn

from benchmarks.proof.problem import Choice, Problem
from benchmarks.proof.training import CPU
from tunesmith.engine.seeds import isolated_rng

OPTIMIZERS: dict[str, Callable] = {
    "sgd": partial(SGD, mom=0.9),
    "nesterov": partial(OptimWrapper, opt=torch.optim.SGD, momentum=0.9, nesterov=True),  # fastai has none of its own
    "adam": partial(Adam, wd=0.0),
    "adamw": Adam,
}
"""fastai's Adam is decoupled, with decay .01, beta2 .99 and eps 1e-5."""


def choose(problem: Problem, *, seed: int) -> Choice:
    """A hundred updates from 1e-7 up to 10. Its epochs are of full batches, so their number is what comes nearest to a full training."""
    batch_size = problem.untuned.batch_size
    with quiet_learner(problem, batch_size=batch_size, seed=seed) as learner:
        suggestion = learner.lr_find(show_plot=False).valley
        epoch_steps = len(learner.dls.train)
    if suggestion is None:
        raise ValueError("fastai's lr_find must suggest a learning rate, and suggested none.")
    epochs = max(1, round(problem.steps_at(batch_size) / epoch_steps))
    return Choice(settings={"lr": suggestion, "epochs": epochs}, total_steps=epochs * epoch_steps, batch_size=batch_size, search=problem.spent_trainings)


def train(problem: Problem, choice: Choice, *, seed: int) -> nn.Module:
    """`fit_one_cycle`."""
    with quiet_learner(problem, batch_size=choice.batch_size, seed=seed) as learner:
        learner.fit_one_cycle(choice.settings["epochs"], lr_max=choice.settings["lr"])
    return learner.model


@contextlib.contextmanager
def quiet_learner(problem: Problem, *, batch_size: int, seed: int) -> Iterator[Learner]:
    """A metered learner that shows and keeps nothing."""
    clip = problem.task.clip_grad_norm
    callbacks = [] if clip is None else [GradientClip(clip)]
    with isolated_rng(seed, CPU), tempfile.TemporaryDirectory() as folder:
        model = problem.new_model(seed)
        data = DataLoaders(*problem.loaders(batch_size, seed), path=folder, device=CPU)
        learner = Learner(data, model, loss_func=problem.loss, opt_func=OPTIMIZERS[problem.task.optimizer], cbs=callbacks, path=folder)
        with problem.metered(model), learner.no_bar(), learner.no_logging():
            yield learner
