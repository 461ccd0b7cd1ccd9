"""Whether a task can be trained, before it costs anything: each failure one sentence."""

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import count_examples, resolve_device
from tunesmith.engine.evaluation import BATCH_NORM, Evaluator
from tunesmith.engine.fingerprint import digest, fingerprint_of
from tunesmith.engine.precision import in_precision
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.steps import training_step
from tunesmith.engine.user_code import user_code
from tunesmith.errors import TaskError
from tunesmith.optimizers import acts_like, default_param_groups, make_optimizer
from tunesmith.schedules import lr_schedule
from tunesmith.settings import Settings
from tunesmith.task import Batch, Task

_CHECK_SEED = 0
_CHECK_EXAMPLES = 32
_CHECK_STEPS = 10
_MOST_LR_SCALE = 1e4
"""No sensible group trains this many times faster than the settings say (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the check of a task learnt.

    Attributes:
        fingerprint: Names the task: its data, initial weights, optimizer, goal and length.
        n_valid: Validation examples.
        n_parameters: Parameters that are trained.
        n_weight_layers: Trained parameters with two dimensions or more: how deep the network is.
        has_batch_norm: Whether statistics can be re-estimated.
        initial_loss: Loss of one batch before training.
        acts_like: Whose arithmetic couples the optimizer's knobs, see `optimizers.acts_like`.
        trained_examples, evaluated_examples: What the check cost.
    """

    fingerprint: str
    n_valid: int
    n_parameters: int
    n_weight_layers: int
    has_batch_norm: bool
    initial_loss: float
    acts_like: str
    trained_examples: int
    evaluated_examples: int


def check_task(task: Task, *, device: str = "cpu") -> Checked:
    """One forward and backward, one evaluation: finite, of the right shapes, and a maker that gives the same weights under one seed.

    Costs one batch of at most 32 examples each way. The validation data of a batch maker is counted by going through it once, without the network.

    Raises:
        InputError: What must hold, what was found, what to do; mostly a TaskError.
        UserCodeError: The task's own code raised.
    """
    torch_device = resolve_device(device)
    data = TaskBatches(task, device=torch_device)
    _check_finite_data(task)
    weights = _digest_of_weights(task, torch_device)
    with isolated_rng(child_seed(_CHECK_SEED, "init"), torch_device), user_code():
        model = _make(task, torch_device)
        if digest(model.state_dict()) != weights:
            raise TaskError(
                "Task.model must give the same weights under one torch seed, and gave two different ones. "
                "Draw initial weights from torch's global generator alone."
            )
        examples, loss, optimizer = _check_step(task, model, data=data, device=torch_device)
        found = Evaluator(task, data=data, device=torch_device, batch_size=examples).evaluate(model, task.valid, n_examples=_CHECK_EXAMPLES)
        _check_evaluation(task, found.values)
        n_valid = task.n_valid if task.n_valid is not None else sum(count_examples(batch) for batch in data.for_evaluation(task.valid, n_examples=None))
        digests = [digest(_first_batch(task, data)), digest(next(iter(data.for_evaluation(task.valid, n_examples=_CHECK_EXAMPLES))))]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return Checked(
        fingerprint=fingerprint_of(task, weights=weights, data=digests, n_valid=n_valid, initial_loss=loss, optimizer=optimizer),
        n_valid=n_valid,
        n_parameters=sum(parameter.numel() for parameter in trained),
        n_weight_layers=sum(parameter.ndim > 1 for parameter in trained),
        has_batch_norm=any(isinstance(module, BATCH_NORM) and module.track_running_stats for module in model.modules()),
        initial_loss=loss,
        acts_like=acts_like(task.optimizer_name, optimizer),
        trained_examples=examples,
        evaluated_examples=found.examples,
    )


def _check_finite_data(task: Task) -> None:
    for name, data in (("train", task.train), ("valid", task.valid), ("test", task.test)):
        for part in data.tensors if isinstance(data, TensorDataset) else data if isinstance(data, tuple) else ():
            if part.is_floating_point() and not bool(torch.isfinite(part).all()):
                n_bad = int((~torch.isfinite(part)).reshape(len(part), -1).any(dim=1).sum())
                raise TaskError(f"Task.{name} must be finite, and {n_bad} of {len(part)} examples hold NaN or infinity. Fill or drop them.")


def _digest_of_weights(task: Task, device: torch.device) -> str:
    with isolated_rng(child_seed(_CHECK_SEED, "init"), device), user_code():
        return digest(_make(task, device).state_dict())


