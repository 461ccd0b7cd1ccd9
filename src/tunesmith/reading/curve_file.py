"""A sweep that somebody else recorded, as a curve: CSV with the columns of docs/command-line.md."""

import csv
import math
from pathlib import Path

from tunesmith.curve import Curve
from tunesmith.errors import CurveError

STEP_NAMES, VALID_NAMES = ("step", "iteration"), ("valid_loss", "test_loss")
_FEWEST_ROWS = 10


def read_sweep(path: Path) -> Curve:
    """The curve in a CSV with columns `lr`, `train_loss` and, where they were recorded, `valid_loss` or `test_loss`, `step` or `iteration`, and metrics.

    Rows without a learning rate or a training loss are left out; rows are put in the order of their steps.

    Raises:
        CurveError: The file is missing, is no CSV, lacks a column, or has fewer than ten usable rows.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CurveError(f"A recorded sweep must be a readable CSV file, and {path} is not ({error}). Pass one with columns lr and train_loss.") from error
    missing = [name for name in ("lr", "train_loss") if name not in names]
    if missing:
        found = ", ".join(names) or "none"
        raise CurveError(f"A recorded sweep must have columns lr and train_loss, and {path} lacks {' and '.join(missing)} (it has {found}). Rename them.")
    step_name = next((name for name in STEP_NAMES if name in names), None)
    valid_name = next((name for name in VALID_NAMES if name in names), None)
    usable = [row for row in rows if math.isfinite(_number(row, "lr")) and row["train_loss"] not in ("", None)]
    if step_name is not None:
        usable.sort(key=lambda row: _number(row, step_name))
    if len(usable) < _FEWEST_ROWS:
        raise CurveError(f"A recorded sweep must have at least {_FEWEST_ROWS} rows with lr and train_loss, and {path} has {len(usable)}. Record more.")
    evaluated = [i for i, row in enumerate(usable) if valid_name is not None and row[valid_name] not in ("", None)]
    lrs = tuple(_number(row, "lr") for row in usable)
    return Curve(
        lr=lrs,
        momentum=tuple(math.nan for _ in lrs),
        train_loss=tuple(_number(row, "train_loss") for row in usable),
        eval_step=tuple(i + 1 for i in evaluated),
        valid_loss=tuple(_number(usable[i], valid_name or "") for i in evaluated),
    )


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return math.nan
