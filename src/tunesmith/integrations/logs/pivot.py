"""Rows of which a column says what they are, a row for each split or a row for each number, turned into columns of their own."""

from dataclasses import replace

from tunesmith.integrations.logs.names import Split, is_axis, listed, parse, plain
from tunesmith.integrations.logs.table import SPLIT_COLUMNS, TAG_COLUMNS, Cells, Labels, Table

_VALUE_COLUMNS = ("value", "metric_value")
_MOST_TAGS = 1000
"""More names than that are no metrics (our choice)."""


def pivoted(table: Table) -> Table:
    """The table with columns "train/loss" and "val/loss" instead of a column "loss" and another that says "train" or "val"; most tables as they are."""
    for column, labels in table.labels.items():
        if plain(column) in SPLIT_COLUMNS and _are_splits(labels):
            return _by_split(table, column, labels)
    values = next((name for name in table.cells if plain(name) in _VALUE_COLUMNS), None)
    for column, labels in table.labels.items():
        if values is not None and plain(column) in TAG_COLUMNS and len(labels.names) <= _MOST_TAGS:
            return _by_tag(table, column, labels, values=values)
    return table


def _are_splits(labels: Labels) -> bool:
    splits = [parse(name).split for name in labels.names if name]
    return Split.UNSAID not in splits and len(set(splits)) > 1


def _by_split(table: Table, column: str, labels: Labels) -> Table:
    cells: dict[str, Cells] = {}
    for name, one in table.cells.items():
        if name == column:
            continue
        if not one.value.size or is_axis(name) or parse(name).split is not Split.UNSAID:
            cells[name] = one
            continue
        code = labels.code[one.row]
        for at, label in enumerate(labels.names):
            if (code == at).any():
                cells[f"{label}/{name}" if label else name] = one.at(code == at)
    said = f"The column {column} says of which data a row is ({listed(name for name in labels.names if name)}); these are read apart."
    kept = {name: one for name, one in table.labels.items() if name != column}
    return replace(table, cells=cells, labels=kept, notes=(*table.notes, said))


def _by_tag(table: Table, column: str, labels: Labels, *, values: str) -> Table:
    one = table.cells[values]
    code = labels.code[one.row]
    cells = {name: other for name, other in table.cells.items() if name not in (column, values)}
    cells |= {label: one.at(code == at) for at, label in enumerate(labels.names) if label}
    return replace(table, cells=cells, labels={name: other for name, other in table.labels.items() if name != column})
