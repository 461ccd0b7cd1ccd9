"""The study's time model: seconds a step at each batch size, measured once, from then on an input (docs/counting.md)."""

import dataclasses
import json
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.cost import Cost
from tunesmith.engine import measure_steps
from tunesmith.errors import InputError, StudyError
from tunesmith.recipe.allowance import LOOK_SHARE
from tunesmith.recipe.fitting import FIT_SHARE, LEAST_EXAMPLES
from tunesmith.recipe.laboratory import Laboratory

TIME_MODEL_NAME = "time_model.json"
TIME_MODEL_VERSION = 1
TIMED_UPDATES, MOST_TIMED_UPDATES = 3, 20
"""Updates timed at each size: at least the first number, more as the look's share of the budget allows (our choice)."""


@dataclass(frozen=True, kw_only=True)
class TimeModel:
    """Seconds a step.

    Attributes:
        seconds_per_step: Batch size → seconds of an update.
        loading_seconds: Batch size → seconds of it that went by waiting for data; empty where that was not measured.
        trained_examples: What measuring it cost this study, forward and backward.
    """

    seconds_per_step: dict[int, float]
    loading_seconds: dict[int, float] = field(default_factory=dict)
    trained_examples: int = 0


def find_time_model(lab: Laboratory, sizes: list[int], *, given: Path | None, required: Collection[int] = ()) -> TimeModel:
    """Seconds a step at each of the sizes: from the file given, from the study, or measured now and kept in the study.

    Sizes that a model from a file lacks are left out: they cannot be compared at equal time. So are those that would cost more than the look may.

    Args:
        lab: Whose task, study and device.
        sizes: Batch sizes, the most important first.
        given: Another machine's model; it is copied into the study.
        required: Those that must not be left out: timed whatever they cost, also beside a model that the study has already.

    Raises:
        InputError: A file that is no time model, or another machine's that lacks a size that is required.
        StudyError: The study's folder cannot be written.
    """
    own = lab.study.folder / TIME_MODEL_NAME
    if given is not None:
        model = dataclasses.replace(read_time_model(given), trained_examples=0)
        _write(model, own)
    elif own.exists():
        model = read_time_model(own)
    else:
        model = _measured(lab, sizes, required=required)
        _write(model, own)
    missing = sorted(set(required) - set(model.seconds_per_step))
    if missing and not model.trained_examples:
        raise InputError(
            f"A time model must hold every batch size that is asked for, and this one, of another machine, lacks {missing[0]}. "
            "Time it there too, leave that size out, or leave --time-model out and pass another --out to measure here."
        )
    if missing:
        model = _joined(model, _measured(lab, missing, required=missing))
        _write(model, own)
    lab.charge("time model", Cost(trained_examples=model.trained_examples))
    return dataclasses.replace(model, seconds_per_step={size: model.seconds_per_step[size] for size in sorted(sizes) if size in model.seconds_per_step})


def read_time_model(path: Path) -> TimeModel:
    """The model in a file `time_model.json`.

    Raises:
        InputError: A file that is missing, is no time model, or is of a newer version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        seconds, loading = ({int(size): float(found) for size, found in times.items()} for times in (data["seconds_per_step"], data.get("loading_seconds", {})))
        model = TimeModel(seconds_per_step=seconds, loading_seconds=loading, trained_examples=int(data.get("trained_examples", 0)))
        version = int(data["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"A time model must be JSON with version and seconds_per_step, and {path} is not ({error}). Pass the time_model.json of a study."
        ) from error
    if version > TIME_MODEL_VERSION:
        raise InputError(f"A time model must be of version {TIME_MODEL_VERSION} or older, and {path} is of version {version}. Install a newer tunesmith.")
    is_sane = all(math.isfinite(found) and found > 0 for found in seconds.values()) and all(math.isfinite(found) and found >= 0 for found in loading.values())
    if not seconds or not is_sane or model.trained_examples < 0:
        raise InputError(f"Seconds a step must be finite and > 0, at least at one batch size, examples ≥ 0, and those of {path} are not. Measure again.")
    return model


def looking_examples(lab: Laboratory, *, first: int) -> float:
    """What the check, what fits and the time model may cost together, in examples forward and backward."""
    look = lab.checked.trained_examples + lab.checked.evaluated_examples
    return look + max(LOOK_SHARE * lab.budget * lab.full_training_examples, LEAST_EXAMPLES + first * (TIMED_UPDATES + 1))


def _joined(model: TimeModel, other: TimeModel) -> TimeModel:
    return TimeModel(
        seconds_per_step=model.seconds_per_step | other.seconds_per_step,
        loading_seconds=model.loading_seconds | other.loading_seconds,
        trained_examples=model.trained_examples + other.trained_examples,
    )


def _measured(lab: Laboratory, sizes: list[int], *, required: Collection[int]) -> TimeModel:
    allowed = (LOOK_SHARE - FIT_SHARE) * min(1.0, lab.budget) * lab.full_training_examples
    affordable = [size for i, size in enumerate(sizes) if i == 0 or size in required or sum(sizes[: i + 1]) * (TIMED_UPDATES + 1) <= allowed]
    repeats = min(MOST_TIMED_UPDATES, max(TIMED_UPDATES, int(allowed / sum(affordable)) - 1))
    timing = measure_steps(lab.task, sorted(affordable), device=lab.device, repeats=repeats, seed=lab.search_seed(0))
    lab.study.note("threads", timing.threads)
    return TimeModel(
        seconds_per_step=_never_falling(timing.seconds_per_step), loading_seconds=timing.loading_seconds, trained_examples=timing.trained_examples
    )  # fmt: skip


def _never_falling(seconds_per_step: dict[int, float]) -> dict[int, float]:
    """The nearest seconds that do not fall from a size to the next: where a larger batch was measured as faster than a smaller one, that was noise."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 (takes a moment to load)

    sizes = sorted(seconds_per_step)
    return dict(zip(sizes, map(float, isotonic_regression([seconds_per_step[size] for size in sizes]).x), strict=True))


def _write(model: TimeModel, path: Path) -> None:
    data = {
        "version": TIME_MODEL_VERSION,
        "seconds_per_step": {str(size): seconds for size, seconds in sorted(model.seconds_per_step.items())},
        "loading_seconds": {str(size): seconds for size, seconds in sorted(model.loading_seconds.items())},
        "trained_examples": model.trained_examples,
    }
    temporary = path.with_name(path.name + ".writing")
    try:
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise StudyError(f"The time model must be writable to {path}, and was not ({error}). Free space or pass another --out.") from error
