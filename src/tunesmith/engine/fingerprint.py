"""What makes two tasks the same: a study is resumed only by the task that began it."""

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from tunesmith.settings import Settings
from tunesmith.task import Task

_DIGITS = 20


def digest(value: object) -> str:
    """Twenty hex digits of the bytes of nested tensors and plain values; objects of other types are passed over.

    Example:
        >>> digest({"a": torch.zeros(2)}) == digest({"a": torch.zeros(2)}), digest(torch.zeros(2)) == digest(torch.zeros(3))
        (True, False)
    """
    found = hashlib.sha256()

    def feed(part: object) -> None:
        if isinstance(part, Tensor):
            found.update(f"{part.dtype}{tuple(part.shape)}".encode())
            found.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        elif isinstance(part, Mapping):
            for name in part:
                found.update(str(name).encode())
                feed(part[name])
        elif isinstance(part, (tuple, list)):
            for item in part:
                feed(item)
        elif isinstance(part, (str, int, float, bool)) or part is None:
            found.update(repr(part).encode())

    feed(value)
    return found.hexdigest()[:_DIGITS]


def fingerprint_of(task: Task, *, weights: str, data: list[str], n_valid: int, initial_loss: float, optimizer: Optimizer) -> str:
    """Twenty hex digits that name a task.

    Args:
        task: The task.
        weights: Digest of its initial weights under a fixed seed.
        data: Digests of its first training and validation batch.
        n_valid: Validation examples.
        initial_loss: Loss of its first training batch: another loss function gives another value.
        optimizer: What its maker or name gives: its class and parameter groups count.
    """
    facts = {
        "weights": weights,
        "data": data,
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
        "initial_loss": f"{initial_loss:.3e}",  # rounded: an accelerator's sums are not the same to the last bit
        "optimizer_class": type(optimizer).__name__,
        "groups": [[len(group["params"]), group.get("lr_scale"), group.get("weight_decay_scale")] for group in optimizer.param_groups],
    }
    if task.cycles is not None:  # only then: the names of studies that were made before must stay
        facts["cycles"] = task.cycles
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:_DIGITS]
