"""Columns in Python: a dict of lists, a list of dicts, or a DataFrame (of pandas, polars or the like, none of which is imported)."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Protocol, cast

import numpy as np

from tunesmith.errors import InputError
from tunesmith.integrations.logs.assemble import logs_of
from tunesmith.integrations.logs.names import guess_axis, is_lr, parse
from tunesmith.integrations.logs.rows import table_of_rows
from tunesmith.integrations.logs.table import Cells, Collector, Table
from tunesmith.log import TrainingLog


class Frame(Protocol):
    """What a DataFrame of any library can do, as far as it is needed here."""

    @property
    def columns(self) -> Iterable[object]:
        """Names of the columns."""

    def __getitem__(self, name: Any, /) -> object:  # noqa: ANN401 (each library has its own type for a name)
        """One column."""


def from_columns(
    data: Mapping[str, Iterable[object]] | Sequence[Mapping[str, object]] | Frame, *, columns: Mapping[str, str] | None = None, name: str = "columns"
) -> list[TrainingLog]:
    """The runs in columns of numbers.

    A None is an empty cell. A NaN is one too where the column has numbers after it, or where another loss has one in that row: so tables say that nothing was
    recorded. A column that was full and ends in NaN is the mark of a lost run, and is kept; so is a loss that was NaN from the start. A column shorter than the
    longest is taken to be spread evenly over the run; in a dict, a learning rate that is one number holds for the whole run.

    Args:
        data: A dict of lists, a list of dicts, or a DataFrame.
        columns: What is what, where the names do not say it: {"valid_loss": "my column"}; "" for what is not to be read. Roles are step, epoch, lr, train_loss
            and valid_loss.
        name: What to call it.

    Raises:
        InputError: `data` is nothing of the kind, or `columns` names a role that there is not.
        CurveError: No loss and no metric, or a column that there is not.

    Example:
        >>> log, = from_columns({"loss": [2.3, 1.1, 0.6], "val_loss": [1.9, 1.2, 1.3], "lr": [0.1, 0.1, 0.01]})
        >>> log.columns
        {'lr': 'lr', 'train_loss': 'loss', 'valid_loss': 'val_loss'}
        >>> log.valid_loss.value.tolist(), log.step_unit.value
        ([1.9, 1.2, 1.3], 'row')
    """
    return logs_of(_table(data, name=name), columns)


def _table(data: object, *, name: str) -> Table:
    if isinstance(data, Mapping):
        return _of_dict({str(key): column for key, column in data.items()}, name=name)
    if isinstance(data, Sequence) and data and all(isinstance(row, Mapping) for row in data):
        return table_of_rows(data, name=name, source="rows")
    if not hasattr(data, "columns") or not hasattr(data, "__getitem__"):
        raise InputError(f"A log in Python must be a dict of lists, a list of dicts or a DataFrame, got {type(data).__name__}. Pass, say, {{'loss': losses}}.")
    frame = cast("Frame", data)
    return table_of({str(key): _cells(frame[key], str(key)) for key in frame.columns}, name=name, source="DataFrame", holds_gaps=True)


def _of_dict(data: Mapping[str, object], *, name: str) -> Table:
    constant = constant_lr(data, n_rows=1)
    columns = {key: _cells(column, key) for key, column in data.items() if key not in constant}
    columns |= constant_lr(data, n_rows=max(map(len, columns.values()), default=0))
    return table_of({key: columns[key] for key in data}, name=name, source="dict", holds_gaps=True)


def constant_lr(columns: Mapping[str, object], *, n_rows: int) -> dict[str, Sequence[object]]:
    """A learning rate that is one number beside columns, as a column: it held for the whole run.

    Example:
        >>> constant_lr({"loss": [2.0, 1.0], "lr": 0.1, "epochs": 2}, n_rows=2)
        {'lr': [0.1, 0.1]}
    """
    return {key: [value] * n_rows for key, value in columns.items() if isinstance(value, Real) and not isinstance(value, bool) and is_lr(key)}


def _cells(column: object, key: str) -> Sequence[object]:
    if isinstance(column, (str, bytes)) or not isinstance(column, Iterable):
        raise InputError(f"A column of a log must be a list of numbers, and {key!r} is {type(column).__name__}. Pass a list or an array.")
    if isinstance(column, np.ndarray):
        return column.ravel().tolist()
    return column if isinstance(column, (list, tuple)) else list(column)


def table_of(columns: Mapping[str, Sequence[object]], *, name: str, source: str, are_rows_epochs: bool = False, holds_gaps: bool = False) -> Table:
    """Columns, which need not be equally long."""
    n_rows = max((len(column) for column in columns.values()), default=0)
    collector = Collector()
    collector.add(columns.items(), n_rows=n_rows)
    cells = collector.cells()
    short = {key: len(column) for key, column in columns.items() if 0 < len(column) < n_rows}
    step, epoch = guess_axis(columns, {})
    notes = []
    for key, length in short.items():
        if key not in (step, epoch):
            cells[key] = _spread(cells[key], length=length, n_rows=n_rows)
            notes.append(f"{key} has {length} values and the longest column {n_rows}; it is taken to be spread evenly over the run.")
    if holds_gaps:
        _drop_gaps(cells)
    return Table(
        name=name, source=source, n_rows=n_rows, cells=cells, labels=collector.labels(), are_rows_epochs=are_rows_epochs, notes=tuple(notes)
    )  # fmt: skip


def _spread(cells: Cells, *, length: int, n_rows: int) -> Cells:
    row = (cells.row + 1) * n_rows // length - 1
    return Cells(row=row, value=cells.value, n_bad=cells.n_bad, bad=cells.bad, bad_row=cells.bad_row)


def _drop_gaps(cells: dict[str, Cells]) -> None:
    """Leave out the NaN that only say that nothing was recorded in a row."""
    losses = {key: one.row[np.isfinite(one.value)] for key, one in cells.items() if "loss" in parse(key).core}
    for key, one in cells.items():
        lost = np.isnan(one.value)
        if not lost.any():
            continue
        known = np.flatnonzero(~lost)
        is_tail = not known.size or known[-1] == known.size - 1
        keep = ~lost
        if is_tail and key in losses:
            others = [rows for other, rows in losses.items() if other != key]
            keep |= ~np.isin(one.row, np.concatenate(others)) if others else True
        cells[key] = one.at(keep)
