"""Values that are typed: numbers that must make sense, KNOB=VALUE and KNOB=LOW:HIGH, and the options that several commands share."""

import difflib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from tunesmith.errors import InputError
from tunesmith.settings import Settings, cycles_problem

P = ParamSpec("P")
T = TypeVar("T")

BOUNDED_KNOBS = ("lr", "batch_size", "momentum", "weight_decay")
FIXED_KNOBS = (*BOUNDED_KNOBS, "epochs")
SWEPT_KNOBS = ("batch_size", "momentum", "weight_decay")
ALL_CONDITIONS = "conditions"
"""What is typed for all of the task's own conditions."""


def positive(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """A click callback: a number must be finite and > 0.

    Raises:
        click.BadParameter: It is not.
    """
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"must be finite and > 0, got {value!r}.")
    return value


def parse_fixed(texts: Iterable[str]) -> dict[str, float]:
    """Knobs that the user has decided, from `--fix KNOB=VALUE`.

    Args:
        texts: What was typed, one item an option.

    Raises:
        InputError: Not of that form, an unknown knob, one given twice, or a value out of its range.

    Example:
        >>> parse_fixed(["batch_size=64", "momentum=0.9"])
        {'batch_size': 64, 'momentum': 0.9}
        >>> parse_fixed(["batchsize=64"])
        Traceback (most recent call last):
        tunesmith.errors.InputError: --fix must name one of lr, batch_size, momentum, weight_decay, epochs, got 'batchsize'. Did you mean batch_size?
    """
    fixed: dict[str, float] = {}
    for text in texts:
        knob, value = _split(text, option="--fix", form="KNOB=VALUE", example="--fix batch_size=64", knobs=FIXED_KNOBS)
        if knob in fixed:
            raise InputError(f"--fix must be given once for each knob, got {knob} twice. Keep one of them.")
        fixed[knob] = _value(knob, value, option="--fix")
    return fixed


def parse_sizes(text: str | None) -> tuple[int, ...] | None:
    """Batch sizes separated by commas.

    Raises:
        InputError: What is no whole number ≥ 1.

    Example:
        >>> parse_sizes("32,64")
        (32, 64)
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    wrong = next((part for part in parts if not part.isascii() or not part.isdigit() or int(part) < 1), None)
    if wrong is not None:
        raise InputError(f"--sizes must be whole numbers ≥ 1, separated by commas, got {wrong!r} in {text!r}. Write for example 32,64,128.")
    return tuple(map(int, parts))


def parse_values(text: str | None) -> tuple[float, ...] | None:
    """Numbers separated by commas; None where nothing was typed.

    Raises:
        InputError: Something else.

    Example:
        >>> parse_values("0, 1e-4,1e-3")
        (0.0, 0.0001, 0.001)
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--values must be numbers separated by commas, got {text!r}. Write for example --values 0.9,0.95.") from error


