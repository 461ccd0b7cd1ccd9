"""The learning-rate range test on a script's own network, optimizer and loaders, which are as they were afterwards."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.curve import Curve
from tunesmith.engine.seeds import seed_globals
from tunesmith.errors import InputError
from tunesmith.in_script.checks import check_amounts, check_loaders, check_optimizers, check_range
from tunesmith.in_script.joining import join
from tunesmith.in_script.preserve import Optimizers, as_optimizers, preserve_for_sweep
from tunesmith.in_script.randomness import seed_of
from tunesmith.in_script.result import LrRangeTest, Spacing
from tunesmith.in_script.sources import Sources
from tunesmith.in_script.sweep import Sweep, record_sweep
from tunesmith.in_script.validation import EVALUATIONS, VALID_SHARE
from tunesmith.schedules import ramp
from tunesmith.task import Batch, EvaluationStep, Precision, Task, TrainingStep
from tunesmith.thresholds import DEFAULT_THRESHOLDS

_CPU = torch.device("cpu")


def lr_range_test(  # noqa: PLR0917 (the five nouns of any training script, in the order in which it has them)
    model: nn.Module,
    optimizer: Optimizers,
    loss: Callable[[Any, Any], Tensor] | None,
    train_loader: Iterable[Batch],
    valid_loader: Iterable[Batch] | None = None,
    *,
    start_lr: float,
    end_lr: float,
    steps: int,
    spacing: Spacing = "linear",
    training_step: TrainingStep | None = None,
    evaluation_step: EvaluationStep | None = None,
    accumulate: int = 1,
    precision: Precision = "fp32",
    scaler: torch.amp.GradScaler | None = None,
    clip_grad_norm: float | None = None,
    repeats: int = 1,
    compare_steps: int | None = None,
    valid_share: float = VALID_SHARE,
    evaluations: int = EVALUATIONS,
    stops_when_diverged: bool = True,
) -> LrRangeTest:
    """Raise the learning rate through a short stretch of your own training, read the losses, and leave no trace.

    Weights, buffers, optimizer state, gradients, modes, hooks, scaler, random generators and loaders are bit for bit as they were, see `preserve`: also
    after an exception, Ctrl-C, or when memory ran out. Costs `steps` updates a repeat, `compare_steps` more where asked, the evaluations, and one copy of
    weights, buffers and optimizer state.

    Batches are moved to the device of the network's first parameter. A network in eval mode is put into train mode for the test; one in train mode keeps
    the mode of every submodule, so that a frozen BatchNorm stays frozen.

    Args:
        model: The network, on its device.
        optimizer: The optimizer, or a list of them; all are stepped at each update. The rates swept are those of the group with the largest learning
            rate, the others keep their ratio to it.
        loss: (output, target) → mean loss; None with `training_step`.
        train_loader: Batches (input, target), or of any shape with `training_step`: a DataLoader or another iterable, started again when it is exhausted.
        valid_loader: The same for validation; None to read the training loss alone. A fixed slice of it is evaluated.
        start_lr: Where the sweep begins; ≥ 0, or > 0 where it is exponential.
        end_lr: Where it ends; > start_lr.
        steps: Applied updates; ≥ 20. The result holds for this length (METHOD, trap 2).
        spacing: "linear" or "exponential". Default "linear": the report's range test. Exponential finds the order of magnitude.
        training_step: (model, batch) → mean loss.
        evaluation_step: (model, batch) → {"loss": (sum, count), …}. Default: from `loss` or `training_step`.
        accumulate: Batches of the loader that make one update; their loss is the mean over all examples.
        precision: "fp32", "bf16" (autocast) or "fp16" (autocast, and a gradient scaler where none is given).
        scaler: The script's gradient scaler. An update that it skips is no point of the curve.
        clip_grad_norm: Largest norm of the gradient of all that is optimized; None for no clipping.
        repeats: Sweeps, each from the same weights; those after the first with other random draws, and so in another order where the loader shuffles.
        compare_steps: Updates of one more sweep over the same learning rates, ≥ 20; the result then has a finding "drift" that says how far the suggestion
            moves with the length. None for no such sweep.
        valid_share: Most that the evaluations may cost, as a share of the updates' cost, where an example forward counts a third of one forward and back.
            Default .25 (our choice). The slice is as large as that allows.
        evaluations: Evaluations in a sweep; fewer where the slice would get too small. Default 25 (our choice, as `tunesmith lr-range`).
        stops_when_diverged: Whether a loss far above its start ends the sweep; one that is not finite always does. Default True
            (our choice: what comes after tells nothing that the jump has not told).

    Returns:
        The reading, with the raw curves: `outcome`, `suggestion()`, `zone`, `edge`, `advice`, `history`, `plot()`, `apply(optimizer)`.

    Raises:
        InputError: What was given cannot be used; the message says what must hold and what to do.
        BudgetError: `steps` or `compare_steps` < 20.

    Source: Smith 2018, arXiv:1803.09820, section 4.1. Differs: statistics of BatchNorm are re-estimated on copies before an evaluation (METHOD, trap 5).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> inputs = torch.randn(256, 8)
        >>> batches = [(part, part.sum(dim=1, keepdim=True)) for part in inputs.split(32)]
        >>> model = nn.Linear(8, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        >>> result = lr_range_test(model, optimizer, nn.functional.mse_loss, batches, start_lr=0.0, end_lr=4.0, steps=200)
        >>> str(result.outcome), 0.05 < result.suggestion() < result.edge[0] < 1.5
        ('found', True)
        >>> result.apply(optimizer)
        >>> optimizer.param_groups[0]["lr"] == result.suggestion()
        True
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}. Pass the network itself; several in one nn.ModuleDict.")
    optimizers = as_optimizers(optimizer)
    for length in (steps,) if compare_steps is None else (steps, compare_steps):
        check_range(start_lr=start_lr, end_lr=end_lr, steps=length, spacing=spacing)
    check_amounts(accumulate=accumulate, repeats=repeats, evaluations=evaluations, valid_share=valid_share, clip_grad_norm=clip_grad_norm)
    check_optimizers(model, optimizers, loss=loss)
    check_loaders(train_loader, valid_loader, accumulate=accumulate)
    sweep = Sweep(
        model=model,
        optimizers=optimizers,
        scaler=scaler,
        task=_task(model, loss=loss, training_step=training_step, evaluation_step=evaluation_step, precision=precision),
        train_loader=train_loader,
        valid_loader=valid_loader,
        lrs=_rates(start_lr, end_lr, steps=steps, spacing=spacing),
        accumulate=accumulate,
        clip_grad_norm=clip_grad_norm,
        stops_when_diverged=stops_when_diverged,
        valid_share=valid_share,
        evaluations=evaluations,
        device=next((part.device for part in chain(model.parameters(), model.buffers())), _CPU),
        thresholds=DEFAULT_THRESHOLDS,
    )
    sweeps = [sweep] * repeats
    if compare_steps is not None:
        sweeps.append(dataclasses.replace(sweep, lrs=_rates(start_lr, end_lr, steps=compare_steps, spacing=spacing)))
    runs = _record(sweeps, loss=loss)
    compared = runs[repeats] if compare_steps is not None else None
    return join(runs[:repeats], start_lr=start_lr, end_lr=end_lr, steps=steps, spacing=spacing, compared=compared, compare_steps=compare_steps)


