"""The recommendation of a study, as a record; torch is loaded only when an optimizer or a scheduler is asked for."""

import dataclasses
import math
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tunesmith.cost import total_steps_for
from tunesmith.coupling import LR_EXPONENT, at_batch_size
from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.settings import USUAL_CYCLES, Json, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn
    from torch.optim import Optimizer

    from tunesmith.optimizers import ParamGroups
    from tunesmith.schedules import TaskShape
    from tunesmith.schedules.torch_scheduler import PlanScheduler

PLAN_VERSION = 1
LENGTH_TOLERANCE = 1.25
"""A scheduler's length may differ from the plan's by this factor before it is refused (our choice: LR and decay were tuned for the length)."""
EXPONENT_LIMITS = (-1.0, 2.0)
"""What lies beyond is a slip and no measured exponent of the learning rate over the batch size (our choice)."""


class StudyOutcome(StrEnum):
    """How a study ended."""

    RECOMMENDED = "recommended"
    KEEP_CURRENT = "keep_current"
    NO_DIFFERENCE = "no_difference"
    ABSTAINED = "abstained"
    BUDGET_SPENT = "budget_spent"

    @property
    def has_plan(self) -> bool:
        """Whether the study ended with settings to use."""
        return self not in (StudyOutcome.ABSTAINED, StudyOutcome.BUDGET_SPENT)


@dataclass(frozen=True, kw_only=True)
class StudyCost:
    """What a study spent, in full trainings of `epochs * n_train` examples, and seconds.

    Attributes:
        search: Every probe before the plan.
        confirm: The plan's own training on fresh seeds.
        baseline: The user's current settings, trained once.
        seconds: What its runs took, each by its own clock, added up: with several workers more than what passed.
    """

    search: float = 0.0
    confirm: float = 0.0
    baseline: float = 0.0
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """Search, confirm and baseline together."""
        return self.search + self.confirm + self.baseline

    def to_dict(self) -> dict[str, Json]:
        """The JSON object `cost` of docs/counting.md."""
        return {"search": self.search, "confirm": self.confirm, "baseline": self.baseline, "total": self.total, "seconds": self.seconds}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Results of full-length runs on fresh seeds.

    Attributes:
        valid: Final value of the goal on the validation set, one a seed; NaN where a run did not finish.
        test: The same on the test set; None where the task has none.
        seeds: The seeds.
        interval: Where `valid` of one new run ends in nine of ten cases; None where that is not known, and for the current settings.
    """

    valid: tuple[float, ...]
    test: tuple[float, ...] | None
    seeds: tuple[int, ...]
    interval: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Json]:
        """The JSON object `confirmed` or `current` of docs/command-line.md, without NaN and infinities: a value that was not reached is null."""
        told: dict[str, Json] = {"valid": _reached(self.valid), "test": None if self.test is None else _reached(self.test), "seeds": list(self.seeds)}
        return told if self.interval is None else told | {"interval": list(self.interval)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on; null comes back as NaN."""
        test, interval = data.get("test"), data.get("interval")
        return cls(
            valid=_from_reached(data["valid"]),
            test=None if test is None else _from_reached(test),
            seeds=tuple(data["seeds"]),
            interval=None if interval is None else (interval[0], interval[1]),
        )


def _reached(values: tuple[float, ...]) -> list[Json]:
    return [value if math.isfinite(value) else None for value in values]


