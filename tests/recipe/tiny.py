"""Tasks whose full training takes a fraction of a second, and a Progress that writes down what it hears."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.optimizers import ParamGroups
from tunesmith.plan import Plan
from tunesmith.recipe import tune
from tunesmith.recipe.progress import Forecast
from tunesmith.settings import RunKind, Settings
from tunesmith.study import StoredRun, Study
from tunesmith.task import CurrentMaker, Data, Metric, OptimizerMaker, Task

CLASSES, INPUTS = 4, 8
Loss = Callable[[Tensor, Tensor], Tensor]
KNOBS = {"lr": 0.05, "batch_size": 32, "momentum": 0.8, "weight_decay": 3e-4}


def blobs(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """`n` points around four centres that overlap a little."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(CLASSES, INPUTS, generator=torch.Generator().manual_seed(77))
    labels = torch.randint(CLASSES, (n,), generator=generator)
    return centres[labels] + torch.randn(n, INPUTS, generator=generator), labels


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, 16), nn.ReLU(), nn.Linear(16, CLASSES))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    return (output.argmax(dim=1) == target).float().mean()


def make_task(
    *,
    model: Callable[[], nn.Module] = mlp,
    train: Data | None = None,
    valid: Data | None = None,
    test: Data | None = None,
    loss: Loss = F.cross_entropy,
    epochs: float = 20,
    metrics: Mapping[str, Metric] | None = None,
    goal: str = "loss",
    optimizer: str | OptimizerMaker = "sgd",
    param_groups: Callable[[nn.Module], ParamGroups] | None = None,
    schedule: str | Callable[[int, int], float] = "one_cycle",
    current: Settings | CurrentMaker | None = None,
    examples_per_epoch: int | None = None,
) -> Task:
    """Four blobs, 320 examples, 20 epochs: 400 updates at batch size 16."""
    return Task(
        model=model, train=blobs(320) if train is None else train, valid=blobs(128, 1) if valid is None else valid, test=test, loss=loss, epochs=epochs,
        metrics=metrics or {}, goal=goal, optimizer=optimizer, param_groups=param_groups, schedule=schedule, current=current,
        examples_per_epoch=examples_per_epoch,
    )  # fmt: skip


@dataclass
class Heard:
    """A Progress that remembers."""

    forecasts: list[Forecast] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    interrupt_after: int | None = None  # updates, in all runs together
    updates: int = 0
    last_step: int = 0

    def forecast(self, forecast: Forecast) -> None:
        self.forecasts.append(forecast)

    def stage(self, name: str, sentence: str) -> None:
        assert sentence.endswith(".")
        self.stages.append(name)

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        assert 0 <= step <= total_steps
        self.labels.add(label)
        self.costs.append(cost)
        self.updates += step - self.last_step if step > self.last_step else step  # a smaller step is a new run's
        self.last_step = step
        if self.interrupt_after is not None and self.updates >= self.interrupt_after:
            raise KeyboardInterrupt

    def decided(self, sentence: str) -> None:
        assert sentence.endswith(".")
        self.verdicts.append(sentence)

    def message(self, sentence: str) -> None:
        self.messages.append(sentence)


def time_model(folder: Path, sizes: tuple[int, ...] = (16, 32, 64, 128)) -> Path:
    """A machine on which a larger batch takes hardly longer."""
    path = folder / "machine.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): 1e-3 * (1 + size / 256) for size in sizes}, "trained_examples": 99}))
    return path


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A study that came to its end."""

    task: Task
    plan: Plan
    folder: Path
    heard: Heard

    def stored(self) -> tuple[StoredRun, ...]:
        with Study.open(self.folder) as study:
            return study.runs()

    def copy(self, to: Path) -> Path:
        """A folder of its own for a test that changes it."""
        return Path(shutil.copytree(self.folder, to))


def tuned(task: Task, folder: Path, **options: object) -> Tuned:
    """Tune into `folder`/study."""
    heard = Heard()
    plan = tune(task, out=folder / "study", progress=heard, **options)  # type: ignore[arg-type]
    return Tuned(task=task, plan=plan, folder=folder / "study", heard=heard)


def is_sweep(stored: StoredRun) -> bool:
    return stored.run.spec.kind in (RunKind.LINEAR_RAMP, RunKind.EXPONENTIAL_RAMP)


def overfitting() -> Task:
    """Forty examples, a third of the labels wrong, a network that can learn them by heart, and time enough to do so."""
    inputs, labels = blobs(48)
    wrong = torch.rand(48, generator=torch.Generator().manual_seed(1)) < 1 / 3
    shuffled = torch.where(wrong, torch.randint(4, (48,), generator=torch.Generator().manual_seed(2)), labels)
    return make_task(model=lambda: nn.Sequential(nn.Linear(INPUTS, 64), nn.ReLU(), nn.Linear(64, 4)), train=(inputs, shuffled), epochs=200)
