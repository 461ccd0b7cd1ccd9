"""Charts that Weights & Biases exports as CSV: a column "RUN - METRIC" for each run, with "…__MIN" and "…__MAX" beside it."""

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.integrations.logs.table import Cells, Table

_BETWEEN = " - "
_BOUNDS = ("__MIN", "__MAX")


def is_wandb_export(header: Sequence[str]) -> bool:
    """Whether these are the columns of such an export.

    Example:
        >>> is_wandb_export(["Step", "calm-sun-1 - train/loss", "calm-sun-1 - train/loss__MIN"]), is_wandb_export(["step", "loss"])
        (True, False)
    """
    return len(header) > 1 and _BETWEEN not in header[0] and all(_BETWEEN in name for name in header[1:])


def runs_of_export(table: Table) -> list[Table]:
    """A table for each run. Smallest and largest values within a bin are left out."""
    axis = next(iter(table.cells))
    runs: dict[str, dict[str, Cells]] = {}
    for column, cells in table.cells.items():
        run, between, metric = column.rpartition(_BETWEEN)
        if between and not metric.endswith(_BOUNDS):
            runs.setdefault(run, {axis: table.cells[axis]})[metric] = cells
    return [replace(table, name=f"{table.name}: {run}", cells=cells) for run, cells in runs.items()]