def _make(task: Task, device: torch.device) -> nn.Module:
    model = task.model()
    if not isinstance(model, nn.Module):
        raise TaskError(f"Task.model must return a torch.nn.Module, got {type(model).__name__}. Return the network.")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TaskError(
            f"Task.model must make a network with parameters that require gradients, and {type(model).__name__} has none. "
            "Look at requires_grad, or at how layers are registered."
        )
    return model.to(device)


def _first_batch(task: Task, data: TaskBatches) -> Batch:
    """Micro-batches of the first update."""
    with closing(data.for_training(batch_size=_check_size(task), seed=_CHECK_SEED)) as batches:
        return next(batches)


def _check_size(task: Task) -> int:
    """At most 32 examples; of a batch maker those that go through at once, because it may give no others."""
    if not isinstance(task.train, (tuple, Dataset)) and task.micro_batch_size is not None:
        return min(task.micro_batch_size, task.n_train)
    return min(_CHECK_EXAMPLES, task.n_train)


def _check_step(task: Task, model: nn.Module, *, data: TaskBatches, device: torch.device) -> tuple[int, float, torch.optim.Optimizer]:
    size = _check_size(task)
    settings = Settings(batch_size=size, lr=1e-8)
    micro_batch = _first_batch(task, data)[0]
    model.train()
    loss = in_precision(training_step(task), task, device=device)(model, micro_batch)
    if (got := _loss_problem(loss)) is not None:
        raise TaskError(f"The loss must be a scalar tensor with a gradient, got {got}. Return the mean over the batch, as F.cross_entropy does.")
    if not math.isfinite(loss.item()):
        raise TaskError(f"The loss of the first batch must be finite, got {loss.item()}. {_non_finite_inputs(micro_batch)}")
    loss.backward()
    optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), settings)
    _check_gradients(model, optimizer)
    _check_follows_settings(task, optimizer, settings)
    if callable(task.schedule):
        lr_schedule(Settings(schedule="task"), total_steps=_CHECK_STEPS, shape=task.schedule)  # raises where a factor is not in [0, 1]
    return size, loss.item(), optimizer


def _loss_problem(loss: object) -> str | None:
    if not isinstance(loss, Tensor):
        return type(loss).__name__
    if loss.ndim:
        return f"a tensor of shape {tuple(loss.shape)}"
    return None if loss.requires_grad else "one without a gradient"


def _check_gradients(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    ours = {id(parameter): name for name, parameter in model.named_parameters()}
    given = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not given or any(id(parameter) not in ours for parameter in given):
        raise TaskError(
            "Task.param_groups and Task.optimizer must use the parameters of the network that they are given, and use others. Take them from the argument."
        )
    gradients = [parameter.grad for parameter in given if parameter.grad is not None]
    if not gradients:
        raise TaskError("At least one parameter must get a gradient, and none did. Look whether the loss depends on the network, or the graph is detached.")
    broken = next((ours[id(p)] for p in given if p.grad is not None and not bool(torch.isfinite(p.grad).all())), None)
    if broken is not None:
        raise TaskError(f"Gradients of the first batch must be finite, and that of {broken} is not. Look for a division by zero or log(0) in the network.")


def _check_follows_settings(task: Task, optimizer: torch.optim.Optimizer, settings: Settings) -> None:
    """A maker that goes its own way would be "tuned" without ever hearing of it."""
    largest = max(float(group["lr"]) for group in optimizer.param_groups)
    if callable(task.optimizer) and largest > _MOST_LR_SCALE * settings.lr:
        raise TaskError(
            f"Task.optimizer must take its learning rate from the settings or groups that it is given: got {largest:g} where they say {settings.lr:g}. "
            "Use settings.lr, or leave lr to the groups."
        )


def _check_evaluation(task: Task, values: dict[str, float]) -> None:
    if not math.isfinite(values["loss"]):
        raise TaskError(f"The validation loss before training must be finite, got {values['loss']}. Look for NaN in the validation data.")
    missing = sorted(set(task.metrics) - set(values))
    if missing:
        raise TaskError(f"Every metric must come out of the evaluation, and {missing} did not. Return them from evaluation_step, or give Metric a function.")


def _non_finite_inputs(batch: Batch) -> str:
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, (tuple, list)) else (batch,)
    is_broken = any(isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()) for part in parts)
    return (
        "The batch itself holds NaN or infinity: fill or drop those examples."
        if is_broken
        else "The batch is finite, so look at the network's output and the loss."
    )
