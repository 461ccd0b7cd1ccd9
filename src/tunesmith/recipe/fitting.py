"""What goes through the network at once: measured once a study, kept in its notes, and turned into micro-batches where a batch does not fit."""

import dataclasses
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch.utils.data import Dataset

from tunesmith.cost import FORWARD_SHARE, Cost
from tunesmith.engine import Checked, Fit, check_task, find_fit, micro_batch_size
from tunesmith.engine.data import EVALUATION_BATCH_SIZE
from tunesmith.engine.evaluation import Evaluator
from tunesmith.engine.memory import is_out_of_memory
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.user_code import NEEDS_TWO, user_code
from tunesmith.errors import InputError, TaskError
from tunesmith.recipe.progress import Progress
from tunesmith.study import Study
from tunesmith.task import Task

FIT_NOTE = "what fits at once"
FIT_SHARE = 0.01
"""Of the budget, what looking for it may cost: a part of `allowance.LOOK_SHARE` (our choice)."""
LEAST_EXAMPLES = 64
"""What it may cost however small the budget (our choice: four sizes, two updates each)."""
_FEW = (2, 1)
"""Examples at once that a task is checked with where the usual number runs out of memory: with BatchNorm one is too few."""


def check_where_it_fits(task: Task, *, device: str) -> Checked:
    """As `engine.check_task`, with fewer examples at once where memory runs out: what fits is looked for later.

    Raises:
        InputError, UserCodeError: As `check_task`; a TaskError where not even one example goes through.
    """
    try:
        return check_task(task, device=device)
    except TaskError as error:
        if task.micro_batch_size is not None or not _ran_out_of_memory(error):
            raise
    fewest = "one"
    for few in _FEW:
        try:
            return check_task(dataclasses.replace(task, micro_batch_size=few), device=device)
        except TaskError as error:
            if NEEDS_TWO in str(error.__cause__):
                fewest = "two, as BatchNorm needs them,"
            elif not _ran_out_of_memory(error):
                raise
    raise TaskError(
        f"A batch of {fewest} must fit into the device's memory, and it ran out. Use a smaller network, smaller inputs or a lower precision "
        "(Task.precision='bf16'); accumulating gradients cannot help."
    )


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
    fit = Fit.from_dict(noted) if isinstance(noted, dict) else None
    if fit is None or (fit.is_capped and fit.cap < min(max(sizes), task.n_train)):  # other sizes were asked for than before
        allowed = max(LEAST_EXAMPLES, int(FIT_SHARE * min(1.0, budget) * task.full_training_examples))
        fit = with_evaluation(task, find_fit(task, device=device, cap=max(sizes), seed=seed, most_examples=allowed), device=device, seed=seed)
        study.note(FIT_NOTE, fit.to_dict())
        for sentence in fit.notes:
            progress.message(sentence)
    return fit


def in_micro_batches(task: Task, fit: Fit | None, *, sizes: Sequence[int]) -> Task:
    """The task, its batches cut into as few equal parts as fit; as it is where the largest size fits whole, and evaluation with it.

    Raises:
        InputError: A size of fewer examples than go through, or no micro-batch size that suits all sizes.
    """
    if fit is None:
        return task
    if min(sizes) < fit.smallest:
        why = " ".join(fit.notes)
        raise InputError(f"A batch must have at least {fit.smallest} examples, got {min(sizes)}. {why} Leave that batch size out.")
    micro = _micro_for_all(sizes, fit, is_maker=not isinstance(task.train, (tuple, Dataset)))
    if micro is None and not fit.is_capped and fit.largest < EVALUATION_BATCH_SIZE:
        micro = fit.largest
    return task if micro is None else dataclasses.replace(task, micro_batch_size=micro)


