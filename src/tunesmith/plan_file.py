"""`plan.toml`: a plan as a file that people read and edit.

Reading checks everything and lists every problem at once; writing gives the same bytes for the same study.

The file is `Plan.to_dict` as TOML, less what would make it ambiguous to edit or different each time: `cost.seconds`, keys without a value (TOML has no null),
and `task.optimizer` where `plan.optimizer` says the same.
"""

import contextlib
import math
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from tunesmith.cost import total_steps_for
from tunesmith.errors import InputError
from tunesmith.plan import PLAN_VERSION, Plan, StudyOutcome
from tunesmith.schedules import SCHEDULES
from tunesmith.settings import Json, cycles_problem

HEADER = "# A plan by tunesmith. Edit it where you like; ts.Plan.load checks it and says what does not fit.\n\n"
TASK_SCHEDULE = "task"
LIMIT_DIGITS = 60
"""A value that does not fit is quoted up to this many characters (our choice)."""

OptimizerName: TypeAlias = Literal["sgd", "nesterov", "adam", "adamw", "custom"]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    """A table of the file: no unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Knobs(_Table):
    """What a person is most likely to edit."""

    max_lr: Annotated[Finite, Field(gt=0)]
    min_lr: Annotated[Finite, Field(ge=0)] | None = None
    batch_size: Count
    max_momentum: Annotated[Finite, Field(ge=0, lt=1)]
    min_momentum: Annotated[Finite, Field(ge=0, lt=1)] | None = None
    weight_decay: Annotated[Finite, Field(ge=0)]
    schedule: str
    cycles: Count | None = None
    epochs: Annotated[Finite, Field(gt=0)] | None = None
    total_steps: Count
    optimizer: OptimizerName

    @field_validator("schedule")
    @classmethod
    def _is_known(cls, schedule: str) -> str:
        if schedule not in SCHEDULES and schedule != TASK_SCHEDULE:
            raise ValueError(f"must be one of {', '.join(SCHEDULES)} or {TASK_SCHEDULE}")
        return schedule

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        problems = []
        wrong_cycles = cycles_problem(self.cycles, schedule=self.schedule)
        if wrong_cycles:
            problems.append(f"cycles must be {wrong_cycles.removesuffix('.')}")
        if self.min_lr is not None and self.min_lr > self.max_lr:
            problems.append(f"min_lr must be at most max_lr ({self.max_lr}), got {self.min_lr}")
        if self.min_momentum is not None and self.min_momentum > self.max_momentum:
            problems.append(f"min_momentum must be at most max_momentum ({self.max_momentum}), got {self.min_momentum}")
        if problems:
            raise ValueError(" and ".join(problems))
        return self


class _Cost(_Table):
    search: Annotated[Finite, Field(ge=0)]
    confirm: Annotated[Finite, Field(ge=0)]
    baseline: Annotated[Finite, Field(ge=0)]
    total: Annotated[Finite, Field(ge=0)] | None = None
    seconds: Annotated[Finite, Field(ge=0)] = 0.0


class _Trained(_Table):
    valid: list[float]
    test: list[float] | None = None
    seeds: list[int]
    interval: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _is_rectangular(self) -> Self:
        if len(self.valid) != len(self.seeds) or (self.test is not None and len(self.test) != len(self.seeds)):
            raise ValueError(f"valid, test and seeds must be equally long, got {len(self.valid)}, {len(self.test or ())} and {len(self.seeds)}")
        return self


class _Finding(_Table):
    kind: str
    since_step: Annotated[int, Field(ge=0)] | None = None
    value: float | None = None
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    confidence: Annotated[Finite, Field(ge=0, le=1)]
    evidence: str
    not_established: str
    action: str = ""


class _Task(_Table):
    n_train: Count
    goal: Annotated[str, Field(min_length=1)]
    micro_batch_size: Count | None = None
    has_custom_param_groups: bool
    clip_grad_norm: Annotated[Finite, Field(gt=0)] | None = None
    precision: Literal["fp32", "bf16", "fp16"]
    ema: Annotated[Finite, Field(gt=0, lt=1)] | None = None
    optimizer: OptimizerName | None = None


class _Document(_Table):
    version: Count
    outcome: Literal[tuple(str(outcome) for outcome in StudyOutcome)]  # type: ignore[valid-type]
    plan: _Knobs | None = None
    cost: _Cost
    confirmed: _Trained | None = None
    current: _Trained | None = None
    findings: list[_Finding]
    advice: list[str]
    task: _Task

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = [problem for problem in (self._optimizer_problem(), self._length_problem()) if problem]
        if problems:
            raise ValueError(" and ".join(problems))
        return self

    def _optimizer_problem(self) -> str:
        if self.plan is None:
            return "task.optimizer must be there in a file without a [plan]" if self.task.optimizer is None else ""
        if self.task.optimizer not in (None, self.plan.optimizer):
            return f"task.optimizer must be plan.optimizer ({self.plan.optimizer!r}) or be left out, got {self.task.optimizer!r}"
        return ""

    def _length_problem(self) -> str:
        if self.plan is None or self.plan.epochs is None:
            return ""
        steps = total_steps_for(epochs=self.plan.epochs, n_train=self.task.n_train, batch_size=self.plan.batch_size)
        if steps == self.plan.total_steps:
            return ""
        return (
            f"plan.total_steps must be plan.epochs * task.n_train / plan.batch_size ({steps}), got {self.plan.total_steps} "
            "(change them together, or leave plan.epochs out)"
        )


def read_plan(path: Path) -> dict[str, Json]:
    """The checked content of a `plan.toml`, as `Plan.from_dict` takes it.

    `cost.seconds` is 0 where the file does not say, as in every file that `write_plan` wrote.

    Args:
        path: The file; it may have been edited by hand.

    Raises:
        InputError: The file is missing, is not TOML, is of a newer version, or does not hold a plan; one sentence that lists every problem.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"A plan must be a file that can be read, and {path} cannot be ({error.strerror}). Pass the plan.toml of a study.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"A plan must be a TOML file, and {path} is not ({error}). Correct it, or let `tunesmith tune` write it again.") from error
    version = data.get("version")
    if isinstance(version, int) and version > PLAN_VERSION:
        raise InputError(
            f"A plan must be of version {PLAN_VERSION} or older for this tunesmith, and {path} is of version {version}. Install a newer tunesmith."
        )
    try:
        checked = _Document.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors())
        raise InputError(f"{path} must hold a plan as tunesmith writes it: {problems}. Correct it, or let `tunesmith tune` write it again.") from error
    return _as_plan_dict(checked)


