"""One choice of the knobs, and the order for one run of it. Records only: no torch, no I/O."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral, Real
from typing import Self, TypeAlias

from tunesmith.errors import InputError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


USUAL_CYCLES = {"triangular": 1, "triangular2": 4, "exp_range": 4}
"""Schedules that can hold several cycles, with how many they hold where nobody says: one triangle is that of super-convergence; four are our choice (the last
triangle of triangular2 then has an eighth of the height)."""

_ONE_CYCLE_DIVISOR, _CYCLES_DIVISOR, _FASTAI_DIVISOR = 10, 4, 25


def usual_min_lr(max_lr: float, *, schedule: str, cycles: int = 1) -> float:
    """The learning rate that a schedule starts from where nobody gives one.

    A tenth of the peak for one cycle, a quarter for several, and fast.ai's 25th for its own shapes. The one place that says so.

    Args:
        max_lr: The peak.
        schedule: Name in `tunesmith.schedules.SCHEDULES`, or "task".
        cycles: How many cycles the run has.

    Source: Smith 2018, arXiv:1803.09820, section 4.1: a third or a quarter of the maximum, a tenth or a twentieth where one cycle is used; which of each is
        our choice. fast.ai, `div_factor`.

    Example:
        >>> [usual_min_lr(1.0, schedule="triangular", cycles=cycles) for cycles in (1, 3)]
        [0.1, 0.25]
    """
    if schedule.startswith("one_cycle_fastai"):
        return max_lr / _FASTAI_DIVISOR
    return max_lr / (_CYCLES_DIVISOR if cycles > 1 else _ONE_CYCLE_DIVISOR)


def cycles_problem(cycles: int | None, *, schedule: str) -> str:
    """What is wrong with a number of cycles, as the end of a sentence "… must be"; empty where nothing is.

    Example:
        >>> cycles_problem(3, schedule="cosine")
        "left out where the schedule is not triangular, triangular2 or exp_range, got 3 for 'cosine'. Leave it out, or choose one of these."
    """
    if cycles is None:
        return ""
    if schedule not in USUAL_CYCLES:
        *names, last = USUAL_CYCLES
        named = f"{', '.join(names)} or {last}"
        return f"left out where the schedule is not {named}, got {cycles!r} for {schedule!r}. Leave it out, or choose one of these."
    if not isinstance(cycles, int) or isinstance(cycles, bool) or cycles < 1:
        return f"a whole number ≥ 1, got {cycles!r}. Choose it so that half a cycle lasts 2-10 epochs."
    return ""


def _require(*, holds: bool, name: str, must: str, got: object, advice: str) -> None:
    if not holds:
        raise InputError(f"{name} must be {must}, got {got!r}. {advice}")


def _make_plain(record: object, *, floats: tuple[str, ...] = (), integers: tuple[str, ...] = ()) -> None:
    """Turn the numbers of a frozen record into plain floats and ints, so that 1, 1.0 and numpy's are one setting with one key.

    What is no number, or no whole one, stays as it is, for the checks to refuse.
    """
    for name in floats:
        value = getattr(record, name)
        if isinstance(value, Real):
            object.__setattr__(record, name, float(value))
    for name in integers:
        value = getattr(record, name)
        if isinstance(value, Integral):
            object.__setattr__(record, name, int(value))
        elif isinstance(value, Real) and float(value).is_integer():
            object.__setattr__(record, name, int(float(value)))


def _is_number(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One choice of the knobs, with the schedule that moves them.

    Attributes:
        lr: Peak learning rate, of a parameter group with `lr_scale` 1; finite, > 0. Default .01: the usual untuned start.
        min_lr: Learning rate at the start of a cycle; in [0, lr]. None means lr/10, lr/4 where there are several cycles, lr/25 for fast.ai's (`usual_min_lr`).
        momentum: Momentum (beta1 for Adam kinds) where the learning rate is small; in [0, 1). Default .9: the usual untuned start.
        min_momentum: Momentum where the learning rate is largest; in [0, momentum]. None means constant momentum.
        weight_decay: As torch's optimizers take it; finite, ≥ 0. Default 0.
        batch_size: Total batch size: micro-batch x accumulation x devices; ≥ 1. Default 64.
        schedule: Name in `tunesmith.schedules.SCHEDULES`, or "task" for the task's own shape. Default "one_cycle" (report, section 4.1).
        epochs: Length in passes over the training set; finite, > 0. None means the task's.
        cycles: How many cycles a triangular, triangular2 or exp_range run holds; ≥ 1. None means the schedule's usual number, 1, 4 and 4. Half a cycle should
            last 2-10 epochs (CLR, section 3.2).

    Raises:
        InputError: A value out of its range, or cycles for a schedule that has one or none.

    Example:
        >>> Settings(lr=0.5).resolved_min_lr
        0.05
        >>> Settings(lr=0.5, schedule="triangular", cycles=3).resolved_min_lr
        0.125
        >>> Settings(momentum=1.2)
        Traceback (most recent call last):
        tunesmith.errors.InputError: Settings.momentum must be in [0, 1), got 1.2. Pass a fraction such as 0.9.
    """

    lr: float = 0.01
    min_lr: float | None = None
    momentum: float = 0.9
    min_momentum: float | None = None
    weight_decay: float = 0.0
    batch_size: int = 64
    schedule: str = "one_cycle"
    epochs: float | None = None
    cycles: int | None = None

    def __post_init__(self) -> None:
        _make_plain(self, floats=("lr", "min_lr", "momentum", "min_momentum", "weight_decay", "epochs"), integers=("batch_size", "cycles"))
        _require(holds=_is_number(self.lr) and self.lr > 0, name="Settings.lr", must="finite and > 0", got=self.lr, advice="Pass a rate such as 0.1.")
        _require(
            holds=self.min_lr is None or (_is_number(self.min_lr) and 0 <= self.min_lr <= self.lr),
            name="Settings.min_lr", must="in [0, lr]", got=self.min_lr, advice="Leave it out for the schedule's usual share of lr.",
        )  # fmt: skip
        _require(
            holds=_is_number(self.momentum) and 0 <= self.momentum < 1,
            name="Settings.momentum", must="in [0, 1)", got=self.momentum, advice="Pass a fraction such as 0.9.",
        )  # fmt: skip
        _require(
            holds=self.min_momentum is None or (_is_number(self.min_momentum) and 0 <= self.min_momentum <= self.momentum),
            name="Settings.min_momentum", must="in [0, momentum]", got=self.min_momentum, advice="Leave it out for constant momentum.",
        )  # fmt: skip
        _require(
            holds=_is_number(self.weight_decay) and self.weight_decay >= 0,
            name="Settings.weight_decay", must="finite and ≥ 0", got=self.weight_decay, advice="Pass a number such as 1e-4, or 0.",
        )  # fmt: skip
        _require(
            holds=isinstance(self.batch_size, int) and self.batch_size >= 1,
            name="Settings.batch_size", must="a whole number ≥ 1", got=self.batch_size, advice="Pass a number such as 64.",
        )  # fmt: skip
        _require(
            holds=self.epochs is None or (_is_number(self.epochs) and self.epochs > 0),
            name="Settings.epochs", must="finite and > 0", got=self.epochs, advice="Leave it out for the task's own length.",
        )  # fmt: skip

        problem = cycles_problem(self.cycles, schedule=self.schedule)
        if problem:
            raise InputError(f"Settings.cycles must be {problem}")

    @property
    def resolved_cycles(self) -> int:
        """`cycles`, or the schedule's usual number where it is None; 1 for schedules that cannot have several."""
        return USUAL_CYCLES.get(self.schedule, 1) if self.cycles is None else self.cycles

    @property
    def resolved_min_lr(self) -> float:
        """`min_lr`, or the schedule's usual share of `lr` where it is None (`usual_min_lr`)."""
        return usual_min_lr(self.lr, schedule=self.schedule, cycles=self.resolved_cycles) if self.min_lr is None else self.min_lr

    @property
    def resolved_min_momentum(self) -> float:
        """`min_momentum`, or `momentum` where it is None."""
        return self.momentum if self.min_momentum is None else self.min_momentum

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back into an equal record.

        Without `cycles` where it is None: it came later than the rest, and the keys of runs that were stored before must stay what they are.
        """
        data = dataclasses.asdict(self)
        if self.cycles is None:
            del data["cycles"]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Json]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(**data)  # type: ignore[arg-type]


USUAL_GRADIENT_MICRO_BATCHES, USUAL_GRADIENT_MICRO_BATCH_SIZE = 8, 16
"""Of a gradient sample (our choice: together two usual batches)."""
_GRADIENT_FIELDS = ("gradient_points", "gradient_micro_batches", "gradient_micro_batch_size")


class RunKind(StrEnum):
    """What moves the knobs of a run."""

    CYCLE = "cycle"
    LINEAR_RAMP = "linear_ramp"
    EXPONENTIAL_RAMP = "exponential_ramp"
    CURRENT = "current"


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """The order for one run: everything that its result depends on, besides the task.

    Two equal specs of one task give the same bits, so a study never trains a spec twice.

    Attributes:
        settings: The knobs. For a ramp `settings.lr` is the learning rate at its end and `settings.min_lr` that at its start.
        total_steps: Applied optimizer updates; ≥ 1.
        seed: Fixes initialisation, data order and every other random draw.
        kind: CYCLE follows `settings.schedule`; the ramps sweep the learning rate; CURRENT is the task's own `current` maker.
        evaluations: Evaluations on the way, evenly spaced, besides the one at the end; ≥ 0.
        valid_examples: Size of the fixed slice of the validation set; None means all of it.
        reestimates_norm: Whether BatchNorm statistics are re-estimated, on copies, before each evaluation (METHOD, trap 5).
        stops_when_diverged: Whether the run ends once its loss has diverged.
        evaluates_test: Whether the test set is evaluated after the last update.
        keeps_weights: Whether the final weights come back with the curve.
        condition: Name of the changed task that the run is of, where a study compares several tasks; empty for the study's own.
        micro_batch_size: What goes through the network at once, where a study found that out; None for the task's own. A name only: the engine
            reads the task.
        gradient_points: Moments at which gradients of several micro-batches are taken and compared, evenly spaced like `evaluations`, two samples at each;
            ≥ 0. They do not change the run, and cost as much as the training of their examples.
        gradient_micro_batches: Micro-batches in each sample; ≥ 2. Fewer are taken where the training set has no more. Default 8 (our choice).
        gradient_micro_batch_size: Examples in each; ≥ 1. Fewer where the task lets fewer through its network at once. Default 16 (our choice).

    Raises:
        InputError: A number out of its range, or micro-batches without `gradient_points`.

    Example:
        >>> RunSpec(settings=Settings(lr=1), total_steps=100, seed=0).key == RunSpec(settings=Settings(lr=1.0), total_steps=100, seed=0).key
        True
    """

    settings: Settings
    total_steps: int
    seed: int
    kind: RunKind = RunKind.CYCLE
    evaluations: int = 0
    valid_examples: int | None = None
    reestimates_norm: bool = False
    stops_when_diverged: bool = True
    evaluates_test: bool = False
    keeps_weights: bool = False
    condition: str = ""
    micro_batch_size: int | None = None
    gradient_points: int = 0
    gradient_micro_batches: int = USUAL_GRADIENT_MICRO_BATCHES
    gradient_micro_batch_size: int = USUAL_GRADIENT_MICRO_BATCH_SIZE

    def __post_init__(self) -> None:
        _make_plain(self, integers=("total_steps", "seed", "evaluations", "valid_examples", *_GRADIENT_FIELDS))
        for name, least, advice in (
            ("total_steps", 1, "Pass the number of updates."),
            ("evaluations", 0, "Pass how many evaluations you want on the way."),
            ("valid_examples", 1, "Leave it out for the whole validation set."),
            ("gradient_points", 0, "Pass at how many moments gradients are to be compared."),
            ("gradient_micro_batches", 2, "One gradient alone shows no noise."),
            ("gradient_micro_batch_size", 1, "Pass a number such as 16."),
        ):
            value = getattr(self, name)
            _require(holds=not isinstance(value, int) or value >= least, name=f"RunSpec.{name}", must=f"≥ {least}", got=value, advice=advice)
        for name, usual in (("gradient_micro_batches", USUAL_GRADIENT_MICRO_BATCHES), ("gradient_micro_batch_size", USUAL_GRADIENT_MICRO_BATCH_SIZE)):
            value = getattr(self, name)
            must = "left out where gradient_points is 0"
            _require(holds=self.gradient_points != 0 or value == usual, name=f"RunSpec.{name}", must=must, got=value, advice="Pass gradient_points too.")

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back into an equal record.

        An empty `condition` is left out, a `micro_batch_size` that is the task's own, and what is said of gradients where none are asked for, so that keys stay
        what they were without them.
        """
        data = dataclasses.asdict(self) | {"settings": self.settings.to_dict()}
        left_out = {*(() if self.condition else ("condition",)), *(() if self.gradient_points else _GRADIENT_FIELDS)}
        left_out |= {"micro_batch_size"} if self.micro_batch_size is None else set()
        return {name: value for name, value in data.items() if name not in left_out}

    @classmethod
    def from_dict(cls, data: dict[str, Json]) -> Self:
        """The record that `to_dict` was called on."""
        fields = dict(data)
        fields["settings"] = Settings.from_dict(fields["settings"])  # type: ignore[arg-type]
        fields["kind"] = RunKind(str(fields["kind"]))
        return cls(**fields)  # type: ignore[arg-type]

    @property
    def key(self) -> str:
        """Twenty hex digits that name this spec."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]