def _rates(start_lr: float, end_lr: float, *, steps: int, spacing: Spacing) -> tuple[float, ...]:
    schedule = ramp(start=start_lr, end=end_lr, total_steps=steps, spacing=spacing)
    return tuple(schedule(step) for step in range(steps))


def _record(sweeps: Sequence[Sweep], *, loss: object) -> list[Curve]:
    """Each sweep from the same weights, the first in the script's own random state."""
    sweep = sweeps[0]
    modules = (sweep.model, loss) if isinstance(loss, nn.Module) else sweep.model
    runs: list[Curve] = []
    with preserve_for_sweep(modules, sweep.optimizers, scaler=sweep.scaler, loaders=(sweep.train_loader, sweep.valid_loader)) as put_back:
        draw = int(torch.randint(2**62, ())) if len(sweeps) > 1 else 0
        if len(sweeps) > 1:
            put_back()  # or the draw would be missing from the first sweep
        for repeat, one in enumerate(sweeps):
            if repeat:
                put_back()
                seed = seed_of(draw, f"repeat {repeat}")
                seed_globals(seed, sweep.device)
                Sources((sweep.train_loader,)).reseed(seed)
            runs.append(record_sweep(one))
    return runs


def _task(
    model: nn.Module,
    *,
    loss: Callable[[Any, Any], Tensor] | None,
    training_step: TrainingStep | None,
    evaluation_step: EvaluationStep | None,
    precision: Precision,
) -> Task:
    """The script's steps and precision as everything else knows them. The data are read elsewhere."""
    if (loss is None) == (training_step is None):
        raise InputError(
            "lr_range_test must have exactly one of loss and training_step. Pass loss=(output, target) -> mean loss, "
            "or None in its place and training_step=(model, batch) -> mean loss."
        )
    if precision not in ("fp32", "bf16", "fp16"):
        raise InputError(f"precision must be 'fp32', 'bf16' or 'fp16', got {precision!r}. Pass one of the three.")
    return Task(
        model=lambda: model,
        train=lambda _size, _generator: (),
        valid=lambda _size, _generator: (),
        loss=loss,
        training_step=training_step,
        evaluation_step=evaluation_step,
        precision=precision,
        steps=1,
        examples_per_epoch=1,
    )
