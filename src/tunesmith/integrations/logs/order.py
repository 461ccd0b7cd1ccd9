"""Puts rows in order: which step each row has, where one run ends and another begins, and which of two rows with the same step counts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tunesmith.integrations.logs.names import plain
from tunesmith.integrations.logs.table import RUN_COLUMNS, Cells, Table
from tunesmith.log import Floats, Series, StepUnit

_FEW = 3
_FEWEST_ROWS_OF_A_RUN = 4
_MOST_RUNS_SHARE = 0.5
_FEWEST_EPOCHS = 3
_APART = 2.0
"""How much further the updates must have come than the count of a column for that to be of epochs (our choice)."""
_LARGEST_STEP = 2.0**53


@dataclass(frozen=True, kw_only=True, eq=False)
class Axis:
    """The step of each row; NaN where a row has none."""

    steps: Floats
    unit: StepUnit
    notes: tuple[str, ...] = ()


def axis_of(table: Table, *, step: str | None, epoch: str | None, lasting: tuple[str, ...]) -> Axis:
    """The steps of a table's rows: its step column, else its epochs where these do not repeat, else the rows themselves.

    A step that falls back whenever the epoch rises counts within the epoch: the epochs before it are added.

    Args:
        table: The log.
        step: Column, or None.
        epoch: Column, or None.
        lasting: Columns that are read; an epoch that has two numbers of one of them cannot tell them apart.
    """
    unit = StepUnit.EPOCH if table.are_rows_epochs else StepUnit.ROW
    if table.steps is not None:
        return Axis(steps=table.steps, unit=StepUnit.STEP)
    epochs = _spread(table.cells[epoch], table.n_rows) if epoch else None
    stuck: tuple[str, ...] = ()
    if step is not None:
        steps, notes = _steps(table, step, lasting)
        known = steps[np.isfinite(steps)]
        if not known.size:
            stuck = (f"{step} has no numbers, and is not read as the step.",)
        elif known.size > 1 and np.ptp(known) == 0:
            stuck = (f"{step} is {known[0]:g} throughout, and is not read as the step.",)
        elif epochs is None or not _counts_within(steps, epochs):
            return Axis(steps=steps, unit=StepUnit.STEP, notes=notes)
        else:
            notes = (*notes, f"{step} starts anew in each epoch; the steps of the epochs before are added.")
            return Axis(steps=_counted_on(steps), unit=StepUnit.STEP, notes=notes)
    if epoch is not None and epochs is not None and np.isfinite(epochs).any():
        epochs, notes = _steps(table, epoch, lasting)
        if not any(_repeats(epochs[table.cells[name].row]) for name in lasting):
            return Axis(steps=epochs, unit=StepUnit.EPOCH, notes=stuck + notes)
    return Axis(steps=np.arange(table.n_rows, dtype=np.float64), unit=unit, notes=stuck)


def _steps(table: Table, column: str, lasting: tuple[str, ...]) -> tuple[Floats, tuple[str, ...]]:
    """The numbers of a column for each row, and what is said where they lack. A column that has none beside it at all takes those of the rows above."""
    steps = _spread(table.cells[column], table.n_rows)
    known = np.flatnonzero(np.isfinite(steps))
    notes: list[str] = []
    for name in lasting:
        rows = table.cells[name].row
        if known.size and not np.isfinite(steps[rows]).any():
            steps[rows] = steps[known[np.maximum(np.searchsorted(known, rows) - 1, 0)]]
            notes.append(f"{name} has no number in column {column} beside it, and is put at that of the row above.")
    n_lacking = int((~np.isfinite(steps)).sum())
    if n_lacking:
        notes.append(f"{n_lacking} of {table.n_rows} rows lack a number in column {column}, and are left out.")
    return steps, tuple(notes)


def runs_of(table: Table, axis: Axis, main: str) -> list[tuple[str, NDArray[np.bool_], str]]:
    """Where a table holds several runs: suffix of the name, the rows, and a sentence that says so. One run: all rows and no words.

    A column such as `run` or `seed` tells runs apart. Else a run begins where the steps fall back to the first step of the file or below it.

    Args:
        table: The log.
        axis: The steps of its rows.
        main: The column that is looked at.
    """
    labelled = _labelled_runs(table)
    if labelled:
        return labelled
    cells = table.cells[main]
    if axis.unit is StepUnit.ROW and table.breaks:
        at = np.searchsorted(np.array(table.breaks), np.arange(table.n_rows), side="right")
        n_runs = len(table.breaks) + 1
        return [(f"run {number + 1} of {n_runs}", at == number, f"The header comes again, so this is read as {n_runs} runs.") for number in range(n_runs)]
    steps = axis.steps[cells.row]
    rows = cells.row[np.isfinite(steps)]
    steps = steps[np.isfinite(steps)]
    starts = np.flatnonzero((np.diff(steps) < 0) & (steps[1:] <= steps[:1])) + 1 if steps.size and _is_restarted(steps) else np.zeros(0, dtype=np.int64)
    if not starts.size:
        return [("", np.ones(table.n_rows, dtype=bool), "")]
    said = f"The steps begin again {starts.size} times, so this is read as {starts.size + 1} runs." if starts.size > 1 else ""
    said = said or f"The steps begin again at row {int(rows[starts[0]]) + 1}, so this is read as two runs."
    at = np.searchsorted(rows[starts], np.arange(table.n_rows), side="right")
    return [(f"run {number + 1} of {starts.size + 1}", at == number, said) for number in range(starts.size + 1)]


def counted_apart(cells: Cells, steps: Floats, main: Cells) -> Floats | None:
    """The steps of a column that counts epochs beside a main column that counts updates, by where it was written; None where it does not.

    So a script leaves it that calls `add_scalar("train", loss, step)` and `add_scalar("val", loss, epoch)`: by its own steps the validation would lie at the
    very beginning.

    Example:
        >>> steps = np.array([0.0, 10, 20, 0, 30, 40, 1, 50, 60, 2])
        >>> cells, main = (Cells(row=np.array(rows), value=np.zeros(len(rows))) for rows in ([3, 6, 9], [0, 1, 2, 4, 5, 7, 8]))
        >>> counted_apart(cells, steps, main)[cells.row].tolist()
        [20.0, 40.0, 60.0]
    """
    own, theirs = steps[cells.row], steps[main.row]
    if own.size < _FEWEST_EPOCHS or not (np.diff(own) == 1).all() or not (np.diff(theirs) > 0).all() or cells.row[0] <= main.row[0]:
        return None
    written = theirs[np.searchsorted(main.row, cells.row) - 1]
    if not (np.diff(written) > 0).all() or written[-1] < _APART * max(1.0, own[-1]):
        return None
    counted = steps.copy()
    counted[cells.row] = written
    return counted


def series_of(cells: Cells, steps: Floats) -> tuple[Series, str]:
    """One column in the order of its steps, and what had to be done for it: "" where nothing had.

    A step that comes again replaces what was there. Where the steps fall back a few times, the run was taken up again from there, and what followed is
    replaced.

    Example:
        >>> cells = Cells(row=np.arange(6), value=np.array([5.0, 4, 3, 4.5, 3.5, 2]))
        >>> series, said = series_of(cells, np.array([1.0, 2, 3, 2, 3, 4]))
        >>> series.value.tolist(), said
        ([5.0, 4.5, 3.5, 2.0], 'The steps go back 1 time, first from 3 to 2: the run was taken up again there, and the later rows count.')
    """
    at = steps[cells.row]
    known = np.isfinite(at)
    if not known.all():
        at, cells = at[known], cells.at(known)
    gaps = np.diff(at)
    if (gaps > 0).all():
        return Series(step=at, value=cells.value), ""
    back = np.flatnonzero(gaps < 0)
    if not back.size:
        keep = np.append(gaps > 0, True)
        differ = (gaps == 0) & (cells.value[1:] != cells.value[:-1])  # the same number twice is no news
        said = f"{int(differ.sum())} of {at.size} rows repeat a step with another value, and the later counts." if differ.any() else ""
        return Series(step=at[keep], value=cells.value[keep]), said
    if _is_restarted(at):
        keep = _lasting(at)
        first = f"first from {at[back[0]]:g} to {at[back[0] + 1]:g}"
        said = f"The steps go back {back.size} time{'s' * (back.size > 1)}, {first}: the run was taken up again there, and the later rows count."
        return Series(step=at[keep], value=cells.value[keep]), said
    order = np.argsort(at, kind="stable")
    at, value = at[order], cells.value[order]
    keep = np.append(np.diff(at) > 0, True)
    return Series(step=at[keep], value=value[keep]), "The steps are not in order: the rows were sorted by them, and of equal steps the later row counts."


def _spread(cells: Cells, n_rows: int) -> Floats:
    steps = np.full(n_rows, np.nan)
    steps[cells.row] = cells.value
    steps[~(np.abs(steps) <= _LARGEST_STEP)] = np.nan  # NaN compares false
    return steps


def _repeats(steps: Floats) -> bool:
    known = steps[np.isfinite(steps)]
    return bool((np.diff(known) == 0).any())


def _counts_within(steps: Floats, epochs: Floats) -> bool:
    both = np.isfinite(steps) & np.isfinite(epochs)
    back = np.diff(steps[both]) < 0
    return bool(back.any() and (np.diff(epochs[both])[back] > 0).all())


def _counted_on(steps: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(steps))
    given = steps[known]
    back = np.flatnonzero(np.diff(given) < 0)
    added = np.zeros(given.size)
    added[back + 1] = given[back] - given[back + 1] + 1
    counted = steps.copy()
    counted[known] = given + np.cumsum(added)
    return counted


def _lasting(steps: Floats) -> NDArray[np.bool_]:
    """Which rows are not replaced by a later one with the same or an earlier step."""
    lowest_after = np.minimum.accumulate(steps[::-1])[::-1]
    return np.append(steps[:-1] < lowest_after[1:], True)


def _is_restarted(steps: Floats) -> bool:
    """Whether steps that go back are those of a run taken up again, or of several runs, and not rows out of order."""
    n_back = int((np.diff(steps) < 0).sum())
    if n_back <= _FEW and steps.size >= _FEWEST_ROWS_OF_A_RUN * (n_back + 1):
        return True
    return 2 * int(_lasting(steps).sum()) >= np.unique(steps).size


def _labelled_runs(table: Table) -> list[tuple[str, NDArray[np.bool_], str]]:
    for column, labels in table.labels.items():
        n_runs = len(labels.names)
        if plain(column) in RUN_COLUMNS and "" not in labels.names and 1 < n_runs <= _MOST_RUNS_SHARE * table.n_rows:
            said = f"The column {column} names {n_runs} runs, which are read apart."
            return [(f"{column} {name}".strip(), labels.code == code, said) for code, name in enumerate(labels.names)]
    return []


def part_of(table: Table, rows: NDArray[np.bool_]) -> Table:
    """Some rows of a table, with the row numbers that they had."""
    return table if rows.all() else replace(table, cells={name: cells.at(rows[cells.row]) for name, cells in table.cells.items()})