def _from_reached(values: list[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else value for value in values)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train with, and the evidence.

    Attributes:
        outcome: How the study ended.
        settings: The knobs; None where the study abstained or its budget was spent.
        optimizer_name: "sgd", "nesterov", "adam", "adamw", or "custom" for the task's own maker.
        n_train: Training examples that the plan was tuned for.
        total_steps: Updates of a training with this plan; 0 without settings.
        micro_batch_size: What goes through the network at once; None for the whole batch.
        has_custom_param_groups: Whether the task made its own parameter groups.
        clip_grad_norm, precision, ema: As in the task.
        goal: What decided: "loss", or a metric's name.
        cost: What the study spent.
        confirmed: The plan on fresh seeds; None before it was confirmed.
        current: The user's current settings, trained once beside it; None where none were given, and where a quarter of a training was enough.
        findings: What was read, most important first.
        advice: Sentences for the user.
    """

    outcome: StudyOutcome
    settings: Settings | None
    optimizer_name: str
    n_train: int
    total_steps: int
    micro_batch_size: int | None = None
    has_custom_param_groups: bool = False
    clip_grad_norm: float | None = None
    precision: str = "fp32"
    ema: float | None = None
    goal: str = "loss"
    cost: StudyCost = StudyCost()
    confirmed: Trained | None = None
    current: Trained | None = None
    findings: tuple[Finding, ...] = ()
    advice: tuple[str, ...] = ()
    version: int = field(default=PLAN_VERSION)

    def _settings(self) -> Settings:
        if self.settings is None:
            raise InputError(f"A plan must hold settings to be used, and this study ended with '{self.outcome}'. " + " ".join(self.advice))
        return self.settings

    @property
    def max_lr(self) -> float:
        """Peak learning rate of a parameter group with `lr_scale` 1."""
        return self._settings().lr

    @property
    def min_lr(self) -> float:
        """Learning rate at the start of the cycle."""
        return self._settings().resolved_min_lr

    @property
    def max_momentum(self) -> float:
        """Momentum (beta1) where the learning rate is small."""
        return self._settings().momentum

    @property
    def min_momentum(self) -> float:
        """Momentum (beta1) where the learning rate is largest."""
        return self._settings().resolved_min_momentum

    @property
    def weight_decay(self) -> float:
        """As torch's optimizers take it."""
        return self._settings().weight_decay

    @property
    def batch_size(self) -> int:
        """Total batch size."""
        return self._settings().batch_size

    @property
    def schedule(self) -> str:
        """Name of the schedule."""
        return self._settings().schedule

    @property
    def cycles(self) -> int:
        """How many cycles the schedule makes; 1 for those that cannot make several."""
        return self._settings().resolved_cycles

    @property
    def epochs(self) -> float:
        """Length in passes over the training set."""
        return self.total_steps * self._settings().batch_size / self.n_train

    def knobs_dict(self) -> dict[str, Json] | None:
        """The JSON object `plan` of docs/command-line.md; None without settings."""
        if self.settings is None:
            return None
        names = ("max_lr", "min_lr", "batch_size", "max_momentum", "min_momentum", "weight_decay", "schedule", "epochs", "total_steps")
        cycles: dict[str, Json] = {"cycles": self.cycles} if self.schedule in USUAL_CYCLES else {}
        return {name: getattr(self, name) for name in names} | cycles | {"optimizer": self.optimizer_name}

    def to_dict(self) -> dict[str, Json]:
        """The JSON document that `tunesmith tune --format json` prints (docs/command-line.md), and a table `task` with what else the plan needs."""
        return {
            "version": self.version,
            "outcome": str(self.outcome),
            "plan": self.knobs_dict(),
            "cost": self.cost.to_dict(),
            "confirmed": None if self.confirmed is None else self.confirmed.to_dict(),
            "current": None if self.current is None else self.current.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": list(self.advice),
            "task": {
                "n_train": self.n_train,
                "goal": self.goal,
                "micro_batch_size": self.micro_batch_size,
                "has_custom_param_groups": self.has_custom_param_groups,
                "clip_grad_norm": self.clip_grad_norm,
                "precision": self.precision,
                "ema": self.ema,
                "optimizer": self.optimizer_name,
            },
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        knobs, task = data.get("plan"), data["task"]
        settings = None
        if knobs is not None:
            settings = Settings(
                lr=knobs["max_lr"],
                min_lr=knobs["min_lr"],
                momentum=knobs["max_momentum"],
                min_momentum=knobs["min_momentum"],
                weight_decay=knobs["weight_decay"],
                batch_size=knobs["batch_size"],
                schedule=knobs["schedule"],
                cycles=knobs.get("cycles"),
            )
        confirmed, current = data.get("confirmed"), data.get("current")
        cost = {name: value for name, value in data["cost"].items() if name != "total"}
        return cls(
            outcome=StudyOutcome(data["outcome"]),
            settings=settings,
            optimizer_name=task["optimizer"],
            n_train=task["n_train"],
            total_steps=0 if knobs is None else knobs["total_steps"],
            micro_batch_size=task.get("micro_batch_size"),
            has_custom_param_groups=task["has_custom_param_groups"],
            clip_grad_norm=task.get("clip_grad_norm"),
            precision=task["precision"],
            ema=task.get("ema"),
            goal=task["goal"],
            cost=StudyCost(**cost),
            confirmed=None if confirmed is None else Trained.from_dict(confirmed),
            current=None if current is None else Trained.from_dict(current),
            findings=tuple(Finding.from_dict(finding) for finding in data["findings"]),
            advice=tuple(data["advice"]),
            version=data["version"],
        )

    @property
    def total_decay(self) -> float:
        """Σ lr·wd/(1-m) over the plan's run (Σ lr·wd for Adam kinds): how often the weights are forgotten in it (METHOD, section 2.5).

        Raises:
            InputError: A plan without settings, or one whose schedule is the task's own and so not in it.
        """
        from tunesmith.schedules import total_decay  # noqa: PLC0415 (the schedules are loaded only when asked for)

        return total_decay(self._settings(), total_steps=self.total_steps, optimizer_name=self.optimizer_name)

    def for_steps(self, total_steps: int) -> Self:
        """The plan for another length: same learning rates and total decay, so the weight decay scales with 1/steps.

        Args:
            total_steps: Updates of the new training; ≥ 1.

        Raises:
            InputError: `total_steps` < 1, or a plan without settings.
        """
        settings = self._settings()
        if total_steps < 1:
            raise InputError(f"Plan.for_steps: total_steps must be ≥ 1, got {total_steps}. Pass the number of updates of your training.")
        decay = settings.weight_decay * self.total_steps / total_steps
        return dataclasses.replace(self, settings=dataclasses.replace(settings, weight_decay=decay, epochs=None), total_steps=total_steps)

    def for_schedule(self, schedule: str, *, cycles: int | None = None, shape: "TaskShape | None" = None) -> Self:
        """The plan with another shape over the same range of learning rates: same length and total decay, so the weight decay makes up for another mean rate.

        Nothing was tuned for that shape: tuning with it is `tune(…, schedule=)`.

        Args:
            schedule: Name in `tunesmith.schedules.SCHEDULES`.
            cycles: How many cycles, for triangular, triangular2 and exp_range; None means the schedule's usual number.
            shape: The task's own schedule, where the plan was tuned with it.

        Raises:
            InputError: An unknown schedule, cycles for one that cannot have several, or a plan without settings.

        Example:
            >>> plan = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.5), optimizer_name="sgd", n_train=1000, total_steps=100)
            >>> plan.for_schedule("triangular", cycles=3).cycles
            3
        """
        from tunesmith.schedules import total_decay  # noqa: PLC0415 (the schedules are loaded only when asked for)

        ours = self._settings()
        changed = dataclasses.replace(ours, schedule=schedule, cycles=cycles, min_lr=ours.resolved_min_lr)
        before, after = (
            total_decay(dataclasses.replace(settings, weight_decay=1.0), total_steps=self.total_steps, optimizer_name=self.optimizer_name, shape=shape)
            for settings in (ours, changed)
        )
        decay = ours.weight_decay if self.optimizer_name == "adam" or not after else ours.weight_decay * before / after
        return dataclasses.replace(self, settings=dataclasses.replace(changed, weight_decay=decay))

    def for_batch_size(self, batch_size: int, *, lr_exponent: float = LR_EXPONENT) -> Self:
        """The plan for another total batch size, by rule (`coupling.at_batch_size`): same epochs, momentum and total decay.

        Nothing is trained, so it is no longer confirmed; outcome and cost are the study's. `tunesmith rescale` says how sure it is and what to test again.

        Args:
            batch_size: New total batch size; in [1, n_train].
            lr_exponent: Learning rates go like batch size to this power; in [-1, 2], where 0 is constant and 1 linear. Default .5 (`coupling.LR_EXPONENT`).

        Raises:
            InputError: A batch size or an exponent out of its range, or a plan without settings.

        Example:
            >>> plan = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.5), optimizer_name="sgd", n_train=1000, total_steps=100)
            >>> larger = plan.for_batch_size(256)
            >>> larger.max_lr, larger.total_steps
            (1.0, 25)
        """
        ours, (least, most) = self._settings(), EXPONENT_LIMITS
        if not isinstance(batch_size, int) or not 1 <= batch_size <= self.n_train:
            raise InputError(f"A batch size must be a whole number from 1 to the plan's {self.n_train} training examples, got {batch_size!r}. Pass another.")
        if not least <= lr_exponent <= most:
            raise InputError(f"Plan.for_batch_size: lr_exponent must be in [{least:g}, {most:g}], got {lr_exponent!r}. Leave it out for {LR_EXPONENT}.")
        if batch_size == ours.batch_size:
            return self
        settings, steps = at_batch_size(ours, batch_size=batch_size, total_steps=self.total_steps, optimizer_name=self.optimizer_name, lr_exponent=lr_exponent)
        micro = None if self.micro_batch_size is None or self.micro_batch_size >= batch_size else self.micro_batch_size
        return dataclasses.replace(self, settings=settings, total_steps=steps, micro_batch_size=micro, confirmed=None)

    def for_epochs(self, epochs: float, *, n_train: int) -> Self:
        """`for_steps` for `epochs` passes over `n_train` examples."""
        steps = total_steps_for(epochs=epochs, n_train=n_train, batch_size=self._settings().batch_size)
        return dataclasses.replace(self.for_steps(steps), n_train=n_train)

    def optimizer(self, model: "nn.Module", *, param_groups: "Callable[[nn.Module], ParamGroups] | None" = None) -> "Optimizer":
        """An ordinary torch optimizer for `model`, at the plan's settings.

        Args:
            model: The network to train.
            param_groups: The task's own maker of parameter groups, where it had one. None means the default: no decay on biases and norms.

        Raises:
            InputError: The plan has no settings, was tuned with a custom optimizer, or with custom parameter groups that are not given.
        """
        from tunesmith.optimizers import default_param_groups, make_optimizer  # noqa: PLC0415 (torch is loaded only when asked for)

        if self.optimizer_name == "custom":
            raise InputError(
                "Plan.optimizer must know the optimizer by name, and this plan was tuned with the task's own maker. Call that maker with `plan.settings`."
            )
        if self.has_custom_param_groups and param_groups is None:
            raise InputError("Plan.optimizer must be given the parameter groups that this plan was tuned with. Pass the task's `param_groups=`.")
        return make_optimizer(self.optimizer_name, (param_groups or default_param_groups)(model), self._settings())

    def scheduler(self, optimizer: "Optimizer", *, total_steps: int | None = None, shape: "TaskShape | None" = None) -> "PlanScheduler":
        """An ordinary torch scheduler for `optimizer`: one `.step()` an update moves learning rate and momentum.

        Where the length changes in mid-run, assign its `total_steps`: what is left is stretched, and nothing jumps.

        Args:
            optimizer: What `Plan.optimizer` made, or an optimizer with the same learning rates.
            total_steps: Length, where it differs slightly from the plan's.
            shape: The task's own schedule, where the plan was tuned with it: (step, total_steps) → factor in [0, 1].

        Raises:
            InputError: `total_steps` further than a factor 1.25 from the plan's: use `for_steps` first. Or a schedule that is the task's own, without `shape`.
        """
        from tunesmith.schedules.torch_scheduler import PlanScheduler  # noqa: PLC0415 (torch is loaded only when asked for)

        steps = self.total_steps if total_steps is None else total_steps
        if not self.total_steps / LENGTH_TOLERANCE <= steps <= self.total_steps * LENGTH_TOLERANCE:
            raise InputError(
                f"Plan.scheduler: total_steps must be within a factor {LENGTH_TOLERANCE} of the plan's {self.total_steps}, got {steps}. "
                f"Call plan.for_steps({steps}) first, which keeps the total weight decay."
            )
        return PlanScheduler(optimizer, self._settings(), total_steps=steps, shape=shape)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The plan in a file `plan.toml`, checked.

        Raises:
            InputError: The file is missing, is not TOML, does not hold a plan, or is of a newer version.
        """
        from tunesmith.plan_file import read_plan  # noqa: PLC0415 (pydantic is loaded only when asked for)

        return cls.from_dict(read_plan(Path(path)))
