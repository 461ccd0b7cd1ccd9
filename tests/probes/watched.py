"""A tiny task that watches what is done with it: networks made, batches seen, updates applied."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.curve import Curve, Run
from tunesmith.optimizers import ParamGroups
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Batch, Task

N_TRAIN, N_VALID, CLASSES = 96, 32, 3


@dataclass
class Log:
    """What was seen of one run.

    Attributes:
        weights: Initial weights, flattened.
        examples: Number of each example that was trained on, in order.
        updates: Updates applied.
    """

    weights: list[float]
    examples: list[int] = field(default_factory=list)
    updates: int = 0


class Watched:
    """A softmax regression whose first input column is the number of the example.

    Args:
        nan_after: Training batches after which the loss is NaN; None for never.
        explodes_after: Training batches after which the loss is a thousand times as large.
        draws: Whether the network draws from torch's global generator at every step, as dropout does.
    """

    def __init__(self, *, nan_after: int | None = None, explodes_after: int | None = None, draws: bool = False) -> None:
        self.logs: list[Log] = []
        self._nan_after, self._explodes_after, self._draws = nan_after, explodes_after, draws
        generator = torch.Generator().manual_seed(0)
        self.train = self._data(N_TRAIN, generator)
        self.valid = self._data(N_VALID, generator)

    def task(self) -> Task:
        return Task(
            model=self._make, train=self.train, valid=self.valid, training_step=self._train, evaluation_step=self._evaluate, epochs=10,
            optimizer=self._optimizer, current=Settings(lr=0.1, batch_size=8, epochs=1),
        )  # fmt: skip

    @staticmethod
    def _data(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        target = torch.randint(CLASSES, (n,), generator=generator)
        inputs = torch.randn(n, CLASSES, generator=generator) + 2 * F.one_hot(target, CLASSES)
        return torch.cat([torch.arange(n).unsqueeze(1).float(), inputs], dim=1), target  # (n, 1 + classes)

    def _make(self) -> nn.Module:
        model = nn.Linear(CLASSES, CLASSES)
        self.logs.append(Log(weights=torch.cat([p.detach().flatten() for p in model.parameters()]).tolist()))
        return model

    def _optimizer(self, groups: ParamGroups, settings: Settings) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)
        optimizer.register_step_post_hook(self._count)
        return optimizer

    def _count(self, *_: object) -> None:
        self.logs[-1].updates += 1

    def _train(self, model: nn.Module, batch: Batch) -> Tensor:
        log = self.logs[-1]
        log.examples += batch[0][:, 0].int().tolist()
        inputs = batch[0][:, 1:]
        loss = F.cross_entropy(model(inputs + 0.1 * torch.randn_like(inputs) if self._draws else inputs), batch[1])
        if self._nan_after is not None and log.updates >= self._nan_after:
            return loss * float("nan")
        return loss * 1000 if self._explodes_after is not None and log.updates >= self._explodes_after else loss

    @staticmethod
    def _evaluate(model: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, float]]:
        return {"loss": (F.cross_entropy(model(batch[0][:, 1:]), batch[1], reduction="sum"), float(len(batch[1])))}


class Recorder:
    """An executor that trains nothing: it writes the orders down and hands back prepared curves."""

    def __init__(self) -> None:
        self.specs: list[RunSpec] = []

    def __call__(self, task: Task, specs: Sequence[RunSpec]) -> list[Run]:
        del task
        self.specs += specs
        return [Run(spec=spec, curve=Curve(lr=(), momentum=(), train_loss=(), eval_step=(), valid_loss=())) for spec in specs]
