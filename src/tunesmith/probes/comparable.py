"""Whether runs of two tasks can be laid over one another: judged on validation data of one shape, by the same measure, stepped by the same optimizer."""

from torch import Tensor

from tunesmith.errors import TaskError
from tunesmith.task import Data, Task, size_of

_MEND = "Make it by dataclasses.replace(task, model=…), and change the network or the augmentation alone."


def require_comparable(task: Task, other: Task, *, name: str) -> None:
    """Holds that a changed task can be compared with the one that it was changed from.

    What is left for the user to hold: that the validation data have the same contents, and, where `training_step` comes without an `evaluation_step` and so
    judges as well, that both compute the same loss.

    Raises:
        TaskError: Another goal or metric for it, another loss or evaluation step (the same object, or one equal to it), another optimizer, or validation data
            of another shape.
    """
    for what, ours, theirs in (
        ("goal", task.goal, other.goal),
        ("optimizer", task.optimizer_name, other.optimizer_name),
        ("shape of validation data", _shape(task.valid), _shape(other.valid)),
    ):
        if ours != theirs:
            raise TaskError(f"Tasks that are compared must have the same {what}, and '{name}' has {theirs!r} where the first has {ours!r}. {_MEND}")
    for what, ours, theirs in (
        ("loss", task.loss, other.loss),
        ("evaluation_step", task.evaluation_step, other.evaluation_step),
        (f"metric {task.goal!r}", task.metrics.get(task.goal), other.metrics.get(task.goal)),
    ):
        if ours is not theirs and ours != theirs:
            raise TaskError(f"Tasks that are compared must have the same {what}, and '{name}' has another than the first. {_MEND}")


def _shape(data: Data | None) -> object:
    if isinstance(data, tuple):
        return [(*part.shape, str(part.dtype)) for part in data if isinstance(part, Tensor)]
    return size_of(data)
