"""What every format is turned into first: columns of numbers that know in which rows they stand."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tunesmith.log import Floats

Rows = NDArray[np.int64]

_ABSENT = frozenset({"", "na", "n/a", "null", "none", "-", "--", "<na>"})
RUN_COLUMNS = frozenset({"run", "run_id", "run_name", "experiment", "experiment_name", "trial", "trial_id", "seed", "fold"})
SPLIT_COLUMNS = frozenset({"split", "phase", "mode", "subset", "stage", "partition", "set", "dataset"})
TAG_COLUMNS = frozenset({"metric", "metric_name", "tag", "key", "name", "variable", "series", "measure"})
_LABELS = RUN_COLUMNS | SPLIT_COLUMNS | TAG_COLUMNS
_WRAPPED = re.compile(r"(?:(?:tensor|array|(?:np|numpy)\.float\d+)\(|\[)+\s*([-+.\w]+)")
"""What Python prints of a number that a script forgot to unwrap: "tensor(0.5, device='cuda:0')", "[0.5]"."""
_SHOWN_LETTERS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The numbers of one column, in the order in which they were written. An empty cell has no entry; a NaN that was written has one.

    Attributes:
        row: Ascending row numbers, from 0.
        value: As many.
        n_bad: Cells that are neither empty nor a number.
        bad: The first of them, shortened.
        bad_row: Its row.
    """

    row: Rows
    value: Floats
    n_bad: int = 0
    bad: str = ""
    bad_row: int = 0

    def at(self, keep: NDArray[np.bool_]) -> "Cells":
        """Some of the entries."""
        return Cells(row=self.row[keep], value=self.value[keep], n_bad=self.n_bad, bad=self.bad, bad_row=self.bad_row)


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """A column that says what each row is, by its run, its data or its metric: `names[code[row]]`. An empty cell is called ""."""

    code: Rows
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A log as its file has it.

    Attributes:
        name, source: As in `TrainingLog`.
        n_rows: Rows, those without any number included.
        cells: Column → its numbers; columns without any number are there too, empty.
        labels: Column → what it says, for columns whose name says that they tell rows apart.
        steps: The step of each row, where the format itself has it; None where a column must be found.
        are_rows_epochs: Whether the format writes one row an epoch.
        total_steps: As in `TrainingLog`.
        breaks: Rows before which the header was written again.
        notes: As in `TrainingLog`.
    """

    name: str
    source: str
    n_rows: int
    cells: dict[str, Cells]
    labels: dict[str, Labels] = field(default_factory=dict)
    steps: Floats | None = None
    are_rows_epochs: bool = False
    total_steps: int | None = None
    breaks: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class Collector:
    """Takes columns in pieces, which may appear late or be missing from a piece, and gives their cells."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._pieces: dict[str, list[Cells]] = {}
        self._codes: dict[str, list[Rows]] = {}
        self._names: dict[str, dict[str, int]] = {}

    def add(self, columns: Iterable[tuple[str, Sequence[object]]], *, n_rows: int) -> None:
        """Append a piece of `n_rows` rows."""
        for name, column in columns:
            self._pieces.setdefault(name, []).append(numbers(column, first_row=self.n_rows))
            if name.strip().lower().replace(" ", "_") in _LABELS:
                self._add_labels(name, column)
        self.n_rows += n_rows

    def cells(self) -> dict[str, Cells]:
        """The columns so far."""
        return {name: joined(pieces) for name, pieces in self._pieces.items()}

    def labels(self) -> dict[str, Labels]:
        """The columns that tell rows apart and are there in every row."""
        found = {name: Labels(code=np.concatenate(codes), names=tuple(self._names[name])) for name, codes in self._codes.items()}
        return {name: labels for name, labels in found.items() if labels.code.size == self.n_rows}

    def _add_labels(self, name: str, column: Sequence[object]) -> None:
        names = self._names.setdefault(name, {})
        words = ("" if cell is None else str(cell)[:_SHOWN_LETTERS].strip() for cell in column)
        codes = (names.setdefault("" if word.lower() in _ABSENT else word, len(names)) for word in words)
        self._codes.setdefault(name, []).append(np.fromiter(codes, dtype=np.int64, count=len(column)))


def joined(pieces: list[Cells]) -> Cells:
    """The cells of one column, piece after piece."""
    first = next((piece for piece in pieces if piece.n_bad), pieces[0])
    return Cells(
        row=np.concatenate([piece.row for piece in pieces]),
        value=np.concatenate([piece.value for piece in pieces]),
        n_bad=sum(piece.n_bad for piece in pieces),
        bad=first.bad,
        bad_row=first.bad_row,
    )


def numbers(column: Sequence[object], *, first_row: int = 0) -> Cells:
    """The numbers of a column of anything; a comma between digits is a decimal point.

    Example:
        >>> cells = numbers(["1", "", "nan", None, "1,5", "fast", 2, "91.2%", "1,234.5", "tensor(0.5)"])
        >>> cells.row.tolist(), cells.value.tolist(), cells.n_bad, cells.bad
        ([0, 2, 4, 6, 7, 8, 9], [1.0, nan, 1.5, 2.0, 91.2, 1234.5, 0.5], 1, 'fast')
    """
    try:  # most columns are full, and of most others the rest is numbers
        return Cells(row=np.arange(first_row, first_row + len(column), dtype=np.int64), value=_floats(column))
    except (TypeError, ValueError, OverflowError):
        rows = [row for row, cell in enumerate(column, start=first_row) if not _is_empty(cell)]
    try:
        return Cells(row=np.array(rows, dtype=np.int64), value=_floats([column[row - first_row] for row in rows]))
    except (TypeError, ValueError, OverflowError):
        return _with_gaps(column, first_row=first_row)


def _floats(column: Sequence[object]) -> Floats:
    return np.fromiter(map(float, cast("Sequence[float]", column)), dtype=np.float64, count=len(column))


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell)


def _with_gaps(column: Sequence[object], *, first_row: int) -> Cells:
    rows: list[int] = []
    values: list[float] = []
    n_bad, bad, bad_row = 0, "", 0
    for row, cell in enumerate(column, start=first_row):
        if _is_empty(cell):
            continue
        number = _number(cell)
        if number is not None:
            rows.append(row)
            values.append(number)
        elif str(cell).strip().lower() not in _ABSENT:
            if not n_bad:
                bad, bad_row = str(cell)[:_SHOWN_LETTERS], row
            n_bad += 1
    return Cells(row=np.array(rows, dtype=np.int64), value=np.array(values, dtype=np.float64), n_bad=n_bad, bad=bad, bad_row=bad_row)


def _number(cell: object) -> float | None:
    try:
        return float(cast("float", cell))
    except (TypeError, OverflowError):
        return None
    except ValueError:
        pass
    return _written_number(cell) if isinstance(cell, str) else None


def _written_number(cell: str) -> float | None:
    """A number with a comma, a percent sign, or what Python prints around it. Of a comma and a point in one number, the later is the decimal point."""
    wrapped = _WRAPPED.match(cell)
    text = (wrapped[1] if wrapped else cell).strip().removesuffix("%")
    if "." in text and "," in text:
        thousands = "," if text.rfind(",") < text.rfind(".") else "."
        text = text.replace(thousands, "")
    try:
        return float(text.replace(",", ".", 1))
    except ValueError:
        return None
