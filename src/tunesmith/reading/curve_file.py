"""A sweep that somebody else recorded, as a curve: CSV with the columns of docs/command-line.md."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve
from tunesmith.errors import CurveError

STEP_NAMES, VALID_NAMES = ("step", "iteration"), ("valid_loss", "test_loss")
_NOT_METRICS = ("lr", "momentum", "train_loss", "epoch", "time", "seconds", "timestamp")
_FEWEST_ROWS = 10


def read_sweep(path: Path) -> Curve:
    """The curve of `read_recorded`, without the number of updates."""
    return read_recorded(path)[0]


def read_recorded(path: Path) -> tuple[Curve, int]:
    """A recorded sweep, one row an entry of the curve, and the updates that it took: by its steps where it has them, else one a row.

    It is read from a CSV with columns `lr`, `train_loss` and, where they were recorded, `valid_loss` or `test_loss`, `step` or `iteration`, and metrics.

    A row with a learning rate and a training loss is an update; an evaluation in a row of its own, with a rate or without, belongs to the update before
    it. Rows are put in the order of their steps. A column of numbers with another name is a metric.

    Raises:
        CurveError: The file is missing, is no CSV, lacks a column, holds a cell that is no number, has fewer than ten usable rows, or is no sweep.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin a file with a mark
            reader = csv.DictReader(file, skipinitialspace=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            rows, names = list(reader), tuple(reader.fieldnames)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CurveError(f"A recorded sweep must be a readable CSV file, and {path} is not ({error}). Pass one with columns lr and train_loss.") from error
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise CurveError(f"A recorded sweep's columns must have different names, and {path} has {' and '.join(twice)} more than once. Rename them.")
    missing = [name for name in ("lr", "train_loss") if name not in names]
    if missing:
        found = ", ".join(names) or "none"
        lacks = " and ".join(missing)
        raise CurveError(f"A recorded sweep must have columns lr and train_loss, and {path} lacks {lacks} (it has {found}). Rename them; use commas.")
    step_name = next((name for name in STEP_NAMES if name in names), None)
    valid_name = next((name for name in VALID_NAMES if any(row.get(name) not in ("", None) for row in rows)), None)
    _check_numbers(rows, tuple(name for name in (step_name, "lr", "train_loss", valid_name) if name), path)
    if step_name is not None and any(row.get(step_name) not in ("", None) for row in rows):
        rows = sorted((row for row in rows if math.isfinite(_number(row, step_name))), key=lambda row: _number(row, step_name))
    usable = [row for row in rows if _is_update(row)]
    if len(usable) < _FEWEST_ROWS:
        raise CurveError(f"A recorded sweep must have at least {_FEWEST_ROWS} rows with lr and train_loss, and {path} has {len(usable)}. Record more.")
    lrs = tuple(_number(row, "lr") for row in usable)
    if not is_sweep(np.asarray(lrs)):
        raise CurveError(f"A recorded sweep's learning rates must be ≥ 0 and ascend, and those of {path} do not. Pass a range test, not a whole training.")
    metric_names = _metrics_of(rows, names)
    evaluations = _evaluations(rows, [valid_name, *metric_names] if valid_name else metric_names)
    steps = [step for row in usable if step_name is not None and math.isfinite(step := _number(row, step_name))]
    updates = round((steps[-1] - steps[0]) * len(usable) / (len(steps) - 1)) if len(steps) > 1 else len(usable)
    curve = Curve(
        lr=lrs,
        momentum=tuple(_number(row, "momentum") for row in usable),
        train_loss=tuple(_number(row, "train_loss") for row in usable),
        eval_step=tuple(evaluations),
        valid_loss=tuple(_number(row, valid_name) if valid_name else math.nan for row in evaluations.values()),
        metrics={name: tuple(_number(row, name) for row in evaluations.values()) for name in metric_names},
    )
    return curve, max(updates, 1)


def _evaluations(rows: list[dict[str, str]], names: Sequence[str]) -> dict[int, dict[str, str]]:
    """Updates applied → the row that was evaluated then. An evaluation with a row to itself belongs to the last update before it."""
    evaluations: dict[int, dict[str, str]] = {}
    applied = 0
    for row in rows:
        applied += _is_update(row)
        if any(row.get(name) not in ("", None) for name in names):
            evaluations[max(1, applied)] = row
    return evaluations


def _is_update(row: dict[str, str]) -> bool:
    return row["train_loss"] not in ("", None) and math.isfinite(_number(row, "lr"))


def _metrics_of(rows: list[dict[str, str]], names: Sequence[str]) -> list[str]:
    """Columns that hold numbers only and are none of those that are known."""
    known = {*STEP_NAMES, *VALID_NAMES, *_NOT_METRICS}
    others = [name for name in names if name and name not in known]
    return [name for name in others if all(row.get(name) in ("", None) or not math.isnan(_number(row, name)) or _is_nan(row[name]) for row in rows)]


def _is_nan(text: str) -> bool:
    return text.strip().lower() == "nan"


def is_sweep(lrs: NDArray[np.float64]) -> bool:
    """Whether learning rates are those of a range test: finite, not negative, ascending and not all the same.

    Example:
        >>> is_sweep(np.array([0.0, 0.1, 0.1, 0.2])), is_sweep(np.array([0.1, 0.2, 0.1])), is_sweep(np.array([0.1, 0.1]))
        (True, False, False)
    """
    return bool(np.isfinite(lrs).all() and (np.diff(lrs) >= 0).all() and lrs[0] >= 0 and lrs[-1] > lrs[0])


def _check_numbers(rows: list[dict[str, str]], names: tuple[str, ...], path: Path) -> None:
    for at, row in enumerate(rows, start=1):
        for name in names:
            if row[name] not in ("", None) and math.isnan(_number(row, name)) and not _is_nan(row[name]):
                raise CurveError(
                    f"A recorded sweep must hold numbers, and row {at} of {path} has {row[name][:40]!r} in column {name}. Leave the cell empty, or write nan."
                )


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return math.nan
