"""Whether runs of two tasks can be laid over one another: judged on the same validation data, by the same measure, stepped by the same optimizer."""

from torch import Tensor

from tunesmith.errors import TaskError
from tunesmith.task import Data, Task, size_of


def require_comparable(task: Task, other: Task, *, name: str) -> None:
    """Holds that a changed task can be compared with the one that it was changed from.

    Raises:
        TaskError: Another goal, another optimizer, or validation data of another shape.
    """
    for what, ours, theirs in (
        ("goal", task.goal, other.goal),
        ("optimizer", task.optimizer_name, other.optimizer_name),
        ("shape of validation data", _shape(task.valid), _shape(other.valid)),
    ):
        if ours != theirs:
            raise TaskError(
                f"Tasks that are compared must have the same {what}, and '{name}' has {theirs!r} where the first has {ours!r}. "
                "Make it by dataclasses.replace(task, model=…), and change the network, the augmentation or the loss alone."
            )


def _shape(data: Data | None) -> object:
    if isinstance(data, tuple):
        return [(*part.shape, str(part.dtype)) for part in data if isinstance(part, Tensor)]
    return size_of(data)