def _micro_for_all(sizes: Sequence[int], fit: Fit, *, is_maker: bool) -> int | None:
    """What suits the largest size best, if it suits the others: no last part is too small, and batch makers take equal parts alone."""
    usual = micro_batch_size(max(sizes), largest=fit.largest, smallest=fit.smallest)
    if usual is None:
        return None
    for micro in (usual, *range(fit.largest, fit.smallest - 1, -1)):
        rests = {size % micro for size in sizes if size > micro} - {0}
        if not rests or (not is_maker and min(rests) >= fit.smallest):
            return micro
    told = ", ".join(map(str, sorted(sizes)))
    raise InputError(
        f"Batch sizes must be made of micro-batches of one size from {fit.smallest} to {fit.largest}, which fit into memory, and {told} cannot be. "
        "Choose sizes with a common divisor, such as 64,128,256."
    )


def with_evaluation(task: Task, fit: Fit, *, device: str, seed: int) -> Fit:
    """What fits; limited by memory where a batch of an evaluation, which may have more examples than any batch of the training, does not."""
    if not fit.is_capped or fit.largest >= EVALUATION_BATCH_SIZE:
        return fit
    fit = dataclasses.replace(fit, trained_examples=fit.trained_examples + round(FORWARD_SHARE * EVALUATION_BATCH_SIZE))
    must_foretell = torch.device(device).type == "cpu"  # where running out ends the process
    if not (must_foretell and _foretold_bytes(fit) > fit.limit_bytes) and _evaluates(task, device=device, seed=seed):
        return fit
    note = f"A batch of {EVALUATION_BATCH_SIZE} does not fit into memory in an evaluation: {fit.largest} go through at once."
    return dataclasses.replace(fit, is_capped=False, notes=(*fit.notes, note))


def _foretold_bytes(fit: Fit) -> float:
    """What an evaluation takes at most: as much as an update of as many examples."""
    *smaller, most = sorted(fit.bytes_at)
    each = (fit.bytes_at[most] - fit.bytes_at[smaller[-1]]) / (most - smaller[-1]) if smaller else fit.bytes_at[most] / most
    return fit.bytes_at[most] + each * (EVALUATION_BATCH_SIZE - most)


def _evaluates(task: Task, *, device: str, seed: int) -> bool:
    """Whether one batch of an evaluation goes through a throw-away network."""
    torch_device = torch.device(device)
    try:
        with isolated_rng(child_seed(seed, "init"), torch_device), user_code():
            model = task.model().to(torch_device)
            Evaluator(task, device=torch_device, batch_size=1).evaluate(model, task.valid, n_examples=EVALUATION_BATCH_SIZE)
    except TaskError as error:
        if not _ran_out_of_memory(error):
            raise
        return False
    return True


def cost_of(fit: Fit | None) -> Cost:
    """What looking for it cost."""
    return Cost() if fit is None else Cost(trained_examples=fit.trained_examples)


@contextmanager
def halved_where_it_ran_out(task: Task, fit: Fit | None, study: Study) -> Generator[None]:
    """Where memory runs out although it was measured, because it depends on the data or a neighbour took some: the study goes on with half as much at once.

    Args:
        task: As it is trained, in micro-batches or not.
        fit: What was found to fit; None where the task says itself what does.
        study: Open for writing; its note of what fits is replaced.

    Raises:
        TaskError: Memory ran out. What was finished is kept.
    """
    try:
        yield
    except TaskError as error:
        if fit is None or not _ran_out_of_memory(error):
            raise
        tried = min(fit.largest, task.micro_batch_size or fit.largest)
        halved = tried // 2
        if halved < fit.smallest:
            raise TaskError(
                f"The fewest examples that go through at once, {tried}, must fit into the device's memory whatever they hold, and ran out in a run. "
                "Cut or drop the largest examples, or use a smaller network or a lower precision. What was finished is kept."
            ) from error
        study.note(FIT_NOTE, dataclasses.replace(fit, largest=halved, is_capped=False, failed_at=tried).to_dict())
        raise TaskError(
            f"What fits into memory must not depend on the examples, and {tried} at once went through when it was measured, but ran out in a run. "
            f"What was finished is kept: the same command goes on from there, with at most {halved} at once."
        ) from error


def _ran_out_of_memory(error: TaskError) -> bool:
    return error.__cause__ is not None and is_out_of_memory(error.__cause__, smaller_went_through=False)
