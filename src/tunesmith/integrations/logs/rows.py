"""Rows with names, such as the lines of a JSON log or a list of dicts → a `Table`."""

from collections.abc import Mapping, Sequence
from itertools import islice

from tunesmith.integrations.logs.table import Collector, Table

_PIECE_ROWS = 500
_DEEPEST = 4


def table_of_rows(rows: Sequence[Mapping[str, object]], *, name: str, source: str, total_steps: int | None = None) -> Table:
    """All rows; a key that a row lacks is an empty cell."""
    collector, left = Collector(), iter(rows)
    while piece := list(islice(left, _PIECE_ROWS)):
        collect_rows(collector, piece)
    return Table(name=name, source=source, n_rows=collector.n_rows, cells=collector.cells(), labels=collector.labels(), total_steps=total_steps)


def collect_rows(collector: Collector, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows; {"train": {"loss": 1}} is taken for {"train/loss": 1}."""
    flat = [_flat(row) if any(isinstance(cell, dict) for cell in row.values()) else row for row in rows]
    keys = dict.fromkeys(key for row in flat for key in row)
    collector.add(((str(key), [row.get(key) for row in flat]) for key in keys), n_rows=len(flat))


def _flat(row: Mapping[str, object], *, before: str = "", depth: int = 0) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, cell in row.items():
        if isinstance(cell, dict) and depth < _DEEPEST:
            flat |= _flat(cell, before=f"{before}{key}/", depth=depth + 1)
        else:
            flat[f"{before}{key}"] = cell
    return flat