def parse_bounds(texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Intervals that the search must stay in, from `--bound KNOB=LOW:HIGH`.

    Args:
        texts: What was typed, one item an option.

    Raises:
        InputError: Not of that form, an unknown knob, one given twice, a value out of its range, or LOW > HIGH.

    Example:
        >>> parse_bounds(["weight_decay=0:1e-3"])
        {'weight_decay': (0.0, 0.001)}
    """
    bounds: dict[str, tuple[float, float]] = {}
    for text in texts:
        knob, interval = _split(text, option="--bound", form="KNOB=LOW:HIGH", example="--bound weight_decay=0:1e-3", knobs=BOUNDED_KNOBS)
        if knob in bounds:
            raise InputError(f"--bound must be given once for each knob, got {knob} twice. Keep one of them.")
        low_text, colon, high_text = interval.partition(":")
        if not colon:
            raise InputError(f"--bound must be KNOB=LOW:HIGH, got {text!r}. Write for example --bound weight_decay=0:1e-3.")
        low, high = _value(knob, low_text, option="--bound"), _value(knob, high_text, option="--bound")
        if low > high:
            raise InputError(f"--bound must be KNOB=LOW:HIGH with LOW ≤ HIGH, got {text!r}. Write --bound {knob}={high_text}:{low_text}.")
        bounds[knob] = (low, high)
    return bounds


def parse_under(texts: Iterable[str]) -> tuple[dict[str, dict[str, float]], tuple[str, ...] | None]:
    """Conditions of a range test, from `--under KNOB=VALUE,VALUE`, `--under momentum=HIGH:LOW` and `--under NAME`.

    Args:
        texts: What was typed, one item an option.

    Returns:
        Name → fields of Settings to replace, and names of the task's own conditions; None for all of these, which is typed `--under conditions`.

    Raises:
        InputError: An unknown knob, or a value out of its range.

    Example:
        >>> parse_under(["weight_decay=1e-4,1e-3"])[0]
        {'weight_decay 1e-4': {'weight_decay': 0.0001}, 'weight_decay 1e-3': {'weight_decay': 0.001}}
        >>> parse_under(["momentum=0.95:0.85"])[0]
        {'momentum 0.95:0.85': {'momentum': 0.95, 'min_momentum': 0.85}}
        >>> parse_under(["no dropout"]), parse_under(["conditions"])
        (({}, ('no dropout',)), ({}, None))
    """
    conditions: dict[str, dict[str, float]] = {}
    names: list[str] = []
    for text in texts:
        if "=" not in text:
            names.append(text.strip())
            continue
        knob, values = _split(
            text, option="--under", form="KNOB=VALUE,VALUE or the name of a condition", example="--under weight_decay=1e-4,1e-3", knobs=SWEPT_KNOBS
        )
        for value in values.split(","):
            conditions[f"{knob} {value.strip()}"] = _condition(knob, value)
    return conditions, None if ALL_CONDITIONS in names else tuple(dict.fromkeys(names))


def _condition(knob: str, text: str) -> dict[str, float]:
    high, colon, low = text.partition(":")
    if not colon:
        return {knob: _value(knob, text, option="--under")}
    if knob != "momentum":
        raise InputError(f"--under must give HIGH:LOW for momentum alone, which is cycled, got {knob}={text}. Separate values by commas.")
    top, bottom = _value(knob, high, option="--under"), _value(knob, low, option="--under")
    if bottom > top:
        raise InputError(f"--under momentum must be HIGH:LOW with HIGH ≥ LOW, got {text!r}. Write momentum={low}:{high}.")
    return {"momentum": top, "min_momentum": bottom}


def require_apart(fixed: Iterable[str], bounds: Iterable[str]) -> None:
    """Holds that no knob is both decided and searched.

    Raises:
        InputError: One is.
    """
    both = sorted(set(fixed) & set(bounds))
    if both:
        raise InputError(f"A knob must be either fixed or bounded, got both --fix and --bound for {', '.join(both)}. Leave one out.")


def require_name(name: str, names: Iterable[str], *, what: str) -> None:
    """Holds that `name` is one of `names`.

    Raises:
        InputError: It is not; the message lists them, the closest first.
    """
    known = tuple(names)
    if name not in known:
        raise InputError(f"{what} must name one of {', '.join(known)}, got {name!r}.{_nearest(name, known)}")


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _split(text: str, *, option: str, form: str, example: str, knobs: tuple[str, ...]) -> tuple[str, str]:
    knob, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not knob or not value:
        raise InputError(f"{option} must be {form}, got {text!r}. Write for example {example}.")
    require_name(knob, knobs, what=option)
    return knob, value


def _value(knob: str, text: str, *, option: str) -> float:
    kind, must, example = (int, "a whole number", "64") if knob == "batch_size" else (float, "a number", "0.01")
    try:
        value = kind(text)
    except ValueError as error:
        raise InputError(f"{option} {knob}= must be {must}, got {text.strip()!r}. Write for example {option} {knob}={example}.") from error
    try:
        Settings(**{knob: value})  # type: ignore[arg-type]  # the ranges are held in one place
    except InputError as error:
        raise InputError(f"{option}: {error}") from error
    return value


def seed_option(command: Callable[P, T]) -> Callable[P, T]:
    """`--seed`."""
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every random draw.")(command)


def cycles_option(*, text: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`--cycles N`."""
    return click.option("--cycles", type=click.IntRange(min=1), metavar="N", help=f"Cycles of triangular, triangular2 or exp_range. Default: {text}")


def require_cycles(cycles: int | None, *, schedule: str | None) -> None:
    """Holds that `--cycles` suits `--schedule`; without `--schedule` the task or the plan says whether it does.

    Raises:
        InputError: It does not.
    """
    problem = "" if schedule is None else cycles_problem(cycles, schedule=schedule)
    if problem:
        raise InputError(f"--cycles must be {problem}")


def device_option(command: Callable[P, T]) -> Callable[P, T]:
    """`--device`."""
    return click.option("--device", default="auto", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1, mps; auto takes the best there is.")(command)


def out_option(*, text: str, is_required: bool = True) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`--out DIR`."""
    return click.option("--out", type=click.Path(path_type=Path), required=is_required, metavar="DIR", help=text)
