"""A run as a row: its curve in few bytes, and the curve again out of it."""

import math
from itertools import groupby
from typing import Any

from benchmarks.clues.kind import Kind, Order
from benchmarks.proof.cache import Row
from tunesmith.curve import Curve, RunOutcome

_DIGITS = 5


def to_row(kind: Kind, *, order: Order, curve: Curve) -> Row:
    """What is stored of a run: every update and evaluation, to five digits; NaN and infinities as words.

    Runs have at most 400 updates, so nothing is thinned out.
    """
    steps = order.spec.total_steps
    return {
        "accepted": list(kind.accepted),
        "half": kind.half,
        "knobs": kind.knobs,
        "since": None if order.since is None else [round(share * steps) for share in order.since],
        "total_steps": steps,
        "optimizer": order.task.optimizer_name,
        "settings": order.spec.settings.to_dict(),
        **packed_curve(curve),
    }


def packed_curve(curve: Curve) -> Row:
    """A curve in few bytes."""
    return {
        "outcome": str(curve.outcome),
        "lr": _packed(curve.lr),
        "momentum": _packed(curve.momentum),
        "train_loss": [_short(value) for value in curve.train_loss],
        "eval_step": list(curve.eval_step),
        "valid_loss": [_short(value) for value in curve.valid_loss],
        "metrics": {name: [_short(value) for value in values] for name, values in curve.metrics.items()},
    }


def curve_of(row: Row) -> Curve:
    """The curve of a row, or of a packed curve."""
    return Curve(
        lr=_unpacked(row["lr"]),
        momentum=_unpacked(row["momentum"]),
        train_loss=tuple(float(value) for value in row["train_loss"]),
        eval_step=tuple(row["eval_step"]),
        valid_loss=tuple(float(value) for value in row["valid_loss"]),
        metrics={name: tuple(float(value) for value in values) for name, values in row["metrics"].items()},
        outcome=RunOutcome(row["outcome"]),
    )


def _short(value: float) -> float | str:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)


def _packed(values: tuple[float, ...]) -> list[Any]:
    """Equal neighbours once, with their number: [[value, 3], value, …]."""
    groups = [(value, len(list(group))) for value, group in groupby(map(_short, values))]
    return [value if count == 1 else [value, count] for value, count in groups]


def _unpacked(packed: list[Any]) -> tuple[float, ...]:
    return tuple(float(value) for part in packed for value in ([part[0]] * part[1] if isinstance(part, list) else [part]))
