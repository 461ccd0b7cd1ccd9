"""Joint choices of the ladder: which runs of different lengths are one choice of learning rate, momentum and weight decay. Judges nothing."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from tunesmith.coupling import is_adam_kind
from tunesmith.curve import Run, RunOutcome
from tunesmith.experiment import Arm
from tunesmith.settings import RunKind, Settings

LENGTH_EXPONENT = 0.25
"""The best peak of an annealed run falls like its length to minus this power: our choice, between 1/2, where noise decides (the theory of linear decay), and 0,
where the edge of stability does. Measured on six tasks (LOG.md, 2026-11-22). Both recipes carry peaks so.
"""
_NEAR_DECAY, _NEAR_PRODUCT = 0.12, 0.03
"""Two total decays are one where they differ by less: each is rounded to two digits, 5 % at most. Weight decay times length is not rounded (our choice)."""

_SGD_KINDS = ("sgd", "nesterov")
_APART = 0.2
"""Logarithm from which on peaks differ by more than their rounding."""
_ONE_DIGIT = 0.05
"""Rounding the weight decay to two digits moves a total by this share at most."""


@dataclass(frozen=True, kw_only=True)
class JointChoice:
    """One choice of all knobs, told so that it means the same at every length.

    Attributes:
        label: A few words.
        lr: Peak learning rate at the length of the lowest rung, carried there like length^-1/4 where it was not run there.
        momentum: Largest momentum of the cycle.
        decay: Total decay of a run, Σ lr·wd/(1-m), for AdamW Σ lr·wd; where the ladder kept the weight decay itself between lengths, as for Adam, that.
        is_total_decay: Whether `decay` is a total.
        condition: The task's condition that it was run under; empty for the task as it is.
    """

    label: str
    lr: float
    momentum: float
    decay: float
    is_total_decay: bool
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """Runs of one choice at one length."""

    arms: tuple[Arm, ...]

    @property
    def run(self) -> Run:
        return self.arms[0].run

    @property
    def settings(self) -> Settings:
        return self.run.spec.settings

    @property
    def steps(self) -> int:
        return self.run.spec.total_steps

    @property
    def decay_product(self) -> float:
        """Proportional to the total decay, at one momentum and one shape of the cycle."""
        return self.settings.lr * self.settings.weight_decay * self.steps / (1 - self.settings.momentum)


def joint_choices(arms: Sequence[Arm], *, optimizer_name: str = "") -> dict[JointChoice, dict[int, tuple[Arm, ...]]]:
    """Every choice, with its runs by length; in the order in which they were first run, shorter lengths first.

    At one length, runs with equal settings are one choice on several seeds, and others are other choices. Between lengths a choice keeps its momentum, its peak
    scaled like length^-1/4 (or the very peak, where that is fixed), and its decay: the total, the weight decay itself, or weight decay times length. Of
    several that fit within the rounding, the nearest peak is taken.

    Args:
        arms: Whole cycles of any lengths.
        optimizer_name: Says how momentum counts in a total decay. Where it is empty or "custom", in the way that leaves fewer different decays.

    Example:
        >>> from tunesmith.curve import Curve
        >>> from tunesmith.settings import RunSpec
        >>> curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.0,), eval_step=(1,), valid_loss=(1.0,))
        >>> def arm(lr, steps, seed=0):
        ...     return Arm(label="", value=lr, run=Run(spec=RunSpec(settings=Settings(lr=lr), total_steps=steps, seed=seed), curve=curve))
        >>> found = joint_choices([arm(0.17, 50), arm(0.067, 50), arm(0.12, 200), arm(0.17, 50, seed=1)])
        >>> [(choice.label, {steps: len(mine) for steps, mine in runs.items()}) for choice, runs in found.items()]
        [('lr 0.17, momentum 0.9, no decay', {50: 2, 200: 1}), ('lr 0.067, momentum 0.9, no decay', {50: 1})]
    """
    cells: dict[tuple[int, str, Settings], list[Arm]] = {}
    for arm in arms:
        if arm.run.spec.kind == RunKind.CYCLE:
            cells.setdefault((arm.run.spec.total_steps, arm.run.spec.condition, arm.run.spec.settings), []).append(arm)
    groups: list[dict[int, _Cell]] = []
    for cell in sorted((_Cell(arms=tuple(mine)) for mine in cells.values()), key=lambda cell: cell.steps):
        fitting = [group for group in groups if cell.steps not in group and _is_same(_last(group), cell)]
        if fitting:
            min(fitting, key=lambda group: _distance(_last(group), cell))[cell.steps] = cell
        else:
            groups.append({cell.steps: cell})
    cells_run = [cell for group in groups for cell in group.values()]
    lowest = min((cell.steps for cell in cells_run), default=1)
    decays = _decays(groups, optimizer_name=optimizer_name) if _keeps_total(cells_run) else None
    found: dict[JointChoice, dict[int, tuple[Arm, ...]]] = {}
    for index, group in enumerate(groups):
        choice = _choice(_first(group), lowest=lowest, total_decay=None if decays is None else decays[index])
        while choice in found:  # the rounding of a label may make two choices one
            choice = dataclasses.replace(choice, label=f"{choice.label} again")
        found[choice] = {steps: cell.arms for steps, cell in group.items()}
    return found


def _first(group: dict[int, _Cell]) -> _Cell:
    return next(iter(group.values()))


def _last(group: dict[int, _Cell]) -> _Cell:
    return group[max(group)]


def _is_same(one: _Cell, other: _Cell) -> bool:
    """Whether runs of two lengths are one choice, as far as the rounding of their settings lets one see."""
    a, b = one.settings, other.settings
    fixed = {"lr": a.lr, "min_lr": a.min_lr, "weight_decay": a.weight_decay, "epochs": a.epochs}
    if one.run.spec.condition != other.run.spec.condition or dataclasses.replace(b, **fixed) != a:
        return False
    is_near = _distance(one, other) <= math.log1p(_half_unit(a.lr)) + math.log1p(_half_unit(b.lr)) + 1e-9
    if not (is_near or a.lr == b.lr):
        return False
    products = ((one.decay_product, other.decay_product, _NEAR_DECAY), (a.weight_decay, b.weight_decay, 1e-6))
    by_length = (a.weight_decay * one.steps, b.weight_decay * other.steps, _NEAR_PRODUCT)
    return any(math.isclose(left, right, rel_tol=tolerance) for left, right, tolerance in (*products, by_length))


def _distance(one: _Cell, other: _Cell) -> float:
    """Between the peaks, carried to one length: the logarithm of their ratio."""
    return abs(math.log(one.settings.lr / other.settings.lr * (one.steps / other.steps) ** LENGTH_EXPONENT))


def _half_unit(value: float) -> float:
    """Half of the second significant digit, as a share of the value: what rounding to two digits can move it by."""
    return 0.5 * 10.0 ** (math.floor(math.log10(value)) - 1) / value


def _keeps_total(cells: Sequence[_Cell]) -> bool:
    """Whether the ladder moved the weight decay with peak and length, so that the total stays; not so for Adam kinds, and not to be seen on a single run."""
    decayed = [cell for cell in cells if cell.settings.weight_decay > 0]
    apart = [
        (one, other)
        for one, other in combinations(decayed, 2)
        if one.settings.momentum == other.settings.momentum and (one.steps != other.steps or abs(math.log(one.settings.lr / other.settings.lr)) > _APART)
    ]
    return bool(apart) and not any(math.isclose(one.settings.weight_decay, other.settings.weight_decay, rel_tol=1e-6) for one, other in apart)


def _decays(groups: Sequence[dict[int, _Cell]], *, optimizer_name: str) -> list[float]:
    """Total decay of each choice, without what rounding did to it."""
    as_sgd, as_adam = (_levelled(_total_decays(groups, counts_momentum=counts)) for counts in (True, False))
    is_adam = is_adam_kind(optimizer_name) or (optimizer_name not in _SGD_KINDS and len(set(as_adam)) < len(set(as_sgd)))
    return as_adam if is_adam else as_sgd


def _total_decays(groups: Sequence[dict[int, _Cell]], *, counts_momentum: bool) -> list[float]:
    """Of the lowest run of each choice: by the share of peak times length that a finished run of its momenta spent."""
    shares: dict[tuple[float, float], float] = {}
    for cell in sorted((cell for group in groups for cell in group.values()), key=lambda cell: cell.steps):  # the shortest tells as much as any
        curve, settings = cell.run.curve, cell.settings
        if _momenta(cell) not in shares and curve.outcome is RunOutcome.FINISHED and all(momentum < 1 for momentum in curve.momentum):
            spent = math.fsum(lr / (1 - momentum if counts_momentum else 1.0) for lr, momentum in zip(curve.lr, curve.momentum, strict=False))
            shares[_momenta(cell)] = spent / (settings.lr * cell.steps)
    usual = median(shares.values()) if shares else 1.0
    lowest = [_first(group) for group in groups]
    return [cell.settings.lr * cell.settings.weight_decay * cell.steps * shares.get(_momenta(cell), usual) for cell in lowest]


def _momenta(cell: _Cell) -> tuple[float, float]:
    return cell.settings.momentum, cell.settings.resolved_min_momentum


def _levelled(decays: Sequence[float]) -> list[float]:
    """Decays that differ by their rounding alone made equal: the median of those that lie near one another, in no more digits than rounding leaves."""
    order = sorted(range(len(decays)), key=lambda index: decays[index])
    level = list(decays)
    run: list[int] = []
    for place, index in enumerate(order):
        run.append(index)
        after = decays[order[place + 1]] if place + 1 < len(order) else math.inf
        if after > decays[index] * (1 + 2 * _NEAR_DECAY):
            middle = median([decays[member] for member in run])
            short = float(f"{middle:.1g}")
            middle = short if math.isclose(short, middle, rel_tol=_ONE_DIGIT) else float(f"{middle:.2g}")
            for member in run:
                level[member] = middle
            run = []
    return level


def _choice(cell: _Cell, *, lowest: int, total_decay: float | None) -> JointChoice:
    settings, condition = cell.settings, cell.run.spec.condition
    lr = settings.lr if cell.steps == lowest else float(f"{settings.lr * (cell.steps / lowest) ** LENGTH_EXPONENT:.2g}")
    decay = settings.weight_decay if total_decay is None else total_decay
    said = "no decay" if decay == 0 else f"{'weight' if total_decay is None else 'total'} decay {decay:.2g}"
    label = f"lr {lr:.3g}, momentum {settings.momentum:g}, {said}{f', {condition}' if condition else ''}"
    return JointChoice(label=label, lr=lr, momentum=settings.momentum, decay=decay, is_total_decay=total_decay is not None, condition=condition)
