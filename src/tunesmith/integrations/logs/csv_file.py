"""CSV of any tool: Lightning's and Keras's loggers, the trackers' exports, and what people write themselves."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, zip_longest
from pathlib import Path

from tunesmith.errors import CurveError
from tunesmith.integrations.logs.table import Collector, Table
from tunesmith.integrations.logs.wandb_csv import is_wandb_export, runs_of_export

_PIECE_ROWS = 500
"""Few enough to stay in the processor's caches: with 20,000 it takes twice as long."""
_DELIMITERS = ",;\t"
_NAMES_OF_TAG_EXPORT = {"Wall time", "Step", "Value"}


def read_csv(path: Path, *, encoding: str = "utf-8-sig") -> list[Table]:
    """The log in a CSV file; several where Weights & Biases exported several runs.

    Columns are separated by commas, semicolons or tabs; the first row names them.
    Rows without any number are counted and otherwise left alone. A row that repeats the header begins another part of the log.

    Raises:
        CurveError: The file cannot be read as text, or has no header, no rows, or no numbers.
    """
    try:
        with path.open(newline="", encoding=encoding) as file:
            first = next((line for line in file if line.strip()), "")
            delimiter = max(_DELIMITERS, key=first.count)
            header = _header(next(csv.reader([first.lstrip("# ")], delimiter=delimiter), []))
            if not header:
                raise CurveError(f"A log must hold rows of numbers, and {path} is empty. Pass another file.")
            table = _table(csv.reader(file, delimiter=delimiter), header, name=path.name)
    except (OSError, UnicodeError, csv.Error) as error:
        raise CurveError(f"A log must be a readable text file or an event file, and {path} is not ({_words(error)}). Pass another.") from error
    if not any(cells.value.size for cells in table.cells.values()):
        raise CurveError(f"A log must have columns of numbers, and {path} has none (its first line is {first.strip()[:60]!r}). Pass the log of a training.")
    if set(header) == _NAMES_OF_TAG_EXPORT:
        return [_of_one_tag(table, path)]
    return runs_of_export(table) if is_wandb_export(header) else [table]


def _header(cells: list[str]) -> list[str]:
    """Names of columns: stripped, a name that comes again numbered, and numbers alone where the file has no names."""
    names: list[str] = []
    for at, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column {at}"
        names.append(f"{name} ({at})" if name in names else name)
    return names


def _table(rows: Iterator[list[str]], header: list[str], *, name: str) -> Table:
    collector, n_odd = Collector(), 0
    breaks: list[int] = []
    notes: list[str] = []
    while piece := list(islice(rows, _PIECE_ROWS)):
        columns = list(zip(*piece, strict=False))
        if set(map(len, piece)) != {len(header)} or header[0] in columns[0]:
            piece, starts = _without_headers(piece, header)
            breaks += [collector.n_rows + start for start in starts]
            n_odd += sum(len(row) != len(header) for row in piece)
            columns = list(zip_longest(*piece, fillvalue=""))[: len(header)]
            columns += [("",) * len(piece)] * (len(header) - len(columns))
        collector.add(zip(header, columns, strict=True), n_rows=len(piece))
    if n_odd:
        notes.append(f"{n_odd} of {collector.n_rows} rows have more or fewer cells than the header; what fits is read.")
    return Table(
        name=name, source=_source(header), n_rows=collector.n_rows, cells=collector.cells(), labels=collector.labels(), breaks=tuple(breaks), notes=tuple(notes)
    )  # fmt: skip


def _without_headers(rows: list[list[str]], header: list[str]) -> tuple[list[list[str]], list[int]]:
    """Rows without empty ones and without the header where it comes again, and before which of them it came."""
    kept: list[list[str]] = []
    starts: list[int] = []
    for row in rows:
        if row and row[0].strip() == header[0] and [cell.strip() for cell in row] == header:
            starts.append(len(kept))
        elif row:
            kept.append(row)
    return kept, starts


def _source(header: list[str]) -> str:
    if any(re.fullmatch(r"lr-\w+(/pg\d+)?(-\w+)?|\w+_(step|epoch)", name) for name in header) and {"step", "epoch"} <= set(header):
        return "Lightning CSVLogger"
    return "Weights & Biases" if is_wandb_export(header) else "CSV"


def _of_one_tag(table: Table, path: Path) -> Table:
    """What TensorBoard's page saves: one tag a file, its name in the file's (run-RUN-tag-TAG.csv)."""
    tag = path.stem.rpartition("-tag-")[2]
    return replace(table, source="TensorBoard page", cells={tag: table.cells["Value"], "Step": table.cells["Step"]})


def _words(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error).partition("\n")[0][:120]
