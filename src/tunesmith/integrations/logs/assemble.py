"""A `Table` → its `TrainingLog` records: one for each run that it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tunesmith.errors import CurveError
from tunesmith.integrations.logs.names import Roles, check_roles, guess_roles, listed
from tunesmith.integrations.logs.order import Axis, axis_of, counted_apart, part_of, runs_of, series_of
from tunesmith.integrations.logs.pivot import pivoted
from tunesmith.integrations.logs.table import Table
from tunesmith.log import NOTHING, Series, StepUnit, TrainingLog, direction_of

_FEW_POINTS = 5


def logs_of(table: Table, columns: Mapping[str, str] | None) -> list[TrainingLog]:
    """The runs of a table, in the order in which they begin.

    Args:
        table: What a format gave.
        columns: Role → column, where a caller says so.

    Raises:
        InputError: A role that there is not.
        CurveError: A column that there is not, or neither loss nor metric in the table.
    """
    table = _with_splits_apart(table, check_roles(columns))
    roles = guess_roles({name: cells.value.size for name, cells in table.cells.items()}, check_roles(columns))
    read = [name for _, name in _judged(roles) if table.cells[name].value.size]
    if not read:
        with_numbers = [name for name, cells in table.cells.items() if cells.value.size]
        raise CurveError(
            f"A training log must have numbers in a column that is known to be a loss or a metric, and {table.name} has none (it has numbers in "
            f"{listed(with_numbers)}). Say which is which, columns={{'train_loss': 'NAME'}} in Python or --columns train_loss=NAME; "
            "a metric is known by its name alone: call it, say, val_accuracy or val_reward where more is better, val_error where less is."
        )
    axis = axis_of(table, step=roles.step, epoch=roles.epoch, lasting=tuple(read))
    main = max((name for name in (roles.train_loss, roles.valid_loss) if name in read), key=lambda name: table.cells[name].value.size, default=read[0])
    logs = [_log(part_of(table, rows), axis, roles=roles, main=main, suffix=suffix, said=said) for suffix, rows, said in runs_of(table, axis, main)]
    return [log for log in logs if any(len(series) for _, series in _read_of(log))] or logs[:1]


def _with_splits_apart(table: Table, given: Mapping[str, str]) -> Table:
    apart = pivoted(table)
    return apart if all(column in apart.cells for column in given.values() if column) else table


def _log(table: Table, axis: Axis, *, roles: Roles, main: str, suffix: str, said: str) -> TrainingLog:
    ordered: list[str] = []

    def take(name: str | None) -> Series:
        if name is None or not table.cells[name].value.size:
            return NOTHING
        apart = counted_apart(table.cells[name], axis.steps, table.cells[main])
        if apart is not None:
            ordered.append(f"{name} counts epochs where {main} counts steps, and is put where it was written.")
        series, what = series_of(table.cells[name], axis.steps if apart is None else apart)
        ordered.append(what)
        return series

    log = TrainingLog(
        name=f"{table.name}: {suffix}" if suffix else table.name,
        source=table.source,
        step_unit=axis.unit,
        train_loss=take(roles.train_loss),
        valid_loss=take(roles.valid_loss),
        train_metrics={core: series for core, name in roles.train_metrics.items() if len(series := take(name))},
        valid_metrics={core: series for core, name in roles.valid_metrics.items() if len(series := take(name))},
        lr=take(roles.lr),
        epoch=_epochs(table, axis, roles),
        total_steps=table.total_steps,
    )
    columns = _columns(axis, roles)
    unused = tuple(name for name in table.cells if name not in columns.values())
    notes = [*table.notes, said, *axis.notes, *roles.notes, *dict.fromkeys(ordered), *_bad_cells(table, columns), *_strange(log)]
    return replace(log, columns=columns, unused=unused, notes=tuple(" ".join(note.split()) for note in notes if note))  # a column's name may have lines


def _epochs(table: Table, axis: Axis, roles: Roles) -> Series:
    if roles.epoch is None or axis.unit is StepUnit.EPOCH or not table.cells[roles.epoch].value.size:
        return NOTHING
    return series_of(table.cells[roles.epoch], axis.steps)[0]  # that a step comes again with another epoch is no news


def _judged(roles: Roles) -> Iterator[tuple[str, str]]:
    """What is read of losses and metrics → its column."""
    for role, name in (("train_loss", roles.train_loss), ("valid_loss", roles.valid_loss)):
        if name:
            yield role, name
    for split, metrics in (("train", roles.train_metrics), ("valid", roles.valid_metrics)):
        for core, name in metrics.items():
            yield f"{split} {core}", name


def _columns(axis: Axis, roles: Roles) -> dict[str, str]:
    columns = {}
    if roles.step and axis.unit is StepUnit.STEP:
        columns["step"] = roles.step
    if roles.epoch:
        columns["epoch"] = roles.epoch
    if roles.lr:
        columns["lr"] = roles.lr
    return columns | dict(_judged(roles))


def _read_of(log: TrainingLog) -> Iterator[tuple[str, Series]]:
    yield "train_loss", log.train_loss
    yield "valid_loss", log.valid_loss
    for split, metrics in (("train", log.train_metrics), ("valid", log.valid_metrics)):
        for core, series in metrics.items():
            yield f"{split} {core}", series


def _bad_cells(table: Table, columns: Mapping[str, str]) -> Iterator[str]:
    wordy = [name for name, cells in table.cells.items() if cells.n_bad and not cells.value.size]
    if wordy:
        yield f"Columns without numbers are not read: {listed(wordy)}."
    for name in dict.fromkeys(columns.values()):
        cells = table.cells[name]
        if cells.n_bad and cells.value.size:
            count = f"{cells.n_bad} cells of {name} are" if cells.n_bad > 1 else f"A cell of {name} is"
            yield f"{count} no number (the first {cells.bad!r} in row {cells.bad_row + 1}) and left out."


def _strange(log: TrainingLog) -> Iterator[str]:
    for name, series in (*_read_of(log), ("lr", log.lr)):
        lost = np.flatnonzero(~np.isfinite(series.value))
        if lost.size:
            count = f"{lost.size} {'are' if lost.size > 1 else 'is'}"
            yield f"Of {len(series)} values of {name} {count} NaN or infinite, the first at {log.step_unit} {series.step[lost[0]]:g}."
    metrics = [*log.valid_metrics, *log.train_metrics]
    if metrics and not len(log.train_loss) + len(log.valid_loss) and not any(direction_of(name) is not None for name in log.valid_metrics):
        yield f"Whether more is better is not known of {listed(metrics)}: call the column, say, val_accuracy or val_reward where it is, val_error where not."
    longest = max((len(series) for _, series in _read_of(log)), default=0)
    if 0 < longest < _FEW_POINTS:
        yield f"The log has only {longest} point{'s' * (longest > 1)}."