def write_plan(plan: Plan, path: Path) -> None:
    """Write `plan` to a TOML file, whole or not at all; the same study gives the same bytes, for wall-clock seconds are left out.

    Raises:
        InputError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> from tunesmith.settings import Settings
        >>> plan = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.5), optimizer_name="sgd", n_train=1000, total_steps=100)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_plan(plan, Path(folder) / "plan.toml")
        ...     Plan.load(Path(folder) / "plan.toml").max_lr
        0.5
    """
    data = _without_nulls(plan.to_dict())
    del data["cost"]["seconds"]  # type: ignore[index, union-attr]
    if "plan" in data:
        del data["task"]["optimizer"]  # type: ignore[index, union-attr]
    content = (HEADER + tomli_w.dumps(data)).encode(errors="replace")  # a path may hold bytes that are no text
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise InputError(
            f"A plan must be written to a folder with permission and free space, and {path} was not ({error.strerror}). Pass another one."
        ) from error


def _without_nulls(data: dict[str, Json]) -> dict[str, Json]:
    return {name: _cleaned(value) for name, value in data.items() if value is not None}


def _cleaned(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_nulls(value)
    # In a list a null cannot be left out; TOML does know NaN.
    return [math.nan if item is None else _cleaned(item) for item in value] if isinstance(value, list) else value


def _as_plan_dict(document: _Document) -> dict[str, Json]:
    data = document.model_dump()
    if document.plan is not None:
        data["task"]["optimizer"] = document.plan.optimizer
    data["cost"]["total"] = document.cost.search + document.cost.confirm + document.cost.baseline
    return data


def _problem(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"{where} is no key of a plan"
    if kind == "missing":
        return f"{where} is missing"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    if kind == "value_error" and isinstance(detail["input"], dict):
        return f"in {where}, {message}" if where else message
    given = repr(detail["input"])
    return f"{where} {message}, got {given if len(given) <= LIMIT_DIGITS else given[:LIMIT_DIGITS] + '…'}"
