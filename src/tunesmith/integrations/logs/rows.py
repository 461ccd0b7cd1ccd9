"""Rows with names, such as the lines of a JSON log or a list of dicts → a `Table`."""

from collections.abc import Mapping, Sequence
from itertools import islice
from operator import methodcaller
from typing import cast

from tunesmith.integrations.logs.table import Collector, Table

_PIECE_ROWS = 500
_DEEPEST = 4
_values = methodcaller("values")
_NOTHING: Mapping[str, object] = {}


def table_of_rows(rows: Sequence[Mapping[str, object]], *, name: str, source: str) -> Table:
    """All rows; a key that a row lacks is an empty cell."""
    collector, left = Collector(), iter(rows)
    while piece := list(islice(left, _PIECE_ROWS)):
        collect_rows(collector, piece)
    return table_of_collected(collector, name=name, source=source)


def table_of_collected(collector: Collector, *, name: str, source: str, total_steps: int | None = None) -> Table:
    """What was collected so far."""
    return Table(name=name, source=source, n_rows=collector.n_rows, cells=collector.cells(), labels=collector.labels(), total_steps=total_steps)


def collect_rows(collector: Collector, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows; {"train": {"loss": 1}} is taken for {"train/loss": 1}.

    The row with which Hugging Face's Trainer sums up a training is left out: its `train_loss` is a mean over all steps.
    """
    rows = [row for row in rows if not ("total_flos" in row and "train_runtime" in row)]
    collector.add(_columns(rows).items(), n_rows=len(rows))


def _columns(rows: Sequence[Mapping[str, object]], *, before: str = "", depth: int = 0) -> dict[str, Sequence[object]]:
    columns: dict[str, Sequence[object]] = {}
    for key, column in _plain_columns(rows).items():
        nested = tuple(kind for kind in set(map(type, column)) if issubclass(kind, Mapping)) if depth < _DEEPEST else ()
        if not nested:
            columns[before + key] = column
            continue
        inner = [cell if isinstance(cell, nested) else _NOTHING for cell in column]
        columns |= _columns(cast("list[Mapping[str, object]]", inner), before=f"{before}{key}/", depth=depth + 1)
        others = [None if isinstance(cell, nested) else cell for cell in column]
        if any(cell is not None for cell in others):
            columns[before + key] = others
    return columns


def _plain_columns(rows: Sequence[Mapping[str, object]]) -> dict[str, Sequence[object]]:
    forms = dict.fromkeys(map(tuple, rows))
    if len(forms) == 1:  # most often so, and then it is quicker
        return dict(zip(map(str, next(iter(forms))), zip(*map(_values, rows), strict=True), strict=True))
    return {str(key): [row.get(key) for row in rows] for key in dict.fromkeys(key for form in forms for key in form)}
