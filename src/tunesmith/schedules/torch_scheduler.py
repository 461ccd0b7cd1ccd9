"""The plan's schedules as an ordinary torch scheduler. The only module of this folder that imports torch."""

from typing import Any, TypeAlias

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tunesmith.errors import InputError
from tunesmith.schedules.by_settings import TaskShape, lr_schedule, momentum_schedule
from tunesmith.schedules.shape import Schedule, checked_steps
from tunesmith.schedules.stretch import Stretch, value_at
from tunesmith.settings import USUAL_CYCLES, Settings

SchedulerState: TypeAlias = dict[str, int | float | str | list[float]]


def _share(group: dict[str, Any], *, peak_lr: float) -> float:
    """What a group's learning rate is multiplied by: its rate at construction over the peak."""
    scale = group.get("lr_scale")
    # `lr_scale` itself where it explains the rate: the quotient can miss it by a rounding, and a plan must train bit for bit as it was tuned.
    return float(scale) if scale is not None and group["initial_lr"] == peak_lr * scale else float(group["initial_lr"]) / peak_lr


def _set_lr(group: dict[str, Any], lr: float) -> None:
    """Into a tensor in place, where the learning rate is one: a captured or compiled step reads that very tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(lr)
    else:
        group["lr"] = lr


class PlanScheduler(LRScheduler):
    """Moves learning rate and momentum of every parameter group along a plan's schedules, one `.step()` an update.

    Making it sets the values that drive update 0; the n-th `.step()` sets those that drive update n. Past the end the last values stay.
    Each group's learning rate is its own at construction times `lr_schedule(step) / settings.lr`, so the ratios of groups survive
    (torch's `OneCycleLR` erases them). Momentum goes into "momentum", or into `betas[0]` where a group has none.

    With gradient accumulation one `.step()` an optimizer update, not a micro-batch. An update that a `GradScaler` skips is a step all the same if `.step()` is
    called after it; call it only where the scaler's scale did not fall, if skipped updates shall not count.
    A parameter group added later starts at its own learning rate, read as its peak, and follows from the next `.step()` on.

    Assigning `total_steps` in mid-run stretches what is left of the schedule over the steps that are left: nothing jumps, and it ends where it would have
    ended. The total weight decay changes with the length, as the weight decay stays; `Plan.for_steps`, before a training, keeps it.

    Args:
        optimizer: Any torch optimizer, its learning rates at their peaks, as `Plan.optimizer` makes it.
        settings: The knobs; weight decay and batch size are not looked at.
        total_steps: Updates of the run; ≥ 1.
        shape: The user's own shape, where `settings.schedule` is "task".

    Raises:
        InputError: As `lr_schedule`.
        UserCodeError: The shape raised.

    Source: Replaces `LambdaLR` for the learning rate, as no torch scheduler moves momentum along with the author's shape (METHOD, section 2.2).

    Example:
        >>> import torch
        >>> weight = torch.nn.Parameter(torch.zeros(1))
        >>> optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.95)
        >>> scheduler = PlanScheduler(optimizer, Settings(lr=1.0, momentum=0.95, min_momentum=0.85), total_steps=20)
        >>> for _ in range(9):
        ...     optimizer.step()
        ...     scheduler.step()
        >>> scheduler.get_last_lr(), optimizer.param_groups[0]["momentum"]
        ([1.0], 0.85)
        >>> scheduler.total_steps = 30  # the run becomes longer: the fall takes twice its steps
        >>> for _ in range(9):
        ...     optimizer.step()
        ...     scheduler.step()
        >>> [round(lr, 6) for lr in scheduler.get_last_lr()]
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, settings: Settings, *, total_steps: int, shape: TaskShape | None = None) -> None:
        """Set the values that drive update 0."""
        self._lr = lr_schedule(settings, total_steps=total_steps, shape=shape)
        self._momentum = momentum_schedule(settings, total_steps=total_steps, shape=shape)
        self._settings = settings
        steps = checked_steps(total_steps, maker="PlanScheduler")
        self._stretch = Stretch(planned_steps=steps, total_steps=steps)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        self._shares = [_share(group, peak_lr=settings.lr) for group in optimizer.param_groups]
        super().__init__(optimizer)

    @property
    def total_steps(self) -> int:
        """Updates of the run; may be changed in mid-run."""
        return self._stretch.total_steps

    @total_steps.setter
    def total_steps(self, total_steps: int) -> None:
        """Stretch what is left of the schedule, from the value of the coming update on.

        The update that comes next keeps its values, so where it is to be the last one, the run ends with these. A schedule that has ended stays at its end.

        Raises:
            InputError: `total_steps` is not more than the updates made already.
        """
        self._stretch = self._stretch.changed(at_step=self.last_epoch, total_steps=total_steps)

    def get_lr(self) -> list[float | Tensor]:
        """The learning rate of each group at the present step."""
        lr = self._value(self._lr)
        return [lr * share for share in self._shares]

    def _value(self, schedule: Schedule) -> float:
        return value_at(schedule, self._stretch.place(self.last_epoch))

    def _meet_new_groups(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) < len(self._shares):
            raise InputError(
                f"An optimizer must keep the parameter groups that its PlanScheduler was made with, and has {len(groups)} of {len(self._shares)}. "
                "Make a new scheduler after taking one away."
            )
        for group in groups[len(self._shares) :]:
            group.setdefault("initial_lr", float(group["lr"]))
            self._shares.append(_share(group, peak_lr=self._settings.lr))

    def step(self, epoch: int | None = None) -> None:
        """Set what drives the next update; call it once after each `optimizer.step()`.

        Args:
            epoch: Deprecated by torch, which warns: the step to jump to.

        Raises:
            InputError: A parameter group was taken away.
        """
        self._meet_new_groups()
        super().step(epoch)
        self._set_momentum()

    def _set_momentum(self) -> None:
        momentum = self._value(self._momentum)
        for group in self.optimizer.param_groups:
            if "momentum" in group:
                group["momentum"] = momentum
            elif "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])

    def _identity(self) -> SchedulerState:
        """What two schedulers must share for the state of one to mean the same in the other."""
        settings = self._settings
        return {
            "schedule": settings.schedule,
            "max_lr": float(settings.lr),
            "min_lr": float(settings.resolved_min_lr),
            "max_momentum": float(settings.momentum),
            "min_momentum": float(settings.resolved_min_momentum),
            "cycles": settings.resolved_cycles,
            "total_steps": self._stretch.planned_steps,
        }

    def _progress(self) -> SchedulerState:
        return {
            "last_epoch": self.last_epoch,
            "_step_count": self._step_count,
            "shares": [float(share) for share in self._shares],
            "changed_total_steps": self._stretch.total_steps,
            "changed_at_step": self._stretch.from_step,
            "changed_at_place": self._stretch.from_place,
        }

    def state_dict(self) -> SchedulerState:
        """Where the scheduler stands, as plain numbers and strings that `torch.load(weights_only=True)` accepts."""
        return {**self._identity(), **self._progress()}

    def load_state_dict(self, state_dict: SchedulerState) -> None:
        """Go on from where another scheduler of the same plan stood.

        The optimizer gets the values of that step at once, so it does not matter whether its own state is loaded before or after. A length that was changed in
        mid-run comes back too: make the scheduler with the length that it was made with first.

        Args:
            state_dict: What `state_dict` gave.

        Raises:
            InputError: The state is of another plan, another length or other parameter groups.
        """
        before = {"cycles": USUAL_CYCLES.get(self._settings.schedule, 1)}  # what a state without the key was saved with: it came later than the rest
        different = [name for name, value in self._identity().items() if state_dict.get(name, before.get(name)) != value]
        different += [name for name in ("last_epoch", "_step_count") if name not in state_dict]
        self._meet_new_groups()
        shares = state_dict.get("shares")
        if not isinstance(shares, list) or len(shares) != len(self._shares):
            different.append("parameter groups")
        if different:
            raise InputError(
                "PlanScheduler.load_state_dict must get the state of a scheduler with the same settings, length and parameter groups, "
                f"got one that differs in {', '.join(different)}. Make the scheduler from the plan that the checkpoint was trained with."
            )
        self.last_epoch = int(state_dict["last_epoch"])  # type: ignore[arg-type]
        self._step_count = int(state_dict["_step_count"])  # type: ignore[arg-type]
        self._shares = list(shares)  # type: ignore[arg-type]
        planned = self._stretch.planned_steps
        self._stretch = Stretch(
            planned_steps=planned,
            total_steps=int(state_dict.get("changed_total_steps", planned)),  # type: ignore[arg-type]
            from_step=int(state_dict.get("changed_at_step", 0)),  # type: ignore[arg-type]
            from_place=float(state_dict.get("changed_at_place", 0.0)),  # type: ignore[arg-type]
        )
        lr = self._value(self._lr)
        for group, share in zip(self.optimizer.param_groups, self._shares, strict=True):
            _set_lr(group, lr * share)
        self._last_lr = self.get_lr()
        self._set_momentum()
