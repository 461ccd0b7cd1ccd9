"""What goes through the network at once: measured once a study, kept in its notes, and turned into micro-batches where a batch does not fit."""

import dataclasses
from collections.abc import Sequence

import torch

from tunesmith.cost import Cost
from tunesmith.engine import Fit, find_fit, micro_batch_size
from tunesmith.engine.data import EVALUATION_BATCH_SIZE
from tunesmith.recipe.progress import Progress
from tunesmith.study import Study
from tunesmith.task import Task

FIT_NOTE = "what fits at once"
FIT_SHARE = 0.01
"""Of the budget, what looking for it may cost: a part of `allowance.LOOK_SHARE` (our choice)."""
LEAST_EXAMPLES = 64
"""What it may cost however small the budget (our choice: four sizes, two updates each)."""


def fit_of(task: Task, study: Study, *, device: str, sizes: Sequence[int], budget: float, seed: int, progress: Progress) -> Fit | None:
    """What fits, from the study or measured now and kept there; None where the task says itself, or the device's memory cannot be measured.

    Args:
        task: What to train.
        study: Open for writing.
        device: As torch spells it.
        sizes: Batch sizes that may be run.
        budget: Of the search, in full trainings.
        seed: Of the throw-away network.
        progress: Hears what the user should know.

    Raises:
        TaskError: Not even the smallest batch goes through.
        UserCodeError: The task's own code raised.
    """
    if task.micro_batch_size is not None or torch.device(device).type == "mps":
        return None
    noted = study.notes.get(FIT_NOTE)
    if isinstance(noted, dict):
        return Fit.from_dict(noted)
    allowed = max(LEAST_EXAMPLES, int(FIT_SHARE * min(1.0, budget) * task.full_training_examples))
    fit = find_fit(task, device=device, cap=max(sizes), seed=seed, most_examples=allowed)
    study.note(FIT_NOTE, fit.to_dict())
    for sentence in fit.notes:
        progress.message(sentence)
    return fit


def in_micro_batches(task: Task, fit: Fit | None, *, sizes: Sequence[int]) -> Task:
    """The task, its batches cut into as few equal parts as fit; as it is where the largest size fits whole, and evaluation with it."""
    if fit is None:
        return task
    micro = micro_batch_size(max(sizes), largest=fit.largest, smallest=fit.smallest)
    if micro is None and not fit.is_capped and fit.largest < EVALUATION_BATCH_SIZE:
        micro = fit.largest
    return task if micro is None else dataclasses.replace(task, micro_batch_size=micro)


def cost_of(fit: Fit | None) -> Cost:
    """What looking for it cost."""
    return Cost() if fit is None else Cost(trained_examples=fit.trained_examples)
