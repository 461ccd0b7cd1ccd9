"""A sweep that somebody else recorded, as a curve: CSV with the columns of docs/command-line.md."""

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve
from tunesmith.errors import CurveError

STEP_NAMES, VALID_NAMES = ("step", "iteration"), ("valid_loss", "test_loss")
_FEWEST_ROWS = 10


def read_sweep(path: Path) -> Curve:
    """The curve in a CSV with columns `lr`, `train_loss` and, where they were recorded, `valid_loss` or `test_loss`, `step` or `iteration`, and metrics.

    Rows without a learning rate or a training loss are left out; rows are put in the order of their steps.

    Raises:
        CurveError: The file is missing, is no CSV, lacks a column, holds a cell that is no number, has fewer than ten usable rows, or is no sweep.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin a file with a mark
            reader = csv.DictReader(file, skipinitialspace=True)
            rows, names = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CurveError(f"A recorded sweep must be a readable CSV file, and {path} is not ({error}). Pass one with columns lr and train_loss.") from error
    missing = [name for name in ("lr", "train_loss") if name not in names]
    if missing:
        found = ", ".join(names) or "none"
        raise CurveError(f"A recorded sweep must have columns lr and train_loss, and {path} lacks {' and '.join(missing)} (it has {found}). Rename them.")
    step_name = next((name for name in STEP_NAMES if name in names), None)
    valid_name = next((name for name in VALID_NAMES if name in names), None)
    _check_numbers(rows, tuple(name for name in (step_name, "lr", "train_loss", valid_name) if name), path)
    usable = [row for row in rows if math.isfinite(_number(row, "lr")) and row["train_loss"] not in ("", None)]
    if step_name is not None:
        usable = sorted((row for row in usable if math.isfinite(_number(row, step_name))), key=lambda row: _number(row, step_name))
    if len(usable) < _FEWEST_ROWS:
        raise CurveError(f"A recorded sweep must have at least {_FEWEST_ROWS} rows with lr and train_loss, and {path} has {len(usable)}. Record more.")
    evaluated = [i for i, row in enumerate(usable) if valid_name is not None and row[valid_name] not in ("", None)]
    lrs = tuple(_number(row, "lr") for row in usable)
    if not is_sweep(np.asarray(lrs)):
        raise CurveError(f"A recorded sweep's learning rates must be ≥ 0 and ascend, and those of {path} do not. Pass a range test, not a whole training.")
    return Curve(
        lr=lrs,
        momentum=tuple(math.nan for _ in lrs),
        train_loss=tuple(_number(row, "train_loss") for row in usable),
        eval_step=tuple(i + 1 for i in evaluated),
        valid_loss=tuple(_number(usable[i], valid_name or "") for i in evaluated),
    )


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
            if row[name] not in ("", None) and math.isnan(_number(row, name)) and row[name].strip().lower() != "nan":
                raise CurveError(
                    f"A recorded sweep must hold numbers, and row {at} of {path} has {row[name][:40]!r} in column {name}. Leave the cell empty, or write nan."
                )


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return math.nan
