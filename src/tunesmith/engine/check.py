"""Whether a task can be trained, before it costs anything: each failure one sentence. And what makes two tasks the same."""

import hashlib
import json
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tunesmith.engine.data import evaluation_batches, training_batches
from tunesmith.engine.device import count_examples, resolve_device
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.steps import autocast, training_step
from tunesmith.engine.user_code import user_code
from tunesmith.errors import TaskError
from tunesmith.optimizers import default_param_groups, make_optimizer
from tunesmith.schedules import lr_schedule
from tunesmith.settings import Settings
from tunesmith.task import Batch, Task

_CHECK_SEED = 0
_CHECK_EXAMPLES = 32


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
        trained_examples, evaluated_examples: What the check cost.
    """

    fingerprint: str
    n_valid: int
    n_parameters: int
    n_weight_layers: int
    has_batch_norm: bool
    initial_loss: float
    trained_examples: int
    evaluated_examples: int


def check_task(task: Task, *, device: str = "cpu") -> Checked:
    """One forward and backward, one evaluation: finite, of the right shapes, and a maker that gives the same weights under one seed.

    Costs one batch of at most 32 examples each way. The validation data of a batch maker is counted by going through it once, without the network.

    Raises:
        TaskError: What must hold, what was found, what to do.
        UserCodeError: The task's own code raised.
    """
    torch_device = resolve_device(device)
    _check_finite_data(task)
    with isolated_rng(child_seed(_CHECK_SEED, "init"), torch_device), user_code(task):
        first, weights = _make(task, torch_device)
    with isolated_rng(child_seed(_CHECK_SEED, "init"), torch_device), user_code(task):
        _, again = _make(task, torch_device)
        if weights != again:
            raise TaskError(
                "Task.model must give the same weights under one torch seed, and gave two different ones. Draw initial weights from torch's global generator alone."
            )
        examples, loss = _check_step(task, first, torch_device)
        found = Evaluator(task, device=torch_device, batch_size=examples).evaluate(first, task.valid, n_examples=_CHECK_EXAMPLES)
        _check_evaluation(task, found.values)
        n_valid = task.n_valid if task.n_valid is not None else _count(task, torch_device)
        data_digest = _digest_batches(task, torch_device)
    trained = [parameter for parameter in first.parameters() if parameter.requires_grad]
    return Checked(
        fingerprint=_fingerprint(task, weights=weights, data_digest=data_digest, n_valid=n_valid),
        n_valid=n_valid,
        n_parameters=sum(parameter.numel() for parameter in trained),
        n_weight_layers=sum(parameter.ndim > 1 for parameter in trained),
        has_batch_norm=any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in first.modules()),  # noqa: SLF001 (torch has no public name)
        initial_loss=loss,
        trained_examples=examples,
        evaluated_examples=found.examples,
    )


def _check_finite_data(task: Task) -> None:
    for name, data in (("train", task.train), ("valid", task.valid), ("test", task.test)):
        for part in data if isinstance(data, tuple) else ():
            if part.is_floating_point() and not bool(torch.isfinite(part).all()):
                bad = int((~torch.isfinite(part)).flatten(1).any(1).sum()) if part.ndim > 1 else int((~torch.isfinite(part)).sum())
                raise TaskError(f"Task.{name} must be finite, and {bad} of {len(part)} examples hold NaN or infinity. Fill or drop them.")


def _make(task: Task, device: torch.device) -> tuple[nn.Module, str]:
    model = task.model()
    if not isinstance(model, nn.Module):
        raise TaskError(f"Task.model must return a torch.nn.Module, got {type(model).__name__}. Return the network.")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TaskError(
            f"Task.model must make a network with parameters that require gradients, and {type(model).__name__} has none. Look at requires_grad, or at how layers are registered."
        )
    return model.to(device), _digest(model.state_dict())


def _check_step(task: Task, model: nn.Module, device: torch.device) -> tuple[int, float]:
    size = min(_CHECK_EXAMPLES, task.n_train)
    settings = Settings(batch_size=size, lr=1e-8)
    micro_batches = next(training_batches(task, batch_size=size, updates=1, seed=_CHECK_SEED, device=device))
    model.train()
    with autocast(task, device):
        loss = training_step(task)(model, micro_batches[0])
    if not isinstance(loss, Tensor) or loss.ndim or not loss.requires_grad:
        got = (
            f"a tensor of shape {tuple(loss.shape)}"
            if isinstance(loss, Tensor) and loss.ndim
            else "one without a gradient"
            if isinstance(loss, Tensor)
            else type(loss).__name__
        )
        raise TaskError(f"The loss must be a scalar tensor with a gradient, got {got}. Return the mean over the batch, as F.cross_entropy does.")
    if not math.isfinite(loss.item()):
        raise TaskError(f"The loss of the first batch must be finite, got {loss.item()}. {_non_finite_inputs(micro_batches[0])}")
    loss.backward()
    optimizer = make_optimizer(task.optimizer, (task.param_groups or default_param_groups)(model), settings)
    _check_gradients(model, optimizer)
    if callable(task.schedule):
        _check_shape(task, settings)
    return size, loss.item()


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


def _check_shape(task: Task, settings: Settings) -> None:
    value = lr_schedule(Settings(lr=settings.lr, schedule="task"), total_steps=10, shape=task.schedule if callable(task.schedule) else None)(5)
    if not math.isfinite(value) or value < 0:
        raise TaskError(f"Task.schedule must give a finite factor ≥ 0, got {value / settings.lr!r} at step 5 of 10. Return a share of the peak learning rate.")


def _check_evaluation(task: Task, values: dict[str, float]) -> None:
    if not math.isfinite(values["loss"]):
        raise TaskError(f"The validation loss before training must be finite, got {values['loss']}. Look for NaN in the validation data.")
    missing = sorted(set(task.metrics) - set(values))
    if missing:
        raise TaskError(f"Every metric must come out of the evaluation, and {missing} did not. Return them from evaluation_step, or give Metric a function.")


def _non_finite_inputs(batch: Batch) -> str:
    parts = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, (tuple, list)) else (batch,)
    is_broken = any(isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()) for part in parts)
    return (
        "The batch itself holds NaN or infinity: fill or drop those examples."
        if is_broken
        else "The batch is finite, so look at the network's output and the loss."
    )


def _count(task: Task, device: torch.device) -> int:
    return sum(count_examples(batch) for batch in evaluation_batches(task, task.valid, n_examples=None, device=device))


def _digest(value: object) -> str:
    """A digest of nested tensors and plain values, by their bytes."""
    digest = hashlib.sha256()

    def feed(part: object) -> None:
        if isinstance(part, Tensor):
            digest.update(f"{part.dtype}{tuple(part.shape)}".encode())
            digest.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        elif isinstance(part, dict):
            for name in part:
                digest.update(str(name).encode())
                feed(part[name])
        elif isinstance(part, (tuple, list)):
            for item in part:
                feed(item)
        elif isinstance(part, (str, int, float, bool)) or part is None:
            digest.update(repr(part).encode())

    feed(value)
    return digest.hexdigest()[:20]


def _digest_batches(task: Task, device: torch.device) -> list[str]:
    train = next(training_batches(task, batch_size=min(_CHECK_EXAMPLES, task.n_train), updates=1, seed=_CHECK_SEED, device=device))
    valid = next(iter(evaluation_batches(task, task.valid, n_examples=_CHECK_EXAMPLES, device=device)))
    return [_digest(train), _digest(valid)]


def _fingerprint(task: Task, *, weights: str, data_digest: list[str], n_valid: int) -> str:
    facts = {
        "weights": weights,
        "data": data_digest,
        "sizes": [task.n_train, n_valid],
        "full_training_examples": task.full_training_examples,
        "optimizer": task.optimizer_name,
        "schedule": task.schedule_name,
        "goal": task.goal,
        "precision": task.precision,
        "clip_grad_norm": task.clip_grad_norm,
        "ema": task.ema,
        "micro_batch_size": task.micro_batch_size,
        "current": task.current.to_dict() if isinstance(task.current, Settings) else task.current is not None,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]
